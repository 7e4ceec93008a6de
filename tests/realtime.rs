//! No allocation on the audio thread, and none in the analysis once it is warm: counted by the
//! allocator itself.
//!
//! With `alloc-check` the plugin framework brings an allocator of its own, so there is none of ours
//! then.
#![cfg(not(feature = "alloc-check"))]
// In a test a panic is the message; the lint's own exception covers test functions but not what
// they call.
#![allow(clippy::unwrap_used)]

#[path = "../src/bin/cli/heap.rs"]
mod heap;
mod support {
    pub mod float_model;
    pub mod music;
}

use std::path::Path;
use std::sync::Arc;

use moodring::analyser::Analyser;
use moodring::analysis::downmix;
use moodring::engine::Engine;
use moodring::engine::control::Control;
use moodring::engine::feed::QUEUE_READINGS;
use moodring::engine::monitor::{Monitor, Publisher};
use moodring::engine::timeline::Transport;
use moodring::model::Model;
use moodring::reading::{Phase, Reading};
use support::float_model::float_model;
use support::music::music;

/// Calls to the allocator that `body` makes on this thread.
fn allocator_calls(body: impl FnOnce()) -> u64 {
    let before = heap::calls();
    body();
    heap::calls() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocator_calls(|| drop(std::hint::black_box(Box::new(1)))), 2);
    assert_eq!(allocator_calls(|| {}), 0);
}

/// The transport of block `n`: plays, jumps, drifts, goes round a loop, stops and says nothing, in
/// turns.
fn restless(n: usize, block: usize, rate_hz: f64) -> Transport {
    let played_secs = (n * block) as f64 / rate_hz;
    let turn = n / 4 % 6;
    Transport {
        playing: turn != 4,
        song_secs: match turn {
            0 => Some(played_secs),
            1 => Some(1000.0 - played_secs),
            2 => Some(played_secs * 0.5),
            3 => Some(played_secs % 2.0),
            4 => Some(f64::NAN),
            _ => None,
        },
        loop_secs: (turn == 3).then_some((0.0, 2.0)),
        tempo_bpm: [None, Some(f64::NAN), Some(120.0 + n as f64)][turn % 3],
    }
}

#[test]
fn the_audio_thread_never_allocates() {
    let rate_hz = 48_000.0;
    let audio_in = music(10.0, rate_hz, 2);
    let monitor = Arc::new(Monitor::default());
    let control = Arc::new(Control::default());
    let (_engine, mut audio) =
        Engine::start(rate_hz, downmix::Layout::STEREO, Arc::clone(&control), Arc::clone(&monitor));
    let mut newest = monitor.latest_reader();
    let calls = allocator_calls(|| {
        // From the first block on, while the model loads, through an overrun, empty blocks, resets,
        // and every way of a transport. Live, by a clock that goes with the audio; and the first
        // second by the system's.
        let mut clock_secs = 0.0;
        for (round, size) in [1, 17, 64, 1024, 4096].into_iter().enumerate() {
            audio.set_auto_reset(round % 2 == 0);
            for (n, (left, right)) in
                audio_in[0].chunks(size).zip(audio_in[1].chunks(size)).enumerate()
            {
                let transport = restless(n, size, rate_hz);
                if clock_secs < 1.0 {
                    audio.process(&[left, right], &transport);
                } else {
                    audio.process_at(&[left, right], &transport, clock_secs);
                }
                clock_secs += left.len() as f64 / rate_hz;
            }
            audio.process::<&[f32]>(&[], &Transport::default());
            audio.process(&[&audio_in[0][..0]], &Transport::default());
            audio.reset();
            control.ask_reset();
            control.set_gate_db(-60.0);
            let _newest = newest.read();
        }
    });
    assert_eq!((calls, audio.waits()), (0, 0));
    // Nor does a render that waits.
    let mut render = || {
        for (left, right) in audio_in[0].chunks(512).zip(audio_in[1].chunks(512)) {
            audio.process(&[left, right], &Transport::default());
        }
    };
    assert_eq!(allocator_calls(&mut render), 0);
    assert!(audio.waits() > 0);
}

