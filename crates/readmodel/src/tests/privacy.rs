//! What is personal stays where it belongs.

use rusqlite::types::ValueRef;

use super::*;
use crate::files::{self, Folder};

/// Columns that hold what is personal; in no other may it stand.
const PERSONAL: [(&str, &str); 13] = [
    ("timeline", "personal"),
    ("finding", "personal_place"),
    ("message", "name"),
    ("message", "phone"),
    ("message", "address"),
    ("message", "text"),
    ("message", "point"),
    ("message", "files"),
    ("earlier", "text"),
    ("earlier", "point"),
    ("earlier", "files"),
    ("file", "taken_at"),
    ("file", "point"),
];

async fn told_town() -> Town {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    town.appeal(
        1,
        vec![json!({
            "type": "refused", "finding": 0, "by": { "kind": "party", "code": "akimat-almaly" },
            "reason": personal(CANARY),
        })],
    )
    .await;
    town.appeal(1, vec![routed("akimat-medeu"), done("akimat-medeu")]).await;
    town.appeal(
        1,
        vec![json!({
            "type": "noted", "by": { "kind": "operator", "token": "t1" }, "text": personal(CANARY),
        })],
    )
    .await;
    town.appeal(1, vec![answered()]).await;
    town.message(1, vec![super::files::kept("a", "ffff0000ffff0000")]).await;
    town.message(
        1,
        vec![json!({
            "type": "edited", "content": received(1, "Другие слова")["content"], "sent_at": "2026-11-20T09:09:00Z",
        })],
    )
    .await;
    town
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_level_shows_nothing_personal() {
    let town = told_town().await;
    let query = town.views().await;
    for answer in everything(&query, Level::Public, &[1]).await {
        for personal in [CANARY, "76.12345", "43.76543", &contact(1), "+7700"] {
            assert!(!answer.contains(personal), "{personal} in {answer}");
        }
    }
    let party = everything(&query, Level::Party, &[1]).await.concat();
    assert!(party.contains(CANARY) && party.contains("76.12345"));
    for personal in [format!("Имя {CANARY}"), format!("+7{CANARY}"), format!("KZ.{CANARY}"), contact(1)] {
        assert!(!party.contains(&personal), "{personal}");
    }
    assert!(everything(&query, Level::Operator, &[1]).await.concat().contains(&format!("+7{CANARY}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_stand_in_personal_columns_only() {
    let town = told_town().await;
    drop(town.views().await);
    let connection = files::reader(&Folder::of(town.data()).path(&files::name(1))).unwrap();
    let mut found = std::collections::BTreeSet::new();
    for table in [
        "appeal",
        "finding",
        "task",
        "timeline",
        "alias",
        "message",
        "earlier",
        "file",
        "alike",
        "token",
        "rules",
        "counter",
        "change",
        "parked",
        "view_changed",
    ] {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (i, column) in columns.iter().enumerate() {
                if let ValueRef::Text(text) = row.get_ref(i).unwrap()
                    && [CANARY, "76.12345", "08:51:07"]
                        .iter()
                        .any(|p| String::from_utf8_lossy(text).contains(p))
                {
                    found.insert((table, column.clone()));
                }
            }
        }
    }
    let expected = PERSONAL.iter().map(|(table, column)| (*table, (*column).to_owned())).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_nowhere_in_the_file() {
    let town = told_town().await;
    drop(town.views().await);
    town.appeal(1, vec![json!({ "type": "erased", "by": { "kind": "operator", "token": "t1" } })]).await;
    // A message that comes late says nothing either.
    town.message(
        1,
        vec![json!({
            "type": "edited", "content": { "text": personal(CANARY) }, "sent_at": "2026-11-21T09:00:00Z",
        })],
    )
    .await;
    town.message(2, vec![received(2, "ещё"), placed(2, 1)]).await;
    let query = town.views().await;
    let all = everything(&query, Level::Operator, &[1]).await.concat();
    assert!(!all.contains(CANARY) && !all.contains("76.12345"));
    assert_eq!(query.parked().await.unwrap().body, []);
    let path = Folder::of(town.data()).path(&files::name(1));
    let connection = files::writer(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()), "a trace is left in the file");
}

/// The words go, the pit stays: it is a task of its party, counted open, and over when it is mended.
#[tokio::test(flavor = "multi_thread")]
async fn an_erased_text_leaves_the_problem_open() {
    let town = Town::with_city().await;
    town.story(1, "akimat-almaly").await;
    let by = json!({ "kind": "operator", "token": "t1" });
    town.appeal(1, vec![json!({ "type": "noted", "by": by, "text": personal(CANARY) })]).await;
    town.appeal(1, vec![json!({ "type": "erased", "by": by })]).await;
    let seen = async |query: &Query| {
        let appeal = query.appeal(appeal_id(1), Level::Operator).await.unwrap().body.unwrap();
        let party = appeal.findings[0].queue.code.clone();
        let queue = query.queue(&party, Level::Operator, town.clock_now(), 10).await.unwrap().body;
        (appeal.card.open, appeal.findings[0].open, queue.total)
    };
    let query = town.views().await;
    assert_eq!(seen(&query).await, (true, true, 1));
    assert!(!everything(&query, Level::Operator, &[1]).await.concat().contains(CANARY));
    let explanation = json!({
        "type": "done", "finding": 0, "by": by, "explanation": personal(CANARY),
    });
    town.appeal(1, vec![explanation]).await;
    let query = town.views().await;
    assert_eq!(seen(&query).await, (false, false, 0));
    assert!(!everything(&query, Level::Operator, &[1]).await.concat().contains(CANARY));
}

/// Files of the views in which the resident's words stand.
fn files_with_words(town: &Town) -> Vec<String> {
    let folder = std::fs::read_dir(Folder::of(town.data()).path("")).unwrap();
    let has = |path: &Path| {
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()))
    };
    folder.map(|entry| entry.unwrap().path()).filter(|p| has(p)).map(|p| p.display().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_leaves_the_files_of_a_living_projector() {
    let town = told_town().await;
    let config = ProjectorConfig { heartbeat_ms: 20, ..ProjectorConfig::default() };
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(town.projector_with(config).run(stop.clone()));
    let query = Query::open(town.data(), &QueryConfig::default()).unwrap();
    let reach = async |position| query.wait_for(position, Duration::from_secs(20)).await.unwrap();
    reach(town.log.head().await.unwrap()).await;
    assert!(!files_with_words(&town).is_empty());
    let gone = async |what: &str| {
        let begun = std::time::Instant::now();
        while !files_with_words(&town).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{what}: {:?}", files_with_words(&town));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // A reader in the middle of a question still needs what stood there.
    let reader = files::reader(&Folder::of(town.data()).path(&files::name(1))).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM message").unwrap();
    reader.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).unwrap();
    let erased = json!({ "type": "erased", "by": { "kind": "operator", "token": "t1" } });
    reach(town.appeal(1, vec![erased]).await).await;
    assert!(!files_with_words(&town).is_empty());
    reader.execute_batch("COMMIT").unwrap();
    gone("an appeal").await;
    // Words that come late are written and emptied in one batch, or in two.
    town.message(2, vec![received(2, "ещё")]).await;
    reach(town.message(2, vec![placed(2, 1)]).await).await;
    gone("a message").await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn words_about_an_erased_appeal_do_not_come_back_with_our_own_messages() {
    let echoed = || json!({ "type": "echoed", "sent_at": "2026-11-20T09:10:00Z", "content": { "text": personal(CANARY) } });
    let sent = |answers: Option<u32>, appeal: Option<u32>| {
        json!({
            "type": "sent", "channel": "whatsapp", "account": "1", "external_id": personal("1"),
            "answers": answers.map(message_id), "appeal": appeal.map(appeal_id), "sent_at": "2026-11-20T09:10:00Z",
        })
    };
    let told = || json!({ "type": "told", "message": message_id(100), "what": "receipt" });
    // The records of our message 100, and of the message 2 that it answers and that belongs to the erased appeal.
    let check = async |what: &str,
                       ours: Vec<Value>,
                       answered: Vec<Value>,
                       appeal: Vec<Value>,
                       later: Vec<Value>| {
        let town = Town::with_city().await;
        town.story(1, "akimat-almaly").await;
        town.appeal(1, vec![json!({ "type": "erased", "by": { "kind": "operator", "token": "t1" } })]).await;
        for event in ours {
            town.message(100, vec![event]).await;
        }
        for event in answered {
            town.message(2, vec![event]).await;
        }
        for event in appeal {
            town.appeal(1, vec![event]).await;
        }
        for event in later {
            town.message(100, vec![event]).await;
        }
        let query = town.views().await;
        let all = everything(&query, Level::Operator, &[1]).await.concat();
        assert!(!all.contains(CANARY), "{what}");
        assert_eq!(query.parked().await.unwrap().body, [], "{what}");
        let path = Folder::of(town.data()).path(&files::name(1));
        let left = files::reader(&path).unwrap().query_row(
            "SELECT count(*) FROM message WHERE coalesce(name, phone, address, text, point, files) IS NOT NULL",
            [],
            |row| row.get::<_, i64>(0),
        );
        assert_eq!(left.unwrap(), 0, "{what}");
    };
    let two = || vec![received(2, "ещё"), placed(2, 1)];
    check("sent, echoed", vec![sent(None, Some(1)), echoed()], vec![], vec![], vec![]).await;
    check("echoed, sent", vec![echoed(), sent(None, Some(1))], vec![], vec![], vec![]).await;
    check("echoed, then sent as an answer", vec![echoed()], two(), vec![], vec![sent(Some(2), None)]).await;
    check("sent as an answer, then placed", vec![sent(Some(2), None), echoed()], two(), vec![], vec![]).await;
    check("echoed, told", vec![echoed()], vec![], vec![told()], vec![]).await;
    check("told, echoed", vec![sent(None, None)], vec![], vec![told()], vec![echoed()]).await;
}
