//! Telegram's Bot API, for one bot.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{Method, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::Instant};

use super::{
    Accepted, Request,
    script::{Answer, End, Script, status_of},
    server::Server,
};

/// What a bot may fetch (Bot API, `getFile`).
const MOST_FILE_BYTES: usize = 20 * 1024 * 1024;

/// When every message of the bot is sent: 2026-11-20T09:00:00+05:00.
const SENT_AT: i64 = 1_795_147_200;

/// The Bot API of one bot: gives updates to who asks, takes messages, tells of files.
///
/// It knows `getUpdates` (with its offset, its long poll and its quarrel with a hook), `sendMessage`, `answerCallbackQuery`,
/// `getMe`, `getWebhookInfo`, `setWebhook`, `deleteWebhook`, `getFile` and the files themselves. Whatever else is asked gets 404,
/// whoever has a wrong token 401.
#[derive(Debug)]
pub struct Telegram {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug)]
struct Inner {
    token: String,
    shared: Mutex<Shared>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Vec<Request>,
    accepted: Vec<Accepted>,
    scripts: BTreeMap<String, Script>,
    updates: Vec<Value>,
    conflict: bool,
    hook: Option<Hook>,
    files: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Hook {
    url: String,
    secret: String,
}

impl Inner {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no holder of the lock panics")
    }
}

impl Telegram {
    /// Starts it on a free port, for the bot of this token.
    ///
    /// # Panics
    ///
    /// When no port is to be had.
    pub async fn start(token: &str) -> Self {
        let inner =
            Arc::new(Inner { token: token.to_owned(), shared: Mutex::default(), pushed: Notify::new() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        Self { inner, server: Server::start(router).await }
    }

    /// Where it listens: `http://127.0.0.1:PORT`, to be given as the base.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Everything asked so far, in order, also what was refused. The path is what follows the token; a file's is
    /// `/file/documents/ID`.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.inner.shared().requests.clone()
    }

    /// The messages that it took as sent, in order, also where it kept silent or cut the connection afterwards.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        self.inner.shared().accepted.clone()
    }

    /// How to meet the next `sendMessage` that nothing is scripted for yet.
    pub fn next(&self, answer: Answer) {
        self.next_to("sendMessage", answer);
    }

    /// How to meet the next call of `method`, or GET of a `file`, that nothing is scripted for yet.
    pub fn next_to(&self, method: &str, answer: Answer) {
        self.inner.shared().scripts.entry(method.to_owned()).or_default().push(answer);
    }

    /// Gives an update to whoever asks next, or waits for it now. Its `update_id` stands in it.
    pub fn push(&self, update: Value) {
        self.inner.shared().updates.push(update);
        self.inner.pushed.notify_waiters();
    }

    /// Updates that were not confirmed yet.
    #[must_use]
    pub fn pending(&self) -> Vec<Value> {
        self.inner.shared().updates.clone()
    }

    /// Whether `getUpdates` meets 409 from now on, as when another process asks for the same bot.
    pub fn set_conflict(&self, conflict: bool) {
        self.inner.shared().conflict = conflict;
    }

    /// The URL and the `secret_token` of the hook that is set.
    #[must_use]
    pub fn hook(&self) -> Option<(String, String)> {
        self.inner.shared().hook.clone().map(|hook| (hook.url, hook.secret))
    }

    /// Holds a file under this id. Over 20 MB it is known and not given, as Telegram's are.
    pub fn put_file(&self, id: &str, bytes: impl Into<Vec<u8>>) {
        self.inner.shared().files.insert(id.to_owned(), bytes.into());
    }
}

async fn answer(State(inner): State<Arc<Inner>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let (path, token) = taken_apart(uri.path());
    let request = Request::read(&method, &path, &uri, &body);
    inner.shared().requests.push(request.clone());
    if token != inner.token {
        return refused(401, 401, None, "Unauthorized", &Value::Null);
    }
    if let Some(file) = path.strip_prefix("/file/documents/") {
        let (bytes, end) = {
            let mut shared = inner.shared();
            let bytes = shared.files.get(file).cloned();
            (bytes, shared.scripts.entry("file".to_owned()).or_default().next())
        };
        return match bytes {
            Some(bytes) => end.give(bytes, "application/octet-stream").await,
            None => status_of(404).into_response(),
        };
    }
    let method = path.trim_start_matches('/');
    let end = inner.shared().scripts.get_mut(method).map_or_else(|| Script::default().next(), Script::next);
    let taken = match end {
        End::Bare(response) => return response,
        End::Refused { status, code, retry_after, .. } => {
            let what = if status == 403 { "Forbidden: bot was blocked by the user" } else { "Not done" };
            return refused(status, code, retry_after, what, &request.body);
        }
        End::Taken(taken) => taken,
    };
    let result = match method {
        "getUpdates" => updates(&inner, &request).await,
        _ => inner.shared().done(method, request),
    };
    match result {
        Ok(result) => taken.tell(&json!({ "ok": true, "result": result })).await,
        Err((status, what)) => refused(status, i64::from(status), None, what, &Value::Null),
    }
}

