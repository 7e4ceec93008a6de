//! The analysis against librosa and scipy, on arrays that `tests/golden/generate.py` wrote.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use moodring::analysis::change::band_change;
use moodring::analysis::downmix::Layout;
use moodring::analysis::frame::{FrameExtractor, FrameFeatures, PartFeatures};
use moodring::analysis::hpss::harmonic_masks;
use moodring::analysis::modulation::modulation_db;
use moodring::analysis::onset::onset_strength;
use moodring::analysis::resample::resample;
use moodring::analysis::stft::spectrogram;
use moodring::analysis::tempo::tempo;
use moodring::analysis::tonality::Tonality;
use moodring::config::{
    FEATURE_FRAMES, FRAMES_PER_STEP, N_BINS, N_CHROMA, N_CONTRAST_BANDS, N_MEL_BANDS,
};
use moodring::units::power_to_db;

/// Magnitudes: f32 against f64 transforms of values up to some hundreds.
const MAGNITUDE_TOLERANCE: f32 = 2e-4;
/// Bins whose two medians are so close that rounding decides: fewer than one in ten thousand, here
/// and, of the bins within 100 dB of their frame's loudest, in recordings.
const MASK_FLIPS: f64 = 1e-4;
/// Chroma in [0, 1] and energies: one flipped bin moves them more than rounding does.
const CHROMA_TOLERANCE: f32 = 2e-3;
const ENERGY_TOLERANCE: f32 = 1e-3;
/// Mel bands, dB, where there is something to hear.
const MEL_TOLERANCE_DB: f32 = 0.05;
const MEL_AUDIBLE_DB: f32 = -60.0;
/// Onset strength, dB, from the same bands: rounding alone.
const ONSET_TOLERANCE_DB: f32 = 1e-4;
/// Change of bands, dB: rounding of both frames, and bins that flip from one part to the other
/// cancel out.
const CHANGE_TOLERANCE_DB: f32 = 0.05;
/// Melodic chroma in [0, 1], of power that no mask divides: rounding alone.
const MELODIC_TOLERANCE: f32 = 1e-4;
/// Contrast, dB: a valley may lie 100 dB under the loudest bin, where magnitudes of an f32
/// transform have two good digits.
const CONTRAST_TOLERANCE_DB: f32 = 0.05;
/// Crest, dB: rounding of a mean over the samples of a frame.
const CREST_TOLERANCE_DB: f32 = 1e-3;
/// Modulation, dB: f32 sums of 396 terms against f64 ones.
const MODULATION_TOLERANCE_DB: f32 = 1e-3;
/// Correlations, and softmax of eight times them.
const TONALITY_TOLERANCE: f32 = 1e-4;
/// Ours is interpolated between lags, librosa's is a whole lag: half a lag at 174 BPM is 3.4 %.
const TEMPO_OF_LIBROSA: f32 = 0.035;
/// The tempo that the envelope was made with.
const TEMPO_OF_MAKER: f32 = 0.01;
/// Resampled tones up to 9 kHz, full scale 1, away from the ends: the ripple of a filter of 128
/// taps.
const RESAMPLE_TOLERANCE: f32 = 1e-5;

fn array<T: npyz::Deserialize>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let file = File::open(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    npyz::NpyFile::new(BufReader::new(file)).unwrap().into_vec().unwrap()
}

fn rows<const N: usize>(name: &str) -> Vec<[f32; N]> {
    array::<f32>(name).chunks_exact(N).map(|row| row.try_into().unwrap()).collect()
}

/// Every frame of the golden signal, by the incremental form, which the property tests tie to the
/// batch one.
fn frames() -> Vec<FrameFeatures> {
    let mut extractor = FrameExtractor::new(22_050.0, Layout::MONO).unwrap();
    let mut frames = Vec::new();
    extractor.push(&array("signal.npy"), |frame| frames.push(frame.features));
    extractor.finish(|frame| frames.push(frame.features));
    frames
}

/// Runs `check` on both parts, with their frames and their name.
fn for_both_parts(check: impl Fn(&str, &[PartFeatures])) {
    let frames = frames();
    assert_eq!(frames.len(), 126);
    check("harmonic", &frames.iter().map(|frame| frame.harmonic).collect::<Vec<_>>());
    check("percussive", &frames.iter().map(|frame| frame.percussive).collect::<Vec<_>>());
}

fn worst(actual: impl IntoIterator<Item = f32>, expected: impl IntoIterator<Item = f32>) -> f32 {
    actual.into_iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f32::max)
}

