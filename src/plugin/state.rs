//! A state from a project, made such that the framework can take it: each value for itself, and
//! whatever is readable.
//!
//! ```text
//! bytes → JSON, without what follows it → each parameter and field that can be read → the framework → filter → parameters
//! ```
//!
//! The framework refuses a state as a whole where one value is of a type that it does not know, or
//! a byte follows the end; it takes an enumeration's index for good and a number of any size for a
//! level. What could not be read starts at its default and is named in the field [`UNREAD`], for
//! the window.

use std::collections::BTreeMap;

use nice_plug::plugin::{ParamValue, PluginState};
use nice_plug::prelude::Enum;
use serde_json::{Map, Value};

use crate::config::SILENCE_DB;
use crate::params::{GATE_RANGE_DB, Response};

/// Longest state that is looked at, bytes: a hundred times what six hours of history take.
pub const MOST_STATE_BYTES: usize = 64 << 20;

/// The field that names what could not be read, a list.
pub const UNREAD: &str = "unread";

/// Parameters that are on or off, and what they are by default.
const SWITCHES: [(&str, bool); 4] =
    [("bypass", false), ("hold", false), ("reset", false), ("auto_reset", true)];

const RESPONSE: &str = "response";
const GATE: &str = "gate_db";

/// Fields that hold text, and those that may hold any JSON, of which their readers take what they
/// can.
const TEXTS: [&str; 3] = ["csv_path", "model_path", "history"];
const ANY_JSON: [&str; 4] = ["editor", "outputs", "osc", "page"];

/// A state that the framework takes, with all of `bytes` that can be read; `None` where they are no
/// state at all.
#[must_use]
pub fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let Value::Object(mut state) = first_value(&text).or_else(|| first_value(&tamed(&text)))?
    else {
        return None;
    };
    let (params, fields) = (state.remove("params"), state.remove("fields"));
    if !params.as_ref().is_some_and(Value::is_object)
        && !fields.as_ref().is_some_and(Value::is_object)
    {
        return None;
    }
    let mut unread = Vec::new();
    let params = readable_params(params, &mut unread);
    let mut fields = readable_fields(fields, &mut unread);
    fields.insert(UNREAD.to_owned(), Value::from(unread).to_string().into());
    let version = state.remove("version").filter(Value::is_string);
    let state = Map::from_iter([
        ("version".to_owned(), version.unwrap_or_else(|| "".into())),
        ("params".to_owned(), params.into()),
        ("fields".to_owned(), fields.into()),
    ]);
    serde_json::to_vec(&state).ok()
}

/// Brings what the framework has understood into the range of each parameter; what is of the wrong
/// kind becomes the default.
pub fn filter(state: &mut PluginState) {
    let mut unread = Vec::new();
    for (name, default) in SWITCHES {
        refit(&mut state.params, name, &mut unread, |value| match value {
            ParamValue::Bool(_) => Fit::Asis,
            ParamValue::I32(on @ 0..=1) => Fit::To(ParamValue::Bool(*on == 1)),
            _ => Fit::Not(ParamValue::Bool(default)),
        });
    }
    refit(&mut state.params, RESPONSE, &mut unread, |value| {
        let ids = Response::ids().unwrap_or_default();
        let is_known = match value {
            ParamValue::String(id) => ids.contains(&id.as_str()),
            ParamValue::I32(index) => usize::try_from(*index).is_ok_and(|index| index < ids.len()),
            _ => false,
        };
        let default =
            || ParamValue::I32(i32::try_from(Response::default().to_index()).unwrap_or_default());
        if is_known { Fit::Asis } else { Fit::Not(default()) }
    });
    refit(&mut state.params, GATE, &mut unread, |value| {
        let (low, high) = GATE_RANGE_DB;
        let gate_db = match value {
            ParamValue::F32(gate_db) => *gate_db,
            ParamValue::I32(gate_db) => *gate_db as f32,
            _ => f32::NAN,
        };
        if gate_db.is_nan() {
            return Fit::Not(ParamValue::F32(SILENCE_DB));
        }
        let is_within = (low..=high).contains(&gate_db);
        let within = ParamValue::F32(gate_db.clamp(low, high));
        if is_within { Fit::To(within) } else { Fit::Not(within) }
    });
    if !unread.is_empty() {
        let before = state.fields.get(UNREAD).and_then(|text| serde_json::from_str(text).ok());
        let mut names: Vec<String> = before.unwrap_or_default();
        names.extend(unread);
        state.fields.insert(UNREAD.to_owned(), Value::from(names).to_string());
    }
}

