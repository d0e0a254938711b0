//! The moment that a read asks about: at least a position (`Zholdary-Position`), or exactly as of one (`?as_of=`).

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use zholdary_domain::Position;
use zholdary_readmodel::{Answer, Query};

use crate::{
    app::{App, Shared},
    extract::{self, NoQuery},
    problem::{Code, Problem},
};

/// In an answer: what it knows of. In a request: what the answer must know of.
pub(crate) static POSITION: HeaderName = HeaderName::from_static("zholdary-position");

/// As of when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOf {
    /// A position of the log, or an RFC 3339 time: the answer as it was then. While past states are not kept, it is answered
    /// when nothing has changed since, else with 501 `as-of-not-kept`.
    #[expect(dead_code, reason = "read by `Moment`; this type only describes it")]
    as_of: Option<String>,
}

/// What a read must know of.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct AtLeast {
    /// Wait until the views know of this position, 5 s at most; then 503 with `Retry-After`.
    #[expect(dead_code, reason = "read by `Moment`; this type only describes it")]
    #[param(rename = "Zholdary-Position")]
    position: Option<u64>,
}

/// Asks the views about the moment that the request names.
#[derive(Debug)]
pub(crate) struct Moment(pub(crate) Query);

impl FromRequestParts<Shared> for Moment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        if let Some(position) = at_least(&parts.headers)? {
            app.query.wait_for(position, app.config.position_wait()).await?;
        }
        let Some(text) = as_of(extract::pairs(parts)?)? else {
            return Ok(Self(app.query.clone()));
        };
        let (position, at) = named(app, &text).await?;
        // What was recorded just now may not be in the views yet.
        app.query.wait_for(position, app.config.position_wait()).await?;
        Ok(Self(app.query.as_of(position, at)))
    }
}

/// Asks the views about now, once they know of the position that the request names. For wishes, which take no query.
#[derive(Debug)]
pub(crate) struct Now(pub(crate) Query);

impl FromRequestParts<Shared> for Now {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        NoQuery::from_request_parts(parts, app).await?;
        if let Some(position) = at_least(&parts.headers)? {
            app.query.wait_for(position, app.config.position_wait()).await?;
        }
        Ok(Self(app.query.clone()))
    }
}

fn at_least(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get(&POSITION) else { return Ok(None) };
    let position = value.to_str().ok().and_then(|v| v.trim().parse().ok());
    position
        .map(|p| Some(Position(p)))
        .ok_or_else(|| Problem::new(Code::BadHeader, "a position of the log").field("Zholdary-Position"))
}

fn as_of(query: Vec<(String, String)>) -> Result<Option<String>, Problem> {
    let mut named = query.into_iter().filter(|(key, _)| key == "as_of").map(|(_, text)| text);
    match (named.next(), named.next()) {
        (None, _) => Ok(None),
        (Some(text), None) if !text.trim().is_empty() => Ok(Some(text)),
        _ => Err(Problem::new(Code::BadQuery, "given once, a position or a time").field("as_of")),
    }
}

/// The moment that `text` names: a position and when it was recorded, or a time and the last position then.
async fn named(app: &App, text: &str) -> Result<(Position, DateTime<Utc>), Problem> {
    let head = app.log.head().await?;
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let position = text
            .parse()
            .map(Position)
            .map_err(|_| Problem::new(Code::BadQuery, "a position of the log").field("as_of"))?;
        if position > head {
            return Err(beyond(head));
        }
        let record = match position.0.checked_sub(1) {
            Some(before) => app.log.read(Position(before), 1).await?.pop(),
            None => None,
        };
        return Ok((position, record.map(|record| record.recorded_at).unwrap_or_default()));
    }
    // A plus sign in a query stands for a space: `+05:00` often comes so.
    let at = DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
        .map_err(|_| {
            Problem::new(Code::BadQuery, "a position of the log, or an RFC 3339 time").field("as_of")
        })?
        .with_timezone(&Utc);
    if at > app.clock.now() {
        return Err(beyond(head));
    }
    Ok((app.log.position_at(at).await?, at))
}

fn beyond(head: Position) -> Problem {
    Problem::new(Code::AsOfBeyondHead, format!("the last record is {head}")).field("as_of")
}

/// An answer of the views, with the position it knows of in the header.
#[derive(Debug)]
pub(crate) struct Viewed<T>(pub(crate) Answer<T>);

impl<T: Serialize> IntoResponse for Viewed<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0.body).into_response();
        response.headers_mut().insert(POSITION.clone(), HeaderValue::from(self.0.position.0));
        response
    }
}
