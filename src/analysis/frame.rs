//! Everything that one frame says: from samples at the host's rate to [`FrameFeatures`], hop by
//! hop.

use crate::analysis::audible::LowThreshold;
use crate::analysis::change::BandChange;
use crate::analysis::chroma::Chroma;
use crate::analysis::contrast::Contrast;
use crate::analysis::crest::crest_db;
use crate::analysis::downmix::{Downmix, Layout};
use crate::analysis::hpss::{Hpss, MaskedFrame};
use crate::analysis::mel::MelBank;
use crate::analysis::onset::OnsetStrength;
use crate::analysis::resample::{RateError, Resampler};
use crate::analysis::stft::{Stft, frame_end_samples};
use crate::analysis::subsonic::Subsonic;
use crate::config::{
    LOOKAHEAD_FRAMES, N_BINS, N_CHROMA, N_CONTRAST_BANDS, N_MEL_BANDS, ONSET_RANGE_DB,
};
use crate::simd::sum;
use crate::units::power_to_db;

/// One part, harmonic or percussive, of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartFeatures {
    /// Pitch classes, max-normalised, C first.
    pub chroma: [f32; N_CHROMA],
    /// Energy `y = Σ_k |χ[k]|²` over the part's bins (Liu, Fang and Huang 2018), linear.
    pub energy: f32,
    /// Mel-band powers, linear.
    pub mel: [f32; N_MEL_BANDS],
    /// Onset strength, dB ≥ 0.
    pub onset: f32,
}

/// Both parts of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameFeatures {
    /// The steady part.
    pub harmonic: PartFeatures,
    /// The struck part.
    pub percussive: PartFeatures,
    /// Mel-band powers of both parts together, dB.
    pub mel_db: [f32; N_MEL_BANDS],
    /// How far each of them moved since the frame before, dB ≥ 0.
    pub change: [f32; N_MEL_BANDS],
    /// Pitch classes of the register of melodies and chords, both parts together, max-normalised, C
    /// first.
    pub chroma_melodic: [f32; N_CHROMA],
    /// How far peaks stand over valleys in each octave, dB ≥ 0.
    pub contrast: [f32; N_CONTRAST_BANDS],
    /// How far the waveform's peak stands over its mean, dB ≥ 0.
    pub crest_db: f32,
    /// Of the energy of both parts, what nobody hears, linear. For the gate alone.
    pub inaudible: f32,
    /// By how much the loudest channel's power is above that of their sum, a ratio ≥ 1. For the
    /// gate alone.
    pub lost: f32,
}

/// A frame as the extractor hands it out.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Which frame, from 0.
    pub index: u64,
    /// Analysis-rate samples behind everything known at this moment: the end of the newest frame
    /// that the medians needed.
    pub heard_samples: u64,
    /// What it says.
    pub features: FrameFeatures,
    /// Which bins are harmonic, `[N_BINS]`.
    pub harmonic_mask: &'a [bool],
}

impl Frame<'_> {
    /// Analysis-rate sample position at the end of the frame's window: the time it refers to.
    #[must_use]
    pub fn end_samples(&self) -> u64 {
        frame_end_samples(self.index)
    }
}

/// Samples in, in any chunks; frames out, [`crate::config::LOOKAHEAD_FRAMES`] hops after their last
/// sample.
///
/// # Real-time safety
/// `push` and `reset` neither allocate, lock nor fail.
pub struct FrameExtractor {
    downmix: Downmix,
    resampler: Resampler,
    subsonic: Subsonic,
    spectra: Spectra,
}

/// The stages behind the resampler.
struct Spectra {
    /// Power that the down-mix has lately lost, as a ratio ≥ 1.
    lost: f32,
    stft: Stft,
    hpss: Hpss,
    parts: Parts,
}

/// Frames from the newest to the one whose masks it completes.
const WAITING_FRAMES: usize = LOOKAHEAD_FRAMES + 1;

