//! `bench`: what the analysis costs on this machine.

use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use moodring::analyser::Analyser;
use moodring::analysis::chroma::Chroma;
use moodring::analysis::contrast::Contrast;
use moodring::analysis::crest::crest_db;
use moodring::analysis::downmix::{Downmix, Layout};
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::hpss::Hpss;
use moodring::analysis::median::{FrequencyMedian, TimeMedian};
use moodring::analysis::mel::MelBank;
use moodring::analysis::resample::Resampler;
use moodring::analysis::stft::Stft;
use moodring::analysis::subsonic::Subsonic;
use moodring::analysis::tempo::Tempogram;
use moodring::analysis::window::{FeatureWindow, NetworkInput};
use moodring::config::{ANALYSIS_RATE_HZ, HOP_SAMPLES, MEDIAN_LENGTH, N_BINS, WINDOW_SAMPLES};
use moodring::decode::AudioFile;
use moodring::engine::Engine;
use moodring::engine::monitor::{Monitor, Status};
use moodring::engine::timeline::Transport;
use moodring::model::Model;
use moodring::model::int8::Kernel;
use moodring::model::lstm::{Direction, Matrix, Scratch};
use moodring::model::session::Session;
use moodring::simd::{Simd, WithSimd, vectorised};
use moodring::units::samples_to_secs;
use serde_json::{Value, json};

use crate::heap;
use crate::jobs;
use crate::out::Sink;
use crate::out::check::Plan;

/// Measure what the analysis costs on this machine: per frame and stage, per reading, per instance, and end to end.
///
/// Times are of this thread alone, the median of several rounds, with the fastest beside it; on a busy machine trust ratios within
/// one run more than the numbers. Allocations are counted in the warm state, from samples to readings.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  moodring-cli bench\n  moodring-cli bench song.flac --json\n  \
    moodring-cli bench --long"
)]
pub struct Args {
    /// Music to measure with, at least 20 s; without it, chords and drums made for the purpose.
    file: Option<PathBuf>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// A model of your own (.onnx, its card .json beside it) instead of the shipped one.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Also analyse sessions of 10 s to 10 h, one after the other: minutes.
    #[arg(long)]
    long: bool,
}

/// Rate of the music that is made here, Hz.
const MADE_RATE_HZ: f64 = 48_000.0;
/// How much of the music is used, seconds; a reading needs ten.
const MUSIC_SECS: f64 = 30.0;
const LEAST_SECS: f64 = 20.0;
/// Rounds of a measurement, and what each should take.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(20);
/// Sessions of `--long`, seconds.
const SESSIONS_SECS: [f64; 5] = [10.0, 60.0, 600.0, 3600.0, 36_000.0];

/// Runs the command: what the analysis costs here.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut plan = Plan::default();
    args.file.iter().for_each(|file| plan.reads("the input", file));
    plan.reads_model(args.model.as_deref());
    plan.writes_to_stdout();
    plan.check()?;
    let (music, rate_hz) = match &args.file {
        Some(path) => read(path)?,
        None => (made(MUSIC_SECS, MADE_RATE_HZ), MADE_RATE_HZ),
    };
    let found = measure(args, &music, rate_hz)?;
    let mut out = Sink::standard();
    let written =
        if args.json { writeln!(out, "{found:#}") } else { write_table(&mut out, &found) };
    let written = written.map_err(anyhow::Error::from).and_then(|()| out.finish());
    written.context("cannot write what was measured")?;
    Ok(ExitCode::SUCCESS)
}

/// The first seconds of a file, mono.
fn read(path: &Path) -> anyhow::Result<(Vec<f32>, f64)> {
    let named = || path.display().to_string();
    let (music, rate_hz) = jobs::guarded(|| start_of(path)).with_context(named)?;
    let secs = samples_to_secs(music.len() as u64, rate_hz);
    anyhow::ensure!(
        secs >= LEAST_SECS,
        "{} holds {secs:.1} s; the measurement needs {LEAST_SECS} s",
        named()
    );
    Ok((music, rate_hz))
}

fn start_of(path: &Path) -> anyhow::Result<(Vec<f32>, f64)> {
    let mut file = AudioFile::open(path)?;
    let (rate_hz, layout) = file.input();
    let mut music = Vec::new();
    let mut downmix = Downmix::new(rate_hz, layout);
    while let Some(block) = file.next_block().filter(|block| block.input() == (rate_hz, layout)) {
        downmix.push(block.samples, |mono, _| music.extend_from_slice(mono));
        if samples_to_secs(music.len() as u64, rate_hz) >= MUSIC_SECS {
            break;
        }
    }
    Ok((music, rate_hz))
}

