//! Readings depend on the music alone: not on chunks, resets, hardly on the host's rate, and not on
//! what was before the last 10 s.

use std::sync::Arc;

use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::config::{
    FRAMES_PER_STEP, HOP_SAMPLES, LOOKAHEAD_FRAMES, RECENT_STEPS, RING_FRAMES, WINDOW_SAMPLES,
};
use moodring::model::Model;
use moodring::reading::{Phase, Reading};

use crate::support::drums::{self, HOUSE};
use crate::support::music::{Random, music};

/// Between host rates the resampler's filter moves the highest bands a little.
const RATE_TOLERANCE: f32 = 0.02;
/// Sums of the same numbers in another order.
const ROUNDING: f32 = 1e-5;

fn analyser(rate_hz: f64) -> Analyser {
    Analyser::new(rate_hz, Layout::MONO, &Model::shipped().unwrap()).unwrap()
}

/// All readings of `samples`, handed over in chunks of the given sizes, again and again.
fn readings(analyser: &mut Analyser, samples: &[f32], chunks: &[usize]) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut rest = samples;
    for chunk in chunks.iter().cycle() {
        let (now, later) = rest.split_at((*chunk).min(rest.len()));
        analyser.push(now, |reading| readings.push(*reading)).unwrap();
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    readings
}

fn song(secs: f64, rate_hz: f64) -> Vec<f32> {
    music(secs, rate_hz, 1).remove(0)
}

#[test]
fn any_chunking_gives_the_same_readings() {
    let song = song(13.0, 44_100.0);
    let whole = readings(&mut analyser(44_100.0), &song, &[song.len()]);
    assert!(whole.len() > 50, "{} readings in 13 s", whole.len());
    let mut random = Random(7);
    let random_chunks: Vec<usize> = (0..100).map(|_| random.up_to(5000)).collect();
    for chunks in [&[1][..], &[17], &[64], &[4096], &random_chunks] {
        let chunked = readings(&mut analyser(44_100.0), &song, chunks);
        assert!(chunked == whole, "chunks {:?}…", &chunks[..1]);
    }
}

#[test]
fn to_ask_why_moves_no_reading() {
    let song = song(13.0, 22_050.0);
    let unasked = readings(&mut analyser(22_050.0), &song, &[512]);
    let mut analyser = analyser(22_050.0);
    assert_eq!(analyser.why().unwrap(), None, "nothing to explain yet");
    let (mut asked, mut explained) = (Vec::new(), 0);
    for block in song.chunks(512) {
        analyser.push(block, |reading| asked.push(*reading)).unwrap();
        let why = analyser.why().unwrap();
        assert_eq!(why.map(|why| why.time_secs), asked.last().map(|reading| reading.time_secs));
        explained += usize::from(why.is_some_and(|why| why.n_spaces == 2));
    }
    assert!(explained > 200, "{explained} answers");
    assert!(asked == unasked);
    analyser.reset();
    assert_eq!(analyser.why().unwrap(), None, "a reset forgets what there was to explain");
}

#[test]
fn the_newest_seconds_alone_are_told_when_asked_for_and_move_no_reading() {
    let (rate_hz, song) = (22_050.0, song(13.0, 22_050.0));
    let unasked = readings(&mut analyser(rate_hz), &song, &[512]);
    assert!(unasked.iter().all(|reading| reading.recent.is_none()));
    let mut analyser = analyser(rate_hz);
    analyser.follow_recent(true);
    let asked = readings(&mut analyser, &song, &[512]);
    let without = |reading: &Reading| Reading { recent: None, ..*reading };
    assert!(asked.iter().map(without).collect::<Vec<_>>() == unasked);
    for reading in &asked {
        assert_eq!(reading.recent.is_some(), reading.heard_secs > 3.96, "{}", reading.time_secs);
        let Some(recent) = reading.recent else { continue };
        for space in 0..2 {
            let width = |[low, high]: [f32; 2]| high - low;
            let (own, of_ten) = (width(recent.bands[space]), width(reading.bands[space]));
            assert!(own > 0.8 * of_ten, "{own} of doubt, {of_ten} after ten seconds");
        }
    }
    assert_ne!(analyser.why().unwrap(), None, "reasons are those of the ten seconds");
}