/// How a value fits its parameter.
enum Fit {
    Asis,
    /// In another form.
    To(ParamValue),
    /// Not at all; this in its place.
    Not(ParamValue),
}

fn refit(
    params: &mut BTreeMap<String, ParamValue>,
    name: &str,
    unread: &mut Vec<String>,
    fit: impl Fn(&ParamValue) -> Fit,
) {
    let Some(value) = params.get_mut(name) else { return };
    match fit(value) {
        Fit::Asis => {}
        Fit::To(fitting) => *value = fitting,
        Fit::Not(other) => {
            *value = other;
            unread.push(name.to_owned());
        }
    }
}

/// The JSON at the start of a text, whatever follows it.
fn first_value(text: &str) -> Option<Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// A text whose numbers are all of a size that JSON's readers take: none where there was one
/// beyond.
fn tamed(text: &str) -> String {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let (mut out, mut rest, mut in_string) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        let starts_number = !in_string && (c == '-' || c.is_ascii_digit());
        let length = if starts_number {
            rest.find(|c| !is_number(c)).unwrap_or(rest.len())
        } else if in_string && c == '\\' {
            c.len_utf8() + rest[c.len_utf8()..].chars().next().map_or(0, char::len_utf8)
        } else {
            in_string ^= c == '"';
            c.len_utf8()
        };
        let (taken, left) = rest.split_at(length);
        let is_beyond = starts_number && taken.parse::<f64>().is_ok_and(f64::is_infinite);
        out.push_str(if is_beyond { "null" } else { taken });
        rest = left;
    }
    out
}

fn readable_params(params: Option<Value>, unread: &mut Vec<String>) -> Map<String, Value> {
    let mut readable = Map::new();
    let (params, is_object) = object(params);
    if !is_object {
        unread.extend(params_by_name().map(str::to_owned));
    }
    for (name, value) in params {
        // A known one of no known type becomes what `filter` takes for unreadable.
        match param(&value) {
            Some(value) => drop(readable.insert(name, value)),
            None => unread.push(name),
        }
    }
    for name in params_by_name() {
        if unread.iter().any(|unread| unread == name) {
            readable.insert(name.to_owned(), default_param(name));
        }
    }
    readable
}

fn params_by_name() -> impl Iterator<Item = &'static str> {
    SWITCHES.map(|(name, _)| name).into_iter().chain([RESPONSE, GATE])
}

fn default_param(name: &str) -> Value {
    let switch = SWITCHES.iter().find(|(switch, _)| *switch == name);
    let value = match switch {
        Some((_, default)) => ParamValue::Bool(*default),
        None if name == RESPONSE => {
            ParamValue::I32(i32::try_from(Response::default().to_index()).unwrap_or_default())
        }
        None => ParamValue::F32(SILENCE_DB),
    };
    serde_json::to_value(value).unwrap_or_default()
}

/// A parameter's value in a form that the framework knows.
fn param(value: &Value) -> Option<Value> {
    let (kind, value) = match value {
        Value::Object(tagged) if tagged.len() == 1 => tagged.iter().next()?,
        _ => return None,
    };
    let number = value.as_f64();
    let tagged = match kind.as_str() {
        // Beyond what 32 bits hold it would be read as infinite, which JSON cannot say.
        "f32" | "f64" => ParamValue::F32(number?.clamp(f32::MIN.into(), f32::MAX.into()) as f32),
        "i32" | "i64" | "u32" | "u64" => ParamValue::I32(number? as i32),
        "bool" => ParamValue::Bool(value.as_bool()?),
        "string" => ParamValue::String(value.as_str()?.to_owned()),
        _ => return None,
    };
    serde_json::to_value(tagged).ok()
}

fn readable_fields(fields: Option<Value>, unread: &mut Vec<String>) -> Map<String, Value> {
    let mut readable = Map::new();
    let (mut fields, is_object) = object(fields);
    if !is_object {
        // None of them is what its reader takes.
        fields.extend(TEXTS.into_iter().chain(ANY_JSON).map(|name| (name.to_owned(), Value::Null)));
    }
    for (name, value) in fields {
        // Fields are JSON inside of JSON.
        let inside = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let is_text = TEXTS.contains(&name.as_str());
        let is_fit = match &inside {
            Some(inside) => !is_text || inside.is_string(),
            None => false,
        };
        if is_fit {
            readable.insert(name, value);
        } else if is_text {
            readable.insert(name.clone(), "\"\"".into());
            unread.push(name);
        } else if ANY_JSON.contains(&name.as_str()) {
            readable.insert(name.clone(), "null".into());
            unread.push(name);
        }
    }
    readable
}

