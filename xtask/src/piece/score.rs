//! Which notes sound when: the composition.
//!
//! Five slow bars in A minor end where they began. The same harmony then moves at twice the pace
//! towards the dominant of D, and the last part is in D major, a fourth above where the ear expects
//! to be: I–IV–V–IV under a pentatonic tune.

use super::Section;
use super::drums::{Drum, Hit};
use super::synth::Noise;
use super::voices::{Note, Voice};

/// The form. Each part is whole bars of its own tempo, so that the next one begins on its downbeat.
pub const SECTIONS: [Section; 4] = [
    section(0.0, BUILD_SECS, "calm and sad", "low", "low"),
    section(BUILD_SECS, JOY_SECS, "building", "mid", "mid"),
    section(JOY_SECS, OUTRO_SECS, "excited and joyful", "high", "high"),
    section(OUTRO_SECS, END_SECS, "outro", "mid", "high"),
];

const BUILD_SECS: f32 = 5.0 * CALM_BAR_SECS;
const JOY_SECS: f32 = BUILD_SECS + 8.0 * BUILD_BAR_SECS;
const OUTRO_SECS: f32 = JOY_SECS + 16.0 * JOY_BAR_SECS;
const END_SECS: f32 = OUTRO_SECS + 4.0;

/// 60 BPM.
const CALM_BAR_SECS: f32 = 4.0 * 60.0 / 60.0;
/// 120 BPM.
const BUILD_BAR_SECS: f32 = 4.0 * 60.0 / 120.0;
/// 128 BPM.
const JOY_BAR_SECS: f32 = 4.0 * 60.0 / 128.0;

const fn section(
    start_secs: f32,
    end_secs: f32,
    name: &'static str,
    expected_excited: &'static str,
    expected_joy: &'static str,
) -> Section {
    Section { start_secs, end_secs, name, expected_excited, expected_joy }
}

/// Everything that sounds.
#[derive(Default)]
pub struct Score {
    /// Pitched notes.
    pub notes: Vec<Note>,
    /// Drums and noises.
    pub hits: Vec<Hit>,
}

/// A chord as it is played: voiced so that each tone moves to its neighbour in the next chord.
struct Chord {
    bass: f32,
    tones: [f32; 4],
}

const fn chord(bass: u8, tones: [u8; 4]) -> Chord {
    let [a, b, c, d] = tones;
    Chord { bass: bass as f32, tones: [a as f32, b as f32, c as f32, d as f32] }
}

/// Am, F, Dm, E, Am.
const CALM: [Chord; 5] = [
    chord(45, [57, 60, 64, 69]),
    chord(41, [57, 60, 65, 69]),
    chord(38, [57, 62, 65, 69]),
    chord(40, [56, 59, 64, 68]),
    chord(45, [57, 60, 64, 69]),
];

/// Am, F, C, G, Dm, F, Asus4, A: the dominant of what follows.
const BUILD: [Chord; 8] = [
    chord(33, [57, 60, 64, 69]),
    chord(29, [57, 60, 65, 69]),
    chord(36, [55, 60, 64, 67]),
    chord(31, [55, 59, 62, 67]),
    chord(38, [57, 62, 65, 69]),
    chord(29, [57, 60, 65, 69]),
    chord(33, [57, 62, 64, 69]),
    chord(33, [57, 61, 64, 69]),
];

/// D, G, A, G.
const JOY: [Chord; 4] = [
    chord(38, [57, 62, 66, 69]),
    chord(31, [59, 62, 67, 71]),
    chord(33, [61, 64, 69, 73]),
    chord(31, [59, 62, 67, 71]),
];

/// A tune: start in beats, length in beats, MIDI note.
type Tune = [(f32, f32, u8)];

/// Falls by steps and leaps back: A minor pentatonic, with the leading tone under E.
const CALM_TUNE: &Tune = &[
    (2.0, 1.0, 76),
    (3.0, 1.0, 74),
    (4.0, 2.0, 72),
    (6.0, 1.0, 69),
    (7.0, 1.0, 72),
    (8.0, 2.0, 74),
    (10.0, 1.0, 72),
    (11.0, 1.0, 69),
    (12.0, 2.0, 71),
    (14.0, 1.0, 68),
    (15.0, 1.0, 71),
    (16.0, 1.5, 72),
    (17.5, 2.5, 69),
];

