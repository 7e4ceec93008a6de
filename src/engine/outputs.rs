//! The thread that writes every reading to a file, `mood-outputs`; another one for each file that is asked for.
//!
//! **Architecture Invariant**: nobody waits for a file. A thread whose file does not answer is left behind and writes nothing any more.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::publish::{Monitor, Published};
use crate::errand;
use crate::lock::lock;
use crate::outputs::csv::{CsvError, CsvFile};

/// Name of the thread that writes the outputs.
pub const OUTPUTS_THREAD: &str = "mood-outputs";

/// How often the outputs are written.
const PERIOD: Duration = Duration::from_millis(100);

/// How long a file may take for the last readings when the engine ends. One that takes longer is given up, and gets what was on its way to
/// it when it wakes.
const FINISH_LIMIT: Duration = Duration::from_millis(500);

/// How long a file may take before the user is told.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The outputs of one engine.
pub(super) struct Outputs {
    monitor: Arc<Monitor>,
    writer: Mutex<Option<Writer>>,
}

/// A file and the thread that writes to it.
struct Writer {
    path: PathBuf,
    told: Arc<Told>,
    thread: JoinHandle<()>,
}

/// What a writer is told, and tells.
#[derive(Default)]
struct Told {
    /// To write what there is and end.
    to_stop: AtomicBool,
    /// To write nothing any more: nobody waits for it.
    is_lost: AtomicBool,
    /// When it last turned to its file, milliseconds after the first question, plus one; 0 while it does not.
    busy_since_ms: AtomicU64,
}

impl Outputs {
    pub(super) fn new(monitor: &Arc<Monitor>) -> Self {
        monitor.set_output_problem(None);
        Self { monitor: Arc::clone(monitor), writer: Mutex::default() }
    }

    /// From here on readings go to `path`, or nowhere. Waits for no file.
    pub(super) fn change(&self, path: Option<PathBuf>) {
        let mut writer = lock(&self.writer);
        let is_written = |writer: &Writer| !writer.thread.is_finished();
        if writer.as_ref().filter(|writer| is_written(writer)).map(|writer| &writer.path)
            == path.as_ref()
        {
            return;
        }
        let before = writer.take();
        match &before {
            Some(before) => before.ask_to_stop(),
            None if path.is_none() => return,
            // What an engine before this one left in the queue is not this one's.
            None => while self.monitor.take().is_some() {},
        }
        self.monitor.queue_every(path.is_some());
        if path.is_none() {
            self.monitor.set_output_problem(None);
        }
        *writer = self.start(path, before);
    }

    /// Starts the thread for `path`, which first sees the one before it to its end.
    fn start(&self, path: Option<PathBuf>, before: Option<Writer>) -> Option<Writer> {
        let told = Arc::new(Told::default());
        let (monitor, listens) = (Arc::clone(&self.monitor), Arc::clone(&told));
        let kept = path.clone().unwrap_or_default();
        let body = move || {
            if let Some(before) = before {
                before.end(ANSWER_LIMIT);
            }
            if let Some(path) = path {
                monitor.set_output_problem(None);
                monitor.queue_every(true);
                write(path, &monitor, &listens);
            }
        };
        match Builder::new().name(OUTPUTS_THREAD.to_owned()).spawn(body) {
            Ok(thread) => Some(Writer { path: kept, told, thread }),
            Err(error) => {
                self.monitor.queue_every(false);
                self.monitor.set_output_problem(Some(format!(
                    "The system refused a thread for the file of readings ({error}). Close other programs and choose the file again."
                )));
                None
            }
        }
    }

    /// Tells the user of a file that does not answer.
    ///
    /// # Real-time safety
    /// Neither waits nor, while the file answers, allocates.
    pub(super) fn look(&self) {
        let Ok(writer) = self.writer.try_lock() else { return };
        if let Some(writer) = writer.as_ref().filter(|writer| writer.told.is_busy_for(ANSWER_LIMIT))
        {
            self.monitor.set_output_problem(Some(unanswered(&writer.path)));
        }
    }

    /// Writes what there is and ends; at once where the file does not answer.
    pub(super) fn finish(&self) {
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer {
            writer.ask_to_stop();
            let path = writer.path.clone();
            if !writer.end(FINISH_LIMIT) {
                self.monitor.set_output_problem(Some(unanswered(&path)));
            }
            self.monitor.queue_every(false);
        }
    }
}

fn unanswered(path: &Path) -> String {
    format!(
        "{} does not answer. Choose another file for the readings, or see to its drive.",
        path.display()
    )
}

