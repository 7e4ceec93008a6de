//! Panics of decoders as errors: a file that no decoder's author thought of must not end the
//! program, nor the other files.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// How many guards this thread is inside of.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

static QUIET_HOOK: Once = Once::new();

/// Runs `work`; where it panics, the answer is what the panic said. On this thread the panic prints
/// nothing: whoever gets the words says them with the file's name. State that `work` was changing
/// must not be used after a panic.
///
/// # Errors
/// The panic's message.
pub fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    QUIET_HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if DEPTH.get() == 0 {
                before(panic);
            }
        }));
    });
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    outcome.map_err(|panic| words(panic.as_ref()))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words_and_the_thread_goes_on() {
        assert_eq!(guarded(|| 7), Ok(7));
        let nothing: [u8; 0] = [];
        let index = nothing.len() + 3;
        let panicked = guarded(|| nothing[index]);
        assert!(panicked.is_err_and(|words| words.contains("out of bounds")));
        assert_eq!(guarded(|| guarded(|| panic!("inner")).is_err()), Ok(true));
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
