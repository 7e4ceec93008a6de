//! The words of the protocol: values as Open Sound Control messages, and commands back.
//!
//! One float an address, for TouchDesigner and QLC+ drop what else a message may hold; integers
//! where something is counted; texts only in [`info`], which is sent apart.

use std::time::SystemTime;

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType, encoder};

use super::Action;
use super::values::Values;
use crate::model::card::ModelFacts;
use crate::reading::MAX_SPACES;

/// Longest packet, bytes: what an Ethernet takes in one piece.
pub const MOST_PACKET_BYTES: usize = 1400;

/// Longest packet with a command in it, bytes: a thousandth of what a stack has room for, however
/// deep its bundles are nested.
pub const MOST_COMMAND_BYTES: usize = 1024;

/// Every address under `prefix`, in the order of [`numbers`], for as long as `model` is in charge.
#[must_use]
pub fn addresses(prefix: &str, model: &ModelFacts) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |address: &str| all.push(format!("{prefix}/{address}"));
    for space in model.spaces.iter().take(MAX_SPACES) {
        let name = word(&space.first);
        add(&name);
        for part in ["raw", "low", "high", "trend", "sure"] {
            add(&format!("{name}/{part}"));
        }
    }
    for address in
        ["quadrant", "section", "state", "colour/r", "colour/g", "colour/b", "tempo", "beat"]
    {
        add(address);
    }
    for part in ["harmonic", "percussive"] {
        add(&format!("energy/{part}"));
    }
    for note in 0..12 {
        add(&format!("chroma/{note}"));
    }
    all
}

/// What stands at each address; `None` where there is nothing to say.
#[must_use]
pub fn numbers(values: &Values) -> Vec<Option<OscType>> {
    let float = |number: f32| Some(OscType::Float(number));
    let int = |number: i32| Some(OscType::Int(number));
    let mut all = Vec::with_capacity(64);
    for pair in values.pairs.iter().take(values.n_pairs) {
        all.extend([pair.needle, pair.raw, pair.low, pair.high, pair.trend].map(float));
        all.push(int(pair.is_sure.into()));
    }
    all.extend([int(values.quadrant.into()), int(values.section.cast_signed())]);
    all.push(int(values.state as i32));
    all.extend(values.colour.map(float));
    all.extend([float(values.tempo_bpm), values.beat.and_then(float)]);
    all.extend(values.energy.map(float));
    all.extend(values.chroma.map(float));
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

/// Numbers at their addresses as packets of one time, each short enough to travel in one piece.
#[must_use]
pub fn packets<'a>(
    messages: impl Iterator<Item = (&'a String, &'a OscType)>,
    time: SystemTime,
) -> Vec<Vec<u8>> {
    /// Of a bundle: its name and time.
    const HEAD_BYTES: usize = 16;
    let timetag = OscTime::try_from(time).unwrap_or(OscTime { seconds: 0, fractional: 1 });
    let mut bundles = Vec::new();
    let (mut content, mut n_bytes) = (Vec::new(), HEAD_BYTES);
    for (address, number) in messages {
        let length = message_bytes(address);
        if n_bytes + length > MOST_PACKET_BYTES {
            bundles.push(OscBundle { timetag, content: std::mem::take(&mut content) });
            n_bytes = HEAD_BYTES;
        }
        n_bytes += length;
        let message = OscMessage { addr: address.clone(), args: vec![number.clone()] };
        content.push(OscPacket::Message(message));
    }
    if !content.is_empty() {
        bundles.push(OscBundle { timetag, content });
    }
    // Nothing in them can fail to be written.
    bundles.into_iter().filter_map(|b| encoder::encode(&OscPacket::Bundle(b)).ok()).collect()
}

/// What a message with one number takes in a bundle: its length, its address with a zero and filled
/// up to four bytes, its kind likewise, its number.
fn message_bytes(address: &str) -> usize {
    4 + (address.len() + 1).next_multiple_of(4) + 4 + 4
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

    /// Every address with what stands there.
    fn messages(prefix: &str, model: &ModelFacts, values: &Values) -> Vec<(String, OscType)> {
        let (addresses, numbers) = (addresses(prefix, model), numbers(values));
        assert_eq!(addresses.len(), numbers.len());
        addresses.into_iter().zip(numbers).filter_map(|(a, n)| Some((a, n?))).collect()
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
        let packets = packets(all.iter().map(|(a, n)| (a, n)), SystemTime::now());
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
