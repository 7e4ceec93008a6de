//! What people ask of a running analysis: a new start, another model, another file for its readings, another gate. Outlives any
//! one engine.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use atomic_float::AtomicF32;

use crate::config::SILENCE_DB;
use crate::lock::lock;

/// Asked by the editor or the plugin, obeyed by the audio thread (resets) and the analysis thread (the others).
pub(super) struct Requests {
    resets: AtomicU64,
    gate_db: AtomicF32,
    /// The model; the shipped one where `None`.
    model: Wish,
    /// The file for readings; none where `None`.
    csv: Wish,
}

/// The path that was asked for last, and how often one was.
#[derive(Default)]
struct Wish {
    times: AtomicU64,
    path: Mutex<Option<PathBuf>>,
}

impl Wish {
    fn ask(&self, path: Option<PathBuf>) {
        *lock(&self.path) = path;
        // Release: who sees the count sees the path, or a later one.
        self.times.fetch_add(1, Ordering::Release);
    }

    fn times(&self) -> u64 {
        self.times.load(Ordering::Acquire)
    }

    fn path(&self) -> Option<PathBuf> {
        lock(&self.path).clone()
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            resets: AtomicU64::new(0),
            gate_db: AtomicF32::new(SILENCE_DB),
            model: Wish::default(),
            csv: Wish::default(),
        }
    }
}

impl Requests {
    pub(super) fn ask_reset(&self) {
        self.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Resets asked for so far. Wait-free.
    pub(super) fn resets(&self) -> u64 {
        self.resets.load(Ordering::Relaxed)
    }

    /// Sets the power under which music counts as silence; anything non-finite is passed over. Wait-free.
    pub(super) fn set_gate_db(&self, gate_db: f32) {
        if gate_db.is_finite() {
            self.gate_db.store(gate_db, Ordering::Relaxed);
        }
    }

    /// Wait-free.
    pub(super) fn gate_db(&self) -> f32 {
        self.gate_db.load(Ordering::Relaxed)
    }

    pub(super) fn ask_model(&self, path: Option<PathBuf>) {
        self.model.ask(path);
    }

    /// Models asked for so far. Wait-free.
    pub(super) fn models(&self) -> u64 {
        self.model.times()
    }

    pub(super) fn model_path(&self) -> Option<PathBuf> {
        self.model.path()
    }

    pub(super) fn ask_csv(&self, path: Option<PathBuf>) {
        self.csv.ask(path);
    }

    /// Files for readings asked for so far. Wait-free.
    pub(super) fn csvs(&self) -> u64 {
        self.csv.times()
    }

    pub(super) fn csv_path(&self) -> Option<PathBuf> {
        self.csv.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_is_none_is_passed_over() {
        let requests = Requests::default();
        [-50.0, f32::NAN, f32::NEG_INFINITY]
            .iter()
            .for_each(|gate_db| requests.set_gate_db(*gate_db));
        assert_eq!(requests.gate_db(), -50.0);
    }

    #[test]
    fn of_several_models_the_last_counts() {
        let requests = Requests::default();
        requests.ask_model(Some("a.onnx".into()));
        requests.ask_model(None);
        assert_eq!((requests.models(), requests.model_path()), (2, None));
    }
}
