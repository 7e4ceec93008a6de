//! What the host saves and automates.

mod choice;
mod live;
mod path;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use nice_plug::params::persist::PersistentField;
use nice_plug::prelude::*;
use serde_json::Value;

use crate::config::SILENCE_DB;
use crate::history::{History, state};
use crate::live::settings::{OscSettings, PageSettings};
use crate::outputs::settings::FileKind;
use crate::prefs::Prefs;

use choice::{Choice, FirstOutput, OtherOutputs, OutputChoices};
use live::Saved;

/// Lowest and highest gate, dB re full scale: a quiet room's noise, and quiet music.
pub const GATE_RANGE_DB: (f32, f32) = (-90.0, -30.0);

/// How fast the display follows the readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Response {
    /// At once, for DJs.
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

    /// On: the meter also forgets what it heard where the host's transport starts or jumps, not
    /// where it goes round a loop.
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

    /// File that gets one row of CSV per reading; none while empty.
    #[persist = "csv_path"]
    first_output: FirstOutput,

    /// The files of all other outputs.
    #[persist = "outputs"]
    other_outputs: OtherOutputs,

    /// What is sent by OSC, and to whom.
    #[persist = "osc"]
    osc: Saved<OscSettings>,

    /// The page for browsers.
    #[persist = "page"]
    page: Saved<PageSettings>,

    /// The user's own model, an ONNX file; the shipped one while empty.
    #[persist = "model_path"]
    model: Choice,

    /// What was read so far, so that a project keeps it.
    #[persist = "history"]
    pub history: SavedHistory,

    /// What could not be read of the state that was loaded last. Never saved.
    #[persist = "unread"]
    unread: Unread,
}

/// The history, as the state keeps it: a text that [`state`] writes. Shared with whoever records
/// and shows it.
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

/// Who is to know of names that a state brings.
type NamesListener = Box<dyn Fn(&[String]) + Send + Sync>;

/// Names of what could not be read of a state, on their way from whoever read it to whoever tells
/// the user.
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

/// What was set in the window, as the state keeps it: any JSON will do, of which another version
/// may have written more or less.
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
        let outputs = OutputChoices::default();
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            hold: BoolParam::new("Hold", false),
            reset: BoolParam::new("Reset", false),
            auto_reset: BoolParam::new("Auto Reset", true),
            response: EnumParam::new("Response", Response::default()),
            gate_db: gate(),
            editor: SavedPrefs::default(),
            first_output: FirstOutput(outputs.clone()),
            other_outputs: OtherOutputs(outputs),
            osc: Saved::default(),
            page: Saved::default(),
            model: Choice::default(),
            history: SavedHistory::default(),
            unread: Unread::default(),
        }
    }
}

