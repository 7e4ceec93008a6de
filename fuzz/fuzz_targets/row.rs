//! Any text as a row of a file of readings: it is one, or it is none; and one that is reads the
//! same once it is written.
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run row --sanitizer none -- -max_len=4096 -timeout=20 -max_total_time=600
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use moodring::model::space::LabelSpace;
use moodring::outputs::row::{Columns, Rows, parse_csv_line};

fuzz_target!(|text: &str| {
    let Some(stamped) = parse_csv_line(text) else { return };
    let spaces = vec![LabelSpace::new("a", "b", 0.0); stamped.reading.n_spaces];
    let columns = Columns::new(Rows::Live, &spaces);
    // Times and counts beyond what digits hold come back as near as a number of 64 bits is.
    let written = columns.csv_line(&stamped);
    let again = parse_csv_line(&written).map(|stamped| columns.csv_line(&stamped));
    assert!(again.is_none_or(|again| again == written));
});
