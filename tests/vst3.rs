//! The bundled VST3 as a host sees it: renders and live playback by what happens, states, layouts,
//! parameters.
#![cfg(target_os = "linux")]
// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod music;
    pub mod osc;
    pub mod readings_file;
    pub mod sounds;
    pub mod viewer;
    pub mod vst3;
}

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rosc::OscType;
use serde_json::json;
use support::music::{Random, music};
use support::osc::Peer;
use support::readings_file::{CsvPath, STRAY_WAITS, n_waits};
use support::sounds::{SETTLED_SECS, TOLERANCE, sounds};
use support::viewer::Viewer;
use support::vst3::{Host, Mode, maker};
use vst3::Steinberg::Vst::SpeakerArr;

const RATE_HZ: f64 = 48_000.0;
const BLOCK: usize = 512;

/// How far a place may be from another and be the same: what a number loses on its way through
/// text.
const SAME_PLACE: f64 = 1e-12;

/// Tests that play at a pace of their own have the machine for themselves.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until a block is due that begins after `played` samples, at `speed` times the clock.
fn pace(began: Instant, speed: f64) -> impl FnMut(usize) {
    move |played| {
        let due = Duration::from_secs_f64(played as f64 / RATE_HZ / speed);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
}

/// What a host says of a render, and when.
#[derive(Clone, Copy, Debug)]
enum Announced {
    Never,
    AtSetUp,
    /// Only with the blocks, as Ardour does.
    WithTheBlocks,
    /// At a set-up before the last one, which took it back.
    TakenBack,
}

/// The readings file of `audio`, rendered at `speed` times the clock, or as fast as it goes.
fn rendered(name: &str, audio: &[Vec<f32>], announced: Announced, speed: Option<f64>) -> String {
    let csv = CsvPath::new(name);
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    let modes = match announced {
        Announced::Never | Announced::WithTheBlocks => [Mode::Realtime; 2],
        Announced::AtSetUp => [Mode::Offline; 2],
        Announced::TakenBack => [Mode::Offline, Mode::Realtime],
    };
    // A host that says nothing new says it once.
    if modes[0] != modes[1] {
        host.set_up(RATE_HZ, BLOCK, modes[0]).unwrap();
    }
    host.set_up(RATE_HZ, BLOCK, modes[1]).unwrap();
    host.start().unwrap();
    let with_blocks = match announced {
        Announced::WithTheBlocks => Mode::Offline,
        _ => modes[1],
    };
    let mut wait = speed.map(|speed| pace(Instant::now(), speed));
    let heard = host
        .play(audio, BLOCK, with_blocks, |played| wait.iter_mut().for_each(|wait| wait(played)))
        .unwrap();
    assert!(heard == audio, "audio was changed");
    drop(host);
    csv.text()
}

/// Time, phase and shares of each row.
fn rows(csv: &str) -> Vec<(f64, String, Vec<f32>)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        // Share, low and high of each of the two pairs of words.
        let shares = [3, 6].iter().filter_map(|i| fields[*i].parse().ok()).collect();
        (fields[0].parse().unwrap(), fields[1].to_owned(), shares)
    };
    csv.lines().skip(1).map(row).collect()
}

/// The rows of channels, rendered in the arrangement that such channels have.
fn heard(channels: &[Vec<f32>]) -> Vec<(f64, String, Vec<f32>)> {
    let csv = CsvPath::new("sound");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    let arrangement = if channels.len() == 6 { SpeakerArr::k51 } else { SpeakerArr::kStereo };
    assert_eq!(host.arrange(arrangement), Some([arrangement; 2]));
    host.set_up(RATE_HZ, BLOCK, Mode::Offline).unwrap();
    host.start().unwrap();
    let out = host.play(channels, BLOCK, Mode::Offline, |_| ()).unwrap();
    let bits = |x: &[Vec<f32>]| -> Vec<u32> { x.iter().flatten().map(|x| x.to_bits()).collect() };
    assert!(bits(&out) == bits(channels), "audio was changed");
    drop(host);
    rows(&csv.text())
}

