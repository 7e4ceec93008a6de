//! What `bench` found, as one JSON object and as a table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

/// All that was measured.
#[derive(Serialize)]
pub struct Report {
    pub version: &'static str,
    pub machine: Machine,
    pub model: ModelReport,
    pub music: Music,
    /// Microseconds per frame, by stage.
    pub frame_us: Costs,
    /// Microseconds per reading, by what is done for one.
    pub reading_us: Costs,
    /// Microseconds of the paper's Bi-LSTM, by kernel.
    pub lstm_us: Costs,
    pub end_to_end: EndToEnd,
    pub allocations: Allocations,
    /// Calls to the allocator per reading, rounded up: one call among a thousand readings is no
    /// zero.
    pub allocations_per_update: Option<u64>,
    pub instance: Instance,
    pub audio_thread: AudioThread,
    /// Sessions of growing length, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
}

/// Where it was measured.
#[derive(Serialize)]
pub struct Machine {
    pub architecture: &'static str,
    pub cores: usize,
    pub int8_kernels: Vec<&'static str>,
}

/// With which model.
#[derive(Serialize)]
pub struct ModelReport {
    pub name: String,
    pub version: String,
    pub load_ms: Rounded,
}

/// With which music.
#[derive(Serialize)]
pub struct Music {
    pub rate_hz: f64,
    pub secs: f64,
}

/// Real-time factors of a warm analyser.
#[derive(Serialize)]
pub struct EndToEnd {
    pub times_real_time: Rounded,
    pub readings_per_second_of_music: Rounded,
    pub times_real_time_at_one_reading_a_second: Rounded,
}

/// Calls to the allocator while so many readings were taken; nothing where they are not counted.
#[derive(Serialize)]
pub struct Allocations {
    pub calls: Option<u64>,
    pub readings: u64,
}

/// One instance more, once the model is loaded.
#[derive(Serialize)]
pub struct Instance {
    pub bytes: i64,
    pub start_ms: Rounded,
    pub analyser_ms: Rounded,
}

/// A block of 64 stereo samples on the audio thread.
#[derive(Serialize)]
pub struct AudioThread {
    pub median_ns: f64,
    pub p9999_ns: f64,
    pub most_ns: f64,
}

/// A session at all readings.
#[derive(Serialize)]
pub struct Session {
    pub secs: f64,
    pub work_secs: Rounded,
    pub us_per_second: Rounded,
    pub bytes_grown: i64,
}

/// Costs by name.
pub type Costs = BTreeMap<&'static str, Cost>;

/// What one call costs, microseconds.
#[derive(Clone, Copy, Serialize)]
pub struct Cost {
    pub median: Rounded,
    pub least: Rounded,
}

/// A number that is told to a thousandth.
#[derive(Clone, Copy)]
pub struct Rounded(pub f64);

impl Rounded {
    fn value(self) -> f64 {
        (self.0 * 1000.0).round() / 1000.0
    }
}

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl std::fmt::Display for Rounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.value())
    }
}

impl Report {
    /// Writes it as one JSON object.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes it as a table.
    ///
    /// # Errors
    /// As `out`.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let Machine { architecture, cores, int8_kernels } = &self.machine;
        let kernels = int8_kernels.join(", ");
        writeln!(out, "Moodring {} on {architecture}, {cores} cores, {kernels}", self.version)?;
        write_costs(out, "a frame (23.2 ms of music)", &self.frame_us)?;
        write_costs(out, "a reading", &self.reading_us)?;
        write_costs(out, "Bi-LSTM 12 → 2 × 512 over 54 steps", &self.lstm_us)?;
        let mut part = |title: &str, lines: &[(&str, String)]| -> io::Result<()> {
            writeln!(out, "\n{title}")?;
            lines.iter().try_for_each(|(name, value)| writeln!(out, "  {name:44} {value}"))
        };
        let EndToEnd { times_real_time, readings_per_second_of_music: each_second, .. } =
            &self.end_to_end;
        let slow = &self.end_to_end.times_real_time_at_one_reading_a_second;
        part(
            "end to end",
            &[
                ("times real time", times_real_time.to_string()),
                ("readings per second of music", each_second.to_string()),
                ("times real time at one reading a second", slow.to_string()),
            ],
        )?;
        let calls = self.allocations.calls;
        part(
            "allocator calls, warm, from samples to readings",
            &[
                ("calls", calls.map_or("not counted".to_owned(), |calls| calls.to_string())),
                ("readings", self.allocations.readings.to_string()),
            ],
        )?;
        part(
            "one more instance",
            &[
                ("bytes", self.instance.bytes.to_string()),
                ("start, ms", self.instance.start_ms.to_string()),
                ("analyser, ms", self.instance.analyser_ms.to_string()),
            ],
        )?;
        part(
            "audio thread, a block of 64 stereo samples",
            &[
                ("median, ns", self.audio_thread.median_ns.to_string()),
                ("99.99 %, ns", self.audio_thread.p9999_ns.to_string()),
                ("most, ns", self.audio_thread.most_ns.to_string()),
            ],
        )?;
        let ModelReport { name, version, load_ms } = &self.model;
        part("model", &[("name", format!("{name} {version}")), ("load, ms", load_ms.to_string())])?;
        for Session { secs, work_secs, us_per_second, bytes_grown } in &self.sessions {
            writeln!(
                out,
                "  a session of {secs} s takes {work_secs} s, {us_per_second} µs a second, and grows by {bytes_grown} bytes"
            )?;
        }
        Ok(())
    }
}

fn write_costs(out: &mut impl Write, title: &str, costs: &Costs) -> io::Result<()> {
    writeln!(out, "\n{title:42} median    least, µs")?;
    for (name, Cost { median, least }) in costs {
        writeln!(out, "  {name:38} {:8.2} {:8.2}", median.0, least.0)?;
    }
    Ok(())
}
