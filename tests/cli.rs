//! The command line, run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::music::music;

/// A folder of this test's own, removed when it is done.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("moodring-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Writes `secs` of music as a 16-bit stereo wav and returns its path.
    pub(crate) fn wav(&self, name: &str, secs: f64) -> String {
        let path = self.path(name);
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        let channels = music(secs, 44_100.0, 2);
        for (left, right) in channels[0].iter().zip(&channels[1]) {
            writer.write_sample((left * 32_000.0) as i16).unwrap();
            writer.write_sample((right * 32_000.0) as i16).unwrap();
        }
        writer.finalize().unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn cli(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_moodring-cli")).args(args).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn analyse_writes_a_row_a_reading_and_a_summary() {
    let folder = Folder::new("jsonl");
    let wav = folder.wav("song.wav", 14.0);
    let output = cli(&["analyse", &wav]);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, readings) = rows.split_last().unwrap();
    assert!(
        (12..=15).contains(&readings.len()),
        "{} readings of 14 s, one a second",
        readings.len()
    );
    for row in readings {
        assert_eq!(row["file"], wav);
        assert!(row["time_secs"].as_f64().unwrap() <= 14.0);
        for share in ["excited", "joy"] {
            assert!((0.0..=1.0).contains(&row[share].as_f64().unwrap()));
        }
    }
    assert_eq!(readings[0]["phase"], "listening");
    assert_eq!(readings.last().unwrap()["phase"], "live");
    assert_eq!(summary["summary"], true);
    assert!((summary["duration_secs"].as_f64().unwrap() - 14.0).abs() < 0.01);
    assert!((0.0..=1.0).contains(&summary["excited"].as_f64().unwrap()));
}

#[test]
fn analyse_writes_csv_plots_and_takes_many_files_of_which_some_are_bad() {
    let folder = Folder::new("csv");
    let (a, b) = (folder.wav("a.wav", 11.0), folder.wav("b, with comma.wav", 2.0));
    let (text, out, plot) = (folder.path("notes.txt"), folder.path("m.csv"), folder.path("m.png"));
    std::fs::write(&text, "this is no music").unwrap();
    let args = [
        "analyse", &a, &text, &b, "--format", "csv", "--out", &out, "--plot", &plot, "--every", "0",
    ];
    let strict = cli(&[&args[..], &["--strict"]].concat());
    assert_eq!(strict.status.code(), Some(1), "one file is no audio");
    let output = cli(&args);
    assert!(output.status.success(), "which is told and no more: {}", stderr(&output));
    assert!(
        stderr(&output).contains("notes.txt: not a readable audio file (readable: wav"),
        "{}",
        stderr(&output)
    );
    let mut reader = csv::Reader::from_path(&out).unwrap();
    assert_eq!(&reader.headers().unwrap()[5], "excited");
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let summaries: Vec<&str> = records.iter().filter(|r| &r[1] == "true").map(|r| &r[0]).collect();
    assert_eq!(summaries, [a.as_str(), b.as_str()]);
    let of_a = records.iter().filter(|record| record[0] == a && &record[1] == "false").count();
    assert!((53..=60).contains(&of_a), "{of_a} readings of 11 s");
    for picture in ["m-a.png", "m-b, with comma.png"] {
        assert!(folder.0.join(picture).metadata().unwrap().len() > 5000, "{picture}");
    }
}