/// What is computed of a frame once its masks are known.
struct Parts {
    chroma: Chroma,
    chroma_melodic: Chroma,
    mel: MelBank,
    contrast: Contrast,
    harmonic_onset: OnsetStrength,
    percussive_onset: OnsetStrength,
    change: BandChange,
    /// Of the frames that wait in the medians, frame `t` at `t % WAITING_FRAMES`: their crests.
    crests_db: [f32; WAITING_FRAMES],
    /// What the down-mix had lost of their power.
    lost: [f32; WAITING_FRAMES],
    threshold: LowThreshold,
    /// Power spectra of both parts together and of each, `[N_BINS]`.
    power: Vec<f32>,
    harmonic_power: Vec<f32>,
    percussive_power: Vec<f32>,
    /// Frames pushed into the medians, and handed out of them.
    pushed: u64,
    emitted: u64,
}

impl FrameExtractor {
    /// An extractor of music at `host_rate_hz` in the channels of `layout`.
    ///
    /// # Errors
    /// [`RateError`] where the rate is out of range.
    pub fn new(host_rate_hz: f64, layout: Layout) -> Result<Self, RateError> {
        Ok(Self {
            downmix: Downmix::new(host_rate_hz, layout),
            resampler: Resampler::new(host_rate_hz)?,
            subsonic: Subsonic::new(),
            spectra: Spectra {
                lost: 1.0,
                stft: Stft::new(),
                hpss: Hpss::new(N_BINS),
                parts: Parts {
                    chroma: Chroma::new(),
                    chroma_melodic: Chroma::melodic(),
                    mel: MelBank::new(),
                    contrast: Contrast::new(),
                    harmonic_onset: OnsetStrength::new(),
                    percussive_onset: OnsetStrength::new(),
                    change: BandChange::new(),
                    crests_db: [0.0; WAITING_FRAMES],
                    lost: [1.0; WAITING_FRAMES],
                    threshold: LowThreshold::new(),
                    power: vec![0.0; N_BINS],
                    harmonic_power: vec![0.0; N_BINS],
                    percussive_power: vec![0.0; N_BINS],
                    pushed: 0,
                    emitted: 0,
                },
            },
        })
    }

    /// Takes interleaved samples and hands each frame that they complete to `on_frame`.
    pub fn push(&mut self, interleaved: &[f32], mut on_frame: impl FnMut(&Frame)) {
        let (resampler, subsonic) = (&mut self.resampler, &mut self.subsonic);
        let spectra = &mut self.spectra;
        self.downmix.push(interleaved, |mono, lost| {
            spectra.lost = lost;
            resampler.push(mono, |samples| {
                subsonic.push(samples, |samples| spectra.push(samples, &mut on_frame));
            });
        });
    }

    /// Goes on with samples at another rate, or in other channels: a stream that changes on its
    /// way. Allocates.
    ///
    /// # Errors
    /// [`RateError`] where the rate is out of range; then everything is as before.
    pub fn change_input(
        &mut self,
        host_rate_hz: f64,
        layout: Layout,
        mut on_frame: impl FnMut(&Frame),
    ) -> Result<(), RateError> {
        let mut before = std::mem::replace(&mut self.resampler, Resampler::new(host_rate_hz)?);
        let (subsonic, spectra) = (&mut self.subsonic, &mut self.spectra);
        before.finish(|samples| {
            subsonic.push(samples, |samples| spectra.push(samples, &mut on_frame));
        });
        self.downmix = Downmix::new(host_rate_hz, layout);
        Ok(())
    }

    /// Ends the stream: hands out the frames whose future will not come, and starts anew.
    pub fn finish(&mut self, mut on_frame: impl FnMut(&Frame)) {
        let (subsonic, spectra) = (&mut self.subsonic, &mut self.spectra);
        self.resampler.finish(|samples| {
            subsonic.push(samples, |samples| spectra.push(samples, &mut on_frame));
        });
        let parts = &mut spectra.parts;
        spectra.hpss.finish(|masked| parts.emit(masked, &mut on_frame));
        self.reset();
    }

