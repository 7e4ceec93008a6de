//! The thread that sends and listens, `mood-live`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rosc::{OscType, encoder};

use super::receiver::Receiver;
use super::sender::Sender;
use super::settings::{Plan, Target};
use super::values::{Follower, LiveState, Values};
use super::{Action, Desk, OscState, osc};
use crate::engine::feed::{Event, Subscription};
use crate::engine::monitor::Monitor;
use crate::lock::lock;

/// Name of the thread.
pub const LIVE_THREAD: &str = "mood-live";

/// Longest time between looks for readings and commands.
const LOOK: Duration = Duration::from_millis(20);

/// Time after which everything is sent again, for whoever joins late.
const EVERYTHING: Duration = Duration::from_secs(1);

/// Who sends what to whom in this process: prefix and receivers.
static SENDING: Mutex<Vec<(u64, String, Vec<Target>)>> = Mutex::new(Vec::new());
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A place in [`SENDING`], until it is dropped.
struct Place(u64);

impl Place {
    fn take(plan: &Plan) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        lock(&SENDING).push((id, plan.prefix.clone(), plan.targets.clone()));
        Self(id)
    }

    /// A receiver that gets the same addresses from somebody else, too.
    fn shared(&self, plan: &Plan) -> Option<Target> {
        let all = lock(&SENDING);
        let mut others =
            all.iter().filter(|(id, prefix, _)| *id != self.0 && *prefix == plan.prefix);
        others
            .find_map(|(_, _, targets)| plan.targets.iter().find(|t| targets.contains(t)).cloned())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&SENDING).retain(|(id, _, _)| *id != self.0);
    }
}

/// A thread at work; dropped, it ends.
pub(super) struct Running {
    to_stop: Arc<AtomicBool>,
    told: Arc<Mutex<OscState>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// Where the system refuses a thread, or the feed a reader; in words.
    pub(super) fn start(
        plan: Plan,
        monitor: Arc<Monitor>,
        desk: Arc<dyn Desk>,
    ) -> Result<Self, String> {
        let subscription = monitor.feed().subscribe().ok_or_else(|| {
            "Too many outputs read along. Switch one off, then OSC off and on.".to_owned()
        })?;
        let (to_stop, told) = <(Arc<AtomicBool>, Arc<Mutex<OscState>>)>::default();
        let (stops, tells) = (Arc::clone(&to_stop), Arc::clone(&told));
        let body = move || {
            let place = Place::take(&plan);
            let mut round = Round::new(plan, place, subscription, monitor, desk, tells);
            let run = AssertUnwindSafe(|| round.run(&stops));
            if catch_unwind(run).is_err() {
                let halfway = "OSC stopped half-way. Switch it off and on again.";
                lock(&round.told).problem = Some(halfway.to_owned());
            }
        };
        let thread = Builder::new().name(LIVE_THREAD.to_owned()).spawn(body);
        let refused = |error| {
            format!(
                "The system refused a thread for OSC ({error}). Close other programs and switch OSC off and on."
            )
        };
        Ok(Self { to_stop, told, thread: Some(thread.map_err(refused)?) })
    }

    /// How it is doing.
    pub(super) fn told(&self) -> OscState {
        lock(&self.told).clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.to_stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It waits for nothing, and has nothing to clean up, should it have panicked.
            let _ = thread.join();
        }
    }
}

/// What the thread knows.
struct Round {
    plan: Plan,
    place: Place,
    subscription: Subscription,
    monitor: Arc<Monitor>,
    desk: Arc<dyn Desk>,
    told: Arc<Mutex<OscState>>,
    follower: Follower,
    sender: Sender,
    receiver: Option<Receiver>,
    /// What every address was last sent with.
    sent: Vec<(String, OscType)>,
    /// When everything is to be sent again, and what the sender is called.
    everything_at: Option<Instant>,
    introduces_itself: bool,
}