/// Four chords and a drum on every beat, with some noise, so that no stage can take a short cut.
fn made(secs: f64, rate_hz: f64) -> Vec<f32> {
    const CHORDS_HZ: [[f64; 3]; 4] = [
        [261.6, 329.6, 392.0],
        [220.0, 261.6, 329.6],
        [174.6, 220.0, 261.6],
        [196.0, 246.9, 293.7],
    ];
    let mut noise = 1_u32;
    let mut hiss = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(noise) / f64::from(u32::MAX) - 0.5
    };
    let sample = |n: usize| {
        let t = n as f64 / rate_hz;
        let chord = CHORDS_HZ[(t / 2.0) as usize % CHORDS_HZ.len()];
        let voices: f64 = chord.iter().map(|hz| (std::f64::consts::TAU * hz * t).sin()).sum();
        let hit = (-(t % 0.5) / 0.03).exp();
        (0.1 * voices + (0.5 * hit + 0.01) * hiss()) as f32
    };
    (0..(secs * rate_hz) as usize).map(sample).collect()
}

/// What one call costs.
#[derive(Clone, Copy)]
struct Cost {
    median_us: f64,
    least_us: f64,
}

impl Cost {
    fn json(self) -> Value {
        json!({"median": rounded(self.median_us), "least": rounded(self.least_us)})
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The cost of one of many calls of `body`.
fn cost(mut body: impl FnMut()) -> Cost {
    let began = Instant::now();
    body();
    let once = began.elapsed().max(Duration::from_nanos(50));
    let calls = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            (0..calls).for_each(|_| body());
            began.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    Cost { median_us: rounds[ROUNDS / 2], least_us: rounds[0] }
}

fn measure(args: &Args, music: &[f32], rate_hz: f64) -> anyhow::Result<Value> {
    let began = Instant::now();
    let model = jobs::model(args.model.as_deref())?;
    let load_ms = began.elapsed().as_secs_f64() * 1e3;
    let began = Instant::now();
    let mut analyser = Analyser::new(rate_hz, Layout::MONO, &model)?;
    let instance_ms = began.elapsed().as_secs_f64() * 1e3;
    let (end_to_end, allocations, readings_taken) = end_to_end(&mut analyser, music, rate_hz)?;
    let mut found = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": {"name": model.card().name, "version": model.card().version, "load_ms": rounded(load_ms)},
        "machine": {
            "architecture": std::env::consts::ARCH,
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "int8_kernels": Kernel::all().iter().map(|kernel| kernel.name()).collect::<Vec<_>>(),
        },
        "music": {"rate_hz": rate_hz, "secs": samples_to_secs(music.len() as u64, rate_hz)},
        "frame_us": stages(music, rate_hz)?,
        "reading_us": readings(&model, music, rate_hz)?,
        "lstm_us": kernels(),
        "end_to_end": end_to_end,
        // Rounded up: one call among a thousand readings is no zero.
        "allocations_per_update": allocations.map(|calls| calls.div_ceil(readings_taken.max(1))),
        "allocations": {"calls": allocations, "readings": readings_taken},
        "instance": instance(rate_hz, instance_ms),
        "audio_thread": audio_thread(rate_hz, music),
    });
    if args.long {
        found["sessions"] = sessions(&model, music, rate_hz)?;
    }
    Ok(found)
}

