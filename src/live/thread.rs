//! The thread that sends and listens, `mood-live`.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rosc::{OscType, encoder};

use super::found::Found;
use super::page::Page;
use super::query::Tree;
use super::receiver::Receiver;
use super::sender::Sender;
use super::settings::{Plan, Target};
use super::values::{Follower, LiveState, Values};
use super::web::Server;
use super::{Action, Desk, OscState, PageState, json, osc};
use crate::engine::feed::{Event, Subscription};
use crate::engine::monitor::Monitor;
use crate::lock::lock;
use crate::model::card::ModelFacts;

/// Name of the thread.
pub const LIVE_THREAD: &str = "mood-live";

/// Longest time between looks for readings and commands.
const LOOK: Duration = Duration::from_millis(20);

/// How often a page, and whoever listens to the tree, is told.
const PAGE_HZ: u8 = 30;

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

/// What is to be done.
pub(super) struct Wanted {
    pub(super) osc: Option<Plan>,
    pub(super) page: Option<SocketAddr>,
}

/// A thread at work; dropped, it ends.
pub(super) struct Running {
    to_stop: Arc<AtomicBool>,
    told: Arc<Mutex<(OscState, PageState)>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    /// Where the system refuses a thread, or the feed a reader; in words.
    pub(super) fn start(
        wanted: Wanted,
        monitor: Arc<Monitor>,
        desk: Arc<dyn Desk>,
    ) -> Result<Self, String> {
        let subscription = monitor.feed().subscribe().ok_or_else(|| {
            "Too many outputs read along. Switch one off, then this one off and on.".to_owned()
        })?;
        let (to_stop, told) = <(Arc<AtomicBool>, Arc<Mutex<(OscState, PageState)>>)>::default();
        let (stops, tells) = (Arc::clone(&to_stop), Arc::clone(&told));
        let body = move || {
            let mut round = Round::new(wanted, subscription, monitor, desk, Arc::clone(&tells));
            let run = AssertUnwindSafe(|| round.run(&stops));
            if catch_unwind(run).is_err() {
                let halfway = "It stopped half-way. Switch it off and on again.";
                let (osc, page) = &mut *lock(&tells);
                (osc.problem, page.problem) = (Some(halfway.to_owned()), Some(halfway.to_owned()));
            }
        };
        let thread = Builder::new().name(LIVE_THREAD.to_owned()).spawn(body);
        let refused = |error| {
            format!(
                "The system refused a thread ({error}). Close other programs and switch this off and on."
            )
        };
        Ok(Self { to_stop, told, thread: Some(thread.map_err(refused)?) })
    }

    /// How it is doing.
    pub(super) fn told(&self) -> (OscState, PageState) {
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

/// When something is due again.
struct Clock {
    period: Duration,
    due: Instant,
}

impl Clock {
    fn new(hz: u8) -> Self {
        Self { period: Duration::from_secs(1) / u32::from(hz), due: Instant::now() }
    }

    /// Whether it is due at `now`; whoever falls behind does not catch up.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.due <= now;
        if is_due {
            self.due = (self.due + self.period).max(now);
        }
        is_due
    }
}

/// The tree of addresses, and whoever reads it.
struct Query {
    at: SocketAddr,
    server: Server<Tree>,
    tree: Tree,
    clock: Clock,
    /// The name by which it is found, once it is there.
    found: Option<Option<Found>>,
}

impl Query {
    fn new(at: SocketAddr) -> Self {
        let (tree, found) = Default::default();
        Self { at, server: Server::new(at), tree, clock: Clock::new(PAGE_HZ), found }
    }

