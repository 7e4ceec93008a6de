//! A small server for pages and WebSockets.
//!
//! One thread serves all: no socket is waited for, and a viewer that takes too little too late is
//! let go, so that two hundred that have stopped reading cost no other anything.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

/// Most viewers at a time; more are told to come again.
pub const MOST_VIEWERS: usize = 256;

/// Longest question, and the longest thing that a viewer may say, bytes.
const MOST_ASKED_BYTES: usize = 8192;
const MOST_SAID_BYTES: usize = 1024;

/// What may wait for a viewer that is slow, bytes: some seconds of values.
const MOST_WAITING_BYTES: usize = 64 << 10;

/// How long a viewer may take to ask, or to take an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between tries to get a port that somebody else has.
const AGAIN: Duration = Duration::from_secs(2);

/// Most connections that are let in in a round.
const MOST_A_ROUND: usize = 64;

/// What is served.
pub trait Site {
    /// What is remembered of whoever looks on.
    type Watcher: Default;

    /// What is said to a question.
    fn answer(&self, asked: &Asked) -> Answer;

    /// Takes what somebody says who looks on.
    fn hear(&self, watcher: &mut Self::Watcher, said: &str);

    /// What is sent to somebody who looks on, and has just come where it `is_first`.
    fn news(&self, watcher: &mut Self::Watcher, is_first: bool) -> Vec<Message>;
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The path, from its slash on.
    pub path: &'a str,
    /// What follows a question mark.
    pub query: &'a str,
    /// Whether it wants to look on.
    pub wants_to_watch: bool,
}

/// What is said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This, of this kind.
    Text(&'static str, String),
    /// It may look on.
    Watch,
    /// What went wrong, as HTTP says it, and in words.
    Not(&'static str, &'static str),
}

/// How far a viewer has come.
enum Stage<W> {
    /// It asks: so much has come.
    Asking(Vec<u8>),
    /// It is answered: what is left; and whether it then looks on.
    Answering(Vec<u8>, bool),
    Watching(Box<WebSocket<TcpStream>>, W),
    /// It has its answer, and may have more to say: were it cut off meanwhile, the system would
    /// take the answer back.
    Leaving,
    Gone,
}

/// One connection.
struct Viewer<W> {
    stage: Stage<W>,
    stream: Option<TcpStream>,
    since: Instant,
}

/// A place in the network, and whoever has come there.
pub struct Server<S: Site> {
    at: SocketAddr,
    listener: Option<TcpListener>,
    again_at: Option<Instant>,
    viewers: Vec<Viewer<S::Watcher>>,
    problem: Option<String>,
}

impl<S: Site> Server<S> {
    /// One that will be found there.
    #[must_use]
    pub fn new(at: SocketAddr) -> Self {
        let (listener, again_at, viewers, problem) = Default::default();
        Self { at, listener, again_at, viewers, problem }
    }

