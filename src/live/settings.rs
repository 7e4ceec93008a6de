//! What is sent where, as a user sets it and a project keeps it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize};

/// Most programs that are sent to.
pub const MOST_TARGETS: usize = 8;

/// Most bundles a second.
pub const MOST_HZ: u8 = 60;

/// Longest prefix, bytes.
const MOST_PREFIX: usize = 64;

/// Programs that many people have, and where they listen.
pub const PRESETS: [(&str, &str); 4] = [
    ("Resolume", "127.0.0.1:7000"),
    ("QLC+", "127.0.0.1:7700"),
    ("TouchDesigner", "127.0.0.1:10000"),
    ("Chataigne", "127.0.0.1:12000"),
];

/// What is set. A setting of another version, or none, is the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OscSettings {
    /// Whether anything is sent or heard.
    #[serde(deserialize_with = "or_default")]
    pub is_on: bool,
    /// Who is sent to, as `host:port`.
    #[serde(deserialize_with = "or_default")]
    pub targets: Vec<String>,
    /// What every address begins with.
    #[serde(deserialize_with = "or_default")]
    pub prefix: String,
    /// Bundles a second, 1 to [`MOST_HZ`]; 0 for one with every reading.
    #[serde(deserialize_with = "or_default")]
    pub rate_hz: u8,
    /// Whether commands are obeyed that come to `port`.
    #[serde(deserialize_with = "or_default")]
    pub listens: bool,
    /// Where commands are heard.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
    /// Whether the addresses are to be found and read at `query_port`, by OSCQuery.
    #[serde(deserialize_with = "or_default")]
    pub is_queried: bool,
    /// Where.
    #[serde(deserialize_with = "or_default")]
    pub query_port: u16,
    /// Whether other machines are let in, too.
    #[serde(deserialize_with = "or_default")]
    pub is_public: bool,
}

impl Default for OscSettings {
    fn default() -> Self {
        Self {
            is_on: false,
            targets: vec!["127.0.0.1:9000".to_owned()],
            prefix: "/moodring".to_owned(),
            rate_hz: 0,
            listens: false,
            port: 9001,
            is_queried: false,
            query_port: 9003,
            is_public: false,
        }
    }
}

/// The page for browsers: whether there is one, and where. A setting of another version, or none,
/// is the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageSettings {
    /// Whether it is there.
    #[serde(deserialize_with = "or_default")]
    pub is_on: bool,
    /// At which port.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
    /// Whether browsers of other machines see it, too.
    #[serde(deserialize_with = "or_default")]
    pub is_public: bool,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self { is_on: false, port: 9002, is_public: false }
    }
}

impl PageSettings {
    /// Where a browser on this machine finds it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Where it is to be.
    ///
    /// # Errors
    /// What is no port, and what to write instead.
    pub fn checked(&self) -> Result<SocketAddr, String> {
        match self.port {
            0 => Err("Name a port from 1 to 65535 for the page.".to_owned()),
            port => Ok(SocketAddr::new(host(self.is_public), port)),
        }
    }
}

/// Where others are let in from.
fn host(is_public: bool) -> IpAddr {
    IpAddr::V4(if is_public { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST })
}

/// Settings that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Who is sent to.
    pub targets: Vec<Target>,
    /// Without a slash at its end.
    pub prefix: String,
    /// Bundles a second; `None` for one with every reading.
    pub rate_hz: Option<u8>,
    /// Where commands are heard.
    pub listens_at: Option<SocketAddr>,
    /// Where the addresses are to be found.
    pub query_at: Option<SocketAddr>,
}

