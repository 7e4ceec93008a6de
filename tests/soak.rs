//! Ten hours through the bundled CLAP at full speed: at their end it reads what a fresh instance
//! reads in the last ten seconds.
//!
//! `MOODRING_SOAK_SECS=600 cargo test --test soak -- --nocapture` makes it ten minutes of music,
//! and says how fast it was.
// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod host;
    pub mod music;
}

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use moodring::config::{HOP_SAMPLES, READING_SECS};
use moodring::outputs::row::parse_csv_line;
use moodring::reading::{Phase, Reading};
use support::host::{Host, Playing};
use support::music::{Random, music};

const RATE_HZ: usize = 48_000;
const SECS: f64 = 36_000.0;
/// After this many samples frames, steps and readings all begin where they began at the start, 27.3
/// s: 147 samples are analysed of 320, and readings come every eight frames.
const GRID_SAMPLES: usize = 8 * HOP_SAMPLES * 320;
/// The window and the little that completes its last reading.
const TAIL_SECS: f64 = 11.0;
/// A large one for a host, so that little of the time goes into waiting for each.
const MAX_BLOCK: usize = 32_768;
/// The same numbers added up in another order.
const ROUNDING: f32 = 1e-5;

/// The size of every block: hosts change it as they like.
fn block_sizes() -> impl Iterator<Item = usize> {
    let mut random = Random(17);
    std::iter::from_fn(move || Some(random.up_to(MAX_BLOCK)))
}

/// Plays `audio` and checks that it comes out bit for bit.
fn play(playing: &mut Playing<'_>, audio: &[Vec<f32>]) {
    let heard = playing.play(audio, block_sizes(), |_| true).unwrap();
    for (heard, played) in heard.iter().zip(audio) {
        let is_same = heard.iter().zip(played).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(is_same, "audio was changed");
    }
}

/// Passage `n` of a long night: mostly music from anywhere on the tape, loud or soft, now and then
/// what no music is.
fn passage(n: usize, tape: &[Vec<f32>], random: &mut Random) -> Vec<Vec<f32>> {
    let start = random.up_to(tape[0].len() - GRID_SAMPLES);
    let gain = [1.0, 0.03, 0.5, 4.0, 1e-4][n % 5];
    let sample = |channel: &[f32], i: usize| match n % 35 {
        3 => 0.0,
        10 => f32::NAN,
        17 => [f32::MAX, f32::MIN][i % 2],
        24 => 0.5,
        31 => 1e30 * channel[start + i],
        _ => gain * channel[start + i],
    };
    tape.iter().map(|channel| (0..GRID_SAMPLES).map(|i| sample(channel, i)).collect()).collect()
}

/// Plays passage after passage through an instance that renders offline and writes its readings to
/// `csv`.
fn render(csv: &Path, passages: impl Iterator<Item = Vec<Vec<f32>>>) {
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.to_str().unwrap()).unwrap();
    host.render_offline(true).unwrap();
    let mut playing = host.activate(RATE_HZ as f64, MAX_BLOCK).unwrap();
    playing.set_song_secs(Some(0.0));
    passages.for_each(|passage| play(&mut playing, &passage));
}

/// The last four readings, newest first, after all have been seen to follow each other with nothing
/// lost; and how many there are.
fn last_readings(csv: &Path) -> (Vec<Reading>, usize) {
    const KEPT: usize = 4;
    let mut kept: Vec<Reading> = Vec::new();
    let mut n_rows = 0;
    for line in BufReader::new(File::open(csv).unwrap()).lines().skip(1) {
        let stamped = parse_csv_line(&line.unwrap()).unwrap();
        assert_eq!(stamped.overrun_samples, 0, "{stamped:?}");
        let reading = stamped.reading;
        if let Some(before) = kept.first() {
            // The very last comes early, where the music ends; times are written to a microsecond.
            let step_secs = reading.time_secs - before.time_secs;
            assert!(step_secs > 0.0 && step_secs < READING_SECS + 2e-6, "{reading:?}");
        }
        n_rows += 1;
        kept.insert(0, reading);
        kept.truncate(KEPT);
    }
    (kept, n_rows)
}

#[test]
fn after_ten_hours_it_reads_as_a_fresh_instance_does() {
    let secs = std::env::var("MOODRING_SOAK_SECS").map_or(SECS, |secs| secs.parse().unwrap());
    let rate_hz = RATE_HZ as f64;
    let folder = std::env::temp_dir().join(format!("moodring-soak-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (long, fresh) = (folder.join("long.csv"), folder.join("fresh.csv"));
    let tape = music(90.0, rate_hz, 2);
    let n_passages = (secs * rate_hz / GRID_SAMPLES as f64).ceil() as usize;
    let before_secs = (n_passages * GRID_SAMPLES) as f64 / rate_hz;
    let mut random = Random(1);
    let passages = (0..n_passages).map(|n| passage(n, &tape, &mut random));
    let tail_samples = (TAIL_SECS * rate_hz) as usize;
    let tail: Vec<Vec<f32>> =
        tape.iter().map(|channel| channel[RATE_HZ..][..tail_samples].to_vec()).collect();

    let began = Instant::now();
    render(&long, passages.chain([tail.clone()]));
    let (heard_secs, took_secs) = (before_secs + TAIL_SECS, began.elapsed().as_secs_f64());
    let speed = heard_secs / took_secs;
    eprintln!("{heard_secs:.0} s of music in {took_secs:.0} s: {speed:.0} times real time");
    render(&fresh, [tail].into_iter());

    let ((late, n_late), (early, _)) = (last_readings(&long), last_readings(&fresh));
    fs::remove_dir_all(folder).unwrap();
    let due = heard_secs / READING_SECS;
    assert!((n_late as f64 - due).abs() < 10.0, "{n_late} readings, not {due:.0}");
    for (late, early) in late.iter().zip(&early) {
        assert_eq!((late.phase, early.phase), (Phase::Live, Phase::Live));
        let apart_secs = late.time_secs - early.time_secs;
        assert!((apart_secs - before_secs).abs() < 2e-6, "{apart_secs} s, not {before_secs}");
        let values = |reading: &Reading| [reading.bands.as_flattened(), &reading.shares].concat();
        for (a, b) in values(late).iter().zip(values(early)) {
            assert!((a - b).abs() <= ROUNDING, "after ten hours {late:?}\nafresh {early:?}");
        }
        let tempi = |r: &Reading| [r.tempo_bpm, r.tempo_harmonic_bpm, r.tempo_percussive_bpm];
        assert_eq!(tempi(late), tempi(early));
    }
}
