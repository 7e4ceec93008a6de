//! What a frame costs, stage by stage, and what a reading costs. Run with `cargo bench -p moodring
//! --profile dev`, which uses the build that the tests use, or without the profile for the build
//! that ships.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use moodring::analyser::Analyser;
use moodring::analysis::downmix::Layout;
use moodring::analysis::modulation::ModulationSpectrum;
use moodring::analysis::tempo::Tempogram;
use moodring::analysis::tonality::Tonality;
use moodring::analysis::window::NetworkInput;
use moodring::config::{FEATURE_FRAMES, N_CHROMA, N_STEPS};
use moodring::model::Model;
use moodring::model::session::Session;

#[path = "../src/bin/cli/bench/stages.rs"]
mod stages;

/// Rate of what stands for music, Hz.
const RATE_HZ: u32 = 48_000;

/// Noise, which no stage can take a short cut through.
fn noise(length: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32
        })
        .collect()
}

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    let music = noise(5 * RATE_HZ as usize);
    stages::each(&music, f64::from(RATE_HZ), |name, stage| {
        group.bench_function(name, |b| b.iter(&mut *stage));
    })
    .expect("48 kHz is a rate");
    let mut tempogram = Tempogram::new();
    (0..FEATURE_FRAMES).for_each(|_| tempogram.push(0.5));
    group.bench_function("tempo read", |b| b.iter(|| tempogram.read()));
    group.finish();
}

fn readings(c: &mut Criterion) {
    let model = Model::shipped().expect("the shipped model loads");
    let mut session = Session::new(&model).expect("the shipped model runs");
    let input = NetworkInput::default();
    c.bench_function("inference", |b| b.iter(|| session.run(black_box(&input))));
    let (mut modulation, band) = (ModulationSpectrum::new(), noise(FEATURE_FRAMES));
    c.bench_function("modulation of a band", |b| {
        b.iter(|| modulation.of(black_box(&band).iter().copied()));
    });
    let (tonality, chroma) = (Tonality::new(), noise(N_STEPS * N_CHROMA));
    let chroma: Vec<[f32; N_CHROMA]> =
        chroma.chunks_exact(N_CHROMA).map(|step| std::array::from_fn(|c| step[c])).collect();
    c.bench_function("tonality", |b| b.iter(|| tonality.of(black_box(&chroma))));
    let mut group = c.benchmark_group("end to end");
    let second = noise(44_100);
    let mut analyser =
        Analyser::new(44_100.0, Layout::MONO, &model).expect("the shipped model runs");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("a second of music at 44.1 kHz", |b| {
        b.iter(|| analyser.push(black_box(&second), |_| ()));
    });
    group.finish();
}

criterion_group!(benches, frame, readings);
criterion_main!(benches);
