//! The thread `mood-analysis` of the bundled CLAP, as it ships, over a minute of music: it never
//! asks the C library for memory.
//!
//! This program has `malloc` and its like of its own, and the loader gives a program's own to
//! everything it loads; so they see what the plugin does without a word of it being built for the
//! purpose.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
// All of this is tests; clippy knows only the functions so marked as such.
#![allow(clippy::unwrap_used)]

mod support {
    pub mod host;
    pub mod music;
}

use std::path::Path;
use std::time::{Duration, Instant};

use support::host::{Host, Playing};
use support::music::music;

const RATE_HZ: f64 = 48_000.0;
const BLOCK: usize = 512;
/// Until every buffer is full and every kind of reading has been taken.
const WARM_UP_SECS: f64 = 12.0;
const SECS: f64 = 60.0;
/// How much faster than real time the slower of the two hosts renders: a fraction of what the
/// analysis can do, so that it is never kept waiting.
const SPEED: f64 = 6.0;

/// The C library's functions for memory, each counted where the analysis thread calls it and then
/// left to the C library.
#[allow(unsafe_code)]
mod counted {
    use std::cell::Cell;
    use std::ffi::{CStr, c_int, c_void};
    use std::sync::atomic::{AtomicU64, Ordering};

    use moodring::engine::ANALYSIS_THREAD;

    /// Longest name of a thread, its end included.
    const NAME_BYTES: usize = 16;

    static CALLS: AtomicU64 = AtomicU64::new(0);

    thread_local! {
        static IS_ANALYSIS: Cell<bool> = const { Cell::new(false) };
    }

    /// Calls by analysis threads so far, frees among them.
    pub fn calls() -> u64 {
        CALLS.load(Ordering::SeqCst)
    }

    fn count() {
        // A thread takes its name some allocations after its start, so only a yes is kept.
        if IS_ANALYSIS.get() || has_the_name() {
            IS_ANALYSIS.set(true);
            CALLS.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn has_the_name() -> bool {
        let mut name = [0_u8; NAME_BYTES];
        // SAFETY: the system writes a name and its end, which is what there is room for.
        unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
        name.starts_with(ANALYSIS_THREAD.as_bytes())
    }

    // The C library's own, under names that nobody replaces.
    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(n: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        count();
        // SAFETY: the C library's own function, called as ours was.
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(n: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: the C library's own function, called as ours was.
        unsafe { __libc_calloc(n, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        count();
        // SAFETY: the C library's own function, called as ours was.
        unsafe { __libc_realloc(old, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
        count();
        // SAFETY: the C library's own function, called as ours was.
        unsafe { __libc_memalign(alignment, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn posix_memalign(
        out: *mut *mut c_void,
        alignment: usize,
        size: usize,
    ) -> c_int {
        count();
        // SAFETY: the C library's own function, called as ours was.
        let memory = unsafe { __libc_memalign(alignment, size) };
        if memory.is_null() {
            return libc::ENOMEM;
        }
        // SAFETY: the caller's place for a pointer.
        unsafe { *out = memory };
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        // Nothing is nothing to free.
        if !old.is_null() {
            count();
            // SAFETY: the C library's own function, called as ours was.
            unsafe { __libc_free(old) }
        }
    }

    /// Whether whoever asks the loader for `name` gets `ours`.
    fn stands_in(name: &CStr, ours: *const c_void) -> bool {
        // SAFETY: it only looks the name up, as the loader does for a library.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        std::ptr::eq(found, ours)
    }

    /// Whether whoever asks the loader for any of them gets ours.
    pub fn stand_in() -> bool {
        stands_in(c"malloc", malloc as *const c_void)
            && stands_in(c"calloc", calloc as *const c_void)
            && stands_in(c"realloc", realloc as *const c_void)
            && stands_in(c"aligned_alloc", aligned_alloc as *const c_void)
            && stands_in(c"posix_memalign", posix_memalign as *const c_void)
            && stands_in(c"free", free as *const c_void)
    }
}

/// Plays `audio` from its start; at the pace of a fast live host unless the plugin waits for its
/// own analysis.
fn play(playing: &mut Playing<'_>, audio: &[Vec<f32>], offline: bool) {
    let began = Instant::now();
    let pace = |played: usize| {
        let due = Duration::from_secs_f64(played as f64 / RATE_HZ / SPEED);
        if !offline {
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        true
    };
    let heard = playing.play(audio, std::iter::repeat(BLOCK), pace).unwrap();
    assert!(heard == audio, "audio was changed");
}

#[test]
fn the_analysis_of_the_bundle_allocates_nothing_in_a_minute_of_music() {
    assert!(counted::stand_in());
    let warm_up = music(WARM_UP_SECS, RATE_HZ, 2);
    let minute = music(SECS, RATE_HZ, 2);
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/paper.onnx");
    for (model, offline) in [(None, true), (None, false), (Some(paper), true)] {
        let way = format!("{model:?}, offline: {offline}");
        let mut host = Host::load_bundle().unwrap();
        if let Some(path) = model {
            host.set_field("model_path", path.to_str().unwrap()).unwrap();
        }
        host.render_offline(offline).unwrap();
        let unstarted = counted::calls();
        let mut playing = host.activate(RATE_HZ, BLOCK).unwrap();
        playing.set_song_secs(Some(0.0));
        play(&mut playing, &warm_up, offline);
        // A reset and music after it are not exceptions, once there has been one.
        playing.reset();
        play(&mut playing, &warm_up, offline);
        let before = counted::calls();
        assert!(before > unstarted, "{way}: to load a model without memory: nobody counts");
        play(&mut playing, &minute, offline);
        playing.reset();
        play(&mut playing, &warm_up, offline);
        assert_eq!(counted::calls() - before, 0, "{way}: calls to the allocator");
        drop(playing);
        assert!(counted::calls() > before, "{way}: nothing was given back at the end");
    }
}