#[test]
fn magnitudes_are_librosas() {
    let ours = spectrogram(&array("signal.npy"));
    let theirs = array::<f32>("magnitude.npy");
    let ours: Vec<f32> = ours.into_iter().step_by(8).flatten().collect();
    assert_eq!(ours.len(), theirs.len());
    let worst = worst(ours, theirs);
    assert!(worst < MAGNITUDE_TOLERANCE, "off by {worst}");
}

#[test]
fn masks_are_librosas() {
    let masks = harmonic_masks(&spectrogram(&array("signal.npy")));
    let packed = array::<u8>("mask_harmonic.npy");
    let row_bytes = N_BINS.div_ceil(8);
    assert_eq!(packed.len(), masks.len() * row_bytes);
    let flips = masks
        .iter()
        .zip(packed.chunks_exact(row_bytes))
        .flat_map(|(mask, bytes)| {
            mask.iter()
                .enumerate()
                .map(move |(k, &ours)| ours != (bytes[k / 8] >> (7 - k % 8) & 1 == 1))
        })
        .filter(|flipped| *flipped)
        .count();
    let share = flips as f64 / (masks.len() * N_BINS) as f64;
    assert!(share < MASK_FLIPS, "{flips} bins differ");
    let harmonic = masks.iter().flatten().filter(|harmonic| **harmonic).count();
    assert!(harmonic > 10_000, "only {harmonic} harmonic bins: the comparison says nothing");
}

#[test]
fn chroma_is_the_definition() {
    for_both_parts(|part, frames| {
        let theirs = rows::<N_CHROMA>(&format!("chroma_{part}.npy"));
        assert_eq!(frames.len(), theirs.len());
        for (t, (ours, theirs)) in frames.iter().zip(&theirs).enumerate() {
            let worst = worst(ours.chroma, *theirs);
            assert!(worst < CHROMA_TOLERANCE, "{part} frame {t} off by {worst}");
        }
    });
}

#[test]
fn energies_are_the_definition() {
    for_both_parts(|part, frames| {
        let theirs = array::<f32>(&format!("energy_{part}.npy"));
        for (t, (ours, theirs)) in frames.iter().zip(&theirs).enumerate() {
            let off = (ours.energy - theirs).abs();
            assert!(off <= ENERGY_TOLERANCE * theirs + 1e-6, "{part} frame {t}: {off} of {theirs}");
        }
    });
}

#[test]
fn mel_bands_are_librosas() {
    for_both_parts(|part, frames| {
        let theirs = rows::<N_MEL_BANDS>(&format!("mel_db_{part}.npy"));
        for (t, (ours, theirs)) in frames.iter().zip(&theirs).enumerate() {
            for (b, (ours, theirs)) in ours.mel.iter().zip(theirs).enumerate() {
                let (ours, theirs) =
                    (power_to_db(*ours).max(MEL_AUDIBLE_DB), theirs.max(MEL_AUDIBLE_DB));
                let off = (ours - theirs).abs();
                assert!(
                    off < MEL_TOLERANCE_DB,
                    "{part} frame {t} band {b}: {ours} dB, not {theirs}"
                );
            }
        }
    });
}

#[test]
fn change_is_that_of_librosas_bands() {
    let [harmonic, percussive] =
        ["harmonic", "percussive"].map(|part| rows::<N_MEL_BANDS>(&format!("mel_db_{part}.npy")));
    // librosa says −100 dB of a part without a bin in the band; the sum of both parts is to have
    // none of that.
    let power = |db: f32| if db > -99.9 { 10_f32.powf(db / 10.0) } else { 0.0 };
    let whole: Vec<[f32; N_MEL_BANDS]> = harmonic
        .iter()
        .zip(&percussive)
        .map(|(h, p)| std::array::from_fn(|b| power_to_db(power(h[b]) + power(p[b]))))
        .collect();
    let theirs = band_change(&whole);
    let ours = frames();
    assert_eq!(ours.len(), theirs.len());
    for (t, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let worst = worst(ours.change, *theirs);
        assert!(worst < CHANGE_TOLERANCE_DB, "frame {t} off by {worst} dB");
    }
    let moved = theirs.iter().flatten().filter(|change| **change > 1.0).count();
    assert!(moved > 1000, "only {moved} changes: the comparison says nothing");
}

