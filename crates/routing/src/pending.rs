//! What records ask for and no record has answered yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use zholdary_domain::{CommandId, Position};

use crate::Ruleset;

/// Things to do in the order of the records that asked for them. Each is known by the commands that would record it: one of them
/// in the log, whoever wrote it, and it is done.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    entries: BTreeMap<u64, Entry<T>>,
    by_command: HashMap<CommandId, u64>,
    next: u64,
    /// Nothing that was asked for up to here is asked again.
    floor: Position,
}

#[derive(Debug)]
struct Entry<T> {
    asked_at: Position,
    /// The rules that were in force there.
    rules: Option<Arc<Ruleset>>,
    commands: Vec<CommandId>,
    what: T,
}

/// Some things to do under one rule set.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) rules: Option<Arc<Ruleset>>,
    pub(crate) items: Vec<T>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), by_command: HashMap::new(), next: 0, floor: Position::START }
    }
}

impl<T> Pending<T> {
    /// Adds what the record at `asked_at` asks for, unless it is asked for already.
    pub(crate) fn add(
        &mut self,
        asked_at: Position,
        rules: Option<&Arc<Ruleset>>,
        commands: Vec<CommandId>,
        what: T,
    ) {
        if asked_at <= self.floor || commands.iter().any(|command| self.by_command.contains_key(command)) {
            return;
        }
        let id = self.next;
        self.next += 1;
        self.by_command.extend(commands.iter().map(|command| (*command, id)));
        self.entries.insert(id, Entry { asked_at, rules: rules.cloned(), commands, what });
    }

    /// A command is recorded: what it does is done.
    pub(crate) fn done(&mut self, command: CommandId) {
        if let Some(id) = self.by_command.get(&command).copied()
            && let Some(entry) = self.entries.remove(&id)
        {
            self.forget(&entry);
        }
    }

    /// Whatever was or will be asked for up to here is finished.
    pub(crate) fn finished(&mut self, position: Position) {
        self.floor = self.floor.max(position);
        while let Some(first) = self.entries.first_entry().filter(|e| e.get().asked_at <= position) {
            let entry = first.remove();
            self.forget(&entry);
        }
    }

    /// Whatever was asked for up to here is finished.
    pub(crate) const fn floor(&self) -> Position {
        self.floor
    }

    /// Where the first thing to do was asked for.
    pub(crate) fn first(&self) -> Option<Position> {
        self.entries.first_key_value().map(|(_, entry)| entry.asked_at)
    }

    /// Takes out the first things to do: at most `most`, all under one rule set.
    pub(crate) fn take(&mut self, most: usize) -> Option<Batch<T>> {
        let rules = self.entries.first_key_value()?.1.rules.clone();
        let pointer = |rules: &Option<Arc<Ruleset>>| rules.as_ref().map(Arc::as_ptr);
        let mut items = Vec::new();
        while items.len() < most.max(1)
            && let Some(first) = self.entries.first_entry()
            && pointer(&first.get().rules) == pointer(&rules)
        {
            let entry = first.remove();
            self.forget(&entry);
            items.push(entry.what);
        }
        Some(Batch { rules, items })
    }

    fn forget(&mut self, entry: &Entry<T>) {
        for command in &entry.commands {
            self.by_command.remove(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str) -> CommandId {
        CommandId::named("pending", name)
    }

    fn pending(asked: &[(u64, &'static str)]) -> Pending<&'static str> {
        let mut pending = Pending::default();
        for (at, name) in asked {
            pending.add(
                Position(*at),
                None,
                vec![command(name), command(&format!("{name} otherwise"))],
                *name,
            );
        }
        pending
    }

    #[test]
    fn what_is_recorded_is_done_and_the_rest_keeps_its_order() {
        let asked = [(3, "a"), (3, "b"), (5, "c"), (9, "d")];
        type Meanwhile = fn(&mut Pending<&'static str>);
        let cases: [(&str, Meanwhile, &[&str], Option<u64>); 8] = [
            ("nothing", |_| {}, &["a", "b", "c", "d"], Some(3)),
            ("one is done", |p| p.done(command("a")), &["b", "c", "d"], Some(3)),
            ("one is done otherwise", |p| p.done(command("c otherwise")), &["a", "b", "d"], Some(3)),
            ("another's command", |p| p.done(command("z")), &["a", "b", "c", "d"], Some(3)),
            (
                "asked again",
                |p| p.add(Position(11), None, vec![command("b")], "b"),
                &["a", "b", "c", "d"],
                Some(3),
            ),
            ("finished up to the second record", |p| p.finished(Position(5)), &["d"], Some(9)),
            ("all finished", |p| p.finished(Position(9)), &[], None),
            (
                "more is asked for up to what is finished",
                |p| {
                    p.finished(Position(5));
                    p.add(Position(5), None, vec![command("e")], "e");
                    p.add(Position(6), None, vec![command("f")], "f");
                },
                &["d", "f"],
                Some(9),
            ),
        ];
        for (name, meanwhile, expected, first) in cases {
            let mut pending = pending(&asked);
            meanwhile(&mut pending);
            assert_eq!(pending.first(), first.map(Position), "{name}");
            let mut taken = Vec::new();
            while let Some(batch) = pending.take(3) {
                assert!(batch.items.len() <= 3, "{name}");
                taken.extend(batch.items);
            }
            assert_eq!(taken, expected, "{name}");
            assert!(pending.by_command.is_empty(), "{name}: nothing stays behind");
        }
    }
}
