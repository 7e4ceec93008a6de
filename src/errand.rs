//! Work that may never come back: whatever touches a file, for a network drive that is gone answers
//! no call, not even one that closes.
//!
//! It is done by a thread of its own, which whoever asked for it looks after, or leaves behind.
//! **Architecture Invariant**: who leaves a thread behind keeps the library in memory for good, for
//! the thread will run its code when the drive comes back.

use std::cell::Cell;
use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// Name of the threads.
const THREAD: &str = "mood-files";

/// How often somebody who waits for a thread checks whether it has ended.
const LOOK: Duration = Duration::from_millis(1);

/// Most threads of this process that may be left behind: each one more would be a project opened
/// again on a drive that is gone.
const MOST_LOST: usize = 32;

/// Threads that were left behind.
static LOST: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// How many of them have not come back.
fn lost() -> usize {
    let mut lost = lock(&LOST);
    lost.retain(|thread| !thread.is_finished());
    lost.len()
}

/// Work that somebody else does.
pub struct Errand<T> {
    result: Receiver<T>,
    thread: Option<JoinHandle<()>>,
    /// Whether the result has been handed over.
    is_done: Cell<bool>,
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
        Ok(Self { result, thread: Some(thread), is_done: Cell::new(false) })
    }

    /// What came of it; `None` while it is not done. An error where the work panicked.
    ///
    /// # Real-time safety
    /// While it is not done: neither allocates nor waits.
    pub fn poll(&self) -> Option<Result<T, Panicked>> {
        match self.result.try_recv() {
            Ok(result) => Some(Ok(self.done(result))),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(Panicked)),
        }
    }

    /// As [`poll`](Self::poll), and waits for it, but no longer than `limit`.
    pub fn wait(&self, limit: Duration) -> Option<Result<T, Panicked>> {
        match self.result.recv_timeout(limit) {
            Ok(result) => Some(Ok(self.done(result))),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Panicked)),
        }
    }

    fn done(&self, result: T) -> T {
        self.is_done.set(true);
        result
    }
}

/// The work came to no end of its own.
#[derive(Debug)]
pub struct Panicked;

impl<T> Drop for Errand<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // One that has handed over its result, or nothing, is about to end.
            let is_at_work = !self.is_done.get()
                && matches!(self.result.try_recv(), Err(TryRecvError::Empty))
                && !thread.is_finished();
            if is_at_work {
                leave_behind(thread);
            } else {
                let _ended = thread.join();
            }
        }
    }
}

/// Waits for a thread that is about to end, but no longer than `limit`, and goes on without it
/// where that is not enough. Whether it has ended.
pub fn end(thread: JoinHandle<()>, limit: Duration) -> bool {
    let began = Instant::now();
    while !thread.is_finished() {
        if began.elapsed() > limit {
            leave_behind(thread);
            return false;
        }
        std::thread::sleep(LOOK);
    }
    let _ended = thread.join();
    true
}

/// Goes on without a thread, whose code stays in memory.
pub fn leave_behind(thread: JoinHandle<()>) {
    keep_in_memory();
    lock(&LOST).push(thread);
}

/// Keeps this library in memory when the host unloads it.
#[allow(unsafe_code)]
pub fn keep_in_memory() {
    #[cfg(unix)]
    {
        let mut library = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        let here = keep_in_memory as *const std::ffi::c_void;
        // SAFETY: any address may be asked for. Where it is known, the name is the loader's own;
        // one more handle to what it names, never closed, changes nothing but that it stays.
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
        // SAFETY: the address is in this library, and the handle is written to where there is room
        // for it.
        unsafe {
            GetModuleHandleExW(PIN | FROM_ADDRESS, keep_in_memory as *const c_void, &mut module)
        };
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use super::*;

    /// Whether that thread has been left behind and has not come back; others may have been, by
    /// other tests.
    fn is_lost(thread: ThreadId) -> bool {
        lost();
        LOST.lock().unwrap().iter().any(|lost| lost.thread().id() == thread)
    }

    fn id<T>(errand: &Errand<T>) -> ThreadId {
        errand.thread.as_ref().unwrap().thread().id()
    }

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
        assert!(errand.poll().is_none() && errand.wait(Duration::from_millis(5)).is_none());
        let (began, thread) = (Instant::now(), id(&errand));
        drop(errand);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(is_lost(thread));
        drop(never);
        while is_lost(thread) {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_thread_that_has_handed_over_its_result_is_never_left_behind() {
        for _ in 0..500 {
            let errand = Errand::start(|| 7).unwrap();
            let thread = id(&errand);
            assert_eq!(errand.wait(Duration::from_secs(10)).unwrap().unwrap(), 7);
            drop(errand);
            assert!(!is_lost(thread), "and the library with it");
        }
    }

    #[test]
    fn an_end_is_waited_for_and_no_longer_than_that() {
        assert!(end(std::thread::spawn(|| ()), Duration::from_secs(10)));
        let (never, waits) = channel::<()>();
        let thread = std::thread::spawn(move || _ = waits.recv());
        let began = Instant::now();
        assert!(!end(thread, Duration::from_millis(20)));
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        drop(never);
    }
}
