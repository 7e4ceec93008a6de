//! Any text as the history that a project keeps: it is read, or the history is empty; and what was
//! read is written as it was.
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run history --sanitizer none -- -max_len=65536 -timeout=20 -rss_limit_mb=2048 -max_total_time=600
//! ```
#![no_main]

use std::sync::Mutex;

use libfuzzer_sys::fuzz_target;
use moodring::history::{History, state};

fuzz_target!(|text: &str| {
    let history = Mutex::new(History::new());
    if state::restore(&history, text) {
        let written = state::to_text(&history);
        let again = Mutex::new(History::new());
        assert!(state::restore(&again, &written));
        assert_eq!(state::to_text(&again), written);
    }
});
