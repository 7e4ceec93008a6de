//! Where the window looks: a moment of the monitor and the outputs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::ViewState;
use crate::engine::monitor::{Monitor, Status};
use crate::live::{Live, OscState, PageState};
use crate::lock::lock;
use crate::model::card::ModelFacts;
use crate::outputs::{OutputState, Outputs};
use crate::reading::Reading;
use crate::why::Why;

/// A host that lets this long pass without a new reading has stopped calling: five readings' worth,
/// and short enough to trust.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// What the window is told at a moment.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    /// The newest reading.
    pub reading: Reading,
    /// The tempo that has held for some seconds, BPM; `None` while none is clear.
    pub held_bpm: Option<f32>,
    /// Samples lost at the ring since the start or the last reset, at the host's rate.
    pub lost_samples: u64,
    /// How the analysis is doing.
    pub status: Status,
    /// What is wrong with the outputs, or could not be read of the project's state, if anything.
    pub output_problem: Option<String>,
    /// How each kind of output is doing.
    pub outputs: Vec<OutputState>,
    /// How what is sent by OSC is doing.
    pub osc: OscState,
    /// How the page for browsers is doing.
    pub page: PageState,
    /// The model in charge.
    pub model: Arc<ModelFacts>,
    /// Any audio has come since the host has activated the plugin.
    pub has_heard: bool,
    /// None has come for a while.
    pub is_stale: bool,
    /// Time that the analysis takes per second of audio.
    pub load: f32,
    /// Seconds between readings where the machine is too busy for all of them; else 0.
    pub interval_secs: f32,
    /// What pushed a reading, where that was asked for.
    pub why: Option<Why>,
}

/// Looks at a [`Monitor`] again and again, and knows when it has gone stale.
///
/// Clones agree on that: the window is painted when the watcher finds another view, and would else
/// find the old one once more, with nobody to tell it of the new.
#[derive(Clone)]
pub struct Source {
    monitor: Arc<Monitor>,
    outputs: Arc<Outputs>,
    live: Option<Arc<Live>>,
    /// How much was heard, and when one of the clones has noticed it.
    newest: Arc<Mutex<(u64, Instant)>>,
}

impl Source {
    /// A look at `monitor` that begins at `now`.
    #[must_use]
    pub fn new(monitor: Arc<Monitor>, outputs: Arc<Outputs>, now: Instant) -> Self {
        let newest = Arc::new(Mutex::new((monitor.heard(), now)));
        Self { monitor, outputs, live: None, newest }
    }

    /// The same with an eye on what is sent live.
    #[must_use]
    pub fn with_live(self, live: Arc<Live>) -> Self {
        Self { live: Some(live), ..self }
    }

    /// What there is at `now`, as it is to be seen.
    #[must_use]
    pub fn look(&self, now: Instant) -> ViewState {
        ViewState::of(&self.moment(now))
    }

    fn moment(&self, now: Instant) -> Moment {
        let changed_at = {
            let mut newest = lock(&self.newest);
            let heard = self.monitor.heard();
            if heard != newest.0 {
                *newest = (heard, now);
            }
            newest.1
        };
        let is_stale = now.saturating_duration_since(changed_at) > STALE_AFTER;
        let (stamped, outputs) = (self.monitor.latest(), self.outputs.states());
        let (osc, page) = self.live.as_ref().map(|live| live.state()).unwrap_or_default();
        Moment {
            reading: stamped.reading,
            held_bpm: stamped.held_bpm,
            lost_samples: stamped.overrun_samples,
            status: self.monitor.status(),
            output_problem: outputs
                .iter()
                .find_map(|state| state.problem.clone())
                .or_else(|| osc.problem.clone())
                .or_else(|| page.problem.clone())
                .or_else(|| self.monitor.state_problem()),
            osc,
            page,
            model: self.monitor.model(),
            has_heard: self.monitor.heard() > 0,
            is_stale,
            load: self.monitor.load(),
            interval_secs: self.monitor.interval_secs(),
            outputs,
            why: self.monitor.why(),
        }
    }
}