#[test]
fn every_channel_is_heard_and_nothing_that_no_ear_hears() {
    let _alone = alone();
    for sound in sounds(RATE_HZ) {
        let read = heard(&sound.channels);
        let Some(reads_as) = sound.reads_as else {
            assert!(read.len() > 60 && read.iter().all(|row| row.1 == "silent"), "{}", sound.name);
            continue;
        };
        let expected = heard(&reads_as);
        let settled = read.iter().zip(&expected).filter(|(row, _)| row.0 > SETTLED_SECS);
        assert!(settled.clone().count() > 5, "{}", sound.name);
        for (row, as_if) in settled {
            assert_eq!((row.0, &row.1), (as_if.0, &as_if.1), "{}", sound.name);
            assert_ne!(row.1, "silent", "{}", sound.name);
            assert_eq!(row.2.len(), 2, "{}", sound.name);
            for (share, as_if) in row.2.iter().zip(&as_if.2) {
                assert!((share - as_if).abs() < TOLERANCE, "{}: {share}, not {as_if}", sound.name);
            }
        }
    }
}

#[test]
fn a_render_reads_as_live_playback_does_whatever_the_host_announces_and_loses_nothing() {
    let _alone = alone();
    let audio = music(14.0, RATE_HZ, 2);
    let live = rendered("live", &audio, Announced::Never, Some(1.0));
    assert!(live.lines().count() > 65, "{live}");
    assert!(live.lines().skip(1).all(|row| row.ends_with(",0")), "samples were lost: {live}");
    for announced in
        [Announced::Never, Announced::AtSetUp, Announced::WithTheBlocks, Announced::TakenBack]
    {
        for speed in [Some(20.0), None] {
            let text = rendered(&format!("{announced:?}-{speed:?}"), &audio, announced, speed);
            assert_eq!(text, live, "{announced:?}, {speed:?} times the clock");
        }
    }
}

/// Plays `audio` live in blocks of `size`: how often the plugin made this thread wait, and the
/// slowest block, other programs' turns included.
fn play_live(host: &mut Host, audio: &[Vec<f32>], size: usize, mode: Mode) -> (i64, Duration) {
    let (mut input, mut output) = (audio.to_vec(), audio.to_vec());
    let (mut waits, mut slowest) = (0, Duration::ZERO);
    let mut wait = pace(Instant::now(), 1.0);
    for at in (0..audio[0].len()).step_by(size) {
        wait(at);
        let block = at..(at + size).min(audio[0].len());
        let mut ins: Vec<_> = input.iter_mut().map(|c| &mut c[block.clone()]).collect();
        let mut outs: Vec<_> = output.iter_mut().map(|c| &mut c[block.clone()]).collect();
        let (before, began) = (n_waits(), Instant::now());
        host.block(&mut ins, &mut outs, mode).unwrap();
        slowest = slowest.max(began.elapsed());
        waits += n_waits() - before;
    }
    (waits, slowest)
}

#[test]
fn live_playback_after_an_export_is_never_made_to_wait() {
    let _alone = alone();
    let (song, after) = (music(20.0, RATE_HZ, 2), music(2.0, RATE_HZ, 2));
    // With a set-up between, which the framework takes for the one before; and without any, as
    // where a host only runs free for a while.
    for sets_up in [true, false] {
        let mut host = Host::load_bundle().unwrap();
        host.set_up(RATE_HZ, BLOCK, Mode::Offline).unwrap();
        host.start().unwrap();
        let began = n_waits();
        host.play(&song, BLOCK, Mode::Offline, |_| {}).unwrap();
        assert!(n_waits() > began, "the render was not waited for");
        if sets_up {
            host.stop();
            host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
            host.start().unwrap();
        }
        for size in [64, 256] {
            let (waits, slowest) = play_live(&mut host, &after, size, Mode::Realtime);
            eprintln!("set up anew: {sets_up}, blocks of {size}: slowest {slowest:?}");
            assert!(waits <= STRAY_WAITS, "{waits}; set up anew: {sets_up}, blocks of {size}");
        }
    }
}

