//! Who looks at the live page's WebSocket.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::WebSocket;

/// A port for a page, and what was seen there.
pub struct Viewer {
    port: u16,
    socket: Option<WebSocket<TcpStream>>,
    seen: Vec<Value>,
}

impl Viewer {
    /// One at a port that is free.
    pub fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, socket: None, seen: Vec::new() }
    }

    /// What a plugin is set to, to show a page there.
    pub fn settings(&self) -> Value {
        json!({ "is_on": true, "port": self.port })
    }

    /// Comes to look, once there is something.
    pub fn come(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < end, "no page: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let url = format!("ws://127.0.0.1:{}/live", self.port);
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        socket.get_ref().set_nonblocking(true).unwrap();
        self.socket = Some(socket);
    }

    /// Takes what has come.
    pub fn look(&mut self) {
        let Some(socket) = &mut self.socket else { return };
        while let Ok(message) = socket.read() {
            if let Ok(text) = message.into_text() {
                self.seen.extend(serde_json::from_str::<Value>(text.as_str()).ok());
            }
        }
    }

    /// The newest reading of the first pair of words.
    pub fn newest_raw(&self) -> Option<f64> {
        self.seen.last()?["pairs"][0]["raw"].as_f64()
    }

    /// Checks what was seen while music played and `csv` was written.
    pub fn check(&self, csv: &str) {
        assert!(self.seen.len() > 30, "{} times", self.seen.len());
        let mut lines = csv.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let column = |name: &str| names.iter().position(|n| *n == name).unwrap();
        let (phase, excited) = (column("phase"), column("excited"));
        let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
        let shares =
            rows.filter(|row| row[phase] == "listening").map(|row| row[excited].to_owned());
        let shares: Vec<f64> = shares.map(|share| share.parse().unwrap()).collect();
        let of_pair = |value: &Value, key: &str| value["pairs"][0][key].as_f64();
        let raw: Vec<f64> = self.seen.iter().filter_map(|value| of_pair(value, "raw")).collect();
        let is_seen = |share: &&f64| raw.iter().any(|raw| (raw - **share).abs() < 1e-4);
        let n_seen = shares.iter().filter(is_seen).count();
        assert!(n_seen > 5 && n_seen + 2 >= shares.len(), "{shares:?}: {raw:?}");
        let last = self.seen.last().unwrap();
        let words = ["first", "second"].map(|side| last["pairs"][1][side].as_str().unwrap());
        assert_eq!(words, ["joyful", "sad"]);
        assert_eq!(last["state"], "listening");
        let needle = of_pair(last, "needle").unwrap();
        assert!((needle - of_pair(last, "raw").unwrap()).abs() < 0.2, "{last}");
    }
}
