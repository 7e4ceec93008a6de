//! Clicks, drums and chords of a known tempo, synthesised: the same samples on every run.

#![allow(dead_code)]

use std::f64::consts::TAU;

/// Rate of what is rendered, Hz: the analysis's own.
pub const RATE_HZ: f64 = 22_050.0;

/// How long one hit is rendered, seconds: all have died away by then.
const HIT_SECS: f64 = 0.5;

/// Chords in turn, MIDI pitches: C, a minor, F and G with a suspended fourth.
const CHORDS: [[f64; 4]; 4] = [
    [48.0, 60.0, 64.0, 67.0],
    [45.0, 60.0, 64.0, 69.0],
    [41.0, 60.0, 65.0, 69.0],
    [43.0, 60.0, 62.0, 67.0],
];

/// What is hit.
#[derive(Clone, Copy)]
pub enum Voice {
    Click,
    Kick,
    Snare,
    Hat,
    Bass,
}

/// A pattern, repeated: a line per voice, `x` for a full hit, `o` for one of 60 %, `.` for one of
/// 30 %.
pub struct Pattern {
    pub name: &'static str,
    pub lines: &'static [(Voice, &'static str)],
    /// Characters of a line that last a beat.
    pub per_beat: usize,
    /// Beats that each chord lasts; 0 without chords.
    pub chord_beats: usize,
    /// Slowest and fastest tempo at which such a pattern is played, and the step in which it is
    /// tried, BPM.
    pub bpm: (u32, u32, usize),
}

impl Pattern {
    pub fn tempi(&self) -> impl Iterator<Item = f64> {
        let (from, to, step) = self.bpm;
        (from..=to).step_by(step).map(f64::from)
    }
}

use Voice::{Bass, Click, Hat, Kick, Snare};

/// A metronome.
pub const CLICKS: Pattern = Pattern {
    name: "clicks",
    lines: &[(Click, "x---")],
    per_beat: 4,
    chord_beats: 0,
    bpm: (40, 240, 2),
};

/// A slow song with hi-hats between its beats.
pub const BALLAD: Pattern = Pattern {
    name: "ballad, hi-hats in eighths",
    lines: &[(Kick, "x-------x-------"), (Snare, "----x-------x---"), (Hat, "x-o-x-o-x-o-x-o-")],
    per_beat: 4,
    chord_beats: 4,
    bpm: (48, 78, 2),
};

/// Four on the floor.
pub const HOUSE: Pattern = Pattern {
    name: "house",
    lines: &[(Kick, "x---x---x---x---"), (Hat, "--x---x---x---x-"), (Snare, "----o-------o---")],
    per_beat: 4,
    chord_beats: 4,
    bpm: (112, 148, 4),
};

/// A quick broken beat.
pub const DRUM_AND_BASS: Pattern = Pattern {
    name: "drum and bass, hi-hats in eighths",
    lines: &[
        (Kick, "x---------x-----"),
        (Snare, "----x-------x---"),
        (Hat, "x-o-x-o-x-o-x-o-"),
        (Bass, "x-----o---x---o-"),
    ],
    per_beat: 4,
    chord_beats: 8,
    bpm: (160, 186, 2),
};

/// All patterns.
pub const PATTERNS: [Pattern; 15] = [
    CLICKS,
    BALLAD,
    Pattern {
        name: "ballad, hi-hats in sixteenths",
        lines: &[
            (Kick, "x-------x-o-----"),
            (Snare, "----x-------x---"),
            (Hat, "x.o.x.o.x.o.x.o."),
        ],
        ..BALLAD
    },
    Pattern {
        name: "ballad, no hi-hats",
        lines: &[(Kick, "x-------x-------"), (Snare, "----o-------o---")],
        chord_beats: 2,
        ..BALLAD
    },
    Pattern {
        name: "six eighths, by the dotted quarter",
        lines: &[(Kick, "x-----"), (Snare, "---x--"), (Hat, "xooxoo")],
        per_beat: 3,
        chord_beats: 2,
        bpm: (48, 68, 4),
    },
    Pattern {
        name: "hip-hop",
        lines: &[
            (Kick, "x-----x---x-----"),
            (Snare, "----x-------x---"),
            (Hat, "x-o-x-o-x-o-x-o-"),
            (Bass, "x-----x---x-----"),
        ],
        per_beat: 4,
        chord_beats: 0,
        bpm: (76, 104, 4),
    },
    Pattern {
        name: "chords on every beat, no drums",
        lines: &[],
        per_beat: 4,
        chord_beats: 1,
        bpm: (48, 128, 4),
    },
    Pattern {
        name: "rock",
        lines: &[
            (Kick, "x-------x-o-----"),
            (Snare, "----x-------x---"),
            (Hat, "x-o-x-o-x-o-x-o-"),
            (Bass, "x-o-o-o-x-o-o-o-"),
        ],
        per_beat: 4,
        chord_beats: 4,
        bpm: (84, 160, 4),
    },
    Pattern {
        name: "shuffle",
        lines: &[(Kick, "x-----x-----"), (Snare, "---x-----x--"), (Hat, "x-ox-ox-ox-o")],
        per_beat: 3,
        chord_beats: 4,
        bpm: (80, 146, 6),
    },
    Pattern {
        name: "waltz",
        lines: &[(Kick, "x-----------"), (Snare, "----o---o---"), (Hat, "x-.-x-.-x-.-")],
        per_beat: 4,
        chord_beats: 3,
        bpm: (84, 180, 8),
    },
    HOUSE,
    Pattern {
        name: "techno",
        lines: &[(Kick, "x---x---x---x---"), (Hat, "o.x.o.x.o.x.o.x.")],
        chord_beats: 0,
        bpm: (120, 156, 4),
        ..HOUSE
    },
    DRUM_AND_BASS,
    Pattern {
        name: "drum and bass, hi-hats in quarters and ghost notes",
        lines: &[
            (Kick, "x---------x-----"),
            (Snare, "----x--.-.--x---"),
            (Hat, "o.o.o.o.o.o.o.o."),
        ],
        ..DRUM_AND_BASS
    },
    Pattern {
        name: "punk",
        lines: &[
            (Kick, "x-------x-------"),
            (Snare, "----x-------x---"),
            (Hat, "x---x---x---x---"),
            (Bass, "x-x-x-x-x-x-x-x-"),
        ],
        per_beat: 4,
        chord_beats: 0,
        bpm: (172, 208, 4),
    },
];

