//! Recordings in plain sight, RIFF and its kin: a header, then samples to the end. Headers are
//! often wrong, for a recorder writes them before it knows the length, and dies before it mends
//! them; samples seldom are.
//!
//! So the header is read here, leniently, and a correct one is put in front of the samples that are
//! there.

mod aiff;
pub(super) mod chunks;
pub(super) mod wave;

use std::ops::Range;

use super::error::DecodeError;
use super::input::{Input, Spliced};

/// Most channels of a recording: Symphonia has names for so many.
const MAX_CHANNELS: u16 = 26;

/// Where the samples of a recording are, and how they are to be read.
pub(super) struct Plain {
    /// A correct header for them; empty where they need none.
    head: Vec<u8>,
    /// Their bytes in the file.
    data: Range<u64>,
    /// Whether they are MPEG or ADTS frames in a container for samples.
    pub(super) is_elementary: bool,
    /// Seconds that the header promised; none where it left that open.
    pub(super) promised_secs: Option<f64>,
    /// Which end of a number comes first in its chunks.
    pub(super) order: chunks::Order,
}

impl Plain {
    /// What `input` holds, if it is WAVE (also RF64, BW64, Wave64) or AIFF.
    ///
    /// # Errors
    /// Where it is, but cannot be read for a reason that can be named.
    pub(super) fn find(input: &mut Input) -> Result<Option<Self>, DecodeError> {
        Ok(match wave::find(input)? {
            Some(plain) => Some(plain),
            None => aiff::find(input)?,
        })
    }

    /// The recording with its header put right.
    pub(super) fn source(&mut self, input: Input) -> Spliced {
        Spliced::new(std::mem::take(&mut self.head), input, self.data.clone())
    }

    /// Where its samples begin, byte.
    pub(super) fn start(&self) -> u64 {
        self.data.start
    }

    /// Where its samples end, byte; none where a pipe's end is not known.
    pub(super) fn end(&self) -> Option<u64> {
        Some(self.data.end).filter(|end| *end != u64::MAX)
    }
}

/// Where samples end that a header says are `claimed_bytes` long, from `start` on; what it really
/// meant is told from what lies there. `u64::MAX` where a pipe's end is not known.
fn end_of_samples(
    input: &mut Input,
    start: u64,
    claimed_bytes: Option<u64>,
    order: chunks::Order,
) -> std::io::Result<u64> {
    let claimed_end = claimed_bytes.and_then(|bytes| start.checked_add(bytes));
    let Some(len) = input.len() else { return Ok(claimed_end.unwrap_or(u64::MAX)) };
    match claimed_end {
        Some(end) if end >= len => Ok(len),
        Some(end) if !chunks::goes_on_with_sound(input, end, order)? => Ok(end),
        // A recorder that wrote its length now and then, or never: all that follows is sound.
        _ => Ok(len),
    }
}
