//! Any order of commands, from two handles that are opened anew now and then, ends as a model in memory says.

use std::{collections::HashMap, sync::Arc};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use zholdary_domain::Position;

use super::*;
use crate::Recorded;

/// One thing that somebody does.
#[derive(Debug, Clone)]
enum Step {
    /// Appends to a stream; the expectation is the last token but so many, the clock stands at so many seconds.
    Append { handle: usize, stream: u8, command: u8, behind: usize, second: i64 },
    /// Appends many to one stream at once; each believes the same.
    Race { stream: u8, writers: u8, second: i64 },
    /// Closes a handle and opens it again.
    Reopen { handle: usize },
    /// Reads a page and loads a stream.
    Read { handle: usize, after: u64, limit: usize, stream: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..2_usize, 0..3_u8, 0..12_u8, 0..3_usize, 0..9_i64).prop_map(
            |(handle, stream, command, behind, second)| Step::Append { handle, stream, command, behind, second }
        ),
        1 => (0..3_u8, 2..6_u8, 0..9_i64).prop_map(|(stream, writers, second)| Step::Race { stream, writers, second }),
        1 => (0..2_usize).prop_map(|handle| Step::Reopen { handle }),
        3 => (0..2_usize, 0..20_u64, 0..9_usize, 0..3_u8)
            .prop_map(|(handle, after, limit, stream)| Step::Read { handle, after, limit, stream }),
    ]
}

/// What a log is, said as plainly as can be.
#[derive(Default)]
struct Model {
    records: Vec<(StreamId, CommandId)>,
    tokens: HashMap<StreamId, Vec<Token>>,
    /// The latest second of the log, or of each stream.
    last_second: HashMap<Option<StreamId>, i64>,
    one_time: bool,
}

impl Model {
    fn expected(&self, stream: &StreamId, behind: usize) -> Expect {
        let tokens = self.tokens.get(stream).map_or(&[][..], |tokens| tokens);
        Expect::after(tokens.len().checked_sub(1 + behind).map(|i| tokens[i]))
    }

    /// Takes what the log answered, if the log had to answer so.
    fn check(&mut self, new: &NewRecord, second: i64, answer: &Result<Appended, AppendError>) {
        let tokens = self.tokens.entry(new.stream.clone()).or_default();
        let known = self
            .records
            .iter()
            .position(|(stream, command)| *stream == new.stream && *command == new.command_id);
        match (known, answer) {
            (Some(known), answer) => {
                let position = Position(known as u64 + 1);
                assert!(
                    matches!(answer, Ok(Appended::AlreadyRecorded(p)) if *p == position),
                    "{answer:?} instead of {position}"
                );
            }
            (None, Ok(Appended::New(token))) => {
                assert_eq!(new.expect.token(), tokens.last().copied(), "took a stale expectation");
                self.records.push((new.stream.clone(), new.command_id));
                let clock = (!self.one_time).then(|| new.stream.clone());
                let last = self.last_second.entry(clock).or_insert(second);
                *last = second.max(*last);
                assert_eq!(token.position, Position(self.records.len() as u64));
                assert_eq!(token.version, tokens.len() as u64 + 1);
                assert_eq!(token.recorded_at, at(*last));
                tokens.push(*token);
            }
            (None, Err(AppendError::Conflict { winner, version })) => {
                assert_ne!(new.expect.token(), tokens.last().copied(), "refused a right expectation");
                assert_eq!(*version, tokens.len() as u64);
                let wanted = new.expect.token().map_or(0, |token| token.version);
                assert_eq!(*winner, tokens[usize::try_from(wanted).unwrap()].position);
            }
            (None, other) => panic!("{other:?}"),
        }
    }

    fn check_page(&self, page: &[Recorded], after: u64, limit: usize) {
        let first = usize::try_from(after).unwrap();
        let expected = self.records.iter().skip(first).take(limit).cloned();
        let found = page.iter().map(|record| (record.stream.clone(), record.command_id));
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

pub(crate) async fn any_order_of_commands_ends_as_the_model_says<F: Fixture>(_: Here) {
    let runtime = tokio::runtime::Handle::current();
    // Not `proptest!`: its cases are not async. The seed is fixed; a failing list of steps is cut down and printed.
    let played = tokio::task::spawn_blocking(move || {
        let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        TestRunner::new_with_rng(config, rng).run(&vec(step(), 1..40), |steps| {
            runtime.block_on(play::<F>(steps));
            Ok(())
        })
    });
    if let Err(failure) = played.await.unwrap() {
        panic!("{failure}");
    }
}

async fn play<F: Fixture>(steps: Vec<Step>) {
    let fixture = F::make().await;
    let address = fixture.address();
    let mut handles = [F::open(&address).await, F::open(&address).await];
    let mut model = Model { one_time: F::ONE_TIME, ..Model::default() };
    let name = |number: u8| stream(&format!("s{number}"));
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Append { handle, stream, command: id, behind, second } => {
                let stream = name(stream);
                let mut new = one(&stream, model.expected(&stream, behind), command(id));
                new.at = at(second);
                let answer = append(&handles[handle], new.clone()).await;
                model.check(&new, second, &answer);
            }
            Step::Race { stream, writers, second } => {
                let stream = name(stream);
                let racers: Vec<_> = (0..writers)
                    .map(|writer| {
                        let id = command(format!("race/{number}/{writer}"));
                        let mut new = one(&stream, model.expected(&stream, 0), id);
                        new.at = at(second);
                        let log = Arc::clone(&handles[usize::from(writer) % 2]);
                        tokio::spawn(async move {
                            let answer = append(&log, new.clone()).await;
                            (new, answer)
                        })
                    })
                    .collect();
                let mut answers = Vec::new();
                for racer in racers {
                    answers.push(racer.await.unwrap());
                }
                // The winner first: so they stand in the log.
                answers.sort_by_key(|(_, answer)| answer.is_err());
                for (new, answer) in &answers {
                    model.check(new, second, answer);
                }
            }
            Step::Reopen { handle } => handles[handle] = F::open(&address).await,
            Step::Read { handle, after, limit, stream } => {
                let log = &handles[handle];
                if after <= model.records.len() as u64 {
                    model.check_page(&log.read(Position(after), limit).await.unwrap(), after, limit);
                }
                let stream = name(stream);
                let loaded = log.load(&stream).await.unwrap();
                let found: Vec<_> = loaded.records().iter().map(Recorded::token).collect();
                assert_eq!(&found, model.tokens.get(&stream).unwrap_or(&Vec::new()));
            }
        }
    }
    sound(&handles[0], model.records.len() as u64).await;
    let mut tail = handles[1].tail(Position::START);
    let mut seen = Vec::new();
    while seen.len() < model.records.len() {
        seen.extend(soon(tail.next_page(7)).await.unwrap());
    }
    model.check_page(&seen, 0, usize::MAX);
}
