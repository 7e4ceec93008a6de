//! Tonality: how major or minor the last ten seconds are, as a whole, from moment to moment, and by
//! the kinds of their chords.

use crate::config::{N_CHROMA, N_TONALITY};
use crate::units::count;

/// How well each pitch class fits a major key on C, and a minor one, to the ear.
///
/// # Source
/// Krumhansl and Kessler, "Tracing the dynamic changes in perceived tonal organization",
/// Psychological Review 1982.
const MAJOR: [f32; N_CHROMA] =
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f32; N_CHROMA] =
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];

/// Semitones of the kinds of chords over their root.
const CHORDS: [&[usize]; 8] = [
    &[0, 4, 7],
    &[0, 3, 7],
    &[0, 3, 6],
    &[0, 4, 8],
    &[0, 5, 7],
    &[0, 3, 7, 10],
    &[0, 4, 7, 11],
    &[0, 4, 7, 10],
];

/// Steps under a moment (0.4 s) and under a chord (1.1 s).
const MOMENT_STEPS: usize = 4;
const CHORD_STEPS: usize = 12;

/// How much a better fit of a kind of chord counts against a worse one: correlations lie in [−1,
/// 1].
const DECISION: f32 = 8.0;

/// Names of what [`Tonality::of`] gives, in its order.
pub const TONALITY_NAMES: [&str; N_TONALITY] = [
    "key_major",
    "key_minor",
    "key_mode",
    "moment_major",
    "moment_minor",
    "moment_mode",
    "moment_mode_spread",
    "chord_major_key",
    "chord_minor_key",
    "chord_mode",
    "chord_mode_spread",
    "chord_major",
    "chord_minor",
    "chord_diminished",
    "chord_augmented",
    "chord_suspended",
    "chord_minor_seventh",
    "chord_major_seventh",
    "chord_dominant_seventh",
];

/// A profile on each of the twelve roots, standardised.
type Profiles = [[f32; N_CHROMA]; N_CHROMA];

/// Fits chroma to keys and chords.
///
/// ```text
/// fit(c, p)  = max over the 12 roots of the correlation of c with profile p on that root;  0 where c does not vary
/// major, minor = fit(c, MAJOR), fit(c, MINOR);  mode = major − minor
/// key:    of the mean chroma                     moment: mean over every 4 steps, and the spread of their modes
/// chord:  the same over every 12 steps, and the mean share of each kind of chord, softmax of 8·fit
/// ```
///
/// Latency: 0 frames.
///
/// # Source
/// Krumhansl, "Cognitive Foundations of Musical Pitch", 1990 (correlation with key profiles).
/// Golden: `tests/data/tonality.npy`.
pub struct Tonality {
    major: Profiles,
    minor: Profiles,
    chords: [Profiles; CHORDS.len()],
}

impl Default for Tonality {
    fn default() -> Self {
        Self::new()
    }
}

impl Tonality {
    /// All profiles on all roots.
    #[must_use]
    pub fn new() -> Self {
        let chord = |semitones: &[usize]| {
            let mut profile = [0.0; N_CHROMA];
            semitones.iter().for_each(|s| profile[*s] = 1.0);
            on_all_roots(profile)
        };
        Self { major: on_all_roots(MAJOR), minor: on_all_roots(MINOR), chords: CHORDS.map(chord) }
    }

    /// Tonality of chroma by step, `[steps][N_CHROMA]`, oldest first. Steps before the first whole
    /// moment or chord are left out.
    ///
    /// # Real-time safety
    /// Neither allocates, locks nor fails.
    #[must_use]
    pub fn of(&self, chroma: &[[f32; N_CHROMA]]) -> [f32; N_TONALITY] {
        let mut out = [0.0; N_TONALITY];
        let [major, minor] = self.keys(&mean(chroma));
        out[..3].copy_from_slice(&[major, minor, major - minor]);
        out[3..7].copy_from_slice(&self.spread_keys(chroma, MOMENT_STEPS));
        out[7..11].copy_from_slice(&self.spread_keys(chroma, CHORD_STEPS));
        let n = count((chroma.len() / CHORD_STEPS).max(1));
        for group in chroma.rchunks_exact(CHORD_STEPS) {
            let shares = self.chord_shares(&mean(group));
            out[11..].iter_mut().zip(shares).for_each(|(out, share)| *out += share / n);
        }
        out
    }

    fn keys(&self, chroma: &[f32; N_CHROMA]) -> [f32; 2] {
        let z = standardised(*chroma);
        [fit(&z, &self.major), fit(&z, &self.minor)]
    }

