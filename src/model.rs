//! The model: ONNX weights plus a card that says what they expect, run through tract.
//!
//! The model is data. The shipped one is built in; a user's own is an `.onnx` file with its card,
//! `.json`, beside it. Nothing of a file is believed before it was checked: the card must name this
//! crate's features in order, and the weights' hash.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub mod space;

pub mod uncertainty;

pub mod error;

pub mod card;

pub mod int8;

pub mod dense;

pub mod lstm;

pub mod ops;

mod prealloc;

mod vet;

pub mod session;

use card::{Card, ModelFacts};
use session::Plan;

pub use error::{CardError, ModelError, NetworkError, RunError};

use crate::files;

/// The shipped weights and their card.
const SHIPPED_ONNX: &[u8] = include_bytes!("../models/moodring.onnx");
const SHIPPED_CARD: &str = include_str!("../models/moodring.json");

/// Largest weights file taken, bytes: a dozen times the paper's network in f32.
const MAX_ONNX_BYTES: u64 = 128 << 20;

/// Largest card taken, bytes: a hundred times what training writes.
const MAX_CARD_BYTES: u64 = 1 << 20;

/// What the shipped model's card says, without loading it; nothing where it cannot be read, which
/// loading it then reports.
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
        let unreadable =
            |path: &Path, error| ModelError::Unreadable { path: path.to_owned(), error };
        let onnx = files::read(path, MAX_ONNX_BYTES).map_err(|why| match why.kind() {
            ErrorKind::FileTooLarge => ModelError::TooLarge,
            _ => unreadable(path, why),
        })?;
        let card =
            files::read(&card_path, MAX_CARD_BYTES).map_err(|why| unreadable(&card_path, why))?;
        let card = String::from_utf8(card).map_err(|_| CardError::NotText)?;
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
