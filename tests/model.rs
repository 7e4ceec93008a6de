//! The shipped model against onnxruntime, and files that are not models against their errors.

use std::path::PathBuf;
use std::sync::Arc;

use moodring::analysis::window::{N_STEP_FEATURES, NetworkInput};
use moodring::config::N_STEPS;
use moodring::model::error::in_words;
use moodring::model::session::Session;
use moodring::model::{Model, ModelError};
use moodring::why::{GROUPS, Group, N_GROUPS};

use crate::support::float_model::float_model;

/// Our activations are quantised step by step, onnxruntime's over the whole sequence; both are that
/// close to f32 arithmetic.
const SHARE_TOLERANCE: f32 = 1e-2;

/// The models in the repository; the first is the one built in.
const MODELS: [&str; 2] = ["moodring", "paper"];

fn file(model: &str, extension: &str) -> PathBuf {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    models.join(model).with_extension(extension)
}

fn shipped(extension: &str) -> PathBuf {
    file(MODELS[0], extension)
}

fn card_of(model: &str) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(file(model, "json")).unwrap()).unwrap()
}

fn card() -> serde_json::Value {
    card_of(MODELS[0])
}

/// The input that the card's reference was made with, before the averaging and scaling that the
/// session undoes.
fn reference_input(model: &Model) -> NetworkInput {
    let card = model.card();
    let mut input = NetworkInput::default();
    let first = N_STEPS - card.n_steps * card.steps_per_step();
    for (i, step) in input.steps.chunks_exact_mut(N_STEP_FEATURES).skip(first).enumerate() {
        let t = i / card.steps_per_step();
        for (f, column) in card.step_columns().into_iter().enumerate() {
            let scaled = (0.1 * t as f64 + 0.37 * f as f64).sin() as f32;
            step[column] = scaled * card.step_std[f] + card.step_mean[f];
        }
    }
    for (i, column) in card.constant_columns().into_iter().enumerate() {
        input.constants[column] = (i as f32).cos() * card.constant_std[i] + card.constant_mean[i];
    }
    input
}

#[test]
fn every_model_in_the_repository_answers_as_onnxruntime_did() {
    for name in MODELS {
        let model = Model::load(&file(name, "onnx")).unwrap();
        let shares = Session::new(&model).unwrap().run(&reference_input(&model)).unwrap();
        for arithmetic in ["shares_int8", "shares_f32"] {
            let reference = card_of(name)["reference"][arithmetic].clone();
            let reference: Vec<f32> = serde_json::from_value(reference).unwrap();
            assert_eq!(reference.len(), model.card().spaces.len());
            for (ours, theirs) in shares.iter().zip(&reference) {
                let close = (ours - theirs).abs() < SHARE_TOLERANCE;
                assert!(close, "{name}, {arithmetic}: {ours}, not {theirs}");
            }
        }
    }
}

#[test]
fn a_model_in_f32_answers_as_its_quantised_form() {
    let (int8, float) = (Model::shipped().unwrap(), float_model());
    let input = reference_input(&int8);
    let shares = [&int8, &float].map(|model| Session::new(model).unwrap().run(&input).unwrap());
    assert_ne!(shares[0], shares[1], "the same model twice");
    for (int8, float) in shares[0].iter().zip(&shares[1]) {
        assert!((int8 - float).abs() < SHARE_TOLERANCE, "{int8}, in f32 {float}");
    }
}

#[test]
fn the_built_in_model_is_the_one_in_the_repository() {
    let (built_in, loaded) = (Model::shipped().unwrap(), Model::load(&shipped("onnx")).unwrap());
    assert_eq!(built_in.card().sha256, loaded.card().sha256);
}

#[test]
fn every_card_states_its_doubt_and_what_a_user_should_know() {
    for name in MODELS {
        let card = Model::load(&file(name, "onnx")).unwrap().card().clone();
        assert_eq!(card.uncertainty.len(), card.spaces.len(), "{name}");
        let facts = card.facts();
        for title in ["Trained on", "Terms", "Results", "Limits"] {
            assert!(facts.about.iter().any(|about| about.title == title), "{name}: {title}");
        }
        // Less music, more doubt; and the band holds the share.
        let shares = [0.6; 4];
        let width = |secs: f32| {
            let [low, high] = card.bands(&shares, secs)[0];
            assert!(low <= 0.6 && 0.6 <= high);
            high - low
        };
        assert!(width(1.0) > 0.0 && width(10.0) > 0.0);
    }
}

#[test]
fn the_paper_model_hears_the_harmonic_chroma_alone() {
    let card = Model::load(&file("paper", "onnx")).unwrap().card().clone();
    assert_eq!(card.step_names.len(), 12);
    assert!(card.step_names.iter().all(|name| name.starts_with("chroma_harmonic_")));
}

