//! What is to be seen: a Reading and a status, turned into what each widget shows and rounded to
//! what an eye can tell apart.
//!
//! Two equal [`ViewState`]s look the same, so whoever compares them knows when a repaint is due.

mod banner;
pub mod mood;
mod source;
pub mod then;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Vec2;

use crate::ballistics::MIDDLE;
use crate::config::{RING_SECS, SILENCE_DB};
use crate::engine::monitor::Status;
use crate::live::{OscState, PageState};
use crate::model::card::ModelFacts;
use crate::model::space::{LabelSpace, adjective};
use crate::outputs::OutputState;
use crate::params::Response;
use crate::reading::{Phase, Reading};
use crate::units::POWER_FLOOR;
use crate::why::{N_GROUPS, Why};

pub use banner::{Banner, Urgency};
pub use source::{Moment, Source};
use then::ThenView;

/// Steps of a share that are told apart: 0.1 %, a pixel on a meter 1000 pixels wide.
const SHARE_STEPS: f32 = 1000.0;

/// What the state line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// No audio has arrived yet.
    #[default]
    WaitingForAudio,
    /// The model is being loaded.
    Loading,
    /// Too little music for a firm reading.
    Listening {
        /// Whole seconds heard.
        heard_secs: u8,
        /// Seconds needed.
        of_secs: u8,
    },
    /// The meters say what they mean.
    Live,
    /// Silence.
    Silent,
    /// The host has stopped calling; the meters keep the last reading.
    Paused,
    /// The user keeps the reading on show.
    Held,
    /// There will be no readings; the banner says why.
    Failed,
}

/// What the newest seconds alone say of one pair of words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RecentView {
    /// Share of the first pole, in [0, 1].
    pub share: f32,
    /// Where listeners' own share lay in four of five songs of which as little was heard.
    pub band: [f32; 2],
}

/// One meter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeterView {
    /// Number of its label space among all of the model's, whose colours it wears.
    pub index: usize,
    /// The word for the pole on the right.
    pub first: String,
    /// The word for the pole on the left.
    pub second: String,
    /// Direction of the first pole on the valence–arousal plane, degrees.
    pub angle_degrees: f32,
    /// Share of the first pole, to 0.1 %; none while it means nothing.
    pub share: Option<f32>,
    /// Where the needle points, in [0, 1], 1 = the first pole.
    pub needle: f32,
    /// Where listeners' own share lay in four of five songs that were read like this one; none
    /// while it means nothing.
    pub band: Option<[f32; 2]>,
    /// What the newest four seconds alone say: the share, and between which shares listeners' own
    /// lay; none where no more than these were heard.
    pub recent: Option<RecentView>,
    /// The farthest that the needle has lately been towards the second and the first pole.
    pub peaks: Option<[f32; 2]>,
    /// Too near an even vote to name a winner.
    pub ambiguous: bool,
    /// Half width of the band around an even vote that counts as ambiguous.
    pub ambiguous_half_width: f32,
    /// Drawn paler: less than ten seconds heard, or the host has stopped.
    pub provisional: bool,
}

impl MeterView {
    /// Shows the needle at `position`, and says what stands there: what is read is what is seen.
    pub fn point(&mut self, position: f32) {
        self.needle = position;
        if self.share.is_some() {
            self.share = Some(to_step(position));
            self.ambiguous = self.is_undecided(position);
        }
    }

    /// Whether `share` is too near an even vote to name a winner: the one rule for every page.
    #[must_use]
    pub fn is_undecided(&self, share: f32) -> bool {
        (share - MIDDLE).abs() < self.ambiguous_half_width
    }

    /// Name of the pole with the larger share where the first has `share`.
    #[must_use]
    pub fn leading_at(&self, share: f32) -> &str {
        if share >= MIDDLE { &self.first } else { &self.second }
    }

    /// Name of the pole with the larger share.
    #[must_use]
    pub fn leading(&self) -> &str {
        self.leading_at(self.share.unwrap_or(MIDDLE))
    }

    /// The band of the pole with the larger share.
    #[must_use]
    pub fn leading_band(&self) -> Option<[f32; 2]> {
        let [low, high] = self.band?;
        let is_first = self.share.unwrap_or(MIDDLE) >= MIDDLE;
        Some(if is_first { [low, high] } else { [1.0 - high, 1.0 - low] })
    }

    /// Share of the pole with the larger one, in [0.5, 1].
    #[must_use]
    pub fn leading_share(&self) -> f32 {
        let share = self.share.unwrap_or(MIDDLE);
        share.max(1.0 - share)
    }
}

