//! Music in real time on a thread of its own, while the main thread sees to the window: as in a
//! host.

#![allow(dead_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::host::{Audio, Host, Playing};

/// Name of the thread that plays.
pub const THREAD: &str = "tape";

/// Samples in a block.
pub const BLOCK_SAMPLES: usize = 512;

/// What the audio thread noticed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Played {
    pub n_blocks: usize,
    /// Blocks that came out otherwise than they went in.
    pub n_changed: usize,
    /// Times that the plugin made the audio thread wait, for a lock or for anything else.
    pub n_waits: i64,
    /// What the slowest block took, other programs' turns included.
    pub longest: Duration,
}

/// Tells the audio thread to end, also where the main thread panics.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Plays `music`, `[channel][sample]` at `rate_hz`, over and over until `body` has run; `body` gets
/// the host.
pub fn while_playing<T>(
    playing: &mut Playing,
    music: &[Vec<f32>],
    rate_hz: f64,
    body: impl FnOnce(&mut Host) -> T,
) -> Result<(T, Played)> {
    let (host, audio) = playing.split();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = Stop(&is_over);
        let thread = std::thread::Builder::new().name(THREAD.to_owned());
        let player = thread.spawn_scoped(scope, || play(audio, music, rate_hz, &is_over))?;
        let result = body(host);
        drop(stop);
        let played = player.join().expect("the audio thread panicked")?;
        Ok((result, played))
    })
}

fn play(
    audio: &mut Audio,
    music: &[Vec<f32>],
    rate_hz: f64,
    is_over: &AtomicBool,
) -> Result<Played> {
    let mut played = Played::default();
    let mut input = vec![vec![0.0; BLOCK_SAMPLES]; music.len()];
    let mut output = input.clone();
    let period = Duration::from_secs_f64(BLOCK_SAMPLES as f64 / rate_hz);
    let mut due = Instant::now();
    let starts = (0..music[0].len() - BLOCK_SAMPLES).step_by(BLOCK_SAMPLES).cycle();
    for at in starts.take_while(|_| !is_over.load(Ordering::Acquire)) {
        for (input, channel) in input.iter_mut().zip(music) {
            input.copy_from_slice(&channel[at..at + BLOCK_SAMPLES]);
        }
        output.iter_mut().for_each(|channel| channel.fill(f32::MIN_POSITIVE));
        let mut ins: Vec<&mut [f32]> = input.iter_mut().map(Vec::as_mut_slice).collect();
        let mut outs: Vec<&mut [f32]> = output.iter_mut().map(Vec::as_mut_slice).collect();
        let (began, before) = (Instant::now(), n_waits());
        audio.block(&mut ins, &mut outs)?;
        played.n_waits += n_waits() - before;
        played.longest = played.longest.max(began.elapsed());
        played.n_blocks += 1;
        played.n_changed += usize::from(input != output);
        due += period;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(played)
}

/// Times that this thread has given the processor away of its own accord.
fn n_waits() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: it writes one `rusage`, for which all zeros are a value too.
    #[allow(unsafe_code)]
    unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init().ru_nvcsw
    }
}
