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

/// A file that pages need.
struct Asset {
    name: &'static str,
    bytes: &'static str,
    label: &'static str,
    /// The first 16 hexadecimal digits of its SHA-256.
    hash: String,
    /// Where pages find it.
    path: String,
}

impl Asset {
    fn new(name: &'static str, bytes: &'static str, label: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(bytes.as_bytes())[..8]);
        let path = format!("/assets/{name}?v={hash}");
        Self { name, bytes, label, hash, path }
    }
}

static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("zholdary.css", include_str!("../assets/zholdary.css"), "text/css; charset=utf-8")
});

/// Fills the form's point with where the reader stands. Without it the form loses nothing else.
static LOCATE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("locate.js", include_str!("../assets/locate.js"), "text/javascript; charset=utf-8")
});

static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon.svg", include_str!("../assets/icon.svg"), "image/svg+xml"));

/// Where pages find the stylesheet of this release.
pub(crate) fn stylesheet_path() -> &'static str {
    &STYLESHEET.path
}

/// Where the form finds its script.
pub(crate) fn locate_path() -> &'static str {
    &LOCATE.path
}

/// Where pages find the icon of this release.
pub(crate) fn icon_path() -> &'static str {
    &ICON.path
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(headers: HeaderMap, PathOf(file): PathOf<String>) -> Result<Response, Problem> {
    let found = [&*STYLESHEET, &*ICON, &*LOCATE].into_iter().find(|asset| asset.name == file);
    let asset = found.ok_or_else(|| Problem::new(Code::NotFound, ""))?;
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
    Ok((caching, label, asset.bytes).into_response())
}