/// Four bars in D major pentatonic, each answering the one before with the same three-three-two
/// push.
const JOY_TUNE: &Tune = &[
    (0.0, 0.75, 78),
    (0.75, 0.75, 81),
    (1.5, 0.5, 78),
    (2.0, 0.5, 76),
    (2.5, 0.5, 74),
    (3.0, 0.5, 76),
    (3.5, 0.5, 78),
    (4.0, 0.75, 83),
    (4.75, 0.75, 81),
    (5.5, 0.5, 78),
    (6.0, 1.0, 74),
    (7.0, 0.5, 76),
    (7.5, 0.5, 74),
    (8.0, 0.75, 76),
    (8.75, 0.75, 81),
    (9.5, 0.5, 83),
    (10.0, 1.0, 81),
    (11.0, 0.5, 78),
    (11.5, 0.5, 76),
    (12.0, 0.75, 74),
    (12.75, 0.75, 76),
    (13.5, 0.5, 78),
    (14.0, 0.5, 81),
    (14.5, 0.5, 83),
    (15.0, 0.5, 81),
    (15.5, 0.5, 78),
];

/// Writes the whole piece.
#[must_use]
pub fn compose() -> Score {
    let mut score = Score::default();
    calm(&mut score);
    build(&mut score);
    joy(&mut score);
    outro(&mut score);
    score
}

/// Soft pads, a piano that takes its time, nothing that beats.
fn calm(score: &mut Score) {
    let mut hand = Noise::new(7);
    for (bar, chord) in CALM.iter().enumerate() {
        let start = bar as f32 * CALM_BAR_SECS;
        pad(score, chord, start, CALM_BAR_SECS, 0.55, 620.0);
        score.notes.push(Note::new(Voice::Sub, start, CALM_BAR_SECS, chord.bass).level(0.4));
        // The left hand breaks the chord, one tone a beat, a little unevenly.
        let tones = [chord.bass, chord.tones[0] - 12.0, chord.tones[1], chord.tones[2]];
        for (beat, tone) in tones.into_iter().enumerate() {
            let late = 0.012 * (1.0 + hand.next());
            let level = 0.34 + 0.05 * hand.next();
            let note = Note::new(Voice::Piano, start + beat as f32 + late, 1.8, tone);
            score.notes.push(note.level(level).pan(-0.25));
        }
    }
    for &(beat, beats, midi) in CALM_TUNE {
        let late = 0.012 * (1.0 + hand.next());
        let level = 0.62 + 0.06 * hand.next();
        let note = Note::new(Voice::Piano, beat + late, beats + 0.4, f32::from(midi));
        score.notes.push(note.level(level).pan(0.2));
    }
}

/// The arpeggio opens its filter; hats, bass, kick and at last a roll join it.
fn build(score: &mut Score) {
    let step = BUILD_BAR_SECS / 16.0;
    for (bar, chord) in BUILD.iter().enumerate() {
        let start = BUILD_SECS + bar as f32 * BUILD_BAR_SECS;
        let rise = bar as f32 / 7.0;
        pad(score, chord, start, BUILD_BAR_SECS, 0.45, 700.0 + 1500.0 * rise);
        for sixteenth in 0..16 {
            let at = (bar as f32 + sixteenth as f32 / 16.0) / 8.0;
            let tone = arpeggio(chord, sixteenth);
            let accent = if sixteenth % 4 == 0 { 1.0 } else { 0.75 };
            score.notes.push(
                Note::new(Voice::Pluck, start + sixteenth as f32 * step, step, tone)
                    .level(accent * (0.35 + 0.25 * at))
                    .pan(if sixteenth % 2 == 0 { -0.35 } else { 0.35 })
                    .cutoff(600.0 * 9.0_f32.powf(at)),
            );
        }
        build_rhythm(score, bar, start, rise);
    }
    let riser = JOY_SECS - 2.0 * BUILD_BAR_SECS;
    score.hits.push(Hit::new(Drum::Riser, riser, 0.5));
    // The roll doubles its pace and breaks off half a beat before the downbeat.
    for sixteenth in 0..14 {
        let at = JOY_SECS - BUILD_BAR_SECS + sixteenth as f32 * step;
        let level = 0.25 + 0.03 * sixteenth as f32;
        score.hits.push(Hit::new(Drum::Snare, at, level));
        if sixteenth >= 8 {
            score.hits.push(Hit::new(Drum::Snare, at + step / 2.0, 0.8 * level));
        }
    }
}

