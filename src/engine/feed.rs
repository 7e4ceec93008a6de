//! Every reading for whoever wants them all: events that any number of readers subscribe to.
//!
//! ```text
//! Publisher → one queue a reader → Subscription → Output
//! ```
//!
//! The analysis thread puts a copy into the queue of each reader and waits for none: what finds a
//! queue full is missing from it, and counted there. A slow reader costs no other one anything, and
//! a model that comes into charge is never missed, for each reading bears the model that gave it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crossbeam_queue::ArrayQueue;

use super::seat::Seat;
use crate::lock::lock;
use crate::model::card::ModelFacts;
use crate::reading::Stamped;

/// Readings that a queue holds: three minutes, so that a slow disk loses nothing.
pub const QUEUE_READINGS: usize = 1024;

/// Most readers at a time: more than there are kinds of outputs. Looking at an empty seat costs the
/// analysis thread one load.
pub const MOST_READERS: usize = 16;

/// What readers are told.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
#[expect(clippy::large_enum_variant, reason = "a box would allocate on the analysis thread")]
pub enum Event {
    /// A model came into charge: readings from here on are its own, in its label spaces.
    Model(Arc<ModelFacts>),
    /// A reading.
    Reading(Stamped),
}

/// A reading on its way.
struct Queued {
    /// The ticket of the reader that it is for.
    ticket: u64,
    stamped: Stamped,
    model: Arc<ModelFacts>,
}

/// A place for one reader. Its queue is made when it is first taken, and kept.
#[derive(Default)]
struct Place {
    seat: Seat,
    queue: OnceLock<ArrayQueue<Queued>>,
}

/// Where readings come from.
#[derive(Default)]
pub struct Feed {
    places: [Place; MOST_READERS],
    /// The model in charge.
    model: Mutex<Arc<ModelFacts>>,
    tickets: AtomicU64,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl Feed {
    /// A reader of all that is published from here on. `None` where [`MOST_READERS`] there are.
    /// Allocates.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>) -> Option<Subscription> {
        let index = self.places.iter().position(|place| place.seat.reserve())?;
        let place = &self.places[index];
        let queue = place.queue.get_or_init(|| ArrayQueue::new(QUEUE_READINGS));
        while queue.pop().is_some() {}
        let ticket = 1 + self.tickets.fetch_add(1, Ordering::Relaxed);
        place.seat.open(ticket);
        let seat = Subscribed { feed: Arc::clone(self), index, ticket };
        Some(Subscription { seat, model: Arc::default(), held: None })
    }

    /// The model in charge; one without label spaces until any is.
    #[must_use]
    pub fn model(&self) -> Arc<ModelFacts> {
        Arc::clone(&lock(&self.model))
    }

    /// Names the model in charge.
    pub(super) fn set_model(&self, model: Arc<ModelFacts>) {
        *lock(&self.model) = model;
    }

    /// A reading that `model` gave, for all.
    ///
    /// # Real-time safety
    /// Neither allocates nor waits.
    pub(super) fn publish(&self, stamped: &Stamped, model: &Arc<ModelFacts>) {
        for place in &self.places {
            let (Some(ticket), Some(queue)) = (place.seat.ticket(), place.queue.get()) else {
                continue;
            };
            let queued = Queued { ticket, stamped: *stamped, model: Arc::clone(model) };
            if queue.push(queued).is_err() {
                place.seat.count_missed();
            }
        }
    }
}

/// A seat in the feed under one ticket, for whoever looks after a reader.
#[derive(Clone)]
pub struct Subscribed {
    feed: Arc<Feed>,
    index: usize,
    ticket: u64,
}

impl std::fmt::Debug for Subscribed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscribed")
            .field("index", &self.index)
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

impl Subscribed {
    /// Readings that found the reader's queue full; 0 once it has ended.
    #[must_use]
    pub fn missed(&self) -> u64 {
        let seat = &self.feed.places[self.index].seat;
        if seat.is_of(self.ticket) { seat.missed() } else { 0 }
    }

    /// From here on nothing more is put into the queue. What is in it the reader still takes.
    pub fn close(&self) {
        self.feed.places[self.index].seat.close(self.ticket);
    }
}

/// A reader's end of the feed. Dropping it ends it.
pub struct Subscription {
    seat: Subscribed,
    /// The model that the reader was told of last.
    model: Arc<ModelFacts>,
    /// A reading whose model the reader is told of first.
    held: Option<Stamped>,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl Subscription {
    /// The next event; `None` while there is none. Waits for nothing.
    #[must_use]
    pub fn next_event(&mut self) -> Option<Event> {
        if let Some(stamped) = self.held.take() {
            return Some(Event::Reading(stamped));
        }
        let Subscribed { feed, index, ticket } = &self.seat;
        // Before the queue: all that the models before it gave is then found in there.
        let in_charge = feed.model();
        let queue = feed.places[*index].queue.get();
        // What bears another ticket was for whoever sat here before.
        let is_ours = |queued: &Queued| queued.ticket == *ticket;
        let queued = queue.and_then(|queue| std::iter::from_fn(|| queue.pop()).find(is_ours));
        let Some(Queued { stamped, model, .. }) = queued else {
            let is_news = !Arc::ptr_eq(&in_charge, &self.model) && !in_charge.spaces.is_empty();
            return is_news.then(|| self.begin(in_charge));
        };
        if Arc::ptr_eq(&model, &self.model) {
            return Some(Event::Reading(stamped));
        }
        self.held = Some(stamped);
        Some(self.begin(model))
    }

    fn begin(&mut self, model: Arc<ModelFacts>) -> Event {
        self.model = Arc::clone(&model);
        Event::Model(model)
    }

    /// The next reading, whatever model gave it; `None` while there is none.
    #[must_use]
    pub fn next_reading(&mut self) -> Option<Stamped> {
        loop {
            if let Event::Reading(stamped) = self.next_event()? {
                return Some(stamped);
            }
        }
    }

    /// Readings that found the queue full.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.seat.missed()
    }

