//! The beat: the one tempo that is shown, in the octave in which listeners tap.
//!
//! What repeats in music does so at many periods, and [`super::tempo`] tells each part's own. Which
//! of them is the beat follows from all of them at once: a backbeat makes two beats repeat better
//! than one, hi-hats fill the half of a beat and seldom its third, chords change every second or
//! fourth beat. So each candidate is judged by how both parts repeat at its multiples and
//! fractions.
//!
//! **Architecture Invariant**: no network is fed from here. What the models hear of tempo is
//! [`super::tempo`]'s alone.

use crate::analysis::tempo::{self, Correlation, N_LAGS, Tempo, Tempogram};
use crate::config::{FRAME_RATE_HZ, MAX_BPM, MIN_BPM};
use crate::units::{bpm_to_lag, lag_to_bpm};

/// Candidates per octave: a step is 1.5 %, less than the width of a peak in the correlation.
const CANDIDATES_PER_OCTAVE: f64 = 48.0;

/// Candidates from [`MIN_BPM`] to [`MAX_BPM`], 2.58 octaves.
const N_CANDIDATES: usize = 125;

/// Multiples of a beat at which its parts are looked at, and what a full correlation there speaks
/// for the beat, harmonic and percussive. Fitted, with [`PREFERENCE`] given, by multinomial
/// regression on drum patterns and clicks made for it and on 201 songs whose beats a tracker of
/// another kind found (docs/tempo.md); rounded to a tenth.
const EVIDENCE: [(f64, [f32; 2]); 9] = [
    (1.0 / 4.0, [-0.8, 0.0]),
    (1.0 / 3.0, [-0.8, -2.0]),
    (1.0 / 2.0, [-0.4, 3.3]),
    (2.0 / 3.0, [-2.4, 0.0]),
    (1.0, [-1.1, -0.4]),
    (3.0 / 2.0, [-1.8, -1.4]),
    (2.0, [3.4, 1.1]),
    (3.0, [-1.5, 1.6]),
    (4.0, [1.3, 5.5]),
];

/// Places in [`EVIDENCE`].
const THIRD: usize = 1;
const HALF: usize = 2;
const ONE: usize = 4;
const TWO: usize = 6;

/// Log-normal preference among tempi: its centre, BPM, and its weight on the square of the distance
/// in octaves, a deviation of 0.58 octaves. Centred above the 120 BPM at which listeners tap most
/// readily, since slow candidates have more multiples to speak for them.
const PREFERRED_BPM: f64 = 144.0;
const PREFERENCE: f32 = 1.5;

/// Tempo above which hardly anybody taps, BPM, and how much each octave above it speaks against a
/// beat. Sixteenths of a song at 120 BPM are told so from its beat; clicks, which have nothing
/// between them, are still read as quick as they come. Chosen with the demo piece in view, whose
/// part of 120 BPM read 240.
const QUICKEST_BPM: f64 = 200.0;
const QUICKNESS: f32 = 9.0;

/// A beat at which neither part repeats is none, whatever its multiples do: under this part of the
/// clearest candidate's correlation it loses, by this weight.
const LEAST_OF_CLEAREST: f32 = 0.5;
const ABSENCE: f32 = 12.0;

/// Where both parts repeat at a half or a third nearly as well as at the beat, all pulses are
/// equal, and the quicker one is the beat: beyond this part of the beat's correlation it loses, by
/// this weight.
const NEARLY_EQUAL: f32 = 0.75;
const EQUALITY: f32 = 20.0;

/// Correlation under which no beat is shown: at least six of ten windows of noise stay under it, of
/// songs read right one of twenty.
const LEAST_SALIENCE: f32 = 0.2;

/// How far the clearest lag of a beat may be from its candidate's, part of it: two steps of
/// candidates.
const REACH: f64 = 0.03;

/// How far music may be off the host's beat grid and still be on it: part of its tempo. Music that
/// is farther off was not made to it, as most is not where the host still stands at its 120 BPM.
const GRID_TOLERANCE: f64 = 0.1;

