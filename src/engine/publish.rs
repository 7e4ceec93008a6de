//! What the analysis thread publishes: the latest [`Reading`] and its [`Why`] for eyes, every reading for the outputs, and how it
//! is doing.
//!
//! The analysis thread never waits for a reader. What is latest goes through a triple buffer, whose reading end sits in a mutex
//! that only readers take; every reading goes into a bounded queue, where one that finds no room is counted and dropped.
//! The history of readings sits in a mutex, too, for which the analysis thread never waits: see [`Monitor::history`].
//! Status and model change rarely (start, model load, failure), never from the audio thread, and are kept behind plain mutexes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use atomic_float::AtomicF32;
use crossbeam::queue::ArrayQueue;

use super::record::Recorder;
use super::requests::Requests;
use crate::history::History;
use crate::lock::lock;
use crate::model::card::ModelFacts;
use crate::model::space::LabelSpace;
use crate::reading::Stamped;
use crate::why::Why;

/// Readings that the queue for outputs holds: three minutes, so that a slow disk loses nothing.
const QUEUE_READINGS: usize = 1024;

/// A reading on its way to the outputs.
#[derive(Clone, Debug)]
pub struct Published {
    /// The reading.
    pub reading: Stamped,
    /// The model that read it.
    pub model: Arc<ModelFacts>,
}

/// How the analysis is doing, in words that a user can act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// No audio engine: the host has not activated the plugin.
    #[default]
    Idle,
    /// The model is being loaded.
    Loading,
    /// Readings arrive.
    Running,
    /// Readings arrive from the shipped model, because the user's own could not be used: why, and what to do.
    FallenBack(String),
    /// No readings arrive: why, and what to do. Audio passes untouched.
    Failed(String),
}

/// The readers' end: shared by editor and outputs, outlives any one engine.
pub struct Monitor {
    latest: Mutex<triple_buffer::Output<Stamped>>,
    why: Mutex<triple_buffer::Output<Option<Why>>>,
    status: Mutex<Status>,
    output_problem: Mutex<Option<String>>,
    state_problem: Mutex<Option<String>>,
    model: Mutex<Arc<ModelFacts>>,
    every: ArrayQueue<Published>,
    dropped: AtomicU64,
    queueing: AtomicBool,
    asking_why: AtomicBool,
    published: AtomicU64,
    load: AtomicF32,
    interval_secs: AtomicF32,
    history: Arc<Mutex<History>>,
    requests: Arc<Requests>,
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Monitor {
    /// A monitor whose readings go into `history`.
    #[must_use]
    pub fn new(history: Arc<Mutex<History>>) -> Self {
        Self {
            latest: Mutex::new(triple_buffer::triple_buffer(&Stamped::default()).1),
            why: Mutex::new(triple_buffer::triple_buffer(&None).1),
            status: Mutex::default(),
            output_problem: Mutex::default(),
            state_problem: Mutex::default(),
            model: Mutex::default(),
            every: ArrayQueue::new(QUEUE_READINGS),
            dropped: AtomicU64::new(0),
            queueing: AtomicBool::new(false),
            asking_why: AtomicBool::new(false),
            published: AtomicU64::new(0),
            load: AtomicF32::new(0.0),
            interval_secs: AtomicF32::new(0.0),
            history,
            requests: Arc::default(),
        }
    }

    /// The newest reading; the default one (phase waiting) before any.
    #[must_use]
    pub fn latest(&self) -> Stamped {
        *lock(&self.latest).read()
    }

    /// Asks for readings to be explained in [`Monitor::why`], one a second of music at most, or no longer. While nobody asks it costs
    /// nothing; while the machine is too busy for all readings, or a render waits, none is explained.
    pub fn ask_why(&self, on: bool) {
        self.asking_why.store(on, Ordering::Relaxed);
    }

    /// What pushed the latest reading that was explained, which may be older than [`Monitor::latest`]: its `time_secs` tells. `None`
    /// before any, and where there was silence.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        *lock(&self.why).read()
    }

    /// How the analysis is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Why readings do not reach the file that the user asked for, and what to do; else what could not be read of the project's own
    /// state. `None` where all is well.
    #[must_use]
    pub fn output_problem(&self) -> Option<String> {
        let output_problem = lock(&self.output_problem).clone();
        output_problem.or_else(|| lock(&self.state_problem).clone())
    }

