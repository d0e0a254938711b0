//! Worker `tasks`: what parties are written about each record of the appeals that they must act on. It means to send, and sends
//! nothing itself.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use zholdary_channels::outbound::email;
use zholdary_domain::{
    AppealId, CommandId, ContactId, IdKey, MessageId, Personal, Position, StreamId, StreamKind,
    appeal::{self, Appeal, Event},
    inbound::{Channel, Surface},
    link::HandOvers,
    message::command_id,
    outgoing::{Outgoing, Task},
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
    Settings,
    answers::wish,
    notices::Happened,
    record,
    task_letters::{Given, Letter, Written},
    tell::DELIVERED_FOR,
};

/// Its name.
pub const WORKER: &str = "tasks";

/// Nobody configured whom letters to this party go to.
const NO_CONTACT: &str = "no_contact";
/// The city has no such text, or nothing fills it.
const UNFILLED: &str = "unfilled";

/// The worker.
#[derive(Debug, Clone)]
pub struct Tasks {
    parts: Parts,
    settings: Settings,
    key: IdKey,
    messages: Decider<Messages>,
    appeals: Decider<Appeals>,
    unfinished: Unfinished,
    progress: Progress,
}

/// A record of an appeal that parties may hear of.
#[derive(Debug, Clone, Copy)]
struct News {
    appeal: AppealId,
    position: Position,
    command: CommandId,
    at: DateTime<Utc>,
    cause: Cause,
    /// Nobody wrote to parties then.
    is_before: bool,
}

/// An appeal up to a record of it.
#[derive(Default)]
struct Read {
    before: Appeal,
    hand_overs: HandOvers,
    events: Vec<Event>,
    people: BTreeSet<ContactId>,
    reopened: Option<Personal<String>>,
}

/// The message that opened an appeal.
struct Opening {
    sent_at: DateTime<Utc>,
    surface: Surface,
    /// As they are now.
    words: Option<Personal<String>>,
}

/// A letter that nobody gets, and why.
struct Unsent {
    letter: Letter,
    why: &'static str,
}

