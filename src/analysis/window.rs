//! The last ten seconds as the network sees them: frames averaged into steps, and constants of the whole window.

use crate::analysis::beat;
use crate::analysis::frame::{FrameFeatures, PartFeatures};
use crate::analysis::modulation::ModulationSpectrum;
use crate::analysis::stft::mean_power;
use crate::analysis::tempo::{Tempo, Tempogram};
use crate::analysis::tonality::{TONALITY_NAMES, Tonality};
use crate::config::{
    ANALYSIS_RATE_HZ, FRAME_RATE_HZ, FRAMES_PER_STEP, HOP_SAMPLES, LOOKAHEAD_FRAMES, MEL_RANGE_DB,
    N_CHROMA, N_CONTRAST_BANDS, N_MEL_BANDS, N_MODULATION_BANDS, N_MODULATION_RATES, N_STEPS,
    N_TONALITY, RING_FRAMES, RING_SECS, SILENCE_DB, SILENCE_SECS, WINDOW_SAMPLES,
};
use crate::units::{count, power_to_db};

/// Features of one step.
pub const N_STEP_FEATURES: usize =
    2 * (N_CHROMA + N_MEL_BANDS + 1) + N_MEL_BANDS + 2 + N_CONTRAST_BANDS;

/// Constants of the paper: tempo and energy of both parts, the energies both within the window and as they are.
const N_PAPER: usize = 6;

/// Features of a whole window: the paper's, tonality, and modulation.
pub const N_CONSTANTS: usize = N_PAPER + N_TONALITY + N_MODULATION_BANDS * N_MODULATION_RATES;

/// Mel bands under one band whose modulation is followed.
const MEL_PER_MODULATION: usize = N_MEL_BANDS / N_MODULATION_BANDS;

/// Step features, in the order in which the network takes them.
#[must_use]
pub fn step_names() -> Vec<String> {
    const PITCH_CLASSES: [&str; N_CHROMA] =
        ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    let parts = ["harmonic", "percussive"];
    let chroma = parts.iter().flat_map(|part| PITCH_CLASSES.map(|c| format!("chroma_{part}_{c}")));
    let mel =
        parts.iter().flat_map(|part| (0..N_MEL_BANDS).map(move |b| format!("mel_{part}_{b:02}")));
    let onset = parts.iter().map(|part| format!("onset_{part}"));
    let change = (0..N_MEL_BANDS).map(|b| format!("change_{b:02}"));
    let whole = ["level", "crest"].map(str::to_owned);
    let contrast = (0..N_CONTRAST_BANDS).map(|b| format!("contrast_{b:02}"));
    chroma.chain(mel).chain(onset).chain(change).chain(whole).chain(contrast).collect()
}

/// Window features, in the order in which the network takes them: octaves above 120 BPM; dB re the window's mean power, and re full
/// scale, the only features that gain moves; [`Tonality`]; [`ModulationSpectrum`] of every band, dB.
#[must_use]
pub fn constant_names() -> Vec<String> {
    let paper: [&str; N_PAPER] = [
        "tempo_harmonic_octaves",
        "tempo_percussive_octaves",
        "energy_harmonic_db",
        "energy_percussive_db",
        "energy_harmonic_dbfs",
        "energy_percussive_dbfs",
    ];
    let modulation = (0..N_MODULATION_BANDS)
        .flat_map(|b| (0..N_MODULATION_RATES).map(move |r| format!("modulation_{b:02}_{r}")));
    paper.into_iter().chain(TONALITY_NAMES).map(str::to_owned).chain(modulation).collect()
}

/// Steps of silence that end what was heard.
const SILENCE_STEPS: usize = (SILENCE_SECS * FRAME_RATE_HZ) as usize / FRAMES_PER_STEP + 1;

/// Steps since the start from which on the whole window rests on medians with all their neighbours.
const FULL_STEPS: u64 = ((RING_FRAMES - LOOKAHEAD_FRAMES) / FRAMES_PER_STEP) as u64;

/// How much of the window holds music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Silence now.
    Silence,
    /// Music for this many steps, at most [`N_STEPS`].
    Steps(usize),
    /// Music throughout, with nothing missing at its start.
    Full,
}

impl Heard {
    /// Seconds of music heard, 0 to 10.
    #[must_use]
    pub fn secs(self) -> f32 {
        /// What the first step needs besides its own hops: the rest of its window and the medians' future, samples.
        const LEAD_SAMPLES: usize = WINDOW_SAMPLES - HOP_SAMPLES + LOOKAHEAD_FRAMES * HOP_SAMPLES;
        match self {
            Self::Silence | Self::Steps(0) => 0.0,
            Self::Steps(steps) => {
                let samples = steps * FRAMES_PER_STEP * HOP_SAMPLES + LEAD_SAMPLES;
                (count(samples) / ANALYSIS_RATE_HZ as f32).min(count(RING_SECS))
            }
            Self::Full => count(RING_SECS),
        }
    }

