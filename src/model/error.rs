//! Why a model cannot be used.

use std::error::Error;
use std::path::PathBuf;

use super::MAX_ONNX_BYTES;

/// Why a model cannot be used, and what to do about it. The details are its sources;
/// [`in_words`] tells all of it on one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read.
    #[error(
        "cannot read the model file {path} (check the path, or leave it empty for the shipped model)",
        path = .path.display()
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// The weights file is beyond any sane size.
    #[error("the model file has more than the {MAX_ONNX_BYTES} bytes allowed; is it a model?")]
    TooLarge,
    /// The card is not a card, or not one for this crate.
    #[error("the model's card is not usable (train the model with this version of Moodring)")]
    Card(#[from] CardError),
    /// The weights are not those that the card describes.
    #[error(
        "the weights do not match the card's hash: the file is damaged or of another training; copy both files again"
    )]
    Hash,
    /// No network can be made of the file.
    #[error("the model file is not a network that Moodring can run")]
    Network(#[from] NetworkError),
    /// The network failed while it ran, or said something that is not a share.
    #[error("the model failed while running")]
    Run(#[from] RunError),
}

/// What is wrong with a card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// It is not Unicode.
    #[error("it is no text")]
    NotText,
    /// It is not JSON, or lacks a field, or has one of another kind.
    #[error("{0}")]
    Syntax(serde_json::Error),
    /// A field does not fit this crate or another field: which, and how, in words.
    #[error("{0}")]
    Field(String),
}

/// Why no network can be made of a weights file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// It was refused before anything of it ran: what was found, in words.
    #[error("{0}")]
    Refused(String),
    /// What runs networks cannot make one of it.
    #[error("{0}")]
    Unfit(String),
}

/// What went wrong in a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The network failed, in the words of what runs it.
    #[error("{0}")]
    Failed(String),
    /// It answered with something that is not a share.
    #[error("it answered with {0:?}, which are not shares")]
    NotShares(Vec<f32>),
}

/// An error and all that is behind it, on one line.
#[must_use]
pub fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        words = format!("{words}: {error}");
        behind = error.source();
    }
    words
}