#[test]
fn playback_at_the_clocks_pace_is_never_made_to_wait_whatever_is_announced() {
    let _alone = alone();
    let audio = music(4.0, RATE_HZ, 2);
    for mode in [Mode::Offline, Mode::Prefetch, Mode::Realtime] {
        let mut host = Host::load_bundle().unwrap();
        // Twice: the framework takes the mode from the set-up before.
        host.set_up(RATE_HZ, 64, mode).unwrap();
        host.set_up(RATE_HZ, 64, mode).unwrap();
        host.start().unwrap();
        let (waits, slowest) = play_live(&mut host, &audio, 64, mode);
        eprintln!("{mode:?}: slowest {slowest:?}");
        assert!(waits <= STRAY_WAITS, "{mode:?}: {waits}");
    }
}

#[test]
fn the_readings_of_a_render_are_in_the_history_wherever_it_began() {
    let _alone = alone();
    let audio = music(12.0, RATE_HZ, 2);
    let mut host = Host::load_bundle().unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    host.start().unwrap();
    host.set_song_secs(Some(30.0));
    host.play(&audio, BLOCK, Mode::Offline, |_| {}).unwrap();
    host.stop();
    let slots = moodring::history::state::restore;
    let history = Mutex::new(moodring::history::History::new());
    slots(&history, &host.field("history").unwrap());
    let history = history.into_inner().unwrap();
    let track = history.track(moodring::history::Clock::Song);
    assert_eq!(track.span_secs(), Some((31.0, 42.0)));
    assert_eq!(track.points(0.0, 99.0).count(), 22, "a half second was lost");
}

#[test]
fn audio_passes_bit_for_bit() {
    let mut random = Random(7);
    let special =
        [f32::NAN, f32::from_bits(0x7f80_0001), f32::INFINITY, -0.0, f32::from_bits(1), 1e30];
    let mut sample = |n: usize| match n % 5 {
        0 => special[random.bits() as usize % special.len()],
        _ => f32::from_bits(random.bits()),
    };
    let audio: Vec<Vec<f32>> = (0..2).map(|_| (0..50_000).map(&mut sample).collect()).collect();
    for size in [1, 64, 511, 4096] {
        let mut host = Host::load_bundle().unwrap();
        host.set_up(RATE_HZ, 4096, Mode::Offline).unwrap();
        host.start().unwrap();
        let heard = host.play(&audio, size, Mode::Offline, |_| {}).unwrap();
        let bits = |audio: &[Vec<f32>]| -> Vec<u32> {
            audio.iter().flatten().map(|sample| sample.to_bits()).collect()
        };
        assert!(bits(&heard) == bits(&audio), "blocks of {size}");
    }
}

#[test]
fn an_arrangement_is_the_one_that_was_asked_for_or_refused() {
    use SpeakerArr::{
        k30Cine, k40Cine, k40Music, k50, k51, k60Cine, k60Music, k61Cine, k61Music, k70Cine,
        k70Music, k71_4, k71Cine, k71Music, kMono, kStereo,
    };
    let exact = [
        kMono, kStereo, k30Cine, k40Cine, k40Music, k50, k51, k70Cine, k70Music, k71Cine, k71Music,
    ];
    let mut host = Host::load_bundle().unwrap();
    for arrangement in exact {
        assert_eq!(host.arrange(arrangement), Some([arrangement; 2]), "{arrangement:b}");
        let n_channels = arrangement.count_ones() as usize;
        let audio = music(0.2, RATE_HZ, n_channels);
        host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
        host.start().unwrap();
        assert!(host.play(&audio, BLOCK, Mode::Realtime, |_| {}).unwrap() == audio);
        host.stop();
    }
    host.arrange(kStereo).unwrap();
    // Six or eight channels whose fourth is not an LFE, others with one, and more than there are.
    for other in [k60Cine, k60Music, k61Cine, k61Music, k71_4, 0] {
        assert_eq!(host.arrange(other), None, "{other:b}");
    }
    assert_eq!(host.arrange(kStereo), Some([kStereo; 2]));
}

#[test]
fn a_switch_that_was_put_between_its_positions_stands_there_and_comes_back() {
    let mut host = Host::load_bundle().unwrap();
    let hold = host.param_id("Hold").unwrap();
    for place in [0.553_065, 0.916_902, 0.4, 0.0, 1.0] {
        host.set_param(hold, place);
        let told = host.param(hold);
        assert!((told - place).abs() < SAME_PLACE, "put to {place}, it is at {told}");
        let state = host.state().unwrap();
        assert_eq!(host.state_json().unwrap()["params"]["hold"], json!({ "bool": place >= 0.5 }));
        host.set_param(hold, 1.0 - place.round());
        assert_ne!(host.param(hold), told);
        host.set_state(&state).unwrap();
        assert!((host.param(hold) - told).abs() < SAME_PLACE, "put to {place}");
        let mut other = Host::load_bundle().unwrap();
        other.set_state(&state).unwrap();
        assert!((other.param(hold) - told).abs() < SAME_PLACE, "{place}, in another instance");
    }
}

