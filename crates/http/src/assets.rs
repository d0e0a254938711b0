//! Files that pages need. They are part of the binary; their names change with their bytes.

use std::sync::LazyLock;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::{
    extract::PathOf,
    problem::{Code, Problem},
};

const STYLESHEET: &str = include_str!("../assets/zholdary.css");

/// The first 16 hexadecimal digits of the stylesheet's SHA-256.
static HASH: LazyLock<String> = LazyLock::new(|| hex::encode(&Sha256::digest(STYLESHEET.as_bytes())[..8]));

static PATH: LazyLock<String> = LazyLock::new(|| format!("/assets/zholdary.css?v={}", *HASH));

/// Where pages find the stylesheet of this release.
pub(crate) fn stylesheet_path() -> &'static str {
    &PATH
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(headers: HeaderMap, PathOf(file): PathOf<String>) -> Result<Response, Problem> {
    if file != "zholdary.css" {
        return Err(Problem::new(Code::NotFound, ""));
    }
    let tag =
        HeaderValue::from_str(&format!("\"{}\"", *HASH)).expect("hexadecimal digits are a header value");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|v| *v == tag || v == "*");
    let caching = [
        (header::ETAG, tag),
        // Without the hash in the query it may be another release's tomorrow.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let label = [(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))];
    Ok((caching, label, STYLESHEET).into_response())
}
