//! Whether the readings of the demo follow its sections.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

/// Seconds of audio that a reading describes: one that ends within a section's first ten seconds
/// still hears the one before.
const WINDOW_SECS: f64 = 10.0;

/// By how much a section that should read high must exceed one that should read low. Sections
/// differ by far more than what two readings of the same music do.
const LEAST_CONTRAST: f64 = 0.1;

/// Fewest readings a second.
const LEAST_RATE_HZ: f64 = 5.0;

/// Holds `readings.csv` against `sections.csv`: enough readings, and for each `expected_X` column
/// of the sections, the mean of X in every `high` section above that in every `low` one. Sections
/// too short for a window of their own do not count.
pub fn follow_sections(readings: &str, sections: &str) -> Result<()> {
    let (readings, sections) = (Table::parse(readings)?, Table::parse(sections)?);
    let end = sections.numbers("end_secs")?.into_iter().fold(0.0, f64::max);
    let n_readings = readings.rows.len();
    ensure!(
        n_readings as f64 > LEAST_RATE_HZ * (end - 2.0),
        "only {n_readings} readings of {end:.0} s of music"
    );
    let poles: Vec<&str> =
        sections.columns.iter().filter_map(|name| name.strip_prefix("expected_")).collect();
    ensure!(!poles.is_empty(), "no section says what to expect");
    for pole in poles {
        let means = section_means(&readings, &sections, pole)?;
        for (high, high_mean) in means.iter().filter(|(s, _)| s.expected == "high") {
            for (low, low_mean) in means.iter().filter(|(s, _)| s.expected == "low") {
                println!(
                    "{pole}: {high_mean:.2} in \"{}\", {low_mean:.2} in \"{}\"",
                    high.name, low.name
                );
                ensure!(
                    high_mean - low_mean > LEAST_CONTRAST,
                    "{pole} does not follow the sections of the piece"
                );
            }
        }
    }
    Ok(())
}

/// One section as one pole sees it.
struct Expectation {
    name: String,
    expected: String,
}

/// The mean share of `pole` in each section, over the readings whose window lies within it.
fn section_means(
    readings: &Table,
    sections: &Table,
    pole: &str,
) -> Result<Vec<(Expectation, f64)>> {
    let times = readings.numbers("time_secs")?;
    let shares = readings.texts(pole)?;
    let (starts, ends) = (sections.numbers("start_secs")?, sections.numbers("end_secs")?);
    let names = sections.texts("name")?;
    let expected = sections.texts(&format!("expected_{pole}"))?;
    let mut means = Vec::new();
    for i in 0..starts.len() {
        let inside: Vec<f64> = times
            .iter()
            .zip(&shares)
            .filter(|(time, _)| (starts[i] + WINDOW_SECS..=ends[i]).contains(*time))
            .filter_map(|(_, share)| share.parse().ok())
            .collect();
        if ends[i] - starts[i] > WINDOW_SECS {
            ensure!(!inside.is_empty(), "no reading of {pole} in \"{}\"", names[i]);
            let mean = inside.iter().sum::<f64>() / inside.len() as f64;
            let expectation =
                Expectation { name: names[i].to_owned(), expected: expected[i].to_owned() };
            means.push((expectation, mean));
        }
    }
    Ok(means)
}

/// Comma-separated values whose fields need no quotes.
struct Table<'a> {
    columns: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
    rows: Vec<Vec<&'a str>>,
}

impl<'a> Table<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let columns: Vec<&str> = lines.next().context("an empty table")?.split(',').collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        for row in &rows {
            ensure!(row.len() == columns.len(), "a row of {} fields: {row:?}", row.len());
        }
        let places = columns.iter().enumerate().map(|(i, name)| (*name, i)).collect();
        Ok(Self { columns, places, rows })
    }

    fn texts(&self, column: &str) -> Result<Vec<&'a str>> {
        let place = *self.places.get(column).with_context(|| format!("no column {column}"))?;
        Ok(self.rows.iter().map(|row| row[place]).collect())
    }

    fn numbers(&self, column: &str) -> Result<Vec<f64>> {
        let parse = |text: &str| text.parse().with_context(|| format!("{column}: {text:?}"));
        self.texts(column)?.into_iter().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: &str = "start_secs,end_secs,name,expected_excited\n\
        0,20,calm,low\n20,40,joyful,high\n40,44,outro,low\n";

    /// Five and a half readings a second, whose share is `share` of the time.
    fn readings(share: impl Fn(f64) -> f64) -> String {
        let rows = (0..242).map(|i| f64::from(i) * 2.0 / 11.0);
        let rows: String = rows.map(|t| format!("{t:.6},live,{:.6}\n", share(t))).collect();
        format!("time_secs,phase,excited\n{rows}")
    }

    #[test]
    fn readings_that_rise_with_the_sections_follow_them() {
        let rising = readings(|t| if t < 25.0 { 0.2 } else { 0.8 });
        follow_sections(&rising, SECTIONS).expect("they follow");
    }

    #[test]
    fn readings_that_stand_still_or_fall_do_not() {
        assert!(follow_sections(&readings(|_| 0.5), SECTIONS).is_err());
        assert!(follow_sections(&readings(|t| 1.0 - t / 50.0), SECTIONS).is_err());
    }

    #[test]
    fn too_few_readings_are_an_error() {
        let few = "time_secs,phase,excited\n15,live,0.1\n35,live,0.9\n";
        let error = follow_sections(few, SECTIONS).expect_err("two readings");
        assert!(error.to_string().contains("only 2 readings"));
    }

    #[test]
    fn readings_without_a_share_are_passed_over() {
        let rising = readings(|t| if t < 25.0 { 0.2 } else { 0.8 });
        let with_gap = rising.replacen("live,0.800000", "silent,", 3);
        follow_sections(&with_gap, SECTIONS).expect("they follow");
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = follow_sections(&readings(|_| 0.5), &SECTIONS.replace("excited", "joy"))
            .expect_err("no joy");
        assert!(error.to_string().contains("no column joy"));
    }
}
