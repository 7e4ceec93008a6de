//! Values as JSON, for pages and sketches.

use serde_json::{Value, json};

use super::values::{LiveState, Values};
use crate::model::card::ModelFacts;
use crate::model::space::adjective;

/// Everything at a moment, as one line.
pub(super) fn values(model: &ModelFacts, values: &Values) -> String {
    let rounded = |number: f32| (f64::from(number) * 1e4).round() / 1e4;
    let pair = |(space, pair): (&crate::model::space::LabelSpace, &super::values::Pair)| {
        json!({
            "name": space.first,
            "first": adjective(&space.first),
            "second": adjective(&space.second),
            "needle": rounded(pair.needle),
            "raw": rounded(pair.raw),
            "low": rounded(pair.low),
            "high": rounded(pair.high),
            "trend": rounded(pair.trend),
            "sure": pair.is_sure,
        })
    };
    let spaces = model.spaces.iter().zip(&values.pairs).take(values.n_pairs);
    let state = match values.state {
        LiveState::Silent => "silent",
        LiveState::Listening => "listening",
        LiveState::Live => "live",
        LiveState::Held => "held",
    };
    let [harmonic, percussive] = values.energy.map(rounded);
    let text: Value = json!({
        "state": state,
        "pairs": spaces.map(pair).collect::<Vec<_>>(),
        "quadrant": values.quadrant,
        "section": values.section,
        "colour": values.colour.map(rounded),
        "tempo": rounded(values.tempo_bpm),
        "beat": values.beat.map(rounded),
        "energy": { "harmonic": harmonic, "percussive": percussive },
        "chroma": values.chroma.map(rounded),
    });
    text.to_string()
}