    /// The label spaces of the model in charge; empty until one is loaded.
    #[must_use]
    pub fn spaces(&self) -> Vec<LabelSpace> {
        self.model().spaces.clone()
    }

    /// What is known of the model in charge; nothing until one is loaded.
    #[must_use]
    pub fn model(&self) -> Arc<ModelFacts> {
        Arc::clone(&lock(&self.model))
    }

    /// Readings published since this monitor was made: a reader that sees it stand still knows that the host is silent.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Time that the analysis has lately taken per second of audio: 1 would be a whole core.
    #[must_use]
    pub fn load(&self) -> f32 {
        self.load.load(Ordering::Relaxed)
    }

    /// Seconds between readings where the machine is too busy for all of them; 0 where it is not.
    #[must_use]
    pub fn interval_secs(&self) -> f32 {
        self.interval_secs.load(Ordering::Relaxed)
    }

    /// What was read so far. The analysis thread never waits for who holds it, and loses nothing for some seconds.
    #[must_use]
    pub fn history(&self) -> &Arc<Mutex<History>> {
        &self.history
    }

    /// The history, held for a reader.
    pub fn read_history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Asks the analysis to forget what it heard, from the next block on.
    pub fn ask_reset(&self) {
        self.requests.ask_reset();
    }

    /// Asks for another model: the user's own in this file, or the shipped one. A running analysis goes on with it, from nothing;
    /// what comes of it is the [`status`](Self::status), first loading. Where no analysis runs, one starts with the model that its
    /// engine is started with.
    pub fn ask_model(&self, path: Option<PathBuf>) {
        self.requests.ask_model(path);
    }

    /// The model that was last asked for; `None` for the shipped one.
    #[must_use]
    pub fn model_path(&self) -> Option<PathBuf> {
        self.requests.model_path()
    }

    /// Asks for every reading from here on to be written to this file, or to none. A running engine begins within a quarter of a second.
    /// What comes of it is told by [`output_problem`](Self::output_problem).
    pub fn ask_csv(&self, path: Option<PathBuf>) {
        self.requests.ask_csv(path);
    }

    /// The file for readings that was last asked for; `None` where none is wanted.
    #[must_use]
    pub fn csv_path(&self) -> Option<PathBuf> {
        self.requests.csv_path()
    }

    /// Sets the mean power under which music counts as silence, dB re full scale. Anything non-finite is passed over.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn set_gate_db(&self, gate_db: f32) {
        self.requests.set_gate_db(gate_db);
    }

    /// What is asked of the analysis.
    pub(super) fn requests(&self) -> &Arc<Requests> {
        &self.requests
    }

    /// Asks for every reading to be queued for [`Monitor::take`], or no longer.
    pub fn queue_every(&self, on: bool) {
        self.queueing.store(on, Ordering::Release);
    }

    /// The oldest reading not yet taken; `None` when all are.
    #[must_use]
    pub fn take(&self) -> Option<Stamped> {
        self.take_published().map(|published| published.reading)
    }

    /// As [`Monitor::take`], with the model that gave the reading.
    #[must_use]
    pub fn take_published(&self) -> Option<Published> {
        self.every.pop()
    }

    /// Readings that found the queue full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Replaces the status.
    pub fn set_status(&self, status: Status) {
        *lock(&self.status) = status;
    }

    /// Replaces what is wrong with the outputs.
    pub fn set_output_problem(&self, problem: Option<String>) {
        *lock(&self.output_problem) = problem;
    }

    /// Replaces what could not be read of the project's state.
    pub fn set_state_problem(&self, problem: Option<String>) {
        *lock(&self.state_problem) = problem;
    }

    /// Replaces what is known of the model in charge.
    pub fn set_model(&self, model: ModelFacts) {
        *lock(&self.model) = Arc::new(model);
    }
}

/// The analysis thread's end: one per engine.
pub struct Publisher {
    monitor: Arc<Monitor>,
    latest: triple_buffer::Input<Stamped>,
    why: triple_buffer::Input<Option<Why>>,
    recorder: Recorder,
    /// The model whose readings these are.
    model: Arc<ModelFacts>,
}

