//! Outputs side by side: each gets every reading, whatever the others do.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use moodring::analysis::downmix::Layout;
use moodring::engine::Engine;
use moodring::engine::control::Control;
use moodring::engine::feed::{Event, QUEUE_READINGS};
use moodring::engine::monitor::{Monitor, Publisher, Status};
use moodring::engine::ring::AudioEnd;
use moodring::engine::timeline::Transport;
use moodring::model::card::ModelFacts;
use moodring::outputs::row::parse_csv_line;
use moodring::outputs::settings::{FILES, FileKind};
use moodring::outputs::{ANSWER_LIMIT, FINISH_LIMIT, Output, OutputError, OutputState, Outputs};
use moodring::reading::{Reading, Stamped};

use crate::support::music::music;

const RATE_HZ: f64 = 22_050.0;
const BLOCK: usize = 512;
/// How long anything here may take on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// A model of this repository's with other label spaces than the shipped one's, or other weights.
fn other_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/paper.onnx")
}

/// A folder of a test's own, removed when it is done.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("moodring-outputs-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _absent = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _kept = std::fs::remove_dir_all(&self.0);
    }
}

/// An instance as the plugin makes it, without a host.
struct Instance {
    control: Arc<Control>,
    monitor: Arc<Monitor>,
    outputs: Outputs,
    engine: Option<Engine>,
    audio: AudioEnd,
}

impl Instance {
    fn start() -> Self {
        let (control, monitor) = (Arc::new(Control::default()), Arc::new(Monitor::default()));
        let outputs = Outputs::new(Arc::clone(monitor.feed()));
        outputs.open();
        let (engine, audio) =
            Engine::start(RATE_HZ, Layout::MONO, Arc::clone(&control), Arc::clone(&monitor));
        Self { control, monitor, outputs, engine: Some(engine), audio }
    }

    /// Renders so many seconds of music and waits until they are read.
    fn play(&mut self, secs: f64) {
        for block in music(secs, RATE_HZ, 1)[0].chunks(BLOCK) {
            self.audio.process_waiting(&[block], &Transport::default());
        }
        self.audio.settle();
    }

    /// As the plugin ends it.
    fn end(&mut self) {
        self.engine = None;
        self.outputs.close();
    }
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn rows(path: &Path) -> Vec<Stamped> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(parse_csv_line).collect()
}

