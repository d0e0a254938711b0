//! Reading: in order, without holes, and live without a seam.

use std::{sync::Arc, time::Duration};

use zholdary_domain::Position;

use super::*;
use crate::{Damage, Fault, ReadError, Tail};

fn positions(page: &[crate::Recorded]) -> Vec<u64> {
    page.iter().map(|record| record.position.0).collect()
}

pub(crate) async fn pages_are_in_order_and_bounded<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    assert!(log.read(Position::START, 10).await.unwrap().is_empty());
    put_many(&log, &stream("a"), 5).await;
    put_many(&log, &stream("b"), 5).await;
    for (after, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (3, 100, vec![4, 5, 6, 7, 8, 9, 10]),
        (9, 1, vec![10]),
        (10, 5, vec![]),
        (0, 0, vec![]),
    ] {
        let page = log.read(Position(after), limit).await.unwrap();
        assert_eq!(positions(&page), expected, "{limit} after {after}");
    }
}

pub(crate) async fn a_reader_beyond_the_end_is_told<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    put_many(&log, &stream("a"), 2).await;
    match log.read(Position(5), 10).await {
        Err(ReadError::Ahead { after, head }) => assert_eq!((after, head), (Position(5), Position(2))),
        other => panic!("{other:?}"),
    }
    assert!(matches!(soon(log.tail(Position(5)).next()).await, Err(ReadError::Ahead { .. })));
}

pub(crate) async fn pages_are_dense_while_others_append<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { put_many(&log, &stream(&format!("w{writer}")), 40).await })
        })
        .collect();
    let mut after = Position::START;
    while after < Position(320) {
        for record in soon(log.read(after, 7)).await.unwrap() {
            assert_eq!(record.position, after.next());
            after = record.position;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    sound(&log, 320).await;
}

async fn follow(mut tail: Tail, to: Position) -> Vec<u64> {
    let mut seen = Vec::new();
    while tail.position() < to {
        // Both ways of asking, mixed.
        if seen.len() % 3 == 0 {
            seen.extend(positions(&soon(tail.next_page(5)).await.unwrap()));
        } else {
            seen.push(soon(tail.next()).await.unwrap().position.0);
        }
    }
    seen
}

pub(crate) async fn a_tail_has_no_seam<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    put_many(&log, &stream("before"), 30).await;
    let mut tails = Vec::new();
    for after in [0, 1, 15, 29, 30] {
        tails.push((after, tokio::spawn(follow(log.tail(Position(after)), Position(230)))));
    }
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { put_many(&log, &stream(&format!("w{writer}")), 50).await })
        })
        .collect();
    // And some that begin in the middle of it.
    for after in [30, 40] {
        soon(async {
            while log.head().await.unwrap() < Position(after + 20) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        tails.push((after, tokio::spawn(follow(log.tail(Position(after)), Position(230)))));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for (after, tail) in tails {
        let seen = tail.await.unwrap();
        assert_eq!(seen, (after + 1..=230).collect::<Vec<_>>(), "tail after {after}");
    }
}

pub(crate) async fn a_wait_given_up_loses_nothing<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let mut tail = log.tail(Position::START);
    let writer = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { put_many(&log, &stream("a"), 40).await })
    };
    let mut seen = Vec::new();
    while seen.len() < 40 {
        let wait = Duration::from_micros(100 * (seen.len() as u64 % 7));
        if let Ok(record) = tokio::time::timeout(wait, tail.next()).await {
            seen.push(record.unwrap().position.0);
        }
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
    writer.await.unwrap();
}

pub(crate) async fn a_tail_ends_with_its_log<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    put(&log, &stream("a"), None, "first").await;
    let mut tail = log.tail(Position::START);
    assert_eq!(soon(tail.next()).await.unwrap().position, Position(1));
    assert!(tail.caught_up());
    let waiting = tokio::spawn(async move { tail.next().await });
    drop(log);
    assert!(matches!(soon(waiting).await.unwrap(), Err(ReadError::Closed)));
}

pub(crate) async fn position_at_stands_before_the_first_later_record<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    assert_eq!(log.position_at(at(0)).await.unwrap(), Position::START);
    let stream = stream("a");
    let mut last = None;
    for second in [10, 20, 20, 20, 30] {
        let mut new = one(&stream, Expect::after(last), command(format!("{second}/{last:?}")));
        new.at = at(second);
        let Ok(Appended::New(token)) = append(&log, new).await else { panic!("not appended") };
        last = Some(token);
    }
    for (second, position) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 4), (29, 4), (30, 5), (4000, 5)] {
        assert_eq!(log.position_at(at(second)).await.unwrap(), Position(position), "at {second} s");
    }
}

pub(crate) async fn a_forged_record_is_found<F: Fixture>(_: Here) {
    let (fixture, log) = fresh::<F>().await;
    put_many(&log, &stream("a"), 3).await;
    put_many(&log, &stream("b"), 3).await;
    put_many(&log, &stream("a2"), 1).await;
    sound(&log, 7).await;
    fixture.forge(Position(5)).await;
    match log.verify(&|_, _| {}).await {
        // Where the engine chains the whole log, the forged record itself; else the next one of its stream.
        Err(Damage::Record { position: Position(5), fault: Fault::Chain }) => {}
        Err(Damage::Record { position: Position(6), fault: Fault::Stream(stream) }) => {
            assert_eq!(stream.to_string(), "appeal.b");
        }
        other => panic!("{other:?}"),
    }
    // Whoever read it before may still hold what stood there.
    let log = F::open(&fixture.address()).await;
    assert!(matches!(log.load(&stream("b")).await, Err(ReadError::Corrupt { position: Position(6) })));
}
