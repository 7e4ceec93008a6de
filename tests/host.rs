//! The bundled CLAP as a host sees it: audio untouched, readings independent of how the host plays.

// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod host;
    pub mod music;
    pub mod osc;
    pub mod readings_file;
    pub mod sounds;
    pub mod viewer;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use moodring::history::{Clock, History, Point, state};
use rosc::OscType;
use serde_json::{Value, json};
use support::host::{Host, Playing, framed};
use support::music::{Random, music};
use support::osc::Peer;
use support::readings_file::CsvPath;
#[cfg(target_os = "linux")]
use support::readings_file::{STRAY_WAITS, n_waits};
use support::sounds::{SETTLED_SECS, TOLERANCE, sounds};
use support::viewer::Viewer;

/// Tests that play share this; the one that counts threads has it alone.
static PLAYING: RwLock<()> = RwLock::new(());

/// Largest difference of a share between host rates: resampling and frame grid differ, the music
/// does not.
const RATE_TOLERANCE: f32 = 0.02;

/// Largest block that any test asks for.
const MAX_BLOCK: usize = 4096;

fn others_may_play() -> RwLockReadGuard<'static, ()> {
    PLAYING.read().unwrap_or_else(PoisonError::into_inner)
}

/// One row of a readings file: its time and the shares that the phase carries.
#[derive(Debug)]
struct Row {
    time_secs: f64,
    phase: String,
    shares: Vec<f32>,
}

fn rows(csv: &str) -> Vec<Row> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        Row {
            time_secs: fields[0].parse().unwrap(),
            phase: fields[1].to_owned(),
            shares: fields[3..5].iter().filter_map(|share| share.parse().ok()).collect(),
        }
    };
    csv.lines().skip(1).map(row).collect()
}

/// How a host plays.
struct Way {
    rate_hz: f64,
    n_channels: usize,
    blocks: Blocks,
    offline: bool,
}

#[derive(Clone, Copy)]
enum Blocks {
    Of(usize),
    Random(u64),
}

impl Blocks {
    fn sizes(self) -> Box<dyn Iterator<Item = usize>> {
        match self {
            Self::Of(size) => Box::new(std::iter::repeat(size)),
            Self::Random(seed) => {
                let mut random = Random(seed);
                Box::new(std::iter::from_fn(move || Some(random.up_to(MAX_BLOCK))))
            }
        }
    }
}

const BOUNCE: Way =
    Way { rate_hz: 44_100.0, n_channels: 2, blocks: Blocks::Of(512), offline: true };

/// The readings file after playing `audio` in `way`.
fn readings_of(name: &str, audio: &[Vec<f32>], way: &Way) -> String {
    let csv = CsvPath::new(name);
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    play(&mut host, audio, way);
    drop(host);
    csv.text()
}

/// Plays `audio` in `way`, at the pace of real time unless offline.
fn play(host: &mut Host, audio: &[Vec<f32>], way: &Way) -> Vec<Vec<f32>> {
    host.select_channels(way.n_channels).unwrap();
    host.render_offline(way.offline).unwrap();
    let mut playing = host.activate(way.rate_hz, MAX_BLOCK).unwrap();
    let began = Instant::now();
    let pace = |played: usize| {
        let due = Duration::from_secs_f64(played as f64 / way.rate_hz);
        if !way.offline {
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        true
    };
    playing.play(audio, way.blocks.sizes(), pace).unwrap()
}

/// Every kind of float there is, quiet and signalling NaNs with payloads among them.
fn every_kind_of_float(n_samples: usize, n_channels: usize) -> Vec<Vec<f32>> {
    let special = [
        f32::NAN,
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0xffc1_2345),
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(1),
        -f32::MIN_POSITIVE / 2.0,
        -0.0,
        f32::MAX,
        1e30,
    ];
    let mut random = Random(99);
    let mut sample = |n: usize| match n % 7 {
        0 => special[random.bits() as usize % special.len()],
        1 => f32::from_bits(random.bits()),
        _ => (random.bits() as f32 / u32::MAX as f32) - 0.5,
    };
    (0..n_channels).map(|_| (0..n_samples).map(&mut sample).collect()).collect()
}

#[track_caller]
fn assert_same_bits(heard: &[Vec<f32>], played: &[Vec<f32>], what: &str) {
    assert_eq!(heard.len(), played.len());
    for (channel, (heard, played)) in heard.iter().zip(played).enumerate() {
        let differs = heard.iter().zip(played).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(differs, None, "{what}: channel {channel} first differs at this sample");
    }
}

