//! Why a file is not read.

use std::io;

/// Why a file is not read: words that fit behind its name, and what to do where something can be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The system cannot open it, or read on.
    #[error("{doing}")]
    Io {
        /// What was being done, in words.
        doing: &'static str,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// It is not audio, or has none in it.
    #[error("{0}")]
    NotAudio(String),
    /// It is audio of a kind that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// It is audio of a kind that is read, and something is missing that reading takes.
    #[error("{0}")]
    Damaged(String),
    /// What reads its kind failed on it.
    #[error("its reader failed ({0}); please report this file")]
    Reader(String),
}

/// Most of what is read comes from a file that is open.
impl From<io::Error> for DecodeError {
    fn from(error: io::Error) -> Self {
        Self::Io { doing: "cannot be read", error }
    }
}

impl DecodeError {
    /// That it cannot be opened.
    pub(super) fn opening(error: io::Error) -> Self {
        Self::Io { doing: "cannot be opened", error }
    }

    pub(super) fn not_audio(words: impl Into<String>) -> Self {
        Self::NotAudio(words.into())
    }

    pub(super) fn unsupported(words: impl Into<String>) -> Self {
        Self::Unsupported(words.into())
    }

    pub(super) fn damaged(words: impl Into<String>) -> Self {
        Self::Damaged(words.into())
    }
}
