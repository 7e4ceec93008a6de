//! Every sentence that the editor shows, in one place, ready for translation.

use std::borrow::Cow;
use std::path::Path;

use super::view::then::KeptView;
use super::view::{Banner, ExportView, Facts, MeterView, State};
use crate::export::Format;
use crate::history::compare::Comparison;
use crate::model::card::ModelFacts;
use crate::model::space::{adjective, in_words};
use crate::params::Response;
use crate::prefs::PaletteChoice;
use crate::prefs::{Page, StageLook};
use crate::units;
use crate::why::Group;

/// The product's name.
pub const PRODUCT: &str = "Moodring";

/// Stands where a value has no meaning now.
pub const NO_VALUE: &str = "–";

/// Title of the page on the model.
#[must_use]
pub fn about_title(model: &ModelFacts) -> String {
    format!("The model: {}", self::model(model))
}

/// The state line.
#[must_use]
pub fn state(state: &State) -> String {
    match state {
        State::WaitingForAudio => "Waiting for audio: press play".to_owned(),
        State::Loading => "Loading the model …".to_owned(),
        State::Listening { heard_secs, of_secs } => {
            format!("Listening {heard_secs} of {of_secs} s — provisional")
        }
        State::Live => "Live".to_owned(),
        State::Silent => "Silent — the meter rests".to_owned(),
        State::Paused => "Paused: the host sends no audio".to_owned(),
        State::Held => "Held: press H to go on".to_owned(),
        State::Failed => "Analysis stopped \u{2013} your audio is not affected".to_owned(),
    }
}

/// The same, where there is little room.
#[must_use]
pub fn state_short(state: &State) -> String {
    match state {
        State::WaitingForAudio => "Press play".to_owned(),
        State::Loading => "Loading …".to_owned(),
        State::Listening { heard_secs, of_secs } => format!("Listening {heard_secs}/{of_secs} s"),
        State::Live => "Live".to_owned(),
        State::Silent => "Silent".to_owned(),
        State::Paused => "Paused".to_owned(),
        State::Held => "Held".to_owned(),
        State::Failed => "Stopped".to_owned(),
    }
}