    /// Mean major, minor and mode over groups of steps, and the standard deviation of their modes.
    fn spread_keys(&self, chroma: &[[f32; N_CHROMA]], steps: usize) -> [f32; 4] {
        let n = count((chroma.len() / steps).max(1));
        let (mut sums, mut squares) = ([0.0; 2], 0.0);
        for group in chroma.rchunks_exact(steps) {
            let [major, minor] = self.keys(&mean(group));
            sums = [sums[0] + major, sums[1] + minor];
            squares += (major - minor) * (major - minor);
        }
        let [major, minor] = sums.map(|sum| sum / n);
        let mode = major - minor;
        [major, minor, mode, (squares / n - mode * mode).max(0.0).sqrt()]
    }

    fn chord_shares(&self, chroma: &[f32; N_CHROMA]) -> [f32; CHORDS.len()] {
        let z = standardised(*chroma);
        let mut shares: [f32; CHORDS.len()] =
            std::array::from_fn(|i| (DECISION * fit(&z, &self.chords[i])).exp());
        let sum: f32 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        shares
    }
}

fn on_all_roots(profile: [f32; N_CHROMA]) -> Profiles {
    let z = standardised(profile);
    std::array::from_fn(|root| std::array::from_fn(|c| z[(c + N_CHROMA - root) % N_CHROMA]))
}

/// Mean 0 and standard deviation 1; all 0 where nothing varies.
fn standardised(x: [f32; N_CHROMA]) -> [f32; N_CHROMA] {
    /// Under this, differences of chroma in [0, 1] are rounding.
    const LEAST_DEVIATION: f32 = 1e-5;
    let n = count(N_CHROMA);
    let mean = x.iter().sum::<f32>() / n;
    let deviation = (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n).sqrt();
    if deviation < LEAST_DEVIATION { [0.0; N_CHROMA] } else { x.map(|x| (x - mean) / deviation) }
}

fn mean(chroma: &[[f32; N_CHROMA]]) -> [f32; N_CHROMA] {
    let n = count(chroma.len().max(1));
    let mut mean = [0.0; N_CHROMA];
    for step in chroma {
        mean.iter_mut().zip(step).for_each(|(mean, x)| *mean += x);
    }
    mean.map(|sum| sum / n)
}

/// The best correlation of a standardised chroma with a profile on any root.
fn fit(z: &[f32; N_CHROMA], profiles: &Profiles) -> f32 {
    let correlation = |profile: &[f32; N_CHROMA]| {
        z.iter().zip(profile).map(|(a, b)| a * b).sum::<f32>() / count(N_CHROMA)
    };
    profiles.iter().map(correlation).fold(-1.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a chord with its root on every pitch class in turn, twelve steps each.
    fn progression(semitones: &[usize]) -> Vec<[f32; N_CHROMA]> {
        (0..8 * CHORD_STEPS)
            .map(|step| {
                let mut chroma = [0.05; N_CHROMA];
                let root = 7 * (step / CHORD_STEPS);
                semitones.iter().for_each(|s| chroma[(root + s) % N_CHROMA] = 1.0);
                chroma
            })
            .collect()
    }

    fn named(tonality: &[f32; N_TONALITY], name: &str) -> f32 {
        tonality[TONALITY_NAMES.iter().position(|known| *known == name).unwrap()]
    }

    #[test]
    fn every_kind_of_chord_is_heard_as_itself_on_every_root() {
        let stage = Tonality::new();
        for (kind, semitones) in CHORDS.iter().enumerate() {
            let tonality = stage.of(&progression(semitones));
            let shares = &tonality[11..];
            let best = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            assert_eq!(best.0, kind, "{shares:?}");
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn major_is_major_and_minor_minor() {
        let stage = Tonality::new();
        let (major, minor) =
            (stage.of(&progression(&[0, 4, 7])), stage.of(&progression(&[0, 3, 7])));
        for name in ["moment_mode", "chord_mode"] {
            assert!(named(&major, name) > 0.05, "{name}: {major:?}");
            assert!(named(&minor, name) < -0.05, "{name}: {minor:?}");
        }
        let c_major = [1.0, 0.0, 0.8, 0.0, 0.9, 0.7, 0.0, 1.0, 0.0, 0.7, 0.0, 0.5];
        assert!(named(&stage.of(&[c_major; 99]), "key_mode") > 0.0);
    }

    #[test]
    fn transposition_moves_nothing() {
        let stage = Tonality::new();
        let steps = progression(&[0, 4, 7, 10]);
        let up: Vec<_> = steps
            .iter()
            .map(|c| std::array::from_fn(|p| c[(p + N_CHROMA - 5) % N_CHROMA]))
            .collect();
        for (a, b) in stage.of(&steps).iter().zip(stage.of(&up)) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn silence_and_nothing_are_in_no_key() {
        let stage = Tonality::new();
        for chroma in [&[[0.0; N_CHROMA]; 99][..], &[]] {
            let tonality = stage.of(chroma);
            assert_eq!(tonality[..11], [0.0; 11]);
            assert!(tonality.iter().all(|x| x.is_finite()));
        }
    }
}
