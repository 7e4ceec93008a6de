//! Every sentence that the editor shows, in one place, ready for translation.

use std::borrow::Cow;
use std::path::Path;

use super::view::then::KeptView;
use super::view::{Banner, ExportView, Facts, MeterView, RecentView, State};
use crate::export::Format;
use crate::history::compare::Comparison;
use crate::live::{OscState, PageState};
use crate::model::card::{JudgedOn, ModelFacts};
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

/// Title over the model's results.
pub const RESULTS: &str = "Results: how often it is right on songs that it had never heard";
/// Heads of their columns.
pub const RESULT_HEADS: [&str; 5] =
    ["Songs", "Words", "Right (guessing: 50 %)", "19 times in 20", "Always one word"];

/// A row of the results.
#[must_use]
pub fn result_row(row: &JudgedOn) -> [String; 5] {
    let words: Vec<&str> = row.poles.split('/').map(adjective).collect();
    let [low, high] = row.interval;
    [
        format!("{} of {}", row.n_songs, row.songs.to_uppercase()),
        words.join(" or "),
        percent(row.balanced_accuracy),
        format!("{:.0} to {}", 100.0 * low, percent(high)),
        row.majority_accuracy.map_or_else(|| NO_VALUE.to_owned(), percent),
    ]
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

/// What the state line means.
#[must_use]
pub fn state_hint(state: &State) -> &'static str {
    match state {
        State::WaitingForAudio => {
            "No audio has come yet: press play, or look whether the track reaches this plugin"
        }
        State::Loading => "The model is being read from its file; the audio passes meanwhile",
        State::Listening { .. } => {
            "Less than ten seconds of music so far: readings are provisional, and drawn paler"
        }
        State::Live => "The meters speak of the last ten seconds of music",
        State::Silent => {
            "Quieter than what Setup treats as silence: the needles rest where they were"
        }
        State::Paused => "The host calls the plugin no more; the meters keep the last reading",
        State::Held => "The reading on show is kept; the history goes on. H or the button lets go",
        State::Failed => {
            "Reload the plugin to start the analysis again; the banner says what happened"
        }
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
pub const METER_HINT: &str = "Of 100 people, how many would call the last 10 s so. Grey: too close to call. Bracket: where four in five such \
votes lay. Lines: farthest lately. Triangle: the last 4 s alone";
/// What the plane says.
pub const PLANE_HINT: &str = "All meters in one picture, each along its own line: excited is up, joyful to the right. The tail is the recent past";

/// A meter's value for a screen reader.
#[must_use]
pub fn meter_value(meter: &MeterView) -> String {
    match meter.share {
        None => "no reading".to_owned(),
        Some(_) => {
            let undecided = if meter.ambiguous { format!(", {UNDECIDED}") } else { String::new() };
            let share = meter.share.unwrap_or_default();
            format!("{}{}{undecided}{}", self::share(meter, share), band(meter), recent(meter))
        }
    }
}

/// What the newest seconds alone say; nothing where no more than these were heard.
fn recent(meter: &MeterView) -> String {
    let said = |recent: &RecentView| format!("; last 4 s: {}", share(meter, recent.share));
    meter.recent.as_ref().map_or_else(String::new, said)
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

/// The small facts as (name, value, hint).
#[must_use]
pub fn facts(facts: &Facts) -> [(&'static str, String, &'static str); 3] {
    let bpm =
        |bpm: Option<u16>| bpm.map_or_else(|| NO_VALUE.to_owned(), |bpm| format!("{bpm} BPM"));
    let whole = |percent: Option<u8>| {
        percent.map_or_else(|| NO_VALUE.to_owned(), |percent| format!("{percent} %"))
    };
    [
        ("Tempo", bpm(facts.tempo_bpm), TEMPO_HINT),
        (DRUMS_SHARE, whole(facts.percussive_percent), DRUMS_SHARE_HINT),
        ("Analysis CPU", whole(facts.load_percent), LOAD_HINT),
    ]
}

/// The percussive part of the power.
pub const DRUMS_SHARE: &str = "Drums' share of the sound";
const DRUMS_SHARE_HINT: &str =
    "How much of the last ten seconds' power is percussive: drums, plucks, attacks of every kind";
const TEMPO_HINT: &str = "The beat, while it is clear: most readings of the last four seconds agree on it. Page 3 has what each part plays";
const LOAD_HINT: &str =
    "What this instance's analysis takes of one processor core. It never runs in the audio thread";

/// Samples that the analysis missed, since the computer was too busy.
#[must_use]
pub fn lost(samples: u64) -> String {
    format!("{samples} samples missed")
}

/// What that means.
pub const LOST_HINT: &str = "The computer was too busy to analyse these; the audio itself passed untouched. Reset starts the count anew";

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
        "The computer is busy: a reading every {interval_secs:.1} s instead of five a second. No audio is lost. Close other programs \
         or Moodring windows for the full rate."
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
/// What the stage view does with what is pressed.
pub const ON_STAGE_HINT: &str =
    "V changes between meters and colour field; a click, F or Escape comes back";
/// The same in a window of its own.
pub const ON_SCREEN_HINT: &str = if cfg!(target_os = "linux") {
    "V changes between meters and colour field; F or a double click fills the screen, or no longer; Escape closes"
} else {
    "V changes between meters and colour field; Escape closes. Its own frame makes it fill the screen"
};
/// Title of the stage's own window, and the button that opens it.
pub const SCREEN_TITLE: &str = "Moodring stage";
/// See [`SCREEN_TITLE`].
pub const SCREEN: &str = "Full screen";
/// Keeps the reading on show.
pub const HOLD: &str = "Hold";
/// What its tooltip says.
pub const HOLD_HINT: &str = "Keep the reading on show; the history goes on (H)";
/// Forgets the last ten seconds.
pub const RESET: &str = "Reset";
/// What its tooltip says.
pub const RESET_HINT: &str = "Start over: clears the last ten seconds and the range marks (R)";
/// Copies the reading.
pub const COPY: &str = "Copy";
/// Says that it is done.
pub const COPIED: &str = "Copied";
/// What its tooltip says.
pub const COPY_HINT: &str = "Copy the reading as text to the clipboard (C)";

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
pub const CHART_HINT: &str = "Up is towards the upper word, down towards the lower. Scroll to zoom, drag to move, double-click for all";
/// What the coloured strip over the chart is.
pub const SECTIONS: &str = "Parts of the song";
/// The same for whoever asks.
pub const SECTIONS_HINT: &str = "Parts of the song in the colour of their mood, as on the plane: a new one begins where the mood changes for good";
/// Shows all of the history.
pub const SHOW_ALL: &str = "All";
/// What that does.
pub const SHOW_ALL_HINT: &str = "Show the whole history (Home, with the chart in focus)";
/// Zooms in and out.
pub const ZOOM_IN: &str = "Zoom in";
/// What that does.
pub const ZOOM_IN_HINT: &str = "Show less of the history, larger (+, with the chart in focus)";
/// Zooms out.
pub const ZOOM_OUT: &str = "Zoom out";
/// What that does.
pub const ZOOM_OUT_HINT: &str = "Show more of the history (\u{2212}, with the chart in focus)";
/// Follows the newest reading.
pub const FOLLOW: &str = "Follow";
/// What that does.
pub const FOLLOW_HINT: &str =
    "Let the chart end at the newest reading again (End, with the chart in focus)";
/// Forgets the history.
pub const CLEAR: &str = "Clear";
/// Asks whether that is meant.
pub const CLEAR_SURELY: &str = "Clear all of it?";
/// What its tooltip says.
pub const CLEAR_HINT: &str =
    "Forget the history of the song, after a second press. Export it first to keep it";
/// Writes the history to a file.
pub const EXPORT: &str = "Export";
/// What that does.
pub const EXPORT_HINT: &str = "Write the history to a file: a table, for programs, or a picture";
/// Ends the writing of a file.
pub const CANCEL: &str = "Cancel";
/// What is under way then.
pub const WRITING_HINT: &str = "The history is being written to the file that you chose";
/// What that does to a file that is being written.
pub const CANCEL_EXPORT_HINT: &str = "Stop writing; what was there before stays";
/// What that does to a file dialog.
pub const CANCEL_PICK_HINT: &str = "Back without choosing (Escape)";
/// What a file dialog's other button does.
pub const CHOOSE_HINT: &str = "Take this file (Enter, or a double click on its name)";
/// What the names in a file dialog do.
pub const ENTRY_HINT: &str =
    "A click chooses a file or opens a folder; a double click takes the file";
/// Goes on with what was chosen.
pub const OPEN: &str = "Open";
/// Writes to the file that was named.
pub const SAVE: &str = "Save";
/// The folder above.
pub const UP: &str = "Folder above";
/// What that does.
pub const UP_HINT: &str = "Show the folder above this one";
/// The folder in a file dialog.
pub const FOLDER: &str = "Folder";
/// What that is.
pub const FOLDER_HINT: &str = "The folder on show: type another and press Enter";
/// The file's name in a file dialog.
pub const FILE_NAME: &str = "File name";
/// What that is.
pub const FILE_NAME_HINT: &str = "The file's name: type one, or click one above";

/// Buttons that keep the last minute, to compare it with another.
pub const KEEP: [&str; 2] = ["Keep as A", "Keep as B"];
/// What they are for.
pub const KEEP_HINT: &str = "Keeps the last minute. Change your mix, replay the passage and keep the other: you see what changed, and whether it is more than noise";
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
    let facts = facts.iter().take(2).map(|(name, value, _)| format!("{name}: {value}"));
    meters.chain(facts).collect::<Vec<_>>().join("\n")
}

/// Title over the pushes, and what they are.
pub const PUSHES: &str = "What moved the needle";
/// How they are found out.
pub const PUSHES_HINT: &str = "How far the share would move back if that side of the music were like that of an average song. Sides work together: pushes do not add up";
/// Before any are known.
pub const NO_PUSHES: &str = "Appears once music plays";
/// Title over the chroma.
pub const CHROMA: &str = "Notes";
/// What the wheel of notes is.
pub const CHROMA_HINT: &str = "How strong each note is in the last ten seconds, drums left out. The three strongest have bright names";
/// Title over the tempi.
pub const TEMPI: &str = "Tempo and balance";
/// What the bars beside the tempi are.
pub const TEMPI_HINT: &str = "Tempo of melody and drums as read, and how clearly it repeats; the drums' part of the power, and the level of both";
/// Names of both parts' tempi.
pub const PART_TEMPI: [&str; 2] = ["Melody", "Drums"];
/// The percussive part of the power, where there is little room.
pub const DRUMS_PART: &str = "Drums' share";
/// The power of both parts.
pub const LEVELS: &str = "Levels";

/// The levels of both parts, whole dB re full scale.
#[must_use]
pub fn levels([harmonic, percussive]: [i16; 2]) -> String {
    format!("melody {harmonic}, drums {percussive} dB").replace('-', "\u{2212}")
}

/// The same where there is little room, in that order.
#[must_use]
pub fn levels_short([harmonic, percussive]: [i16; 2]) -> String {
    format!("{harmonic} / {percussive} dB").replace('-', "\u{2212}")
}

/// How clearly a tempo is heard.
#[must_use]
pub fn clear(percent: u8) -> String {
    format!("{percent} % clear")
}

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
        Group::Percussion => "Drum sound",
    }
}

