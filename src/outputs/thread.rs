//! The threads that write the outputs, `mood-outputs`, one for each file that is asked for.
//!
//! **Architecture Invariant**: nobody waits for a file. A thread whose file does not answer is left
//! behind and writes nothing any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::settings::FileKind;
use super::{Output, OutputError};
use crate::engine::feed::{Event, Feed, QUEUE_READINGS, Subscribed, Subscription};
use crate::errand;
use crate::lock::lock;

/// Name of the threads.
pub const OUTPUTS_THREAD: &str = "mood-outputs";

/// How often an output looks for readings.
const PERIOD: Duration = Duration::from_millis(100);

/// How long a file may take for the last readings when its output ends. One that takes longer is
/// given up, and gets what was on its way to it when it wakes.
pub const FINISH_LIMIT: Duration = Duration::from_millis(500);

/// How long a file may take before the user is told.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A file and the thread that writes to it.
pub(super) struct Running {
    /// The file; `None` where the thread only sees the one before it to its end.
    path: Option<PathBuf>,
    seat: Option<Subscribed>,
    told: Arc<Told>,
    thread: Option<JoinHandle<()>>,
}

/// What a writer is told, and tells.
#[derive(Default)]
struct Told {
    /// To write what there is and end.
    to_stop: AtomicBool,
    /// To write nothing any more: nobody waits for it.
    is_lost: AtomicBool,
    /// When it last turned to its file, milliseconds after the first question, plus one; 0 while it
    /// does not.
    busy_since_ms: AtomicU64,
    /// Readings that are written.
    written: AtomicU64,
    /// Readings that it had missed when it ended.
    missed: AtomicU64,
    /// Why it ended before it was asked to, or why it could not write the last readings.
    problem: Mutex<Option<String>>,
}

impl Running {
    /// Starts the thread for `path`, which first sees the one before it to its end: both may have
    /// the same file. Waits for neither.
    ///
    /// # Errors
    /// Where the system refuses a thread, or the feed a reader; in words.
    pub(super) fn start(
        kind: &'static FileKind,
        path: Option<PathBuf>,
        feed: &Arc<Feed>,
        mut before: Option<Self>,
    ) -> Result<Self, String> {
        if let Some(before) = &before {
            before.ask_to_stop();
        }
        let writing = match &path {
            Some(path) => Some((path.clone(), feed.subscribe().ok_or_else(too_many)?)),
            None => None,
        };
        let seat = writing.as_ref().map(|(_, subscription)| subscription.subscribed());
        let told = Arc::new(Told::default());
        let listens = Arc::clone(&told);
        let body = move || {
            if let Some(before) = &mut before {
                before.end(ANSWER_LIMIT);
            }
            if let Some((path, mut subscription)) = writing {
                listens.end(&path, subscription.subscribed(), || {
                    write(&mut *(kind.output)(path.clone()), &mut subscription, &listens)
                });
            }
        };
        let thread = Builder::new().name(OUTPUTS_THREAD.to_owned()).spawn(body);
        let thread = Some(thread.map_err(|error| refused(&error))?);
        Ok(Self { path, seat, told, thread })
    }

