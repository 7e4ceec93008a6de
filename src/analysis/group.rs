//! The sides of the music that a musician can name: every feature belongs to exactly one.

/// Groups of features.
pub const N_GROUPS: usize = 5;

/// Every group, in the order of [`Why::pushes`](crate::why::Why::pushes).
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
    /// How much of it is struck and how much sustained: the energies of both parts. A model that
    /// takes them re full scale hears loudness in them too.
    Percussion,
}

impl Group {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_a_word_of_its_own() {
        let mut words = GROUPS.map(Group::word);
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
    }
}