fn objects(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn reading(time_secs: f64) -> Stamped {
    Reading { time_secs, ..Reading::default() }.into()
}

/// How the first two kinds of output are doing.
fn states(outputs: &Outputs) -> [OutputState; 2] {
    let mut states = outputs.states().into_iter();
    std::array::from_fn(|_| states.next().unwrap())
}

#[test]
fn two_outputs_get_every_reading() {
    let folder = Folder::new("both");
    let (csv, jsonl) = (folder.path("a.csv"), folder.path("a.jsonl"));
    let mut instance = Instance::start();
    instance.outputs.set(&FILES[0], Some(csv.clone()));
    instance.outputs.set(&FILES[1], Some(jsonl.clone()));
    instance.play(5.0);
    instance.end();
    let (rows, objects) = (rows(&csv), objects(&jsonl));
    assert!(rows.len() >= 15);
    assert_eq!(rows.len() as u64, instance.monitor.published());
    assert_eq!(rows.len(), objects.len());
    for (row, object) in rows.iter().zip(&objects) {
        assert_eq!(object["time_secs"].as_f64(), Some(row.reading.time_secs));
        assert_eq!(object["overrun_samples"], 0.0);
        let excited = object["excited"].as_f64();
        assert_eq!(excited.map(|share| share as f32), row.reading.shares().first().copied());
    }
    for state in states(&instance.outputs) {
        assert_eq!((state.written, state.missed, state.problem), (rows.len() as u64, 0, None));
    }
}

#[test]
fn a_file_is_written_from_when_it_is_chosen_and_no_longer() {
    let folder = Folder::new("changes");
    let files = ["first.csv", "second.csv"].map(|name| folder.path(name));
    let mut instance = Instance::start();
    for chosen in [None, Some(&files[0]), Some(&files[1]), None] {
        instance.outputs.set(&FILES[0], chosen.cloned());
        instance.play(2.0);
    }
    instance.end();
    let times = files
        .each_ref()
        .map(|path| rows(path).iter().map(|row| row.reading.time_secs).collect::<Vec<f64>>());
    assert!(times.concat().is_sorted(), "{times:?}");
    for (times, from_secs) in times.iter().zip([2.0, 4.0]) {
        assert!(times.len() >= 9, "two seconds of readings: {times:?}");
        assert!(times[0] > from_secs && times.last().unwrap() <= &(from_secs + 2.0), "{times:?}");
    }
    assert_eq!(instance.outputs.problem(), None);
}

#[test]
fn another_model_begins_anew_in_each_output() {
    let folder = Folder::new("models");
    let (csv, jsonl) = (folder.path("a.csv"), folder.path("a.jsonl"));
    let mut instance = Instance::start();
    let mut reader = instance.monitor.feed().subscribe().unwrap();
    instance.outputs.set(&FILES[0], Some(csv.clone()));
    instance.outputs.set(&FILES[1], Some(jsonl.clone()));
    instance.play(3.0);
    let shipped = instance.monitor.model();
    instance.control.ask_model(Some(other_model()));
    instance.play(3.0);
    let other = instance.monitor.model();
    assert_ne!(shipped.name, other.name);
    instance.end();
    let mut in_charge = Vec::new();
    let mut n_readings = Vec::new();
    while let Some(event) = reader.next_event() {
        match event {
            Event::Model(model) => {
                in_charge.push(model.name.clone());
                n_readings.push(0);
            }
            Event::Reading(_) => *n_readings.last_mut().expect("a model comes first") += 1,
        }
    }
    assert_eq!(in_charge, [shipped.name.clone(), other.name.clone()]);
    assert!(n_readings.iter().all(|n| *n >= 9), "{n_readings:?}");
    let n_readings: usize = n_readings.iter().sum();
    assert_eq!(objects(&jsonl).len(), n_readings);
    let beside = folder.path("a-2.csv");
    let of_other = if shipped.spaces == other.spaces { 0 } else { rows(&beside).len() };
    assert_eq!(rows(&csv).len() + of_other, n_readings);
}

/// Models whose spaces differ, told by the same engine's end of the feed.
#[test]
fn rows_of_other_label_spaces_go_beside_and_objects_below() {
    let folder = Folder::new("spaces");
    let (csv, jsonl) = (folder.path("a.csv"), folder.path("a.jsonl"));
    let monitor = Arc::new(Monitor::default());
    let outputs = Outputs::new(Arc::clone(monitor.feed()));
    outputs.open();
    outputs.set(&FILES[0], Some(csv.clone()));
    outputs.set(&FILES[1], Some(jsonl.clone()));
    let mut publisher = Publisher::new(&monitor);
    for (first, n_readings) in [("joy", 3), ("tense", 2), ("joy", 1)] {
        let space = moodring::model::space::LabelSpace::new(first, "other", 0.0);
        publisher.set_model(ModelFacts { spaces: vec![space], ..ModelFacts::default() });
        (0..n_readings).for_each(|n| publisher.publish(&reading(f64::from(n))));
    }
    outputs.close();
    assert_eq!((rows(&csv).len(), rows(&folder.path("a-2.csv")).len()), (4, 2));
    let objects = objects(&jsonl);
    assert_eq!(objects.len(), 6);
    assert!(objects[3].get("tense").is_some() && objects[5].get("joy").is_some());
}

/// What a test's output has been given, and whether it answers.
struct Given {
    answers: AtomicBool,
    n_readings: AtomicU64,
    models: Mutex<Vec<usize>>,
}

impl Given {
    const fn new() -> Self {
        Self {
            answers: AtomicBool::new(true),
            n_readings: AtomicU64::new(0),
            models: Mutex::new(Vec::new()),
        }
    }
}

/// An output that takes its time until it is let go on.
struct Slow(&'static Given);

impl Output for Slow {
    fn begin(&mut self, model: &ModelFacts) -> Result<(), OutputError> {
        self.0.models.lock().unwrap().push(model.spaces.len());
        Ok(())
    }

    fn write(&mut self, _: &Stamped) -> Result<(), OutputError> {
        while !self.0.answers.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.0.n_readings.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

#[test]
fn a_slow_output_costs_no_other_and_what_it_missed_is_shown() {
    static SLOW: Given = Given::new();
    static OTHER: Given = Given::new();
    static KINDS: [FileKind; 2] = [
        FileKind { word: "slow", name: "Slow", help: "", output: |_| Box::new(Slow(&SLOW)) },
        FileKind { word: "other", name: "Other", help: "", output: |_| Box::new(Slow(&OTHER)) },
    ];
    let monitor = Arc::new(Monitor::default());
    let outputs = Outputs::of_kinds(Arc::clone(monitor.feed()), &KINDS);
    outputs.open();
    KINDS.iter().for_each(|kind| outputs.set(kind, Some(kind.word.into())));
    SLOW.answers.store(false, Ordering::Relaxed);
    let mut publisher = Publisher::new(&monitor);
    let n_readings = 2 * QUEUE_READINGS as u64;
    for n in 0..n_readings {
        publisher.publish(&reading(n as f64));
        if n % 64 == 0 {
            let taken = || OTHER.n_readings.load(Ordering::Relaxed) > n;
            wait_until("the other output goes on", taken);
        }
    }
    SLOW.answers.store(true, Ordering::Relaxed);
    let [slow, other] = states(&outputs);
    assert!(slow.missed > 0 && slow.missed < n_readings, "{}", slow.missed);
    assert_eq!((other.missed, other.problem), (0, None));
    wait_until("what was missed is told once it answers", || {
        states(&outputs)[0].problem.as_ref().is_some_and(|problem| {
            problem.starts_with(&format!("{} readings are missing from slow", slow.missed))
        })
    });
    assert!(outputs.problem().is_some());
    outputs.close();
    let [slow, other] = states(&outputs);
    assert_eq!(slow.written + slow.missed, n_readings);
    assert_eq!(other.written, n_readings);
}

#[test]
fn an_output_that_hangs_costs_no_other_and_nobody_waits_for_it() {
    static HUNG: Given = Given::new();
    static OTHER: Given = Given::new();
    static KINDS: [FileKind; 2] = [
        FileKind { word: "hung", name: "Hung", help: "", output: |_| Box::new(Slow(&HUNG)) },
        FileKind { word: "other", name: "Other", help: "", output: |_| Box::new(Slow(&OTHER)) },
    ];
    let monitor = Arc::new(Monitor::default());
    let outputs = Outputs::of_kinds(Arc::clone(monitor.feed()), &KINDS);
    outputs.open();
    KINDS.iter().for_each(|kind| outputs.set(kind, Some(format!("/gone/{}", kind.word).into())));
    HUNG.answers.store(false, Ordering::Relaxed);
    let (mut publisher, began) = (Publisher::new(&monitor), Instant::now());
    publisher.publish(&reading(1.0));
    let unanswered = || {
        let problem = outputs.problem();
        problem.is_some_and(|problem| problem.starts_with("/gone/hung does not answer"))
    };
    wait_until("a file that does not answer is told of", unanswered);
    assert!(began.elapsed() >= ANSWER_LIMIT);
    assert_eq!(states(&outputs)[1].problem, None);
    // To choose another file waits for none, and it is written although the one before hangs.
    let began = Instant::now();
    outputs.set(&KINDS[0], Some("/gone/again".into()));
    assert!(began.elapsed() < FINISH_LIMIT, "{:?}", began.elapsed());
    publisher.publish(&reading(2.0));
    wait_until("the other goes on", || OTHER.n_readings.load(Ordering::Relaxed) == 2);
    let began = Instant::now();
    outputs.close();
    assert!(began.elapsed() < ANSWER_LIMIT + 4 * FINISH_LIMIT, "{:?}", began.elapsed());
    HUNG.answers.store(true, Ordering::Relaxed);
}

#[test]
fn a_path_that_is_no_file_is_told_and_readings_go_on() {
    let folder = Folder::new("no-file");
    for path in [folder.0.clone(), folder.path("missing").join("a.csv")] {
        let mut instance = Instance::start();
        instance.outputs.set(&FILES[0], Some(path.clone()));
        instance.outputs.set(&FILES[1], Some(folder.path("a.jsonl")));
        instance.play(3.0);
        instance.end();
        assert!(instance.monitor.published() > 5);
        let [csv, jsonl] = states(&instance.outputs);
        let problem = csv.problem.unwrap();
        assert!(problem.contains("Choose another file"), "{problem}");
        assert_eq!((csv.written, jsonl.problem), (0, None));
        assert_eq!(jsonl.written, instance.monitor.published());
        std::fs::remove_file(folder.path("a.jsonl")).unwrap();
    }
}

#[test]
fn a_file_that_failed_is_tried_again_when_it_is_chosen_again() {
    let folder = Folder::new("again");
    let path = folder.path("later").join("a.csv");
    let mut instance = Instance::start();
    instance.outputs.set(&FILES[0], Some(path.clone()));
    instance.play(2.0);
    wait_until("there is no such folder", || instance.outputs.problem().is_some());
    std::fs::create_dir(folder.path("later")).unwrap();
    instance.outputs.set(&FILES[0], Some(path.clone()));
    instance.play(2.0);
    instance.end();
    assert_eq!(instance.outputs.problem(), None);
    assert!(rows(&path).len() >= 9);
    assert_eq!(instance.monitor.status(), Status::Idle);
}

#[test]
fn outputs_rest_while_they_are_closed_and_go_on_when_they_are_opened() {
    let folder = Folder::new("closed");
    let path = folder.path("a.csv");
    let monitor = Arc::new(Monitor::default());
    let outputs = Outputs::new(Arc::clone(monitor.feed()));
    outputs.set(&FILES[0], Some(path.clone()));
    let mut publisher = Publisher::new(&monitor);
    publisher.publish(&reading(1.0));
    for secs in [2.0, 3.0] {
        outputs.open();
        publisher.publish(&reading(secs));
        outputs.close();
        publisher.publish(&reading(9.0));
    }
    let times: Vec<f64> = rows(&path).iter().map(|row| row.reading.time_secs).collect();
    assert_eq!(times, [2.0, 3.0]);
    outputs.set(&FILES[0], None);
    assert!(states(&outputs).iter().all(|state| state.path.is_none() && state.problem.is_none()));
}
