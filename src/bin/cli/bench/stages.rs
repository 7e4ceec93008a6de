//! What each stage of the analysis costs, and what a reading takes.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

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
use moodring::model::Model;
use moodring::model::session::Session;

use super::cost;
use super::report::Costs;

/// Microseconds per frame of every stage, and of all together.
pub fn stages(music: &[f32], rate_hz: f64) -> anyhow::Result<Costs> {
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
    Ok(BTreeMap::from([
        ("downmix of stereo", cost(|| downmix.push(next_stereo(), |mono, _| _ = black_box(mono)))),
        ("resample", cost(|| resampler.push(next_hop(), |samples| _ = black_box(samples)))),
        ("subsonic", cost(|| subsonic.push(&resampled[..HOP_SAMPLES], |x| _ = black_box(x)))),
        ("stft", cost(|| stft.push(&resampled[..HOP_SAMPLES], |_, m| _ = black_box(m)))),
        ("median along frequency", cost(|| frequency.filter(&spectra[next()], &mut medians))),
        (
            "median along time",
            cost(|| {
                let (old, new) = ((newest - MEDIAN_LENGTH) % spectra.len(), newest % spectra.len());
                time.replace(Some(&spectra[old]), &spectra[new]);
                newest += 1;
            }),
        ),
        ("hpss", cost(|| _ = black_box(hpss.push(&spectra[next()]).is_some()))),
        ("chroma", cost(|| _ = black_box(chroma.of(&spectra[next()])))),
        ("mel", cost(|| _ = black_box(mel.power(&spectra[next()])))),
        ("contrast", cost(|| _ = black_box(contrast.of(&spectra[next()])))),
        ("crest", cost(|| _ = black_box(crest_db(&resampled[..WINDOW_SAMPLES])))),
        ("tempo", cost(|| tempogram.push(black_box(0.5)))),
        ("all", cost(|| extractor.push(next_hop(), |frame| _ = black_box(frame.index)))),
    ]))
}

/// Microseconds per reading: the window's summary and features, the network, and what pushed the
/// reading where somebody asks.
pub fn readings(model: &Arc<Model>, music: &[f32], rate_hz: f64) -> anyhow::Result<Costs> {
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
    Ok(BTreeMap::from([("features", features), ("inference", inference), ("why", why)]))
}