/// A share as a whole percentage, as the meter shows it large.
#[must_use]
pub fn percent(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// What is said of a share that is too near an even vote to name a winner.
pub const UNDECIDED: &str = "too close to call";

/// The large line of a meter: how much the winner has, or towards whom an undecided vote leans.
#[must_use]
pub fn number(meter: &MeterView) -> String {
    match meter.share {
        None => NO_VALUE.to_owned(),
        Some(share) if meter.ambiguous => self::share(meter, share),
        Some(_) => percent(meter.leading_share()),
    }
}

/// What stands under it: who leads, or that nobody does.
#[must_use]
pub fn verdict(meter: &MeterView) -> &str {
    match meter.share {
        None => "",
        Some(_) if meter.ambiguous => UNDECIDED,
        Some(_) => meter.leading(),
    }
}

/// A meter's name for a screen reader.
#[must_use]
pub fn meter_name(meter: &MeterView) -> String {
    format!("{} or {}", meter.first, meter.second)
}

/// What a meter says, for whoever sees one for the first time.
pub const METER_HINT: &str = "How many of a hundred people would call the last ten seconds so. Grey around the middle: too close to call. \
The bracket: where people's own votes lay, four times in five, for music that read like this. Thin marks: how far the needle has been lately";
/// What the plane says.
pub const PLANE_HINT: &str =
    "All pairs of words at once, each along its own line; the tail is where the mood has just been";

/// A meter's value for a screen reader.
#[must_use]
pub fn meter_value(meter: &MeterView) -> String {
    match meter.share {
        None => "no reading".to_owned(),
        Some(_) => {
            let undecided = if meter.ambiguous { format!(", {UNDECIDED}") } else { String::new() };
            let share = meter.share.unwrap_or_default();
            format!("{}{}{undecided}", self::share(meter, share), band(meter))
        }
    }
}

/// Between which shares of the leading pole listeners would vote, four times in five; nothing where
/// the model does not say.
fn band(meter: &MeterView) -> String {
    match meter.leading_band() {
        Some([low, high]) if low < high => {
            format!(", listeners between {:.0} and {}", 100.0 * low, percent(high))
        }
        _ => String::new(),
    }
}

/// The small facts as (name, value).
#[must_use]
pub fn facts(facts: &Facts) -> [(&'static str, String); 3] {
    let bpm =
        |bpm: Option<u16>| bpm.map_or_else(|| NO_VALUE.to_owned(), |bpm| format!("{bpm} BPM"));
    let whole = |percent: Option<u8>| {
        percent.map_or_else(|| NO_VALUE.to_owned(), |percent| format!("{percent} %"))
    };
    [
        ("Tempo", bpm(facts.tempo_bpm)),
        ("Drums' share of the sound", whole(facts.percussive_percent)),
        ("Analysis CPU", whole(facts.load_percent)),
    ]
}

/// Samples that the analysis missed, since the computer was too busy.
#[must_use]
pub fn lost(samples: u64) -> String {
    format!("{samples} samples missed")
}

/// What a banner says.
#[must_use]
pub fn banner(banner: &Banner) -> Cow<'_, str> {
    match banner {
        Banner::Failed(text) | Banner::FallenBack(text) | Banner::Trouble(text) => text.into(),
        Banner::Busy(interval_secs) => busy(*interval_secs).into(),
    }
}

/// Why readings come less often than they should.
#[must_use]
fn busy(interval_secs: f32) -> String {
    format!(
        "The computer is busy: a reading every {interval_secs:.1} s instead of five a second. Nothing is missed; close other programs \
         or instances for more."
    )
}

/// Name of a page on its tab, and what its tooltip says.
#[must_use]
pub fn page(page: Page) -> (&'static str, &'static str) {
    match page {
        Page::Now => ("Now", "The mood of the last ten seconds (1)"),
        Page::Then => ("Then", "The history of the song (2)"),
        Page::Why => ("Why", "What the reading rests on (3)"),
        Page::Setup => ("Setup", "Everything that can be set (4)"),
        Page::Outputs => ("Outputs", "Where readings are written (6)"),
        Page::About => ("i", "About the model (5)"),
    }
}

/// Name of a page for a screen reader.
#[must_use]
pub fn page_name(of: Page) -> &'static str {
    match of {
        Page::About => "About the model",
        of => page(of).0,
    }
}

/// The stage view's button.
pub const STAGE: &str = "Stage view";
/// What its tooltip says.
pub const STAGE_HINT: &str = "The mood in full size, readable from afar (F); Escape comes back";
/// Keeps the reading on show.
pub const HOLD: &str = "Hold";
/// What its tooltip says.
pub const HOLD_HINT: &str = "Keep the reading on show; the history goes on (H)";
/// Forgets the last ten seconds.
pub const RESET: &str = "Reset";
/// What its tooltip says.
pub const RESET_HINT: &str = "Forget the last ten seconds and the peaks (R)";
/// Copies the reading.
pub const COPY: &str = "Copy";
/// Says that it is done.
pub const COPIED: &str = "Copied";
/// What its tooltip says.
pub const COPY_HINT: &str = "Copy the reading as text (C)";

/// Names of the readings over time.
pub const MEANS: [&str; 3] = ["now", "last minute", "whole song"];
/// The same for a host without a timeline.
pub const MEANS_HEARD: [&str; 3] = ["now", "last minute", "all heard"];

/// Nothing has been recorded yet.
pub const NO_HISTORY: &str =
    "Nothing heard yet. Press play: the mood is drawn here as the song goes on.";
