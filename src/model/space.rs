//! A label space: a pair of antonyms, an axis through the valence–arousal plane.

use serde::{Deserialize, Serialize};

/// Half width of the ambiguous band of a model that does not state its own: raters would split 45
/// to 55 % or closer.
const UNSTATED_AMBIGUOUS_HALF_WIDTH: f32 = 0.05;

/// A pair of antonyms and the direction of the first on the valence–arousal plane.
///
/// A rater's (v, a) counts for the pole with which it has a positive dot product (Liu, Fang and
/// Huang 2018, section 3). Excited/calm is the arousal axis (90°), joy/sad the valence axis (0°).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelSpace {
    /// The pole whose share of votes is published, e.g. "excited".
    pub first: String,
    /// Its antonym, e.g. "calm".
    pub second: String,
    /// Direction of the first pole, degrees counter-clockwise from positive valence.
    pub angle_degrees: f32,
    /// Half width of the band around an even vote in which a share is ambiguous. A model's card
    /// sets it so that three in ten of the songs it was judged on lie inside: those whose pole it
    /// would most often get wrong.
    #[serde(default = "unstated_ambiguous_half_width")]
    pub ambiguous_half_width: f32,
}

fn unstated_ambiguous_half_width() -> f32 {
    UNSTATED_AMBIGUOUS_HALF_WIDTH
}

impl LabelSpace {
    /// A space from its poles and the angle of the first, degrees.
    #[must_use]
    pub fn new(first: &str, second: &str, angle_degrees: f32) -> Self {
        Self {
            first: first.to_owned(),
            second: second.to_owned(),
            angle_degrees,
            ambiguous_half_width: UNSTATED_AMBIGUOUS_HALF_WIDTH,
        }
    }

    /// Whether a share of the first pole is too near an even vote to name a winner.
    #[must_use]
    pub fn is_ambiguous(&self, share: f32) -> bool {
        (share - 0.5).abs() < self.ambiguous_half_width
    }
}

/// A pole's word for people, an adjective beside the others: models and rows call that of joy by
/// its noun.
#[must_use]
pub fn adjective(pole: &str) -> &str {
    if pole == "joy" { "joyful" } else { pole }
}

/// A share in words: `72 % calm`, or, where it is too near an even vote, `leans calm 55 %`.
/// `leading` is the pole with the larger share, and `share` that share.
#[must_use]
pub fn in_words(leading: &str, share: f32, is_ambiguous: bool) -> String {
    let percent = 100.0 * share;
    if is_ambiguous {
        format!("leans {leading} {percent:.0} %")
    } else {
        format!("{percent:.0} % {leading}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_vote_is_ambiguous_and_a_clear_one_is_not() {
        let space = LabelSpace::new("joy", "sad", 0.0);
        assert!(space.is_ambiguous(0.52) && space.is_ambiguous(0.46));
        assert!(!space.is_ambiguous(0.9) && !space.is_ambiguous(0.1));
    }

    #[test]
    fn a_card_may_leave_the_band_unstated() {
        let json = r#"{ "first": "joy", "second": "sad", "angle_degrees": 0.0 }"#;
        let space: LabelSpace = serde_json::from_str(json).unwrap();
        assert_eq!(space, LabelSpace::new("joy", "sad", 0.0));
    }
}