#[test]
fn a_value_set_before_the_first_block_is_kept() {
    let mut host = Host::load_bundle().unwrap();
    let hold = host.param_id("Hold").unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    host.start().unwrap();
    host.set_param(hold, 1.0);
    assert_eq!(host.param(hold), 1.0);
    assert_eq!(host.state_json().unwrap()["params"]["hold"], json!({ "bool": true }));
    host.play(&music(0.1, RATE_HZ, 2), BLOCK, Mode::Realtime, |_| {}).unwrap();
    assert_eq!(host.param(hold), 1.0);
}

#[test]
fn of_a_state_with_odd_values_everything_else_is_kept_and_it_can_be_saved_again() {
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", "/kept.csv").unwrap();
    let whole = host.state_json().unwrap();
    let odd = [
        ("response", json!({"i32": 99}), json!({"string": "mix"})),
        ("response", json!({"i32": -1}), json!({"string": "mix"})),
        ("gate_db", json!({"f32": 1e38}), json!({"f32": -30.0})),
        ("gate_db", json!({"f64": 1.5}), json!({"f32": -30.0})),
        ("gate_db", json!({"f32": null}), json!({"f32": -70.0})),
        ("hold", json!("yes"), json!({"bool": false})),
    ];
    for (name, value, expected) in odd {
        let mut state = whole.clone();
        state["params"][name] = value.clone();
        state["params"]["reset"] = json!({"bool": true});
        let mut other = Host::load_bundle().unwrap();
        other.set_state(&[state.to_string().as_bytes(), &[0; 64]].concat()).unwrap();
        let saved = other.state_json().unwrap();
        assert_eq!(saved["params"][name], expected, "{value}");
        assert_eq!(saved["params"]["reset"], json!({"bool": true}), "{value}");
        assert_eq!(saved["fields"]["csv_path"], whole["fields"]["csv_path"], "{value}");
    }
}

#[test]
fn any_mutation_of_a_state_loads_to_one_that_loads_to_itself_or_is_refused() {
    let mut host = Host::load_bundle().unwrap();
    let whole = host.state().unwrap();
    let mut random = Random(11);
    let mut n_loaded = 0;
    for _ in 0..2000 {
        let mut state = whole.clone();
        for _ in 0..random.up_to(4) {
            let at = random.up_to(state.len()) - 1;
            match random.up_to(4) {
                1 => state[at] = random.bits() as u8,
                2 => state[at] = b"0123456789.-{}[]\",:"[random.up_to(19) - 1],
                3 => drop(state.remove(at)),
                _ => state.insert(at, random.bits() as u8),
            }
        }
        if host.set_state(&state).is_ok() {
            n_loaded += 1;
            let saved = host.state().unwrap();
            let gate_db = host.state_json().unwrap()["params"]["gate_db"]["f32"].as_f64().unwrap();
            assert!((-90.0..=-30.0).contains(&gate_db), "{gate_db}");
            host.set_state(&saved).unwrap();
            assert_eq!(host.state().unwrap(), saved, "{}", String::from_utf8_lossy(&state));
        }
    }
    assert!(n_loaded > 100, "{n_loaded}");
}

