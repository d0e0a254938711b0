//! What stands in a log, and what must hold of it however the processes ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use zholdary_domain::{
    AppealId, ContactId, MessageId, Position, StreamKind,
    appeal::{self, Appeal},
    message::{self, Message, Outcome},
};
use zholdary_log::{EventLog, SqliteConfig, SqliteLog};

/// What a log tells of messages and appeals, and where each message was received and placed.
#[derive(Default)]
pub struct Told {
    /// Messages, residents' and ours.
    pub messages: BTreeMap<MessageId, Message>,
    /// Appeals.
    pub appeals: BTreeMap<AppealId, Appeal>,
    received: BTreeMap<MessageId, Position>,
    placed: BTreeMap<MessageId, Position>,
}

impl Told {
    /// What stands in the log of a folder that no process has open.
    ///
    /// # Panics
    ///
    /// When it does not open, or does not read.
    pub async fn read(data: &Path) -> Self {
        Self::of(&SqliteLog::open(data, SqliteConfig::default()).expect("the log opens")).await
    }

    /// What stands in `log`.
    ///
    /// # Panics
    ///
    /// When it does not read, or holds what must not be: a message received or placed twice, an appeal registered twice.
    pub async fn of(log: &dyn EventLog) -> Self {
        let mut told = Self::default();
        let mut after = Position::START;
        loop {
            let page = log.read(after, 1000).await.expect("the log reads");
            let Some(last) = page.last() else { return told };
            after = last.position;
            for record in &page {
                told.note(record);
            }
        }
    }

    fn note(&mut self, record: &zholdary_log::Recorded) {
        match record.stream.kind() {
            StreamKind::Message => {
                let id = record.stream.message().expect("a message's stream");
                for event in record.events::<message::Event>().expect("events read") {
                    if matches!(event, message::Event::Received(_)) {
                        assert!(self.received.insert(id, record.position).is_none(), "received twice");
                    }
                    if matches!(event, message::Event::Placed { .. }) {
                        assert!(self.placed.insert(id, record.position).is_none(), "placed twice");
                    }
                    self.messages.entry(id).or_default().evolve(&event);
                }
            }
            StreamKind::Appeal => {
                let appeal = self.appeals.entry(record.stream.appeal().expect("a stream")).or_default();
                for event in record.events::<appeal::Event>().expect("events read") {
                    if matches!(event, appeal::Event::Registered(_)) {
                        assert!(appeal.registered.is_none(), "registered twice");
                    }
                    appeal.evolve(&event);
                }
            }
            _ => {}
        }
    }

    /// What holds however the processes ended.
    ///
    /// # Panics
    ///
    /// When it does not hold.
    pub fn check(&self) {
        let mut numbers = BTreeMap::new();
        for (id, appeal) in &self.appeals {
            let registered = appeal.registered.as_ref().expect("an appeal has its number");
            assert!(numbers.insert(registered.number.clone(), id).is_none(), "a number twice");
            // Who ends an appeal has read it.
            let is_known = appeal.understanding.is_some() || appeal.end.is_some() || appeal.erased;
            assert!(is_known, "{} was never understood", registered.number);
            let once: BTreeSet<_> = appeal.messages.iter().collect();
            assert_eq!(once.len(), appeal.messages.len(), "a message stands twice");
        }
        let mut last: BTreeMap<ContactId, Position> = BTreeMap::new();
        let mut order: Vec<_> = self.received.iter().collect();
        order.sort_by_key(|(_, at)| **at);
        for (id, _) in order {
            let message = &self.messages[id];
            let outcome = message.outcome.expect("a message is placed or set aside");
            let Outcome::Placed { appeal, .. } = outcome else { continue };
            let appeal = self.appeals.get(&appeal).expect("what was placed has its second half");
            assert!(appeal.messages.contains(id), "what was placed stands in its appeal");
            let contact = message.received.as_ref().expect("was received").contact;
            if let Some(before) = last.insert(contact, self.placed[id]) {
                assert!(before < self.placed[id], "placed before an earlier message of the same person");
            }
        }
    }

    /// Which messages, by the platform's ids in the order received, stand in one appeal together.
    ///
    /// # Panics
    ///
    /// When an appeal holds a message that was not received.
    #[must_use]
    pub fn together(&self) -> BTreeSet<Vec<String>> {
        let name = |id: &MessageId| {
            self.messages[id].received.as_ref().expect("was received").external_id.reveal().clone()
        };
        self.appeals
            .values()
            .map(|appeal| {
                let mut ids = appeal.messages.clone();
                ids.sort_by_key(|id| self.received[id]);
                ids.iter().map(name).collect()
            })
            .collect()
    }

    /// The message with this id of the platform.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn message(&self, external: &str) -> (MessageId, &Message) {
        let is = |m: &Message| m.received.as_ref().is_some_and(|r| r.external_id.reveal() == external);
        let (id, message) = self.messages.iter().find(|(_, m)| is(m)).expect("the message is there");
        (*id, message)
    }

    /// The appeal of a message.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn appeal_of(&self, external: &str) -> &Appeal {
        let (id, _) = self.message(external);
        self.appeals.values().find(|a| a.messages.contains(&id)).expect("the message is in an appeal")
    }
}
