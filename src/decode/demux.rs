//! What a file is made of, whatever it is in: packets, one behind the other.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::Packet;

/// What comes next in a file.
pub(super) enum Step {
    /// A packet of the stream.
    Packet {
        packet: Packet,
        /// Seconds that are missing before it.
        gap_secs: f64,
        /// Seconds that it lasts, for when it cannot be decoded; 0 where that is not known.
        dur_secs: f64,
    },
    /// From here on a stream of its own, for which there must be another decoder.
    NewStream(Box<AudioCodecParameters>),
    /// The end.
    End {
        /// Why, where the file does not end here by its own account.
        broke_off: Option<String>,
    },
}

/// A file taken apart. The first step is a new stream.
pub(super) trait Demux: Send {
    /// The next step.
    fn next(&mut self) -> Step;

    /// Seconds of sound that the file promised so far; at the end, all that it should have held.
    /// `None` where it does not say.
    fn promised_secs(&self) -> Option<f64>;

    /// Whether that promise stands in the file, and was not reckoned from what there is of it.
    fn keeps_its_word(&self) -> bool {
        true
    }

    /// Seconds known to be lost behind the last packet; final at the end.
    fn lost_at_end_secs(&self) -> f64 {
        0.0
    }

    /// Seconds that the whole file will last, as far as can be told before its end.
    fn length_secs(&self) -> Option<f64> {
        self.promised_secs()
    }
}
