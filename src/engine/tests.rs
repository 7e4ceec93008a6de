//! A whole engine, from samples to readings and files.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::engine::timeline::Transport;
use crate::history::Clock;
use crate::reading::{Phase, Reading, Stamped};

use feed::Subscription;

const RATE_HZ: f64 = 22_050.0;
const BLOCK: usize = 512;

/// A chord that swells and fades, so that readings differ from one another.
fn music(secs: f64) -> Vec<f32> {
    let wave = |secs: f64, hz: f64| (std::f64::consts::TAU * hz * secs).sin();
    (0..crate::units::secs_to_samples(secs, RATE_HZ))
        .map(|n| crate::units::samples_to_secs(n, RATE_HZ))
        .map(|t| 0.1 * (1.5 + wave(t, 0.3)) * (wave(t, 220.0) + wave(t, 277.2) + wave(t, 330.0)))
        .map(|sample| sample as f32)
        .collect()
}

/// A running engine, and all that is read from it.
struct Tested {
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    readings: Subscription,
    engine: Option<Engine>,
    audio: AudioEnd,
}

impl Tested {
    fn start() -> Self {
        Self::start_with(Model::load, RATE_HZ, Control::default())
    }

    fn start_with(load: LoadModel, rate_hz: f64, control: Control) -> Self {
        let (control, monitor) = (Arc::new(control), Arc::new(Monitor::default()));
        let readings = monitor.feed().subscribe().unwrap();
        let (asked, published) = (Arc::clone(&control), Arc::clone(&monitor));
        let (engine, audio) = Engine::start_with(load, rate_hz, Layout::MONO, asked, published);
        Self { control, monitor, readings, engine: Some(engine), audio }
    }

    /// Renders `samples`, which waits for the analysis.
    fn feed(&mut self, samples: &[f32]) {
        samples
            .chunks(BLOCK)
            .for_each(|block| self.audio.process_waiting(&[block], &Transport::default()));
    }

    /// The readings since the last call, as they were stamped.
    fn stamped(&mut self) -> Vec<Stamped> {
        std::iter::from_fn(|| self.readings.next_reading()).collect()
    }

    /// The readings since the last call.
    fn taken(&mut self) -> Vec<Reading> {
        self.stamped().into_iter().map(|stamped| stamped.reading).collect()
    }

    /// Ends the engine; what it has read can still be taken.
    fn end(&mut self) {
        self.engine = None;
    }
}

/// What asks for the model in a file.
fn asking_for(path: impl Into<PathBuf>) -> Control {
    let control = Control::default();
    control.ask_model(Some(path.into()));
    control
}

/// The status once it is no longer that of a start, or the last one seen after ten seconds.
fn settled_status(monitor: &Monitor) -> Status {
    let began = Instant::now();
    while matches!(monitor.status(), Status::Idle | Status::Loading)
        && began.elapsed() < Duration::from_secs(10)
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    monitor.status()
}

#[test]
fn five_readings_a_second_follow_the_audio() {
    let mut tested = Tested::start();
    tested.feed(&music(6.0));
    assert_eq!(tested.monitor.status(), Status::Running);
    assert!(!tested.monitor.spaces().is_empty());
    tested.end();
    let all = tested.stamped();
    assert!(all.iter().all(|stamped| stamped.overrun_samples == 0));
    let readings: Vec<Reading> = all.iter().map(|stamped| stamped.reading).collect();
    assert!(readings.len() >= 25, "only {} readings in 5 s", readings.len());
    assert!(readings.windows(2).all(|pair| pair[0].time_secs < pair[1].time_secs));
}

#[test]
fn after_a_reset_readings_equal_those_of_a_fresh_engine() {
    let mut tested = Tested::start();
    tested.feed(&music(4.0));
    tested.audio.settle();
    let fresh = tested.taken();
    tested.feed(&vec![0.25; 10_001]);
    tested.audio.settle();
    let _between = tested.taken();
    tested.audio.reset();
    tested.feed(&music(4.0));
    tested.audio.settle();
    assert!(!fresh.is_empty());
    assert_eq!(tested.taken(), fresh);
    tested.end();
}

