//! Fakes of the platforms' networks: real sockets, scripted troubles, and a record of what was asked of them.
//!
//! Each runs on a thread of its own from `start` until it is dropped; after that its port refuses connections. What it
//! recorded is what a test compares: [`Request`]s in the order they came, and what the fake took as sent, also when the
//! client never heard of it.

mod graph;
mod imap;
mod script;
mod server;
mod smtp;
mod telegram;

use axum::{
    body::Bytes,
    extract::Query,
    http::{Method, Uri},
};
use serde_json::Value;

pub use graph::Graph;
pub use imap::{Held, Imap};
pub use script::Answer;
pub use smtp::{Mail, Post, Smtp};
pub use telegram::Telegram;

/// What was asked of a fake. Never holds the token, wherever the client put it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The path as it was sent. Of Telegram, what follows the token: `/sendMessage`.
    pub path: String,
    /// The pairs of the query, in the order they were sent.
    pub query: Vec<(String, String)>,
    /// The body; `null` when there is none, or none that is JSON.
    pub body: Value,
}

impl Request {
    fn read(method: &Method, path: &str, uri: &Uri, body: &Bytes) -> Self {
        let Query(mut query) = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap_or(Query(Vec::new()));
        query.retain(|(name, _)| name != "access_token");
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(fields) = body.as_object_mut() {
            fields.remove("access_token");
        }
        Self { method: method.to_string(), path: path.to_owned(), query, body }
    }

    /// What the query or else the body says under `name`, as it stands there.
    #[must_use]
    pub fn says(&self, name: &str) -> Option<Value> {
        let asked = self.query.iter().find(|(n, _)| n == name).map(|(_, value)| Value::from(value.clone()));
        asked.or_else(|| self.body.get(name).cloned())
    }
}

/// What a fake took as sent, whether or not the client heard so.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The platform's id of it.
    pub id: String,
    /// What was asked.
    pub request: Request,
}
