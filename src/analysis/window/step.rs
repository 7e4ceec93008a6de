//! Frames averaged into steps, of which the network hears a hundred.

use crate::analysis::frame::{FrameFeatures, PartFeatures};
use crate::analysis::stft::mean_power;
use crate::config::{FRAMES_PER_STEP, N_CHROMA, N_CONTRAST_BANDS, N_MEL_BANDS, N_MODULATION_BANDS};
use crate::units::{count, power_to_db};

/// Mel bands under one band whose modulation is followed.
const MEL_PER_MODULATION: usize = N_MEL_BANDS / N_MODULATION_BANDS;

/// The mean of one part over the frames of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) chroma: [f32; N_CHROMA],
    pub(super) mel: [f32; N_MEL_BANDS],
    /// The same in dB, once the step is complete: every reading of the window needs it.
    pub(super) mel_db: [f32; N_MEL_BANDS],
    pub(super) onset: f32,
    pub(super) energy: f32,
}

impl Part {
    pub(super) const EMPTY: Self = Self {
        chroma: [0.0; N_CHROMA],
        mel: [0.0; N_MEL_BANDS],
        mel_db: [0.0; N_MEL_BANDS],
        onset: 0.0,
        energy: 0.0,
    };

    /// Adds a frame's share of a step.
    pub(super) fn add(&mut self, frame: &PartFeatures) {
        let share = 1.0 / count(FRAMES_PER_STEP);
        self.chroma.iter_mut().zip(frame.chroma).for_each(|(mean, x)| *mean += share * x);
        self.mel.iter_mut().zip(frame.mel).for_each(|(mean, x)| *mean += share * x);
        self.onset += share * frame.onset;
        self.energy += share * frame.energy;
    }

    pub(super) fn complete(&mut self) {
        self.mel_db = self.mel.map(power_to_db);
    }
}

/// Means over the frames of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) harmonic: Part,
    pub(super) percussive: Part,
    /// Mean change of the bands of both parts together, dB.
    pub(super) change: [f32; N_MEL_BANDS],
    /// Means of the melodic chroma, of the contrast and of the crest, dB.
    pub(super) chroma_melodic: [f32; N_CHROMA],
    pub(super) contrast: [f32; N_CONTRAST_BANDS],
    pub(super) crest_db: f32,
    /// Mean of what nobody hears of the energy, and of how far the loudest channel is above the
    /// sum.
    pub(super) inaudible: f32,
    pub(super) lost: f32,
    /// Level of each band whose modulation is followed, dB, frame by frame.
    pub(super) modulated_db: [[f32; N_MODULATION_BANDS]; FRAMES_PER_STEP],
}

impl Step {
    pub(super) const EMPTY: Self = Self {
        harmonic: Part::EMPTY,
        percussive: Part::EMPTY,
        change: [0.0; N_MEL_BANDS],
        chroma_melodic: [0.0; N_CHROMA],
        contrast: [0.0; N_CONTRAST_BANDS],
        crest_db: 0.0,
        inaudible: 0.0,
        lost: 0.0,
        modulated_db: [[0.0; N_MODULATION_BANDS]; FRAMES_PER_STEP],
    };

    /// Adds frame `i` of the step.
    pub(super) fn add(&mut self, i: usize, frame: &FrameFeatures) {
        self.harmonic.add(&frame.harmonic);
        self.percussive.add(&frame.percussive);
        let share = 1.0 / count(FRAMES_PER_STEP);
        let add = |mean: &mut [f32], x: &[f32]| {
            mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += share * x);
        };
        add(&mut self.change, &frame.change);
        add(&mut self.chroma_melodic, &frame.chroma_melodic);
        add(&mut self.contrast, &frame.contrast);
        self.crest_db += share * frame.crest_db;
        self.inaudible += share * frame.inaudible;
        self.lost += share * frame.lost;
        let bands = frame.mel_db.chunks_exact(MEL_PER_MODULATION);
        for (out, bands) in self.modulated_db[i].iter_mut().zip(bands) {
            *out = bands.iter().sum::<f32>() / count(MEL_PER_MODULATION);
        }
    }

    /// Energy of both parts.
    pub(super) fn energy(&self) -> f32 {
        self.harmonic.energy + self.percussive.energy
    }

    /// Whether what the loudest channel holds for the ear is under the gate.
    pub(super) fn is_silent(&self, gate_db: f32) -> bool {
        let heard = (self.energy() - self.inaudible).max(0.0) * self.lost;
        power_to_db(mean_power(heard)) < gate_db
    }
}
