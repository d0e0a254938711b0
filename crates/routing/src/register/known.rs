//! What had been done before this register began: read once, then forgotten.

use std::collections::{HashMap, HashSet};

use zholdary_domain::{
    AppealId, MessageId, Number, Position, StreamKind, appeal,
    message::{self, Outcome},
};
use zholdary_log::{EventLog, Recorded};

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
            records.iter().for_each(|record| known.note(record));
        }
        Ok(known)
    }

    fn note(&mut self, record: &Recorded) {
        match record.stream.kind() {
            StreamKind::Message => {
                let (Some(id), Ok(events)) = (record.stream.message(), record.events::<message::Event>())
                else {
                    return;
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
                    return;
                };
                for event in &events {
                    self.note_appeal(id, event);
                }
            }
            _ => {}
        }
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
