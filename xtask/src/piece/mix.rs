//! How loud and how far away everything is: levels, ducking, reverb and the soft limit at the end.

use super::RATE;
use super::drums::{Drum, Hit};
use super::score::{SECTIONS, Score};
use super::synth::db;
use super::voices::{Note, Voice};

/// The loudest sample of the piece, dB re full scale.
const PEAK_DB: f32 = -1.0;

/// Everything into the soft limit, dB: where the piece is calm only peaks bend in it, where it is
/// excited the whole mix does, as it would on a record of that kind.
const CALM_DRIVE_DB: f32 = 3.0;
const EXCITED_DRIVE_DB: f32 = 15.0;

/// Treble added before the limit where the piece is excited, and the frequency that it starts from.
const EXCITED_TREBLE: f32 = 2.0;
const TREBLE_HZ: f32 = 3000.0;

/// The end fades out over this long, seconds.
const FADE_SECS: f32 = 0.8;

type Frames = Vec<[f32; 2]>;

/// Where sounds are summed before they meet.
struct Buses {
    /// What passes as it is.
    steady: Frames,
    /// What makes room for the kick.
    ducked: Frames,
    /// What goes to the reverb.
    far: Frames,
}

/// Level on its bus, dB, and share sent to the reverb.
struct Strip {
    level_db: f32,
    far: f32,
    ducked: bool,
}

/// Plays the score.
#[must_use]
pub fn render(score: &Score) -> Frames {
    let n_samples = SECTIONS.iter().fold(0, |_, s| (s.end_secs * RATE).round() as usize);
    let silence = vec![[0.0; 2]; n_samples];
    let mut buses = Buses { steady: silence.clone(), ducked: silence.clone(), far: silence };
    for note in &score.notes {
        buses.add(&note.render(), note.start_secs, &note_strip(note));
    }
    for hit in &score.hits {
        buses.add(&hit.render(), hit.start_secs, &hit_strip(hit));
    }
    let mut frames = buses.sum(&score.hits);
    limit(&mut frames);
    fade_out(&mut frames);
    normalise(&mut frames);
    frames
}

fn note_strip(note: &Note) -> Strip {
    let (level_db, far, ducked) = match note.voice {
        Voice::Pad => (-11.0, 0.5, true),
        Voice::Piano => (-10.0, 0.4, false),
        Voice::Sub => (-16.0, 0.0, false),
        Voice::Pluck => (-2.5, 0.3, true),
        Voice::Bass => (-11.0, 0.0, true),
        Voice::Saws => (3.5, 0.2, true),
        Voice::Lead => (1.5, 0.25, false),
    };
    Strip { level_db, far, ducked }
}

fn hit_strip(hit: &Hit) -> Strip {
    let (level_db, far) = match hit.drum {
        Drum::Kick => (-5.5, 0.02),
        Drum::Snare => (-5.0, 0.2),
        Drum::Clap => (-3.0, 0.2),
        Drum::ClosedHat | Drum::OpenHat => (-2.0, 0.05),
        Drum::Crash => (-8.0, 0.3),
        Drum::Riser => (-6.0, 0.4),
    };
    Strip { level_db, far, ducked: false }
}

impl Buses {
    fn add(&mut self, sound: &[[f32; 2]], start_secs: f32, strip: &Strip) {
        let start = (start_secs * RATE).round() as usize;
        let near = if strip.ducked { &mut self.ducked } else { &mut self.steady };
        let level = db(strip.level_db);
        for (i, frame) in sound.iter().enumerate().take(near.len().saturating_sub(start)) {
            for side in [0, 1] {
                near[start + i][side] += level * frame[side];
                self.far[start + i][side] += level * strip.far * frame[side];
            }
        }
    }

    fn sum(&self, hits: &[Hit]) -> Frames {
        let room = ducking(hits, self.steady.len());
        let reverb = reverberate(&self.far);
        let at = |i: usize| {
            [0, 1]
                .map(|side| self.steady[i][side] + room[i] * self.ducked[i][side] + reverb[i][side])
        };
        (0..self.steady.len()).map(at).collect()
    }
}

/// How much of the ducked bus is let through: each kick pushes it down by its level, and it is back
/// an eighth later.
fn ducking(hits: &[Hit], n_samples: usize) -> Vec<f32> {
    const DEPTH: f32 = 0.6;
    const BACK_SECS: f32 = 0.09;
    let mut gains = vec![1.0_f32; n_samples];
    for kick in hits.iter().filter(|hit| hit.drum == Drum::Kick) {
        let start = (kick.start_secs * RATE).round() as usize;
        for (i, gain) in gains.iter_mut().skip(start).take((0.5 * RATE) as usize).enumerate() {
            let secs = i as f32 / RATE;
            // Down within 5 ms: at once would click.
            let down = (secs / 0.005).min(1.0) * (-secs / BACK_SECS).exp();
            *gain = gain.min(1.0 - DEPTH * kick.level * down);
        }
    }
    gains
}