/// The small numbers under the meters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The beat, once it has held, whole BPM.
    pub tempo_bpm: Option<u16>,
    /// Percussive part of the energy, whole percent.
    pub percussive_percent: Option<u8>,
    /// What the analysis takes of one processor core, whole percent.
    pub load_percent: Option<u8>,
    /// Samples that the analysis missed.
    pub lost_samples: u64,
}

/// What the reading rests on, for the page that says why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhyView {
    /// Mean power of the harmonic and of the percussive part, whole dB re full scale.
    pub energy_db: Option<[i16; 2]>,
    /// Tempo of both parts, whole BPM, and how clearly it is heard, whole percent.
    pub tempi: [Option<(u16, u8)>; 2],
    /// Mean harmonic chroma, C first, each in [0, 1], to a hundredth.
    pub chroma: [f32; 12],
    /// By meter: what each side of the music adds to the first pole's share, to 0.1 %; none until
    /// it is known.
    pub pushes: Option<Vec<[f32; N_GROUPS]>>,
}

/// What the host's parameters say.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Whether the reading on show is kept.
    pub hold: bool,
    /// Whether the analysis begins anew when the transport starts or jumps.
    pub auto_reset: bool,
    /// How quickly needles follow.
    pub response: Response,
    /// Mean power under which music counts as silence, dB re full scale.
    pub gate_db: f32,
    /// The user's own model, if there is one.
    pub model_path: Option<PathBuf>,
}

impl Default for Controls {
    fn default() -> Self {
        let (hold, auto_reset, response) = (false, true, Response::default());
        Self { hold, auto_reset, response, gate_db: SILENCE_DB, model_path: None }
    }
}

/// A file that is being written.
#[derive(Clone, Debug, PartialEq)]
pub enum ExportView {
    /// So much of it is written, whole percent.
    Writing(u8),
    /// It is there, or why it is not.
    Done(Result<PathBuf, String>),
}

/// Everything that the editor shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewState {
    /// What the state line says.
    pub state: State,
    /// The model in charge.
    pub model: Arc<ModelFacts>,
    /// The meters, top to bottom.
    pub meters: Vec<MeterView>,
    /// The small numbers.
    pub facts: Facts,
    /// Every kind of output.
    pub outputs: Vec<OutputState>,
    /// How what is sent by OSC is doing.
    pub osc: OscState,
    /// How the page for browsers is doing.
    pub page: PageState,
    /// A message, if something is wrong.
    pub banner: Option<Banner>,
    /// Where the mood was, on the plane, oldest first.
    pub trail: Vec<Vec2>,
    /// The history, while its page is in front.
    pub then: Option<ThenView>,
    /// What the reading rests on.
    pub why: WhyView,
    /// How far the edges of the stage are lit by the host's beat, in [0, 1].
    pub pulse: f32,
    /// What can be set.
    pub controls: Controls,
    /// The file that was last asked for.
    pub export: Option<ExportView>,
}

impl ViewState {
    /// What `moment` looks like. Needles point at the middle.
    #[must_use]
    pub fn of(moment: &Moment) -> Self {
        let state = State::of(moment);
        let meter = |(index, space)| meter(&moment.reading, state, index, space);
        Self {
            state,
            model: Arc::clone(&moment.model),
            meters: moment.model.spaces.iter().enumerate().map(meter).collect(),
            facts: Facts::of(moment, state.has_shares()),
            banner: Banner::of(moment),
            outputs: moment.outputs.clone(),
            osc: moment.osc.clone(),
            page: moment.page.clone(),
            why: WhyView::of(moment, state.has_shares()),
            ..Self::default()
        }
    }

    /// The same without the meters of spaces that are not shown.
    pub fn hide(&mut self, shows: impl Fn(&str) -> bool) {
        let spaces = &self.model.spaces;
        self.meters.retain(|meter| spaces.get(meter.index).is_none_or(|space| shows(&space.first)));
    }

    /// The same with every needle where its share is, as it will be once all have arrived.
    #[must_use]
    pub fn settled(mut self) -> Self {
        for meter in &mut self.meters {
            meter.needle = meter.share.unwrap_or(MIDDLE);
        }
        self
    }

    /// Where the mood is on the plane; `None` while nothing is known of it.
    #[must_use]
    pub fn mood(&self) -> Option<Vec2> {
        let known = || self.meters.iter().filter(|meter| meter.share.is_some());
        known().next()?;
        Some(mood::position(known().map(|meter| (meter.angle_degrees, meter.needle))))
    }