impl Writer {
    fn ask_to_stop(&self) {
        self.told.to_stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }

    /// Waits for one that was asked to stop, for `limit`, and leaves it behind where that is not enough. Whether it has ended.
    fn end(self, limit: Duration) -> bool {
        let has_ended = errand::end(self.thread, limit);
        if !has_ended {
            self.told.is_lost.store(true, Ordering::Release);
        }
        has_ended
    }
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
}

/// Milliseconds since the first question.
fn now_ms() -> u64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The body of the thread: every reading into the file until asked to stop, or until the file fails.
fn write(path: PathBuf, monitor: &Monitor, told: &Told) {
    let mut file = CsvFile::new(path);
    let outcome = loop {
        // Looked up first: what was published before the stop is still written.
        let last_round = told.to_stop.load(Ordering::Acquire);
        if told.is_lost.load(Ordering::Acquire) {
            return;
        }
        let readings: Vec<Published> = std::iter::from_fn(|| monitor.take_published()).collect();
        let began = Instant::now();
        let written = told.busy(|| write_all(&mut file, &readings));
        if told.is_lost.load(Ordering::Acquire) {
            return;
        }
        if written.is_err() || last_round {
            break written;
        }
        if began.elapsed() > ANSWER_LIMIT {
            // It answers again.
            monitor.set_output_problem(None);
        }
        std::thread::park_timeout(PERIOD);
    };
    if !told.to_stop.load(Ordering::Acquire) {
        monitor.queue_every(false);
    }
    monitor.set_output_problem(outcome.err().map(|error| error.to_string()));
}

/// Writes readings, those of each model under its own header.
fn write_all(file: &mut CsvFile, readings: &[Published]) -> Result<(), CsvError> {
    for of_one_model in readings.chunk_by(|a, b| Arc::ptr_eq(&a.model, &b.model)) {
        let rows = of_one_model.iter().map(|published| published.reading);
        file.write_all(rows, &of_one_model[0].model.spaces)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::super::publish::Publisher;
    use super::*;
    use crate::reading::{Phase, Reading};

    /// Outputs whose file does not answer until the sender is dropped.
    fn stuck() -> (Sender<()>, Outputs, Arc<Monitor>) {
        let monitor = Arc::new(Monitor::default());
        let outputs = Outputs::new(&monitor);
        let (answer, answered) = channel();
        let told = Arc::new(Told::default());
        let busy = Arc::clone(&told);
        let thread = std::thread::spawn(move || {
            let _answer = busy.busy(|| answered.recv());
        });
        let path = PathBuf::from("/gone/readings.csv");
        *outputs.writer.lock().unwrap() = Some(Writer { path, told, thread });
        (answer, outputs, monitor)
    }

    #[test]
    fn a_file_that_does_not_answer_is_told_of_and_left_behind() {
        let (answer, outputs, monitor) = stuck();
        let began = Instant::now();
        while monitor.output_problem().is_none() {
            assert!(began.elapsed() < Duration::from_secs(20));
            outputs.look();
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(began.elapsed() >= ANSWER_LIMIT);
        assert!(
            monitor.output_problem().unwrap().starts_with("/gone/readings.csv does not answer")
        );
        let began = Instant::now();
        outputs.finish();
        assert!(began.elapsed() < 4 * FINISH_LIMIT, "{:?}", began.elapsed());
        drop(answer);
    }

    #[test]
    fn another_file_is_written_although_the_one_before_does_not_answer() {
        let (answer, outputs, monitor) = stuck();
        let name = format!("moodring-outputs-{}.csv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _absent = std::fs::remove_file(&path);
        let began = Instant::now();
        outputs.change(Some(path.clone()));
        assert!(began.elapsed() < Duration::from_millis(500), "to choose a file waits for none");
        let mut publisher = Publisher::new(&monitor);
        for secs in 1..=3 {
            let time_secs = f64::from(secs);
            let reading = Reading { time_secs, phase: Phase::Live, ..Reading::default() };
            publisher.publish(&reading.into());
        }
        let rows = || std::fs::read_to_string(&path).unwrap_or_default().lines().count();
        while rows() < 4 {
            assert!(began.elapsed() < 5 * ANSWER_LIMIT, "{} lines", rows());
            std::thread::sleep(Duration::from_millis(10));
        }
        outputs.finish();
        assert_eq!(monitor.output_problem(), None);
        drop(answer);
        std::fs::remove_file(path).unwrap();
    }
}
