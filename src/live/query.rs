//! OSCQuery: every address, what stands there and in which range, as a tree that other programs
//! find and read by themselves, and listen to.
//!
//! ```text
//! GET /PATH         the node, and what is below it      GET /PATH?VALUE     one of its attributes
//! GET /?HOST_INFO   who answers                         a WebSocket         LISTEN and IGNORE
//! ```
//!
//! # Source
//! OSCQuery Proposal, Vidvox 2017–2020: nodes that can only be read (`ACCESS` 1), values streamed
//! as OSC over the WebSocket.

use std::collections::BTreeMap;

use rosc::{OscMessage, OscPacket, OscType, encoder};
use serde_json::{Map, Value, json};
use tungstenite::Message;

use super::web::{Answer, Asked, Site};

/// Attributes of a node by which it may be asked.
const ATTRIBUTES: [&str; 6] = ["ACCESS", "DESCRIPTION", "FULL_PATH", "RANGE", "TYPE", "VALUE"];

/// Every address, and what stands there at a moment.
#[derive(Debug, Default)]
pub struct Tree {
    /// Addresses, each beginning with a slash.
    pub addresses: Vec<String>,
    /// What stands at each; `None` where there is nothing to say.
    pub numbers: Vec<Option<OscType>>,
}

/// Who listens to what: what was last sent of each address, by its place in the tree.
#[derive(Debug, Default)]
pub struct Listener(BTreeMap<String, Option<OscType>>);

/// What a program says over the WebSocket.
#[derive(serde::Deserialize)]
struct Said {
    #[serde(rename = "COMMAND")]
    command: String,
    #[serde(rename = "DATA")]
    data: String,
}

impl Site for Tree {
    type Watcher = Listener;

    fn answer(&self, asked: &Asked) -> Answer {
        if asked.wants_to_watch {
            return Answer::Watch;
        }
        if asked.query.split('=').next() == Some("HOST_INFO") {
            return json_answer(&host_info());
        }
        let path = asked.path.trim_end_matches('/');
        let Some(node) = self.node(path) else {
            return Answer::Not("404 Not Found", "There is no such address.\n");
        };
        match asked.query.split('=').next().unwrap_or_default() {
            "" => json_answer(&node),
            attribute if !ATTRIBUTES.contains(&attribute) => {
                Answer::Not("400 Bad Request", "There is no such attribute.\n")
            }
            attribute => match node.get(attribute) {
                Some(value) => json_answer(&json!({ attribute: value })),
                None => Answer::Not("204 No Content", ""),
            },
        }
    }

    fn hear(&self, listener: &mut Listener, said: &str) {
        let Ok(said) = serde_json::from_str::<Said>(said) else { return };
        match said.command.as_str() {
            "LISTEN" if self.addresses.contains(&said.data) => {
                listener.0.insert(said.data, None);
            }
            "IGNORE" => drop(listener.0.remove(&said.data)),
            _ => {}
        }
    }

    fn news(&self, listener: &mut Listener, _is_first: bool) -> Vec<Message> {
        let mut news = Vec::new();
        if listener.0.is_empty() {
            return news;
        }
        for (address, number) in self.addresses.iter().zip(&self.numbers) {
            let Some(sent) = listener.0.get_mut(address) else { continue };
            if let Some(number) = number.as_ref().filter(|number| sent.as_ref() != Some(*number)) {
                let args = vec![number.clone()];
                let message = OscPacket::Message(OscMessage { addr: address.clone(), args });
                news.extend(encoder::encode(&message).ok().map(Message::binary));
                *sent = Some(number.clone());
            }
        }
        news
    }
}

