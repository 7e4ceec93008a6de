//! Who hears what the plugin sends by OSC, and tells it something.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rosc::{OscMessage, OscPacket, OscType, encoder};
use serde_json::{Value, json};

/// A socket to which a plugin sends, and a port at which it listens.
pub struct Peer {
    socket: UdpSocket,
    commands: SocketAddr,
    heard: Vec<OscMessage>,
}

impl Peer {
    /// One on ports that are free.
    pub fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let commands = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { socket, commands, heard: Vec::new() }
    }

    /// What a plugin is set to, to send to this one and to listen to it.
    pub fn settings(&self, rate_hz: u8) -> Value {
        json!({
            "is_on": true,
            "targets": [self.socket.local_addr().unwrap().to_string()],
            "prefix": "/moodring",
            "rate_hz": rate_hz,
            "listens": true,
            "port": self.commands.port(),
        })
    }

    /// Says something to the plugin.
    pub fn say(&self, address: &str, args: Vec<OscType>) {
        let message = OscMessage { addr: address.to_owned(), args };
        let bytes = encoder::encode(&OscPacket::Message(message)).unwrap();
        self.socket.send_to(&bytes, self.commands).unwrap();
    }

    /// Takes what has come.
    pub fn hear(&mut self) {
        let mut bytes = [0; 65_536];
        while let Ok((length, _)) = self.socket.recv_from(&mut bytes) {
            assert!(length <= 1400, "a packet of {length} bytes");
            let (_, packet) = rosc::decoder::decode_udp(&bytes[..length]).unwrap();
            match packet {
                OscPacket::Message(message) => self.heard.push(message),
                OscPacket::Bundle(bundle) => {
                    assert!(bundle.timetag.seconds > 3_000_000_000, "no time");
                    for packet in bundle.content {
                        let OscPacket::Message(message) = packet else { panic!("bundles nested") };
                        self.heard.push(message);
                    }
                }
            }
        }
    }

    /// What was heard so far.
    pub fn heard(&self) -> &[OscMessage] {
        &self.heard
    }

    /// The numbers that an address has had, in that order.
    pub fn numbers(&self, address: &str) -> Vec<f32> {
        let mut numbers = Vec::new();
        for message in self.heard.iter().filter(|message| message.addr == address) {
            match message.args[..] {
                [OscType::Float(number)] => numbers.push(number),
                [OscType::Int(number)] => numbers.push(number as f32),
                _ => panic!("{message:?}"),
            }
        }
        numbers
    }

    /// Checks what was heard while `csv` was written, music having played with a transport at 120
    /// BPM, been held for a second, and stopped.
    pub fn check(&self, csv: &str) {
        let mut lines = csv.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
        let (phase, excited) = (column("phase"), column("excited"));
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        /// Readings of a second, and one on either side.
        const MOST_HELD: usize = 8;
        let sent = self.numbers("/moodring/excited/raw");
        let rows = rows.iter().filter(|row| row[phase] == "listening");
        let shares: Vec<f32> = rows.map(|row| row[excited].parse().unwrap()).collect();
        let was_sent = |share: &&f32| sent.iter().any(|sent| (sent - **share).abs() < 1e-5);
        let n_sent = shares.iter().filter(was_sent).count();
        assert!(n_sent > MOST_HELD && shares.len() - n_sent <= MOST_HELD, "{shares:?}: {sent:?}");
        let states = self.numbers("/moodring/state");
        assert!(states.contains(&1.0) && states.last() == Some(&0.0), "{states:?}");
        let beats = self.numbers("/moodring/beat");
        assert!(beats.len() > 8 && beats.iter().all(|phase| (0.0..1.0).contains(phase)));
        let is_info = |message: &&OscMessage| message.addr == "/moodring/info";
        let n_infos = self.heard.iter().filter(is_info).count();
        assert!((1..=3).contains(&n_infos), "{n_infos} times the name");
        for message in self.heard.iter().filter(|message| message.addr != "/moodring/info") {
            let is_number = matches!(message.args[..], [OscType::Float(_) | OscType::Int(_)]);
            assert!(is_number, "{message:?}");
        }
        for share in ["excited", "joy", "excited/low", "joy/high", "colour/r", "chroma/0"] {
            let numbers = self.numbers(&format!("/moodring/{share}"));
            assert!(!numbers.is_empty(), "no {share}");
            assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)), "{share}");
        }
    }
}
