//! Moodring: how excited or calm, joyful or sad the music is, while it plays.
//!
//! ```text
//! host audio → ring → samples → frames → features → model → Reading → editor | CSV
//! └ audio thread ┘    └────────── analysis thread, or the command line ─┘   └ readers ┘
//! ```
//!
//! The modules stand in the order in which the audio meets them. The audio thread touches only [`engine::ring`]; the thread
//! `mood-analysis` runs everything from there to [`reading::Reading`]; readers poll [`engine::monitor::Monitor`] and look
//! back through [`history::History`]. The command line runs the same [`analyser::Analyser`] with no thread at all.
//!
//! Features: `plugin` (default) = nice-plug and the editor; `cli` (default) = decoding and argument parsing; `plot`, in both =
//! pictures and the export of a history; `alloc-check` = the host wrapper aborts on an allocation in `process`. Without any, this is the analysis library alone.

pub mod units;

pub mod files;

pub mod lock;

pub mod errand;

pub mod simd;

pub mod config;

pub mod reading;

pub mod why;

pub mod analysis;

pub mod model;

pub mod analyser;

pub mod history;

pub mod engine;

pub mod outputs;

#[cfg(feature = "plot")]
pub mod plot;

#[cfg(feature = "plot")]
pub mod export;

#[cfg(feature = "cli")]
pub mod decode;

#[cfg(feature = "plugin")]
pub mod prefs;

#[cfg(feature = "plugin")]
pub mod params;

#[cfg(feature = "plugin")]
pub mod editor;

#[cfg(feature = "plugin")]
pub mod plugin;