impl Round {
    fn new(
        plan: Plan,
        place: Place,
        subscription: Subscription,
        monitor: Arc<Monitor>,
        desk: Arc<dyn Desk>,
        told: Arc<Mutex<OscState>>,
    ) -> Self {
        let mut follower = Follower::default();
        follower.begin(monitor.model());
        Self {
            sender: Sender::new(plan.targets.clone()),
            receiver: plan.listens_at.map(Receiver::new),
            plan,
            place,
            subscription,
            monitor,
            desk,
            told,
            follower,
            sent: Vec::new(),
            everything_at: None,
            introduces_itself: true,
        }
    }

    fn run(&mut self, to_stop: &AtomicBool) {
        let period = self.plan.rate_hz.map(|hz| Duration::from_secs(1) / u32::from(hz));
        let mut due = Instant::now();
        while !to_stop.load(Ordering::Acquire) {
            let now = Instant::now();
            let has_read = self.read(now);
            self.listen(now);
            let is_due = match period {
                Some(period) if due <= now => {
                    // Whoever falls behind does not catch up.
                    due = (due + period).max(now);
                    true
                }
                Some(_) => false,
                None => has_read || self.everything_at.is_none_or(|at| at <= now),
            };
            if is_due {
                let beat = self.monitor.beat().at(now);
                let values = self.follower.values(now, self.desk.asks(), beat);
                self.send(&values, now);
            }
            let rest = period.map_or(LOOK, |_| due.saturating_duration_since(Instant::now()));
            std::thread::park_timeout(rest.min(LOOK));
        }
        // Lights are not left as if the music went on.
        let now = Instant::now();
        let values = self.follower.values(now, self.desk.asks(), None);
        self.send(&Values { state: LiveState::Silent, quadrant: 0, ..values }, now);
    }

    /// Takes what was published; whether there was a reading.
    fn read(&mut self, now: Instant) -> bool {
        let mut has_read = false;
        while let Some(event) = self.subscription.next_event() {
            match event {
                Event::Model(model) => {
                    self.follower.begin(model);
                    (self.introduces_itself, self.everything_at) = (true, None);
                }
                Event::Reading(stamped) => {
                    self.follower.take(&stamped, now);
                    has_read = true;
                }
            }
        }
        has_read
    }

    /// Obeys what was asked for.
    fn listen(&mut self, now: Instant) {
        let Some(receiver) = &mut self.receiver else { return };
        let heard = receiver.hear(&self.plan.prefix, now);
        if heard.actions.is_empty() && heard.n_foreign == 0 {
            return;
        }
        for action in &heard.actions {
            match action {
                Action::Hello => (self.introduces_itself, self.everything_at) = (true, None),
                action => self.desk.act(*action),
            }
        }
        let mut told = lock(&self.told);
        told.n_heard += heard.actions.len() as u64;
        told.n_foreign += heard.n_foreign;
    }

    /// Sends what is new of `values`, and everything once a second.
    fn send(&mut self, values: &Values, now: Instant) {
        let model = self.follower.model();
        let messages = osc::messages(&self.plan.prefix, model, values);
        let sends_all = self.everything_at.is_none_or(|at| at <= now);
        let is_new = |message: &&(String, OscType)| sends_all || !self.sent.contains(message);
        let mut packets = osc::packets(messages.iter().filter(is_new), SystemTime::now());
        if self.introduces_itself {
            packets.extend(encoder::encode(&osc::info(&self.plan.prefix, model)).ok());
            self.introduces_itself = false;
        }
        if sends_all {
            self.everything_at = Some(now + EVERYTHING);
        }
        let n_sent = self.sender.send(&packets, now);
        self.sent = messages;
        let listening = self.receiver.as_ref().and_then(Receiver::problem);
        let problem = self.sender.problem().or(listening).map(str::to_owned);
        let problem = problem.or_else(|| {
            let target = self.place.shared(&self.plan)?;
            let prefix = &self.plan.prefix;
            Some(format!("Another Moodring sends {prefix} to {target}, too. Give one of them another prefix, such as {prefix}/2."))
        });
        let mut told = lock(&self.told);
        told.n_sent += n_sent;
        told.problem = problem;
    }
}
