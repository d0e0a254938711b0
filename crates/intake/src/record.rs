//! One element into the stream of its message.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use zholdary_domain::{
    CommandId, ContactId, IdKey, Inbound, MessageId, Personal, StreamId,
    inbound::{Channel, InboundEcho, InboundMessage, InboundNews, InboundSent, Letter},
    message::{self, Carries, Command, Event, Received, Refusal, command_id},
};
use zholdary_log::{AppendError, Cause, Decider, DeciderError, Expect, Handled, streams::Messages};

use crate::ids::{self, message_id};

/// What became of one element that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// A message of a resident, or word of changed keys.
    Message {
        id: MessageId,
        /// Whether a resident wrote it.
        written: bool,
        handled: Handled,
    },
    /// Something about a message, or a message of ours.
    Told(Handled),
}

/// What a record is made with.
pub(crate) struct Recorder {
    pub(crate) decider: Decider<Messages>,
    pub(crate) key: IdKey,
    pub(crate) ahead: TimeDelta,
}

impl Recorder {
    /// The keys of the lanes that `element` must run in: its people and its message.
    pub(crate) fn lane(&self, element: &Inbound) -> Vec<uuid::Uuid> {
        match element {
            Inbound::Message(message) => {
                let id = message_id(&self.key, &message.id);
                let (contact, aliases) = self.contacts(message, id);
                aliases.into_iter().chain([contact]).map(Into::into).chain([id.into()]).collect()
            }
            Inbound::Edited { of, .. } | Inbound::Withdrawn { of, .. } | Inbound::Delivery { of, .. } => {
                vec![message_id(&self.key, of).into()]
            }
            Inbound::Sent(sent) => vec![message_id(&self.key, &sent.id).into()],
            Inbound::Echoed(echo) => vec![message_id(&self.key, &echo.id).into()],
            Inbound::News(news) => vec![message_id(&self.key, &news.id).into()],
            Inbound::Nothing { .. } | Inbound::Kept { .. } => vec![],
        }
    }

