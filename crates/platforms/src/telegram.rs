//! Telegram's Bot API.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    base::Base,
    error::{CallError, Cause},
    fetch::{FetchError, FetchLimits, Fetched, fetch},
    http::{Answered, Http, Said, send},
    token::Token,
};

/// Where it is.
pub const BASE: &str = "https://api.telegram.org";

/// What we ask to be told of. Said each time: left out, it would be what anybody set before.
const UPDATES: [&str; 4] = ["message", "edited_message", "callback_query", "my_chat_member"];

/// The longest answer of `getUpdates`, in bytes. Above what a hundred of the longest messages come to: an answer that is never
/// read whole would come again for ever.
const UPDATES_BYTES: u64 = 16 * 1024 * 1024;

/// One bot. Its token stands in every address, so no error of its calls says an address.
#[derive(Debug, Clone)]
pub struct Bot {
    http: Http,
    base: Base,
    token: Token,
}

impl Bot {
    /// The bot of this token.
    #[must_use]
    pub const fn new(http: Http, base: Base, token: Token) -> Self {
        Self { http, base, token }
    }

    /// Calls a method, and gives what its `result` says: `call("sendMessage", …)`.
    ///
    /// # Errors
    ///
    /// A [`CallError`]; after [`CallError::Unknown`] it may have been done.
    pub async fn call(&self, method: &str, parameters: &Value) -> Result<Value, CallError> {
        let answer = self.send(method, parameters, self.http.request(), self.http.answer_bytes()).await?;
        let (mut json, _) = answer.settle(refusal)?;
        // Neither «ok» nor «not ok» with the status of success.
        json.get_mut("result").map(Value::take).ok_or_else(CallError::unreadable)
    }

    /// The raw answer of `getUpdates`: waits up to `wait` (whole seconds) for the first update there is. `offset` is one more than
    /// the highest `update_id` that is kept safely; everything before it is forgotten by the platform.
    ///
    /// # Errors
    ///
    /// A [`CallError`]; asking again with the same offset is harmless after each. A refusal with status 409 says that a hook is
    /// set, or that somebody else asks for the same bot.
    pub async fn updates(&self, offset: Option<i64>, wait: Duration) -> Result<Bytes, CallError> {
        let mut parameters = json!({ "timeout": wait.as_secs(), "allowed_updates": UPDATES });
        if let Some(offset) = offset {
            parameters["offset"] = offset.into();
        }
        let within = wait + self.http.request();
        let (json, bytes) =
            self.send("getUpdates", &parameters, within, UPDATES_BYTES).await?.settle(refusal)?;
        json["result"].is_array().then_some(bytes).ok_or_else(CallError::unreadable)
    }

    /// The file of this id, of at most `limit_bytes`, within this time. Telegram itself gives no more than 20 MB.
    ///
    /// # Errors
    ///
    /// A [`FetchError`].
    pub async fn file(
        &self,
        file_id: &str,
        limit_bytes: u64,
        within: Duration,
    ) -> Result<Fetched, FetchError> {
        let found = self.call("getFile", &json!({ "file_id": file_id })).await?;
        if found["file_size"].as_u64().is_some_and(|bytes| bytes > limit_bytes) {
            return Err(FetchError::TooLarge { limit_bytes });
        }
        let path = found["file_path"].as_str();
        let path = path.ok_or_else(|| FetchError::Trouble { source: Cause::unreadable() })?;
        let limits = FetchLimits {
            bytes: limit_bytes,
            ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
            redirects: 0,
            hosts: vec![self.base.host().to_owned()],
            // The address is the settings', not a stranger's.
            allow_private: true,
        };
        let url = self.at(&["file"], &path.split('/').collect::<Vec<_>>());
        fetch(&self.http, &url, &limits, None).await
    }

    async fn send(
        &self,
        method: &str,
        parameters: &Value,
        within: Duration,
        limit_bytes: u64,
    ) -> Result<Answered, CallError> {
        let url = self.at(&[], &[method]);
        send(self.http.open().post(url).json(parameters), within, limit_bytes).await
    }

    /// The address of what stands under the token.
    fn at(&self, before: &[&str], after: &[&str]) -> Url {
        let bot = format!("bot{}", self.token.reveal());
        self.base.at(before.iter().copied().chain([bot.as_str()]).chain(after.iter().copied()))
    }
}

/// Bot API, «Making requests»: `{"ok":false,"error_code":429,"parameters":{"retry_after":3},…}`.
fn refusal(answer: &Value) -> Option<Said> {
    (answer["ok"] == false).then(|| Said {
        code: answer["error_code"].as_i64(),
        subcode: None,
        retry_after: answer["parameters"]["retry_after"].as_u64().map(Duration::from_secs),
    })
}
