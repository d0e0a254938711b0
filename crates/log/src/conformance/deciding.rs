//! Deciding: the write path over an engine, and over one that fails.

use std::{convert::Infallible, sync::Arc};

use zholdary_domain::{Clock, Position, SystemClock, time::PlayedClock};

use super::*;
use crate::{Decider, DeciderError, faults::Faulty};

async fn faulty<F: Fixture>() -> (F, Arc<Faulty>, Decider<Sum>) {
    let (fixture, log) = fresh::<F>().await;
    let faulty = Faulty::new(log);
    let decider = Decider::new(Arc::clone(&faulty) as Arc<dyn EventLog>, Arc::new(SystemClock));
    (fixture, faulty, decider)
}

async fn add(decider: &Decider<Sum>, n: u64, key: &str) -> Result<crate::Handled, DeciderError> {
    decider
        .handle(&stream("a"), command(key), Cause::OUTSIDE, |_, _| {
            Ok::<_, Infallible>(vec![Event::Added { n }])
        })
        .await
}

pub(crate) async fn a_lost_answer_is_asked_again<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    faulty.lose_answers(1);
    let handled = add(&decider, 5, "once").await.unwrap();
    assert_eq!((handled.position, handled.new), (Position(1), true));
    faulty.lose_answers(1);
    let expect = Expect::after(handled.token);
    let events = [Event::Added { n: 5 }];
    let cause = Cause::OUTSIDE;
    let handled =
        decider.handle_expecting(&stream("a"), command("two"), cause, expect, &events).await.unwrap();
    assert_eq!((handled.position, handled.new), (Position(2), true));
    assert_eq!(handled.token.unwrap().version, 2);
    assert_eq!(decider.load(&stream("a")).await.unwrap().state, 10);
}

pub(crate) async fn a_lost_request_is_asked_again<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    faulty.lose_requests(3);
    let handled = add(&decider, 5, "once").await.unwrap();
    assert_eq!((handled.position, handled.new), (Position(1), true));
    assert_eq!(faulty.appends(), 4);
    faulty.lose_requests(1000);
    match add(&decider, 5, "never").await {
        Err(error @ DeciderError::Append { source: AppendError::OutcomeUnknown(_), .. }) => {
            assert!(error.is_transient());
        }
        other => panic!("{other:?}"),
    }
    faulty.lose_requests(0);
    faulty.unavailable(1);
    match add(&decider, 5, "later").await {
        Err(error @ DeciderError::Append { source: AppendError::Unavailable(_), .. }) => {
            assert!(error.is_transient());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(decider.load(&stream("a")).await.unwrap().state, 5);
}

/// A request is lost, and somebody else answers the same command with other facts: they are not the caller's own.
pub(crate) async fn what_another_recorded_is_not_ones_own<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let faulty = Faulty::new(Arc::clone(&log));
    let decider = Decider::<Sum>::new(Arc::clone(&faulty) as Arc<dyn EventLog>, Arc::new(SystemClock))
        .with_retry(crate::Retry { first_wait_ms: 2000, longest_wait_ms: 2000, ..crate::Retry::default() });
    // While the decider waits after its `n`-th append, another writer uses the id.
    let other = |n, last, key| {
        let (faulty, log) = (&faulty, &log);
        async move {
            while faulty.appends() < n {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            put(log, &stream("a"), last, key).await
        }
    };
    faulty.lose_requests(1);
    let (handled, first) = tokio::join!(add(&decider, 5, "once"), other(1, None, "once"));
    let handled = handled.unwrap();
    assert_eq!((handled.position, handled.new), (first.position, false));
    faulty.lose_requests(1);
    let (a, expect, events) = (stream("a"), Expect::after(Some(first)), [Event::Added { n: 5 }]);
    let (handled, second) = tokio::join!(
        decider.handle_expecting(&a, command("two"), Cause::OUTSIDE, expect, &events),
        other(2, Some(first), "two"),
    );
    let handled = handled.unwrap();
    assert_eq!((handled.position, handled.new, handled.token), (second.position, false, Some(second)));
    assert_eq!(decider.load(&stream("a")).await.unwrap().state, 2);
}

pub(crate) async fn an_answer_that_never_shows_is_given_up<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    faulty.know_unseen(u32::MAX);
    match soon(add(&decider, 5, "a")).await {
        Err(error @ DeciderError::Contended { attempts: 16, .. }) => assert!(error.is_transient()),
        other => panic!("{other:?}"),
    }
    assert_eq!(faulty.appends(), 16);
}

