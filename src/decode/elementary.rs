//! MPEG audio and ADTS without a container: frames one behind the other, also several songs in one
//! file, with holes, junk and tags between them.

mod window;

use std::io::{self, Cursor, Read};

use symphonia::core::packet::PacketBuilder;
use symphonia::core::units::{Duration, Timestamp};

use super::demux::{Demux, Step};
use super::frames::{HEADER_BYTES, Header, Info, Kind};
use super::input::{Input, Spliced};
use window::{READ_BYTES, Window};

/// The beginning of a file in which the first frame must lie, bytes: a picture in a tag may stand
/// before it, which is skipped by its own length.
const SEARCH_BYTES: usize = 256 << 10;
/// Bytes that a tag's length can be told from.
pub(super) const TAG_HEADER_BYTES: usize = 128;
/// Bytes of an old tag, always.
const ID3V1_BYTES: usize = 128;
/// Frames that must follow one another for a stream to be believed.
const BELIEVED_FRAMES: usize = 3;
/// Frames of which the mean length tells how much sound a hole has swallowed.
const MEAN_FRAMES: f64 = 64.0;
/// Longest hole that is kept as silence, seconds; more is not a hole but a broken clock.
pub(super) const MAX_GAP_SECS: f64 = 3600.0;
/// Difference between a stream's own clock and the samples so far that is still no hole, seconds.
const CLOCK_SLACK_SECS: f64 = 0.05;

/// Bytes of frames.
pub(super) trait Stream: Read + Send + Sync {
    /// When the byte at `offset` is to be heard by the clock around the stream, seconds; `None`
    /// where none says.
    fn clock_secs(&mut self, _offset: u64) -> Option<f64> {
        None
    }

    /// Length in bytes where it is known.
    fn length_bytes(&self) -> Option<u64> {
        None
    }
}

impl Stream for Spliced {
    fn length_bytes(&self) -> Option<u64> {
        self.len()
    }
}

impl Stream for Cursor<Vec<u8>> {}

/// Whether `input` begins with frames, but for tags and a little junk.
pub(super) fn begins(input: &mut Input) -> io::Result<bool> {
    let mut at = 0;
    while let Some(tag) = tag_bytes(&input.look(at, TAG_HEADER_BYTES)?) {
        at += tag as u64;
    }
    let start = input.look(at, SEARCH_BYTES)?;
    Ok(Elementary::find(Box::new(Cursor::new(start)))?.is_some())
}

/// Frames of a stream.
pub(super) struct Elementary {
    window: Window,
    last: Option<Header>,
    /// Mean length of a frame, bytes.
    mean_bytes: f64,
    song: Song,
    /// Seconds that the songs before this one promised, or held.
    before_secs: f64,
    /// Seconds of sound that junk at the very end stands in place of.
    tail_secs: f64,
    /// Difference of the clock to the samples so far, seconds.
    clock_origin_secs: Option<f64>,
    handed_secs: f64,
}

/// One of the songs that may stand in one stream.
#[derive(Default)]
struct Song {
    info: Option<Info>,
    /// Frames, those in holes included.
    frames: u64,
    /// Samples, those in holes included.
    samples: u64,
}

impl Song {
    /// Seconds that it promises, or, where it does not, that it held.
    fn promised_secs(&self, header: Option<&Header>) -> f64 {
        let Some(header) = header else { return 0.0 };
        let promised = self.info.and_then(|info| Some((info, info.frames?)));
        let samples = promised.map_or(self.samples, |(info, frames)| {
            let trimmed = u64::from(info.delay_samples) + u64::from(info.padding_samples);
            (u64::from(frames) * u64::from(header.samples)).saturating_sub(trimmed)
        });
        samples as f64 / f64::from(header.rate_hz)
    }
}

impl Elementary {
    /// The frames of `stream`; `None` where it does not begin with any, but for tags and a little
    /// junk.
    ///
    /// # Errors
    /// Where the stream cannot be read.
    pub(super) fn find(stream: Box<dyn Stream>) -> io::Result<Option<Self>> {
        let mut found = Self {
            window: Window::new(stream),
            last: None,
            mean_bytes: 0.0,
            song: Song::default(),
            before_secs: 0.0,
            tail_secs: 0.0,
            clock_origin_secs: None,
            handed_secs: 0.0,
        };
        found.skip_tags()?;
        found.window.fill(SEARCH_BYTES)?;
        let start = (0..found.window.rest().len()).find(|at| found.is_run(*at, BELIEVED_FRAMES));
        let Some(start) = start else { return Ok(None) };
        found.window.pass(start);
        Ok(Some(found))
    }

