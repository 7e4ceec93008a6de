//! The words of the protocol: values as Open Sound Control messages, and commands back.
//!
//! One float an address, for TouchDesigner and QLC+ drop what else a message may hold; integers
//! where something is counted; texts only in [`info`], which is sent apart.

use std::time::SystemTime;

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType, encoder};

use super::Action;
use super::values::Values;
use crate::model::card::ModelFacts;

/// Longest packet, bytes: what an Ethernet takes in one piece.
pub const MOST_PACKET_BYTES: usize = 1400;

/// Longest packet with a command in it, bytes: a thousandth of what a stack has room for, however
/// deep its bundles are nested.
pub const MOST_COMMAND_BYTES: usize = 1024;

/// Every address and what stands there, in an order that stays while the model does.
#[must_use]
pub fn messages(prefix: &str, model: &ModelFacts, values: &Values) -> Vec<(String, OscType)> {
    let mut all = Vec::with_capacity(64);
    let mut add = |address: String, value: OscType| all.push((format!("{prefix}{address}"), value));
    let number = OscType::Float;
    for (space, pair) in model.spaces.iter().zip(&values.pairs).take(values.n_pairs) {
        let name = word(&space.first);
        add(format!("/{name}"), number(pair.needle));
        add(format!("/{name}/raw"), number(pair.raw));
        add(format!("/{name}/low"), number(pair.low));
        add(format!("/{name}/high"), number(pair.high));
        add(format!("/{name}/trend"), number(pair.trend));
        add(format!("/{name}/sure"), OscType::Int(pair.is_sure.into()));
    }
    add("/quadrant".to_owned(), OscType::Int(values.quadrant.into()));
    add("/section".to_owned(), OscType::Int(values.section.cast_signed()));
    add("/state".to_owned(), OscType::Int(values.state as i32));
    for (name, channel) in ["r", "g", "b"].iter().zip(values.colour) {
        add(format!("/colour/{name}"), number(channel));
    }
    add("/tempo".to_owned(), number(values.tempo_bpm));
    if let Some(phase) = values.beat {
        add("/beat".to_owned(), number(phase));
    }
    for (name, energy) in ["harmonic", "percussive"].iter().zip(values.energy) {
        add(format!("/energy/{name}"), number(energy));
    }
    for (note, strength) in values.chroma.iter().enumerate() {
        add(format!("/chroma/{note}"), number(*strength));
    }
    all
}

/// What is sent only at the start and when it is asked for: the program, its version, the model and
/// its pairs of words.
#[must_use]
pub fn info(prefix: &str, model: &ModelFacts) -> OscPacket {
    let poles = model.spaces.iter().map(|space| format!("{}/{}", space.first, space.second));
    let texts = [env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), &model.version]
        .map(str::to_owned)
        .into_iter()
        .chain(poles);
    let args = texts.map(OscType::String).collect();
    OscPacket::Message(OscMessage { addr: format!("{prefix}/info"), args })
}

/// A pole's name as a part of an address: what OSC has another use for becomes a line.
fn word(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

/// `messages` as packets of one time, each short enough to travel in one piece.
#[must_use]
pub fn packets<'a>(
    messages: impl Iterator<Item = &'a (String, OscType)>,
    time: SystemTime,
) -> Vec<Vec<u8>> {
    /// Of a bundle: its name and time; and before each message its length.
    const HEAD_BYTES: usize = 16;
    const LENGTH_BYTES: usize = 4;
    let timetag = OscTime::try_from(time).unwrap_or(OscTime { seconds: 0, fractional: 1 });
    let mut bundles = Vec::new();
    let (mut content, mut n_bytes) = (Vec::new(), HEAD_BYTES);
    for (address, value) in messages {
        let message = OscMessage { addr: address.clone(), args: vec![value.clone()] };
        let packet = OscPacket::Message(message);
        let length = LENGTH_BYTES + encoder::encode(&packet).map_or(0, |bytes| bytes.len());
        if n_bytes + length > MOST_PACKET_BYTES {
            bundles.push(OscBundle { timetag, content: std::mem::take(&mut content) });
            n_bytes = HEAD_BYTES;
        }
        n_bytes += length;
        content.push(packet);
    }
    if !content.is_empty() {
        bundles.push(OscBundle { timetag, content });
    }
    // Nothing in them can fail to be written.
    bundles.into_iter().filter_map(|b| encoder::encode(&OscPacket::Bundle(b)).ok()).collect()
}

/// The commands in a packet that are ours, and how much in it is none.
#[must_use]
pub fn commands(bytes: &[u8], prefix: &str) -> (Vec<Action>, u64) {
    let (mut actions, mut n_foreign) = (Vec::new(), 0);
    let packet = Some(bytes).filter(|bytes| bytes.len() <= MOST_COMMAND_BYTES);
    let Some(Ok((_, packet))) = packet.map(rosc::decoder::decode_udp) else { return (actions, 1) };
    let mut waiting = vec![packet];
    while let Some(packet) = waiting.pop() {
        match packet {
            // In their order: what is last is taken first.
            OscPacket::Bundle(bundle) => waiting.extend(bundle.content.into_iter().rev()),
            OscPacket::Message(message) => match command(&message, prefix) {
                Some(action) => actions.push(action),
                None => n_foreign += 1,
            },
        }
    }
    (actions, n_foreign)
}