#[test]
fn audio_passes_bit_for_bit_in_any_block_size_rate_and_layout() {
    let _guard = others_may_play();
    let sizes = [1, 17, 64, 1024, 4096].map(Blocks::Of);
    for rate_hz in [44_100.0, 48_000.0, 96_000.0] {
        for n_channels in [1, 2] {
            let audio = every_kind_of_float(20_000, n_channels);
            for (index, blocks) in sizes.into_iter().chain([Blocks::Random(5)]).enumerate() {
                let mut host = Host::load_bundle().unwrap();
                let way = Way { rate_hz, n_channels, blocks, offline: true };
                let heard = play(&mut host, &audio, &way);
                assert_same_bits(&heard, &audio, &format!("{rate_hz} Hz, {n_channels}, {index}"));
            }
        }
    }
}

#[test]
fn audio_passes_bit_for_bit_in_live_playback() {
    let _guard = others_may_play();
    let audio = every_kind_of_float(24_000, 2);
    let way = Way { blocks: Blocks::Random(8), offline: false, ..BOUNCE };
    let heard = play(&mut Host::load_bundle().unwrap(), &audio, &way);
    assert_same_bits(&heard, &audio, "live");
}

#[test]
fn bypassed_audio_passes_bit_for_bit_and_nothing_is_read() {
    let _guard = others_may_play();
    let csv = CsvPath::new("bypass");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_bypass(true).unwrap();
    let audio = every_kind_of_float(100_000, 2);
    let heard = play(&mut host, &audio, &BOUNCE);
    assert_same_bits(&heard, &audio, "bypassed");
    drop(host);
    assert!(rows(&csv.text()).is_empty());
}

#[test]
fn every_layout_passes_audio_and_is_read() {
    let _guard = others_may_play();
    for n_channels in 1..=8 {
        let audio = music(2.5, 48_000.0, n_channels);
        let csv = CsvPath::new(&format!("layout-{n_channels}"));
        let mut host = Host::load_bundle().unwrap();
        host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
        let way = Way { rate_hz: 48_000.0, n_channels, ..BOUNCE };
        assert_same_bits(&play(&mut host, &audio, &way), &audio, "layout");
        drop(host);
        assert!(rows(&csv.text()).len() >= 5, "{n_channels} channels: {}", csv.text());
    }
}

#[test]
fn every_channel_is_heard_and_nothing_that_no_ear_hears() {
    let _playing = others_may_play();
    let way = |channels: &[Vec<f32>]| Way { n_channels: channels.len(), ..BOUNCE };
    for sound in sounds(BOUNCE.rate_hz) {
        let read = rows(&readings_of("sound", &sound.channels, &way(&sound.channels)));
        let Some(reads_as) = sound.reads_as else {
            assert!(
                read.len() > 60 && read.iter().all(|row| row.phase == "silent"),
                "{}",
                sound.name
            );
            continue;
        };
        let expected = rows(&readings_of("as-if", &reads_as, &way(&reads_as)));
        let settled = read.iter().zip(&expected).filter(|(row, _)| row.time_secs > SETTLED_SECS);
        assert!(settled.clone().count() > 5, "{}", sound.name);
        for (row, as_if) in settled {
            assert_eq!(
                (row.time_secs, &row.phase),
                (as_if.time_secs, &as_if.phase),
                "{}",
                sound.name
            );
            assert_ne!(row.phase, "silent", "{}", sound.name);
            for (share, as_if) in row.shares.iter().zip(&as_if.shares) {
                assert!((share - as_if).abs() < TOLERANCE, "{}: {share}, not {as_if}", sound.name);
            }
        }
    }
}

#[test]
fn readings_are_the_same_for_any_block_size() {
    let _guard = others_may_play();
    let audio = music(13.0, 48_000.0, 2);
    let read = |name: &str, blocks| {
        readings_of(name, &audio, &Way { rate_hz: 48_000.0, blocks, ..BOUNCE })
    };
    let expected = read("blocks-512", Blocks::Of(512));
    assert!(rows(&expected).len() >= 60, "at least five readings a second:\n{expected}");
    for size in [1, 17, 64, 1024, 4096] {
        assert_eq!(read(&format!("blocks-{size}"), Blocks::Of(size)), expected, "blocks of {size}");
    }
    assert_eq!(read("blocks-random", Blocks::Random(3)), expected, "random blocks");
}

