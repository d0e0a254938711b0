//! Every refusal of the API in one form: RFC 9457, `application/problem+json`.
//!
//! [`Code`] is for programs and never changes; `detail` is for people. What went wrong inside goes to the log line, never to
//! the client.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use zholdary_channels::{meta::SignatureError, telegram::TokenError, web::SubmitError};
use zholdary_domain::{appeal, message};
use zholdary_intake::{FileError, RawError};
use zholdary_log::{AppendError, DeciderError, ReadError};
use zholdary_readmodel as views;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $title:literal;)*) => {
        /// What went wrong, from a closed set.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The status that it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The code, as answered.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, the same words each time.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// Nothing is here.
    NotFound = NOT_FOUND, "not-found", "Nothing is here";
    /// There is no such appeal, or it is not the caller's.
    NoAppeal = NOT_FOUND, "no-such-appeal", "There is no such appeal";
    /// No such file is kept, or not for the caller.
    NoFile = NOT_FOUND, "no-such-file", "There is no such file";
    /// There is no such message.
    NoMessage = NOT_FOUND, "no-such-message", "There is no such message";
    /// The appeal has no such finding.
    NoFinding = NOT_FOUND, "no-such-finding", "The appeal has no such finding";
    /// The path exists, the method does not.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not take this method";
    /// The path does not read.
    BadPath = BAD_REQUEST, "bad-path", "The path does not read";
    /// The query does not read.
    BadQuery = BAD_REQUEST, "bad-query", "The query does not read";
    /// A header does not read.
    BadHeader = BAD_REQUEST, "bad-header", "A header does not read";
    /// The body is not JSON, or did not arrive whole.
    BadJson = BAD_REQUEST, "bad-json", "The body does not read as JSON";
    /// The body is JSON, but a field is wrong.
    BadField = UNPROCESSABLE_ENTITY, "bad-field", "A field is wrong";
    /// The body is not labelled as JSON.
    NotJson = UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be application/json";
    /// The body is too large.
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The body did not arrive whole, or not in its form.
    NotWhole = BAD_REQUEST, "not-whole", "The body did not arrive whole";
    /// The file is none of the photos that are taken.
    NotAPhoto = UNSUPPORTED_MEDIA_TYPE, "not-a-photo", "Only JPEG, PNG, WebP and HEIC photos are taken";
    /// A token is needed.
    TokenNeeded = UNAUTHORIZED, "token-needed", "A token is needed";
    /// The token is unknown, revoked or expired.
    BadToken = UNAUTHORIZED, "bad-token", "The token is not valid";
    /// The token's role does not allow it.
    Forbidden = FORBIDDEN, "forbidden", "The role of this token does not allow it";
    /// The signature is missing.
    SignatureMissing = UNAUTHORIZED, "signature-missing", "The signature is missing";
    /// The signature is wrong.
    SignatureWrong = FORBIDDEN, "signature-wrong", "The signature is wrong";
    /// The subscription's challenge is refused.
    ChallengeRefused = FORBIDDEN, "challenge-refused", "The challenge is refused";
    /// The hook has no settings.
    HookNotConfigured = NOT_FOUND, "hook-not-configured", "This hook is not configured";
    /// The same `Idempotency-Key` came with another body.
    KeyReused = UNPROCESSABLE_ENTITY, "key-reused", "The same Idempotency-Key came with another body";
    /// The table of transitions does not allow it now.
    NotNow = CONFLICT, "not-now", "This cannot be done now";
    /// Another party is responsible.
    NotYours = FORBIDDEN, "not-yours", "Another party is responsible for it";
    /// «Done» needs a photo or an explanation.
    NeedsProof = UNPROCESSABLE_ENTITY, "needs-proof", "Say what was done, or add a photo that shows it";
    /// A reason is missing.
    NeedsReason = UNPROCESSABLE_ENTITY, "needs-reason", "Give a reason";
    /// The wish changes nothing.
    Pointless = UNPROCESSABLE_ENTITY, "pointless", "The wish makes no sense";
    /// Others kept deciding first.
    Contended = CONFLICT, "contended", "Others kept deciding first";
    /// The log is out of reach.
    LogUnavailable = SERVICE_UNAVAILABLE, "log-unavailable", "The log is not available";
    /// It may or may not be recorded.
    OutcomeUnknown = SERVICE_UNAVAILABLE, "outcome-unknown", "It may or may not be recorded; repeat it";
    /// The views are out of reach.
    ViewsUnavailable = SERVICE_UNAVAILABLE, "views-unavailable", "The views are not available";
    /// The views did not reach the position in time.
    PositionNotReached = SERVICE_UNAVAILABLE, "position-not-reached", "The views have not reached this position yet";
    /// The view changed after that moment, and past states are not kept.
    AsOfNotKept = NOT_IMPLEMENTED, "as-of-not-kept", "The view of that moment is not kept";
    /// The moment is after the last record.
    AsOfBeyondHead = CONFLICT, "as-of-beyond-head", "That moment is after the last record";
    /// Too many listeners.
    TooManyClients = SERVICE_UNAVAILABLE, "too-many-clients", "Too many listeners";
    /// It took too long.
    Timeout = SERVICE_UNAVAILABLE, "timeout", "It took too long";
    /// Our fault.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side";
}

