//! What a log tells of messages and appeals, and what must hold of it however the processes ended.

use std::collections::{BTreeMap, BTreeSet};

use zholdary_domain::{
    AppealId, ContactId, MessageId, Position, StreamId, StreamKind,
    appeal::{self, Appeal},
    message::{self, Message, Outcome},
};

/// What a log tells of messages and appeals, and where each message was received and placed.
#[derive(Debug, Default)]
pub struct Told {
    /// Messages, residents' and ours.
    pub messages: BTreeMap<MessageId, Message>,
    /// Appeals.
    pub appeals: BTreeMap<AppealId, Appeal>,
    /// Positions of `received`.
    pub received_at: BTreeMap<MessageId, Position>,
    /// Positions of `placed`.
    pub placed_at: BTreeMap<MessageId, Position>,
}

impl Told {
    /// Takes in the next record: its stream, where it stands, and its events as they are written.
    ///
    /// # Panics
    ///
    /// When they do not read, or say what must not be: a message received or placed twice, an appeal registered twice.
    pub fn note(&mut self, stream: &StreamId, position: Position, events: &[u8]) {
        match stream.kind() {
            StreamKind::Message => {
                let id = stream.message().expect("a message's stream");
                for event in serde_json::from_slice::<Vec<message::Event>>(events).expect("events read") {
                    if matches!(event, message::Event::Received(_)) {
                        assert!(self.received_at.insert(id, position).is_none(), "received twice");
                    }
                    if matches!(event, message::Event::Placed { .. }) {
                        assert!(self.placed_at.insert(id, position).is_none(), "placed twice");
                    }
                    self.messages.entry(id).or_default().evolve(&event);
                }
            }
            StreamKind::Appeal => {
                let appeal = self.appeals.entry(stream.appeal().expect("a stream")).or_default();
                for event in serde_json::from_slice::<Vec<appeal::Event>>(events).expect("events read") {
                    if matches!(event, appeal::Event::Registered(_)) {
                        assert!(appeal.registered.is_none(), "registered twice");
                    }
                    appeal.evolve(&event);
                }
            }
            _ => {}
        }
    }

    /// What holds once `register` came to the end, however processes ended: everything placed once, numbered once, in its order.
    ///
    /// # Panics
    ///
    /// When it does not hold.
    pub fn check_placed(&self) {
        let mut numbers = BTreeMap::new();
        for (id, appeal) in &self.appeals {
            let registered = appeal.registered.as_ref().expect("an appeal has its number");
            if let Some(other) = numbers.insert(registered.number.clone(), id) {
                panic!("{} is the number of {other} and {id}", registered.number);
            }
            let once: BTreeSet<_> = appeal.messages.iter().collect();
            assert_eq!(once.len(), appeal.messages.len(), "a message stands twice in {id}");
        }
        let mut last: BTreeMap<ContactId, Position> = BTreeMap::new();
        let mut order: Vec<_> = self.received_at.iter().collect();
        order.sort_by_key(|(_, at)| **at);
        for (id, _) in order {
            let message = &self.messages[id];
            let Some(outcome) = message.outcome else { panic!("{id} waits for ever") };
            let Outcome::Placed { appeal, .. } = outcome else { continue };
            let appeal = self.appeals.get(&appeal).expect("what was placed has its second half");
            assert!(appeal.messages.contains(id), "what was placed stands in its appeal");
            let contact = message.received.as_ref().expect("was received").contact;
            if let Some(before) = last.insert(contact, self.placed_at[id]) {
                assert!(
                    before < self.placed_at[id],
                    "{id} was placed before an earlier message of its author"
                );
            }
        }
    }

    /// What holds once `route` came to the end as well.
    ///
    /// # Panics
    ///
    /// When it does not hold.
    pub fn check(&self) {
        self.check_placed();
        for appeal in self.appeals.values() {
            let registered = appeal.registered.as_ref().expect("an appeal has its number");
            // Who ends an appeal has read it.
            let is_known = appeal.understanding.is_some() || appeal.end.is_some() || appeal.erased;
            assert!(is_known, "{} was never understood", registered.number);
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
                ids.sort_by_key(|id| self.received_at[id]);
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
