//! What the command line makes of labels: of each song one, on the scale that it says.

use std::path::Path;

use crate::cli::{Folder, cli, stderr, stdout};

fn write(path: &str, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[test]
fn labels_off_their_scale_stop_eval_and_dataset_with_row_and_column() {
    let folder = Folder::new("scale");
    folder.wav("s0.wav", 10.5);
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    let here = folder.0.display().to_string();
    for (text, words) in [
        ("song,valence_mean,arousal_mean\ns0,55,70\n", ["row 2, column valence_mean", "1 to 9"]),
        ("song,valence_mean,arousal_mean\ns0,5,-0.3\n", ["row 2, column arousal_mean", "1 to 9"]),
        ("song,excited,joy\ns0,1,70\n", ["row 2, column joy", "0 to 1"]),
        ("song,excited,joy\ns0,1,0\ns0,0,0\n", ["row 3, column song", "s0 has a row already"]),
        ("song,excited,joy\ns0,1,\n", ["row 2, column joy", "is empty"]),
        ("song,excited,joy\ns0,nan,1\n", ["row 2, column excited", "is no number"]),
        ("song;arousal_mean\ns0;1\n", ["labels.csv", "not valence_mean"]),
    ] {
        write(&labels, text);
        for args in [&["eval"][..], &["dataset", "--out", &out]] {
            let output = cli(&[args, &["--audio", &here, "--labels", &labels]].concat());
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{text:?}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{text:?}: {said}");
            assert!(said.contains("labels.csv") && !Path::new(&out).exists(), "{said}");
        }
    }
}

#[test]
fn other_scales_give_the_same_windows_and_figures() {
    let folder = Folder::new("scales");
    (0..4).for_each(|n| _ = folder.wav(&format!("s{n}.wav"), 10.5));
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    let here = folder.0.display().to_string();
    let rated: [[f64; 2]; 4] = [[2.0, 3.0], [7.0, 6.0], [4.0, 8.0], [9.0, 1.0]];
    let mut found = Vec::new();
    for (scale, low, high) in [("1..9", 1.0, 9.0), ("-1..1", -1.0, 1.0), ("0..100", 0.0, 100.0)] {
        let mut text = String::from("song,valence_mean,arousal_mean,valence_std,arousal_std\n");
        for (n, rating) in rated.iter().enumerate() {
            let [v, a] = rating.map(|x| low + (x - 1.0) / 8.0 * (high - low));
            let std = (high - low) / 8.0;
            text += &format!("s{n},{v},{a},{std},{std}\n");
        }
        write(&labels, &text);
        let common = ["--audio", &here, "--labels", &labels, "--scale", scale];
        let output = cli(&[&["eval", "--json"][..], &common].concat());
        assert!(output.status.success(), "{scale}: {}", stderr(&output));
        let figures: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        let output = cli(&[&["dataset", "--out", &out][..], &common].concat());
        assert!(output.status.success(), "{scale}: {}", stderr(&output));
        let mut npz = npyz::npz::NpzArchive::open(&out).unwrap();
        let valence: Vec<f32> = npz.by_name("valence_mean").unwrap().unwrap().into_vec().unwrap();
        assert_eq!(valence, [2.0, 7.0, 4.0, 9.0], "{scale}");
        found.push(figures);
    }
    assert!(found.iter().all(|figures| *figures == found[0]), "{found:?}");
}

#[test]
fn files_that_differ_in_their_ending_are_one_song() {
    let folder = Folder::new("copies");
    // What they hold is what counts; the ending only says which of them is the best.
    for name in ["s1.mp3", "s1.wav", "s1.flac", "s2.flac", "s2.mp3"] {
        folder.wav(name, 10.5);
    }
    let (labels, out) = (folder.path("labels.csv"), folder.path("d.npz"));
    write(&labels, "file,excited,joy\ns1.mp3,1,0\ns2.mp3,0,1\n");
    let here = folder.0.display().to_string();
    let common = ["--audio", &here, "--labels", &labels];
    let output = cli(&[&["eval", "--json"][..], &common].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["songs"], 2);
    assert_eq!(report["spaces"][0]["report"]["songs"], 2);
    let said = stderr(&output);
    assert!(said.contains("3 files of one song") && said.contains("s1.wav is read"), "{said}");
    assert!(said.contains("s2.flac is read"), "{said}");
    let output = cli(&[&["dataset", "--out", &out][..], &common].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let mut npz = npyz::npz::NpzArchive::open(&out).unwrap();
    let joy: Vec<f32> = npz.by_name("joy").unwrap().unwrap().into_vec().unwrap();
    assert_eq!(joy, [0.0, 1.0]);
}

#[test]
fn songs_of_one_name_in_several_folders_are_told_apart_by_their_folders() {
    let folder = Folder::new("discs");
    for disc in ["disc1", "disc2"] {
        std::fs::create_dir(folder.path(disc)).unwrap();
        folder.wav(&format!("{disc}/01.wav"), 10.5);
    }
    let labels = folder.path("labels.csv");
    let here = folder.0.display().to_string();
    let eval = ["eval", "--json", "--audio", &here, "--labels", &labels];
    write(&labels, "song,excited,joy\n01,1,0\n");
    let output = cli(&eval);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("both called 01") && said.contains("disc2/01"), "{said}");
    write(&labels, "song,excited,joy\ndisc1/01,1,0\ndisc2/01,0,1\n");
    let output = cli(&eval);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["songs"], 2);
}
