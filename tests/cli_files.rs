//! What the command line does with files: it destroys none that it is given, and what it writes is
//! whole or not there.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::cli::{Folder, cli, stderr, stdout};

/// Names in a folder, hidden ones too, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The command line with its standard output sent to `out`.
fn cli_to(args: &[&str], out: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moodring-cli"));
    command.args(args).stdout(out).output().unwrap()
}

fn files_of_rows(text: &str) -> Vec<String> {
    let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let summaries = rows.filter(|row| row["summary"] == true);
    summaries.map(|row| row["file"].as_str().unwrap().to_owned()).collect()
}

/// Copies of the shipped model and its card, the first pole of its spaces renamed.
fn model(folder: &Folder, poles: [&str; 2]) -> String {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let card = std::fs::read_to_string(models.join("moodring.json")).unwrap();
    let mut card: serde_json::Value = serde_json::from_str(&card).unwrap();
    for (space, pole) in poles.into_iter().enumerate() {
        card["spaces"][space]["first"] = pole.into();
    }
    std::fs::write(folder.path("own.json"), card.to_string()).unwrap();
    std::fs::copy(models.join("moodring.onnx"), folder.path("own.onnx")).unwrap();
    folder.path("own.onnx")
}

#[test]
fn an_output_that_is_an_input_is_refused_by_whatever_name_and_the_input_stays() {
    let folder = Folder::new("destroy");
    let wav = folder.wav("song.wav", 2.0);
    let model = model(&folder, ["excited", "joy"]);
    let labels = folder.path("labels.csv");
    std::fs::write(&labels, "song,excited,joy\nsong,1,0\n").unwrap();
    let here = folder.0.display().to_string();
    let mut same = vec![wav.clone(), folder.path("./song.wav"), folder.path("hard.csv")];
    std::fs::hard_link(&wav, &same[2]).unwrap();
    #[cfg(unix)]
    for (to, link) in [("song.wav", "link.csv"), (".", "again")] {
        std::os::unix::fs::symlink(to, folder.path(link)).unwrap();
    }
    if cfg!(unix) {
        same.extend([folder.path("link.csv"), folder.path("again/song.wav")]);
    }
    let kept: Vec<Vec<u8>> =
        [&wav, &model, &labels].iter().map(|path| std::fs::read(path).unwrap()).collect();
    let dataset = ["dataset", "--audio", &here, "--labels", &labels, "--out"];
    let mut refused: Vec<(Vec<&str>, &str)> = Vec::new();
    for out in &same {
        refused.push((vec!["analyse", &wav, "--out", out], "song.wav"));
        refused.push((vec!["analyse", &wav, "--out", out, "--force"], "song.wav"));
        refused.push((vec!["analyse", &here, "--out", out], "song.wav"));
        refused.push((vec!["features", &wav, "--out", out, "--force"], "song.wav"));
        refused.push(([&dataset[..], &[out, "--force"]].concat(), "song.wav"));
    }
    refused.push(([&dataset[..], &[&labels]].concat(), "labels.csv"));
    let card = folder.path("own.json");
    for out in [&model, &card] {
        let args = vec!["analyse", &wav, "--model", &model, "--out", out, "--force"];
        refused.push((args, "the model"));
    }
    for (args, other) in &refused {
        let output = cli(args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("would destroy") && said.contains(other), "{args:?}: {said}");
        assert!(said.contains("--out ") && said.lines().count() == 1, "{args:?}: {said}");
    }
    for (path, kept) in [&wav, &model, &labels].iter().zip(kept) {
        assert_eq!(std::fs::read(path).unwrap(), kept, "{path}");
    }
    assert!(names(&folder.0).iter().all(|name| !name.ends_with(".part")));
}

#[cfg(unix)]
#[test]
fn a_picture_or_a_shell_s_redirection_that_is_an_input_is_refused() {
    let folder = Folder::new("redirected");
    let wav = folder.wav("song.wav", 2.0);
    std::os::unix::fs::symlink("song.wav", folder.path("song.png")).unwrap();
    let kept = std::fs::read(&wav).unwrap();
    let output = cli(&["analyse", &wav, "--plot", &folder.path("song.png")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("would destroy"), "{}", stderr(&output));
    let end = std::fs::OpenOptions::new().append(true).open(&wav).unwrap();
    let output = cli_to(&["analyse", &wav], end);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("standard output is the input"), "{}", stderr(&output));
    assert_eq!(std::fs::read(&wav).unwrap(), kept);
}

