//! What is sent by OSC, as the state keeps it: any JSON will do, of which another version may have
//! written more or less.

use std::sync::{Mutex, OnceLock};

use nice_plug::params::persist::PersistentField;
use serde_json::Value;

use crate::live::settings::OscSettings;
use crate::lock::lock;

/// Called with new settings.
type Listener = Box<dyn Fn(OscSettings) + Send + Sync>;

/// The settings, and the one listener that acts on them, whoever changed them: the user or a state.
#[derive(Default)]
pub(super) struct SavedOsc {
    settings: Mutex<OscSettings>,
    listener: OnceLock<Listener>,
}

impl SavedOsc {
    pub(super) fn get(&self) -> OscSettings {
        lock(&self.settings).clone()
    }

    pub(super) fn choose(&self, settings: OscSettings) {
        lock(&self.settings).clone_from(&settings);
        if let Some(listener) = self.listener.get() {
            listener(settings);
        }
    }

    /// Has `listener` act on all settings, beginning with those there are. For one caller, once.
    pub(super) fn listen(&self, listener: impl Fn(OscSettings) + Send + Sync + 'static) {
        listener(self.get());
        let _had_one = self.listener.set(Box::new(listener));
    }
}

impl PersistentField<'_, Value> for SavedOsc {
    fn set(&self, value: Value) {
        let settings = serde_json::from_value(value).unwrap_or_default();
        // Hosts restore the same state again.
        if self.get() != settings {
            self.choose(settings);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Value) -> R,
    {
        f(&serde_json::to_value(self.get()).unwrap_or_default())
    }
}