    /// Part of the ten seconds that has been heard, while that is the news.
    #[must_use]
    pub fn progress(&self) -> Option<f32> {
        match self.state {
            State::Listening { heard_secs, of_secs } => {
                Some(f32::from(heard_secs) / f32::from(of_secs))
            }
            _ => None,
        }
    }
}

impl State {
    fn of(moment: &Moment) -> Self {
        let Moment { reading, is_stale, has_heard, .. } = moment;
        match (&moment.status, reading.phase) {
            (Status::Failed(_), _) => Self::Failed,
            (Status::Loading, _) => Self::Loading,
            (_, Phase::Silent) => Self::Silent,
            (_, Phase::Waiting) if *is_stale || !has_heard => Self::WaitingForAudio,
            (_, Phase::Listening | Phase::Live) if *is_stale => Self::Paused,
            (_, Phase::Live) => Self::Live,
            (_, Phase::Waiting | Phase::Listening) => Self::Listening {
                // Whole seconds, and never the full number while it is not reached.
                heard_secs: (reading.heard_secs as u8).min(RING_SECS as u8 - 1),
                of_secs: RING_SECS as u8,
            },
        }
    }

    /// Whether the shares of a reading still mean something in this state.
    #[must_use]
    pub fn has_shares(self) -> bool {
        matches!(self, Self::Listening { .. } | Self::Live | Self::Paused | Self::Held)
    }
}

impl Facts {
    /// The numbers of a moment, as far as they are `known`: without music, or after a failure, they
    /// mean nothing.
    fn of(moment: &Moment, known: bool) -> Self {
        let reading = &moment.reading;
        Self {
            tempo_bpm: moment.held_bpm.filter(|_| known).map(|bpm| bpm.round() as u16),
            percussive_percent: percussive_share(reading)
                .filter(|_| known)
                .map(|s| (100.0 * s).round() as u8),
            load_percent: known.then(|| (100.0 * moment.load).ceil() as u8),
            lost_samples: moment.lost_samples,
        }
    }
}

impl WhyView {
    fn of(moment: &Moment, known: bool) -> Self {
        let reading = &moment.reading;
        if !known {
            return Self::default();
        }
        let tempo = |bpm: f32, salience: f32| {
            (bpm >= 1.0).then(|| (bpm.round() as u16, (100.0 * salience).round() as u8))
        };
        let pushes = |why: &Why| {
            let to_step = |push: &f32| (push * SHARE_STEPS).round() / SHARE_STEPS;
            let spaces = why.pushes.iter().take(why.n_spaces);
            spaces.map(|pushes| std::array::from_fn(|group| to_step(&pushes[group]))).collect()
        };
        Self {
            energy_db: Some([
                reading.energy_harmonic_db.round() as i16,
                reading.energy_percussive_db.round() as i16,
            ]),
            tempi: [
                tempo(reading.tempo_harmonic_bpm, reading.tempo_harmonic_salience),
                tempo(reading.tempo_percussive_bpm, reading.tempo_percussive_salience),
            ],
            chroma: reading.chroma.map(|c| (100.0 * c.clamp(0.0, 1.0)).round() / 100.0),
            pushes: moment.why.as_ref().map(pushes),
        }
    }
}

/// Percussive part of the energy, in [0, 1]; none where there is no energy.
fn percussive_share(reading: &Reading) -> Option<f32> {
    let power = |db: f32| 10f32.powf(db / 10.0);
    let (harmonic, percussive) =
        (power(reading.energy_harmonic_db), power(reading.energy_percussive_db));
    let sum = harmonic + percussive;
    (sum.is_finite() && sum > 2.0 * POWER_FLOOR).then(|| percussive / sum)
}

/// To the nearest step that is told apart.
fn to_step(share: f32) -> f32 {
    (share.clamp(0.0, 1.0) * SHARE_STEPS).round() / SHARE_STEPS
}

