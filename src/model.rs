//! The model: ONNX weights plus a card that says what they expect, run through tract.
//!
//! The model is data. The shipped one is built in; a user's own is an `.onnx` file with its card, `.json`, beside it. Nothing of
//! a file is believed before it was checked: the card must name this crate's features in order, and the weights' hash.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub mod space;

pub mod doubt;

pub mod card;

pub mod int8;

pub mod dense;

pub mod lstm;

pub mod ops;

mod fixed;

mod screen;

pub mod session;

use card::{Card, ModelFacts};
use session::Plan;

use crate::files;

/// The shipped weights and their card.
const SHIPPED_ONNX: &[u8] = include_bytes!("../models/moodring.onnx");
const SHIPPED_CARD: &str = include_str!("../models/moodring.json");

/// Largest weights file taken, bytes: a dozen times the paper's network in f32.
const MAX_ONNX_BYTES: u64 = 128 << 20;

/// Largest card taken, bytes: a hundred times what training writes.
const MAX_CARD_BYTES: u64 = 1 << 20;

/// Why a model cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read.
    #[error("cannot read the model file {path}: {why}; check the path, or leave it empty for the shipped model", path = .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// The weights file is beyond any sane size.
    #[error("the model file has more than the {MAX_ONNX_BYTES} bytes allowed; is it a model?")]
    TooLarge,
    /// The card is no card, or not one for this crate.
    #[error("the model's card is not usable: {0}; train the model with this version of Moodring")]
    Card(String),
    /// The weights are not those that the card describes.
    #[error(
        "the weights do not match the card's hash: the file is damaged or of another training; copy both files again"
    )]
    Hash,
    /// tract cannot make a network of the file.
    #[error("the model file is not a network that Moodring can run: {0}")]
    Network(String),
    /// The network failed while it ran, or said something that is no share.
    #[error("the model failed while running: {0}")]
    Run(String),
}

/// What the shipped model's card says, without loading it; nothing where it cannot be read, which loading it then reports.
#[must_use]
pub fn shipped_facts() -> ModelFacts {
    Card::parse(SHIPPED_CARD).map(|card| card.facts()).unwrap_or_default()
}

/// A loaded model: shared by all instances, turned into a [`session::Session`] by each.
pub struct Model {
    card: Card,
    plan: Plan,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}

impl Model {
    /// The model built into the crate, loaded once per process.
    ///
    /// # Errors
    /// [`ModelError`] where the build was put together wrongly; then no other call succeeds either.
    pub fn shipped() -> Result<Arc<Self>, ModelError> {
        static SHIPPED: OnceLock<Arc<Model>> = OnceLock::new();
        if let Some(model) = SHIPPED.get() {
            return Ok(Arc::clone(model));
        }
        // Two threads may both load it; the second load is dropped.
        let model = Arc::new(Self::from_parts(SHIPPED_ONNX, SHIPPED_CARD)?);
        Ok(Arc::clone(SHIPPED.get_or_init(|| model)))
    }

    /// A user's model: `path` names the `.onnx`; its card has the same name with `.json`.
    ///
    /// # Errors
    /// [`ModelError`], whose words say which check failed.
    pub fn load(path: &Path) -> Result<Arc<Self>, ModelError> {
        let card_path = path.with_extension("json");
        let unreadable = |path: &Path, why| ModelError::Unreadable { path: path.to_owned(), why };
        let onnx = files::read(path, MAX_ONNX_BYTES).map_err(|why| match why.kind() {
            ErrorKind::FileTooLarge => ModelError::TooLarge,
            _ => unreadable(path, why),
        })?;
        let card =
            files::read(&card_path, MAX_CARD_BYTES).map_err(|why| unreadable(&card_path, why))?;
        let card =
            String::from_utf8(card).map_err(|_| ModelError::Card("it is no text".to_owned()))?;
        Self::from_parts(&onnx, &card).map(Arc::new)
    }

    /// A model from the bytes of its two files.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_parts(onnx: &[u8], card: &str) -> Result<Self, ModelError> {
        let card = Card::parse(card)?;
        if !card.matches(onnx) {
            return Err(ModelError::Hash);
        }
        let plan = session::plan(onnx, &card)?;
        Ok(Self { card, plan })
    }

    /// What the model says of itself.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }
}
