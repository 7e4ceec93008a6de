//! What the analysis thread publishes for eyes: the latest reading and its [`Why`], the history,
//! and how it is doing. What people ask of it is [`Control`](super::control::Control)'s.
//!
//! The analysis thread never waits for a reader. What is latest goes through a triple buffer, whose
//! reading end sits in a mutex that only readers take; the history sits in a mutex, too, for which
//! the analysis thread never waits: see [`Monitor::history`]. Status and model change rarely
//! (start, model load, failure), never from the audio thread, and are kept behind plain mutexes.
//! Whoever wants every reading subscribes to the [`Feed`]; the audio thread has [`Latest`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use atomic_float::AtomicF32;

use super::beat::HostBeat;
use super::feed::Feed;
use super::latest::{Latest, LatestReader};
use super::record::Recorder;
use crate::history::History;
use crate::lock::lock;
use crate::model::card::ModelFacts;
use crate::model::space::LabelSpace;
use crate::reading::Stamped;
use crate::why::Why;

/// How the analysis is doing, in words that a user can act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub enum Status {
    /// No audio engine: the host has not activated the plugin.
    #[default]
    Idle,
    /// The model is being loaded.
    Loading,
    /// Readings arrive.
    Running,
    /// Readings arrive from the shipped model, because the user's own could not be used: why, and
    /// what to do.
    FallenBack(String),
    /// No readings arrive: why, and what to do. Audio passes untouched.
    Failed(String),
}

