//! Extractors that refuse in our format.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::BytesRejection},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem};

/// One variable of the path.
#[derive(Debug)]
pub(crate) struct PathOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(Code::BadPath, "")),
        }
    }
}

/// The pairs of a query, decoded once: what a key is called does not depend on how it was written.
pub(crate) fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Problem> {
    serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
        .map_err(|_| Problem::new(Code::BadQuery, ""))
}

/// No query: any key is refused, so that nobody believes it was heard.
#[derive(Debug)]
pub(crate) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match pairs(parts)?.into_iter().next() {
            None => Ok(Self),
            Some((key, _)) => {
                Err(Problem::new(Code::BadQuery, "nothing is asked for in this query").field(key))
            }
        }
    }
}

/// Nothing but the `as_of` that [`crate::moment::Moment`] reads.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The query, without `as_of`, which [`crate::moment::Moment`] reads.
#[derive(Debug)]
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        known(pairs(parts)?.into_iter().filter(|(key, _)| key != "as_of").collect(), Code::BadQuery).map(Self)
    }
}

/// The query of a page. What others add to a link on its way is nobody's wish, and is passed over. But pages show the present
/// alone, and do not let anybody believe otherwise.
#[derive(Debug)]
pub(crate) struct PageQuery<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for PageQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = pairs(parts)?;
        if pairs.iter().any(|(key, _)| key == "as_of") {
            let present = "pages show the present; the API answers about the past";
            return Err(Problem::new(Code::BadQuery, present).field("as_of"));
        }
        known(pairs, Code::BadQuery).map(Self)
    }
}

/// Pairs of a query or a form as their type; a key that it refuses is named.
pub(crate) fn known<T: DeserializeOwned>(pairs: Vec<(String, String)>, code: Code) -> Result<T, Problem> {
    let pairs = serde_urlencoded::to_string(pairs).map_err(|_| Problem::new(code, ""))?;
    serde_urlencoded::from_str(&pairs).map_err(|error| {
        let said = error.to_string();
        let problem = Problem::new(code, safe(&said));
        let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        match unknown.or_else(|| missing(&said)) {
            Some(name) => problem.field(name),
            None => problem,
        }
    })
}

/// A JSON body. The label must say JSON; unknown fields are errors where the type says so.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        json(&headers, &bytes).map(Self)
    }
}

/// Reads a JSON body. An empty body of a type whose fields all have defaults is `{}`.
pub(crate) fn json<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let label = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_json = label
        .and_then(|l| l.split(';').next())
        .map(|l| l.trim().to_ascii_lowercase())
        .is_some_and(|l| l == "application/json" || (l.starts_with("application/") && l.ends_with("+json")));
    let bytes = match (is_json, bytes.is_empty()) {
        (false, false) => return Err(Problem::new(Code::NotJson, "")),
        (_, true) => b"{}",
        (true, false) => bytes,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let said = inner.to_string();
            let problem = Problem::new(Code::BadField, safe(&said));
            match missing(&said) {
                Some(field) if path == "." => problem.field(field),
                Some(field) => problem.field(format!("{path}.{field}")),
                None if path == "." => problem,
                None => problem.field(path),
            }
        } else {
            Problem::new(Code::BadJson, format!("line {}, column {}", inner.line(), inner.column()))
        }
    })?;
    reader.end().map_err(|_| Problem::new(Code::BadJson, "something follows the JSON"))?;
    Ok(value)
}

/// The body's bytes as they came.
#[derive(Debug)]
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(
                axum::extract::rejection::FailedToBufferBody::LengthLimitError(_),
            )) => Err(Problem::new(Code::TooLarge, "")),
            Err(_) => Err(Problem::new(Code::BadJson, "the body did not arrive whole")),
        }
    }
}

/// The field that serde misses; it names those beside the path.
fn missing(said: &str) -> Option<&str> {
    said.strip_prefix("missing field `")?.split('`').next()
}

/// What serde says, when it names our own fields only; any other message may repeat what a person wrote.
fn safe(said: &str) -> &str {
    const SAFE: [&str; 4] = ["missing field", "unknown field", "unknown variant", "duplicate field"];
    if SAFE.iter().any(|s| said.starts_with(s)) {
        said.rsplit_once(" at line ").map_or(said, |(what, _)| what)
    } else {
        "the value does not read"
    }
}