fn meter(reading: &Reading, state: State, index: usize, space: &LabelSpace) -> MeterView {
    let share = reading.shares().get(index).filter(|share| share.is_finite() && state.has_shares());
    MeterView {
        index,
        peaks: None,
        first: adjective(&space.first).to_owned(),
        second: adjective(&space.second).to_owned(),
        angle_degrees: space.angle_degrees,
        share: share.map(|share| to_step(*share)),
        needle: MIDDLE,
        ambiguous: share.is_some_and(|share| space.is_ambiguous(*share)),
        ambiguous_half_width: space.ambiguous_half_width,
        band: share.map(|_| reading.bands[index].map(to_step)),
        recent: share.and(reading.recent).map(|recent| RecentView {
            share: to_step(recent.shares[index]),
            band: recent.bands[index].map(to_step),
        }),
        provisional: state != State::Live,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::engine::monitor::{Monitor, Publisher};
    use crate::outputs::Outputs;

    fn source(monitor: &Arc<Monitor>, now: Instant) -> Source {
        let outputs = Arc::new(Outputs::new(Arc::clone(monitor.feed())));
        Source::new(Arc::clone(monitor), outputs, now)
    }

    fn model() -> ModelFacts {
        let spaces =
            vec![LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joyful", "sad", 0.0)];
        ModelFacts { spaces, ..ModelFacts::default() }
    }

    fn live(shares: [f32; 2]) -> Reading {
        let shares = [shares[0], shares[1], 0.0, 0.0];
        Reading { phase: Phase::Live, heard_secs: 10.0, n_spaces: 2, shares, ..Reading::default() }
    }

    fn moment(reading: Reading) -> Moment {
        Moment { reading, status: Status::Running, model: Arc::new(model()), ..Moment::default() }
    }

    fn seen(reading: &Reading) -> ViewState {
        ViewState::of(&moment(*reading))
    }

    #[test]
    fn what_the_watcher_finds_stale_the_window_finds_stale_in_the_same_moment() {
        let monitor = Arc::new(Monitor::default());
        monitor.set_model(model());
        monitor.set_status(Status::Running);
        let began = Instant::now();
        let after = |secs: f64| began + Duration::from_secs_f64(secs);
        let (watcher, window) = {
            let source = source(&monitor, began);
            (source.clone(), source)
        };
        let mut publisher = Publisher::new(&monitor);
        publisher.hear();
        publisher.publish(&live([0.7, 0.2]).into());
        assert_eq!(watcher.look(after(0.5)).state, State::Live);
        // A frame takes its time.
        assert_eq!(window.look(after(0.55)).state, State::Live);
        assert_eq!(watcher.look(after(1.51)).state, State::Paused);
        assert_eq!(window.look(after(1.51)).state, State::Paused);
    }

    #[test]
    fn a_live_reading_shows_its_shares_and_who_leads() {
        let view = seen(&live([0.7204, 0.2]));
        assert_eq!(view.state, State::Live);
        assert_eq!(view.meters[0].share, Some(0.72));
        assert_eq!((view.meters[1].leading(), view.meters[1].leading_share()), ("sad", 0.8));
        assert!(!view.meters[0].provisional);
    }

    #[test]
    fn changes_too_small_to_see_look_the_same() {
        assert_eq!(seen(&live([0.70001, 0.2])), seen(&live([0.70002, 0.2])));
        assert_ne!(seen(&live([0.70, 0.2])), seen(&live([0.71, 0.2])));
    }

    #[test]
    fn until_ten_seconds_are_heard_the_state_counts_them() {
        let reading = Reading { phase: Phase::Listening, heard_secs: 4.9, ..live([0.7, 0.2]) };
        let view = seen(&reading);
        assert_eq!(view.state, State::Listening { heard_secs: 4, of_secs: 10 });
        assert_eq!(view.progress(), Some(0.4));
        assert!(view.meters[0].provisional);
        assert!(view.meters[0].share.is_some());
    }

    #[test]
    fn silence_hides_the_shares_even_when_it_lasts() {
        let reading = Reading { phase: Phase::Silent, ..live([0.7, 0.2]) };
        for is_stale in [false, true] {
            let view = ViewState::of(&Moment { is_stale, ..moment(reading) });
            assert_eq!(view.state, State::Silent);
            assert_eq!(view.meters[0].share, None);
        }
    }

    #[test]
    fn a_host_that_stops_calling_is_paused_and_keeps_the_last_reading() {
        let view = ViewState::of(&Moment { is_stale: true, ..moment(live([0.7, 0.2])) });
        assert_eq!(view.state, State::Paused);
        assert_eq!(view.meters[0].share, Some(0.7));
        assert!(view.meters[0].provisional);
    }

    #[test]
    fn nothing_heard_asks_for_audio() {
        assert_eq!(seen(&Reading::default()).state, State::WaitingForAudio);
        let first_second = Moment { has_heard: true, ..moment(Reading::default()) };
        let of_secs = 10;
        assert_eq!(ViewState::of(&first_second).state, State::Listening { heard_secs: 0, of_secs });
        let stopped = Moment { is_stale: true, ..first_second };
        assert_eq!(ViewState::of(&stopped).state, State::WaitingForAudio);
    }

    #[test]
    fn failure_and_fallback_say_what_to_do() {
        let status = Status::Failed("No model: reinstall Moodring.".to_owned());
        let view = ViewState::of(&Moment { status, ..moment(live([0.7, 0.2])) });
        assert_eq!(view.state, State::Failed);
        assert_eq!(view.meters[0].share, None);
        assert_eq!(view.facts.percussive_percent, None);
        let banner = view.banner.unwrap();
        assert_eq!(banner.urgency(), Urgency::Error);
        assert_eq!(banner, Banner::Failed("No model: reinstall Moodring.".to_owned()));
        let status = Status::FallenBack("Using the shipped model.".to_owned());
        let view = ViewState::of(&Moment { status, ..moment(live([0.7, 0.2])) });
        assert_eq!(view.state, State::Live);
        assert_eq!(view.banner.unwrap().urgency(), Urgency::Warning);
    }

    #[test]
    fn an_output_that_cannot_be_written_is_a_warning_beside_live_meters() {
        let output_problem = Some("The disk is full.".to_owned());
        let view = ViewState::of(&Moment { output_problem, ..moment(live([0.7, 0.2])) });
        assert_eq!(view.state, State::Live);
        assert_eq!(view.banner, Some(Banner::Trouble("The disk is full.".to_owned())));
    }

    #[test]
    fn a_busy_machine_is_a_warning_that_says_how_often_readings_come() {
        let busy = Moment { interval_secs: 0.74, ..moment(live([0.7, 0.2])) };
        let view = ViewState::of(&busy);
        assert_eq!(view.state, State::Live);
        let banner = view.banner.unwrap();
        assert_eq!((banner.urgency(), banner), (Urgency::Warning, Banner::Busy(0.74)));
        assert_eq!(ViewState::of(&Moment { is_stale: true, ..busy }).banner, None);
    }

    #[test]
    fn while_audio_flows_nothing_is_paused_however_long_a_reading_takes() {
        let (monitor, start) = (Arc::new(Monitor::default()), Instant::now());
        monitor.set_model(model());
        monitor.set_status(Status::Running);
        let mut publisher = Publisher::new(&monitor);
        let source = source(&monitor, start);
        let after = |millis| start + Duration::from_millis(millis);
        assert_eq!(source.look(after(0)).state, State::WaitingForAudio);
        publisher.hear();
        publisher.publish(&live([0.7, 0.2]).into());
        assert_eq!(source.look(after(10)).state, State::Live);
        publisher.begin_anew();
        // The first reading after a reset, a jump or a start takes more than a second, and on a
        // busy machine three.
        for millis in (20..4000).step_by(10) {
            publisher.hear();
            let view = source.look(after(millis));
            assert_eq!(view.state, State::Listening { heard_secs: 0, of_secs: 10 }, "{millis} ms");
            assert_eq!(view.meters[0].share, None);
        }
        publisher.publish(&live([0.7, 0.2]).into());
        assert_eq!(source.look(after(4000)).state, State::Live);
        assert_eq!(source.look(after(5200)).state, State::Paused);
    }

    #[test]
    fn equal_energies_are_half_percussive() {
        let reading =
            Reading { energy_harmonic_db: -20.0, energy_percussive_db: -20.0, ..live([0.7, 0.2]) };
        assert_eq!(seen(&reading).facts.percussive_percent, Some(50));
        let silent = Reading {
            energy_harmonic_db: -100.0,
            energy_percussive_db: -100.0,
            ..live([0.7, 0.2])
        };
        assert_eq!(seen(&silent).facts.percussive_percent, None);
    }

    #[test]
    fn shares_that_are_no_numbers_are_not_shown() {
        assert_eq!(seen(&live([f32::NAN, 0.2])).meters[0].share, None);
    }

    #[test]
    fn a_monitor_that_stands_still_for_a_second_goes_stale() {
        let monitor = Arc::new(Monitor::default());
        monitor.set_model(model());
        monitor.set_status(Status::Running);
        let mut publisher = Publisher::new(&monitor);
        let start = Instant::now();
        let source = source(&monitor, start);
        publisher.hear();
        publisher.publish(&live([0.7, 0.2]).into());
        assert_eq!(source.look(start).state, State::Live);
        assert_eq!(source.look(start + Duration::from_millis(900)).state, State::Live);
        assert_eq!(source.look(start + Duration::from_millis(1100)).state, State::Paused);
        publisher.hear();
        publisher.publish(&live([0.7, 0.2]).into());
        assert_eq!(source.look(start + Duration::from_millis(1200)).state, State::Live);
    }
}
