//! The analysis thread: ring → analyser → monitor and feed. Owns all the large buffers.
//!
//! **Architecture Invariant**: whatever goes wrong here, a model that does not load or a panic in
//! the analysis, becomes a [`Status`] in words; the audio thread never notices.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::analyser::{Analyser, AnalyserError};
use crate::analysis::downmix::{Layout, MAX_CHANNELS};
use crate::config;
use crate::errand::Errand;
use crate::held_tempo::HeldTempo;
use crate::lock::lock;
use crate::model::error::in_words;
use crate::model::{Model, ModelError};
use crate::reading::Stamped;
use crate::units::samples_to_secs;

use super::control::Control;
use super::handover::Handover;
use super::monitor::{Publisher, Status};
use super::own::{self, LoadModel, Loading, Own};
use super::pace::Pace;
use super::ring::{Popped, WorkerEnd};

/// How often a worker that has caught up looks into the ring: once a hop (23.2 ms).
const POLL: Duration =
    Duration::from_micros(1_000_000 * config::HOP_SAMPLES as u64 / config::ANALYSIS_RATE_HZ as u64);

/// How often it looks once nothing has come for [`IDLE_AFTER`], as in a stopped or bypassed
/// instance. The audio thread cannot wake it, for that would be a call to the system; what comes
/// meanwhile waits in the ring.
const IDLE_POLL: Duration = Duration::from_millis(250);

/// How long nothing must have come for a worker to be idle.
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// Values taken from the ring at a time: small enough to see a reset or a stop soon.
const CHUNK: usize = 4096;

/// How long a worker that was asked to stop goes on with what is in the ring.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// Music between two readings that are explained, seconds: as often as an eye can take in a change
/// of reasons.
const WHY_SECS: f64 = 1.0;

/// Audio over which the cost of the analysis is averaged, seconds: long enough for a number that
/// stands still.
const LOAD_SECS: f64 = 5.0;

const _: () = assert!(CHUNK >= MAX_CHANNELS);

/// What the analysis costs, per second of audio, as a running average.
struct Load {
    host_rate_hz: f64,
    busy_per_sec: f64,
}

impl Load {
    /// Takes note that `n_samples` took `busy`; the average so far.
    fn add(&mut self, n_samples: usize, busy: Duration) -> f32 {
        let secs = samples_to_secs(n_samples as u64, self.host_rate_hz);
        let weight = (secs / LOAD_SECS).min(1.0);
        self.busy_per_sec += weight * (busy.as_secs_f64() / secs - self.busy_per_sec);
        self.busy_per_sec as f32
    }
}

/// Why an analysis ended.
enum Next {
    /// It was asked to.
    End,
    /// Another model was asked for.
    Model,
    /// The model that was asked for has come late.
    Late(Arc<Model>),
}

/// Everything the analysis thread starts from.
pub(super) struct Worker {
    pub(super) load: LoadModel,
    pub(super) host_rate_hz: f64,
    pub(super) layout: Layout,
    pub(super) samples: WorkerEnd,
    pub(super) shared: Arc<Handover>,
    pub(super) control: Arc<Control>,
    pub(super) publisher: Publisher,
}

impl Worker {
    /// The body of the analysis thread. Returns when asked to stop or when it cannot go on; never
    /// panics.
    pub(super) fn run(self) {
        let _farewell = Farewell(Arc::clone(&self.shared));
        let monitor = Arc::clone(self.publisher.monitor());
        if let Err(why) = guarded(|| self.analyse()) {
            monitor.set_status(Status::Failed(why));
        }
    }

    /// Loads the model and analyses until asked to stop; as often as another model is asked for.
    fn analyse(mut self) -> Result<(), String> {
        let mut late = None;
        loop {
            match self.analyse_with_model(late).map_err(|error| in_words(&error))? {
                Next::Model => late = None,
                Next::Late(model) => late = Some(model),
                Next::End => return Ok(()),
            }
        }
    }

