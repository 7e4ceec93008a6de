//! Two hundred broken files of all containers: none may take the others with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::commands::{Folder, cli};
use super::frames;
use super::recordings;
use super::{boxes, comes};

/// Seeds of the fuzzer are cut to so many bytes: small ones are mutated faster.
const MAX_SEED_BYTES: usize = 32 << 10;
/// Files in all.
const N_FILES: usize = 200;
/// Kinds that ffmpeg makes where the system has it: ending, and how.
const ENCODED: [(&str, &[&str]); 13] = [
    ("flac", &["-c:a", "flac"]),
    ("ogg", &["-c:a", "libvorbis"]),
    ("mp3", &["-c:a", "libmp3lame"]),
    ("mp2", &["-c:a", "mp2"]),
    ("m4a", &["-c:a", "aac"]),
    ("m4a", &["-c:a", "alac"]),
    ("mp4", &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]),
    ("mkv", &["-c:a", "aac"]),
    ("webm", &["-c:a", "libopus"]),
    ("caf", &["-c:a", "pcm_s16be"]),
    ("aac", &["-c:a", "aac"]),
    ("ts", &["-c:a", "aac"]),
    ("wav", &["-c:a", "adpcm_ms"]),
];

/// A file of each kind.
fn seeds(folder: &Folder) -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = vec![
        ("wav", recordings::right()),
        ("wav", recordings::surround()),
        ("wav", recordings::rf64()),
        ("w64", recordings::wave64()),
        ("aiff", recordings::aiff_too_long()),
        ("mp3", [frames::xing(100), frames::mp3(44_100, 2, 100)].concat()),
        ("aac", frames::adts(4, 2, 100)),
        ("ts", frames::transport(100, 0..0)),
        ("m4a", boxes::m4a(44_100, &[0x12, 0x10], 44_100, 100)),
        ("opus", frames::opus_tone(3.0)),
        ("opus", [frames::opus_tone(1.0), frames::opus_tone(2.0)].concat()),
    ];
    let source = folder.write("source.wav", &recordings::right());
    for (n, (ending, how)) in ENCODED.into_iter().enumerate() {
        let out = folder.0.join(format!("seed{n}.{ending}"));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i", &source, "-ar", "48000", "-ac", "2"])
            .args(how)
            .arg(&out)
            .status();
        if made.is_ok_and(|status| status.success()) {
            seeds.push((ending, std::fs::read(out).unwrap()));
        }
    }
    seeds
}

/// `bytes` with something wrong.
fn mutated(mut bytes: Vec<u8>, random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let len = bytes.len();
    if len == 0 {
        return bytes;
    }
    match random(6) {
        0 => bytes.truncate(random(len)),
        1 => (0..=random(20)).for_each(|_| {
            let at = random(len);
            bytes[at] ^= 1 << random(8);
        }),
        // In the header, where it hurts.
        2 => (0..=random(4)).for_each(|_| {
            let at = random(len.min(200));
            bytes[at] = [0, 0xff, 0x7f, 0x80][random(4)];
        }),
        3 => {
            let at = random(len);
            let end = (at + random(len / 2)).min(len);
            bytes[at..end].fill(0);
        }
        4 => {
            let at = random(len);
            bytes.drain(at..(at + random(len / 3)).min(len));
        }
        _ => {
            let at = random(len);
            let junk: Vec<u8> = (0..random(3000)).map(|_| random(256) as u8).collect();
            bytes.splice(at..at, junk);
        }
    }
    bytes
}

/// Numbers below any other, the same in every run: Marsaglia's xorshift.
fn random() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    }
}

/// The files, written into a folder: names, endings and bytes.
fn files(folder: &Folder) -> Vec<(String, &'static str, Vec<u8>)> {
    let mut random = random();
    let seeds = seeds(folder);
    (0..N_FILES)
        .map(|n| {
            let (ending, seed) = &seeds[n % seeds.len()];
            let bytes = mutated(seed.clone(), &mut random);
            (folder.write(&format!("broken{n}.{ending}"), &bytes), *ending, bytes)
        })
        .collect()
}

#[test]
fn of_two_hundred_broken_files_each_gets_its_line_and_none_ends_the_run() {
    let folder = Folder::new("mutated");
    let files = files(&folder);
    let mut args = vec!["analyse", "--every", "60"];
    args.extend(files.iter().map(|(path, ..)| path.as_str()));
    let output = cli(&args, b"");
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {err}", output.status);
    assert!(!err.contains("panicked") && !err.contains("backtrace"), "{err}");
    for (path, ..) in &files {
        let summaries = out.lines().filter(|line| {
            line.contains(&format!("\"{path}\"")) && line.contains("\"summary\":true")
        });
        let errors = err.lines().filter(|line| line.starts_with(&format!("error: {path}: ")));
        assert_eq!(summaries.count() + errors.count(), 1, "{path}:\n{err}");
    }
}

