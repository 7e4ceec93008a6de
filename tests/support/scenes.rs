//! Windows with invented readings: every state, palette, page and a range of sizes, for pictures
//! and tests.

// Each test binary and example uses its own part of this.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Vec2, vec2};
use moodring::editor::ui_state::UiState;
use moodring::editor::view::then::ThenView;
use moodring::editor::view::{ExportView, Moment, State, ViewState};
use moodring::engine::monitor::Status;
use moodring::history::History;
use moodring::history::compare::Snapshot;
use moodring::live::OscState;
use moodring::live::settings::OscSettings;
use moodring::model::card::ModelFacts;
use moodring::model::shipped_facts;
use moodring::outputs::OutputState;
use moodring::outputs::settings::{FILES, FileKind};
use moodring::prefs::{DEFAULT_SIZE, Page, PaletteChoice, Prefs, StageLook};
use moodring::reading::{Phase, Reading, Recent};
use moodring::why::Why;

/// A window to be looked at.
#[derive(Clone)]
pub struct Scene {
    pub name: String,
    pub view: ViewState,
    pub prefs: Prefs,
    pub size: Vec2,
    pub scale: f32,
}

impl Scene {
    fn new(name: &str, heard: &Moment) -> Self {
        let view = ViewState::of(heard).settled();
        let size = vec2(DEFAULT_SIZE.0, DEFAULT_SIZE.1);
        Self { name: name.to_owned(), view, prefs: Prefs::default(), size, scale: 1.0 }
    }

    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    pub fn on(mut self, page: Page) -> Self {
        self.prefs.page = page;
        self
    }

    pub fn sized(mut self, width: f32, height: f32, scale: f32) -> Self {
        (self.size, self.scale) = (vec2(width, height), scale);
        self
    }

    pub fn wearing(mut self, palette: PaletteChoice) -> Self {
        self.prefs.palette = palette;
        self
    }

    pub fn ui_state(&self) -> UiState {
        UiState::new(self.prefs.clone())
    }
}

/// A moment of a song.
pub fn heard(phase: Phase, heard_secs: f32, shares: [f32; 2]) -> Moment {
    let shares = [shares[0], shares[1], 0.0, 0.0];
    let chroma = [0.9, 0.1, 0.3, 0.05, 0.7, 0.35, 0.1, 1.0, 0.1, 0.45, 0.08, 0.5];
    // The newest seconds are a little farther to the middle, and in wider doubt.
    let recent = Recent {
        shares: shares.map(|share| 0.8 * share + 0.08),
        bands: shares.map(|share| [0.6 * share, 0.65 * share + 0.35]),
    };
    let reading = Reading {
        phase,
        heard_secs,
        n_spaces: 2,
        shares,
        bands: shares.map(|share| [0.8 * share, 0.75 * share + 0.25]),
        tempo_bpm: 124.1,
        tempo_salience: 0.81,
        tempo_harmonic_bpm: 92.4,
        tempo_percussive_bpm: 124.1,
        tempo_harmonic_salience: 0.34,
        tempo_percussive_salience: 0.81,
        energy_harmonic_db: -18.0,
        energy_percussive_db: -20.3,
        chroma,
        recent: (heard_secs > 4.0).then_some(recent),
        ..Reading::default()
    };
    let pushes = [[0.02, 0.11, 0.16, -0.05, 0.08], [0.18, 0.05, -0.07, 0.002, -0.03]];
    let why =
        Why { time_secs: 10.0, n_spaces: 2, pushes: [pushes[0], pushes[1], [0.0; 5], [0.0; 5]] };
    let model = Arc::new(shipped_facts());
    Moment {
        reading,
        status: Status::Running,
        model,
        why: Some(why),
        held_bpm: (phase == Phase::Live).then_some(124.1),
        load: 0.03,
        ..Moment::default()
    }
}

/// A live moment.
pub fn live() -> Moment {
    heard(Phase::Live, 10.0, [0.86, 0.71])
}

