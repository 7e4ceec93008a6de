//! Readers of every reading: what is written while the music plays, each by a thread of its own.
//!
//! ```text
//! Feed → Subscription → thread mood-outputs → Output → a file
//! ```
//!
//! To add an output, write its file here, name it in [`settings`], and list it below: nothing else
//! knows of single outputs. CONTRIBUTING.md walks through it.
//!
//! **Architecture Invariants**: an output knows readings and label spaces, never how they are
//! computed. Nobody waits for an output, no output for another, and one whose file does not answer
//! is left behind and told of.

pub mod cell;
pub mod csv;
pub mod jsonl;
pub mod lines;
pub mod row;
pub mod settings;
mod thread;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::engine::feed::Feed;
use crate::lock::lock;
use crate::model::card::ModelFacts;
use crate::reading::Stamped;

use settings::{FILES, FileKind};
use thread::Running;
pub use thread::{ANSWER_LIMIT, FINISH_LIMIT, OUTPUTS_THREAD};

/// Where readings go while the music plays. Called by one thread, which may wait for it.
///
/// ```text
/// (begin (write* flush)*)*
/// ```
pub trait Output: Send {
    /// A model came into charge: what follows are its readings. It may never give any.
    ///
    /// # Errors
    /// [`OutputError`], which ends this output.
    fn begin(&mut self, model: &ModelFacts) -> Result<(), OutputError>;

    /// Takes one reading.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn write(&mut self, stamped: &Stamped) -> Result<(), OutputError>;

    /// Brings on its way what was taken: there is no more at present.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    fn flush(&mut self) -> Result<(), OutputError>;
}

/// Why readings do not reach where they should go, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The file cannot be opened, read or written.
    #[error("Readings cannot be written to {path}: {error}. Choose another file.", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The file exists and holds something else.
    #[error(
        "{path} holds something other than readings, and is left as it is. Choose another file.",
        path = .path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// How one output is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputState {
    /// Its kind.
    pub kind: &'static FileKind,
    /// The file that was chosen; `None` where it is off.
    pub path: Option<PathBuf>,
    /// Readings that have been written since it was chosen, or since the host last activated the
    /// plugin.
    pub written: u64,
    /// Readings that found no room on their way and are missing.
    pub missed: u64,
    /// What is wrong, and what to do; `None` where all is well.
    pub problem: Option<String>,
}

/// All outputs of one instance: off until a file is chosen, at work while they are open.
pub struct Outputs {
    feed: Arc<Feed>,
    all: Mutex<All>,
}

impl std::fmt::Debug for Outputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").finish_non_exhaustive()
    }
}

struct All {
    /// Whether there is an engine whose readings can be written.
    is_open: bool,
    slots: Vec<Slot>,
}

/// One kind of output, on or off.
struct Slot {
    kind: &'static FileKind,
    path: Option<PathBuf>,
    running: Option<Running>,
    /// Why it could not be started.
    refused: Option<String>,
}

impl Outputs {
    /// Every kind of output there is, of the readings of `feed`; all off.
    #[must_use]
    pub fn new(feed: Arc<Feed>) -> Self {
        Self::of_kinds(feed, FILES)
    }

    /// As [`new`](Self::new), of these kinds alone.
    #[must_use]
    pub fn of_kinds(feed: Arc<Feed>, kinds: &'static [FileKind]) -> Self {
        let slot = |kind| Slot { kind, path: None, running: None, refused: None };
        let slots = kinds.iter().map(slot).collect();
        Self { feed, all: Mutex::new(All { is_open: false, slots }) }
    }

    /// From here on readings go to `path`, in the manner of `kind`, or nowhere; nothing where there
    /// is no such kind. Waits for no file. A file that is being written already goes on as it is,
    /// and one that failed is tried again.
    pub fn set(&self, kind: &FileKind, path: Option<PathBuf>) {
        let mut all = lock(&self.all);
        let is_open = all.is_open;
        if let Some(slot) = all.slots.iter_mut().find(|slot| slot.kind.word == kind.word) {
            slot.path = path;
            slot.adjust(&self.feed, is_open);
        }
    }

    /// Begins to write what has a file. Waits for no file.
    pub fn open(&self) {
        let mut all = lock(&self.all);
        all.is_open = true;
        all.slots.iter_mut().for_each(|slot| slot.adjust(&self.feed, true));
    }

    /// Writes what was published so far and ends; at once where a file does not answer.
    pub fn close(&self) {
        let mut ending = {
            let mut all = lock(&self.all);
            all.is_open = false;
            all.slots.iter_mut().map(|slot| slot.running.take()).collect::<Vec<_>>()
        };
        // First all are told, then all are waited for, so that they end side by side; and meanwhile
        // nobody waits who only wants to know how they are doing.
        ending.iter().flatten().for_each(Running::ask_to_stop);
        ending.iter_mut().flatten().for_each(|running| _ = running.end(FINISH_LIMIT));
        for (slot, ended) in lock(&self.all).slots.iter_mut().zip(ending) {
            slot.running = slot.running.take().or(ended);
        }
    }

    /// How each kind of output is doing, in the order of the kinds.
    #[must_use]
    pub fn states(&self) -> Vec<OutputState> {
        lock(&self.all).slots.iter().map(Slot::state).collect()
    }

    /// What is wrong with the first output with which anything is, and what to do.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.states().into_iter().find_map(|state| state.problem)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.close();
    }
}

impl Slot {
    /// Starts, ends or leaves the thread, as what is wanted differs from what there is.
    fn adjust(&mut self, feed: &Arc<Feed>, is_open: bool) {
        let wanted = self.path.clone().filter(|_| is_open);
        let at_work = self.running.as_ref().filter(|running| running.is_at_work());
        if at_work.and_then(Running::path) == wanted.as_deref() {
            // What a file before said is not news of none.
            if wanted.is_none() && at_work.is_none() && self.path.is_none() {
                (self.running, self.refused) = (None, None);
            }
            return;
        }
        self.refused = None;
        let before = self.running.take();
        match Running::start(self.kind, wanted, feed, before) {
            Ok(running) => self.running = Some(running),
            Err(why) => self.refused = Some(why),
        }
    }

    fn state(&self) -> OutputState {
        // One that only sees another to its end has nothing to say.
        let running = self.running.as_ref().filter(|running| running.path().is_some());
        OutputState {
            kind: self.kind,
            path: self.path.clone(),
            written: running.map_or(0, Running::written),
            missed: running.map_or(0, Running::missed),
            problem: self.refused.clone().or_else(|| running.and_then(Running::problem)),
        }
    }
}
