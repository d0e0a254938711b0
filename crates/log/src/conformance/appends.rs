//! Appending: one record a decision, never on a stale belief, never twice.

use std::{collections::HashSet, sync::Arc};

use zholdary_domain::Position;

use super::*;
use crate::{BindError, Causation, Prev, Recorded};

pub(crate) async fn a_record_reads_back_as_it_was_given<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let stream = stream("a");
    let first = put(&log, &stream, None, "first").await;
    let mut new = one(&stream, Expect::Exact(first), command("second"));
    new.cause =
        Cause { causation: Some(Causation::Record(first.position)), correlation: Some(command("story")) };
    let Ok(Appended::New(second)) = append(&log, new).await else { panic!("not appended") };
    let loaded = log.load(&stream).await.unwrap();
    assert_eq!(loaded.token(), Some(second));
    assert_eq!(loaded.command_ids().collect::<Vec<_>>(), [command("first"), command("second")]);
    let [one, two] = loaded.records() else { panic!("expected two records") };
    assert_eq!((one.position, one.version, one.prev), (Position(1), 1, None));
    assert_eq!(two.prev, Some(Prev { position: first.position, hash: first.hash }));
    assert_eq!((two.position, two.version, two.schema), (Position(2), 2, Sum::SCHEMA));
    assert_eq!(two.causation, Some(Causation::Record(Position(1))));
    assert_eq!(two.correlation, Some(command("story")));
    assert_eq!(two.recorded_at, at(0));
    assert_eq!(two.log_id, log.info().await.unwrap().log_id);
    assert_eq!(two.hash, crate::Hash::of(two.bytes()));
    let text = std::str::from_utf8(two.bytes()).unwrap();
    let expected = format!(
        r#"{{"log_id":"{}","stream":"appeal.a","version":2,"prev":{{"position":1,"hash":"{}"}},"command_id":"{}","recorded_at":"2026-01-01T00:00:00.000Z","causation":{{"record":1}},"correlation":"{}","schema":2,"events":[{{"type":"added","n":1}}]}}"#,
        two.log_id.simple(),
        first.hash,
        command("second"),
        command("story"),
    );
    assert_eq!(text, expected);
    assert_eq!(log.last(&stream).await.unwrap().unwrap().token(), second);
    assert!(log.last(&super::stream("nobody")).await.unwrap().is_none());
    assert!(log.load(&super::stream("nobody")).await.unwrap().records().is_empty());
    sound(&log, 2).await;
}