/// A song of four and a half minutes on the host's timeline: calm, rising, loud with a break, sad
/// at the end.
pub fn history() -> History {
    let mut history = History::default();
    for slot in 0..540 {
        let secs = 0.5 * f64::from(slot);
        let ripple =
            |period: f64, depth: f64| depth * (std::f64::consts::TAU * secs / period).sin();
        let (excited, joyful) = match secs {
            ..50.0 => (0.22, 0.38),
            ..90.0 => (0.22 + 0.6 * (secs - 50.0) / 40.0, 0.38 + 0.3 * (secs - 50.0) / 40.0),
            ..150.0 => (0.86, 0.74),
            ..175.0 => (0.45, 0.52),
            ..225.0 => (0.90, 0.80),
            _ => (0.30, 0.24),
        };
        let is_silent = (148.0..152.0).contains(&secs);
        let share = |share: f64, own: f64| (share + ripple(own, 0.03) + ripple(3.1, 0.012)) as f32;
        let reading = Reading {
            time_secs: secs + 10.0,
            phase: if is_silent { Phase::Silent } else { Phase::Live },
            heard_secs: 10.0,
            n_spaces: 2,
            shares: [share(excited, 17.0), share(joyful, 23.0), 0.0, 0.0],
            energy_harmonic_db: -20.0,
            energy_percussive_db: -24.0,
            tempo_percussive_bpm: 124.0,
            ..Reading::default()
        };
        history.record(&reading.at(Some(secs)));
    }
    history
}

/// Two stretches of that song.
fn snapshots() -> [Option<Snapshot>; 2] {
    let (mut first, mut second) = (History::default(), History::default());
    for slot in 0..100 {
        let reading = |excited: f32, joyful: f32| Reading {
            time_secs: 0.5 * f64::from(slot) + 10.0,
            phase: Phase::Live,
            heard_secs: 10.0,
            n_spaces: 2,
            shares: [
                excited + 0.002 * (slot % 7) as f32,
                joyful + 0.002 * (slot % 5) as f32,
                0.0,
                0.0,
            ],
            ..Reading::default()
        };
        let song_secs = Some(0.5 * f64::from(slot));
        first.record(&reading(0.60, 0.50).at(song_secs));
        second.record(&reading(0.74, 0.505).at(song_secs));
    }
    [Snapshot::of(&first), Snapshot::of(&second)]
}

/// The same with the history of a song behind it.
pub fn with_history(mut scene: Scene) -> Scene {
    let history = history();
    scene.view.then = Some(ThenView::of(&history, scene.prefs.span(), None, &scene.prefs.kept));
    let spaces = [90.0_f32, 0.0];
    let place = |shares: &[f32]| {
        let part = |angle: f32, share: f32| {
            2.0 * (share - 0.5) * vec2(angle.to_radians().cos(), angle.to_radians().sin())
        };
        part(spaces[0], shares[0]) + part(spaces[1], shares[1])
    };
    let around =
        [(0.55, 0.42), (0.60, 0.50), (0.66, 0.54), (0.72, 0.62), (0.80, 0.66), (0.84, 0.70)];
    scene.view.trail = around.iter().map(|(a, b)| place(&[*a, *b])).collect();
    scene
}

