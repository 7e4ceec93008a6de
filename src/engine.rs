//! Start, stop and reset of the live analysis; the only place that spawns a thread.
//!
//! ```text
//! AudioEnd (host's audio thread) → ring → mood-analysis → Monitor → editor
//!                                                                 → mood-outputs → CSV file
//! ```
//!
//! **Architecture Invariant**: no thread outlives its [`Engine`] but one whose file does not answer, and no call of a host waits
//! for a file. The host may unload the plugin's code as soon as the engine is gone: whoever leaves a thread behind sees to it that
//! the code stays in memory ([`crate::errand`]).

mod handover;
pub mod lead;
mod outputs;
mod own;
pub mod pace;
pub mod publish;
mod record;
mod requests;
pub mod ring;
pub mod timeline;
mod worker;

/// The atomics of the hand-over: the real ones. Its tests put loom's in their place.
mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::analysis::downmix::Layout;
use crate::model::Model;

use handover::Handover;
pub use outputs::OUTPUTS_THREAD;
use outputs::Outputs;
use own::LoadModel;
use publish::{Monitor, Publisher, Status};
use ring::AudioEnd;
use worker::Worker;

/// Name of the analysis thread; Linux cuts names at 15 bytes.
pub const ANALYSIS_THREAD: &str = "mood-analysis";

/// A running analysis. Dropping it finishes what is in the ring and in the outputs, and ends its threads. It waits for no file that does
/// not answer.
pub struct Engine {
    monitor: Arc<Monitor>,
    shared: Arc<Handover>,
    analysis: Option<JoinHandle<()>>,
    outputs: Arc<Outputs>,
}

impl Engine {
    /// Starts the analysis of audio at `host_rate_hz` in the channels of `layout`. Allocates; does not wait for the model to load.
    ///
    /// * `model_path` — the user's own model; the shipped one where `None`, or where the user's cannot be used.
    /// * `csv_path` — a file that gets one row per reading.
    /// * `monitor` — where readings and status appear. Nothing here fails: what goes wrong is a status.
    #[must_use]
    pub fn start(
        host_rate_hz: f64,
        layout: Layout,
        model_path: Option<PathBuf>,
        csv_path: Option<PathBuf>,
        monitor: Arc<Monitor>,
    ) -> (Self, AudioEnd) {
        Self::start_with(Model::load, host_rate_hz, layout, [model_path, csv_path], monitor)
    }

    /// As [`start`](Self::start), with `load` to read a model's file; `paths` are those of the model and of the readings.
    fn start_with(
        load: LoadModel,
        host_rate_hz: f64,
        layout: Layout,
        [model_path, csv_path]: [Option<PathBuf>; 2],
        monitor: Arc<Monitor>,
    ) -> (Self, AudioEnd) {
        let requests = Arc::clone(monitor.requests());
        requests.ask_model(model_path);
        requests.ask_csv(csv_path.clone());
        let (mut audio, samples, shared) = ring::ring(host_rate_hz, layout, requests);
        let outputs = Arc::new(Outputs::new(&monitor));
        outputs.change(csv_path);
        let worker = Worker {
            load,
            host_rate_hz,
            layout,
            samples,
            shared: Arc::clone(&shared),
            publisher: Publisher::new(&monitor),
            outputs: Arc::clone(&outputs),
        };
        let analysis = spawn(ANALYSIS_THREAD, &monitor, move || worker.run());
        match &analysis {
            Some(handle) => audio.set_worker(handle.thread().clone()),
            None => shared.worker_has_ended(),
        }
        (Self { monitor, shared, analysis, outputs }, audio)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.ask_to_stop();
        if let Some(analysis) = self.analysis.take() {
            join(analysis);
        }
        // Only now have all readings been published.
        self.outputs.finish();
        self.monitor.set_status(Status::Idle);
    }
}

/// Spawns a named thread; `None`, and a status in words, where the system refuses one.
fn spawn(
    name: &str,
    monitor: &Monitor,
    body: impl FnOnce() + Send + 'static,
) -> Option<JoinHandle<()>> {
    let handle = Builder::new().name(name.to_owned()).spawn(body);
    handle
        .map_err(|error| {
            monitor.set_status(Status::Failed(format!(
                "The system refused a thread for the analysis ({error}). Close other programs and reload the plugin."
            )));
        })
        .ok()
}

/// Wakes a thread that was asked to stop and waits for its end. The worker catches its own panics.
fn join(handle: JoinHandle<()>) {
    handle.thread().unpark();
    let _ended = handle.join();
}

#[cfg(test)]
mod tests;