/// Plays `samples` at `from_secs` of a song.
#[test]
fn what_a_reset_has_forgotten_is_seen_no_more_and_that_audio_flows_is() {
    let mut tested = Tested::start();
    tested.feed(&music(4.0));
    tested.audio.settle();
    assert_eq!(tested.monitor.latest().reading.phase, Phase::Listening);
    let by_host = |tested: &mut Tested| tested.audio.reset();
    let by_hand = |tested: &mut Tested| {
        tested.monitor.forget();
        tested.control.ask_reset();
        // At once, though the host has not called yet.
        assert_eq!(tested.monitor.latest(), Stamped::default());
    };
    for reset in [&by_host as &dyn Fn(&mut Tested), &by_hand] {
        let before = tested.monitor.heard();
        reset(&mut tested);
        // Too little for a reading.
        tested.feed(&music(0.5));
        tested.audio.settle();
        assert_eq!(tested.monitor.latest(), Stamped::default());
        assert!(tested.monitor.heard() > before && !tested.monitor.is_forgotten());
        tested.feed(&music(3.0));
        tested.audio.settle();
        assert_eq!(tested.monitor.latest().reading.phase, Phase::Listening);
    }
}

fn feed_song(audio: &mut AudioEnd, samples: &[f32], from_secs: f64) {
    for (n, block) in samples.chunks(BLOCK).enumerate() {
        let song_secs =
            Some(from_secs + crate::units::samples_to_secs((n * BLOCK) as u64, RATE_HZ));
        audio.process_waiting(
            &[block],
            &Transport { playing: true, song_secs, ..Transport::default() },
        );
    }
}

#[test]
fn readings_tell_where_in_the_song_they_are() {
    let mut tested = Tested::start();
    let music = music(4.0);
    feed_song(&mut tested.audio, &music, 60.0);
    feed_song(&mut tested.audio, &music[..22_050], 10.0);
    tested.audio.settle();
    let readings = tested.stamped();
    // A jump without a reset: time goes on, the place is elsewhere.
    for Stamped { reading, song_secs, .. } in &readings {
        let origin = if reading.time_secs <= 4.0 { 60.0 } else { 6.0 };
        let place = song_secs.unwrap();
        assert!((place - origin - reading.time_secs).abs() < 1e-3, "{reading:?}");
    }
    let history = tested.monitor.read_history();
    let (from, to) = history.track(Clock::Song).span_secs().unwrap();
    assert!((10.0..11.5).contains(&from) && (63.5..64.5).contains(&to), "{from} {to}");
}

#[test]
fn a_jump_is_a_new_start_where_that_is_wanted() {
    let mut tested = Tested::start();
    tested.audio.set_auto_reset(true);
    let music = music(4.0);
    feed_song(&mut tested.audio, &music, 60.0);
    tested.audio.settle();
    let first = tested.stamped();
    feed_song(&mut tested.audio, &music, 10.0);
    tested.audio.settle();
    let again = tested.stamped();
    assert_eq!(again.len(), first.len());
    for (a, b) in again.iter().zip(&first) {
        assert_eq!(a.reading, b.reading);
        assert!((a.song_secs.unwrap() + 50.0 - b.song_secs.unwrap()).abs() < 1e-6);
    }
}