impl Tree {
    /// The node at `path`, without a slash at its end, with all that is below it.
    fn node(&self, path: &str) -> Option<Value> {
        let below = |address: &str| {
            address.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut all =
            self.addresses.iter().zip(&self.numbers).filter(|(address, _)| below(address));
        let first = all.next()?;
        let mut node = branch(if path.is_empty() { "/" } else { path });
        for (address, number) in std::iter::once(first).chain(all) {
            let rest = &address[path.len()..];
            put(&mut node, path, rest, number.as_ref());
        }
        Some(node)
    }
}

/// A node that nothing stands at.
fn branch(path: &str) -> Value {
    json!({ "FULL_PATH": path, "ACCESS": 0 })
}

/// Puts a number under `node`, which is at `path`, where `rest` leads from there.
fn put(node: &mut Value, path: &str, rest: &str, number: Option<&OscType>) {
    let Some(rest) = rest.strip_prefix('/') else {
        if let Some(object) = node.as_object_mut() {
            object.extend(leaf(path, number));
        }
        return;
    };
    let (name, further) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = format!("{path}/{name}");
    let contents = &mut node["CONTENTS"];
    if contents.is_null() {
        *contents = json!({});
    }
    let child = &mut contents[name];
    if child.is_null() {
        *child = branch(&path);
    }
    put(child, &path, further, number);
}

/// What is said of an address at which a number stands.
fn leaf(path: &str, number: Option<&OscType>) -> Map<String, Value> {
    let (kind, value) = match number {
        Some(OscType::Int(number)) => ("i", json!([number])),
        Some(OscType::Float(number)) => ("f", json!([number])),
        _ => ("f", json!([null])),
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let range = match name {
        "trend" => json!([{ "MIN": -1, "MAX": 1 }]),
        "quadrant" => json!([{ "MIN": 0, "MAX": 4 }]),
        "state" => json!([{ "MIN": 0, "MAX": 3 }]),
        "section" => json!([{ "MIN": 0 }]),
        "tempo" => json!([{ "MIN": 0, "MAX": 1000 }]),
        _ => json!([{ "MIN": 0, "MAX": 1 }]),
    };
    let described = match name {
        "raw" => "the newest reading",
        "low" => "lower end of the band that holds listeners' own share four times in five",
        "high" => "upper end of the band that holds listeners' own share four times in five",
        "trend" => "how far the reading has moved in four seconds",
        "sure" => "whether one side leads clearly",
        "quadrant" => "1 excited and joyful, 2 excited and sad, 3 calm and sad, 4 calm and joyful",
        "section" => "parts of the music so far",
        "state" => "0 silent, 1 listening, 2 live, 3 held",
        "tempo" => "BPM, 0 while none is clear",
        "beat" => "part of the host's beat that is over",
        "r" | "g" | "b" => "colour of the mood, sRGB",
        "harmonic" | "percussive" => "power, 0 at -60 dB re full scale, 1 at 0 dB",
        note if note.parse::<u8>().is_ok() => "strength of a note, 0 is C",
        _ => "share, as the needle shows it",
    };
    let leaf = json!({
        "FULL_PATH": path,
        "ACCESS": 1,
        "TYPE": kind,
        "VALUE": value,
        "RANGE": range,
        "DESCRIPTION": described,
    });
    leaf.as_object().cloned().unwrap_or_default()
}

fn host_info() -> Value {
    json!({
        "NAME": "Moodring",
        "OSC_TRANSPORT": "UDP",
        "EXTENSIONS": {
            "ACCESS": true,
            "VALUE": true,
            "TYPE": true,
            "RANGE": true,
            "DESCRIPTION": true,
            "LISTEN": true,
            "PATH_CHANGED": false,
        },
    })
}

fn json_answer(value: &Value) -> Answer {
    Answer::Text("application/json", value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let addresses = ["/m/excited", "/m/excited/trend", "/m/quadrant", "/m/beat"];
        let numbers =
            [Some(OscType::Float(0.5)), Some(OscType::Float(-0.25)), Some(OscType::Int(3)), None];
        Tree { addresses: addresses.map(str::to_owned).to_vec(), numbers: numbers.to_vec() }
    }

    fn asked(path: &str, query: &str) -> Answer {
        tree().answer(&Asked { path, query, wants_to_watch: false })
    }

    fn json(path: &str, query: &str) -> Value {
        match asked(path, query) {
            Answer::Text("application/json", text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{path}?{query}: {other:?}"),
        }
    }

    #[test]
    fn the_tree_holds_every_address_with_its_value_and_range() {
        let root = json("/", "");
        assert_eq!((&root["FULL_PATH"], &root["ACCESS"]), (&"/".into(), &0.into()));
        let excited = &root["CONTENTS"]["m"]["CONTENTS"]["excited"];
        assert_eq!(excited["FULL_PATH"], "/m/excited");
        assert_eq!((&excited["TYPE"], &excited["VALUE"]), (&"f".into(), &json!([0.5])));
        assert_eq!(excited["CONTENTS"]["trend"]["RANGE"], json!([{ "MIN": -1, "MAX": 1 }]));
        assert_eq!(json("/m/quadrant", "")["VALUE"], json!([3]));
        assert_eq!(json("/m/quadrant", "VALUE"), json!({ "VALUE": [3] }));
        assert_eq!(json("/m/beat", "VALUE"), json!({ "VALUE": [null] }));
        assert_eq!(json("/", "HOST_INFO")["EXTENSIONS"]["LISTEN"], true);
        assert!(matches!(asked("/m/exc", ""), Answer::Not("404 Not Found", _)));
        assert!(matches!(asked("/m/excited", "CLIPMODE"), Answer::Not("400 Bad Request", _)));
        assert!(matches!(asked("/m", "VALUE"), Answer::Not("204 No Content", _)));
    }

    #[test]
    fn whoever_listens_gets_what_changes_as_osc_until_it_ignores_it() {
        let mut tree = tree();
        let mut listener = Listener::default();
        assert!(tree.news(&mut listener, true).is_empty());
        tree.hear(&mut listener, r#"{"COMMAND": "LISTEN", "DATA": "/m/quadrant"}"#);
        for junk in
            ["", "{", "[]", r#"{"COMMAND": "LISTEN", "DATA": "/other"}"#, r#"{"COMMAND": 1}"#]
        {
            tree.hear(&mut listener, junk);
        }
        let heard = |news: Vec<Message>| -> Vec<OscPacket> {
            let packet =
                |message: Message| rosc::decoder::decode_udp(&message.into_data()).unwrap().1;
            news.into_iter().map(packet).collect()
        };
        let quadrant = |number| {
            let args = vec![OscType::Int(number)];
            OscPacket::Message(OscMessage { addr: "/m/quadrant".to_owned(), args })
        };
        assert_eq!(heard(tree.news(&mut listener, false)), [quadrant(3)]);
        assert!(tree.news(&mut listener, false).is_empty(), "it has not changed");
        tree.numbers[2] = Some(OscType::Int(4));
        assert_eq!(heard(tree.news(&mut listener, false)), [quadrant(4)]);
        tree.hear(&mut listener, r#"{"COMMAND": "IGNORE", "DATA": "/m/quadrant"}"#);
        tree.numbers[2] = Some(OscType::Int(1));
        assert!(tree.news(&mut listener, false).is_empty());
    }
}