/// The eyes' end: outlives any one engine.
pub struct Monitor {
    latest: Mutex<triple_buffer::Output<Stamped>>,
    why: Mutex<triple_buffer::Output<Option<Why>>>,
    status: Mutex<Status>,
    state_problem: Mutex<Option<String>>,
    feed: Arc<Feed>,
    newest: Arc<Latest>,
    beat: HostBeat,
    published: AtomicU64,
    heard: AtomicU64,
    /// How often the analysis has begun anew, and how often it must have for a reading to count.
    begun: AtomicU64,
    wanted: AtomicU64,
    load: AtomicF32,
    interval_secs: AtomicF32,
    history: Arc<Mutex<History>>,
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
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
            state_problem: Mutex::default(),
            feed: Arc::default(),
            newest: Arc::default(),
            beat: HostBeat::default(),
            published: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            load: AtomicF32::new(0.0),
            interval_secs: AtomicF32::new(0.0),
            history,
        }
    }

    /// The newest reading; the default one (phase waiting) before any, and from a
    /// [`forget`](Self::forget) on until there is one of what was heard since.
    #[must_use]
    pub fn latest(&self) -> Stamped {
        if self.is_forgotten() { Stamped::default() } else { *lock(&self.latest).read() }
    }

    /// Has eyes see nothing of what was read so far, from now on: for whoever is about to ask the
    /// analysis to begin anew, which it does only once the host calls. Asked first, it could have
    /// begun before this, and what came would stay unseen.
    pub fn forget(&self) {
        let begun = self.begun.load(Ordering::Acquire);
        self.wanted.store(begun.wrapping_add(1), Ordering::Release);
    }

    /// Whether the analysis has yet to begin anew for somebody who has asked.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.begun.load(Ordering::Acquire) < self.wanted.load(Ordering::Acquire)
    }

    /// What pushed the latest reading that was explained, which may be older than
    /// [`Monitor::latest`]: its `time_secs` tells. `None` before any, and where there was silence.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        if self.is_forgotten() { None } else { *lock(&self.why).read() }
    }

    /// How the analysis is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// What could not be read of the project's own state; `None` where all could.
    #[must_use]
    pub fn state_problem(&self) -> Option<String> {
        lock(&self.state_problem).clone()
    }

    /// The label spaces of the model in charge; empty until one is loaded.
    #[must_use]
    pub fn spaces(&self) -> Vec<LabelSpace> {
        self.model().spaces.clone()
    }

    /// What is known of the model in charge; nothing until one is loaded.
    #[must_use]
    pub fn model(&self) -> Arc<ModelFacts> {
        self.feed.model()
    }

    /// Readings published since this monitor was made.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Pieces of audio that the engine has analysed, 0 before any: whoever sees it stand still
    /// knows that the host sends none. Readings do not tell, for the first takes a second.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
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

    /// What was read so far. The analysis thread never waits for whoever holds it, and loses
    /// nothing for some seconds.
    #[must_use]
    pub fn history(&self) -> &Arc<Mutex<History>> {
        &self.history
    }

    /// The history, held for a reader.
    pub fn read_history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Where every reading can be had.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// The newest shares, for a thread that may not lock.
    #[must_use]
    pub fn latest_reader(&self) -> LatestReader {
        LatestReader::new(Arc::clone(&self.newest))
    }

    /// Where the host's beat is.
    #[must_use]
    pub(crate) fn beat(&self) -> &HostBeat {
        &self.beat
    }

    /// Replaces the status.
    pub fn set_status(&self, status: Status) {
        *lock(&self.status) = status;
    }

    /// Replaces what could not be read of the project's state.
    pub fn set_state_problem(&self, problem: Option<String>) {
        *lock(&self.state_problem) = problem;
    }

    /// Replaces what is known of the model in charge.
    pub fn set_model(&self, model: ModelFacts) {
        self.feed.set_model(Arc::new(model));
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

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

impl Publisher {
    /// A fresh end onto `monitor`, whose latest reading starts again at the default, unexplained.
    #[must_use]
    pub fn new(monitor: &Arc<Monitor>) -> Self {
        let (latest, latest_output) = triple_buffer::triple_buffer(&Stamped::default());
        let (why, why_output) = triple_buffer::triple_buffer(&None);
        *lock(&monitor.latest) = latest_output;
        *lock(&monitor.why) = why_output;
        monitor.newest.clear();
        monitor.heard.store(0, Ordering::Release);
        monitor.begun.fetch_add(1, Ordering::Release);
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
        self.monitor.newest.publish(&reading.reading);
        self.monitor.feed.publish(reading, &self.model);
        self.monitor.published.fetch_add(1, Ordering::Release);
    }

    /// Takes back the latest reading and its reasons: what comes is of other music.
    ///
    /// # Real-time safety
    /// As [`publish`](Self::publish).
    pub fn begin_anew(&mut self) {
        self.latest.write(Stamped::default());
        self.why.write(None);
        self.monitor.newest.clear();
        self.monitor.begun.fetch_add(1, Ordering::Release);
    }

    /// Takes note that audio has arrived, as [`Monitor::heard`].
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn hear(&self) {
        self.monitor.heard.fetch_add(1, Ordering::Release);
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
    fn the_audio_thread_sees_the_newest_shares() {
        let monitor = Arc::new(Monitor::default());
        let mut newest = monitor.latest_reader();
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&reading_at(1.0));
        assert_eq!(newest.read().time_secs, 1.0);
        let _fresh = Publisher::new(&monitor);
        assert_eq!(newest.read().time_secs, 0.0);
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
    fn what_was_read_before_a_reset_is_not_shown_after_it() {
        let monitor = Arc::new(Monitor::default());
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&reading_at(9.0));
        publisher.publish_why(Some(Why::default()));
        publisher.begin_anew();
        assert_eq!((monitor.latest(), monitor.why()), (Stamped::default(), None));
        assert_eq!(monitor.published(), 1, "nothing was read");
        publisher.publish(&reading_at(1.0));
        monitor.forget();
        // The analysis has not got to it yet.
        publisher.publish(&reading_at(1.2));
        assert_eq!(monitor.latest(), Stamped::default());
        publisher.begin_anew();
        publisher.publish(&reading_at(1.0));
        assert_eq!(monitor.latest().reading.time_secs, 1.0);
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
