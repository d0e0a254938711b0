//! Whether the process lives, whether it is ready, and its figures.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus::TextEncoder;
use serde::Serialize;

use crate::{app::Shared, problem::Problem};

/// `GET /livez`: the process answers.
pub(crate) async fn live() -> &'static str {
    "alive\n"
}

#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// Everything that had to start has started, and nothing is stopping.
    started: bool,
    /// The log can be read.
    log: bool,
    /// The views can be read.
    views: bool,
}

/// `GET /readyz`: requests will be answered; else 503 and what is missing.
pub(crate) async fn ready(State(app): State<Shared>) -> Response {
    let started = app.ready.is_set() && !app.stop.is_cancelled();
    let log = app.log.head().await.is_ok();
    let views = app.query.checkpoint().await.is_ok();
    let ready = started && log && views;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, started, log, views })).into_response()
}

/// `GET /metrics`: everything in the process's registry (Prometheus text format 0.0.4).
pub(crate) async fn metrics(State(app): State<Shared>) -> Result<Response, Problem> {
    let text = TextEncoder::new()
        .encode_to_string(&app.registry.gather())
        .map_err(|error| Problem::internal("write the metrics", &error))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
