//! Several processes over one folder, and how they end.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::harness::{City, Told, binary, folder, ingest, path, sample};

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
    Told::read(data.path()).await.check();
}

#[tokio::test]
async fn ingest_takes_over_when_who_ran_the_workers_is_gone() {
    let data = folder();
    let city = City::up(data.path()).await;
    // Stopped, not ended: it holds the workers and does nothing.
    city.signal("STOP");
    let waiting = Command::new(binary())
        .args(["ingest", "whatsapp", "--data", path(data.path())])
        .arg(sample("01"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    city.kill();
    let output = tokio::task::spawn_blocking(move || waiting.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success());
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["new_appeals"], &line["error"]), (&1.into(), &serde_json::Value::Null));
    Told::read(data.path()).await.check();
}

#[tokio::test]
async fn a_second_up_serves_and_takes_over() {
    let data = folder();
    let first = City::up(data.path()).await;
    let second = City::up(data.path()).await;
    assert_eq!(second.signed(zholdary_testkit::samples::whatsapp("01")).await, 200);
    second.idle().await;
    first.kill();
    assert_eq!(second.signed(zholdary_testkit::samples::whatsapp("02")).await, 200);
    crate::harness::until("the second runs the workers", async || {
        let list = second.read("/api/v1/appeals").await;
        list["items"].as_array().unwrap().len() == 2
    })
    .await;
    second.idle().await;
    assert!(second.stop().await.success());
    Told::read(data.path()).await.check();
}

#[tokio::test]
async fn a_signal_stops_softly() {
    let data = folder();
    let city = City::up(data.path()).await;
    assert_eq!(city.signed(zholdary_testkit::samples::whatsapp("04")).await, 200);
    assert_eq!(city.stop().await.code(), Some(0));
    let again = City::up(data.path()).await;
    again.idle().await;
    again.signal("INT");
    let mut again = again;
    assert_eq!(again.ended().await.code(), Some(0));
    Told::read(data.path()).await.check();
}