    fn steps(self) -> usize {
        match self {
            Self::Silence => 0,
            Self::Steps(steps) => steps,
            Self::Full => N_STEPS,
        }
    }
}

/// What the network takes, before scaling.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInput {
    /// `[N_STEPS][N_STEP_FEATURES]`, oldest step first.
    pub steps: Vec<f32>,
    /// `[N_CONSTANTS]`.
    pub constants: [f32; N_CONSTANTS],
}

impl Default for NetworkInput {
    fn default() -> Self {
        Self { steps: vec![0.0; N_STEPS * N_STEP_FEATURES], constants: [0.0; N_CONSTANTS] }
    }
}

/// What a person might ask of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowSummary {
    /// The beat: the one tempo to show.
    pub tempo: Tempo,
    /// Tempo of the harmonic part.
    pub tempo_harmonic: Tempo,
    /// Tempo of the percussive part.
    pub tempo_percussive: Tempo,
    /// Mean power of each part, dB re full scale.
    pub energy_harmonic_db: f32,
    /// See `energy_harmonic_db`.
    pub energy_percussive_db: f32,
    /// Mean harmonic chroma, C first.
    pub chroma: [f32; N_CHROMA],
}

/// The mean of one part over the frames of a step.
#[derive(Clone, Copy, Debug)]
struct Part {
    chroma: [f32; N_CHROMA],
    mel: [f32; N_MEL_BANDS],
    /// The same in dB, once the step is complete: every reading of the window needs it.
    mel_db: [f32; N_MEL_BANDS],
    onset: f32,
    energy: f32,
}

impl Part {
    const EMPTY: Self = Self {
        chroma: [0.0; N_CHROMA],
        mel: [0.0; N_MEL_BANDS],
        mel_db: [0.0; N_MEL_BANDS],
        onset: 0.0,
        energy: 0.0,
    };

    /// Adds a frame's share of a step.
    fn add(&mut self, frame: &PartFeatures) {
        let share = 1.0 / count(FRAMES_PER_STEP);
        self.chroma.iter_mut().zip(frame.chroma).for_each(|(mean, x)| *mean += share * x);
        self.mel.iter_mut().zip(frame.mel).for_each(|(mean, x)| *mean += share * x);
        self.onset += share * frame.onset;
        self.energy += share * frame.energy;
    }

    fn complete(&mut self) {
        self.mel_db = self.mel.map(power_to_db);
    }
}

#[derive(Clone, Copy, Debug)]
struct Step {
    harmonic: Part,
    percussive: Part,
    /// Mean change of the bands of both parts together, dB.
    change: [f32; N_MEL_BANDS],
    /// Means of the melodic chroma, of the contrast and of the crest, dB.
    chroma_melodic: [f32; N_CHROMA],
    contrast: [f32; N_CONTRAST_BANDS],
    crest_db: f32,
    /// Mean of what nobody hears of the energy, and of how far the loudest channel is above the sum.
    inaudible: f32,
    lost: f32,
    /// Level of each band whose modulation is followed, dB, frame by frame.
    modulated_db: [[f32; N_MODULATION_BANDS]; FRAMES_PER_STEP],
}

