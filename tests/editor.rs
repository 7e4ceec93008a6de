//! The editor's window with invented readings: painted without a display, worked by pointer and
//! keyboard, read as a screen reader would.

// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod offscreen;
    pub mod scenes;
    pub mod snapshot;
}

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::epaint::Primitive;
use egui::{Key, Pos2, TexturesDelta, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable, by};
use egui_kittest::{Harness, TestRenderer};
use image::{RgbImage, imageops};
use moodring::editor::command::Command;
use moodring::editor::ui_state::UiState;
use moodring::editor::view::then::ThenView;
use moodring::editor::view::{Moment, State, ViewState};
use moodring::editor::{theme, window_ui};
use moodring::engine::monitor::Status;
use moodring::export::Format;
use moodring::model::card::{About, ModelFacts};
use moodring::model::space::LabelSpace;
use moodring::outputs::OutputState;
use moodring::outputs::settings::FILES;
use moodring::params::Response;
use moodring::prefs::{Page, PaletteChoice, StageLook};
use moodring::reading::Phase;
use support::offscreen::Textures;
use support::scenes::{self, Scene, heard, live};
use support::snapshot;

/// What the harness would upload, kept to paint with.
struct Painter(Rc<RefCell<Textures>>);

impl TestRenderer for Painter {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.borrow_mut().update(delta);
    }
}

/// What the harness leaves free around the window, points.
const AROUND: f32 = 8.0;

/// A window that a test works.
struct Window {
    harness: Harness<'static, (ViewState, UiState)>,
    textures: Rc<RefCell<Textures>>,
    size: Vec2,
    scale: f32,
}

impl Window {
    /// A window whose history page follows what is done to it.
    fn open_alive(scene: &Scene) -> Self {
        let history = scenes::history();
        Self::open_with(scene, move |view, ui_state| {
            let prefs = &ui_state.prefs;
            view.then = Some(ThenView::of(&history, prefs.span(), ui_state.end_secs, &prefs.kept));
        })
    }

    fn open(scene: &Scene) -> Self {
        Self::open_with(scene, |_, _| {})
    }

    fn open_with(scene: &Scene, mut live: impl FnMut(&mut ViewState, &UiState) + 'static) -> Self {
        let textures = Rc::new(RefCell::new(Textures::default()));
        let state = (scene.view.clone(), scene.ui_state());
        let harness = Harness::builder()
            .with_size(scene.size + Vec2::splat(2.0 * AROUND))
            .with_pixels_per_point(scene.scale)
            .renderer(Painter(Rc::clone(&textures)))
            .build_ui_state(
                move |ui, (view, ui_state): &mut (ViewState, UiState)| {
                    live(view, ui_state);
                    window_ui(ui, view, ui_state);
                },
                state,
            );
        let mut window = Self { harness, textures, size: scene.size, scale: scene.scale };
        window.harness.run_steps(2);
        window
    }

    fn picture(&self) -> RgbImage {
        let (context, output) = (&self.harness.ctx, self.harness.output());
        let whole = self.size + Vec2::splat(2.0 * AROUND);
        let picture = self.textures.borrow().paint(context, output, whole, self.scale);
        let [left, width, height] =
            [AROUND, self.size.x, self.size.y].map(|x| (x * self.scale) as u32);
        imageops::crop_imm(&picture, left, left, width, height).to_image()
    }

    fn ui_state(&self) -> &UiState {
        &self.harness.state().1
    }

    fn press(&mut self, key: Key) {
        self.harness.key_press(key);
        self.harness.run_steps(2);
    }

    fn click(&mut self, role: Role, label: &str) {
        self.harness.get_by_role_and_label(role, label).click();
        self.harness.run_steps(2);
    }

    /// What was asked for since it was last looked at.
    fn asked(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.harness.state_mut().1.commands)
    }

    fn label_of(&self, role: Role) -> String {
        self.harness.get_by_role(role).accesskit_node().label().unwrap_or_default()
    }

    fn meter_values(&self) -> Vec<String> {
        let meters = self.harness.get_all(by().role(Role::Meter));
        meters.filter_map(|meter| meter.accesskit_node().value()).collect()
    }

    fn has_text(&self, text: &str) -> bool {
        self.harness.query_all(by().predicate(move |_| true)).any(|node| {
            let node = node.accesskit_node();
            [node.label(), node.value()].into_iter().flatten().any(|own| own.contains(text))
        })
    }
}

