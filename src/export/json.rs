//! A history as one array of JSON, an object for each of its points.

use std::io::Write;

use super::{Course, Result, Shared};
use crate::outputs::row::{Columns, Rows};

/// Writes `course`, an object for each of its points on a line of its own.
pub(super) fn write(out: &mut impl Write, course: &Course, shared: &Shared) -> Result<()> {
    let columns = Columns::new(Rows::History, &course.spaces);
    write!(out, "[")?;
    for (i, row) in course.rows(shared).enumerate() {
        let before = if i == 0 { "\n" } else { ",\n" };
        write!(out, "{before}{}", columns.json_line(&row?))?;
    }
    Ok(writeln!(out, "\n]")?)
}
