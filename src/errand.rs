//! Work that may never come back: whatever touches a file, for a network drive that is gone answers no call, not even one that closes.
//!
//! It is done by a thread of its own, which whoever asked for it looks after, or leaves behind. **Architecture Invariant**: who leaves
//! a thread behind keeps the library in memory for good, for the thread will run its code when the drive comes back.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Name of the threads.
const THREAD: &str = "mood-files";

/// Most threads of this process that may be left behind: each one more would be a project opened again on a drive that is gone.
const MOST_LOST: usize = 32;

/// Threads that were left behind.
static LOST: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// How many of them have not come back.
fn lost() -> usize {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.retain(|thread| !thread.is_finished());
    lost.len()
}

/// Work that somebody else does.
pub struct Errand<T> {
    result: Receiver<T>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Errand<T> {
    /// Has `work` done.
    ///
    /// # Errors
    /// Where the system refuses a thread, or too many have not come back.
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        if lost() >= MOST_LOST {
            return Err(io::Error::other("too many files on this machine do not answer"));
        }
        let (sender, result) = channel();
        let body = move || {
            // Nobody may be there to take it any more.
            let _taken = sender.send(work());
        };
        let thread = Builder::new().name(THREAD.to_owned()).spawn(body)?;
        Ok(Self { result, thread: Some(thread) })
    }

    /// What came of it; `None` while it is not done. An error where the work panicked.
    ///
    /// # Real-time safety
    /// While it is not done: neither allocates nor waits.
    pub fn poll(&self) -> Option<Result<T, Panicked>> {
        match self.result.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(Panicked)),
        }
    }
}

/// The work came to no end of its own.
#[derive(Debug)]
pub struct Panicked;

impl<T> Drop for Errand<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // One that has handed over its result, or nothing, has nothing left to wait for.
            if matches!(self.result.try_recv(), Err(TryRecvError::Empty)) && !thread.is_finished() {
                leave_behind(thread);
            } else {
                let _ended = thread.join();
            }
        }
    }
}

/// Goes on without a thread, whose code stays in memory.
pub fn leave_behind(thread: JoinHandle<()>) {
    keep_in_memory();
    LOST.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
}

/// Keeps this library in memory when the host unloads it.
#[allow(unsafe_code)]
fn keep_in_memory() {
    #[cfg(unix)]
    {
        let mut library = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        let here = keep_in_memory as *const std::ffi::c_void;
        // SAFETY: any address may be asked for. Where it is known, the name is the loader's own; one more handle to what it names, never
        // closed, changes nothing but that it stays.
        unsafe {
            if libc::dladdr(here, library.as_mut_ptr()) != 0 {
                let name = library.assume_init().dli_fname;
                libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_NODELETE);
            }
        }
    }
    #[cfg(windows)]
    {
        use std::ffi::c_void;
        const PIN: u32 = 0x1;
        const FROM_ADDRESS: u32 = 0x4;
        unsafe extern "system" {
            fn GetModuleHandleExW(flags: u32, of: *const c_void, module: *mut *mut c_void) -> i32;
        }
        let mut module = std::ptr::null_mut();
        // SAFETY: the address is in this library, and the handle is written to where there is room for it.
        unsafe {
            GetModuleHandleExW(PIN | FROM_ADDRESS, keep_in_memory as *const c_void, &mut module)
        };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::*;

    fn result<T: Send + 'static>(errand: &Errand<T>) -> Result<T, Panicked> {
        let began = Instant::now();
        loop {
            if let Some(result) = errand.poll() {
                return result;
            }
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn work_that_is_done_is_handed_over_and_a_panic_is_told() {
        assert_eq!(result(&Errand::start(|| 7).unwrap()).unwrap(), 7);
        assert!(result(&Errand::<i32>::start(|| panic!("its own trouble")).unwrap()).is_err());
    }

    #[test]
    fn whoever_does_not_come_back_is_not_waited_for() {
        let (never, waits) = channel::<()>();
        let errand = Errand::start(move || waits.recv().is_ok()).unwrap();
        assert!(errand.poll().is_none());
        let began = Instant::now();
        drop(errand);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(lost() >= 1);
        drop(never);
        while lost() > 0 {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
