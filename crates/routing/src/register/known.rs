//! What became of messages before this register began: read once, then forgotten.

use std::collections::{HashMap, HashSet};

use zholdary_domain::{
    MessageId, Position,
    message::{self, Outcome},
};
use zholdary_log::{EventLog, Recorded};

use crate::Error;

/// Facts of the past that must be known before they are read in order.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What became of each message: an earlier release may have decided otherwise than this one would.
    pub(super) outcomes: HashMap<MessageId, Outcome>,
    /// Messages of which a record does not read: their register could not settle them otherwise.
    pub(super) unreadable: HashSet<MessageId>,
}

impl Known {
    /// Reads everything up to `head`. A record that does not read says nothing here; whoever needs it parks it.
    pub(super) async fn read(log: &dyn EventLog, head: Position, page: usize) -> Result<Self, Error> {
        let mut known = Self::default();
        // A tail, because it reads a long log faster than page after page.
        let mut tail = log.tail(Position::START);
        while tail.position() < head {
            tail.next_page(page).await?.iter().for_each(|record| known.note(record));
        }
        Ok(known)
    }

    fn note(&mut self, record: &Recorded) {
        let Some(id) = record.stream.message() else { return };
        match record.events::<message::Event>() {
            Ok(events) => self
                .outcomes
                .extend(events.iter().filter_map(message::Event::outcome).map(|outcome| (id, outcome))),
            Err(_) => {
                self.unreadable.insert(id);
            }
        }
    }
}
