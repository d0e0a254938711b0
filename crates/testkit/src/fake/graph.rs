//! Meta's Graph API, as far as WhatsApp, Instagram and the Facebook page are spoken to through it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Accepted, Request,
    script::{Answer, End, Script, status_of},
    server::Server,
};

/// Graph under any version `/vNN.N/`: takes messages, answers to comments and mentions; tells of media, mentions and accounts.
///
/// | asked | answered |
/// | --- | --- |
/// | `POST /{id}/messages` with `messaging_product` | WhatsApp's form, `wamid.FAKE1`; a read mark: `success` |
/// | `POST /{id}/messages` | Messenger's and Instagram's form, `m_FAKE1` |
/// | `POST /{id}/replies`, `/comments`, `/mentions` | `id`, `c_FAKE1` |
/// | `GET /{id}?fields=mentioned_comment…` or `mentioned_media…` | the text given by [`mention`](Self::mention) |
/// | `GET /{media id}` | the link of what was put by [`put_media`](Self::put_media), which needs the token too |
/// | `GET /open/{name}` | what was put by [`put_open`](Self::put_open), to anybody |
/// | `GET /{id}/subscribed_apps` | our app, when [`subscribe`](Self::subscribe) says so |
/// | `GET /{id}` | an account with a name |
///
/// Whatever else is asked gets Meta's error 100, whoever has a wrong token its error 190.
#[derive(Debug)]
pub struct Graph {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug, Default)]
struct Inner(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requests: Vec<Request>,
    accepted: Vec<Accepted>,
    script: Script,
    /// How the next files are given.
    files: Script,
    media: BTreeMap<String, Media>,
    open: BTreeMap<String, Media>,
    mentions: BTreeMap<String, String>,
    subscribed: BTreeSet<String>,
}

#[derive(Debug)]
struct Media {
    media_type: String,
    bytes: Vec<u8>,
    sha256: String,
}

impl Media {
    fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Self { media_type: media_type.to_owned(), bytes, sha256 }
    }
}

impl Inner {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Graph {
    /// The one token that it takes.
    pub const TOKEN: &'static str = "FAKE-GRAPH-TOKEN";

    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// When no port is to be had.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        Self { inner, server: Server::start(router).await }
    }

    /// Where it listens: `http://127.0.0.1:PORT`, to be given as the base.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Everything asked so far, in order, also what was refused.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.inner.shared().requests.clone()
    }

    /// What it took as sent, in order, also where it kept silent or cut the connection afterwards.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        self.inner.shared().accepted.clone()
    }

    /// How to meet the next POST that nothing is scripted for yet.
    pub fn next(&self, answer: Answer) {
        self.inner.shared().script.push(answer);
    }

    /// Holds a file under this media id.
    pub fn put_media(&self, id: &str, media_type: &str, bytes: impl Into<Vec<u8>>) {
        self.inner.shared().media.insert(id.to_owned(), Media::new(media_type, bytes.into()));
    }

    /// As [`put_media`](Self::put_media), but what it tells of the file is the hash of other bytes.
    pub fn put_false_media(&self, id: &str, media_type: &str, bytes: impl Into<Vec<u8>>) {
        let media = Media { sha256: "ab".repeat(32), ..Media::new(media_type, bytes.into()) };
        self.inner.shared().media.insert(id.to_owned(), media);
    }

    /// Holds a file that opens without a token, as those that stand in deliveries of Instagram and Facebook; its address.
    pub fn put_open(&self, name: &str, media_type: &str, bytes: impl Into<Vec<u8>>) -> String {
        self.inner.shared().open.insert(name.to_owned(), Media::new(media_type, bytes.into()));
        format!("{}/open/{name}", self.url())
    }

    /// How to meet the next GET of a file's bytes that nothing is scripted for yet.
    pub fn next_file(&self, answer: Answer) {
        self.inner.shared().files.push(answer);
    }

    /// The business, page or account `id` tells our app of what comes in.
    pub fn subscribe(&self, id: &str) {
        self.inner.shared().subscribed.insert(id.to_owned());
    }

    /// What the comment or media `id`, in which somebody mentions us, says.
    pub fn mention(&self, id: &str, text: &str) {
        self.inner.shared().mentions.insert(id.to_owned(), text.to_owned());
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request::read(&method, uri.path(), &uri, &body);
    inner.shared().requests.push(request.clone());
    if let Some(name) = request.path.strip_prefix("/open/") {
        return give(&inner, |shared| shared.open.get(name)).await;
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if bearer != Some(&format!("Bearer {}", Graph::TOKEN)) {
        return error(401, 190, None, "Invalid OAuth access token", &Value::Null);
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.path.clone();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && !is_version(part)).collect();
    match (method, parts.as_slice()) {
        (Method::POST, [node, edge @ ("messages" | "replies" | "comments" | "mentions")]) => {
            post(&inner, node, edge, request).await
        }
        (Method::GET, [id, "bytes"]) => give(&inner, |shared| shared.media.get(*id)).await,
        (Method::GET, [node, "subscribed_apps"]) => {
            let apps: Vec<_> = inner
                .shared()
                .subscribed
                .contains(*node)
                .then(|| json!({ "name": "Zholdary" }))
                .into_iter()
                .collect();
            Json(json!({ "data": apps })).into_response()
        }
        (Method::GET, [node]) => tell(&inner, node, host, &request),
        _ => unsupported(&request),
    }
}

fn is_version(part: &str) -> bool {
    let numbers = part.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    numbers.is_some_and(|(major, minor)| major.parse::<u16>().is_ok() && minor.parse::<u16>().is_ok())
}

async fn post(inner: &Inner, node: &str, edge: &str, request: Request) -> Response {
    let (taken, said) = {
        let mut shared = inner.shared();
        match shared.script.next() {
            End::Bare(response) => return response,
            End::Refused { status, code, subcode, retry_after } => {
                let mut response = error(status, code, subcode, "Not sent", &request.body);
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                }
                return response;
            }
            // Says that we read something; nothing is sent by it.
            End::Taken(taken) if request.body["status"] == "read" => (taken, json!({ "success": true })),
            End::Taken(taken) => {
                let n = shared.accepted.len() + 1;
                let (id, said) = accept(node, edge, n, &request);
                shared.accepted.push(Accepted { id, request });
                (taken, said)
            }
        }
    };
    taken.tell(&said).await
}

