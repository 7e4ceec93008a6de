//! How pitched notes sound.

use super::RATE;
use super::synth::{Envelope, Filter, Noise, Phase, pitch_hz};

/// An instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Slow detuned sawtooths under a low-pass.
    Pad,
    /// Struck partials, each fading at its own pace.
    Piano,
    /// A plain sine an ear feels more than hears.
    Sub,
    /// A short filtered sawtooth.
    Pluck,
    /// A sawtooth over a sine.
    Bass,
    /// Seven detuned sawtooths.
    Saws,
    /// A pulse with late vibrato, for tunes.
    Lead,
}

/// One note.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Whoever plays it.
    pub voice: Voice,
    /// When, seconds.
    pub start_secs: f32,
    /// How long the key is down, seconds.
    pub hold_secs: f32,
    /// What: a MIDI note.
    pub midi: f32,
    /// How loud, 0 to 1.
    pub level: f32,
    /// Where, −1 (left) to 1.
    pub pan: f32,
    /// How far the low-pass is open, Hz, for the voices that have one.
    pub cutoff_hz: f32,
}

impl Note {
    /// A note in the middle at full level.
    #[must_use]
    pub fn new(voice: Voice, start_secs: f32, hold_secs: f32, midi: f32) -> Self {
        Self { voice, start_secs, hold_secs, midi, level: 1.0, pan: 0.0, cutoff_hz: 4000.0 }
    }

    /// The same at another level.
    #[must_use]
    pub fn level(self, level: f32) -> Self {
        Self { level, ..self }
    }

    /// The same in another place.
    #[must_use]
    pub fn pan(self, pan: f32) -> Self {
        Self { pan, ..self }
    }

    /// The same with another low-pass.
    #[must_use]
    pub fn cutoff(self, cutoff_hz: f32) -> Self {
        Self { cutoff_hz, ..self }
    }

    /// The sound, from the moment it starts: left and right.
    #[must_use]
    pub fn render(&self) -> Vec<[f32; 2]> {
        match self.voice {
            Voice::Pad => self.saws(&PAD, 0.3, |_| 1.0),
            Voice::Saws => self.saws(&SAWS, 0.22, |secs| 0.5 + 0.5 * (-secs / 0.12).exp()),
            Voice::Piano => self.piano(),
            Voice::Sub => self.sub(),
            Voice::Pluck => self.pluck(),
            Voice::Bass => self.bass(),
            Voice::Lead => self.lead(),
        }
    }

    fn envelope(&self, shape: [f32; 4]) -> Envelope {
        let [attack_secs, decay_secs, sustain, release_secs] = shape;
        Envelope { attack_secs, decay_secs, sustain, hold_secs: self.hold_secs, release_secs }
    }

    /// A number of its own for each note, so that no two start alike and all runs do.
    fn seed(&self) -> u64 {
        u64::from(self.start_secs.to_bits()) << 16 ^ u64::from(self.midi.to_bits())
    }

    /// Renders a mono sound and places it.
    fn mono(&self, envelope: &Envelope, mut sound: impl FnMut(f32, f32) -> f32) -> Vec<[f32; 2]> {
        let place = gains(self.pan).map(|gain| gain * self.level);
        let n_samples = (envelope.length_secs() * RATE) as usize;
        let sample = |i| {
            let secs = i as f32 / RATE;
            let x = sound(secs, envelope.at(secs));
            place.map(|gain| gain * x)
        };
        (0..n_samples).map(sample).collect()
    }

