//! Any bytes as a model's weights, or as its card: it is refused in words, or it runs and answers
//! with shares.
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 cargo fuzz run model --sanitizer none -- -max_len=65536 -timeout=20 -rss_limit_mb=2048 -max_total_time=600
//! ```
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use moodring::analysis::window::NetworkInput;
use moodring::model::Model;
use moodring::model::session::Session;
use sha2::{Digest, Sha256};

const CARD: &str = include_str!("../../models/paper.json");

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    if first & 1 == 0 {
        let _refused = Model::from_parts(&[], &String::from_utf8_lossy(bytes));
        return;
    }
    // A card that fits, so that the weights themselves are looked at.
    let mut card: serde_json::Value = serde_json::from_str(CARD).expect("a card of ours");
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    card["sha256"] = hash.into();
    let Ok(model) = Model::from_parts(bytes, &card.to_string()) else { return };
    let Ok(mut session) = Session::new(&Arc::new(model)) else { return };
    if let Ok(shares) = session.run(&NetworkInput::default()) {
        assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    }
});
