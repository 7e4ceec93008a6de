//! What the host saves and automates.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use nice_plug::prelude::*;

use crate::prefs::Prefs;

pub const GATE_RANGE_DB: (f32, f32) = (-90.0, -30.0);

/// How quickly the needles follow the readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Response {
    /// At once: for mixing one song into another.
    #[id = "dj"]
    #[name = "DJ (fast)"]
    Dj,
    /// Within a second.
    #[default]
    #[id = "mix"]
    #[name = "Mix"]
    Mix,
    /// Within a phrase.
    #[id = "slow"]
    #[name = "Slow"]
    Slow,
}

/// The plugin's parameters and settings. Ids are never renamed: saved projects name them.
#[derive(Params)]
pub struct MoodringParams {
    /// On: the meter does not listen. Audio passes untouched either way.
    #[id = "bypass"]
    pub bypass: BoolParam,

    #[id = "hold"]
    pub hold: BoolParam,
    #[id = "auto_reset"]
    pub auto_reset: BoolParam,
    #[id = "response"]
    pub response: EnumParam<Response>,
    #[id = "gate_db"]
    pub gate_db: FloatParam,

    /// What the user has set in the window.
    #[persist = "editor"]
    editor: RwLock<Prefs>,

    /// File that gets one row per reading; none while empty. Takes effect when the host next activates the plugin.
    #[persist = "csv_path"]
    pub csv_path: RwLock<String>,

    /// The user's own model, an ONNX file; the shipped one while empty. Takes effect when the host next activates the plugin.
    #[persist = "model_path"]
    pub model_path: RwLock<String>,
}

impl Default for MoodringParams {
    fn default() -> Self {
        Self {
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            hold: BoolParam::new("Hold", false),
            auto_reset: BoolParam::new("Auto reset", true),
            response: EnumParam::new("Response", Response::default()),
            gate_db: FloatParam::new("Gate", -70.0, FloatRange::Linear { min: -90.0, max: -30.0 }),
            editor: RwLock::default(),
            csv_path: RwLock::default(),
            model_path: RwLock::default(),
        }
    }
}

impl MoodringParams {
    /// The file for readings, if one is set.
    #[must_use]
    pub fn csv_path(&self) -> Option<PathBuf> {
        path(&self.csv_path)
    }

    /// The user's own model, if one is set.
    #[must_use]
    pub fn model_path(&self) -> Option<PathBuf> {
        path(&self.model_path)
    }
}

impl MoodringParams {
    /// What the user has set in the window.
    #[must_use]
    pub fn prefs(&self) -> Prefs {
        self.editor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what the user has set in the window.
    pub fn set_prefs(&self, prefs: Prefs) {
        *self.editor.write().unwrap_or_else(PoisonError::into_inner) = prefs;
    }

    /// Names the user's own model, or none.
    pub fn set_model_path(&self, path: Option<&Path>) {
        let text = path.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        *self.model_path.write().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// The path in a text field; `None` where it is blank.
fn path(field: &RwLock<String>) -> Option<PathBuf> {
    let text = field.read().unwrap_or_else(PoisonError::into_inner);
    let text = text.trim();
    (!text.is_empty()).then(|| PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn blank_paths_are_none() {
        let params = MoodringParams::default();
        *params.csv_path.write().unwrap() = "  ".to_owned();
        *params.model_path.write().unwrap() = " /a b/c.onnx\n".to_owned();
        assert_eq!(params.csv_path(), None);
        assert_eq!(params.model_path(), Some(PathBuf::from("/a b/c.onnx")));
    }

    #[test]
    fn paths_survive_the_round_trip_through_saved_fields() {
        let params = MoodringParams::default();
        *params.csv_path.write().unwrap() = "/tmp/söng \"1\".csv".to_owned();
        let loaded = MoodringParams::default();
        loaded.deserialize_fields(&params.serialize_fields());
        assert_eq!(loaded.csv_path(), params.csv_path());
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