#[test]
fn readings_hardly_depend_on_the_sample_rate() {
    let _guard = others_may_play();
    let read = |rate_hz: f64| {
        let audio = music(14.0, rate_hz, 2);
        rows(&readings_of(&format!("rate-{rate_hz}"), &audio, &Way { rate_hz, ..BOUNCE }))
    };
    let expected = read(44_100.0);
    for rate_hz in [48_000.0, 96_000.0] {
        let heard = read(rate_hz);
        assert!(heard.len().abs_diff(expected.len()) <= 1);
        for (a, b) in heard.iter().zip(&expected) {
            assert!((a.time_secs - b.time_secs).abs() < 0.01, "{a:?}\n{b:?}");
            assert_eq!(a.phase, b.phase);
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= RATE_TOLERANCE;
            assert!(a.shares.iter().zip(&b.shares).all(close), "{rate_hz} Hz: {a:?}\n{b:?}");
        }
    }
}

#[test]
fn a_bounce_at_full_speed_reads_as_live_playback_does() {
    let _guard = others_may_play();
    let audio = music(14.0, 44_100.0, 2);
    let live = readings_of("live", &audio, &Way { offline: false, ..BOUNCE });
    let began = Instant::now();
    let bounced = readings_of("bounce", &audio, &BOUNCE);
    assert!(began.elapsed() < Duration::from_secs(14), "a bounce must not take as long as live");
    assert!(rows(&live).iter().any(|row| row.phase == "live"));
    assert_eq!(bounced, live);
}

#[test]
fn after_a_reset_readings_equal_those_of_a_fresh_instance() {
    let _guard = others_may_play();
    let audio = music(3.0, 44_100.0, 2);
    let csv = CsvPath::new("reset");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.render_offline(true).unwrap();
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
    playing.reset();
    playing.play(&audio, Blocks::Of(300).sizes(), |_| true).unwrap();
    drop(playing);
    let text = csv.text();
    let readings: Vec<&str> = text.lines().skip(1).collect();
    let (first, second) = readings.split_at(readings.len() / 2);
    assert!(first.len() >= 10);
    assert_eq!(first, second);
}

/// What the plugin's state tells of the song.
fn song(host: &mut Host) -> Vec<Point> {
    let history = Mutex::new(History::new());
    state::restore(&history, &host.field("history").unwrap());
    let history = history.into_inner().unwrap();
    history.track(Clock::Song).points(f64::NEG_INFINITY, f64::INFINITY).collect()
}

/// Plays `audio` from `song_secs` of the song on.
fn play_song(playing: &mut Playing<'_>, audio: &[Vec<f32>], song_secs: Option<f64>) {
    playing.set_song_secs(song_secs);
    playing.play(audio, Blocks::Of(512).sizes(), |_| true).unwrap();
}

#[test]
fn readings_lie_on_the_hosts_timeline_and_playing_again_overwrites_them() {
    let _guard = others_may_play();
    let audio = music(6.0, 44_100.0, 2);
    let mut host = Host::load_bundle().unwrap();
    host.render_offline(true).unwrap();
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    play_song(&mut playing, &audio, Some(60.0));
    play_song(&mut playing, &audio, None);
    drop(playing);
    let first = song(&mut host);
    let places: Vec<f64> = first.iter().map(|point| point.secs).collect();
    assert_eq!((places.first(), places.last()), (Some(&61.0), Some(&65.5)), "{places:?}");
    assert_eq!(places.len(), 10, "a point every half second, none while the host stands still");
    // The same music over the second half, heard from its beginning: other readings at the same
    // places.
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    play_song(&mut playing, &audio, Some(62.0));
    drop(playing);
    let again = song(&mut host);
    let at = |points: &[Point], secs: f64| points.iter().find(|point| point.secs == secs).copied();
    assert_eq!(at(&again, 62.0), at(&first, 62.0));
    assert_ne!(at(&again, 65.0), at(&first, 65.0), "provisional, as it was before");
    assert_eq!(at(&again, 67.5).unwrap().shares(), at(&first, 65.5).unwrap().shares());
}

#[test]
fn a_jump_of_the_playhead_is_a_new_start_unless_that_is_switched_off() {
    let _guard = others_may_play();
    let audio = music(4.0, 44_100.0, 2);
    for (auto_reset, starts) in [(true, 2), (false, 1)] {
        let csv = CsvPath::new(&format!("jump-{auto_reset}"));
        let mut host = Host::load_bundle().unwrap();
        host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
        let mut state = host.state_json().unwrap();
        state["params"]["auto_reset"] = json!({ "bool": auto_reset });
        host.set_state_json(&state).unwrap();
        host.render_offline(true).unwrap();
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        play_song(&mut playing, &audio, Some(0.0));
        play_song(&mut playing, &audio, Some(90.0));
        drop(playing);
        let rows = rows(&csv.text());
        let resets = rows.windows(2).filter(|pair| pair[1].time_secs < pair[0].time_secs).count();
        assert_eq!(1 + resets, starts, "{rows:?}");
    }
}

