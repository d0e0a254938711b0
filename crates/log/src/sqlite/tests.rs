//! What only this engine promises, and the suite that every engine passes.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use rusqlite::Connection;
use tempfile::TempDir;
use zholdary_domain::Position;

use super::*;
use crate::{
    Checkpoints, Fault, Hash,
    conformance::{
        Fixture, Here, append, command, conformance, one,
        processes::{ACKNOWLEDGED, acknowledged, again, say},
        put_many, soon, sound, stream,
    },
};

pub(crate) struct Sqlite(TempDir);

#[async_trait]
impl Fixture for Sqlite {
    const LIMIT_BYTES: usize = 900 * 1024;
    const ONE_TIME: bool = true;

    async fn make() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn address(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    async fn open(address: &str) -> Arc<dyn EventLog> {
        Arc::new(SqliteLog::open(address, SqliteConfig::default()).unwrap())
    }

    async fn checkpoints(address: &str) -> Arc<dyn Checkpoints> {
        Arc::new(SqliteCheckpoints::open(address).unwrap())
    }

    async fn forge(&self, position: Position) {
        let forger = behind_the_back(self.0.path());
        let bytes: Vec<u8> = forger
            .query_row("SELECT bytes FROM record WHERE position = ?1", [file::sql(position.0)], |row| {
                row.get(0)
            })
            .unwrap();
        let bytes = String::from_utf8(bytes).unwrap().replace(r#""n":1"#, r#""n":9"#);
        forger
            .execute(
                "UPDATE record SET bytes = ?2, hash = ?3 WHERE position = ?1",
                rusqlite::params![
                    file::sql(position.0),
                    bytes.as_bytes(),
                    Hash::of(bytes.as_bytes()).as_bytes()
                ],
            )
            .unwrap();
    }
}

conformance!(Sqlite);

/// A connection of somebody who means ill: nothing guards the file any more.
fn behind_the_back(folder: &Path) -> Connection {
    let connection = Connection::open(SqliteLog::file_in(folder)).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER IF EXISTS record_no_update; DROP TRIGGER IF EXISTS record_no_delete;
             DROP TRIGGER IF EXISTS log_info_no_update; DROP TRIGGER IF EXISTS log_info_no_delete;",
        )
        .unwrap();
    connection
}

/// A log in a folder of its own with `n` records in each of two streams, and the folder.
async fn filled(n: u64) -> (TempDir, Arc<dyn EventLog>) {
    let folder = tempfile::tempdir().unwrap();
    let log = Sqlite::open(folder.path().to_str().unwrap()).await;
    put_many(&log, &stream("a"), n).await;
    put_many(&log, &stream("b"), n).await;
    (folder, log)
}

/// Ten sound records, then `forgery`; `verify` names `position` and says `fault`.
async fn check_forged(forgery: &str, position: u64, fault: Fault) {
    let (folder, log) = filled(5).await;
    sound(&log, 10).await;
    behind_the_back(folder.path()).execute_batch(forgery).unwrap();
    match log.verify(&|_, _| {}).await {
        Err(Damage::Record { position: p, fault: f }) => {
            assert_eq!((p, f), (Position(position), fault), "{forgery}");
        }
        other => panic!("{forgery}: {other:?}"),
    }
}

#[tokio::test]
async fn verify_names_the_first_bad_position() {
    for (forgery, position, fault) in [
        // One byte of a record.
        ("UPDATE record SET bytes = CAST(bytes || ' ' AS BLOB) WHERE position = 4", 4, Fault::Bytes),
        ("UPDATE record SET hash = zeroblob(32) WHERE position = 4", 4, Fault::Bytes),
        ("UPDATE record SET chain = zeroblob(32) WHERE position = 4", 4, Fault::Chain),
        // What stands beside the bytes.
        ("UPDATE record SET stream = 'appeal.z' WHERE position = 4", 4, Fault::Columns),
        ("UPDATE record SET version = 99 WHERE position = 4", 4, Fault::Columns),
        ("UPDATE record SET recorded_at = recorded_at + 1 WHERE position = 4", 4, Fault::Columns),
        ("UPDATE record SET command_id = zeroblob(16) WHERE position = 4", 4, Fault::Columns),
        ("UPDATE record SET chain = zeroblob(3) WHERE position = 4", 4, Fault::Chain),
        // A record taken out, and one taken out with the rest moved up.
        ("DELETE FROM record WHERE position = 4", 4, Fault::Missing),
        (
            "DELETE FROM record WHERE position = 4;
             UPDATE record SET position = position - 1 WHERE position > 4",
            4,
            Fault::Stream("appeal.a".parse().unwrap()),
        ),
        // Two records in each other's place: first of streams of their own, then of one stream.
        (
            "UPDATE record SET position = 99 WHERE position = 5;
             UPDATE record SET position = 5 WHERE position = 6;
             UPDATE record SET position = 6 WHERE position = 99",
            5,
            Fault::Chain,
        ),
        (
            "UPDATE record SET position = 99 WHERE position = 4;
             UPDATE record SET position = 4 WHERE position = 5;
             UPDATE record SET position = 5 WHERE position = 99",
            4,
            Fault::Stream("appeal.a".parse().unwrap()),
        ),
        // The tail.
        ("DELETE FROM record WHERE position > 7", 8, Fault::CutOff { head: Position(10) }),
        ("DELETE FROM record", 1, Fault::CutOff { head: Position(10) }),
        // The mark of the end alone.
        ("UPDATE log_info SET v = zeroblob(40) WHERE k = 'head'", 1, Fault::Chain),
        ("DELETE FROM log_info WHERE k = 'head'", 1, Fault::Chain),
        // A record that was never written.
        (
            "INSERT INTO record SELECT 11, stream, version, zeroblob(16), recorded_at, hash, chain, bytes
               FROM (SELECT stream, 6 AS version, recorded_at, hash, chain, bytes FROM record WHERE position = 10)",
            11,
            Fault::Columns,
        ),
    ] {
        check_forged(forgery, position, fault).await;
    }
}

#[tokio::test]
async fn verify_says_when_the_guards_of_the_file_are_gone() {
    // One guard each, so that each is seen to be missed by itself.
    for forgery in [
        "DROP INDEX record_command",
        "DROP INDEX record_version",
        "DROP TRIGGER record_no_update",
        "DROP TRIGGER record_no_delete",
        "DROP TRIGGER log_info_no_update",
        "DROP TRIGGER log_info_no_delete",
        "DROP TRIGGER record_no_update;
         CREATE TRIGGER record_no_update BEFORE UPDATE ON record BEGIN SELECT 1; END",
    ] {
        let (folder, log) = filled(2).await;
        sound(&log, 4).await;
        let forger = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
        forger.busy_timeout(Duration::from_secs(10)).unwrap();
        forger.execute_batch(forgery).unwrap();
        assert!(matches!(log.verify(&|_, _| {}).await, Err(Damage::File(_))), "{forgery}");
    }
}

/// What `verify` cannot see, said by a test so that nobody believes otherwise: who cuts the tail off and moves the mark of
/// the end leaves a sound, shorter log. Only a head written down elsewhere tells.
#[tokio::test]
async fn a_cut_with_the_mark_moved_is_seen_only_from_outside() {
    let (folder, log) = filled(5).await;
    let before = log.verify(&|_, _| {}).await.unwrap();
    let forger = behind_the_back(folder.path());
    forger.execute_batch("DELETE FROM record WHERE position > 7").unwrap();
    let log_id = log.info().await.unwrap().log_id;
    let end = file::last(&forger, log_id).unwrap();
    forger.execute("UPDATE log_info SET v = ?1 WHERE k = 'head'", [end.mark()]).unwrap();
    let guards = file::SCHEMA
        .split_inclusive("END;")
        .filter(|made| made.contains("TRIGGER"))
        .map(|made| &made[made.find("CREATE TRIGGER").unwrap()..]);
    for guard in guards {
        forger.execute_batch(guard).unwrap();
    }
    let after = log.verify(&|_, _| {}).await.unwrap();
    assert_eq!((before.head, after.head), (Position(10), Position(7)));
    assert_ne!(before.chain, after.chain);
}

#[tokio::test]
async fn nothing_is_appended_to_a_log_whose_tail_is_gone() {
    let (folder, log) = filled(5).await;
    behind_the_back(folder.path()).execute_batch("DELETE FROM record WHERE position > 7").unwrap();
    let refused = append(&log, one(&stream("c"), crate::Expect::NoStream, command("c"))).await;
    assert!(matches!(refused, Err(AppendError::Corrupt { position: Position(8) })), "{refused:?}");
    assert!(matches!(
        log.read(Position(10), 1).await,
        Err(ReadError::Ahead { after: Position(10), head: Position(7) })
    ));
}

/// Waiting brings no mark back, so nobody is told to try again later.
#[tokio::test]
async fn nothing_is_appended_to_a_log_without_its_mark() {
    let (folder, log) = filled(2).await;
    behind_the_back(folder.path()).execute_batch("DELETE FROM log_info WHERE k = 'head'").unwrap();
    let refused = append(&log, one(&stream("c"), crate::Expect::NoStream, command("c"))).await;
    assert!(matches!(refused, Err(AppendError::Corrupt { position: Position(1) })), "{refused:?}");
}

#[tokio::test]
async fn a_hole_stops_every_reader() {
    let (folder, log) = filled(5).await;
    behind_the_back(folder.path()).execute_batch("DELETE FROM record WHERE position = 4").unwrap();
    let gap = |result: Result<_, ReadError>| {
        matches!(result, Err(ReadError::Gap { expected: Position(4), found: Position(5) }))
    };
    assert!(gap(log.read(Position::START, 10).await.map(drop)));
    assert!(gap(log.read(Position(3), 10).await.map(drop)));
    assert!(gap(log.tail(Position::START).next().await.map(drop)));
    assert!(gap(log.tail(Position(3)).next().await.map(drop)));
    // Before the hole one may read, and a stream with a record missing does not load.
    assert_eq!(log.read(Position::START, 3).await.unwrap().len(), 3);
    assert!(matches!(log.load(&stream("a")).await, Err(ReadError::Corrupt { position: Position(5) })));
}

#[tokio::test]
async fn a_changed_byte_stops_every_reader() {
    let (folder, log) = filled(2).await;
    let forgery =
        "UPDATE record SET bytes = CAST(replace(bytes, '\"n\":1', '\"n\":2') AS BLOB) WHERE position = 3";
    behind_the_back(folder.path()).execute_batch(forgery).unwrap();
    let damaged =
        |error: Option<ReadError>| matches!(error, Some(ReadError::Corrupt { position: Position(3) }));
    assert!(damaged(log.read(Position::START, 10).await.err()));
    assert!(damaged(log.load(&stream("b")).await.err()));
    assert!(damaged(log.tail(Position(2)).next().await.err()));
}

#[tokio::test]
async fn the_file_is_append_only() {
    let (folder, _log) = filled(2).await;
    let connection = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
    for forbidden in [
        "DELETE FROM record WHERE position = 4",
        "UPDATE record SET version = 9",
        "DELETE FROM log_info",
        "UPDATE log_info SET v = x'00' WHERE k = 'log_id'",
    ] {
        assert!(connection.execute_batch(forbidden).is_err(), "{forbidden}");
    }
}

#[tokio::test]
async fn what_is_not_our_log_is_refused() {
    let refused = |prepare: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        prepare(&SqliteLog::file_in(folder.path()));
        SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap_err()
    };
    let text = refused(&|file| std::fs::write(file, "a letter, not a database. ".repeat(100)).unwrap());
    assert!(matches!(text, OpenError::NotALog { .. }), "{text:?}");
    let other = refused(&|file| Connection::open(file).unwrap().execute_batch("CREATE TABLE a(b)").unwrap());
    assert!(matches!(other, OpenError::NotALog { .. }), "{other:?}");
    let newer = refused(&|file| {
        drop(SqliteLog::open(file.parent().unwrap(), SqliteConfig::default()).unwrap());
        Connection::open(file).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    });
    assert!(matches!(newer, OpenError::NewerFormat { found: 2, known: 1, .. }), "{newer:?}");
    assert!(newer.to_string().contains("use the newer release"), "{newer}");
    let nowhere = SqliteLog::open("/dev/null/log", SqliteConfig::default()).unwrap_err();
    assert!(matches!(nowhere, OpenError::Folder { .. }), "{nowhere:?}");
}