    /// A stack of detuned sawtooths, spread over the stereo field, under one low-pass a side.
    fn saws(&self, stack: &Stack, level: f32, sweep: impl Fn(f32) -> f32) -> Vec<[f32; 2]> {
        let envelope = self.envelope(stack.envelope);
        let mut start = Noise::new(self.seed());
        let mut saws: Vec<(Phase, [f32; 2])> = Vec::new();
        let middle = (stack.n_saws - 1) as f32 / 2.0;
        for i in 0..stack.n_saws {
            let off = (i as f32 - middle) / middle;
            let hz = pitch_hz(self.midi + off * stack.detune_cents / 100.0);
            let pan =
                (self.pan + if i % 2 == 0 { off } else { -off } * stack.spread).clamp(-1.0, 1.0);
            saws.push((Phase::new(hz, start.next()), gains(pan)));
        }
        let mut filters = [Filter::default(); 2];
        let scale = level * self.level / (stack.n_saws as f32).sqrt();
        let n_samples = (envelope.length_secs() * RATE) as usize;
        let sample = |i| {
            let secs = i as f32 / RATE;
            let mut sum = [0.0; 2];
            for (saw, gain) in &mut saws {
                let x = saw.saw();
                sum[0] += gain[0] * x;
                sum[1] += gain[1] * x;
            }
            let cutoff_hz = self.cutoff_hz * sweep(secs);
            let gain = scale * envelope.at(secs);
            [0, 1].map(|side| gain * filters[side].next(sum[side], cutoff_hz, 0.8).low)
        };
        (0..n_samples).map(sample).collect()
    }

    /// Twelve partials, stretched as a string's are, the higher ones softer and sooner gone, after
    /// a touch of the hammer.
    fn piano(&self) -> Vec<[f32; 2]> {
        const N_PARTIALS: usize = 12;
        const STRETCH: f32 = 0.0004;
        let hz = pitch_hz(self.midi);
        // Soft keys excite few partials, high strings fade sooner.
        let slope = 1.1 + 0.9 * (1.0 - self.level);
        let decay_secs = 2.2 * (220.0 / hz).sqrt();
        let mut partials: Vec<(Phase, f32, f32)> = (1..=N_PARTIALS)
            .map(|n| n as f32)
            .map(|n| (n, n * hz * (1.0 + STRETCH * n * n).sqrt()))
            .take_while(|(_, partial_hz)| *partial_hz < 0.4 * RATE)
            .map(|(n, partial_hz)| {
                (Phase::new(partial_hz, 0.0), n.powf(-slope), decay_secs / (0.65 + 0.35 * n))
            })
            .collect();
        let mut hammer = Noise::new(self.seed());
        let mut felt = Filter::default();
        let envelope = self.envelope([0.004, 1.0, 1.0, 0.25]);
        self.mono(&envelope, |secs, shape| {
            let strings: f32 = partials
                .iter_mut()
                .map(|(phase, level, fade)| *level * (-secs / *fade).exp() * phase.sine())
                .sum();
            let knock = felt.next(hammer.next(), 900.0, 0.7).low * (-secs / 0.012).exp();
            0.3 * shape * (strings + 0.4 * knock)
        })
    }

    fn sub(&self) -> Vec<[f32; 2]> {
        let mut phase = Phase::new(pitch_hz(self.midi), 0.0);
        let envelope = self.envelope([0.4, 1.0, 1.0, 0.5]);
        self.mono(&envelope, |_, shape| 0.35 * shape * phase.sine())
    }

    fn pluck(&self) -> Vec<[f32; 2]> {
        let hz = pitch_hz(self.midi);
        let mut saws = [Phase::new(hz * 1.003, 0.0), Phase::new(hz * 0.997, 0.4)];
        let mut filter = Filter::default();
        let envelope = self.envelope([0.003, 0.12, 0.25, 0.09]);
        self.mono(&envelope, |secs, shape| {
            let cutoff_hz = self.cutoff_hz * (0.35 + 0.65 * (-secs / 0.08).exp());
            let both: f32 = saws.iter_mut().map(Phase::saw).sum();
            0.3 * shape * filter.next(both, cutoff_hz, 1.6).low
        })
    }

    fn bass(&self) -> Vec<[f32; 2]> {
        let hz = pitch_hz(self.midi);
        let (mut saw, mut sine) = (Phase::new(hz, 0.0), Phase::new(hz, 0.0));
        let mut filter = Filter::default();
        let envelope = self.envelope([0.005, 0.2, 0.6, 0.05]);
        self.mono(&envelope, |secs, shape| {
            let cutoff_hz = self.cutoff_hz * (0.6 + 0.8 * (-secs / 0.07).exp());
            shape * (0.35 * filter.next(saw.saw(), cutoff_hz, 1.0).low + 0.4 * sine.sine())
        })
    }

