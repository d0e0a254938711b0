//! Every channel's samples lead to the same appeals, in whatever order people write and however many processes take them in.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use zholdary_channels::Ours;
use zholdary_domain::{
    Inbound, MessageId,
    inbound::{Channel, DeliveryState},
    message::Outcome,
};
use zholdary_log::{EventLog, JetStreamConfig, JetStreamLog, Metrics};
use zholdary_natsd::{Options, Server};
use zholdary_testkit::{Told, samples};

use crate::harness::{binary, folder, ingest, json, mailbox, path, sample_of};
use zholdary_tests::{told_by, told_in};

/// Channels that deliver, by code.
const CHANNELS: [&str; 5] = ["whatsapp", "instagram", "facebook", "telegram", "email"];

pub(crate) fn files(channel: &str) -> Vec<PathBuf> {
    samples::of(channel).into_iter().map(|(name, _)| sample_of(channel, &name)).collect()
}

/// What a log tells of conversations, but for the numbers of the appeals.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// Messages that stand in one appeal, by the platforms' ids.
    together: BTreeSet<BTreeSet<String>>,
    /// Of each message: its words, how often it was edited, whether it was taken back, whether it stands in no appeal.
    said: BTreeMap<String, (Option<String>, usize, bool, bool)>,
    /// How far messages of ours came, and how many of our account were written past the system.
    ours: BTreeMap<MessageId, (Option<DeliveryState>, bool)>,
}

impl Story {
    pub(crate) fn of(log: &Told) -> Self {
        log.check();
        let said = log.messages.values().filter_map(|message| {
            let received = message.received.as_ref()?;
            let text = message.content()?.text.as_ref().map(|text| text.reveal().clone());
            let aside = matches!(message.outcome, Some(Outcome::SetAside { .. }));
            let told = (text, message.edits.len(), message.withdrawn_at.is_some(), aside);
            Some((received.external_id.reveal().clone(), told))
        });
        let ours = log.messages.iter().filter(|(_, m)| m.sent || m.echoed);
        Self {
            together: log.together().into_iter().map(|ids| ids.into_iter().collect()).collect(),
            said: said.collect(),
            ours: ours
                .map(|(id, m)| (*id, (m.delivery, matches!(m.outcome, Some(Outcome::Placed { .. })))))
                .collect(),
        }
    }
}

/// A folder with the key of ids of another one, so that a message has the same id in both.
pub(crate) fn folder_like(other: &Path) -> tempfile::TempDir {
    let data = folder();
    std::fs::copy(other.join("id.key"), data.path().join("id.key")).expect("a key is there");
    data
}

/// Who says something in a file. None: it tells of messages that others wrote, and must follow them.
fn people(channel: &str, file: &Path) -> Option<BTreeSet<String>> {
    let channel = Channel::from_code(channel).expect("a channel");
    let raw = std::fs::read(file).expect("a sample");
    let parsed = Ours::default().parse(channel, &raw)?;
    let messages = parsed.elements.iter().map(|element| match element {
        Inbound::Message(message) if message.new_keys.is_empty() => message.sender.as_ref(),
        _ => None,
    });
    let senders: Option<Vec<_>> = messages.collect();
    Some(senders?.into_iter().flat_map(|s| s.keys.iter().map(|key| key.reveal().clone())).collect())
}

/// The files in another order: people who have nothing to do with each other change places. Seeds, and what tells of others'
/// messages, stay behind what came before them.
fn shuffled(channel: &str, files: &[PathBuf], seed: u64) -> Vec<PathBuf> {
    let mut chance = rand::rngs::ChaCha8Rng::seed_from_u64(seed);
    let is_seed = |file: &Path| file.extension().is_some_and(|extension| extension == "jsonl");
    let told: Vec<_> =
        files.iter().map(|file| if is_seed(file) { None } else { people(channel, file) }).collect();
    let mut order: Vec<usize> = (0..files.len()).collect();
    for _ in 0..files.len() * files.len() {
        let at = chance.random_range(0..order.len() - 1);
        let apart = match (&told[order[at]], &told[order[at + 1]]) {
            (Some(one), Some(other)) => one.is_disjoint(other),
            _ => false,
        };
        if apart {
            order.swap(at, at + 1);
        }
    }
    order.into_iter().map(|nth| files[nth].clone()).collect()
}

