//! Appends what a chunk asks for, in three steps.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use zholdary_city::City;
use zholdary_domain::{
    AppealId, CommandId, ContactId, MessageId, Number, StreamId, appeal,
    inbound::DeliveryState,
    message::{self, Outcome, SetAside, command_id},
    number,
};
use zholdary_log::{AppendError, Causation, Cause, DeciderError, Expect, Recorded};

use super::{
    Register,
    session::{Item, Opening, Session, What, registered},
};
use crate::{Error, Ruleset, lanes};

impl Register {
    /// Appends everything a chunk asks for. When it returns well, all of it is acknowledged; when not, the same chunk may be asked
    /// for again.
    pub(super) async fn execute(
        &self,
        session: &mut Session,
        rules: &Ruleset,
        items: Vec<Item>,
    ) -> Result<(), Error> {
        let (mut settle, mut rest) = (Vec::new(), Vec::new());
        for item in items {
            match item.what {
                // Whose it is the whole chunk tells: two contacts that become one person in it have one lane.
                What::Settle { contact, message, outcome } => {
                    settle.push((session.fold.person(contact), (item.cause, message, outcome)));
                }
                _ if session.is_free(&item, rules) => rest.push(item),
                _ => {}
            }
        }
        self.settle(settle).await?;
        let rest = self.opened_parts(rest).await?;
        let numbers = self.give_numbers(session, &rules.city, &rest).await?;
        self.appeals(rest, &numbers).await
    }

