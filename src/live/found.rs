//! Has other programs find the OSCQuery tree by themselves: mDNS, `_oscjson._tcp`.

use std::net::SocketAddr;
use std::time::Duration;

use mdns_sd::{ServiceDaemon, ServiceInfo};

use crate::errand;

/// What OSCQuery is called there.
const SERVICE: &str = "_oscjson._tcp.local.";

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// A name in the local network; dropped, it goes.
pub struct Found {
    daemon: ServiceDaemon,
    full_name: String,
}

impl Found {
    /// Announces the tree of `prefix` at `at`, as far as the network lets us.
    #[must_use]
    pub fn announce(prefix: &str, at: SocketAddr) -> Option<Self> {
        let daemon = ServiceDaemon::new().ok()?;
        // Its thread is its own and cannot be waited for.
        errand::keep_in_memory();
        let name = &name_of(prefix);
        let host = format!("moodring-{}.local.", at.port());
        let no_properties: &[(&str, &str)] = &[];
        let address = if at.ip().is_unspecified() { String::new() } else { at.ip().to_string() };
        let info =
            ServiceInfo::new(SERVICE, name, &host, address.as_str(), at.port(), no_properties)
                .ok()?;
        let info = if address.is_empty() { info.enable_addr_auto() } else { info };
        let full_name = info.get_fullname().to_owned();
        daemon.register(info).ok()?;
        Some(Self { daemon, full_name })
    }
}

/// What programs show: the product, and of a prefix of its own that, too.
fn name_of(prefix: &str) -> String {
    let words = prefix.trim_start_matches('/').replace('/', " ");
    if words == "moodring" { "Moodring".to_owned() } else { format!("Moodring {words}") }
}

impl Drop for Found {
    fn drop(&mut self) {
        if let Ok(done) = self.daemon.unregister(&self.full_name) {
            let _ = done.recv_timeout(GOODBYE);
        }
        let _ = self.daemon.shutdown();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_is_found_by_its_own_name() {
        assert_eq!(name_of("/moodring"), "Moodring");
        assert_eq!(name_of("/deck/1"), "Moodring deck 1");
    }
}
