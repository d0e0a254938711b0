//! What is measured.

use std::{
    fs,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use prometheus::Registry;
use tokio_util::sync::CancellationToken;
use zholdary_city::{City, Files};
use zholdary_domain::{
    Clock, MessageId, Position, StreamId, SystemClock,
    inbound::{Channel, Content, Join, Surface},
    message::{self, Outcome, Received, SetAside, command_id},
};
use zholdary_log::{
    Cause, Decider, EventLog, Expect,
    streams::{Messages, Rules},
};
use zholdary_readmodel::ProjectorConfig;
use zholdary_routing::{Parts, Rulesets, Turn, Workers};
use zholdary_testkit::{id_key, shipped_city};

use crate::{
    bed::Bed,
    figures::{Figures, head, row, short},
};

/// How often each is measured.
const ROUNDS: usize = 5;
/// Callers at once, and how many messages they write in a round; each is two records.
const CALLERS: [(usize, u64); 3] = [(1, 100), (64, 2_000), (1024, 8_000)];
/// Streams that are loaded.
const LOADS: u64 = 2_000;
/// Records asked for at once.
const PAGE: usize = 1_000;

fn per_second(count: u64, since: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of millions")]
    let count = count as f64;
    count / since.elapsed().as_secs_f64()
}

fn message(bed: &Bed, n: u64) -> MessageId {
    id_key().message("whatsapp", bed.name, &n.to_string())
}

/// A complaint of two hundred letters, by one of ten thousand people.
fn received(n: u64) -> Received {
    let text = "Добрый день! На пересечении улиц, где мы живём, уже вторую неделю глубокая яма, машины объезжают её по \
                тротуару, вечером без света её не видно. Просим заделать до холодов, спасибо заранее. Жители дома";
    Received {
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        account: "1".to_owned(),
        external_id: n.to_string().into(),
        contact: id_key().contact("whatsapp", &(n % 10_000).to_string()),
        aliases: vec![],
        name: Some("Житель".to_owned().into()),
        phone: None,
        address: None,
        content: Content { text: Some(format!("{text} {n}").into()), ..Content::default() },
        reply_to: None,
        join: Join::Window,
        album: None,
        letter: None,
        sent_at: SystemClock.now(),
        raw: None,
        keys_changed: false,
    }
}

/// Writes messages from `first` on, each received and set aside at once: two records of one stream.
async fn write(bed: &Bed, first: u64, messages: u64, callers: usize) -> Figures {
    let decider: Decider<Messages> = Decider::new(Arc::clone(&bed.log), Arc::new(SystemClock));
    let one = |n: u64| {
        let (decider, id) = (decider.clone(), message(bed, n));
        async move {
            let (stream, began) = (StreamId::from(id), Instant::now());
            let events = [message::Event::Received(Box::new(received(n)))];
            let command = command_id::received(id);
            let written =
                decider.handle_expecting(&stream, command, Cause::OUTSIDE, Expect::NoStream, &events).await?;
            let took = began.elapsed();
            let events = [message::Event::SetAside { why: SetAside::NoAppeal, beside: None }];
            let expect = Expect::after(written.token);
            let command = command_id::settled(id);
            decider.handle_expecting(&stream, command, Cause::OUTSIDE, expect, &events).await?;
            Ok::<_, zholdary_log::DeciderError>(took)
        }
    };
    let took: Vec<Duration> = stream::iter(first..first + messages)
        .map(one)
        .buffer_unordered(callers)
        .try_collect()
        .await
        .expect("everything is written");
    let mut figures = Figures::default();
    // Enough to tell the slowest of a hundred.
    for took in took.iter().step_by(took.len().div_ceil(1_000)) {
        figures.add(took.as_secs_f64() * 1_000.0);
    }
    figures
}

/// The same bytes, published and acknowledged, by nobody who expects anything.
async fn publish(bed: &Bed, bytes: &bytes::Bytes, messages: u64, callers: usize) -> Option<f64> {
    let (context, config) = bed.bare().await?;
    let name = "BARE";
    if context.get_stream(name).await.is_err() {
        let replicas = if bed.name == "R3" { 3 } else { 1 };
        let wanted = async_nats::jetstream::stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("bare.{}.>", config.stream)],
            num_replicas: replicas,
            ..Default::default()
        };
        context.create_stream(wanted).await.expect("a stream is made");
    }
    let began = Instant::now();
    let one = |n: u64| {
        let (context, subject, bytes) =
            (context.clone(), format!("bare.{}.{n}", config.stream), bytes.clone());
        async move { context.publish(subject, bytes).await?.await }
    };
    stream::iter(0..messages)
        .map(one)
        .buffer_unordered(callers)
        .try_collect::<Vec<_>>()
        .await
        .expect("is kept");
    Some(per_second(messages, began))
}

/// How often a second the disk of the logs takes 4 KiB and says that it has them.
fn probe(folder: &Path) -> f64 {
    let path = folder.join("probe");
    let mut file = fs::File::create(&path).expect("a file");
    let (began, times) = (Instant::now(), 100);
    for _ in 0..times {
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("the disk takes it");
    }
    fs::remove_file(path).expect("it was ours");
    per_second(times, began)
}

