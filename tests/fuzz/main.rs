//! The targets of `fuzz/`, over their seeds and a bounded number of mutations of those: what `just fuzz` does for hours, every other test
//! run does for seconds, without a sanitizer and without looking where it comes. The mutations are the same in every run.

#![expect(clippy::print_stdout, reason = "it says where the input is that made a target fall")]

#[path = "../../fuzz/src/lib.rs"]
pub mod targets;

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use targets::{TARGETS, Target};

/// How many mutations of its seeds each target gets. Default: what stands beside each below.
const MUTATIONS: &str = "ZHOLDARY_FUZZ_MUTATIONS";
/// The longest input, in bytes.
const MOST_BYTES: usize = 64 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder().join("seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// What a target makes of some bytes. When it panics they are left behind in a file, to become a seed.
fn run((name, body): Target, bytes: &[u8], of: &Path) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(bytes))) {
        let left = env::temp_dir().join(format!("zholdary-fuzz-{name}-{:016x}", rand_of(bytes)));
        fs::write(&left, bytes).unwrap();
        println!("{name} fell over a mutation of {}: {}", of.display(), left.display());
        resume_unwind(panic);
    }
}

/// A number that tells inputs apart.
fn rand_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(*blake3::hash(bytes).as_bytes().first_chunk().unwrap())
}

fn check(name: &str, mutations: usize) {
    let target = *TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for (path, bytes) in &seeds {
        run(target, bytes, path);
    }
    let mutations = env::var(MUTATIONS).map_or(mutations, |given| given.parse().expect(MUTATIONS));
    let mut chance = ChaCha8Rng::seed_from_u64(rand_of(name.as_bytes()));
    for _ in 0..mutations {
        let (path, seed) = &seeds[chance.random_range(0..seeds.len())];
        let (_, other) = &seeds[chance.random_range(0..seeds.len())];
        let mut bytes = seed.clone();
        for _ in 0..chance.random_range(1..8) {
            mutate(&mut bytes, other, &mut chance);
        }
        bytes.truncate(MOST_BYTES);
        run(target, &bytes, path);
    }
}

/// What formats stumble over.
const PIECES: [&[u8]; 24] = [
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\"\"",
    b"[]",
    b"{}",
    b"\\ud800",
    b"\xff",
    b"\0",
    b"\r\n",
    b"\n\n",
    b"--",
    b"=",
    b";",
    b"&",
    b"%",
    b"%ff",
    b"'",
    b"\xd1\x8f",
    b"\xe2\x80\x8b",
    b"\xf0\x9f\x95\xb3",
    b"[[[[[[[[",
    b"Content-Type: ",
];

fn mutate(bytes: &mut Vec<u8>, other: &[u8], chance: &mut impl Rng) {
    let at = chance.random_range(0..=bytes.len());
    let end = (at + chance.random_range(0..=24)).min(bytes.len());
    match chance.random_range(0..8) {
        0 if !bytes.is_empty() => bytes[at.min(end.saturating_sub(1))] ^= 1 << chance.random_range(0..8),
        1 => bytes.insert(at, chance.random()),
        2 => drop(bytes.drain(at..end)),
        3 => drop(bytes.splice(at..end, PIECES[chance.random_range(0..PIECES.len())].iter().copied())),
        4 => bytes.truncate(at),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 if !other.is_empty() => {
            let from = chance.random_range(0..other.len());
            let to = (from + chance.random_range(1..=64)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => bytes[at..end].reverse(),
    }
}

macro_rules! each {
    ($($name:ident $mutations:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), $mutations);
        })*

        #[test]
        fn every_target_is_tried_built_and_has_seeds() {
            let mut tried = vec![$(stringify!($name)),*];
            let mut known: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
            let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
            let built = manifest.split("[[bin]]").skip(1).map(|bin| bin.split('"').nth(1).unwrap());
            let (mut built, mut seeded) = (built.collect::<Vec<_>>(), Vec::new());
            for entry in fs::read_dir(folder().join("seeds")).unwrap() {
                seeded.push(entry.unwrap().file_name().into_string().unwrap());
            }
            for list in [&mut tried, &mut known, &mut built] {
                list.sort_unstable();
            }
            seeded.sort_unstable();
            assert_eq!((&tried, &built), (&known, &known));
            assert_eq!(seeded, known);
        }
    };
}

each! {
    whatsapp 4_000, instagram 4_000, facebook 4_000, telegram 4_000, email 2_000, signature 4_000, outbound 4_000, parts 400,
    jsonl 2_000, submission 4_000, point 4_000, triage 400, record 4_000, media 200, city_file 200, city_pack 500, http 300,
}
