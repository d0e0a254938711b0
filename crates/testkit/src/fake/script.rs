//! What goes wrong next.

use std::{collections::VecDeque, io, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::Value;

/// How a fake meets one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not taken: the platform's own error. Its text quotes what was sent, as those of platforms may.
    Error {
        /// The HTTP status.
        status: u16,
        /// The platform's code.
        code: i64,
        /// Graph's `error_subcode`. Telegram has none.
        subcode: Option<i64>,
    },
    /// Not taken: status 429, with the seconds after which to come again.
    TooMany {
        /// Seconds: Telegram's `parameters.retry_after`, Graph's header `Retry-After`.
        retry_after: u64,
    },
    /// Not taken: this status without a body.
    Status(u16),
    /// Taken, and then no answer until the client gives up.
    TakenThenSilent,
    /// Taken, and then the connection dies in the middle of the answer.
    TakenThenCut,
    /// Taken, and answered rightly after this long.
    Slow(Duration),
}

impl Answer {
    /// Telegram: the person has blocked the bot.
    #[must_use]
    pub const fn blocked() -> Self {
        Self::Error { status: 403, code: 403, subcode: None }
    }
}

/// Answers that wait for their calls, the next one first.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<Answer>);

impl Script {
    pub(super) fn push(&mut self, answer: Answer) {
        self.0.push_back(answer);
    }

    /// How the call that is being served shall end.
    pub(super) fn next(&mut self) -> End {
        match self.0.pop_front() {
            None => End::Taken(Taken::AtOnce),
            Some(Answer::Slow(pause)) => End::Taken(Taken::After(pause)),
            Some(Answer::TakenThenSilent) => End::Taken(Taken::Silent),
            Some(Answer::TakenThenCut) => End::Taken(Taken::Cut),
            Some(Answer::Error { status, code, subcode }) => {
                End::Refused { status, code, subcode, retry_after: None }
            }
            Some(Answer::TooMany { retry_after }) => {
                End::Refused { status: 429, code: 429, subcode: None, retry_after: Some(retry_after) }
            }
            Some(Answer::Status(status)) => End::Bare(status_of(status).into_response()),
        }
    }
}

/// How one call ends.
#[derive(Debug)]
pub(super) enum End {
    Taken(Taken),
    Refused { status: u16, code: i64, subcode: Option<i64>, retry_after: Option<u64> },
    Bare(Response),
}

/// How the client hears that its call was taken.
#[derive(Debug)]
pub(super) enum Taken {
    AtOnce,
    After(Duration),
    Silent,
    Cut,
}

impl Taken {
    /// Lets the client hear `said`, or not.
    pub(super) async fn tell(self, said: &Value) -> Response {
        match self {
            Self::AtOnce => {}
            Self::After(pause) => tokio::time::sleep(pause).await,
            Self::Silent => std::future::pending().await,
            Self::Cut => return cut(said.to_string().as_bytes(), "application/json"),
        }
        axum::Json(said).into_response()
    }

    /// Lets the client have the file `bytes`, or half of it.
    pub(super) async fn give(self, bytes: Vec<u8>, media_type: &str) -> Response {
        match self {
            Self::AtOnce => {}
            Self::After(pause) => tokio::time::sleep(pause).await,
            Self::Silent => std::future::pending().await,
            Self::Cut => return cut(&bytes, media_type),
        }
        ([(header::CONTENT_TYPE, media_type.to_owned())], bytes).into_response()
    }
}

impl End {
    /// Lets the client have the file `bytes`, or what is scripted instead.
    pub(super) async fn give(self, bytes: Vec<u8>, media_type: &str) -> Response {
        match self {
            Self::Bare(response) => response,
            Self::Refused { status, .. } => status_of(status).into_response(),
            Self::Taken(taken) => taken.give(bytes, media_type).await,
        }
    }
}

/// Half of the answer that the head promises.
fn cut(whole: &[u8], media_type: &str) -> Response {
    let half = whole[..whole.len() / 2].to_vec();
    let death = stream::once(async {
        // The half shall leave the machine before the connection does.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let body = Body::from_stream(stream::iter([Ok(half)]).chain(death));
    ([(header::CONTENT_TYPE, media_type), (header::CONTENT_LENGTH, &whole.len().to_string())], body)
        .into_response()
}

/// # Panics
///
/// When a test scripts a number that is no status.
pub(super) fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no HTTP status"))
}
