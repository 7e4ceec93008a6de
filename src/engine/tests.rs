//! A whole engine, from samples to readings and files.

use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::engine::timeline::Transport;
use crate::history::Clock;
use crate::reading::{Phase, Reading, Stamped};

const RATE_HZ: f64 = 22_050.0;
const BLOCK: usize = 512;
/// The transport of a host that tells nothing.
const STILL: Transport =
    Transport { playing: false, song_secs: None, loop_secs: None, tempo_bpm: None };

/// A chord that swells and fades, so that readings differ from one another.
fn music(secs: f64) -> Vec<f32> {
    let wave = |secs: f64, hz: f64| (std::f64::consts::TAU * hz * secs).sin();
    (0..crate::units::secs_to_samples(secs, RATE_HZ))
        .map(|n| crate::units::samples_to_secs(n, RATE_HZ))
        .map(|t| 0.1 * (1.5 + wave(t, 0.3)) * (wave(t, 220.0) + wave(t, 277.2) + wave(t, 330.0)))
        .map(|sample| sample as f32)
        .collect()
}

fn feed(audio: &mut AudioEnd, samples: &[f32]) {
    samples.chunks(BLOCK).for_each(|block| audio.process_waiting(&[block], &STILL));
}

fn stamped(monitor: &Monitor) -> Vec<Stamped> {
    std::iter::from_fn(|| monitor.take()).collect()
}

fn taken(monitor: &Monitor) -> Vec<Reading> {
    stamped(monitor).into_iter().map(|stamped| stamped.reading).collect()
}

fn start(monitor: &Arc<Monitor>) -> (Engine, AudioEnd) {
    monitor.queue_every(true);
    Engine::start(RATE_HZ, Layout::MONO, None, None, Arc::clone(monitor))
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
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) = start(&monitor);
    feed(&mut audio, &music(6.0));
    assert_eq!(monitor.status(), Status::Running);
    assert!(!monitor.spaces().is_empty());
    drop(engine);
    let all = stamped(&monitor);
    assert!(all.iter().all(|stamped| stamped.overrun_samples == 0));
    let readings: Vec<Reading> = all.iter().map(|stamped| stamped.reading).collect();
    assert!(readings.len() >= 25, "only {} readings in 5 s", readings.len());
    assert!(readings.windows(2).all(|pair| pair[0].time_secs < pair[1].time_secs));
}

#[test]
fn after_a_reset_readings_equal_those_of_a_fresh_engine() {
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) = start(&monitor);
    feed(&mut audio, &music(4.0));
    audio.settle();
    let fresh = taken(&monitor);
    feed(&mut audio, &vec![0.25; 10_001]);
    audio.settle();
    let _between = taken(&monitor);
    audio.reset();
    feed(&mut audio, &music(4.0));
    audio.settle();
    assert!(!fresh.is_empty());
    assert_eq!(taken(&monitor), fresh);
    drop(engine);
}

/// Plays `samples` at `from_secs` of a song.
fn feed_song(audio: &mut AudioEnd, samples: &[f32], from_secs: f64) {
    for (n, block) in samples.chunks(BLOCK).enumerate() {
        let song_secs =
            Some(from_secs + crate::units::samples_to_secs((n * BLOCK) as u64, RATE_HZ));
        audio.process_waiting(
            &[block],
            &Transport { playing: true, song_secs, loop_secs: None, tempo_bpm: None },
        );
    }
}

#[test]
fn readings_tell_where_in_the_song_they_are() {
    let monitor = Arc::new(Monitor::default());
    let (_engine, mut audio) = start(&monitor);
    let music = music(4.0);
    feed_song(&mut audio, &music, 60.0);
    feed_song(&mut audio, &music[..22_050], 10.0);
    audio.settle();
    let readings = stamped(&monitor);
    // A jump without a reset: time goes on, the place is elsewhere.
    for Stamped { reading, song_secs, .. } in &readings {
        let origin = if reading.time_secs <= 4.0 { 60.0 } else { 6.0 };
        let place = song_secs.unwrap();
        assert!((place - origin - reading.time_secs).abs() < 1e-3, "{reading:?}");
    }
    let history = monitor.history().lock().unwrap();
    let (from, to) = history.track(Clock::Song).span_secs().unwrap();
    assert!((10.0..11.5).contains(&from) && (63.5..64.5).contains(&to), "{from} {to}");
}

