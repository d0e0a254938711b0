//! Meta's Graph API: WhatsApp, Instagram and the Facebook page.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{RequestBuilder, Url};
use serde_json::Value;
use zholdary_domain::personal::Personal;

use crate::{
    base::Base,
    error::CallError,
    fetch::{FetchError, FetchLimits, Fetched, fetch},
    http::{Http, Said, send},
    token::Token,
};

/// Where it is for WhatsApp, the Facebook page, and Instagram by Facebook's login.
pub const BASE: &str = "https://graph.facebook.com";

/// Where it is for Instagram by its own login.
pub const INSTAGRAM_BASE: &str = "https://graph.instagram.com";

/// The version that this crate was written by (Graph API changelog, 29 July 2026).
pub const VERSION: &str = "v26.0";

/// The hosts that Meta's links to files lead to, for [`FetchLimits::hosts`].
pub const MEDIA_HOSTS: [&str; 4] = [".fbsbx.com", ".fbcdn.net", ".cdninstagram.com", ".whatsapp.net"];

/// One account's way into Graph. The token travels in a header, never in an address.
#[derive(Debug, Clone)]
pub struct Graph {
    http: Http,
    base: Base,
    version: String,
    token: Token,
}

impl Graph {
    /// Graph at `base`, in [`VERSION`].
    #[must_use]
    pub fn new(http: Http, base: Base, token: Token) -> Self {
        Self { http, base, version: VERSION.to_owned(), token }
    }

    /// The same in another version: `v26.0`.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Asks for something to be done: `post("118920446655001/messages", …)`.
    ///
    /// # Errors
    ///
    /// A [`CallError`]; after [`CallError::Unknown`] it may have been done.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call(self.http.open().post(self.at(path)).json(body)).await
    }

    /// Asks for what Graph knows: `get("17841400000001", &[("fields", "username")])`.
    ///
    /// # Errors
    ///
    /// A [`CallError`]; asking again is harmless after each.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        let mut url = self.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call(self.http.open().get(url)).await
    }

    /// Where the file of this media id is (WhatsApp Cloud API, «Media»). The link lives five minutes: fetch it at once, and ask
    /// for a new one when it is gone.
    ///
    /// # Errors
    ///
    /// A [`CallError`], also when the answer names no link.
    pub async fn media(&self, id: &str) -> Result<MediaLink, CallError> {
        MediaLink::read(&self.get(id, &[]).await?).ok_or_else(CallError::unreadable)
    }

    /// The file behind a link, which opens for our token alone.
    ///
    /// # Errors
    ///
    /// A [`FetchError`].
    pub async fn file(&self, link: &MediaLink, limits: &FetchLimits) -> Result<Fetched, FetchError> {
        let url = link.url.reveal();
        fetch(&self.http, url, &self.limits(url, limits), Some(&self.token)).await
    }

    /// The file at an address that a delivery names: it opens for anybody, for a while.
    ///
    /// # Errors
    ///
    /// A [`FetchError`].
    pub async fn named(&self, url: &Url, limits: &FetchLimits) -> Result<Fetched, FetchError> {
        fetch(&self.http, url, &self.limits(url, limits), None).await
    }

    /// What settings name as Graph's own place may be asked for files, wherever it is; nothing else by that.
    fn limits(&self, url: &Url, limits: &FetchLimits) -> FetchLimits {
        if !self.base.holds(url) {
            return limits.clone();
        }
        let hosts = limits.hosts.iter().cloned().chain([self.base.host().to_owned()]).collect();
        // After a redirect it might be another's private place.
        FetchLimits { hosts, allow_private: true, redirects: 0, ..limits.clone() }
    }

    fn at(&self, path: &str) -> Url {
        self.base.at([self.version.as_str()].into_iter().chain(path.split('/')))
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, CallError> {
        let request = request.bearer_auth(self.token.reveal());
        let answer = send(request, self.http.request(), self.http.answer_bytes()).await?;
        Ok(answer.settle(refusal)?.0)
    }
}

/// Graph API, «Handling Errors»: `{"error":{"code":190,"error_subcode":463,…}}`.
fn refusal(answer: &Value) -> Option<Said> {
    let error = answer.get("error")?;
    Some(Said { code: error["code"].as_i64(), subcode: error["error_subcode"].as_i64(), retry_after: None })
}

/// Where a file is, and what it is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaLink {
    /// The link, good for five minutes.
    pub url: Personal<Url>,
    /// Its media type as the platform says it: `audio/ogg; codecs=opus`.
    pub media_type: Option<String>,
    /// The SHA-256 of its bytes.
    pub sha256: Option<[u8; 32]>,
    /// Its length in bytes.
    pub bytes: Option<u64>,
}

impl MediaLink {
    fn read(answer: &Value) -> Option<Self> {
        Some(Self {
            url: Personal::new(Url::parse(answer["url"].as_str()?).ok()?),
            media_type: answer["mime_type"].as_str().map(str::to_owned),
            sha256: answer["sha256"].as_str().and_then(sha256),
            // A number in Meta's text, written as text in some of its examples.
            bytes: answer["file_size"].as_u64().or_else(|| answer["file_size"].as_str()?.parse().ok()),
        })
    }
}

/// Webhooks write it in base64, the answer about a media id in hexadecimal.
fn sha256(text: &str) -> Option<[u8; 32]> {
    let bytes = hex::decode(text).or_else(|_| BASE64_STANDARD.decode(text)).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_hash_in_both_of_its_forms() {
        let check = |text: &str, expected: Option<[u8; 32]>| assert_eq!(sha256(text), expected, "{text}");
        check(&"ab".repeat(32), Some([0xab; 32]));
        check(&BASE64_STANDARD.encode([0xab; 32]), Some([0xab; 32]));
        check("abab", None);
        check("no hash", None);
    }
}