/// Every state at the usual size.
pub fn states() -> Vec<Scene> {
    let live = live();
    let failed = "The model file is damaged. Choose another model, or reinstall Moodring; your audio passes untouched.";
    let fallen = "Your model could not be used: it was made for 44100 Hz and this analysis runs at 22050 Hz. \
                  The shipped model reads instead. Retrain yours as models/README.md says.";
    let failure = |status: Status| Moment { status, ..live.clone() };
    let mut held = Scene::new("held", &live);
    held.view.state = State::Held;
    held.view.controls.hold = true;
    let mut peaks = Scene::new("peaks", &live);
    peaks.view.meters[0].peaks = Some([0.70, 0.95]);
    peaks.view.meters[1].peaks = Some([0.40, 0.71]);
    let one = {
        let mut scene = Scene::new("one-space", &live);
        scene.view.meters.truncate(1);
        scene
    };
    let lost = Moment { lost_samples: 4096, ..live.clone() };
    let nothing = Moment { model: Arc::clone(&live.model), ..Moment::default() };
    let loading = Moment { status: Status::Loading, ..nothing.clone() };
    vec![
        Scene::new("waiting", &nothing),
        Scene::new("loading", &loading),
        Scene::new("listening", &heard(Phase::Listening, 4.3, [0.31, 0.62])),
        with_history(Scene::new("live", &live)),
        Scene::new("ambiguous", &heard(Phase::Live, 10.0, [0.52, 0.18])),
        Scene::new("silent", &heard(Phase::Silent, 10.0, [0.5, 0.5])),
        Scene::new("paused", &Moment { is_stale: true, ..live.clone() }),
        held,
        peaks,
        one,
        Scene::new("failed", &failure(Status::Failed(failed.to_owned()))),
        Scene::new("fallen-back", &failure(Status::FallenBack(fallen.to_owned()))),
        Scene::new("extremes", &heard(Phase::Live, 10.0, [0.0, 1.0])),
        Scene::new("lost-samples", &lost),
        Scene::new("busy", &Moment { interval_secs: 0.74, ..live.clone() }),
    ]
}

/// Every page at the usual size, and what pages look like in other states.
pub fn pages() -> Vec<Scene> {
    let live = live();
    let scene = |name: &str| Scene::new(name, &live);
    let then = || with_history(scene("then").on(Page::Then));
    let mut compared = scene("then-compared").on(Page::Then);
    compared.prefs.kept = snapshots();
    let mut writing = then().named("then-writing");
    writing.view.export = Some(ExportView::Writing(42));
    let mut written = then().named("then-written");
    written.view.export = Some(ExportView::Done(Ok(PathBuf::from("mix.csv"))));
    let mut empty = scene("then-empty").on(Page::Then);
    empty.view.then = Some(ThenView::of(&History::default(), None, None, &[None, None]));
    let mut zoomed = scene("then-zoomed").on(Page::Then);
    zoomed.prefs.span_secs = 40.0;
    let unexplained =
        Scene::new("why-unknown", &Moment { why: None, ..live.clone() }).on(Page::Why);
    let stage = |name: &str, look: StageLook, heard: &Moment| {
        let mut scene = Scene::new(name, heard);
        (scene.prefs.on_stage, scene.prefs.stage_look) = (true, look);
        scene
    };
    let calm = heard(Phase::Live, 10.0, [0.12, 0.30]);
    let quiet = heard(Phase::Silent, 10.0, [0.5, 0.5]);
    let mut osc = scene("outputs-osc").on(Page::Outputs);
    let settings = OscSettings { is_on: true, listens: true, ..OscSettings::default() };
    let (n_sent, n_heard) = (12_480, 3);
    osc.view.osc = OscState { settings, is_at_work: true, n_sent, n_heard, ..OscState::default() };
    osc.view.osc.problem = Some(
        "Another program listens at port 9001 already. Choose another port for commands."
            .to_owned(),
    );
    osc.view.page.settings.is_on = true;
    (osc.view.page.is_at_work, osc.view.page.n_viewers) = (true, 2);
    let mut on_the_beat = stage("stage-pulse", StageLook::Field, &live);
    on_the_beat.view.pulse = 1.0;
    vec![
        then(),
        with_history(compared),
        writing,
        written,
        empty,
        with_history(zoomed),
        scene("why").on(Page::Why),
        unexplained,
        scene("setup").on(Page::Setup),
        outputs("outputs"),
        osc,
        outputs("outputs-light").wearing(PaletteChoice::Light),
        outputs("outputs-320x200-at-2").sized(320.0, 200.0, 2.0),
        scene("about").on(Page::About),
        stage("stage-meter", StageLook::Meter, &live),
        stage("stage-meter-silent", StageLook::Meter, &quiet),
        stage("stage-field", StageLook::Field, &live),
        stage("stage-field-calm", StageLook::Field, &calm),
        on_the_beat,
    ]
}