#[test]
fn a_run_does_not_depend_on_the_runs_before_it() {
    let model = Model::shipped().unwrap();
    let input = reference_input(&model);
    let mut session = Session::new(&model).unwrap();
    let first = session.run(&input).unwrap();
    let other = session.run(&NetworkInput::default()).unwrap();
    assert_ne!(first, other, "the network does not listen");
    assert_eq!(session.run(&input).unwrap(), first);
}

/// `input` with the features whose names begin with one of these put to the card's means by hand.
fn with_means(model: &Model, input: &NetworkInput, beginnings: &[&str]) -> NetworkInput {
    let card = model.card();
    let mut input = input.clone();
    let is_meant = |name: &String| beginnings.iter().any(|beginning| name.starts_with(beginning));
    let columns = card.step_names.iter().zip(card.step_columns()).zip(&card.step_mean);
    for ((_, column), mean) in columns.filter(|((name, _), _)| is_meant(name)) {
        let steps = input.steps.chunks_exact_mut(N_STEP_FEATURES);
        steps.for_each(|step| step[column] = *mean);
    }
    let columns = card.constant_names.iter().zip(card.constant_columns()).zip(&card.constant_mean);
    for ((_, column), mean) in columns.filter(|((name, _), _)| is_meant(name)) {
        input.constants[column] = *mean;
    }
    input
}

#[test]
fn a_push_is_what_the_share_loses_with_the_group_at_its_mean() {
    /// Beginnings of the names of each group's features.
    const BEGINNINGS: [(Group, &[&str]); N_GROUPS] = [
        (Group::Harmony, &["chroma_", "key_", "moment_", "chord_"]),
        (Group::Pulse, &["tempo_", "onset_", "modulation_"]),
        (Group::Colour, &["mel_", "contrast_"]),
        (Group::Dynamics, &["level", "crest", "change_"]),
        (Group::Percussion, &["energy_"]),
    ];
    /// A mean of means is the mean but for the last digit, on which a rounding to int8 may hang.
    const ROUNDING: f32 = 1e-4;
    let paper = Model::load(&file("paper", "onnx")).unwrap();
    for model in [Model::shipped().unwrap(), paper, float_model()] {
        let name = &model.card().name;
        let input = reference_input(&model);
        let [mut session, mut by_hand] = [(); 2].map(|()| Session::new(&model).unwrap());
        let shares = session.run(&input).unwrap();
        let pushes = session.pushes(&input, &shares).unwrap();
        for (g, (group, beginnings)) in BEGINNINGS.into_iter().enumerate() {
            assert_eq!(GROUPS[g], group);
            let without = by_hand.run(&with_means(&model, &input, beginnings)).unwrap();
            for space in 0..shares.len() {
                let (push, expected) = (pushes[space][g], shares[space] - without[space]);
                assert!((push - expected).abs() < ROUNDING, "{name} {group:?}: {push}, {expected}");
            }
        }
        let pushed = pushes.iter().flatten().filter(|push| push.abs() > 1e-3).count();
        assert!(pushed >= 4, "{name}: {pushes:?}");
        assert_eq!(session.run(&input).unwrap(), shares, "{name}: a push moved the next reading");
    }
}

#[test]
fn what_a_model_does_not_hear_pushes_nothing() {
    let model = Model::load(&file("paper", "onnx")).unwrap();
    let mut session = Session::new(&model).unwrap();
    let input = reference_input(&model);
    let shares = session.run(&input).unwrap();
    for (g, group) in GROUPS.into_iter().enumerate() {
        let is_heard = matches!(group, Group::Harmony | Group::Pulse | Group::Percussion);
        let push = session.pushes(&input, &shares).unwrap()[0][g];
        assert_eq!(push != 0.0, is_heard, "{group:?}: {push}");
        assert_eq!(session.run_without(&input, group).unwrap() != shares, is_heard, "{group:?}");
    }
}

#[test]
fn the_shipped_model_says_what_it_is() {
    let card = Model::shipped().unwrap().card().clone();
    assert_eq!(
        (card.spaces[0].first.as_str(), card.spaces[0].second.as_str()),
        ("excited", "calm")
    );
    assert_eq!((card.spaces[1].first.as_str(), card.spaces[1].second.as_str()), ("joy", "sad"));
    assert!(!card.trained_on.is_empty());
}

/// The error of a model made of these bytes.
fn refused(onnx: &[u8], card: &serde_json::Value) -> ModelError {
    Model::from_parts(onnx, &card.to_string()).expect_err("a model that must be refused was taken")
}

/// A card whose hash fits `onnx`, so that the next check is the one that is reached.
fn card_for(onnx: &[u8]) -> serde_json::Value {
    use sha2::Digest;
    let mut card = card();
    let hex: String = sha2::Sha256::digest(onnx).iter().map(|b| format!("{b:02x}")).collect();
    card["sha256"] = hex.into();
    card
}

#[test]
fn a_missing_file_is_named() {
    let error = Model::load(&PathBuf::from("no/such/model.onnx")).err().unwrap();
    assert!(matches!(error, ModelError::Unreadable { .. }));
    assert!(error.to_string().contains("no/such/model.onnx"), "{error}");
}

