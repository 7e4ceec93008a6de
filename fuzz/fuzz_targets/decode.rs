//! Any bytes, as a file or through a pipe: decoding ends, in bounded time and memory, and whatever
//! panics inside is an error.
//!
//! ```text
//! cargo test --test tests seeds_of_the_fuzzer -- --ignored
//! RUSTC_BOOTSTRAP=1 cargo fuzz run decode --sanitizer none -- -max_len=65536 -timeout=20 -rss_limit_mb=2048 -max_total_time=600
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use moodring::decode::AudioFile;

/// Endings of names, which help readers to guess; the first byte of an input picks one.
const ENDINGS: [&str; 12] =
    ["wav", "aiff", "flac", "mp3", "ogg", "opus", "m4a", "aac", "caf", "mkv", "ts", ""];

/// Bytes of sound that so few bytes of file may grow to; silence in holes and lossless silence are
/// the longest.
const MAX_SAMPLES: usize = 1 << 28;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let ending = ENDINGS[usize::from(*first) % ENDINGS.len()];
    let Ok(mut file) = AudioFile::of_bytes(bytes.to_vec(), ending, first & 0x80 != 0) else {
        return;
    };
    let mut samples = 0;
    while let Some(block) = file.next_block() {
        assert!(block.rate_hz > 0.0 && !block.samples.is_empty());
        assert!(block.samples.len().is_multiple_of(block.layout.n_channels()));
        samples += block.samples.len();
        if samples > MAX_SAMPLES {
            break;
        }
    }
    assert!(file.outcome().read_secs.is_finite() && file.outcome().lost_secs.is_finite());
});
