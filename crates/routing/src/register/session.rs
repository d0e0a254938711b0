//! One run over the log: what each record asks for.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use tracing::warn;
use zholdary_domain::{
    AppealId, CommandId, ContactId, MessageId, Number, Position, StreamKind, appeal,
    appeal::Registered,
    inbound::{Channel, Content, DeliveryState, News, Surface},
    message::{self, Found, Outcome, Received, command_id},
    outgoing::Task,
};
use zholdary_log::{Cause, EventLog, Recorded};

use super::{
    fold::{Belongs, Fold},
    known::Known,
    numbers::{Given, Years, note_number},
    reading::Reading,
};
use crate::{Error, Ruleset, pending::Answer};

/// Something to append.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) cause: Cause,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// Say what became of a message.
    Settle { contact: ContactId, message: MessageId, outcome: Outcome },
    /// Set a message aside of which a record does not read.
    Poison { message: MessageId },
    /// Number an appeal and register it. The number in it is filled in when it is given.
    Open { appeal: AppealId, opening: Box<Opening> },
    /// Register a part that a person split off.
    OpenPart { appeal: AppealId, parent: AppealId },
    /// Register an appeal of an earlier system under its own number.
    OpenKnown { appeal: AppealId, number: Number, opening: Box<Opening> },
    /// Say that a message of ours was read.
    Read { message: MessageId, at: DateTime<Utc> },
    /// Any other wish about an appeal.
    Appeal { appeal: AppealId, message: Option<MessageId>, command: appeal::Command, purpose: String },
}

impl What {
    /// The record that answers it.
    pub(super) fn answer(&self) -> Answer {
        let kind = match self {
            Self::Settle { .. } | Self::Poison { .. } | Self::Read { .. } => StreamKind::Message,
            _ => StreamKind::Appeal,
        };
        (kind, self.command())
    }

    /// The command that records it.
    pub(super) fn command(&self) -> CommandId {
        match self {
            Self::Settle { message, .. } | Self::Poison { message } => command_id::settled(*message),
            Self::Read { message, at } => command_id::delivery(*message, DeliveryState::Read, *at),
            Self::Open { appeal, .. } | Self::OpenPart { appeal, .. } | Self::OpenKnown { appeal, .. } => {
                registered(*appeal)
            }
            Self::Appeal { appeal, message, purpose, .. } => {
                CommandId::of(message.map_or_else(|| appeal.uuid(), |message| message.uuid()), purpose)
            }
        }
    }
}

/// The command that numbers and registers an appeal.
pub(super) fn registered(appeal: AppealId) -> CommandId {
    CommandId::of(appeal, "registered")
}

/// How an appeal begins, but for its number.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) message: Option<MessageId>,
    pub(super) contact: ContactId,
    pub(super) channel: Channel,
    pub(super) surface: Surface,
    pub(super) received_at: DateTime<Utc>,
    pub(super) draft: bool,
    pub(super) flood: Option<u32>,
    pub(super) parent: Option<AppealId>,
}

impl Opening {
    pub(super) fn numbered(self, number: Number) -> Box<Registered> {
        let Self { message, contact, channel, surface, received_at, draft, flood, parent } = self;
        Box::new(Registered { number, message, contact, channel, surface, received_at, draft, flood, parent })
    }
}

/// What was told about a message before it was received.
#[derive(Debug, Default)]
struct Told {
    edits: u32,
    /// The last edit, by its author's time, while the message itself is not there.
    says: Option<(DateTime<Utc>, Content)>,
    withdrawn: bool,
    received: bool,
    /// Our account wrote it: what it does to its own words is no act of a resident.
    ours: bool,
}

impl Told {
    /// Whether what is told of it is its author's act, who is a resident.
    fn is_of_a_resident(&self, fold: &Fold, id: MessageId) -> bool {
        !self.ours && (self.received || fold.appeal_of(id).is_some())
    }
}

/// A message of ours, and how it went out.
#[derive(Debug)]
struct Ours {
    id: MessageId,
    channel: Channel,
    account: String,
    sent_at: DateTime<Utc>,
}

