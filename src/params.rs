//! What the host saves and automates.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::*;
use serde_json::Value;

use crate::config::SILENCE_DB;
use crate::history::{History, state};
use crate::prefs::Prefs;

/// Lowest and highest gate, dB re full scale: a quiet room's noise, and quiet music.
pub const GATE_RANGE_DB: (f32, f32) = (-90.0, -30.0);

/// How fast the display follows the readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Response {
    /// At once, for who plays records.
    #[id = "dj"]
    #[name = "DJ (fast)"]
    Dj,
    /// As fast as a meter is read while mixing.
    #[id = "mix"]
    #[default]
    Mix,
    /// By sections rather than bars.
    #[id = "slow"]
    Slow,
}

/// The plugin's parameters and settings. Ids are never renamed: saved projects name them.
#[derive(Params)]
pub struct MoodringParams {
    /// On: the meter does not listen. Audio passes untouched either way.
    #[id = "bypass"]
    pub bypass: BoolParam,

    /// On: the display keeps the reading it shows. The analysis goes on.
    #[id = "hold"]
    pub hold: BoolParam,

    /// Where it turns on: the meter forgets what it heard. What is on record stays.
    #[id = "reset"]
    pub reset: BoolParam,

    /// On: the meter also forgets what it heard where the host's transport starts or jumps, not where it goes round a loop.
    #[id = "auto_reset"]
    pub auto_reset: BoolParam,

    /// How fast the display follows the readings.
    #[id = "response"]
    pub response: EnumParam<Response>,

    /// Mean power under which music counts as silence, dB re full scale.
    #[id = "gate_db"]
    pub gate_db: FloatParam,

    /// What the user has set in the window.
    #[persist = "editor"]
    editor: SavedPrefs,

    /// File that gets one row per reading; none while empty.
    #[persist = "csv_path"]
    csv: FileChoice,

    /// The user's own model, an ONNX file; the shipped one while empty.
    #[persist = "model_path"]
    model: FileChoice,

    /// What was read so far, so that a project keeps it.
    #[persist = "history"]
    pub history: SavedHistory,

    /// What could not be read of the state that was loaded last. Never saved.
    #[persist = "unread"]
    unread: Unread,
}

/// The history, as the state keeps it: a text that [`state`] writes. Shared with whoever records and shows it.
#[derive(Clone, Default)]
pub struct SavedHistory {
    history: Arc<Mutex<History>>,
    /// Whether the state that was loaded last had one that could not be read.
    is_unread: Arc<AtomicBool>,
}

impl SavedHistory {
    /// The history itself.
    #[must_use]
    pub fn shared(&self) -> Arc<Mutex<History>> {
        Arc::clone(&self.history)
    }

    /// Whether the state that was loaded last had one that could not be read, and is now empty.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.is_unread.load(Ordering::Relaxed)
    }
}

impl PersistentField<'_, String> for SavedHistory {
    fn set(&self, text: String) {
        let is_read = state::restore(&self.history, &text);
        self.is_unread.store(!is_read, Ordering::Relaxed);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&state::to_text(&self.history))
    }
}

/// Who is to know of a path that a state brings.
type PathListener = Box<dyn Fn(Option<PathBuf>) + Send + Sync>;

/// The path of a file, and who is to know when a state brings another.
#[derive(Default)]
struct FileChoice {
    path: RwLock<String>,
    on_restore: OnceLock<PathListener>,
}

