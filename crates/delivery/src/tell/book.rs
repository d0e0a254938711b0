//! What `tell` knows of people and problems before some record of the log.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use zholdary_domain::{
    AppealId, ContactId, Personal,
    appeal::Event,
    inbound::Channel,
    message::{self, Received},
};
use zholdary_log::Recorded;
use zholdary_routing::languages::{Languages, Spoken};

use crate::people::People;

/// Where a person is reached since their number was changed.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    pub(super) contact: ContactId,
    pub(super) to: Personal<String>,
    at: DateTime<Utc>,
}

/// People and problems.
#[derive(Debug, Default)]
pub(super) struct Book {
    people: People,
    moved: HashMap<(ContactId, Channel), Moved>,
    /// How many appeals were joined to a problem.
    joined: HashMap<AppealId, u32>,
    languages: Languages,
}

impl Book {
    pub(super) fn note(&mut self, record: &Recorded) {
        self.languages.note(record);
        if record.stream.message().is_some() {
            // What does not read is told of by whoever needs it.
            for event in record.events::<message::Event>().unwrap_or_default() {
                if let message::Event::Received(received) = event {
                    self.heard(*received);
                }
            }
        } else if record.stream.appeal().is_some() {
            for event in record.events::<Event>().unwrap_or_default() {
                if let Event::JoinedToProblem { problem, .. } = event {
                    *self.joined.entry(problem).or_default() += 1;
                }
            }
        }
    }

    fn heard(&mut self, received: Received) {
        for alias in &received.aliases {
            if let Some((kept, merged)) = self.people.link(received.contact, *alias) {
                for channel in Channel::ALL {
                    if let Some(moved) = self.moved.remove(&(merged, channel)) {
                        self.moved.insert((kept, channel), moved);
                    }
                }
            }
        }
        if received.keys_changed
            && let Some(to) = received.address
        {
            let contact = received.aliases.first().copied().unwrap_or(received.contact);
            let there = (self.people.of(contact), received.channel);
            self.moved.insert(there, Moved { contact, to, at: received.sent_at });
        }
    }

    /// Whether the two are one person.
    pub(super) fn is_one(&self, one: ContactId, other: ContactId) -> bool {
        self.people.of(one) == self.people.of(other)
    }

    /// Where whoever wrote this is reached now, when they moved since.
    pub(super) fn moved_since(&self, received: &Received) -> Option<&Moved> {
        let moved = self.moved.get(&(self.people.of(received.contact), received.channel));
        moved.filter(|moved| moved.at >= received.sent_at)
    }

    /// The language that somebody chose.
    pub(super) fn chosen(&self, contact: ContactId) -> Option<Spoken> {
        self.languages.of(contact)
    }

    /// How many write about a problem, its first author included.
    pub(super) fn voices(&self, problem: AppealId) -> u32 {
        self.joined.get(&problem).map_or(1, |joined| joined + 1)
    }
}