/// Writes the seeds of `fuzz/fuzz_targets/decode.rs`: `cargo test --test tests seeds_of_the_fuzzer
/// -- --ignored`.
#[test]
#[ignore = "writes files, and checks nothing"]
fn seeds_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    std::fs::create_dir_all(&corpus).unwrap();
    let folder = Folder::new("seeds");
    for (n, (ending, bytes)) in seeds(&folder).into_iter().enumerate() {
        // The first byte picks an ending, and whether it comes through a pipe.
        let seed = [&[n as u8], &bytes[..bytes.len().min(MAX_SEED_BYTES)]].concat();
        std::fs::write(corpus.join(format!("seed{n}-{ending}")), seed).unwrap();
    }
}

/// Any broken file, for as many seconds as `MOODRING_FUZZ_SECS` says: without a fuzzer that sees
/// where the code goes, but with no other build than the tests have.
#[test]
#[ignore = "as long as one likes"]
fn any_number_of_broken_files_ends_in_words() {
    let secs = std::env::var("MOODRING_FUZZ_SECS").map_or(600, |secs| secs.parse().unwrap());
    let folder = Folder::new("any");
    let seeds = seeds(&folder);
    let until = Instant::now() + Duration::from_secs(secs);
    let mut random = random();
    let (mut n, mut longest, mut failed) = (0_u64, Duration::ZERO, BTreeMap::new());
    while Instant::now() < until {
        let (ending, seed) = &seeds[random(seeds.len())];
        let mut bytes = mutated(seed.clone(), &mut random);
        (0..random(3)).for_each(|_| bytes = mutated(std::mem::take(&mut bytes), &mut random));
        _ = std::fs::write(folder.0.join("last"), &bytes);
        let began = Instant::now();
        let outcome = comes(bytes.clone(), ending, random(2) == 0);
        longest = longest.max(began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(20), "a hang: {ending}, {}", bytes.len());
        if let Some(why) = outcome.err().filter(|why| why.contains("failed (")) {
            failed.entry(why).or_insert((0, *ending, bytes)).0 += 1;
        }
        n += 1;
    }
    println!("{n} files, the longest took {longest:?}; decoders that panicked:");
    for (why, (times, ending, bytes)) in failed {
        let path = std::env::temp_dir().join(format!("panics-{}.{ending}", bytes.len()));
        std::fs::write(&path, bytes).unwrap();
        println!("{times} times, {why}: {}", path.display());
    }
}

/// Kinds and reasons, one of which a refusal must name.
const NAMES: [&str; 12] = [
    "is a damaged ogg file",
    "is a damaged FLAC file",
    "is a damaged CAF file",
    "is a damaged mp4 file",
    "is a damaged Matroska file",
    "is an mp4 without its index",
    "is a WAVE file",
    "in a WAVE file",
    "is an AIFF file",
    "is an MPEG transport stream",
    "packets that could not be decoded",
    "which is not read",
];

#[test]
fn what_ffmpeg_reads_of_broken_files_is_read_or_refused_by_name() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        println!("not checked: there is no ffmpeg");
        return;
    }
    let folder = Folder::new("against-ffmpeg");
    let mut wrong = vec![];
    for (path, ending, bytes) in files(&folder) {
        let ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-i", &path, "-f", "s16le", "-ac", "1", "-ar", "8000", "-"])
            .output()
            .unwrap();
        let by_ffmpeg = ffmpeg.stdout.len() as f64 / 16_000.0;
        let ours = comes(bytes, ending, false);
        let line = match &ours {
            Ok((secs, missing)) => format!("{secs:.2} s, missing {missing:?}"),
            Err(why) => why.clone(),
        };
        let line = format!("{path}: ffmpeg {by_ffmpeg:.2} s, here {line}");
        println!("{line}");
        // As much as ffmpeg reads, or the rest is said to be missing, or the whole is refused with
        // its kind and a reason.
        match ours {
            Ok((secs, missing)) if secs < 0.99 * by_ffmpeg - 0.05 && missing == Some(0.0) => {
                wrong.push(line);
            }
            Err(why) if by_ffmpeg > 0.5 && !NAMES.iter().any(|name| why.contains(name)) => {
                wrong.push(line);
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
