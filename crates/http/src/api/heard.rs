//! What a listener hears of a change: events that its level may know of, and views that it may read.

use axum::http::Method;
use zholdary_readmodel::{Change, Level as Sees};

use crate::{
    caller::Caller,
    permission::{self, Found, Level},
};

/// What one listener hears.
#[derive(Debug, Clone)]
pub(crate) struct Hears {
    sees: Sees,
    queues: Queues,
    messages: bool,
}

/// Of which queues.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Queues {
    None,
    /// One alone; of a record that did not change it, the listener hears nothing.
    Own(String),
    All,
}

impl Hears {
    /// What the permission table lets this caller read, and how much of an appeal they see.
    pub(crate) fn of(caller: &Caller, own: Option<&str>) -> Self {
        let reads = |path| match permission::find(&Method::GET, path, caller.who) {
            Found::Level(level) => level,
            Found::OtherMethod | Found::NoLine => Level::Deny,
        };
        let queues = match (own, reads("/api/v1/queues/{party}")) {
            (Some(party), _) => Queues::Own(format!("queue/{party}")),
            (None, Level::Plain | Level::Full) => Queues::All,
            (None, Level::Deny | Level::Public | Level::Own) => Queues::None,
        };
        Self { sees: caller.sees(), queues, messages: reads("/api/v1/messages") == Level::Full }
    }

    /// The change as this listener may know of it. Nothing: not at all.
    pub(crate) fn change(&self, mut change: Change) -> Option<Change> {
        if let Queues::Own(own) = &self.queues
            && !change.views.contains(own)
        {
            return None;
        }
        change.events.retain(|event| least_level(event) <= self.sees);
        change.views.retain(|view| self.view(view));
        (!change.events.is_empty() && !change.views.is_empty()).then_some(change)
    }

    fn view(&self, view: &str) -> bool {
        match view {
            "appeals" | "rules" => true,
            "messages" => self.messages,
            queue if queue.starts_with("queue/") => match &self.queues {
                Queues::None => false,
                Queues::Own(own) => own == queue,
                Queues::All => true,
            },
            // Tokens, and what is not known here yet.
            _ => self.sees == Sees::Operator,
        }
    }
}

/// Who may know that an event of this name happened: as the history of an appeal has it ([`zholdary_readmodel::least_level`],
/// which needs the event; a change keeps its name alone). What the history does not show is the press centre's.
fn least_level(event: &str) -> Sees {
    match event {
        "published" | "registered" | "message_added" | "place_asked" | "place_given" | "routed"
        | "answered" | "forwarded_outside" | "accepted" | "refused" | "started" | "done" | "rated"
        | "reopen_requested" | "reopened" | "split" | "joined_to_problem" | "overdue" | "extended"
        | "corrected" | "made_official" | "closed" | "not_considered" | "erased" => Sees::Public,
        "alias_named" | "message_edited" | "message_withdrawn" | "understood" | "escalated" | "told"
        | "not_told" => Sees::Party,
        _ => Sees::Operator,
    }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::appeal::Event;

    use super::*;

    #[test]
    fn a_change_tells_what_the_history_of_an_appeal_tells() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/samples/appeal");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let event: Event =
                serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
            assert_eq!(
                least_level(event.name()),
                zholdary_readmodel::least_level(&event),
                "{}",
                event.name()
            );
            seen += 1;
        }
        assert!(seen > 30, "{seen} events");
    }
}
