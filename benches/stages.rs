//! What a frame costs, stage by stage, and what a reading costs. Run with `cargo bench -p moodring --profile dev`, which uses the
//! build that the tests use, or without the profile for the build that ships.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use moodring::analyser::Analyser;
use moodring::analysis::chroma::Chroma;
use moodring::analysis::contrast::Contrast;
use moodring::analysis::crest::crest_db;
use moodring::analysis::downmix::Layout;
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::hpss::Hpss;
use moodring::analysis::median::{FrequencyMedian, TimeMedian};
use moodring::analysis::mel::MelBank;
use moodring::analysis::modulation::ModulationSpectrum;
use moodring::analysis::resample::Resampler;
use moodring::analysis::stft::Stft;
use moodring::analysis::tempo::Tempogram;
use moodring::analysis::tonality::Tonality;
use moodring::analysis::window::NetworkInput;
use moodring::config::{
    ANALYSIS_RATE_HZ, FEATURE_FRAMES, HOP_SAMPLES, N_BINS, N_CHROMA, N_STEPS, WINDOW_SAMPLES,
};
use moodring::model::Model;
use moodring::model::session::Session;

/// A spectrum, or a stretch of noise, that no stage can take a short cut through.
fn noise(length: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state as f32 / u32::MAX as f32
        })
        .collect()
}

fn stages(c: &mut Criterion) {
    let (hop, spectrum) = (noise(HOP_SAMPLES), noise(N_BINS));
    let mut group = c.benchmark_group("frame");
    let mut medians = vec![0.0; N_BINS];
    let mut frequency = FrequencyMedian::new(N_BINS);
    group.bench_function("median along frequency", |b| {
        b.iter(|| frequency.filter(black_box(&spectrum), &mut medians));
    });
    let mut time = TimeMedian::new(N_BINS);
    (0..31).for_each(|_| time.replace(None, &spectrum));
    group.bench_function("median along time", |b| {
        b.iter(|| time.replace(Some(black_box(&spectrum)), &spectrum));
    });
    let mut hpss = Hpss::new(N_BINS);
    group.bench_function("hpss", |b| b.iter(|| hpss.push(black_box(&spectrum)).is_some()));
    let mut stft = Stft::new();
    group.bench_function("stft", |b| b.iter(|| stft.push(black_box(&hop), |_, _| ())));
    let chroma = Chroma::new();
    group.bench_function("chroma", |b| b.iter(|| chroma.of(black_box(&spectrum))));
    let mel = MelBank::new();
    group.bench_function("mel", |b| b.iter(|| mel.power(black_box(&spectrum))));
    let mut contrast = Contrast::new();
    group.bench_function("contrast", |b| b.iter(|| contrast.of(black_box(&spectrum))));
    let window = noise(WINDOW_SAMPLES);
    group.bench_function("crest", |b| b.iter(|| crest_db(black_box(&window))));
    let mut tempogram = Tempogram::new();
    group.bench_function("tempo push", |b| b.iter(|| tempogram.push(black_box(0.5))));
    group.bench_function("tempo read", |b| b.iter(|| tempogram.read()));
    let mut resampler = Resampler::new(48_000.0).expect("48 kHz is a rate");
    let host_hop = noise(HOP_SAMPLES * 48_000 / ANALYSIS_RATE_HZ as usize);
    group.bench_function("resample 48 kHz", |b| {
        b.iter(|| resampler.push(black_box(&host_hop), |_| ()));
    });
    let mut extractor =
        FrameExtractor::new(f64::from(ANALYSIS_RATE_HZ), Layout::MONO).expect("its own rate");
    group.bench_function("all", |b| b.iter(|| extractor.push(black_box(&hop), |_| ())));
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
        b.iter(|| analyser.push(black_box(&second), &mut |_| ()));
    });
    group.finish();
}

criterion_group!(benches, stages, readings);
criterion_main!(benches);
