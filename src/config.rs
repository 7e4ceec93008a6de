//! Every constant of the analysis, with unit and source. Derived ones are expressions of the
//! others.
//!
//! The paper leaves frame rate and window open; its numbers (431 frames in 10 s) are librosa's
//! defaults, so ours are too.

/// Rate at which everything is analysed, Hz. librosa's default, and the paper's by its frame count.
pub const ANALYSIS_RATE_HZ: u32 = 22_050;

/// Samples under one analysis window (93 ms).
pub const WINDOW_SAMPLES: usize = 2048;

/// Samples between frames (23.2 ms).
pub const HOP_SAMPLES: usize = 512;

/// Bins of a real spectrum, DC and Nyquist included.
pub const N_BINS: usize = WINDOW_SAMPLES / 2 + 1;

/// Frames per second (43.07).
pub const FRAME_RATE_HZ: f64 = ANALYSIS_RATE_HZ as f64 / HOP_SAMPLES as f64;

/// Length K of both median filters, frames and bins. FitzGerald 2010 uses 17 to 31; 31 is librosa's
/// default.
pub const MEDIAN_LENGTH: usize = 31;

/// Future frames that a centred median of [`MEDIAN_LENGTH`] needs: 348 ms.
pub const LOOKAHEAD_FRAMES: usize = MEDIAN_LENGTH / 2;

/// The rolling window that a reading describes, seconds (the paper's clip length).
pub const RING_SECS: usize = 10;

/// Samples in the rolling window.
pub const RING_SAMPLES: usize = RING_SECS * ANALYSIS_RATE_HZ as usize;

/// Whole frames in the rolling window: 427.
pub const RING_FRAMES: usize = 1 + (RING_SAMPLES - WINDOW_SAMPLES) / HOP_SAMPLES;

/// Frames averaged into one step of the network's input: 4 (93 ms).
pub const FRAMES_PER_STEP: usize = 4;

/// Steps of the network's input: 99, all whose medians see only audio of the rolling window.
///
/// One frame is spared on top of the lookahead on both sides, for the onset strength of the first
/// frame.
pub const N_STEPS: usize = (RING_FRAMES - 2 * LOOKAHEAD_FRAMES - 1) / FRAMES_PER_STEP;

/// Frames under the network's input: 396.
pub const FEATURE_FRAMES: usize = N_STEPS * FRAMES_PER_STEP;

/// Frames between readings: 8 (186 ms), so 5.38 readings a second.
pub const FRAMES_PER_READING: usize = 2 * FRAMES_PER_STEP;

/// Seconds between readings (0.186).
pub const READING_SECS: f64 = FRAMES_PER_READING as f64 / FRAME_RATE_HZ;

/// Steps of the recent view, the newest of the window: with what the first of them needs besides
/// its own hops, 3.95 s of audio.
pub const RECENT_STEPS: usize = 38;

/// Audio needed before the first, provisional reading, seconds.
pub const FIRST_READING_SECS: f64 = 1.0;

/// Pitch classes of a chroma vector, C first.
pub const N_CHROMA: usize = 12;

/// Mel bands of each part: enough to tell instruments apart, wide enough to hold a bin each.
pub const N_MEL_BANDS: usize = 40;

/// How far under the loudest band of a frame a band still counts for onset strength, dB. Relative,
/// so that gain moves nothing; beyond 60 dB the bins that the masks flicker on and off would count
/// more than the music.
pub const ONSET_RANGE_DB: f32 = 60.0;

/// How far under the loudest band of two frames a band still counts for change, dB.
pub const CHANGE_RANGE_DB: f32 = 80.0;

/// How far under the window's mean power the network hears a mel band, dB. 80 would cut off a third
/// of the values of the top bands.
pub const MEL_RANGE_DB: f32 = 110.0;

/// Upper edge of the lowest band of spectral contrast, Hz; the others are octaves above it, up to
/// 9.6 kHz, which every host's rate and every codec leaves alone.
pub const CONTRAST_LOWEST_HZ: f64 = 150.0;

/// Bands of spectral contrast; librosa's default.
pub const N_CONTRAST_BANDS: usize = 7;

/// Share of a band's bins that are its peaks, and its valleys. Of librosa's 0.02 a low octave would
/// have less than one bin.
pub const CONTRAST_QUANTILE: f64 = 0.1;

/// Bands whose modulation is followed: the mel bands by fours.
pub const N_MODULATION_BANDS: usize = N_MEL_BANDS / 4;

/// Rates in which modulation is told, 0.2 Hz to Nyquist.
pub const N_MODULATION_RATES: usize = 6;

/// Figures that describe the tonality of a window.
pub const N_TONALITY: usize = 19;

/// Longest lag of the tempogram, frames (2.97 s): four beats at 81 BPM, so slow pulses can be
/// confirmed by their multiples.
pub const MAX_LAG_FRAMES: usize = 128;

/// Slowest tempo reported, BPM.
pub const MIN_BPM: f64 = 40.0;

/// Fastest tempo reported, BPM.
pub const MAX_BPM: f64 = 240.0;

/// Mean power under which music counts as silence: −70 dB re full scale, the gate of EBU R 128.
pub const SILENCE_DB: f32 = -70.0;

/// How long silence must last before the meter rests, seconds.
pub const SILENCE_SECS: f64 = 2.0;

/// Largest sample magnitude that is taken at its word: +60 dB re full scale. Beyond, samples are
/// clamped, so that powers stay finite.
pub const SAMPLE_LIMIT: f32 = 1000.0;

const _: () = assert!(RING_FRAMES == 427 && N_STEPS == 99);
const _: () = assert!(MEDIAN_LENGTH % 2 == 1);
