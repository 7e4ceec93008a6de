//! Start, stop and reset of the live analysis, on a thread of its own.
//!
//! ```text
//!                                     ┌ asks ─── Control ← editor, plugin
//! AudioEnd (host's audio thread) → ring → mood-analysis → Monitor → editor
//!                                                       → Feed    → outputs
//!                                                       → Latest  → audio thread
//! ```
//!
//! **Architecture Invariants**: the engine does not know what reads its readings. Its thread does
//! not outlive it, for a host may unload the plugin's code as soon as the engine is gone; only one
//! that reads a model from a file that does not answer is left behind, and whoever leaves a thread
//! behind sees to it that the code stays in memory ([`crate::errand`]).

pub mod beat;
pub mod control;
pub mod feed;
mod handover;
pub mod latest;
pub mod lead;
pub mod monitor;
mod own;
pub mod pace;
mod record;
pub mod ring;
mod seat;
mod sequenced;
pub mod timeline;
mod worker;

/// The atomics of what threads hand each other: the real ones. Its tests put loom's in their place.
mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
}

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::analysis::downmix::Layout;
use crate::model::Model;

use control::Control;
use handover::Handover;
use monitor::{Monitor, Publisher, Status};
use own::LoadModel;
use ring::AudioEnd;
use worker::Worker;

/// Name of the analysis thread; Linux cuts names at 15 bytes.
pub const ANALYSIS_THREAD: &str = "mood-analysis";

/// A running analysis. Dropping it finishes what is in the ring and ends its thread.
pub struct Engine {
    monitor: Arc<Monitor>,
    shared: Arc<Handover>,
    analysis: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the analysis of audio at `host_rate_hz` in the channels of `layout`, with the model
    /// that `control` asks for. Allocates; does not wait for the model to load.
    ///
    /// * `monitor` — where readings and status appear. Nothing here fails: what goes wrong is a
    ///   status.
    #[must_use]
    pub fn start(
        host_rate_hz: f64,
        layout: Layout,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
    ) -> (Self, AudioEnd) {
        Self::start_with(Model::load, host_rate_hz, layout, control, monitor)
    }

    /// As [`start`](Self::start), with `load` to read a model's file.
    fn start_with(
        load: LoadModel,
        host_rate_hz: f64,
        layout: Layout,
        control: Arc<Control>,
        monitor: Arc<Monitor>,
    ) -> (Self, AudioEnd) {
        let (mut audio, samples, shared) = ring::ring(host_rate_hz, layout, Arc::clone(&control));
        let worker = Worker {
            load,
            host_rate_hz,
            layout,
            samples,
            shared: Arc::clone(&shared),
            control,
            publisher: Publisher::new(&monitor),
        };
        let analysis = spawn(ANALYSIS_THREAD, &monitor, move || worker.run());
        match &analysis {
            Some(handle) => audio.set_worker(handle.thread().clone()),
            None => shared.worker_has_ended(),
        }
        (Self { monitor, shared, analysis }, audio)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.ask_to_stop();
        if let Some(analysis) = self.analysis.take() {
            join(analysis);
        }
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
