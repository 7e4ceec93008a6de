//! What is heard: every channel whatever the others do, and nothing that no ear hears.

use std::f64::consts::TAU;

use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::model::Model;
use moodring::reading::{Phase, Reading};

use crate::support::music::{Random, music};

const RATE_HZ: f64 = 22_050.0;

/// Samples at the rate in a second.
const SECOND: usize = 22_050;

/// By how much the phase-inverted copy of a mix may read differently: a tenth of what the meter
/// shows as a difference.
const INVERTED: f32 = 0.003;

/// By how much what nobody hears may move a reading. Measured on 18 songs: .003 at most on average
/// over a song.
const UNHEARD: f32 = 0.02;

/// All readings of channels, which are of equal length.
fn readings(channels: &[Vec<f32>], layout: Layout) -> Vec<Reading> {
    let mut analyser = Analyser::new(RATE_HZ, layout, &Model::shipped().unwrap()).unwrap();
    let interleaved: Vec<f32> =
        (0..channels[0].len()).flat_map(|n| channels.iter().map(move |x| x[n])).collect();
    let mut readings = Vec::new();
    let mut take = |reading: &Reading| readings.push(*reading);
    for block in interleaved.chunks(512 * channels.len()) {
        analyser.push(block, &mut take).unwrap();
    }
    readings
}

/// The largest difference between shares from `from` seconds on, where phases must be the same.
fn apart(a: &[Reading], b: &[Reading], from: f64) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).filter(|(a, _)| a.time_secs >= from);
    let pairs: Vec<_> = pairs.collect();
    assert!(pairs.len() > 5);
    let apart = |(a, b): &(&Reading, &Reading)| {
        assert_eq!(a.phase, b.phase, "at {} s", a.time_secs);
        let shares = a.shares.iter().zip(&b.shares);
        shares.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    pairs.iter().map(apart).fold(0.0, f32::max)
}

fn last_phase(readings: &[Reading]) -> Phase {
    readings.last().unwrap().phase
}

fn scaled(x: &[f32], gain: f32) -> Vec<f32> {
    x.iter().map(|x| gain * x).collect()
}

fn mean(channels: &[Vec<f32>]) -> Vec<f32> {
    (0..channels[0].len()).map(|n| (channels[0][n] + channels[1][n]) * 0.5).collect()
}

fn sine(hz: f64, db: f64, secs: f64) -> Vec<f32> {
    let amplitude = 10.0_f64.powf(db / 20.0);
    let n_samples = (secs * RATE_HZ) as usize;
    (0..n_samples).map(|n| (amplitude * (TAU * hz * n as f64 / RATE_HZ).sin()) as f32).collect()
}

fn with(x: &[f32], y: &[f32]) -> Vec<f32> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}

/// A stereo mix: chords and drums about the middle, the chords of a second later on the left, hiss
/// on the right.
fn mix(secs: f64) -> [Vec<f32>; 2] {
    let [left, right]: [Vec<f32>; 2] = music(secs + 1.0, RATE_HZ, 2).try_into().unwrap();
    let n_samples = (secs * RATE_HZ) as usize;
    let mut random = Random(11);
    let hiss = |bits: u32| 0.02 * (f64::from(bits) / f64::from(u32::MAX) - 0.5) as f32;
    let left = (0..n_samples).map(|n| left[n] + 0.5 * left[n + SECOND]);
    [left.collect(), right[..n_samples].iter().map(|x| x + hiss(random.bits())).collect()]
}

/// dB of the mean power.
fn level_db(x: &[f32]) -> f32 {
    10.0 * (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).log10()
}

/// Music at so many dB.
fn music_at(db: f32, secs: f64) -> Vec<f32> {
    let song = music(secs, RATE_HZ, 1).remove(0);
    let gain = 10.0_f32.powf((db - level_db(&song)) / 20.0);
    scaled(&song, gain)
}

#[test]
fn ordinary_stereo_reads_as_the_mean_of_its_channels_to_the_bit() {
    let stereo = mix(12.0);
    let mono = [mean(&stereo)];
    assert!(readings(&stereo, Layout::STEREO) == readings(&mono, Layout::MONO));
}

#[test]
fn the_phase_inverted_copy_of_a_mix_reads_as_the_mix() {
    let stereo = mix(14.0);
    let expected = readings(&stereo, Layout::STEREO);
    let [left, right] = stereo;
    for inverted in [[left.clone(), scaled(&right, -1.0)], [scaled(&left, -1.0), right.clone()]] {
        let read = readings(&inverted, Layout::STEREO);
        let apart = apart(&read, &expected, 12.0);
        assert!(apart < INVERTED, "{apart}");
    }
}

#[test]
fn channels_that_cancel_each_other_read_as_either() {
    let song = music_at(-20.0, 12.0);
    let read = readings(&[song.clone(), scaled(&song, -1.0)], Layout::STEREO);
    let expected = readings(&[song], Layout::MONO);
    let apart = apart(&read, &expected, 10.5);
    assert!(apart < INVERTED, "{apart}");
}

