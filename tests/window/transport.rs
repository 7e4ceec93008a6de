//! What the window makes of the transport, in a CLAP and in a VST3 host.

use std::time::{Duration, Instant};

use anyhow::Result;
use egui::Rect;
use image::RgbImage;
use moodring::editor::theme::DARK;
use moodring::history::compare::{Comparison, Snapshot, compare};
use moodring::prefs::{DEFAULT_SIZE, Page, Prefs};
use serde_json::Value;

use super::display::Display;
use super::host::{Host, Playing};
use super::tape::BLOCK_SAMPLES;
use super::window::Editor;
use super::{A_FEW_FRAMES, PATIENCE, RATE_HZ, display, music, n_colours, shadow, vst3_host};

/// A plugin that plays, with its window, in a host of either kind.
trait Deck {
    /// Plays one block of each channel into the other.
    fn block(&mut self, input: &mut [&mut [f32]], output: &mut [&mut [f32]]) -> Result<()>;
    /// Goes to `secs` of the song.
    fn seek(&mut self, secs: f64);
    /// What a host does besides.
    fn idle(&mut self);
    /// The state that a project keeps.
    fn state(&mut self) -> Result<Value>;
    /// The plugin's own window.
    fn window(&self) -> Result<u32>;
}

struct ClapDeck<'h, 'd> {
    playing: Playing<'h>,
    editor: Editor<'d>,
}

impl Deck for ClapDeck<'_, '_> {
    fn block(&mut self, input: &mut [&mut [f32]], output: &mut [&mut [f32]]) -> Result<()> {
        self.playing.block(input, output)
    }

    fn seek(&mut self, secs: f64) {
        self.playing.set_song_secs(Some(secs));
    }

    fn idle(&mut self) {
        self.playing.host().idle();
    }

    fn state(&mut self) -> Result<Value> {
        self.playing.host().state_json()
    }

    fn window(&self) -> Result<u32> {
        self.editor.window()
    }
}

struct Vst3Deck<'d> {
    host: vst3_host::Host,
    display: &'d Display,
    parent: u32,
}

impl Deck for Vst3Deck<'_> {
    fn block(&mut self, input: &mut [&mut [f32]], output: &mut [&mut [f32]]) -> Result<()> {
        self.host.block(input, output, vst3_host::Mode::Realtime)
    }

    fn seek(&mut self, secs: f64) {
        self.host.set_song_secs(Some(secs));
    }

    fn idle(&mut self) {}

    fn state(&mut self) -> Result<Value> {
        self.host.state_json()
    }

    fn window(&self) -> Result<u32> {
        Ok(self.display.children(self.parent)?[0])
    }
}

