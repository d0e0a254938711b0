//! How intake fails, and what each failure lets the caller conclude.

use zholdary_domain::message::Refusal;
use zholdary_log::DeciderError;

/// Why a delivery was not taken whole. What was taken stays; delivered again, the whole is completed and nothing doubles.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The raw bytes are not durable; nothing was recorded.
    #[error("the raw bytes could not be kept")]
    Raw(#[from] RawError),
    /// A record is missing, or may be: the delivery must come again.
    #[error("an element could not be recorded")]
    Record(#[source] DeciderError<Refusal>),
}

impl Error {
    /// Whether the same delivery, sent again, may succeed: answer 503. Otherwise somebody must look at the disk: answer 500.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Raw(error) => error.is_transient(),
            Self::Record(error) => error.is_transient(),
        }
    }
}

/// Why raw bytes could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The file cannot be used.
    #[error("{file} cannot be opened for raw bodies")]
    Open {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer release wrote the file.
    #[error(
        "{file} has format {found}, this release reads up to {known}: use the newer release that wrote it"
    )]
    NewerFormat {
        /// The file.
        file: String,
        /// Its format.
        found: i64,
        /// The newest format that this release knows.
        known: i64,
    },
    /// The body is larger than the setting `body_bytes`.
    #[error("a body of {bytes} bytes is larger than the {limit} bytes that are kept")]
    TooLarge {
        /// Length of the body.
        bytes: usize,
        /// The setting.
        limit: usize,
    },
    /// The disk, the servers or another process stand in the way.
    #[error("the store of raw bodies is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is kept under a body's name is not that body.
    #[error("the raw body {name} is damaged")]
    Damaged {
        /// Its name.
        name: String,
    },
    /// The writer has stopped: the process is about to end.
    #[error("the store of raw bodies was closed")]
    Closed,
}

impl RawError {
    /// Whether the same call, made later, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Closed)
    }
}
