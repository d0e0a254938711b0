//! Files of residents, from addresses that come from outside.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, Url, header};
use serde::Deserialize;

use crate::{
    address::{self, NotPublic},
    error::{CallError, Cause},
    http::Http,
    token::Token,
};

/// What may be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchLimits {
    /// The longest file, in bytes. Default: 25 MiB.
    pub bytes: u64,
    /// Milliseconds for the whole of it, redirects included. Default: 60000.
    pub ms: u64,
    /// How many redirects are followed. Default: 3.
    pub redirects: u8,
    /// The hosts that may be asked: `lookaside.fbsbx.com` is that host, `.fbsbx.com` everything under it. Default: none.
    pub hosts: Vec<String>,
    /// Whether listed hosts may be on this machine or in its private net, spoken to over http and at any port. Default: false.
    /// For tests and for what settings name; never for an address from outside.
    pub allow_private: bool,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { bytes: 25 * 1024 * 1024, ms: 60_000, redirects: 3, hosts: Vec::new(), allow_private: false }
    }
}

/// A file that was fetched whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub bytes: Bytes,
    /// What the host calls it, without parameters and in small letters: `image/jpeg`. Hosts err; the bytes tell.
    pub media_type: Option<String>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {}", self.bytes.len(), self.media_type.as_deref().unwrap_or("no media type"))
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The host knows no such file, or no longer: 404, 410.
    #[error("the file is gone")]
    Gone,
    /// It is longer than the limit; what came of it was thrown away.
    #[error("the file is longer than {limit_bytes} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The address leads where we do not go. Nothing was sent there.
    #[error("the file is where we do not fetch from: {0}")]
    Forbidden(Forbidden),
    /// The host does not give it to us, and asking again at the same address changes nothing: a link that ran out, no right.
    #[error("the host refused the file with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// No connection, no whole file, a host in trouble. May pass.
    #[error("the file did not come")]
    Trouble {
        /// Why.
        source: Cause,
    },
}

/// What is wrong with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Not `https`, another port than its own, or a user in it.
    #[error("not a plain https address")]
    Form,
    /// The host is not listed.
    #[error("the host is not on the list")]
    Host,
    /// The host is, or its name leads to, no address of the open internet.
    #[error("the address is not public")]
    Address,
    /// One redirect after another.
    #[error("too many redirects")]
    Redirects,
}

impl FetchError {
    fn of_status(status: u16) -> Self {
        match status {
            404 | 410 => Self::Gone,
            408 | 425 | 429 | 500.. => Self::Trouble { source: Cause::status(status) },
            _ => Self::Refused { status },
        }
    }

    fn of_http(error: reqwest::Error) -> Self {
        if NotPublic::is_behind(&error) {
            return Self::Forbidden(Forbidden::Address);
        }
        Self::Trouble { source: Cause::http(error) }
    }
}

/// When a platform must be asked where the file is, before it is fetched.
impl From<CallError> for FetchError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent { source } | CallError::Unknown { source } => Self::Trouble { source },
            CallError::Refused(refusal) => Self::of_status(refusal.status),
        }
    }
}

/// Fetches the file at `url`. `bearer` opens it, and is told to the host of `url` alone: after a redirect to another one, to nobody.
///
/// Redirects are followed by hand, since each address must pass the same check before anything is sent to it.
///
/// # Errors
///
/// A [`FetchError`]. Fetching changes nothing, so asking again is harmless after each.
pub async fn fetch(
    http: &Http,
    url: &Url,
    limits: &FetchLimits,
    bearer: Option<&Token>,
) -> Result<Fetched, FetchError> {
    let within = Duration::from_millis(limits.ms);
    let late = || FetchError::Trouble { source: Cause::late(within) };
    tokio::time::timeout(within, follow(http, url.clone(), limits, bearer))
        .await
        .unwrap_or_else(|_| Err(late()))
}

async fn follow(
    http: &Http,
    mut url: Url,
    limits: &FetchLimits,
    mut bearer: Option<&Token>,
) -> Result<Fetched, FetchError> {
    for _ in 0..=limits.redirects {
        check(&url, limits).map_err(FetchError::Forbidden)?;
        let client = if limits.allow_private { http.open() } else { http.guarded() };
        let mut request = client.get(url.clone());
        if let Some(token) = bearer {
            request = request.bearer_auth(token.reveal());
        }
        let response = request.send().await.map_err(FetchError::of_http)?;
        let Some(next) = redirected(&url, &response) else {
            return read(response, limits.bytes).await;
        };
        if next.origin() != url.origin() {
            bearer = None;
        }
        url = next;
    }
    Err(FetchError::Forbidden(Forbidden::Redirects))
}