#[test]
fn a_jump_is_a_new_start_where_that_is_wanted() {
    let monitor = Arc::new(Monitor::default());
    let (_engine, mut audio) = start(&monitor);
    audio.set_auto_reset(true);
    let music = music(4.0);
    feed_song(&mut audio, &music, 60.0);
    audio.settle();
    let first = stamped(&monitor);
    feed_song(&mut audio, &music, 10.0);
    audio.settle();
    let again = stamped(&monitor);
    assert_eq!(again.len(), first.len());
    for (a, b) in again.iter().zip(&first) {
        assert_eq!(a.reading, b.reading);
        assert!((a.song_secs.unwrap() + 50.0 - b.song_secs.unwrap()).abs() < 1e-6);
    }
}

#[test]
fn another_model_takes_over_while_the_host_plays() {
    let monitor = Arc::new(Monitor::default());
    let (_engine, mut audio) = start(&monitor);
    feed(&mut audio, &music(3.0));
    audio.settle();
    let before = taken(&monitor);
    let shipped = monitor.model().name.clone();
    monitor.ask_model(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/models/paper.onnx").into()));
    feed(&mut audio, &music(3.0));
    audio.settle();
    assert_eq!(monitor.status(), Status::Running);
    assert_ne!(monitor.model().name, shipped);
    let paper = taken(&monitor);
    assert!(paper.len() >= 10, "{}", paper.len());
    assert_ne!(paper[0].shares, before[0].shares);
    monitor.ask_model(Some("/no/such/model.onnx".into()));
    feed(&mut audio, &music(3.0));
    audio.settle();
    assert!(matches!(monitor.status(), Status::FallenBack(_)), "{:?}", monitor.status());
    assert!(!taken(&monitor).is_empty());
    monitor.ask_model(None);
    feed(&mut audio, &music(3.0));
    audio.settle();
    assert_eq!(monitor.status(), Status::Running);
    assert_eq!(monitor.model().name, shipped);
    assert_eq!(monitor.model_path(), None);
}

#[test]
fn the_gate_decides_what_is_silence() {
    let monitor = Arc::new(Monitor::default());
    let (_engine, mut audio) = start(&monitor);
    let quiet: Vec<f32> = music(3.0).iter().map(|sample| sample * 0.01).collect();
    feed(&mut audio, &quiet);
    audio.settle();
    assert!(taken(&monitor).iter().any(|reading| reading.phase == Phase::Listening));
    monitor.set_gate_db(-40.0);
    feed(&mut audio, &quiet);
    audio.settle();
    assert_eq!(taken(&monitor).last().map(|reading| reading.phase), Some(Phase::Silent));
}

#[test]
fn a_model_that_cannot_be_used_falls_back_in_words() {
    let monitor = Arc::new(Monitor::default());
    monitor.queue_every(true);
    let missing = Some(PathBuf::from("/no/such/model.onnx"));
    let (_engine, mut audio) =
        Engine::start(RATE_HZ, Layout::MONO, missing, None, Arc::clone(&monitor));
    let Status::FallenBack(why) = settled_status(&monitor) else {
        panic!("{:?}", monitor.status());
    };
    assert!(why.contains("/no/such/model.onnx"), "{why}");
    feed(&mut audio, &music(3.0));
    audio.settle();
    assert!(!taken(&monitor).is_empty());
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
        let monitor = Arc::new(Monitor::default());
        let paths = [Some(path.clone()), Some(path.clone())];
        let (engine, mut audio) =
            Engine::start_with(Model::load, RATE_HZ, Layout::MONO, paths, Arc::clone(&monitor));
        let Status::FallenBack(why) = settled_status(&monitor) else {
            panic!("{}: {:?}", path.display(), monitor.status());
        };
        assert!(why.contains(kind), "{}: {why}", path.display());
        feed(&mut audio, &music(2.0));
        let began = Instant::now();
        drop(engine);
        assert!(began.elapsed() < Duration::from_secs(2), "{}", path.display());
        assert!(monitor.published() > 0);
        // The weights themselves are a file of something else.
        assert!(monitor.output_problem().is_some(), "{}", path.display());
    }
    assert_eq!(std::fs::read(&weights).unwrap(), b"weights");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_model_on_a_drive_that_does_not_answer_is_read_when_it_does_and_nobody_waits() {
    let slow: LoadModel = |_| {
        std::thread::sleep(Duration::from_secs(4));
        Model::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models/paper.onnx")))
    };
    let start = |monitor: &Arc<Monitor>| {
        let paths = [Some("/gone/model.onnx".into()), None];
        Engine::start_with(slow, RATE_HZ, Layout::MONO, paths, Arc::clone(monitor))
    };
    let monitor = Arc::new(Monitor::default());
    let (engine, _audio) = start(&monitor);
    let began = Instant::now();
    drop(engine);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let (engine, mut audio) = start(&monitor);
    let Status::FallenBack(why) = settled_status(&monitor) else {
        panic!("{:?}", monitor.status());
    };
    assert!(why.contains("/gone/model.onnx does not answer"), "{why}");
    feed(&mut audio, &music(3.0));
    assert!(monitor.published() > 0, "the shipped model reads meanwhile");
    let began = Instant::now();
    while monitor.status() != Status::Running && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(monitor.status(), Status::Running);
    assert_ne!(monitor.model().name, crate::model::shipped_facts().name);
    feed(&mut audio, &music(3.0));
    drop(engine);
}

#[test]
fn a_file_for_readings_is_written_from_when_it_is_asked_for_and_no_longer() {
    let path = |name: &str| {
        let name = format!("moodring-engine-{}-{name}.csv", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _absent = std::fs::remove_file(&path);
        path
    };
    let (first, second) = (path("first"), path("second"));
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) =
        Engine::start(RATE_HZ, Layout::MONO, None, None, Arc::clone(&monitor));
    for asked in [None, Some(&first), Some(&second), None] {
        monitor.ask_csv(asked.cloned());
        // As long as an idle worker may take to see it.
        std::thread::sleep(Duration::from_millis(400));
        feed(&mut audio, &music(2.0));
        audio.settle();
    }
    drop(engine);
    let mut times: Vec<f64> = Vec::new();
    for path in [&first, &second] {
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().skip(1);
        times.extend(rows.map(|row| row.split(',').next().unwrap().parse::<f64>().unwrap()));
        std::fs::remove_file(path).unwrap();
    }
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[0] > 2.0 && *times.last().unwrap() <= 6.0, "{times:?}");
    assert!(times.len() >= 18, "four seconds of readings: {times:?}");
    assert_eq!(monitor.output_problem(), None);
}

