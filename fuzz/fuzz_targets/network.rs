//! Any bytes from the network, as a packet of commands and as a browser's question: they are
//! counted, or answered, and nothing panics.
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run network --sanitizer none -- -max_len=2048 -max_total_time=600
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use moodring::live::osc::commands;
use moodring::live::page::Shown;
use moodring::live::query::{Listener, Tree};
use moodring::live::web::{Site, answer_to};

fuzz_target!(|bytes: &[u8]| {
    let (actions, n_foreign) = commands(bytes, "/moodring");
    // Every message takes eight bytes at least.
    assert!(8 * actions.len() <= bytes.len() && n_foreign <= 1 + bytes.len() as u64 / 8);
    if let Ok(said) = std::str::from_utf8(bytes) {
        Tree::default().hear(&mut Listener::default(), said);
    }
    let shown = Shown { values: "{}".to_owned(), is_news: false };
    for is_local in [false, true] {
        if let Some((answer, looks_on)) = answer_to(bytes, &shown, is_local) {
            assert!(
                answer.starts_with(b"HTTP/1.1 ")
                    && looks_on == answer.starts_with(b"HTTP/1.1 101 ")
            );
        }
    }
});