fn window(heard: &Moment) -> Window {
    Window::open(&Scene { view: ViewState::of(heard).settled(), ..scenes::states().remove(3) })
}

fn on(page: Page) -> Window {
    Window::open(&scenes::with_history(scenes::states().remove(3).on(page)))
}

#[test]
fn every_state_page_palette_and_size_looks_as_it_was_approved() {
    let scenes = [scenes::states(), scenes::pages(), scenes::palettes(), scenes::sizes()].concat();
    let check = |scene: &Scene| snapshot::check(&scene.name, &Window::open(scene).picture()).err();
    let wrong: Vec<String> = scenes.iter().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_screen_reader_hears_which_pole_leads_and_by_how_much() {
    let window = window(&heard(Phase::Live, 10.0, [0.72, 0.2]));
    let meters: Vec<_> = window.harness.get_all(by().role(Role::Meter)).collect();
    let node = meters[0].accesskit_node();
    assert_eq!(node.label().as_deref(), Some("excited or calm"));
    assert!(node.value().unwrap().starts_with("72 % excited"), "{:?}", node.value());
    assert!((node.numeric_value().unwrap() - 72.0).abs() < 1e-4);
    assert!(meters[1].accesskit_node().value().unwrap().starts_with("80 % sad"));
}

#[test]
fn a_split_vote_is_told_as_too_close_to_call() {
    let values = window(&heard(Phase::Live, 10.0, [0.48, 0.2])).meter_values();
    assert!(values[0].starts_with("leans calm 52 %"), "{values:?}");
    assert!(values[0].contains("too close to call"), "{values:?}");
}

#[test]
fn the_newest_seconds_alone_have_a_thin_mark_and_are_spoken() {
    let mut heard = heard(Phase::Live, 10.0, [0.7, 0.2]);
    heard.reading.recent.as_mut().unwrap().shares[0] = 0.31;
    let with = window(&heard);
    assert!(with.meter_values()[0].ends_with("; last 4 s: 69 % calm"), "{:?}", with.meter_values());
    heard.reading.recent = None;
    let without = window(&heard);
    assert!(!without.meter_values()[0].contains("last 4 s"));
    assert_ne!(with.picture(), without.picture());
}

#[test]
fn only_a_tempo_that_has_held_stands_in_the_footer() {
    let mut heard = heard(Phase::Live, 10.0, [0.7, 0.2]);
    assert!(window(&heard).has_text("Tempo 124 BPM"));
    heard.held_bpm = None;
    assert!(window(&heard).has_text("Tempo –"), "read, but not held");
}

/// Roles of what can be pressed, set or typed into, and of what is drawn rather than written.
const EXPLAINED: [Role; 13] = [
    Role::Button,
    Role::CheckBox,
    Role::RadioButton,
    Role::Slider,
    Role::SpinButton,
    Role::TextInput,
    Role::Tab,
    Role::Meter,
    Role::Image,
    Role::Status,
    Role::Alert,
    Role::ProgressIndicator,
    Role::ComboBox,
];

#[test]
fn everything_says_what_it_is() {
    let mut seen = 0;
    for scene in [scenes::states(), scenes::pages(), scenes::sizes()].concat() {
        let window = Window::open(&scene);
        for node in window.harness.query_all(by().predicate(|_| true)) {
            let node = node.accesskit_node();
            let label = node.label().unwrap_or_default();
            let is_figure = FIGURES.iter().any(|figure| label.starts_with(figure));
            // A row of a table or a number in a slider belongs to what holds it.
            if EXPLAINED.contains(&node.role()) || is_figure {
                let hint = node.description().unwrap_or_default();
                let what = format!("{}: {:?} {label:?}", scene.name, node.role());
                assert!(!hint.is_empty(), "{what} does not say what it is");
                assert!(hint.chars().count() <= 190, "{what} says too much: {hint}");
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen} things");
}

/// How the labels of what is drawn in figures begin.
const FIGURES: [&str; 9] = [
    "Tempo ",
    "Drums' share of",
    "Analysis CPU",
    "now: ",
    "last minute: ",
    "whole song: ",
    "Harmony: ",
    "Tempo and balance: ",
    "Keep the last minute as A",
];

#[test]
fn what_the_pointer_is_on_is_explained_in_the_footer_and_hides_nothing() {
    let mut window = on(Page::Now);
    let before = window.picture();
    let place = window.harness.get_by_role_and_label(Role::Button, "Hold").rect();
    window.harness.hover_at(place.center());
    window.harness.run_steps(30);
    let after = window.picture();
    let (width, height) = after.dimensions();
    let differs = |(x, y): (u32, u32)| before.get_pixel(x, y) != after.get_pixel(x, y);
    let places = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let above = height - (height / 9);
    assert!(!places().filter(|(_, y)| *y < above).any(differs), "something covers the page");
    let facts = places().filter(|(x, y)| *y >= above && *x < width / 2);
    assert!(facts.filter(|at| differs(*at)).count() > 200, "the footer says it");
}

#[test]
fn silence_has_no_numbers() {
    let values = window(&heard(Phase::Silent, 10.0, [0.7, 0.2])).meter_values();
    assert_eq!(values, ["no reading", "no reading"]);
}

#[test]
fn every_state_says_what_it_is() {
    let live = live();
    let nothing = Moment { reading: Default::default(), ..live.clone() };
    let failed = Moment { status: Status::Failed("Reinstall.".to_owned()), ..live.clone() };
    let lines = [
        (nothing, "Waiting for audio: press play"),
        (heard(Phase::Listening, 4.2, [0.7, 0.2]), "Listening 4 of 10 s — provisional"),
        (heard(Phase::Silent, 10.0, [0.7, 0.2]), "Silent — the meter rests"),
        (Moment { is_stale: true, ..live.clone() }, "Paused: the host sends no audio"),
        (live, "Live"),
        (failed, "Analysis stopped – your audio is not affected"),
    ];
    for (heard, line) in lines {
        assert_eq!(window(&heard).label_of(Role::Status), line);
    }
}

#[test]
fn what_is_wrong_is_an_alert_with_its_whole_text() {
    let text = "The model file is damaged. Choose another.".repeat(9);
    let heard = Moment { status: Status::Failed(text.clone()), ..live() };
    for size in [vec2(760.0, 480.0), vec2(320.0, 200.0)] {
        let scene = Scene { view: ViewState::of(&heard), size, ..scenes::states().remove(3) };
        let window = Window::open(&scene);
        assert_eq!(window.label_of(Role::Alert), text);
        assert_eq!(window.meter_values().len(), 2, "the meters keep their place");
    }
}

#[test]
fn the_band_of_doubt_is_drawn_and_spoken() {
    let mut heard = heard(Phase::Live, 10.0, [0.3, 0.5]);
    heard.reading.bands[0] = [0.1, 0.45];
    heard.reading.recent = None;
    let with = window(&heard);
    assert_eq!(with.meter_values()[0], "70 % calm, listeners between 55 and 90 %");
    heard.reading.bands[0] = [0.3, 0.3];
    let without = window(&heard);
    assert_eq!(without.meter_values()[0], "70 % calm");
    assert_ne!(with.picture(), without.picture());
}

#[test]
fn every_page_opens_by_its_tab_and_by_its_key() {
    let mut window = on(Page::Now);
    let keys = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
    for (page, (key, name)) in Page::ALL.into_iter().zip(keys.into_iter().zip([
        "Now",
        "Then",
        "Why",
        "Setup",
        "About the model",
    ])) {
        window.click(Role::Tab, name);
        assert_eq!(window.ui_state().prefs.page, page);
        window.press(Key::Escape);
        assert_eq!(window.ui_state().prefs.page, Page::Now);
        window.press(key);
        assert_eq!(window.ui_state().prefs.page, page, "{key:?}");
    }
}

#[test]
fn the_keyboard_alone_reaches_everything_in_the_head_and_foot() {
    let mut window = on(Page::Now);
    let mut reached = Vec::new();
    for _ in 0..20 {
        window.press(Key::Tab);
        let focused = window.harness.query_all(by().predicate(|node| node.is_focused()));
        reached.extend(focused.filter_map(|node| node.accesskit_node().label()));
    }
    for name in
        ["Now", "Then", "Why", "Setup", "About the model", "Stage view", "Copy", "Hold", "Reset"]
    {
        assert!(reached.iter().any(|label| label == name), "{name} is not among {reached:?}");
    }
}

#[test]
fn what_is_pressed_most_often_asks_for_what_it_says() {
    let mut window = on(Page::Now);
    for (key, name, command) in [
        (Key::H, "Hold", Command::SetHold(true)),
        (Key::R, "Reset", Command::Reset),
        (Key::C, "Copy", Command::Copy),
    ] {
        window.click(Role::Button, name);
        let clicked = window.asked();
        window.press(key);
        assert_eq!((clicked, window.asked()), (vec![command.clone()], vec![command]), "{name}");
    }
    window.harness.state_mut().0.controls.hold = true;
    window.press(Key::H);
    assert_eq!(window.asked(), [Command::SetHold(false)]);
}

#[test]
fn the_stage_fills_the_window_and_comes_back() {
    let mut window = on(Page::Why);
    window.press(Key::F);
    assert!(window.ui_state().prefs.on_stage);
    assert!(window.has_text("Stage view"));
    let stage = window.picture();
    window.press(Key::Escape);
    assert!(!window.ui_state().prefs.on_stage);
    assert_eq!(window.ui_state().prefs.page, Page::Why, "the page before it");
    window.click(Role::Button, "Stage view");
    assert_eq!(stage, window.picture());
    window.harness.state_mut().1.prefs.stage_look = StageLook::Field;
    window.harness.run_steps(2);
    assert_ne!(stage, window.picture());
}

#[test]
fn the_colour_field_moves_with_the_mood_and_never_jumps_far_for_a_small_step() {
    let field = |excited: f32| {
        let mut scene = scenes::states().remove(3);
        scene.view = ViewState::of(&heard(Phase::Live, 10.0, [excited, 0.71])).settled();
        (scene.prefs.on_stage, scene.prefs.stage_look) = (true, StageLook::Field);
        let picture = Window::open(&scene).picture();
        picture.get_pixel(20, 460).0
    };
    let colours: Vec<[u8; 3]> = (0..=20).map(|i| field(i as f32 / 20.0)).collect();
    assert_ne!(colours[0], colours[20]);
    for pair in colours.windows(2) {
        let step = pair[0].iter().zip(pair[1]).map(|(a, b)| a.abs_diff(b)).max().unwrap();
        assert!(step < 70, "a twentieth of the way changed a channel by {step}");
    }
}

#[test]
fn the_beat_lights_the_edges_of_the_stage_and_leaves_words_and_needles_alone() {
    for look in [StageLook::Meter, StageLook::Field] {
        let lit = |pulse: f32| {
            let mut scene = scenes::states().remove(3);
            scene.view.pulse = pulse;
            (scene.prefs.on_stage, scene.prefs.stage_look) = (true, look);
            Window::open(&scene).picture()
        };
        let (still, beat) = (lit(0.0), lit(1.0));
        assert_ne!(still.get_pixel(2, 240), beat.get_pixel(2, 240), "{look:?}");
        for (x, y, pixel) in still.enumerate_pixels() {
            let is_inside = (60..700).contains(&x) && (60..420).contains(&y);
            assert!(!is_inside || pixel == beat.get_pixel(x, y), "{look:?}: {x}, {y}");
        }
    }
}

#[test]
fn the_stage_of_its_own_window_has_no_pages_and_closes_where_the_other_comes_back() {
    let mut window = on(Page::Why);
    window.press(Key::W);
    assert_eq!(window.asked(), [Command::Screen]);
    let ui_state = &mut window.harness.state_mut().1;
    (ui_state.is_screen, ui_state.fills_screen, ui_state.prefs.on_stage) = (true, true, true);
    window.press(Key::Num1);
    assert_eq!((window.ui_state().prefs.page, window.ui_state().prefs.on_stage), (Page::Why, true));
    window.press(Key::F);
    assert!(!window.ui_state().fills_screen && window.ui_state().prefs.on_stage);
    window.press(Key::W);
    assert_eq!(window.asked(), [Command::Screen]);
    window.press(Key::Escape);
    assert!(!window.ui_state().prefs.on_stage);
}

#[test]
fn settings_ask_for_what_they_say() {
    let mut window = on(Page::Setup);
    window.click(Role::Button, "Slow");
    window.click(Role::CheckBox, "Start over when playback starts or jumps");
    let asked = window.asked();
    assert_eq!(asked, [Command::SetResponse(Response::Slow), Command::SetAutoReset(false)]);
    window.click(Role::Button, "Light");
    window.click(Role::CheckBox, "Reduce motion");
    window.click(Role::CheckBox, "Pulse with the host's beat");
    window.click(Role::Button, "Full screen");
    assert_eq!(window.asked(), [Command::Screen]);
    let prefs = &window.ui_state().prefs;
    assert_eq!(
        (prefs.palette, prefs.reduced_motion, prefs.pulse),
        (PaletteChoice::Light, true, true)
    );
}

#[test]
fn the_gate_is_moved_by_keyboard_and_by_hand() {
    let mut window = on(Page::Setup);
    let slider = window.harness.get_by_role_and_label(Role::Slider, "Treat as silence below");
    let rect = slider.rect();
    slider.focus();
    window.harness.run_steps(1);
    window.press(Key::ArrowRight);
    let [Command::SetGate(gate_db)] = window.asked()[..] else { panic!() };
    assert!(gate_db > -70.0 && gate_db < -65.0, "{gate_db}");
    window.harness.drag_at(rect.center());
    window.harness.run_steps(1);
    window.harness.hover_at(rect.right_center());
    window.harness.run_steps(1);
    window.harness.drop_at(rect.right_center());
    window.harness.run_steps(1);
    let Some(Command::SetGate(gate_db)) = window.asked().pop() else { panic!() };
    assert!(gate_db > -45.0, "{gate_db}");
}

#[test]
fn enter_presses_what_has_the_focus() {
    let mut window = on(Page::Now);
    window.harness.get_by_role_and_label(Role::Button, "Hold").focus();
    window.harness.run_steps(1);
    window.press(Key::Enter);
    assert_eq!(window.asked(), [Command::SetHold(true)]);
}

#[test]
fn a_pair_of_words_can_be_hidden_but_not_the_last_one() {
    let mut window = on(Page::Setup);
    window.click(Role::CheckBox, "joyful – sad");
    assert!(!window.ui_state().prefs.shows("joy"));
    window.click(Role::CheckBox, "excited – calm");
    assert!(window.ui_state().prefs.shows("excited"));
}

#[test]
fn what_is_sent_by_osc_and_shown_to_browsers_is_set_on_the_page_of_outputs() {
    let mut window = on(Page::Outputs);
    window.click(Role::CheckBox, "Send");
    let [Command::SetOsc(settings)] = &window.asked()[..] else { panic!() };
    assert!(settings.is_on);
    window.harness.state_mut().0.osc.settings = settings.clone();
    window.harness.run_steps(2);
    window.click(Role::Button, "+ Resolume");
    let [Command::SetOsc(settings)] = &window.asked()[..] else { panic!() };
    assert_eq!(settings.targets, ["127.0.0.1:9000", "127.0.0.1:7000"]);
    let field = window.harness.get_by_role_and_label(Role::TextInput, "Addresses begin with");
    field.focus();
    window.harness.run_steps(1);
    window.harness.get_by_role_and_label(Role::TextInput, "Addresses begin with").type_text("/2");
    window.harness.run_steps(1);
    assert!(window.asked().is_empty(), "not before it is done");
    window.press(Key::Enter);
    let [Command::SetOsc(settings)] = &window.asked()[..] else { panic!() };
    assert_eq!(settings.prefix, "/moodring/2");
    window.click(Role::Button, "60 a second");
    let [Command::SetOsc(settings)] = &window.asked()[..] else { panic!() };
    assert_eq!(settings.rate_hz, 60);
    window.click(Role::CheckBox, "Show");
    let [Command::SetPage(settings)] = &window.asked()[..] else { panic!() };
    assert!(settings.is_on && !settings.is_public);
}

#[test]
fn a_file_for_each_output_is_chosen_and_given_up_by_name() {
    let folder = std::env::temp_dir().join(format!("moodring-readings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut window = on(Page::Setup);
    let outputs = FILES.iter().map(|kind| {
        let path = Some(folder.join("old").with_extension(kind.word));
        OutputState { kind, path, written: 0, missed: 0, problem: None }
    });
    window.harness.state_mut().0.outputs = outputs.collect();
    window.harness.run_steps(1);
    window.click(Role::Button, "Choose …");
    assert_eq!(window.ui_state().prefs.page, Page::Outputs);
    for kind in FILES {
        let choose = format!("Write to a file …: {}", kind.name);
        window.harness.get_by_role_and_label(Role::Button, &choose).focus();
        window.harness.run_steps(1);
        window.press(Key::Enter);
        window.click(Role::Button, "Save");
        let old = folder.join("old").with_extension(kind.word);
        assert_eq!(window.asked(), [Command::Write(kind, Some(old))]);
        window.click(Role::Button, &format!("Stop: {}", kind.name));
        assert_eq!(window.asked(), [Command::Write(kind, None)]);
    }
    window.click(Role::Button, "‹ Setup");
    assert_eq!(window.ui_state().prefs.page, Page::Setup);
    window.press(Key::Num6);
    assert_eq!(window.ui_state().prefs.page, Page::Outputs);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_model_is_chosen_from_a_folder() {
    let folder = std::env::temp_dir().join(format!("moodring-choose-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.onnx"), "").unwrap();
    let mut window = on(Page::Setup);
    window.harness.state_mut().0.controls.model_path = Some(folder.join("old.onnx"));
    window.harness.run_steps(1);
    window.click(Role::Button, "Choose a file …");
    window.click(Role::Button, "mine.onnx");
    window.click(Role::Button, "Open");
    assert_eq!(window.asked(), [Command::UseModel(Some(folder.join("mine.onnx")))]);
    window.click(Role::Button, "Use the shipped one");
    assert_eq!(window.asked(), [Command::UseModel(None)]);
    window.click(Role::Button, "Choose a file …");
    window.press(Key::Escape);
    assert!(window.ui_state().picker.is_none());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_history_is_exported_under_a_name_of_ones_own() {
    let mut window = on(Page::Then);
    window.click(Role::Button, "Export");
    window.click(Role::Button, "CSV: a table");
    window.click(Role::Button, "Save");
    let [Command::Export(Format::Csv, path)] = &window.asked()[..] else { panic!() };
    assert_eq!(path.extension().unwrap(), "csv");
    window.click(Role::Button, "Clear");
    assert_eq!(window.asked(), [], "six hours are not forgotten by one press");
    window.click(Role::Button, "Clear all of it?");
    assert_eq!(window.asked(), [Command::ClearHistory]);
    window.click(Role::Button, "Clear");
    window.click(Role::Button, "All");
    window.click(Role::Button, "Clear");
    assert_eq!(window.asked(), [], "another press between means no");
}

#[test]
fn the_history_is_zoomed_and_moved_by_keys_buttons_wheel_and_hand() {
    let mut window = Window::open_alive(&scenes::states().remove(3).on(Page::Then));
    assert_eq!(window.ui_state().prefs.span(), None, "all of it");
    window.click(Role::Button, "Zoom in");
    let span = window.ui_state().prefs.span().unwrap();
    assert!((span - 0.64 * 269.5).abs() < 2.0, "{span}");
    let chart = window.harness.get_by_label("History of the mood").rect();
    window.harness.hover_at(chart.center());
    let scroll = |y: f32| egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        source: egui::MouseWheelSource::Wheel,
        delta: vec2(0.0, y),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
    };
    // Zoomed about the pointer, it no longer follows the newest.
    window.harness.event(scroll(100.0));
    window.harness.run_steps(8);
    assert!(window.ui_state().prefs.span().unwrap() < span);
    assert!(window.ui_state().end_secs.is_some());
    window.click(Role::Button, "Follow");
    assert_eq!(window.ui_state().end_secs, None);
    window.harness.drag_at(chart.center());
    window.harness.run_steps(1);
    window.harness.hover_at(chart.center() + vec2(150.0, 0.0));
    window.harness.run_steps(1);
    window.harness.drop_at(chart.center() + vec2(150.0, 0.0));
    window.harness.run_steps(2);
    assert!(window.ui_state().end_secs.is_some(), "dragged to the right, the past comes in");
    window.click(Role::Button, "All");
    assert_eq!((window.ui_state().prefs.span(), window.ui_state().end_secs), (None, None));
}

#[test]
fn the_pointer_over_the_history_says_when_and_what() {
    let mut window = on(Page::Then);
    let before = window.picture();
    let chart = window.harness.get_by_label("History of the mood").rect();
    window.harness.hover_at(chart.center());
    window.harness.run_steps(2);
    assert_ne!(before, window.picture());
    let spoken =
        window.harness.get_by_label("History of the mood").accesskit_node().value().unwrap();
    assert!(spoken.starts_with("0:00 – 4:30: 0:00"), "{spoken}");
    assert!(spoken.contains("excited"), "{spoken}");
}

#[test]
fn menus_and_hints_wear_the_windows_colours_and_sizes() {
    let light = scenes::states().remove(3).wearing(PaletteChoice::Light).sized(1520.0, 960.0, 1.0);
    let style = Window::open(&light).harness.ctx.global_style();
    assert!(!style.visuals.dark_mode);
    assert_eq!(style.visuals.window_fill, theme::palette(PaletteChoice::Light).ground);
    assert_eq!(style.text_styles[&egui::TextStyle::Button].size, 28.0);
}

#[test]
fn copying_says_that_it_has_copied() {
    let mut window = Window::open(&scenes::states().remove(3));
    window.press(Key::C);
    assert!(window.asked().contains(&Command::Copy));
    assert!(window.harness.query_by_role_and_label(Role::Button, "Copied").is_some());
    let mut window = Window::open(&scenes::states().remove(3));
    window.harness.get_by_role_and_label(Role::Button, "Copy").focus();
    window.harness.run_steps(1);
    window.press(Key::Enter);
    assert!(window.asked().contains(&Command::Copy));
    let copied = window.harness.get_by_role_and_label(Role::Button, "Copied");
    assert!(copied.is_focused(), "the keyboard stays where it is");
}

#[test]
fn two_stretches_are_kept_and_compared() {
    let mut window = on(Page::Then);
    window.click(Role::Button, "Keep as A");
    window.click(Role::Button, "Keep as B");
    assert_eq!(window.asked(), [Command::Keep(0), Command::Keep(1)]);
    let compared = scenes::pages().into_iter().find(|scene| scene.name == "then-compared").unwrap();
    let window = Window::open(&compared);
    assert!(window.has_text("B: excited +14 points"));
    assert!(window.has_text("Joyful/sad: no clear difference"));
}

#[test]
fn reasons_are_told_in_words() {
    let window = on(Page::Why);
    for text in [
        "Harmony: 2 % excited, 18 % joyful",
        "Sound colour: 16 % excited, 7 % sad",
        "Notes: G, C, E",
        "Drums 124 BPM, 81 % clear",
    ] {
        assert!(window.has_text(text), "{text}");
    }
}

/// A model that has something to say of itself.
fn spoken_of(heard: Moment) -> Moment {
    let paragraph = |title: &str, text: &str| About { title: title.into(), text: text.into() };
    let about = vec![paragraph("Terms", "Not for sale."), paragraph("Limits", "Western music.")];
    let spaces =
        vec![LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joyful", "sad", 0.0)];
    let model = ModelFacts {
        name: "mine".into(),
        version: "0.2.0".into(),
        spaces,
        about,
        judged_on: Vec::new(),
    };
    Moment { model: Arc::new(model), ..heard }
}

#[test]
fn the_page_on_the_model_says_everything() {
    let view = ViewState::of(&spoken_of(live()));
    for size in [vec2(760.0, 480.0), vec2(320.0, 200.0), vec2(1600.0, 900.0)] {
        let scene =
            Scene { view: view.clone(), size, ..scenes::states().remove(3).on(Page::About) };
        let window = Window::open(&scene);
        for text in ["The model: mine 0.2.0", "Terms", "Not for sale.", "Limits"] {
            assert!(window.has_text(text), "{size:?}: {text}");
        }
    }
}

#[test]
fn the_needle_stands_where_the_share_is() {
    for share in [0.1_f32, 0.35, 0.5, 0.8] {
        let window = window(&heard(Phase::Live, 10.0, [share, 0.5]));
        let picture = window.picture();
        let meters = window.harness.get_all(by().role(Role::Meter));
        let bounds = meters.into_iter().next().unwrap().rect();
        // A row through the groove holds the needle and no letters.
        let row = (bounds.top() - AROUND + 0.79 * bounds.height()) as u32;
        let white = theme::DARK.text;
        let is_needle = |x: &u32| picture.get_pixel(*x, row).0 == [white.r(), white.g(), white.b()];
        let needle: Vec<u32> = (0..(bounds.right() - AROUND) as u32).filter(is_needle).collect();
        let middle = AROUND + 0.5 * (needle[0] + needle[needle.len() - 1] + 1) as f32;
        // The groove is as far from both edges of its card, so the card's middle is 50 %.
        let groove = bounds.width() - 2.0 * 26.0 * bounds.width() / 608.0;
        let part = 0.5 + (middle - bounds.center().x) / groove;
        assert!((part - share).abs() < 0.012, "{share}: needle at {part}");
    }
}

#[test]
fn every_size_shows_both_meters_inside_the_window_and_apart() {
    for (width, height) in
        [(320.0, 200.0), (640.0, 400.0), (1500.0, 260.0), (400.0, 900.0), (3840.0, 2160.0)]
    {
        let window = Window::open(&scenes::states().remove(3).sized(width, height, 1.0));
        let meters = window.harness.get_all(by().role(Role::Meter));
        let rects: Vec<egui::Rect> = meters.map(|meter| meter.rect()).collect();
        let whole = egui::Rect::from_min_size(Pos2::new(AROUND, AROUND), vec2(width, height));
        for rect in &rects {
            assert!(whole.contains_rect(*rect), "{rect:?}");
            let part = rect.area() / whole.area();
            assert!(part > 0.13, "only {part} of {width}x{height} for a meter");
        }
        assert!(!rects[0].intersects(rects[1]));
    }
}

#[test]
fn two_equal_views_look_the_same_and_a_moved_share_does_not() {
    let picture = |share: f32| window(&heard(Phase::Live, 10.0, [share, 0.2])).picture();
    assert!(picture(0.7) == picture(0.7));
    assert!(picture(0.7) != picture(0.71));
}

#[test]
fn a_held_reading_says_so() {
    let mut scene = scenes::states().remove(3);
    scene.view.state = State::Held;
    assert_eq!(Window::open(&scene).label_of(Role::Status), "Held: press H to go on");
}

/// What a graphics card is asked for in a frame.
#[derive(Clone, Copy, Debug)]
struct Work {
    draws: usize,
    vertices: usize,
    triangles: usize,
}

impl Work {
    fn of(window: &Window) -> Self {
        let shapes = window.harness.output().shapes.clone();
        let primitives = window.harness.ctx.tessellate(shapes, window.scale);
        let meshes = primitives.iter().filter_map(|primitive| match &primitive.primitive {
            Primitive::Mesh(mesh) => Some((mesh.vertices.len(), mesh.indices.len() / 3)),
            Primitive::Callback(_) => None,
        });
        let none = Self { draws: 0, vertices: 0, triangles: 0 };
        meshes.fold(none, |work, (vertices, triangles)| Self {
            draws: work.draws + 1,
            vertices: work.vertices + vertices,
            triangles: work.triangles + triangles,
        })
    }
}

/// Most that a frame of each page may ask for at the size in which it first opens: what it asked
/// for when this was written, and a tenth.
const MOST_WORK: [(&str, Work); 5] = [
    ("live", Work { draws: 1, vertices: 2700, triangles: 3100 }),
    ("then", Work { draws: 9, vertices: 18_300, triangles: 18_900 }),
    ("why", Work { draws: 6, vertices: 4250, triangles: 4800 }),
    ("stage-meter", Work { draws: 2, vertices: 720, triangles: 700 }),
    ("stage-field", Work { draws: 2, vertices: 800, triangles: 410 }),
];

#[test]
fn a_frame_asks_little_of_a_graphics_card() {
    let scenes = [scenes::states(), scenes::pages()].concat();
    println!("| page | draws | vertices | triangles |\n|---|---:|---:|---:|");
    for (name, most) in MOST_WORK {
        let scene = scenes.iter().find(|scene| scene.name == name).unwrap();
        let work = Work::of(&Window::open(scene));
        println!("| {name} | {} | {} | {} |", work.draws, work.vertices, work.triangles);
        let is_little = work.draws <= most.draws
            && work.vertices <= most.vertices
            && work.triangles <= most.triangles;
        assert!(is_little, "{name}: {work:?}, most {most:?}");
    }
}
