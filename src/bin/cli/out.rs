//! What the commands write. Every command writes through here, so that all of them treat alike
//! whoever has stopped reading, a disk that is full, and a file that was there before.

use std::fmt::Display;
use std::io::{self, Write};

pub mod check;
mod interrupt;
pub mod kind;
mod sink;

pub use self::sink::{Sink, is_standard};

/// A line on standard error. Where that is closed or full there is nobody to tell.
pub fn tell(line: impl Display) {
    _ = writeln!(io::stderr(), "{line}");
}