fn command(message: &OscMessage, prefix: &str) -> Option<Action> {
    let word = message.addr.strip_prefix(prefix)?;
    let number = match message.args.first() {
        None => None,
        Some(OscType::Int(number)) => Some(*number),
        Some(OscType::Float(number)) => Some(number.round() as i32),
        Some(OscType::Bool(on)) => Some(i32::from(*on)),
        Some(_) => return None,
    };
    match (word, number) {
        // Buttons send 1 when they are pressed and 0 when they are let go.
        ("/reset", None) => Some(Action::Reset),
        ("/reset", Some(pressed)) if pressed != 0 => Some(Action::Reset),
        ("/hold", Some(on)) => Some(Action::Hold(on != 0)),
        ("/hold", None) => Some(Action::Hold(true)),
        ("/snapshot", None | Some(0)) => Some(Action::Snapshot(0)),
        ("/snapshot", Some(1)) => Some(Action::Snapshot(1)),
        ("/hello", _) => Some(Action::Hello),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::values::LiveState;
    use crate::model::shipped_facts;

    fn values() -> Values {
        let mut values = Values { n_pairs: 2, quadrant: 4, section: 7, ..Values::default() };
        (values.state, values.beat) = (LiveState::Live, Some(0.25));
        values.pairs[0].needle = 0.75;
        values
    }

    #[test]
    fn every_address_is_there_once_with_one_number() {
        let all = messages("/moodring", &shipped_facts(), &values());
        for (address, value) in [
            ("/moodring/excited", OscType::Float(0.75)),
            ("/moodring/joy/sure", OscType::Int(0)),
            ("/moodring/quadrant", OscType::Int(4)),
            ("/moodring/section", OscType::Int(7)),
            ("/moodring/state", OscType::Int(2)),
            ("/moodring/beat", OscType::Float(0.25)),
            ("/moodring/chroma/11", OscType::Float(0.0)),
        ] {
            let found: Vec<_> = all.iter().filter(|message| message.0 == address).collect();
            assert_eq!(found, [&(address.to_owned(), value)]);
        }
        assert_eq!(all.len(), 2 * 6 + 3 + 3 + 2 + 2 + 12);
        let is_number = |value: &OscType| matches!(value, OscType::Float(_) | OscType::Int(_));
        assert!(all.iter().all(|(_, value)| is_number(value)));
        let standing = Values { beat: None, ..values() };
        let all = messages("/moodring", &shipped_facts(), &standing);
        assert!(all.iter().all(|(address, _)| address != "/moodring/beat"));
    }

    #[test]
    fn packets_hold_everything_in_order_and_travel_in_one_piece() {
        let all = messages("/a/long/prefix/of/a/big/installation", &shipped_facts(), &values());
        let packets = packets(all.iter(), SystemTime::now());
        assert!(packets.len() > 1);
        let mut found = Vec::new();
        for packet in &packets {
            assert!(packet.len() <= MOST_PACKET_BYTES);
            let (_, packet) = rosc::decoder::decode_udp(packet).unwrap();
            let OscPacket::Bundle(bundle) = packet else { panic!("no bundle") };
            for packet in bundle.content {
                let OscPacket::Message(message) = packet else { panic!("no message") };
                found.push((message.addr, message.args[0].clone()));
            }
        }
        assert_eq!(found, all);
    }

    #[test]
    fn names_of_poles_are_fit_for_an_address() {
        assert_eq!(word("joy, or so #1/é"), "joy__or_so__1__");
    }

    fn said(address: &str, args: Vec<OscType>) -> Vec<u8> {
        let message = OscMessage { addr: address.to_owned(), args };
        encoder::encode(&OscPacket::Message(message)).unwrap()
    }

    #[test]
    fn commands_are_obeyed_and_all_else_is_counted() {
        let one = |address: &str, args: Vec<OscType>| commands(&said(address, args), "/moodring");
        let int = |number| vec![OscType::Int(number)];
        assert_eq!(one("/moodring/reset", vec![]), (vec![Action::Reset], 0));
        assert_eq!(one("/moodring/reset", int(0)), (vec![], 1), "a button that is let go");
        assert_eq!(one("/moodring/hold", vec![OscType::Float(1.0)]).0, [Action::Hold(true)]);
        assert_eq!(one("/moodring/hold", vec![OscType::Bool(false)]).0, [Action::Hold(false)]);
        assert_eq!(one("/moodring/snapshot", int(1)).0, [Action::Snapshot(1)]);
        assert_eq!(one("/moodring/hello", vec![]).0, [Action::Hello]);
        for (address, args) in [
            ("/moodring/snapshot", int(2)),
            ("/moodring/hold", vec![OscType::String("yes".to_owned())]),
            ("/moodring/quit", vec![]),
            ("/other/reset", vec![]),
        ] {
            assert_eq!(one(address, args), (vec![], 1), "{address}");
        }
    }

    #[test]
    fn a_packet_that_is_none_is_counted_whatever_it_is() {
        let mut nested = said("/moodring/reset", vec![]);
        for _ in 0..200 {
            let mut bundle = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
            bundle.extend((nested.len() as u32).to_be_bytes());
            bundle.extend(&nested);
            nested = bundle;
        }
        for bytes in [&b""[..], b"/", b"#bundle\0", &[0xff; 900], &nested] {
            assert_eq!(commands(bytes, "/moodring"), (vec![], 1));
        }
        let good = said("/moodring/hold", vec![OscType::Int(1)]);
        for end in 0..good.len() {
            assert!(commands(&good[..end], "/moodring").0.is_empty());
        }
    }
}
