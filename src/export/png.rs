//! A history as a picture of the course of every share.

use std::io::Write;

use super::{Course, PAINTED, Result, Shared};
use crate::plot::paint_readings;
use crate::reading::Reading;

/// Paints `course` and writes it.
pub(super) fn write(out: &mut impl Write, course: &Course, shared: &Shared) -> Result<()> {
    let readings: Vec<Reading> = course.readings().collect();
    shared.go_on(0.0)?;
    let picture = paint_readings(&course.title, &course.spaces, &readings, &[])?;
    shared.go_on(PAINTED)?;
    Ok(picture.write_png(out)?)
}