#[test]
fn analyse_tells_why_only_if_it_is_asked() {
    let folder = Folder::new("reasons");
    let wav = folder.wav("song.wav", 11.0);
    let output = cli(&["analyse", &wav, "--why"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, readings) = rows.split_last().unwrap();
    assert!(summary.get("why").is_none());
    assert!(readings.len() >= 9);
    for row in readings {
        for group in ["harmony", "pulse", "colour", "dynamics", "percussion"] {
            let push = row["why"]["joy"][group].as_f64().unwrap();
            assert!((-1.0..=1.0).contains(&push), "{row}");
        }
    }
    assert!(!stdout(&cli(&["analyse", &wav])).contains("why"));
    let output = cli(&["analyse", &wav, "--why", "--format", "csv"]);
    let text = stdout(&output);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let column =
        reader.headers().unwrap().iter().position(|name| name == "joy_why_percussion").unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let pushes: Vec<f64> =
        records[..readings.len()].iter().map(|record| record[column].parse().unwrap()).collect();
    assert_eq!(pushes[3], readings[3]["why"]["joy"]["percussion"].as_f64().unwrap());
    assert_eq!(&records.last().unwrap()[column], "");
}

#[test]
fn features_have_the_promised_names_shapes_and_values() {
    let folder = Folder::new("npz");
    let (wav, out) = (folder.wav("song.wav", 11.0), folder.path("f.npz"));
    let output = cli(&["features", &wav, "--out", &out]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut npz = npyz::npz::NpzArchive::open(&out).unwrap();
    let mut shape = |name: &str| npz.by_name(name).unwrap().unwrap().shape().to_vec();
    let frames = shape("times")[0];
    // 11 s at 22 050 Hz, 2048 a window, 512 a hop.
    assert_eq!(frames, 1 + (242_550 - 2048) / 512);
    for part in ["harmonic", "percussive"] {
        assert_eq!(shape(&format!("chroma_{part}")), [frames, 12]);
        assert_eq!(shape(&format!("energy_{part}")), [frames]);
        assert_eq!(shape(&format!("onset_{part}")), [frames]);
        assert_eq!(shape(&format!("tempo_{part}_bpm")), [0_u64; 0]);
    }
    assert_eq!(shape("mask_harmonic"), [frames, 1025]);
    let mut npz = npyz::npz::NpzArchive::open(&out).unwrap();
    let tempo: Vec<f32> = npz.by_name("tempo_percussive_bpm").unwrap().unwrap().into_vec().unwrap();
    assert!((tempo[0] - 120.0).abs() < 2.0, "drums at 120 BPM read {tempo:?}");
}

#[test]
fn eval_prints_the_report_beside_the_majority() {
    let folder = Folder::new("eval");
    let labels = folder.path("labels.csv");
    (0..4).for_each(|n| _ = folder.wav(&format!("s{n}.wav"), 10.5));
    std::fs::write(&labels, "song,excited,joy\ns0,1,0\ns1,0,1\ns2,1,1\ns3,0,0\n").unwrap();
    let output = cli(&["eval", "--audio", &folder.0.display().to_string(), "--labels", &labels]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report = stdout(&output);
    for word in
        ["excited / calm", "joy / sad", "balanced accuracy", "majority", "calibration error"]
    {
        assert!(report.contains(word), "no {word} in:\n{report}");
    }
    let output =
        cli(&["eval", "--audio", &folder.0.display().to_string(), "--labels", &labels, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    // All four songs are the same, so one half is right whatever the model says.
    assert_eq!(report["spaces"][0]["report"]["balanced_accuracy"], 0.5);
}

#[test]
fn dataset_windows_carry_their_labels() {
    let folder = Folder::new("dataset");
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    folder.wav("s0.wav", 16.0);
    folder.wav("s1.wav", 4.0);
    std::fs::write(&labels, "song,excited,joy\ns0,1,0\ns1,0,1\n").unwrap();
    let audio = folder.0.display().to_string();
    let output = cli(&["dataset", "--audio", &audio, "--labels", &labels, "--out", &out]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut npz = npyz::npz::NpzArchive::open(&out).unwrap();
    let steps = npz.by_name("steps").unwrap().unwrap();
    // Windows ending at 10 and 15 s of the long song, and the one of the short.
    assert_eq!(steps.shape(), [3, 99, 155]);
    assert!(steps.into_vec::<f32>().unwrap().iter().all(|x| x.is_finite()));
    let heard = npz.by_name("heard_constants").unwrap().unwrap();
    assert_eq!(heard.shape(), [3, 3, 85]);
    let heard: Vec<f32> = heard.into_vec().unwrap();
    assert!(heard.iter().all(|x| x.is_finite()));
    // Of the short song there was no fifth second to hear: its constants are those of all that
    // there was.
    let constants: Vec<f32> = npz.by_name("constants").unwrap().unwrap().into_vec().unwrap();
    assert_eq!(heard[8 * 85..], constants[2 * 85..]);
    assert_ne!(heard[..85], constants[..85]);
    let excited: Vec<f32> = npz.by_name("excited").unwrap().unwrap().into_vec().unwrap();
    assert_eq!(excited, [1.0, 1.0, 0.0]);
}

#[test]
fn every_bad_file_is_an_error_that_names_it_and_never_a_panic() {
    let folder = Folder::new("bad");
    let wav = std::fs::read(folder.wav("good.wav", 2.0)).unwrap();
    let header_only = folder.path("header.wav");
    std::fs::write(&header_only, &wav[..44]).unwrap();
    let empty = folder.path("empty.mp3");
    std::fs::write(&empty, "").unwrap();
    let noise = folder.path("noise.mp3");
    std::fs::write(&noise, (0..4000_u32).map(|n| (n * n / 3) as u8).collect::<Vec<u8>>()).unwrap();
    let missing = folder.path("missing.flac");
    let here = folder.0.display().to_string();
    for bad in [&header_only, &empty, &noise, &missing, &here] {
        for args in [&["analyse", bad][..], &["features", bad, "--out", &folder.path("x.npz")]] {
            let output = cli(args);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.contains(bad.as_str()) && !said.contains("panicked"), "{args:?}: {said}");
        }
    }
}

#[test]
fn a_truncated_file_is_read_to_where_it_breaks_off() {
    let folder = Folder::new("truncated");
    let wav = std::fs::read(folder.wav("whole.wav", 12.0)).unwrap();
    let cut = folder.path("cut.wav");
    std::fs::write(&cut, &wav[..wav.len() / 2]).unwrap();
    let output = cli(&["analyse", &cut]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!((summary["duration_secs"].as_f64().unwrap() - 6.0).abs() < 0.1, "{summary}");
    assert_eq!(summary["phase"], "listening");
}

#[test]
fn silence_and_a_moment_of_sound_are_answers_not_errors() {
    let folder = Folder::new("silent");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    for (name, samples, phase) in [("silent", 96_000, "silent"), ("one", 1, "waiting")] {
        let path = folder.path(&format!("{name}.wav"));
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        (0..samples).for_each(|_| writer.write_sample(0.0_f32).unwrap());
        writer.finalize().unwrap();
        let output = cli(&["analyse", &path]);
        assert!(output.status.success(), "{}", stderr(&output));
        let text = stdout(&output);
        let summary: serde_json::Value =
            serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(
            (summary["phase"].as_str(), &summary["excited"]),
            (Some(phase), &serde_json::Value::Null)
        );
    }
}

#[test]
fn a_bad_model_is_an_error_that_says_what_to_do() {
    let folder = Folder::new("model");
    let wav = folder.wav("song.wav", 2.0);
    let model = folder.path("own.onnx");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let output = cli(&["analyse", &wav, "--model", &model]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("own.onnx"), "{}", stderr(&output));
    std::fs::write(&model, "nonsense").unwrap();
    std::fs::copy(models.join("moodring.json"), folder.path("own.json")).unwrap();
    let output = cli(&["analyse", &wav, "--model", &model]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("do not match the card's hash"), "{}", stderr(&output));
    std::fs::copy(models.join("moodring.onnx"), &model).unwrap();
    assert!(cli(&["analyse", &wav, "--model", &model]).status.success());
}

#[test]
fn a_summary_is_a_line_a_file() {
    let folder = Folder::new("summary");
    let (a, b) = (folder.wav("a.wav", 11.0), folder.wav("b.wav", 2.0));
    let rows = cli(&["analyze", &a, &b, "--summary"]);
    let rows: Vec<serde_json::Value> =
        stdout(&rows).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| &row["file"]).collect::<Vec<_>>(), [&*a, &*b]);
    assert!(rows.iter().all(|row| row["summary"] == true));
    let csv = stdout(&cli(&["analyse", &a, &b, "--summary", "--format", "csv"]));
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let table = stdout(&cli(&["analyse", &a, &b, "--summary", "--format", "table"]));
    let lines: Vec<&str> = table.lines().collect();
    let excited = rows[0]["excited"].as_f64().unwrap();
    let percent = format!("{:.0} %", 100.0 * excited.max(1.0 - excited));
    assert!(lines[0].trim_start().starts_with("0:11") && lines[0].contains(&percent), "{table}");
    assert!(lines[1].ends_with("b.wav  (provisional: less than 10 s of music)"), "{table}");
    // In letters, for dashes have several bytes.
    let place = |line: &str, of: &str| line.split(of).next().unwrap().chars().count();
    assert_eq!(place(lines[0], &a), place(lines[1], &b), "aligned: {table}");
    let refused = cli(&["analyse", &a, "--format", "table"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("add --summary"), "{}", stderr(&refused));
}

#[test]
fn a_summary_is_the_same_however_many_readings_are_asked_for() {
    let folder = Folder::new("every");
    let wav = folder.wav("song.wav", 17.3);
    let last = |args: &[&str]| {
        let text = stdout(&cli(&[&["analyse", &wav], args].concat()));
        text.lines().last().unwrap().to_owned()
    };
    let summary = last(&["--summary"]);
    for every in ["0", "0.5", "1", "2.5", "86400"] {
        assert_eq!(last(&["--every", every]), summary, "--every {every}");
    }
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert!((summary["tempo_bpm"].as_f64().unwrap() - 120.0).abs() < 2.0, "{summary}");
    let (low, share, high) =
        ["excited_low", "excited", "excited_high"].map(|key| summary[key].as_f64().unwrap()).into();
    assert!(low < share && share < high, "{summary}");
}

#[test]
fn help_teaches_and_nonsense_is_told_apart() {
    for command in ["analyse", "features", "eval", "dataset"] {
        let output = cli(&[command, "--help"]);
        assert!(output.status.success());
        assert!(stdout(&output).contains("Example"), "{command} --help shows no example");
    }
    assert_eq!(cli(&["analyse"]).status.code(), Some(2));
    assert_eq!(cli(&["analyse", "x.wav", "--every", "-1"]).status.code(), Some(2));
}

#[test]
fn bench_counts_no_allocation_on_the_way_from_samples_to_readings() {
    let folder = Folder::new("bench");
    let wav = folder.wav("song.wav", 21.0);
    let output = cli(&["bench", &wav, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let found: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    // With this feature the plugin framework's allocator is in the place of the one that counts.
    let none = if cfg!(feature = "alloc-check") { serde_json::Value::Null } else { 0.into() };
    assert_eq!(found["allocations_per_update"], none);
    assert!(found["allocations"]["readings"].as_u64().unwrap() > 100);
    assert!(found["frame_us"]["all"]["median"].as_f64().unwrap() > 0.0);
    let short = cli(&["bench", &folder.wav("short.wav", 3.0)]);
    assert!(stderr(&short).contains("holds 3.0 s; the measurement needs 20 s"));
}
