//! Files from addresses that come from outside.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use futures::{Stream, stream};
use tokio::net::TcpListener;
use zholdary_platforms::{FetchError, FetchLimits, Fetched, Token, Url, fetch};
use zholdary_testkit::fake;

use crate::{check_discreet, graph_at, http, printed};

/// Who said what to a host: the path, and the header that opens a file.
type Heard = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A host of files with ways to go wrong. The second one is another host to whoever compares names and ports.
struct Host {
    url: String,
    heard: Heard,
}

impl Host {
    async fn start(other: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Heard::default();
        let (noting, base, other) = (Arc::clone(&heard), url.clone(), other.unwrap_or_default().to_owned());
        let answer = async move |Path(path): Path<String>, headers: HeaderMap| -> Response {
            let bearer = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            noting.lock().unwrap().push((path.clone(), bearer));
            let to = |url: String| Redirect::temporary(&url).into_response();
            match path.split_once('/').unwrap_or((&path, "")) {
                ("file", _) => {
                    ([(header::CONTENT_TYPE, "Image/JPEG; q=1")], vec![7_u8; 1000]).into_response()
                }
                // No length is said, so only counting tells.
                ("endless", _) => Body::from_stream(endless()).into_response(),
                ("silent", _) => std::future::pending().await,
                ("status", code) => StatusCode::from_u16(code.parse().unwrap()).unwrap().into_response(),
                ("hops", "0") => to("/file".to_owned()),
                ("hops", n) => to(format!("{base}/hops/{}", n.parse::<u8>().unwrap() - 1)),
                ("loop", _) => to("/loop".to_owned()),
                ("away", rest) => to(format!("{other}/{rest}")),
                ("metadata", _) => to("http://169.254.169.254/latest".to_owned()),
                ("disk", _) => to("file:///etc/passwd".to_owned()),
                ("nowhere", _) => StatusCode::FOUND.into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        };
        let router = Router::new().route("/{*path}", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, heard }
    }

    fn at(&self, path: &str) -> Url {
        Url::parse(&format!("{}/{path}?signature=secret", self.url)).unwrap()
    }

    fn heard(&self) -> Vec<(String, Option<String>)> {
        self.heard.lock().unwrap().clone()
    }
}

/// A kilobyte each few milliseconds, for ever.
fn endless() -> impl Stream<Item = io::Result<Vec<u8>>> {
    stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok(vec![7; 1024]), ()))
    })
}

fn limits() -> FetchLimits {
    FetchLimits {
        bytes: 4096,
        ms: 15_000,
        redirects: 3,
        hosts: vec!["127.0.0.1".to_owned()],
        allow_private: true,
    }
}

fn class(outcome: &Result<Fetched, FetchError>) -> String {
    match outcome {
        Ok(fetched) => format!("{fetched:?}"),
        Err(FetchError::Gone) => "gone".to_owned(),
        Err(FetchError::TooLarge { .. }) => "too large".to_owned(),
        Err(FetchError::Forbidden(why)) => why.to_string(),
        Err(FetchError::Refused { status }) => format!("refused {status}"),
        Err(FetchError::Trouble { .. }) => "trouble".to_owned(),
    }
}

async fn check(url: Url, limits: &FetchLimits, expected: &str) {
    let outcome = fetch(&http(), &url, limits, None).await;
    assert_eq!(class(&outcome), expected, "{url}: {outcome:?}");
    let _ = outcome.inspect_err(|error| check_discreet(error));
}

const WHOLE: &str = "1000 bytes of image/jpeg";

#[tokio::test]
async fn each_outcome_has_its_class() {
    let host = Host::start(None).await;
    let limits = limits();
    check(host.at("file"), &limits, WHOLE).await;
    for (status, expected) in [
        (404, "gone"),
        (410, "gone"),
        (401, "refused 401"),
        (403, "refused 403"),
        (408, "trouble"),
        (429, "trouble"),
        (500, "trouble"),
        (503, "trouble"),
        (304, "refused 304"),
    ] {
        check(host.at(&format!("status/{status}")), &limits, expected).await;
    }
    check(host.at("nowhere"), &limits, "refused 302").await;
    let gone = Url::parse(&fake::Graph::start().await.url()).unwrap();
    check(gone, &limits, "trouble").await;
}

