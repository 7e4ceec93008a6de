//! What is sent live goes by what is set in the plugin, and other programs may set some of it.

use std::sync::{Arc, Weak};

use crate::engine::control::Control;
use crate::engine::monitor::Monitor;
use crate::history::compare::Snapshot;
use crate::live::{self, Action, Asks};
use crate::params::MoodringParams;

/// The plugin, for the thread that sends and listens.
pub(super) struct Desk {
    /// They know of who sends, and so must not be kept by it.
    params: Weak<MoodringParams>,
    control: Arc<Control>,
    monitor: Arc<Monitor>,
}

impl Desk {
    pub(super) fn new(
        params: &Arc<MoodringParams>,
        control: &Arc<Control>,
        monitor: &Arc<Monitor>,
    ) -> Self {
        let (control, monitor) = (Arc::clone(control), Arc::clone(monitor));
        Self { params: Arc::downgrade(params), control, monitor }
    }
}

impl live::Desk for Desk {
    fn asks(&self) -> Asks {
        let Some(params) = self.params.upgrade() else { return Asks::default() };
        let holds = params.hold.value() || self.control.is_held();
        Asks { response: params.response.value(), holds }
    }

    fn act(&self, action: Action) {
        match action {
            Action::Reset => {
                // In this order: the analysis may be done with it at once.
                self.monitor.forget();
                self.control.ask_reset();
            }
            Action::Hold(on) => self.control.set_held(on),
            Action::Snapshot(which) => {
                let Some(params) = self.params.upgrade() else { return };
                let mut prefs = params.prefs();
                if let Some(place) = prefs.kept.get_mut(which) {
                    *place = Snapshot::of(&self.monitor.read_history());
                    params.set_prefs(prefs);
                }
            }
            // The sender's own.
            Action::Hello => {}
        }
    }
}
