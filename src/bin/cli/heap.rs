//! The system's allocator, with every call and every byte counted: for `bench`, and for
//! `tests/realtime.rs`, which takes this same file.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

thread_local! {
    /// Calls by this thread.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

/// Calls to the allocator so far by this thread, frees among them.
pub fn calls() -> u64 {
    CALLS.get()
}

/// Bytes that are allocated by all threads and not yet freed.
#[allow(dead_code, reason = "only `bench` asks")]
pub fn live_bytes() -> i64 {
    LIVE_BYTES.load(Ordering::Relaxed)
}

/// With `alloc-check` the plugin framework brings an allocator of its own, and there can be only
/// one; then nothing is counted.
#[allow(dead_code, reason = "only `bench` asks")]
pub const IS_COUNTED: bool = cfg!(not(feature = "alloc-check"));

#[cfg(not(feature = "alloc-check"))]
mod counted {
    use std::alloc::{GlobalAlloc, Layout, System};

    use super::{CALLS, LIVE_BYTES, Ordering};

    fn count(bytes: i64) {
        // A thread on its way out may allocate after its counter is gone; nobody asks it then.
        let _gone = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        LIVE_BYTES.fetch_add(bytes, Ordering::Relaxed);
    }

    struct Counted;

    // SAFETY: every call goes to the system's allocator as it came; counting neither allocates nor
    // unwinds.
    #[allow(unsafe_code)]
    unsafe impl GlobalAlloc for Counted {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count(layout.size() as i64);
            // SAFETY: handed on as it came.
            unsafe { System.alloc(layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            count(layout.size() as i64);
            // SAFETY: handed on as it came.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            count(-(layout.size() as i64));
            // SAFETY: handed on as it came.
            unsafe { System.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count(size as i64 - layout.size() as i64);
            // SAFETY: handed on as it came.
            unsafe { System.realloc(pointer, layout, size) }
        }
    }

    #[global_allocator]
    static ALLOCATOR: Counted = Counted;
}
