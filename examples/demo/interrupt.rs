//! Ctrl-C as a flag, so that the music stops and the picture is still drawn. Elsewhere than on Unix
//! it ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

static CAME: AtomicBool = AtomicBool::new(false);

/// Whether Ctrl-C was pressed since [`catch`].
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}

/// From now on Ctrl-C sets the flag; a second one ends the program as usual.
#[cfg(unix)]
pub fn catch() {
    // SAFETY: the handler only touches an atomic and `signal` itself, both allowed in a signal
    // handler. A crate for this one call would change the features of `libc`, and with them rebuild
    // half of the dependencies.
    #[allow(unsafe_code)]
    unsafe {
        signal(SIGINT, on_interrupt as *const () as usize);
    }
}

/// Elsewhere the system ends the demo by itself.
#[cfg(not(unix))]
pub fn catch() {}

#[cfg(unix)]
const SIGINT: i32 = 2;

/// The handler that ends the program.
#[cfg(unix)]
const SIG_DFL: usize = 0;

#[cfg(unix)]
#[allow(unsafe_code)]
unsafe extern "C" {
    /// Of the C library: sets the handler of a signal, returns the one before.
    fn signal(signal: i32, handler: usize) -> usize;
}

#[cfg(unix)]
extern "C" fn on_interrupt(_signal: i32) {
    CAME.store(true, Ordering::Relaxed);
    // SAFETY: as in `catch`.
    #[allow(unsafe_code)]
    unsafe {
        signal(SIGINT, SIG_DFL);
    }
}
