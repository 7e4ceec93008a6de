//! Engine.
pub mod publish;