#[test]
fn two_outputs_in_one_file_are_refused() {
    let folder = Folder::new("twice");
    let wav = folder.wav("song.wav", 2.0);
    let (out, again) = (folder.path("m.png"), folder.path("./m.png"));
    let output = cli(&["analyse", &wav, "--out", &out, "--plot", &again]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("are one file"), "{}", stderr(&output));
    assert_eq!(names(&folder.0), ["song.wav"]);
}

#[test]
fn a_run_that_fails_leaves_the_old_file() {
    let folder = Folder::new("kept");
    let wav = folder.wav("song.wav", 2.0);
    let (rows, arrays) = (folder.path("m.jsonl"), folder.path("f.npz"));
    assert!(cli(&["analyse", &wav, "--out", &rows]).status.success());
    assert!(cli(&["features", &wav, "--out", &arrays]).status.success());
    let kept = [&rows, &arrays].map(|path| std::fs::read(path).unwrap());
    let (text, missing) = (folder.path("notes.wav"), folder.path("missing.wav"));
    std::fs::write(&text, "this is no music").unwrap();
    let before = names(&folder.0);
    for args in [
        &["analyse", &missing, "--out", &rows][..],
        &["analyse", &missing, &wav, "--out", &rows],
        &["analyse", &text, "--out", &rows],
        &["analyse", &text, &text, "--out", &rows],
        &["features", &missing, "--out", &arrays],
        &["features", &text, "--out", &arrays],
    ] {
        let output = cli(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
        let named = if args.contains(&missing.as_str()) { &missing } else { &text };
        assert!(stderr(&output).contains(named.as_str()), "{args:?}: {}", stderr(&output));
    }
    assert_eq!([&rows, &arrays].map(|path| std::fs::read(path).unwrap()), kept);
    assert_eq!(names(&folder.0), before, "something was left behind");
    // With nothing to lose, what can be read is read.
    let output = cli(&["analyse", &missing, &wav, "--out", &folder.path("new.jsonl")]);
    assert_eq!(output.status.code(), Some(1));
    let text = std::fs::read_to_string(folder.path("new.jsonl")).unwrap();
    assert_eq!(files_of_rows(&text), [wav]);
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_leaves_the_old_file_and_nothing_else() {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};
    let folder = Folder::new("interrupted");
    let song = std::fs::read(folder.wav("song.wav", 2.0)).unwrap();
    std::fs::remove_file(folder.path("song.wav")).unwrap();
    // A pipe whose end never comes, so that the run cannot be over before it is interrupted.
    let (pipe, out) = (folder.path("song.wav"), folder.path("m.jsonl"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::write(&out, "").unwrap();
    // Whoever runs the tests in the background has switched Ctrl-C off for all that they start, and
    // there it stays off.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    let heeded = |signal: &Signal| ignored >> (signal.as_raw() - 1) & 1 == 0;
    let signals: Vec<Signal> = [Signal::INT, Signal::TERM].into_iter().filter(heeded).collect();
    // Again and again: what matters is the moment at which the file is made.
    for signal in signals.into_iter().cycle().take(20) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moodring-cli"));
        command.args(["analyse", &pipe, "--every", "0", "--out", &out]).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let mut open_end = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        open_end.write_all(&song).unwrap();
        let began = Instant::now();
        while names(&folder.0).len() < 3 {
            assert!(began.elapsed() < Duration::from_secs(60), "no file began to grow");
            std::thread::yield_now();
        }
        assert!(names(&folder.0).iter().any(|name| name.starts_with(".m.jsonl-")));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(signal.as_raw()), "{output:?}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "");
        assert_eq!(names(&folder.0), ["m.jsonl", "song.wav"]);
    }
}

#[test]
fn only_what_this_tool_wrote_is_replaced_unasked() {
    let folder = Folder::new("foreign");
    let wav = folder.wav("song.wav", 2.0);
    let labels = folder.path("labels.txt");
    std::fs::write(&labels, "song,excited,joy\nsong,1,0\n").unwrap();
    let here = folder.0.display().to_string();
    let commands: [(Vec<&str>, &str, &str); 5] = [
        (vec!["analyse", &wav], "--out", "m.jsonl"),
        (vec!["analyse", &wav, "--format", "csv"], "--out", "m.csv"),
        (vec!["analyse", &wav], "--plot", "m.png"),
        (vec!["features", &wav], "--out", "f.npz"),
        (vec!["dataset", "--audio", &here, "--labels", &labels], "--out", "d.npz"),
    ];
    let run = |args: &[&str], option: &str, path: &str, force: &[&str]| {
        cli(&[args, &[option, path], force].concat())
    };
    for (args, option, name) in &commands {
        let path = folder.path(name);
        // Ours over ours, and over a file that `mktemp` made.
        std::fs::write(&path, "").unwrap();
        for _ in 0..2 {
            let output = run(args, option, &path, &[]);
            assert!(output.status.success(), "{name}: {}", stderr(&output));
        }
        let ours = std::fs::read(&path).unwrap();
        assert!(ours.len() > 100, "{name}");
        // Something else, of each other kind too.
        for foreign in [&b"my novel\n"[..], &std::fs::read(&wav).unwrap()] {
            std::fs::write(&path, foreign).unwrap();
            let output = run(args, option, &path, &[]);
            assert_eq!(output.status.code(), Some(1), "{name}");
            let said = stderr(&output);
            assert!(said.contains("--force") && said.contains(name), "{said}");
            assert_eq!(std::fs::read(&path).unwrap(), foreign);
        }
        assert!(run(args, option, &path, &["--force"]).status.success());
        assert_eq!(std::fs::read(&path).unwrap().len(), ours.len(), "{name}");
    }
    let rows_over_windows = run(&commands[0].0, "--out", &folder.path("d.npz"), &[]);
    assert_eq!(rows_over_windows.status.code(), Some(1));
    let features_over_windows = run(&commands[3].0, "--out", &folder.path("d.npz"), &[]);
    assert_eq!(features_over_windows.status.code(), Some(1));
}

#[test]
fn every_file_of_several_gets_its_own_picture() {
    let folder = Folder::new("pictures");
    for name in ["1", "2"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    let songs = ["1/s.wav", "2/s.wav", "2/s.mp3", "t.wav"].map(|name| folder.wav(name, 1.5));
    let args: Vec<&str> = ["analyse"].into_iter().chain(songs.iter().map(String::as_str)).collect();
    let picture = folder.path("m.png");
    for _ in 0..2 {
        let output = cli(&[&args[..], &["--plot", &picture]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let pictures: Vec<String> =
            names(&folder.0).into_iter().filter(|name| name.ends_with(".png")).collect();
        assert_eq!(pictures, ["m-1-s.wav.png", "m-2-s.wav.png", "m-s.mp3.png", "m-t.png"]);
    }
    let output = cli(&["analyse", &songs[0], "--plot", &folder.path("m.jpg")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("must end in .png"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_where() {
    let folder = Folder::new("full");
    let wav = folder.wav("s.wav", 21.0);
    folder.wav("t.wav", 10.5);
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    std::fs::write(&labels, "song,excited,joy\ns,1,0\nt,0,1\n").unwrap();
    let here = folder.0.display().to_string();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [
        &["analyse", &wav][..],
        &["analyse", &here],
        &["eval", "--audio", &here, "--labels", &labels],
        &["eval", "--audio", &here, "--labels", &labels, "--json"],
        &["dataset", "--audio", &here, "--labels", &labels, "--out", &out],
        &["bench", &wav],
    ] {
        let output = cli_to(args, full());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("standard output: No space left"), "{args:?}: {said}");
        assert!(!said.contains("panicked"), "{args:?}: {said}");
    }
    for args in [&["features", &wav][..], &["analyse", &wav], &["analyse", &here]] {
        let output = cli(&[args, &["--out", "/dev/full"]].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert_eq!(said.matches("/dev/full: No space left").count(), 1, "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    }
    // Nobody can be told of it, and that is no reason to fall over.
    let mut command = Command::new(env!("CARGO_BIN_EXE_moodring-cli"));
    let missing = folder.path("missing.wav");
    let status = command.args(["analyse", &missing]).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn whoever_stops_reading_ends_a_command_in_peace() {
    let folder = Folder::new("closed");
    let wav = folder.wav("s.wav", 21.0);
    folder.wav("t.wav", 10.5);
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    std::fs::write(&labels, "song,excited,joy\ns,1,0\nt,0,1\n").unwrap();
    let here = folder.0.display().to_string();
    for args in [
        &["analyse", &wav][..],
        &["analyse", &here],
        &["eval", "--audio", &here, "--labels", &labels],
        &["eval", "--audio", &here, "--labels", &labels, "--json"],
        &["dataset", "--audio", &here, "--labels", &labels, "--out", &out],
        &["bench", &wav, "--json"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_moodring-cli"));
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{args:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{args:?}: {said}");
    }
    assert!(Path::new(&out).exists(), "the windows are written whoever reads of them");
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_written_as_it_is_and_a_link_stays_one() {
    let folder = Folder::new("pipe");
    let wav = folder.wav("song.wav", 2.0);
    let expected = cli(&["analyse", &wav]);
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let from = pipe.clone();
    let reader = std::thread::spawn(move || std::fs::read(from).unwrap());
    assert!(cli(&["analyse", &wav, "--out", &pipe]).status.success());
    assert_eq!(reader.join().unwrap(), expected.stdout);
    for name in ["-", "/dev/stdout"] {
        assert_eq!(cli(&["analyse", &wav, "--out", name]).stdout, expected.stdout, "{name}");
    }
    let archive = cli(&["features", &wav, "--out", "-"]).stdout;
    assert!(npyz::npz::NpzArchive::new(std::io::Cursor::new(archive)).is_ok());
    assert!(cli(&["features", &wav, "--out", "/dev/null"]).status.success());
    std::os::unix::fs::symlink("real.jsonl", folder.path("link.jsonl")).unwrap();
    for _ in 0..2 {
        assert!(cli(&["analyse", &wav, "--out", &folder.path("link.jsonl")]).status.success());
        assert!(std::fs::symlink_metadata(folder.path("link.jsonl")).unwrap().is_symlink());
        assert_eq!(std::fs::read(folder.path("real.jsonl")).unwrap(), expected.stdout);
    }
    assert_eq!(names(&folder.0), ["link.jsonl", "pipe", "real.jsonl", "song.wav"]);
}

#[test]
fn any_name_of_a_file_or_a_pole_is_one_field_of_csv() {
    let folder = Folder::new("quoted");
    let mut songs = vec!["a, b.wav", " blank.wav"];
    if cfg!(unix) {
        songs.extend(["quo\"te.wav", "return\r.wav", "line\nend.wav", "end "]);
    }
    let mut songs: Vec<String> = songs.iter().map(|name| folder.wav(name, 1.5)).collect();
    // At the beginning and the end of a field too.
    songs.iter_mut().for_each(|path| {
        *path = Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
    });
    let poles = ["ex\"cited, very", " joy "];
    let model = model(&folder, poles);
    let mut command = Command::new(env!("CARGO_BIN_EXE_moodring-cli"));
    command.current_dir(&folder.0).args(["analyse", "--format", "csv", "--why"]);
    let output = command.args(["--model", &model]).args(&songs).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    for pole in poles {
        for end in ["", "_low", "_why_pulse"] {
            let column = format!("{pole}{end}");
            assert!(header.iter().any(|name| name == column), "{column:?} in {header:?}");
        }
    }
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let summaries = records.iter().filter(|record| &record[1] == "true");
    assert_eq!(summaries.map(|record| record[0].to_owned()).collect::<Vec<_>>(), songs);
    assert!(text.contains("\n\" blank.wav\","), "blanks are kept by quotes: {text}");
}

#[test]
fn a_folder_is_read_with_all_the_audio_under_it() {
    let folder = Folder::new("walked");
    for name in ["music/b/deep", "music/.hidden", "empty"] {
        std::fs::create_dir_all(folder.path(name)).unwrap();
    }
    let songs = ["music/a.wav", "music/b/A.WAV", "music/b/deep/x.flac", "music/c.wav"]
        .map(|name| folder.wav(name, 1.5));
    let other = folder.wav("other.wav", 1.5);
    folder.wav("music/.hidden/h.wav", 1.5);
    for name in ["music/._a.wav", "music/.h.wav", "music/notes.txt"] {
        std::fs::write(folder.path(name), "no music").unwrap();
    }
    #[cfg(unix)]
    for (to, link) in [("..", "music/b/round"), ("../../other.wav", "music/b/linked.wav")] {
        std::os::unix::fs::symlink(to, folder.path(link)).unwrap();
    }
    let [a, b, deep, c] = songs;
    let mut expected = vec![a.clone(), b.clone(), deep, c];
    if cfg!(unix) {
        expected.insert(3, folder.path("music/b/linked.wav"));
    }
    let read = |args: &[&str]| {
        let output = cli(&[&["analyse"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        files_of_rows(&stdout(&output))
    };
    let music = folder.path("music");
    assert_eq!(read(&[&music]), expected);
    // Beside a file, and with one that is in it: each once.
    let mut mixed = vec![b.clone()];
    mixed.extend(expected.iter().filter(|path| **path != b).cloned());
    assert_eq!(read(&[&b, &music, &a]), mixed);
    // Who names a file wants to see it, though a link in the folder leads there.
    mixed.push(other.clone());
    assert_eq!(read(&[&b, &music, &other]), mixed);
    let picture = folder.path("m.png");
    read(&[&folder.path("music/b/deep"), "--plot", &picture]);
    assert!(PathBuf::from(folder.path("m-x.png")).exists(), "a folder names its pictures one way");
    let output = cli(&["analyse", &folder.path("empty"), &a]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("empty: no audio files") && said.contains("flac"), "{said}");
}