    /// Whether so many frames that go together follow one another at `at`, or all that are left.
    fn is_run(&self, at: usize, frames: usize) -> bool {
        let Some(first) = self.header(at) else { return false };
        let (mut at, mut header) = (at, first);
        for n in 1..=frames {
            at += header.bytes;
            if n == frames || (self.window.is_ended && at == self.window.rest().len()) {
                break;
            }
            match self.header(at) {
                Some(next) if next.goes_with(&header) => header = next,
                // A song may be shorter than so many frames.
                _ if self.window.rest().get(at..).is_some_and(|rest| tag_bytes(rest).is_some()) => {
                    break;
                }
                _ => return false,
            }
        }
        at <= self.window.rest().len() || !self.window.is_ended
    }

    /// Whether the frame here can be as long as it says: no others begin within it.
    fn is_length_right(&self, header: &Header) -> bool {
        !(1..header.bytes).any(|at| self.is_run(at, BELIEVED_FRAMES))
    }

    fn header(&self, at: usize) -> Option<Header> {
        Header::parse(self.window.rest().get(at..)?)
    }

    /// Skips tags that stand here; whether there were any.
    fn skip_tags(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            self.window.fill(SEARCH_BYTES)?;
            let Some(mut left) = tag_bytes(self.window.rest()) else { return Ok(any) };
            any = true;
            while left > 0 {
                self.window.fill(1)?;
                if self.window.rest().is_empty() {
                    break;
                }
                let now = left.min(self.window.rest().len());
                self.window.pass(now);
                left -= now;
            }
        }
    }

    /// Goes to the next frame. Bytes of junk that were skipped on the way, and whether a tag was
    /// among them.
    fn synchronise(&mut self) -> io::Result<Option<(u64, bool)>> {
        let (mut junk, mut tagged) = (0, false);
        loop {
            self.window.fill(READ_BYTES)?;
            if self.window.rest().len() < HEADER_BYTES {
                return Ok(None);
            }
            // Where the last frame ended, its like is believed at once; anything else must prove
            // itself.
            let expected =
                |next: &Header| junk == 0 && self.last.is_some_and(|last| next.goes_with(&last));
            let is_frame = self.header(0).is_some_and(|header| {
                (expected(&header) || self.is_run(0, BELIEVED_FRAMES))
                    && self.is_length_right(&header)
            });
            if is_frame {
                return Ok(Some((junk, tagged)));
            }
            if self.skip_tags()? {
                tagged = true;
                continue;
            }
            let next = (1..self.window.rest().len()).find(|at| {
                self.is_run(*at, BELIEVED_FRAMES) || tag_bytes(&self.window.rest()[*at..]).is_some()
            });
            // A header may lie across the end of what has been read.
            let keep = if self.window.is_ended { 0 } else { BELIEVED_FRAMES * 2048 };
            let skipped =
                next.unwrap_or_else(|| self.window.rest().len().saturating_sub(keep).max(1));
            self.tail_secs += self.secs_in(skipped as u64);
            self.window.pass(skipped);
            junk += skipped as u64;
        }
    }

    /// How much sound so many bytes would have held, seconds.
    fn secs_in(&self, bytes: u64) -> f64 {
        self.last.map_or(0.0, |last| {
            let frames = (bytes as f64 / self.mean_bytes.max(1.0)).round();
            frames * f64::from(last.samples) / f64::from(last.rate_hz)
        })
    }

    /// The frame at the beginning of the buffer, as a step.
    fn hand_out(&mut self, junk: u64, tagged: bool) -> io::Result<Option<Step>> {
        let Some(header) = self.header(0) else { return Ok(None) };
        self.window.fill(header.bytes)?;
        let whole = self.window.rest().len() >= header.bytes;
        let frame: Vec<u8> =
            self.window.rest()[..header.bytes.min(self.window.rest().len())].to_vec();
        let at = self.window.offset;
        let info = Info::of_frame(&header, &frame);
        let is_new_song = info.is_some() || tagged || self.last.is_none();
        if is_new_song {
            self.before_secs += self.song.promised_secs(self.last.as_ref());
            self.song = Song { info, ..Song::default() };
        }
        let new_parameters = self.last.is_none_or(|last| is_new_song || !header.decodes_as(&last));
        if !is_new_song && self.last.is_some_and(|last| last.rate_hz != header.rate_hz) {
            self.before_secs += self.song.promised_secs(self.last.as_ref());
            self.song = Song::default();
        }
        if new_parameters {
            self.last = Some(header);
            self.mean_bytes = header.bytes as f64;
            if info.is_some() {
                // It holds no sound.
                self.window.pass(header.bytes);
            }
            self.tail_secs = 0.0;
            return Ok(Some(Step::NewStream(Box::new(header.parameters()))));
        }
        let gap_secs = self.gap_secs(at, if is_new_song { 0 } else { junk }, &header);
        self.tail_secs = 0.0;
        self.last = Some(header);
        self.mean_bytes += (header.bytes as f64 - self.mean_bytes) / MEAN_FRAMES;
        self.window.pass(header.bytes);
        if !whole {
            // A frame that is cut off at the end holds no sound.
            return Ok(None);
        }
        Ok(Some(self.packet(&header, frame, gap_secs)))
    }

    /// Seconds that are missing before the frame at `at`.
    fn gap_secs(&mut self, at: u64, junk: u64, header: &Header) -> f64 {
        let Some(clock_secs) = self.window.clock_secs(at) else { return self.secs_in(junk) };
        let origin = *self.clock_origin_secs.get_or_insert(clock_secs - self.handed_secs);
        let gap_secs = clock_secs - origin - self.handed_secs;
        let least = CLOCK_SLACK_SECS.max(f64::from(header.samples) / f64::from(header.rate_hz));
        if (least..MAX_GAP_SECS).contains(&gap_secs) {
            return gap_secs;
        }
        if gap_secs.abs() >= least {
            self.clock_origin_secs = Some(clock_secs - self.handed_secs);
        }
        0.0
    }

    fn packet(&mut self, header: &Header, frame: Vec<u8>, gap_secs: f64) -> Step {
        let rate_hz = f64::from(header.rate_hz);
        let gap_frames = (gap_secs * rate_hz / f64::from(header.samples)).round();
        self.song.frames += gap_frames as u64 + 1;
        self.song.samples += (gap_frames as u64) * u64::from(header.samples);
        let info = self.song.info.unwrap_or_default();
        let pts = Timestamp::new(self.song.samples as i64 - i64::from(info.delay_samples));
        // What an encoder put behind the song is cut off only in the frames that it counted.
        let end = info.frames.filter(|frames| self.song.frames <= u64::from(*frames));
        let end = end.map(|frames| {
            let all = i64::from(frames) * i64::from(header.samples);
            Timestamp::new(all - i64::from(info.padding_samples) - i64::from(info.delay_samples))
        });
        self.song.samples += u64::from(header.samples);
        let dur_secs = f64::from(header.samples) / rate_hz;
        self.handed_secs += gap_secs + dur_secs;
        let data = match header.kind {
            Kind::Adts { header_bytes } => frame[header_bytes..].to_vec(),
            Kind::Mpeg { .. } => frame,
        };
        let packet = PacketBuilder::new()
            .track_id(0)
            .pts(pts)
            .trimmed_dur(Duration::new(u64::from(header.samples)), end)
            .data(data)
            .build();
        Step::Packet { packet, gap_secs, dur_secs }
    }
}

