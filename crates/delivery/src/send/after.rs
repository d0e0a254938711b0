//! What is noted beside the calls: what an appeal must hear of a message, under which name a platform knows it, what goes in its
//! place. Each of these may be noted again, and then changes nothing.

use chrono::TimeDelta;
use zholdary_channels::outbound;
use zholdary_domain::{
    CommandId, MessageId, StreamId, appeal,
    inbound::Channel,
    message::{self, Event, command_id},
    outgoing::{Outgoing, Sending, Standing},
};
use zholdary_log::{Cause, DeciderError};
use zholdary_routing::Error;

use super::{
    Ended, Inner, Name, PAUSE,
    fold::{Adoption, Half, Next},
    later,
};
use crate::{
    metrics::{TAKEN, UNKNOWN},
    record,
};

/// What is to be noted of a message.
pub(super) enum Note {
    /// Its attempt has no outcome.
    Lost { channel: Channel, cause: Cause },
    /// Its platform says that it has it.
    Adopted(Box<Adoption>),
    /// What its appeal must hear, and what goes in its place.
    Heard(Box<Half>),
}

impl Inner {
    pub(super) async fn note(&self, id: MessageId, note: Note) -> Ended {
        let noted = match &note {
            Note::Lost { channel, cause } => {
                let lost = Event::OutcomeUnknown { at: self.parts.clock.now() };
                self.conclude(id, *cause, *channel, UNKNOWN, lost).await.map(Ended::At)
            }
            Note::Adopted(adoption) => self.adopt(id, adoption).await,
            Note::Heard(half) => self.tell(id, half).await.map(|()| Ended::Told(half.clone())),
        };
        match (noted, note) {
            (Ok(ended), _) => ended,
            (Err(error), note) => {
                tracing::error!(
                    message.id = %id, error = &error as &dyn std::error::Error,
                    "what came of a message is not recorded whole"
                );
                tokio::time::sleep(PAUSE).await;
                match note {
                    // What one stream's records say does not change: nobody asks again and again.
                    Note::Heard(half) if error.is_of_one_stream() => Ended::Told(half),
                    _ => Ended::At(None),
                }
            }
        }
    }

    /// The platform has it under this name, whatever we made of its answer.
    async fn adopt(&self, id: MessageId, adoption: &Adoption) -> Result<Ended, Error> {
        let Adoption { name, external_id, channel, at, cause } = adoption.clone();
        let taken = Event::Taken { message: name, external_id: external_id.clone(), at };
        self.conclude(id, cause, channel, TAKEN, taken).await?;
        if let Some(Sending { what: out, .. }) = self.messages.load(&StreamId::from(id)).await?.state.sending
        {
            // An earlier attempt may have gone under another name: both are ours.
            self.name(id, cause, &out, &Name { message: name, external_id, at }).await?;
        }
        Ok(Ended::Named(name))
    }