    /// What others may know of this reader.
    #[must_use]
    pub fn subscribed(&self) -> Subscribed {
        self.seat.clone()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.seat.feed.places[self.seat.index].seat.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::space::LabelSpace;
    use crate::reading::Reading;

    fn model(pole: &str) -> Arc<ModelFacts> {
        let spaces = vec![LabelSpace::new(pole, "other", 0.0)];
        Arc::new(ModelFacts { spaces, ..ModelFacts::default() })
    }

    fn at(time_secs: f64) -> Stamped {
        Reading { time_secs, ..Reading::default() }.into()
    }

    fn feed() -> (Arc<Feed>, Arc<ModelFacts>) {
        let (feed, model) = (Arc::new(Feed::default()), model("joy"));
        feed.set_model(Arc::clone(&model));
        (feed, model)
    }

    /// All there is: a first pole for a model, seconds for a reading.
    fn told(subscription: &mut Subscription) -> Vec<String> {
        let events = std::iter::from_fn(|| subscription.next_event());
        let words = events.map(|event| match event {
            Event::Model(model) => model.spaces[0].first.clone(),
            Event::Reading(stamped) => stamped.reading.time_secs.to_string(),
        });
        words.collect()
    }

    fn words(words: [&str; 2]) -> Vec<String> {
        words.map(str::to_owned).to_vec()
    }

    #[test]
    fn every_reader_gets_every_reading_from_when_it_came() {
        let (feed, model) = feed();
        let mut first = feed.subscribe().unwrap();
        feed.publish(&at(1.0), &model);
        let mut second = feed.subscribe().unwrap();
        feed.publish(&at(2.0), &model);
        assert_eq!(told(&mut first), ["joy", "1", "2"]);
        assert_eq!(told(&mut second), ["joy", "2"]);
        assert_eq!(told(&mut second), [""; 0]);
    }

    #[test]
    fn a_full_queue_misses_and_counts_and_costs_no_other() {
        let (feed, model) = feed();
        let (slow, mut other) = (feed.subscribe().unwrap(), feed.subscribe().unwrap());
        for n in 0..QUEUE_READINGS + 3 {
            feed.publish(&at(n as f64), &model);
            assert_eq!(other.next_reading().map(|s| s.reading.time_secs), Some(n as f64));
        }
        assert_eq!((slow.missed(), other.missed()), (3, 0));
        assert_eq!(slow.subscribed().missed(), 3);
    }

    #[test]
    fn a_model_comes_before_its_readings_and_is_never_missed() {
        let (feed, joy) = feed();
        let mut reader = feed.subscribe().unwrap();
        (0..QUEUE_READINGS + 1).for_each(|_| feed.publish(&at(1.0), &joy));
        let tense = model("tense");
        feed.set_model(Arc::clone(&tense));
        feed.publish(&at(2.0), &tense);
        let told_of = told(&mut reader);
        assert_eq!(told_of.len(), 1 + QUEUE_READINGS + 1, "the newest two found no room");
        assert_eq!((told_of[0].as_str(), told_of.last().unwrap().as_str()), ("joy", "tense"));
        feed.publish(&at(3.0), &tense);
        assert_eq!(told(&mut reader), ["3"]);
    }

    #[test]
    fn a_model_that_has_read_nothing_yet_is_told_of_once() {
        let (feed, _) = feed();
        let mut reader = feed.subscribe().unwrap();
        assert_eq!(told(&mut reader), ["joy"]);
        assert_eq!(told(&mut reader), [""; 0]);
        assert_eq!(told(&mut Arc::new(Feed::default()).subscribe().unwrap()), [""; 0]);
    }

    #[test]
    fn a_seat_that_was_left_is_free_and_has_nothing_of_before() {
        let (feed, model) = feed();
        let before = feed.subscribe().unwrap();
        let seat = before.subscribed();
        (0..=QUEUE_READINGS).for_each(|_| feed.publish(&at(1.0), &model));
        assert_eq!(seat.missed(), 1);
        drop(before);
        let mut after = feed.subscribe().unwrap();
        feed.publish(&at(2.0), &model);
        assert_eq!(told(&mut after), ["joy", "2"]);
        assert_eq!((seat.missed(), after.missed()), (0, 0));
    }

    #[test]
    fn a_reader_that_was_closed_takes_what_there_is_and_keeps_its_seat_until_then() {
        let (feed, model) = feed();
        let mut closing = feed.subscribe().unwrap();
        feed.publish(&at(1.0), &model);
        closing.subscribed().close();
        let mut next = feed.subscribe().unwrap();
        feed.publish(&at(2.0), &model);
        assert_eq!(
            (told(&mut closing), told(&mut next)),
            (words(["joy", "1"]), words(["joy", "2"]))
        );
    }

    #[test]
    fn more_readers_than_there_are_seats_are_refused() {
        let (feed, _) = feed();
        let readers: Vec<_> = (0..MOST_READERS).map_while(|_| feed.subscribe()).collect();
        assert_eq!(readers.len(), MOST_READERS);
        assert!(feed.subscribe().is_none());
        drop(readers);
        assert!(feed.subscribe().is_some());
    }
}
