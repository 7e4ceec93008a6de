//! A history as text for the host's project: what both tracks hold, in a few hundred kilobytes at
//! most.
//!
//! ```text
//! "1:" base64( deflate( poles, clock, time heard, then per track: first slot, slots, the fields column by column ) )
//! ```
//!
//! Numbers are LEB128, signed ones zigzag. A column holds the differences from slot to slot, which
//! are small, of what was written; slots that were not written cost nothing but their head. An hour
//! of varied music takes about 29 kB.
//!
//! Whatever a project file holds is survived: it is read up to the size that six hours can have,
//! and what does not make sense throughout is not a history.

use std::io::{Read, Write};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::slot::{EMPTY, N_FIELDS, Packed, slot_secs, unpack};
use super::track::{CAPACITY, Track};
use super::{Clock, History};
use crate::lock::lock;
use crate::reading::MAX_SPACES;

/// What a text of this version begins with.
const VERSION: &str = "1:";

/// Longest name of a pole, bytes.
const MAX_NAME_BYTES: usize = 256;

/// Most bytes that two full tracks can have before compression: three for a difference of 16 bits.
const MAX_BODY_BYTES: usize = 2 * CAPACITY * N_FIELDS * 3 + 2 * MAX_SPACES * MAX_NAME_BYTES + 1024;

/// Longest text that is looked at: nothing grows by half in compression, and base64 makes four
/// characters of three bytes.
const MAX_TEXT_BYTES: usize = 2 * MAX_BODY_BYTES;

/// Places beyond this are in no song, slots.
const MAX_SLOT: i64 = 1 << 41;

/// What is saved of a history.
#[derive(Clone, Debug, Default, PartialEq)]
struct Saved {
    poles: Vec<[String; 2]>,
    clock: Clock,
    newest: Option<i64>,
    heard_secs: f64,
    song: Slots,
    heard: Slots,
}

/// Slots in a row, from number `start` on.
#[derive(Clone, Debug, Default, PartialEq)]
struct Slots {
    start: i64,
    packed: Vec<Packed>,
}

/// The history as text; empty where it holds nothing. Holds the mutex only to copy.
#[must_use]
pub fn to_text(history: &Mutex<History>) -> String {
    let saved = Saved::of(&lock(history));
    if saved.newest.is_none() {
        return String::new();
    }
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail; were it to, an empty history is what is saved.
    let deflated = deflate.write_all(&saved.encode()).and_then(|()| deflate.finish());
    deflated.map(|bytes| VERSION.to_owned() + &STANDARD.encode(bytes)).unwrap_or_default()
}

/// Makes the history what [`to_text`] wrote; empty where the text is anything else. Whether it was
/// understood.
pub fn restore(history: &Mutex<History>, text: &str) -> bool {
    let saved = from_text(text);
    let is_understood = saved.is_some() || text.is_empty();
    saved.unwrap_or_default().restore(&mut lock(history));
    is_understood
}

fn from_text(text: &str) -> Option<Saved> {
    let encoded = text.strip_prefix(VERSION).filter(|encoded| encoded.len() <= MAX_TEXT_BYTES)?;
    let deflated = STANDARD.decode(encoded).ok()?;
    let mut body = Vec::new();
    let limit = MAX_BODY_BYTES as u64 + 1;
    DeflateDecoder::new(&deflated[..]).take(limit).read_to_end(&mut body).ok()?;
    if body.len() > MAX_BODY_BYTES {
        return None;
    }
    Saved::decode(&body)
}

impl Saved {
    fn of(history: &History) -> Self {
        let slots =
            |track: &Track| Slots { start: track.span().start, packed: track.written().to_vec() };
        Self {
            poles: history.poles.clone(),
            clock: history.clock,
            newest: history.newest,
            heard_secs: history.heard_secs,
            song: slots(&history.song),
            heard: slots(&history.heard),
        }
    }