#[test]
fn an_impossible_rate_fails_in_words_and_never_blocks_the_host() {
    for rate_hz in [f64::NAN, f64::INFINITY, -1.0, 0.0, 10.0, 1e9] {
        let monitor = Arc::new(Monitor::default());
        let (engine, mut audio) =
            Engine::start(rate_hz, Layout::MONO, None, None, Arc::clone(&monitor));
        feed(&mut audio, &music(1.0));
        let status = settled_status(&monitor);
        assert!(matches!(&status, Status::Failed(why) if why.len() > 20), "{status:?}");
        drop(engine);
        assert_eq!(monitor.status(), Status::Idle);
    }
}

#[test]
fn every_reading_is_in_the_file_when_the_engine_has_ended() {
    let path = std::env::temp_dir().join(format!("moodring-engine-{}.csv", std::process::id()));
    let _absent = std::fs::remove_file(&path);
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) =
        Engine::start(RATE_HZ, Layout::MONO, None, Some(path.clone()), Arc::clone(&monitor));
    feed(&mut audio, &music(5.0));
    drop(engine);
    let rows = std::fs::read_to_string(&path).unwrap().lines().count() - 1;
    assert_eq!(rows as u64, monitor.published());
    assert!(rows >= 15);
    assert_eq!(monitor.output_problem(), None);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_cannot_be_written_is_a_message_and_readings_go_on() {
    let monitor = Arc::new(Monitor::default());
    let folder = Some(std::env::temp_dir());
    let (engine, mut audio) =
        Engine::start(RATE_HZ, Layout::MONO, None, folder, Arc::clone(&monitor));
    feed(&mut audio, &music(3.0));
    drop(engine);
    assert!(monitor.published() > 5);
    let problem = monitor.output_problem().unwrap();
    assert!(problem.contains("Choose another file"), "{problem}");
}