#[test]
fn the_history_survives_the_round_trip_and_an_older_state_loads() {
    let _guard = others_may_play();
    let mut host = Host::load_bundle().unwrap();
    host.render_offline(true).unwrap();
    let older = host.state_json().unwrap();
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    play_song(&mut playing, &music(3.0, 44_100.0, 2), Some(0.0));
    drop(playing);
    let state = host.state().unwrap();
    let mut other = Host::load_bundle().unwrap();
    other.set_state(&state).unwrap();
    assert_eq!(song(&mut other), song(&mut host));
    assert!(song(&mut other).len() >= 3);
    // As the first version wrote it.
    let params = json!({ "bypass": older["params"]["bypass"] });
    let fields = json!({ "csv_path": "\"/kept.csv\"", "model_path": "\"\"" });
    let mut fresh = Host::load_bundle().unwrap();
    fresh
        .set_state_json(&json!({ "version": "0.1.0", "params": params, "fields": fields }))
        .unwrap();
    assert_eq!(fresh.field("csv_path").unwrap(), "/kept.csv");
    assert!(song(&mut fresh).is_empty());
    // Nonsense for a history leaves none, and the plugin plays on.
    other.set_field("history", "1:nonsense").unwrap();
    assert!(song(&mut other).is_empty());
    let audio = music(0.1, 44_100.0, 2);
    assert_same_bits(&play(&mut other, &audio, &BOUNCE), &audio, "after nonsense");
}

#[test]
fn the_state_survives_the_round_trip() {
    let _guard = others_may_play();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", "/tmp/a \"quoted\" söng.csv").unwrap();
    host.set_bypass(true).unwrap();
    let state = host.state().unwrap();
    let mut other = Host::load_bundle().unwrap();
    assert_ne!(other.state().unwrap(), state);
    other.set_state(&state).unwrap();
    assert_eq!(other.state().unwrap(), state);
    assert_eq!(other.field("csv_path").unwrap(), "/tmp/a \"quoted\" söng.csv");
}

#[test]
fn junk_for_a_state_is_refused_or_ignored_and_the_plugin_plays_on() {
    let _guard = others_may_play();
    let mut host = Host::load_bundle().unwrap();
    let before = host.state().unwrap();
    for junk in [&b""[..], b"\x01", &framed(b""), &framed(b"{"), &framed(&[0xff; 99]), &[0xff; 64]]
    {
        assert!(host.set_state(junk).is_err(), "{junk:?}");
        assert_eq!(host.state().unwrap(), before);
    }
    // What another version might have written: known fields are taken, the rest is ignored.
    let foreign = json!({
        "version": "99.0.0",
        "params": { "bypass": { "f32": 0.5 }, "sparkle": { "i32": 7 } },
        "fields": { "csv_path": "not json", "glitter": "[1, 2]" },
    });
    host.set_state_json(&foreign).unwrap();
    assert_eq!(host.state().unwrap(), before);
    let audio = music(0.1, 44_100.0, 2);
    assert_same_bits(&play(&mut host, &audio, &BOUNCE), &audio, "after junk");
}

#[test]
fn a_missing_model_leaves_the_audio_untouched_and_the_shipped_one_in_charge() {
    let _guard = others_may_play();
    let audio = music(3.0, 44_100.0, 2);
    let expected = readings_of("shipped", &audio, &BOUNCE);
    let csv = CsvPath::new("missing-model");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("model_path", "/no/such/model.onnx").unwrap();
    assert_same_bits(&play(&mut host, &audio, &BOUNCE), &audio, "missing model");
    drop(host);
    assert!(rows(&expected).len() >= 10);
    assert_eq!(csv.text(), expected);
}