    /// Viewers that look on.
    #[must_use]
    pub fn n_viewers(&self) -> usize {
        let is_watching = |viewer: &&Viewer<_>| matches!(viewer.stage, Stage::Watching(..));
        self.viewers.iter().filter(is_watching).count()
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Lets in whoever has come, answers whoever asks, and sends to whoever looks on what `site`
    /// has for them. Waits for nobody.
    pub fn round(&mut self, site: &S, now: Instant) {
        if self.listener.is_none() && self.again_at.is_none_or(|at| at <= now) {
            self.bind(now);
        }
        self.let_in(now);
        let is_local = self.at.ip().is_loopback();
        for viewer in &mut self.viewers {
            viewer.step(site, is_local, now);
        }
        self.viewers.retain(|viewer| !matches!(viewer.stage, Stage::Gone));
    }

    fn bind(&mut self, now: Instant) {
        let bound = TcpListener::bind(self.at).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match bound {
            Ok(listener) => (self.listener, self.problem) = (Some(listener), None),
            Err(error) => {
                let port = self.at.port();
                self.problem = Some(match error.kind() {
                    ErrorKind::AddrInUse => {
                        format!("Another program has port {port} already. Choose another port.")
                    }
                    _ => format!("Nothing can be served at port {port} ({error}). Choose another."),
                });
                self.again_at = Some(now + AGAIN);
            }
        }
    }

    fn let_in(&mut self, now: Instant) {
        let Some(listener) = &self.listener else { return };
        for _ in 0..MOST_A_ROUND {
            // One that is gone again, or that the system has no room for, is none.
            let Ok((stream, _)) = listener.accept() else { return };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            // A value is worth nothing later.
            let _ = stream.set_nodelay(true);
            let stage = if self.viewers.len() < MOST_VIEWERS {
                Stage::Asking(Vec::new())
            } else if self.viewers.len() < 2 * MOST_VIEWERS {
                let full = "Too many look at this already. Close one and come again.\n";
                Stage::Answering(answer("503 Service Unavailable", "text/plain", full), false)
            } else {
                continue;
            };
            self.viewers.push(Viewer { stage, stream: Some(stream), since: now });
        }
    }
}

impl<W: Default> Viewer<W> {
    fn step<S: Site<Watcher = W>>(&mut self, site: &S, is_local: bool, now: Instant) {
        if let Stage::Asking(asked) = &mut self.stage {
            let Some(stream) = &mut self.stream else { return self.go() };
            if read_some(stream, asked).is_err() {
                return self.go();
            }
            match answer_to(asked, site, is_local) {
                Some((bytes, looks_on)) => {
                    (self.stage, self.since) = (Stage::Answering(bytes, looks_on), now);
                }
                None if now.saturating_duration_since(self.since) > PATIENCE => return self.go(),
                None => return,
            }
        }
        if let Stage::Answering(bytes, looks_on) = &mut self.stage {
            let Some(stream) = &mut self.stream else { return self.go() };
            match write_some(stream, bytes) {
                Ok(()) if bytes.is_empty() && *looks_on => self.watch(),
                Ok(()) if bytes.is_empty() => return self.leave(now),
                Ok(()) if now.saturating_duration_since(self.since) <= PATIENCE => return,
                _ => return self.go(),
            }
            // Whoever has just come sees at once what there is.
            return self.send(|watcher| site.news(watcher, true));
        }
        if let Stage::Leaving = self.stage {
            let mut unheard = Vec::new();
            let stream = self.stream.as_mut();
            let has_more = stream.is_some_and(|stream| read_some(stream, &mut unheard).is_ok());
            if !has_more || now.saturating_duration_since(self.since) > PATIENCE {
                self.go();
            }
            return;
        }
        if let Stage::Watching(socket, watcher) = &mut self.stage {
            loop {
                match socket.read() {
                    Ok(Message::Text(said)) => site.hear(watcher, said.as_str()),
                    // Pings are answered by the socket itself.
                    Ok(_) => {}
                    Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                        break;
                    }
                    Err(_) => return self.go(),
                }
            }
            self.send(|watcher| site.news(watcher, false));
        }
    }

    /// Has nothing more to say, and waits for the other side to have no more.
    fn leave(&mut self, now: Instant) {
        let ends = self.stream.as_ref().map(|stream| stream.shutdown(Shutdown::Write));
        let ends = matches!(ends, Some(Ok(())));
        (self.stage, self.since) = (if ends { Stage::Leaving } else { Stage::Gone }, now);
    }

    fn watch(&mut self) {
        let Some(stream) = self.stream.take() else { return self.go() };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MOST_SAID_BYTES))
            .max_frame_size(Some(MOST_SAID_BYTES))
            .write_buffer_size(0)
            .max_write_buffer_size(MOST_WAITING_BYTES);
        let socket = WebSocket::from_raw_socket(stream, Role::Server, Some(config));
        self.stage = Stage::Watching(Box::new(socket), W::default());
    }

    fn send(&mut self, news: impl FnOnce(&mut W) -> Vec<Message>) {
        let Stage::Watching(socket, watcher) = &mut self.stage else { return };
        for message in news(watcher) {
            match socket.send(message) {
                Ok(()) => {}
                // It waits with the others, as long as there is room.
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return self.go(),
            }
        }
    }

    fn go(&mut self) {
        self.stage = Stage::Gone;
    }
}