impl FileChoice {
    /// The path; `None` where it is blank.
    fn path(&self) -> Option<PathBuf> {
        let text = self.path.read().unwrap_or_else(PoisonError::into_inner);
        let text = text.trim();
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    fn choose(&self, path: Option<&Path>) {
        let text = path.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        *self.path.write().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

impl PersistentField<'_, String> for FileChoice {
    fn set(&self, text: String) {
        let mut now = self.path.write().unwrap_or_else(PoisonError::into_inner);
        // Hosts restore the same state again, to undo something say; a file that is in use already stays so.
        if *now == text {
            return;
        }
        *now = text;
        drop(now);
        if let Some(on_restore) = self.on_restore.get() {
            on_restore(self.path());
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.path.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who is to know of names that a state brings.
type NamesListener = Box<dyn Fn(&[String]) + Send + Sync>;

/// Names of what could not be read of a state, on their way from whoever read it to whoever tells the user.
#[derive(Default)]
struct Unread {
    on_restore: OnceLock<NamesListener>,
}

impl PersistentField<'_, Vec<String>> for Unread {
    fn set(&self, names: Vec<String>) {
        if let Some(on_restore) = self.on_restore.get() {
            on_restore(&names);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Vec<String>) -> R,
    {
        f(&Vec::new())
    }
}

/// What was set in the window, as the state keeps it: any JSON will do, of which another version may have written more or less.
#[derive(Default)]
struct SavedPrefs(RwLock<Prefs>);

impl PersistentField<'_, Value> for SavedPrefs {
    fn set(&self, value: Value) {
        let prefs = serde_json::from_value(value).unwrap_or_default();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = prefs;
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Value) -> R,
    {
        let prefs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f(&serde_json::to_value(&*prefs).unwrap_or_default())
    }
}

impl Default for MoodringParams {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            hold: BoolParam::new("Hold", false),
            reset: BoolParam::new("Reset", false),
            auto_reset: BoolParam::new("Auto Reset", true),
            response: EnumParam::new("Response", Response::default()),
            gate_db: gate(),
            editor: SavedPrefs::default(),
            csv: FileChoice::default(),
            model: FileChoice::default(),
            history: SavedHistory::default(),
            unread: Unread::default(),
        }
    }
}

impl MoodringParams {
    /// The file for readings, if one is set.
    #[must_use]
    pub fn csv_path(&self) -> Option<PathBuf> {
        self.csv.path()
    }

    /// The user's own model, if one is set.
    #[must_use]
    pub fn model_path(&self) -> Option<PathBuf> {
        self.model.path()
    }

    /// What the user has set in the window.
    #[must_use]
    pub fn prefs(&self) -> Prefs {
        self.editor.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what the user has set in the window.
    pub fn set_prefs(&self, prefs: Prefs) {
        *self.editor.0.write().unwrap_or_else(PoisonError::into_inner) = prefs;
    }

    /// Names the user's own model, or none.
    pub fn set_model_path(&self, path: Option<&Path>) {
        self.model.choose(path);
    }

    /// Names the file for readings, or none.
    pub fn set_csv_path(&self, path: Option<&Path>) {
        self.csv.choose(path);
    }

    /// Has `tell` told of the model, or of none, whenever a state brings another than there was. For one caller, once.
    pub fn on_model_restored(&self, tell: impl Fn(Option<PathBuf>) + Send + Sync + 'static) {
        let _told_already = self.model.on_restore.set(Box::new(tell));
    }

    /// As [`on_model_restored`](Self::on_model_restored), of the file for readings.
    pub fn on_csv_restored(&self, tell: impl Fn(Option<PathBuf>) + Send + Sync + 'static) {
        let _told_already = self.csv.on_restore.set(Box::new(tell));
    }

    /// Has `tell` told, with every state that is loaded, what of it could not be read; of nothing where all could. For one caller, once.
    pub fn on_state_read(&self, tell: impl Fn(&[String]) + Send + Sync + 'static) {
        let _told_already = self.unread.on_restore.set(Box::new(tell));
    }
}

fn gate() -> FloatParam {
    let (min, max) = GATE_RANGE_DB;
    let text_to_db =
        |text: &str| text.trim().trim_end_matches(['d', 'D', 'b', 'B']).trim().parse().ok();
    FloatParam::new("Gate", SILENCE_DB, FloatRange::Linear { min, max })
        .with_unit(" dB")
        .with_step_size(1.0)
        .with_value_to_string(formatters::v2s_f32_rounded(0))
        .with_string_to_value(Arc::new(text_to_db))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::prefs::Page;
    use crate::reading::{Phase, Reading};

    #[test]
    fn blank_paths_are_none() {
        let params = MoodringParams::default();
        params.set_csv_path(Some(Path::new("  ")));
        params.set_model_path(Some(Path::new(" /a b/c.onnx\n")));
        assert_eq!(params.csv_path(), None);
        assert_eq!(params.model_path(), Some(PathBuf::from("/a b/c.onnx")));
    }

    #[test]
    fn what_was_set_in_the_window_survives_and_what_is_none_is_passed_over() {
        let params = MoodringParams::default();
        let mut prefs = Prefs::default();
        prefs.set_size(900.0, 500.0);
        prefs.page = Page::Then;
        params.set_prefs(prefs.clone());
        let loaded = MoodringParams::default();
        loaded.deserialize_fields(&params.serialize_fields());
        assert_eq!(loaded.prefs(), prefs);
        for junk in ["{}", "[1]", "\"\"", "{\"page\": 7}", "null"] {
            loaded.deserialize_fields(&BTreeMap::from([("editor".to_owned(), junk.to_owned())]));
            assert_eq!(loaded.prefs(), Prefs::default(), "{junk}");
        }
    }

    #[test]
    fn paths_survive_the_round_trip_through_saved_fields() {
        let params = MoodringParams::default();
        params.set_csv_path(Some(Path::new("/tmp/söng \"1\".csv")));
        let loaded = MoodringParams::default();
        loaded.deserialize_fields(&params.serialize_fields());
        assert_eq!(loaded.csv_path(), params.csv_path());
    }

    #[test]
    fn only_a_state_with_another_model_is_told_of() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let params = MoodringParams::default();
        let listener = Arc::clone(&told);
        params.on_model_restored(move |path| listener.lock().unwrap().push(path));
        for path in ["\"\"", "\"a.onnx\"", "\"a.onnx\"", "\"\""] {
            params
                .deserialize_fields(&BTreeMap::from([("model_path".to_owned(), path.to_owned())]));
        }
        assert_eq!(*told.lock().unwrap(), [Some(PathBuf::from("a.onnx")), None]);
    }

    #[test]
    fn the_gate_reads_what_it_writes() {
        let gate = MoodringParams::default().gate_db;
        assert_eq!(gate.value(), SILENCE_DB);
        for db in [-90.0, -70.0, -53.0, -30.0] {
            let text = gate.normalized_value_to_string(gate.preview_normalized(db), true);
            let read = gate.string_to_normalized_value(&text).unwrap();
            assert!((gate.preview_plain(read) - db).abs() < 0.01, "{text}");
        }
        assert_eq!(gate.string_to_normalized_value("loud"), None);
    }

    #[test]
    fn the_history_survives_the_round_trip_through_saved_fields() {
        let params = MoodringParams::default();
        let live =
            Reading { time_secs: 7.0, phase: Phase::Live, n_spaces: 1, ..Reading::default() };
        params.history.shared().lock().unwrap().record(&live.into());
        let fields = params.serialize_fields();
        let loaded = MoodringParams::default();
        loaded.deserialize_fields(&fields);
        let newest = |params: &MoodringParams| params.history.shared().lock().unwrap().newest();
        assert_eq!(newest(&loaded), newest(&params));
        assert!(newest(&loaded).is_some());
        // An older version's fields say nothing of it.
        loaded.deserialize_fields(&BTreeMap::from([("csv_path".to_owned(), "\"\"".to_owned())]));
        assert!(newest(&loaded).is_some());
    }

    #[test]
    fn settings_of_another_version_are_ignored() {
        let params = MoodringParams::default();
        let fields = [("unknown", "1"), ("csv_path", "\"/kept\""), ("also", "not json {")];
        let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned()));
        params.deserialize_fields(&BTreeMap::from(fields));
        assert_eq!(params.csv_path(), Some(PathBuf::from("/kept")));
    }
}