pub(crate) async fn tries_have_an_end_together<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let faulty = Faulty::new(log);
    let retry =
        crate::Retry { max_attempts: u32::MAX, first_wait_ms: 20, longest_wait_ms: 20, total_ms: 100 };
    let decider = Decider::<Sum>::new(Arc::clone(&faulty) as Arc<dyn EventLog>, Arc::new(SystemClock))
        .with_retry(retry);
    faulty.lose_requests(u32::MAX);
    let unknown = soon(add(&decider, 5, "a")).await;
    assert!(
        matches!(unknown, Err(DeciderError::Append { source: AppendError::OutcomeUnknown(_), .. })),
        "{unknown:?}"
    );
    let events = [Event::Added { n: 5 }];
    let (a, expect) = (stream("a"), Expect::NoStream);
    let unknown = soon(decider.handle_expecting(&a, command("a"), Cause::OUTSIDE, expect, &events)).await;
    assert!(
        matches!(unknown, Err(DeciderError::Append { source: AppendError::OutcomeUnknown(_), .. })),
        "{unknown:?}"
    );
    faulty.lose_requests(0);
    faulty.conflict(u32::MAX);
    let contended = soon(add(&decider, 5, "a")).await;
    assert!(matches!(contended, Err(DeciderError::Contended { .. })), "{contended:?}");
    // Waits are at least half as long as said: at most 11 tries each.
    assert!(faulty.appends() <= 33, "{}", faulty.appends());
}

pub(crate) async fn conflicts_are_decided_again<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    faulty.conflict(5);
    assert!(add(&decider, 5, "a").await.unwrap().new);
    assert_eq!(faulty.appends(), 6);
}

pub(crate) async fn endless_conflicts_are_given_up<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    faulty.conflict(1000);
    match add(&decider, 5, "a").await {
        Err(error @ DeciderError::Contended { attempts: 16, .. }) => assert!(error.is_transient()),
        other => panic!("{other:?}"),
    }
    assert_eq!(faulty.head().await.unwrap(), Position::START);
}

pub(crate) async fn a_refusal_or_nothing_to_record_records_nothing<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    let refused = decider
        .handle(&stream("a"), command("a"), Cause::OUTSIDE, |_, _| Err::<Vec<Event>, _>("makes no sense"))
        .await;
    assert!(matches!(refused, Err(DeciderError::Refused("makes no sense"))), "{refused:?}");
    let nothing = decider
        .handle(&stream("a"), command("a"), Cause::OUTSIDE, |_, _| Ok::<_, Infallible>(vec![]))
        .await
        .unwrap();
    assert_eq!((nothing.position, nothing.new, nothing.token), (Position::START, false, None));
    let expected =
        decider.handle_expecting(&stream("a"), command("a"), Cause::OUTSIDE, Expect::NoStream, &[]).await;
    assert_eq!(expected.unwrap(), nothing);
    assert_eq!(faulty.appends(), 0);
    // What was recorded before is answered without deciding, even where it would be refused now.
    add(&decider, 1, "b").await.unwrap();
    let known = decider
        .handle(&stream("a"), command("b"), Cause::OUTSIDE, |_, _| Err::<Vec<Event>, _>("too late"))
        .await
        .unwrap();
    assert_eq!((known.position, known.new), (Position(1), false));
}

pub(crate) async fn a_caller_with_a_token_hears_of_the_winner<F: Fixture>(_: Here) {
    let (_fixture, faulty, decider) = faulty::<F>().await;
    let events = [Event::Added { n: 1 }];
    let at_once = |key, expect| {
        let (decider, events) = (&decider, &events);
        async move { decider.handle_expecting(&stream("a"), command(key), Cause::OUTSIDE, expect, events).await }
    };
    let first = at_once("first", Expect::NoStream).await.unwrap();
    let second = at_once("second", Expect::after(first.token)).await.unwrap();
    let late = at_once("late", Expect::after(first.token)).await.unwrap_err();
    assert_eq!(late.winner(), Some(second.position));
    assert!(!late.is_transient());
    let again = at_once("first", Expect::NoStream).await.unwrap();
    assert_eq!((again.position, again.new, again.token), (first.position, false, second.token));
    assert_eq!(faulty.appends(), 4);
}

pub(crate) async fn many_deciders_count_without_losing_one<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let clock: Arc<dyn Clock> = Arc::new(PlayedClock::at(at(50)));
    let decider = Decider::<Sum>::new(Arc::clone(&log), clock)
        .with_retry(crate::Retry { max_attempts: 1000, ..crate::Retry::default() });
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let decider = decider.clone();
            tokio::spawn(async move {
                for i in 0..5 {
                    let handled = decider
                        .handle(&stream("a"), command(format!("{task}/{i}")), Cause::OUTSIDE, |sum, now| {
                            assert_eq!(now, at(50));
                            Ok::<_, Infallible>(vec![Event::Added { n: u64::from(*sum < 1000) }])
                        })
                        .await
                        .unwrap();
                    assert!(handled.new);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let loaded = decider.load(&stream("a")).await.unwrap();
    assert_eq!((loaded.state, loaded.known.len()), (80, 80));
    sound(&log, 80).await;
}

pub(crate) async fn events_of_a_newer_release_are_not_guessed<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    let mut new = one(&stream("a"), Expect::NoStream, command("newer"));
    new.schema = Sum::SCHEMA + 1;
    append(&log, new).await.unwrap();
    let decider = Decider::<Sum>::new(log, Arc::new(SystemClock));
    match add(&decider, 1, "next").await {
        Err(error @ DeciderError::Decode { .. }) => assert!(!error.is_transient()),
        other => panic!("{other:?}"),
    }
}
