//! What pages are made of: each paints one thing of a view, and says it to screen readers.

pub mod button;
pub mod chart;
pub mod emblem;
pub mod footer;
pub mod header;
pub mod hint;
pub mod meter;
pub mod picker;
pub mod plane;
mod ring;
pub mod setting;
