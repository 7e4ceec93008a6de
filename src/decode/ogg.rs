//! Pages of ogg, with the damaged ones taken out before a reader sees them that would refuse the
//! file, or pass them without a word.
//!
//! A page of headers whose checksum alone is wrong is handed on: its words may be wrong, and its
//! stream can still be read. A page of sound is not; timestamps show what it held, but for the
//! edges of a link, of which [`Losses`] tells.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

use symphonia::core::io::MediaSource;

use super::input::Input;
use crate::lock::lock;

/// What a page begins with.
pub(super) const CAPTURE: &[u8] = b"OggS";
/// Bytes of a page's header before the lengths of its segments, and most bytes of a page.
const HEADER_BYTES: usize = 27;
const MAX_PAGE_BYTES: usize = HEADER_BYTES + 255 + 255 * 255;
/// Where in the header the checksum stands.
const CHECKSUM: std::ops::Range<usize> = 22..26;
/// Flags of the first and the last page of a stream.
const IS_FIRST: u8 = 2;
const IS_LAST: u8 = 4;
/// The time of a page on which no packet ends.
const NO_GRANULE: u64 = u64::MAX;
/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;
/// Most ticks that a lost page is believed to have held: a page that lasts longer has a wrong time.
const MAX_LOST_TICKS: u64 = 48_000 * 600;

/// What is lost of a stream in a link.
#[derive(Clone, Copy, Default)]
pub(super) struct Loss {
    /// Whether pages are lost before the first of sound.
    pub(super) at_start: bool,
    /// Ticks of the stream's clock that are lost behind the last page.
    pub(super) end_ticks: u64,
    /// Whether bytes are lost behind it of which nobody knows what they were.
    pub(super) is_unknown: bool,
}

/// What is lost, by link and stream.
#[derive(Clone, Default)]
pub(super) struct Losses(Arc<Mutex<HashMap<(usize, u32), Loss>>>);

impl Losses {
    /// What is lost of the stream with this serial number in a link.
    pub(super) fn of(&self, link: usize, serial: u32) -> Loss {
        let losses = lock(&self.0);
        losses.get(&(link, serial)).copied().unwrap_or_default()
    }

    fn change(&self, link: usize, serial: u32, change: impl FnOnce(&mut Loss)) {
        let mut losses = lock(&self.0);
        change(losses.entry((link, serial)).or_default());
    }
}

/// A page's header.
#[derive(Clone, Copy)]
struct Header {
    flags: u8,
    /// When its last packet ends, ticks.
    granule: u64,
    serial: u32,
    /// The whole page, bytes.
    bytes: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(CAPTURE) || bytes.get(4) != Some(&0) {
            return None;
        }
        let segments = usize::from(*bytes.get(26)?);
        let lengths = bytes.get(HEADER_BYTES..HEADER_BYTES + segments)?;
        let body: usize = lengths.iter().map(|length| usize::from(*length)).sum();
        Some(Self {
            flags: bytes[5],
            granule: u64::from_le_bytes(bytes[6..14].try_into().ok()?),
            serial: u32::from_le_bytes(bytes[14..18].try_into().ok()?),
            bytes: HEADER_BYTES + segments + body,
        })
    }
}

/// A stream in the link that is being read.
#[derive(Default)]
struct Stream {
    /// When its last whole page of sound ended, ticks.
    last: Option<u64>,
    /// When the last page ended that was left out since, ticks.
    lost: Option<u64>,
    has_ended: bool,
}

/// The whole pages of an input, one behind the other.
pub(super) struct Pages {
    input: Input,
    /// Bytes that have been read, and where in them the next page is looked for.
    bytes: Vec<u8>,
    start: usize,
    is_ended: bool,
    /// The page that is being handed out, and how much of it has been.
    page: Vec<u8>,
    handed: usize,
    link: Option<usize>,
    streams: HashMap<u32, Stream>,
    was_first: bool,
    /// Whether bytes were passed since the last page that belong to none.
    has_junk: bool,
    losses: Losses,
}

impl Pages {
    pub(super) fn new(input: Input) -> (Self, Losses) {
        let losses = Losses::default();
        let pages = Self {
            input,
            bytes: Vec::new(),
            start: 0,
            is_ended: false,
            page: Vec::new(),
            handed: 0,
            link: None,
            streams: HashMap::new(),
            was_first: false,
            has_junk: false,
            losses: losses.clone(),
        };
        (pages, losses)
    }