    /// Serves everybody.
    fn round(&mut self, prefix: &str, model: &ModelFacts, values: &Values, now: Instant) {
        if self.tree.addresses.is_empty() {
            self.tree.addresses = osc::addresses(prefix, model);
        }
        self.tree.numbers = osc::numbers(values);
        self.server.round(&self.tree, now);
        if self.found.is_none() && self.server.problem().is_none() {
            self.found = Some(Found::announce(prefix, self.at));
        }
    }
}

/// What the thread knows.
struct Round {
    subscription: Subscription,
    monitor: Arc<Monitor>,
    desk: Arc<dyn Desk>,
    told: Arc<Mutex<(OscState, PageState)>>,
    follower: Follower,
    osc: Option<Osc>,
    page: Option<(Page, Clock)>,
}

/// What is known of OSC.
struct Osc {
    plan: Plan,
    place: Place,
    sender: Sender,
    receiver: Option<Receiver>,
    query: Option<Query>,
    /// `None` where a bundle goes with every reading.
    clock: Option<Clock>,
    /// Every address of the model in charge, and what it was last sent with.
    addresses: Vec<String>,
    sent: Vec<Option<OscType>>,
    /// When everything is to be sent again, and whether with what the sender is called.
    everything_at: Option<Instant>,
    introduces_itself: bool,
}

impl Round {
    fn new(
        wanted: Wanted,
        subscription: Subscription,
        monitor: Arc<Monitor>,
        desk: Arc<dyn Desk>,
        told: Arc<Mutex<(OscState, PageState)>>,
    ) -> Self {
        let mut follower = Follower::default();
        follower.begin(monitor.model());
        let osc = wanted.osc.map(Osc::new);
        let page = wanted.page.map(|at| (Page::new(at), Clock::new(PAGE_HZ)));
        Self { subscription, monitor, desk, told, follower, osc, page }
    }

    fn run(&mut self, to_stop: &AtomicBool) {
        while !to_stop.load(Ordering::Acquire) {
            let now = Instant::now();
            let has_read = self.read(now);
            let mut told = lock(&self.told).clone();
            if let Some(osc) = &mut self.osc {
                osc.listen(&*self.desk, &mut told.0, now);
            }
            let sends = self.osc.as_mut().is_some_and(|osc| osc.is_due(has_read, now));
            let shows = self.page.as_mut().is_some_and(|(_, clock)| clock.is_due(now));
            let asks = self.osc.as_mut().and_then(|osc| osc.query.as_mut());
            let asks = asks.is_some_and(|query| query.clock.is_due(now));
            if sends || shows || asks {
                let beat = self.monitor.beat().at(now);
                let values = self.follower.values(now, self.desk.asks(), beat);
                let model = self.follower.model();
                if let Some(osc) = self.osc.as_mut().filter(|_| sends) {
                    osc.send(model, &values, &mut told.0, now);
                }
                if let Some(osc) = self.osc.as_mut().filter(|_| asks) {
                    osc.answer(model, &values, &mut told.0, now);
                }
                if let Some((page, _)) = self.page.as_mut().filter(|_| shows) {
                    page.round(json::values(model, &values), now);
                    told.1.n_viewers = page.server().n_viewers();
                    told.1.problem = page.server().problem().map(str::to_owned);
                }
            }
            *lock(&self.told) = told;
            let clocks = [
                self.osc.as_ref().and_then(|osc| osc.clock.as_ref()),
                self.osc.as_ref().and_then(|osc| osc.query.as_ref()).map(|query| &query.clock),
                self.page.as_ref().map(|(_, clock)| clock),
            ];
            let rest = clocks.into_iter().flatten().map(|clock| clock.due);
            let rest = rest.min().map_or(LOOK, |due| due.saturating_duration_since(Instant::now()));
            std::thread::park_timeout(rest.min(LOOK));
        }
        // Lights are not left as if the music went on.
        let now = Instant::now();
        let values = self.follower.values(now, self.desk.asks(), None);
        let mut values = Values { state: LiveState::Silent, quadrant: 0, ..values };
        values.pairs.iter_mut().for_each(|pair| pair.is_sure = false);
        if let Some(osc) = &mut self.osc {
            osc.send(self.follower.model(), &values, &mut lock(&self.told).0, now);
        }
    }

