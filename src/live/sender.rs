//! Who is sent to: packets on their way to every receiver, none of which is waited for.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use super::settings::Target;
use super::{any_like, socket};
use crate::errand::Errand;

/// How long a name that was found is taken to be there, and one that was not to be missing.
const FOUND_FOR: Duration = Duration::from_secs(60);
const MISSING_FOR: Duration = Duration::from_secs(5);

/// Where a receiver is.
enum Place {
    At(SocketAddr),
    /// Somebody looks it up.
    Sought(Errand<Option<SocketAddr>>),
    Missing,
}

/// One receiver.
struct Receiver {
    target: Target,
    place: Place,
    /// When its name is to be looked up again.
    again_at: Option<Instant>,
    /// The last address it had, for while it is looked up again.
    known: Option<SocketAddr>,
    socket: Option<UdpSocket>,
    problem: Option<String>,
}

impl Receiver {
    fn new(target: Target) -> Self {
        let (again_at, known, socket, problem) = Default::default();
        Self { target, place: Place::Missing, again_at, known, socket, problem }
    }

    /// Where it is, as far as anybody knows.
    fn address(&mut self, now: Instant) -> Option<SocketAddr> {
        let (name, port) = match &self.target {
            Target::At(address) => return Some(*address),
            Target::Named(name, port) => (name, *port),
        };
        if let Place::Sought(errand) = &self.place
            && let Some(found) = errand.poll()
        {
            let found = found.ok().flatten();
            let lasts = if found.is_some() { FOUND_FOR } else { MISSING_FOR };
            (self.place, self.again_at) =
                (found.map_or(Place::Missing, Place::At), Some(now + lasts));
            self.known = found;
        }
        let is_due = self.again_at.is_none_or(|at| at <= now);
        if is_due && !matches!(self.place, Place::Sought(_)) {
            let asked = (name.clone(), port);
            let look_up = move || asked.to_socket_addrs().ok().and_then(|mut all| all.next());
            match Errand::start(look_up) {
                Ok(errand) => self.place = Place::Sought(errand),
                Err(_) => self.again_at = Some(now + MISSING_FOR),
            }
        }
        match self.place {
            Place::At(address) => Some(address),
            Place::Sought(_) => self.known,
            Place::Missing => None,
        }
    }

    /// Sends `packets`; how many went out.
    fn send(&mut self, packets: &[Vec<u8>], now: Instant) -> u64 {
        let Some(address) = self.address(now) else {
            if !matches!(self.place, Place::Sought(_)) {
                self.problem = Some(format!(
                    "{} cannot be found. Check its name; it is looked up again.",
                    self.target
                ));
            }
            return 0;
        };
        // One that could not be had may be there when the network is back.
        if self.socket.is_none() {
            match socket(any_like(address)) {
                Ok(socket) => {
                    // So that 192.168.1.255 reaches all; without, only that is refused.
                    let _ = socket.set_broadcast(true);
                    self.socket = Some(socket);
                }
                Err(error) => {
                    self.problem = Some(unsent(&self.target, &error));
                    return 0;
                }
            }
        }
        let Some(socket) = &self.socket else { return 0 };
        let mut n_sent = 0;
        for packet in packets {
            match socket.send_to(packet, address) {
                Ok(_) => n_sent += 1,
                // The system has no room at present, or tells of an earlier packet that nobody has
                // taken: whoever comes back gets the next.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock
                            | ErrorKind::ConnectionRefused
                            | ErrorKind::Interrupted
                    ) => {}
                Err(error) => {
                    self.problem = Some(unsent(&self.target, &error));
                    // A network that goes and comes may want a new one.
                    self.socket = None;
                    return n_sent;
                }
            }
        }
        self.problem = None;
        n_sent
    }
}

fn unsent(target: &Target, error: &std::io::Error) -> String {
    format!("Nothing gets to {target} ({error}). It is tried again with every value.")
}

/// All receivers.
pub struct Sender(Vec<Receiver>);

impl Sender {
    /// One to these.
    #[must_use]
    pub fn new(targets: Vec<Target>) -> Self {
        Self(targets.into_iter().map(Receiver::new).collect())
    }

    /// Sends `packets` to each; how many went out.
    pub fn send(&mut self, packets: &[Vec<u8>], now: Instant) -> u64 {
        self.0.iter_mut().map(|receiver| receiver.send(packets, now)).sum()
    }

    /// What is wrong with the first with whom anything is.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.0.iter().find_map(|receiver| receiver.problem.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_until(sender: &mut Sender, is_so: impl Fn(&Sender, u64) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        let mut n_sent = 0;
        while !is_so(sender, n_sent) {
            assert!(Instant::now() < end, "{n_sent} sent, {:?}", sender.problem());
            n_sent += sender.send(&[vec![1, 2, 3, 4]], Instant::now());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn packets_reach_addresses_of_both_kinds_and_names() {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let bind = if host == "[::1]" { "[::1]:0" } else { "127.0.0.1:0" };
            // A machine without the newer kind of address has nobody to reach there.
            let Ok(receiver) = UdpSocket::bind(bind) else { continue };
            receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let port = receiver.local_addr().unwrap().port();
            let target = match host {
                "localhost" => Target::Named(host.to_owned(), port),
                _ => Target::At(format!("{host}:{port}").parse().unwrap()),
            };
            let mut sender = Sender::new(vec![target]);
            sent_until(&mut sender, |_, n_sent| n_sent > 0);
            let mut bytes = [0; 8];
            // A name may stand for both kinds, of which the system offers one first.
            if host != "localhost" {
                assert_eq!(receiver.recv(&mut bytes).unwrap(), 4);
            }
            assert_eq!(sender.problem(), None);
        }
    }

    #[test]
    fn a_receiver_that_nobody_finds_is_told_of_and_others_are_sent_to() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let there = Target::At(receiver.local_addr().unwrap());
        let nowhere = Target::Named("nowhere.invalid".to_owned(), 9000);
        let mut sender = Sender::new(vec![nowhere, there]);
        sent_until(&mut sender, |sender, n_sent| {
            n_sent > 2 && sender.problem().is_some_and(|why| why.contains("nowhere.invalid:9000"))
        });
    }

    #[test]
    fn a_receiver_that_is_not_there_and_comes_back_gets_what_is_sent_then() {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut sender = Sender::new(vec![Target::At(address)]);
        for _ in 0..20 {
            sender.send(&[vec![0; 4]], Instant::now());
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(sender.problem(), None, "nobody listens, which is no fault of ours");
        let receiver = UdpSocket::bind(address).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        sent_until(&mut sender, |_, n_sent| n_sent > 3);
        assert_eq!(receiver.recv(&mut [0; 8]).unwrap(), 4);
    }
}