/// The chart, for a screen reader.
pub const CHART: &str = "History of the mood";
/// What can be done with the chart.
pub const CHART_HINT: &str = "Scroll to zoom, drag to move, double-click for all";
/// Shows all of the history.
pub const SHOW_ALL: &str = "All";
/// Zooms in and out.
pub const ZOOM_IN: &str = "Zoom in";
/// Zooms out.
pub const ZOOM_OUT: &str = "Zoom out";
/// Follows the newest reading.
pub const FOLLOW: &str = "Follow";
/// Forgets the history.
pub const CLEAR: &str = "Clear";
/// Asks whether that is meant.
pub const CLEAR_SURELY: &str = "Clear all of it?";
/// What its tooltip says.
pub const CLEAR_HINT: &str = "Forget the history of the song";
/// Writes the history to a file.
pub const EXPORT: &str = "Export";
/// Ends the writing of a file.
pub const CANCEL: &str = "Cancel";
/// Goes on with what was chosen.
pub const OPEN: &str = "Open";
/// Writes to the file that was named.
pub const SAVE: &str = "Save";
/// The folder above.
pub const UP: &str = "Folder above";
/// The folder in a file dialog.
pub const FOLDER: &str = "Folder";
/// The file's name in a file dialog.
pub const FILE_NAME: &str = "File name";

/// Buttons that keep the last minute, to compare it with another.
pub const KEEP: [&str; 2] = ["Keep as A", "Keep as B"];
/// What they are for.
pub const KEEP_HINT: &str = "Keep the last minute. Change something, play the passage again and keep the other: the difference is told, and whether it is real";
/// Before both are kept.
pub const COMPARE_HINT: &str =
    "Keep the last minute as A, change the mix, play it again and keep it as B.";

/// What changed from A to B in the label space of these poles.
#[must_use]
pub fn comparison(first: &str, second: &str, found: &Comparison) -> String {
    let Comparison { difference, share, error, is_paired, secs } = *found;
    let over = if is_paired {
        format!("over the same {secs:.0} s")
    } else {
        format!("means of {secs:.0} s, the passages differ")
    };
    // In points of the axis, counted towards the side on which B stands; two standard errors:
    // nineteen times in twenty the truth is within.
    let doubt = 200.0 * error;
    if found.is_real() {
        let (side, sign) = if share >= 0.5 { (first, 1.0) } else { (second, -1.0) };
        let points = format!("{:+.0}", sign * 100.0 * difference).replace('-', "\u{2212}");
        format!("B: {side} {points} points (± {doubt:.0}), {over}")
    } else {
        format!("{}/{second}: no clear difference (± {doubt:.0} points), {over}", upper(first))
    }
}

/// What is kept as `name`: from when to when, and how it reads.
#[must_use]
pub fn kept(name: &str, meters: &[MeterView], kept: &KeptView) -> String {
    let (from, to) = kept.span_secs;
    let span = std::iter::once(format!("{}\u{2013}{}", clock(from), clock(to)));
    let parts: Vec<String> = span.chain(shares(meters, &kept.shares)).collect();
    format!("{name}: {}", parts.join(", "))
}

/// What to do next where only one stretch is kept, or nothing was heard between the two.
#[must_use]
pub fn keep_the_other(which: usize) -> String {
    format!("Replay the passage, then keep {}.", if which == 0 { "B" } else { "A" })
}

/// A word at the beginning of a sentence.
fn upper(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A format of an export.
#[must_use]
pub fn format(format: Format) -> &'static str {
    match format {
        Format::Csv => "CSV: a table",
        Format::Json => "JSON: for programs",
        Format::Png => "PNG: a picture",
    }
}

/// How an export is getting on.
#[must_use]
pub fn export(export: &ExportView) -> String {
    match export {
        ExportView::Writing(percent) => format!("Writing: {percent} %"),
        ExportView::Done(Ok(path)) => format!("Written: {}", path.display()),
        ExportView::Done(Err(why)) => why.clone(),
    }
}

/// A place in a song or in what was heard: minutes and seconds.
#[must_use]
pub fn clock(secs: f64) -> String {
    // The second that has begun.
    units::clock(secs.floor())
}

