//! A hundred instances of the bundled CLAP in one host, live: nothing is lost, nobody is left
//! behind, nothing stays behind.
//!
//! `cargo test --test many -- --nocapture` prints what they cost; with `MOODRING_REPORT` it is
//! written there as JSON. `MOODRING_SPEED=3` plays three times as fast, to see what gives way:
//! readings do, samples must not.
#![cfg(target_os = "linux")]
// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod host;
    pub mod music;
}

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::host::{Host, Playing};
use support::music::music;

const INSTANCES: usize = 100;
const RATE_HZ: f64 = 48_000.0;
const BLOCK: usize = 512;
const SECS: f64 = 12.0;

/// What the tests here measure is the process's, so one runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The number after `name` in a file of `/proc`.
fn proc_number(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Bytes of this process in memory.
fn resident_bytes() -> u64 {
    proc_number("/proc/self/status", "VmRSS:") * 1024
}

/// Folders of this process's threads of that name.
fn threads(name: &str) -> Vec<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut tasks: Vec<PathBuf> = tasks.map(|task| task.unwrap().path()).collect();
    tasks.retain(|task| fs::read_to_string(task.join("comm")).is_ok_and(|own| own.trim() == name));
    tasks
}

/// Plays one block of `audio`, as it stands at `at`, through an instance.
fn play_block(playing: &mut Playing<'_>, audio: &[Vec<f32>], at: usize) {
    let mut input: [[f32; BLOCK]; 2] = [[0.0; BLOCK]; 2];
    let mut output = [[f32::MIN_POSITIVE; BLOCK]; 2];
    for (input, channel) in input.iter_mut().zip(audio) {
        input.copy_from_slice(&channel[at..at + BLOCK]);
    }
    let [left, right] = &mut input;
    let [left_out, right_out] = &mut output;
    playing.block(&mut [left, right], &mut [left_out, right_out]).unwrap();
    assert!(input == output, "audio was changed");
}

/// Calls `on_block` with every block's place when it is due, as a sound card would; the longest
/// that a call took.
fn in_real_time(secs: f64, n_samples: usize, mut on_block: impl FnMut(usize)) -> Vec<Duration> {
    let began = Instant::now();
    let blocks = (secs * RATE_HZ / BLOCK as f64) as usize;
    let speed = std::env::var("MOODRING_SPEED").map_or(1.0, |speed| speed.parse().unwrap());
    (0..blocks)
        .map(|block| {
            let due = Duration::from_secs_f64(block as f64 * BLOCK as f64 / RATE_HZ / speed);
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let started = Instant::now();
            on_block(block * BLOCK % (n_samples - BLOCK));
            started.elapsed()
        })
        .collect()
}

/// Columns of a readings file by name.
fn column(text: &str, name: &str) -> Vec<String> {
    let mut lines = text.lines();
    let index = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    lines.map(|line| line.split(',').nth(index).unwrap().to_owned()).collect()
}

fn report(found: &Value) {
    eprintln!("{found:#}");
    if let Some(path) = std::env::var_os("MOODRING_REPORT") {
        fs::write(path, found.to_string()).unwrap();
    }
}