    fn restore(self, history: &mut History) {
        history.clear();
        for (slot, packed) in self.song.written() {
            history.song.write(slot, packed);
        }
        for (slot, packed) in self.heard.written() {
            history.heard.append(slot, packed);
        }
        // An empty history knows nothing of label spaces: those of the model in charge stay.
        if !self.poles.is_empty() {
            history.poles = self.poles;
        }
        // Never before what was heard.
        let last_secs = slot_secs(history.heard.span().end - 1);
        history.heard_secs = self.heard_secs.max(last_secs);
        (history.clock, history.newest) = (self.clock, self.newest);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.poles.len() as u64);
        for name in self.poles.iter().flatten() {
            put(&mut out, name.len() as u64);
            out.extend(name.as_bytes());
        }
        put(&mut out, u64::from(self.clock == Clock::Song));
        put(&mut out, u64::from(self.newest.is_some()));
        put_signed(&mut out, self.newest.unwrap_or_default());
        put(&mut out, self.heard_secs.to_bits());
        self.song.encode(&mut out);
        self.heard.encode(&mut out);
        out
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let mut from = Bytes(body);
        let n_spaces = from.up_to(MAX_SPACES)?;
        let mut poles = Vec::new();
        for _ in 0..n_spaces {
            poles.push([from.name()?, from.name()?]);
        }
        let clock = if from.up_to(1)? == 1 { Clock::Song } else { Clock::Heard };
        let has_newest = from.up_to(1)? == 1;
        let newest = from.slot()?;
        let newest = has_newest.then_some(newest);
        let heard_secs = f64::from_bits(from.number()?);
        let is_time = heard_secs.is_finite() && heard_secs >= 0.0;
        let (song, heard) = (Slots::decode(&mut from)?, Slots::decode(&mut from)?);
        let is_whole = is_time && from.0.is_empty();
        is_whole.then_some(Self { poles, clock, newest, heard_secs, song, heard })
    }
}

impl Slots {
    /// What was written, with the numbers of the slots.
    fn written(&self) -> impl Iterator<Item = (i64, Packed)> + '_ {
        (self.start..)
            .zip(self.packed.iter().copied())
            .filter(|(n, packed)| unpack(*n, packed).is_some())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.start);
        put(out, self.packed.len() as u64);
        for field in 0..N_FIELDS {
            let mut previous = 0;
            for packed in &self.packed {
                // The head is written for every slot, and tells in which ones there is more.
                if field == 0 || *packed != EMPTY {
                    put_signed(out, i64::from(packed[field]) - previous);
                    previous = i64::from(packed[field]);
                }
            }
        }
    }

    fn decode(from: &mut Bytes<'_>) -> Option<Self> {
        let start = from.slot()?;
        let mut packed = vec![EMPTY; from.up_to(CAPACITY)?];
        for field in 0..N_FIELDS {
            let mut previous = 0_i64;
            for packed in packed.iter_mut().filter(|packed| field == 0 || packed[0] != 0) {
                previous = previous.checked_add(from.signed()?)?;
                packed[field] = u16::try_from(previous).ok()?;
            }
        }
        Some(Self { start, packed })
    }
}