/// Noise in [−1, 1], the same on every run (xorshift64*).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as u32;
        f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// `secs` seconds of `pattern` at `bpm`, mono at [`RATE_HZ`], over a quiet bed of noise.
pub fn render(pattern: &Pattern, bpm: f64, secs: f64) -> Vec<f32> {
    let mut noise = Noise(bpm.to_bits() | 1);
    let mut out: Vec<f64> = (0..samples(secs)).map(|_| 5e-4 * noise.next()).collect();
    let step_secs = 60.0 / bpm / pattern.per_beat as f64;
    for (voice, line) in pattern.lines {
        for (n, mark) in line.chars().cycle().enumerate().take((secs / step_secs) as usize) {
            let strength = match mark {
                'x' => 1.0,
                'o' => 0.6,
                '.' => 0.3,
                _ => continue,
            };
            // No two hits of a player are the same.
            let strength = strength * (1.0 + 0.12 * noise.next());
            let hit = hit(*voice, strength, &mut noise);
            add(&mut out, 0.1 + n as f64 * step_secs, &hit);
        }
    }
    let chord_secs = pattern.chord_beats as f64 * 60.0 / bpm;
    let n_chords = if chord_secs > 0.0 { (secs / chord_secs) as usize + 1 } else { 0 };
    for n in 0..n_chords {
        for midi in CHORDS[n % CHORDS.len()] {
            add(&mut out, 0.1 + n as f64 * chord_secs, &note(midi, chord_secs, 0.05));
        }
    }
    out.into_iter().map(|x| x as f32).collect()
}

fn samples(secs: f64) -> usize {
    (secs * RATE_HZ) as usize
}

fn add(out: &mut [f64], at_secs: f64, sound: &[f64]) {
    let at = samples(at_secs).min(out.len());
    out[at..].iter_mut().zip(sound).for_each(|(out, x)| *out += x);
}

fn hit(voice: Voice, strength: f64, noise: &mut Noise) -> Vec<f64> {
    if matches!(voice, Voice::Bass) {
        return note(36.0, 0.3, 0.12 * strength);
    }
    let mut before = 0.0;
    (0..samples(HIT_SECS))
        .map(|n| {
            let since = n as f64 / RATE_HZ;
            let hiss = 1.7 * noise.next();
            let brighter = hiss - std::mem::replace(&mut before, hiss);
            let fall = |secs: f64| (-since / secs).exp();
            strength
                * match voice {
                    Voice::Click => 0.3 * hiss * fall(0.01),
                    // A sine that falls from 150 to 50 Hz.
                    Voice::Kick => {
                        let turns = 50.0 * since + 4.0 * (1.0 - fall(0.04));
                        0.45 * (TAU * turns).sin() * fall(0.09)
                    }
                    Voice::Snare => {
                        0.25 * hiss * fall(0.08) + 0.2 * (TAU * 190.0 * since).sin() * fall(0.06)
                    }
                    Voice::Hat => 0.06 * brighter * fall(0.025),
                    Voice::Bass => 0.0,
                }
        })
        .collect()
}

/// Eight partials falling as 1/n, with an attack of 20 ms and a slow decay.
fn note(midi: f64, length_secs: f64, amplitude: f64) -> Vec<f64> {
    let hz = 440.0 * ((midi - 69.0) / 12.0).exp2();
    (0..samples(length_secs))
        .map(|n| {
            let since = n as f64 / RATE_HZ;
            let partial =
                |n: i32| (TAU * f64::from(n) * hz * since + f64::from(n)).sin() / f64::from(n);
            let attack = (since / 0.02).min(1.0);
            let release = ((length_secs - since) / 0.03).clamp(0.0, 1.0);
            amplitude * (1..=8).map(partial).sum::<f64>() * attack * release * (-0.8 * since).exp()
        })
        .collect()
}
