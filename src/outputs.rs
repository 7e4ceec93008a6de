//! Readers of Readings other than the editor: one file each.
//!
//! **Architecture Invariant**: an output knows Readings and label spaces, never how they are computed.

pub mod csv;

#[cfg(feature = "plot")]
pub mod plot;

#[cfg(feature = "plot")]
pub mod export;

#[cfg(feature = "plot")]
pub mod whole;