    /// Analyses with the model that is asked for now, or with that one if it has come late.
    fn analyse_with_model(&mut self, late: Option<Arc<Model>>) -> Result<Next, AnalyserError> {
        let monitor = Arc::clone(self.publisher.monitor());
        monitor.set_status(Status::Loading);
        let control = Arc::clone(&self.control);
        let models_asked = control.models();
        let fetch = || own::fetch(self.load, &control, models_asked, &self.shared, &self.samples);
        let own = late.map_or_else(fetch, Own::Model);
        if matches!(own, Own::Forgotten) {
            return Ok(if self.shared.is_stopping() { Next::End } else { Next::Model });
        }
        let (mut analyser, model, status) = own::analyser(&own, self.host_rate_hz, self.layout)?;
        let history = monitor.history();
        lock(history).set_spaces(&model.card().spaces);
        self.publisher.set_model(model.card().facts());
        monitor.set_status(status);
        analyser.follow_recent(true);
        self.samples.begin_anew();
        self.publisher.begin_anew();
        let loading = match own {
            Own::Late { loading, .. } => Some(loading),
            _ => None,
        };
        Ok(self.follow(&mut analyser, models_asked, loading)?)
    }

    /// Analyses what the ring brings. Nothing here allocates in steady state.
    fn follow(
        &mut self,
        analyser: &mut Analyser,
        models_asked: u64,
        mut loading: Option<Loading>,
    ) -> Result<Next, ModelError> {
        let control = Arc::clone(&self.control);
        let mut chunk = [0.0; CHUNK];
        let mut load = Load { host_rate_hz: self.host_rate_hz, busy_per_sec: 0.0 };
        let (mut stopping_since, mut last_heard) = (None, Instant::now());
        // What came while the model was being loaded does not mean that the machine is busy.
        let mut has_caught_up = false;
        let mut held_tempo = HeldTempo::default();
        let mut why_due_secs = 0.0;
        loop {
            if self.shared.is_stopping()
                && stopping_since.get_or_insert_with(Instant::now).elapsed() > DRAIN_LIMIT
            {
                return Ok(Next::End);
            }
            if control.models() != models_asked && stopping_since.is_none() {
                return Ok(Next::Model);
            }
            if let Some(model) = self.come_late(&mut loading) {
                return Ok(Next::Late(model));
            }
            match self.samples.pop(&mut chunk) {
                Popped::Samples(n) => {
                    let began = Instant::now();
                    self.publisher.hear();
                    let has_time_to_spare = self.keep_pace(analyser, has_caught_up);
                    analyser.set_gate_db(control.gate_db());
                    analyser.set_grid_bpm(self.shared.host_bpm());
                    let read_secs = self.push(
                        analyser,
                        &chunk[..n * self.layout.n_channels()],
                        &mut held_tempo,
                    )?;
                    if let Some(read_secs) = read_secs.filter(|_| has_time_to_spare) {
                        self.explain(analyser, read_secs, &mut why_due_secs);
                    }
                    last_heard = Instant::now();
                    self.publisher.publish_load(load.add(n, last_heard - began));
                }
                Popped::Reset => {
                    analyser.reset();
                    self.publisher.begin_anew();
                    held_tempo.reset();
                    why_due_secs = 0.0;
                }
                Popped::Nothing if stopping_since.is_some() => return Ok(Next::End),
                Popped::Nothing => {
                    has_caught_up = true;
                    self.publisher.catch_up();
                    let is_idle = last_heard.elapsed() > IDLE_AFTER;
                    std::thread::park_timeout(if is_idle { IDLE_POLL } else { POLL });
                }
            }
            self.samples.mark_analysed();
        }
    }

    /// The model that was still being loaded, once it is there; a status in words where it cannot
    /// be used.
    fn come_late(&self, loading: &mut Option<Loading>) -> Option<Arc<Model>> {
        let result = loading.as_ref().and_then(Errand::poll)?;
        *loading = None;
        let file = self.control.model_path().unwrap_or_default();
        match own::outcome(result, &file) {
            Own::Model(model) => return Some(model),
            Own::Unusable(why) => self.publisher.monitor().set_status(Status::FallenBack(why)),
            _ => {}
        }
        None
    }

