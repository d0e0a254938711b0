//! All routes, and what stands around them.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    app::{App, Shared},
    assets,
    guard::guard,
    health, hooks,
    observe::{observe, panicked},
    openapi, pages,
    problem::{Code, Problem},
};

/// Routes that the OpenAPI document does not name, for the test of the permission table.
#[cfg(test)]
pub(crate) const BESIDE_THE_API: [(&str, &str); 10] = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/appeals"),
    ("GET", "/appeals/{number}"),
    ("GET", "/assets/{file}"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/hooks/whatsapp"),
    ("POST", "/hooks/whatsapp"),
];

/// The whole HTTP side.
pub fn router(app: App) -> Router {
    let app: Shared = Arc::new(app);
    let (api, _) = openapi::api().split_for_parts();
    let routes = api
        .route("/", get(pages::home).post(pages::write))
        .route("/appeals", get(pages::check))
        .route("/appeals/{number}", get(pages::appeal))
        .route("/assets/{file}", get(assets::asset))
        .route("/hooks/whatsapp", get(hooks::whatsapp_challenge).post(hooks::whatsapp_post))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    // From the inside out: nothing but the fallback is reached without the guard, a panic of anything below is an answer too,
    // and the log line sees every answer.
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(app.config.max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

async fn nothing_here() -> Response {
    Problem::new(Code::NotFound, "").into_response()
}

async fn other_method() -> Response {
    Problem::new(Code::MethodNotAllowed, "").into_response()
}