/// The path without the token, and the token: `/bot<token>/method`, `/file/bot<token>/path`.
fn taken_apart(path: &str) -> (String, String) {
    let (file, rest) = path.strip_prefix("/file").map_or(("", path), |rest| ("/file", rest));
    let rest = rest.strip_prefix("/bot").unwrap_or(rest);
    let (token, what) = rest.split_once('/').unwrap_or((rest, ""));
    (format!("{file}/{what}"), token.to_owned())
}

type Result<T> = std::result::Result<T, (u16, &'static str)>;

/// `getUpdates`: an offset confirms everything before it, a negative one everything but the last few.
async fn updates(inner: &Inner, request: &Request) -> Result<Value> {
    let number = |name| request.says(name).and_then(|value| integer(&value));
    let wait = Duration::from_secs(number("timeout").unwrap_or(0).unsigned_abs());
    let until = Instant::now() + wait;
    loop {
        let pushed = inner.pushed.notified();
        let given = inner.shared().updates(number("offset"), number("limit"))?;
        let is_time = given.is_empty() && tokio::time::timeout_at(until, pushed).await.is_ok();
        if !is_time {
            return Ok(given.into());
        }
    }
}

impl Shared {
    fn updates(&mut self, offset: Option<i64>, limit: Option<i64>) -> Result<Vec<Value>> {
        if self.conflict {
            return Err((409, "Conflict: terminated by other getUpdates request"));
        }
        if self.hook.is_some() {
            return Err((409, "Conflict: can't use getUpdates method while webhook is active"));
        }
        match offset {
            Some(offset) if offset < 0 => {
                let last = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
                self.updates.drain(..self.updates.len().saturating_sub(last));
            }
            Some(offset) => {
                self.updates.retain(|update| update["update_id"].as_i64().is_some_and(|id| id >= offset));
            }
            None => {}
        }
        let most = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100);
        Ok(self.updates.iter().take(most).cloned().collect())
    }

    /// What any method but `getUpdates` leads to.
    fn done(&mut self, method: &str, request: Request) -> Result<Value> {
        let text = |name: &str| {
            request.says(name).and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
        };
        Ok(match method {
            "sendMessage" => {
                let chat = request.says("chat_id").and_then(|value| integer(&value));
                let chat = chat.ok_or((400, "Bad Request: chat_id is empty"))?;
                if text("text").is_empty() {
                    return Err((400, "Bad Request: message text is empty"));
                }
                let id = self.accepted.len() + 1;
                let message = json!({
                    "message_id": id,
                    "from": { "id": 1, "is_bot": true, "first_name": "Zholdary", "username": "zholdary_bot" },
                    "date": SENT_AT,
                    "chat": { "id": chat, "type": "private" },
                    "text": text("text"),
                });
                self.accepted.push(Accepted { id: id.to_string(), request });
                message
            }
            "answerCallbackQuery" => true.into(),
            "getMe" => json!({
                "id": 1, "is_bot": true, "first_name": "Zholdary", "username": "zholdary_bot",
                "can_join_groups": false, "can_read_all_group_messages": false, "supports_inline_queries": false,
            }),
            "setWebhook" => {
                let (url, secret) = (text("url"), text("secret_token"));
                // An empty URL takes the hook away (Bot API, `setWebhook`).
                self.hook = (!url.is_empty()).then_some(Hook { url, secret });
                true.into()
            }
            "deleteWebhook" => {
                self.hook = None;
                true.into()
            }
            "getWebhookInfo" => json!({
                "url": self.hook.as_ref().map_or("", |hook| &hook.url),
                "has_custom_certificate": false,
                "pending_update_count": self.updates.len(),
            }),
            "getFile" => {
                let id = text("file_id");
                match self.files.get(&id) {
                    None => return Err((400, "Bad Request: invalid file_id")),
                    Some(bytes) if bytes.len() > MOST_FILE_BYTES => {
                        return Err((400, "Bad Request: file is too big"));
                    }
                    Some(bytes) => json!({
                        "file_id": id, "file_unique_id": id, "file_size": bytes.len(),
                        "file_path": format!("documents/{id}"),
                    }),
                }
            }
            _ => return Err((404, "Not Found")),
        })
    }
}

/// A number, or one written as text, as a query has it.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn refused(status: u16, code: i64, retry_after: Option<u64>, what: &str, about: &Value) -> Response {
    let mut said = json!({ "ok": false, "error_code": code, "description": format!("{what}: {about}") });
    if about.is_null() {
        said["description"] = what.into();
    }
    if let Some(seconds) = retry_after {
        said["parameters"] = json!({ "retry_after": seconds });
    }
    (status_of(status), Json(said)).into_response()
}