/// The register's memory of the log.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) fold: Fold,
    pub(super) rules: Option<Arc<Ruleset>>,
    /// Each year's numbers, with the last record of its stream.
    pub(super) years: Years,
    pub(super) caught_up: bool,
    known: Known,
    told: HashMap<MessageId, Told>,
    /// The appeals of which messages tell that we mean to send, and the task of those that go to a party.
    meant: HashMap<MessageId, (Option<AppealId>, Option<Task>)>,
    /// What should become of messages of which no record says so yet.
    decided: HashMap<MessageId, Outcome>,
    /// Numbers that messages of ours named, by the message they answer, while that is not there.
    named: HashMap<MessageId, Vec<(MessageId, Number)>>,
    /// What our account wrote past this system under a message that is not there yet.
    under: HashMap<MessageId, Vec<MessageId>>,
    /// Our messages to whoever wrote a message that is not there yet.
    unplaced: HashMap<MessageId, Vec<Ours>>,
    reading: Reading,
    /// Messages of which a record does not read.
    unreadable: HashSet<MessageId>,
    /// Whose each number is that was ever given, by year and serial.
    pub(super) given: Given,
}

impl Session {
    /// Reads what was finished before.
    pub(super) async fn look_back(
        &mut self,
        log: &dyn EventLog,
        head: Position,
        page: usize,
    ) -> Result<(), Error> {
        self.known = Known::read(log, head, page).await?;
        self.unreadable = std::mem::take(&mut self.known.unreadable);
        self.caught_up = head == Position::START;
        Ok(())
    }

    /// From here on every record is news.
    pub(super) fn forget_the_past(&mut self) {
        self.known = Known::default();
        self.caught_up = true;
    }

    /// Takes a record in and adds what it asks for. Says whether it reads.
    ///
    /// # Errors
    ///
    /// [`Error::Overtaken`] when something else became of a message than this fold says.
    pub(super) fn note(&mut self, record: &Recorded, items: &mut Vec<Item>) -> Result<bool, Error> {
        let position = record.position;
        let read = match record.stream.kind() {
            StreamKind::Message => self.note_message(record, items),
            StreamKind::Appeal => self.note_appeal(record, items).map(|()| true),
            // Without all numbers none can be given.
            StreamKind::Number => note_number(&mut self.years, &mut self.given, record)
                .map(|()| Ok(true))
                .map_err(|source| Error::Decode { position, source })?,
            _ => Ok(true),
        };
        let error = match read {
            Ok(true) => return Ok(true),
            Ok(false) => return Err(Error::Overtaken { stream: record.stream.clone() }),
            Err(error) => error,
        };
        warn!(
            %position, stream = %record.stream,
            error = &error as &dyn std::error::Error, "register parks the record at {position}"
        );
        if let Some(message) = record.stream.message() {
            self.unreadable.insert(message);
            self.poison(message, record, items);
        }
        Ok(false)
    }

    /// A message that nobody can read whole is for a person, unless something became of it before.
    fn poison(&self, message: MessageId, record: &Recorded, items: &mut Vec<Item>) {
        let decided = self.told.get(&message).is_some_and(|told| told.received);
        if !decided && !self.known.outcomes.contains_key(&message) {
            items.push(Item { cause: Cause::record(record), what: What::Poison { message } });
        }
    }

