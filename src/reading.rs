//! [`Reading`]: the published value, the narrow waist of the crate.
//!
//! **Architecture Invariant**: left of a `Reading` nobody knows a GUI exists, right of it nobody
//! knows an FFT exists.

/// Most label spaces that a model may have.
pub const MAX_SPACES: usize = 4;

/// What the meter can say at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub enum Phase {
    /// Not enough music for any reading yet: less than a second.
    #[default]
    Waiting,
    /// Less than ten seconds of music: the shares are provisional.
    Listening,
    /// The last ten seconds are all music: the shares are as good as they get.
    Live,
    /// Silence: the shares rest at the last value and mean nothing.
    Silent,
}

impl Phase {
    /// Every phase, in the order in which a stream meets them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Listening, Self::Live, Self::Silent];

    /// The phase of this [`word`](Self::word); `None` for any other text.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// The stable word for this phase in exported rows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Listening => "listening",
            Self::Live => "live",
            Self::Silent => "silent",
        }
    }

    /// Whether the shares carry meaning in this phase.
    #[must_use]
    pub fn has_shares(self) -> bool {
        matches!(self, Self::Listening | Self::Live)
    }
}

/// The mood of the newest four seconds alone: sooner at a change than that of ten, and surer of
/// less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Recent {
    /// Share of votes of each space's first pole, in [0, 1].
    pub shares: [f32; MAX_SPACES],
    /// Where listeners' own share lay in four of five unseen songs of which as little was heard.
    pub bands: [[f32; 2]; MAX_SPACES],
}

/// The mood of the last ten seconds, with what it was read from. Raw values; smoothing for the eye
/// is the editor's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Reading {
    /// End of the 10-s window, seconds of audio since the start or the last reset.
    pub time_secs: f64,
    /// What the shares mean now.
    pub phase: Phase,
    /// Music heard in the window, seconds, 0 to 10.
    pub heard_secs: f32,
    /// Label spaces in use.
    pub n_spaces: usize,
    /// Share of votes of each space's first pole, in [0, 1]. By convention of the shipped model:
    /// excited, joy.
    pub shares: [f32; MAX_SPACES],
    /// Where listeners' own share lay in four of five unseen songs that were read like this one,
    /// low and high end. The share itself, twice, where the model does not say.
    pub bands: [[f32; 2]; MAX_SPACES],
    /// The mood of the newest four seconds alone, where the analyser follows them and more than
    /// these were heard.
    pub recent: Option<Recent>,
    /// The beat, BPM: the one tempo to show, in the octave in which listeners tap, or in that of
    /// the host's beat grid where the music is on it. 0 where none is clear.
    pub tempo_bpm: f32,
    /// How much of the onsets repeats at the beat, in the part that shows it better, in [0, 1]: 0
    /// is chance, 1 exact repetition.
    pub tempo_salience: f32,
    /// Tempo of the harmonic part, BPM; 0 where there is none.
    pub tempo_harmonic_bpm: f32,
    /// Tempo of the percussive part, BPM; 0 where there is none.
    pub tempo_percussive_bpm: f32,
    /// How much of the harmonic part's onsets repeats at its tempo, in [0, 1]: 0 is chance, 1 exact
    /// repetition.
    pub tempo_harmonic_salience: f32,
    /// How much of the percussive part's onsets repeats at its tempo, in [0, 1]: 0 is chance, 1
    /// exact repetition.
    pub tempo_percussive_salience: f32,
    /// Mean power of the window's harmonic part, dB re full scale.
    pub energy_harmonic_db: f32,
    /// Mean power of the window's percussive part, dB re full scale.
    pub energy_percussive_db: f32,
    /// Mean harmonic chroma of the window, C first, each in [0, 1].
    pub chroma: [f32; 12],
}

impl Reading {
    /// The shares in use, first pole each; empty unless the phase carries shares.
    #[must_use]
    pub fn shares(&self) -> &[f32] {
        if self.phase.has_shares() { &self.shares[..self.n_spaces.min(MAX_SPACES)] } else { &[] }
    }

    /// This reading of a whole recording, at `song_secs` of the host's timeline.
    #[must_use]
    pub fn at(self, song_secs: Option<f64>) -> Stamped {
        Stamped { reading: self, song_secs, held_bpm: None, overrun_samples: 0 }
    }
}

/// A reading, and what only the engine knows of it: where the host was, and what was lost on the
/// way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Stamped {
    /// What the analysis read.
    pub reading: Reading,
    /// Where on the host's timeline the window ends, seconds; `None` where the host's transport
    /// stood still or told no position.
    pub song_secs: Option<f64>,
    /// The tempo that has held for some seconds, BPM; `None` while none is clear.
    pub held_bpm: Option<f32>,
    /// Samples lost at the ring since the start or the last reset, at the host's rate.
    pub overrun_samples: u64,
}

/// A reading of a recording that no host plays: at no place of a song, and whole.
impl From<Reading> for Stamped {
    fn from(reading: Reading) -> Self {
        reading.at(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_found_by_its_word() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_word(phase.word()), Some(phase));
        }
        assert_eq!(Phase::from_word("Live"), None);
    }

    #[test]
    fn silence_has_no_shares() {
        let reading = Reading { phase: Phase::Silent, n_spaces: 2, ..Reading::default() };
        assert!(reading.shares().is_empty());
    }
}
