//! What had been done before this register began: read once, then forgotten.

use std::collections::{BTreeMap, HashMap, HashSet};

use zholdary_domain::{
    AppealId, MessageId, Number, Position, StreamKind, appeal,
    message::{self, Outcome},
    number,
};
use zholdary_log::{EventLog, Recorded, Token};

use crate::Error;

/// Facts of the past by what they finished.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What became of each message.
    pub(super) outcomes: HashMap<MessageId, Outcome>,
    /// Messages that stand in their appeal.
    pub(super) added: HashSet<(AppealId, MessageId)>,
    /// Appeals that have their number.
    pub(super) registered: HashSet<AppealId>,
    pub(super) edited: HashSet<(MessageId, u32)>,
    pub(super) withdrawn: HashSet<MessageId>,
    pub(super) rated: HashSet<MessageId>,
    pub(super) aliases: HashSet<(AppealId, Number)>,
    /// Each year's numbers with the last record of its stream. Known up to the head before anything is decided: what is
    /// unfinished stands before the record that numbered it.
    pub(super) years: Years,
    /// Whose each number is, up to the head too: nobody else may have it, however early it claims it.
    pub(super) given: Given,
    /// Messages of which a record does not read, up to the head too: their register could not settle them otherwise.
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
                known.note(record)?;
            }
        }
        Ok(known)
    }

    fn note(&mut self, record: &Recorded) -> Result<(), Error> {
        match record.stream.kind() {
            StreamKind::Number => note_number(&mut self.years, &mut self.given, record)
                .map_err(|source| Error::Decode { position: record.position, source })?,
            StreamKind::Message => {
                let Some(id) = record.stream.message() else { return Ok(()) };
                let Ok(events) = record.events::<message::Event>() else {
                    self.unreadable.insert(id);
                    return Ok(());
                };
                for event in events {
                    let outcome = match event {
                        message::Event::Placed { appeal, opens, found } => {
                            Outcome::Placed { appeal, opens, found }
                        }
                        message::Event::SetAside { why } => Outcome::SetAside(why),
                        _ => continue,
                    };
                    self.outcomes.insert(id, outcome);
                }
            }
            StreamKind::Appeal => {
                let (Some(id), Ok(events)) = (record.stream.appeal(), record.events::<appeal::Event>())
                else {
                    return Ok(());
                };
                for event in &events {
                    self.note_appeal(id, event);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_appeal(&mut self, id: AppealId, event: &appeal::Event) {
        match event {
            appeal::Event::Registered(registered) => {
                self.registered.insert(id);
                self.added.extend(registered.message.map(|message| (id, message)));
            }
            appeal::Event::MessageAdded { message, .. } => {
                self.added.insert((id, *message));
            }
            appeal::Event::MessageEdited { message, version } => {
                self.edited.insert((*message, *version));
            }
            appeal::Event::MessageWithdrawn { message } => {
                self.withdrawn.insert(*message);
            }
            appeal::Event::Rated { message, .. } => self.rated.extend(message),
            appeal::Event::AliasNamed { number } => {
                self.aliases.insert((id, number.clone()));
            }
            _ => {}
        }
    }
}