    /// Step 1: «placed» and «set aside», one person's messages one after another.
    async fn settle(&self, items: Vec<(ContactId, (Cause, MessageId, Outcome))>) -> Result<(), Error> {
        lanes::run(items, self.parts.config.lanes, |(cause, message, outcome)| async move {
            let stream = StreamId::from(message);
            let settled = self
                .messages
                .handle(&stream, command_id::settled(message), cause, |state, _| {
                    message::decide(state, message::Command::Settle(outcome))
                })
                .await;
            match settled {
                Ok(handled) if handled.new => Ok(()),
                // All registers settle under one command id: what stands there may be another's decision. Adopt it.
                Ok(_) => match self.messages.load(&stream).await?.state.outcome {
                    Some(stands) if stands == outcome => Ok(()),
                    _ => Err(Error::Overtaken { stream }),
                },
                Err(DeciderError::Refused(message::Refusal::Settled(_)) | DeciderError::Decode { .. }) => {
                    Err(Error::Overtaken { stream })
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    /// A part that was split off begins as its parent did.
    async fn opened_parts(&self, items: Vec<Item>) -> Result<Vec<Item>, Error> {
        let mut opened = Vec::with_capacity(items.len());
        for item in items {
            let What::OpenPart { appeal, parent } = item.what else {
                opened.push(item);
                continue;
            };
            let loaded = match self.appeals.load(&StreamId::from(parent)).await {
                Ok(loaded) => loaded,
                Err(error) if error.is_of_one_stream() => {
                    self.park(parent, item.cause, &error.into());
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(registered) = loaded.state.registered {
                let opening = Opening {
                    message: None,
                    contact: registered.contact,
                    channel: registered.channel,
                    surface: registered.surface,
                    received_at: registered.received_at,
                    draft: false,
                    flood: None,
                    parent: Some(parent),
                };
                opened.push(Item {
                    cause: item.cause,
                    what: What::Open { appeal, opening: Box::new(opening) },
                });
            }
        }
        Ok(opened)
    }

    /// Step 2: one record of numbers a year. The record before it is finished: every appeal in it is registered, or stands
    /// in this chunk and keeps the number it was given.
    async fn give_numbers(
        &self,
        session: &mut Session,
        city: &City,
        items: &[Item],
    ) -> Result<HashMap<AppealId, Number>, Error> {
        let mut wanted: BTreeMap<i32, Vec<AppealId>> = BTreeMap::new();
        let mut taken: BTreeMap<i32, u32> = BTreeMap::new();
        for item in items {
            match &item.what {
                What::Open { appeal, opening } => {
                    let year = city.calendar.local_year(opening.received_at);
                    wanted.entry(year).or_default().push(*appeal);
                }
                What::OpenKnown { number, .. }
                | What::Appeal { command: appeal::Command::NameAlias { number }, .. } => {
                    if let Some((year, serial)) = city.meta.number_format.parts(number) {
                        let most = taken.entry(year).or_default();
                        *most = serial.max(*most);
                    }
                }
                _ => {}
            }
        }
        for (year, serial) in taken {
            let (known, _) = session.years.entry(year).or_default();
            if let Some(event) = known.jump(serial) {
                // The batch before it must stay in sight until it is finished: a jump gives nothing, so it may come first.
                let command = CommandId::named("number jump", &format!("{year}/{serial}"));
                self.append_numbers(session, year, command, event).await?;
            }
        }
        let mut numbers = HashMap::new();
        for (year, appeals) in wanted {
            let (known, _) = session.years.entry(year).or_default();
            for appeal in &appeals {
                if let Some(serial) = known.last_batch.get(appeal) {
                    numbers.insert(*appeal, city.meta.number_format.number(year, *serial));
                }
            }
            let Some(event) = known.give(&appeals) else { continue };
            if let number::Event::Given { given, .. } = &event {
                for (appeal, serial) in given {
                    numbers.insert(*appeal, city.meta.number_format.number(year, *serial));
                }
                let first = given.first().map(|(appeal, _)| *appeal);
                let Some(first) = first else { continue };
                // Unfinished appeals of the batch before this one must be registered first.
                self.finish_batch(items, &numbers, &known.last_batch.clone()).await?;
                let taken: Vec<_> = given.iter().map(|(appeal, serial)| ((year, *serial), *appeal)).collect();
                self.append_numbers(session, year, CommandId::of(first, "numbered"), event).await?;
                session.given.extend(taken);
            }
        }
        Ok(numbers)
    }

    /// Registers what the last batch numbered and a crash left unregistered.
    async fn finish_batch(
        &self,
        items: &[Item],
        numbers: &HashMap<AppealId, Number>,
        batch: &BTreeMap<AppealId, u32>,
    ) -> Result<(), Error> {
        for item in items {
            if let What::Open { appeal, opening } = &item.what
                && batch.contains_key(appeal)
                && let Some(number) = numbers.get(appeal)
            {
                let registered = (**opening).clone().numbered(number.clone());
                self.register(item.cause, *appeal, appeal::Command::Register(registered)).await?;
            }
        }
        Ok(())
    }

    async fn append_numbers(
        &self,
        session: &mut Session,
        year: i32,
        command: CommandId,
        event: number::Event,
    ) -> Result<(), Error> {
        let (known, token) = session.years.entry(year).or_default();
        let stream = StreamId::numbers(year);
        let events = [event];
        let appended = self
            .numbers
            .handle_expecting(&stream, command, Cause::OUTSIDE, Expect::after(*token), &events)
            .await;
        match appended {
            Ok(handled) if handled.new => {
                known.evolve(&events[0]);
                *token = handled.token;
                Ok(())
            }
            Ok(_) => {
                // Recorded before: by us, who did not hear of it, or by another register that decided the same. Else our fold has not
                // passed what stands there.
                let last = self.numbers.log().last(&stream).await?;
                let is_this = |last: &&Recorded| {
                    last.command_id == command
                        && last.prev.map(|prev| prev.position) == token.map(|token| token.position)
                        && last.events::<number::Event>().is_ok_and(|stands| stands == events)
                };
                let Some(last) = last.as_ref().filter(is_this) else {
                    return Err(Error::Overtaken { stream });
                };
                known.evolve(&events[0]);
                *token = Some(last.token());
                Ok(())
            }
            Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {
                Err(Error::Overtaken { stream })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Step 3: what happens in appeals, in order within each.
    async fn appeals(&self, items: Vec<Item>, numbers: &HashMap<AppealId, Number>) -> Result<(), Error> {
        let by_appeal = items.into_iter().map(|item| {
            let lane = match &item.what {
                What::Open { appeal, .. }
                | What::OpenPart { appeal, .. }
                | What::OpenKnown { appeal, .. }
                | What::Appeal { appeal, .. } => appeal.uuid(),
                What::Settle { message, .. } | What::Poison { message } | What::Read { message, .. } => {
                    message.uuid()
                }
            };
            (lane, item)
        });
        lanes::run(by_appeal, self.parts.config.lanes, |Item { cause, what }| async move {
            let id = what.command();
            match what {
                What::Open { appeal, opening } => {
                    let Some(number) = numbers.get(&appeal).cloned() else {
                        return Err(Error::Overtaken { stream: appeal.into() });
                    };
                    let registered = opening.numbered(number);
                    self.register(cause, appeal, appeal::Command::Register(registered)).await
                }
                What::OpenKnown { appeal, number, opening } => {
                    let registered = opening.numbered(number);
                    self.register(cause, appeal, appeal::Command::Register(registered)).await
                }
                What::Appeal { appeal, command, .. } => self.wish(cause, appeal, id, command).await,
                What::Poison { message } => self.poison(cause, message).await,
                What::Read { message, at } => self.read(cause, id, message, at).await,
                What::Settle { .. } | What::OpenPart { .. } => Ok(()),
            }
        })
        .await
    }

    /// An appeal that has its number already keeps it: the number of an appeal is the one in its `registered`.
    async fn register(&self, cause: Cause, appeal: AppealId, command: appeal::Command) -> Result<(), Error> {
        self.wish(cause, appeal, registered(appeal), command).await
    }

    /// A wish that the table refuses now is refused for good: the message stands in its stream, and a person sees it there.
    async fn wish(
        &self,
        cause: Cause,
        appeal: AppealId,
        id: CommandId,
        command: appeal::Command,
    ) -> Result<(), Error> {
        let stream = StreamId::from(appeal);
        let handled =
            self.appeals.handle(&stream, id, cause, |state, _| appeal::decide(state, command.clone())).await;
        match handled {
            Ok(_) => Ok(()),
            Err(DeciderError::Refused(refusal)) => {
                tracing::warn!(appeal.id = %appeal, %refusal, "appeal {appeal} did not take what a message says");
                Ok(())
            }
            // Nothing is lost: what the appeal lacks is asked of it again at each start, until a release reads its stream.
            Err(error) if error.is_of_one_stream() => {
                self.park(appeal, cause, &error.into());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn park(&self, appeal: AppealId, cause: Cause, error: &Error) {
        if let Some(Causation::Record(position)) = cause.causation {
            self.unfinished.add(position);
        }
        self.parts.metrics.records.with_label_values(&["register", "parked"]).inc();
        tracing::error!(
            appeal.id = %appeal, error = error as &dyn std::error::Error,
            "register parks appeal {appeal}: it takes no messages while its records do not read"
        );
    }

    /// A message of ours was read, unless it is known to have failed.
    async fn read(
        &self,
        cause: Cause,
        id: CommandId,
        message: MessageId,
        at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let command =
            message::Command::Deliver { state: DeliveryState::Read, at, error: None, carries: None };
        let decide = |state: &message::Message, _| message::decide(state, command.clone());
        match self.messages.handle(&StreamId::from(message), id, cause, decide).await {
            Ok(_) => Ok(()),
            // What does not read was set aside for a person.
            Err(error) if error.is_of_one_stream() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets a message aside whose records do not read: for a person, whatever stands there.
    async fn poison(&self, cause: Cause, message: MessageId) -> Result<(), Error> {
        let events = [message::Event::SetAside { why: SetAside::ForPerson, beside: None }];
        let stream = StreamId::from(message);
        let id = command_id::settled(message);
        loop {
            let last = self.messages.log().last(&stream).await?;
            let expect = Expect::after(last.as_ref().map(Recorded::token));
            match self.messages.handle_expecting(&stream, id, cause, expect, &events).await {
                Ok(handled) => {
                    if handled.new {
                        self.parts.metrics.records.with_label_values(&["register", "parked"]).inc();
                    }
                    return Ok(());
                }
                Err(DeciderError::Append { source: AppendError::Conflict { .. }, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