#[test]
fn a_channel_that_is_no_number_or_empty_hides_no_other() {
    /// At the lowest levels half of the amplitude is under the floor of the decibels.
    const AT_THE_GATE: f32 = 0.02;
    for (db, tolerance) in [(-20.0, INVERTED), (-66.5, AT_THE_GATE)] {
        let song = music_at(db, 12.0);
        let expected = readings(std::slice::from_ref(&song), Layout::MONO);
        assert_eq!(last_phase(&expected), Phase::Live);
        for bad in [f32::NAN, f32::INFINITY, 0.0] {
            let bad = vec![bad; song.len()];
            for channels in [[song.clone(), bad.clone()], [bad.clone(), song.clone()]] {
                let read = readings(&channels, Layout::STEREO);
                let apart = apart(&read, &expected, 10.5);
                assert!(apart < tolerance, "{} at {db} dB: {apart}", bad[0]);
            }
        }
    }
}

#[test]
fn quiet_stereo_in_front_of_a_wide_bus_reads_as_the_stereo() {
    let stereo = mix(12.0).map(|x| scaled(&x, 10.0_f32.powf((-66.0 - level_db(&x)) / 20.0)));
    let expected = readings(&stereo, Layout::STEREO);
    assert_eq!(last_phase(&expected), Phase::Live);
    for n_channels in [4, 6, 8] {
        let mut channels = vec![vec![0.0; stereo[0].len()]; n_channels];
        channels[..2].clone_from_slice(&stereo);
        let read = readings(&channels, Layout::of(n_channels));
        assert!(read == expected, "{n_channels} channels");
    }
}

#[test]
fn low_frequency_effects_count_nothing() {
    let stereo = mix(12.0);
    let expected = readings(&stereo, Layout::STEREO);
    let mut channels = vec![vec![0.0; stereo[0].len()]; 6];
    channels[..2].clone_from_slice(&stereo);
    channels[3] = sine(45.0, -6.0, 12.0);
    assert!(readings(&channels, Layout::of(6).with_lfe(3)) == expected);
}

#[test]
fn what_nobody_hears_is_silence() {
    let secs = 12.0;
    let sounds = [
        ("a constant of 0.01", vec![0.01; 12 * SECOND]),
        ("a constant of 0.1", vec![0.1; 12 * SECOND]),
        ("5 Hz", sine(5.0, -20.0, secs)),
        ("12 Hz", sine(12.0, -20.0, secs)),
        ("hum of 50 Hz at −63 dB", sine(50.0, -63.0, secs)),
        ("hum of 60 Hz at −63 dB", sine(60.0, -63.0, secs)),
    ];
    for (name, sound) in sounds {
        let read = readings(&[sound], Layout::MONO);
        assert!(read.len() > 50, "{name}");
        assert!(read.iter().all(|reading| reading.phase == Phase::Silent), "{name}");
    }
    assert_eq!(last_phase(&readings(&[sine(440.0, -63.0, secs)], Layout::MONO)), Phase::Live);
    assert_eq!(last_phase(&readings(&[sine(50.0, -40.0, secs)], Layout::MONO)), Phase::Live);
}

#[test]
fn the_meter_rests_when_nothing_but_the_unheard_follows_a_song() {
    let song = music_at(-20.0, 12.0);
    for unheard in [vec![0.01; 8 * SECOND], sine(50.0, -63.0, 8.0), sine(8.0, -20.0, 8.0)] {
        let read = readings(&[[song.clone(), unheard].concat()], Layout::MONO);
        let rested = read.iter().filter(|reading| reading.time_secs >= 15.0);
        assert!(rested.clone().count() > 20);
        assert!(rested.clone().all(|reading| reading.phase == Phase::Silent));
        // It stands where the song left it, or near.
        let shares = |reading: &Reading| reading.shares;
        let at_end = read.iter().rfind(|reading| reading.time_secs <= 12.0).map(shares).unwrap();
        let last = shares(read.last().unwrap());
        let moved = at_end.iter().zip(last).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(moved < 0.15, "{moved}");
    }
}

#[test]
fn a_constant_or_hum_under_a_song_moves_no_reading() {
    let song = music_at(-20.0, 16.0);
    let expected = readings(std::slice::from_ref(&song), Layout::MONO);
    let constants = [0.005, 0.02, 0.1, 0.4].map(|x| vec![x; song.len()]);
    for unheard in constants.into_iter().chain([sine(50.0, -63.0, 16.0)]) {
        let read = readings(&[with(&song, &unheard)], Layout::MONO);
        let apart = apart(&read, &expected, 12.5);
        assert!(apart < UNHEARD, "{}: {apart}", unheard[100]);
    }
}