/// A refusal.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    field: Option<String>,
    state: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a client reads: RFC 9457, «Problem Details for HTTP APIs».
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Names the problem's kind: `urn:zholdary:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    /// What it means, the same words each time.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What it means here.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// The kind of the problem, for programs. Never changes.
    code: &'static str,
    /// The field, parameter or header that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Where the appeal stands, when that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl Problem {
    /// A refusal with words for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, state: None, headers: vec![] }
    }

    /// The field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// A field of the body that is wrong.
    pub fn bad_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Code::BadField, detail).field(field)
    }

    /// Our fault: the client learns nothing more, the log line tells all.
    pub fn internal(doing: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "could not {doing}");
        Self::new(Code::Internal, "")
    }

    /// The field that is wrong, when one is.
    pub(crate) fn wrong_field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The kind of the problem.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

/// An error with its whole chain of causes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = ProblemBody {
            kind: format!("urn:zholdary:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code.as_str(),
            field: self.field,
            state: self.state,
        };
        let json = serde_json::to_vec(&body).expect("plain strings and numbers always serialise");
        let mut response = (status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED && self.code != Code::SignatureMissing {
            let challenge = match self.code {
                Code::BadToken => "Bearer realm=\"zholdary\", error=\"invalid_token\"",
                _ => "Bearer realm=\"zholdary\"",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        headers.extend(self.headers);
        response
    }
}

// Status codes live here and nowhere else: one `From` for each way in which something below says no.

impl From<appeal::Refusal> for Problem {
    fn from(refusal: appeal::Refusal) -> Self {
        use appeal::Refusal as R;
        match refusal {
            R::NotFound => Self::new(Code::NoAppeal, ""),
            R::NoFinding(finding) => {
                Self::new(Code::NoFinding, format!("there is no finding {}", finding.0)).field("finding")
            }
            R::NotNow { state, .. } => {
                let mut problem = Self::new(Code::NotNow, format!("the appeal is {}", state.code()));
                problem.state = Some(state.code());
                problem
            }
            R::NotYours => Self::new(Code::NotYours, ""),
            R::NeedsProof => Self::new(Code::NeedsProof, "").field("explanation"),
            R::NeedsReason => Self::new(Code::NeedsReason, "").field("reason"),
            R::ExtendedBefore => Self::new(Code::Pointless, refusal.to_string()).field("clock"),
            R::Pointless(why) => Self::new(Code::Pointless, why),
        }
    }
}

impl From<message::Refusal> for Problem {
    fn from(refusal: message::Refusal) -> Self {
        Self::internal("record a message", &refusal)
    }
}

impl<R: Into<Self>> From<DeciderError<R>> for Problem {
    fn from(error: DeciderError<R>) -> Self {
        match error {
            DeciderError::Refused(refusal) => refusal.into(),
            DeciderError::Contended { .. } => Self::new(Code::Contended, "ask again").retry_after(1),
            DeciderError::Load { source, .. } => source.into(),
            DeciderError::Append { source, .. } => source.into(),
            DeciderError::Decode { source, .. } => Self::internal("read a record", &source),
            DeciderError::Encode { source, .. } => Self::internal("write a record", &source),
        }
    }
}

impl From<std::convert::Infallible> for Problem {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match &error {
            AppendError::Conflict { .. } => Self::new(Code::Contended, "ask again").retry_after(1),
            AppendError::OutcomeUnknown(_) => Self::new(Code::OutcomeUnknown, "").retry_after(1),
            AppendError::TooLarge { limit, .. } => {
                Self::new(Code::TooLarge, format!("the log takes {limit} bytes at most"))
            }
            AppendError::Unavailable(_) | AppendError::Failed => {
                tracing::warn!(error = %chain(&error), "could not append to the log");
                Self::new(Code::LogUnavailable, "").retry_after(5)
            }
            AppendError::Corrupt { .. } => Self::internal("append to the log", &error),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Unavailable(_) | ReadError::Closed => {
                tracing::warn!(error = %chain(&error), "could not read the log");
                Self::new(Code::LogUnavailable, "").retry_after(5)
            }
            _ => Self::internal("read the log", &error),
        }
    }
}

