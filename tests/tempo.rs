//! The tempo that is shown, from samples to the summary of the window: in the octave in which music
//! was made.

use moodring::analysis::downmix::Layout;
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::window::{FeatureWindow, WindowSummary};

use crate::support::drums::{self, BALLAD, CLICKS, DRUM_AND_BASS, HOUSE, Pattern};

/// How far a tempo may be off: what those who compare tempo trackers allow.
const TOLERANCE: f32 = 0.04;

/// What the window says after each second of ten to fifteen seconds of `pattern`.
fn summaries(pattern: &Pattern, bpm: f64) -> Vec<WindowSummary> {
    let audio = drums::render(pattern, bpm, 15.0);
    let mut extractor = FrameExtractor::new(drums::RATE_HZ, Layout::MONO).unwrap();
    let (mut window, mut summaries) = (FeatureWindow::new(), Vec::new());
    for second in audio.chunks(drums::RATE_HZ as usize) {
        extractor.push(second, |frame| _ = window.push(&frame.features));
        summaries.push(window.summary(window.coverage()));
    }
    summaries.split_off(10)
}

fn assert_reads_as_made(pattern: &Pattern, tempi: &[f64]) {
    for bpm in tempi {
        for summary in summaries(pattern, *bpm) {
            let off = (summary.tempo.bpm / *bpm as f32 - 1.0).abs();
            assert!(off < TOLERANCE, "{} at {bpm}: {:?}", pattern.name, summary.tempo);
        }
    }
}

#[test]
fn clicks_slow_and_quick_read_in_their_own_octave() {
    assert_reads_as_made(
        &CLICKS,
        &[42.0, 50.0, 60.0, 70.0, 96.0, 120.0, 140.0, 174.0, 200.0, 232.0],
    );
}

#[test]
fn a_slow_song_with_hi_hats_is_not_doubled() {
    assert_reads_as_made(&BALLAD, &[56.0, 60.0, 66.0, 72.0]);
}

#[test]
fn four_on_the_floor_reads_its_kick() {
    assert_reads_as_made(&HOUSE, &[116.0, 120.0, 124.0, 128.0]);
}

#[test]
fn a_quick_broken_beat_is_not_halved() {
    assert_reads_as_made(&DRUM_AND_BASS, &[168.0, 172.0, 174.0]);
}

#[test]
fn silence_has_no_tempo_to_show() {
    let silence = Pattern { lines: &[], chord_beats: 0, ..CLICKS };
    for summary in summaries(&silence, 120.0) {
        assert_eq!(summary.tempo.bpm, 0.0, "{:?}", summary.tempo);
    }
}
