//! From samples to the network's input, one stage a file.
//!
//! A stage has two forms with the same words and the same tests. The **batch** form is a free
//! function over the whole signal, written like the paper, allocating freely: the definition. The
//! **incremental** form is a struct with `new`, `push` and `reset`, which allocates only in `new`:
//! what runs, in the plugin, on the command line and for training alike. Where a stage looks ahead
//! it says by how many frames. What needs one frame only (chroma, mel, crest, contrast), or is read
//! off the window anew each time (modulation, tonality), has no state and one way to be asked.
//!
//! **Architecture Invariant**: nothing here knows the host's block size, a thread, or the model.
//!
//! **Architecture Invariant**: samples that reach a stage are finite and at most
//! [`crate::config::SAMPLE_LIMIT`] in magnitude;
//! [`downmix::Downmix`] is the one gate that sees to it.

pub mod downmix;

pub mod resample;

pub mod subsonic;

pub mod stft;

pub mod audible;

pub mod median;

pub mod group;
pub mod hpss;

pub mod chroma;

pub mod mel;

pub mod crest;

pub mod contrast;

pub mod change;

pub mod onset;

pub mod tempo;

pub mod beat;

pub mod modulation;

pub mod tonality;

pub mod frame;

pub mod window;
