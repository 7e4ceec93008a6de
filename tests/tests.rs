//! What the crate promises as a whole: the analysis against librosa, streams against batches, the model against onnxruntime, the
//! command line against its words.

#[cfg(feature = "cli")]
mod cli;
mod golden;
mod model;
mod stream;
mod support {
    pub mod music;
}
