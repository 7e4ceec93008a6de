//! The card: what a model's weights expect and where they come from, carried beside them as JSON.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::CardError;
use super::space::LabelSpace;
use super::uncertainty::Uncertainty;
use crate::analysis::window::{constant_names, step_names};
use crate::config::{ANALYSIS_RATE_HZ, FRAMES_PER_STEP, HOP_SAMPLES, N_STEPS, WINDOW_SAMPLES};
use crate::reading::MAX_SPACES;

/// Longest name of a model or a pole, characters: what a meter has room for.
const MAX_NAME_CHARS: usize = 40;

/// A model's card. Fields that only people read in the repository (settings, tables of results) are
/// not parsed.
#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    /// The model's name.
    pub name: String,
    /// Version of the weights.
    #[serde(default)]
    pub version: String,
    /// Analysis rate that its features were made at, Hz.
    pub sample_rate_hz: u32,
    /// Samples between frames.
    pub hop_samples: usize,
    /// Samples under a window.
    pub window_samples: usize,
    /// Frames averaged into one step of the network: a multiple of the analysis's own.
    pub frames_per_step: usize,
    /// Steps of the network: the newest ones of the window.
    pub n_steps: usize,
    /// Names of the step features, in the network's order: some or all of the analysis's.
    pub step_names: Vec<String>,
    /// Names of the constant features, in the network's order: some or all of the analysis's.
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
    /// How far each space's shares may be off; empty where that was not measured.
    #[serde(default, rename = "doubt")]
    pub uncertainty: Vec<Uncertainty>,
    /// SHA-256 of the weights file, hexadecimal.
    pub sha256: String,
    /// One sentence on what the weights were trained on.
    pub trained_on: String,
    /// What it was judged by, as `cargo xtask train` writes it: songs, balanced accuracy and its
    /// interval, by set of songs and pair of words. Only shown, so that anything may stand here.
    #[serde(default)]
    metrics: serde_json::Value,
    /// What a user should know of the model: data, terms, results, failures, limits.
    #[serde(default)]
    pub about: Vec<About>,
}

/// A paragraph about a model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct About {
    /// A word or two.
    pub title: String,
    /// A few sentences.
    pub text: String,
}

/// How often a model was right on songs that it had never heard.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct JudgedOn {
    /// Name of the set of songs.
    pub songs: String,
    /// Its size.
    pub n_songs: u64,
    /// The poles, `excited/calm`.
    pub poles: String,
    /// Mean of the share of songs of each pole that were read as such; guessing has one half.
    pub balanced_accuracy: f32,
    /// Where it lies nineteen times in twenty.
    pub interval: [f32; 2],
    /// What always saying the more frequent pole would get right.
    pub majority_accuracy: Option<f32>,
}

/// What eyes may know of a model.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct ModelFacts {
    /// The model's name; empty while none is known.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// The label spaces, in the order of the shares.
    pub spaces: Vec<LabelSpace>,
    /// What a user should know.
    pub about: Vec<About>,
    /// What it was judged by, where its card says it in numbers.
    pub judged_on: Vec<JudgedOn>,
}

impl Card {
    /// What eyes may know of the model.
    #[must_use]
    pub fn facts(&self) -> ModelFacts {
        let trained_on = About { title: "Trained on".into(), text: self.trained_on.clone() };
        ModelFacts {
            name: self.name.clone(),
            version: self.version.clone(),
            spaces: self.spaces.clone(),
            about: std::iter::once(trained_on).chain(self.about.iter().cloned()).collect(),
            judged_on: self.judged_on(),
        }
    }

    /// The card's metrics as far as they are what they should be.
    fn judged_on(&self) -> Vec<JudgedOn> {
        let number = |of: &serde_json::Value| of.as_f64().map(|number| number as f32);
        let row = |songs: &str, poles: &str, of: &serde_json::Value| {
            let interval = of.get("interval_95")?;
            Some(JudgedOn {
                songs: songs.to_owned(),
                n_songs: of.get("songs")?.as_u64()?,
                poles: poles.to_owned(),
                balanced_accuracy: number(of.get("balanced_accuracy")?)?,
                interval: [number(interval.get(0)?)?, number(interval.get(1)?)?],
                majority_accuracy: of.get("majority_accuracy").and_then(number),
            })
        };
        let sets = self.metrics.as_object().into_iter().flatten();
        let pairs = sets.flat_map(|(songs, pairs)| {
            pairs.as_object().into_iter().flatten().map(move |pair| (songs, pair))
        });
        pairs.filter_map(|(songs, (poles, of))| row(songs, poles, of)).collect()
    }

    /// Parses a card and checks that this crate makes what it asks for.
    ///
    /// # Errors
    /// [`CardError`] with the first field that does not fit.
    pub fn parse(json: &str) -> Result<Self, CardError> {
        let card: Self = serde_json::from_str(json).map_err(CardError::Syntax)?;
        card.check().map_err(CardError::Field)?;
        Ok(card)
    }

