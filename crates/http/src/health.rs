//! Whether the process lives, whether it is ready, and its figures.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus::{Registry, TextEncoder};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use zholdary_log::EventLog;
use zholdary_readmodel::Query;

use crate::{app::Ready, problem::Problem};

/// What is asked after the process's health.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) log: Arc<dyn EventLog>,
    /// Where the process answers from views.
    pub(crate) views: Option<Query>,
    pub(crate) registry: Registry,
    pub(crate) ready: Ready,
    pub(crate) stop: CancellationToken,
}

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
    /// The views can be read. Not there where the process has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    views: Option<bool>,
}

/// `GET /readyz`: requests will be answered; else 503 and what is missing.
pub(crate) async fn ready(State(health): State<Health>) -> Response {
    let started = health.ready.is_set() && !health.stop.is_cancelled();
    let log = health.log.head().await.is_ok();
    let views = match &health.views {
        Some(query) => Some(query.checkpoint().await.is_ok()),
        None => None,
    };
    let ready = started && log && views != Some(false);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, started, log, views })).into_response()
}

/// `GET /metrics`: everything in the process's registry (Prometheus text format 0.0.4).
pub(crate) async fn metrics(State(health): State<Health>) -> Result<Response, Problem> {
    let text = TextEncoder::new()
        .encode_to_string(&health.registry.gather())
        .map_err(|error| Problem::internal("write the metrics", &error))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