/// Plays music live by a clock that runs three times as fast as any other, until `done` or half a minute is over.
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
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) = start(&monitor);
    assert_eq!(settled_status(&monitor), Status::Running);
    let mut clock_secs = 0.0;
    play_until(&mut audio, &mut clock_secs, || monitor.latest().reading.time_secs > 3.0);
    assert_eq!(monitor.why(), None);
    monitor.ask_why(true);
    play_until(&mut audio, &mut clock_secs, || monitor.why().is_some());
    let why = monitor.why().unwrap();
    assert_eq!(why.n_spaces, 2);
    assert!(taken(&monitor).iter().any(|reading| reading.time_secs == why.time_secs));
    drop(engine);
}

#[test]
fn a_render_that_waits_is_not_kept_waiting_by_reasons_and_reads_the_same() {
    let runs = [false, true].map(|asks| {
        let monitor = Arc::new(Monitor::default());
        monitor.ask_why(asks);
        let (engine, mut audio) = start(&monitor);
        feed(&mut audio, &music(6.0));
        audio.settle();
        assert_eq!(monitor.why(), None);
        drop(engine);
        taken(&monitor)
    });
    assert!(runs[0].len() >= 25 && runs[0] == runs[1]);
}

#[test]
fn a_live_block_never_waits_for_the_worker() {
    let monitor = Arc::new(Monitor::default());
    let (engine, mut audio) = start(&monitor);
    let (minute, mut clock_secs) = (music(60.0), 0.0);
    let began = Instant::now();
    // By its own clock the minute takes a minute; by the worker's, which is that of this machine, it is over at once.
    for block in minute.chunks(BLOCK) {
        audio.process_at(&[block], &STILL, clock_secs);
        clock_secs += crate::units::samples_to_secs(BLOCK as u64, RATE_HZ);
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(audio.overrun_samples() > 0, "a minute does not fit into the ring");
    assert_eq!(audio.waits(), 0);
    drop(engine);
}

#[test]
fn a_render_reads_as_if_it_had_been_waited_for_from_the_start() {
    let readings = |render: fn(&mut AudioEnd, &[f32])| {
        let monitor = Arc::new(Monitor::default());
        let (engine, mut audio) = start(&monitor);
        for block in music(20.0).chunks(BLOCK) {
            render(&mut audio, block);
        }
        let overrun_samples = audio.overrun_samples();
        drop(engine);
        (taken(&monitor), overrun_samples)
    };
    let waiting = readings(|audio, block| audio.process_waiting(&[block], &STILL));
    let unannounced = readings(|audio, block| audio.process(&[block], &STILL));
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
        let monitor = Arc::new(Monitor::default());
        let (_engine, mut audio) = start(&monitor);
        let transport = Transport { tempo_bpm, ..STILL };
        for block in clicks.chunks(BLOCK) {
            audio.process_waiting(&[block], &transport);
        }
        audio.settle();
        taken(&monitor).pop().unwrap()
    };
    let alone = read(None);
    assert!((alone.tempo_bpm - 100.0).abs() < 2.0, "{alone:?}");
    for (host, times) in [(50.0, 0.5), (100.0, 1.0), (200.0, 2.0), (141.0, 1.0), (f64::NAN, 1.0)] {
        let read = read(Some(host));
        assert_eq!(read, Reading { tempo_bpm: times * alone.tempo_bpm, ..alone }, "{host} BPM");
    }
}