#[test]
fn another_model_takes_over_while_the_host_plays() {
    let mut tested = Tested::start();
    tested.feed(&music(3.0));
    tested.audio.settle();
    let before = tested.taken();
    let shipped = tested.monitor.model().name.clone();
    // Asked for and overtaken by the other model, which is as good a new beginning.
    tested.monitor.forget();
    tested
        .control
        .ask_model(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/models/paper.onnx").into()));
    tested.feed(&music(3.0));
    tested.audio.settle();
    assert_eq!(tested.monitor.status(), Status::Running);
    assert_ne!(tested.monitor.model().name, shipped);
    let paper = tested.taken();
    assert!(paper.len() >= 10, "{}", paper.len());
    assert_ne!(paper[0].shares, before[0].shares);
    assert_eq!(tested.monitor.latest().reading, paper[paper.len() - 1]);
    tested.control.ask_model(Some("/no/such/model.onnx".into()));
    tested.feed(&music(3.0));
    tested.audio.settle();
    assert!(
        matches!(tested.monitor.status(), Status::FallenBack(_)),
        "{:?}",
        tested.monitor.status()
    );
    assert!(!tested.taken().is_empty());
    tested.control.ask_model(None);
    tested.feed(&music(3.0));
    tested.audio.settle();
    assert_eq!(tested.monitor.status(), Status::Running);
    assert_eq!(tested.monitor.model().name, shipped);
    assert_eq!(tested.control.model_path(), None);
}

#[test]
fn the_gate_decides_what_is_silence() {
    let mut tested = Tested::start();
    let quiet: Vec<f32> = music(3.0).iter().map(|sample| sample * 0.01).collect();
    tested.feed(&quiet);
    tested.audio.settle();
    assert!(tested.taken().iter().any(|reading| reading.phase == Phase::Listening));
    tested.control.set_gate_db(-40.0);
    tested.feed(&quiet);
    tested.audio.settle();
    assert_eq!(tested.taken().last().map(|reading| reading.phase), Some(Phase::Silent));
}

#[test]
fn a_model_that_cannot_be_used_falls_back_in_words() {
    let missing = asking_for("/no/such/model.onnx");
    let mut tested = Tested::start_with(Model::load, RATE_HZ, missing);
    let Status::FallenBack(why) = settled_status(&tested.monitor) else {
        panic!("{:?}", tested.monitor.status());
    };
    assert!(why.contains("/no/such/model.onnx"), "{why}");
    tested.feed(&music(3.0));
    tested.audio.settle();
    assert!(!tested.taken().is_empty());
}

/// A folder of this test's own, with a pipe in it that nobody writes to.
#[cfg(unix)]
fn folder_with_pipe(name: &str) -> (PathBuf, PathBuf) {
    let folder = std::env::temp_dir().join(format!("moodring-{name}-{}", std::process::id()));
    let _absent = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe.onnx");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    (folder, pipe)
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_file_is_told_at_once_and_nobody_waits_for_it() {
    let (folder, pipe) = folder_with_pipe("no-model");
    // Weights that are a file, with a card that is a pipe.
    let weights = folder.join("weights.onnx");
    std::fs::write(&weights, b"weights").unwrap();
    std::fs::rename(&pipe, folder.join("weights.json")).unwrap();
    let card = weights.clone();
    std::fs::create_dir(folder.join("folder.onnx")).unwrap();
    let paths = [
        (card, "a pipe"),
        (folder.join("weights.json"), "a pipe"),
        ("/dev/zero".into(), "a device"),
        (folder.join("folder.onnx"), "a folder"),
    ];
    for (path, kind) in paths {
        let mut tested = Tested::start_with(Model::load, RATE_HZ, asking_for(&path));
        let Status::FallenBack(why) = settled_status(&tested.monitor) else {
            panic!("{}: {:?}", path.display(), tested.monitor.status());
        };
        assert!(why.contains(kind), "{}: {why}", path.display());
        tested.feed(&music(2.0));
        let began = Instant::now();
        tested.end();
        assert!(began.elapsed() < Duration::from_secs(2), "{}", path.display());
        assert!(tested.monitor.published() > 0);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_model_on_a_drive_that_does_not_answer_is_read_when_it_does_and_nobody_waits() {
    let slow: LoadModel = |_| {
        std::thread::sleep(Duration::from_secs(4));
        Model::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models/paper.onnx")))
    };
    let start = || Tested::start_with(slow, RATE_HZ, asking_for("/gone/model.onnx"));
    let mut tested = start();
    let began = Instant::now();
    tested.end();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut tested = start();
    let Status::FallenBack(why) = settled_status(&tested.monitor) else {
        panic!("{:?}", tested.monitor.status());
    };
    assert!(why.contains("/gone/model.onnx does not answer"), "{why}");
    tested.feed(&music(3.0));
    assert!(tested.monitor.published() > 0, "the shipped model reads meanwhile");
    let began = Instant::now();
    while tested.monitor.status() != Status::Running && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(tested.monitor.status(), Status::Running);
    assert_ne!(tested.monitor.model().name, crate::model::shipped_facts().name);
    tested.feed(&music(3.0));
    tested.end();
}

#[test]
fn an_impossible_rate_fails_in_words_and_never_blocks_the_host() {
    for rate_hz in [f64::NAN, f64::INFINITY, -1.0, 0.0, 10.0, 1e9] {
        let mut tested = Tested::start_with(Model::load, rate_hz, Control::default());
        tested.feed(&music(1.0));
        let status = settled_status(&tested.monitor);
        assert!(matches!(&status, Status::Failed(why) if why.len() > 20), "{status:?}");
        tested.end();
        assert_eq!(tested.monitor.status(), Status::Idle);
    }
}

/// Plays music live by a clock that runs three times as fast as any other, until `done` or half a
/// minute is over.
fn play_until(audio: &mut AudioEnd, clock_secs: &mut f64, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() && began.elapsed() < Duration::from_secs(30) {
        for block in music(1.0).chunks(BLOCK) {
            audio.process_at(&[block], &Transport::default(), *clock_secs);
            *clock_secs += crate::units::samples_to_secs(BLOCK as u64, RATE_HZ);
            std::thread::sleep(Duration::from_millis(8));
        }
    }
}

#[test]
fn a_reading_is_explained_when_somebody_asks_and_not_before() {
    let mut tested = Tested::start();
    assert_eq!(settled_status(&tested.monitor), Status::Running);
    let (mut clock_secs, monitor) = (0.0, Arc::clone(&tested.monitor));
    play_until(&mut tested.audio, &mut clock_secs, || monitor.latest().reading.time_secs > 3.0);
    assert_eq!(tested.monitor.why(), None);
    tested.control.ask_why(true);
    play_until(&mut tested.audio, &mut clock_secs, || monitor.why().is_some());
    let why = tested.monitor.why().unwrap();
    assert_eq!(why.n_spaces, 2);
    assert!(tested.taken().iter().any(|reading| reading.time_secs == why.time_secs));
    tested.end();
}

#[test]
fn a_render_that_waits_is_not_kept_waiting_by_reasons_and_reads_the_same() {
    let runs = [false, true].map(|asks| {
        let mut tested = Tested::start();
        tested.control.ask_why(asks);
        tested.feed(&music(6.0));
        tested.audio.settle();
        assert_eq!(tested.monitor.why(), None);
        tested.end();
        tested.taken()
    });
    assert!(runs[0].len() >= 25 && runs[0] == runs[1]);
}

#[test]
fn a_live_block_never_waits_for_the_worker() {
    let mut tested = Tested::start();
    let (minute, mut clock_secs) = (music(60.0), 0.0);
    let began = Instant::now();
    // By its own clock the minute takes a minute; by the worker's, which is that of this machine,
    // it is over at once.
    for block in minute.chunks(BLOCK) {
        tested.audio.process_at(&[block], &Transport::default(), clock_secs);
        clock_secs += crate::units::samples_to_secs(BLOCK as u64, RATE_HZ);
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(tested.audio.overrun_samples() > 0, "a minute does not fit into the ring");
    assert_eq!(tested.audio.waits(), 0);
    tested.end();
}

#[test]
fn a_render_reads_as_if_it_had_been_waited_for_from_the_start() {
    let readings = |render: fn(&mut AudioEnd, &[f32])| {
        let mut tested = Tested::start();
        for block in music(20.0).chunks(BLOCK) {
            render(&mut tested.audio, block);
        }
        let overrun_samples = tested.audio.overrun_samples();
        tested.end();
        (tested.taken(), overrun_samples)
    };
    let waiting = readings(|audio, block| audio.process_waiting(&[block], &Transport::default()));
    let unannounced = readings(|audio, block| audio.process(&[block], &Transport::default()));
    assert!(waiting.0.len() > 95 && waiting.1 == 0, "{}", waiting.0.len());
    assert!(unannounced == waiting);
}

#[test]
fn the_beat_grid_of_the_host_chooses_the_octave_of_the_tempo_shown() {
    // A short hit of two tones at 100 BPM.
    let hit = |since: f64| (-since / 0.02).exp() * (1500.0 * since).sin() * (9000.0 * since).cos();
    let clicks: Vec<f32> = (0..crate::units::secs_to_samples(5.0, RATE_HZ))
        .map(|n| hit(crate::units::samples_to_secs(n, RATE_HZ) % 0.6) as f32)
        .collect();
    let read = |tempo_bpm| {
        let mut tested = Tested::start();
        let transport = Transport { tempo_bpm, ..Transport::default() };
        for block in clicks.chunks(BLOCK) {
            tested.audio.process_waiting(&[block], &transport);
        }
        tested.audio.settle();
        tested.taken().pop().unwrap()
    };
    let alone = read(None);
    assert!((alone.tempo_bpm - 100.0).abs() < 2.0, "{alone:?}");
    for (host, times) in [(50.0, 0.5), (100.0, 1.0), (200.0, 2.0), (141.0, 1.0), (f64::NAN, 1.0)] {
        let read = read(Some(host));
        assert_eq!(read, Reading { tempo_bpm: times * alone.tempo_bpm, ..alone }, "{host} BPM");
    }
}
