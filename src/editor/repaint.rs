//! Asks for a repaint when something visible has changed, and only then.
//!
//! egui can only be asked to paint, not to look; a look that painted would cost a frame each time.
//! So while a window is open a thread of its own looks at the Monitor and compares what would be
//! seen. It is cheap: a few atomic loads and short locks, thirty times a second.
//!
//! **Architecture Invariant**: the thread ends when the window closes, and [`Repainter`]'s drop
//! waits for it, so it never outlives the plugin, whose code the host may unload.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::engine::monitor::Monitor;

use super::view::{Source, ViewState, WhyView};
use crate::history::HistoryMark;
use crate::prefs::{Page, Prefs};

/// Name of the thread.
pub const EDITOR_THREAD: &str = "mood-editor";

/// Time between looks: a sixth of the time between readings, so that none is shown late.
const PERIOD: Duration = Duration::from_millis(30);

/// Time between looks for a page without needles: as often as a place in the history changes.
const CALM_PERIOD: Duration = Duration::from_millis(500);

/// Whoever holds the window open holds a token; the thread ends when the last is gone.
#[derive(Clone, Default)]
pub struct OpenToken(Arc<()>);

/// What the page in front shows, so that nothing else wakes it.
#[derive(Debug, Default)]
pub struct Attention {
    history: AtomicBool,
    why: AtomicBool,
    outputs: AtomicBool,
    is_calm: AtomicBool,
}

impl Attention {
    /// Takes note of what `prefs` put in front.
    pub fn set(&self, prefs: &Prefs) {
        self.history.store(prefs.looks_back(), Ordering::Relaxed);
        self.why.store(prefs.asks_why(), Ordering::Relaxed);
        self.outputs.store(prefs.page == Page::Outputs, Ordering::Relaxed);
        self.is_calm.store(!prefs.shows_needles(), Ordering::Relaxed);
    }

    /// Time until the next look.
    fn period(&self) -> Duration {
        if self.is_calm.load(Ordering::Relaxed) { CALM_PERIOD } else { PERIOD }
    }

    /// What a look at the monitor would show of `view`, and where the history has got to.
    fn of(&self, mut view: ViewState, monitor: &Monitor) -> (ViewState, Option<HistoryMark>) {
        if !self.why.load(Ordering::Relaxed) {
            view.why = WhyView::default();
        }
        if !self.outputs.load(Ordering::Relaxed) {
            view.outputs.clear();
            (view.osc, view.page) = Default::default();
        }
        let looks_back = self.history.load(Ordering::Relaxed);
        (view, looks_back.then(|| monitor.read_history().mark()))
    }
}

/// The thread that watches for one open window.
pub struct Repainter {
    thread: Option<JoinHandle<()>>,
    stop: Arc<()>,
}

impl Repainter {
    /// Watches `monitor` through a clone of the window's own `source`, and calls `repaint` on
    /// changes until the last clone of `open` is gone.
    ///
    /// Where no thread can be had the editor still works, with repaints only on the user's own
    /// events.
    #[must_use]
    pub fn start(
        monitor: Arc<Monitor>,
        source: Source,
        attention: Arc<Attention>,
        open: &OpenToken,
        repaint: impl Fn() + Send + 'static,
    ) -> Self {
        let stop = Arc::new(());
        let (open, running) = (Arc::downgrade(&open.0), Arc::downgrade(&stop));
        let look_on = move || look_on(&monitor, &source, &attention, &open, &running, repaint);
        let thread = Builder::new().name(EDITOR_THREAD.to_owned()).spawn(look_on).ok();
        Self { thread, stop }
    }
}

impl Drop for Repainter {
    fn drop(&mut self) {
        self.stop = Arc::default();
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A watcher that panicked has nothing to clean up.
            let _ = thread.join();
        }
    }
}

fn look_on(
    monitor: &Monitor,
    source: &Source,
    attention: &Attention,
    open: &Weak<()>,
    running: &Weak<()>,
    repaint: impl Fn(),
) {
    let mut seen = None;
    while open.strong_count() > 0 && running.strong_count() > 0 {
        let now = Some(attention.of(source.look(Instant::now()), monitor));
        if now != seen {
            seen = now;
            repaint();
        }
        std::thread::park_timeout(attention.period());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::engine::monitor::{Publisher, Status};
    use crate::outputs::Outputs;
    use crate::reading::{Phase, Reading};

    /// Long enough for a loaded machine to look a few times.
    const A_WHILE: Duration = Duration::from_millis(300);

    fn counting(monitor: &Arc<Monitor>, open: &OpenToken) -> (Repainter, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let repaint = move || {
            counter.fetch_add(1, Ordering::SeqCst);
        };
        let outputs = Arc::new(Outputs::new(Arc::clone(monitor.feed())));
        let source = Source::new(Arc::clone(monitor), outputs, Instant::now());
        (Repainter::start(Arc::clone(monitor), source, Arc::default(), open, repaint), count)
    }

    #[test]
    fn a_still_meter_is_not_repainted() {
        let monitor = Arc::new(Monitor::default());
        let open = OpenToken::default();
        let (_repainter, count) = counting(&monitor, &open);
        std::thread::sleep(A_WHILE);
        assert_eq!(count.load(Ordering::SeqCst), 1, "the first look paints once");
        let mut publisher = Publisher::new(&monitor);
        publisher.publish(&Reading { time_secs: 5.0, ..Reading::default() }.into());
        std::thread::sleep(A_WHILE);
        assert_eq!(count.load(Ordering::SeqCst), 1, "a reading that looks the same");
        monitor.set_status(Status::Running);
        publisher.publish(&Reading { phase: Phase::Silent, ..Reading::default() }.into());
        std::thread::sleep(A_WHILE);
        assert_eq!(count.load(Ordering::SeqCst), 2, "a change");
    }

    #[test]
    fn the_thread_ends_when_the_window_closes() {
        let monitor = Arc::new(Monitor::default());
        let open = OpenToken::default();
        let (repainter, _count) = counting(&monitor, &open);
        drop(open);
        std::thread::sleep(A_WHILE);
        assert!(repainter.thread.as_ref().unwrap().is_finished());
    }

    #[test]
    fn a_plugin_that_goes_waits_for_its_thread() {
        let monitor = Arc::new(Monitor::default());
        let open = OpenToken::default();
        let (repainter, _count) = counting(&monitor, &open);
        std::thread::sleep(A_WHILE);
        drop(repainter);
        assert_eq!(Arc::strong_count(&monitor), 1);
    }
}
