//! MPEG transport streams, as television and internet radio send them: packets of 188 bytes of
//! several streams in turns. The first stream of MPEG audio or AAC is taken out; its frames are
//! then read as those of any other file.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::elementary::Stream;
use super::input::{Input, Spliced};

/// A packet's first byte, its length, and the lengths that discs and broadcasters make of it.
const SYNC: u8 = 0x47;
const PACKET_BYTES: usize = 188;
const STRIDES: [usize; 3] = [188, 192, 204];
/// Packets that must follow one another for a stream to be believed.
const BELIEVED_PACKETS: usize = 5;
/// Bytes at the beginning in which the first packet must lie.
const SEARCH_BYTES: usize = 8 << 10;
/// Bytes of junk that are skipped at a time.
const RESYNC_BYTES: usize = 64 << 10;

/// Stream identifiers of MPEG audio (AAC with ADTS headers too), and the one under which others
/// hide.
const AUDIO_IDS: std::ops::RangeInclusive<u8> = 0xc0..=0xdf;
/// A timestamp's clock, Hz, and the number at which it starts again.
const CLOCK_HZ: f64 = 90_000.0;

/// The bytes of the first audio stream.
pub(super) struct Transport {
    source: Spliced,
    stride: usize,
    /// What has been read of the source and not been looked at.
    packets: Vec<u8>,
    is_ended: bool,
    /// The packet identifier of the stream, once it is known.
    id: Option<u16>,
    payload: Vec<u8>,
    /// How much of the payload has been handed out.
    read: usize,
    /// Bytes handed out in all.
    offset: u64,
    /// Places in the stream at which the clock is known, seconds.
    clock: VecDeque<(u64, f64)>,
}

impl Transport {
    /// How far apart packets are in `input`, and where the first is; `None` where it is no
    /// transport stream.
    pub(super) fn find(input: &mut Input) -> io::Result<Option<(usize, usize)>> {
        let start = input.look(0, SEARCH_BYTES)?;
        let fits = |stride: usize, at: usize| {
            let packets = (0..BELIEVED_PACKETS).map(|n| start.get(at + n * stride));
            packets.into_iter().all(|byte| byte == Some(&SYNC))
        };
        // Discs put a time of four bytes before each packet.
        let places = STRIDES.into_iter().flat_map(|stride| (0..stride).map(move |at| (stride, at)));
        let found = places.filter(|(_, at)| *at < 8).find(|(stride, at)| fits(*stride, *at));
        Ok(found)
    }

    /// The audio in `input`, whose packets [`Transport::find`] found.
    pub(super) fn new(input: Input, (stride, at): (usize, usize)) -> Self {
        let end = input.len().unwrap_or(u64::MAX);
        Self {
            source: Spliced::new(Vec::new(), input, at as u64..end),
            stride,
            packets: Vec::new(),
            is_ended: false,
            id: None,
            payload: Vec::new(),
            read: 0,
            offset: 0,
            clock: VecDeque::new(),
        }
    }

    /// Reads on until there is payload, or the end.
    fn advance(&mut self) -> io::Result<()> {
        self.payload.clear();
        self.read = 0;
        while self.payload.is_empty() {
            while self.packets.len() < RESYNC_BYTES && !self.is_ended {
                let at = self.packets.len();
                self.packets.resize(at + RESYNC_BYTES, 0);
                let n = self.source.read(&mut self.packets[at..]);
                self.packets.truncate(at + *n.as_ref().unwrap_or(&0));
                self.is_ended = n? == 0;
            }
            if self.packets.len() < PACKET_BYTES {
                return Ok(());
            }
            let packets = std::mem::take(&mut self.packets);
            let mut at = 0;
            while at + PACKET_BYTES <= packets.len() {
                let next = packets.get(at + self.stride).is_none_or(|byte| *byte == SYNC);
                if packets[at] != SYNC || !next && !self.is_at_hole(&packets, at) {
                    at += 1;
                    continue;
                }
                self.packet(&packets[at..at + PACKET_BYTES]);
                at += self.stride;
            }
            self.packets = packets.get(at..).unwrap_or_default().to_vec();
        }
        Ok(())
    }

    /// Whether the packet at `at` is the last one before junk: the one before it stood where it
    /// should.
    fn is_at_hole(&self, packets: &[u8], at: usize) -> bool {
        at.checked_sub(self.stride).is_some_and(|before| packets[before] == SYNC)
    }

    /// Takes a packet's payload, if it belongs to the stream.
    fn packet(&mut self, packet: &[u8]) {
        let id = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let (is_broken, starts) = (packet[1] & 0x80 != 0, packet[1] & 0x40 != 0);
        let (has_adaptation, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let is_scrambled = packet[3] & 0xc0 != 0;
        let from = if has_adaptation { 5 + usize::from(packet[4]) } else { 4 };
        if is_broken || is_scrambled || !has_payload || from >= PACKET_BYTES {
            return;
        }
        let mut payload = &packet[from..];
        if starts {
            let is_audio = payload.starts_with(&[0, 0, 1])
                && payload.get(3).is_some_and(|id| AUDIO_IDS.contains(id));
            if self.id.is_none() && is_audio {
                self.id = Some(id);
            }
            if self.id != Some(id) || !is_audio {
                return;
            }
            let header = 9 + usize::from(payload.get(8).copied().unwrap_or(0));
            if let Some(secs) = timestamp_secs(payload) {
                self.clock.push_back((self.offset + self.payload.len() as u64, secs));
            }
            payload = payload.get(header..).unwrap_or_default();
        }
        if self.id == Some(id) {
            self.payload.extend(payload);
        }
    }
}

/// A packet's presentation time, seconds.
fn timestamp_secs(header: &[u8]) -> Option<f64> {
    if header.get(7)? & 0x80 == 0 {
        return None;
    }
    let b: [u8; 5] = header.get(9..14)?.try_into().ok()?;
    let ticks = u64::from(b[0] >> 1 & 7) << 30
        | u64::from(b[1]) << 22
        | u64::from(b[2] >> 1) << 15
        | u64::from(b[3]) << 7
        | u64::from(b[4] >> 1);
    Some(ticks as f64 / CLOCK_HZ)
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.payload.len() {
            self.advance()?;
        }
        let n = (&self.payload[self.read..]).read(buffer)?;
        self.read += n;
        self.offset += n as u64;
        Ok(n)
    }
}

impl Stream for Transport {
    fn clock_secs(&mut self, offset: u64) -> Option<f64> {
        let mut known = None;
        while let Some((at, secs)) = self.clock.front().copied().filter(|(at, _)| *at <= offset) {
            known = Some((at, secs));
            self.clock.pop_front();
        }
        // A time is that of the first frame which begins behind it.
        known.map(|(_, secs)| secs)
    }
}