#[test]
fn the_newest_seconds_are_read_nearly_as_if_they_had_been_all() {
    let rate_hz = drums::RATE_HZ;
    let cut = [song(14.0, rate_hz), drums::render(&HOUSE, 128.0, 6.0)].concat();
    let mut long = analyser(rate_hz);
    long.follow_recent(true);
    let long = readings(&mut long, &cut, &[512]);
    let reading = long.last().unwrap();
    // What the newest steps rest on.
    let end = (reading.time_secs * rate_hz).round() as usize;
    let n = RECENT_STEPS * FRAMES_PER_STEP * HOP_SAMPLES + WINDOW_SAMPLES - HOP_SAMPLES;
    let alone = &cut[end - n - LOOKAHEAD_FRAMES * HOP_SAMPLES..end];
    let alone = *readings(&mut analyser(rate_hz), alone, &[512]).last().unwrap();
    assert!((alone.heard_secs - 3.95).abs() < 0.2, "{} s", alone.heard_secs);
    let recent = reading.recent.unwrap();
    for space in 0..2 {
        let (recent, alone) = (recent.shares[space], alone.shares[space]);
        assert!((recent - alone).abs() < 0.02, "{recent} beside {alone} alone");
    }
}

#[test]
fn the_last_reading_of_a_file_has_the_reasons_of_the_readings_before_it() {
    /// Two readings a tenth of a second apart of the same music.
    const TOLERANCE: f32 = 0.1;
    let mut analyser = analyser(22_050.0);
    // A part of a step beyond the last reading on the grid, so that there is one more at the end.
    let (mut read, mut last) = (Vec::new(), None);
    for block in song(13.1, 22_050.0).chunks(512) {
        analyser.push(block, |reading| last = Some(*reading)).unwrap();
        read.extend(last.take().map(|reading| (reading, analyser.why().unwrap().unwrap())));
    }
    analyser.finish(|reading| last = Some(*reading)).unwrap();
    let (reading, why) = (last.unwrap(), analyser.why().unwrap().unwrap());
    let (before, why_before) = read.last().unwrap();
    assert!(reading.time_secs > before.time_secs);
    assert_eq!(why.time_secs, reading.time_secs);
    for space in 0..2 {
        for ((group, push), (_, push_before)) in why.of_space(space).zip(why_before.of_space(space))
        {
            let apart = (push - push_before).abs();
            assert!(apart < TOLERANCE, "{}: {push} after {push_before}", group.word());
        }
    }
}

#[test]
fn silence_has_no_reasons() {
    let mut analyser = analyser(22_050.0);
    let mut last = None;
    analyser.push(&song(3.0, 22_050.0), |reading| last = Some(*reading)).unwrap();
    assert!(analyser.why().unwrap().is_some());
    analyser.push(&[0.0; 22_050 * 5], |reading| last = Some(*reading)).unwrap();
    assert_eq!(last.unwrap().phase, Phase::Silent);
    assert_eq!(analyser.why().unwrap(), None);
}

#[test]
fn a_beat_has_a_salience_and_a_steady_chord_has_none() {
    let last = |song: &[f32]| *readings(&mut analyser(22_050.0), song, &[512]).last().unwrap();
    let beat = last(&song(12.0, 22_050.0));
    assert!(beat.tempo_percussive_salience > 0.5, "{beat:?}");
    assert!((0.0..=1.0).contains(&beat.tempo_harmonic_salience), "{beat:?}");
    let hum = |n: usize| 0.1 * (std::f64::consts::TAU * 220.0 * n as f64 / 22_050.0).sin() as f32;
    let steady = last(&(0..22_050 * 12).map(hum).collect::<Vec<f32>>());
    assert_eq!((steady.tempo_harmonic_bpm, steady.tempo_harmonic_salience), (0.0, 0.0));
}

