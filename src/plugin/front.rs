//! What stands between the hosts and the framework: it mends on the way what the framework's
//! wrappers do otherwise than hosts expect, and cannot be told to do. Everything else is handed
//! through.
//!
//! `docs/upstream.md` has the cases.

// The interfaces of both formats are raw pointers; nothing else in the crate deals in them.
#![allow(unsafe_code)]

mod clap;
mod entry;
mod vst3;
