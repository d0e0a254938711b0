//! `GET /api/v1/changes`: what changed, as it changes (server-sent events, WHATWG HTML section 9.2).

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use zholdary_domain::Position;
use zholdary_readmodel::{Change, Query};

use crate::{
    app::Shared,
    caller::Caller,
    metrics::Listening,
    problem::{Code, Problem},
};

/// Changes read at once.
const PAGE: u32 = 200;

/// What changed since `Last-Event-ID`, or from now on: one event a record, its id the record's position. A party hears of its
/// own queue alone.
#[utoipa::path(get, path = "/api/v1/changes", tag = "figures",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Position of the last event that was seen")), responses(
    (status = 200, body = Change, content_type = "text/event-stream"),
))]
pub(crate) async fn changes(
    State(app): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = match headers.get("last-event-id") {
        None => app.query.position(),
        Some(value) => {
            Position(value.to_str().ok().and_then(|v| v.trim().parse().ok()).ok_or_else(|| {
                Problem::new(Code::BadHeader, "a position of the log").field("Last-Event-ID")
            })?)
        }
    };
    let permit = Arc::clone(&app.listeners)
        .try_acquire_owned()
        .map_err(|_| Problem::new(Code::TooManyClients, "").retry_after(10))?;
    let listener = Listener {
        only: caller.own_party()?.map(|party| format!("queue/{party}")),
        positions: app.query.subscribe(),
        query: app.query.clone(),
        stop: app.stop.clone(),
        pause: Duration::from_millis(app.config.changes.pause_ms),
        read: VecDeque::new(),
        after,
        _counted: app.metrics.listener(),
        _permit: permit,
    };
    let heartbeat =
        KeepAlive::new().interval(Duration::from_millis(app.config.changes.heartbeat_ms)).text("alive");
    let mut response = Sse::new(listener.events()).keep_alive(heartbeat).into_response();
    // A proxy that gathers bytes would hold events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Listener {
    query: Query,
    positions: watch::Receiver<Position>,
    stop: CancellationToken,
    /// The only view it may hear of.
    only: Option<String>,
    pause: Duration,
    read: VecDeque<Change>,
    after: Position,
    _counted: Listening,
    _permit: OwnedSemaphorePermit,
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            let change = listener.next().await?;
            let event = Event::default().event("change").id(change.position.to_string());
            Some((Ok(event.json_data(&change).ok()?), listener))
        })
    }

    /// The next change. Nothing: the process stops, or the views cannot be read; the client comes again.
    async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.read.pop_front() {
                return Some(change);
            }
            self.positions.borrow_and_update();
            let page = self.query.changes(self.after, PAGE).await;
            let page = page.map_err(|error| tracing::warn!(%error, "a stream of changes ended")).ok()?.body;
            if let Some(last) = page.last() {
                self.after = last.position;
                let only = self.only.as_deref();
                let heard = |c: &Change| only.is_none_or(|only| c.views.iter().any(|view| view == only));
                self.read.extend(page.into_iter().filter(heard));
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                moved = self.positions.changed() => moved.ok()?,
            }
            // Many records a second are read together, not one by one.
            tokio::time::sleep(self.pause).await;
        }
    }
}