#[test]
fn a_state_with_another_model_moves_the_running_analysis_to_it_and_the_same_state_moves_nothing() {
    let _guard = others_may_play();
    let audio = music(3.0, 44_100.0, 2);
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/paper.onnx");
    let csv = CsvPath::new("another-model");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.render_offline(true).unwrap();
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    for _ in 0..2 {
        playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
        playing.host().set_field("model_path", paper.to_str().unwrap()).unwrap();
    }
    playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
    drop(playing);
    let rows = rows(&csv.text());
    let starts: Vec<usize> =
        (1..rows.len()).filter(|i| rows[*i].time_secs < rows[i - 1].time_secs).collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
    let (shipped, others) = rows.split_at(starts[0]);
    assert!(others.last().unwrap().time_secs > 5.5, "it went on through the same state");
    let same = |a: &Row, b: &Row| a.shares == b.shares;
    assert!(!shipped.iter().zip(others).any(|(a, b)| same(a, b)), "the same model as before");
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_audio_untouched() {
    let _guard = others_may_play();
    let audio = music(2.0, 44_100.0, 2);
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", "/no/such/folder/readings.csv").unwrap();
    assert_same_bits(&play(&mut host, &audio, &BOUNCE), &audio, "unwritable file");
}

#[test]
fn rates_that_cannot_be_analysed_leave_the_audio_untouched() {
    let _guard = others_may_play();
    for rate_hz in [1.0, 100.0, 1e7] {
        let audio = every_kind_of_float(10_000, 2);
        let way = Way { rate_hz, ..BOUNCE };
        let heard = play(&mut Host::load_bundle().unwrap(), &audio, &way);
        assert_same_bits(&heard, &audio, "impossible rate");
    }
}

/// Runs `body`, which must come back: a plugin that hangs its host is the end of this program, with
/// a word why.
fn within<T>(secs: u64, what: &str, body: impl FnOnce() -> T) -> T {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let what = what.to_owned();
    let watch = std::thread::spawn(move || {
        if is_done.recv_timeout(Duration::from_secs(secs))
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            eprintln!("the host hangs: {what}");
            std::process::abort();
        }
    });
    let result = body();
    drop(done);
    watch.join().unwrap();
    result
}

#[cfg(unix)]
#[test]
fn a_path_from_a_project_that_is_no_file_never_holds_the_host_up() {
    let _guard = others_may_play();
    let folder = std::env::temp_dir().join(format!("moodring-host-paths-{}", std::process::id()));
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("folder.onnx")).unwrap();
    let pipe = |name: &str| {
        let path = folder.join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let model_pipe = pipe("pipe.onnx");
    let card_pipe = folder.join("weights.onnx");
    fs::write(&card_pipe, b"weights").unwrap();
    pipe("weights.json");
    let csv_pipe = pipe("pipe.csv");
    let audio = music(3.0, 44_100.0, 2);
    let models =
        [model_pipe, card_pipe, folder.join("folder.onnx"), "/dev/zero".into(), "/dev/full".into()];
    let csvs = [csv_pipe, folder.clone(), "/dev/zero".into(), "/dev/full".into()];
    for (field, path) in models
        .iter()
        .map(|path| ("model_path", path))
        .chain(csvs.iter().map(|path| ("csv_path", path)))
    {
        let what = format!("{field} is {}", path.display());
        within(20, &what, || {
            let csv = CsvPath::new("paths");
            let mut host = Host::load_bundle().unwrap();
            host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
            host.set_field(field, path.to_str().unwrap()).unwrap();
            // Live and as a render, and twice, as hosts do while they load a project.
            for _ in 0..2 {
                assert_same_bits(&play(&mut host, &audio, &BOUNCE), &audio, &what);
            }
            // Restored while it plays.
            let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
            playing.host().set_field(field, "").unwrap();
            playing.host().set_field(field, path.to_str().unwrap()).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            drop(playing);
            drop(host);
            if field == "model_path" {
                assert!(rows(&csv.text()).len() >= 20, "{what}: the shipped model reads");
            }
        });
    }
    fs::remove_dir_all(folder).unwrap();
}

/// Writes the shipped model to `folder` with other words for its second pair, tense and relaxed;
/// its path.
fn tense_model(folder: &Path) -> PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut card: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(models.join("moodring.json")).unwrap()).unwrap();
    let second = &mut card["spaces"][1];
    second["first"] = json!("tense");
    second["second"] = json!("relaxed");
    let path = folder.join("tense.onnx");
    fs::copy(models.join("moodring.onnx"), &path).unwrap();
    fs::write(path.with_extension("json"), card.to_string()).unwrap();
    path
}