    async fn tell(&self, id: MessageId, half: &Half) -> Result<(), Error> {
        let was_taken = half.told.is_ok() || half.is_late;
        if (was_taken || half.next.is_some())
            && let Err(error) = self.name_and_follow(id, half, was_taken).await
        {
            // A name that cannot be recorded keeps nobody from hearing that it was told.
            if !error.is_of_one_stream() {
                return Err(error);
            }
            tracing::error!(
                message.id = %id, error = &error as &dyn std::error::Error,
                "what came of a message is not recorded whole"
            );
        }
        let Some(appeal) = half.appeal.filter(|_| half.is_heard) else { return Ok(()) };
        let what = half.what.clone();
        let purpose = match half.told {
            Ok(()) => "told",
            Err(_) if half.is_late => "failed",
            Err(_) => "not_told",
        };
        let why = half.told.err().map(str::to_owned);
        let command = match (why, half.task.clone()) {
            (None, None) => appeal::Command::NoteTold { message: id, what },
            (None, Some(task)) => appeal::Command::NotePartyTold { task, message: id, what },
            (Some(why), None) => appeal::Command::NoteNotTold { what, why, message: Some(id) },
            (Some(why), Some(task)) => {
                appeal::Command::NotePartyNotTold { task, what, why, message: Some(id) }
            }
        };
        let id = CommandId::of(id, purpose);
        match record::note(&self.appeals, appeal, id, half.cause, command).await {
            Ok(is_new) => {
                if let Err(why) = half.told
                    && half.is_late
                    && is_new
                {
                    self.metrics.failed(half.channel, why);
                }
                Ok(())
            }
            Err(error) if error.is_of_one_stream() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn name_and_follow(&self, id: MessageId, half: &Half, was_taken: bool) -> Result<(), Error> {
        let stream = self.messages.load(&StreamId::from(id)).await?;
        let Some(Sending { what: out, standing, .. }) = stream.state.sending else { return Ok(()) };
        if was_taken && let Standing::Taken { .. } = standing {
            for name in self.names(id).await? {
                self.name(id, half.cause, &out, &name).await?;
            }
        }
        let fresh = later(half.at, TimeDelta::hours(self.settings.stale_hours.into()));
        match &half.next {
            // What ended long ago is no news to anybody.
            Some(next) if self.parts.clock.now() < fresh => self.follow(id, half.cause, *out, next).await,
            _ => Ok(()),
        }
    }

    async fn names(&self, id: MessageId) -> Result<Vec<Name>, Error> {
        let mut names = Vec::new();
        for record in self.parts.log.load(&StreamId::from(id)).await?.records() {
            let events: Vec<Event> =
                record.events().map_err(|source| Error::Decode { position: record.position, source })?;
            names.extend(events.into_iter().filter_map(|event| match event {
                Event::Taken { message, external_id, at } => Some(Name { message, external_id, at }),
                _ => None,
            }));
        }
        Ok(names)
    }

    /// What the platform calls ours has a stream of that name: echoes, states and answers find it there.
    pub(super) async fn name(
        &self,
        id: MessageId,
        cause: Cause,
        out: &Outgoing,
        name: &Name,
    ) -> Result<(), Error> {
        let sent = Event::Sent {
            channel: out.channel,
            account: out.account.clone(),
            external_id: name.external_id.clone(),
            answers: None,
            appeal: out.appeal,
            number: None,
            contact: out.task.is_none().then_some(out.contact),
            sent_at: name.at,
            of: Some(id),
            task: out.task.clone(),
        };
        let message = name.message;
        let named = self
            .messages
            .handle(&StreamId::from(message), command_id::sent(message), cause, |state, _| {
                message::decide(state, message::Command::RecordSent(Box::new(sent.clone())))
            })
            .await;
        match named {
            Ok(_) | Err(DeciderError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The same in another form, or on another channel: once for each reason.
    async fn follow(&self, id: MessageId, cause: Cause, out: Outgoing, next: &Next) -> Result<(), Error> {
        let from = out.channel;
        let follow_ups = match next {
            Next::Registered => vec![(id.instead("window"), Outgoing { instead_of: Some(id), ..out })],
            Next::Elsewhere(channel, address) => {
                let parts = outbound::parts(*channel, address.surface, out.text.reveal());
                let last = parts.len().saturating_sub(1);
                let named = |nth: usize| match last - nth {
                    0 => id.instead(channel.code()),
                    left => id.instead(&format!("{}/{left}", channel.code())),
                };
                let part = |(nth, text): (usize, String)| {
                    let elsewhere = Outgoing {
                        contact: address.contact,
                        channel: *channel,
                        surface: address.surface,
                        account: address.account.clone(),
                        to: address.to.clone(),
                        answers: None,
                        text: text.into(),
                        buttons: if nth == last { out.buttons.clone() } else { vec![] },
                        instead: out.instead.clone().filter(|_| nth == 0),
                        follows: nth.checked_sub(1).map(named),
                        instead_of: Some(id),
                        ..out.clone()
                    };
                    (named(nth), elsewhere)
                };
                parts.into_iter().enumerate().map(part).collect()
            }
        };
        let last = follow_ups.len().saturating_sub(1);
        for (nth, (new, elsewhere)) in follow_ups.into_iter().enumerate() {
            // A text that goes in parts is one.
            if record::queue(&self.messages, new, cause, elsewhere).await? && nth == last {
                self.metrics.went_instead(from, next.code());
            }
        }
        Ok(())
    }
}