    /// Forgets all music; as new.
    pub fn reset(&mut self) {
        self.downmix.reset();
        self.resampler.reset();
        self.subsonic.reset();
        self.spectra.lost = 1.0;
        self.spectra.stft.reset();
        self.spectra.hpss.reset();
        self.spectra.parts.reset();
    }
}

impl Spectra {
    fn push(&mut self, samples: &[f32], on_frame: &mut impl FnMut(&Frame)) {
        let (hpss, parts, lost) = (&mut self.hpss, &mut self.parts, self.lost);
        self.stft.push(samples, |window, magnitude| {
            parts.crests_db[place_of(parts.pushed)] = crest_db(window);
            parts.lost[place_of(parts.pushed)] = lost;
            parts.pushed += 1;
            if let Some(masked) = hpss.push(magnitude) {
                parts.emit(masked, on_frame);
            }
        });
    }
}

/// Where what is known of frame `t` waits.
fn place_of(t: u64) -> usize {
    (t % WAITING_FRAMES as u64) as usize
}

impl Parts {
    fn emit(&mut self, masked: MaskedFrame<'_>, on_frame: &mut impl FnMut(&Frame)) {
        let frame = Frame {
            index: self.emitted,
            heard_samples: frame_end_samples(self.pushed - 1),
            features: self.features(masked),
            harmonic_mask: masked.harmonic,
        };
        self.emitted += 1;
        on_frame(&frame);
    }

    fn features(&mut self, masked: MaskedFrame<'_>) -> FrameFeatures {
        self.split(masked);
        let harmonic_mel = self.mel.power(&self.harmonic_power);
        let percussive_mel = self.mel.power(&self.percussive_power);
        let (harmonic_db, percussive_db) =
            (harmonic_mel.map(power_to_db), percussive_mel.map(power_to_db));
        let loudest_db = harmonic_db.iter().chain(&percussive_db).copied().fold(f32::MIN, f32::max);
        let floor_db = loudest_db - ONSET_RANGE_DB;
        let harmonic_onset = self.harmonic_onset.push(&harmonic_db, floor_db);
        let percussive_onset = self.percussive_onset.push(&percussive_db, floor_db);
        // Each bin belongs to one part, so the parts' powers add up to the whole.
        let mel_db = std::array::from_fn(|b| power_to_db(harmonic_mel[b] + percussive_mel[b]));
        let change = self.change.push(&mel_db);
        let part = |power: &[f32], mel, onset| PartFeatures {
            chroma: self.chroma.of(power),
            energy: sum(power),
            mel,
            onset,
        };
        FrameFeatures {
            harmonic: part(&self.harmonic_power, harmonic_mel, harmonic_onset),
            percussive: part(&self.percussive_power, percussive_mel, percussive_onset),
            mel_db,
            change,
            chroma_melodic: self.chroma_melodic.of(&self.power),
            contrast: self.contrast.of(masked.magnitude),
            crest_db: self.crests_db[place_of(self.emitted)],
            inaudible: self.threshold.under(&self.power),
            lost: self.lost[place_of(self.emitted)],
        }
    }

    /// Power spectra of both parts, each bin in exactly one, and of the whole.
    fn split(&mut self, masked: MaskedFrame<'_>) {
        let parts = self.harmonic_power.iter_mut().zip(&mut self.percussive_power);
        for ((((harmonic, percussive), power), x), &is_harmonic) in
            parts.zip(&mut self.power).zip(masked.magnitude).zip(masked.harmonic)
        {
            *power = x * x;
            (*harmonic, *percussive) = if is_harmonic { (*power, 0.0) } else { (0.0, *power) };
        }
    }

    fn reset(&mut self) {
        self.harmonic_onset.reset();
        self.percussive_onset.reset();
        self.change.reset();
        self.pushed = 0;
        self.emitted = 0;
    }
}
