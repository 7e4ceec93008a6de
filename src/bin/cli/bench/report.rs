//! What `bench` found: one value, as JSON or as a table.

use std::fmt::Display;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

/// All that was measured. Numbers with a fraction are rounded to three digits.
#[derive(Serialize)]
pub struct Report {
    pub version: &'static str,
    pub model: ModelLoaded,
    pub machine: Machine,
    pub music: Music,
    /// By stage, from samples at the host's rate to the features of one frame.
    pub frame_us: Costs,
    pub reading_us: ReadingCosts,
    /// The paper's Bi-LSTM, by int8 kernel.
    pub lstm_us: Costs,
    pub end_to_end: EndToEnd,
    /// Calls per reading, rounded up, because one call among a thousand readings is not zero.
    pub allocations_per_update: Option<u64>,
    pub allocations: Allocations,
    pub instance: Instance,
    pub audio_thread: AudioThread,
    /// Empty unless long sessions were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
}

/// The model, and how long it took to load.
#[derive(Serialize)]
pub struct ModelLoaded {
    pub name: String,
    pub version: String,
    pub load_ms: f64,
}

/// Where it was measured.
#[derive(Serialize)]
pub struct Machine {
    pub architecture: &'static str,
    pub cores: usize,
    pub int8_kernels: Vec<&'static str>,
}

/// What it was measured with.
#[derive(Serialize)]
pub struct Music {
    pub rate_hz: f64,
    pub secs: f64,
}

/// Microseconds that one call takes, over several rounds.
#[derive(Clone, Copy, Serialize)]
pub struct Cost {
    pub median: f64,
    pub least: f64,
}

/// Costs by name, in the order in which they were measured; a map in JSON.
pub struct Costs(pub Vec<(&'static str, Cost)>);

impl Serialize for Costs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// What a reading costs: the window's summary and features, the network, and what pushed the
/// reading, which is worked out only where somebody asks.
#[derive(Serialize)]
pub struct ReadingCosts {
    pub features: Cost,
    pub inference: Cost,
    pub why: Cost,
}

/// Real-time factors of a warm analyser on one core.
#[derive(Serialize)]
pub struct EndToEnd {
    pub times_real_time: f64,
    pub readings_per_second_of_music: f64,
    pub times_real_time_at_one_reading_a_second: f64,
}

/// Calls to the allocator, `None` where they are not counted, while so many readings were taken.
#[derive(Serialize)]
pub struct Allocations {
    pub calls: Option<u64>,
    pub readings: u64,
}

/// One more instance, once the model is loaded: its heap, and how long engine and analyser take.
#[derive(Serialize)]
pub struct Instance {
    pub bytes: i64,
    pub start_ms: f64,
    pub analyser_ms: f64,
}

/// What the audio thread spends on one block while the analysis runs.
#[derive(Serialize)]
pub struct AudioThread {
    pub median_ns: f64,
    pub p9999_ns: f64,
    pub most_ns: f64,
}

/// What a session of `secs` seconds took, and by how much the heap was larger at its end.
#[derive(Serialize)]
pub struct Session {
    pub secs: f64,
    pub work_secs: f64,
    pub us_per_second: f64,
    pub bytes_grown: i64,
}

/// To three digits, more than any of these measurements repeats.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

impl Report {
    /// The report for people.
    pub fn write_table<W: Write>(&self, out: &mut W) -> io::Result<()> {
        let Machine { architecture, cores, int8_kernels } = &self.machine;
        let kernels = int8_kernels.join(", ");
        writeln!(
            out,
            "Moodring {} on {architecture}, {cores} cores, int8 kernels {kernels}",
            self.version
        )?;
        write_costs(out, "a frame (23.2 ms of music)", &self.frame_us.0)?;
        let ReadingCosts { features, inference, why } = self.reading_us;
        let reading = [("features", features), ("inference", inference), ("why", why)];
        write_costs(out, "a reading", &reading)?;
        write_costs(out, "Bi-LSTM 12 → 2 × 512 over 54 steps", &self.lstm_us.0)?;

        let EndToEnd {
            times_real_time,
            readings_per_second_of_music,
            times_real_time_at_one_reading_a_second,
        } = self.end_to_end;
        write_lines(
            out,
            "end to end",
            &[
                ("times real time", &times_real_time),
                ("readings per second of music", &readings_per_second_of_music),
                (
                    "times real time at one reading a second",
                    &times_real_time_at_one_reading_a_second,
                ),
            ],
        )?;
        let Allocations { calls, readings } = self.allocations;
        let calls = calls.map_or_else(|| "not counted".into(), |calls| calls.to_string());
        write_lines(
            out,
            "allocator calls, warm, from samples to readings",
            &[("calls", &calls), ("readings", &readings)],
        )?;
        let Instance { bytes, start_ms, analyser_ms } = self.instance;
        write_lines(
            out,
            "one more instance",
            &[("bytes", &bytes), ("start ms", &start_ms), ("analyser ms", &analyser_ms)],
        )?;
        let AudioThread { median_ns, p9999_ns, most_ns } = self.audio_thread;
        write_lines(
            out,
            "audio thread, a block of 64 stereo samples",
            &[("median ns", &median_ns), ("p9999 ns", &p9999_ns), ("most ns", &most_ns)],
        )?;
        let ModelLoaded { name, version, load_ms } = &self.model;
        write_lines(out, "model", &[("name", name), ("version", version), ("load ms", load_ms)])?;
        for Session { secs, work_secs, us_per_second, bytes_grown } in &self.sessions {
            writeln!(
                out,
                "  a session of {secs} s: {work_secs} s of work, {us_per_second} µs per second, \
                 {bytes_grown} bytes grown"
            )?;
        }
        Ok(())
    }
}

fn write_costs<W: Write>(out: &mut W, title: &str, costs: &[(&str, Cost)]) -> io::Result<()> {
    writeln!(out, "\n{title:42} median    least, µs")?;
    for (name, Cost { median, least }) in costs {
        writeln!(out, "  {name:38} {median:8.2} {least:8.2}")?;
    }
    Ok(())
}

fn write_lines<W: Write>(
    out: &mut W,
    title: &str,
    lines: &[(&str, &dyn Display)],
) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|(name, value)| writeln!(out, "  {name:44} {value}"))
}