/// Appends until each log has `records`.
pub(crate) async fn append(beds: &mut [Bed], records: u64) {
    write(&beds[0], u64::MAX / 2, 1, 1).await;
    let sample = beds[0].log.read(Position::START, 1).await.expect("reads").remove(0);
    let bytes = sample.bytes().clone();
    let mut disk = Figures::default();
    let mut rates = vec![vec![Figures::default(); CALLERS.len()]; beds.len()];
    let mut bare = rates.clone();
    let mut waits = rates.clone();
    let mut slowest = rates.clone();
    for round in 0..ROUNDS {
        for (size, (callers, messages)) in CALLERS.into_iter().enumerate() {
            disk.add(probe(beds[0].folder.path()));
            for turn in 0..beds.len() {
                let n = (turn + round) % beds.len();
                let first = beds[n].messages;
                let began = Instant::now();
                let took = write(&beds[n], first, messages, callers).await;
                rates[n][size].add(per_second(2 * messages, began));
                waits[n][size].add(took.median());
                slowest[n][size].add(took.at(0.99));
                beds[n].messages += messages;
                if let Some(rate) = publish(&beds[n], &bytes, 2 * messages, callers).await {
                    bare[n][size].add(rate);
                }
            }
        }
    }
    println!(
        "Records of {} bytes; {ROUNDS} rounds: the median, and between which the rounds lay. The disk took {} writes of 4 KiB a \
         second, each told to be kept.",
        bytes.len(),
        disk.told()
    );
    head(
        "### Append",
        &[
            "engine",
            "callers",
            "records a second",
            "bare publisher",
            "ratio",
            "median wait, ms",
            "99 of 100, ms",
        ],
    );
    for (n, bed) in beds.iter().enumerate() {
        for (size, (callers, _)) in CALLERS.into_iter().enumerate() {
            let (rate, plain) = (&rates[n][size], &bare[n][size]);
            let is_bare = !plain.median().is_nan();
            row(&[
                bed.name.to_owned(),
                callers.to_string(),
                rate.told(),
                if is_bare { plain.told() } else { "–".to_owned() },
                if is_bare { format!("{:.2}", rate.median() / plain.median()) } else { "–".to_owned() },
                waits[n][size].told(),
                slowest[n][size].told(),
            ]);
        }
    }
    for bed in beds.iter_mut() {
        let left = (records / 2).saturating_sub(bed.messages);
        let began = Instant::now();
        if left == 0 {
            continue;
        }
        write(bed, bed.messages, left, 1024).await;
        bed.messages += left;
        let head = bed.log.head().await.expect("reads");
        println!(
            "\n{}: {} more records by 1 024 callers at {} a second; the log ends at {head}.",
            bed.name,
            2 * left,
            short(per_second(2 * left, began))
        );
    }
}

/// Everything that the log holds, by a handle that knows nothing of it.
async fn replay(log: &dyn EventLog) -> f64 {
    let head = log.head().await.expect("reads");
    let (mut tail, began) = (log.tail(Position::START), Instant::now());
    while tail.position() < head {
        tail.next_page(PAGE).await.expect("reads");
    }
    per_second(head.0, began)
}

/// The same stream by an ordered consumer that only counts.
async fn consume(bed: &Bed) -> Option<f64> {
    let (context, config) = bed.bare().await?;
    let stream = context.get_stream(&config.stream).await.expect("it is there");
    let last = stream.cached_info().state.last_sequence;
    let ordered = async_nats::jetstream::consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(ordered).await.expect("a consumer");
    let began = Instant::now();
    let mut messages = consumer.messages().await.expect("messages");
    let mut read = 0;
    while read < last {
        let message = messages.next().await.expect("one more").expect("reads");
        read = message.info().expect("ours").stream_sequence;
    }
    Some(per_second(last, began))
}

/// Loads streams, and reads everything.
pub(crate) async fn read(beds: &[Bed]) {
    head(
        "### Read",
        &[
            "engine",
            "load of a stream, first time, ms",
            "again, ms",
            "replay, records a second",
            "bare ordered consumer",
            "ratio",
        ],
    );
    for bed in beds {
        let (mut cold, mut warm, mut all, mut plain) =
            (Figures::default(), Figures::default(), Figures::default(), Figures::default());
        let log = bed.again().await;
        for times in [&mut cold, &mut warm] {
            for n in 0..LOADS {
                let stream = StreamId::from(message(bed, n * (bed.messages / LOADS)));
                let began = Instant::now();
                let loaded = log.load(&stream).await.expect("loads");
                times.add(began.elapsed().as_secs_f64() * 1_000.0);
                assert_eq!(loaded.records().len(), 2);
            }
        }
        for _ in 0..3 {
            all.add(replay(bed.again().await.as_ref()).await);
            if let Some(rate) = consume(bed).await {
                plain.add(rate);
            }
        }
        let is_bare = !plain.median().is_nan();
        let tail = |figures: &Figures| {
            format!("{} ({} of 100: {})", short(figures.median()), 99, short(figures.at(0.99)))
        };
        row(&[
            bed.name.to_owned(),
            tail(&cold),
            tail(&warm),
            all.told(),
            if is_bare { plain.told() } else { "–".to_owned() },
            if is_bare { format!("{:.2}", all.median() / plain.median()) } else { "–".to_owned() },
        ]);
    }
}

