//! What the whole analysis costs: of music, of an instance, of a session, on the audio thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::engine::Engine;
use moodring::engine::monitor::{Monitor, Status};
use moodring::engine::timeline::Transport;
use moodring::model::Model;
use moodring::units::samples_to_secs;

use super::report::{Allocations, AudioThread, EndToEnd, Instance, Rounded, Session};
use crate::heap;

/// Sessions of `--long`, seconds.
const SESSIONS_SECS: [f64; 5] = [10.0, 60.0, 600.0, 3600.0, 36_000.0];

/// Real-time factors of a warm analyser at all readings and at one a second; and how often it calls
/// the allocator, if that is counted, while it takes how many readings.
pub fn end_to_end(
    analyser: &mut Analyser,
    music: &[f32],
    rate_hz: f64,
) -> anyhow::Result<(EndToEnd, Allocations)> {
    let secs = samples_to_secs(music.len() as u64, rate_hz);
    let mut n_readings = 0_u64;
    let mut play = |analyser: &mut Analyser| -> anyhow::Result<(f64, u64, u64)> {
        n_readings = 0;
        let (before, began) = (heap::calls(), Instant::now());
        for block in music.chunks(512) {
            analyser.push(block, &mut |_| n_readings += 1)?;
        }
        Ok((secs / began.elapsed().as_secs_f64(), n_readings, heap::calls() - before))
    };
    play(analyser)?;
    let (factor, readings, calls) = play(analyser)?;
    analyser.set_interval_secs(1.0);
    play(analyser)?;
    let (factor_each_second, _, _) = play(analyser)?;
    let speed = EndToEnd {
        times_real_time: Rounded(factor),
        readings_per_second_of_music: Rounded(readings as f64 / secs),
        times_real_time_at_one_reading_a_second: Rounded(factor_each_second),
    };
    Ok((speed, Allocations { calls: heap::IS_COUNTED.then_some(calls), readings }))
}

/// Heap of one more instance, and how long it takes to make one, once the model is loaded.
pub fn instance(rate_hz: f64, analyser_ms: f64) -> Instance {
    let start = || {
        let monitor = Arc::new(Monitor::default());
        let began = Instant::now();
        let (engine, audio) =
            Engine::start(rate_hz, Layout::STEREO, Arc::default(), Arc::clone(&monitor));
        let started_ms = began.elapsed().as_secs_f64() * 1e3;
        while matches!(monitor.status(), Status::Idle | Status::Loading) {
            std::thread::sleep(Duration::from_millis(1));
        }
        (started_ms, (monitor, engine, audio))
    };
    let first = start();
    let before = heap::live_bytes();
    let (started_ms, second) = start();
    let bytes = heap::live_bytes() - before;
    drop((first, second));
    Instance { bytes, start_ms: Rounded(started_ms), analyser_ms: Rounded(analyser_ms) }
}

/// Nanoseconds that the audio thread spends on one block of 64 stereo samples while the analysis
/// runs.
pub fn audio_thread(rate_hz: f64, music: &[f32]) -> AudioThread {
    const BLOCK: usize = 64;
    const BLOCKS: usize = 100_000;
    // Blocks between two rests, in which the analysis catches up: a tenth of what the ring holds.
    const RUN: usize = 250;
    let (_engine, mut audio) =
        Engine::start(rate_hz, Layout::STEREO, Arc::default(), Arc::default());
    let blocks = music.as_chunks::<BLOCK>().0;
    let mut took_ns: Vec<f64> = (0..BLOCKS)
        .map(|n| {
            if n % RUN == 0 {
                audio.settle();
            }
            let block = &blocks[n % blocks.len()];
            let began = Instant::now();
            audio.process(&[block, block], &Transport::default());
            began.elapsed().as_nanos() as f64
        })
        .collect();
    took_ns.sort_by(f64::total_cmp);
    AudioThread {
        median_ns: took_ns[BLOCKS / 2],
        p9999_ns: took_ns[BLOCKS - BLOCKS / 10_000],
        most_ns: took_ns[BLOCKS - 1],
    }
}

/// Seconds of work for sessions of growing length, at all readings; the music goes round and round.
pub fn sessions(model: &Arc<Model>, music: &[f32], rate_hz: f64) -> anyhow::Result<Vec<Session>> {
    let mut rows = Vec::new();
    for secs in SESSIONS_SECS {
        let mut analyser = Analyser::new(rate_hz, Layout::MONO, model)?;
        let (live, began) = (heap::live_bytes(), Instant::now());
        let mut left = (secs * rate_hz) as usize;
        while left > 0 {
            let now = &music[..left.min(music.len())];
            for block in now.chunks(4096) {
                analyser.push(block, &mut |_| ())?;
            }
            left -= now.len();
        }
        let took = began.elapsed().as_secs_f64();
        rows.push(Session {
            secs,
            work_secs: Rounded(took),
            us_per_second: Rounded(took * 1e6 / secs),
            bytes_grown: heap::live_bytes() - live,
        });
    }
    Ok(rows)
}
