//! However the views came to be, they are the same.

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    Error, PARKED_SHOWN,
    apply::stored,
    files::{self, Folder},
    projector::writer::Writer,
    rebuild,
    rebuild::differences,
};

/// A past with everything in it that could go wrong in another order.
async fn busy_town() -> Town {
    let town = Town::with_city().await;
    for n in 1..=6 {
        town.story(n, if n % 2 == 0 { "akimat-almaly" } else { "akimat-medeu" }).await;
    }
    town.appeal(1, vec![done("akimat-medeu")]).await;
    town.appeal(1, vec![rated(false), json!({ "type": "reopen_requested" })]).await;
    town.appeal(2, vec![answered()]).await;
    town.strange(3).await;
    town.appeal(3, vec![answered()]).await;
    town.appeal(
        4,
        vec![json!({ "type": "joined_to_problem", "problem": appeal_id(2), "by": { "kind": "system" } })],
    )
    .await;
    town.appeal(5, vec![json!({ "type": "erased", "by": { "kind": "operator", "token": "t1" } })]).await;
    town.publish().await;
    town.appeal(
        1,
        vec![json!({
            "type": "reopened", "by": { "kind": "operator", "token": "t1" }, "reason": personal("снова"),
        })],
    )
    .await;
    town
}

async fn records(town: &Town) -> Vec<zholdary_log::Recorded> {
    town.log.read(Position::START, 1000).await.unwrap()
}