/// The share of one pair of words, short: that of who leads, or towards whom an undecided vote
/// leans.
#[must_use]
pub fn share(meter: &MeterView, share: f32) -> String {
    in_words(meter.leading_at(share), share.max(1.0 - share), meter.is_undecided(share))
}

/// The larger of both poles' shares alone, where there is no room for its name.
#[must_use]
pub fn leading_percent(share: f32) -> String {
    percent(share.max(1.0 - share))
}

/// `shares`, one per label space, as far as these meters show them.
pub fn shares(meters: &[MeterView], shares: &[f32]) -> impl Iterator<Item = String> {
    meters.iter().filter_map(|meter| Some(share(meter, *shares.get(meter.index)?)))
}

/// The plane, for a screen reader.
#[must_use]
pub fn plane(meters: &[MeterView]) -> String {
    let parts: Vec<String> = meters.iter().map(meter_value).collect();
    format!("Plane of moods: {}", parts.join(", "))
}

/// The reading as text, for the clipboard.
#[must_use]
pub fn reading(meters: &[MeterView], facts: &Facts) -> String {
    let meters =
        meters.iter().map(|meter| format!("{}: {}", meter_name(meter), meter_value(meter)));
    let facts = self::facts(facts);
    let facts = facts.iter().take(2).map(|(name, value)| format!("{name}: {value}"));
    meters.chain(facts).collect::<Vec<_>>().join("\n")
}

/// Title over the pushes, and what they are.
pub const PUSHES: &str = "What moved the needle";
/// How they are found out.
pub const PUSHES_HINT: &str = "How far the share would move back if that side of the music were as in the average song. Sides work together, so pushes do not add up";
/// Before any are known.
pub const NO_PUSHES: &str = "Comes with the music";
/// Title over the chroma.
pub const CHROMA: &str = "Notes";
/// Title over the tempi.
pub const TEMPI: &str = "Tempo and balance";
/// What the bars beside the tempi are.
pub const TEMPI_HINT: &str = "Tempo of the melody and of the drums, and how clearly it is heard; the power of both, and the drums' part of it";
/// Title over the balance of both parts.
pub const BALANCE: &str = "Balance";
/// Names of the two parts.
pub const PARTS: [&str; 2] = ["Melody", "Drums"];
/// Names of the pitch classes.
pub const PITCH_CLASSES: [&str; 12] =
    ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// A side of the music.
#[must_use]
pub fn group(group: Group) -> &'static str {
    match group {
        Group::Harmony => "Harmony",
        Group::Pulse => "Pulse",
        Group::Colour => "Sound colour",
        Group::Dynamics => "Dynamics",
        Group::Percussion => "Percussion",
    }
}

/// A push towards a pole: `+4 % joy`.
#[must_use]
pub fn push(first: &str, second: &str, push: f32) -> String {
    let (pole, size) = if push >= 0.0 { (first, push) } else { (second, -push) };
    if size < 0.005 { NO_VALUE.to_owned() } else { format!("{:.0} % {pole}", 100.0 * size) }
}

/// A tempo and how clear it is.
#[must_use]
pub fn tempo(tempo: Option<(u16, u8)>) -> String {
    tempo.map_or_else(|| NO_VALUE.to_owned(), |(bpm, clear)| format!("{bpm} BPM, {clear} % clear"))
}

/// Names of settings.
pub const SETTING_RESPONSE: &str = "Response";
/// See [`SETTING_RESPONSE`].
pub const SETTING_AUTO_RESET: &str = "Start over when playback starts or jumps";
/// See [`SETTING_RESPONSE`].
pub const SETTING_GATE: &str = "Treat as silence below";
/// See [`SETTING_RESPONSE`].
pub const SETTING_PALETTE: &str = "Colours";
/// See [`SETTING_RESPONSE`].
pub const SETTING_MOTION: &str = "Reduce motion";
/// See [`SETTING_RESPONSE`].
pub const SETTING_STAGE: &str = "Stage view";
/// See [`SETTING_RESPONSE`].
pub const SETTING_MODEL: &str = "Model";
/// See [`SETTING_RESPONSE`].
pub const SETTING_SPACES: &str = "Show";
/// See [`SETTING_RESPONSE`].
pub const SETTING_VERSION: &str = "Version";
/// Which release this is.
pub const VERSION: &str = concat!("Moodring ", env!("CARGO_PKG_VERSION"));
/// Chooses a model.
pub const CHOOSE_MODEL: &str = "Choose a file …";
/// Goes back to the shipped model.
pub const SHIPPED_MODEL: &str = "Use the shipped one";

