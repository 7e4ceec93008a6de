//! A value of a row, as CSV and JSON write it.

/// What stands in one column of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A finite number, with so many digits behind the point.
    Number(f64, usize),
    /// Yes or no.
    Truth(bool),
    /// A word without quotes, commas or line ends.
    Word(&'static str),
    /// Any text.
    Text(String),
    /// There is nothing to say: empty in CSV, null in JSON.
    Nothing,
}

impl Cell {
    /// A number as it is written with `digits` behind the point; nothing where it is not finite,
    /// for JSON knows no such number.
    #[must_use]
    pub fn number(value: f64, digits: usize) -> Self {
        if value.is_finite() { Self::Number(value, digits) } else { Self::Nothing }
    }

    /// As a field of CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        match self {
            Self::Number(value, digits) => format!("{value:.digits$}"),
            Self::Truth(truth) => truth.to_string(),
            Self::Word(word) => (*word).to_owned(),
            Self::Text(text) => csv_field(text),
            Self::Nothing => String::new(),
        }
    }

    /// As a value of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        match self {
            Self::Word(word) => json_text(word),
            Self::Text(text) => json_text(text),
            Self::Nothing => "null".to_owned(),
            number_or_truth => number_or_truth.csv(),
        }
    }
}

/// Any text as a field of CSV: in quotes where commas, quotes or line ends ask for it (RFC 4180),
/// or blanks at its ends, which many readers take away.
#[must_use]
pub fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Any text as a string of JSON.
#[must_use]
pub fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poles_with_commas_are_quoted() {
        assert_eq!(csv_field("joy, or so"), "\"joy, or so\"");
        assert_eq!(csv_field("\"joy\""), "\"\"\"joy\"\"\"");
        assert_eq!(csv_field("joy\r"), "\"joy\r\"");
        assert_eq!(csv_field(" joy"), "\" joy\"");
        assert_eq!(csv_field("joy or so"), "joy or so");
    }

    #[test]
    fn every_cell_is_written_as_its_format_asks() {
        for (cell, csv, json) in [
            (Cell::number(1.0 / 3.0, 2), "0.33", "0.33"),
            (Cell::number(f64::NAN, 2), "", "null"),
            (Cell::number(f64::NEG_INFINITY, 2), "", "null"),
            (Cell::Truth(true), "true", "true"),
            (Cell::Word("live"), "live", "\"live\""),
            (Cell::Text("a \"b\", c".into()), "\"a \"\"b\"\", c\"", r#""a \"b\", c""#),
            (Cell::Nothing, "", "null"),
        ] {
            assert_eq!((cell.csv().as_str(), cell.json().as_str()), (csv, json));
        }
    }
}
