//! A reading that is held: what was on show stays on show, while the analysis and the history go
//! on.

use super::view::{MeterView, State, ViewState};

/// What is on show while it is held; nothing while nothing is.
#[derive(Default)]
pub struct Hold(Option<Held>);

struct Held {
    view: ViewState,
    /// The newest place of the history when it began.
    newest_secs: Option<f64>,
}

impl Hold {
    /// What is to be seen where `view` is the latest: that, or what was the latest when the hold
    /// began, with the controls and the banner of now. `newest_secs` tells where the history ends,
    /// and is asked only when a hold begins.
    pub fn of(
        &mut self,
        mut view: ViewState,
        newest_secs: impl FnOnce() -> Option<f64>,
    ) -> ViewState {
        if !view.controls.hold {
            self.0 = None;
            return view;
        }
        let begin = || Held { view: view.clone(), newest_secs: newest_secs() };
        let held = &self.0.get_or_insert_with(begin).view;
        view = ViewState { controls: view.controls, banner: view.banner, ..held.clone() };
        if view.state.has_shares() {
            view.state = State::Held;
        }
        view
    }

    /// Holds the needles and peaks of `meters` too; those of meters that are hidden meanwhile stay
    /// as they were.
    pub fn keep(&mut self, meters: &[MeterView]) {
        let Some(held) = &mut self.0 else { return };
        for meter in meters {
            let kept = held.view.meters.iter_mut().find(|kept| kept.index == meter.index);
            kept.into_iter().for_each(|kept| kept.clone_from(meter));
        }
    }

    /// Where the history ended when the hold began; `None` where nothing is held.
    pub fn newest_secs(&self) -> Option<f64> {
        self.0.as_ref().and_then(|held| held.newest_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(hold: bool, shares: [f32; 2]) -> ViewState {
        let meter = |(index, share)| MeterView { index, share: Some(share), ..Default::default() };
        let meters = shares.into_iter().enumerate().map(meter).collect();
        let mut view = ViewState { state: State::Live, meters, ..ViewState::default() };
        view.controls.hold = hold;
        view
    }

    fn shares(view: &ViewState) -> Vec<Option<f32>> {
        view.meters.iter().map(|meter| meter.share).collect()
    }

    #[test]
    fn what_was_on_show_stays_until_it_is_let_go() {
        let mut hold = Hold::default();
        assert_eq!(hold.of(view(false, [0.1, 0.2]), || Some(1.0)).state, State::Live);
        assert_eq!(hold.newest_secs(), None);
        hold.of(view(true, [0.3, 0.4]), || Some(7.0));
        let later = hold.of(view(true, [0.5, 0.6]), || Some(9.0));
        assert_eq!((later.state, shares(&later)), (State::Held, vec![Some(0.3), Some(0.4)]));
        assert_eq!(hold.newest_secs(), Some(7.0));
        let after = hold.of(view(false, [0.5, 0.6]), || Some(9.0));
        assert_eq!((after.state, shares(&after)), (State::Live, vec![Some(0.5), Some(0.6)]));
        assert_eq!(hold.newest_secs(), None);
    }

    #[test]
    fn a_meter_that_was_hidden_meanwhile_comes_back_as_it_was() {
        let mut hold = Hold::default();
        let mut seen = hold.of(view(true, [0.3, 0.4]), || None);
        seen.meters.remove(0);
        seen.meters[0].needle = 0.4;
        hold.keep(&seen.meters);
        let again = hold.of(view(true, [0.5, 0.6]), || None);
        assert_eq!(shares(&again), [Some(0.3), Some(0.4)]);
        assert_eq!(again.meters[1].needle, 0.4);
    }

    #[test]
    fn what_the_host_says_of_its_controls_is_never_held() {
        let mut hold = Hold::default();
        hold.of(view(true, [0.3, 0.4]), || None);
        let mut later = view(true, [0.3, 0.4]);
        later.controls.gate_db = -42.0;
        assert_eq!(hold.of(later, || None).controls.gate_db, -42.0);
    }
}