/// Microseconds per frame of every stage, and of all together.
fn stages(music: &[f32], rate_hz: f64) -> anyhow::Result<Value> {
    let mut spectra = Vec::new();
    let mut resampled = Vec::new();
    Resampler::new(rate_hz)?.push(music, |samples| resampled.extend_from_slice(samples));
    Stft::new().push(&resampled, |_, magnitude| spectra.push(magnitude.to_vec()));
    let mut turn = 0;
    let mut next = || {
        turn = (turn + 1) % spectra.len();
        turn
    };
    let mut medians = vec![0.0; N_BINS];
    let (mut frequency, mut time) = (FrequencyMedian::new(N_BINS), TimeMedian::new(N_BINS));
    spectra[..MEDIAN_LENGTH].iter().for_each(|spectrum| time.replace(None, spectrum));
    let mut newest = MEDIAN_LENGTH;
    let (mut hpss, mut stft) = (Hpss::new(N_BINS), Stft::new());
    let (chroma, mel, mut contrast) = (Chroma::new(), MelBank::new(), Contrast::new());
    let mut tempogram = Tempogram::new();
    let mut resampler = Resampler::new(rate_hz)?;
    let (mut downmix, mut subsonic) = (Downmix::new(rate_hz, Layout::STEREO), Subsonic::new());
    let mut extractor = FrameExtractor::new(rate_hz, Layout::MONO)?;
    let host_hop = (HOP_SAMPLES as f64 * rate_hz / f64::from(ANALYSIS_RATE_HZ)) as usize;
    let hops: Vec<&[f32]> = music.chunks_exact(host_hop).collect();
    let mut hop = 0;
    let mut next_hop = || {
        hop = (hop + 1) % hops.len();
        hops[hop]
    };
    let stereo: Vec<f32> = music.iter().flat_map(|x| [*x, 0.9 * x]).collect();
    let stereo_hops: Vec<&[f32]> = stereo.chunks_exact(2 * host_hop).collect();
    let mut stereo_hop = 0;
    let mut next_stereo = || {
        stereo_hop = (stereo_hop + 1) % stereo_hops.len();
        stereo_hops[stereo_hop]
    };
    Ok(json!({
        "downmix of stereo": cost(|| downmix.push(next_stereo(), |mono, _| _ = black_box(mono))).json(),
        "resample": cost(|| resampler.push(next_hop(), |samples| _ = black_box(samples))).json(),
        "subsonic": cost(|| subsonic.push(&resampled[..HOP_SAMPLES], |x| _ = black_box(x))).json(),
        "stft": cost(|| stft.push(&resampled[..HOP_SAMPLES], |_, m| _ = black_box(m))).json(),
        "median along frequency": cost(|| frequency.filter(&spectra[next()], &mut medians)).json(),
        "median along time": cost(|| {
            let (old, new) = ((newest - MEDIAN_LENGTH) % spectra.len(), newest % spectra.len());
            time.replace(Some(&spectra[old]), &spectra[new]);
            newest += 1;
        }).json(),
        "hpss": cost(|| _ = black_box(hpss.push(&spectra[next()]).is_some())).json(),
        "chroma": cost(|| _ = black_box(chroma.of(&spectra[next()]))).json(),
        "mel": cost(|| _ = black_box(mel.power(&spectra[next()]))).json(),
        "contrast": cost(|| _ = black_box(contrast.of(&spectra[next()]))).json(),
        "crest": cost(|| _ = black_box(crest_db(&resampled[..WINDOW_SAMPLES]))).json(),
        "tempo": cost(|| tempogram.push(black_box(0.5))).json(),
        "all": cost(|| extractor.push(next_hop(), |frame| _ = black_box(frame.index))).json(),
    }))
}

/// Microseconds per reading: the window's summary and features, the network, and what pushed the reading where somebody asks.
fn readings(model: &Arc<Model>, music: &[f32], rate_hz: f64) -> anyhow::Result<Value> {
    let mut window = FeatureWindow::new();
    FrameExtractor::new(rate_hz, Layout::MONO)?
        .push(music, |frame| _ = window.push(&frame.features));
    let coverage = window.coverage();
    let mut input = NetworkInput::default();
    let features = cost(|| {
        let summary = window.summary(coverage);
        window.write(coverage, &summary, &mut input);
    });
    let mut session = Session::new(model)?;
    let shares = session.run(&input)?;
    session.pushes(&input, &shares)?;
    let inference = cost(|| _ = black_box(session.run(&input).is_ok()));
    let why = cost(|| _ = black_box(session.pushes(&input, &shares).is_ok()));
    Ok(json!({"features": features.json(), "inference": inference.json(), "why": why.json()}))
}

/// Values that are read and added up, so that no reading can be left out.
struct Summed<'a>(&'a [f32]);

impl WithSimd for Summed<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // Eight sums, of which none waits for another.
        let mut sums = [simd.splat_f32s(0.0); 8];
        for chunk in S::as_simd_f32s(self.0).0.as_chunks::<8>().0 {
            sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum = simd.add_f32s(*sum, *x));
        }
        sums.iter().map(|sum| simd.reduce_sum_f32s(*sum)).sum()
    }
}