/// Reads what has come onto the end of `asked`.
fn read_some(stream: &mut TcpStream, asked: &mut Vec<u8>) -> std::io::Result<()> {
    let mut bytes = [0; 1024];
    while asked.len() <= MOST_ASKED_BYTES {
        match stream.read(&mut bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => asked.extend(&bytes[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes what the other side takes of `bytes`, and leaves the rest.
fn write_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => drop(bytes.drain(..length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What `site` answers to somebody who has `asked` this, and whether it then looks on; `None` while
/// the question is not over. Where the page `is_local`, only this machine's own names lead to it.
#[must_use]
pub fn answer_to(asked: &[u8], site: &impl Site, is_local: bool) -> Option<(Vec<u8>, bool)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let plain = |status: &str, text: &str| Some((answer(status, "text/plain", text), false));
    match request.parse(asked) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if asked.len() <= MOST_ASKED_BYTES => return None,
        Ok(httparse::Status::Partial) => return plain("431 Request Header Fields Too Large", ""),
        Err(_) => return plain("400 Bad Request", ""),
    }
    let header = |name: &str| {
        let mut all = request.headers.iter();
        let found = all.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    // A page from elsewhere that has its own name lead here is to see nothing.
    if is_local && !header("host").is_some_and(is_this_machine) {
        return plain("403 Forbidden", "Call this machine 127.0.0.1 or localhost.\n");
    }
    if request.method != Some("GET") {
        return plain("405 Method Not Allowed", "");
    }
    let whole = request.path.unwrap_or_default();
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let key = header("sec-websocket-key");
    match site.answer(&Asked { path, query, wants_to_watch: key.is_some() }) {
        Answer::Text(kind, text) => Some((answer("200 OK", kind, &text), false)),
        Answer::Not(status, text) => plain(status, text),
        Answer::Watch => {
            let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            Some((head.into_bytes(), true))
        }
    }
}

/// Whether a host's name, with or without a port, is one of this machine's own.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn answer(status: &str, kind: &str, text: &str) -> Vec<u8> {
    // Sketches of any origin may look; what may run on the page is its own.
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws:\r\nConnection: close\r\n\r\n",
        text.len()
    );
    [head.as_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Tests with hundreds of connections take turns: a process may have a thousand files open.
    static MANY: Mutex<()> = Mutex::new(());

    /// A site that says one thing, and sends it in every round.
    struct Thing(String);

    impl Site for Thing {
        type Watcher = Vec<String>;

        fn answer(&self, asked: &Asked) -> Answer {
            match asked.path {
                "/" if asked.wants_to_watch => Answer::Watch,
                "/" => Answer::Text("text/plain", self.0.clone() + asked.query),
                _ => Answer::Not("404 Not Found", ""),
            }
        }

        fn hear(&self, watcher: &mut Vec<String>, said: &str) {
            watcher.push(said.to_owned());
        }

        fn news(&self, watcher: &mut Vec<String>, _is_first: bool) -> Vec<Message> {
            let heard = watcher.drain(..).map(Message::text);
            std::iter::once(Message::text(self.0.clone())).chain(heard).collect()
        }
    }

    /// A server, and rounds until `is_so` of it.
    struct Served(Server<Thing>);

    impl Served {
        fn new() -> Self {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut server = Server::new(free);
            server.round(&Thing(String::new()), Instant::now());
            assert_eq!(server.problem(), None);
            Self(server)
        }

        fn connect(&self) -> TcpStream {
            let stream = TcpStream::connect(self.0.at).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream
        }

        fn rounds(&mut self, thing: &str, mut is_so: impl FnMut(&Server<Thing>) -> bool) {
            let end = Instant::now() + Duration::from_secs(10);
            while !is_so(&self.0) {
                assert!(Instant::now() < end, "{} viewers", self.0.n_viewers());
                self.0.round(&Thing(thing.to_owned()), Instant::now());
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        /// What is answered to `asked`.
        fn answer(&mut self, asked: &str) -> String {
            let mut stream = self.connect();
            stream.write_all(asked.as_bytes()).unwrap();
            let mut told = String::new();
            stream.set_nonblocking(true).unwrap();
            self.rounds("thing", |_| {
                let mut bytes = [0; 65_536];
                match stream.read(&mut bytes) {
                    Ok(0) => true,
                    Ok(length) => {
                        told += std::str::from_utf8(&bytes[..length]).unwrap();
                        false
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        false
                    }
                }
            });
            told
        }

        fn watch(&mut self) -> WebSocket<TcpStream> {
            let mut stream = self.connect();
            let asked = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            stream.write_all(asked.as_bytes()).unwrap();
            let before = self.0.n_viewers();
            self.rounds("hello", |server| server.n_viewers() > before);
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            // The example of RFC 6455.
            assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
            WebSocket::from_raw_socket(stream, Role::Client, None)
        }
    }

    fn text(watching: &mut WebSocket<TcpStream>) -> String {
        watching.read().unwrap().into_text().unwrap().as_str().to_owned()
    }

    #[test]
    fn questions_are_answered_and_what_is_none_is_told() {
        let mut served = Served::new();
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9002\r\n\r\n");
        let told = served.answer(&get("/?s"));
        assert!(
            told.starts_with("HTTP/1.1 200 OK\r\n") && told.ends_with("\r\n\r\nthings"),
            "{told}"
        );
        assert!(served.answer(&get("/../etc/passwd")).starts_with("HTTP/1.1 404 "));
        for (asked, status) in [
            ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
            ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
            ("GET / HTTP/1.1\r\n\r\n", "403"),
            ("\0\u{1}\u{2} nonsense\r\n\r\n", "400"),
        ] {
            let told = served.answer(asked);
            assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}: {told}");
        }
        let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(MOST_ASKED_BYTES + 1000));
        assert!(served.answer(&long).starts_with("HTTP/1.1 431 "));
    }

    #[test]
    fn whoever_looks_on_gets_the_news_is_heard_and_may_go() {
        let mut served = Served::new();
        let mut watching = served.watch();
        assert_eq!(text(&mut watching), "hello");
        watching.send(Message::text("and you")).unwrap();
        let mut n_rounds = 0;
        served.rounds("thing", |_| {
            n_rounds += 1;
            n_rounds > 50
        });
        let said: Vec<String> = (0..20).map(|_| text(&mut watching)).collect();
        assert!(
            said.contains(&"thing".to_owned()) && said.contains(&"and you".to_owned()),
            "{said:?}"
        );
        watching.close(None).unwrap();
        served.rounds("thing", |server| server.n_viewers() == 0);
    }

    #[test]
    fn two_hundred_viewers_that_stop_reading_are_let_go_and_cost_another_nothing() {
        let _turn = MANY.lock().unwrap_or_else(PoisonError::into_inner);
        let mut served = Served::new();
        let mut watching = served.watch();
        let stuck: Vec<_> = (0..200).map(|_| served.watch()).collect();
        assert_eq!(served.0.n_viewers(), 201);
        let (mut n_read, mut n_sent) = (0_u32, 0_u32);
        watching.get_mut().set_nonblocking(true).unwrap();
        let is_thing = |message: Message| message.into_text().is_ok_and(|t| t.as_str() != "hello");
        let end = Instant::now() + Duration::from_secs(60);
        while served.0.n_viewers() > 1 {
            assert!(Instant::now() < end, "{} viewers", served.0.n_viewers());
            n_sent += 1;
            // As much as some seconds of values, since the system keeps much for each.
            served.0.round(&Thing(format!("{n_sent} {}", "x".repeat(50_000))), Instant::now());
            while let Ok(message) = watching.read() {
                n_read += u32::from(is_thing(message));
            }
        }
        drop(stuck);
        let end = Instant::now() + Duration::from_secs(10);
        while n_read < n_sent {
            assert!(Instant::now() < end, "{n_read} of {n_sent}");
            n_read += u32::from(watching.read().is_ok_and(is_thing));
        }
    }

    #[test]
    fn whoever_never_asks_is_let_go_and_one_too_many_is_told() {
        let _turn = MANY.lock().unwrap_or_else(PoisonError::into_inner);
        let mut served = Served::new();
        let mut silent = Vec::new();
        // The system keeps a hundred or so that nobody has let in yet.
        while silent.len() < MOST_VIEWERS {
            silent.push(served.connect());
            served.rounds("", |server| server.viewers.len() == silent.len());
        }
        let told = served.answer("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
        let later = Instant::now() + PATIENCE + Duration::from_secs(1);
        served.0.round(&Thing(String::new()), later);
        assert_eq!(served.0.viewers.len(), 0);
        assert_eq!(silent[0].read(&mut [0; 8]).unwrap(), 0);
    }

    #[test]
    fn a_port_that_somebody_has_is_told_of_and_taken_once_it_is_free() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Server::<Thing>::new(other.local_addr().unwrap());
        let (now, thing) = (Instant::now(), Thing(String::new()));
        server.round(&thing, now);
        assert!(server.problem().unwrap().contains("Choose another port"));
        drop(other);
        server.round(&thing, now + AGAIN);
        assert_eq!(server.problem(), None);
    }
}
