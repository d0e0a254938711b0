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

/// A file, and what it is called from its bytes.
struct Asset {
    name: &'static str,
    label: &'static str,
    text: &'static str,
    /// The first 16 hexadecimal digits of its SHA-256.
    hash: String,
    path: String,
}

impl Asset {
    fn new(name: &'static str, label: &'static str, text: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(text.as_bytes())[..8]);
        Self { name, label, text, path: format!("/assets/{name}?v={hash}"), hash }
    }
}

static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("zholdary.css", "text/css; charset=utf-8", include_str!("../assets/zholdary.css"))
});

/// Fills the form's point with where the reader stands. Without it the form loses nothing else.
static LOCATE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("locate.js", "text/javascript; charset=utf-8", include_str!("../assets/locate.js"))
});

/// Where pages find the stylesheet of this release.
pub(crate) fn stylesheet_path() -> &'static str {
    &STYLESHEET.path
}

/// Where the form finds its script.
pub(crate) fn locate_path() -> &'static str {
    &LOCATE.path
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(headers: HeaderMap, PathOf(file): PathOf<String>) -> Result<Response, Problem> {
    let asset = [&*STYLESHEET, &*LOCATE].into_iter().find(|asset| asset.name == file);
    let asset = asset.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
    let tag =
        HeaderValue::from_str(&format!("\"{}\"", asset.hash)).expect("hexadecimal digits are a header value");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|v| *v == tag || v == "*");
    let caching = [
        (header::ETAG, tag),
        // Without the hash in the query it may be another release's tomorrow.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let label = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.label))];
    Ok((caching, label, asset.text).into_response())
}
