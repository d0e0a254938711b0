//! All routes, and what stands around them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::header,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    app::{App, Parts, Shared},
    assets,
    guard::{Gate, guard},
    health::{self, Health},
    hooks,
    observe::{Around, observe, panicked},
    openapi, pages,
    problem::{Code, Problem},
};

/// Routes that the OpenAPI document does not name, for the test of the permission table.
#[cfg(test)]
pub(crate) const BESIDE_THE_API: [(&str, &str); 22] = [
    ("GET", "/"),
    ("POST", "/"),
    ("GET", "/appeals"),
    ("GET", "/appeals/{number}"),
    ("GET", "/closures"),
    ("GET", "/about"),
    ("GET", "/task/{token}"),
    ("POST", "/task/{token}"),
    ("GET", "/task/{token}/photos/{file}"),
    ("GET", "/desk/write"),
    ("POST", "/desk/write"),
    ("GET", "/assets/{file}"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/hooks/whatsapp"),
    ("POST", "/hooks/whatsapp"),
    ("GET", "/hooks/instagram"),
    ("POST", "/hooks/instagram"),
    ("GET", "/hooks/facebook"),
    ("POST", "/hooks/facebook"),
    ("POST", "/hooks/telegram"),
];

/// The HTTP side of a process: health always, hooks, pages and API where it has what they need.
pub fn router(parts: Parts) -> Router {
    let Parts { config, clock, log, metrics, registry, ready, stop, hooks, views, window, files, media: _ } =
        &parts;
    let health = Health {
        log: Arc::clone(log),
        views: views.clone(),
        registry: registry.clone(),
        ready: ready.clone(),
        stop: stop.clone(),
    };
    let mut routes = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(health);
    if let Some(intake) = hooks {
        routes = routes.merge(hooks::routes(config, intake, metrics));
    }
    let mut pages_of = None;
    if let (Some(query), Some(intake), Some(files)) = (views, window, files) {
        let app: Shared = Arc::new(App::new(&parts, query.clone(), intake.clone(), files.clone()));
        pages_of = Some(Arc::clone(&app));
        let (api, _) = openapi::api().split_for_parts();
        let window = api
            .route("/", get(pages::home).post(pages::write))
            .route("/appeals", get(pages::appeals))
            .route("/appeals/{number}", get(pages::appeal))
            .route("/closures", get(pages::closures))
            .route("/about", get(pages::about))
            .route("/task/{token}", get(pages::task).post(pages::act))
            .route("/task/{token}/photos/{file}", get(pages::task_photo))
            .route("/desk/write", get(pages::desk::form).post(pages::desk::write))
            .route("/assets/{file}", get(assets::asset))
            .with_state(app);
        routes = routes.merge(window);
    }
    let gate =
        Gate { tokens: views.clone(), scraper: config.metrics_token.clone(), clock: Arc::clone(clock) };
    let around = Around {
        time_limit: config.request_timeout(),
        upload: config.upload_timeout(),
        metrics: metrics.clone(),
    };
    // From the inside out: nothing but the fallback is reached without the guard, a panic of anything below is an answer too,
    // and the log line sees every answer.
    routes
        .fallback(move |request: Request| nothing_here(pages_of, request))
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(config.max_body_bytes))
        .layer(middleware::from_fn_with_state(gate, guard))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(around, observe))
}

/// People who look for a page are shown one, programs a problem.
async fn nothing_here(pages_of: Option<Shared>, request: Request) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_person = request.method().is_safe() && accepts.is_some_and(|accept| accept.contains("text/html"));
    match pages_of.filter(|_| is_person) {
        Some(app) => pages::nowhere(&app, request.uri(), request.headers()).await.into_response(),
        None => Problem::new(Code::NotFound, "").into_response(),
    }
}

async fn other_method() -> Response {
    Problem::new(Code::MethodNotAllowed, "").into_response()
}
