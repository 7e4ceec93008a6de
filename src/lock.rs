//! Taking a mutex that a panic elsewhere cannot take away.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the mutex and takes it, whether or not a thread has panicked while it held it.
///
/// What this crate keeps behind a mutex is replaced as a whole, so it is never left half written;
/// and a plugin whose one thread has failed must not fail in all others, the host's among them.
///
/// # Real-time safety
/// Waits. The audio thread has no mutex to take.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutex_that_a_panic_let_go_of_is_taken_with_what_it_holds() {
        let mutex = std::sync::Arc::new(Mutex::new(1));
        let held = std::sync::Arc::clone(&mutex);
        let panicked = std::thread::spawn(move || {
            let mut value = lock(&held);
            *value = 2;
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());
        assert!(mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 2);
    }
}
