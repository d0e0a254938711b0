//! What is done around every request: its id, its time limit, its log line, its safe headers.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    metrics::Metrics,
    problem::{Code, Problem},
};

/// Names one request in log lines and answers.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing from elsewhere, nothing inline, nobody's frame.
const CSP: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                   frame-ancestors 'none'";

/// What a page may ask of the reader's machine. A page that needs something says so itself.
pub(crate) static PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Where photos come.
const UPLOADS: [&str; 4] = ["/", "/api/v1/files", "/desk/write", "/task/{token}"];

/// What is needed around a request.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) time_limit: Duration,
    /// How much longer requests may take that bring photos.
    pub(crate) upload: Duration,
    pub(crate) metrics: Metrics,
}

/// Gives the request an id and a time limit, writes one log line about it, and counts it.
///
/// The line names the path's template, never the path or the query: they may hold what somebody typed.
pub(crate) async fn observe(State(around): State<Around>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    request.headers_mut().insert(REQUEST_ID.clone(), id.clone());
    let began = Instant::now();
    let brings = method == Method::POST && path.as_ref().is_some_and(|path| UPLOADS.contains(&path.as_str()));
    let limit = around.time_limit + if brings { around.upload } else { Duration::ZERO };
    let answered = tokio::time::timeout(limit, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        // What a POST asked for may go on, and be recorded yet.
        let code = if method == Method::POST { Code::OutcomeUnknown } else { Code::Timeout };
        Problem::new(code, "").retry_after(5).into_response()
    });
    let took = began.elapsed();
    around.metrics.answered(response.status(), took);
    let path = path.as_ref().map_or("-", |p| p.as_str());
    let status = response.status().as_u16();
    let ms = took.as_millis();
    let request = id.to_str().unwrap_or("-");
    if response.status().is_server_error() {
        tracing::warn!(http.method = %method, http.path = path, http.status = status, request.id = request, ms, "{method} {path}: {status}");
    } else {
        tracing::info!(http.method = %method, http.path = path, http.status = status, request.id = request, ms, "{method} {path}: {status}");
    }
    response.headers_mut().insert(REQUEST_ID.clone(), id);
    secure(response.headers_mut());
    response
}

/// The caller's own id when it is a plain one, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |v: &&HeaderValue| {
        (1..=64).contains(&v.len()) && v.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    headers.get(&REQUEST_ID).filter(plain).cloned().unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::new_v4().simple().to_string())
            .expect("hexadecimal digits are a header value")
    })
}

fn secure(headers: &mut HeaderMap) {
    const ALWAYS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CSP));
    let nothing = HeaderValue::from_static("camera=(), microphone=(), geolocation=()");
    headers.entry(PERMISSIONS_POLICY.clone()).or_insert(nothing);
}

/// A handler that panicked: the client learns that it was us, the log line that it happened and in which request.
pub(crate) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    // What a panic says may hold what a person wrote: it is not repeated here. The panic hook of the process prints where.
    tracing::error!("a handler panicked");
    Problem::new(Code::Internal, "").into_response()
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        async fn falls() -> &'static str {
            panic!("with what somebody wrote")
        }
        let router = Router::new().route("/", get(falls)).layer(CatchPanicLayer::custom(panicked));
        let asked = Request::builder().uri("/").body(Body::empty()).unwrap();
        let response = router.oneshot(asked).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
        let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("\"internal\"") && !body.contains("wrote"), "{body}");
    }
}
