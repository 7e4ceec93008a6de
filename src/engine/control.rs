//! What people ask of a running analysis: a new start, another model, another gate, reasons.
//! Outlives any one engine.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use atomic_float::AtomicF32;

use crate::config::SILENCE_DB;
use crate::lock::lock;

/// Asked by the editor or the plugin, obeyed by the audio thread (resets) and the analysis thread
/// (the others).
pub struct Control {
    resets: AtomicU64,
    gate_db: AtomicF32,
    /// Models asked for so far, and the last of them; the shipped one where `None`.
    models: AtomicU64,
    model_path: Mutex<Option<PathBuf>>,
    asks_why: AtomicBool,
    held: AtomicBool,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl Default for Control {
    fn default() -> Self {
        Self {
            resets: AtomicU64::new(0),
            gate_db: AtomicF32::new(SILENCE_DB),
            models: AtomicU64::new(0),
            model_path: Mutex::default(),
            asks_why: AtomicBool::new(false),
            held: AtomicBool::new(false),
        }
    }
}

impl Control {
    /// Asks the analysis to forget what it heard, from the next block on.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn ask_reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Resets asked for so far. Wait-free.
    pub(super) fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// Sets the mean power under which music counts as silence, dB re full scale. Anything
    /// non-finite is passed over.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks.
    pub fn set_gate_db(&self, gate_db: f32) {
        if gate_db.is_finite() {
            self.gate_db.store(gate_db, Ordering::Relaxed);
        }
    }

    /// The gate, dB re full scale. Wait-free.
    pub(super) fn gate_db(&self) -> f32 {
        self.gate_db.load(Ordering::Relaxed)
    }

    /// Asks for another model: the user's own in this file, or the shipped one. A running analysis
    /// goes on with it, from nothing; one that is started later begins with it.
    pub fn ask_model(&self, path: Option<PathBuf>) {
        *lock(&self.model_path) = path;
        // Release: whoever sees the count sees the path, or a later one.
        self.models.fetch_add(1, Ordering::Release);
    }

    /// Models asked for so far. Wait-free.
    pub(super) fn models(&self) -> u64 {
        self.models.load(Ordering::Acquire)
    }

    /// The model that was last asked for; `None` for the shipped one.
    #[must_use]
    pub fn model_path(&self) -> Option<PathBuf> {
        lock(&self.model_path).clone()
    }

    /// Asks for readings to be explained in [`Monitor::why`](super::monitor::Monitor::why), one a
    /// second of music at most, or no longer. While nobody asks it costs nothing; while the machine
    /// is too busy for all readings, or a render waits, none is explained.
    pub fn ask_why(&self, on: bool) {
        self.asks_why.store(on, Ordering::Relaxed);
    }

    /// Has what is shown and sent held, as another program asks for it, or no longer: the host's
    /// own parameter for it is another matter. Wait-free.
    pub fn set_held(&self, on: bool) {
        self.held.store(on, Ordering::Relaxed);
    }

    /// Whether another program has it held. Wait-free.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether anybody asks for reasons. Wait-free.
    pub(super) fn is_asked_why(&self) -> bool {
        self.asks_why.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_is_none_is_passed_over() {
        let control = Control::default();
        [-50.0, f32::NAN, f32::NEG_INFINITY]
            .iter()
            .for_each(|gate_db| control.set_gate_db(*gate_db));
        assert_eq!(control.gate_db(), -50.0);
    }

    #[test]
    fn of_several_models_the_last_counts() {
        let control = Control::default();
        control.ask_model(Some("a.onnx".into()));
        control.ask_model(None);
        assert_eq!((control.models(), control.model_path()), (2, None));
    }
}