fn open(folder: &Folder, file: &str) -> Writer {
    folder.create().unwrap();
    Writer::open(folder, file, 3, Metrics::unregistered()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_anywhere_the_views_become_what_a_clean_run_makes() {
    let town = busy_town().await;
    let records = records(&town).await;
    let folder = Folder::of(town.data());
    open(&folder, &files::name(1)).apply(&records).unwrap();
    let clean = files::reader(&folder.path(&files::name(1))).unwrap();
    // Batches of every size; after each the writer is gone, with a batch half done that never comes.
    for (n, size) in (2..).zip([1, 2, 3, 5, 8, 100]) {
        let file = files::name(n);
        for batch in records.chunks(size) {
            let mut writer = open(&folder, &file);
            let mut torn = batch.to_vec();
            torn.push(records[0].clone());
            assert!(matches!(writer.apply(&torn), Err(Error::Log(_))));
            writer.apply(batch).unwrap();
        }
        let torn = files::reader(&folder.path(&file)).unwrap();
        assert_eq!(differences(&clean, &torn).unwrap(), Vec::<String>::new(), "batches of {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_view_answers_the_same() {
    let town = busy_town().await;
    let appeals = [1, 2, 3, 4, 5, 6];
    let query = town.views().await;
    let mut before = vec![];
    for level in [Level::Public, Level::Party, Level::Operator] {
        before.extend(everything(&query, level, &appeals).await);
    }
    let heard = std::sync::atomic::AtomicU64::new(0);
    let rebuilt = rebuild(town.data(), Arc::clone(&town.log), ProjectorConfig::default(), |at, _| {
        heard.store(at.0, std::sync::atomic::Ordering::SeqCst);
    })
    .await
    .unwrap();
    assert_eq!(rebuilt.differs, Some(vec![]));
    assert_eq!((rebuilt.file.as_str(), rebuilt.parked), (files::name(2).as_str(), 2));
    assert_eq!(heard.into_inner(), rebuilt.position.0);
    // The same readers, now in the new file.
    let mut after = vec![];
    for level in [Level::Public, Level::Party, Level::Operator] {
        after.extend(everything(&query, level, &appeals).await);
    }
    assert_eq!(before, after);
    let lag = query.lag("2026-11-20T12:00:00Z".parse().unwrap(), None).await.unwrap().body;
    assert_eq!(lag.file, files::name(2));
    assert!(!Folder::of(town.data()).path(&files::name(1)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_projectors_one_stops() {
    let town = busy_town().await;
    let records = records(&town).await;
    let folder = Folder::of(town.data());
    let mut first = open(&folder, &files::name(1));
    first.apply(&records[..3]).unwrap();
    let mut second = open(&folder, &files::name(1));
    assert!(matches!(first.apply(&records[3..6]), Err(Error::Fenced { .. })));
    second.apply(&records[3..6]).unwrap();
    assert!(matches!(first.apply(&records[3..6]), Err(Error::Fenced { .. })), "it never comes back");
    assert_eq!(second.position(), Position(6));

    let other = Town::with_city().await;
    let foreign = other.log.read(Position::START, 10).await.unwrap();
    let file = files::name(2);
    open(&folder, &file).apply(&records[..1]).unwrap();
    other.appeal(1, vec![registered(1)]).await;
    let next = other.log.read(Position(1), 10).await.unwrap();
    assert_eq!(foreign.len(), 1);
    assert!(matches!(open(&folder, &file).apply(&next), Err(Error::OtherLog { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let town = busy_town().await;
    let records = records(&town).await;
    let folder = Folder::of(town.data());
    let mut writer = open(&folder, &files::name(1));
    writer.apply(&records[..1]).unwrap();
    let pages: i64 = writer.connection().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let room = |writer: &Writer, pages: i64| {
        writer.connection().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    room(&writer, pages);
    // Enough for more pages than there are.
    for n in 100..140 {
        town.message(n, vec![received(n, &"Яма ".repeat(200))]).await;
    }
    let all = self::records(&town).await;
    let full = writer.apply(&all[1..]).unwrap_err();
    assert!(full.is_transient(), "{full:?}");
    assert_eq!(writer.position(), Position(1), "all or none");
    room(&writer, 1_000_000);
    writer.apply(&all[1..]).unwrap();
    assert_eq!(writer.position(), all.last().unwrap().position);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_waits_for_the_disk_stops_when_told() {
    let town = busy_town().await;
    let config = ProjectorConfig { wait_ms: 600_000, heartbeat_ms: 600_000, ..ProjectorConfig::default() };
    let projector = town.projector_with(config);
    let seat = projector.begin().await.unwrap();
    let full = seat.writer.connection().pragma_update_and_check(None, "max_page_count", 1, |_| Ok(()));
    full.unwrap();
    for n in 100..140 {
        town.message(n, vec![received(n, &"Яма ".repeat(200))]).await;
    }
    let stop = CancellationToken::new();
    let waiting = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
    };
    let following = tokio::time::timeout(Duration::from_secs(20), projector.follow(seat, &stop));
    let (followed, ()) = tokio::join!(following, waiting);
    assert!(followed.expect("it stops at once").unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_record_is_set_aside_and_only_its_appeal_waits() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    let poison = town.strange(1).await;
    let behind = town.appeal(1, vec![done("akimat-almaly")]).await;
    town.story(2, "akimat-almaly").await;
    let orphan = town.appeal(3, vec![done("akimat-almaly")]).await;
    let query = town.views().await;
    let parked = query.parked().await.unwrap().body;
    let parked: Vec<_> = parked.iter().map(|p| (p.position, p.attempts)).collect();
    assert_eq!(parked, [(poison, 3), (behind, 0), (orphan, 3)]);
    let state =
        async |n| query.appeal(appeal_id(n), Level::Public).await.unwrap().body.map(|a| a.card.state.code());
    assert_eq!((state(1).await, state(2).await, state(3).await), (Some("routed"), Some("routed"), None));
    let lag = query.lag(town.clock_now(), None).await.unwrap().body;
    assert_eq!((lag.records, lag.parked), (0, 3));
}

/// One rule set that does not read is told of; the one before it holds until the next, which is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_rule_set_loses_no_later_one() {
    let town = Town::with_city().await;
    let faulty = town.publish_pack("bm90aGluZw==".to_owned()).await;
    town.story(1, "akimat-almaly").await;
    let later = town.publish().await;
    // Taken by an earlier release, and not read by this one.
    let unread = town.publish().await;
    let query = town.views().await;
    let parked: Vec<_> = query.parked().await.unwrap().body.iter().map(|p| p.position).collect();
    assert_eq!(parked, [faulty]);
    assert_eq!(query.city().await.unwrap().unwrap().position, unread);
    let file = Folder::of(town.data()).path(&files::name(1));
    let sql = "UPDATE rules SET pack = 'bm90aGluZw==' WHERE position = ?1";
    files::writer(&file).unwrap().execute(sql, [stored(unread)]).unwrap();
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    for _ in 0..2 {
        assert_eq!(query.city().await.unwrap().unwrap().position, later);
    }
    let then = async |position| query.city_as_of(position).await.unwrap().map(|rules| rules.position);
    assert_eq!(
        (then(faulty).await, then(later).await, then(unread).await),
        (Some(Position(1)), Some(later), Some(later))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_poison_record_any_number_is_counted_and_some_are_told() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.strange(1).await;
    for _ in 0..PARKED_SHOWN {
        town.appeal(1, vec![done("akimat-almaly")]).await;
    }
    let query = town.views().await;
    assert_eq!(query.parked().await.unwrap().body.len(), PARKED_SHOWN as usize);
    let lag = query.lag(town.clock_now(), None).await.unwrap().body;
    assert_eq!(lag.parked, u64::from(PARKED_SHOWN) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_follow_a_living_projector_through_a_rebuild() {
    let town = Town::with_city().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(town.projector().run(stop.clone()));
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    let mut positions = query.subscribe();
    let wait = Duration::from_secs(20);
    town.story(1, "akimat-almaly").await;
    query.wait_for(Position(5), wait).await.unwrap();
    assert!(positions.has_changed().unwrap() && *positions.borrow_and_update() >= Position(1));
    let rebuilt =
        rebuild(town.data(), Arc::clone(&town.log), ProjectorConfig::default(), |_, _| {}).await.unwrap();
    town.story(2, "akimat-almaly").await;
    query.wait_for(Position(9), wait).await.unwrap();
    let page = query.appeals(AppealFilter::default(), Level::Public).await.unwrap();
    assert_eq!((page.body.items.len(), page.position), (2, Position(9)));
    let lag = query.lag(town.clock_now(), Some(Position(9))).await.unwrap().body;
    assert_eq!((lag.file, lag.records), (rebuilt.file, 0));
    let late = query.wait_for(Position(100), Duration::from_millis(50)).await;
    assert!(matches!(late, Err(Error::NotReached { .. })));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_builds_beside_and_switches_when_it_is_complete() {
    let town = busy_town().await;
    let folder = Folder::of(town.data());
    folder.create().unwrap();
    std::fs::write(folder.path("0-7.db"), b"another release's").unwrap();
    folder.switch("0-7.db").unwrap();
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    assert!(matches!(query.parked().await, Err(Error::NotReady)));
    let head = town.log.head().await.unwrap();
    // Half way the other release's file is still in use.
    let half = open(&folder, &files::name(8));
    drop(half);
    assert_eq!(folder.current().unwrap(), None);
    let stop = CancellationToken::new();
    let running = tokio::spawn(town.projector().run(stop.clone()));
    query.wait_for(head, Duration::from_secs(20)).await.unwrap();
    assert_eq!(folder.current().unwrap().as_deref(), Some(files::name(8).as_str()));
    assert!(query.parked().await.is_ok());
    // It goes on in its file, and the other release's is gone.
    let last = town.appeal(6, vec![answered()]).await;
    query.wait_for(last, Duration::from_secs(20)).await.unwrap();
    assert!(!folder.path("0-7.db").exists());
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// Files of views in the folder, by name.
fn view_files(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains(".db")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_and_a_projector_that_build_at_once_keep_out_of_each_others_files() {
    let town = busy_town().await;
    let folder = Folder::of(town.data());
    folder.create().unwrap();
    std::fs::write(folder.path("0-7.db"), b"another release's").unwrap();
    folder.switch("0-7.db").unwrap();
    // The projector begins while the rebuild is under way, and goes on while and after it switches.
    let stop = CancellationToken::new();
    let running = std::sync::Mutex::new(None);
    let begin = |_, _| {
        let mut running = running.lock().unwrap();
        if running.is_none() {
            let one = ProjectorConfig { batch_records: 1, ..ProjectorConfig::default() };
            *running = Some(tokio::spawn(town.projector_with(one).run(stop.clone())));
            let begun = std::time::Instant::now();
            while !view_files(&folder).iter().any(|name| name.ends_with("8.db")) {
                assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", view_files(&folder));
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    };
    let config = ProjectorConfig { batch_records: 3, ..ProjectorConfig::default() };
    rebuild(town.data(), Arc::clone(&town.log), config, begin).await.unwrap();
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    let last = town.appeal(6, vec![answered()]).await;
    query.wait_for(last, Duration::from_secs(20)).await.unwrap();
    let current = folder.current().unwrap().unwrap();
    assert!(folder.path(&current).exists());
    stop.cancel();
    running.into_inner().unwrap().unwrap().await.unwrap().unwrap();
    drop(query);
    assert!(!folder.path("0-7.db").exists());
    let mut views = view_files(&folder);
    views.retain(|name| name.ends_with(".db"));
    assert_eq!(views, [current], "nobody's file is left, and the one in use is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_go_back_while_somebody_writes_through_a_rebuild() {
    let town = Arc::new(busy_town().await);
    let stop = CancellationToken::new();
    let running = tokio::spawn(town.projector().run(stop.clone()));
    let query = Query::open(town.data(), &QueryConfig { watch_ms: 1, ..QueryConfig::default() }).unwrap();
    query.wait_for(town.log.head().await.unwrap(), Duration::from_secs(20)).await.unwrap();
    let done = CancellationToken::new();
    let writer = tokio::spawn({
        let (town, done) = (Arc::clone(&town), done.clone());
        async move {
            for n in 100.. {
                if done.is_cancelled() {
                    break;
                }
                town.message(n, vec![received(n, "Яма")]).await;
            }
        }
    });
    let reader = tokio::spawn({
        let (query, done) = (query.clone(), done.clone());
        async move {
            let (mut stood, mut told) = (Position::START, Position::START);
            while !done.is_cancelled() {
                let stands = query.checkpoint().await.unwrap().position;
                assert!(stands >= stood, "an answer at {stands} after one at {stood}");
                let tells = query.position();
                assert!(tells >= told, "told of {tells} after {told}");
                (stood, told) = (stands, tells);
            }
        }
    });
    for _ in 0..8 {
        let rebuilt =
            rebuild(town.data(), Arc::clone(&town.log), ProjectorConfig::default(), |_, _| {}).await;
        assert_eq!(rebuilt.unwrap().differs, Some(vec![]), "compared whoever writes meanwhile");
    }
    done.cancel();
    writer.await.unwrap();
    reader.await.unwrap();
    query.wait_for(town.log.head().await.unwrap(), Duration::from_secs(20)).await.unwrap();
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_rebuilds_the_second_says_so_and_harms_nothing() {
    let town = busy_town().await;
    drop(town.views().await);
    let folder = Folder::of(town.data());
    let first = folder.rebuilding().unwrap().unwrap();
    let again =
        async || rebuild(town.data(), Arc::clone(&town.log), ProjectorConfig::default(), |_, _| {}).await;
    std::fs::write(folder.path(&files::building(&files::name(2))), b"the first one's").unwrap();
    assert!(matches!(again().await, Err(Error::Rebuilding)));
    // Who begins meanwhile leaves its file alone as well.
    assert!(town.projector().catch_up(None).await.is_ok());
    assert_eq!(view_files(&folder).last().unwrap(), &files::building(&files::name(2)));
    drop(first);
    assert_eq!(again().await.unwrap().file, files::name(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_is_gone_when_the_projector_begins() {
    let town = busy_town().await;
    drop(town.views().await);
    let folder = Folder::of(town.data());
    let building = files::building(&files::name(7));
    let wal = |name: &str| format!("{name}-wal");
    let left = ["0-3.db".to_owned(), files::name(8), wal(&files::name(9)), wal(&building), building];
    for name in &left {
        std::fs::write(folder.path(name), CANARY).unwrap();
    }
    std::fs::write(folder.path("notes.txt"), b"not ours").unwrap();
    town.projector().catch_up(None).await.unwrap();
    for name in &left {
        assert!(!folder.path(name).exists(), "{name}");
    }
    assert!(folder.path("notes.txt").exists() && folder.path(&files::name(1)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_a_past_moment_hold_nothing_later() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.story(2, "akimat-almaly").await;
    let position = town.projector().catch_up(Some(Position(5))).await.unwrap();
    assert_eq!(position, Position(5));
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    let page = query.appeals(AppealFilter::default(), Level::Public).await.unwrap();
    assert_eq!((page.position, page.body.items.len()), (Position(5), 1));
    let lag = query.lag(town.clock_now(), None).await.unwrap().body;
    assert_eq!((lag.records, lag.seconds), (4, 240.0));
    assert_eq!(lag.heartbeat_age_seconds, Some(0.0));
}

/// Whoever has stopped may move the folder, or keep a copy of it, at once: a log of changes beside a file says that somebody has
/// it open.
#[tokio::test]
async fn who_stopped_reading_has_no_file_open() {
    let town = busy_town().await;
    for _ in 0..20 {
        let query = town.views().await;
        query.checkpoint().await.unwrap();
        drop(query);
        let views = std::fs::read_dir(town.data().join("views")).unwrap();
        let names: Vec<_> = views.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.iter().any(|name| name.ends_with("-wal") || name.ends_with("-shm")), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_views_do_not_look_fresh() {
    let town = Town::with_city().await;
    let metrics = Metrics::unregistered();
    metrics.observe(None);
    assert_eq!(metrics.heartbeat_age(), f64::INFINITY, "views that do not answer");
    // Somebody wrote, and died before it ever said that it lives.
    let folder = Folder::of(town.data());
    open(&folder, &files::name(1)).apply(&records(&town).await).unwrap();
    folder.switch(&files::name(1)).unwrap();
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    let lag = query.lag(town.clock_now(), None).await.unwrap().body;
    assert_eq!(lag.heartbeat_age_seconds, None);
    metrics.observe(Some(&lag));
    assert_eq!(metrics.heartbeat_age(), f64::INFINITY);
    let lag = query.lag(town.clock_now(), Some(Position(1))).await.unwrap().body;
    assert_eq!((lag.records, lag.seconds), (0, 0.0));
    // The log went on without it: nobody in the views knows when, so that long at most.
    let query = town.views().await;
    let last = town.story_of_three_minutes().await;
    let lag = query.lag(town.clock_now(), Some(last)).await.unwrap().body;
    assert_eq!((lag.records, lag.seconds, lag.heartbeat_age_seconds), (3, 180.0, Some(180.0)));
    metrics.observe(Some(&lag));
    assert_eq!(metrics.heartbeat_age(), 180.0);
}

impl Town {
    async fn story_of_three_minutes(&self) -> Position {
        self.message(1, vec![received(1, "Яма")]).await;
        self.message(1, vec![placed(1, 1)]).await;
        self.appeal(1, vec![registered(1)]).await
    }

    pub(super) fn clock_now(&self) -> DateTime<Utc> {
        zholdary_domain::Clock::now(&self.clock)
    }
}