    fn note_appeal(
        &mut self,
        record: &Recorded,
        items: &mut Vec<Item>,
    ) -> Result<(), zholdary_log::DecodeError> {
        let Some(id) = record.stream.appeal() else { return Ok(()) };
        for event in record.events::<appeal::Event>()? {
            match event {
                appeal::Event::Registered(registered) => {
                    self.fold.authored(id, registered.contact);
                    self.fold.numbered(registered.number, id);
                }
                appeal::Event::AliasNamed { number } => self.fold.numbered(number, id),
                appeal::Event::Erased { .. } => self.fold.erased(id),
                appeal::Event::Split { children, .. } => {
                    for appeal in children {
                        let what = What::OpenPart { appeal, parent: id };
                        items.push(Item { cause: Cause::record(record), what });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Says whether what became of the message is what should have.
    fn note_message(
        &mut self,
        record: &Recorded,
        items: &mut Vec<Item>,
    ) -> Result<bool, zholdary_log::DecodeError> {
        let Some(id) = record.stream.message() else { return Ok(true) };
        for event in record.events::<message::Event>()? {
            if let Some(outcome) = event.outcome()
                && self.decided.remove(&id).is_some_and(|decided| decided != outcome)
            {
                return Ok(false);
            }
            match event {
                message::Event::Received(received) => self.received(id, &received, record, items),
                message::Event::Edited { content, sent_at } => {
                    let told = self.told.entry(id).or_default();
                    told.edits += 1;
                    if !told.received && told.says.as_ref().is_none_or(|(at, _)| *at <= sent_at) {
                        told.says = Some((sent_at, content));
                    }
                    let version = told.edits + 1;
                    if told.is_of_a_resident(&self.fold, id) {
                        self.edited(id, version, record, items);
                    }
                }
                message::Event::Withdrawn { .. } => {
                    let told = self.told.entry(id).or_default();
                    told.withdrawn = true;
                    if told.is_of_a_resident(&self.fold, id) {
                        self.withdrawn(id, record, items);
                    }
                }
                sent @ message::Event::Sent { .. } => self.sent(id, sent, record, items),
                message::Event::Echoed {
                    channel: Some(channel),
                    surface,
                    account,
                    contact,
                    answers,
                    sent_at,
                    ..
                } => {
                    let way = (channel, account.unwrap_or_default(), surface.unwrap_or(Surface::Private));
                    let ours = Ours { id, channel, account: way.1.clone(), sent_at };
                    self.went_out(ours, contact, None, record, items);
                    self.echoed(id, answers, contact, &way, record, items);
                }
                message::Event::Told { account, contact, news: News::ReadUpTo { until }, at, .. } => {
                    let read = self.reading.up_to(self.fold.person(contact), &account, until, at);
                    items.extend(read.into_iter().map(|message| Item {
                        cause: Cause::record(record),
                        what: What::Read { message, at },
                    }));
                }
                message::Event::Placed { .. }
                | message::Event::SetAside { .. }
                | message::Event::Echoed { .. }
                | message::Event::Told { .. }
                | message::Event::Attempted { .. }
                | message::Event::NotTaken { .. }
                | message::Event::OutcomeUnknown { .. }
                | message::Event::FileKept(_)
                | message::Event::FileMissing { .. }
                | message::Event::WordsMissing { .. }
                | message::Event::Delivery { carries: None, .. } => {}
                message::Event::Queued(out) => {
                    self.meant.insert(id, (out.appeal, out.task));
                }
                // Under that name it is answered, whether or not its stream says so yet.
                message::Event::Taken { message, .. } => self.went_as(message, id),
                message::Event::Delivery { carries: Some(carries), .. } => {
                    self.went_as(id, carries.message);
                }
            }
        }
        Ok(true)
    }

    /// A platform calls `name` what we meant to send as `ours`.
    fn went_as(&mut self, name: MessageId, ours: MessageId) {
        let Some((appeal, task)) = self.meant.get(&ours) else { return };
        self.told.entry(name).or_default().ours = true;
        match (*appeal, task) {
            (Some(appeal), Some(task)) => self.fold.wrote_to_party(name, appeal, task.clone()),
            (Some(appeal), None) => self.fold.sent(name, Belongs::Appeal(appeal)),
            (None, _) => self.fold.sent(name, Belongs::Nowhere),
        }
    }

    fn received(&mut self, id: MessageId, received: &Received, record: &Recorded, items: &mut Vec<Item>) {
        self.fold.heard(received);
        let told = self.told.entry(id).or_default();
        told.received = true;
        let (edits, withdrawn) = (told.edits, told.withdrawn);
        // What was edited before it came is what it says.
        let edited = told.says.take().map(|(_, content)| Received { content, ..received.clone() });
        let received = edited.as_ref().unwrap_or(received);
        let known = self.known.outcomes.get(&id).copied();
        if known.is_none() && self.unreadable.contains(&id) {
            items.push(Item { cause: Cause::record(record), what: What::Poison { message: id } });
            return;
        }
        let limits = self.rules.as_ref().map(|rules| rules.city.flood).unwrap_or_default();
        let outcome = known.unwrap_or_else(|| self.fold.bounded(&limits, id, received, record.recorded_at));
        self.fold.settled(id, received, &outcome);
        let cause = Cause::record(record);
        if known.is_none() {
            self.decided.insert(id, outcome);
            let contact = received.contact;
            items.push(Item { cause, what: What::Settle { contact, message: id, outcome } });
        }
        if let Outcome::Placed { appeal, opens, found } = outcome {
            let what = self.second_half(id, received, record, appeal, opens.then_some(found));
            items.push(Item { cause, what });
            let fixed = received.content.button.as_ref().and_then(|button| says_fixed(&button.id));
            if let Some(fixed) = fixed {
                let command = appeal::Command::Rate { fixed, message: Some(id) };
                items.push(Item { cause, what: wish(appeal, Some(id), command, "rated") });
            }
        }
        let answers = |letter: &message::Letter| letter.automatic.is_none();
        if let Some((appeal, task)) = self.fold.task_of(received)
            && received.letter.as_deref().is_some_and(answers)
        {
            let command = appeal::Command::NotePartyAnswered { task: task.clone(), message: id };
            items.push(Item { cause, what: wish(*appeal, Some(id), command, "party answered") });
        }
        // What was told before the message itself.
        for (ours, number) in self.named.remove(&id).unwrap_or_default() {
            self.alias(ours, number, record, items);
        }
        for ours in self.under.remove(&id).unwrap_or_default() {
            if let Some(appeal) = self.fold.appeal_of(id) {
                self.outside(ours, appeal, received.contact, record, items);
            }
        }
        for ours in self.unplaced.remove(&id).unwrap_or_default() {
            self.went_out(ours, Some(received.contact), None, record, items);
        }
        for version in 2..edits + 2 {
            self.edited(id, version, record, items);
        }
        if withdrawn {
            self.withdrawn(id, record, items);
        }
    }

    fn second_half(
        &self,
        id: MessageId,
        received: &Received,
        record: &Recorded,
        appeal: AppealId,
        opens: Option<Found>,
    ) -> What {
        if let Some(found) = opens {
            let opening = Opening {
                message: Some(id),
                contact: received.contact,
                channel: received.channel,
                surface: received.surface,
                received_at: record.recorded_at,
                draft: is_draft(&received.content),
                flood: (found == Found::Flood).then(|| self.fold.of_the_hour(received)),
                parent: None,
            };
            return What::Open { appeal, opening: Box::new(opening) };
        }
        let author = self.fold.is_author(appeal, received.contact);
        let command = appeal::Command::AddMessage {
            message: id,
            contact: (!author).then_some(received.contact),
            says: received.content.has_words(),
        };
        wish(appeal, Some(id), command, "added")
    }

    fn edited(&self, id: MessageId, version: u32, record: &Recorded, items: &mut Vec<Item>) {
        let Some(appeal) = self.fold.appeal_of(id) else { return };
        let command = appeal::Command::EditMessage { message: id, version };
        let what = wish(appeal, Some(id), command, &format!("edited/{version}"));
        items.push(Item { cause: Cause::record(record), what });
    }

    fn withdrawn(&self, id: MessageId, record: &Recorded, items: &mut Vec<Item>) {
        let Some(appeal) = self.fold.appeal_of(id) else { return };
        let what = wish(appeal, Some(id), appeal::Command::WithdrawMessage { message: id }, "withdrawn");
        items.push(Item { cause: Cause::record(record), what });
    }

    /// Whether what an item claims is free: a number that names another appeal already stays with that one.
    pub(super) fn is_free(&self, item: &Item, rules: &Ruleset) -> bool {
        let (number, appeal) = match &item.what {
            What::OpenKnown { number, appeal, .. }
            | What::Appeal { appeal, command: appeal::Command::NameAlias { number }, .. } => {
                (number, *appeal)
            }
            _ => return true,
        };
        let given = rules.city.meta.number_format.parts(number).and_then(|parts| self.given.get(&parts));
        let taken = self.fold.is_taken(number, appeal) || given.is_some_and(|given| *given != appeal);
        if taken {
            warn!(appeal.id = %appeal, %number, "{number} names another appeal already: it stays with that one");
        }
        !taken
    }

    /// Our own message: it belongs to an appeal, and may name a number of an earlier system.
    fn sent(&mut self, id: MessageId, sent: message::Event, record: &Recorded, items: &mut Vec<Item>) {
        let message::Event::Sent {
            channel,
            account,
            answers,
            appeal,
            number,
            contact,
            sent_at,
            of,
            task,
            ..
        } = sent
        else {
            return;
        };
        self.told.entry(id).or_default().ours = true;
        if let (Some(task), Some(appeal)) = (task, appeal) {
            self.fold.wrote_to_party(id, appeal, task);
            return;
        }
        let belongs = match (appeal, answers, &number) {
            (Some(appeal), _, _) => Some(Belongs::Appeal(appeal)),
            (None, Some(answers), _) => Some(Belongs::Answers(answers)),
            (None, None, Some(number)) => Some(Belongs::Appeal(AppealId::known_as(number))),
            (None, None, None) => of.map(|_| Belongs::Nowhere),
        };
        if let Some(belongs) = belongs {
            self.fold.sent(id, belongs);
        }
        self.went_out(Ours { id, channel, account, sent_at }, contact, answers, record, items);
        let Some(number) = number else { return };
        match (appeal, answers) {
            (None, Some(answered)) if self.fold.appeal_of(id).is_none() => {
                self.named.entry(answered).or_default().push((id, number));
            }
            (Some(_), _) | (None, Some(_)) => self.alias(id, number, record, items),
            (None, None) => {
                let Some(contact) = contact else { return };
                let opening = Opening {
                    message: None,
                    contact,
                    channel,
                    surface: known_surface(channel),
                    received_at: sent_at.min(record.recorded_at),
                    draft: false,
                    flood: None,
                    parent: None,
                };
                let appeal = AppealId::known_as(&number);
                let what = What::OpenKnown { appeal, number, opening: Box::new(opening) };
                items.push(Item { cause: Cause::record(record), what });
            }
        }
    }

    /// A message of ours went to a person, who will be said to have read everything up to some time: to the one named, else to
    /// the author of its appeal.
    fn went_out(
        &mut self,
        ours: Ours,
        contact: Option<ContactId>,
        answers: Option<MessageId>,
        record: &Recorded,
        items: &mut Vec<Item>,
    ) {
        // Messenger alone tells it so; the others name each message.
        if ours.channel != Channel::Facebook {
            return;
        }
        let author = || self.fold.appeal_of(ours.id).and_then(|appeal| self.fold.author(appeal));
        match (contact.or_else(author), answers) {
            (Some(contact), _) => {
                let person = self.fold.person(contact);
                if let Some(at) = self.reading.sent(person, &ours.account, ours.id, ours.sent_at) {
                    let what = What::Read { message: ours.id, at };
                    items.push(Item { cause: Cause::record(record), what });
                }
            }
            (None, Some(answered)) => self.unplaced.entry(answered).or_default().push(ours),
            (None, None) => {}
        }
    }

    /// Our account wrote something past this system: it stands in the appeal whose conversation it goes on.
    fn echoed(
        &mut self,
        id: MessageId,
        answers: Option<MessageId>,
        to: Option<ContactId>,
        (channel, account, surface): &(Channel, String, Surface),
        record: &Recorded,
        items: &mut Vec<Item>,
    ) {
        self.told.entry(id).or_default().ours = true;
        if self.fold.appeal_of(id).is_some() || self.fold.is_nowhere(id) {
            return;
        }
        // What was decided of it stands: this register may know more of the conversation by now.
        if let Some(Outcome::Placed { appeal, .. }) = self.known.outcomes.get(&id) {
            self.fold.wrote_outside(id, *appeal);
            return;
        }
        let appeal = self.fold.outside(answers, to, *channel, account, *surface);
        match (appeal, answers) {
            (Some(appeal), _) => {
                let Some(person) = to.or_else(|| self.fold.author(appeal)) else { return };
                self.outside(id, appeal, person, record, items);
            }
            (None, Some(answered)) => self.under.entry(answered).or_default().push(id),
            (None, None) => {}
        }
    }

    fn outside(
        &mut self,
        id: MessageId,
        appeal: AppealId,
        contact: ContactId,
        record: &Recorded,
        items: &mut Vec<Item>,
    ) {
        // We said meanwhile where it belongs, or it was decided.
        if self.fold.appeal_of(id).is_some()
            || self.fold.is_nowhere(id)
            || self.known.outcomes.contains_key(&id)
        {
            return;
        }
        self.fold.wrote_outside(id, appeal);
        let outcome = Outcome::Placed { appeal, opens: false, found: Found::Outside };
        self.decided.insert(id, outcome);
        let what = What::Settle { contact, message: id, outcome };
        items.push(Item { cause: Cause::record(record), what });
    }

    /// The appeal of a message of ours is known under the number that the message names.
    fn alias(&self, ours: MessageId, number: Number, record: &Recorded, items: &mut Vec<Item>) {
        let Some(appeal) = self.fold.appeal_of(ours) else { return };
        let purpose = format!("alias/{number}");
        let what = wish(appeal, Some(ours), appeal::Command::NameAlias { number }, &purpose);
        items.push(Item { cause: Cause::record(record), what });
    }
}

fn wish(appeal: AppealId, message: Option<MessageId>, command: appeal::Command, purpose: &str) -> What {
    What::Appeal { appeal, message, command, purpose: purpose.to_owned() }
}

/// Nothing to understand yet.
fn is_draft(content: &Content) -> bool {
    !content.has_words()
}

/// `fixed:yes` and `fixed:no`, with or without a number.
fn says_fixed(button: &str) -> Option<bool> {
    let mut parts = button.split(':');
    match (parts.next(), parts.next()) {
        (Some("fixed"), Some("yes")) => Some(true),
        (Some("fixed"), Some("no")) => Some(false),
        _ => None,
    }
}

const fn known_surface(channel: Channel) -> Surface {
    match channel {
        Channel::Email => Surface::Mail,
        Channel::Web | Channel::Open311 => Surface::Form,
        Channel::Meeting | Channel::Phone => Surface::Spoken,
        Channel::Whatsapp | Channel::Instagram | Channel::Facebook | Channel::Telegram => Surface::Private,
    }
}