/// The page of the outputs: one at work that has missed something, and one that cannot be written.
fn outputs(name: &str) -> Scene {
    let mut scene = Scene::new(name, &live()).on(Page::Outputs);
    let path = |kind: &FileKind| Some(format!("/music/Friday/readings.{}", kind.word).into());
    let outputs = FILES.iter().map(|kind| OutputState {
        kind,
        path: path(kind),
        written: 19_340,
        missed: 0,
        problem: None,
    });
    scene.view.outputs = outputs.collect();
    let jsonl = &mut scene.view.outputs[1];
    (jsonl.written, jsonl.missed) = (12_071, 42);
    jsonl.problem = Some(
        "/music/Friday/readings.jsonl does not answer. Choose another file for the readings, or see to its drive."
            .to_owned(),
    );
    scene
}

/// The main pages in every palette.
pub fn palettes() -> Vec<Scene> {
    let choices = [
        ("light", PaletteChoice::Light),
        ("red-green", PaletteChoice::RedGreenSafe),
        ("blue-yellow", PaletteChoice::BlueYellowSafe),
    ];
    let mut scenes = Vec::new();
    for (name, choice) in choices {
        for (page_name, page) in named_pages() {
            let scene =
                Scene::new(&format!("{name}-{page_name}"), &live()).on(page).wearing(choice);
            scenes.push(with_history(scene));
        }
    }
    scenes
}

fn named_pages() -> [(&'static str, Page); 4] {
    [("now", Page::Now), ("then", Page::Then), ("why", Page::Why), ("setup", Page::Setup)]
}

/// Every page at its smallest, at a usual and at a large size, at one and two pixels a point.
pub fn sizes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (page_name, page) in named_pages() {
        for (width, height, scale) in
            [(320.0, 200.0, 1.0), (320.0, 200.0, 2.0), (1280.0, 800.0, 1.0)]
        {
            let name = format!("{page_name}-{width}x{height}-at-{scale}");
            scenes.push(with_history(
                Scene::new(&name, &live()).on(page).sized(width, height, scale),
            ));
        }
    }
    for (name, width, height) in [("wide", 1280.0, 260.0), ("tall", 400.0, 900.0)] {
        scenes.push(with_history(
            Scene::new(&format!("now-{name}"), &live()).sized(width, height, 1.0),
        ));
    }
    scenes
}

/// Sizes of a sheet's columns, points, and pixels a point at which they are legible beside each
/// other.
const SHEET_SIZES: [((f32, f32), f32); 4] =
    [((320.0, 200.0), 0.8), (DEFAULT_SIZE, 0.45), ((1280.0, 800.0), 0.3), ((400.0, 900.0), 0.3)];

/// Every page and both looks of the stage, in four sizes, dark and light: rows of a sheet.
pub fn sheet() -> Vec<Vec<Scene>> {
    let stage = |look: StageLook| {
        let mut scene = Scene::new("stage", &live());
        (scene.prefs.on_stage, scene.prefs.stage_look) = (true, look);
        scene
    };
    let page = |page: Page| with_history(Scene::new("page", &live()).on(page));
    let pages = Page::ALL.map(page).into_iter().chain([
        outputs("outputs"),
        stage(StageLook::Meter),
        stage(StageLook::Field),
    ]);
    let row = |scene: Scene| {
        let wearing = |choice| {
            let scene = scene.clone().wearing(choice);
            SHEET_SIZES.map(|((width, height), scale)| scene.clone().sized(width, height, scale))
        };
        [PaletteChoice::Dark, PaletteChoice::Light].into_iter().flat_map(wearing).collect()
    };
    pages.map(row).collect()
}

/// What a model says of itself that only a test has.
pub fn with_model(mut heard: Moment, model: ModelFacts) -> Moment {
    heard.model = Arc::new(model);
    heard
}