impl Publisher {
    /// A fresh end onto `monitor`, whose latest reading starts again at the default, unexplained.
    #[must_use]
    pub fn new(monitor: &Arc<Monitor>) -> Self {
        let (latest, latest_output) = triple_buffer::triple_buffer(&Stamped::default());
        let (why, why_output) = triple_buffer::triple_buffer(&None);
        *lock(&monitor.latest) = latest_output;
        *lock(&monitor.why) = why_output;
        let recorder = Recorder::new(Arc::clone(&monitor.history));
        Self { monitor: Arc::clone(monitor), latest, why, recorder, model: monitor.model() }
    }

    /// Names the model of the readings to come. Allocates.
    pub fn set_model(&mut self, model: ModelFacts) {
        self.monitor.set_model(model);
        self.model = self.monitor.model();
    }

    /// Publishes one reading.
    ///
    /// # Real-time safety
    /// Neither allocates nor waits.
    pub fn publish(&mut self, reading: &Stamped) {
        self.latest.write(*reading);
        self.recorder.record(reading);
        if self.monitor.queueing.load(Ordering::Acquire) {
            let published = Published { reading: *reading, model: Arc::clone(&self.model) };
            if self.monitor.every.push(published).is_err() {
                self.monitor.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.monitor.published.fetch_add(1, Ordering::Release);
    }

    /// Whether anybody asks for [`Monitor::why`].
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    #[must_use]
    pub fn is_asked_why(&self) -> bool {
        self.monitor.asking_why.load(Ordering::Relaxed)
    }

    /// Publishes what pushed a reading, as [`Monitor::why`].
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn publish_why(&mut self, why: Option<Why>) {
        self.why.write(why);
    }

    /// Brings into the history what a reader was in the way of.
    ///
    /// # Real-time safety
    /// As [`publish`](Self::publish).
    pub fn catch_up(&mut self) {
        self.recorder.flush();
    }

    /// Publishes what the analysis costs, as [`Monitor::load`].
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn publish_load(&self, load: f32) {
        self.monitor.load.store(load, Ordering::Relaxed);
    }

    /// Publishes how far apart readings are, as [`Monitor::interval_secs`].
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn publish_interval(&self, secs: f64) {
        self.monitor.interval_secs.store(secs as f32, Ordering::Relaxed);
    }

    /// The readers' end.
    #[must_use]
    pub fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Clock;
    use crate::reading::{Phase, Reading};

    fn reading_at(time_secs: f64) -> Stamped {
        Reading { time_secs, ..Reading::default() }.into()
    }

    #[test]
    fn readers_see_the_newest_reading() {
        let monitor = Arc::new(Monitor::default());
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&reading_at(1.0));
        publisher.publish(&reading_at(2.0));
        assert_eq!(monitor.latest().reading.time_secs, 2.0);
        assert_eq!(monitor.published(), 2);
    }

    #[test]
    fn outputs_see_every_reading_in_order() {
        let monitor = Arc::new(Monitor::default());
        monitor.queue_every(true);
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&reading_at(1.0));
        publisher.publish(&reading_at(2.0));
        let times: Vec<f64> =
            std::iter::from_fn(|| monitor.take()).map(|r| r.reading.time_secs).collect();
        assert_eq!(times, [1.0, 2.0]);
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let monitor = Arc::new(Monitor::default());
        monitor.queue_every(true);
        let mut publisher = Publisher::new(&monitor);
        (0..QUEUE_READINGS + 3).for_each(|_| publisher.publish(&Stamped::default()));
        assert_eq!(monitor.dropped(), 3);
    }

    #[test]
    fn the_history_outlives_the_engine() {
        let monitor = Arc::new(Monitor::default());
        let live = Reading { time_secs: 1.0, phase: Phase::Live, ..Reading::default() }.into();
        Publisher::new(&monitor).publish(&live);
        Publisher::new(&monitor).publish(&live);
        let history = monitor.history().lock().unwrap();
        assert_eq!(history.track(Clock::Heard).span_secs(), Some((1.0, 2.5)));
    }

    #[test]
    fn a_new_engine_starts_from_nothing() {
        let monitor = Arc::new(Monitor::default());
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&reading_at(9.0));
        publisher.publish_why(Some(Why { time_secs: 9.0, ..Why::default() }));
        assert_eq!(monitor.why().map(|why| why.time_secs), Some(9.0));
        let _fresh = Publisher::new(&monitor);
        assert_eq!(monitor.latest(), Stamped::default());
        assert_eq!(monitor.why(), None);
    }
}
