//! What can go wrong in a worker.

use zholdary_domain::{Position, StreamId, appeal, message};
use zholdary_log::{DeciderError, DecodeError, ReadError};

/// Why a worker could not go on. It starts again from its fold, after a wait.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log could not be read.
    #[error("could not read the log")]
    Read(#[from] ReadError),
    /// A record does not read.
    #[error("could not read the record at {position}")]
    Decode {
        /// Where it stands.
        position: Position,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A decision about a message was not recorded.
    #[error("could not record what became of a message")]
    Message(#[source] Box<DeciderError<message::Refusal>>),
    /// A decision about an appeal was not recorded.
    #[error("could not record a decision about an appeal")]
    Appeal(#[source] Box<DeciderError<appeal::Refusal>>),
    /// A decision was not recorded, or its stream not read.
    #[error("could not record a decision")]
    Decider(#[from] Box<DeciderError>),
    /// Somebody else decided first, and otherwise: look again.
    #[error("another worker decided {stream} first")]
    Overtaken {
        /// The stream.
        stream: StreamId,
    },
    /// A published rule set does not read.
    #[error("the rule set published at {position} does not read")]
    BadRules {
        /// Where it stands.
        position: Position,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A worker panicked.
    #[error("a worker panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

impl From<DeciderError> for Error {
    fn from(error: DeciderError) -> Self {
        Self::Decider(Box::new(error))
    }
}

impl From<DeciderError<message::Refusal>> for Error {
    fn from(error: DeciderError<message::Refusal>) -> Self {
        Self::Message(Box::new(error))
    }
}

impl From<DeciderError<appeal::Refusal>> for Error {
    fn from(error: DeciderError<appeal::Refusal>) -> Self {
        Self::Appeal(Box::new(error))
    }
}

impl Error {
    /// Whether it is about what stands in one stream: the others can go on without it, and waiting does not help.
    #[must_use]
    pub fn is_of_one_stream(&self) -> bool {
        match self {
            Self::Decode { .. } => true,
            Self::Message(error) => error.is_of_one_stream(),
            Self::Appeal(error) => error.is_of_one_stream(),
            Self::Decider(error) => error.is_of_one_stream(),
            Self::Read(_) | Self::Overtaken { .. } | Self::BadRules { .. } | Self::Panicked(_) => false,
        }
    }

    /// Whether the same may succeed later, and nothing that was folded is wrong.
    #[must_use]
    pub fn may_be_asked_again(&self) -> bool {
        self.is_transient() && !matches!(self, Self::Overtaken { .. })
    }

    /// Whether looking again from the start may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Read(error) => error.is_transient(),
            Self::Message(error) => error.is_transient(),
            Self::Appeal(error) => error.is_transient(),
            Self::Decider(error) => error.is_transient(),
            Self::Overtaken { .. } => true,
            Self::Decode { .. } | Self::BadRules { .. } | Self::Panicked(_) => false,
        }
    }
}