/// Builds the views anew.
pub(crate) async fn build(beds: &[Bed]) {
    head("### Views made anew", &["engine", "records a second", "seconds in all"]);
    for bed in beds {
        let folder = tempfile::tempdir().expect("a folder");
        let (log, began) = (bed.again().await, Instant::now());
        let built =
            zholdary_readmodel::rebuild(folder.path(), log, ProjectorConfig::default(), |_, _| {}).await;
        let built = built.expect("builds");
        assert_eq!(built.parked, 0);
        let rate = per_second(built.position.0, began);
        row(&[bed.name.to_owned(), short(rate), format!("{:.1}", began.elapsed().as_secs_f64())]);
    }
}

/// The city that ships with the product, in force.
async fn publish_city(log: &Arc<dyn EventLog>) {
    let files = Files::from_entries(shipped_city()).expect("a city's files");
    let rules: Decider<Rules> = Decider::new(Arc::clone(log), Arc::new(SystemClock));
    let city = City::parse(&files).expect("a whole city");
    zholdary_routing::publish(&rules, &city, &files, "performance").await.expect("is published");
}

/// Workers that read along take over, and workers that begin with nothing.
pub(crate) async fn take_over(beds: &[Bed]) {
    head(
        "### Takeover, seconds from the turn to the message placed",
        &["engine", "a first start reads the log in", "who read along", "who starts then"],
    );
    for bed in beds {
        let log = bed.again().await;
        publish_city(&log).await;
        let parts = Parts {
            log: bed.again().await,
            checkpoints: bed.checkpoints().await,
            clock: Arc::new(SystemClock),
            rulesets: Rulesets::default(),
            turn: Turn::waiting(),
            config: zholdary_routing::Config::default(),
            metrics: zholdary_routing::Metrics::new(&Registry::new()).expect("a fresh registry"),
        };
        let head = log.head().await.expect("reads");
        let began = Instant::now();
        let stop = CancellationToken::new();
        let along = Workers::start(&parts, &stop);
        for worker in [&along.register, &along.route] {
            worker.reach(head).await;
        }
        let first = began.elapsed();
        let warm = placed(bed, &log, bed.messages, || parts.turn.begin()).await;
        stop.cancel();
        along.join().await.expect("the workers end well");
        let fresh = Parts {
            log: bed.again().await,
            turn: Turn::ours(),
            metrics: zholdary_routing::Metrics::new(&Registry::new()).expect("a fresh registry"),
            ..parts
        };
        let (stop, mut started) = (CancellationToken::new(), None);
        let cold =
            placed(bed, &log, bed.messages + 1, || started = Some(Workers::start(&fresh, &stop))).await;
        stop.cancel();
        started.expect("it was started").join().await.expect("the workers end well");
        row(&[bed.name.to_owned(), secs(first), secs(warm), secs(cold)]);
    }
}

/// How long a message waits for its place that was received before `begin`.
async fn placed(bed: &Bed, log: &Arc<dyn EventLog>, n: u64, begin: impl FnOnce()) -> Duration {
    let decider: Decider<Messages> = Decider::new(Arc::clone(log), Arc::new(SystemClock));
    let id = message(bed, n);
    let (stream, events) = (StreamId::from(id), [message::Event::Received(Box::new(received(n)))]);
    let command = command_id::received(id);
    let written = decider.handle_expecting(&stream, command, Cause::OUTSIDE, Expect::NoStream, &events).await;
    let written = written.expect("is written");
    let mut tail = log.tail(written.position);
    let began = Instant::now();
    begin();
    loop {
        let record = tail.next().await.expect("reads");
        if record.stream == stream {
            let loaded = decider.load(&stream).await.expect("loads");
            assert!(matches!(loaded.state.outcome, Some(Outcome::Placed { .. })));
            return began.elapsed();
        }
    }
}

fn secs(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

/// What the servers need.
pub(crate) fn servers(beds: &[Bed]) {
    head("### Disk and memory", &["engine", "on disk, MB", "memory of a server, MB"]);
    for bed in beds {
        for (folder, pid) in bed.stores() {
            let memory = pid.map_or_else(|| "–".to_owned(), |pid| short(resident(pid)));
            #[expect(clippy::cast_precision_loss, reason = "a size on disk")]
            let disk = size(&folder) as f64 / 1e6;
            row(&[bed.name.to_owned(), short(disk), memory]);
        }
    }
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |file| file.len()) };
    entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum()
}

/// Megabytes that a process holds, where the system says so.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes * 1024.0 / 1e6)
}
