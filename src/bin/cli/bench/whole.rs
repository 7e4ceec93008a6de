//! What the whole costs: readings, music from end to end, an instance, the audio thread, long
//! sessions.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::window::{FeatureWindow, NetworkInput};
use moodring::engine::Engine;
use moodring::engine::monitor::{Monitor, Status};
use moodring::engine::timeline::Transport;
use moodring::model::Model;
use moodring::model::session::Session as NetworkSession;

use super::cost::cost;
use super::music::Music;
use super::report::{Allocations, AudioThread, EndToEnd, Instance, ReadingCosts, Session, rounded};
use crate::heap;

/// Sessions of `--long`, seconds.
const SESSIONS_SECS: [f64; 5] = [10.0, 60.0, 600.0, 3600.0, 36_000.0];

/// Microseconds per reading.
pub fn readings(model: &Arc<Model>, music: &Music) -> anyhow::Result<ReadingCosts> {
    let mut window = FeatureWindow::new();
    FrameExtractor::new(music.rate_hz, Layout::MONO)?
        .push(&music.samples, |frame| _ = window.push(&frame.features));
    let coverage = window.coverage();
    let mut input = NetworkInput::default();
    let features = cost(|| {
        let summary = window.summary(coverage);
        window.write(coverage, &summary, &mut input);
    });
    let mut session = NetworkSession::new(model)?;
    let shares = session.run(&input)?;
    session.pushes(&input, &shares)?;
    let inference = cost(|| _ = black_box(session.run(&input).is_ok()));
    let why = cost(|| _ = black_box(session.pushes(&input, &shares).is_ok()));
    Ok(ReadingCosts { features, inference, why })
}

/// Real-time factors of a warm analyser at all readings and at one a second; and how often it calls
/// the allocator, if that is counted, while it takes how many readings.
pub fn end_to_end(
    analyser: &mut Analyser,
    music: &Music,
) -> anyhow::Result<(EndToEnd, Allocations)> {
    let secs = music.secs();
    let play = |analyser: &mut Analyser| -> anyhow::Result<(f64, Allocations)> {
        let mut readings = 0;
        let (before, began) = (heap::calls(), Instant::now());
        for block in music.samples.chunks(512) {
            analyser.push(block, |_| readings += 1)?;
        }
        let factor = rounded(secs / began.elapsed().as_secs_f64());
        let calls = heap::IS_COUNTED.then(|| heap::calls() - before);
        Ok((factor, Allocations { calls, readings }))
    };
    play(analyser)?;
    let (times_real_time, allocations) = play(analyser)?;
    analyser.set_interval_secs(1.0);
    play(analyser)?;
    let (times_real_time_at_one_reading_a_second, _) = play(analyser)?;
    let speed = EndToEnd {
        times_real_time,
        readings_per_second_of_music: rounded(allocations.readings as f64 / secs),
        times_real_time_at_one_reading_a_second,
    };
    Ok((speed, allocations))
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
    Instance { bytes, start_ms: rounded(started_ms), analyser_ms: rounded(analyser_ms) }
}

/// Nanoseconds that the audio thread spends on one block of 64 stereo samples while the analysis
/// runs.
pub fn audio_thread(music: &Music) -> AudioThread {
    const BLOCK: usize = 64;
    const BLOCKS: usize = 100_000;
    // Blocks between two rests, in which the analysis catches up: a tenth of what the ring holds.
    const RUN: usize = 250;
    let (_engine, mut audio) =
        Engine::start(music.rate_hz, Layout::STEREO, Arc::default(), Arc::default());
    let blocks = music.samples.as_chunks::<BLOCK>().0;
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
pub fn sessions(model: &Arc<Model>, music: &Music) -> anyhow::Result<Vec<Session>> {
    let session = |secs: f64| -> anyhow::Result<Session> {
        let mut analyser = Analyser::new(music.rate_hz, Layout::MONO, model)?;
        let (live, began) = (heap::live_bytes(), Instant::now());
        let mut left = (secs * music.rate_hz) as usize;
        while left > 0 {
            let now = &music.samples[..left.min(music.samples.len())];
            for block in now.chunks(4096) {
                analyser.push(block, |_| ())?;
            }
            left -= now.len();
        }
        let took = began.elapsed().as_secs_f64();
        Ok(Session {
            secs,
            work_secs: rounded(took),
            us_per_second: rounded(took * 1e6 / secs),
            bytes_grown: heap::live_bytes() - live,
        })
    };
    SESSIONS_SECS.into_iter().map(session).collect()
}
