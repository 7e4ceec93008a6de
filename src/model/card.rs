//! The card: what a model's weights expect and where they come from, carried beside them as JSON.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::ModelError;
use super::space::LabelSpace;
use crate::analysis::window::{CONSTANT_NAMES, step_names};
use crate::config::{ANALYSIS_RATE_HZ, FRAMES_PER_STEP, HOP_SAMPLES, N_STEPS, WINDOW_SAMPLES};
use crate::reading::MAX_SPACES;

/// A model's card. Fields that only people read (results, protocol, licence of the data) are not parsed.
#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    /// The model's name.
    pub name: String,
    /// Analysis rate that its features were made at, Hz.
    pub sample_rate_hz: u32,
    /// Samples between frames.
    pub hop_samples: usize,
    /// Samples under a window.
    pub window_samples: usize,
    /// Frames averaged into one step.
    pub frames_per_step: usize,
    /// Steps in a window.
    pub n_steps: usize,
    /// Names of the step features, in order.
    pub step_names: Vec<String>,
    /// Names of the constant features, in order.
    pub constant_names: Vec<String>,
    /// Mean of each step feature over the training data.
    pub step_mean: Vec<f32>,
    /// Standard deviation of each step feature over the training data.
    pub step_std: Vec<f32>,
    /// Mean of each constant.
    pub constant_mean: Vec<f32>,
    /// Standard deviation of each constant.
    pub constant_std: Vec<f32>,
    /// The label spaces, in the order of the network's output.
    pub spaces: Vec<LabelSpace>,
    /// SHA-256 of the weights file, hexadecimal.
    pub sha256: String,
    /// One sentence on what the weights were trained on, and under which terms.
    pub trained_on: String,
}

impl Card {
    /// Parses a card and checks that this crate makes what it asks for.
    ///
    /// # Errors
    /// [`ModelError::Card`] with the first field that does not fit.
    pub fn parse(json: &str) -> Result<Self, ModelError> {
        let card: Self =
            serde_json::from_str(json).map_err(|why| ModelError::Card(why.to_string()))?;
        card.check().map_err(ModelError::Card)?;
        Ok(card)
    }

    /// Whether `onnx` are the weights that the card was written for.
    #[must_use]
    pub fn matches(&self, onnx: &[u8]) -> bool {
        let digest = Sha256::digest(onnx);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.eq_ignore_ascii_case(&self.sha256)
    }

    fn check(&self) -> Result<(), String> {
        equal("sample_rate_hz", self.sample_rate_hz as usize, ANALYSIS_RATE_HZ as usize)?;
        equal("hop_samples", self.hop_samples, HOP_SAMPLES)?;
        equal("window_samples", self.window_samples, WINDOW_SAMPLES)?;
        equal("frames_per_step", self.frames_per_step, FRAMES_PER_STEP)?;
        equal("n_steps", self.n_steps, N_STEPS)?;
        same_names("step_names", &self.step_names, &step_names())?;
        same_names("constant_names", &self.constant_names, &CONSTANT_NAMES)?;
        scaling("step", &self.step_mean, &self.step_std, self.step_names.len())?;
        scaling("constant", &self.constant_mean, &self.constant_std, self.constant_names.len())?;
        match self.spaces.len() {
            1..=MAX_SPACES => Ok(()),
            n => Err(format!("it has {n} label spaces, where 1 to {MAX_SPACES} can be shown")),
        }
    }
}

fn equal(field: &str, actual: usize, expected: usize) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{field} is {actual}, where the analysis has {expected}"))
    }
}

fn same_names(field: &str, actual: &[String], expected: &[impl AsRef<str>]) -> Result<(), String> {
    equal(field, actual.len(), expected.len())?;
    let pairs = actual.iter().zip(expected).enumerate();
    for (i, (actual, expected)) in pairs {
        if actual != expected.as_ref() {
            let expected = expected.as_ref();
            return Err(format!("{field}[{i}] is {actual:?}, where the analysis has {expected:?}"));
        }
    }
    Ok(())
}

fn scaling(field: &str, mean: &[f32], std: &[f32], expected: usize) -> Result<(), String> {
    equal(&format!("the length of {field}_mean"), mean.len(), expected)?;
    equal(&format!("the length of {field}_std"), std.len(), expected)?;
    if mean.iter().all(|m| m.is_finite()) && std.iter().all(|s| s.is_finite() && *s > 0.0) {
        Ok(())
    } else {
        Err(format!("{field}_mean and {field}_std must be finite, deviations above 0"))
    }
}