/// Plays the same with either plugin, its window open and painted.
fn in_both(body: impl Fn(&mut dyn Deck, &Display)) {
    let display = display();
    let until_painted = |deck: &mut dyn Deck| {
        let end = Instant::now() + PATIENCE;
        let is_painted = |deck: &dyn Deck| {
            let picture = deck.window().and_then(|window| display.picture(window));
            picture.is_ok_and(|picture| n_colours(&picture, Rect::EVERYTHING) > 30)
        };
        while !is_painted(deck) {
            assert!(Instant::now() < end, "no picture");
            deck.idle();
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    {
        let mut host = Host::load_bundle().unwrap();
        let mut playing = host.activate(RATE_HZ, BLOCK_SAMPLES).unwrap();
        let editor = Editor::open(playing.host(), &display).unwrap();
        let mut deck = ClapDeck { playing, editor };
        until_painted(&mut deck);
        body(&mut deck, &display);
        let ClapDeck { mut playing, editor } = deck;
        editor.close(playing.host()).unwrap();
    }
    let mut host = vst3_host::Host::load_bundle().unwrap();
    host.set_up(RATE_HZ, BLOCK_SAMPLES, vst3_host::Mode::Realtime).unwrap();
    host.start().unwrap();
    let (width, height) = (DEFAULT_SIZE.0 as u32, DEFAULT_SIZE.1 as u32);
    let parent = display.window(width, height).unwrap();
    let view = host.open_view(parent).unwrap();
    let mut deck = Vst3Deck { host, display: &display, parent };
    until_painted(&mut deck);
    body(&mut deck, &display);
    drop(view);
    deck.host.stop();
    display.close(parent).unwrap();
}

/// Plays `secs` of the song in `audio`, its time in the song being its time in there plus `offset`,
/// at the clock's pace or as fast as it goes; `look` is called ten times a second of it.
fn play(
    deck: &mut dyn Deck,
    audio: &[Vec<f32>],
    secs: std::ops::Range<f64>,
    is_live: bool,
    mut look: impl FnMut(&mut dyn Deck),
) {
    const BLOCKS_A_LOOK: usize = 9;
    let [from, to] = [secs.start, secs.end].map(|secs| (secs * RATE_HZ) as usize);
    deck.seek(100.0 + secs.start);
    let mut output = vec![vec![0.0; BLOCK_SAMPLES]; audio.len()];
    let mut input = output.clone();
    let period = Duration::from_secs_f64(BLOCK_SAMPLES as f64 / RATE_HZ);
    let mut due = Instant::now();
    for (n, at) in (from..to - BLOCK_SAMPLES).step_by(BLOCK_SAMPLES).enumerate() {
        for (input, channel) in input.iter_mut().zip(audio) {
            input.copy_from_slice(&channel[at..at + BLOCK_SAMPLES]);
        }
        let mut ins: Vec<&mut [f32]> = input.iter_mut().map(Vec::as_mut_slice).collect();
        let mut outs: Vec<&mut [f32]> = output.iter_mut().map(Vec::as_mut_slice).collect();
        deck.block(&mut ins, &mut outs).unwrap();
        if n % BLOCKS_A_LOOK == 0 {
            deck.idle();
            look(deck);
        }
        due += period;
        if is_live {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}

/// Whether the line that grows while the window listens is there: its end, that is.
fn is_listening(picture: &RgbImage) -> bool {
    /// Under the head, near the right end of it.
    const PLACE: (u32, u32) = (720, 60);
    let colour = picture.get_pixel(PLACE.0, PLACE.1).0;
    [DARK.track, DARK.pending].iter().any(|of_line| of_line.to_array()[..3] == colour)
}

#[test]
fn while_audio_flows_the_window_never_says_that_none_does_whatever_the_transport_does() {
    let audio = music::music(16.0, RATE_HZ, 2);
    in_both(|deck, display| {
        let listens =
            |deck: &mut dyn Deck| is_listening(&display.picture(deck.window().unwrap()).unwrap());
        play(deck, &audio, 0.0..4.0, true, |_| {});
        assert!(listens(deck));
        // The transport stands, and nobody calls.
        let rest = Instant::now() + Duration::from_millis(2500);
        while Instant::now() < rest {
            deck.idle();
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!listens(deck), "nothing is said of a pause");
        let mut looks = Vec::new();
        for start in [0.0, 8.0, 3.0, 11.0] {
            play(deck, &audio, start..start + 2.2, true, |deck| looks.push(listens(deck)));
        }
        // It takes a look and a frame to see that the host calls again.
        let n_else = looks.iter().skip(5).filter(|listens| !**listens).count();
        assert!(looks.len() > 60, "{} looks", looks.len());
        assert_eq!(n_else, 0, "{looks:?}");
    });
}

#[test]
fn what_was_heard_once_is_never_compared_with_itself_and_what_was_heard_again_is() {
    let audio = music::music(26.0, RATE_HZ, 2);
    let places = shadow(Page::Then);
    let buttons = ["Keep as A", "Keep as B"].map(|name| places.place(name).unwrap());
    in_both(|deck, display| {
        let window = deck.window().unwrap();
        display.point(window, (3, 3)).unwrap();
        display.focus(window).unwrap();
        display.press("2").unwrap();
        let keep = |deck: &mut dyn Deck, which: usize| {
            std::thread::sleep(A_FEW_FRAMES);
            let at = buttons[which];
            display.click(window, (at.x as u32, at.y as u32)).unwrap();
            std::thread::sleep(A_FEW_FRAMES);
            kept(deck)
        };
        play(deck, &audio, 0.0..12.0, false, |_| {});
        let [a, _] = keep(deck, 0);
        let a = a.expect("nothing was kept as A");
        play(deck, &audio, 12.0..24.0, false, |_| {});
        let went_on = compared(&a, keep(deck, 1));
        assert!(!went_on.is_paired, "{went_on:?}");
        play(deck, &audio, 0.0..13.0, false, |_| {});
        let again = compared(&a, keep(deck, 1));
        assert!(again.is_paired && again.secs >= 10.0, "{again:?}");
        assert!(again.difference.abs() < 0.03 && !again.is_real(), "{again:?}");
    });
}

/// What is kept as A and as B.
fn kept(deck: &mut dyn Deck) -> [Option<Snapshot>; 2] {
    let state = deck.state().unwrap();
    let prefs: Prefs = serde_json::from_str(state["fields"]["editor"].as_str().unwrap()).unwrap();
    prefs.kept
}

fn compared(a: &Snapshot, [kept_a, b]: [Option<Snapshot>; 2]) -> Comparison {
    assert_eq!(kept_a.as_ref(), Some(a));
    compare(a, &b.expect("nothing was kept as B"), 0).expect("nothing to compare")
}