#[test]
fn settings_are_read_strictly() {
    let read = |text: &str| serde_json::from_str::<SqliteConfig>(text);
    assert_eq!(read("{}").unwrap(), SqliteConfig::default());
    assert_eq!(read(r#"{"queue": 5}"#).unwrap().queue, 5);
    assert!(read(r#"{"que": 5}"#).is_err());
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig { readers: 0, ..SqliteConfig::default() };
    let refused = SqliteLog::open(folder.path(), config).unwrap_err();
    assert!(matches!(refused, OpenError::BadSetting { name: "readers", .. }), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("deep/data");
    drop(SqliteLog::open(&folder, SqliteConfig::default()).unwrap());
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_never_lets_go_makes_the_log_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig { busy_ms: 200, ..SqliteConfig::default() };
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(folder.path(), config).unwrap());
    let other = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let new = one(&stream("a"), crate::Expect::NoStream, command("a"));
    match append(&log, new.clone()).await {
        Err(error @ AppendError::Unavailable(_)) => assert!(error.is_transient()),
        other => panic!("{other:?}"),
    }
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(append(&log, new).await.unwrap().position(), Position(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_long_enough_is_served() {
    let (folder, log) = filled(1).await;
    let other = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = {
        let log = Arc::clone(&log);
        let new = one(&stream("c"), crate::Expect::NoStream, command("c"));
        tokio::spawn(async move { append(&log, new).await })
    };
    // Reading goes on meanwhile.
    assert_eq!(log.read(Position::START, 10).await.unwrap().len(), 2);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().position(), Position(3));
}

#[tokio::test]
async fn what_follows_at_once_is_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::unregistered();
    // A group is full before anybody gives up waiting for company.
    let config = SqliteConfig { company_us: 10_000_000, group_records: 8, ..SqliteConfig::default() };
    let log = SqliteLog::open_with(folder.path(), config, metrics.clone()).unwrap();
    let log: Arc<dyn EventLog> = Arc::new(log);
    let asked = (0..16).map(|i| {
        let new = one(&stream(&format!("s{i}")), crate::Expect::NoStream, command(i));
        append(&log, new)
    });
    for answer in soon(futures::future::join_all(asked)).await {
        assert!(matches!(answer, Ok(Appended::New(_))), "{answer:?}");
    }
    assert_eq!(metrics.group_size.get_sample_count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::unregistered();
    let log = SqliteLog::open_with(folder.path(), SqliteConfig::default(), metrics.clone()).unwrap();
    let log: Arc<dyn EventLog> = Arc::new(log);
    // Held back until all have asked.
    let other = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked: Vec<_> = (0..200)
        .map(|i| {
            let log = Arc::clone(&log);
            let new = one(&stream(&format!("s{}", i % 150)), crate::Expect::NoStream, command(i));
            tokio::spawn(async move { append(&log, new).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.execute_batch("COMMIT").unwrap();
    let mut new = 0;
    for asked in asked {
        match soon(asked).await.unwrap() {
            Ok(Appended::New(_)) => new += 1,
            // One of a group is refused, the others are not.
            Err(AppendError::Conflict { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(new, 150);
    assert_eq!(metrics.append_seconds.get_sample_count(), 200);
    assert!(metrics.group_size.get_sample_count() < 20, "{} groups", metrics.group_size.get_sample_count());
    assert_eq!(metrics.conflicts.with_label_values(&["real"]).get(), 50);
    assert_eq!(metrics.head.get(), 150);
    sound(&log, 150).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_short() {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig { wal_limit_bytes: 256 * 1024, ..SqliteConfig::default() };
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(folder.path(), config).unwrap());
    let wal = file::wal_of(&SqliteLog::file_in(folder.path()));
    let mut longest = 0;
    for i in 0..40 {
        let mut new = one(&stream(&format!("s{i}")), crate::Expect::NoStream, command(i));
        let text = "x".repeat(500_000);
        new.events = crate::encode_events(&[crate::conformance::Event::Padded { text }]).unwrap();
        append(&log, new).await.unwrap();
        longest = longest.max(std::fs::metadata(&wal).unwrap().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // 20 MB went through it.
    assert!(longest < 12 * 1024 * 1024, "{longest} bytes");
    drop(log);
    assert_eq!(std::fs::metadata(&wal).map_or(0, |wal| wal.len()), 0);
    sound(&Sqlite::open(folder.path().to_str().unwrap()).await, 40).await;
}

#[tokio::test]
async fn the_file_says_what_it_is() {
    let (folder, log) = filled(1).await;
    drop(log);
    let connection = Connection::open(SqliteLog::file_in(folder.path())).unwrap();
    let pragma = |name: &str| -> i64 {
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
    };
    // Written once and for all: another value makes every existing log unreadable.
    assert_eq!((pragma("application_id"), pragma("user_version")), (0x5a48_4c47, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_others_append_is_a_whole_log() {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = Arc::new(SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap());
    let writer = {
        let log: Arc<dyn EventLog> = log.clone();
        tokio::spawn(async move { put_many(&log, &stream("a"), 100).await })
    };
    let mut tail = log.tail(Position::START);
    while tail.position() < Position(20) {
        soon(tail.next()).await.unwrap();
    }
    let copied = SqliteLog::file_in(copies.path());
    log.copy_to(&copied).await.unwrap();
    assert!(log.copy_to(&copied).await.is_err(), "wrote over an earlier copy");
    let tokens = writer.await.unwrap();
    let copy = Sqlite::open(copies.path().to_str().unwrap()).await;
    let head = copy.head().await.unwrap();
    assert!(Position(20) <= head && head <= Position(100), "{head}");
    sound(&copy, head.0).await;
    assert_eq!(copy.info().await.unwrap(), log.info().await.unwrap());
    assert_eq!(copy.load(&stream("a")).await.unwrap().token(), Some(tokens[head.0 as usize - 1]));
    put_many(&copy, &stream("b"), 1).await;
    sound(&copy, head.0 + 1).await;
}

/// A log that the first release of this format wrote.
const SAMPLE: &[u8] = include_bytes!("../../samples/format-1.db");

#[tokio::test]
async fn a_log_of_the_first_format_is_read_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(SqliteLog::file_in(folder.path()), SAMPLE).unwrap();
    let log = Sqlite::open(folder.path().to_str().unwrap()).await;
    sound(&log, 4).await;
    assert_eq!(log.info().await.unwrap().key.as_deref(), Some("0011223344556677"));
    let chain = log.verify(&|_, _| {}).await.unwrap().chain.unwrap();
    assert_eq!(chain.to_string(), "2dd2dc2033d7195b67b715b020576ae39cc7a3c5f9259d18ec7591bb84a120ef");
    let last = log.load(&stream("b")).await.unwrap().token().unwrap();
    assert_eq!(last.version, 2);
    put_many(&log, &stream("c"), 1).await;
    sound(&log, 5).await;
}

const FULL_DISK: &str = "ZHOLDARY_LOG_TEST_FULL_DISK";

/// A disk that fails while committing, without any trick inside: the operating system refuses to let files grow.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_while_committing_is_not_believed_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteLog::open(folder.path(), SqliteConfig::default()).unwrap());
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\""];
    let env = [(FULL_DISK, folder.path().to_str().unwrap())];
    let (mut child, mut lines) = again(Here(module_path!()), "full_disk_child", &limited, &env);
    let mut last = Position::START;
    while let Some(position) = soon(acknowledged(&mut lines)).await {
        assert_eq!(position, last.next());
        last = position;
    }
    assert!(soon(child.wait()).await.unwrap().success());
    assert!(last > Position::START);
    // Opened anew it holds everything acknowledged, perhaps the unknown one, and goes on.
    let log = Sqlite::open(folder.path().to_str().unwrap()).await;
    let head = log.head().await.unwrap();
    assert!(head == last || head == last.next(), "{head} after {last}");
    sound(&log, head.0).await;
    let again = append(&log, padded(last.0)).await.unwrap();
    assert_eq!(again.position(), last.next());
}

fn padded(i: u64) -> NewRecord {
    let mut new = one(&stream(&format!("s{i}")), crate::Expect::NoStream, command(i));
    let text = "x".repeat(20_000);
    new.events = crate::encode_events(&[crate::conformance::Event::Padded { text }]).unwrap();
    new
}

/// Not a test of its own: the other process of the test above.
#[tokio::test(flavor = "multi_thread")]
async fn full_disk_child() {
    let Ok(folder) = std::env::var(FULL_DISK) else { return };
    let log = Sqlite::open(&folder).await;
    let mut i = 0;
    let unknown = loop {
        match append(&log, padded(i)).await {
            Ok(Appended::New(token)) => say(&format!("{ACKNOWLEDGED}{}", token.position)),
            other => break other,
        }
        i += 1;
    };
    assert!(matches!(unknown, Err(AppendError::OutcomeUnknown(id)) if id == command(i)), "{unknown:?}");
    for later in [i, i + 1] {
        let later = append(&log, padded(later)).await;
        assert!(matches!(later, Err(AppendError::Failed)), "{later:?}");
    }
    // What was recorded can still be read.
    assert_eq!(log.read(Position::START, 1).await.unwrap().len(), 1);
    // Who waits for more is told that nothing will come.
    let mut tail = log.tail(Position(i));
    assert!(matches!(soon(tail.next()).await, Err(ReadError::Closed)));
}