#[test]
fn damaged_weights_fail_their_hash() {
    let mut onnx = std::fs::read(shipped("onnx")).unwrap();
    let middle = onnx.len() / 2;
    onnx[middle] ^= 1;
    assert!(matches!(refused(&onnx, &card()), ModelError::Hash));
}

#[test]
fn truncated_empty_and_foreign_weights_are_no_network() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let half = &onnx[..onnx.len() / 2];
    let noise: Vec<u8> = (0..5000_u32).map(|n| (n * n / 7) as u8).collect();
    for bytes in [half, &[], b"not a model at all", &noise] {
        let error = refused(bytes, &card_for(bytes));
        assert!(matches!(error, ModelError::Network(_)), "{error}");
    }
}

/// `onnx` with the first bytes of the weights called `name` replaced.
fn with_weights(onnx: &[u8], name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut onnx = onnx.to_vec();
    let at = onnx.windows(name.len()).rposition(|found| found == name.as_bytes()).unwrap();
    // After the name come the tag of the raw data and its length, seven bits a byte.
    let tag = at + name.len();
    assert_eq!(onnx[tag], 0x4a, "{name} is not followed by its data");
    let length_bytes = onnx[tag + 1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let data = tag + 1 + length_bytes;
    onnx[data..data + bytes.len()].copy_from_slice(bytes);
    onnx
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    for value in [f32::NAN, f32::INFINITY] {
        let spoilt = with_weights(&onnx, "member0_out_b", &value.to_le_bytes());
        let error = in_words(&refused(&spoilt, &card_for(&spoilt)));
        assert!(error.contains("member0_out_b") && error.contains("finite"), "{error}");
    }
}

#[test]
fn weights_that_overflow_fall_at_the_first_run_and_not_in_the_show() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let spoilt = with_weights(&onnx, "member0_out_b", &3e38_f32.to_le_bytes());
    // Finite, so they are loaded; what the network then says is a share or an error, never anything
    // else.
    let model = Model::from_parts(&spoilt, &card_for(&spoilt).to_string()).unwrap();
    let run = Session::new(&Arc::new(model)).unwrap().run(&NetworkInput::default());
    match run {
        Ok(shares) => assert!(shares.iter().all(|share| (0.0..=1.0).contains(share))),
        Err(error) => assert!(matches!(error, ModelError::Run(_))),
    }
}

#[test]
fn operators_that_have_no_place_here_are_refused_by_name() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let at = onnx.windows(7).position(|found| found == b"Softmax").unwrap();
    let mut spoilt = onnx.clone();
    spoilt[at..at + 7].copy_from_slice(b"NonZero");
    let error = in_words(&refused(&spoilt, &card_for(&spoilt)));
    assert!(error.contains("\"NonZero\"") && error.contains("not allowed"), "{error}");
}

#[test]
fn a_file_beyond_any_sane_size_is_not_even_read() {
    let path = std::env::temp_dir().join(format!("moodring-huge-{}.onnx", std::process::id()));
    std::fs::File::create(&path).unwrap().set_len(129 << 20).unwrap();
    let error = Model::load(&path).err().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, ModelError::TooLarge), "{error}");
}

#[test]
fn a_card_for_another_analysis_is_refused_by_field() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let twice = serde_json::json!(["onset_harmonic", "onset_harmonic"]);
    let changes: [(&str, serde_json::Value); 10] = [
        ("sample_rate_hz", 44_100.into()),
        ("hop_samples", 256.into()),
        ("frames_per_step", 6.into()),
        ("n_steps", 100.into()),
        ("step_names", serde_json::json!(["loudness"])),
        ("step_names", twice),
        ("step_std", serde_json::json!(vec![0.0; card()["step_names"].as_array().unwrap().len()])),
        ("spaces", serde_json::json!([])),
        ("doubt", serde_json::json!([{ "heard_secs": [], "shares": [], "low": [], "high": [] }])),
        ("name", "\u{7}".into()),
    ];
    for (field, value) in changes {
        let mut card = card();
        card[field] = value;
        let error = refused(&onnx, &card);
        assert!(matches!(error, ModelError::Card(_)), "{field}: {error}");
        let words = in_words(&error);
        assert!(words.contains(field.trim_end_matches("s")) || field == "spaces", "{words}");
    }
    let error = Model::from_parts(&onnx, "{").err().unwrap();
    assert!(matches!(error, ModelError::Card(_)));
}

#[test]
fn a_card_with_more_spaces_than_the_network_is_refused() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let mut card = card();
    let extra =
        serde_json::json!({ "first": "tense", "second": "relaxed", "angle_degrees": 135.0 });
    card["spaces"].as_array_mut().unwrap().push(extra);
    let doubt = card["doubt"][0].clone();
    card["doubt"].as_array_mut().unwrap().push(doubt);
    assert!(matches!(refused(&onnx, &card), ModelError::Network(_)));
}
