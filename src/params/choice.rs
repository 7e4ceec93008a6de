//! Files that a user chooses and a project keeps.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use nice_plug::params::persist::PersistentField;
use serde_json::Value;

use super::path;
use crate::lock::lock;
use crate::outputs::settings::{FILES, FileKind};

/// Called with the path of a choice.
type Listener = Box<dyn Fn(Option<PathBuf>) + Send + Sync>;

/// The path of a file, and the one listener that acts on it, whoever chose: the user or a state.
#[derive(Default)]
pub(super) struct Choice {
    path: Mutex<Option<PathBuf>>,
    listener: OnceLock<Listener>,
}

impl Choice {
    pub(super) fn path(&self) -> Option<PathBuf> {
        lock(&self.path).clone()
    }

    /// The user's own choice, which is acted on even where it is the same again: to try once more.
    pub(super) fn choose(&self, path: Option<PathBuf>) {
        // Through its text, so that it is now what it will be when the project is opened again.
        let path = path::from_text(&path::to_text(path.as_deref()));
        lock(&self.path).clone_from(&path);
        if let Some(listener) = self.listener.get() {
            listener(path);
        }
    }

    /// What a state brings. Hosts restore the same state again, to undo something say; a file that
    /// is in use already stays so.
    fn restore(&self, text: &str) {
        let path = path::from_text(text);
        if self.path() != path {
            self.choose(path);
        }
    }

    fn text(&self) -> String {
        path::to_text(self.path().as_deref())
    }

    /// Has `listener` act on every choice, beginning with the one there is. For one caller, once.
    pub(super) fn listen(&self, listener: impl Fn(Option<PathBuf>) + Send + Sync + 'static) {
        listener(self.path());
        let _had_one = self.listener.set(Box::new(listener));
    }
}

impl PersistentField<'_, String> for Choice {
    fn set(&self, text: String) {
        self.restore(&text);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.text())
    }
}

/// The kind of output whose file has a field of its own in the state, from when it was the only
/// one.
static FIRST: &FileKind = &FILES[0];

/// The files of the outputs, by kind.
#[derive(Clone)]
pub(super) struct OutputChoices(Arc<Vec<(&'static FileKind, Choice)>>);

impl Default for OutputChoices {
    fn default() -> Self {
        Self(Arc::new(FILES.iter().map(|kind| (kind, Choice::default())).collect()))
    }
}

impl OutputChoices {
    /// That of a kind; `None` where there is no such kind.
    pub(super) fn of(&self, kind: &FileKind) -> Option<&Choice> {
        self.0.iter().find(|(other, _)| other.word == kind.word).map(|(_, choice)| choice)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(&'static FileKind, Choice)> {
        self.0.iter()
    }

    fn others(&self) -> impl Iterator<Item = &(&'static FileKind, Choice)> {
        self.iter().filter(|(kind, _)| kind.word != FIRST.word)
    }
}

/// All outputs but the first, as an object of paths by the word of their kind.
#[derive(Default)]
pub(super) struct OtherOutputs(pub(super) OutputChoices);

impl PersistentField<'_, Value> for OtherOutputs {
    fn set(&self, value: Value) {
        // Another version may have written kinds that there are not, or something else altogether.
        for (kind, choice) in self.0.others() {
            choice.restore(value.get(kind.word).and_then(Value::as_str).unwrap_or_default());
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&Value) -> R,
    {
        let texts = self.0.others().map(|(kind, choice)| (kind.word, choice.text()));
        let chosen: BTreeMap<_, _> = texts.filter(|(_, text)| !text.is_empty()).collect();
        f(&serde_json::to_value(chosen).unwrap_or_default())
    }
}

/// The first output, as its path.
#[derive(Default)]
pub(super) struct FirstOutput(pub(super) OutputChoices);

impl PersistentField<'_, String> for FirstOutput {
    fn set(&self, text: String) {
        if let Some(choice) = self.0.of(FIRST) {
            choice.restore(&text);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.0.of(FIRST).map(Choice::text).unwrap_or_default())
    }
}