pub(crate) async fn of_64_writers_on_a_new_stream_one_wins<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let stream = stream("contested");
    let writers = (0..64).map(|writer| {
        let (log, new) = (Arc::clone(&log), one(&stream, Expect::NoStream, command(writer)));
        tokio::spawn(async move { append(&log, new).await })
    });
    let writers: Vec<_> = writers.collect();
    let mut won = Vec::new();
    for writer in writers {
        match writer.await.unwrap() {
            Ok(Appended::New(token)) => won.push(token),
            Err(AppendError::Conflict { winner, version }) => {
                assert_eq!((winner, version), (Position(1), 1));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    sound(&log, 1).await;
}

pub(crate) async fn a_conflict_says_who_won<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let (here, there) = (stream("here"), stream("there"));
    let mine = put_many(&log, &here, 3).await;
    let other = put(&log, &there, None, "other").await;
    let forged = Token { hash: other.hash, ..mine[2] };
    for (expect, winner, version) in [
        (Expect::NoStream, Position(1), 3),
        (Expect::Exact(mine[0]), Position(2), 3),
        (Expect::Exact(mine[1]), Position(3), 3),
        (Expect::Exact(other), Position(2), 3),
        (Expect::Exact(forged), Position::START, 3),
        (Expect::Exact(Token { version: 9, ..mine[2] }), Position::START, 3),
    ] {
        match append(&log, one(&here, expect, command("late"))).await {
            Err(AppendError::Conflict { winner: w, version: v }) => {
                assert_eq!((w, v), (winner, version), "{expect:?}");
            }
            other => panic!("{expect:?}: {other:?}"),
        }
    }
    let nowhere = append(&log, one(&stream("nowhere"), Expect::Exact(other), command("late"))).await;
    assert!(
        matches!(nowhere, Err(AppendError::Conflict { winner: Position::START, version: 0 })),
        "{nowhere:?}"
    );
    sound(&log, 4).await;
}

pub(crate) async fn a_command_is_recognised_for_ever<F: Fixture>(_: Here) {
    let (fixture, log) = fresh::<F>().await;
    let stream = stream("a");
    let tokens = put_many(&log, &stream, 3).await;
    let known = command(format!("{stream}/0"));
    let repeats = |log: Arc<dyn EventLog>| {
        let (stream, tokens) = (stream.clone(), tokens.clone());
        async move {
            for expect in [Expect::NoStream, Expect::Exact(tokens[0]), Expect::Exact(tokens[2])] {
                let mut again = one(&stream, expect, known);
                again.events = encode_events(&[Event::Added { n: 7 }, Event::Added { n: 8 }]).unwrap();
                let answer = append(&log, again).await.unwrap();
                assert_eq!(answer, Appended::AlreadyRecorded(Position(1)), "{expect:?}");
            }
        }
    };
    repeats(Arc::clone(&log)).await;
    put_many(&log, &super::stream("others"), 100).await;
    repeats(Arc::clone(&log)).await;
    drop(log);
    let log = F::open(&fixture.address()).await;
    repeats(Arc::clone(&log)).await;
    // Within its stream: elsewhere the same id is another command.
    let elsewhere = append(&log, one(&super::stream("b"), Expect::NoStream, known)).await.unwrap();
    assert_eq!(elsewhere.position(), Position(104));
    sound(&log, 104).await;
}

pub(crate) async fn a_stream_that_grows_recognises_its_last_commands<F: Fixture>(_: Here) {
    let (fixture, log) = fresh::<F>().await;
    let stream: StreamId = "number.2026".parse().unwrap();
    let mut tokens = put_many(&log, &stream, 70).await;
    // Who wrote it, and who never saw it; the second after the first has read it whole.
    for opened in [Arc::clone(&log), F::open(&fixture.address()).await] {
        for whole in [false, true] {
            for (number, expect) in [
                (69, Expect::NoStream),
                (40, Expect::Exact(tokens[3])),
                (tokens.len() - 64, Expect::after(tokens.last().copied())),
            ] {
                let known = command(format!("{stream}/{number}"));
                let answer = append(&opened, one(&stream, expect, known)).await.unwrap();
                assert_eq!(answer, Appended::AlreadyRecorded(tokens[number].position), "{number} {whole}");
            }
            let loaded = opened.load(&stream).await.unwrap();
            assert_eq!(loaded.records().iter().map(Recorded::token).collect::<Vec<_>>(), tokens);
        }
        let key = format!("{stream}/{}", tokens.len());
        tokens.push(put(&opened, &stream, tokens.last().copied(), key).await);
    }
    let late = append(&log, one(&stream, Expect::Exact(tokens[69]), command("late"))).await;
    assert!(matches!(late, Err(AppendError::Conflict { winner: Position(71), version: 72 })), "{late:?}");
    sound(&log, 72).await;
}

pub(crate) async fn one_command_asked_many_times_at_once_is_recorded_once<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let stream = stream("a");
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let (log, new) = (Arc::clone(&log), one(&stream, Expect::NoStream, command("same")));
            tokio::spawn(async move { append(&log, new).await })
        })
        .collect();
    let mut new = 0;
    for asked in asked {
        let answer = asked.await.unwrap().unwrap();
        assert_eq!(answer.position(), Position(1));
        new += u32::from(matches!(answer, Appended::New(_)));
    }
    assert_eq!(new, 1);
    sound(&log, 1).await;
}

pub(crate) async fn a_thousand_conflicts_leave_positions_dense<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let stream = stream("a");
    let first = put(&log, &stream, None, "first").await;
    let refused: Vec<_> = (0..1000)
        .map(|i| {
            let (log, new) = (Arc::clone(&log), one(&stream, Expect::NoStream, command(i)));
            tokio::spawn(async move { append(&log, new).await })
        })
        .collect();
    for refused in refused {
        assert!(matches!(refused.await.unwrap(), Err(AppendError::Conflict { .. })));
    }
    let next = put(&log, &stream, Some(first), "next").await;
    assert_eq!(next.position, Position(2));
    sound(&log, 2).await;
}

