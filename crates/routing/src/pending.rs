//! What records ask for and no record has answered yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use zholdary_domain::{CommandId, Position, StreamKind};
use zholdary_log::Checkpoint;

use crate::Ruleset;

/// Names a record to come: the kind of its stream, and its command.
pub type Answer = (StreamKind, CommandId);

/// Things to do in the order of the records that asked for them. Each is known by the records that would answer it: one of them in
/// the log, whoever wrote it, and it is done.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    entries: BTreeMap<u64, Entry<T>>,
    by_answer: HashMap<Answer, u64>,
    next: u64,
    /// What it says to be finished is not asked again.
    checkpoint: Option<Checkpoint>,
}

#[derive(Debug)]
struct Entry<T> {
    asked_at: Position,
    /// The rules that were in force there; before any were, the first that are.
    rules: Option<Arc<Ruleset>>,
    answers: Vec<Answer>,
    what: T,
}

/// Some things to do under one rule set.
#[derive(Debug)]
pub struct Batch<T> {
    /// The rules that are in force for them.
    pub rules: Arc<Ruleset>,
    entries: Vec<(u64, Entry<T>)>,
}

impl<T: Clone> Batch<T> {
    /// What is to be done, in order.
    pub fn items(&self) -> Vec<T> {
        self.entries.iter().map(|(_, entry)| entry.what.clone()).collect()
    }
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), by_answer: HashMap::new(), next: 0, checkpoint: None }
    }
}

impl<T> Pending<T> {
    /// Adds what the record at `asked_at` asks for, unless it is finished or asked for already.
    pub(crate) fn add(
        &mut self,
        asked_at: Position,
        rules: Option<&Arc<Ruleset>>,
        answers: Vec<Answer>,
        what: T,
    ) {
        let is_finished = self.checkpoint.as_ref().is_some_and(|kept| kept.has_finished(asked_at));
        if is_finished || answers.iter().any(|answer| self.by_answer.contains_key(answer)) {
            return;
        }
        let id = self.next;
        self.next += 1;
        self.by_answer.extend(answers.iter().map(|answer| (*answer, id)));
        self.entries.insert(id, Entry { asked_at, rules: rules.cloned(), answers, what });
    }

    /// An answer is recorded: what it does is done.
    pub(crate) fn done(&mut self, answer: Answer) {
        if let Some(id) = self.by_answer.get(&answer).copied() {
            self.remove(id);
        }
    }

