//! Readings as JSON lines: one object per reading, on a line of its own.
//!
//! ```text
//! {"time_secs":12.260000,"phase":"live","heard_secs":10.00,"excited":0.731250,…}
//! ```
//!
//! The members are those of [`Rows::Live`], by the same names; what a row has no number for is
//! null. Each line names its members, so readings of every model can stand in one file.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::lines::{FirstLine, Lines};
use super::row::{Columns, Rows};
use super::{Output, OutputError};
use crate::model::card::ModelFacts;
use crate::reading::{Phase, Stamped};

/// A file of JSON lines that grows.
pub struct JsonLines {
    lines: Lines,
    columns: Columns,
}

impl JsonLines {
    /// Readings will go to `path`. Opens nothing yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { lines: Lines::new(path), columns: Columns::new(Rows::Live, &[]) }
    }
}

impl Output for JsonLines {
    fn begin(&mut self, model: &ModelFacts) -> Result<(), OutputError> {
        self.columns = Columns::new(Rows::Live, &model.spaces);
        Ok(())
    }

    fn write(&mut self, stamped: &Stamped) -> Result<(), OutputError> {
        self.lines.write(&self.columns.json_line(stamped), None, judge)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.lines.flush()
    }
}

/// Whether a line is a reading, of whatever model and version.
fn judge(first_line: &str) -> FirstLine {
    let row: Option<Map<String, Value>> = serde_json::from_str(first_line).ok();
    let is_reading = row.is_some_and(|row| {
        let phase = row.get("phase").and_then(Value::as_str).and_then(Phase::from_word);
        phase.is_some() && row.get("time_secs").is_some_and(Value::is_number)
    });
    if is_reading { FirstLine::Ours } else { FirstLine::Foreign }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::space::LabelSpace;
    use crate::reading::Reading;

    fn scratch(name: &str) -> PathBuf {
        let name = format!("moodring-jsonl-{}-{name}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _absent = fs::remove_file(&path);
        path
    }

    fn write(path: PathBuf, first: &str) -> Result<(), OutputError> {
        let spaces = vec![LabelSpace::new(first, "other", 0.0)];
        let mut output = JsonLines::new(path);
        output.begin(&ModelFacts { spaces, ..ModelFacts::default() })?;
        let shares = [0.25, 0.0, 0.0, 0.0];
        let phase = Phase::Live;
        output.write(&Reading { phase, n_spaces: 1, shares, ..Reading::default() }.into())?;
        output.flush()
    }

    #[test]
    fn every_line_is_an_object_and_those_of_other_models_stand_below() {
        let path = scratch("append");
        write(path.clone(), "joy").unwrap();
        write(path.clone(), "\"tense\"").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let rows: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (&rows[0]["joy"], &rows[1]["\"tense\""]),
            (&Value::from(0.25), &Value::from(0.25))
        );
        assert_eq!(rows[0]["phase"], "live");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_holds_something_else_is_never_touched() {
        let path = scratch("foreign");
        for content in
            ["my novel\n", "[1, 2]\n", "{\"phase\": \"loud\", \"time_secs\": 1}\n", "{\n"]
        {
            fs::write(&path, content).unwrap();
            let outcome = write(path.clone(), "joy");
            assert!(matches!(outcome, Err(OutputError::Foreign { .. })), "{content}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        fs::remove_file(path).unwrap();
    }
}