#[test]
fn rumble_as_strong_as_the_song_moves_readings_as_little_as_songs_differ_in_it() {
    /// Ten times less than without the filter.
    const RUMBLE: f32 = 0.05;
    let song = music_at(-20.0, 16.0);
    let expected = readings(std::slice::from_ref(&song), Layout::MONO);
    for hz in [5.0, 10.0, 15.0] {
        let read = readings(&[with(&song, &sine(hz, -20.0, 16.0))], Layout::MONO);
        let apart = apart(&read, &expected, 13.0);
        assert!(apart < RUMBLE, "{hz} Hz: {apart}");
    }
}

/// Prints what was tried, and what comes of it: `cargo test --test tests the_table_of_sounds --
/// --ignored --nocapture`.
#[test]
#[ignore = "prints, and checks nothing"]
fn the_table_of_sounds() {
    let song = music_at(-20.0, 14.0);
    let n = song.len();
    let [left, right] = mix(14.0);
    let stereo = vec![left.clone(), right.clone()];
    let wide = |front: &[Vec<f32>], n_channels: usize| {
        let mut channels = vec![vec![0.0; n]; n_channels];
        channels[..2].clone_from_slice(front);
        channels
    };
    let quiet: Vec<Vec<f32>> =
        stereo.iter().map(|x| scaled(x, 10.0_f32.powf((-66.0 - level_db(x)) / 20.0))).collect();
    let mut effects = wide(&stereo, 6);
    effects[3] = sine(45.0, -6.0, 14.0);
    let under = |unheard: Vec<f32>| vec![with(&song, &unheard)];
    let mono = || (vec![song.clone()], Layout::MONO);
    let both = || (stereo.clone(), Layout::STEREO);
    let front = || (quiet.clone(), Layout::STEREO);
    type Sound = (Vec<Vec<f32>>, Layout);
    let compared: [(&str, Sound, Sound); 15] = [
        (
            "a mix with its right channel inverted, as the mix",
            (vec![left.clone(), scaled(&right, -1.0)], Layout::STEREO),
            both(),
        ),
        (
            "a mix with its left channel inverted, as the mix",
            (vec![scaled(&left, -1.0), right.clone()], Layout::STEREO),
            both(),
        ),
        (
            "right = −left, as left alone",
            (vec![song.clone(), scaled(&song, -1.0)], Layout::STEREO),
            mono(),
        ),
        (
            "right is no number, as left alone",
            (vec![song.clone(), vec![f32::NAN; n]], Layout::STEREO),
            mono(),
        ),
        (
            "right is empty, as left alone",
            (vec![song.clone(), vec![0.0; n]], Layout::STEREO),
            mono(),
        ),
        (
            "stereo at −66 dB in front of 5.1, as the stereo",
            (wide(&quiet, 6), Layout::of(6).with_lfe(3)),
            front(),
        ),
        (
            "stereo at −66 dB in front of 7.1, as the stereo",
            (wide(&quiet, 8), Layout::of(8).with_lfe(3)),
            front(),
        ),
        (
            "5.1 with 45 Hz at −6 dB in the effects, as without",
            (effects, Layout::of(6).with_lfe(3)),
            both(),
        ),
        (
            "a song over a constant of 0.02, as the song",
            (under(vec![0.02; n]), Layout::MONO),
            mono(),
        ),
        ("a song over a constant of 0.1, as the song", (under(vec![0.1; n]), Layout::MONO), mono()),
        ("a song over a constant of 0.5, as the song", (under(vec![0.5; n]), Layout::MONO), mono()),
        (
            "a song over hum of 50 Hz at −63 dB, as the song",
            (under(sine(50.0, -63.0, 14.0)), Layout::MONO),
            mono(),
        ),
        (
            "a song over 5 Hz as strong as it, as the song",
            (under(sine(5.0, -20.0, 14.0)), Layout::MONO),
            mono(),
        ),
        (
            "a song over 10 Hz as strong as it, as the song",
            (under(sine(10.0, -20.0, 14.0)), Layout::MONO),
            mono(),
        ),
        (
            "a song over 15 Hz as strong as it, as the song",
            (under(sine(15.0, -20.0, 14.0)), Layout::MONO),
            mono(),
        ),
    ];
    println!("| sound | apart |\n|---|---|");
    for (name, (sound, layout), (expected, plain)) in &compared {
        let apart = apart(&readings(sound, *layout), &readings(expected, *plain), 12.0);
        println!("| {name} | {apart:.4} |");
    }
    let alone = [
        ("a constant of 0.01 alone", vec![0.01; n]),
        ("8 Hz at −20 dB alone", sine(8.0, -20.0, 14.0)),
        ("hum of 50 Hz at −63 dB alone", sine(50.0, -63.0, 14.0)),
        (
            "a song, then a constant of 0.01 for eight seconds",
            [&song[..6 * SECOND], &vec![0.01; 8 * SECOND]].concat(),
        ),
    ];
    for (name, sound) in alone {
        println!("| {name} | {} |", last_phase(&readings(&[sound], Layout::MONO)).word());
    }
}
