//! A label space: a pair of antonyms, an axis through the valence–arousal plane.

use serde::{Deserialize, Serialize};

/// A pair of antonyms and the direction of the first on the valence–arousal plane.
///
/// A rater's (v, a) counts for the pole with which it has a positive dot product (Liu, Fang and Huang 2018, section 3).
/// Excited/calm is the arousal axis (90°), joy/sad the valence axis (0°).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSpace {
    /// The pole whose share of votes is published, e.g. "excited".
    pub first: String,
    /// Its antonym, e.g. "calm".
    pub second: String,
    /// Direction of the first pole, degrees counter-clockwise from positive valence.
    pub angle_degrees: f32,
}

impl LabelSpace {
    /// A space from its poles and the angle of the first, degrees.
    #[must_use]
    pub fn new(first: &str, second: &str, angle_degrees: f32) -> Self {
        Self { first: first.to_owned(), second: second.to_owned(), angle_degrees }
    }
}
