//! What the crate promises as a whole: the analysis against librosa, streams against batches, tempo
//! against how music was made, the model against onnxruntime, the command line against its words,
//! outputs against each other.

// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "cli")]
mod awkward;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_files;
#[cfg(feature = "cli")]
mod cli_labels;
mod golden;
mod heard;
mod model;
#[cfg(feature = "engine")]
mod outputs;
mod strangers;
mod stream;
mod tempo;
mod support {
    pub mod drums;
    pub mod float_model;
    pub mod music;
}
