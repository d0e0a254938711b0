//! How far workers came.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use zholdary_domain::Position;

use super::{Fixture, Here, at, fresh, put_many, stream};
use crate::{Checkpoint, EventLog, Prev, Recorded};

/// Of a worker that has read up to `last` and finished everything up to `finished`.
fn checkpoint(finished: u64, last: &Recorded) -> Checkpoint {
    Checkpoint { finished: Position(finished), but: BTreeSet::new(), read: last.into(), looked_until: None }
}

async fn last(log: &dyn EventLog, position: u64) -> Recorded {
    log.read(Position(position - 1), 1).await.unwrap().remove(0)
}

pub(crate) async fn a_checkpoint_is_kept_for_whoever_comes_next<F: Fixture>(_: Here) {
    let (fixture, log) = fresh::<F>().await;
    put_many(&log, &stream("a"), 3).await;
    let kept = F::checkpoints(&fixture.address()).await;
    assert_eq!(kept.read("route").await.unwrap(), None, "nothing was kept yet");
    let early = checkpoint(1, &last(log.as_ref(), 2).await);
    let late = Checkpoint {
        but: [Position(1), Position(2)].into(),
        looked_until: Some(at(5) + TimeDelta::milliseconds(7)),
        ..checkpoint(3, &last(log.as_ref(), 3).await)
    };
    for kept_now in [early.clone(), late.clone()] {
        kept.keep("route", &kept_now).await.unwrap();
        let next = F::checkpoints(&fixture.address()).await;
        assert_eq!(next.read("route").await.unwrap(), Some(kept_now));
    }
    kept.keep("register", &early).await.unwrap();
    assert_eq!(kept.read("route").await.unwrap(), Some(late), "each worker has its own");
    assert_eq!(kept.read("register").await.unwrap(), Some(early));
    assert_eq!(log.info().await.unwrap().key, None, "it stands in nobody's way");
}

pub(crate) async fn a_checkpoint_of_another_log_is_none_of_this<F: Fixture>(_: Here) {
    let (_fixture, log) = fresh::<F>().await;
    put_many(&log, &stream("a"), 3).await;
    let (_other, other) = fresh::<F>().await;
    put_many(&other, &stream("b"), 5).await;
    let of = |record| checkpoint(1, &record);
    let nothing = Prev { position: Position::START, hash: last(log.as_ref(), 1).await.hash };
    for (checkpoint, is_of_it) in [
        (of(last(log.as_ref(), 3).await), true),
        (of(last(log.as_ref(), 1).await), true),
        (of(last(other.as_ref(), 3).await), false),
        // Beyond its end.
        (of(last(other.as_ref(), 5).await), false),
        (Checkpoint { read: nothing, ..of(last(log.as_ref(), 1).await) }, false),
    ] {
        assert_eq!(checkpoint.is_of(log.as_ref()).await.unwrap(), is_of_it, "{checkpoint:?}");
    }
}
