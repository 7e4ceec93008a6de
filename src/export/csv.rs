//! A history as comma-separated values with a header (RFC 4180).

use std::io::Write;

use super::{Course, Result, Shared};
use crate::outputs::row::{Columns, Rows};

/// Writes `course`, a line for each of its points.
pub(super) fn write(out: &mut impl Write, course: &Course, shared: &Shared) -> Result<()> {
    let columns = Columns::new(Rows::History, &course.spaces);
    writeln!(out, "{}", columns.csv_header())?;
    for row in course.rows(shared) {
        writeln!(out, "{}", columns.csv_line(&row?))?;
    }
    Ok(())
}
