//! Readings as comma-separated values: a header, then one row per reading.
//!
//! ```text
//! time_secs,phase,heard_secs,excited,excited_low,excited_high,joy,…,tempo_bpm,…,overrun_samples
//! 12.260000,live,10.00,0.731250,0.560000,0.890000,0.442100,…,92.29,…,0
//! ```
//!
//! The columns are those of [`Rows::Live`].

use std::path::PathBuf;

use super::lines::{FirstLine, Lines};
use super::row::{Columns, Rows, is_csv_header};
use super::{Output, OutputError};
use crate::model::card::ModelFacts;
use crate::reading::Stamped;

/// A CSV file that grows.
pub struct Csv {
    lines: Lines,
    columns: Columns,
    header: String,
}

impl Csv {
    /// Readings will go to `path`. Opens nothing yet: a model that has read nothing has no header.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        let columns = Columns::new(Rows::Live, &[]);
        Self { lines: Lines::new(path), header: columns.csv_header(), columns }
    }
}

impl Output for Csv {
    fn begin(&mut self, model: &ModelFacts) -> Result<(), OutputError> {
        self.columns = Columns::new(Rows::Live, &model.spaces);
        self.header = self.columns.csv_header();
        self.lines.begin()
    }

    fn write(&mut self, stamped: &Stamped) -> Result<(), OutputError> {
        let judge = |first_line: &str| match first_line {
            ours if ours == self.header => FirstLine::Ours,
            other if is_csv_header(other) => FirstLine::OtherReadings,
            _ => FirstLine::Foreign,
        };
        self.lines.write(&self.columns.csv_line(stamped), Some(&self.header), judge)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.lines.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::lines::numbered;
    use super::super::row::parse_csv_line;
    use super::*;
    use crate::model::space::LabelSpace;
    use crate::reading::{Phase, Reading};

    fn model(first: [&str; 2]) -> ModelFacts {
        let spaces = first.map(|first| LabelSpace::new(first, "other", 0.0)).to_vec();
        ModelFacts { spaces, ..ModelFacts::default() }
    }

    fn header(model: &ModelFacts) -> String {
        Columns::new(Rows::Live, &model.spaces).csv_header()
    }

    fn live() -> Stamped {
        let reading = Reading {
            time_secs: 12.5,
            phase: Phase::Live,
            n_spaces: 2,
            shares: [0.75, 0.25, 0.0, 0.0],
            ..Reading::default()
        };
        reading.into()
    }

    /// What an output does with one reading.
    fn write(csv: &mut Csv, model: &ModelFacts) -> Result<(), OutputError> {
        csv.begin(model)?;
        csv.write(&live())?;
        csv.flush()
    }

    fn scratch(name: &str) -> PathBuf {
        let path =
            std::env::temp_dir().join(format!("moodring-csv-{}-{name}.csv", std::process::id()));
        let _absent = fs::remove_file(&path);
        path
    }

    fn remove<const N: usize>(paths: [&Path; N]) {
        paths.iter().for_each(|path| fs::remove_file(path).unwrap());
    }

    #[test]
    fn a_second_run_appends_under_the_same_header() {
        let (path, model) = (scratch("append"), model(["excited", "joy"]));
        for _ in 0..2 {
            write(&mut Csv::new(path.clone()), &model).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.lines().filter(|line| line.starts_with("time_secs")).count(), 1);
        remove([&path]);
    }

    #[test]
    fn a_file_that_holds_something_else_is_never_touched() {
        let path = scratch("foreign");
        let endless = vec![b'a'; 1 << 20];
        for content in [&b"my novel\n"[..], &[0xff, 0xfe, 0x00], &endless] {
            fs::write(&path, content).unwrap();
            let outcome = write(&mut Csv::new(path.clone()), &model(["excited", "joy"]));
            assert!(matches!(outcome, Err(OutputError::Foreign { .. })));
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        remove([&path]);
    }

    #[test]
    fn each_models_readings_stand_under_its_own_header_in_a_file_of_its_own() {
        let (joy, tense) = (model(["excited", "joy"]), model(["tense", "joy"]));
        let path = scratch("spaces");
        let beside = [2, 3].map(|number| numbered(&path, number));
        // A file of somebody else's that has the name of the next.
        fs::write(&beside[0], "my novel\n").unwrap();
        let mut csv = Csv::new(path.clone());
        for model in [&joy, &tense, &joy, &tense] {
            write(&mut csv, model).unwrap();
        }
        drop(csv);
        write(&mut Csv::new(path.clone()), &tense).unwrap();
        for (path, model, n_rows) in [(&path, &joy, 2), (&beside[1], &tense, 3)] {
            let text = fs::read_to_string(path).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(header(model).as_str()));
            assert!(lines.clone().all(|line| parse_csv_line(line).is_some()), "{text}");
            assert_eq!(lines.count(), n_rows);
        }
        assert_eq!(fs::read(&beside[0]).unwrap(), b"my novel\n");
        remove([&path, &beside[0], &beside[1]]);
    }

    #[test]
    fn a_file_of_an_earlier_version_stays_as_it_is_and_readings_go_on_beside_it() {
        let (path, model) = (scratch("earlier"), model(["excited", "joy"]));
        let earlier = header(&model).replace("tempo_bpm,", "");
        fs::write(&path, &earlier).unwrap();
        write(&mut Csv::new(path.clone()), &model).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), earlier);
        let beside = numbered(&path, 2);
        assert_eq!(fs::read_to_string(&beside).unwrap().lines().count(), 2);
        remove([&path, &beside]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_no_file_for_readings() {
        for path in ["/dev/zero", "/dev/full"] {
            let outcome = write(&mut Csv::new(path.into()), &model(["excited", "joy"]));
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("a device") && error.contains("Choose another file"), "{error}");
        }
    }

    #[test]
    fn an_unwritable_path_says_what_to_do() {
        let path = std::env::temp_dir().join("moodring-no-such-folder").join("readings.csv");
        let error = write(&mut Csv::new(path), &model(["excited", "joy"])).unwrap_err();
        assert!(error.to_string().contains("Choose another file"), "{error}");
    }

    #[test]
    fn nothing_is_opened_before_the_first_reading() {
        let path = scratch("early");
        let mut csv = Csv::new(path.clone());
        csv.begin(&model(["excited", "joy"])).and_then(|()| csv.flush()).unwrap();
        assert!(!path.exists());
    }
}
