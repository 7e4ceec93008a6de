//! Commands of other programs.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::osc::{MOST_COMMAND_BYTES, commands};
use super::{Action, socket};

/// Most packets that are looked at in a round: who floods us costs no more than these.
const MOST_A_ROUND: usize = 32;

/// Time between tries to get a port that somebody else has.
const AGAIN: Duration = Duration::from_secs(2);

/// Where commands are heard.
pub struct Receiver {
    at: SocketAddr,
    socket: Option<UdpSocket>,
    again_at: Option<Instant>,
    problem: Option<String>,
}

/// What a round has brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Commands, in their order.
    pub actions: Vec<Action>,
    /// What was none.
    pub n_foreign: u64,
}

impl Receiver {
    /// One that will listen at this address.
    #[must_use]
    pub fn new(at: SocketAddr) -> Self {
        Self { at, socket: None, again_at: None, problem: None }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What has come since the last round, for addresses that begin with `prefix`.
    pub fn hear(&mut self, prefix: &str, now: Instant) -> Heard {
        let mut heard = Heard::default();
        if self.socket.is_none() && self.again_at.is_none_or(|at| at <= now) {
            self.bind(now);
        }
        let Some(socket) = &self.socket else { return heard };
        // A longer one is cut, and so is none.
        let mut bytes = [0; MOST_COMMAND_BYTES + 1];
        for _ in 0..MOST_A_ROUND {
            match socket.recv_from(&mut bytes) {
                Ok((length, _)) => {
                    let (actions, n_foreign) = commands(&bytes[..length], prefix);
                    heard.actions.extend(actions);
                    heard.n_foreign += n_foreign;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Where packets are longer than the buffer, Windows says so.
                Err(_) => heard.n_foreign += 1,
            }
        }
        heard
    }

    fn bind(&mut self, now: Instant) {
        match socket(self.at) {
            Ok(socket) => (self.socket, self.problem) = (Some(socket), None),
            Err(error) => {
                let port = self.at.port();
                self.problem = Some(match error.kind() {
                    ErrorKind::AddrInUse => format!(
                        "Another program listens at port {port} already. Choose another port for commands."
                    ),
                    _ => format!("Nothing can be heard at port {port} ({error}). Choose another."),
                });
                self.again_at = Some(now + AGAIN);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rosc::{OscMessage, OscPacket, encoder};

    use super::*;

    fn free() -> SocketAddr {
        UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    fn reset() -> Vec<u8> {
        let message = OscMessage { addr: "/m/reset".to_owned(), args: Vec::new() };
        encoder::encode(&OscPacket::Message(message)).unwrap()
    }

    #[test]
    fn commands_are_heard_between_any_number_of_packets_that_are_none() {
        let at = free();
        let mut receiver = Receiver::new(at);
        assert_eq!(receiver.hear("/m", Instant::now()), Heard::default());
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..40 {
            other.send_to(&[0xff; 2000], at).unwrap();
        }
        other.send_to(&reset(), at).unwrap();
        let (mut actions, mut n_foreign) = (Vec::new(), 0);
        let end = Instant::now() + Duration::from_secs(10);
        while actions.is_empty() {
            assert!(Instant::now() < end, "{n_foreign}");
            let heard = receiver.hear("/m", Instant::now());
            assert!(heard.n_foreign <= MOST_A_ROUND as u64);
            actions.extend(heard.actions);
            n_foreign += heard.n_foreign;
        }
        assert_eq!((actions, n_foreign), (vec![Action::Reset], 40));
    }

    #[test]
    fn a_port_that_somebody_has_is_told_of_and_taken_once_it_is_free() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut receiver = Receiver::new(other.local_addr().unwrap());
        let now = Instant::now();
        receiver.hear("/m", now);
        assert!(receiver.problem().unwrap().contains("Choose another port"));
        drop(other);
        receiver.hear("/m", now + AGAIN);
        assert_eq!(receiver.problem(), None);
    }
}
