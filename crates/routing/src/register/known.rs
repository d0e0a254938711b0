//! What had been done before this register began: read once, then forgotten.

use std::collections::{BTreeMap, HashMap, HashSet};

use zholdary_domain::{
    AppealId, MessageId, Position,
    message::{self, Outcome},
    number,
};
use zholdary_log::{EventLog, Recorded, Token};

use crate::Error;

/// Facts of the past that must be known before they are read in order.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What became of each message: an earlier release may have decided otherwise than this one would.
    pub(super) outcomes: HashMap<MessageId, Outcome>,
    /// Messages of which a record does not read: their register could not settle them otherwise.
    pub(super) unreadable: HashSet<MessageId>,
}

/// Whose each number is that was ever given, by year and serial.
pub(super) type Given = HashMap<(i32, u32), AppealId>;

/// The numbers of each year, with the last record of the year's stream.
pub(super) type Years = BTreeMap<i32, (number::Year, Option<Token>)>;

/// Takes in a record of a stream `number.<year>`, unless it was taken in before.
pub(super) fn note_number(
    years: &mut Years,
    whose: &mut Given,
    record: &Recorded,
) -> Result<(), zholdary_log::DecodeError> {
    let Ok(year) = record.stream.key().parse() else { return Ok(()) };
    let (known, token) = years.entry(year).or_default();
    if token.is_some_and(|t| t.position >= record.position) {
        return Ok(());
    }
    for event in record.events::<number::Event>()? {
        if let number::Event::Given { given, .. } = &event {
            whose.extend(given.iter().map(|(appeal, serial)| ((year, *serial), *appeal)));
        }
        known.evolve(&event);
    }
    *token = Some(record.token());
    Ok(())
}

impl Known {
    /// Reads everything up to `head`. A record that does not read says nothing here; whoever needs it parks it.
    pub(super) async fn read(log: &dyn EventLog, head: Position, page: usize) -> Result<Self, Error> {
        let mut known = Self::default();
        let mut after = Position::START;
        while after < head {
            let records = log.read(after, page).await?;
            let Some(last) = records.last() else { break };
            after = last.position;
            for record in &records {
                known.note(record);
            }
        }
        Ok(known)
    }

    fn note(&mut self, record: &Recorded) {
        let Some(id) = record.stream.message() else { return };
        match record.events::<message::Event>() {
            Ok(events) => self.outcomes.extend(events.iter().filter_map(became).map(|became| (id, became))),
            Err(_) => {
                self.unreadable.insert(id);
            }
        }
    }
}

/// What an event says that became of a message.
pub(super) fn became(event: &message::Event) -> Option<Outcome> {
    match *event {
        message::Event::Placed { appeal, opens, found } => Some(Outcome::Placed { appeal, opens, found }),
        message::Event::SetAside { why } => Some(Outcome::SetAside(why)),
        _ => None,
    }
}