    /// Records `element`, parsed from the body called `raw`; `now` is the clock's time. Nothing for what leads to no record.
    pub(crate) async fn record(
        &self,
        element: Inbound,
        raw: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Recorded>, DeciderError<Refusal>> {
        let told = match element {
            Inbound::Message(message) => return self.receive(*message, raw, now).await.map(Some),
            Inbound::Edited { of, edit, content, sent_at } => {
                let id = message_id(&self.key, &of);
                let command = Command::Edit { content, sent_at: self.sane(sent_at, now) };
                self.tell(id, command_id::edited(id, edit.reveal()), command).await?
            }
            Inbound::Withdrawn { of, sent_at } => {
                let id = message_id(&self.key, &of);
                let command = Command::Withdraw { sent_at: self.sane(sent_at, now) };
                self.tell(id, command_id::withdrawn(id), command).await?
            }
            Inbound::Delivery { of, state, at, error, carries } => {
                let id = message_id(&self.key, &of);
                let carries = carries.map(|message| Carries { message, external_id: of.external_id });
                let command = Command::Deliver { state, at: self.sane(at, now), error, carries };
                // Named by the time as told: the platform's repetition tells the same.
                self.tell(id, command_id::delivery(id, state, at), command).await?
            }
            Inbound::Sent(sent) => {
                let id = message_id(&self.key, &sent.id);
                let command = Command::RecordSent(Box::new(self.sent(*sent, now)));
                self.tell(id, command_id::sent(id), command).await?
            }
            Inbound::Echoed(echo) => {
                let id = message_id(&self.key, &echo.id);
                let command = Command::Echo(Box::new(self.echoed(*echo, now)));
                self.tell(id, command_id::echoed(id), command).await?
            }
            Inbound::News(news) => {
                let id = message_id(&self.key, &news.id);
                let command = Command::Tell(Box::new(self.told(*news, now)));
                self.tell(id, command_id::told(id), command).await?
            }
            Inbound::Nothing { .. } | Inbound::Kept { .. } => return Ok(None),
        };
        Ok(Some(Recorded::Told(told)))
    }

    async fn receive(
        &self,
        message: InboundMessage,
        raw: &str,
        now: DateTime<Utc>,
    ) -> Result<Recorded, DeciderError<Refusal>> {
        let id = message_id(&self.key, &message.id);
        let written = message.new_keys.is_empty();
        let stream = StreamId::from(id);
        let command = command_id::received(id);
        let received = Event::Received(Box::new(self.received(message, id, raw, now)));
        // Nearly every message is new: one append and no read.
        let first = self
            .decider
            .handle_expecting(
                &stream,
                command,
                Cause::OUTSIDE,
                Expect::NoStream,
                std::slice::from_ref(&received),
            )
            .await;
        let handled = match first {
            Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {
                // The stream exists: a redelivery, or something about the message came before it. `decide` knows which.
                let Event::Received(received) = received else { unreachable!("made above") };
                self.tell(id, command, Command::Receive(received)).await?
            }
            other => other.map_err(refused)?,
        };
        Ok(Recorded::Message { id, written, handled })
    }

    async fn tell(
        &self,
        id: MessageId,
        command_id: CommandId,
        command: Command,
    ) -> Result<Handled, DeciderError<Refusal>> {
        let decide = |state: &message::Message, _| message::decide(state, command.clone());
        self.decider.handle(&id.into(), command_id, Cause::OUTSIDE, decide).await
    }

    fn received(&self, message: InboundMessage, id: MessageId, raw: &str, now: DateTime<Utc>) -> Received {
        let (contact, aliases) = self.contacts(&message, id);
        let keys_changed = !message.new_keys.is_empty();
        let sender = message.sender.unwrap_or_default();
        // A person who changed keys is reached under the new ones.
        let new_phone = message.new_keys.iter().find(|key| key.reveal().starts_with('+')).cloned();
        let address = message.new_keys.into_iter().next().or_else(|| sender.keys.into_iter().next());
        let channel = message.id.channel;
        let named = |of: &Personal<String>| ids::named(&self.key, channel, &message.id.account, of.reveal());
        let letter = message.letter.map(|letter| {
            let references = letter.references.iter().map(named).collect();
            let Letter { tag, automatic, unverified, .. } = *letter;
            Box::new(message::Letter { references, tag, automatic, unverified })
        });
        Received {
            channel,
            surface: message.surface,
            contact,
            aliases,
            name: sender.name,
            phone: new_phone.or(sender.phone),
            address,
            content: message.content,
            reply_to: message.reply_to.as_ref().map(named),
            album: message.album.map(|album| {
                ids::named(&self.key, channel, &message.id.account, &format!("album/{}", album.reveal()))
            }),
            letter,
            account: message.id.account,
            external_id: message.id.external_id,
            join: message.join,
            sent_at: self.sane(message.sent_at, now),
            raw: Some(raw.to_owned()),
            keys_changed,
        }
    }

    /// The contact of a message and its other keys.
    fn contacts(&self, message: &InboundMessage, id: MessageId) -> (ContactId, Vec<ContactId>) {
        let channel = message.id.channel;
        let keys = message.sender.iter().flat_map(|sender| &sender.keys).chain(&message.new_keys);
        let contacts = keys.map(|key| ids::contact_id(&self.key, channel, key.reveal()));
        let mut contacts = contacts.chain(self.by_phone(message));
        let contact = contacts.next().unwrap_or_else(|| ids::nobody(&self.key, channel, id));
        let mut aliases: Vec<ContactId> = Vec::new();
        for alias in contacts {
            if alias != contact && !aliases.contains(&alias) {
                aliases.push(alias);
            }
        }
        (contact, aliases)
    }

    /// The person behind a phone that is surely theirs: as WhatsApp tells it, or an operator heard it. What a form says of a phone
    /// proves nothing, and joins nobody.
    fn by_phone(&self, message: &InboundMessage) -> Option<ContactId> {
        let is_sure = matches!(message.id.channel, Channel::Whatsapp | Channel::Meeting | Channel::Phone);
        let new = message.new_keys.iter().find(|key| key.reveal().starts_with('+'));
        let phone = new.or(message.sender.as_ref().and_then(|sender| sender.phone.as_ref()))?;
        is_sure.then(|| ids::contact_id(&self.key, Channel::Phone, phone.reveal()))
    }

    fn sent(&self, sent: InboundSent, now: DateTime<Utc>) -> Event {
        let channel = sent.id.channel;
        Event::Sent {
            channel,
            answers: sent
                .answers
                .map(|answers| ids::named(&self.key, channel, &sent.id.account, answers.reveal())),
            appeal: None,
            number: sent.number,
            contact: sent.contact.map(|contact| ids::contact_id(&self.key, channel, contact.reveal())),
            sent_at: self.sane(sent.sent_at, now),
            account: sent.id.account,
            external_id: sent.id.external_id,
            of: None,
            task: None,
        }
    }

    fn echoed(&self, echo: InboundEcho, now: DateTime<Utc>) -> Event {
        let channel = echo.id.channel;
        let answers = echo.answers.map(|of| ids::named(&self.key, channel, &echo.id.account, of.reveal()));
        Event::Echoed {
            sent_at: self.sane(echo.sent_at, now),
            content: echo.content,
            channel: Some(channel),
            surface: Some(echo.surface),
            contact: echo.to.map(|to| ids::contact_id(&self.key, channel, to.reveal())),
            answers,
            account: Some(echo.id.account),
        }
    }

    fn told(&self, news: InboundNews, now: DateTime<Utc>) -> Event {
        let channel = news.id.channel;
        Event::Told {
            channel,
            surface: news.surface,
            contact: ids::contact_id(&self.key, channel, news.of.reveal()),
            account: news.id.account,
            news: news.news,
            at: self.sane(news.at, now),
        }
    }

    /// A time that lies too far ahead is the clock's.
    fn sane(&self, told: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let latest = now.checked_add_signed(self.ahead).unwrap_or(now);
        if told > latest { now } else { told.trunc_subsecs(3) }
    }
}

/// Nothing is decided where nothing can refuse; the same failure for callers who know of refusals.
pub(crate) fn refused(error: DeciderError) -> DeciderError<Refusal> {
    match error {
        DeciderError::Refused(never) => match never {},
        DeciderError::Contended { stream, attempts } => DeciderError::Contended { stream, attempts },
        DeciderError::Load { stream, source } => DeciderError::Load { stream, source },
        DeciderError::Decode { stream, source } => DeciderError::Decode { stream, source },
        DeciderError::Encode { stream, source } => DeciderError::Encode { stream, source },
        DeciderError::Append { stream, source } => DeciderError::Append { stream, source },
    }
}
