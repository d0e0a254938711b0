//! kill -9 at random moments while many people write: whoever was answered is heard, once.

#![expect(clippy::print_stdout, reason = "who looks into a failure needs the seed")]

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    harness::{City, folder, json, path},
    people::{Chance, Client, heard_once},
};
use zholdary_tests::told_in;

/// People who write at once.
const CLIENTS: u32 = 16;

fn seed() -> u64 {
    let given = std::env::var("ZHOLDARY_CRASH_SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or_else(|| RandomState::new().hash_one("crash"))
}

fn rounds() -> u32 {
    std::env::var("ZHOLDARY_CRASH_ROUNDS").ok().and_then(|s| s.parse().ok()).unwrap_or(10)
}

/// The most letters that one client sends in a round: then the workers come to their turn, and the kill may meet them at
/// any step.
const LETTERS: u64 = 12;

/// Everybody writes for a while, and then the process is gone.
async fn write_until_killed(city: City, clients: Vec<Client>, after: Duration) -> Vec<Client> {
    let city = std::sync::Arc::new(city);
    let writing = clients.into_iter().map(|mut client| {
        let city = std::sync::Arc::clone(&city);
        tokio::spawn(async move {
            for _ in 0..1 + client.chance.below(LETTERS) {
                if !client.send(&city, &city).await {
                    break;
                }
            }
            client
        })
    });
    let writing: Vec<_> = writing.collect();
    tokio::time::sleep(after).await;
    city.signal("KILL");
    let mut clients = Vec::new();
    for task in writing {
        clients.push(task.await.expect("a client"));
    }
    // Its files are free for the next one only when it is gone.
    std::sync::Arc::into_inner(city).expect("nobody else speaks to it").kill();
    clients
}

/// Rounds over one folder. A start reads the whole log, so over a long one most kills would meet a process that reads.
const ROUNDS_A_FOLDER: u32 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_random_moments() {
    let (seed, rounds) = (seed(), rounds());
    println!("ZHOLDARY_CRASH_SEED={seed} ZHOLDARY_CRASH_ROUNDS={rounds}");
    let mut left = rounds;
    while left > 0 {
        let now = left.min(ROUNDS_A_FOLDER);
        let (messages, appeals) = crash_rounds(seed ^ u64::from(left), now).await;
        left -= now;
        println!("{} rounds: {messages} messages acknowledged, {appeals} appeals", rounds - left);
    }
}

async fn crash_rounds(seed: u64, rounds: u32) -> (usize, usize) {
    let mut chance = Chance(seed);
    let data = folder();
    let mut clients: Vec<_> = (0..CLIENTS).map(|name| Client::new(name, seed)).collect();
    for _ in 0..rounds {
        let city = City::begin(data.path());
        let after = Duration::from_millis(20 + chance.below(1500));
        clients = write_until_killed(city, clients, after).await;
    }
    let city = City::up(data.path()).await;
    for client in &mut clients {
        while client.waits.is_some() {
            client.send(&city, &city).await;
        }
    }
    city.idle().await;
    assert!(city.stop().await.success());
    let verified = json(&["verify", "--json", "--data", path(data.path())]).remove(0);
    assert_eq!(verified["sound"], true);
    let rebuilt: Value = json(&["rebuild", "--json", "--data", path(data.path())]).remove(0);
    assert_eq!((&rebuilt["differs"], &rebuilt["parked"]), (&json!([]), &json!(0)), "{rebuilt}");
    let told = told_in(data.path()).await;
    told.check();
    let heard = heard_once(&clients, &told, 0);
    (heard, told.appeals.len())
}
