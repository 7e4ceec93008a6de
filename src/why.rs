//! [`Why`]: what pushed a reading, in groups of features that a musician can name.
//!
//! **Architecture Invariant**: knows features by the first word of their name alone, never how they are computed.

use crate::reading::MAX_SPACES;

/// Groups of features.
pub const N_GROUPS: usize = 5;

/// Every group, in the order of [`Why::pushes`].
pub const GROUPS: [Group; N_GROUPS] =
    [Group::Harmony, Group::Pulse, Group::Colour, Group::Dynamics, Group::Percussion];

/// A side of the music: every feature of the analysis belongs to exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub enum Group {
    /// Which notes sound together: chroma, key, mode and chords.
    Harmony,
    /// How it moves: tempo, onsets and the modulation of the bands.
    Pulse,
    /// How it sounds: the spectrum of both parts, and how its peaks stand out.
    Colour,
    /// How it swells: level and its changes, crest.
    Dynamics,
    /// How much of it is struck and how much sustained: the energies of both parts. A model that takes them re full scale hears
    /// loudness in them too.
    Percussion,
}

impl Group {
    /// The group of a feature of the analysis, by the first word of its name; `None` for any other name.
    #[must_use]
    pub fn of_feature(name: &str) -> Option<Self> {
        let first_word = name.split('_').next()?;
        Some(match first_word {
            // The last three are the features of tonality.
            "chroma" | "key" | "moment" | "chord" => Self::Harmony,
            "tempo" | "onset" | "modulation" => Self::Pulse,
            "mel" | "contrast" => Self::Colour,
            "level" | "crest" | "change" => Self::Dynamics,
            "energy" => Self::Percussion,
            _ => return None,
        })
    }

    /// The stable word for this group in exported rows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Harmony => "harmony",
            Self::Pulse => "pulse",
            Self::Colour => "colour",
            Self::Dynamics => "dynamics",
            Self::Percussion => "percussion",
        }
    }
}

/// How each side of the music pushed a reading's shares.
///
/// ```text
/// push(g) = share − share with the features of g at their means over the training songs
/// ```
///
/// A push is in [−1, 1], positive towards the first pole: +0.1 says that with average harmony, all else as it is, the share of
/// excited would be 0.1 smaller. A group of which the model takes no feature pushes by 0.
///
/// # Limits
/// It tells what moved this model, which need not be what moves a listener. Groups interact, as a loud beat lifts pulse and
/// dynamics alike: the pushes do not sum to the share, nor to its distance from an even vote, and a group that only repeats what
/// another says pushes by little though both matter. An average of one group beside the rest of this song may be music that
/// nobody ever played, where a network is less sure than elsewhere.
///
/// # Source
/// Occlusion: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2, with groups of
/// features in place of patches of an image, and the training mean in place of grey.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Why {
    /// [`Reading::time_secs`](crate::reading::Reading::time_secs) of the reading that this explains.
    pub time_secs: f64,
    /// Label spaces in use.
    pub n_spaces: usize,
    /// The push of each group, in the order of [`GROUPS`], on the share of each space's first pole; 0 beyond the spaces in use.
    pub pushes: [[f32; N_GROUPS]; MAX_SPACES],
}

impl Why {
    /// Every group's push on the share of label space `space`; nothing beyond the spaces in use.
    pub fn of_space(&self, space: usize) -> impl Iterator<Item = (Group, f32)> {
        let in_use = &self.pushes[..self.n_spaces.min(MAX_SPACES)];
        in_use.get(space).into_iter().flat_map(|pushes| GROUPS.into_iter().zip(*pushes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::window::{constant_names, step_names};

    #[test]
    fn every_feature_has_a_group_and_every_group_features() {
        let names: Vec<String> = step_names().into_iter().chain(constant_names()).collect();
        let groups: Vec<Option<Group>> = names.iter().map(|name| Group::of_feature(name)).collect();
        for (name, group) in names.iter().zip(&groups) {
            assert!(group.is_some(), "{name} has no group");
        }
        for group in GROUPS {
            assert!(groups.contains(&Some(group)), "{group:?} has no feature");
        }
    }

    #[test]
    fn a_name_is_grouped_by_its_whole_first_word() {
        assert_eq!(Group::of_feature("chroma_harmonic_C#"), Some(Group::Harmony));
        assert_eq!(Group::of_feature("chord_minor_seventh"), Some(Group::Harmony));
        assert_eq!(Group::of_feature("level"), Some(Group::Dynamics));
        assert_eq!(Group::of_feature("energy_percussive_dbfs"), Some(Group::Percussion));
        for stranger in ["", "_", "melody_00", "levels", "loudness"] {
            assert_eq!(Group::of_feature(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn every_group_has_a_word_of_its_own() {
        let mut words = GROUPS.map(Group::word);
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
    }

    #[test]
    fn a_space_that_is_not_there_was_pushed_by_nothing() {
        let why = Why { n_spaces: 1, pushes: [[0.5; N_GROUPS]; MAX_SPACES], ..Why::default() };
        assert_eq!(why.of_space(0).count(), N_GROUPS);
        assert_eq!(why.of_space(1).count(), 0);
        assert_eq!(Why { n_spaces: 99, ..why }.of_space(99).count(), 0);
    }
}