/// Every model, quantised or not: by name.
fn models() -> [(&'static str, Arc<Model>); 3] {
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/paper.onnx");
    [
        ("moodring", Model::shipped().unwrap()),
        ("paper", Model::load(&paper).unwrap()),
        ("a user's own in f32", float_model()),
    ]
}

#[test]
fn the_analysis_never_allocates_once_it_is_warm() {
    for (name, model) in models() {
        for rate_hz in [22_050.0, 44_100.0, 48_000.0, 96_000.0] {
            let audio = music(14.0, rate_hz, 1);
            let (warm_up, rest) = audio[0].split_at(audio[0].len() * 3 / 14);
            let mut analyser = Analyser::new(rate_hz, downmix::Layout::MONO, &model).unwrap();
            analyser.follow_recent(true);
            let mut n_readings = 0;
            analyser.push(warm_up, |_| n_readings += 1).unwrap();
            assert!(n_readings >= 5, "{name}");
            let mut publisher = Publisher::new(&Arc::default());
            // Provisional readings, whole ones, what pushed them, a reset, and what comes after it.
            let calls = allocator_calls(|| {
                for (i, block) in rest.chunks(700).enumerate() {
                    analyser.push(block, |_| n_readings += 1).unwrap();
                    if i % 64 == 0 {
                        publisher.publish_why(analyser.why().unwrap());
                    }
                }
                analyser.reset();
                analyser.push(warm_up, |_| n_readings += 1).unwrap();
            });
            assert!(publisher.monitor().why().is_some(), "{name}");
            assert_eq!(calls, 0, "{name} at {rate_hz} Hz");
            assert!(n_readings >= 60, "{name}");
        }
    }
}

#[test]
fn publishing_and_recording_never_allocate() {
    let monitor = Arc::new(Monitor::default());
    // Two who read every reading: one takes none, and its queue is full from the first minutes on.
    let slow = monitor.feed().subscribe().unwrap();
    let mut quick = monitor.feed().subscribe().unwrap();
    let mut publisher = Publisher::new(&monitor);
    let readings = |n: u32| {
        let time_secs = f64::from(n) / 5.0;
        // By turns in a song, in loops, far away in it, and with no place at all.
        let song_secs = match n / 1000 % 4 {
            0 => Some(time_secs),
            1 => Some(time_secs % 8.0),
            2 => Some(time_secs - 30_000.0),
            _ => None,
        };
        let phase = if n.is_multiple_of(100) { Phase::Silent } else { Phase::Live };
        let shares = [0.5; 4];
        Reading { time_secs, phase, n_spaces: 2, shares, ..Reading::default() }.at(song_secs)
    };
    // The first tells each reader of the model, which a reader then keeps.
    publisher.publish(&readings(0));
    let _first = quick.next_reading();
    // Twelve hours, more than is held.
    let recording = || {
        for n in 0..12 * 3600 * 5 {
            publisher.publish(&readings(n));
            let _reading = quick.next_reading();
        }
    };
    assert_eq!(allocator_calls(recording), 0);
    assert_eq!(quick.missed(), 0);
    assert_eq!(slow.missed(), u64::from(12 * 3600 * 5_u32) + 1 - QUEUE_READINGS as u64);
    // A reader in the way, for longer than readings are kept.
    let held = monitor.history().lock().unwrap();
    assert_eq!(allocator_calls(|| (0..100).for_each(|n| publisher.publish(&readings(n)))), 0);
    drop(held);
    assert_eq!(allocator_calls(|| publisher.catch_up()), 0);
}

/// A filter in the kernel kills a thread at its first system call other than reading and writing
/// open files: what survives it has made none. The calls are those of the kernel's own strict mode,
/// which would take the processor's clock away besides; to read that is not a call.
#[cfg(target_os = "linux")]
mod strict {
    use std::io::Read;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    /// Tells this test's own process what to do in place of the test.
    const ROLE: &str = "MOODRING_STRICT_ROLE";
    /// Seconds that are played in blocks of each size.
    const SECS_PER_SIZE: usize = 1;
    const SURVIVED: &[u8] = b"survived strict mode\n";
    const REFUSED: &[u8] = b"no strict mode here\n";

    /// What this test's own process says, started again in a role.
    fn said(role: &str) -> String {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "strict::the_audio_thread_makes_no_system_call", "--nocapture"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said
    }

    /// Lets this thread read, write and end from here on, and nothing else; whether the system can.
    #[allow(unsafe_code)]
    fn enter() -> bool {
        let code = |parts: &[u32]| u16::try_from(parts.iter().sum::<u32>()).unwrap();
        let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
        let allowed = [libc::SYS_read, libc::SYS_write, libc::SYS_exit, libc::SYS_rt_sigreturn];
        // The number of the call is what a filter is shown first.
        let mut filter = vec![step(code(&[libc::BPF_LD, libc::BPF_W, libc::BPF_ABS]), 0, 0, 0)];
        let is_equal = code(&[libc::BPF_JMP, libc::BPF_JEQ, libc::BPF_K]);
        for (n, call) in allowed.iter().enumerate() {
            let to_allow = u8::try_from(allowed.len() - n).unwrap();
            filter.push(step(is_equal, u32::try_from(*call).unwrap(), to_allow, 0));
        }
        let answer = code(&[libc::BPF_RET, libc::BPF_K]);
        filter.push(step(answer, libc::SECCOMP_RET_KILL_THREAD, 0, 0));
        filter.push(step(answer, libc::SECCOMP_RET_ALLOW, 0, 0));
        let program = libc::sock_fprog {
            len: u16::try_from(filter.len()).unwrap(),
            filter: filter.as_mut_ptr(),
        };
        // SAFETY: plain numbers, and a program that the kernel copies; they only change what this
        // thread may do from here on.
        unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
                    == 0
        }
    }

    /// A thread that enters strict mode, plays, and says so; with the role of the culprit it makes
    /// a system call before.
    fn play_the_role(role: &str) -> ! {
        let rate_hz = 48_000.0;
        let music = music(10.0, rate_hz, 2);
        let (_engine, mut audio) =
            Engine::start(rate_hz, downmix::Layout::STEREO, Arc::default(), Arc::default());
        let is_culprit = role == "culprit";
        std::thread::spawn(move || {
            let say = |words| rustix::io::write(std::io::stdout(), words);
            if !enter() {
                let _said = say(REFUSED);
            }
            if is_culprit {
                std::thread::yield_now();
            }
            audio.set_auto_reset(true);
            // A second at once, as from a host that computes ahead; then at the clock's own pace,
            // which is looked at without a rest.
            let began = Instant::now();
            let mut sent_secs = -1.0;
            for size in [1, 17, 64, 1024, 4096] {
                let music =
                    [&music[0][..SECS_PER_SIZE * 48_000], &music[1][..SECS_PER_SIZE * 48_000]];
                let blocks = music[0].chunks(size).zip(music[1].chunks(size));
                for (n, (left, right)) in blocks.enumerate() {
                    while began.elapsed().as_secs_f64() < sent_secs {
                        std::hint::spin_loop();
                    }
                    audio.process(&[left, right], &restless(n, size, rate_hz));
                    sent_secs += left.len() as f64 / rate_hz;
                }
                audio.reset();
            }
            let _said = say(SURVIVED);
            // To end would be a system call.
            loop {
                std::hint::spin_loop();
            }
        });
        std::thread::sleep(Duration::from_secs(3 + 5 * SECS_PER_SIZE as u64));
        std::process::exit(0)
    }

    #[test]
    fn the_audio_thread_makes_no_system_call() {
        if let Ok(role) = std::env::var(ROLE) {
            play_the_role(&role);
        }
        let audio = said("audio");
        if audio.contains(std::str::from_utf8(REFUSED).unwrap()) {
            eprintln!("this system refuses strict mode, so nothing can be shown here");
            return;
        }
        let survived = |said: &str| said.contains(std::str::from_utf8(SURVIVED).unwrap());
        assert!(survived(&audio), "it was killed at a system call");
        assert!(!survived(&said("culprit")), "strict mode lets system calls pass");
    }
}