    /// Takes what was published; whether there was a reading.
    fn read(&mut self, now: Instant) -> bool {
        let mut has_read = false;
        while let Some(event) = self.subscription.next_event() {
            match event {
                Event::Model(model) => {
                    self.follower.begin(model);
                    if let Some(osc) = &mut self.osc {
                        osc.begin();
                    }
                }
                Event::Reading(stamped) => {
                    self.follower.take(&stamped, now);
                    has_read = true;
                }
            }
        }
        has_read
    }
}

impl Osc {
    fn new(plan: Plan) -> Self {
        Self {
            place: Place::take(&plan),
            sender: Sender::new(plan.targets.clone()),
            receiver: plan.listens_at.map(Receiver::new),
            query: plan.query_at.map(Query::new),
            clock: plan.rate_hz.map(Clock::new),
            plan,
            addresses: Vec::new(),
            sent: Vec::new(),
            everything_at: None,
            introduces_itself: true,
        }
    }

    /// Has other addresses: sends everything next, and first of all its name.
    fn begin(&mut self) {
        self.addresses.clear();
        if let Some(query) = &mut self.query {
            query.tree.addresses.clear();
        }
        (self.introduces_itself, self.everything_at) = (true, None);
    }

    fn is_due(&mut self, has_read: bool, now: Instant) -> bool {
        match &mut self.clock {
            Some(clock) => clock.is_due(now),
            None => has_read || self.everything_at.is_none_or(|at| at <= now),
        }
    }

    /// Obeys what was asked for.
    fn listen(&mut self, desk: &dyn Desk, told: &mut OscState, now: Instant) {
        let Some(receiver) = &mut self.receiver else { return };
        let heard = receiver.hear(&self.plan.prefix, now);
        for action in &heard.actions {
            match action {
                Action::Hello => (self.introduces_itself, self.everything_at) = (true, None),
                action => desk.act(*action),
            }
        }
        told.n_heard += heard.actions.len() as u64;
        told.n_foreign += heard.n_foreign;
    }

    /// Answers whoever reads the tree.
    fn answer(&mut self, model: &ModelFacts, values: &Values, told: &mut OscState, now: Instant) {
        if let Some(query) = &mut self.query {
            query.round(&self.plan.prefix, model, values, now);
            told.n_listeners = query.server.n_viewers();
        }
    }

    /// Sends what is new of `values`, and everything once a second.
    fn send(&mut self, model: &ModelFacts, values: &Values, told: &mut OscState, now: Instant) {
        if self.addresses.is_empty() {
            self.addresses = osc::addresses(&self.plan.prefix, model);
            self.sent.clear();
        }
        let numbers = osc::numbers(values);
        self.sent.resize(numbers.len(), None);
        let sends_all = self.everything_at.is_none_or(|at| at <= now);
        let new = self.addresses.iter().zip(&numbers).zip(&self.sent);
        let new = new.filter(|((_, number), sent)| sends_all || number != sent);
        let new = new.filter_map(|((address, number), _)| Some((address, number.as_ref()?)));
        let mut packets = osc::packets(new, SystemTime::now());
        if self.introduces_itself {
            packets.extend(encoder::encode(&osc::info(&self.plan.prefix, model)).ok());
            self.introduces_itself = false;
        }
        if sends_all {
            self.everything_at = Some(now + EVERYTHING);
        }
        told.n_sent += self.sender.send(&packets, now);
        self.sent = numbers;
        let listening = self.receiver.as_ref().and_then(Receiver::problem);
        let asked = self.query.as_ref().and_then(|query| query.server.problem());
        let problem = self.sender.problem().or(listening).or(asked).map(str::to_owned);
        told.problem = problem.or_else(|| {
            let target = self.place.shared(&self.plan)?;
            let prefix = &self.plan.prefix;
            Some(format!("Another Moodring sends {prefix} to {target}, too. Give one of them another prefix, such as {prefix}/2."))
        });
    }
}
