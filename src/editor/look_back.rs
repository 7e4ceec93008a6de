//! What the history adds to the page in front.

use egui::Vec2;

use super::ui_state::UiState;
use super::view::ViewState;
use super::view::mood;
use super::view::then::ThenView;
use crate::history::{History, HistoryMark};
use crate::prefs::{Page, Prefs};

/// Seconds of the comet's trail.
const TRAIL_SECS: f64 = 20.0;

/// The history as it was last looked at.
#[derive(Default)]
pub struct LookBack {
    last: Option<(Look, ThenView)>,
}

/// What a look at the history depends on: while it is the same, so is what was seen.
#[derive(PartialEq)]
struct Look {
    mark: HistoryMark,
    prefs: Prefs,
    end_secs: Option<f64>,
}

impl LookBack {
    /// Adds to `view` what the page in front shows of `history`, which ends at `held_secs` while a
    /// reading is held.
    pub fn add(
        &mut self,
        view: &mut ViewState,
        history: &History,
        ui_state: &UiState,
        held_secs: Option<f64>,
    ) {
        let prefs = &ui_state.prefs;
        match prefs.page {
            Page::Then => {
                let end_secs = ui_state.end_secs;
                let look = Look { mark: history.mark(), prefs: prefs.clone(), end_secs };
                if self.last.as_ref().is_none_or(|(before, _)| *before != look) {
                    let then = ThenView::of(history, prefs.span(), end_secs, &prefs.kept);
                    self.last = Some((look, then));
                }
                view.then = self.last.as_ref().map(|(_, then)| then.clone());
            }
            Page::Now if !prefs.reduced_motion => {
                let newest_secs = held_secs.or_else(|| Some(history.newest()?.secs));
                view.trail = newest_secs.map_or_else(Vec::new, |secs| trail(history, secs, view));
            }
            _ => {}
        }
    }
}

/// Where the mood was until `newest_secs`, oldest first.
fn trail(history: &History, newest_secs: f64, view: &ViewState) -> Vec<Vec2> {
    let track = history.track(history.clock());
    let points = track.points(newest_secs - TRAIL_SECS, newest_secs.next_up());
    let known = points.filter(|point| !point.shares().is_empty());
    known.map(|point| mood::position_of(&view.meters, point.shares())).collect()
}