impl Demux for Elementary {
    fn next(&mut self) -> Step {
        loop {
            let step = match self.synchronise() {
                Ok(Some((junk, tagged))) => self.hand_out(junk, tagged),
                Ok(None) => Ok(None),
                Err(why) => Err(why),
            };
            match step {
                Ok(Some(step)) => return step,
                Ok(None) if self.window.is_ended && self.window.rest().len() < HEADER_BYTES => {
                    return Step::End { broke_off: None };
                }
                Ok(None) => self.window.pass(1),
                Err(why) => return Step::End { broke_off: Some(why.to_string()) },
            }
        }
    }

    fn promised_secs(&self) -> Option<f64> {
        let song = self.song.promised_secs(self.last.as_ref());
        let is_open = self.song.info.and_then(|info| info.frames).is_none();
        Some(self.before_secs + song + if is_open { self.tail_secs } else { 0.0 })
    }

    fn length_secs(&self) -> Option<f64> {
        if self.song.info.is_some_and(|info| info.frames.is_some()) {
            return self.promised_secs();
        }
        Some(self.handed_secs + self.secs_in(self.window.left()?))
    }
}

/// Length of the tag that `bytes` begin with; `None` where there is none.
pub(super) fn tag_bytes(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'I', b'D', b'3', major, minor, flags, a, b, c, d, ..]
            if *major < 0xff && *minor < 0xff && [a, b, c, d].iter().all(|byte| **byte < 0x80) =>
        {
            let body = [a, b, c, d].iter().fold(0, |n, byte| n << 7 | usize::from(**byte));
            Some(10 + body + if flags & 0x10 != 0 { 10 } else { 0 })
        }
        [b'T', b'A', b'G', ..] if is_id3v1(bytes) => Some(ID3V1_BYTES),
        [b'A', b'P', b'E', b'T', b'A', b'G', b'E', b'X', _, _, _, _, a, b, c, d, ..] => {
            Some((32 + u32::from_le_bytes([*a, *b, *c, *d]) as usize).min(SEARCH_BYTES))
        }
        [b'L', b'Y', b'R', b'I', b'C', b'S', b'B', b'E', b'G', b'I', b'N', ..] => {
            let end = bytes.windows(9).position(|w| w == b"LYRICS200" || w == b"LYRICSEND");
            Some(end.map_or(11, |end| end + 9))
        }
        _ => None,
    }
}

/// Whether text and zeros follow where an ID3v1 tag has title, artist and album.
fn is_id3v1(bytes: &[u8]) -> bool {
    bytes.get(3..93).is_some_and(|text| text.iter().all(|byte| *byte == 0 || *byte >= 0x20))
}