/// A push towards a pole: `+4 % joy`.
#[must_use]
pub fn push(first: &str, second: &str, push: f32) -> String {
    let (pole, size) = if push >= 0.0 { (first, push) } else { (second, -push) };
    if size < 0.005 { NO_VALUE.to_owned() } else { format!("{:.0} % {pole}", 100.0 * size) }
}

/// What is set by each setting, and what to expect of it.
pub mod hints {
    /// See the module.
    pub const RESPONSE: &str = "How quickly needles follow: DJ within 0.3 s of the reading, Mix within 0.7 s, Slow as the mean of a phrase";
    /// See the module.
    pub const GATE: &str = "Music with less power counts as silence, and the needles rest. \u{2212}70 dB suits finished music";
    /// See the module.
    pub const AUTO_RESET: &str = "Forget what was heard when the transport starts or jumps, so that no reading mixes two places";
    /// See the module.
    pub const PALETTE: &str = "Dark and light, and two whose poles stay apart for whoever tells red from green, or blue from yellow, badly";
    /// See the module.
    pub const MOTION: &str = "Needles jump from reading to reading: nothing glides, nothing trails";
    /// See the module.
    pub const STAGE: &str = "What the stage view shows: words with meters, or the colour of the mood (V changes it there)";
    /// See the module.
    pub const SCREEN: &str = "The stage on the whole screen, in a window of its own, for as long as this one is open (W)";
    /// See the module.
    pub const PULSE: &str = "The edges of the stage swell with the host's beat while it plays, never more than three times a second";
    /// See the module.
    pub const MODEL: &str =
        "Read by a model of your own: an .onnx file with its .json card beside it";
    /// See the module.
    pub const SHIPPED: &str = "Read by the model that comes with the plugin again";
    /// See the module.
    pub const SPACES: &str =
        "Which pairs of words are shown, in every page and on the stage; the last one stays";
    /// See the module.
    pub const OUTPUTS: &str = "Files, OSC and a page for browsers, while the music plays (6)";
    /// See the module.
    pub const CHOOSE_OUTPUT: &str =
        "Write every reading to a file, from now on, also while this window is closed";
    /// See the module.
    pub const STOP_OUTPUT: &str = "Write no more readings; the file stays as it is";
    /// See the module.
    pub const OSC_ON: &str = "Send what the meters show as numbers to lights and visuals, also while this window is closed; docs/outputs.md has every address";
    /// See the module.
    pub const OSC_TARGETS: &str =
        "Who is sent to, as host:port, several with commas between them; press Enter to take it";
    /// See the module.
    pub const OSC_PRESET: &str =
        "Add a program on this machine, at the port where it listens by default";
    /// See the module.
    pub const OSC_PREFIX: &str =
        "What every address begins with: give each deck one of its own, such as /deck/1";
    /// See the module.
    pub const OSC_RATE: &str = "How often what has changed is sent; everything is sent again once a second. A reading comes every 0.19 s";
    /// See the module.
    pub const OSC_LISTENS: &str = "Obey /reset, /hold 0 or 1, /snapshot 0 or 1 and /hello, each after the prefix, at this port";
    /// See the module.
    pub const OSC_PORT: &str = "The port at which commands are heard";
    /// See the module.
    pub const OSC_PUBLIC: &str =
        "Obey and answer whoever can reach this machine, not only programs on it";
    /// See the module.
    pub const OSC_QUERY: &str = "VDMX, Chataigne, ossia score and others list every value by themselves, and listen to those they use";
    /// See the module.
    pub const OSC_QUERY_PORT: &str = "The port at which the values are listed";
    /// See the module.
    pub const PAGE_ON: &str = "A page with the meters on a transparent ground, for OBS as a browser source; docs/outputs.md has its views and its WebSocket";
    /// See the module.
    pub const PAGE_PORT: &str = "The port of the page's address";
    /// See the module.
    pub const PAGE_PUBLIC: &str =
        "Whoever can reach this machine may look, not only browsers on it";
    /// See the module.
    pub const PAGE_OPEN: &str = "Open the page in this machine's browser";
    /// See the module.
    pub const BACK_TO_SETUP: &str = "Back to everything else that can be set (4)";
    /// What the cards of readings over time are.
    pub const MEANS: [&str; 3] = [
        "What the needles show now",
        "The mean of the last minute that was heard",
        "The mean of everything that the history holds",
    ];
    /// A format of an export.
    pub const EXPORT: [&str; 3] = [
        "A row per half second, for spreadsheets",
        "The same as JSON, with the model's name and the parts of the song",
        "The chart as a picture to print or post",
    ];
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
pub const SETTING_PULSE: &str = "Pulse with the host's beat";
/// See [`SETTING_RESPONSE`].
pub const SETTING_MODEL: &str = "Model";
/// See [`SETTING_RESPONSE`].
pub const SETTING_SPACES: &str = "Meters shown";
/// See [`SETTING_RESPONSE`].
pub const SETTING_VERSION: &str = "Version";
/// Which release this is.
pub const VERSION: &str = concat!("Moodring ", env!("CARGO_PKG_VERSION"));
/// Chooses a model.
pub const CHOOSE_MODEL: &str = "Choose a file …";
/// Goes back to the shipped model.
pub const SHIPPED_MODEL: &str = "Use the shipped one";

/// See [`SETTING_RESPONSE`].
pub const SETTING_OUTPUTS: &str = "Outputs";
/// Opens the page of the outputs.
pub const SHOW_OUTPUTS: &str = "Choose …";
/// Goes back to the page of settings.
pub const BACK_TO_SETUP: &str = "Setup";

/// Which outputs are on, by the names of their kinds.
#[must_use]
pub fn outputs_on(names: &[&str]) -> String {
    if names.is_empty() { "off".to_owned() } else { names.join(", ") }
}

/// What the outputs are.
pub const OUTPUTS_HINT: &str = "To files and to other programs, while the music plays and also while this window is closed. What is set here is kept with the project.";
/// What is sent live.
pub const OSC: &str = "OSC";
/// See [`OSC`].
pub const OSC_HELP: &str = "the mood as numbers, for lights and visuals";
/// See [`OSC`].
pub const OSC_ON: &str = "Send";
/// See [`OSC`].
pub const OSC_TARGETS: &str = "Receivers";
/// See [`OSC`].
pub const OSC_PREFIX: &str = "Addresses begin with";
/// See [`OSC`].
pub const OSC_RATE: &str = "How often";
/// See [`OSC`].
pub const OSC_COMMANDS: &str = "Commands";
/// See [`OSC`].
pub const OSC_LISTENS: &str = "Obey at port";
/// See [`OSC`].
pub const OSC_PUBLIC: &str = "other machines, too";
/// See [`OSC`].
pub const OSC_QUERY: &str = "OSCQuery";
/// See [`OSC`].
pub const OSC_QUERIED: &str = "Let programs find the values at port";

/// The page for browsers.
pub const PAGE: &str = "Live page";
/// See [`PAGE`].
pub const PAGE_HELP: &str = "the meters in a browser, for OBS and sketches";
/// See [`PAGE`].
pub const PAGE_ON: &str = "Show";
/// See [`PAGE`].
pub const PAGE_PORT: &str = "At port";
/// See [`PAGE`].
pub const PAGE_PUBLIC: &str = "to other machines, too";
/// See [`PAGE`].
pub const PAGE_OPEN: &str = "Open it";

/// Where the page is, and how many look at it.
#[must_use]
pub fn page_shown(state: &PageState) -> String {
    let url = state.settings.url();
    match state.n_viewers {
        0 => format!("{url}, nobody looks"),
        1 => format!("{url}, 1 browser looks"),
        n => format!("{url}, {n} browsers look"),
    }
}

/// How often something is sent.
#[must_use]
pub fn osc_rate(rate_hz: u8) -> String {
    if rate_hz == 0 { "with every reading".to_owned() } else { format!("{rate_hz} a second") }
}

/// How much was sent and heard.
#[must_use]
pub fn osc_sent(state: &OscState) -> String {
    let counted = |n: u64, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let mut text = format!("{} sent", counted(state.n_sent, "packet", "packets"));
    if state.settings.listens {
        text += &format!(", {} heard", counted(state.n_heard, "command", "commands"));
    }
    if state.settings.is_queried {
        text += &format!(
            ", {} to OSCQuery",
            counted(state.n_listeners as u64, "listener", "listeners")
        );
    }
    if state.n_foreign > 0 {
        text += &format!(", {} not understood", state.n_foreign);
    }
    text
}

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
