//! What came of reading a file.

/// Seconds by which a file may fall short of its own word: encoders round, and count what they put
/// in front.
const SLACK_SECS: f64 = 0.1;

/// How much of a file was read, and what is missing of what it promised.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(not(feature = "internals"), non_exhaustive)]
pub struct Outcome {
    /// Seconds of sound decoded.
    pub read_secs: f64,
    /// Seconds that were lost in holes and in packets that could not be decoded; silence stood in
    /// for those before the last sound.
    pub lost_secs: f64,
    /// Seconds that the file itself promised; `None` where it did not say.
    pub promised_secs: Option<f64>,
    /// Packets that could not be decoded.
    pub broken_packets: usize,
    /// Why reading ended before the end, where it did.
    pub broke_off: Option<String>,
}

impl Outcome {
    /// Whether all was read that the file promised.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.broke_off.is_none() && self.least_missing_secs() <= SLACK_SECS
    }

    /// Seconds missing; 0 where the file is complete, `None` where it broke off and had not said
    /// how long it is.
    #[must_use]
    pub fn missing_secs(&self) -> Option<f64> {
        let missing = self.least_missing_secs();
        match missing <= SLACK_SECS {
            true if self.is_complete() => Some(0.0),
            true => None,
            false => Some(missing),
        }
    }

    /// What is missing, in words for a warning; `None` where nothing is.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        if self.is_complete() {
            return None;
        }
        let missing = match (self.missing_secs(), self.promised_secs) {
            (Some(missing), Some(promised)) if promised >= missing => {
                format!("{missing:.1} s of {promised:.1} s are missing")
            }
            (Some(missing), _) => format!("{missing:.1} s are missing"),
            (None, _) => "the end is missing".to_owned(),
        };
        Some(format!("{missing}{}{}", self.reason(), self.broken()))
    }

    /// How many packets could not be decoded, behind a semicolon; nothing where all could.
    pub(super) fn broken(&self) -> String {
        match self.broken_packets {
            0 => String::new(),
            n => format!("; packets that could not be decoded: {n}"),
        }
    }

    /// Forgets why it broke off where all has come that was promised.
    pub(super) fn forgive(&mut self) {
        if self.promised_secs.is_some() && self.least_missing_secs() <= SLACK_SECS {
            self.broke_off = None;
        }
    }

    /// Why it broke off, in brackets; nothing where it did not.
    pub(super) fn reason(&self) -> String {
        self.broke_off.as_ref().map_or_else(String::new, |why| format!(" ({why})"))
    }

    fn least_missing_secs(&self) -> f64 {
        let short = self.promised_secs.map_or(0.0, |promised| promised - self.read_secs);
        short.max(self.lost_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_what_was_promised_or_lost() {
        let whole = Outcome { read_secs: 10.0, promised_secs: Some(10.05), ..Outcome::default() };
        assert_eq!((whole.is_complete(), whole.missing_secs()), (true, Some(0.0)));
        assert_eq!(whole.warning(), None);
        let short = Outcome { promised_secs: Some(60.0), ..whole.clone() };
        assert_eq!((short.is_complete(), short.missing_secs()), (false, Some(50.0)));
        assert_eq!(short.warning().unwrap(), "50.0 s of 60.0 s are missing");
        let holed = Outcome { lost_secs: 3.0, promised_secs: None, ..whole.clone() };
        assert_eq!((holed.is_complete(), holed.missing_secs()), (false, Some(3.0)));
        let cut = Outcome { promised_secs: None, broke_off: Some("cut".into()), ..whole };
        assert_eq!((cut.is_complete(), cut.missing_secs()), (false, None));
        assert_eq!(cut.warning().unwrap(), "the end is missing (cut)");
    }
}