fn build_rhythm(score: &mut Score, bar: usize, start: f32, rise: f32) {
    let eighth = BUILD_BAR_SECS / 8.0;
    let bass = BUILD[bar].bass + 12.0;
    for i in 0..8 {
        let at = start + i as f32 * eighth;
        if bar >= 2 {
            score.hits.push(Hit::new(Drum::ClosedHat, at, if i % 2 == 0 { 0.3 } else { 0.45 }));
            score.notes.push(
                Note::new(Voice::Bass, at, 0.8 * eighth, bass)
                    .level(0.35 + 0.2 * rise)
                    .cutoff(250.0 + 500.0 * rise),
            );
        }
        if bar >= 4 {
            score.hits.push(Hit::new(Drum::ClosedHat, at + eighth / 2.0, 0.22));
        }
        if (4..7).contains(&bar) && i % 2 == 0 {
            score.hits.push(Hit::new(Drum::Kick, at, 0.5 + 0.3 * rise));
        }
    }
}

/// Four on the floor, claps, an off-beat bass, bright chords and the tune.
fn joy(score: &mut Score) {
    for bar in 0..16 {
        let start = JOY_SECS + bar as f32 * JOY_BAR_SECS;
        let chord = &JOY[bar % 4];
        joy_drums(score, start, bar % 4 == 3);
        joy_harmony(score, chord, start);
        if bar >= 4 {
            joy_arpeggio(score, chord, start);
        }
    }
    for phrase in 0..4 {
        let start = JOY_SECS + phrase as f32 * 4.0 * JOY_BAR_SECS;
        score.hits.push(Hit::new(Drum::Crash, start, 0.5));
        let beat = JOY_BAR_SECS / 4.0;
        for &(at, beats, midi) in JOY_TUNE {
            let note =
                Note::new(Voice::Lead, start + at * beat, 0.9 * beats * beat, f32::from(midi));
            score.notes.push(note.level(0.55));
            if phrase >= 2 {
                let above = Note { midi: note.midi + 12.0, ..note };
                score.notes.push(above.level(0.2).pan(0.3));
            }
        }
    }
}

fn joy_drums(score: &mut Score, start: f32, last_of_phrase: bool) {
    let beat = JOY_BAR_SECS / 4.0;
    for i in 0..4 {
        let at = start + i as f32 * beat;
        score.hits.push(Hit::new(Drum::Kick, at, 1.0));
        score.hits.push(Hit::new(Drum::OpenHat, at + beat / 2.0, 0.5));
        if i % 2 == 1 {
            score.hits.push(Hit::new(Drum::Clap, at, 0.8));
        }
        for quarter in [1.0, 3.0] {
            score.hits.push(Hit::new(Drum::ClosedHat, at + quarter * beat / 4.0, 0.3));
        }
    }
    if last_of_phrase {
        for sixteenth in [13.0, 14.0, 15.0] {
            score.hits.push(Hit::new(Drum::Snare, start + sixteenth * beat / 4.0, 0.5));
        }
    }
}

/// Chords on the push of the tune (three, three, two eighths), bass between the kicks.
fn joy_harmony(score: &mut Score, chord: &Chord, start: f32) {
    let eighth = JOY_BAR_SECS / 8.0;
    for (at, length) in [(0.0, 1.5), (1.5, 1.5), (3.0, 1.0), (4.0, 1.5), (5.5, 1.5), (7.0, 1.0)] {
        for (i, tone) in chord.tones.into_iter().enumerate() {
            let note = Note::new(Voice::Saws, start + at * eighth, 0.85 * length * eighth, tone);
            let pan = [-0.3, 0.3, -0.15, 0.15][i];
            score.notes.push(note.level(0.4).pan(pan).cutoff(5200.0));
        }
    }
    for i in 0..8 {
        let octave = if i % 2 == 0 { 0.0 } else { 12.0 };
        let tone = if chord.bass < 36.0 { chord.bass + octave } else { chord.bass - 12.0 + octave };
        let note = Note::new(Voice::Bass, start + i as f32 * eighth, 0.8 * eighth, tone + 12.0);
        score.notes.push(note.level(if i % 2 == 0 { 0.5 } else { 0.8 }).cutoff(900.0));
    }
}

