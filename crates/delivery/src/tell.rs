//! Worker `tell`: what residents are told of each record of their appeals. It means to send, and sends nothing itself.

mod book;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use zholdary_channels::outbound;
use zholdary_domain::{
    AppealId, CommandId, MessageId, Personal, Position, StreamId, StreamKind,
    appeal::{self, Appeal, Event, Registered},
    inbound::{Channel, Surface},
    message::{self, Received, command_id},
    outgoing::Outgoing,
};
use zholdary_log::{
    Cause, Decider, Recorded,
    streams::{Appeals, Messages},
};
use zholdary_routing::{
    Error, Parts, Progress, Ruleset,
    worker::{Follow, Unfinished, keep_running, run_lanes},
};

use crate::{
    Settings, flood,
    hints::{self, Hint},
    letters,
    notices::{Happened, Notice, Problem},
    record,
};
use book::Book;

/// Its name.
pub const WORKER: &str = "tell";

/// How long platforms deliver what they could not at first.
pub(crate) const DELIVERED_FOR: TimeDelta = TimeDelta::days(8);
/// For how long a comment may be answered in private, once (Meta, «Private Replies»: seven days), less what a message may wait.
const PRIVATE_REPLY: TimeDelta = TimeDelta::days(5);
/// Parts of parts: more generations than anybody splits.
const GENERATIONS: usize = 8;

/// Why nobody is told of something, as appeals record it.
mod why {
    pub(super) const NO_ADDRESS: &str = "no_address";
    pub(super) const STALE: &str = "stale";
}

/// The worker.
#[derive(Debug, Clone)]
pub struct Tell {
    parts: Parts,
    settings: Settings,
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    unfinished: Unfinished,
    progress: Progress,
}

/// A record of an appeal that residents may hear of.
#[derive(Debug, Clone, Copy)]
struct News {
    appeal: AppealId,
    position: Position,
    command: CommandId,
    at: DateTime<Utc>,
    cause: Cause,
    /// It happened too long ago to be told.
    is_stale: bool,
}

/// What somebody may be told.
#[derive(Debug, Clone)]
enum Item {
    News(News),
    Hint(Box<Hint>),
}

/// Where an answer goes.
struct Address {
    /// The stream of what it answers.
    message: MessageId,
    received: Box<Received>,
    /// The platform's id of what it stands under.
    under: Option<Personal<String>>,
}

impl Tell {
    /// A worker over the log of `parts`.
    #[must_use]
    pub fn new(parts: &Parts, settings: &Settings) -> Self {
        Self {
            parts: parts.clone(),
            settings: settings.clone(),
            messages: Decider::new(parts.log.clone(), parts.clock.clone()),
            appeals: Decider::new(parts.log.clone(), parts.clock.clone()),
            unfinished: Unfinished::default(),
            progress: Progress::default(),
        }
    }