impl Step {
    const EMPTY: Self = Self {
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
    fn add(&mut self, i: usize, frame: &FrameFeatures) {
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
    fn energy(&self) -> f32 {
        self.harmonic.energy + self.percussive.energy
    }

    /// Whether what the loudest channel holds for the ear is under the gate.
    fn is_silent(&self, gate_db: f32) -> bool {
        let heard = (self.energy() - self.inaudible).max(0.0) * self.lost;
        power_to_db(mean_power(heard)) < gate_db
    }

    /// Writes the step's features, mel bands in dB over `floor_db`, relative to `level_db`.
    fn write(&self, level_db: f32, out: &mut [f32]) {
        let parts = [&self.harmonic, &self.percussive];
        let chroma = parts.iter().flat_map(|part| part.chroma);
        let mel = parts.iter().flat_map(|part| part.mel_db.iter());
        let mel_db = mel.map(|db| (db - level_db).max(-MEL_RANGE_DB));
        let onset = parts.iter().map(|part| part.onset);
        let energy_db = (power_to_db(self.energy()) - level_db).max(-MEL_RANGE_DB);
        let whole = [energy_db, self.crest_db];
        let features =
            chroma.chain(mel_db).chain(onset).chain(self.change).chain(whole).chain(self.contrast);
        out.iter_mut().zip(features).for_each(|(out, feature)| *out = feature);
    }
}

/// The rolling window: frames in, the network's input out on request.
///
/// Everything it hands out depends on the frames of the last 10 s alone, so that a reading after ten hours is the reading of a fresh
/// start ten seconds ago.
///
/// # Real-time safety
/// Nothing here allocates after `new`, locks or fails.
pub struct FeatureWindow {
    /// Mean power under which a step counts as silence, dB re full scale.
    gate_db: f32,
    current: Step,
    frames_in_current: usize,
    /// Ring of complete steps; `next` is the oldest once full.
    steps: Vec<Step>,
    next: usize,
    /// Steps completed since the start.
    complete: u64,
    harmonic_tempo: Tempogram,
    percussive_tempo: Tempogram,
    tonality: Tonality,
    modulation: ModulationSpectrum,
}

impl Default for FeatureWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl FeatureWindow {
    /// An empty window.
    #[must_use]
    pub fn new() -> Self {
        Self {
            gate_db: SILENCE_DB,
            current: Step::EMPTY,
            frames_in_current: 0,
            steps: vec![Step::EMPTY; N_STEPS],
            next: 0,
            complete: 0,
            harmonic_tempo: Tempogram::new(),
            percussive_tempo: Tempogram::new(),
            tonality: Tonality::new(),
            modulation: ModulationSpectrum::new(),
        }
    }

    /// Sets the mean power under which music counts as silence, dB re full scale, for all that the window holds; [`SILENCE_DB`] until
    /// then.
    pub fn set_gate_db(&mut self, gate_db: f32) {
        self.gate_db = gate_db;
    }

    /// Takes the next frame; true where it completes a step.
    pub fn push(&mut self, frame: &FrameFeatures) -> bool {
        self.harmonic_tempo.push(frame.harmonic.onset);
        self.percussive_tempo.push(frame.percussive.onset);
        self.current.add(self.frames_in_current, frame);
        self.frames_in_current += 1;
        if self.frames_in_current < FRAMES_PER_STEP {
            return false;
        }
        self.current.harmonic.complete();
        self.current.percussive.complete();
        self.steps[self.next] = std::mem::replace(&mut self.current, Step::EMPTY);
        self.next = (self.next + 1) % N_STEPS;
        self.complete += 1;
        self.frames_in_current = 0;
        true
    }

    /// How much music the window holds: what was heard since the last silence in it.
    #[must_use]
    pub fn heard(&self) -> Heard {
        let available = self.complete.min(N_STEPS as u64) as usize;
        let mut silent_run = 0;
        for back in 0..available {
            silent_run = if self.step(back).is_silent(self.gate_db) { silent_run + 1 } else { 0 };
            let all_silent_so_far = silent_run == back + 1;
            if silent_run == SILENCE_STEPS || (all_silent_so_far && back + 1 == available) {
                return if all_silent_so_far {
                    Heard::Silence
                } else {
                    Heard::Steps(back + 1 - silent_run)
                };
            }
        }
        if self.complete < FULL_STEPS { Heard::Steps(available) } else { Heard::Full }
    }

    /// Writes the network's input. Where less than the window was heard, the newest steps are repeated until they fill it, so
    /// that the network meets a loop, which music often is, rather than a silence that was never played.
    pub fn write(&mut self, heard: Heard, summary: &WindowSummary, input: &mut NetworkInput) {
        let heard = heard.steps().max(1);
        let mean_energy = self.mean_energy(heard);
        let level_db = power_to_db(mean_energy);
        for (back, out) in input.steps.chunks_exact_mut(N_STEP_FEATURES).rev().enumerate() {
            self.step(back % heard).write(level_db, out);
        }
        let octaves = |tempo: Tempo| if tempo.bpm > 0.0 { (tempo.bpm / 120.0).log2() } else { 0.0 };
        let total_db = power_to_db(mean_power(mean_energy));
        let relative = |energy_db: f32| (energy_db - total_db).clamp(-MEL_RANGE_DB, 0.0);
        let (paper, rest) = input.constants.split_at_mut(N_PAPER);
        paper.copy_from_slice(&[
            octaves(summary.tempo_harmonic),
            octaves(summary.tempo_percussive),
            relative(summary.energy_harmonic_db),
            relative(summary.energy_percussive_db),
            summary.energy_harmonic_db,
            summary.energy_percussive_db,
        ]);
        let (tonality, modulation) = rest.split_at_mut(N_TONALITY);
        let chroma: [[f32; N_CHROMA]; N_STEPS] =
            std::array::from_fn(|t| self.step((N_STEPS - 1 - t) % heard).chroma_melodic);
        tonality.copy_from_slice(&self.tonality.of(&chroma));
        self.write_modulation(heard, level_db - MEL_RANGE_DB, modulation);
    }

    /// Modulation of every band over the newest `heard` steps, repeated; what is under `floor_db` does not move.
    fn write_modulation(&mut self, heard: usize, floor_db: f32, out: &mut [f32]) {
        let (steps, next) = (&self.steps, self.next);
        for (band, out) in out.chunks_exact_mut(N_MODULATION_RATES).enumerate() {
            let newest_last = (0..N_STEPS).rev().map(|back| nth_last(steps, next, back % heard));
            let band_db = newest_last
                .flat_map(|step| step.modulated_db.iter().map(|frame| frame[band].max(floor_db)));
            out.copy_from_slice(&self.modulation.of(band_db));
        }
    }

    /// Tempi, energies and chroma of what was heard.
    #[must_use]
    pub fn summary(&self, heard: Heard) -> WindowSummary {
        let steps = heard.steps();
        if steps == 0 {
            let floor_db = power_to_db(0.0);
            return WindowSummary {
                energy_harmonic_db: floor_db,
                energy_percussive_db: floor_db,
                ..WindowSummary::default()
            };
        }
        let mean = |part: fn(&Step) -> f32| {
            (0..steps).map(|back| part(self.step(back))).sum::<f32>() / count(steps)
        };
        let mut chroma = [0.0; N_CHROMA];
        for back in 0..steps {
            let step = self.step(back).harmonic.chroma;
            chroma.iter_mut().zip(step).for_each(|(mean, x)| *mean += x / count(steps));
        }
        WindowSummary {
            tempo: beat::read(&self.harmonic_tempo, &self.percussive_tempo),
            tempo_harmonic: self.harmonic_tempo.read(),
            tempo_percussive: self.percussive_tempo.read(),
            energy_harmonic_db: power_to_db(mean_power(mean(|step| step.harmonic.energy))),
            energy_percussive_db: power_to_db(mean_power(mean(|step| step.percussive.energy))),
            chroma,
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.current = Step::EMPTY;
        self.frames_in_current = 0;
        self.next = 0;
        self.complete = 0;
        self.harmonic_tempo.reset();
        self.percussive_tempo.reset();
    }

    /// The complete step `back` before the newest.
    fn step(&self, back: usize) -> &Step {
        nth_last(&self.steps, self.next, back)
    }

    /// Mean energy of both parts over the newest `steps` steps.
    fn mean_energy(&self, steps: usize) -> f32 {
        (0..steps).map(|back| self.step(back).energy()).sum::<f32>() / count(steps)
    }
}

/// The step `back` before the newest of a full ring whose oldest is at `next`.
fn nth_last(steps: &[Step], next: usize, back: usize) -> &Step {
    &steps[(next + N_STEPS - 1 - back) % N_STEPS]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the mark of a frame ends up.
    const ONSET_HARMONIC: usize = 2 * (N_CHROMA + N_MEL_BANDS);

    /// Energy of a loud frame, and of one that counts as silence.
    const LOUD: f32 = 1e4;
    const SILENT: f32 = 0.0;

    /// A frame whose harmonic onset strength is `mark`, to be recognised by.
    fn frame(energy: f32, mark: f32) -> FrameFeatures {
        let part = |onset| PartFeatures {
            chroma: [0.5; N_CHROMA],
            energy,
            mel: [energy / 1000.0; N_MEL_BANDS],
            onset,
        };
        FrameFeatures {
            harmonic: part(mark),
            percussive: part(0.0),
            mel_db: [power_to_db(energy / 1000.0); N_MEL_BANDS],
            change: [1.0; N_MEL_BANDS],
            chroma_melodic: [0.5; N_CHROMA],
            contrast: [10.0; N_CONTRAST_BANDS],
            crest_db: 12.0,
            inaudible: 0.0,
            lost: 1.0,
        }
    }

    /// A window after `steps` steps of each energy, marked 0, 1, 2, … step by step.
    fn window(stretches: &[(f32, usize)]) -> FeatureWindow {
        let mut window = FeatureWindow::new();
        let energies = stretches.iter().flat_map(|(energy, n)| std::iter::repeat_n(*energy, *n));
        for (step, energy) in energies.enumerate() {
            (0..FRAMES_PER_STEP).for_each(|_| _ = window.push(&frame(energy, step as f32)));
        }
        window
    }

    /// The marks of the steps that the network would see, oldest first.
    fn marks(mut window: FeatureWindow) -> Vec<usize> {
        let (heard, mut input) = (window.heard(), NetworkInput::default());
        window.write(heard, &window.summary(heard), &mut input);
        let steps = input.steps.chunks_exact(N_STEP_FEATURES);
        steps.map(|step| step[ONSET_HARMONIC] as usize).collect()
    }

    #[test]
    fn every_feature_has_its_own_name() {
        let mut names = step_names();
        assert_eq!(names.len(), N_STEP_FEATURES);
        assert_eq!(names[ONSET_HARMONIC], "onset_harmonic");
        names.extend(constant_names());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), N_STEP_FEATURES + N_CONSTANTS);
    }

    #[test]
    fn modulation_is_that_of_the_frames_in_their_order() {
        let mut window = FeatureWindow::new();
        let loud = |t: usize| if t % 16 < 8 { LOUD } else { LOUD / 100.0 };
        // A window and a half, to have the ring go round.
        (0..600).for_each(|t| _ = window.push(&frame(loud(t), 0.0)));
        let mut input = NetworkInput::default();
        window.write(window.heard(), &window.summary(window.heard()), &mut input);
        let band: Vec<f32> =
            (600 - 4 * N_STEPS..600).map(|t| power_to_db(loud(t) / 1000.0)).collect();
        let definition = crate::analysis::modulation::modulation_db(&band);
        let first = N_PAPER + N_TONALITY;
        for (ours, definition) in input.constants[first..].iter().zip(definition) {
            assert!((ours - definition).abs() < 1e-2, "{ours} dB, not {definition} dB");
        }
    }

    #[test]
    fn the_window_is_full_when_its_first_frame_has_all_its_neighbours() {
        assert_eq!(window(&[(LOUD, 102)]).heard(), Heard::Steps(99));
        assert_eq!(window(&[(LOUD, 103)]).heard(), Heard::Full);
        assert_eq!(marks(window(&[(LOUD, 300)])), (201..300).collect::<Vec<_>>());
    }

    #[test]
    fn little_music_is_repeated_so_that_it_ends_with_the_newest_step() {
        let marks = marks(window(&[(LOUD, 10)]));
        assert_eq!(marks.len(), N_STEPS);
        assert_eq!(marks[N_STEPS - 12..], [8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn a_long_silence_ends_what_was_heard_and_a_rest_does_not() {
        assert_eq!(window(&[]).heard(), Heard::Steps(0));
        assert_eq!(window(&[(SILENT, 3)]).heard(), Heard::Silence);
        assert_eq!(window(&[(LOUD, 200), (SILENT, SILENCE_STEPS - 1)]).heard(), Heard::Full);
        assert_eq!(window(&[(LOUD, 200), (SILENT, SILENCE_STEPS)]).heard(), Heard::Silence);
        let resumed = window(&[(LOUD, 200), (SILENT, SILENCE_STEPS), (LOUD, 12)]);
        assert_eq!(resumed.heard(), Heard::Steps(12));
        assert!(marks(resumed).iter().all(|mark| *mark >= 200 + SILENCE_STEPS));
        let long_ago = window(&[(LOUD, 50), (SILENT, SILENCE_STEPS), (LOUD, 99)]);
        assert_eq!(long_ago.heard(), Heard::Full);
    }

    #[test]
    fn gain_moves_only_what_says_so() {
        let input = |energy: f32| {
            let (mut window, mut input) = (window(&[(energy, 110)]), NetworkInput::default());
            window.write(window.heard(), &window.summary(window.heard()), &mut input);
            input
        };
        let (loud, quiet) = (input(LOUD), input(LOUD / 1024.0));
        let moved = |(a, b): (&f32, &f32)| (a - b).abs() >= 1e-4;
        assert!(!loud.steps.iter().zip(&quiet.steps).any(moved));
        let constants = loud.constants.iter().zip(&quiet.constants);
        for (name, pair) in constant_names().iter().zip(constants) {
            assert_eq!(moved(pair), name.ends_with("_dbfs"), "{name}");
        }
    }

    #[test]
    fn reset_is_new() {
        let mut window = window(&[(LOUD, 150)]);
        window.reset();
        assert_eq!(window.heard(), Heard::Steps(0));
        assert!((0..3).all(|_| !window.push(&frame(LOUD, 0.0))) && window.push(&frame(LOUD, 0.0)));
    }
}
