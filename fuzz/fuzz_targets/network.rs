//! Any bytes from the network, as a packet of commands and as a browser's question: they are
//! counted, or answered, and nothing panics.
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run network --sanitizer none -- -max_len=2048 -max_total_time=600
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use moodring::live::osc::commands;
use moodring::live::page::answer_to;

fuzz_target!(|bytes: &[u8]| {
    let (actions, n_foreign) = commands(bytes, "/moodring");
    // Every message takes eight bytes at least.
    assert!(8 * actions.len() <= bytes.len() && n_foreign <= 1 + bytes.len() as u64 / 8);
    for is_local in [false, true] {
        if let Some((answer, looks_on)) = answer_to(bytes, "{}", is_local) {
            assert!(
                answer.starts_with(b"HTTP/1.1 ")
                    && looks_on == answer.starts_with(b"HTTP/1.1 101 ")
            );
        }
    }
});
