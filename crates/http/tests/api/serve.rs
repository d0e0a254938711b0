//! Real connections: slow ones give way, what is in hand is finished.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use zholdary_http::{Config, serve};

use crate::town::Town;

const SOON: Duration = Duration::from_secs(5);

async fn begin(town: &Town, config: Config) -> (SocketAddr, CancellationToken, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (router, stop) = (town.router(), CancellationToken::new());
    let served = tokio::spawn({
        let stop = stop.clone();
        async move { serve(listener, router, &config, stop).await }
    });
    (address, stop, served)
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// What comes until the connection is closed.
async fn all(mut stream: TcpStream) -> String {
    let mut bytes = vec![];
    timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("the connection is closed").unwrap();
    String::from_utf8(bytes).unwrap()
}

const HALF: &str = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ";
const WHOLE: &str = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn half_a_header_is_dropped_and_others_are_served_meanwhile() {
    let town = Town::asleep().await;
    let config = Config { header_timeout_ms: 1_000, ..Config::default() };
    let (address, ..) = begin(&town, config).await;
    let slow = send(address, HALF).await;
    let meanwhile = all(send(address, WHOLE).await).await;
    assert!(meanwhile.starts_with("HTTP/1.1 200"), "{meanwhile}");
    let dropped = all(slow).await;
    assert!(!dropped.contains("200 OK"), "{dropped}");
}

#[tokio::test]
async fn whoever_is_beyond_the_limit_waits_for_a_place() {
    let town = Town::asleep().await;
    let config = Config { header_timeout_ms: 300, connections_max: 2, ..Config::default() };
    let (address, ..) = begin(&town, config).await;
    let slow = [send(address, HALF).await, send(address, HALF).await];
    let mut third = send(address, WHOLE).await;
    let early = timeout(Duration::from_millis(50), third.read_u8()).await;
    assert!(early.is_err(), "answered while both places were taken");
    assert!(all(third).await.starts_with("HTTP/1.1 200"));
    drop(slow);
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand_and_takes_nothing_more() {
    let town = Town::with(|config| config.position_wait_ms = 500, false).await;
    let (address, stop, served) = begin(&town, Config::default()).await;
    let idle = TcpStream::connect(address).await.unwrap();
    let waits = "GET /api/v1/report HTTP/1.1\r\nHost: x\r\nZholdary-Position: 999999\r\n\r\n";
    let in_hand = send(address, waits).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let answer = all(in_hand).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("position-not-reached"), "{answer}");
    timeout(SOON, served).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    drop(idle);
}