    /// Takes as many readings as the pace of the process allows; all of them where a render waits.
    /// Whether there is time for more than readings.
    fn keep_pace(&self, analyser: &mut Analyser, has_caught_up: bool) -> bool {
        if self.shared.is_waited_for() {
            analyser.set_interval_secs(0.0);
            self.publisher.publish_interval(0.0);
            return false;
        }
        let pace = Pace::of_process();
        if has_caught_up {
            pace.tell(self.samples.late_secs());
        }
        let interval_secs = pace.interval_secs();
        analyser.set_interval_secs(interval_secs);
        self.publisher.publish_interval(interval_secs);
        has_caught_up && interval_secs == 0.0
    }

    /// Analyses one chunk and publishes the readings it completes. When the newest of them was
    /// taken, seconds of audio.
    fn push(
        &mut self,
        analyser: &mut Analyser,
        chunk: &[f32],
        held_tempo: &mut HeldTempo,
    ) -> Result<Option<f64>, ModelError> {
        let (publisher, shared, samples) = (&mut self.publisher, &self.shared, &self.samples);
        let mut read_secs = None;
        analyser.push(chunk, |reading| {
            publisher.publish(&Stamped {
                reading: *reading,
                song_secs: samples.song_secs(reading.time_secs),
                held_bpm: held_tempo.push(reading),
                overrun_samples: shared.overrun_samples(),
            });
            read_secs = Some(reading.time_secs);
        })?;
        Ok(read_secs)
    }

    /// Publishes what pushed the newest reading, taken at `read_secs`, if anybody asks and one is
    /// due.
    fn explain(&mut self, analyser: &mut Analyser, read_secs: f64, due_secs: &mut f64) {
        if self.control.is_asked_why() && read_secs >= *due_secs {
            *due_secs = read_secs + WHY_SECS;
            // A network that fails without one side of the music still reads the whole of it: it
            // only goes unexplained.
            self.publisher.publish_why(analyser.why().ok().flatten());
        }
    }
}

/// Runs `body`; a panic in it is an error in words like any other.
fn guarded(body: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    // What the panic left half-done is dropped with the worker; readers only ever see whole
    // readings.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let words = panic_words(panic.as_ref());
        Err(format!("The analysis stopped: {words}. Reload the plugin to start it again."))
    })
}

/// Tells the audio thread, on every way out of the analysis thread, that nobody empties the ring
/// any more.
struct Farewell(Arc<Handover>);

impl Drop for Farewell {
    fn drop(&mut self) {
        self.0.worker_has_ended();
    }
}

/// What a panic said, where it said anything.
fn panic_words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("an error without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_words_that_say_what_to_do() {
        let index = std::hint::black_box(7);
        let why = guarded(|| panic!("index {index} out of range")).unwrap_err();
        assert_eq!(
            why,
            "The analysis stopped: index 7 out of range. Reload the plugin to start it again."
        );
        assert!(guarded(|| panic!("short")).unwrap_err().contains("short"));
    }

    #[test]
    fn load_settles_at_the_time_taken_per_second_of_audio() {
        let mut load = Load { host_rate_hz: 48_000.0, busy_per_sec: 0.0 };
        let block = || (480, Duration::from_micros(500));
        let first = load.add(block().0, block().1);
        assert!(first < 0.001, "one block is no average: {first}");
        let settled = (0..5000).map(|_| load.add(block().0, block().1)).last().unwrap();
        assert!((settled - 0.05).abs() < 1e-3, "0.5 ms of every 10: {settled}");
    }

    #[test]
    fn the_audio_thread_learns_of_every_end() {
        let (audio, _samples, shared) =
            super::super::ring::ring(48_000.0, Layout::STEREO, Arc::default());
        assert!(audio.is_heard());
        drop(Farewell(shared));
        assert!(!audio.is_heard());
    }
}
