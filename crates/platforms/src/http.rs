//! The connections under all calls.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, RequestBuilder, Response, StatusCode, header, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::{
    address::PublicOnly,
    config::{Config, USER_AGENT},
    error::{CallError, Cause, Refusal},
};

/// How long an unused connection is kept. A platform that closes one just as a request goes out on it leaves us not knowing
/// whether the request was read, so ours are closed before theirs.
const IDLE: Duration = Duration::from_secs(20);

/// The connections, shared by all platforms; a clone shares them too.
///
/// It follows no redirects, asks nothing twice, takes no proxy from the environment, and speaks TLS by rustls with ring and
/// the certificates that the machine trusts (`SSL_CERT_FILE` names others).
#[derive(Debug, Clone)]
pub struct Http {
    open: Client,
    /// Reaches public addresses alone.
    guarded: Client,
    request: Duration,
    answer_bytes: u64,
}

impl Http {
    /// Makes it ready; connects to nothing.
    ///
    /// # Errors
    ///
    /// A [`HttpError`] when the machine trusts no certificate at all, or TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, HttpError> {
        let mut roots = RootCertStore::empty();
        // Machines hold certificates that nobody can read any more; the others do.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::trusting(roots, config)
    }

    fn trusting(roots: RootCertStore, config: &Config) -> Result<Self, HttpError> {
        let tls = tls(roots)?;
        let connect = Duration::from_millis(config.connect_ms);
        let builder = || {
            Client::builder()
                .user_agent(USER_AGENT)
                .tls_backend_preconfigured(tls.clone())
                .http1_only()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .no_proxy()
                .connect_timeout(connect)
                .pool_idle_timeout(IDLE)
        };
        Ok(Self {
            open: builder().build().map_err(HttpError::Client)?,
            guarded: builder().dns_resolver(Arc::new(PublicOnly)).build().map_err(HttpError::Client)?,
            request: Duration::from_millis(config.request_ms),
            answer_bytes: config.answer_bytes,
        })
    }

    /// For addresses that settings name.
    pub(crate) const fn open(&self) -> &Client {
        &self.open
    }

    /// For addresses that come from outside. It guards names alone: an address written into the URL is looked up by nobody.
    pub(crate) const fn guarded(&self) -> &Client {
        &self.guarded
    }

    /// How long one call may take.
    pub(crate) const fn request(&self) -> Duration {
        self.request
    }

    /// The longest answer of one call, in bytes.
    pub(crate) const fn answer_bytes(&self) -> u64 {
        self.answer_bytes
    }
}

/// There can be no connections.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody could be trusted, so every call would fail.
    #[error(
        "this machine has no certificates of authorities to trust (package ca-certificates, or SSL_CERT_FILE)"
    )]
    NoRoots,
    /// TLS refused its own settings.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The client refused its settings.
    #[error("the client could not be set up")]
    Client(#[source] reqwest::Error),
}

/// With the provider given by hand: two might be compiled in, and then rustls would ask which one is meant.
fn tls(roots: RootCertStore) -> Result<ClientConfig, HttpError> {
    if roots.is_empty() {
        return Err(HttpError::NoRoots);
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(HttpError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// What came back from a call, before anybody asked what it means.
#[derive(Debug)]
pub(crate) struct Answered {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Result<Bytes, Cause>,
}

/// What a platform's error says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) code: Option<i64>,
    pub(crate) subcode: Option<i64>,
    pub(crate) retry_after: Option<Duration>,
}

/// Sends the request, once.
pub(crate) async fn send(
    request: RequestBuilder,
    within: Duration,
    limit_bytes: u64,
) -> Result<Answered, CallError> {
    let response = request.timeout(within).send().await.map_err(CallError::of_sending)?;
    let status = response.status();
    let after = response.headers().get(header::RETRY_AFTER);
    // The other form, a date, would need a clock; no platform here uses it.
    let retry_after =
        after.and_then(|value| value.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
    Ok(Answered { status, retry_after, body: read(response, limit_bytes).await })
}

/// The whole body, as long as it keeps within the limit.
async fn read(mut response: Response, limit_bytes: u64) -> Result<Bytes, Cause> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Cause::http)? {
        if (body.len() + chunk.len()) as u64 > limit_bytes {
            return Err(Cause::too_long(limit_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Answered {
    /// What the answer means: its JSON beside its bytes, or why there is none. `refusal` finds the platform's error in the JSON.
    pub(crate) fn settle(
        self,
        refusal: impl Fn(&Value) -> Option<Said>,
    ) -> Result<(Value, Bytes), CallError> {
        let Self { status, retry_after, body } = self;
        let read = body.and_then(|bytes| {
            let json = serde_json::from_slice::<Value>(&bytes).map_err(|_| Cause::unreadable())?;
            Ok((json, bytes))
        });
        let said = read.as_ref().ok().and_then(|(json, _)| refusal(json));
        // A status other than 2xx says no, whether or not what came with it reads.
        if said.is_some() || !status.is_success() {
            let said = said.unwrap_or_default();
            return Err(CallError::Refused(Refusal {
                status: status.as_u16(),
                code: said.code,
                subcode: said.subcode,
                retry_after: said.retry_after.or(retry_after),
            }));
        }
        read.map_err(|source| CallError::Unknown { source })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        thread,
    };

    use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivatePkcs8KeyDer};

    use super::*;

    /// A platform with this certificate that answers once. Returns its port, and what it read of the request.
    fn platform(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> (u16, thread::JoinHandle<String>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, listener.accept().unwrap().0));
            let mut line = String::new();
            // Who does not trust us hangs up before saying a word.
            if stream.read_line(&mut line).is_ok() && !line.is_empty() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.get_mut().write_all(answer).unwrap();
            }
            line
        });
        (port, thread)
    }

    #[tokio::test]
    async fn speaks_tls_with_whom_it_trusts_and_with_nobody_else() {
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.cert.der().clone()).unwrap();
        let config = Config::default();
        let ask = async |http: &Http, host: &str, port: u16| {
            let request = http.open().get(format!("https://{host}:{port}/"));
            Ok::<_, CallError>(send(request, Duration::from_secs(20), 100).await?.settle(|_| None)?.0)
        };

        let trusting = Http::trusting(roots, &config).unwrap();
        let (port, platform_said) = platform(&certificate);
        assert_eq!(ask(&trusting, "localhost", port).await.unwrap(), serde_json::json!({}));
        assert_eq!(platform_said.join().unwrap(), "GET / HTTP/1.1\r\n");

        for (http, host) in [(Http::new(&config).unwrap(), "localhost"), (trusting, "127.0.0.1")] {
            let (port, platform_said) = platform(&certificate);
            let outcome = ask(&http, host, port).await;
            assert!(matches!(outcome, Err(CallError::NotSent { .. })), "{host}: {outcome:?}");
            assert_eq!(platform_said.join().unwrap(), "", "{host} heard of a request");
        }
        assert!(matches!(Http::trusting(RootCertStore::empty(), &config), Err(HttpError::NoRoots)));
    }
}
