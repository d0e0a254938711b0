//! Worker `tell`: what residents are told of each record of their appeals. It means to send, and sends nothing itself.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use zholdary_channels::outbound;
use zholdary_domain::{
    AppealId, CommandId, MessageId, Position, StreamId, StreamKind,
    appeal::{Appeal, Event, Registered},
    inbound::Channel,
    message::{self, Received, command_id},
    outgoing::Outgoing,
};
use zholdary_log::{Cause, Decider, DeciderError, Recorded, streams::Messages};
use zholdary_routing::{
    Error, Parts, Progress, Ruleset,
    worker::{Follow, Unfinished, keep_running, run_lanes},
};

use crate::{
    Settings, flood,
    notices::{Happened, Notice},
};

/// Its name.
pub const WORKER: &str = "tell";

/// How long platforms deliver what they could not at first.
const DELIVERED_FOR: TimeDelta = TimeDelta::days(8);

/// The worker.
#[derive(Debug, Clone)]
pub struct Tell {
    parts: Parts,
    settings: Settings,
    messages: Decider<Messages>,
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
}

/// Where an answer goes.
struct Address {
    received: Box<Received>,
}

impl Tell {
    /// A worker over the log of `parts`.
    #[must_use]
    pub fn new(parts: &Parts, settings: &Settings) -> Self {
        Self {
            parts: parts.clone(),
            settings: settings.clone(),
            messages: Decider::new(parts.log.clone(), parts.clock.clone()),
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
        let mut follow = Follow::begin(WORKER, &self.parts, &self.unfinished, &self.progress).await;
        while let Some(page) = follow.next(stop).await? {
            let stale = self.parts.clock.now() - TimeDelta::hours(self.settings.stale_hours.into());
            for record in &page {
                follow.pass(record);
                if record.stream.kind() == StreamKind::Rules {
                    if let Some(read) = self.parts.rulesets.read(record).await? {
                        follow.govern(&read);
                        rules = Some(read);
                    }
                } else if let Some(appeal) = record.stream.appeal()
                    && record.recorded_at > stale
                {
                    let news = News {
                        appeal,
                        position: record.position,
                        command: record.command_id,
                        at: record.recorded_at,
                        cause: Cause::record(record),
                    };
                    // The last thing that is told of it answers it; where nothing is told it is done once it was looked at.
                    let answers =
                        [(StreamKind::Message, command_id::queued(telling(appeal, record.command_id, 0)))];
                    follow.ask(record.position, rules.as_ref(), answers, news);
                }
            }
            while let Some(batch) = follow.due(stop).await? {
                let told = self.tell_all(&batch.rules, batch.items()).await;
                follow.finish(batch, told, stop).await?;
            }
        }
        Ok(())
    }

    async fn tell_all(&self, rules: &Ruleset, news: Vec<News>) -> Result<(), Error> {
        let items = news.into_iter().map(|news| (news.appeal, news));
        run_lanes(items, self.parts.config.lanes, |news| async move {
            match self.tell(rules, &news).await {
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

    async fn tell(&self, rules: &Ruleset, news: &News) -> Result<(), Error> {
        let stream = self.parts.log.load(&StreamId::from(news.appeal)).await?;
        let (mut before, mut after, mut events) = (Appeal::default(), Appeal::default(), Vec::new());
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
        let happened = Happened {
            city: &rules.city,
            site: &self.parts.config.site,
            before: &before,
            after: &after,
            events: &events,
            at: news.at,
        };
        let notices = match flood::count(&after) {
            Some(count) if is_flood_news => happened.of_a_flood(count),
            // Else as every other appeal, but for receipts: what a person does about it is told.
            Some(_) if happened.is_by_rules() => vec![],
            _ => happened.notices(),
        };
        if notices.is_empty() {
            return Ok(());
        }
        let Some(address) = self.address(&after).await? else { return Ok(()) };
        let all: Vec<Outgoing> =
            notices.into_iter().flat_map(|notice| self.outgoing(news, &address, notice)).collect();
        // Counted down: once the one that is called 0 stands in the log, all of them do.
        for (left, out) in (0..all.len()).rev().zip(all) {
            self.queue(telling(news.appeal, news.command, left), news.cause, out).await?;
        }
        Ok(())
    }

    /// Whether it was taken in long after it was written: an archive, whose authors expect no word. Platforms deliver for a week.
    async fn is_history(&self, registered: &Registered) -> Result<bool, Error> {
        let Some(opening) = registered.message else { return Ok(true) };
        let opened = match self.messages.load(&StreamId::from(opening)).await {
            Ok(loaded) => loaded.state.received,
            Err(error) if error.is_of_one_stream() => None,
            Err(error) => return Err(error.into()),
        };
        Ok(opened.is_none_or(|opened| registered.received_at - opened.sent_at > DELIVERED_FOR))
    }

    /// Where the author wrote last about the appeal, on a channel that we answer on.
    async fn address(&self, appeal: &Appeal) -> Result<Option<Address>, Error> {
        let Some(registered) = &appeal.registered else { return Ok(None) };
        if self.is_history(registered).await? {
            return Ok(None);
        }
        for id in appeal.messages.iter().rev() {
            let loaded = match self.messages.load(&StreamId::from(*id)).await {
                Ok(loaded) => loaded,
                Err(error) if error.is_of_one_stream() => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(received) = loaded.state.received else { continue };
            // Who else writes under the same appeal is not told of it.
            let is_author =
                received.contact == registered.contact || received.aliases.contains(&registered.contact);
            if is_author && received.address.is_some() && self.settings.channels.contains(&received.channel) {
                return Ok(Some(Address { received }));
            }
        }
        Ok(None)
    }

    /// The parts in which a notice goes. Buttons stand under the last one.
    fn outgoing(&self, news: &News, Address { received }: &Address, notice: Notice) -> Vec<Outgoing> {
        let Some(to) = &received.address else { return vec![] };
        let parts = outbound::parts(received.channel, received.surface, notice.text.reveal());
        let last = parts.len().saturating_sub(1);
        let answers_there = received.channel == Channel::Telegram
            || !matches!(received.surface, zholdary_domain::inbound::Surface::Private);
        let not_before = received
            .album
            .is_some()
            .then(|| news.at + TimeDelta::milliseconds(i64::from(self.settings.album_ms)));
        let part = |(nth, text): (usize, String)| Outgoing {
            appeal: news.appeal,
            contact: received.contact,
            channel: received.channel,
            surface: received.surface,
            account: received.account.clone(),
            to: to.clone(),
            answers: answers_there.then(|| received.external_id.clone()),
            what: notice.what.clone(),
            version: Some(notice.version),
            lang: notice.lang.clone(),
            subject: notice.subject.clone(),
            text: text.into(),
            buttons: if nth == last { notice.buttons.clone() } else { vec![] },
            // The registered text says all there is to say, once.
            instead: notice.instead.clone().filter(|_| nth == 0),
            not_before,
            by_person: notice.by_person,
            at_once: notice.at_once,
        };
        parts.into_iter().enumerate().map(part).collect()
    }

    async fn queue(&self, id: MessageId, cause: Cause, out: Outgoing) -> Result<(), Error> {
        let command = message::Command::Queue(Box::new(out));
        let queued = self
            .messages
            .handle(&StreamId::from(id), command_id::queued(id), cause, |state, _| {
                message::decide(state, command.clone())
            })
            .await;
        match queued {
            Ok(_) | Err(DeciderError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The message that tells of what `command` recorded, with so many more to follow.
fn telling(appeal: AppealId, command: CommandId, left: usize) -> MessageId {
    MessageId::telling(appeal, command, &left.to_string())
}

fn events_of(record: &Recorded) -> Result<Vec<Event>, Error> {
    record.events().map_err(|source| Error::Decode { position: record.position, source })
}