    /// Reads until so many bytes lie before the reader, or the input ends.
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        while self.bytes.len() - self.start < bytes && !self.is_ended {
            self.bytes.drain(..std::mem::take(&mut self.start));
            let mut next = (&mut self.input).take(READ_BYTES as u64);
            self.is_ended = next.read_to_end(&mut self.bytes)? == 0;
        }
        Ok(())
    }

    /// Puts the next page in `page`; an empty one at the end.
    fn next_page(&mut self) -> io::Result<()> {
        self.page.clear();
        self.handed = 0;
        loop {
            self.fill(MAX_PAGE_BYTES + CAPTURE.len())?;
            let rest = &self.bytes[self.start..];
            if rest.is_empty() {
                return Ok(());
            }
            let header = Header::parse(rest).filter(|header| header.bytes <= rest.len());
            let Some(header) = header else {
                let next = rest[1..].windows(CAPTURE.len()).position(|window| window == CAPTURE);
                // A page may begin in the last bytes that have been read.
                let keep = if self.is_ended { 0 } else { CAPTURE.len() - 1 };
                self.start += next.map_or((rest.len() - keep).max(1), |next| next + 1);
                self.has_junk = true;
                continue;
            };
            let behind = &rest[header.bytes..];
            let is_framed = behind.starts_with(CAPTURE) || (behind.is_empty() && self.is_ended);
            let checksum = checksum(&rest[..header.bytes]);
            let is_whole = rest[CHECKSUM] == checksum;
            if is_whole || (is_framed && self.is_header(&header)) {
                self.page.extend(&rest[..header.bytes]);
                self.page[CHECKSUM].copy_from_slice(&checksum);
                self.start += header.bytes;
                self.took(&header);
                return Ok(());
            }
            if is_framed {
                self.lost(&header);
                self.start += header.bytes;
            } else {
                self.has_junk = true;
                self.start += CAPTURE.len();
            }
        }
    }

    /// Whether a page is one of those before the sound.
    fn is_header(&self, header: &Header) -> bool {
        let stream = self.streams.get(&header.serial);
        let is_known = header.flags & IS_FIRST != 0 || stream.is_some_and(|s| s.last.is_none());
        is_known && matches!(header.granule, 0 | NO_GRANULE)
    }

    /// Takes note of a page that is handed on.
    fn took(&mut self, header: &Header) {
        let is_first = header.flags & IS_FIRST != 0;
        if is_first && !self.was_first {
            self.end_link();
            self.link = Some(self.link.map_or(0, |link| link + 1));
            self.has_junk = false;
        }
        self.was_first = is_first;
        let has_junk = std::mem::take(&mut self.has_junk);
        let Some(link) = self.link else { return };
        let stream = self.streams.entry(header.serial).or_default();
        if matches!(header.granule, 0 | NO_GRANULE) {
            self.has_junk = has_junk;
            return;
        }
        if stream.last.is_none() && (has_junk || stream.lost.is_some()) {
            self.losses.change(link, header.serial, |loss| loss.at_start = true);
        }
        stream.last = Some(header.granule);
        if stream.lost.take().is_some() {
            // Timestamps show it.
            self.losses.change(link, header.serial, |loss| loss.end_ticks = 0);
        }
        stream.has_ended = header.flags & IS_LAST != 0;
    }

    /// Takes note of a page that is left out.
    fn lost(&mut self, header: &Header) {
        if let (Some(link), Some(stream)) = (self.link, self.streams.get_mut(&header.serial)) {
            let ticks = header.granule.saturating_sub(stream.last.unwrap_or(0));
            if header.granule != NO_GRANULE && (1..MAX_LOST_TICKS).contains(&ticks) {
                stream.lost = Some(header.granule);
                self.losses.change(link, header.serial, |loss| loss.end_ticks = ticks);
            }
        }
    }

    /// Takes note of what is lost at the end of a link that another one follows.
    fn end_link(&mut self) {
        let Some(link) = self.link else { return };
        for (serial, stream) in self.streams.drain() {
            let is_unknown = self.has_junk && !stream.has_ended && stream.lost.is_none();
            self.losses.change(link, serial, |loss| loss.is_unknown = is_unknown);
        }
    }
}

impl Read for Pages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed == self.page.len() {
            self.next_page()?;
        }
        let n = (&self.page[self.handed..]).read(buffer)?;
        self.handed += n;
        Ok(n)
    }
}

impl Seek for Pages {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MediaSource for Pages {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

/// The serial number of the last page of `input`, and when it ends, ticks; none of a pipe.
pub(super) fn end_granule(input: &mut Input) -> io::Result<Option<(u32, u64)>> {
    let Some(len) = input.len() else { return Ok(None) };
    let tail = input.look(len.saturating_sub(MAX_PAGE_BYTES as u64), MAX_PAGE_BYTES)?;
    let pages = (0..tail.len()).rev().filter_map(|at| Header::parse(&tail[at..]));
    let mut ends = pages.filter(|header| header.granule != NO_GRANULE);
    Ok(ends.next().map(|header| (header.serial, header.granule)))
}

/// A page's checksum, as it stands in it: CRC-32 of the page with zeros in the checksum's place,
/// polynomial 0x04c11db7, the highest bit first, from 0.
fn checksum(page: &[u8]) -> [u8; 4] {
    let crc = page.iter().enumerate().fold(0_u32, |crc, (at, byte)| {
        let byte = if CHECKSUM.contains(&at) { 0 } else { *byte };
        crc << 8 ^ CRC_TABLE[usize::from((crc >> 24) as u8 ^ byte)]
    });
    crc.to_le_bytes()
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};
