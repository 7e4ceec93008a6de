//! Where the host's beat is, from the audio thread to whoever moves with it.

use std::time::{Duration, Instant};

use super::sequenced::Sequenced;

/// A host that has been silent for so long has stopped calling: longer than any block of live
/// playback.
const STALE_AFTER: Duration = Duration::from_millis(500);

/// Tempi that a beat can have, BPM: beyond is a mistake of the host's.
const TEMPI_BPM: std::ops::RangeInclusive<f64> = 1.0..=1000.0;

/// Where the host's transport is on its beat grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// Quarter notes since the beginning of the song.
    pub quarters: f64,
    /// Tempo, quarter notes a minute.
    pub tempo_bpm: f64,
}

impl Beat {
    /// Part of the beat that is over, in [0, 1).
    #[must_use]
    pub fn phase(&self) -> f64 {
        self.quarters.rem_euclid(1.0)
    }
}

/// What the host last said of its beat. One audio thread at a time tells, any thread reads; none
/// waits.
#[derive(Debug)]
pub struct HostBeat {
    /// Quarters and tempo as bits, and when they were told, nanoseconds of `clock`; tempo 0 while
    /// nothing beats.
    told: Sequenced<3>,
    clock: Instant,
}

impl Default for HostBeat {
    fn default() -> Self {
        Self { told: Sequenced::default(), clock: Instant::now() }
    }
}

impl HostBeat {
    /// The transport of the block that is about to be played; `None` while it stands, or does not
    /// say.
    ///
    /// # Real-time safety
    /// Wait-free; neither allocates nor locks. Reading the clock is no call to any system that is
    /// served.
    pub fn tell(&self, beat: Option<Beat>) {
        self.tell_at(beat, Instant::now());
    }

    fn tell_at(&self, beat: Option<Beat>, now: Instant) {
        let is_one = |beat: &Beat| beat.quarters.is_finite() && TEMPI_BPM.contains(&beat.tempo_bpm);
        let Beat { quarters, tempo_bpm } =
            beat.filter(is_one).unwrap_or(Beat { quarters: 0.0, tempo_bpm: 0.0 });
        let nanos = now.saturating_duration_since(self.clock).as_nanos() as u64;
        self.told.write([quarters.to_bits(), tempo_bpm.to_bits(), nanos]);
    }

    /// Where the beat is at `now`, as it goes on from what was last told; `None` while nothing
    /// beats. Wait-free.
    #[must_use]
    pub fn at(&self, now: Instant) -> Option<Beat> {
        let [quarters, tempo_bpm, nanos] = self.told.read()?;
        let (quarters, tempo_bpm) = (f64::from_bits(quarters), f64::from_bits(tempo_bpm));
        let since = now.saturating_duration_since(self.clock + Duration::from_nanos(nanos));
        let beats = tempo_bpm > 0.0 && since < STALE_AFTER;
        let quarters = quarters + tempo_bpm / 60.0 * since.as_secs_f64();
        beats.then_some(Beat { quarters, tempo_bpm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Beat = Beat { quarters: 7.75, tempo_bpm: 120.0 };

    #[test]
    fn a_beat_goes_on_by_itself_until_the_host_stops_or_falls_silent() {
        let (host, now) = (HostBeat::default(), Instant::now());
        assert_eq!(host.at(now), None, "before anything was told");
        host.tell_at(Some(TOLD), now);
        let later = host.at(now + Duration::from_millis(250)).unwrap();
        assert!((later.quarters - 8.25).abs() < 1e-6 && (later.phase() - 0.25).abs() < 1e-6);
        assert_eq!(host.at(now + STALE_AFTER + Duration::from_millis(1)), None, "silent");
        host.tell_at(None, now);
        assert_eq!(host.at(now), None, "stopped");
    }

    #[test]
    fn what_no_beat_can_be_is_none() {
        let (host, now) = (HostBeat::default(), Instant::now());
        for (quarters, tempo_bpm) in [
            (f64::NAN, 120.0),
            (f64::INFINITY, 120.0),
            (1.0, f64::NAN),
            (1.0, 0.0),
            (1.0, -120.0),
            (1.0, 1e9),
        ] {
            host.tell_at(Some(Beat { quarters, tempo_bpm }), now);
            assert_eq!(host.at(now), None, "{quarters} {tempo_bpm}");
        }
        host.tell_at(Some(Beat { quarters: -0.25, ..TOLD }), now);
        let before_the_song = host.at(now).unwrap();
        assert!((before_the_song.phase() - 0.75).abs() < 1e-6);
    }
}
