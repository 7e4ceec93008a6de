//! Every sentence that the editor shows, in one place, ready for translation.

use super::view::{Facts, MeterView, State};
use crate::model::card::ModelFacts;

/// The product's name.
pub const PRODUCT: &str = "Moodring";

/// Name of the button that opens the page on the model.
pub const ABOUT_BUTTON: &str = "About the model";

/// Stands where a value has no meaning now.
pub const NO_VALUE: &str = "–";

/// Title of the page on the model.
#[must_use]
pub fn about_title(model: &ModelFacts) -> String {
    format!("The model: {} {}", model.name, model.version).trim_end().to_owned()
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
        State::Failed => "Stopped: your audio passes untouched".to_owned(),
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
        State::Failed => "Stopped".to_owned(),
    }
}

/// A share as a whole percentage, as the meter shows it large.
#[must_use]
pub fn percent(share: f32) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// What stands under the number of a meter: who leads, or why nobody does.
#[must_use]
pub fn verdict(meter: &MeterView) -> &str {
    match meter.share {
        None => "",
        Some(_) if meter.ambiguous => "ambiguous: too near to call",
        Some(_) => meter.leading(),
    }
}

/// A meter's name for a screen reader.
#[must_use]
pub fn meter_name(meter: &MeterView) -> String {
    format!("{} or {}", meter.first, meter.second)
}

/// A meter's value for a screen reader.
#[must_use]
pub fn meter_value(meter: &MeterView) -> String {
    match meter.share {
        None => "no reading".to_owned(),
        Some(_) => {
            let ambiguous = if meter.ambiguous { ", ambiguous: too near to call" } else { "" };
            let leading = format!("{} {}", percent(meter.leading_share()), meter.leading());
            format!("{leading}{}{ambiguous}", band(meter))
        }
    }
}

/// Between which shares of the leading pole listeners would vote, four times in five; nothing where the model does not say.
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
pub fn facts(facts: &Facts) -> [(&'static str, String); 4] {
    let bpm =
        |bpm: Option<u16>| bpm.map_or_else(|| NO_VALUE.to_owned(), |bpm| format!("{bpm} BPM"));
    let whole = |percent: Option<u8>| {
        percent.map_or_else(|| NO_VALUE.to_owned(), |percent| format!("{percent} %"))
    };
    [
        ("Melody", bpm(facts.tempo_harmonic_bpm)),
        ("Drums", bpm(facts.tempo_percussive_bpm)),
        ("Percussive", whole(facts.percussive_percent)),
        ("Core in use", whole(facts.load_percent)),
    ]
}

/// Samples that the analysis missed, since the computer was too busy.
#[must_use]
pub fn lost(samples: u64) -> String {
    format!("{samples} samples missed")
}

/// Why readings come less often than they should.
#[must_use]
pub fn busy(interval_secs: f32) -> String {
    format!(
        "The computer is busy: a reading every {interval_secs:.1} s instead of five a second. Nothing is missed; close other programs \
         or instances for more."
    )
}