    /// Whether its thread has not ended yet.
    pub(super) fn is_at_work(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// The file that is written to.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Readings that are written.
    pub(super) fn written(&self) -> u64 {
        self.told.written.load(Ordering::Relaxed)
    }

    /// Readings that found no room on their way.
    pub(super) fn missed(&self) -> u64 {
        let at_work = self.seat.as_ref().map_or(0, Subscribed::missed);
        at_work.max(self.told.missed.load(Ordering::Relaxed))
    }

    /// What is wrong, and what to do.
    pub(super) fn problem(&self) -> Option<String> {
        let path = self.path.as_ref()?.display();
        let lost = self.told.is_lost.load(Ordering::Acquire);
        if lost || self.told.is_busy_for(ANSWER_LIMIT) {
            return Some(format!(
                "{path} does not answer. Choose another file for the readings, or see to its drive."
            ));
        }
        let problem = lock(&self.told.problem).clone();
        problem.or_else(|| match self.missed() {
            0 => None,
            n => Some(format!(
                "{n} readings are missing from {path}, which takes them too slowly. Choose a file on another drive."
            )),
        })
    }

    /// Asks it to write what there is and end. What is published from here on is not for it.
    pub(super) fn ask_to_stop(&self) {
        if let Some(seat) = &self.seat {
            seat.close();
        }
        self.told.to_stop.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits for one that was asked to stop, for `limit`, and leaves it behind where that is not
    /// enough. Whether it has ended.
    pub(super) fn end(&mut self, limit: Duration) -> bool {
        let Some(thread) = self.thread.take() else { return true };
        let has_ended = errand::end(thread, limit);
        if !has_ended {
            self.told.is_lost.store(true, Ordering::Release);
        }
        has_ended
    }
}

fn too_many() -> String {
    "Too many outputs read along. Switch one off and choose the file again.".to_owned()
}

fn refused(error: &std::io::Error) -> String {
    format!(
        "The system refused a thread for the file of readings ({error}). Close other programs and choose the file again."
    )
}

impl Told {
    /// Runs `body`, which turns to the file.
    fn busy<T>(&self, body: impl FnOnce() -> T) -> T {
        self.busy_since_ms.store(1 + now_ms(), Ordering::Relaxed);
        let result = body();
        self.busy_since_ms.store(0, Ordering::Relaxed);
        result
    }

    fn is_busy_for(&self, limit: Duration) -> bool {
        let since_ms = self.busy_since_ms.load(Ordering::Relaxed);
        since_ms > 0 && u128::from((1 + now_ms()).saturating_sub(since_ms)) > limit.as_millis()
    }

    /// Runs `body`, which writes to `path` until it ends, and takes note of how.
    fn end(&self, path: &Path, seat: Subscribed, body: impl FnOnce() -> Result<(), OutputError>) {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        self.busy_since_ms.store(0, Ordering::Relaxed);
        self.missed.store(seat.missed(), Ordering::Relaxed);
        *lock(&self.problem) = match outcome {
            Ok(written) => written.err().map(|error| error.to_string()),
            Err(_panic) => Some(format!(
                "The output to {} stopped half-way. Choose the file again.",
                path.display()
            )),
        };
    }
}

/// Milliseconds since the first question.
fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The body of the thread: every reading into the output until asked to stop, or until it fails.
fn write(
    output: &mut dyn Output,
    subscription: &mut Subscription,
    told: &Told,
) -> Result<(), OutputError> {
    loop {
        // Asked first: what was published before the stop is still written.
        let is_last_round = told.to_stop.load(Ordering::Acquire);
        let n_events = told.busy(|| write_some(output, subscription, told))?;
        if told.is_lost.load(Ordering::Acquire) || (is_last_round && n_events == 0) {
            return Ok(());
        }
        if n_events == 0 {
            std::thread::park_timeout(PERIOD);
        }
    }
}

/// Writes what there is, as far as it fits into a queue; how many events that were.
fn write_some(
    output: &mut dyn Output,
    subscription: &mut Subscription,
    told: &Told,
) -> Result<usize, OutputError> {
    let mut n_readings = 0;
    for n_events in 0..QUEUE_READINGS {
        if told.is_lost.load(Ordering::Acquire) {
            return Ok(n_events);
        }
        match subscription.next_event() {
            Some(Event::Model(model)) => output.begin(&model)?,
            Some(Event::Reading(stamped)) => {
                output.write(&stamped)?;
                n_readings += 1;
            }
            None => {
                output.flush()?;
                told.written.fetch_add(n_readings, Ordering::Relaxed);
                return Ok(n_events);
            }
        }
    }
    output.flush()?;
    told.written.fetch_add(n_readings, Ordering::Relaxed);
    Ok(QUEUE_READINGS)
}
