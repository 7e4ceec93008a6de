//! The pages of the window, one in front at a time, and the stage.

pub mod about;
pub mod now;
pub mod outputs;
pub mod setup;
pub mod stage;
pub mod then;
pub mod why;