/// A program that is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By its address.
    At(SocketAddr),
    /// By a name that is looked up, and a port.
    Named(String, u16),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Named(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl OscSettings {
    /// The targets as one line of text, and back.
    #[must_use]
    pub fn targets_text(&self) -> String {
        self.targets.join(", ")
    }

    /// See [`targets_text`](Self::targets_text).
    pub fn set_targets_text(&mut self, text: &str) {
        let words = text.split([',', ';', ' ']).map(str::trim).filter(|word| !word.is_empty());
        self.targets = words.map(str::to_owned).collect();
    }

    /// The same as what can be carried out.
    ///
    /// # Errors
    /// What cannot, and what to write instead.
    pub fn checked(&self) -> Result<Plan, String> {
        if self.targets.len() > MOST_TARGETS {
            return Err(format!("Name {MOST_TARGETS} receivers at most."));
        }
        let targets = self.targets.iter().map(|text| target(text)).collect::<Result<_, _>>()?;
        for (is_on, port, what) in
            [(self.listens, self.port, "commands"), (self.is_queried, self.query_port, "OSCQuery")]
        {
            if is_on && port == 0 {
                return Err(format!("Name a port from 1 to 65535 for {what}."));
            }
        }
        Ok(Plan {
            targets,
            prefix: prefix(&self.prefix)?,
            rate_hz: (self.rate_hz > 0).then(|| self.rate_hz.min(MOST_HZ)),
            listens_at: self.listens.then(|| SocketAddr::new(host(self.is_public), self.port)),
            query_at: self
                .is_queried
                .then(|| SocketAddr::new(host(self.is_public), self.query_port)),
        })
    }
}

/// A receiver as it is written.
fn target(text: &str) -> Result<Target, String> {
    let wrong = || {
        format!(
            "{text:?} is no receiver. Write it as host:port, such as 127.0.0.1:9000 or [::1]:9000."
        )
    };
    if let Ok(address) = text.parse::<SocketAddr>() {
        return if address.port() > 0 { Ok(Target::At(address)) } else { Err(wrong()) };
    }
    let (name, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(wrong());
    }
    Ok(Target::Named(name.to_owned(), port))
}

/// The beginning of every address as it is written: a slash first, none at the end, and nothing
/// that OSC has another use for.
fn prefix(text: &str) -> Result<String, String> {
    let trimmed = text.trim().trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_graphic() && !"#*,?[]{}".contains(c);
    let is_fit = trimmed.starts_with('/') && trimmed.chars().all(is_plain);
    if is_fit && !trimmed.contains("//") && trimmed.len() <= MOST_PREFIX {
        Ok(trimmed.to_owned())
    } else {
        Err(format!(
            "{text:?} is no beginning of an address. Write one such as /moodring or /deck/1."
        ))
    }
}

/// A value of its type, or that of the default settings for what another version may have written.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + for<'a> Deserialize<'a>,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_targets(text: &str) -> OscSettings {
        let mut settings = OscSettings::default();
        settings.set_targets_text(text);
        settings
    }

    #[test]
    fn receivers_are_addresses_of_both_kinds_and_names() {
        let plan = of_targets("127.0.0.1:7000, [::1]:7700; lights.local:9000").checked().unwrap();
        let texts: Vec<_> = plan.targets.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["127.0.0.1:7000", "[::1]:7700", "lights.local:9000"]);
        assert!(matches!(plan.targets[2], Target::Named(..)));
    }

    #[test]
    fn what_is_no_receiver_is_told_with_what_to_write() {
        for text in ["9000", "localhost", "a:0", ":9000", "::1:9000", "a b:c", "127.0.0.1:99999"] {
            let why = of_targets(text).checked().unwrap_err();
            assert!(why.contains("host:port"), "{text}: {why}");
        }
        assert!(of_targets(&"a:1 ".repeat(MOST_TARGETS + 1)).checked().is_err());
    }

    #[test]
    fn a_prefix_is_a_part_of_an_address() {
        let of = |prefix: &str| OscSettings { prefix: prefix.to_owned(), ..OscSettings::default() };
        assert_eq!(of("/deck/1/").checked().unwrap().prefix, "/deck/1");
        for wrong in ["", "/", "moodring", "/a b", "/a*", "/ä", "//", "/a//b"] {
            assert!(of(wrong).checked().is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_what_another_version_wrote_each_setting_is_taken_for_itself() {
        let text = r#"{"is_on": true, "targets": "x", "rate_hz": 900, "port": 7001, "more": []}"#;
        let settings: OscSettings = serde_json::from_str(text).unwrap();
        assert!(settings.is_on && settings.targets.is_empty());
        assert_eq!((settings.rate_hz, settings.port), (0, 7001));
        assert_eq!(settings.prefix, OscSettings::default().prefix);
    }
}