    fn lead(&self) -> Vec<[f32; 2]> {
        let hz = pitch_hz(self.midi);
        let mut pulse = Phase::new(hz, 0.0);
        let mut saw = Phase::new(hz * 1.004, 0.3);
        let mut vibrato = Phase::new(5.6, 0.0);
        let mut filter = Filter::default();
        let envelope = self.envelope([0.01, 0.3, 0.7, 0.08]);
        self.mono(&envelope, |secs, shape| {
            // The vibrato comes in after a quarter of a second, as a singer's does.
            let depth = 0.006 * ((secs - 0.15) / 0.25).clamp(0.0, 1.0);
            pulse.set_hz(hz * (1.0 + depth * vibrato.sine()));
            let x = 0.6 * pulse.pulse(0.3) + 0.4 * saw.saw();
            0.3 * shape * filter.next(x, self.cutoff_hz, 0.9).low
        })
    }
}

/// A stack of sawtooths.
struct Stack {
    n_saws: usize,
    detune_cents: f32,
    spread: f32,
    /// Attack, decay, sustain, release as in [`Envelope`].
    envelope: [f32; 4],
}

const PAD: Stack =
    Stack { n_saws: 5, detune_cents: 9.0, spread: 0.5, envelope: [0.9, 2.0, 0.8, 0.7] };

const SAWS: Stack =
    Stack { n_saws: 7, detune_cents: 16.0, spread: 0.8, envelope: [0.004, 0.25, 0.6, 0.06] };

/// Left and right for a place: constant power.
fn gains(pan: f32) -> [f32; 2] {
    let angle = (pan + 1.0) * std::f32::consts::FRAC_PI_4;
    [angle.cos(), angle.sin()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Voice; 7] =
        [Voice::Pad, Voice::Piano, Voice::Sub, Voice::Pluck, Voice::Bass, Voice::Saws, Voice::Lead];

    /// Level of one frequency against the whole (Goertzel): 1 for a pure tone there.
    fn share_at(sound: &[[f32; 2]], hz: f32) -> f32 {
        let mut sums = [0.0_f64; 3];
        for (i, frame) in sound.iter().enumerate() {
            let turn = std::f64::consts::TAU * f64::from(hz) * i as f64 / f64::from(RATE);
            let x = f64::from(frame[0] + frame[1]);
            sums = [sums[0] + x * turn.cos(), sums[1] + x * turn.sin(), sums[2] + x * x];
        }
        (2.0 * (sums[0].powi(2) + sums[1].powi(2)) / (sums[2] * sound.len() as f64)) as f32
    }

    #[test]
    fn every_voice_sounds_its_pitch_and_not_the_semitone_above() {
        for voice in ALL {
            let sound = Note::new(voice, 0.0, 1.0, 57.0).render();
            let (on, off) = (share_at(&sound, 220.0), share_at(&sound, 233.08));
            assert!(on > 20.0 * off, "{voice:?}: {on} at A, {off} at B flat");
        }
    }

    #[test]
    fn every_voice_starts_and_ends_in_silence() {
        for voice in ALL {
            let sound = Note::new(voice, 0.0, 0.5, 60.0).render();
            assert!(sound[0][0].abs() < 0.05, "{voice:?} starts with a click");
            assert!(sound[sound.len() - 1][0].abs() < 1e-3, "{voice:?} is cut off");
        }
    }

    #[test]
    fn pan_moves_a_note_without_changing_its_power() {
        assert_eq!(gains(-1.0)[0], 1.0);
        for pan in [-0.7_f32, 0.0, 0.4] {
            let [left, right] = gains(pan);
            assert!((left * left + right * right - 1.0).abs() < 1e-6);
        }
    }
}
