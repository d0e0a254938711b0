//! The simulated city as a test: the script of a seed goes through the real intake, workers and views over a log in memory, while
//! answers are lost, processes are killed, messages come again and late, and the clock jumps. `ZHOLDARY_SIMULATE_SEEDS` says how many
//! seeds, `ZHOLDARY_SIMULATE_FROM` which is the first: `just simulate`. `ZHOLDARY_SIMULATE_SHOW` tells the history of each.

#![expect(clippy::print_stderr, reason = "a trial tells how far it is, and a failing seed its number")]

mod people;
mod weather;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use world::Town;

/// Threads that play: the product's own machine has two cores.
const THREADS: usize = 2;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number: {text}")))
}

fn town() -> Town {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Town::read())
}

/// Everything that must hold after a run is checked by it; a run that breaks something prints its seed.
#[test]
fn every_seed_leaves_a_whole_city() {
    let (from, count) = (setting("ZHOLDARY_SIMULATE_FROM", 1), setting("ZHOLDARY_SIMULATE_SEEDS", 200));
    let (next, records) = (AtomicU64::new(from), AtomicU64::new(0));
    let broken = std::thread::scope(|scope| {
        let play = || {
            let town = town();
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= from + count {
                    return broken;
                }
                let played =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world::run(&town, seed)));
                match played {
                    Ok(history) => {
                        records.fetch_add(history.records, Ordering::SeqCst);
                    }
                    Err(_) => {
                        eprintln!(
                            "seed {seed} failed, see above; once more: ZHOLDARY_SIMULATE_FROM={seed} ZHOLDARY_SIMULATE_SEEDS=1"
                        );
                        broken.push(seed);
                    }
                }
                if (seed + 1 - from).is_multiple_of(500) {
                    eprintln!("{} seeds played", seed + 1 - from);
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(play)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<u64>>()
    });
    eprintln!("{count} seeds from {from}: {} records, {} failed", records.into_inner(), broken.len());
    assert!(broken.is_empty(), "seeds {broken:?} failed");
}

/// A failing seed can be played again.
#[test]
fn the_same_seed_is_the_same_history() {
    let town = town();
    for seed in 1..=6 {
        assert_eq!(world::run(&town, seed), world::run(&town, seed), "seed {seed}");
    }
}