#[tokio::test]
async fn a_limit_holds_while_the_file_comes() {
    let host = Host::start(None).await;
    let exact = FetchLimits { bytes: 1000, ..limits() };
    check(host.at("file"), &exact, WHOLE).await;
    check(host.at("file"), &FetchLimits { bytes: 999, ..limits() }, "too large").await;
    let begun = Instant::now();
    check(host.at("endless"), &FetchLimits { ms: 60_000, ..limits() }, "too large").await;
    assert!(begun.elapsed() < Duration::from_secs(30));
    let large = FetchLimits { bytes: u64::MAX, ms: 500, ..limits() };
    check(host.at("endless"), &large, "trouble").await;
    check(host.at("silent"), &large, "trouble").await;
}

#[tokio::test]
async fn redirects_are_counted_and_each_is_checked() {
    let other = Host::start(None).await;
    let host = Host::start(Some(&other.url.replace("127.0.0.1", "localhost"))).await;
    let limits = limits();
    check(host.at("hops/2"), &limits, WHOLE).await;
    check(host.at("hops/3"), &limits, "too many redirects").await;
    check(host.at("loop"), &limits, "too many redirects").await;
    check(host.at("metadata"), &limits, "the host is not on the list").await;
    check(host.at("disk"), &limits, "not a plain https address").await;
    check(host.at("away/file"), &limits, "the host is not on the list").await;
    assert_eq!(other.heard(), [], "nothing is sent where nothing may be fetched");
    let none = FetchLimits { redirects: 0, ..limits.clone() };
    check(host.at("hops/0"), &none, "too many redirects").await;
    check(host.at("file"), &none, WHOLE).await;
}

#[tokio::test]
async fn what_is_private_is_out_of_reach() {
    let host = Host::start(None).await;
    let guarded = FetchLimits { allow_private: false, ..limits() };
    check(host.at("file"), &guarded, "not a plain https address").await;
    check(Url::parse("https://127.0.0.1/").unwrap(), &guarded, "the address is not public").await;
    // The name is on the list; where it leads is seen only when it is looked up.
    let named = FetchLimits { hosts: vec!["localhost".to_owned()], ..guarded };
    check(Url::parse("https://localhost/").unwrap(), &named, "the address is not public").await;
    assert_eq!(host.heard(), []);
}

#[tokio::test]
async fn the_token_is_told_to_the_first_host_alone() {
    let back = Host::start(None).await;
    let other = Host::start(Some(&back.url)).await;
    let host = Host::start(Some(&other.url)).await;
    let token = Token::new("open-sesame").unwrap();
    let opened = |path: &str| (path.to_owned(), Some("Bearer open-sesame".to_owned()));
    let closed = |path: &str| (path.to_owned(), None);

    fetch(&http(), &host.at("hops/0"), &limits(), Some(&token)).await.unwrap();
    assert_eq!(host.heard(), [opened("hops/0"), opened("file")]);
    fetch(&http(), &host.at("away/away/file"), &limits(), Some(&token)).await.unwrap();
    assert_eq!(other.heard(), [closed("away/file")]);
    assert_eq!(back.heard(), [closed("file")]);
    let error = fetch(&http(), &host.at("status/403"), &limits(), Some(&token)).await.unwrap_err();
    assert!(!printed(&error).contains("sesame"));
}

#[tokio::test]
async fn whatsapps_files_open_for_our_token() {
    let fake = fake::Graph::start().await;
    fake.put_media("55", "image/jpeg", vec![7; 1000]);
    let graph = graph_at(&fake.url());
    let link = graph.media("55").await.unwrap();
    assert_eq!(class(&graph.file(&link, &limits()).await), WHOLE);
    check(link.url.into_revealed(), &limits(), "refused 401").await;
}