    /// Whether `onnx` are the weights that the card was written for.
    #[must_use]
    pub fn matches(&self, onnx: &[u8]) -> bool {
        let digest = Sha256::digest(onnx);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.eq_ignore_ascii_case(&self.sha256)
    }

    /// Steps of the analysis under one of the network.
    #[must_use]
    pub fn steps_per_step(&self) -> usize {
        self.frames_per_step / FRAMES_PER_STEP
    }

    /// Which of the analysis's step features the network takes, in its order.
    #[must_use]
    pub fn step_columns(&self) -> Vec<usize> {
        columns(&self.step_names, &step_names())
    }

    /// Which of the analysis's constants the network takes, in its order.
    #[must_use]
    pub fn constant_columns(&self) -> Vec<usize> {
        columns(&self.constant_names, &constant_names())
    }

    /// Where listeners' share lay in four of five unseen songs that were read like this one, for
    /// each space in turn.
    ///
    /// Just the share itself where the card does not say.
    ///
    /// # Real-time safety
    /// Neither allocates nor fails.
    #[must_use]
    pub fn bands(&self, shares: &[f32; MAX_SPACES], heard_secs: f32) -> [[f32; 2]; MAX_SPACES] {
        let mut bands = shares.map(|share| [share; 2]);
        for ((band, share), uncertainty) in bands.iter_mut().zip(shares).zip(&self.uncertainty) {
            *band = uncertainty.band(*share, heard_secs);
        }
        bands
    }

    fn check(&self) -> Result<(), String> {
        short("name", &self.name)?;
        equal("sample_rate_hz", self.sample_rate_hz as usize, ANALYSIS_RATE_HZ as usize)?;
        equal("hop_samples", self.hop_samples, HOP_SAMPLES)?;
        equal("window_samples", self.window_samples, WINDOW_SAMPLES)?;
        if self.frames_per_step == 0 || !self.frames_per_step.is_multiple_of(FRAMES_PER_STEP) {
            let frames = self.frames_per_step;
            return Err(format!("frames_per_step is {frames}, no multiple of {FRAMES_PER_STEP}"));
        }
        let most = N_STEPS / self.steps_per_step();
        if !(1..=most).contains(&self.n_steps) {
            let (n, frames) = (self.n_steps, self.frames_per_step);
            return Err(format!(
                "n_steps is {n}, where the analysis has {most} of {frames} frames"
            ));
        }
        known_names("step_names", &self.step_names, &step_names())?;
        known_names("constant_names", &self.constant_names, &constant_names())?;
        scaling("step", &self.step_mean, &self.step_std, self.step_names.len())?;
        scaling("constant", &self.constant_mean, &self.constant_std, self.constant_names.len())?;
        self.check_spaces()
    }

    fn check_spaces(&self) -> Result<(), String> {
        if !(1..=MAX_SPACES).contains(&self.spaces.len()) {
            let n = self.spaces.len();
            return Err(format!("it has {n} label spaces, where 1 to {MAX_SPACES} can be shown"));
        }
        for space in &self.spaces {
            short("a pole of spaces", &space.first)?;
            short("a pole of spaces", &space.second)?;
            let half_width = space.ambiguous_half_width;
            if !space.angle_degrees.is_finite() || !(0.0..=0.5).contains(&half_width) {
                let pole = &space.first;
                return Err(format!(
                    "the angle or the ambiguous_half_width of {pole} is no number"
                ));
            }
        }
        if !self.uncertainty.is_empty() {
            equal("the length of doubt", self.uncertainty.len(), self.spaces.len())?;
        }
        self.uncertainty.iter().try_for_each(Uncertainty::check)
    }
}

fn short(field: &str, name: &str) -> Result<(), String> {
    let fits = !name.trim().is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(format!("{field} must be 1 to {MAX_NAME_CHARS} characters")) }
}

fn columns(names: &[String], of: &[String]) -> Vec<usize> {
    names.iter().filter_map(|name| of.iter().position(|known| known == name)).collect()
}

fn equal(field: &str, actual: usize, expected: usize) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{field} is {actual}, where the analysis has {expected}"))
    }
}

/// Every name must be one that the analysis has, and stand only once.
fn known_names(field: &str, names: &[String], known: &[String]) -> Result<(), String> {
    if names.is_empty() {
        return Err(format!("{field} is empty"));
    }
    for (i, name) in names.iter().enumerate() {
        if !known.contains(name) {
            return Err(format!("{field}[{i}] is {name:?}, which the analysis does not have"));
        }
        if names[..i].contains(name) {
            return Err(format!("{field}[{i}] is {name:?} once more"));
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