#[test]
fn a_hundred_instances_lose_nothing_and_share_the_machine() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = std::env::temp_dir().join(format!("moodring-many-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let audio = music(SECS, RATE_HZ, 2);
    let before = resident_bytes();
    let began = Instant::now();
    // What a scan does: load the bundle, read its descriptor, make an instance.
    let first = Host::load_bundle().unwrap();
    let scan_ms = began.elapsed().as_secs_f64() * 1e3;
    let mut hosts = vec![first];
    let mut creation_ms = Vec::new();
    while hosts.len() < INSTANCES {
        let began = Instant::now();
        hosts.push(Host::load_bundle().unwrap());
        creation_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let csv = |i: usize| folder.join(format!("{i}.csv"));
    for (i, host) in hosts.iter_mut().enumerate() {
        host.set_field("csv_path", csv(i).to_str().unwrap()).unwrap();
    }
    let (first, others) = hosts.split_first_mut().unwrap();
    let mut instances = vec![first.activate(RATE_HZ, BLOCK).unwrap()];
    in_real_time(1.0, audio[0].len(), |at| play_block(&mut instances[0], &audio, at));
    let with_one = resident_bytes();
    let began = Instant::now();
    instances.extend(others.iter_mut().map(|host| host.activate(RATE_HZ, BLOCK).unwrap()));
    let activation_ms = began.elapsed().as_secs_f64() * 1e3 / (INSTANCES - 1) as f64;
    // A thread takes its name once it runs.
    let began = Instant::now();
    while threads("mood-analysis").len() < INSTANCES && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(threads("mood-analysis").len(), INSTANCES);
    let took = in_real_time(SECS, audio[0].len(), |at| {
        instances.iter_mut().for_each(|playing| play_block(playing, &audio, at));
    });
    let with_all = resident_bytes();
    let began = Instant::now();
    drop(instances);
    let closing_ms = began.elapsed().as_secs_f64() * 1e3;
    assert!(threads("mood-analysis").is_empty() && threads("mood-outputs").is_empty());
    drop(hosts);

    let mut readings = Vec::new();
    for i in 0..INSTANCES {
        let text = fs::read_to_string(csv(i)).unwrap();
        let lost = column(&text, "overrun_samples");
        assert!(lost.iter().all(|lost| lost == "0"), "instance {i} lost {:?} samples", lost.last());
        readings.push(lost.len());
    }
    fs::remove_dir_all(folder).unwrap();
    let (fewest, most) =
        readings[1..].iter().fold((usize::MAX, 0), |(low, high), n| (low.min(*n), high.max(*n)));
    let mut took: Vec<f64> = took.iter().map(|took| took.as_secs_f64() * 1e6).collect();
    took.sort_by(f64::total_cmp);
    creation_ms.sort_by(f64::total_cmp);
    report(&json!({
        "instances": INSTANCES,
        "seconds": SECS,
        "scan_ms": scan_ms,
        "creation_ms_median": creation_ms[creation_ms.len() / 2],
        "creation_ms_most": creation_ms.last(),
        "activation_ms": activation_ms,
        "closing_ms": closing_ms,
        "block_us_median_all": took[took.len() / 2],
        "block_us_most_all": took.last(),
        "blocks_late": took.iter().filter(|us| **us > 1e6 * BLOCK as f64 / RATE_HZ).count(),
        "readings_fewest": fewest,
        "readings_most": most,
        "bytes_of_the_first": with_one - before.min(with_one),
        "bytes_per_further_instance": (with_all - with_one) / (INSTANCES as u64 - 1),
    }));
    // At the slowest pace there is one every three seconds.
    assert!(fewest >= 3, "an instance had {fewest} readings");
    assert!(2 * fewest >= most, "one instance had {fewest} readings, another {most}");
}

#[test]
#[cfg(target_env = "gnu")]
fn a_closed_instance_leaves_no_memory() {
    const ROUNDS: usize = 12;
    /// Far less than one instance takes, 2.2 MB: what the host and the C library keep.
    const LEFT_BYTES: usize = 200_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let audio = music(1.0, RATE_HZ, 2);
    let in_use = || {
        // SAFETY: it only reads what the allocator counts.
        #[allow(unsafe_code)]
        let counted = unsafe { libc::mallinfo2() };
        counted.uordblks + counted.hblkhd
    };
    let a_life = || {
        let mut host = Host::load_bundle().unwrap();
        let mut playing = host.activate(RATE_HZ, BLOCK).unwrap();
        in_real_time(0.5, audio[0].len(), |at| play_block(&mut playing, &audio, at));
    };
    // The weights stay with the process, so that the next instance need not load them.
    a_life();
    let before = in_use();
    (0..ROUNDS).for_each(|_| a_life());
    let left = in_use().saturating_sub(before);
    assert!(left < LEFT_BYTES, "{ROUNDS} instances left {left} bytes");
}

#[test]
fn a_bypassed_instance_sleeps() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let audio = music(2.0, RATE_HZ, 2);
    let mut host = Host::load_bundle().unwrap();
    host.set_bypass(true).unwrap();
    let mut playing = host.activate(RATE_HZ, BLOCK).unwrap();
    let mut play =
        |secs| in_real_time(secs, audio[0].len(), |at| play_block(&mut playing, &audio, at));
    // Time enough to load the model and to find that nothing comes.
    play(5.0);
    let thread = threads("mood-analysis").remove(0).join("status");
    let wake_ups = || proc_number(thread.to_str().unwrap(), "voluntary_ctxt_switches:");
    let before = wake_ups();
    play(3.0);
    let woken = wake_ups() - before;
    assert!((1..=20).contains(&woken), "woken {woken} times in 3 s");
}