/// Microseconds of the paper's Bi-LSTM, 12 → 2 × 512 over 54 steps, by each int8 kernel that this processor has; and of only reading
/// as many bytes as it has weights, from wherever they lie, once per step, under which no kernel can come.
fn kernels() -> Value {
    const INPUTS: usize = 12;
    const HIDDEN: usize = 512;
    const STEPS: usize = 54;
    let weights = |columns: usize| -> Vec<i8> {
        (0..4 * HIDDEN * columns)
            .map(|i| ((i * 7919) % 255) as u8)
            .map(|b| (b >> 1) as i8 - 63)
            .collect()
    };
    let matrix = |columns: usize| Matrix::int8(&weights(columns), &[1e-3; 4 * HIDDEN]);
    let direction = || Direction::new(matrix(INPUTS), matrix(HIDDEN), &[0.1; 4 * HIDDEN]);
    let directions = [direction(), direction()];
    let steps: Vec<f32> = (0..STEPS * INPUTS).map(|i| (i as f32).sin()).collect();
    let by_kernel = Kernel::all().into_iter().map(|kernel| {
        let mut scratch = directions.each_ref().map(|d| Scratch::with_kernel(d, kernel));
        let both = cost(|| {
            for (scratch, direction) in scratch.iter_mut().zip(&directions) {
                scratch.run(direction, steps.chunks_exact(INPUTS), |h| _ = black_box(h));
            }
        });
        (kernel.name().to_owned(), both.json())
    });
    let bytes = directions.each_ref().map(|_| vec![1.0_f32; HIDDEN * (INPUTS + HIDDEN)]);
    let reading = cost(|| {
        for bytes in &bytes {
            (0..STEPS).for_each(|_| _ = black_box(vectorised(Summed(black_box(bytes)))));
        }
    });
    let reading = ("only reading the weights".to_owned(), reading.json());
    Value::Object(by_kernel.chain([reading]).collect())
}

/// Real-time factors of a warm analyser at all readings and at one a second; and how often it calls the allocator, if that is
/// counted, while it takes how many readings.
fn end_to_end(
    analyser: &mut Analyser,
    music: &[f32],
    rate_hz: f64,
) -> anyhow::Result<(Value, Option<u64>, u64)> {
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
    let speed = json!({
        "times_real_time": rounded(factor),
        "readings_per_second_of_music": rounded(readings as f64 / secs),
        "times_real_time_at_one_reading_a_second": rounded(factor_each_second),
    });
    Ok((speed, heap::IS_COUNTED.then_some(calls), readings))
}

/// Heap of one more instance, and how long it takes to make one, once the model is loaded.
fn instance(rate_hz: f64, analyser_ms: f64) -> Value {
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
    json!({"bytes": bytes, "start_ms": rounded(started_ms), "analyser_ms": rounded(analyser_ms)})
}

/// Nanoseconds that the audio thread spends on one block of 64 stereo samples while the analysis runs.
fn audio_thread(rate_hz: f64, music: &[f32]) -> Value {
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
    json!({
        "median_ns": took_ns[BLOCKS / 2],
        "p9999_ns": took_ns[BLOCKS - BLOCKS / 10_000],
        "most_ns": took_ns[BLOCKS - 1],
    })
}

/// Seconds of work for sessions of growing length, at all readings; the music goes round and round.
fn sessions(model: &Arc<Model>, music: &[f32], rate_hz: f64) -> anyhow::Result<Value> {
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
        rows.push(json!({
            "secs": secs,
            "work_secs": rounded(took),
            "us_per_second": rounded(took * 1e6 / secs),
            "bytes_grown": heap::live_bytes() - live,
        }));
    }
    Ok(Value::Array(rows))
}

fn write_table<W: Write>(out: &mut W, found: &Value) -> io::Result<()> {
    let costs = |out: &mut W, title: &str, values: &Value| -> io::Result<()> {
        writeln!(out, "\n{title:42} median    least, µs")?;
        for (name, cost) in values.as_object().into_iter().flatten() {
            let (median, least) = (number(&cost["median"]), number(&cost["least"]));
            writeln!(out, "  {name:38} {median:8.2} {least:8.2}")?;
        }
        Ok(())
    };
    writeln!(out, "Moodring {} on {}", text(&found["version"]), found["machine"])?;
    costs(out, "a frame (23.2 ms of music)", &found["frame_us"])?;
    costs(out, "a reading", &found["reading_us"])?;
    costs(out, "Bi-LSTM 12 → 2 × 512 over 54 steps", &found["lstm_us"])?;
    for (title, part) in [
        ("end to end", "end_to_end"),
        ("allocator calls, warm, from samples to readings", "allocations"),
        ("one more instance", "instance"),
        ("audio thread, a block of 64 stereo samples", "audio_thread"),
        ("model", "model"),
    ] {
        writeln!(out, "\n{title}")?;
        for (name, value) in found[part].as_object().into_iter().flatten() {
            writeln!(out, "  {:44} {}", name.replace('_', " "), text(value))?;
        }
    }
    for row in found["sessions"].as_array().into_iter().flatten() {
        writeln!(out, "  a session of {row}")?;
    }
    Ok(())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// A value as people write it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