impl MoodringParams {
    /// The file that an output of this kind writes; `None` where it is off.
    #[must_use]
    pub fn output_path(&self, kind: &FileKind) -> Option<PathBuf> {
        self.other_outputs.0.of(kind).and_then(Choice::path)
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

    /// Chooses the user's own model, or the shipped one.
    pub fn set_model_path(&self, path: Option<PathBuf>) {
        self.model.choose(path);
    }

    /// Chooses the file that an output of this kind writes, or switches it off.
    pub fn set_output_path(&self, kind: &FileKind, path: Option<PathBuf>) {
        if let Some(choice) = self.other_outputs.0.of(kind) {
            choice.choose(path);
        }
    }

    /// What is sent by OSC, and to whom.
    #[must_use]
    pub fn osc(&self) -> OscSettings {
        self.osc.get()
    }

    /// Sends by OSC as these settings say.
    pub fn set_osc(&self, settings: OscSettings) {
        self.osc.choose(settings);
    }

    /// As [`on_model`](Self::on_model), of what is sent by OSC.
    pub fn on_osc(&self, listener: impl Fn(OscSettings) + Send + Sync + 'static) {
        self.osc.listen(listener);
    }

    /// The page for browsers.
    #[must_use]
    pub fn page(&self) -> PageSettings {
        self.page.get()
    }

    /// Shows a page to browsers as these settings say.
    pub fn set_page(&self, settings: PageSettings) {
        self.page.choose(settings);
    }

    /// As [`on_model`](Self::on_model), of the page for browsers.
    pub fn on_page(&self, listener: impl Fn(PageSettings) + Send + Sync + 'static) {
        self.page.listen(listener);
    }

    /// Has `listener` act on the model that is chosen now, and whenever the user or a state chooses
    /// another. For one caller, once.
    pub fn on_model(&self, listener: impl Fn(Option<PathBuf>) + Send + Sync + 'static) {
        self.model.listen(listener);
    }

    /// As [`on_model`](Self::on_model), of the file of each kind of output.
    pub fn on_output<F>(&self, listener: F)
    where
        F: Fn(&'static FileKind, Option<PathBuf>) + Clone + Send + Sync + 'static,
    {
        for (kind, choice) in self.other_outputs.0.iter() {
            let (kind, listener) = (*kind, listener.clone());
            choice.listen(move |path| listener(kind, path));
        }
    }

    /// Has `tell` told, with every state that is loaded, what of it could not be read; of nothing
    /// where all could. For one caller, once.
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
    use crate::outputs::settings::FILES;
    use crate::prefs::Page;
    use crate::reading::{Phase, Reading};

    #[test]
    fn blank_paths_are_none() {
        let params = MoodringParams::default();
        params.set_output_path(&FILES[0], Some("  ".into()));
        params.set_model_path(Some(" /a b/c.onnx\n".into()));
        assert_eq!(params.output_path(&FILES[0]), None);
        assert_eq!(params.model_path(), Some("/a b/c.onnx".into()));
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
    fn the_file_of_every_output_survives_the_round_trip_through_saved_fields() {
        let params = MoodringParams::default();
        for (i, kind) in FILES.iter().enumerate() {
            params.set_output_path(kind, Some(format!("/tmp/söng \"{i}\".{}", kind.word).into()));
        }
        let loaded = MoodringParams::default();
        loaded.deserialize_fields(&params.serialize_fields());
        for kind in FILES {
            assert!(params.output_path(kind).is_some());
            assert_eq!(loaded.output_path(kind), params.output_path(kind));
        }
        let with_one = MoodringParams::default();
        with_one.set_output_path(&FILES[1], Some("/a".into()));
        loaded.deserialize_fields(&with_one.serialize_fields());
        let paths: Vec<_> = FILES.iter().map(|kind| loaded.output_path(kind)).collect();
        assert_eq!(paths, [None, Some("/a".into())]);
        for junk in ["{}", "[1]", "{\"jsonl\": 7}", "null"] {
            loaded.deserialize_fields(&with_one.serialize_fields());
            loaded.deserialize_fields(&BTreeMap::from([("outputs".to_owned(), junk.to_owned())]));
            assert_eq!(loaded.output_path(&FILES[1]), None, "{junk}");
        }
    }

    #[test]
    fn what_is_sent_by_osc_survives_and_whoever_sends_is_told_once_of_each_change() {
        let settings = OscSettings { is_on: true, rate_hz: 30, ..OscSettings::default() };
        let params = MoodringParams::default();
        params.set_osc(settings.clone());
        let loaded = MoodringParams::default();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        loaded.on_osc(move |settings| listener.lock().unwrap().push(settings));
        for _ in 0..2 {
            loaded.deserialize_fields(&params.serialize_fields());
        }
        assert_eq!(*told.lock().unwrap(), [OscSettings::default(), settings]);
        for junk in ["[1]", "\"x\"", "null", "{\"is_on\": 7}"] {
            loaded.deserialize_fields(&BTreeMap::from([("osc".to_owned(), junk.to_owned())]));
            assert_eq!(loaded.osc(), OscSettings::default(), "{junk}");
        }
    }

    #[test]
    fn one_listener_acts_on_what_users_and_states_choose() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let params = MoodringParams::default();
        let listener = Arc::clone(&told);
        params.on_model(move |path| listener.lock().unwrap().push(path));
        let restore = |path: &str| {
            let field = ("model_path".to_owned(), format!("\"{path}\""));
            params.deserialize_fields(&BTreeMap::from([field]));
        };
        // The same state again is not a choice; the same file chosen again is.
        ["", "a.onnx", "a.onnx"].iter().for_each(|path| restore(path));
        params.set_model_path(Some("a.onnx".into()));
        restore("");
        let model = Some(PathBuf::from("a.onnx"));
        assert_eq!(*told.lock().unwrap(), [None, model.clone(), model, None]);
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
        assert_eq!(params.output_path(&FILES[0]), Some("/kept".into()));
    }
}