/// See [`SETTING_RESPONSE`].
pub const SETTING_OUTPUTS: &str = "Readings";
/// Opens the page of the outputs.
pub const SHOW_OUTPUTS: &str = "Outputs …";
/// Goes back to the page of settings.
pub const BACK_TO_SETUP: &str = "Setup";

/// Which outputs are on, by the names of their kinds.
#[must_use]
pub fn outputs_on(names: &[&str]) -> String {
    if names.is_empty() {
        "not written".to_owned()
    } else {
        format!("written as {}", names.join(" and "))
    }
}

/// What the outputs are.
pub const OUTPUTS_HINT: &str = "Every reading goes to these files while the music plays, also while this window is closed. Which they are is kept with the project.";
/// What an output is called that is off.
pub const OUTPUT_OFF: &str = "Off";
/// A button.
pub const CHOOSE_OUTPUT: &str = "Write to a file …";
/// A button.
pub const STOP_OUTPUT: &str = "Stop";

/// How many readings are in a file, and how many are missing from it.
#[must_use]
pub fn written(written: u64, missed: u64) -> String {
    let readings = |n: u64| if n == 1 { "1 reading".to_owned() } else { format!("{n} readings") };
    match missed {
        0 => format!("{} written", readings(written)),
        missed => format!("{} written, {} missing", readings(written), readings(missed)),
    }
}

/// A response.
#[must_use]
pub fn response(response: Response) -> &'static str {
    match response {
        Response::Dj => "DJ (fast)",
        Response::Mix => "Mix",
        Response::Slow => "Slow",
    }
}

/// The model in charge, by name and version.
#[must_use]
pub fn model(model: &ModelFacts) -> String {
    format!("{} {}", model.name, model.version).trim().to_owned()
}

/// A pair of words.
#[must_use]
pub fn space(first: &str, second: &str) -> String {
    format!("{} – {}", adjective(first), adjective(second))
}

/// A palette.
#[must_use]
pub fn palette(choice: PaletteChoice) -> &'static str {
    match choice {
        PaletteChoice::Dark => "Dark",
        PaletteChoice::Light => "Light",
        PaletteChoice::RedGreenSafe => "Red–green safe",
        PaletteChoice::BlueYellowSafe => "Blue–yellow safe",
    }
}

/// A look of the stage view.
#[must_use]
pub fn stage_look(look: StageLook) -> &'static str {
    match look {
        StageLook::Meter => "Meters",
        StageLook::Field => "Colour field",
    }
}

/// Title of a file dialog that looks for a model.
pub const PICK_MODEL: &str = "Choose a model: an .onnx file with its .json card beside it";
/// Title of a file dialog that asks where to write every reading.
pub const PICK_READINGS: &str =
    "Write every reading to a CSV file; what an earlier run wrote there stays";
/// Title of a file dialog that asks where to write.
pub const PICK_EXPORT: &str = "Export the history";

/// A folder that cannot be read.
#[must_use]
pub fn unreadable(folder: &Path, why: &std::io::Error) -> String {
    format!("{} cannot be read ({why}). Choose another folder.", folder.display())
}

/// Where the pointer is in the chart: a time and what was read there.
#[must_use]
pub fn point(secs: f64, shares: impl Iterator<Item = String>) -> String {
    std::iter::once(clock(secs)).chain(shares).collect::<Vec<_>>().join("  ·  ")
}
