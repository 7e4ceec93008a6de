//! The last ten seconds as the network sees them: frames averaged into steps, and constants of the
//! whole window.

mod coverage;
mod features;
mod step;

use crate::analysis::beat;
use crate::analysis::frame::FrameFeatures;
use crate::analysis::modulation::ModulationSpectrum;
use crate::analysis::stft::mean_power;
use crate::analysis::tempo::{Tempo, Tempogram};
use crate::analysis::tonality::Tonality;
use crate::config::{
    FRAME_RATE_HZ, FRAMES_PER_STEP, LOOKAHEAD_FRAMES, MEL_RANGE_DB, N_CHROMA, N_MODULATION_RATES,
    N_STEPS, RING_FRAMES, SILENCE_DB, SILENCE_SECS,
};
use crate::units::{count, power_to_db};

pub use coverage::Coverage;
use features::{LevelledStep, N_MODULATION, Whole};
pub use features::{N_CONSTANTS, N_STEP_FEATURES, constant_names, feature_groups, step_names};
use step::Step;

/// Steps of silence that end what was heard.
const SILENCE_STEPS: usize = (SILENCE_SECS * FRAME_RATE_HZ) as usize / FRAMES_PER_STEP + 1;

/// Steps since the start from which on the whole window rests on medians with all their neighbours.
const FULL_STEPS: u64 = ((RING_FRAMES - LOOKAHEAD_FRAMES) / FRAMES_PER_STEP) as u64;

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

/// The rolling window: frames in, the network's input out on request.
///
/// Everything it hands out depends on the frames of the last 10 s alone, so that a reading after
/// ten hours is the reading of a fresh start ten seconds ago.
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

    /// Sets the mean power under which music counts as silence, dB re full scale, for all that the
    /// window holds; [`SILENCE_DB`] until then.
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
    pub fn coverage(&self) -> Coverage {
        let available = self.complete.min(N_STEPS as u64) as usize;
        let mut silent_run = 0;
        for back in 0..available {
            silent_run = if self.step(back).is_silent(self.gate_db) { silent_run + 1 } else { 0 };
            let all_silent_so_far = silent_run == back + 1;
            if silent_run == SILENCE_STEPS || (all_silent_so_far && back + 1 == available) {
                return if all_silent_so_far {
                    Coverage::Silence
                } else {
                    Coverage::Steps(back + 1 - silent_run)
                };
            }
        }
        if self.complete < FULL_STEPS { Coverage::Steps(available) } else { Coverage::Full }
    }

    /// Writes the network's input. Where less than the window was heard, the newest steps are
    /// repeated until they fill it, so that the network meets a loop, which music often is, rather
    /// than a silence that was never played.
    pub fn write(&mut self, coverage: Coverage, summary: &WindowSummary, input: &mut NetworkInput) {
        let heard = coverage.steps().max(1);
        let mean_energy = self.mean_energy(heard);
        let level_db = power_to_db(mean_energy);
        for (back, out) in input.steps.chunks_exact_mut(N_STEP_FEATURES).rev().enumerate() {
            LevelledStep { step: self.step(back % heard), level_db }.write(out);
        }
        let chroma: [[f32; N_CHROMA]; N_STEPS] =
            std::array::from_fn(|t| self.step((N_STEPS - 1 - t) % heard).chroma_melodic);
        let tonality = self.tonality.of(&chroma);
        let modulation_db = self.modulation_db(heard, level_db - MEL_RANGE_DB);
        Whole { summary, mean_energy, tonality: &tonality, modulation_db: &modulation_db }
            .write(&mut input.constants);
    }

    /// Modulation of every band over the newest `heard` steps, repeated, dB; what is under
    /// `floor_db` does not move.
    fn modulation_db(&mut self, heard: usize, floor_db: f32) -> [f32; N_MODULATION] {
        let (steps, next) = (&self.steps, self.next);
        let mut modulation_db = [0.0; N_MODULATION];
        for (band, out) in modulation_db.chunks_exact_mut(N_MODULATION_RATES).enumerate() {
            let newest_last = (0..N_STEPS).rev().map(|back| nth_last(steps, next, back % heard));
            let band_db = newest_last
                .flat_map(|step| step.modulated_db.iter().map(|frame| frame[band].max(floor_db)));
            out.copy_from_slice(&self.modulation.of(band_db));
        }
        modulation_db
    }

    /// Tempi, energies and chroma of what was heard.
    #[must_use]
    pub fn summary(&self, coverage: Coverage) -> WindowSummary {
        let steps = coverage.steps();
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
    use crate::analysis::frame::PartFeatures;
    use crate::config::{N_CONTRAST_BANDS, N_MEL_BANDS};

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
        let (coverage, mut input) = (window.coverage(), NetworkInput::default());
        window.write(coverage, &window.summary(coverage), &mut input);
        let steps = input.steps.chunks_exact(N_STEP_FEATURES);
        steps.map(|step| step[ONSET_HARMONIC] as usize).collect()
    }

    #[test]
    fn modulation_is_that_of_the_frames_in_their_order() {
        let mut window = FeatureWindow::new();
        let loud = |t: usize| if t % 16 < 8 { LOUD } else { LOUD / 100.0 };
        // A window and a half, to have the ring go round.
        (0..600).for_each(|t| _ = window.push(&frame(loud(t), 0.0)));
        let mut input = NetworkInput::default();
        window.write(window.coverage(), &window.summary(window.coverage()), &mut input);
        let band: Vec<f32> =
            (600 - 4 * N_STEPS..600).map(|t| power_to_db(loud(t) / 1000.0)).collect();
        let definition = crate::analysis::modulation::modulation_db(&band);
        let first = N_CONSTANTS - N_MODULATION;
        for (ours, definition) in input.constants[first..].iter().zip(definition) {
            assert!((ours - definition).abs() < 1e-2, "{ours} dB, not {definition} dB");
        }
    }

    #[test]
    fn the_window_is_full_when_its_first_frame_has_all_its_neighbours() {
        assert_eq!(window(&[(LOUD, 102)]).coverage(), Coverage::Steps(99));
        assert_eq!(window(&[(LOUD, 103)]).coverage(), Coverage::Full);
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
        assert_eq!(window(&[]).coverage(), Coverage::Steps(0));
        assert_eq!(window(&[(SILENT, 3)]).coverage(), Coverage::Silence);
        assert_eq!(window(&[(LOUD, 200), (SILENT, SILENCE_STEPS - 1)]).coverage(), Coverage::Full);
        assert_eq!(window(&[(LOUD, 200), (SILENT, SILENCE_STEPS)]).coverage(), Coverage::Silence);
        let resumed = window(&[(LOUD, 200), (SILENT, SILENCE_STEPS), (LOUD, 12)]);
        assert_eq!(resumed.coverage(), Coverage::Steps(12));
        assert!(marks(resumed).iter().all(|mark| *mark >= 200 + SILENCE_STEPS));
        let long_ago = window(&[(LOUD, 50), (SILENT, SILENCE_STEPS), (LOUD, 99)]);
        assert_eq!(long_ago.coverage(), Coverage::Full);
    }

    #[test]
    fn gain_moves_only_what_says_so() {
        let input = |energy: f32| {
            let (mut window, mut input) = (window(&[(energy, 110)]), NetworkInput::default());
            window.write(window.coverage(), &window.summary(window.coverage()), &mut input);
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
        assert_eq!(window.coverage(), Coverage::Steps(0));
        assert!((0..3).all(|_| !window.push(&frame(LOUD, 0.0))) && window.push(&frame(LOUD, 0.0)));
    }
}
