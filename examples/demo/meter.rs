//! The mood in a terminal: one bar per label space, growing from the centre towards the pole that
//! leads.
//!
//! ```text
//! 0:24 / 1:03  live
//!   calm  27 %  ··············│██████········  73 %  excited
//!    sad  52 %  ·············█│··············  48 %  joy      ambiguous
//! ```
//!
//! On anything but a terminal, a line every few seconds of music instead.

use std::io::{IsTerminal, Write, stdout};

use moodring::model::space::LabelSpace;
use moodring::reading::{Phase, Stamped};

/// Cells on either side of the centre: with all words, 80 columns are enough.
const HALF_WIDTH: usize = 14;

/// Music between two plain lines, seconds.
const LINE_EVERY_SECS: f64 = 5.0;

/// The terminal's cursor, off and on; and what clears a line.
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_LINE: &str = "\x1b[2K";

/// The meter. Shows the cursor again when dropped.
pub struct Meter {
    spaces: Vec<LabelSpace>,
    total_secs: f64,
    redraws: bool,
    /// Lines drawn, to go back over.
    n_lines: usize,
    next_line_secs: f64,
    played_secs: f64,
}

impl Meter {
    /// For `total_secs` of music.
    pub fn new(spaces: Vec<LabelSpace>, total_secs: f64) -> Self {
        let redraws = stdout().is_terminal();
        if redraws {
            show(HIDE_CURSOR);
        }
        Self { spaces, total_secs, redraws, n_lines: 0, next_line_secs: 0.0, played_secs: 0.0 }
    }

    /// Shows `reading`, of which `played_secs` of music have been played.
    pub fn draw(&mut self, played_secs: f64, reading: Option<&Stamped>) {
        let reading = reading.copied().unwrap_or_default();
        self.played_secs = played_secs;
        if self.redraws {
            self.redraw(played_secs, &reading);
        } else if played_secs >= self.next_line_secs {
            self.next_line_secs = played_secs + LINE_EVERY_SECS;
            show(&(self.line(played_secs, &reading) + "\n"));
        }
    }

    /// Leaves the last reading standing. `interrupted`: by Ctrl-C, at which a terminal forgets what
    /// it was about to show.
    pub fn finish(&mut self, reading: Option<&Stamped>, interrupted: bool) {
        if interrupted {
            show("\n");
            self.n_lines = 0;
        }
        self.next_line_secs = 0.0;
        self.draw(self.played_secs, reading);
    }

    fn redraw(&mut self, played_secs: f64, stamped: &Stamped) {
        let reading = &stamped.reading;
        let head = format!("{}  {}", self.clock(played_secs), words(stamped));
        let widths =
            [|s: &LabelSpace| s.second.chars().count(), |s: &LabelSpace| s.first.chars().count()];
        let [left, right] = widths.map(|of| self.spaces.iter().map(of).max().unwrap_or(0));
        let bars = self.spaces.iter().enumerate().map(|(index, space)| {
            let share = reading.shares().get(index);
            let (second, first, bar) = match share {
                Some(share) => (percent(1.0 - share), percent(*share), bar(*share)),
                None => ("".into(), "".into(), bar(0.5)),
            };
            let is_ambiguous = share.is_some_and(|share| space.is_ambiguous(*share));
            let split = if is_ambiguous { "ambiguous" } else { "" };
            format!(
                "  {:>left$} {second:>5}  {bar}  {first:<5} {:<right$}  {split}",
                space.second, space.first
            )
        });
        let lines: Vec<String> = std::iter::once(head).chain(bars).collect();
        let up = if self.n_lines > 0 { format!("\x1b[{}A", self.n_lines) } else { String::new() };
        let drawn: String = lines.iter().map(|line| format!("{CLEAR_LINE}{line}\n")).collect();
        show(&format!("{up}{drawn}"));
        self.n_lines = lines.len();
    }

    fn line(&self, played_secs: f64, stamped: &Stamped) -> String {
        let shares = self.spaces.iter().zip(stamped.reading.shares()).map(|(space, share)| {
            let (first, second) = (percent(*share), percent(1.0 - share));
            format!("   {} {first} / {} {second}", space.first, space.second)
        });
        let shares: String = shares.collect();
        format!("{}  {}{shares}", self.clock(played_secs), words(stamped))
    }

    fn clock(&self, secs: f64) -> String {
        let clock = |secs: f64| format!("{}:{:02}", secs as u64 / 60, secs as u64 % 60);
        format!("{} / {}", clock(secs), clock(self.total_secs))
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.redraws {
            show(SHOW_CURSOR);
        }
    }
}

/// Shows a text at once. A terminal that is gone, or a pipe that nobody reads any more, is no
/// reason to stop the music.
fn show(text: &str) {
    let mut out = stdout();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What the phase means.
fn words(stamped: &Stamped) -> String {
    let reading = &stamped.reading;
    let lost = match stamped.overrun_samples {
        0 => String::new(),
        n => format!(", {n} samples lost"),
    };
    let state = match reading.phase {
        Phase::Waiting => "waiting for music".to_owned(),
        Phase::Listening => format!("listening {:.0}/10 s, provisional", reading.heard_secs),
        Phase::Live => "live".to_owned(),
        Phase::Silent => "silent, the meter rests".to_owned(),
    };
    state + &lost
}

fn percent(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Both sides of the centre; the one of the leading pole filled as far as it leads.
fn bar(share: f32) -> String {
    let cells = (2.0 * (share - 0.5).abs() * HALF_WIDTH as f32).round() as usize;
    let (full, empty) = ("█".repeat(cells), "·".repeat(HALF_WIDTH - cells));
    let none = "·".repeat(HALF_WIDTH);
    if share < 0.5 { format!("{empty}{full}│{none}") } else { format!("{none}│{full}{empty}") }
}