/// The beat at the end of sequences of onset strengths of both parts, dB: the definition.
///
/// ```text
/// r_p(l)    = correlation of part p at lag l, between frames linear              (tempo::correlation)
/// s(B)      = Σ_{m, p} w[m, p]·r_p(m·l_B) − 1.5·log2(B / 144)² − 9·max(0, log2(B / 200))   with l_B = 60·rate / B
///             − 12·max(0, 0.5 − b(l_B) / max b) − 20·Σ_{m = ½, ⅓} max(0, min_p r_p(m·l_B) − 0.75·b(l_B))
/// beat      = argmax of s(B), B from 40 to 240 BPM by 48ths of an octave;  b(l) = max_p r_p(l)
/// ```
///
/// A multiple whose lag is beyond the longest counts as its half, or as the beat. The winner is
/// then refined by the multiples of the clearest lag near it, in the part that repeats better
/// there; that part's correlation is the salience.
///
/// Silence, a steady tone and noise have no beat: 0 BPM, with what salience there is.
///
/// # Source
/// Log-normal preference: Parncutt 1994, Moelants 2002, Ellis 2007. Judging a tempo by its
/// multiples: Klapuri, Eronen and Astola 2006.
#[must_use]
pub fn beat(harmonic: &[f32], percussive: &[f32]) -> Tempo {
    best([&tempo::correlation(harmonic), &tempo::correlation(percussive)])
}

/// The incremental form, on request: the beat of what both tempograms hold.
///
/// # Real-time safety
/// Neither allocates, locks nor fails.
#[must_use]
pub fn read(harmonic: &Tempogram, percussive: &Tempogram) -> Tempo {
    best([&harmonic.correlation(), &percussive.correlation()])
}

/// `bpm` in the octave of the host's beat grid: itself, its half or its double, whichever lies
/// within a tenth of `host_bpm`; itself where none does, or where the host tells nothing usable. An
/// octave is chosen, nothing measured is replaced.
#[must_use]
pub fn in_octave_of(bpm: f32, host_bpm: Option<f64>) -> f32 {
    let Some(host_bpm) = host_bpm.filter(|host| host.is_finite() && *host > 0.0) else {
        return bpm;
    };
    let is_on_grid = |bpm: &f32| (f64::from(*bpm) / host_bpm - 1.0).abs() <= GRID_TOLERANCE;
    [bpm, 0.5 * bpm, 2.0 * bpm].into_iter().find(is_on_grid).unwrap_or(bpm)
}

/// Correlations of both parts at the multiples of [`EVIDENCE`].
type Seen = [[f32; 2]; EVIDENCE.len()];

fn best(parts: [&Correlation; 2]) -> Tempo {
    // A part that keeps still has no opinion: the other then speaks for both.
    let keeps_still = |part: &Correlation| part[0] == 0.0;
    let parts = match parts {
        [harmonic, percussive] if keeps_still(harmonic) => [percussive; 2],
        [harmonic, percussive] if keeps_still(percussive) => [harmonic; 2],
        both => both,
    };
    let candidates = || (0..N_CANDIDATES).map(candidate_bpm);
    let lag = |bpm| bpm_to_lag(bpm, FRAME_RATE_HZ);
    let at_beat = |bpm| at(parts[0], lag(bpm)).max(at(parts[1], lag(bpm)));
    let clearest = candidates().map(at_beat).fold(0.0, f32::max);
    if clearest <= 0.0 {
        return Tempo::default();
    }
    let scored = candidates().map(|bpm| (bpm, score(bpm, &seen(parts, lag(bpm)), clearest)));
    let winner = scored.max_by(|a, b| a.1.total_cmp(&b.1));
    winner.map_or(Tempo::default(), |(bpm, _)| refined(parts, lag(bpm)))
}

fn candidate_bpm(index: usize) -> f64 {
    MIN_BPM * (index as f64 / CANDIDATES_PER_OCTAVE).exp2()
}