/// Schroeder's reverb as tuned in Freeverb: eight damped combs side by side, then four all-passes,
/// right 23 samples longer.
fn reverberate(input: &[[f32; 2]]) -> Frames {
    const COMBS: [usize; 8] = [1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617];
    const ALL_PASSES: [usize; 4] = [556, 441, 341, 225];
    const SPREAD: usize = 23;
    /// About two seconds to −60 dB.
    const FEEDBACK: f32 = 0.86;
    const DAMPING: f32 = 0.35;
    let mut output = vec![[0.0; 2]; input.len()];
    for side in [0, 1] {
        let mut combs =
            COMBS.map(|n| Comb { line: vec![0.0; n + side * SPREAD], at: 0, last: 0.0 });
        let mut passes = ALL_PASSES.map(|n| (vec![0.0_f32; n + side * SPREAD], 0));
        for (out, frame) in output.iter_mut().zip(input) {
            // A little of the other side, as in a room.
            let dry = 0.8 * frame[side] + 0.2 * frame[1 - side];
            let mut x: f32 =
                combs.iter_mut().map(|comb| comb.next(dry, FEEDBACK, DAMPING)).sum::<f32>() * 0.12;
            for (line, at) in &mut passes {
                let delayed = line[*at];
                let stored = x + 0.5 * delayed;
                line[*at] = stored;
                *at = (*at + 1) % line.len();
                x = delayed - 0.5 * stored;
            }
            out[side] = x;
        }
    }
    output
}

/// A delay that feeds itself back through a one-pole low-pass.
struct Comb {
    line: Vec<f32>,
    at: usize,
    last: f32,
}

impl Comb {
    fn next(&mut self, input: f32, feedback: f32, damping: f32) -> f32 {
        let out = self.line[self.at];
        self.last = (1.0 - damping) * out + damping * self.last;
        self.line[self.at] = input + feedback * self.last;
        self.at = (self.at + 1) % self.line.len();
        out
    }
}

/// Treble and soft limit, both as hard as the piece is excited at the moment.
fn limit(frames: &mut Frames) {
    let treble_step = 1.0 - (-std::f32::consts::TAU * TREBLE_HZ / RATE).exp();
    let mut bass = [0.0; 2];
    for (i, frame) in frames.iter_mut().enumerate() {
        let excitement = excitement(i as f32 / RATE);
        let drive = db(CALM_DRIVE_DB + excitement * (EXCITED_DRIVE_DB - CALM_DRIVE_DB));
        // Half of what the drive adds is taken back, in decibels: louder, but not by all of it.
        let makeup = (db(CALM_DRIVE_DB) / drive).sqrt();
        for side in [0, 1] {
            bass[side] += treble_step * (frame[side] - bass[side]);
            let treble = excitement * EXCITED_TREBLE * (frame[side] - bass[side]);
            frame[side] = makeup * (drive * (frame[side] + treble)).tanh();
        }
    }
}

/// 0 in the calm part, rising through the building one, 1 in the excited one, falling through the
/// outro.
fn excitement(secs: f32) -> f32 {
    let [_, build, joy, outro] = SECTIONS;
    let part = |section: &super::Section| {
        ((secs - section.start_secs) / (section.end_secs - section.start_secs)).clamp(0.0, 1.0)
    };
    if secs < joy.start_secs { part(&build) } else { 1.0 - part(&outro) }
}

fn fade_out(frames: &mut Frames) {
    let n_fade = (FADE_SECS * RATE) as usize;
    for (i, frame) in frames.iter_mut().rev().take(n_fade).enumerate() {
        let gain = i as f32 / n_fade as f32;
        *frame = frame.map(|x| gain * x);
    }
}

fn normalise(frames: &mut Frames) {
    let peak = frames.as_flattened().iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    let gain = db(PEAK_DB) / peak;
    frames.as_flattened_mut().iter_mut().for_each(|x| *x *= gain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kick_makes_room_and_gives_it_back() {
        let gains = ducking(&[Hit::new(Drum::Kick, 0.0, 1.0)], RATE as usize);
        let lowest = gains.iter().fold(1.0_f32, |m, x| m.min(*x));
        assert!(lowest < 0.5);
        assert_eq!(gains[0], 1.0);
        assert!(gains[(0.4 * RATE) as usize] > 0.98);
    }

    #[test]
    fn excitement_follows_the_form() {
        let [calm, build, joy, outro] = SECTIONS;
        assert_eq!(excitement(calm.start_secs), 0.0);
        assert!(excitement(build.start_secs + 1.0) < excitement(build.end_secs - 1.0));
        assert_eq!(excitement(joy.start_secs + 1.0), 1.0);
        assert!(excitement(outro.end_secs) < 0.01);
    }

    #[test]
    fn the_reverb_rings_on_and_dies_away() {
        let mut click = vec![[0.0; 2]; 6 * RATE as usize];
        click[0] = [1.0; 2];
        let tail = reverberate(&click);
        let power = |from: f32, to: f32| -> f32 {
            let part = &tail[(from * RATE) as usize..(to * RATE) as usize];
            part.as_flattened().iter().map(|x| x * x).sum()
        };
        assert!(power(0.5, 1.0) > 0.0);
        assert!(power(5.0, 5.5) < 1e-6 * power(0.0, 0.5));
        assert!(tail[0] == [0.0; 2]);
    }

    #[test]
    fn left_and_right_of_the_reverb_differ() {
        let mut click = vec![[0.0; 2]; RATE as usize];
        click[0] = [1.0; 2];
        assert!(reverberate(&click).iter().any(|[left, right]| (left - right).abs() > 1e-3));
    }
}
