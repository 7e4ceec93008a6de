//! The user's own model, which may not be usable, or come late, or never.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::analyser::{Analyser, AnalyserError};
use crate::analysis::downmix::Layout;
use crate::errand::{Errand, Panicked};
use crate::model::error::in_words;
use crate::model::{Model, ModelError};

use super::control::Control;
use super::handover::Handover;
use super::monitor::Status;
use super::ring::WorkerEnd;

/// How long the user's own model may take to be read before the shipped one reads in its place:
/// half of what the ring holds.
const LOAD_LIMIT: Duration = Duration::from_secs(2);

/// How long a worker that was asked to stop, and has music to read, waits for its model.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// How often a worker checks whether its model is there.
const LOAD_POLL: Duration = Duration::from_millis(2);

/// Reads a model's file.
pub(super) type LoadModel = fn(&Path) -> Result<Arc<Model>, ModelError>;

/// A model that somebody else reads from its file.
pub(super) type Loading = Errand<Result<Arc<Model>, ModelError>>;

/// What has become of the user's own model.
pub(super) enum Own {
    /// There is none.
    None,
    Model(Arc<Model>),
    /// It cannot be used, and why.
    Unusable(String),
    /// It is not there yet.
    Late {
        file: PathBuf,
        loading: Loading,
    },
    /// It is no longer asked for.
    Forgotten,
}

/// The user's own model, as far as it comes in time. Its file may be anywhere, and need not answer.
pub(super) fn fetch(
    load: LoadModel,
    control: &Control,
    models_asked: u64,
    shared: &Handover,
    samples: &WorkerEnd,
) -> Own {
    let Some(file) = control.model_path() else { return Own::None };
    let path = file.clone();
    let loading = match Loading::start(move || load(&path)) {
        Ok(loading) => loading,
        Err(error) => return Own::Unusable(format!("cannot load {}: {error}", file.display())),
    };
    let (began, mut stopping_since) = (Instant::now(), None);
    loop {
        if let Some(result) = loading.poll() {
            return outcome(result, &file);
        }
        if began.elapsed() > LOAD_LIMIT {
            return Own::Late { file, loading };
        }
        let is_stopping = shared.is_stopping();
        let patience = if samples.is_empty() { Duration::ZERO } else { STOP_LIMIT };
        let is_over =
            is_stopping && stopping_since.get_or_insert_with(Instant::now).elapsed() >= patience;
        if is_over || control.models() != models_asked {
            return Own::Forgotten;
        }
        std::thread::sleep(LOAD_POLL);
    }
}

/// What a model that was read from `file` amounts to.
pub(super) fn outcome(
    result: Result<Result<Arc<Model>, ModelError>, Panicked>,
    file: &Path,
) -> Own {
    match result {
        Ok(Ok(model)) => Own::Model(model),
        Ok(Err(error)) => Own::Unusable(in_words(&error)),
        Err(Panicked) => Own::Unusable(format!(
            "the model file {} cannot be understood; train it with this version of Moodring",
            file.display()
        )),
    }
}

/// An analyser with the user's model where there is one that works, else with the shipped one; and
/// the status that this amounts to.
pub(super) fn analyser(
    own: &Own,
    host_rate_hz: f64,
    layout: Layout,
) -> Result<(Analyser, Arc<Model>, Status), AnalyserError> {
    let with = |model: Arc<Model>| Ok((Analyser::new(host_rate_hz, layout, &model)?, model));
    let status = match own {
        Own::Model(model) => match with(Arc::clone(model)) {
            Ok((analyser, model)) => return Ok((analyser, model, Status::Running)),
            Err(AnalyserError::Model(error)) => Status::FallenBack(in_words(&error)),
            Err(error) => return Err(error),
        },
        Own::Unusable(why) => Status::FallenBack(why.clone()),
        Own::Late { file, .. } => Status::FallenBack(format!(
            "The model file {} does not answer. It reads as soon as it does; see to its drive, or choose the shipped model.",
            file.display()
        )),
        Own::None | Own::Forgotten => Status::Running,
    };
    let (analyser, model) = with(Model::shipped()?)?;
    Ok((analyser, model, status))
}
