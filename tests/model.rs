//! The shipped model against onnxruntime, and files that are no model against their errors.

use std::path::PathBuf;

use moodring::analysis::window::{N_CONSTANTS, N_STEP_FEATURES, NetworkInput};
use moodring::config::N_STEPS;
use moodring::model::session::Session;
use moodring::model::{Model, ModelError};

/// Our activations are quantised step by step, onnxruntime's over the whole sequence; both are that close to f32 arithmetic.
const SHARE_TOLERANCE: f32 = 1e-2;

fn shipped(extension: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/moodring").with_extension(extension)
}

fn card() -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(shipped("json")).unwrap()).unwrap()
}

/// The input that the card's reference was made with, before the scaling that the session undoes.
fn reference_input(model: &Model) -> NetworkInput {
    let card = model.card();
    let mut input = NetworkInput::default();
    for t in 0..N_STEPS {
        for f in 0..N_STEP_FEATURES {
            let scaled = (0.1 * t as f64 + 0.37 * f as f64).sin() as f32;
            input.steps[t * N_STEP_FEATURES + f] = scaled * card.step_std[f] + card.step_mean[f];
        }
    }
    for i in 0..N_CONSTANTS {
        input.constants[i] = (i as f32).cos() * card.constant_std[i] + card.constant_mean[i];
    }
    input
}

#[test]
fn the_shipped_model_answers_as_onnxruntime_did() {
    let model = Model::shipped().unwrap();
    let shares = Session::new(&model).unwrap().run(&reference_input(&model)).unwrap();
    for arithmetic in ["shares_int8", "shares_f32"] {
        let reference = card()["reference"][arithmetic].clone();
        let reference: Vec<f32> = serde_json::from_value(reference).unwrap();
        assert_eq!(reference.len(), model.card().spaces.len());
        for (ours, theirs) in shares.iter().zip(&reference) {
            assert!((ours - theirs).abs() < SHARE_TOLERANCE, "{arithmetic}: {ours}, not {theirs}");
        }
    }
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
    Model::from_parts(onnx, &card.to_string())
        .err()
        .expect("a model that must be refused was taken")
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

#[test]
fn a_card_for_another_analysis_is_refused_by_field() {
    let onnx = std::fs::read(shipped("onnx")).unwrap();
    let changes: [(&str, serde_json::Value); 6] = [
        ("sample_rate_hz", 44_100.into()),
        ("hop_samples", 256.into()),
        ("n_steps", 98.into()),
        ("step_names", serde_json::json!(["loudness"])),
        ("step_std", serde_json::json!(vec![0.0; N_STEP_FEATURES])),
        ("spaces", serde_json::json!([])),
    ];
    for (field, value) in changes {
        let mut card = card();
        card[field] = value;
        let error = refused(&onnx, &card);
        assert!(matches!(error, ModelError::Card(_)), "{field}: {error}");
        assert!(
            error.to_string().contains(field.trim_end_matches("s")) || field == "spaces",
            "{error}"
        );
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
    assert!(matches!(refused(&onnx, &card), ModelError::Network(_)));
}