#[test]
fn readings_come_more_than_five_times_a_second_from_the_first_second_on() {
    let readings = readings(&mut analyser(22_050.0), &song(12.0, 22_050.0), &[512]);
    assert!(readings[0].time_secs < 1.2, "the first at {} s", readings[0].time_secs);
    for pair in readings.windows(2) {
        let step = pair[1].time_secs - pair[0].time_secs;
        assert!(step > 0.0 && step < 0.2, "{step} s between readings");
    }
    let first_live = readings.iter().find(|reading| reading.phase == Phase::Live).unwrap();
    assert!((9.5..10.0).contains(&first_live.time_secs), "live from {} s", first_live.time_secs);
    let provisional = readings.iter().filter(|reading| reading.time_secs < 9.5);
    assert!(provisional.clone().all(|reading| reading.phase == Phase::Listening));
    assert!(provisional.clone().all(|reading| reading.shares().len() == 2));
}

#[test]
fn reset_is_new_and_no_reset_is_not() {
    let (song, other) = (song(11.0, 48_000.0), song(4.0, 48_000.0));
    let fresh = readings(&mut analyser(48_000.0), &song, &[1000]);
    let mut used = analyser(48_000.0);
    readings(&mut used, &other, &[1000]);
    used.reset();
    assert!(readings(&mut used, &song, &[1000]) == fresh);
    assert!(readings(&mut used, &song, &[1000]) != fresh);
}

#[test]
fn host_rates_hardly_move_a_reading() {
    let at_44 = readings(&mut analyser(44_100.0), &song(12.0, 44_100.0), &[512]);
    for rate_hz in [48_000.0, 96_000.0] {
        let at_rate = readings(&mut analyser(rate_hz), &song(12.0, rate_hz), &[512]);
        assert_eq!(at_rate.len(), at_44.len());
        for (a, b) in at_rate.iter().zip(&at_44) {
            assert_eq!((a.time_secs, a.phase), (b.time_secs, b.phase));
            for (a_share, b_share) in a.shares().iter().zip(b.shares()) {
                let off = (a_share - b_share).abs();
                assert!(off < RATE_TOLERANCE, "{rate_hz} Hz at {} s: off by {off}", a.time_secs);
            }
        }
    }
}

#[test]
fn gain_hardly_moves_a_reading() {
    let loud = song(11.0, 22_050.0);
    let quiet: Vec<f32> = loud.iter().map(|x| x * 0.063).collect();
    let loud = readings(&mut analyser(22_050.0), &loud, &[512]);
    let quiet = readings(&mut analyser(22_050.0), &quiet, &[512]);
    for (a, b) in loud.iter().zip(&quiet) {
        for (a_share, b_share) in a.shares().iter().zip(b.shares()) {
            assert!((a_share - b_share).abs() < 0.01, "24 dB moved {a_share} to {b_share}");
        }
    }
}