/// How much speaks for `bpm`, of whose period this was `seen`.
fn score(bpm: f64, seen: &Seen, clearest: f32) -> f32 {
    let weighed = |((_, weights), seen): (&(f64, [f32; 2]), &[f32; 2])| {
        weights[0] * seen[0] + weights[1] * seen[1]
    };
    let evidence: f32 = EVIDENCE.iter().zip(seen).map(weighed).sum();
    let octaves = (bpm / PREFERRED_BPM).log2() as f32;
    let at_beat = seen[ONE][0].max(seen[ONE][1]);
    let absent = (LEAST_OF_CLEAREST - at_beat / clearest).max(0.0);
    let equal = |multiple: usize| {
        let in_range = bpm / EVIDENCE[multiple].0 <= MAX_BPM;
        let both = seen[multiple][0].min(seen[multiple][1]);
        if in_range { (both - NEARLY_EQUAL * at_beat).max(0.0) } else { 0.0 }
    };
    let equal = equal(HALF) + equal(THIRD);
    let above = ((bpm / QUICKEST_BPM).log2() as f32).max(0.0);
    let preference = PREFERENCE * octaves * octaves + QUICKNESS * above;
    evidence - preference - ABSENCE * absent - EQUALITY * equal
}

/// Both parts at the multiples of `lag`.
fn seen(parts: [&Correlation; 2], lag: f64) -> Seen {
    let mut seen: Seen = [[0.0; 2]; EVIDENCE.len()];
    for (m, (multiple, _)) in EVIDENCE.iter().enumerate() {
        let is_within = multiple * lag <= (N_LAGS - 1) as f64;
        seen[m] = match m {
            _ if is_within => parts.map(|part| at(part, multiple * lag)),
            // Four beats too long to be seen are told by two, if these are not too long themselves.
            _ if *multiple > 3.0 => seen[TWO],
            _ => seen[ONE],
        };
    }
    seen
}

/// A correlation between its lags.
fn at(correlation: &Correlation, lag: f64) -> f32 {
    let before = (lag as usize).min(N_LAGS - 1);
    let after = (before + 1).min(N_LAGS - 1);
    let share = (lag - before as f64) as f32;
    correlation[before] + share * (correlation[after] - correlation[before])
}