#[tokio::test]
async fn people_who_write_in_another_order_are_understood_the_same() {
    for channel in CHANNELS {
        let (data, files) = (folder(), files(channel));
        ingest(data.path(), channel, &files);
        let expected = Story::of(&told_in(data.path()).await);
        let mut orders = BTreeSet::from([files.clone()]);
        for seed in 1..=2 {
            let other = folder_like(data.path());
            let order = shuffled(channel, &files, seed);
            ingest(other.path(), channel, &order);
            assert_eq!(Story::of(&told_in(other.path()).await), expected, "{channel}: {order:?}");
            orders.insert(order);
        }
        assert!(orders.len() > 1, "{channel}: the order changed");
    }
}

/// Feeds files into a folder, or with `log` beside it into that log, and lets it run.
fn feeding(data: &Path, log: Option<&str>, channel: &str, files: &[PathBuf]) -> std::process::Child {
    let mut feed = Command::new(binary());
    feed.args(["ingest", channel, "--data", path(data), "--config", path(&mailbox())]);
    feed.args(log.map(|log| ["--log", log]).into_iter().flatten()).args(files);
    feed.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the binary can be run")
}

#[tokio::test]
async fn two_processes_that_feed_the_same_files_lose_and_double_nothing() {
    for channel in CHANNELS {
        let (alone, files) = (folder(), files(channel));
        ingest(alone.path(), channel, &files);
        let expected = Story::of(&told_in(alone.path()).await);
        let data = folder_like(alone.path());
        all_end_well([(); 2].map(|()| feeding(data.path(), None, channel, &files)), channel);
        assert_eq!(Story::of(&told_in(data.path()).await), expected, "{channel}");
        for again in in_any_order(&files) {
            let told = ingest(data.path(), channel, &again);
            assert!(told.iter().all(|line| line["messages"] == 0 && line["new_appeals"] == 0), "{told:?}");
            assert_eq!(Story::of(&told_in(data.path()).await), expected, "{channel}: once more, {again:?}");
        }
    }
}

/// The files in three orders in which nothing is where it was meant: from the end, and by chance.
fn in_any_order(files: &[PathBuf]) -> [Vec<PathBuf>; 3] {
    let mut orders = [(); 3].map(|()| files.to_vec());
    orders[0].reverse();
    for (seed, order) in (1..).zip(&mut orders[1..]) {
        order.shuffle(&mut rand::rngs::ChaCha8Rng::seed_from_u64(seed));
    }
    orders
}

fn all_end_well(feeds: [std::process::Child; 2], channel: &str) {
    for feed in feeds {
        let told = feed.wait_with_output().expect("it ends");
        assert!(told.status.success(), "{channel}: {}", String::from_utf8_lossy(&told.stdout));
    }
}

/// The same on a NATS server, with a folder each: what they share is the log, and the key of ids.
#[tokio::test]
async fn two_processes_on_one_nats_server_lose_and_double_nothing() {
    let program = tokio::task::spawn_blocking(zholdary_natsd::find).await.unwrap().expect("a nats-server");
    for channel in CHANNELS {
        let (alone, files, kept) = (folder(), files(channel), folder());
        ingest(alone.path(), channel, &files);
        let expected = Story::of(&told_in(alone.path()).await);
        let server = Server::start(&program, &Options::in_folder(kept.path())).await.expect("it starts");
        let url = server.url();
        json(&["log", "init", "--log", &url, "--json"]);
        let folders = [folder_like(alone.path()), folder_like(alone.path())];
        let feeds = |files: [&[PathBuf]; 2]| {
            let [one, other] = &folders;
            let feed = |data: &tempfile::TempDir, files| feeding(data.path(), Some(&url), channel, files);
            [feed(one, files[0]), feed(other, files[1])]
        };
        all_end_well(feeds([&files, &files]), channel);
        let log = JetStreamLog::open(JetStreamConfig::at(&url), Metrics::unregistered()).await.unwrap();
        assert_eq!(Story::of(&told_by(&log).await), expected, "{channel}");
        let records = log.head().await.unwrap();
        let [_, one, other] = in_any_order(&files);
        all_end_well(feeds([&one, &other]), channel);
        assert_eq!(log.head().await.unwrap(), records, "{channel}: fed again in other orders");
    }
}