impl From<zholdary_intake::Error> for Problem {
    fn from(error: zholdary_intake::Error) -> Self {
        match error {
            zholdary_intake::Error::Raw(RawError::TooLarge { .. }) => Self::new(Code::TooLarge, ""),
            zholdary_intake::Error::Raw(error) if error.is_transient() => {
                tracing::warn!(error = %chain(&error), "could not keep raw bytes");
                Self::new(Code::LogUnavailable, "").retry_after(5)
            }
            zholdary_intake::Error::Raw(error) => Self::internal("keep raw bytes", &error),
            zholdary_intake::Error::Record(error) => error.into(),
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::TooLarge { limit } => {
                Self::new(Code::TooLarge, format!("a photo has {limit} bytes at most"))
            }
            error if error.is_transient() => {
                tracing::warn!(error = %chain(&error), "could not keep or read a file");
                Self::new(Code::LogUnavailable, "").retry_after(5)
            }
            error => Self::internal("keep or read a file", &error),
        }
    }
}

impl From<views::Error> for Problem {
    fn from(error: views::Error) -> Self {
        use views::Error as E;
        match &error {
            E::AsOfNotKept { as_of, changed, .. } => {
                Self::new(Code::AsOfNotKept, format!("record {changed} has changed it after {as_of}"))
                    .field("as_of")
            }
            E::NotReached { asked, position } => {
                let detail = format!("the views stand at {position}, {asked} was asked for");
                Self::new(Code::PositionNotReached, detail).retry_after(1)
            }
            E::BadCursor => Self::new(Code::BadQuery, "not a place in the list").field("after"),
            E::BadColumn(_) => Self::new(Code::BadQuery, "no such column").field("by"),
            E::NotReady => Self::new(Code::ViewsUnavailable, "they are being built").retry_after(2),
            error if error.is_transient() => {
                tracing::warn!(error = %chain(error), "could not read the views");
                Self::new(Code::ViewsUnavailable, "").retry_after(2)
            }
            error => Self::internal("read the views", error),
        }
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Missing => Self::new(Code::SignatureMissing, "X-Hub-Signature-256 is missing"),
            SignatureError::Wrong => {
                Self::new(Code::SignatureWrong, "X-Hub-Signature-256 does not fit the body")
            }
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Missing => {
                Self::new(Code::SignatureMissing, "X-Telegram-Bot-Api-Secret-Token is missing")
            }
            TokenError::Wrong => {
                Self::new(Code::SignatureWrong, "X-Telegram-Bot-Api-Secret-Token is not ours")
            }
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        let field = match error {
            SubmitError::Empty | SubmitError::TooLong(_) => "text",
            SubmitError::Channel => "channel",
            SubmitError::Contact => "contact",
            SubmitError::Phone => "phone",
            SubmitError::Photos => "photos",
            SubmitError::Key => return Self::new(Code::BadHeader, "1 to 512 bytes").field("Idempotency-Key"),
        };
        Self::bad_field(field, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_differ() {
        let codes: BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }

    #[test]
    fn codes_and_their_statuses_never_change() {
        let table: Vec<_> =
            Code::ALL.iter().map(|c| format!("{} {}", c.status().as_u16(), c.as_str())).collect();
        insta::assert_snapshot!(table.join("\n"));
    }
}
