//! Values as JSON, for pages and sketches.

use std::fmt::Write as _;

use super::values::{LiveState, Values};
use crate::model::card::ModelFacts;
use crate::model::space::adjective;
use crate::outputs::cell::json_text;

/// Everything at a moment, as one line. Written as text and not by way of a tree: it is made thirty
/// times a second.
pub(super) fn values(model: &ModelFacts, values: &Values) -> String {
    let state = match values.state {
        LiveState::Silent => "silent",
        LiveState::Listening => "listening",
        LiveState::Live => "live",
        LiveState::Held => "held",
    };
    let mut text = String::with_capacity(1024);
    // To write to a text cannot fail.
    let _ = write!(text, r#"{{"state":"{state}","pairs":["#);
    let spaces = model.spaces.iter().zip(&values.pairs).take(values.n_pairs);
    for (index, (space, pair)) in spaces.enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let [name, first, second] =
            [&*space.first, adjective(&space.first), adjective(&space.second)].map(json_text);
        let _ = write!(
            text,
            r#"{comma}{{"name":{name},"first":{first},"second":{second},"needle":{:.4},"raw":{:.4},"low":{:.4},"high":{:.4},"trend":{:.4},"sure":{}}}"#,
            pair.needle, pair.raw, pair.low, pair.high, pair.trend, pair.is_sure
        );
    }
    let beat = values.beat.map_or("null".to_owned(), |beat| format!("{beat:.4}"));
    let Values { quadrant, section, tempo_bpm, .. } = values;
    let _ = write!(
        text,
        r#"],"quadrant":{quadrant},"section":{section},"colour":{:.4?},"tempo":{tempo_bpm:.2},"beat":{beat},"energy":{{"harmonic":{:.4},"percussive":{:.4}}},"chroma":{:.4?}}}"#,
        values.colour, values.energy[0], values.energy[1], values.chroma
    );
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::shipped_facts;

    #[test]
    fn values_are_one_line_of_json() {
        let mut all = Values { n_pairs: 2, quadrant: 2, section: 3, ..Values::default() };
        (all.colour, all.tempo_bpm, all.beat) = ([0.5, 0.25, 1.0], 124.5, Some(0.75));
        all.pairs[1].needle = 0.125;
        let text = values(&shipped_facts(), &all);
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["pairs"][1]["needle"], 0.125);
        assert_eq!(read["pairs"][1]["first"], "joyful");
        assert_eq!(read["pairs"][1]["name"], "joy");
        assert_eq!(read["colour"], serde_json::json!([0.5, 0.25, 1.0]));
        assert_eq!((&read["beat"], &read["tempo"]), (&0.75.into(), &124.5.into()));
        assert_eq!(read["chroma"].as_array().unwrap().len(), 12);
        let none = values(&shipped_facts(), &Values::default());
        let read: Value = serde_json::from_str(&none).unwrap();
        assert!(read["beat"].is_null() && read["state"] == "silent", "{none}");
    }
}
