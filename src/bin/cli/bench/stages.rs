//! The stages from samples to the features of a frame, each ready to be called again and again: for
//! `bench`, and for `benches/stages.rs`, which takes this same file.

use std::hint::black_box;

use moodring::analysis::chroma::Chroma;
use moodring::analysis::contrast::Contrast;
use moodring::analysis::crest::crest_db;
use moodring::analysis::downmix::{Downmix, Layout};
use moodring::analysis::frame::FrameExtractor;
use moodring::analysis::hpss::Hpss;
use moodring::analysis::median::{FrequencyMedian, TimeMedian};
use moodring::analysis::mel::MelBank;
use moodring::analysis::resample::{RateError, Resampler};
use moodring::analysis::stft::Stft;
use moodring::analysis::subsonic::Subsonic;
use moodring::analysis::tempo::Tempogram;
use moodring::config::{ANALYSIS_RATE_HZ, HOP_SAMPLES, MEDIAN_LENGTH, N_BINS, WINDOW_SAMPLES};

/// Hands `on_stage` the name of each stage and one call of it, which takes what the music has next
/// and costs what a frame costs; "all" is the whole way.
///
/// * `music` — mono, several seconds of it, long enough for more spectra than a median spans.
pub fn each(
    music: &[f32],
    rate_hz: f64,
    mut on_stage: impl FnMut(&'static str, &mut dyn FnMut()),
) -> Result<(), RateError> {
    let mut spectra = Vec::new();
    let mut resampled = Vec::new();
    Resampler::new(rate_hz)?.push(music, |samples| resampled.extend_from_slice(samples));
    Stft::new().push(&resampled, |_, magnitude| spectra.push(magnitude.to_vec()));
    let mut spectra = Round::of(&spectra);
    let hop = &resampled[..HOP_SAMPLES];
    let host_hop = (HOP_SAMPLES as f64 * rate_hz / f64::from(ANALYSIS_RATE_HZ)) as usize;
    let host_hops: Vec<&[f32]> = music.chunks_exact(host_hop).collect();
    let mut host_hops = Round::of(&host_hops);
    let stereo: Vec<f32> = music.iter().flat_map(|x| [*x, 0.9 * x]).collect();
    let stereo_hops: Vec<&[f32]> = stereo.chunks_exact(2 * host_hop).collect();
    let mut stereo_hops = Round::of(&stereo_hops);

    let mut downmix = Downmix::new(rate_hz, Layout::STEREO);
    on_stage("downmix of stereo", &mut || {
        downmix.push(stereo_hops.next(), |mono, _| _ = black_box(mono));
    });
    let mut resampler = Resampler::new(rate_hz)?;
    on_stage("resample", &mut || {
        resampler.push(host_hops.next(), |samples| _ = black_box(samples));
    });
    let mut subsonic = Subsonic::new();
    on_stage("subsonic", &mut || subsonic.push(hop, |samples| _ = black_box(samples)));
    let mut stft = Stft::new();
    on_stage("stft", &mut || stft.push(hop, |_, magnitude| _ = black_box(magnitude)));
    let (mut frequency, mut medians) = (FrequencyMedian::new(N_BINS), vec![0.0; N_BINS]);
    on_stage("median along frequency", &mut || frequency.filter(spectra.next(), &mut medians));
    let mut time = TimeMedian::new(N_BINS);
    spectra.items[..MEDIAN_LENGTH].iter().for_each(|spectrum| time.replace(None, spectrum));
    let mut newest = MEDIAN_LENGTH;
    on_stage("median along time", &mut || {
        time.replace(Some(spectra.at(newest - MEDIAN_LENGTH)), spectra.at(newest));
        newest += 1;
    });
    let mut hpss = Hpss::new(N_BINS);
    on_stage("hpss", &mut || _ = black_box(hpss.push(spectra.next()).is_some()));
    let chroma = Chroma::new();
    on_stage("chroma", &mut || _ = black_box(chroma.of(spectra.next())));
    let mel = MelBank::new();
    on_stage("mel", &mut || _ = black_box(mel.power(spectra.next())));
    let mut contrast = Contrast::new();
    on_stage("contrast", &mut || _ = black_box(contrast.of(spectra.next())));
    on_stage("crest", &mut || _ = black_box(crest_db(black_box(&resampled[..WINDOW_SAMPLES]))));
    let mut tempogram = Tempogram::new();
    on_stage("tempo", &mut || tempogram.push(black_box(0.5)));
    let mut extractor = FrameExtractor::new(rate_hz, Layout::MONO)?;
    on_stage("all", &mut || {
        extractor.push(host_hops.next(), |frame| _ = black_box(frame.index));
    });
    Ok(())
}

/// Items that are taken one after the other, for ever.
struct Round<'a, T> {
    items: &'a [T],
    turn: usize,
}

impl<'a, T> Round<'a, T> {
    /// `items` holds one at least.
    fn of(items: &'a [T]) -> Self {
        Self { items, turn: 0 }
    }

    fn at(&self, turn: usize) -> &'a T {
        &self.items[turn % self.items.len()]
    }

    fn next(&mut self) -> &'a T {
        self.turn += 1;
        self.at(self.turn)
    }
}
