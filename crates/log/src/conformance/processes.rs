//! Several handles and several processes on one log. A test starts its own program again, as [`child`].

use std::{collections::BTreeSet, process::Stdio, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use zholdary_domain::{CommandId, Position, SystemClock};

use super::*;
use crate::Decider;

const ADDRESS: &str = "ZHOLDARY_LOG_TEST_ADDRESS";
const NAME: &str = "ZHOLDARY_LOG_TEST_NAME";
const RECORDS: &str = "ZHOLDARY_LOG_TEST_RECORDS";

/// What a child prints before the position of every record that was acknowledged to it, and perhaps its command after a
/// space.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged ";

pub(crate) async fn two_handles_see_each_other<F: Fixture>(_: Here) {
    let (fixture, one) = fresh::<F>().await;
    let two = F::open(&fixture.address()).await;
    assert_eq!(one.info().await.unwrap(), two.info().await.unwrap());
    let tails: Vec<_> = [&one, &two]
        .map(|log| {
            let mut tail = log.tail(Position::START);
            tokio::spawn(async move {
                for expected in 1..=80 {
                    assert_eq!(soon(tail.next()).await.unwrap().position, Position(expected));
                }
            })
        })
        .into();
    // In turns, so that what one knows of the end is always stale.
    let (mut a, mut b) = (None, None);
    for i in 0..20 {
        a = Some(put(&one, &stream("a"), a, format!("a{i}")).await);
        b = Some(put(&two, &stream("b"), b, format!("b{i}")).await);
    }
    // And on one stream: a stale token conflicts, the command of the other is known.
    let stale = append(&two, super::one(&stream("a"), Expect::NoStream, command("late"))).await;
    assert!(matches!(stale, Err(AppendError::Conflict { winner: Position(1), version: 20 })), "{stale:?}");
    let known = append(&two, super::one(&stream("a"), Expect::NoStream, command("a3"))).await.unwrap();
    assert_eq!(known, Appended::AlreadyRecorded(Position(7)));
    // And both at once.
    let both = [("c", &one), ("d", &two)].map(|(key, log)| {
        let log = Arc::clone(log);
        tokio::spawn(async move { put_many(&log, &stream(key), 20).await })
    });
    for writer in both {
        writer.await.unwrap();
    }
    for tail in tails {
        tail.await.unwrap();
    }
    sound(&one, 80).await;
    sound(&two, 80).await;
}

/// Who learns of another's record while answering a repeated command tells those who wait for it.
pub(crate) async fn a_repeated_command_hides_no_record_of_another_handle<F: Fixture>(_: Here) {
    let (fixture, one) = fresh::<F>().await;
    let two = F::open(&fixture.address()).await;
    put(&one, &stream("a"), None, "a").await;
    let mut tail = one.tail(Position(1));
    let mut last = None;
    // Again and again: between two looks of its own a handle learns it from the repeated command alone.
    for round in 2..=11 {
        let waits = tokio::spawn(async move { (tail.next().await.unwrap().position, tail) });
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        last = Some(put(&two, &stream("b"), last, round).await);
        let known = append(&one, super::one(&stream("a"), Expect::NoStream, command("a"))).await.unwrap();
        assert_eq!(known, Appended::AlreadyRecorded(Position(1)));
        let position;
        (position, tail) = soon(waits).await.unwrap();
        assert_eq!(position, Position(round));
    }
}

pub(crate) async fn a_second_process_writes_the_same_log<F: Fixture>(here: Here) {
    let (fixture, log) = fresh::<F>().await;
    let mut tail = log.tail(Position::START);
    let (mut child, mut lines) = start(here, &fixture.address(), "theirs", 50);
    let mine = put_many(&log, &stream("mine"), 50).await;
    let mut theirs = Vec::new();
    while let Some(position) = soon(acknowledged(&mut lines)).await {
        theirs.push(position);
    }
    assert!(soon(child.wait()).await.unwrap().success());
    assert_eq!(theirs.len(), 50);
    // Both kinds arrive, each position once, in order, without our asking anything of the other process.
    for expected in 1..=100 {
        assert_eq!(soon(tail.next()).await.unwrap().position, Position(expected));
    }
    assert_eq!(log.load(&stream("mine")).await.unwrap().token(), mine.last().copied());
    assert_eq!(log.load(&stream("theirs-0")).await.unwrap().records().len(), 50);
    sound(&log, 100).await;
}

pub(crate) async fn what_was_acknowledged_survives_kill_9<F: Fixture>(here: Here) {
    let fixture = F::make().await;
    let mut all = Vec::new();
    for round in 0..3 {
        let name = format!("round{round}");
        let (mut child, mut lines) = start(here, &fixture.address(), &name, u64::MAX);
        for _ in 0..60 {
            all.push(soon(acknowledged_as(&mut lines)).await.expect("the child ended by itself"));
        }
        child.start_kill().unwrap();
        // What it said before it died counts too.
        while let Some(said) = soon(acknowledged_as(&mut lines)).await {
            all.push(said);
        }
        assert!(!soon(child.wait()).await.unwrap().success());
    }
    let log = F::open(&fixture.address()).await;
    let head = log.head().await.unwrap();
    assert!(all.iter().map(|(position, _)| *position).max().is_some_and(|last| last <= head));
    assert_eq!(log.verify(&|_, _| {}).await.unwrap().head, head);
    // Positions are dense whatever was lost: only the command tells whether a record is the one acknowledged there.
    let mut positions = BTreeSet::new();
    for (position, command_id) in all {
        assert!(positions.insert(position), "{position} was acknowledged twice");
        let page = log.read(Position(position.0 - 1), 1).await.unwrap();
        assert_eq!((page[0].position, page[0].command_id), (position, command_id));
    }
    put(&log, &stream("after"), None, "after").await;
}

/// Starts this very program again with only the test `test` of the module `here`, through `wrapper`, which runs what it is
/// given.
pub(crate) fn again(
    here: Here,
    test: &str,
    wrapper: &[&str],
    env: &[(&str, &str)],
) -> (Child, Lines<BufReader<ChildStdout>>) {
    // Tests are named without their crate.
    let module = here.0.split_once("::").map_or("", |(_, module)| module);
    let program = std::env::current_exe().unwrap();
    let words = wrapper.iter().map(|word| (*word).into()).chain([program.into_os_string()]);
    let words: Vec<std::ffi::OsString> = words.collect();
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .args([&format!("{module}::{test}"), "--exact", "--nocapture", "--test-threads=1"])
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

fn start(here: Here, address: &str, name: &str, records: u64) -> (Child, Lines<BufReader<ChildStdout>>) {
    again(here, "child", &[], &[(ADDRESS, address), (NAME, name), (RECORDS, &records.to_string())])
}

/// The next position that a child says was acknowledged to it; none when it is gone.
pub(crate) async fn acknowledged(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<Position> {
    said(lines).await.map(|said| position(said.split(' ').next().unwrap_or_default()))
}

/// The same, with the command that it was acknowledged for.
async fn acknowledged_as(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<(Position, CommandId)> {
    let said = said(lines).await?;
    let (at, command_id) = said.split_once(' ').unwrap();
    Some((position(at), command_id.parse().unwrap()))
}

async fn said(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, said)) = line.split_once(ACKNOWLEDGED) {
            return Some(said.to_owned());
        }
    }
    None
}

fn position(said: &str) -> Position {
    Position(said.parse().unwrap())
}

/// The other process: three tasks append and say what was acknowledged. Alone, without an address, it does nothing.
pub(crate) async fn child<F: Fixture>() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let (name, records) = (std::env::var(NAME).unwrap(), std::env::var(RECORDS).unwrap());
    let records: u64 = records.parse().unwrap();
    let log = F::open(&address).await;
    let decider = Decider::<Sum>::new(log, Arc::new(SystemClock));
    // One task when the number of records matters, else several, so that groups are torn by the kill.
    let tasks: Vec<_> = (0..if records == u64::MAX { 8 } else { 1 })
        .map(|task| {
            let (decider, name) = (decider.clone(), name.clone());
            tokio::spawn(async move {
                for i in 0..records {
                    // A new stream now and then: loads stay short.
                    let stream = stream(&format!("{name}-{}", (task * 1_000_000 + i) / 100));
                    let id = command(format!("{name}/{task}/{i}"));
                    let handled = decider
                        .handle(&stream, id, Cause::OUTSIDE, |_, _| {
                            Ok::<_, std::convert::Infallible>(vec![Event::Added { n: 1 }])
                        })
                        .await
                        .unwrap();
                    say(&format!("{ACKNOWLEDGED}{} {id}", handled.position));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Whole lines, past the capture of the test harness.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}