/// Bytes of all files in a folder.
fn bytes_in(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// Waits until the files in a folder are no longer of `before` bytes, and grow no more.
fn wait_for_rest(folder: &Path, mut before: u64) {
    /// Longer than readings, and the thread that writes them, may be apart on a busy machine.
    const REST: Duration = Duration::from_millis(700);
    let (began, mut since) = (Instant::now(), None);
    while since.is_none_or(|since: Instant| since.elapsed() < REST) {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing was written");
        std::thread::sleep(Duration::from_millis(20));
        let now = bytes_in(folder);
        if now != before {
            (before, since) = (now, Some(Instant::now()));
        }
    }
}

#[test]
fn a_model_with_other_words_that_is_chosen_while_it_plays_has_a_file_of_its_own() {
    let _guard = others_may_play();
    let folder = std::env::temp_dir().join(format!("moodring-host-tense-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let tense = tense_model(&folder);
    let csv = folder.join("readings.csv");
    let audio = music(3.0, 44_100.0, 2);
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.to_str().unwrap()).unwrap();
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    for model in [tense.to_str().unwrap(), "", tense.to_str().unwrap()] {
        let before = bytes_in(&folder);
        playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
        // Until what is in the ring is read by the model that it was played to.
        wait_for_rest(&folder, before);
        playing.host().set_field("model_path", model).unwrap();
        std::thread::sleep(Duration::from_millis(700));
    }
    playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
    drop(playing);
    drop(host);
    let texts = ["readings.csv", "readings-2.csv"]
        .map(|name| fs::read_to_string(folder.join(name)).unwrap());
    assert!(
        texts[0].starts_with("time_secs,phase,heard_secs,excited,excited_low,excited_high,joy,")
    );
    assert!(
        texts[1].starts_with("time_secs,phase,heard_secs,excited,excited_low,excited_high,tense,")
    );
    let rows = texts.map(|text| rows(&text));
    // The same weights under other words: both files hold the same two passages.
    assert!(rows[0].len() >= 20, "{}", rows[0].len());
    let read = |rows: &[Row]| -> Vec<(f64, Vec<f32>)> {
        rows.iter().map(|row| (row.time_secs, row.shares.clone())).collect()
    };
    assert_eq!(read(&rows[0]), read(&rows[1]));
    assert!(!folder.join("readings-3.csv").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_for_readings_that_comes_with_a_state_is_written_at_once() {
    let _guard = others_may_play();
    let audio = music(3.0, 44_100.0, 2);
    let csv = CsvPath::new("restored");
    let mut host = Host::load_bundle().unwrap();
    // Hosts activate before they restore.
    let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
    playing.host().set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    playing.play(&audio, Blocks::Of(512).sizes(), |_| true).unwrap();
    drop(playing);
    assert!(rows(&csv.text()).len() >= 10, "{}", csv.text());
}

#[test]
fn what_is_read_goes_out_by_osc_and_what_other_programs_ask_for_is_done() {
    let _guard = others_may_play();
    let audio = music(5.0, 48_000.0, 2);
    let csv = CsvPath::new("osc");
    let mut peer = Peer::new();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("osc", peer.settings(0)).unwrap();
    let mut playing = host.activate(48_000.0, MAX_BLOCK).unwrap();
    let began = Instant::now();
    for (second, said) in [
        None,
        Some(("/moodring/hello", vec![])),
        Some(("/moodring/snapshot", vec![OscType::Int(0)])),
        Some(("/moodring/hold", vec![OscType::Int(1)])),
        Some(("/moodring/hold", vec![OscType::Int(0)])),
    ]
    .into_iter()
    .enumerate()
    {
        if let Some((address, args)) = said {
            peer.say(address, args);
        }
        let part = audio.iter().map(|c| c[second * 48_000..(second + 1) * 48_000].to_vec());
        playing.set_song_secs(Some(second as f64));
        let pace = |played: usize| {
            let due = Duration::from_secs_f64(second as f64 + played as f64 / 48_000.0);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            peer.hear();
            true
        };
        playing.play(&part.collect::<Vec<_>>(), Blocks::Of(512).sizes(), pace).unwrap();
    }
    let kept =
        playing.host().state_json().unwrap()["fields"]["editor"].as_str().unwrap().to_owned();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert!(kept["kept"][0].is_object(), "no snapshot was kept: {kept}");
    drop(playing);
    peer.hear();
    peer.check(&csv.text());
    assert!(peer.numbers("/moodring/state").contains(&3.0), "it was never held");
}

#[test]
fn a_browser_sees_on_the_live_page_what_is_read() {
    let _guard = others_may_play();
    let audio = music(4.0, 48_000.0, 2);
    let csv = CsvPath::new("page");
    let mut viewer = Viewer::new();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("page", viewer.settings()).unwrap();
    let mut playing = host.activate(48_000.0, MAX_BLOCK).unwrap();
    viewer.come();
    let began = Instant::now();
    let pace = |played: usize| {
        let due = Duration::from_secs_f64(played as f64 / 48_000.0);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        viewer.look();
        true
    };
    playing.play(&audio, Blocks::Of(512).sizes(), pace).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    viewer.look();
    drop(playing);
    viewer.check(&csv.text());
}

#[test]
fn every_output_that_a_state_names_gets_every_reading() {
    let _guard = others_may_play();
    let audio = music(3.0, 44_100.0, 2);
    let csv = CsvPath::new("side-by-side");
    let jsonl = csv.json_lines();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    host.set_field("outputs", json!({ "jsonl": jsonl.0 })).unwrap();
    play(&mut host, &audio, &BOUNCE);
    assert_eq!(
        host.state_json().unwrap()["fields"]["outputs"],
        json!({ "jsonl": jsonl.0 }).to_string()
    );
    drop(host);
    assert_eq!(csv.n_rows_also_in(&jsonl), csv.text().lines().count() - 1);
    assert!(csv.text().lines().count() > 10, "{}", csv.text());
}

#[test]
fn a_worse_reading_never_replaces_a_better_one_of_the_same_passage() {
    let _guard = others_may_play();
    let audio = music(16.0, 44_100.0, 2);
    let part: Vec<Vec<f32>> = audio.iter().map(|channel| channel[4 * 44_100..].to_vec()).collect();
    let silence = vec![vec![0.0; 3 * 44_100]; 2];
    let changed = music(22.0, 44_100.0 / 1.3, 2);
    for auto_reset in [true, false] {
        let mut host = Host::load_bundle().unwrap();
        let mut state = host.state_json().unwrap();
        state["params"]["auto_reset"] = json!({ "bool": auto_reset });
        host.set_state_json(&state).unwrap();
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        play_song(&mut playing, &audio, Some(0.0));
        play_song(&mut playing, &silence, None);
        drop(playing);
        let first = song(&mut host);
        // From the middle, twice, with a rest in which the host hears nothing.
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        for _ in 0..2 {
            play_song(&mut playing, &silence, None);
            play_song(&mut playing, &part, Some(4.0));
        }
        play_song(&mut playing, &silence, None);
        drop(playing);
        let again = song(&mut host);
        assert_eq!(again.len(), first.len(), "auto reset: {auto_reset}");
        let rank = |point: &Point| format!("{:?}", point.phase);
        for (before, after) in first.iter().zip(&again) {
            assert_eq!(before.secs, after.secs);
            assert!(
                rank(before) != "Live" || rank(after) == "Live",
                "auto reset: {auto_reset}: {before:?} became {after:?}"
            );
            assert!(rank(after) != "Silent", "auto reset: {auto_reset}: {after:?}");
        }
        // Other music in the same place is there once it has been heard as a whole.
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        play_song(&mut playing, &changed, Some(2.0));
        drop(playing);
        let other = song(&mut host);
        let at =
            |points: &[Point], secs: f64| points.iter().find(|p| p.secs == secs).copied().unwrap();
        assert_eq!(at(&other, 11.0), at(&again, 11.0), "not yet whole");
        assert_ne!(at(&other, 14.0).shares, at(&again, 14.0).shares, "whole");
    }
}

#[test]
fn odd_values_in_a_state_cost_nothing_but_themselves() {
    let _guard = others_may_play();
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", "/kept.csv").unwrap();
    let whole = host.state_json().unwrap();
    for (name, odd, expected) in [
        ("response", json!({"i32": 99}), json!({"string": "mix"})),
        ("response", json!({"i32": -1}), json!({"string": "mix"})),
        ("gate_db", json!({"f32": -1e38}), json!({"f32": -90.0})),
        ("gate_db", json!({"f64": 1.5}), json!({"f32": -30.0})),
        ("auto_reset", json!({"f32": null}), json!({"bool": true})),
        ("hold", json!([]), json!({"bool": false})),
    ] {
        let mut state = whole.clone();
        state["params"][name] = odd.clone();
        let mut other = Host::load_bundle().unwrap();
        // Bytes behind the state, inside of what its length says.
        other.set_state(&framed(&[state.to_string().as_bytes(), &[0; 64]].concat())).unwrap();
        let saved = other.state_json().unwrap();
        assert_eq!(saved["params"][name], expected, "{odd}");
        assert_eq!(saved["fields"]["csv_path"], whole["fields"]["csv_path"]);
        let state = other.state().unwrap();
        other.set_state(&state).unwrap();
        assert_eq!(other.state().unwrap(), state);
    }
}

#[test]
fn any_mutation_of_a_state_is_survived_and_what_loads_loads_again_as_it_is() {
    let _guard = others_may_play();
    let mut host = Host::load_bundle().unwrap();
    let whole = host.state().unwrap()[8..].to_vec();
    let mut random = Random(5);
    let mut n_loaded = 0;
    for _ in 0..1000 {
        let mut state = whole.clone();
        for _ in 0..random.up_to(4) {
            let at = random.up_to(state.len()) - 1;
            match random.up_to(3) {
                1 => state[at] = random.bits() as u8,
                2 => state[at] = b"0123456789.-{}[]\",:"[random.up_to(19) - 1],
                _ => state.insert(at, random.bits() as u8),
            }
        }
        if host.set_state(&framed(&state)).is_ok() {
            n_loaded += 1;
            let saved = host.state().unwrap();
            let gate_db = host.state_json().unwrap()["params"]["gate_db"]["f32"].as_f64().unwrap();
            assert!((-90.0..=-30.0).contains(&gate_db), "{gate_db}");
            host.set_state(&saved).unwrap();
            assert_eq!(host.state().unwrap(), saved, "{}", String::from_utf8_lossy(&state));
        }
    }
    assert!(n_loaded > 50, "{n_loaded}");
}

#[test]
fn a_render_reads_the_same_whether_it_is_announced_or_not_and_at_any_pace() {
    let _guard = others_may_play();
    let audio = music(14.0, 44_100.0, 2);
    let expected = readings_of("announced", &audio, &BOUNCE);
    assert!(rows(&expected).len() > 65);
    assert!(expected.lines().skip(1).all(|row| row.ends_with(",0")), "samples were lost");
    for (offline, speed) in [(false, 1000.0), (false, 20.0), (true, 20.0), (false, 4.0)] {
        let csv = CsvPath::new("pace");
        let mut host = Host::load_bundle().unwrap();
        host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
        host.render_offline(offline).unwrap();
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        let began = Instant::now();
        let pace = |played: usize| {
            let due = Duration::from_secs_f64(played as f64 / 44_100.0 / speed);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            true
        };
        playing.play(&audio, Blocks::Of(512).sizes(), pace).unwrap();
        drop(playing);
        drop(host);
        assert_eq!(csv.text(), expected, "announced: {offline}, {speed} times the clock");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_render_is_waited_for_and_live_playback_right_after_it_is_not_whatever_is_announced() {
    const LIVE_BLOCK: usize = 64;
    let _guard = others_may_play();
    let (rendered, live) = (music(12.0, 44_100.0, 2), music(2.0, 44_100.0, 2));
    for offline in [true, false] {
        let mut host = Host::load_bundle().unwrap();
        host.render_offline(offline).unwrap();
        let mut playing = host.activate(44_100.0, MAX_BLOCK).unwrap();
        let before = n_waits();
        playing.play(&rendered, Blocks::Of(512).sizes(), |_| true).unwrap();
        assert!(n_waits() > before, "announced: {offline}: the render was not waited for");
        let (mut input, mut output) = (live.clone(), live.clone());
        let (mut waits, began) = (0, Instant::now());
        for at in (0..live[0].len() - LIVE_BLOCK).step_by(LIVE_BLOCK) {
            let due = Duration::from_secs_f64((at + LIVE_BLOCK) as f64 / 44_100.0);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let block = at..at + LIVE_BLOCK;
            let mut ins: Vec<_> = input.iter_mut().map(|c| &mut c[block.clone()]).collect();
            let mut outs: Vec<_> = output.iter_mut().map(|c| &mut c[block.clone()]).collect();
            let before = n_waits();
            playing.block(&mut ins, &mut outs).unwrap();
            waits += n_waits() - before;
        }
        assert!(
            waits <= STRAY_WAITS,
            "announced: {offline}: live playback was made to wait, {waits}"
        );
    }
}

/// Names of this process's threads that belong to the plugin.
#[cfg(target_os = "linux")]
fn plugin_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(task.unwrap().path().join("comm")).unwrap_or_default()
    };
    let mut names: Vec<String> = tasks.map(name).map(|name| name.trim().to_owned()).collect();
    names.retain(|name| name.starts_with("mood-"));
    names.sort();
    names
}

#[cfg(target_os = "linux")]
#[test]
fn threads_live_from_activation_to_deactivation() {
    let _alone = PLAYING.write().unwrap_or_else(PoisonError::into_inner);
    let csv = CsvPath::new("threads");
    let mut host = Host::load_bundle().unwrap();
    host.set_field("csv_path", csv.0.to_str().unwrap()).unwrap();
    assert!(plugin_threads().is_empty());
    for _ in 0..3 {
        let playing = host.activate(48_000.0, 512).unwrap();
        // A thread takes its name once it runs.
        let began = Instant::now();
        while plugin_threads().len() < 2 && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(plugin_threads(), ["mood-analysis", "mood-outputs"]);
        drop(playing);
        assert!(plugin_threads().is_empty());
    }
    drop(host);
    assert!(plugin_threads().is_empty());
}