impl Tasks {
    /// A worker over the log of `parts`. Links are made with `key`.
    #[must_use]
    pub fn new(parts: &Parts, settings: &Settings, key: IdKey) -> Self {
        Self {
            parts: parts.clone(),
            settings: settings.clone(),
            key,
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
        let mut follow = Follow::begin(WORKER, &self.parts, &self.unfinished, &self.progress).await;
        while let Some(page) = follow.next(stop).await? {
            let stale = self.stale();
            for record in &page {
                follow.pass(record);
                if record.stream.kind() == StreamKind::Rules {
                    if let Some(read) = self.parts.rulesets.read(record).await? {
                        follow.govern(&read);
                        rules = Some(read);
                    }
                } else if let Some(appeal) = record.stream.appeal()
                    // A party's answer counts however late it is read, and so does a task while nobody wrote of it; but what was
                    // handed over before anybody wrote to parties is theirs by other ways.
                    && (record.recorded_at > stale || follow.floor() > Position::START || is_answered(record))
                {
                    let is_before = record.recorded_at <= stale && follow.floor() == Position::START;
                    let news = News {
                        is_before,
                        appeal,
                        position: record.position,
                        command: record.command_id,
                        at: record.recorded_at,
                        cause: Cause::record(record),
                    };
                    let last = command_id::queued(writing(appeal, record.command_id, 0));
                    let answers = [
                        (StreamKind::Message, last),
                        (StreamKind::Appeal, unsent_id(appeal, record.command_id, 0)),
                    ];
                    follow.ask(record.position, rules.as_ref(), answers, news);
                }
            }
            while let Some(batch) = follow.due(stop).await? {
                let written = self.write_all(&batch.rules, batch.items()).await;
                follow.finish(batch, written, stop).await?;
            }
        }
        Ok(())
    }

    fn stale(&self) -> DateTime<Utc> {
        self.parts.clock.now() - TimeDelta::hours(self.settings.stale_hours.into())
    }

    async fn write_all(&self, rules: &Ruleset, news: Vec<News>) -> Result<(), Error> {
        let items = news.into_iter().map(|news| (news.appeal, news));
        run_lanes(items, self.parts.config.lanes, |news| async move {
            match self.write(rules, &news).await {
                Err(error) if error.is_of_one_stream() => {
                    self.unfinished.add(news.position);
                    tracing::error!(
                        appeal.id = %news.appeal, error = &error as &dyn std::error::Error,
                        "no party is written of the record at {}: appeal {} does not read", news.position, news.appeal
                    );
                    Ok(())
                }
                written => written,
            }
        })
        .await
    }

    async fn write(&self, rules: &Ruleset, news: &News) -> Result<(), Error> {
        let read = self.read(news).await?;
        let after = read.hand_overs.appeal();
        for event in &read.events {
            if let Event::PartyAnswered { task, message } = event {
                self.heed(rules, news, task, *message).await?;
            }
        }
        let opening = self.opening(after).await?;
        if news.is_before || opening.as_ref().is_some_and(|opening| is_archived(after, opening)) {
            return Ok(());
        }
        let words = opening.filter(|_| !after.erased).and_then(|opening| opening.words).unwrap_or_default();
        let given = Given {
            happened: Happened {
                city: &rules.city,
                site: &self.parts.config.site,
                before: &read.before,
                after,
                events: &read.events,
                at: news.at,
                problem: None,
                refused: None,
                // Parties read what their city wrote for them.
                chosen: None,
            },
            appeal: news.appeal,
            hand_overs: &read.hand_overs,
            reopened: read.reopened.as_ref().map(|reason| reason.reveal().as_str()),
            words: words.reveal(),
            voices: read.people.len().max(1),
            key: &self.key,
        };
        let (mut out, mut unsent) = (Vec::new(), Vec::new());
        let number = after.registered.as_ref().map(|r| r.number.to_string()).unwrap_or_default();
        let now = self.parts.clock.now();
        // Written late, the task itself reminds.
        let is_past = |letter: &Letter| {
            letter.what == "task_reminder" && letter.not_before.is_some_and(|from| from <= now)
        };
        for letter in given.letters().into_iter().filter(|letter| !is_past(letter)) {
            match self.outgoing(rules, news, &number, &letter) {
                Ok(letters) => out.extend(letters),
                Err(why) => unsent.push(Unsent { letter, why }),
            }
        }
        // Counted down: once the one that is called 0 stands in the log, all of them do.
        for (left, out) in (0..out.len()).rev().zip(out) {
            record::queue(&self.messages, writing(news.appeal, news.command, left), news.cause, out).await?;
        }
        for (left, unsent) in (0..unsent.len()).rev().zip(unsent) {
            self.note_unsent(unsent_id(news.appeal, news.command, left), news, unsent).await?;
        }
        Ok(())
    }

    /// Does what a party asks for by letter, when that is plain and its domain does not disown the letter.
    async fn heed(&self, rules: &Ruleset, news: &News, task: &Task, message: MessageId) -> Result<(), Error> {
        let received = match self.messages.load(&StreamId::from(message)).await {
            Ok(loaded) => loaded.state.received,
            Err(error) if error.is_of_one_stream() => None,
            Err(error) => return Err(error.into()),
        };
        let Some(received) = received else { return Ok(()) };
        if received.letter.as_ref().is_none_or(|letter| letter.unverified || letter.automatic.is_some()) {
            return Ok(());
        }
        let text = received.content.text.as_ref().map_or("", |text| text.reveal());
        let Some(command) = wish(&rules.city.party_words, task, text) else { return Ok(()) };
        // What is not theirs any more, or was done before, a person sees in the letter.
        let id = CommandId::of(message, "party answer");
        record::note(&self.appeals, news.appeal, id, news.cause, command).await?;
        Ok(())
    }

    async fn read(&self, news: &News) -> Result<Read, Error> {
        let stream = self.parts.log.load(&StreamId::from(news.appeal)).await?;
        let mut read = Read::default();
        for record in stream.records().iter().filter(|record| record.position <= news.position) {
            let events = events_of(record)?;
            for event in &events {
                match event {
                    Event::Registered(registered) => read.people.extend([registered.contact]),
                    Event::MessageAdded { contact, .. } => read.people.extend(contact),
                    Event::Reopened { reason, .. } => read.reopened = Some(reason.clone()),
                    _ => {}
                }
            }
            read.before = read.hand_overs.appeal().clone();
            read.hand_overs.note(record.command_id, &events);
            read.events = events;
        }
        Ok(read)
    }

    /// What the resident wrote first. None: an earlier system's, a part that was split off, or what does not read.
    async fn opening(&self, appeal: &Appeal) -> Result<Option<Opening>, Error> {
        let Some(id) = appeal.registered.as_ref().and_then(|registered| registered.message) else {
            return Ok(None);
        };
        let message = match self.messages.load(&StreamId::from(id)).await {
            Ok(loaded) => loaded.state,
            Err(error) if error.is_of_one_stream() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let words = message.content().and_then(|content| content.text.clone());
        Ok(message.received.map(|received| Opening {
            sent_at: received.sent_at,
            surface: received.surface,
            words,
        }))
    }

    /// A letter to each address that the party has for it.
    fn outgoing(
        &self,
        rules: &Ruleset,
        news: &News,
        number: &str,
        letter: &Letter,
    ) -> Result<Vec<Outgoing>, &'static str> {
        let contact = self.settings.parties.get(&letter.task.party).ok_or(NO_CONTACT)?;
        let on_duty = letter.duty && !contact.duty.is_empty();
        let addresses = if on_duty { &contact.duty } else { &contact.email };
        if addresses.is_empty() {
            return Err(NO_CONTACT);
        }
        let lang = contact.lang.unwrap_or(rules.city.meta.default_language);
        let Written { version, lang, subject, text } = letter.written(&rules.city, lang).ok_or(UNFILLED)?;
        let tag = rules.city.letterhead.mail_subject_tag.replace("{number}", number);
        let subject = email::subject(subject.as_ref().map(|s| s.reveal().as_str()), None, Some(&tag));
        let one = |to: &Personal<String>| Outgoing {
            appeal: Some(news.appeal),
            contact: ContactId::of_party(&letter.task.party),
            channel: Channel::Email,
            surface: Surface::Mail,
            account: self.settings.mailbox.clone(),
            to: to.clone(),
            answers: None,
            what: letter.what.clone(),
            version: Some(version),
            lang: lang.code().to_owned(),
            subject: Some(subject.clone().into()),
            text: text.clone(),
            buttons: vec![],
            instead: None,
            not_before: letter.not_before,
            by_person: false,
            // The party's own hours stand in `not_before`.
            at_once: true,
            task: Some(letter.task.clone()),
            only_while: letter.only_while.clone(),
            follows: None,
            instead_of: None,
            private_reply: false,
        };
        Ok(addresses.iter().map(one).collect())
    }

    /// The desk hears that it must call.
    async fn note_unsent(&self, id: CommandId, news: &News, unsent: Unsent) -> Result<(), Error> {
        let Unsent { letter, why } = unsent;
        // Of what follows the desk knows: that nobody could be told of the task stands there.
        if !letter.brings_task() {
            return Ok(());
        }
        let command = appeal::Command::NotePartyNotTold {
            task: letter.task,
            what: letter.what,
            why: why.to_owned(),
            message: None,
        };
        record::note(&self.appeals, news.appeal, id, news.cause, command).await?;
        Ok(())
    }
}

/// The letter about what `command` recorded, with so many more to follow.
fn writing(appeal: AppealId, command: CommandId, left: usize) -> MessageId {
    MessageId::telling(appeal, command, &format!("task/{left}"))
}

fn unsent_id(appeal: AppealId, command: CommandId, left: usize) -> CommandId {
    CommandId::of(appeal, &format!("task unsent/{command}/{left}"))
}

/// Whether it was taken in long after it was written: nobody acts on an archive. What was spoken is written down when there is time.
fn is_archived(appeal: &Appeal, opening: &Opening) -> bool {
    opening.surface != Surface::Spoken
        && appeal
            .registered
            .as_ref()
            .is_some_and(|registered| registered.received_at - opening.sent_at > DELIVERED_FOR)
}

fn is_answered(record: &Recorded) -> bool {
    let events = record.events::<Event>().unwrap_or_default();
    events.iter().any(|event| matches!(event, Event::PartyAnswered { .. }))
}

fn events_of(record: &Recorded) -> Result<Vec<Event>, Error> {
    record.events().map_err(|source| Error::Decode { position: record.position, source })
}
