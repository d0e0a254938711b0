//! `just storm`: what the hook answers, and what becomes of it, when a whole city writes within one minute, as tables.
//!
//! Deliveries arrive at a constant rate, whether or not the ones before were answered, and each is measured from the instant at which
//! it was to arrive: whoever waits to be sent has waited. Beside it, in the same run, the engine's own append at the same rate.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is its tables")]

#[expect(dead_code, reason = "what this needs of what performance needs")]
#[path = "../performance/bed.rs"]
mod bed;
mod city;
mod deliveries;
#[expect(dead_code, reason = "what this needs of what performance needs")]
#[path = "../performance/figures.rs"]
mod figures;
#[expect(dead_code, reason = "what this needs of what the tests of the whole system need")]
#[path = "../system/harness.rs"]
mod harness;
mod open_loop;
mod probe;

use std::{env, process::ExitCode, time::Duration};

use city::City;
use deliveries::Deliveries;
use figures::{head, row, short};
use open_loop::Waits;

/// How many deliveries arrive within [`MINUTE`]. Default 10,000.
const POSTS: &str = "ZHOLDARY_STORM_POSTS";
/// How long they take to arrive.
const MINUTE: Duration = Duration::from_secs(60);
/// Deliveries before that, which nobody counts: connections open, code and pages of the disk are there.
const WARM: usize = 200;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let posts = match env::var(POSTS).map(|posts| posts.parse::<usize>()) {
        Ok(Ok(posts)) if posts >= 1_000 => posts,
        Err(_) => 10_000,
        Ok(_) => {
            eprintln!("{POSTS} is how many deliveries arrive within a minute: a number of at least 1000");
            return ExitCode::FAILURE;
        }
    };
    let mut rows = Vec::new();
    for name in ["SQLite", "R1"] {
        let bed = bed::named(name).await;
        let bare = probe::append(&bed, posts, MINUTE).await;
        drop(bed);
        let city = City::start(name).await;
        let key = city.key();
        let deliveries = Deliveries::of(posts, WARM, &key);
        open_loop::run(&city, &deliveries.warm, Duration::from_secs(5)).await;
        let told = open_loop::run(&city, &deliveries.storm, MINUTE).await;
        let passed = city.passed().await;
        eprintln!("{name}: {}\n{}", told.causes(), city.costs().await.join("\n"));
        let appeals = city.check(&deliveries).await;
        rows.push((name, bare, told, passed, deliveries.messages.len(), appeals));
    }
    tables(posts, &rows);
    ExitCode::SUCCESS
}

type Row = (&'static str, Waits, open_loop::Told, Duration, usize, usize);

fn tables(posts: usize, rows: &[Row]) {
    println!("{posts} deliveries in {} s, {} of them again.", MINUTE.as_secs(), deliveries::again(posts));
    head(
        "### The hook's answer",
        &[
            "engine",
            "median, ms",
            "99 of 100, ms",
            "longest, ms",
            "a bare append, 99 of 100, ms",
            "ratio",
            "answers",
        ],
    );
    for (name, bare, told, ..) in rows {
        let slow = told.waits.at(0.99);
        row(&[
            (*name).to_owned(),
            short(told.waits.at(0.5)),
            short(slow),
            short(told.waits.at(1.0)),
            short(bare.at(0.99)),
            format!("{:.1}", slow / bare.at(0.99)),
            told.statuses(),
        ]);
    }
    head(
        "### What became of it",
        &[
            "engine",
            "messages",
            "each stored once and in one appeal",
            "appeals",
            "the views had all, s after the last",
        ],
    );
    for (name, _, _, passed, messages, appeals) in rows {
        row(&[
            (*name).to_owned(),
            short(*messages as f64),
            "yes".to_owned(),
            short(*appeals as f64),
            format!("{:.1}", passed.as_secs_f64()),
        ]);
    }
}