    /// Whatever was or will be asked for is finished as far as `checkpoint` says.
    pub(crate) fn finished(&mut self, checkpoint: Checkpoint) {
        let asked = self.entries.iter().take_while(|(_, entry)| entry.asked_at <= checkpoint.finished);
        let finished = asked.filter(|(_, entry)| checkpoint.has_finished(entry.asked_at));
        for id in finished.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.remove(id);
        }
        self.checkpoint = Some(checkpoint);
    }

    /// The first rules there are: they hold for what was asked before any were.
    pub(crate) fn govern(&mut self, rules: &Arc<Ruleset>) {
        for entry in self.entries.values_mut() {
            entry.rules.get_or_insert_with(|| Arc::clone(rules));
        }
    }

    /// Up to where it was finished before anything was asked.
    pub(crate) fn floor(&self) -> Position {
        self.checkpoint.as_ref().map_or(Position::START, |kept| kept.finished)
    }

    /// Where the first thing to do was asked for.
    pub(crate) fn first(&self) -> Option<Position> {
        self.entries.first_key_value().map(|(_, entry)| entry.asked_at)
    }

    /// Takes out the first things to do: at most `most`, all under one rule set. None while there is no rule set for them.
    pub(crate) fn take(&mut self, most: usize) -> Option<Batch<T>> {
        let rules = self.entries.first_key_value()?.1.rules.clone()?;
        let mut entries = Vec::new();
        while entries.len() < most.max(1)
            && let Some((id, entry)) = self.entries.first_key_value()
            && entry.rules.as_ref().is_some_and(|own| Arc::ptr_eq(own, &rules))
        {
            let id = *id;
            entries.extend(self.remove(id).map(|entry| (id, entry)));
        }
        Some(Batch { rules, entries })
    }

    /// Takes back what was taken out and could not be done, all of it: what was done of it is recognised.
    pub(crate) fn put_back(&mut self, batch: Batch<T>) {
        for (id, entry) in batch.entries {
            self.by_answer.extend(entry.answers.iter().map(|answer| (*answer, id)));
            self.entries.insert(id, entry);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Entry<T>> {
        let entry = self.entries.remove(&id)?;
        for answer in &entry.answers {
            self.by_answer.remove(answer);
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str) -> Answer {
        (StreamKind::Appeal, CommandId::named("pending", name))
    }

    fn pending(asked: &[(u64, &'static str)], rules: Option<&Arc<Ruleset>>) -> Pending<&'static str> {
        let mut pending = Pending::default();
        for (at, name) in asked {
            let answers = vec![answer(name), answer(&format!("{name} otherwise"))];
            pending.add(Position(*at), rules, answers, *name);
        }
        pending
    }

    fn up_to(finished: u64, but: &[u64]) -> Checkpoint {
        let read = zholdary_log::Prev { position: Position(99), hash: zholdary_log::Hash::of(b"") };
        let but = but.iter().copied().map(Position).collect();
        Checkpoint { finished: Position(finished), but, read, looked_until: None }
    }

    fn all(pending: &mut Pending<&'static str>) -> Vec<&'static str> {
        let mut taken = Vec::new();
        while let Some(batch) = pending.take(3) {
            assert!(batch.items().len() <= 3);
            taken.extend(batch.items());
        }
        taken
    }

    fn rules() -> Arc<Ruleset> {
        let files = zholdary_city::Files::from_entries(zholdary_testkit::shipped_city()).unwrap();
        Arc::new(Ruleset::new(zholdary_city::City::parse(&files).unwrap()))
    }

    #[test]
    fn what_is_recorded_is_done_and_the_rest_keeps_its_order() {
        let rules = rules();
        let asked = [(3, "a"), (3, "b"), (5, "c"), (9, "d")];
        type Meanwhile = fn(&mut Pending<&'static str>, &Arc<Ruleset>);
        let cases: [(&str, Meanwhile, &[&str], Option<u64>); 9] = [
            ("nothing", |_, _| {}, &["a", "b", "c", "d"], Some(3)),
            ("one is done", |p, _| p.done(answer("a")), &["b", "c", "d"], Some(3)),
            ("one is done otherwise", |p, _| p.done(answer("c otherwise")), &["a", "b", "d"], Some(3)),
            (
                "the same command in a stream of another kind",
                |p, _| p.done((StreamKind::Message, answer("a").1)),
                &["a", "b", "c", "d"],
                Some(3),
            ),
            (
                "asked again",
                |p, rules| p.add(Position(11), Some(rules), vec![answer("b")], "b"),
                &["a", "b", "c", "d"],
                Some(3),
            ),
            ("finished up to the second record", |p, _| p.finished(up_to(5, &[])), &["d"], Some(9)),
            ("finished but for one", |p, _| p.finished(up_to(9, &[5])), &["c"], Some(5)),
            ("all finished", |p, _| p.finished(up_to(9, &[])), &[], None),
            (
                "more is asked for up to what is finished",
                |p, rules| {
                    p.finished(up_to(5, &[4]));
                    for (at, name) in [(4, "e"), (5, "f"), (6, "g")] {
                        p.add(Position(at), Some(rules), vec![answer(name)], name);
                    }
                },
                &["d", "e", "g"],
                Some(9),
            ),
        ];
        for (name, meanwhile, expected, first) in cases {
            let mut pending = pending(&asked, Some(&rules));
            meanwhile(&mut pending, &rules);
            assert_eq!(pending.first(), first.map(Position), "{name}");
            assert_eq!(all(&mut pending), expected, "{name}");
            assert!(pending.by_answer.is_empty(), "{name}: nothing stays behind");
        }
    }

    #[test]
    fn what_was_asked_before_there_were_rules_waits_for_the_first() {
        let (first, second) = (rules(), rules());
        let mut pending = pending(&[(1, "a"), (2, "b")], None);
        assert!(pending.take(3).is_none());
        pending.govern(&first);
        pending.add(Position(4), Some(&first), vec![answer("c")], "c");
        pending.add(Position(6), Some(&second), vec![answer("d")], "d");
        let batch = pending.take(9).unwrap();
        assert_eq!(batch.items(), ["a", "b", "c"], "a barrier stands before the next");
        assert!(Arc::ptr_eq(&batch.rules, &first));
        let batch = pending.take(9).unwrap();
        assert_eq!(batch.items(), ["d"]);
        assert!(Arc::ptr_eq(&batch.rules, &second));
    }
}
