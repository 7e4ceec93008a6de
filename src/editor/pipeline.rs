//! From a moment of the analysis to the view of one frame, step by step.
//!
//! ```text
//! Source::look → controls → hold → hide → needles → look back → export, beat
//! ```
//!
//! Each step takes the whole view and hands it on; nothing else changes one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hold::Hold;
use super::look_back::LookBack;
use super::needles::Needles;
use super::pulse;
use super::ui_state::UiState;
use super::view::{Controls, ExportView, Source, State, ViewState};
use crate::engine::monitor::Monitor;

/// Part of the window's width that a meter's groove takes, where the plane stands beside it.
const METER_PART: f32 = 0.56;

/// A frame is asked for while readings arrive if it is due before the next of them is likely to be
/// shown.
const SOON: Duration = Duration::from_millis(150);

/// What turns looks into frames, and what it remembers from one to the next.
pub struct Pipeline {
    monitor: Arc<Monitor>,
    source: Source,
    hold: Hold,
    needles: Needles,
    look_back: LookBack,
}

impl Pipeline {
    /// One that looks through `source` and back through the history of `monitor`.
    pub fn new(monitor: Arc<Monitor>, source: Source) -> Self {
        let (hold, needles, look_back) = Default::default();
        Self { monitor, source, hold, needles, look_back }
    }

    /// Where it looks.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What is to be seen at `now` on a window `n_pixels` wide, and when that will have changed by
    /// itself.
    pub fn view(
        &mut self,
        now: Instant,
        n_pixels: f32,
        controls: Controls,
        ui_state: &UiState,
        export: Option<ExportView>,
    ) -> (ViewState, Option<Duration>) {
        let view = ViewState { controls, ..self.source.look(now) };
        let monitor = &self.monitor;
        let mut view = self.hold.of(view, || Some(monitor.read_history().newest()?.secs));
        view.hide(|first| ui_state.prefs.shows(first));
        let next = self.point(&mut view, now, n_pixels, ui_state);
        self.hold.keep(&view.meters);
        let held_secs = self.hold.newest_secs();
        self.look_back.add(&mut view, &self.monitor.read_history(), ui_state, held_secs);
        view.export = export;
        let beat = self.monitor.beat().at(now).filter(|_| ui_state.prefs.pulses());
        view.pulse = beat.map_or(0.0, pulse::strength);
        (view, next.into_iter().chain(beat.map(|_| pulse::FRAME)).min())
    }

    /// Moves the needles; when what is seen of them will have changed by itself.
    fn point(
        &mut self,
        view: &mut ViewState,
        now: Instant,
        n_pixels: f32,
        ui_state: &UiState,
    ) -> Option<Duration> {
        let prefs = &ui_state.prefs;
        // So that a needle moves by a pixel or two a frame while it is slow.
        let resolution = 1.0 / (METER_PART * n_pixels).max(1.0);
        let response = view.controls.response;
        let next = self.needles.point(view, now, resolution, response, prefs.reduced_motion);
        // The emblem may lag behind: it is seen when something else is painted.
        let next = next.filter(|_| prefs.shows_needles());
        // While readings arrive the frame of the next one will do for what moves slowly.
        let arrives = matches!(view.state, State::Live | State::Listening { .. });
        next.filter(|next| !arrives || *next < SOON)
    }
}