#[test]
fn only_the_last_ten_seconds_count() {
    let song = song(40.0, 22_050.0);
    let long = *readings(&mut analyser(22_050.0), &song, &[4096]).last().unwrap();
    // The same ten seconds on the same grid of frames.
    let end = (long.time_secs * 22_050.0).round() as usize;
    let start = end - ((RING_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES);
    let mut fresh = analyser(22_050.0);
    let mut last = None;
    fresh.push(&song[start..end], |reading| last = Some(*reading)).unwrap();
    fresh.finish(|reading| last = Some(*reading)).unwrap();
    let fresh = last.unwrap();
    assert_eq!(fresh.phase, Phase::Live);
    for (a, b) in fresh.shares().iter().zip(long.shares()) {
        assert!((a - b).abs() < ROUNDING, "{a} after 10 s, {b} after 40 s");
    }
}

#[test]
fn silence_rests_and_says_so_and_music_after_it_is_heard_afresh() {
    let mut samples = song(12.0, 22_050.0);
    samples.extend(vec![0.0; 3 * 22_050]);
    samples.extend(song(5.0, 22_050.0));
    let readings = readings(&mut analyser(22_050.0), &samples, &[512]);
    let at = |secs: f64| readings.iter().find(|reading| reading.time_secs >= secs).unwrap();
    assert_eq!(at(11.5).phase, Phase::Live);
    assert_eq!(at(14.9).phase, Phase::Silent);
    assert!(at(14.9).shares().is_empty());
    assert_eq!(at(14.9).shares, at(14.7).shares, "the meter rests where it was");
    let after = at(19.0);
    assert_eq!(after.phase, Phase::Listening);
    assert!((2.5..4.5).contains(&after.heard_secs), "{} s of 4 heard", after.heard_secs);
}

#[test]
fn strange_input_gives_a_defined_answer() {
    let second = 22_050;
    let silent: [(&str, Vec<f32>); 5] = [
        ("silence", vec![0.0; 12 * second]),
        ("not a number", vec![f32::NAN; 12 * second]),
        ("infinity", vec![f32::INFINITY; 12 * second]),
        ("minus infinity", vec![f32::NEG_INFINITY; 12 * second]),
        ("denormals", vec![1e-40; 12 * second]),
    ];
    for (name, samples) in silent {
        let readings = readings(&mut analyser(22_050.0), &samples, &[777]);
        assert!(!readings.is_empty());
        assert!(readings.iter().all(|reading| reading.phase == Phase::Silent), "{name}");
    }
    let loud: [(&str, Vec<f32>); 3] = [
        ("DC", vec![0.5; 12 * second]),
        ("huge", vec![1e30; 12 * second]),
        ("alternating extremes", [f32::MAX, f32::MIN].repeat(6 * second)),
    ];
    for (name, samples) in loud {
        for reading in readings(&mut analyser(22_050.0), &samples, &[777]) {
            let sane = reading.shares.iter().all(|share| (0.0..=1.0).contains(share));
            assert!(sane, "{name}: {reading:?}");
            assert!(
                reading.energy_harmonic_db.is_finite() && reading.tempo_harmonic_bpm.is_finite()
            );
        }
    }
}

#[test]
fn music_among_strange_samples_is_still_read() {
    let mut samples = song(11.0, 22_050.0);
    for n in (0..samples.len()).step_by(5000) {
        samples[n] = [f32::NAN, f32::INFINITY, 1e-40][n % 3];
    }
    let readings = readings(&mut analyser(22_050.0), &samples, &[512]);
    assert_eq!(readings.last().unwrap().phase, Phase::Live);
    assert!(readings.iter().all(|reading| reading.shares().iter().all(|share| share.is_finite())));
}

#[test]
fn too_little_music_gives_no_reading_and_no_error() {
    for samples in [0, 1, 2047, 2048, 20_000] {
        let mut analyser = analyser(22_050.0);
        let mut readings = 0;
        analyser.push(&song(1.0, 22_050.0)[..samples], |_| readings += 1).unwrap();
        analyser.finish(|_| readings += 1).unwrap();
        assert_eq!(readings, 0, "{samples} samples");
    }
}

#[test]
fn analysers_of_one_model_share_it() {
    // A copy of its own: the shipped one is shared with the tests beside this one.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/models/moodring.onnx");
    let model = Model::load(file.as_ref()).unwrap();
    let before = Arc::strong_count(&model);
    let _analyser = Analyser::new(44_100.0, Layout::MONO, &model).unwrap();
    assert_eq!(Arc::strong_count(&model), before + 1);
}
