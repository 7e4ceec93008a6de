//! What strangers hand in besides music: models, histories of projects, rows of files. Whatever is
//! in it, it is taken or refused in words, and nothing panics. `fuzz/` looks for more of the kind.

use std::sync::Arc;

use moodring::analysis::window::NetworkInput;
use moodring::model::Model;
use moodring::model::session::Session;

use crate::support::music::Random;

/// Mutants of each seed.
const N_MUTANTS: usize = 200;

/// `seed` with some bytes changed, left out, doubled or cut off.
fn mutant(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.up_to(8) {
        let at = random.up_to(bytes.len()) - 1;
        match random.up_to(5) {
            1 => bytes[at] = random.up_to(256) as u8,
            2 => bytes[at] ^= 1 << (random.up_to(8) - 1),
            3 => bytes.truncate(at.max(1)),
            4 => {
                let piece = bytes[at..(at + random.up_to(64)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.drain(at..(at + random.up_to(64)).min(bytes.len()))),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

fn mutants(seed: &[u8], random: u64) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut random = Random(random);
    (0..N_MUTANTS).map(move |_| mutant(seed, &mut random))
}

fn model_file(ending: &str) -> Vec<u8> {
    let path = format!("{}/models/moodring.{ending}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// A card for these weights, so that they are looked at.
fn card_for(onnx: &[u8]) -> String {
    use sha2::Digest;
    let mut card: serde_json::Value = serde_json::from_slice(&model_file("json")).unwrap();
    let hash: String = sha2::Sha256::digest(onnx).iter().map(|b| format!("{b:02x}")).collect();
    card["sha256"] = hash.into();
    card.to_string()
}

#[test]
fn weights_from_a_stranger_are_refused_in_words_or_answer_with_shares() {
    let mut n_run = 0;
    for onnx in mutants(&model_file("onnx"), 1) {
        match Model::from_parts(&onnx, &card_for(&onnx)) {
            Err(error) => assert!(error.to_string().len() > 20, "{error}"),
            Ok(model) => {
                let Ok(mut session) = Session::new(&Arc::new(model)) else { continue };
                if let Ok(shares) = session.run(&NetworkInput::default()) {
                    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
                    n_run += 1;
                }
            }
        }
    }
    assert!((1..N_MUTANTS).contains(&n_run), "{n_run} ran: the mutants teach nothing");
}

#[test]
fn a_card_from_a_stranger_is_refused_in_words_or_fits() {
    let onnx = model_file("onnx");
    let mut n_fit = 0;
    for card in mutants(&model_file("json"), 2) {
        match Model::from_parts(&onnx, &String::from_utf8_lossy(&card)) {
            Err(error) => assert!(error.to_string().len() > 20, "{error}"),
            Ok(model) => {
                assert!(!model.card().spaces.is_empty());
                n_fit += 1;
            }
        }
    }
    assert!(n_fit < N_MUTANTS, "the mutants teach nothing");
}

#[cfg(feature = "plugin")]
#[test]
fn a_history_from_a_stranger_is_read_or_leaves_none_and_is_written_as_it_was_read() {
    use std::sync::Mutex;

    use moodring::history::{History, state};
    use moodring::reading::{Phase, Reading};

    let history = Mutex::new(History::new());
    for n in 0..500_u16 {
        let time_secs = 1.0 + 0.5 * f64::from(n);
        let shares = [0.5 + 0.4 * (f32::from(n) / 9.0).sin(), 0.25, 0.0, 0.0];
        let phase = if n % 90 < 80 { Phase::Live } else { Phase::Silent };
        let reading = Reading { time_secs, phase, n_spaces: 2, shares, ..Reading::default() };
        history.lock().unwrap().record(&reading.at((n > 250).then_some(time_secs)));
    }
    let seed = state::to_text(&history);
    for text in mutants(seed.as_bytes(), 3) {
        let restored = Mutex::new(History::new());
        if state::restore(&restored, &String::from_utf8_lossy(&text)) {
            let written = state::to_text(&restored);
            let again = Mutex::new(History::new());
            assert!(state::restore(&again, &written));
            assert_eq!(state::to_text(&again), written);
        } else {
            assert!(restored.lock().unwrap().newest().is_none());
        }
    }
}

#[cfg(feature = "engine")]
#[test]
fn a_row_from_a_stranger_is_one_or_is_none() {
    use moodring::model::space::LabelSpace;
    use moodring::outputs::row::{Columns, Rows, parse_csv_line};

    let row = "12.260000,live,10.00,0.731250,0.560000,0.890000,0.442100,0.310000,0.610000,\
               92.29,92.29,0.00,-18.02,-20.31,0";
    assert!(parse_csv_line(row).is_some());
    let mut n_rows = 0;
    for text in mutants(row.as_bytes(), 4) {
        let Some(stamped) = parse_csv_line(&String::from_utf8_lossy(&text)) else { continue };
        n_rows += 1;
        let spaces = vec![LabelSpace::new("a", "b", 0.0); stamped.reading.n_spaces];
        let columns = Columns::new(Rows::Live, &spaces);
        let written = columns.csv_line(&stamped);
        let again = parse_csv_line(&written).map(|stamped| columns.csv_line(&stamped));
        assert!(again.is_none_or(|again| again == written), "{written}");
    }
    assert!((1..N_MUTANTS).contains(&n_rows), "{n_rows} were rows: the mutants teach nothing");
}