pub(crate) async fn several_events_are_one_record<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let events: Vec<_> = (1..=64).map(|n| Event::Added { n }).collect();
    let mut new = one(&stream("a"), Expect::NoStream, command("all"));
    new.events = encode_events(&events).unwrap();
    let answer = append(&log, new).await.unwrap();
    assert_eq!(answer.position(), Position(1));
    let page = log.read(Position::START, 10).await.unwrap();
    let [record] = &page[..] else { panic!("expected one record") };
    assert_eq!(record.events::<Event>().unwrap(), events);
    assert_eq!(record.version, 1);
}

pub(crate) async fn a_record_too_large_is_refused<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let padded = |bytes: usize| {
        let mut new = one(&stream("a"), Expect::NoStream, command("large"));
        new.events = encode_events(&[Event::Padded { text: "x".repeat(bytes) }]).unwrap();
        new
    };
    match append(&log, padded(F::LIMIT_BYTES)).await {
        Err(AppendError::TooLarge { bytes, limit }) => {
            assert!(bytes > limit);
            assert_eq!(limit, F::LIMIT_BYTES);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(log.head().await.unwrap(), Position::START);
    assert_eq!(append(&log, padded(F::LIMIT_BYTES - 1024)).await.unwrap().position(), Position(1));
    sound(&log, 1).await;
}

pub(crate) async fn time_never_goes_back<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let stream = stream("a");
    let mut last = None;
    for (given, recorded) in [(10, 10), (5, 10), (-400, 10), (11, 11), (11, 11), (10, 11)] {
        let mut new = one(&stream, Expect::after(last), command(format!("{given}/{last:?}")));
        new.at = at(given) + chrono::TimeDelta::microseconds(123);
        let Ok(Appended::New(token)) = append(&log, new).await else { panic!("not appended") };
        assert_eq!(token.recorded_at, at(recorded));
        last = Some(token);
    }
    sound(&log, 6).await;
}

pub(crate) async fn versions_count_each_stream_from_one<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let streams: Vec<_> = (0..7).map(|i| stream(&format!("s{i}"))).collect();
    let writers: Vec<_> = streams
        .iter()
        .cloned()
        .map(|stream| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { put_many(&log, &stream, 20).await })
        })
        .collect();
    let mut positions = HashSet::new();
    for writer in writers {
        let tokens = writer.await.unwrap();
        assert_eq!(
            tokens.iter().map(|token| token.version).collect::<Vec<_>>(),
            (1..=20).collect::<Vec<_>>()
        );
        positions.extend(tokens.iter().map(|token| token.position));
    }
    assert_eq!(positions, (1..=140).map(Position).collect());
    for stream in &streams {
        let loaded = log.load(stream).await.unwrap();
        assert_eq!(loaded.records().len(), 20);
        assert!(loaded.records().iter().all(|record: &Recorded| record.stream == *stream));
    }
    sound(&log, 140).await;
}

pub(crate) async fn another_key_is_refused<F: Fixture>(_: Here) {
    let (fixture, log) = fresh::<F>().await;
    assert_eq!(log.info().await.unwrap().key, None);
    log.bind_key("0011223344556677").await.unwrap();
    log.bind_key("0011223344556677").await.unwrap();
    let log_id = log.info().await.unwrap().log_id;
    drop(log);
    let log = F::open(&fixture.address()).await;
    assert_eq!(log.info().await.unwrap().key.as_deref(), Some("0011223344556677"));
    assert_eq!(log.info().await.unwrap().log_id, log_id);
    match log.bind_key("7766554433221100").await {
        Err(BindError::OtherKey { bound, offered }) => {
            assert_eq!((bound.as_str(), offered.as_str()), ("0011223344556677", "7766554433221100"));
        }
        other => panic!("{other:?}"),
    }
}
