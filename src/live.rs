//! The mood on its way to lights, visuals and other programs while the music plays, many times a
//! second.
//!
//! ```text
//! Feed ─→ Follower ─→ Values ─→ Sender ─→ UDP      thread mood-live
//! HostBeat ─┘            └────→ Page ───→ browsers
//!                        └────→ Tree ───→ OSCQuery
//!                 Receiver ─→ Action ─→ Control, Prefs
//! ```
//!
//! `docs/outputs.md` has every message, its range and its rate.
//!
//! **Architecture Invariants**: nothing here is called by the audio thread or the analysis thread.
//! The thread waits for no network: its sockets never block, and names are looked up by an errand,
//! so that it ends when it is told to. What goes wrong is told in the window and tried again.

mod found;
mod json;
pub mod osc;
pub mod page;
pub mod query;
pub mod receiver;
pub mod sender;
pub mod settings;
mod thread;
pub mod values;
pub mod web;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use crate::engine::monitor::Monitor;
use crate::lock::lock;
use crate::params::Response;

pub use thread::LIVE_THREAD;

use settings::{OscSettings, PageSettings};
use thread::{Running, Wanted};

/// What another program asks for by OSC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Forget the last ten seconds.
    Reset,
    /// Hold what is shown and sent, or no longer.
    Hold(bool),
    /// Keep the last minute: 0 as A, 1 as B.
    Snapshot(usize),
    /// Send everything again, with what the sender is called.
    Hello,
}

/// What is set elsewhere and counts for what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// How quickly needles follow.
    pub response: Response,
    /// Whether what is shown is held.
    pub holds: bool,
}

/// Who knows what is set elsewhere, and does what other programs ask for. Called by the live thread
/// alone.
pub trait Desk: Send + Sync {
    /// What is set now.
    fn asks(&self) -> Asks;
    /// Does it. Waits for nothing.
    fn act(&self, action: Action);
}

/// How sending and receiving are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OscState {
    /// What is set.
    pub settings: OscSettings,
    /// Whether it is at work: it is on, and there is an engine whose readings can be sent.
    pub is_at_work: bool,
    /// Packets that went out since it was switched on.
    pub n_sent: u64,
    /// Commands that were heard, and packets that were none.
    pub n_heard: u64,
    /// See [`n_heard`](Self::n_heard).
    pub n_foreign: u64,
    /// Programs that listen to the tree.
    pub n_listeners: usize,
    /// What is wrong, and what to do.
    pub problem: Option<String>,
}

/// How the page for browsers is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// What is set.
    pub settings: PageSettings,
    /// Whether it is at work.
    pub is_at_work: bool,
    /// Browsers that look at it now.
    pub n_viewers: usize,
    /// What is wrong, and what to do.
    pub problem: Option<String>,
}

/// What one instance sends and shows: nothing until it is asked for, at work while it is open.
pub struct Live {
    monitor: Arc<Monitor>,
    desk: Arc<dyn Desk>,
    all: Mutex<All>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct All {
    is_open: bool,
    osc: OscSettings,
    page: PageSettings,
    running: Option<Running>,
    /// Why OSC, or the page, could not be started.
    refused: [Option<String>; 2],
}

impl Live {
    /// Of the readings of `monitor`; off.
    #[must_use]
    pub fn new(monitor: Arc<Monitor>, desk: Arc<dyn Desk>) -> Self {
        Self { monitor, desk, all: Mutex::default() }
    }

    /// Sends and listens as these settings say from here on. Waits for no network.
    pub fn set_osc(&self, settings: OscSettings) {
        let mut all = lock(&self.all);
        if all.osc != settings {
            all.osc = settings;
            self.adjust(&mut all);
        }
    }

    /// Shows a page as these settings say from here on. Waits for no network.
    pub fn set_page(&self, settings: PageSettings) {
        let mut all = lock(&self.all);
        if all.page != settings {
            all.page = settings;
            self.adjust(&mut all);
        }
    }

    /// Begins.
    pub fn open(&self) {
        let mut all = lock(&self.all);
        if !std::mem::replace(&mut all.is_open, true) {
            self.adjust(&mut all);
        }
    }

    /// Says that the mood is silent, and ends.
    pub fn close(&self) {
        let mut all = lock(&self.all);
        all.is_open = false;
        self.adjust(&mut all);
    }

