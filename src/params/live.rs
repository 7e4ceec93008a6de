//! What is sent live, as the state keeps it: any JSON will do, of which another version may have
//! written more or less.

use std::sync::{Mutex, OnceLock};

use nice_plug::params::persist::PersistentField;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::lock::lock;

/// Called with new settings.
type Listener<T> = Box<dyn Fn(T) + Send + Sync>;

/// The settings, and the one listener that acts on them, whoever changed them: the user or a state.
#[derive(Default)]
pub(super) struct Saved<T> {
    settings: Mutex<T>,
    listener: OnceLock<Listener<T>>,
}

impl<T: Clone> Saved<T> {
    pub(super) fn get(&self) -> T {
        lock(&self.settings).clone()
    }

    pub(super) fn choose(&self, settings: T) {
        lock(&self.settings).clone_from(&settings);
        if let Some(listener) = self.listener.get() {
            listener(settings);
        }
    }

    /// Has `listener` act on all settings, beginning with those there are. For one caller, once.
    pub(super) fn listen(&self, listener: impl Fn(T) + Send + Sync + 'static) {
        listener(self.get());
        let _had_one = self.listener.set(Box::new(listener));
    }
}

impl<T> PersistentField<'_, Value> for Saved<T>
where
    T: Clone + Default + PartialEq + Send + Serialize + DeserializeOwned,
{
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