fn joy_arpeggio(score: &mut Score, chord: &Chord, start: f32) {
    let step = JOY_BAR_SECS / 16.0;
    for sixteenth in 0..16 {
        let tone = arpeggio(chord, sixteenth) + 12.0;
        let pan = if sixteenth % 2 == 0 { -0.6 } else { 0.6 };
        let note = Note::new(Voice::Pluck, start + sixteenth as f32 * step, step, tone);
        score.notes.push(note.level(0.3).pan(pan).cutoff(6000.0));
    }
}

/// One last D major, left to ring.
fn outro(score: &mut Score) {
    let chord = &JOY[0];
    score.hits.push(Hit::new(Drum::Kick, OUTRO_SECS, 1.0));
    score.hits.push(Hit::new(Drum::Crash, OUTRO_SECS, 0.8));
    for tone in chord.tones.into_iter().chain([74.0]) {
        score.notes.push(Note::new(Voice::Saws, OUTRO_SECS, 2.6, tone).level(0.4).cutoff(3000.0));
        score.notes.push(Note::new(Voice::Piano, OUTRO_SECS, 3.6, tone + 12.0).level(0.4));
    }
    pad(score, chord, OUTRO_SECS, 3.2, 0.7, 2000.0);
    score.notes.push(Note::new(Voice::Bass, OUTRO_SECS, 2.6, 38.0).level(0.6).cutoff(500.0));
}

fn pad(score: &mut Score, chord: &Chord, start: f32, secs: f32, level: f32, cutoff_hz: f32) {
    for (tone, pan) in chord.tones.into_iter().zip([-0.5, 0.5, -0.2, 0.2]) {
        let note = Note::new(Voice::Pad, start, secs, tone);
        score.notes.push(note.level(level).pan(pan).cutoff(cutoff_hz));
    }
}

/// Up and down again over two octaves of a chord, sixteen steps a bar.
fn arpeggio(chord: &Chord, sixteenth: usize) -> f32 {
    const PATH: [usize; 8] = [0, 1, 2, 3, 4, 3, 2, 1];
    match PATH[sixteenth % 8] {
        4 => chord.tones[1] + 12.0,
        tone => chord.tones[tone],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pitch classes that sound as notes from `start` to `end`.
    fn pitch_classes(start: f32, end: f32) -> Vec<u8> {
        let score = compose();
        let inside = score.notes.iter().filter(|n| n.start_secs >= start && n.start_secs < end);
        let mut classes: Vec<u8> = inside.map(|n| n.midi as u8 % 12).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    #[test]
    fn the_calm_part_is_in_a_harmonic_minor() {
        assert_eq!(pitch_classes(0.0, BUILD_SECS), [0, 2, 4, 5, 8, 9, 11]);
    }

    #[test]
    fn the_joyful_part_is_in_d_major() {
        assert_eq!(pitch_classes(JOY_SECS, END_SECS), [1, 2, 4, 6, 7, 9, 11]);
    }

    #[test]
    fn the_calm_part_has_no_drums_and_the_joyful_one_a_kick_on_every_beat() {
        let score = compose();
        assert!(score.hits.iter().all(|h| h.start_secs >= BUILD_SECS));
        let kicks =
            score.hits.iter().filter(|h| h.drum == Drum::Kick && h.start_secs >= JOY_SECS - 0.01);
        assert_eq!(kicks.count(), 16 * 4 + 1);
    }

    #[test]
    fn chords_move_by_small_steps() {
        for chords in [&CALM[..], &BUILD[..], &JOY[..]] {
            for pair in chords.windows(2) {
                let moved = pair[0].tones.iter().zip(pair[1].tones).map(|(a, b)| (a - b).abs());
                assert!(moved.fold(0.0, f32::max) <= 3.0);
            }
        }
    }

    #[test]
    fn nothing_starts_after_the_end() {
        let score = compose();
        assert!(score.notes.iter().all(|n| n.start_secs < END_SECS - 1.0));
        assert!(score.hits.iter().all(|h| h.start_secs < END_SECS - 1.0));
    }
}