/// Whether `url` may be asked. A name passes if it is listed; where it leads is seen when it is looked up.
fn check(url: &Url, limits: &FetchLimits) -> Result<(), Forbidden> {
    let is_https = url.scheme() == "https" && url.port().is_none();
    let is_http = matches!(url.scheme(), "http" | "https") && limits.allow_private;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !(is_https || is_http) || !is_plain {
        return Err(Forbidden::Form);
    }
    let host = url.host_str().unwrap_or_default();
    if !limits.hosts.iter().any(|listed| is_listed(host, listed)) {
        return Err(Forbidden::Host);
    }
    let is_reachable = limits.allow_private || address::literal(url).is_none_or(address::is_public);
    is_reachable.then_some(()).ok_or(Forbidden::Address)
}

fn is_listed(host: &str, listed: &str) -> bool {
    let host = host.trim_end_matches('.');
    let listed = listed.to_ascii_lowercase();
    if listed.starts_with('.') {
        host.len() > listed.len() && host.ends_with(&listed)
    } else {
        host == listed
    }
}

/// Where a response sends us instead.
fn redirected(url: &Url, response: &Response) -> Option<Url> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = response.headers().get(header::LOCATION).filter(|_| is_redirect)?;
    url.join(location.to_str().ok()?).ok()
}

async fn read(mut response: Response, limit_bytes: u64) -> Result<Fetched, FetchError> {
    let too_large = || FetchError::TooLarge { limit_bytes };
    if !response.status().is_success() {
        return Err(FetchError::of_status(response.status().as_u16()));
    }
    if response.content_length().is_some_and(|bytes| bytes > limit_bytes) {
        return Err(too_large());
    }
    let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type =
        media_type.and_then(|value| value.split(';').next()).map(|value| value.trim().to_lowercase());
    let mut bytes = BytesMut::new();
    // What the head says of the length may be missing or wrong.
    while let Some(chunk) = response.chunk().await.map_err(FetchError::of_http)? {
        if (bytes.len() + chunk.len()) as u64 > limit_bytes {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Fetched { bytes: bytes.freeze(), media_type: media_type.filter(|value| !value.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_checked_before_it_is_asked() {
        let hosts = [".fbcdn.net", "lookaside.FBSBX.com", "10.0.0.1", "8.8.8.8", "[::1]", "169.254.169.254"];
        let mut limits = FetchLimits { hosts: hosts.map(str::to_owned).to_vec(), ..FetchLimits::default() };
        let check = |url: &str, limits: &FetchLimits, expected: Result<(), Forbidden>| {
            assert_eq!(check(&Url::parse(url).unwrap(), limits), expected, "{url}");
        };
        check("https://scontent.xx.fbcdn.net/a?b", &limits, Ok(()));
        check("https://scontent.xx.fbcdn.net./a", &limits, Ok(()));
        check("https://LOOKASIDE.fbsbx.com:443/", &limits, Ok(()));
        check("https://8.8.8.8/", &limits, Ok(()));
        check("https://fbcdn.net/", &limits, Err(Forbidden::Host));
        check("https://evilfbcdn.net/", &limits, Err(Forbidden::Host));
        check("https://x.fbcdn.net.evil.example/", &limits, Err(Forbidden::Host));
        check("https://x.lookaside.fbsbx.com/", &limits, Err(Forbidden::Host));
        check("https://lookaside.fbsbx.com@evil.example/", &limits, Err(Forbidden::Form));
        check("https://me:secret@lookaside.fbsbx.com/", &limits, Err(Forbidden::Form));
        check("http://lookaside.fbsbx.com/", &limits, Err(Forbidden::Form));
        check("https://lookaside.fbsbx.com:8443/", &limits, Err(Forbidden::Form));
        check("ftp://lookaside.fbsbx.com/", &limits, Err(Forbidden::Form));
        check("file:///etc/passwd", &limits, Err(Forbidden::Form));
        check("data:text/plain,x", &limits, Err(Forbidden::Form));
        check("https://10.0.0.1/", &limits, Err(Forbidden::Address));
        check("https://0xa.1/", &limits, Err(Forbidden::Address));
        check("https://[::1]/", &limits, Err(Forbidden::Address));
        check("https://169.254.169.254/latest/meta-data", &limits, Err(Forbidden::Address));
        limits.allow_private = true;
        check("http://10.0.0.1:8080/", &limits, Ok(()));
        check("http://127.0.0.1/", &limits, Err(Forbidden::Host));
        check("file:///etc/passwd", &limits, Err(Forbidden::Form));
        limits.hosts.clear();
        check("https://scontent.xx.fbcdn.net/", &limits, Err(Forbidden::Host));
    }
}
