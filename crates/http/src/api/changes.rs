//! `GET /api/v1/changes`: what changed, as it changes (server-sent events, WHATWG HTML section 9.2).

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Clock, Position};
use zholdary_readmodel::{Change, Query};

use super::heard::Hears;
use crate::{
    app::Shared,
    caller::Caller,
    extract::NoQuery,
    metrics::Listening,
    problem::{Code, Problem},
};

/// Changes read at once.
const PAGE: u32 = 200;

/// What changed since `Last-Event-ID`, or from now on: one event a record, its id the record's position. A listener hears of
/// events and views that it may read, a party of its own queue alone. The stream ends with its token.
#[utoipa::path(get, path = "/api/v1/changes", tag = "figures",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Position of the last event that was seen")), responses(
    (status = 200, body = Change, content_type = "text/event-stream"),
))]
pub(crate) async fn changes(
    State(app): State<Shared>,
    caller: Caller,
    _: NoQuery,
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
    let (Some(token), own) = (caller.token.clone(), caller.own_party()?) else {
        return Err(Problem::new(Code::TokenNeeded, ""));
    };
    let permit = Arc::clone(&app.listeners)
        .try_acquire_owned()
        .map_err(|_| Problem::new(Code::TooManyClients, "").retry_after(10))?;
    let seat = app
        .seats
        .take(&token, app.config.changes.clients_per_token_max)
        .ok_or_else(|| Problem::new(Code::TooManyClients, "of this token").retry_after(10))?;
    let heartbeat = Duration::from_millis(app.config.changes.heartbeat_ms);
    let listener = Listener {
        hears: Hears::of(&caller, own),
        clock: Arc::clone(&app.clock),
        token,
        heartbeat,
        asks_at: Instant::now() + heartbeat,
        positions: app.query.subscribe(),
        query: app.query.clone(),
        stop: app.stop.clone(),
        pause: Duration::from_millis(app.config.changes.pause_ms),
        read: VecDeque::new(),
        after,
        _counted: app.metrics.listener(),
        _permit: permit,
        _seat: seat,
    };
    let heartbeat = KeepAlive::new().interval(heartbeat).text("alive");
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
    hears: Hears,
    clock: Arc<dyn Clock>,
    /// Public name of the token that it came with.
    token: String,
    heartbeat: Duration,
    /// When the token is asked for again.
    asks_at: Instant,
    pause: Duration,
    read: VecDeque<Change>,
    after: Position,
    _counted: Listening,
    _permit: OwnedSemaphorePermit,
    _seat: Seat,
}

/// How many listeners each token has.
#[derive(Debug, Default)]
pub(crate) struct Seats(Arc<Mutex<HashMap<String, usize>>>);

/// One listener of a token, until it is dropped.
struct Seat {
    all: Arc<Mutex<HashMap<String, usize>>>,
    token: String,
}

impl Seats {
    /// A seat for one more listener of this token; none when it has `most`.
    fn take(&self, token: &str, most: usize) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(token.to_owned()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { all: Arc::clone(&self.0), token: token.to_owned() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.token);
            }
        }
    }
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            let change = listener.next().await?;
            let event = Event::default().event("change").id(change.position.to_string());
            Some((Ok(event.json_data(&change).ok()?), listener))
        })
    }

    /// The next change. Nothing: the process stops, the token is no longer good, or the views cannot be read; the client comes
    /// again.
    async fn next(&mut self) -> Option<Change> {
        loop {
            if self.stop.is_cancelled() {
                return None;
            }
            if self.asks_at <= Instant::now() {
                self.asks_at = Instant::now() + self.heartbeat;
                if !self.token_works().await? {
                    return None;
                }
            }
            if let Some(change) = self.read.pop_front() {
                return Some(change);
            }
            self.positions.borrow_and_update();
            let page = self.query.changes(self.after, PAGE).await;
            let page = page.map_err(|error| tracing::warn!(%error, "a stream of changes ended")).ok()?.body;
            if let Some(last) = page.last() {
                self.after = last.position;
                self.read.extend(page.into_iter().filter_map(|change| self.hears.change(change)));
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep_until(self.asks_at) => continue,
                moved = self.positions.changed() => moved.ok()?,
            }
            // Many records a second are read together, not one by one.
            tokio::time::sleep(self.pause).await;
        }
    }

    /// Whether the token that the stream was opened with is still good: a stream must not outlive it.
    async fn token_works(&self) -> Option<bool> {
        let known = self.query.token(&self.token).await;
        let known = known.map_err(|error| tracing::warn!(%error, "a stream of changes ended")).ok()?.body;
        Some(known.is_some_and(|token| token.works_at(self.clock.now())))
    }
}
