//! Where readings go besides the editor: one file per output, each a reader of [`crate::reading::Reading`]s and nothing else.
//!
//! **Architecture Invariant**: an output does not know how a reading is computed, nor which thread it is called from.

pub mod csv;
