//! What every engine must do, as tests: [`conformance!`] runs them all against one [`Fixture`].

pub(crate) mod appends;
pub(crate) mod checkpoints;
pub(crate) mod deciding;
pub(crate) mod model;
pub(crate) mod processes;
pub(crate) mod reads;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use zholdary_domain::{CommandId, Position, StreamId};

use crate::{
    Aggregate, AppendError, Appended, Cause, Checkpoints, EventLog, Expect, NewRecord, Token, WritePermit,
    encode_events,
};

/// One log of one engine, made for one test.
#[async_trait]
pub(crate) trait Fixture: Send + Sync + Sized + 'static {
    /// The largest record it takes, in bytes.
    const LIMIT_BYTES: usize;

    /// Whether time goes forward over the whole log; else within each stream.
    const ONE_TIME: bool;

    /// A new, empty log.
    async fn make() -> Self;

    /// Where the log is, so that another process finds it.
    fn address(&self) -> String;

    /// One more handle on the log at `address`, as another process would hold it.
    async fn open(address: &str) -> Arc<dyn EventLog>;

    /// Where the workers of the log at `address` keep how far they came, as another process would hold it.
    async fn checkpoints(address: &str) -> Arc<dyn Checkpoints>;

    /// Changes the bytes of one record behind the engine's back, and what the engine keeps beside them to find it so; the
    /// hashes in later records stay.
    async fn forge(&self, position: Position);
}

/// Generates one `#[tokio::test]` for every promise of [`crate::EventLog`].
macro_rules! conformance {
    ($fixture:ty) => {
        $crate::conformance::conformance! { $fixture, within a process }
        $crate::conformance::conformance! { $fixture:
            checkpoints::a_checkpoint_is_kept_for_whoever_comes_next
            checkpoints::a_checkpoint_of_another_log_is_none_of_this
            processes::a_second_process_writes_the_same_log
            processes::what_was_acknowledged_survives_kill_9
        }

        /// Not a test of its own: what the tests above start as a process of its own.
        #[tokio::test(flavor = "multi_thread")]
        async fn child() {
            $crate::conformance::processes::child::<$fixture>().await;
        }
    };
    // What a log keeps that ends with its process.
    ($fixture:ty, within a process) => {
        $crate::conformance::conformance! { $fixture:
            appends::a_record_reads_back_as_it_was_given
            appends::of_64_writers_on_a_new_stream_one_wins
            appends::a_conflict_says_who_won
            appends::a_command_is_recognised_for_ever
            appends::a_stream_that_grows_recognises_its_last_commands
            appends::one_command_asked_many_times_at_once_is_recorded_once
            appends::a_thousand_conflicts_leave_positions_dense
            appends::several_events_are_one_record
            appends::a_record_too_large_is_refused
            appends::time_never_goes_back
            appends::versions_count_each_stream_from_one
            appends::another_key_is_refused
            reads::pages_are_in_order_and_bounded
            reads::a_reader_beyond_the_end_is_told
            reads::pages_are_dense_while_others_append
            reads::a_tail_has_no_seam
            reads::a_wait_given_up_loses_nothing
            reads::a_tail_ends_with_its_log
            reads::position_at_stands_before_the_first_later_record
            reads::a_forged_record_is_found
            deciding::a_lost_answer_is_asked_again
            deciding::a_lost_request_is_asked_again
            deciding::what_another_recorded_is_not_ones_own
            deciding::an_answer_that_never_shows_is_given_up
            deciding::tries_have_an_end_together
            deciding::conflicts_are_decided_again
            deciding::endless_conflicts_are_given_up
            deciding::a_refusal_or_nothing_to_record_records_nothing
            deciding::a_caller_with_a_token_hears_of_the_winner
            deciding::many_deciders_count_without_losing_one
            deciding::events_of_a_newer_release_are_not_guessed
            processes::two_handles_see_each_other
            processes::a_repeated_command_hides_no_record_of_another_handle
            model::any_order_of_commands_ends_as_the_model_says
        }
    };
    ($fixture:ty: $($group:ident::$case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                $crate::conformance::$group::$case::<$fixture>($crate::conformance::Here(module_path!())).await;
            }
        )+
    };
}
pub(crate) use conformance;

/// The module in which the suite was generated.
#[derive(Clone, Copy)]
pub(crate) struct Here(pub(crate) &'static str);

/// What the tests record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A number was added.
    Added { n: u64 },
    /// Some letters, to make a record long.
    Padded { text: String },
}

/// Adds numbers up.
pub(crate) struct Sum;

impl Aggregate for Sum {
    type State = u64;
    type Event = Event;
    const SCHEMA: u16 = 2;

    fn evolve(state: &mut u64, event: &Event, _: DateTime<Utc>) {
        match event {
            Event::Added { n } => *state += n,
            Event::Padded { .. } => {}
        }
    }
}

/// A fresh log and one handle on it.
pub(crate) async fn fresh<F: Fixture>() -> (F, Arc<dyn EventLog>) {
    let fixture = F::make().await;
    let log = F::open(&fixture.address()).await;
    (fixture, log)
}

pub(crate) fn stream(key: &str) -> StreamId {
    format!("appeal.{key}").parse().unwrap()
}

pub(crate) fn command(key: impl std::fmt::Display) -> CommandId {
    CommandId::named("conformance", &key.to_string())
}

/// An instant `seconds` after some beginning.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_767_225_600 + seconds, 0).unwrap()
}

/// A record that adds 1.
pub(crate) fn one(stream: &StreamId, expect: Expect, command_id: CommandId) -> NewRecord {
    NewRecord {
        stream: stream.clone(),
        expect,
        command_id,
        cause: Cause::OUTSIDE,
        schema: Sum::SCHEMA,
        events: encode_events(&[Event::Added { n: 1 }]).unwrap(),
        at: at(0),
    }
}

pub(crate) async fn append(log: &Arc<dyn EventLog>, new: NewRecord) -> Result<Appended, AppendError> {
    log.append(WritePermit::new(), new).await
}

/// Appends a record that adds 1, which must work.
pub(crate) async fn put(
    log: &Arc<dyn EventLog>,
    stream: &StreamId,
    last: Option<Token>,
    key: impl std::fmt::Display,
) -> Token {
    match append(log, one(stream, Expect::after(last), command(key))).await {
        Ok(Appended::New(token)) => token,
        other => panic!("expected a new record, got {other:?}"),
    }
}

/// Appends `n` records that add 1, one after the other, to one stream.
pub(crate) async fn put_many(log: &Arc<dyn EventLog>, stream: &StreamId, n: u64) -> Vec<Token> {
    let mut tokens = Vec::new();
    for i in 0..n {
        tokens.push(put(log, stream, tokens.last().copied(), format!("{stream}/{i}")).await);
    }
    tokens
}

/// The whole log is sound and ends at `head`.
pub(crate) async fn sound(log: &Arc<dyn EventLog>, head: u64) {
    assert_eq!(log.head().await.unwrap(), Position(head));
    assert_eq!(log.verify(&|_, _| {}).await.unwrap().head, Position(head));
}

/// Waits for `what`, but not for ever.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(60), what).await.expect("it never happened")
}
