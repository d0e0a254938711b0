//! Several processes over one folder, and how they end.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use zholdary_testkit::{samples, sign};

use crate::harness::{City, binary, folder, ingest, path, sample, until};
use zholdary_tests::told_in;

#[tokio::test]
async fn ingest_waits_for_who_runs_the_workers() {
    let data = folder();
    let city = City::up(data.path()).await;
    let told = ingest(data.path(), "whatsapp", &[sample("01"), sample("02")]);
    assert!(told.iter().all(|line| line["error"].is_null() && line["new_appeals"] == 1), "{told:?}");
    let number = told[0]["appeals"][0].as_str().unwrap();
    let seen = city.read(&format!("/api/v1/appeals/{number}")).await;
    assert_eq!(seen["number"], number);
    assert!(city.stop().await.success());
    told_in(data.path()).await.check();
}

#[tokio::test]
async fn ingest_takes_over_when_who_ran_the_workers_is_gone() {
    let data = folder();
    let city = City::up(data.path()).await;
    // Stopped, not ended: it holds the workers and does nothing. Not in the middle of a write, which others would wait for.
    city.idle().await;
    city.signal("STOP");
    let waiting = Command::new(binary())
        .args(["ingest", "whatsapp", "--data", path(data.path())])
        .arg(sample("01"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Its message is in the log, and nobody places it.
    until("ingest waits", async || told_in(data.path()).await.messages.len() == 1).await;
    let waiting_still = told_in(data.path()).await;
    assert!(waiting_still.messages.values().all(|message| message.outcome.is_none()));
    city.kill();
    let output = tokio::task::spawn_blocking(move || waiting.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success());
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["new_appeals"], &line["error"]), (&1.into(), &serde_json::Value::Null));
    told_in(data.path()).await.check();
}

#[tokio::test]
async fn a_second_up_serves_and_takes_over() {
    let data = folder();
    let first = City::up(data.path()).await;
    let second = City::up(data.path()).await;
    assert_eq!(second.signed(samples::whatsapp("01")).await, 200);
    second.idle().await;
    first.kill();
    assert_eq!(second.signed(samples::whatsapp("02")).await, 200);
    until("the second runs the workers", async || {
        let list = second.read("/api/v1/appeals").await;
        list["items"].as_array().unwrap().len() == 2
    })
    .await;
    second.idle().await;
    assert!(second.stop().await.success());
    told_in(data.path()).await.check();
}

#[tokio::test]
async fn a_signal_stops_softly() {
    let data = folder();
    let city = City::up(data.path()).await;
    assert_eq!(city.signed(samples::whatsapp("04")).await, 200);
    assert_eq!(city.stop().await.code(), Some(0));
    let again = City::up(data.path()).await;
    again.idle().await;
    again.signal("INT");
    let mut again = again;
    assert_eq!(again.ended().await.code(), Some(0));
    told_in(data.path()).await.check();
}

/// A signed delivery of which only the first half is sent, once it was begun there: whoever expects to be told to go on
/// (RFC 9110, section 10.1.1) is told when the body is asked for. A connection that waits to be accepted has no such promise.
async fn half_sent(city: &City, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(city.address()).await.unwrap();
    let head = format!(
        "POST /hooks/whatsapp HTTP/1.1\r\nhost: {}\r\nx-hub-signature-256: {}\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        city.address(),
        sign(samples::APP_SECRET, body),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body[..body.len() / 2]).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test]
async fn what_is_in_hand_at_a_soft_stop_is_finished() {
    let data = folder();
    let city = City::up(data.path()).await;
    let body = samples::whatsapp("01");
    let mut stream = half_sent(&city, body).await;
    city.signal("TERM");
    city.deaf().await;
    stream.write_all(&body[body.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut city = city;
    assert_eq!(city.ended().await.code(), Some(0));
    // What was answered is in the log; whoever runs next places it.
    let again = City::up(data.path()).await;
    again.idle().await;
    assert!(again.stop().await.success());
    let log = told_in(data.path()).await;
    log.check();
    assert_eq!(log.appeals.len(), 1);
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_what_is_in_hand() {
    let data = folder();
    let mut city = City::up(data.path()).await;
    let _never_ends = half_sent(&city, samples::whatsapp("01")).await;
    city.signal("TERM");
    city.deaf().await;
    let told_again = Instant::now();
    city.signal("TERM");
    let ended = city.ended().await;
    assert!(ended.code().is_some_and(|code| code != 0), "{ended}");
    assert!(told_again.elapsed() < Duration::from_secs(10), "the soft stop alone would take 20 s");
    // Nothing is broken by it.
    let again = City::up(data.path()).await;
    assert_eq!(again.signed(samples::whatsapp("01")).await, 200);
    again.idle().await;
    assert!(again.stop().await.success());
    told_in(data.path()).await.check();
}
