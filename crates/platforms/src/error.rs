//! What a call came to when it did not come to an answer.

use std::{fmt, time::Duration};

/// The honest outcome of one call that brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The request surely did not reach the platform: no address, no connection, no TLS. Asking again does nothing twice.
    #[error("the request did not reach the platform")]
    NotSent {
        /// Why.
        source: Cause,
    },
    /// The platform may have done what was asked: no answer in time, half an answer, one that does not read. Asking again may do
    /// it twice.
    #[error("whether the platform did what was asked is not known")]
    Unknown {
        /// Why.
        source: Cause,
    },
    /// The platform answered that it did not do it.
    #[error("the platform refused: {0}")]
    Refused(Refusal),
}

/// What a platform said when it refused. Its words are not kept: they may quote what a resident wrote or is reached at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The platform's own code: Graph's `error.code`, Telegram's `error_code`. None when no error of the platform came with the
    /// status.
    pub code: Option<i64>,
    /// Graph's `error.error_subcode`.
    pub subcode: Option<i64>,
    /// How long the platform asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the platform itself said no. A bare 5xx is whatever stands before it: most likely, but not surely, nothing was
    /// done.
    #[must_use]
    pub const fn is_certain(&self) -> bool {
        self.code.is_some() || self.status < 500
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(subcode) = self.subcode {
            write!(f, ", subcode {subcode}")?;
        }
        if let Some(after) = self.retry_after {
            write!(f, ", to be asked again in {} s", after.as_secs())?;
        }
        Ok(())
    }
}

/// Why there is no answer. Never says what was asked at which address: Telegram's addresses hold the token, those of files
/// their signature.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Cause(#[from] Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Http(reqwest::Error),
    #[error("no whole answer came within {ms} ms")]
    Late { ms: u128 },
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLong { limit_bytes: u64 },
    #[error("the answer is not what the platform promises")]
    Unreadable,
    #[error("the answer was status {status}")]
    Status { status: u16 },
}

impl Cause {
    pub(crate) fn http(error: reqwest::Error) -> Self {
        Kind::Http(error.without_url()).into()
    }

    pub(crate) fn late(within: Duration) -> Self {
        Kind::Late { ms: within.as_millis() }.into()
    }

    pub(crate) fn too_long(limit_bytes: u64) -> Self {
        Kind::TooLong { limit_bytes }.into()
    }

    pub(crate) fn unreadable() -> Self {
        Kind::Unreadable.into()
    }

    pub(crate) fn status(status: u16) -> Self {
        Kind::Status { status }.into()
    }
}

impl CallError {
    /// What it means that no head of an answer came.
    pub(crate) fn of_sending(error: reqwest::Error) -> Self {
        // Whatever happens before there is a connection happens before the first byte of the request. A request that ran out of
        // time altogether is not among these, even if it was still connecting: nobody tells.
        let is_unsent = error.is_connect() || error.is_builder();
        let source = Cause::http(error);
        if is_unsent { Self::NotSent { source } } else { Self::Unknown { source } }
    }

    pub(crate) fn unreadable() -> Self {
        Self::Unknown { source: Cause::unreadable() }
    }
}