#[test]
fn melodic_chroma_is_weighted_as_librosa_weighs_octaves() {
    let theirs = rows::<N_CHROMA>("chroma_melodic.npy");
    for (t, (ours, theirs)) in frames().iter().zip(&theirs).enumerate() {
        let worst = worst(ours.chroma_melodic, *theirs);
        assert!(worst < MELODIC_TOLERANCE, "frame {t} off by {worst}");
    }
}

#[test]
fn contrast_is_librosas() {
    let theirs = rows::<N_CONTRAST_BANDS>("contrast.npy");
    for (t, (ours, theirs)) in frames().iter().zip(&theirs).enumerate() {
        let worst = worst(ours.contrast, *theirs);
        assert!(worst < CONTRAST_TOLERANCE_DB, "frame {t} off by {worst} dB: {:?}", ours.contrast);
    }
}

#[test]
fn crest_is_librosas() {
    let theirs = array::<f32>("crest.npy");
    let ours = frames();
    assert_eq!(ours.len(), theirs.len());
    let worst = worst(ours.iter().map(|frame| frame.crest_db), theirs);
    assert!(worst < CREST_TOLERANCE_DB, "off by {worst} dB");
}

#[test]
fn modulation_is_librosas() {
    let envelope = array::<f32>("tempo_envelope_music_128.npy");
    let ours = modulation_db(&envelope[envelope.len() - FEATURE_FRAMES..]);
    let worst = worst(ours, array("modulation.npy"));
    assert!(worst < MODULATION_TOLERANCE_DB, "off by {worst} dB");
}

#[test]
fn tonality_is_numpys() {
    let melodic = rows::<N_CHROMA>("chroma_melodic.npy");
    let steps: Vec<[f32; N_CHROMA]> = melodic
        .chunks_exact(FRAMES_PER_STEP)
        .map(|frames| {
            std::array::from_fn(|c| frames.iter().map(|frame| frame[c]).sum::<f32>() / 4.0)
        })
        .take(20)
        .collect();
    let worst = worst(Tonality::new().of(&steps), array("tonality.npy"));
    assert!(worst < TONALITY_TOLERANCE, "off by {worst}");
}

#[test]
fn onset_strength_is_librosas() {
    for part in ["harmonic", "percussive"] {
        let bands = rows::<N_MEL_BANDS>(&format!("mel_db_{part}.npy"));
        let ours = onset_strength(&bands, &vec![-100.0; bands.len()]);
        let worst = worst(ours, array::<f32>(&format!("onset_{part}.npy")));
        assert!(worst < ONSET_TOLERANCE_DB, "{part} off by {worst} dB");
    }
}

/// How far one tempo is from another, or from its half or double: a listener might tap any of the
/// three, and librosa takes the half of the pushed rhythm.
fn off_to_the_octave(bpm: f32, other_bpm: f32) -> f32 {
    let octaves = (bpm / other_bpm).log2();
    assert!(octaves.abs() < 1.5, "{bpm} BPM is no octave of {other_bpm}");
    ((octaves - octaves.round()).exp2() - 1.0).abs()
}

#[test]
fn tempo_is_librosas_and_the_makers() {
    let names = ["clicks_090", "clicks_120", "clicks_174", "music_076", "music_128", "pushed_104"];
    let (librosa, maker) =
        (array::<f32>("tempo_librosa_bpm.npy"), array::<f32>("tempo_made_with_bpm.npy"));
    for ((name, librosa), maker) in names.iter().zip(librosa).zip(maker) {
        let ours = tempo(&array::<f32>(&format!("tempo_envelope_{name}.npy"))).bpm;
        let said = format!("{name}: {ours} BPM, librosa {librosa}, made with {maker}");
        assert!(off_to_the_octave(ours, librosa) < TEMPO_OF_LIBROSA, "{said}");
        assert!(off_to_the_octave(ours, maker) < TEMPO_OF_MAKER, "{said}");
    }
}

#[test]
fn resampled_tones_are_the_tones_and_librosas() {
    for rate_hz in [44_100_u32, 48_000] {
        let ours =
            resample(&array(&format!("resample_{rate_hz}_in.npy")), f64::from(rate_hz)).unwrap();
        for reference in ["resample_exact.npy", &format!("resample_{rate_hz}_librosa.npy")] {
            let theirs = array::<f32>(reference);
            assert!(ours.len().abs_diff(theirs.len()) <= 1);
            let inner = 300..theirs.len() - 300;
            let worst = worst(ours[inner.clone()].to_vec(), theirs[inner].to_vec());
            assert!(worst < RESAMPLE_TOLERANCE, "{rate_hz} Hz against {reference}: off by {worst}");
        }
    }
}