#[test]
fn a_path_that_is_no_file_never_holds_the_host_up() {
    let _alone = alone();
    let folder = std::env::temp_dir().join(format!("moodring-vst3-paths-{}", std::process::id()));
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe.onnx");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let audio = music(3.0, RATE_HZ, 2);
    for path in [pipe.as_path(), &folder, Path::new("/dev/zero"), Path::new("/dev/full")] {
        for field in ["model_path", "csv_path"] {
            // Whoever hangs here hangs for ever; whoever does not takes as long as the music.
            let began = Instant::now();
            let mut host = Host::load_bundle().unwrap();
            host.set_field(field, path.to_str().unwrap()).unwrap();
            for _ in 0..2 {
                host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
                host.start().unwrap();
                assert!(host.play(&audio, BLOCK, Mode::Realtime, |_| {}).unwrap() == audio);
                host.stop();
            }
            drop(host);
            assert!(began.elapsed() < Duration::from_secs(10), "{field} is {}", path.display());
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_for_readings_that_comes_with_a_state_is_written_at_once() {
    let _alone = alone();
    let csv = CsvPath::new("restored");
    let mut host = Host::load_bundle().unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    host.start().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    host.play(&music(3.0, RATE_HZ, 2), BLOCK, Mode::Realtime, |_| {}).unwrap();
    drop(host);
    assert!(csv.text().lines().count() > 10, "{}", csv.text());
}

#[test]
fn what_is_read_goes_out_by_osc_and_what_other_programs_ask_for_is_done() {
    let _alone = alone();
    let csv = CsvPath::new("osc");
    let mut peer = Peer::new();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("osc", peer.settings(30)).unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    host.start().unwrap();
    host.set_song_secs(Some(0.0));
    let mut wait = pace(Instant::now(), 1.0);
    let holds = [(1.5, 1), (2.5, 0)].map(|(secs, on)| ((secs * RATE_HZ) as usize, on));
    host.play(&music(5.0, RATE_HZ, 2), BLOCK, Mode::Realtime, |played| {
        wait(played);
        for (at, on) in holds {
            if (at..at + BLOCK).contains(&played) {
                peer.say("/moodring/hold", vec![OscType::Int(on)]);
            }
        }
        peer.hear();
    })
    .unwrap();
    drop(host);
    peer.hear();
    peer.check(&csv.text());
    assert!(peer.numbers("/moodring/state").contains(&3.0), "it was never held");
    assert!(peer.numbers("/moodring/beat").len() > 90, "thirty a second");
}

#[test]
fn a_browser_sees_on_the_live_page_what_is_read() {
    let _alone = alone();
    let csv = CsvPath::new("page");
    let mut viewer = Viewer::new();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("page", viewer.settings()).unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    host.start().unwrap();
    viewer.come();
    let mut wait = pace(Instant::now(), 1.0);
    host.play(&music(4.0, RATE_HZ, 2), BLOCK, Mode::Realtime, |played| {
        wait(played);
        viewer.look();
    })
    .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    viewer.look();
    drop(host);
    viewer.check(&csv.text());
}

#[test]
fn every_output_that_a_state_names_gets_every_reading() {
    let _alone = alone();
    let csv = CsvPath::new("side-by-side");
    let jsonl = csv.json_lines();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("outputs", json!({ "jsonl": jsonl.0 })).unwrap();
    host.set_up(RATE_HZ, BLOCK, Mode::Offline).unwrap();
    host.start().unwrap();
    host.play(&music(3.0, RATE_HZ, 2), BLOCK, Mode::Offline, |_| {}).unwrap();
    assert_eq!(
        host.state_json().unwrap()["fields"]["outputs"],
        json!({ "jsonl": jsonl.0 }).to_string()
    );
    drop(host);
    assert_eq!(csv.n_rows_also_in(&jsonl), csv.text().lines().count() - 1);
    assert!(csv.text().lines().count() > 10, "{}", csv.text());
}

#[test]
fn a_block_before_activation_is_refused_and_harms_nobody() {
    let mut host = Host::load_bundle().unwrap();
    let audio = music(0.1, RATE_HZ, 2);
    assert!(host.play(&audio, BLOCK, Mode::Realtime, |_| {}).is_err());
    host.set_up(RATE_HZ, BLOCK, Mode::Realtime).unwrap();
    assert!(host.play(&audio, BLOCK, Mode::Realtime, |_| {}).is_err());
    host.start().unwrap();
    assert!(host.play(&audio, BLOCK, Mode::Realtime, |_| {}).unwrap() == audio);
}

#[test]
fn the_maker_is_named_and_nothing_is_made_up() {
    let [vendor, url, email] = maker().unwrap();
    assert_eq!(vendor, "Moodring contributors");
    // There is neither a site nor an address to be told of.
    assert_eq!((url.as_str(), email.as_str()), ("", ""));
}
