//! `just understanding`: how many short messages one core understands in a second, and how long a hundred kilobytes take; each
//! beside what is asked of it.

#![expect(clippy::print_stdout, reason = "it is its figures")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use zholdary_city::{City, Files};
use zholdary_testkit::shipped_city;
use zholdary_triage::{Input, Triage};

/// Characters of a short message.
const SHORT: usize = 200;
/// Messages a second that are asked for.
const WANTED: f64 = 5_000.0;
/// Bytes of a long letter, and how long it may take.
const LONG: usize = 100_000;
const MOST: Duration = Duration::from_millis(50);
/// How long each is measured, and how often.
const MEASURED: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

fn main() {
    let files = Files::from_entries(shipped_city()).expect("the shipped city");
    let triage = Triage::new(&City::parse(&files).expect("the shipped city"));
    let texts = cases();
    let all = texts.join(" ");
    let letters: Vec<char> = all.chars().collect();
    let short: Vec<String> = letters.chunks_exact(SHORT).map(|part| part.iter().collect()).collect();
    let mut long = all.clone();
    while long.len() < LONG {
        long = format!("{long} {all}");
    }
    let end = (0..=LONG).rev().find(|end| long.is_char_boundary(*end)).unwrap_or(0);
    let long = &long[..end];
    let mut rates = Vec::new();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let (began, mut count) = (Instant::now(), 0_u32);
        for text in short.iter().cycle() {
            understand(&triage, text);
            count += 1;
            if began.elapsed() >= MEASURED {
                break;
            }
        }
        rates.push(f64::from(count) / began.elapsed().as_secs_f64());
        let began = Instant::now();
        understand(&triage, long);
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let most = MOST.as_secs_f64() * 1_000.0;
    let (rate, time) = (median(&mut rates), median(&mut times));
    println!("{ROUNDS} rounds, the median and between which they lay; a ratio of 1 is what is asked for");
    println!(
        "{SHORT} characters: {rate:.0} messages a second ({:.0}–{:.0}), ratio {:.2}",
        rates[0],
        rates[ROUNDS - 1],
        rate / WANTED
    );
    println!(
        "{} bytes: {time:.1} ms ({:.1}–{:.1}), ratio {:.2}",
        long.len(),
        times[0],
        times[ROUNDS - 1],
        most / time
    );
}

fn understand(triage: &Triage, text: &str) {
    black_box(triage.read(&Input { text: black_box(text), point: None, has_media: false }));
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The texts of all cases.
fn cases() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the cases").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let text = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        case["text"].as_str().expect("its text").to_owned()
    };
    let read = |file| std::fs::read_to_string(file).expect("a file of ours");
    files.iter().flat_map(|file| read(file).lines().map(text).collect::<Vec<_>>()).collect()
}
