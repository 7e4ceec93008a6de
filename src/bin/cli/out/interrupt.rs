//! Ctrl-C leaves nothing half written behind.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use moodring::files::whole::WholeFile;
use moodring::lock::lock;

/// Files that are growing.
static GROWING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn growing() -> MutexGuard<'static, Vec<PathBuf>> {
    lock(&GROWING)
}

/// As long as it lives, a signal that ends the program removes its file first.
pub struct Guard(PathBuf);

/// Begins the file that is to stand at `path`. A signal that comes meanwhile waits until it is
/// known.
pub fn begin(path: &Path) -> io::Result<(WholeFile, Guard)> {
    #[cfg(unix)]
    signals::watch();
    let mut growing = growing();
    let file = WholeFile::create(path)?;
    let guard = Guard(file.growing_at().to_owned());
    growing.push(guard.0.clone());
    Ok((file, guard))
}

impl Drop for Guard {
    fn drop(&mut self) {
        growing().retain(|path| *path != self.0);
    }
}

// Elsewhere a file stays, under a name that says what it is: `.NAME-….part`.
#[cfg(unix)]
mod signals {
    use std::sync::Once;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use super::growing;

    /// From now on the files that are growing go when one of these signals comes; then it does what
    /// it would have done.
    pub fn watch() {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let ignored = ignored();
            let heeded = [SIGINT, SIGTERM].into_iter().filter(|n| ignored >> (n - 1) & 1 == 0);
            // Without the signals, or a thread for them, files stay as they do elsewhere; that is
            // no reason not to write them.
            let Ok(mut signals) = Signals::new(heeded) else { return };
            let body = move || {
                for signal in signals.forever() {
                    for path in growing().iter() {
                        _ = std::fs::remove_file(path);
                    }
                    _ = emulate_default_handler(signal);
                }
            };
            _ = std::thread::Builder::new().name("signals".to_owned()).spawn(body);
        });
    }

    /// Signals that whoever started the program has switched off, a bit each: a shell does so for
    /// what runs in the background, and to listen for one is to switch it on again. Zero where the
    /// system does not tell.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }
}