    /// How far it came.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Works until `stop`, then finishes what is in hand.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        keep_running(WORKER, &self.parts, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let mut rules: Option<Arc<Ruleset>> = None;
        let (mut book, mut hints) = (Book::default(), hints::Fold::default());
        let channels: Vec<Channel> = self.settings.channels.iter().copied().collect();
        let mut follow = Follow::begin(WORKER, &self.parts, &self.unfinished, &self.progress).await;
        while let Some(page) = follow.next(stop).await? {
            let stale = self.parts.clock.now() - TimeDelta::hours(self.settings.stale_hours.into());
            for record in &page {
                follow.pass(record);
                book.note(record);
                let hint = hints.note(record, &channels).filter(|_| record.recorded_at > stale);
                if let Some(hint) = hint {
                    let answers = [(StreamKind::Message, command_id::queued(hint.message.hint("0")))];
                    follow.ask(record.position, rules.as_ref(), answers, Item::Hint(Box::new(hint)));
                }
                if record.stream.kind() == StreamKind::Rules {
                    if let Some(read) = self.parts.rulesets.read(record).await? {
                        follow.govern(&read);
                        rules = Some(read);
                    }
                } else if let Some(appeal) = record.stream.appeal()
                    // What happened before anybody told of anything is no news that was missed.
                    && (record.recorded_at > stale || follow.floor() > Position::START)
                {
                    let news = News {
                        appeal,
                        position: record.position,
                        command: record.command_id,
                        at: record.recorded_at,
                        cause: Cause::record(record),
                        is_stale: record.recorded_at <= stale,
                    };
                    // The last thing that is told of it answers it; where nothing is told it is done once it was looked at.
                    let answers =
                        [(StreamKind::Message, command_id::queued(telling(appeal, record.command_id, 0)))];
                    follow.ask(record.position, rules.as_ref(), answers, Item::News(news));
                }
            }
            while let Some(batch) = follow.due(stop).await? {
                let told = self.tell_all(&batch.rules, &book, batch.items()).await;
                follow.finish(batch, told, stop).await?;
            }
        }
        Ok(())
    }

    async fn tell_all(&self, rules: &Ruleset, book: &Book, items: Vec<Item>) -> Result<(), Error> {
        let lane = |item: Item| match &item {
            Item::News(news) => (news.appeal.uuid(), item),
            Item::Hint(hint) => (hint.contact().uuid(), item),
        };
        run_lanes(items.into_iter().map(lane), self.parts.config.lanes, |item| async move {
            let news = match item {
                Item::News(news) => news,
                Item::Hint(hint) => return self.hint(rules, &hint).await,
            };
            match self.tell(rules, book, &news).await {
                Err(error) if error.is_of_one_stream() => {
                    self.unfinished.add(news.position);
                    tracing::error!(
                        appeal.id = %news.appeal, error = &error as &dyn std::error::Error,
                        "nobody is told of the record at {}: appeal {} does not read", news.position, news.appeal
                    );
                    Ok(())
                }
                told => told,
            }
        })
        .await
    }

    /// Counted down, as everything that is told.
    async fn hint(&self, rules: &Ruleset, hint: &Hint) -> Result<(), Error> {
        let all = hint.outgoing(&rules.city, &self.parts.config.site);
        for (left, out) in (0..all.len()).rev().zip(all) {
            record::queue(&self.messages, hint.message.hint(&left.to_string()), hint.cause, out).await?;
        }
        Ok(())
    }

    async fn tell(&self, rules: &Ruleset, book: &Book, news: &News) -> Result<(), Error> {
        let stream = self.parts.log.load(&StreamId::from(news.appeal)).await?;
        let (mut before, mut after, mut events) = (Appeal::default(), Appeal::default(), Vec::new());
        let mut refused = None;
        let (mut flood, mut is_flood_news) = (flood::Told::default(), false);
        for record in stream.records() {
            let read: Vec<Event> = events_of(record)?;
            if record.position > news.position {
                // What was erased since is told to nobody.
                if read.iter().any(|event| matches!(event, Event::Erased { .. })) {
                    return Ok(());
                }
                continue;
            }
            read.iter().for_each(|event| after.evolve(event));
            if let Some(Event::Refused { reason, .. }) =
                read.iter().rev().find(|event| matches!(event, Event::Refused { .. }))
            {
                refused = Some(reason.clone());
            }
            is_flood_news = flood.hears(&after, &read, record.recorded_at);
            if record.position == news.position {
                events = read;
            } else {
                before = after.clone();
            }
        }
        if after.erased {
            return Ok(());
        }
        let problem = self.problem(book, &events).await?;
        let happened = Happened {
            city: &rules.city,
            site: &self.parts.config.site,
            before: &before,
            after: &after,
            events: &events,
            at: news.at,
            problem: problem.as_ref(),
            refused: refused.as_ref(),
            chosen: after.registered.as_ref().and_then(|registered| book.chosen(registered.contact)),
        };
        let (notices, lacking) = match flood::count(&after) {
            Some(count) if is_flood_news => (happened.of_a_flood(count), Default::default()),
            // Else as every other appeal, but for receipts: what a person does about it is told.
            Some(_) if happened.is_by_rules() => Default::default(),
            _ => happened.told(),
        };
        if (notices.is_empty() && lacking.is_empty()) || self.is_history(&after).await? {
            return Ok(());
        }
        let untold = |why: &'static str| move |notice: &Notice| (notice.what.clone(), why);
        if news.is_stale {
            return self.is_not_told(news, notices.iter().map(untold(why::STALE))).await;
        }
        let Some(address) = self.address(book, &after).await? else {
            // Who fills a form, or speaks to a person, sees at once what it answers.
            let sees_it = after
                .registered
                .as_ref()
                .is_some_and(|registered| matches!(registered.surface, Surface::Form | Surface::Spoken));
            let missed = notices.iter().filter(|notice| !(sees_it && notice.at_once));
            return self.is_not_told(news, missed.map(untold(why::NO_ADDRESS))).await;
        };
        let private = self.private_reply(news, &address, notices.first());
        let mut all: Vec<Outgoing> =
            notices.into_iter().flat_map(|notice| self.outgoing(news, &address, notice)).collect();
        all.iter_mut().for_each(|out| letters::head(out, &happened, &address.received));
        self.is_not_told(news, lacking.into_iter()).await?;
        if let Some(out) = private {
            record::queue(&self.messages, address.message.instead("private reply"), news.cause, out).await?;
        }
        // Counted down: once the one that is called 0 stands in the log, all of them do.
        let (count, mut before) = (all.len(), None);
        let mut parts = Vec::new();
        for (nth, mut out) in all.into_iter().enumerate() {
            let id = telling(news.appeal, news.command, count - 1 - nth);
            out.follows = before.take().filter(|_| out.follows.is_some());
            before = Some(id);
            parts.push((id, out));
        }
        for (id, out) in parts {
            record::queue(&self.messages, id, news.cause, out).await?;
        }
        Ok(())
    }

    /// The appeal says of what its author is not told, and why.
    async fn is_not_told(
        &self,
        news: &News,
        untold: impl Iterator<Item = (String, &'static str)>,
    ) -> Result<(), Error> {
        let untold: BTreeSet<_> = untold.collect();
        for (what, why) in untold {
            let named = MessageId::telling(news.appeal, news.command, &format!("untold/{what}"));
            let command =
                appeal::Command::NoteNotTold { what: what.clone(), why: why.to_owned(), message: None };
            let id = CommandId::of(named, why);
            record::note(&self.appeals, news.appeal, id, news.cause, command).await?;
        }
        Ok(())
    }

    /// The problem that an appeal was joined to just now.
    async fn problem(&self, book: &Book, events: &[Event]) -> Result<Option<Problem>, Error> {
        let joined = events.iter().find_map(|event| match event {
            Event::JoinedToProblem { problem, .. } => Some(*problem),
            _ => None,
        });
        let Some(problem) = joined else { return Ok(None) };
        let Some(appeal) = self.appeal(problem).await? else { return Ok(None) };
        let number = appeal.registered.map(|registered| registered.number);
        Ok(number.map(|number| Problem { number, voices: book.voices(problem) }))
    }

    async fn appeal(&self, id: AppealId) -> Result<Option<Appeal>, Error> {
        match self.appeals.load(&StreamId::from(id)).await {
            Ok(loaded) => Ok(Some(loaded.state)),
            Err(error) if error.is_of_one_stream() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn received(&self, id: MessageId) -> Result<Option<Box<Received>>, Error> {
        match self.messages.load(&StreamId::from(id)).await {
            Ok(loaded) => Ok(loaded.state.received),
            Err(error) if error.is_of_one_stream() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The appeals in which it began: itself, and what it was split off from.
    async fn generations(&self, appeal: &Appeal) -> Result<Vec<Appeal>, Error> {
        let mut all = vec![appeal.clone()];
        while let Some(parent) = all.last().and_then(|last| last.registered.as_ref()?.parent)
            && all.len() < GENERATIONS
            && let Some(parent) = self.appeal(parent).await?
        {
            all.push(parent);
        }
        Ok(all)
    }

    /// Whether it was taken in long after it was written: an archive, whose authors expect no word. Platforms deliver for a week.
    async fn is_history(&self, appeal: &Appeal) -> Result<bool, Error> {
        let first = self.generations(appeal).await?.pop().and_then(|first| first.registered);
        let Some(Registered { message: Some(opening), received_at, .. }) = first.as_deref() else {
            return Ok(true);
        };
        let opened = self.received(*opening).await?;
        Ok(opened.is_none_or(|opened| *received_at - opened.sent_at > DELIVERED_FOR))
    }

    /// Where the author wrote last about the appeal, or about what it was split off from, on a channel that we answer on.
    async fn address(&self, book: &Book, appeal: &Appeal) -> Result<Option<Address>, Error> {
        let Some(registered) = &appeal.registered else { return Ok(None) };
        for appeal in self.generations(appeal).await? {
            for message in appeal.messages.iter().rev() {
                let Some(mut received) = self.received(*message).await? else { continue };
                // Who else writes under the same appeal is not told of it.
                let is_author = book.is_one(received.contact, registered.contact);
                // In public an answer stands under words, whoever wrote them.
                let is_reached = received.address.is_some() || is_public(received.surface);
                if !is_author || !is_reached || !self.settings.channels.contains(&received.channel) {
                    continue;
                }
                if let Some(moved) = book.moved_since(&received) {
                    (received.contact, received.address) = (moved.contact, Some(moved.to.clone()));
                }
                let under = self.under(&received).await?;
                return Ok(Some(Address { message: *message, received, under }));
            }
        }
        Ok(None)
    }

    /// What an answer to it stands under. Instagram lets nothing stand under an answer: there it is the comment above.
    async fn under(&self, received: &Received) -> Result<Option<Personal<String>>, Error> {
        let own = received.external_id.clone();
        match (received.channel, received.surface) {
            (Channel::Instagram, Surface::Mention) => Ok(mentioned(received)),
            (Channel::Instagram, Surface::Comment) => {
                let (mut top, mut above) = (own, received.reply_to);
                for _ in 0..GENERATIONS {
                    let Some(id) = above.take() else { break };
                    if let Some(external_id) = self.external_id(id).await? {
                        top = external_id;
                    }
                    above = self.received(id).await?.and_then(|received| received.reply_to);
                }
                Ok(Some(top))
            }
            (_, Surface::Private) if received.channel != Channel::Telegram => Ok(None),
            _ => Ok(Some(own)),
        }
    }

    /// What a platform calls a message, a resident's or ours.
    async fn external_id(&self, id: MessageId) -> Result<Option<Personal<String>>, Error> {
        let stream = self.parts.log.load(&StreamId::from(id)).await?;
        for record in stream.records() {
            for event in record.events().unwrap_or_default() {
                match event {
                    message::Event::Received(received) => return Ok(Some(received.external_id)),
                    message::Event::Sent { external_id, .. } => return Ok(Some(external_id)),
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    /// What is told of a comment in private: once, while its platform allows it.
    fn private_reply(&self, news: &News, address: &Address, notice: Option<&Notice>) -> Option<Outgoing> {
        let Address { received, .. } = address;
        let is_comment = received.surface == Surface::Comment
            && matches!(received.channel, Channel::Instagram | Channel::Facebook);
        if !is_comment || news.at - received.sent_at > PRIVATE_REPLY {
            return None;
        }
        let notice = notice?;
        let text = outbound::parts(received.channel, Surface::Private, notice.text.reveal());
        // Of a longer text the first part would go, and no second one may.
        let [text] = text.as_slice() else { return None };
        let out = self.part(news, address, notice);
        Some(Outgoing {
            answers: Some(received.external_id.clone()),
            text: text.clone().into(),
            buttons: notice.buttons.clone(),
            private_reply: true,
            ..out
        })
    }

    fn part(&self, news: &News, Address { received, under, .. }: &Address, notice: &Notice) -> Outgoing {
        let not_before = received
            .album
            .is_some()
            .then(|| news.at + TimeDelta::milliseconds(i64::from(self.settings.album_ms)));
        Outgoing {
            appeal: Some(news.appeal),
            contact: received.contact,
            channel: received.channel,
            surface: received.surface,
            account: received.account.clone(),
            to: received.address.clone().unwrap_or_else(|| String::new().into()),
            answers: under.clone(),
            what: notice.what.clone(),
            version: Some(notice.version),
            lang: notice.lang.clone(),
            subject: notice.subject.clone(),
            text: notice.text.clone(),
            buttons: vec![],
            instead: None,
            follows: None,
            instead_of: None,
            private_reply: false,
            not_before,
            by_person: notice.by_person,
            at_once: notice.at_once,
            task: None,
            only_while: None,
        }
    }

    /// The parts in which a notice goes. Buttons stand under the last one. In public it says what anybody may read.
    fn outgoing(&self, news: &News, address: &Address, notice: Notice) -> Vec<Outgoing> {
        let Address { received, .. } = address;
        let is_public = is_public(received.surface);
        let text = if is_public { &notice.public } else { &notice.text };
        let parts = outbound::parts(received.channel, received.surface, text.reveal());
        let last = parts.len().saturating_sub(1);
        let part = |(nth, text): (usize, String)| Outgoing {
            text: text.into(),
            buttons: if nth == last && !is_public { notice.buttons.clone() } else { vec![] },
            // The registered text says all there is to say, once.
            instead: notice.instead.clone().filter(|_| nth == 0 && !is_public),
            // Which one it is, is said when all of them have their names.
            follows: (nth > 0).then_some(address.message),
            ..self.part(news, address, &notice)
        };
        parts.into_iter().enumerate().map(part).collect()
    }
}

const fn is_public(surface: Surface) -> bool {
    matches!(surface, Surface::Comment | Surface::Post | Surface::Mention)
}

/// Where Instagram lets a mention be answered: the picture, and the comment under it that names us, when one does.
fn mentioned(received: &Received) -> Option<Personal<String>> {
    let named = received.external_id.reveal().strip_prefix("mention/")?;
    let picture = received.content.attachments.iter().find_map(|file| file.external_id.as_ref())?.reveal();
    let place = if picture == named { picture.clone() } else { format!("{picture}/{named}") };
    Some(place.into())
}

/// The message that tells of what `command` recorded, with so many more to follow.
fn telling(appeal: AppealId, command: CommandId, left: usize) -> MessageId {
    MessageId::telling(appeal, command, &left.to_string())
}

fn events_of(record: &Recorded) -> Result<Vec<Event>, Error> {
    record.events().map_err(|source| Error::Decode { position: record.position, source })
}

#[cfg(test)]
mod tests;
