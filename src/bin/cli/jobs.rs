//! Work on many files at once, with progress, and the model that it needs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use moodring::decode::{self, Outcome};
use moodring::model::Model;

use crate::out::tell;

/// The user's model, or the shipped one.
pub fn model(path: Option<&Path>) -> anyhow::Result<Arc<Model>> {
    Ok(match path {
        Some(path) => Model::load(path)?,
        None => Model::shipped()?,
    })
}

/// Runs `work` on a file; a panic in it is an error, of one line and without a backtrace.
pub fn guarded<R>(work: impl FnOnce() -> anyhow::Result<R>) -> anyhow::Result<R> {
    decode::guarded(work).unwrap_or_else(|words| {
        Err(anyhow!("reading it failed ({words}); please report this file"))
    })
}

/// Runs `work` on every item, on all cores, and hands the results to `done` in the order of the
/// items.
///
/// A panic on one item is that item's error and takes no other with it.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> anyhow::Result<R> + Sync,
    mut done: impl FnMut(&T, anyhow::Result<R>),
) {
    let guarded = |item: &T| guarded(|| work(item));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, work) = (sender.clone(), &next, &guarded);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting: Vec<Option<anyhow::Result<R>>> = items.iter().map(|_| None).collect();
        let mut due = 0;
        for (index, result) in receiver {
            waiting[index] = Some(result);
            while let Some(result) = waiting.get_mut(due).and_then(Option::take) {
                done(&items[due], result);
                due += 1;
            }
        }
    });
}

/// A bar on the terminal, or nothing where there is none.
pub fn progress(length: u64, unit: &str) -> ProgressBar {
    let style = format!("{{wide_bar}} {{pos}}/{{len}} {unit}, {{eta}} left");
    ProgressBar::new(length)
        .with_style(ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar()))
}

/// Says on standard error what is missing of a file; nothing where it is complete.
pub fn warn(path: &Path, outcome: &Outcome) {
    if let Some(missing) = outcome.warning() {
        tell(format_args!("warning: {}: {missing}; the rest was read", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_a_panic_costs_only_its_own() {
        let items: Vec<u64> = (0..20).collect();
        let work = |n: &u64| {
            std::thread::sleep(std::time::Duration::from_micros(500 * (20 - n)));
            assert_ne!(*n, 7, "on purpose");
            Ok(n * n)
        };
        let mut done = Vec::new();
        each(&items, work, |n, result| done.push((*n, result.ok())));
        let expected: Vec<_> = items.iter().map(|n| (*n, (*n != 7).then_some(n * n))).collect();
        assert_eq!(done, expected);
    }
}