/// The tempo whose period is about `lag`.
fn refined(parts: [&Correlation; 2], lag: f64) -> Tempo {
    let reach = (REACH * lag).max(1.0);
    // No beat is as long as the longest lag, nor as short as one: both neighbours exist.
    let (from, to) = ((lag - reach).ceil() as usize, (lag + reach).floor() as usize);
    let clearest = |part: &Correlation| {
        let lags = (from..=to).max_by(|a, b| part[*a].total_cmp(&part[*b]));
        lags.map_or((0, 0.0), |lag| (lag, part[lag]))
    };
    let clearest = parts.map(|part| (part, clearest(part)));
    let [harmonic, percussive] = clearest;
    let (part, (lag, salience)) = if harmonic.1.1 > percussive.1.1 { harmonic } else { percussive };
    let bpm = lag_to_bpm(tempo::refine(part, lag), FRAME_RATE_HZ).clamp(MIN_BPM, MAX_BPM) as f32;
    let salience = salience.clamp(0.0, 1.0);
    Tempo { bpm: if salience < LEAST_SALIENCE { 0.0 } else { bpm }, salience }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FEATURE_FRAMES;
    use proptest::prelude::*;

    /// Onset strengths, dB, of hits of these strengths at each half of a beat, repeated, over a bed
    /// of weak ones.
    fn played(bpm: f64, halves: &[f32], frames: usize) -> Vec<f32> {
        let mut random = 1_u32;
        let mut bed = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 16) as f32 / 65_536.0
        };
        let mut onset: Vec<f32> = (0..frames).map(|_| bed()).collect();
        let half_frames = 0.5 * bpm_to_lag(bpm, FRAME_RATE_HZ);
        let hits = halves.iter().cycle().enumerate();
        for (n, strength) in hits {
            let at = (n as f64 + 0.7) * half_frames;
            let (frame, share) = (at as usize, (at % 1.0) as f32);
            if frame + 1 >= frames {
                return onset;
            }
            onset[frame] += strength * (1.0 - share);
            onset[frame + 1] += strength * share;
        }
        onset
    }

    fn is_near(beat: Tempo, bpm: f64) -> bool {
        (f64::from(beat.bpm) / bpm - 1.0).abs() < 0.02
    }

    #[test]
    fn clicks_of_any_tempo_read_in_their_own_octave() {
        for bpm in (42..=236).map(f64::from) {
            let clicks = played(bpm, &[30.0, 0.0], FEATURE_FRAMES);
            let read = beat(&clicks, &clicks);
            assert!(is_near(read, bpm), "{bpm} BPM read {read:?}");
            assert!(read.salience > 0.5, "{bpm} BPM read {read:?}");
        }
    }

    #[test]
    fn hats_between_the_beats_of_a_slow_song_do_not_double_it() {
        for bpm in [56.0, 62.0, 68.0, 74.0] {
            let drums = played(bpm, &[14.0, 8.0, 22.0, 8.0], FEATURE_FRAMES);
            let chords = played(bpm, &[20.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0], FEATURE_FRAMES);
            let read = beat(&chords, &drums);
            assert!(is_near(read, bpm), "{bpm} BPM read {read:?}");
        }
    }

    #[test]
    fn one_part_alone_is_enough() {
        let (clicks, still) = (played(174.0, &[30.0, 0.0], FEATURE_FRAMES), [0.2; FEATURE_FRAMES]);
        for read in [beat(&clicks, &still), beat(&still, &clicks)] {
            assert!(is_near(read, 174.0), "{read:?}");
        }
    }

    #[test]
    fn silence_a_steady_tone_and_noise_have_no_beat() {
        let still = [0.3; FEATURE_FRAMES];
        assert_eq!(beat(&[], &[]), Tempo::default());
        assert_eq!(beat(&still, &still), Tempo::default());
        let noise = played(120.0, &[0.0], FEATURE_FRAMES + 7);
        let read = beat(&noise[..FEATURE_FRAMES], &noise[7..]);
        assert!(read.bpm == 0.0 && read.salience < LEAST_SALIENCE, "{read:?}");
    }

    #[test]
    fn the_window_forgets_what_left_it() {
        let mut onset = played(90.0, &[30.0, 0.0], 2000);
        onset.extend(played(140.0, &[30.0, 0.0], FEATURE_FRAMES));
        let fresh = beat(&onset[2000..], &onset[2000..]);
        let read = beat(&onset, &onset);
        assert!(is_near(read, 140.0) && is_near(fresh, 140.0), "{read:?}, fresh {fresh:?}");
    }

    #[test]
    fn the_host_chooses_the_octave_and_nothing_else() {
        assert_eq!(in_octave_of(87.0, Some(174.0)), 174.0);
        assert_eq!(in_octave_of(171.0, Some(87.0)), 85.5);
        assert_eq!(in_octave_of(119.0, Some(120.0)), 119.0);
        assert_eq!(in_octave_of(174.0, Some(120.0)), 174.0, "not made to the host's grid");
        for nothing in [None, Some(0.0), Some(-87.0), Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(in_octave_of(174.0, nothing), 174.0);
        }
        assert_eq!(in_octave_of(0.0, Some(120.0)), 0.0, "no beat stays none");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn frame_by_frame_gives_the_batch_beat(
            onset in prop::collection::vec((0.0_f32..10.0, 0.0_f32..10.0), 0..600)
        ) {
            let (harmonic, percussive): (Vec<f32>, Vec<f32>) = onset.into_iter().unzip();
            let mut tempograms = [Tempogram::new(), Tempogram::new()];
            for pass in ["as new", "after reset"] {
                harmonic.iter().for_each(|o| tempograms[0].push(*o));
                percussive.iter().for_each(|o| tempograms[1].push(*o));
                let read = read(&tempograms[0], &tempograms[1]);
                prop_assert_eq!(read, beat(&harmonic, &percussive), "{}", pass);
                tempograms.iter_mut().for_each(Tempogram::reset);
            }
        }
    }
}
