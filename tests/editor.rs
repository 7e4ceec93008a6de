//! The editor's window with invented readings, painted without a display and read as a screen reader would.

#[path = "support/offscreen.rs"]
mod offscreen;

use std::sync::Arc;

use egui::accesskit::{Node, Role};
use egui::{Context, Event, Key, Modifiers, Pos2, RawInput, Rect, Vec2, vec2};
use image::RgbImage;
use moodring::editor::view::{Heard, ViewState};
use moodring::editor::{theme, window_ui};
use moodring::engine::publish::Status;
use moodring::model::card::{About, ModelFacts};
use moodring::model::space::LabelSpace;
use moodring::reading::{Phase, Reading};

const SIZE: Vec2 = vec2(640.0, 400.0);

fn heard(phase: Phase, shares: [f32; 2]) -> Heard {
    let shares = [shares[0], shares[1], 0.0, 0.0];
    let reading = Reading { phase, heard_secs: 4.2, n_spaces: 2, shares, ..Reading::default() };
    let spaces =
        vec![LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joyful", "sad", 0.0)];
    let model = Arc::new(ModelFacts { spaces, ..ModelFacts::default() });
    Heard { reading, status: Status::Running, model, ..Heard::default() }
}

/// What the window looks like once the needles have arrived, and what it tells a screen reader.
fn show(heard: &Heard, size: Vec2) -> (RgbImage, Vec<Node>) {
    let mut view = ViewState::of(heard);
    for meter in &mut view.meters {
        meter.needle = meter.share.unwrap_or(0.5);
    }
    let context = Context::default();
    context.enable_accesskit();
    let (picture, output) = offscreen::frame(&context, size, 1.0, |ui| window_ui(ui, &view));
    let tree = output.platform_output.accesskit_update.expect("AccessKit is on");
    (picture, tree.nodes.into_iter().map(|(_, node)| node).collect())
}

fn with_role(nodes: &[Node], role: Role) -> Vec<&Node> {
    nodes.iter().filter(|node| node.role() == role).collect()
}

fn meter_values(heard: &Heard) -> Vec<String> {
    let (_, nodes) = show(heard, SIZE);
    with_role(&nodes, Role::Meter)
        .iter()
        .filter_map(|node| node.value())
        .map(str::to_owned)
        .collect()
}

fn state_line(heard: &Heard) -> String {
    let (_, nodes) = show(heard, SIZE);
    with_role(&nodes, Role::Status)[0].label().expect("no state line").to_owned()
}

#[test]
fn a_screen_reader_hears_which_pole_leads_and_by_how_much() {
    let (_, nodes) = show(&heard(Phase::Live, [0.72, 0.2]), SIZE);
    let meters = with_role(&nodes, Role::Meter);
    assert_eq!(meters[0].label(), Some("excited or calm"));
    assert_eq!(meters[0].value(), Some("72 % excited"));
    assert!((meters[0].numeric_value().unwrap() - 72.0).abs() < 1e-4);
    assert_eq!(meters[1].value(), Some("80 % sad"));
}

#[test]
fn a_split_vote_is_told_as_ambiguous() {
    let values = meter_values(&heard(Phase::Live, [0.48, 0.2]));
    assert_eq!(values[0], "52 % calm, ambiguous: too near to call");
}

#[test]
fn silence_has_no_numbers() {
    assert_eq!(meter_values(&heard(Phase::Silent, [0.7, 0.2])), ["no reading", "no reading"]);
}

#[test]
fn every_state_says_what_it_is() {
    let live = heard(Phase::Live, [0.7, 0.2]);
    let nothing = Heard { reading: Reading::default(), ..live.clone() };
    let failed = Heard { status: Status::Failed("Reinstall.".to_owned()), ..live.clone() };
    let lines = [
        (nothing, "Waiting for audio: press play"),
        (heard(Phase::Listening, [0.7, 0.2]), "Listening 4 of 10 s — provisional"),
        (heard(Phase::Silent, [0.7, 0.2]), "Silent — the meter rests"),
        (Heard { is_stale: true, ..live.clone() }, "Paused: the host sends no audio"),
        (live, "Live"),
        (failed, "Stopped: your audio passes untouched"),
    ];
    for (heard, line) in lines {
        assert_eq!(state_line(&heard), line);
    }
}

#[test]
fn what_is_wrong_is_an_alert_with_its_whole_text() {
    let text = "The model file is damaged. Choose another.".repeat(9);
    let status = Status::Failed(text.clone());
    let heard = Heard { status, ..heard(Phase::Live, [0.7, 0.2]) };
    for size in [SIZE, vec2(320.0, 200.0)] {
        let (_, nodes) = show(&heard, size);
        assert_eq!(with_role(&nodes, Role::Alert)[0].label(), Some(text.as_str()));
        assert_eq!(with_role(&nodes, Role::Meter).len(), 2, "the meters keep their place");
    }
}

#[test]
fn the_band_of_doubt_is_drawn_and_spoken() {
    let mut heard = heard(Phase::Live, [0.3, 0.5]);
    heard.reading.bands[0] = [0.1, 0.45];
    assert_eq!(meter_values(&heard)[0], "70 % calm, listeners between 55 and 90 %");
    let (with, _) = show(&heard, SIZE);
    heard.reading.bands[0] = [0.3, 0.3];
    assert_eq!(meter_values(&heard)[0], "70 % calm");
    let (without, _) = show(&heard, SIZE);
    assert_ne!(with, without);
}

/// A model that has something to say of itself.
fn spoken_of(mut heard: Heard) -> Heard {
    let paragraph = |title: &str, text: &str| About { title: title.into(), text: text.into() };
    let about = vec![paragraph("Terms", "Not for sale."), paragraph("Limits", "Western music.")];
    let spaces = heard.model.spaces.clone();
    heard.model =
        Arc::new(ModelFacts { name: "mine".into(), version: "0.2.0".into(), spaces, about });
    heard
}

#[test]
fn the_page_on_the_model_opens_by_keyboard_and_says_everything() {
    let view = ViewState::of(&spoken_of(heard(Phase::Live, [0.7, 0.2])));
    for size in [SIZE, vec2(320.0, 200.0), vec2(1600.0, 900.0)] {
        let context = Context::default();
        context.enable_accesskit();
        let press = |key: Option<Key>| {
            let events = key.map(|key| Event::Key {
                key,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: Modifiers::NONE,
            });
            let input = RawInput {
                screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
                events: events.into_iter().collect(),
                ..RawInput::default()
            };
            let mut output = context.run_ui(input, |ui| window_ui(ui, &view));
            // Nobody paints here.
            output.textures_delta.clear();
            let tree = output.platform_output.accesskit_update.expect("AccessKit is on");
            let nodes: Vec<Node> = tree.nodes.into_iter().map(|(_, node)| node).collect();
            nodes
        };
        let labels = |nodes: &[Node]| -> Vec<String> {
            let texts = nodes.iter().filter_map(|n| n.label().or(n.value()).map(str::to_owned));
            texts.collect()
        };
        press(None);
        press(Some(Key::Tab));
        press(Some(Key::Enter));
        let open = press(None);
        let said = labels(&open);
        for text in ["The model: mine 0.2.0", "Terms", "Not for sale.", "Limits"] {
            assert!(said.iter().any(|label| label == text), "{size:?}: {text} is not in {said:?}");
        }
        assert!(with_role(&open, Role::Meter).is_empty());
        press(Some(Key::Escape));
        assert_eq!(with_role(&press(None), Role::Meter).len(), 2, "{size:?}");
    }
}

#[test]
fn the_needle_stands_where_the_share_is() {
    for share in [0.1_f32, 0.35, 0.5, 0.8] {
        let (picture, nodes) = show(&heard(Phase::Live, [share, 0.5]), SIZE);
        let bounds = with_role(&nodes, Role::Meter)[0].bounds().unwrap();
        // A row through the groove holds the needle and no letters.
        let row = (bounds.y0 + 0.72 * (bounds.y1 - bounds.y0)) as u32;
        let white = theme::TEXT;
        let is_needle = |x: &u32| picture.get_pixel(*x, row).0 == [white.r(), white.g(), white.b()];
        let needle: Vec<u32> = (0..picture.width()).filter(is_needle).collect();
        let middle = f64::from(needle[0] + needle[needle.len() - 1]) / 2.0;
        // The groove is as far from both edges of its card, so the middle of the window is 50 %.
        let part = 0.5 + (middle + 0.5 - 320.0) / (bounds.x1 - bounds.x0 - 2.0 * 24.0);
        assert!((part - f64::from(share)).abs() < 0.01, "{share}: needle at {part}");
    }
}

#[test]
fn every_size_shows_both_meters_side_by_side_or_stacked_inside_the_window() {
    let heard = heard(Phase::Live, [0.9, 0.2]);
    for (width, height) in
        [(320.0, 200.0), (640.0, 400.0), (1500.0, 260.0), (400.0, 900.0), (3840.0, 2160.0)]
    {
        let (_, nodes) = show(&heard, vec2(width, height));
        let bounds: Vec<_> =
            with_role(&nodes, Role::Meter).iter().map(|node| node.bounds().unwrap()).collect();
        for rect in &bounds {
            assert!(rect.x0 >= 0.0 && rect.y0 >= 0.0, "{rect:?}");
            assert!(rect.x1 <= f64::from(width) && rect.y1 <= f64::from(height), "{rect:?}");
            let area = rect.area() / f64::from(width * height);
            assert!(area > 0.2, "only {area} of {width}x{height} for a meter");
        }
        assert_eq!(bounds[0].intersect(bounds[1]).area(), 0.0);
    }
}

#[test]
fn two_equal_views_look_the_same_and_a_moved_share_does_not() {
    let (first, _) = show(&heard(Phase::Live, [0.7, 0.2]), SIZE);
    let (same, _) = show(&heard(Phase::Live, [0.7, 0.2]), SIZE);
    let (moved, _) = show(&heard(Phase::Live, [0.71, 0.2]), SIZE);
    assert!(first == same);
    assert!(first != moved);
}
