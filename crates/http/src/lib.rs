//! HTTP: hooks, API, pages, health, metrics.
//!
//! [`router()`] is the whole of it. A request passes [`permission::TABLE`] before any handler sees it; a handler takes apart,
//! asks, answers. Writes go through the log's `Decider` or through intake and answer 202 with the position they reached;
//! reads ask the views and say up to which position they know. Every refusal is a [`Problem`] (RFC 9457).

mod api;
mod app;
mod assets;
mod caller;
mod config;
mod extract;
mod guard;
mod health;
mod hooks;
mod metrics;
mod moment;
mod observe;
mod openapi;
mod pages;
pub mod permission;
mod problem;
mod router;
mod serve;
mod token;
mod upload;

pub use app::{Parts, Ready};
pub use config::{Changes, Config, Hooks, Limits, MetaHook, Secret};
pub use metrics::Metrics;
pub use problem::{Code, Problem};
pub use router::router;
pub use serve::serve;
pub use token::{NewToken, RANDOM_BYTES, new_token};

/// The OpenAPI 3.1 document of the API, as `GET /api/v1/openapi.json` answers it.
#[must_use]
pub fn openapi_json() -> bytes::Bytes {
    openapi::document()
}