    /// How both are doing.
    #[must_use]
    pub fn state(&self) -> (OscState, PageState) {
        let all = lock(&self.all);
        let (osc, page) = all.running.as_ref().map(Running::told).unwrap_or_default();
        let is_at_work = |is_on: bool| all.running.is_some() && is_on;
        let [refused_osc, refused_page] = all.refused.clone();
        let (osc_problem, page_problem) =
            (refused_osc.or(osc.problem), refused_page.or(page.problem));
        let osc = OscState {
            is_at_work: is_at_work(all.osc.is_on && all.refused[0].is_none()),
            settings: all.osc.clone(),
            problem: osc_problem,
            ..osc
        };
        let page = PageState {
            is_at_work: is_at_work(all.page.is_on && all.refused[1].is_none()),
            settings: all.page.clone(),
            problem: page_problem,
            ..page
        };
        (osc, page)
    }

    fn adjust(&self, all: &mut All) {
        // Its end first: it may hold a port.
        (all.running, all.refused) = Default::default();
        let osc = all.osc.is_on.then(|| all.osc.checked());
        let page = all.page.is_on.then(|| all.page.checked());
        all.refused = [osc.as_ref().and_then(told), page.as_ref().and_then(told)];
        let wanted = Wanted { osc: osc.and_then(Result::ok), page: page.and_then(Result::ok) };
        if !all.is_open || (wanted.osc.is_none() && wanted.page.is_none()) {
            return;
        }
        match Running::start(wanted, Arc::clone(&self.monitor), Arc::clone(&self.desk)) {
            Ok(running) => all.running = Some(running),
            Err(why) => {
                let why = |is_on: bool| is_on.then(|| why.clone());
                all.refused = [why(all.osc.is_on), why(all.page.is_on)];
            }
        }
    }
}

/// Why something cannot be carried out.
fn told<T>(checked: &Result<T, String>) -> Option<String> {
    checked.as_ref().err().cloned()
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}

/// Sockets that never wait.
fn socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Any address of this machine, of the same kind as `other`.
fn any_like(other: SocketAddr) -> SocketAddr {
    match other {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::model::shipped_facts;

    struct Nobody;

    impl Desk for Nobody {
        fn asks(&self) -> Asks {
            Asks::default()
        }

        fn act(&self, _action: Action) {}
    }

    fn live() -> Live {
        let monitor = Arc::new(Monitor::default());
        monitor.set_model(shipped_facts());
        Live::new(monitor, Arc::new(Nobody))
    }

    fn osc_to(receiver: &UdpSocket, prefix: &str) -> OscSettings {
        let targets = vec![receiver.local_addr().unwrap().to_string()];
        let prefix = prefix.to_owned();
        OscSettings { is_on: true, targets, prefix, ..OscSettings::default() }
    }

    /// Waits until `is_so` of how OSC is doing.
    fn until(live: &Live, is_so: impl Fn(&OscState) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !is_so(&live.state().0) {
            assert!(Instant::now() < end, "{:?}", live.state().0);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn nothing_is_sent_before_it_is_on_and_open_and_a_last_word_says_that_it_ends() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let live = live();
        live.open();
        assert!(!live.state().0.is_at_work, "it is off");
        live.close();
        live.set_osc(osc_to(&receiver, "/m"));
        assert!(!live.state().0.is_at_work, "it is closed");
        live.open();
        until(&live, |state| state.n_sent > 0);
        live.close();
        assert!(!live.state().0.is_at_work);
        receiver.set_nonblocking(true).unwrap();
        let (mut bytes, mut last) = ([0; 2048], Vec::new());
        while let Ok(length) = receiver.recv(&mut bytes) {
            last = bytes[..length].to_vec();
        }
        assert!(last.starts_with(b"#bundle\0") || last.starts_with(b"/m/info"), "{last:?}");
    }

    #[test]
    fn settings_that_cannot_be_carried_out_are_told_and_the_other_half_works() {
        let live = live();
        live.open();
        let prefix = "no slash".to_owned();
        live.set_osc(OscSettings { is_on: true, prefix, ..OscSettings::default() });
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        live.set_page(PageSettings { is_on: true, port, is_public: false });
        let (osc, page) = live.state();
        assert!(!osc.is_at_work && osc.problem.unwrap().contains("/moodring"));
        assert!(page.is_at_work && page.problem.is_none());
    }

    #[test]
    fn two_that_send_the_same_to_one_receiver_are_told_until_one_has_another_prefix() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (one, other) = (live(), live());
        for live in [&one, &other] {
            live.set_osc(osc_to(&receiver, "/same"));
            live.open();
        }
        for live in [&one, &other] {
            until(live, |state| state.problem.as_ref().is_some_and(|why| why.contains("/same/2")));
        }
        other.set_osc(osc_to(&receiver, "/same/2"));
        for live in [&one, &other] {
            until(live, |state| state.n_sent > 0 && state.problem.is_none());
        }
    }
}