/// The id that the `n`th accepted gets, and what the platform says of it.
fn accept(node: &str, edge: &str, n: usize, request: &Request) -> (String, Value) {
    let body = &request.body;
    if edge != "messages" {
        let id = format!("c_FAKE{n}");
        let said = json!({ "id": id });
        return (id, said);
    }
    if body.get("messaging_product").is_none() {
        let id = format!("m_FAKE{n}");
        // Who is written to through a comment has an id that the platform tells now.
        let recipient = body["recipient"]["id"].as_str().unwrap_or(node);
        let said = json!({ "recipient_id": recipient, "message_id": id });
        return (id, said);
    }
    let id = format!("wamid.FAKE{n}");
    let contact = match body["to"].as_str() {
        Some(to) => json!({ "input": to, "wa_id": to.trim_start_matches('+') }),
        None => json!({ "input": body["recipient"], "user_id": body["recipient"] }),
    };
    let said = json!({
        "messaging_product": "whatsapp", "contacts": [contact], "messages": [{ "id": id }],
    });
    (id, said)
}

fn tell(inner: &Inner, node: &str, host: &str, request: &Request) -> Response {
    let shared = inner.shared();
    if let Some(Media { media_type, bytes, sha256 }) = shared.media.get(node) {
        let told = json!({
            "messaging_product": "whatsapp",
            "url": format!("http://{host}/{node}/bytes"),
            "mime_type": media_type,
            "sha256": sha256,
            "file_size": bytes.len(),
            "id": node,
        });
        return Json(told).into_response();
    }
    let fields = request.says("fields");
    let fields = fields.as_ref().and_then(Value::as_str).unwrap_or_default();
    let asked = [("mentioned_comment", "comment_id", "text"), ("mentioned_media", "media_id", "caption")]
        .into_iter()
        .find_map(|(what, by, words)| {
            let (id, _) = fields.strip_prefix(&format!("{what}.{by}("))?.split_once(')')?;
            Some((what, id, words))
        });
    let told = match asked {
        None => json!({
            "id": node, "name": "Zholdary", "username": "zholdary", "verified_name": "Zholdary",
            "display_phone_number": "+7 700 000 00 00",
        }),
        Some((what, id, words)) => match shared.mentions.get(id) {
            Some(text) => {
                json!({ what: { "id": id, words: text, "timestamp": "2026-11-20T04:00:00+0000" }, "id": node })
            }
            None => return unsupported(request),
        },
    };
    Json(told).into_response()
}

async fn give(inner: &Inner, find: impl Fn(&Shared) -> Option<&Media>) -> Response {
    let (end, bytes, media_type) = {
        let mut shared = inner.shared();
        let Some(media) = find(&shared) else { return status_of(404).into_response() };
        let (bytes, media_type) = (media.bytes.clone(), media.media_type.clone());
        (shared.files.next(), bytes, media_type)
    };
    end.give(bytes, &media_type).await
}

fn unsupported(request: &Request) -> Response {
    error(400, 100, Some(33), "Unsupported request", &request.body)
}

fn error(status: u16, code: i64, subcode: Option<i64>, what: &str, about: &Value) -> Response {
    let mut error = json!({
        "message": format!("(#{code}) {what}: {about}"), "type": "OAuthException", "code": code, "fbtrace_id": "FAKE",
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    (status_of(status), Json(json!({ "error": error }))).into_response()
}
