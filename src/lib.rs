//! Moodring: how excited or calm, joyful or sad the music is, while it plays.
//!
//! ```text
//! host audio → ring → samples → frames → features → model → Reading → editor | outputs
//! └ audio thread ┘    └────────── analysis thread, or the command line ─┘   └ readers ┘
//! ```
//!
//! An [`Analyser`] takes interleaved samples of any rate and layout and hands out [`Reading`]s:
//!
//! ```
//! use moodring::{Analyser, Layout, Model};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut analyser = Analyser::new(48_000.0, Layout::STEREO, &Model::shipped()?)?;
//! // Twelve seconds of a chord, a second at a time.
//! let tone = |n: u32, hz: f32| (n as f32 / 48_000.0 * hz * std::f32::consts::TAU).sin();
//! let chord = |n| 0.1 * (tone(n, 220.0) + tone(n, 277.2) + tone(n, 329.6));
//! let mut last = None;
//! for second in 0..12 {
//!     let samples: Vec<f32> =
//!         (0..96_000).map(|i| chord(second * 48_000 + i / 2)).collect();
//!     analyser.push(&samples, |reading| last = Some(*reading))?;
//! }
//! let reading = last.expect("a reading every 186 ms, from the first second on");
//! println!("{:.0} % excited at {:.1} s", 100.0 * reading.shares()[0], reading.time_secs);
//! # assert!(reading.time_secs > 11.0 && reading.shares().len() == 2);
//! # Ok(())
//! # }
//! ```
//!
//! The modules stand in the order of what they know: each names only those above it. The audio
//! thread touches only `engine::ring`; the thread `mood-analysis` runs everything from there to
//! [`Reading`]; eyes look at `engine::monitor` and back through `history`, outputs subscribe to
//! `engine::feed`. The command line runs the same [`Analyser`] with no thread at all.
//! `docs/architecture.md` has the threads, what they share, and the way from a sample to a pixel.
//!
//! Features: `plugin` (default) = nice-plug and the editor; `cli` (default) = the command line;
//! `decode` = audio files to readings; `engine` = the analysis on a thread of its own, with outputs
//! and history; `plot` = pictures; `internals` = every module public, for this repository's own
//! programs; `alloc-check` = the host wrapper aborts on an allocation in `process`. Without any,
//! this is the analysis alone.

// What only our own programs and tests use, and the links to it, are there with `internals`.
#![cfg_attr(
    not(feature = "internals"),
    allow(dead_code, unused_imports, rustdoc::private_intra_doc_links),
    warn(missing_debug_implementations, unnameable_types)
)]

// Each module stands here twice, because a macro for it would hide the files from rustfmt.

#[cfg(not(feature = "internals"))]
mod units;
#[cfg(feature = "internals")]
pub mod units;

#[cfg(not(feature = "internals"))]
mod files;
#[cfg(feature = "internals")]
pub mod files;

#[cfg(all(any(feature = "decode", feature = "engine"), not(feature = "internals")))]
mod lock;
#[cfg(all(any(feature = "decode", feature = "engine"), feature = "internals"))]
pub mod lock;

#[cfg(all(feature = "engine", not(feature = "internals")))]
mod errand;
#[cfg(all(feature = "engine", feature = "internals"))]
pub mod errand;

#[cfg(not(feature = "internals"))]
mod simd;
#[cfg(feature = "internals")]
pub mod simd;

#[cfg(not(feature = "internals"))]
mod config;
#[cfg(feature = "internals")]
pub mod config;

#[cfg(not(feature = "internals"))]
mod reading;
#[cfg(feature = "internals")]
pub mod reading;

#[cfg(all(any(feature = "decode", feature = "engine"), not(feature = "internals")))]
mod held_tempo;
#[cfg(all(any(feature = "decode", feature = "engine"), feature = "internals"))]
pub mod held_tempo;

#[cfg(not(feature = "internals"))]
mod why;
#[cfg(feature = "internals")]
pub mod why;

#[cfg(not(feature = "internals"))]
mod analysis;
#[cfg(feature = "internals")]
pub mod analysis;

#[cfg(not(feature = "internals"))]
mod model;
#[cfg(feature = "internals")]
pub mod model;

#[cfg(not(feature = "internals"))]
mod analyser;
#[cfg(feature = "internals")]
pub mod analyser;

#[cfg(all(feature = "decode", not(feature = "internals")))]
mod decode;
#[cfg(all(feature = "decode", feature = "internals"))]
pub mod decode;

#[cfg(all(feature = "decode", not(feature = "internals")))]
mod scan;
#[cfg(all(feature = "decode", feature = "internals"))]
pub mod scan;

#[cfg(all(feature = "engine", not(feature = "internals")))]
mod history;
#[cfg(all(feature = "engine", feature = "internals"))]
pub mod history;

#[cfg(all(feature = "engine", not(feature = "internals")))]
mod engine;
#[cfg(all(feature = "engine", feature = "internals"))]
pub mod engine;

#[cfg(all(feature = "engine", not(feature = "internals")))]
mod outputs;
#[cfg(all(feature = "engine", feature = "internals"))]
pub mod outputs;

#[cfg(all(feature = "plot", not(feature = "internals")))]
mod plot;
#[cfg(all(feature = "plot", feature = "internals"))]
pub mod plot;

#[cfg(all(feature = "engine", feature = "plot", not(feature = "internals")))]
mod export;
#[cfg(all(feature = "engine", feature = "plot", feature = "internals"))]
pub mod export;

#[cfg(feature = "plugin")]
pub mod prefs;

#[cfg(feature = "plugin")]
pub mod params;

#[cfg(feature = "plugin")]
pub mod ballistics;

#[cfg(feature = "plugin")]
pub mod mood;

#[cfg(feature = "plugin")]
pub mod live;

#[cfg(feature = "plugin")]
pub mod editor;

#[cfg(feature = "plugin")]
pub mod plugin;

pub use analyser::{Analyser, AnalyserError};
pub use analysis::downmix::{Layout, MAX_CHANNELS, downmix};
pub use analysis::resample::RateError;
#[cfg(feature = "decode")]
pub use decode::{AudioFile, Block, DecodeError, Outcome};
#[cfg(feature = "engine")]
pub use engine::{
    Engine,
    control::Control,
    feed::{Event, Feed, Subscribed, Subscription},
    latest::{Latest, LatestReader, Newest},
    monitor::{Monitor, Status},
    ring::AudioEnd,
    timeline::Transport,
};
#[cfg(feature = "engine")]
pub use history::{Clock, History, HistoryMark, Means, Point, Track};
pub use model::Model;
pub use model::card::{About, Card, JudgedOn, ModelFacts};
pub use model::error::{CardError, ModelError, NetworkError, RunError, in_words};
pub use model::space::LabelSpace;
pub use model::uncertainty::Uncertainty;
#[cfg(feature = "engine")]
pub use outputs::{Output, OutputError};
#[cfg(feature = "plot")]
pub use plot::{PlotError, Section, plot_readings};
pub use reading::{MAX_SPACES, Phase, Reading, Recent, Stamped};
#[cfg(feature = "decode")]
pub use scan::{ScanError, Summary, Wanted, Whole, read_file};
pub use why::{Group, N_GROUPS, Why};

/// The README's own program, which is compiled and run as it stands there.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// An analysis may be made on one thread and run on another.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}
    is_send::<Analyser>();
    is_shared::<Model>();
    is_shared::<Reading>();
};