/// What is in an object, and whether it is one; none that is missing is as good as an empty one.
fn object(value: Option<Value>) -> (Map<String, Value>, bool) {
    match value {
        Some(Value::Object(map)) => (map, true),
        other => (Map::new(), other.is_none()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What the framework makes of `bytes` after us, and what could not be read.
    fn loaded(bytes: &[u8]) -> Option<(PluginState, Vec<String>)> {
        let repaired = repaired(bytes)?;
        let mut state: PluginState = serde_json::from_slice(&repaired)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&repaired)));
        filter(&mut state);
        let unread = serde_json::from_str(&state.fields[UNREAD]).unwrap();
        Some((state, unread))
    }

    fn json_of(state: &PluginState, name: &str) -> Value {
        serde_json::to_value(&state.params[name]).unwrap()
    }

    fn whole() -> Value {
        json!({
            "version": "0.1.0",
            "params": {
                "auto_reset": {"bool": false},
                "bypass": {"bool": false},
                "gate_db": {"f32": -50.0},
                "hold": {"bool": true},
                "reset": {"bool": false},
                "response": {"string": "slow"},
            },
            "fields": {"csv_path": "\"/a.csv\"", "editor": "{}", "history": "\"\"", "model_path": "\"\"", "outputs": "{\"jsonl\": \"/c\"}"},
        })
    }

    #[test]
    fn a_whole_state_is_left_as_it_is() {
        let (state, unread) = loaded(whole().to_string().as_bytes()).unwrap();
        assert_eq!(unread, [""; 0]);
        let expected: PluginState = serde_json::from_value(whole()).unwrap();
        assert_eq!(format!("{:?}", state.params), format!("{:?}", expected.params));
        assert_eq!(state.fields["csv_path"], "\"/a.csv\"");
    }

    #[test]
    fn each_value_that_cannot_be_read_starts_at_its_default_and_the_others_are_kept() {
        let cases = [
            ("response", json!({"i32": 99}), json!({"i32": 1})),
            ("response", json!({"i32": -1}), json!({"i32": 1})),
            ("response", json!({"string": "hasty"}), json!({"i32": 1})),
            ("response", json!({"f32": 1.0}), json!({"i32": 1})),
            ("gate_db", json!({"f32": 1e38}), json!({"f32": -30.0})),
            ("gate_db", json!({"f64": -1e300}), json!({"f32": -90.0})),
            ("gate_db", json!({"f32": null}), json!({"f32": SILENCE_DB})),
            ("gate_db", json!([1, 2]), json!({"f32": SILENCE_DB})),
            ("gate_db", json!({"bool": true}), json!({"f32": SILENCE_DB})),
            ("hold", json!({"f64": 1.5}), json!({"bool": false})),
            ("hold", json!({"f32": 1.0, "bool": true}), json!({"bool": false})),
            ("auto_reset", json!(null), json!({"bool": true})),
            ("auto_reset", json!({"i32": 7}), json!({"bool": true})),
        ];
        for (name, odd, expected) in cases {
            let mut state = whole();
            state["params"][name] = odd.clone();
            let (read, unread) = loaded(state.to_string().as_bytes()).unwrap();
            assert_eq!(json_of(&read, name), expected, "{name}: {odd}");
            assert_eq!(unread, [name], "{odd}");
            assert_eq!(read.fields["csv_path"], "\"/a.csv\"");
            assert_eq!(read.params.len(), 6);
        }
    }

    #[test]
    fn forms_of_other_versions_are_read() {
        for (name, other, expected) in [
            ("gate_db", json!({"f64": -45.5}), json!({"f32": -45.5})),
            ("gate_db", json!({"i32": -45}), json!({"f32": -45.0})),
            ("response", json!({"i32": 2}), json!({"i32": 2})),
            ("hold", json!({"i32": 1}), json!({"bool": true})),
        ] {
            let mut state = whole();
            state["params"][name] = other;
            let (read, unread) = loaded(state.to_string().as_bytes()).unwrap();
            assert_eq!((json_of(&read, name), unread.len()), (expected, 0));
        }
    }

    #[test]
    fn bytes_behind_the_state_odd_fields_and_numbers_beyond_all_bounds_cost_nothing_else() {
        let text = whole().to_string();
        for behind in [&[0; 64][..], b"}", b"{\"params\":{}}", &[0xff]] {
            let (read, unread) = loaded(&[text.as_bytes(), behind].concat()).unwrap();
            assert_eq!((json_of(&read, "hold"), unread.len()), (json!({"bool": true}), 0));
        }
        let beyond = text.replace("-50.0", "-1e999");
        let (read, unread) = loaded(beyond.as_bytes()).unwrap();
        assert_eq!(json_of(&read, "hold"), json!({"bool": true}));
        assert_eq!(unread, ["gate_db"]);
        let mut odd = whole();
        odd["fields"]["history"] = json!(5);
        odd["fields"]["editor"] = json!("not json {");
        odd["fields"]["unread"] = json!("[\"nonsense\"]");
        odd["version"] = json!(7);
        let (read, unread) = loaded(odd.to_string().as_bytes()).unwrap();
        assert_eq!(
            (read.fields["history"].as_str(), unread),
            ("\"\"", vec!["editor".to_owned(), "history".to_owned()])
        );
        assert_eq!(read.fields["csv_path"], "\"/a.csv\"");
    }

    #[test]
    fn half_a_state_is_read_and_the_other_half_is_named() {
        let mut state = whole();
        state["fields"] = json!(5);
        let (read, unread) = loaded(state.to_string().as_bytes()).unwrap();
        assert_eq!(
            unread,
            ["csv_path", "editor", "history", "model_path", "osc", "outputs", "page"]
        );
        assert_eq!(json_of(&read, "gate_db"), json!({"f32": -50.0}));
        assert_eq!(
            (&read.fields["history"], &read.fields["editor"]),
            (&"\"\"".into(), &"null".into())
        );
        let mut state = whole();
        state["params"] = json!([1, 2]);
        let (read, unread) = loaded(state.to_string().as_bytes()).unwrap();
        assert_eq!((unread.len(), read.params.len()), (6, 6));
        assert_eq!(json_of(&read, "hold"), json!({"bool": false}));
        assert_eq!(read.fields["csv_path"], "\"/a.csv\"");
        // That an older version did not have it yet is not the state's fault.
        let (_, unread) = loaded(br#"{"params": {}}"#).unwrap();
        assert!(unread.is_empty());
    }

    #[test]
    fn what_is_no_state_at_all_is_left_to_be_refused() {
        for nothing in ["", "null", "[]", "{}", "{", "7", "{\"params\": 5}"] {
            assert_eq!(repaired(nothing.as_bytes()), None, "{nothing}");
        }
        let deep = "[".repeat(2_000_000);
        assert_eq!(repaired(deep.as_bytes()), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            let keys = "f32|f64|i32|bool|string|gate_db|hold|response|.{0,6}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(keys, inner, 0..4)
                    .prop_map(|map| Value::from(Map::from_iter(map))),
            ]
        })
    }

    proptest! {
        /// Any JSON in any place gives a state whose values are all in range; and one that was read
        /// is read again as it is.
        #[test]
        fn any_json_in_any_place_gives_a_state_in_range(
            odd in any_json(),
            place in prop::sample::select(vec![
                "/params", "/fields", "/version", "/params/gate_db", "/params/hold", "/params/response",
                "/fields/editor", "/fields/history", "/fields/csv_path", "/fields/outputs",
            ]),
        ) {
            let mut state = whole();
            *state.pointer_mut(place).unwrap() = odd;
            if let Some((read, _)) = loaded(state.to_string().as_bytes()) {
                for (name, value) in &read.params {
                    match value {
                        ParamValue::F32(value) if name == GATE => prop_assert!((-90.0..=-30.0).contains(value)),
                        ParamValue::I32(value) if name == RESPONSE => prop_assert!((0..3).contains(value)),
                        _ => {}
                    }
                }
                let again = loaded(&serde_json::to_vec(&read).unwrap()).unwrap();
                prop_assert_eq!(format!("{:?}", again.0.params), format!("{:?}", read.params));
                prop_assert_eq!(again.1.len(), 0);
            }
        }

        #[test]
        fn any_mutation_of_the_bytes_is_survived(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            end in any::<prop::sample::Index>(),
            cuts: bool,
        ) {
            let mut bytes = whole().to_string().into_bytes();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cuts {
                bytes.truncate(end.index(bytes.len()));
            }
            let _read = loaded(&bytes);
        }
    }
}