/// Appends a number: seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number: 0, −1, 1, −2, … as 0, 1, 2, 3, …
fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// What is still to be read.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.0.split_off_first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number that is no larger than `most`.
    fn up_to(&mut self, most: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|number| *number <= most)
    }

    fn slot(&mut self) -> Option<i64> {
        self.signed().filter(|slot| (-MAX_SLOT..MAX_SLOT).contains(slot))
    }

    fn name(&mut self) -> Option<String> {
        let length = self.up_to(MAX_NAME_BYTES)?;
        let bytes = self.0.split_off(..length)?;
        Some(std::str::from_utf8(bytes).ok()?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::space::LabelSpace;
    use crate::reading::{Phase, Reading};

    /// An hour and more of readings that wander as those of a set of songs do, the first half
    /// placed in a song.
    fn varied(secs: f64) -> History {
        let mut history = History::new();
        let spaces = [LabelSpace::new("excited", "calm", 90.0), LabelSpace::new("joy", "sad", 0.0)];
        history.set_spaces(&spaces);
        let mut bits = 1_u32;
        let mut random = move || {
            bits ^= bits << 13;
            bits ^= bits >> 17;
            bits ^= bits << 5;
            f32::from((bits >> 16) as u16) / 65_536.0 - 0.5
        };
        let (mut shares, mut energy, mut bpm) = ([0.5, 0.5, 0.0, 0.0], [-20.0, -25.0], 120.0);
        for n in 0..(secs * 5.38) as u32 {
            if n % 1000 == 0 {
                bpm = 90.0 + 40.0 * random();
            }
            shares[0] = (shares[0] + 0.05 * random()).clamp(0.0, 1.0);
            shares[1] = (shares[1] + 0.05 * random()).clamp(0.0, 1.0);
            energy = energy.map(|db: f32| (db + random()).clamp(-60.0, -5.0));
            let time_secs = 1.0 + f64::from(n) / 5.38;
            let song_secs = (time_secs < secs / 2.0).then_some(time_secs);
            let reading = Reading {
                time_secs,
                phase: if n % 1000 > 985 { Phase::Silent } else { Phase::Live },
                n_spaces: 2,
                shares,
                energy_harmonic_db: energy[0],
                energy_percussive_db: energy[1],
                tempo_percussive_bpm: bpm + 0.4 * random(),
                ..Reading::default()
            };
            history.record(&reading.at(song_secs));
        }
        history
    }

    fn restored(text: &str) -> Saved {
        let history = Mutex::new(varied(30.0));
        restore(&history, text);
        Saved::of(&history.into_inner().unwrap())
    }

    #[test]
    fn a_history_survives_the_round_trip() {
        let history = Mutex::new(varied(600.0));
        let text = to_text(&history);
        let saved = Saved::of(&history.into_inner().unwrap());
        assert!(!saved.song.packed.is_empty() && !saved.heard.packed.is_empty());
        assert!(restored(&text) == saved);
    }

    #[test]
    fn a_restored_history_goes_on_where_it_was() {
        let text = to_text(&Mutex::new(varied(100.0)));
        let history = Mutex::new(History::new());
        restore(&history, &text);
        let mut history = history.into_inner().unwrap();
        let (from, to) = history.track(Clock::Heard).span_secs().unwrap();
        let shares = [0.5; MAX_SPACES];
        let (time_secs, phase) = (1.0, Phase::Live);
        let reading = Reading { time_secs, phase, n_spaces: 2, shares, ..Reading::default() };
        history.record(&reading.into());
        let span = history.track(Clock::Heard).span_secs().unwrap();
        assert!(span.0 == from && span.1 > to && span.1 <= to + 1.5, "{span:?}");
    }

    #[test]
    fn an_hour_takes_little_room() {
        let bytes = to_text(&Mutex::new(varied(3600.0))).len();
        assert!((20_000..40_000).contains(&bytes), "{bytes} bytes");
    }

    #[test]
    fn a_history_may_be_saved_while_it_is_recorded() {
        let history = Mutex::new(varied(30.0));
        std::thread::scope(|scope| {
            let recording = scope.spawn(|| {
                for n in 0..2000 {
                    let (time_secs, phase) = (100.0 + f64::from(n), Phase::Live);
                    let reading = Reading { time_secs, phase, n_spaces: 2, ..Reading::default() };
                    lock(&history).record(&reading.into());
                }
            });
            while !recording.is_finished() {
                assert!(from_text(&to_text(&history)).is_some());
            }
        });
        assert!(restored(&to_text(&history)) == Saved::of(&lock(&history)));
    }

    #[test]
    fn nothing_heard_is_no_text() {
        assert_eq!(to_text(&Mutex::new(History::new())), "");
        assert_eq!(restored("").newest, None);
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
        (0..100).for_each(|_| deflate.write_all(&[0; 1 << 20]).unwrap());
        let text = VERSION.to_owned() + &STANDARD.encode(deflate.finish().unwrap());
        assert_eq!(from_text(&text), None);
    }

    #[test]
    fn a_text_that_was_cut_off_or_comes_from_elsewhere_leaves_an_empty_history() {
        let text = to_text(&Mutex::new(varied(60.0)));
        for bad in
            [&text[..text.len() / 2], &text[1..], &text.replace("1:", "2:"), "1:", "1:!", "söng"]
        {
            let saved = restored(bad);
            assert!(saved.newest.is_none() && saved.song.packed.is_empty(), "{bad:?}");
        }
    }

    fn text_of(body: &[u8]) -> String {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(body).unwrap();
        VERSION.to_owned() + &STANDARD.encode(deflate.finish().unwrap())
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            let _saved = restored(&format!("{VERSION}{text}"));
        }

        #[test]
        fn any_body_is_survived(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _saved = restored(&text_of(&body));
        }

        /// A true body with one byte changed reaches further than any random one.
        #[test]
        fn any_change_of_a_body_is_survived(at in any::<prop::sample::Index>(), byte: u8) {
            let mut body = Saved::of(&varied(40.0)).encode();
            let at = at.index(body.len());
            body[at] = byte;
            let saved = restored(&text_of(&body));
            prop_assert!(saved.song.packed.len() <= CAPACITY && saved.heard.packed.len() <= CAPACITY);
        }
    }
}
