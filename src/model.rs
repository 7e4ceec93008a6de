//! Quantities.
pub mod space;
