//! What is wrong, as the window says it until it is over.

use super::Moment;
use crate::engine::monitor::Status;

/// How urgent a banner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Readings arrive all the same.
    Warning,
    /// No readings arrive.
    Error,
}

/// A message that stays until its cause is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum Banner {
    /// No readings arrive: why, and what to do.
    Failed(String),
    /// Readings arrive from the shipped model instead of the user's: why, and what to do.
    FallenBack(String),
    /// An output fails, or parts of the project's state could not be read: what, and what to do.
    Trouble(String),
    /// The machine is too busy for all readings: seconds between them.
    Busy(f32),
}

impl Banner {
    /// The gravest of what is wrong.
    #[must_use]
    pub fn of(moment: &Moment) -> Option<Self> {
        match (&moment.status, &moment.output_problem) {
            (Status::Failed(why), _) => Some(Self::Failed(why.clone())),
            (Status::FallenBack(why), _) => Some(Self::FallenBack(why.clone())),
            (_, Some(what)) => Some(Self::Trouble(what.clone())),
            (_, None) if moment.interval_secs > 0.0 && !moment.is_stale => {
                Some(Self::Busy(moment.interval_secs))
            }
            (_, None) => None,
        }
    }

    /// How urgent it is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        if matches!(self, Self::Failed(_)) { Urgency::Error } else { Urgency::Warning }
    }
}
