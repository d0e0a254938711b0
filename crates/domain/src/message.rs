//! The stream of one message: what was received or sent, what became of it.
//!
//! Edits, withdrawals and delivery marks may come before the message itself: each is recorded in its stream at once and
//! waits there.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    file::{FileKey, KeptFile, Missing},
    ids::{AppealId, CommandId, ContactId, MessageId},
    inbound::{Automatic, Channel, Content, DeliveryState, Join, News, Surface},
    number::Number,
    outgoing::{Outgoing, Sending, Standing, Task, Trouble},
    personal::{self, Personal},
};

/// What only a letter tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Letter {
    /// The letters before it, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<MessageId>,
    /// The number in its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Number>,
    /// What wrote it, when no person did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
    /// The sender's domain does not vouch for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
}

/// A resident's message as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// The channel.
    pub channel: Channel,
    /// The part of the channel.
    pub surface: Surface,
    /// Our account there.
    pub account: String,
    /// The platform's id.
    #[serde(serialize_with = "personal::write")]
    pub external_id: Personal<String>,
    /// Who wrote it; a message without a sender is its own contact.
    pub contact: ContactId,
    /// Other keys of the same person, told by the channel together with the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<ContactId>,
    /// Name of the sender's profile.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub name: Option<Personal<String>>,
    /// Phone of the sender, E.164.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub phone: Option<Personal<String>>,
    /// The steady key under which the channel knows the sender: replies go there.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
    pub address: Option<Personal<String>>,
    /// What it says.
    pub content: Content,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// How it may join an appeal.
    pub join: Join,
    /// The album that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<MessageId>,
    /// What a letter tells besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Box<Letter>>,
    /// The message's own time; later than our clock by more than ten minutes it is our clock's.
    pub sent_at: DateTime<Utc>,
    /// Name of the raw bytes that it was parsed from (BLAKE3, hexadecimal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The message tells only that the contact's keys changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keys_changed: bool,
}

/// Why a message is part of no appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetAside {
    /// A sticker, a greeting button, a note of the platform: nobody asks for anything.
    NoAppeal,
    /// A note that belongs to the conversation, not to an appeal.
    Note,
    /// A mailing.
    Mailing,
    /// A person must look at it.
    ForPerson,
}

/// How a message found its appeal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It opened it.
    Opened,
    /// It answers one of our messages.
    ByReply,
    /// It came within ten minutes of the one before.
    ByWindow,
    /// Its button names the number, or answers our question.
    ByButton,
    /// The same author under the same comment.
    ByParent,
    /// It is a part of the same album.
    ByAlbum,
    /// Its subject names the number.
    ByTag,
    /// Its author sent more than the city's limits: it is gathered with the rest of that.
    Flood,
    /// Our account wrote it, past this system, to this person or under this comment.
    Outside,
}

/// A fact about one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A resident's message was received.
    Received(Box<Received>),
    /// Its author changed it. The first content stays readable.
    Edited {
        /// What it says now.
        content: Content,
        /// When it was edited.
        sent_at: DateTime<Utc>,
    },
    /// Its author took it back: hidden from the public, never erased.
    Withdrawn {
        /// When.
        sent_at: DateTime<Utc>,
    },
    /// It belongs to this appeal.
    Placed {
        /// The appeal.
        appeal: AppealId,
        /// Whether it opened the appeal.
        opens: bool,
        /// How the appeal was found.
        found: Found,
    },
    /// It belongs to no appeal.
    SetAside {
        /// Why.
        why: SetAside,
        /// The appeal in whose thread it is shown all the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<AppealId>,
    },
    /// We sent it.
    Sent {
        /// The channel.
        channel: Channel,
        /// Our account there.
        account: String,
        /// The platform's id.
        #[serde(serialize_with = "personal::write")]
        external_id: Personal<String>,
        /// The resident's message whose appeal it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<MessageId>,
        /// The appeal it belongs to, when known directly.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        appeal: Option<AppealId>,
        /// A number of an earlier system that it named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<Number>,
        /// Whom it was sent to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<ContactId>,
        /// When it was sent.
        sent_at: DateTime<Utc>,
        /// What we meant to send with it: its own stream tells the way out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<MessageId>,
        /// It went to a party, about this task.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
    },
    /// We mean to send it.
    Queued(Box<Outgoing>),
    /// It is about to be sent. Recorded before anything leaves us.
    Attempted {
        /// Which attempt, from 1.
        attempt: u16,
        /// When.
        at: DateTime<Utc>,
        /// Who makes it, drawn for this attempt alone: only who finds its own here may call. Older records have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Uuid>,
        /// It goes as the vendor's registered text.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        registered: bool,
    },
    /// The platform took it.
    Taken {
        /// The stream under the platform's id.
        message: MessageId,
        /// The platform's id.
        #[serde(serialize_with = "personal::write")]
        external_id: Personal<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The platform did not take it, or it was not offered.
    NotTaken {
        /// Why.
        why: Trouble,
        /// The platform's code of the error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i64>,
        /// When it is sent again; nothing: never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_at: Option<DateTime<Utc>>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It may have gone: no answer came.
    OutcomeUnknown {
        /// When.
        at: DateTime<Utc>,
    },
    /// The platform showed us a message of our account.
    Echoed {
        /// When it was sent.
        sent_at: DateTime<Utc>,
        /// What it says.
        content: Content,
        /// The channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        /// The part of the channel.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        surface: Option<Surface>,
        /// Our account there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<String>,
        /// Whom it was sent to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<ContactId>,
        /// The message under which it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<MessageId>,
    },
    /// The platform told something of a person, apart from any message.
    Told {
        /// The channel.
        channel: Channel,
        /// The part of the channel.
        surface: Surface,
        /// Our account there.
        account: String,
        /// The person.
        contact: ContactId,
        /// What is new.
        news: News,
        /// When.
        at: DateTime<Utc>,
    },
    /// The platform told how far our message came.
    Delivery {
        /// How far.
        state: DeliveryState,
        /// When.
        at: DateTime<Utc>,
        /// The platform's code of the error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<i64>,
        /// What it carries, where we did not know yet that it was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carries: Option<Carries>,
    },
    /// A file of it is kept.
    FileKept(Box<KeptFile>),
    /// A file of it is not here, and will not come.
    FileMissing {
        /// Which.
        of: FileKey,
        /// Why.
        why: Missing,
    },
    /// The platform told that it is there and not what it says (a mention), and its words will not come.
    WordsMissing {
        /// Why.
        why: Missing,
    },
}

/// What a platform says of a message: which of ours it is. WhatsApp returns our name of it with each status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Carries {
    /// What we meant to send.
    pub message: MessageId,
    /// The platform's id of it.
    #[serde(serialize_with = "personal::write")]
    pub external_id: Personal<String>,
}

/// What became of a resident's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Part of an appeal.
    Placed {
        /// The appeal.
        appeal: AppealId,
        /// Whether it opened the appeal.
        opens: bool,
        /// How the appeal was found.
        found: Found,
    },
    /// Part of no appeal.
    SetAside {
        /// Why.
        why: SetAside,
        /// The appeal in whose thread it is shown all the same.
        beside: Option<AppealId>,
    },
}

impl From<SetAside> for Outcome {
    fn from(why: SetAside) -> Self {
        Self::SetAside { why, beside: None }
    }
}

/// Where one message stands. The facts come in any order, so each stands for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// As received.
    pub received: Option<Box<Received>>,
    /// Later contents, in the order they were recorded.
    pub edits: Vec<(DateTime<Utc>, Content)>,
    /// When it was taken back.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Whether it is ours and recorded as sent.
    pub sent: bool,
    /// Whether the platform echoed it.
    pub echoed: bool,
    /// Whether it is no message, but news of a person.
    pub told: bool,
    /// How far it came.
    pub delivery: Option<DeliveryState>,
    /// Its way out, when it is one that we mean to send.
    pub sending: Option<Sending>,
    /// Files of which it is known whether they are here.
    pub files: BTreeSet<FileKey>,
    /// Whether its words were looked for in vain.
    pub words_missing: bool,
}

impl Event {
    /// What it says that became of the message.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match *self {
            Self::Placed { appeal, opens, found } => Some(Outcome::Placed { appeal, opens, found }),
            Self::SetAside { why, beside } => Some(Outcome::SetAside { why, beside }),
            _ => None,
        }
    }
}

impl Message {
    /// What the message says now: its last edit by the author's own time, else what was received.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        let first = &self.received.as_ref()?.content;
        Some(self.edits.iter().max_by_key(|(at, _)| *at).map_or(first, |(_, content)| content))
    }

    /// What it said as received (version 1) or after its n-th recorded edit (version n + 1).
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&Content> {
        let first = &self.received.as_ref()?.content;
        match usize::try_from(version).ok()?.checked_sub(2) {
            None => (version == 1).then_some(first),
            Some(edit) => self.edits.get(edit).map(|(_, content)| content),
        }
    }

    /// What it said before it said what it says now; nothing when it was never edited. An edit that a platform told again, under
    /// another time, changed nothing.
    #[must_use]
    pub fn before_its_last_edit(&self) -> Option<&Content> {
        let first = &self.received.as_ref()?.content;
        let now = self.content().filter(|_| !self.edits.is_empty())?;
        let others = self.edits.iter().filter(|(_, content)| content != now);
        Some(others.max_by_key(|(at, _)| *at).map_or(first, |(_, content)| content))
    }

    fn send(&mut self, note: impl FnOnce(&mut Sending), standing: Standing) {
        if let Some(sending) = &mut self.sending {
            note(sending);
            sending.standing = standing;
        }
    }

    /// Takes in a fact.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Received(received) => self.received = Some(received.clone()),
            Event::Edited { content, sent_at } => self.edits.push((*sent_at, content.clone())),
            Event::Withdrawn { sent_at } => self.withdrawn_at = Some(*sent_at),
            Event::Placed { .. } | Event::SetAside { .. } => self.outcome = event.outcome(),
            Event::Sent { .. } => self.sent = true,
            Event::Echoed { .. } => self.echoed = true,
            Event::Told { .. } => self.told = true,
            Event::Delivery { state, .. } => self.delivery = Some(*state),
            Event::Queued(what) => {
                let standing = Standing::Waits { from: what.not_before };
                self.sending = Some(Sending { what: what.clone(), attempts: 0, standing });
            }
            Event::Attempted { attempt, at, .. } => {
                self.send(|sending| sending.attempts = *attempt, Standing::Attempted { at: *at });
            }
            Event::Taken { message, .. } => self.send(|_| (), Standing::Taken { message: *message }),
            Event::NotTaken { again_at: Some(from), .. } => {
                self.send(|_| (), Standing::Waits { from: Some(*from) });
            }
            Event::NotTaken { why, again_at: None, .. } => self.send(|_| (), Standing::GivenUp(*why)),
            Event::OutcomeUnknown { .. } => self.send(|_| (), Standing::Unknown),
            Event::FileKept(kept) => {
                self.files.insert(kept.of.clone());
            }
            Event::FileMissing { of, .. } => {
                self.files.insert(of.clone());
            }
            Event::WordsMissing { .. } => self.words_missing = true,
        }
    }
}

/// A wish to record something about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Record that it was received.
    Receive(Box<Received>),
    /// Record another content.
    Edit {
        /// What it says now.
        content: Content,
        /// When it was edited.
        sent_at: DateTime<Utc>,
    },
    /// Record that it was taken back.
    Withdraw {
        /// When.
        sent_at: DateTime<Utc>,
    },
    /// Record that we sent it: an [`Event::Sent`].
    RecordSent(Box<Event>),
    /// Record that the platform showed it: an [`Event::Echoed`].
    Echo(Box<Event>),
    /// Record news of a person: an [`Event::Told`].
    Tell(Box<Event>),
    /// Record how far it came.
    Deliver {
        /// How far.
        state: DeliveryState,
        /// When.
        at: DateTime<Utc>,
        /// The platform's code of the error.
        error: Option<i64>,
        /// What the platform says that it carries.
        carries: Option<Carries>,
    },
    /// Say what became of it.
    Settle(Outcome),
    /// Mean to send it.
    Queue(Box<Outgoing>),
    /// Say that it is about to be sent. Only who records it sends it.
    Attempt {
        /// When.
        at: DateTime<Utc>,
        /// Who makes it.
        by: Uuid,
        /// It goes as the vendor's registered text.
        registered: bool,
    },
    /// Say what came of an attempt: [`Event::Taken`], [`Event::NotTaken`] or [`Event::OutcomeUnknown`].
    Conclude(Box<Event>),
    /// Give up what waits: no attempt is made any more.
    GiveUp {
        /// Why.
        why: Trouble,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say whether a file of it, or its words, are here: [`Event::FileKept`], [`Event::FileMissing`] or [`Event::WordsMissing`].
    NoteFile(Box<Event>),
}

/// Why a wish about a message was not followed. Nothing was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only what was received, or shown by the platform, can be placed.
    #[error("the message was not received yet")]
    NotReceived,
    /// It was settled before, otherwise.
    #[error("the message was settled before")]
    Settled(Outcome),
    /// It is being sent, or its way out has ended.
    #[error("the message does not wait to be sent")]
    NotWaiting,
}

/// Chooses the facts that follow `command`, given what is known of the message. No facts: nothing new was said.
///
/// # Errors
///
/// A [`Refusal`]: the same wish stays refused until the state changes.
pub fn decide(message: &Message, command: Command) -> Result<Vec<Event>, Refusal> {
    Ok(match command {
        Command::Receive(_) if message.received.is_some() => vec![],
        Command::Receive(received) => vec![Event::Received(received)],
        Command::Edit { content, sent_at } => {
            // A platform may repeat an edit, or the message itself, under another id: that is not a version. The same words
            // of another time are: an edit made between the two may come later.
            let first = message.received.iter().map(|first| (first.sent_at, &first.content));
            let edits = message.edits.iter().map(|(at, content)| (*at, content));
            let known = first.chain(edits).any(|known| known == (sent_at, &content));
            if known { vec![] } else { vec![Event::Edited { content, sent_at }] }
        }
        Command::Withdraw { .. } if message.withdrawn_at.is_some() => vec![],
        Command::Withdraw { sent_at } => vec![Event::Withdrawn { sent_at }],
        Command::RecordSent(_) if message.sent => vec![],
        Command::RecordSent(sent) => vec![*sent],
        // An echo of what we know to have sent says nothing new (channel rule R6).
        Command::Echo(_) if message.sent || message.echoed => vec![],
        Command::Tell(_) if message.told => vec![],
        Command::Echo(event) | Command::Tell(event) => vec![*event],
        // A resident's own message is on its way to nobody: whoever says so made it up, or means another.
        Command::Deliver { .. } if message.received.is_some() && !message.sent && !message.echoed => vec![],
        Command::Deliver { state, at, error, carries } => {
            // States only go forward, and failure is final (channel rule R5).
            let forward = message.delivery.is_none_or(|d| d != DeliveryState::Failed && state > d);
            let carries = carries.filter(|_| !message.sent);
            if forward { vec![Event::Delivery { state, at, error, carries }] } else { vec![] }
        }
        Command::Queue(_) if message.sending.is_some() => vec![],
        Command::Queue(what) => vec![Event::Queued(what)],
        Command::Attempt { at, by, registered } => match &message.sending {
            Some(Sending { attempts, standing: Standing::Waits { from }, .. })
                if from.is_none_or(|from| from <= at) =>
            {
                let attempt = attempts.saturating_add(1);
                vec![Event::Attempted { attempt, at, by: Some(by), registered }]
            }
            _ => return Err(Refusal::NotWaiting),
        },
        Command::Conclude(event) => conclude(message, *event)?,
        Command::GiveUp { why, at } => match message.sending.as_ref().map(|sending| &sending.standing) {
            Some(Standing::GivenUp(known)) if *known == why => vec![],
            Some(Standing::Waits { .. }) => vec![Event::NotTaken { why, code: None, again_at: None, at }],
            _ => return Err(Refusal::NotWaiting),
        },
        Command::NoteFile(_) if message.received.is_none() => return Err(Refusal::NotReceived),
        Command::NoteFile(event) => {
            let known = match event.as_ref() {
                Event::FileKept(kept) => message.files.contains(&kept.of),
                Event::FileMissing { of, .. } => message.files.contains(of),
                _ => message.words_missing,
            };
            if known { vec![] } else { vec![*event] }
        }
        Command::Settle(outcome) => match message.outcome {
            Some(known) if known == outcome => vec![],
            Some(known) => return Err(Refusal::Settled(known)),
            None if message.received.is_none() && !message.echoed => return Err(Refusal::NotReceived),
            None => vec![match outcome {
                Outcome::Placed { appeal, opens, found } => Event::Placed { appeal, opens, found },
                Outcome::SetAside { why, beside } => Event::SetAside { why, beside },
            }],
        },
    })
}

/// An attempt has one outcome. But that a platform took it is so whatever we made of its answer: an unknown outcome, a refusal that
/// was none, a wait for the next attempt.
fn conclude(message: &Message, event: Event) -> Result<Vec<Event>, Refusal> {
    let Some(Sending { standing, attempts, .. }) = &message.sending else { return Err(Refusal::NotWaiting) };
    let follows = match (&event, standing) {
        (Event::Taken { message, .. }, Standing::Taken { message: known }) if message == known => {
            return Ok(vec![]);
        }
        (Event::OutcomeUnknown { .. }, Standing::Unknown) => return Ok(vec![]),
        (Event::NotTaken { why, again_at: None, .. }, Standing::GivenUp(known)) if why == known => {
            return Ok(vec![]);
        }
        (Event::Taken { .. }, Standing::Taken { .. }) => false,
        (Event::Taken { .. }, _) => *attempts > 0,
        (Event::OutcomeUnknown { .. } | Event::NotTaken { .. }, Standing::Attempted { .. }) => true,
        _ => false,
    };
    if follows { Ok(vec![event]) } else { Err(Refusal::NotWaiting) }
}

/// Command ids of what is recorded about a message. They come from causes, so that a redelivery is recognised for ever.
pub mod command_id {
    use super::{BTreeSet, CommandId, DateTime, DeliveryState, FileKey, MessageId, Utc};

    /// «It was received.»
    #[must_use]
    pub fn received(message: MessageId) -> CommandId {
        CommandId::of(message, "received")
    }

    /// «It was edited»: by the platform's id or time of the edit.
    #[must_use]
    pub fn edited(message: MessageId, edit: &str) -> CommandId {
        CommandId::of(message, &format!("edit/{edit}"))
    }

    /// «It was taken back.»
    #[must_use]
    pub fn withdrawn(message: MessageId) -> CommandId {
        CommandId::of(message, "withdrawn")
    }

    /// «We sent it.»
    #[must_use]
    pub fn sent(message: MessageId) -> CommandId {
        CommandId::of(message, "sent")
    }

    /// «The platform showed it.»
    #[must_use]
    pub fn echoed(message: MessageId) -> CommandId {
        CommandId::of(message, "echoed")
    }

    /// «The platform told it.»
    #[must_use]
    pub fn told(message: MessageId) -> CommandId {
        CommandId::of(message, "told")
    }

    /// «It came this far.»
    #[must_use]
    pub fn delivery(message: MessageId, state: DeliveryState, at: DateTime<Utc>) -> CommandId {
        CommandId::of(message, &format!("delivery/{state:?}/{}", at.timestamp_millis()))
    }

    /// «It was settled», by `register`.
    #[must_use]
    pub fn settled(message: MessageId) -> CommandId {
        CommandId::of(message, "settled")
    }

    /// «We mean to send it.»
    #[must_use]
    pub fn queued(message: MessageId) -> CommandId {
        CommandId::of(message, "queued")
    }

    /// «It is about to be sent», for the `attempt`-th time.
    #[must_use]
    pub fn attempted(message: MessageId, attempt: u16) -> CommandId {
        CommandId::of(message, &format!("attempted/{attempt}"))
    }

    /// What came of it: `taken`, `unknown`, or `not_taken/` with the number of the attempt.
    #[must_use]
    pub fn concluded(message: MessageId, outcome: &str) -> CommandId {
        CommandId::of(message, &format!("concluded/{outcome}"))
    }

    /// «It is given up.»
    #[must_use]
    pub fn given_up(message: MessageId) -> CommandId {
        CommandId::of(message, "given up")
    }

    /// «This file of it is here», or will never be.
    #[must_use]
    pub fn file(message: MessageId, file: &FileKey) -> CommandId {
        CommandId::of(message, &format!("file/{file}"))
    }

    /// «Its words are here», or will never be.
    #[must_use]
    pub fn words(message: MessageId) -> CommandId {
        CommandId::of(message, "words")
    }

    /// Every fixed id of one message, to prove that they differ.
    #[must_use]
    pub fn all(message: MessageId) -> BTreeSet<CommandId> {
        [
            received(message),
            withdrawn(message),
            sent(message),
            echoed(message),
            told(message),
            settled(message),
            queued(message),
            given_up(message),
            words(message),
            edited(message, ""),
        ]
        .into()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::ids::IdKey;

    fn at(second: i64) -> DateTime<Utc> {
        Utc.timestamp_opt(1_795_147_200 + second, 0).unwrap()
    }

    fn says(text: &str) -> Content {
        Content { text: Some(text.to_owned().into()), ..Content::default() }
    }

    fn received() -> Event {
        let key = IdKey::new([1; 32]);
        Event::Received(Box::new(Received {
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            account: "118920446655001".into(),
            external_id: "wamid.1".to_owned().into(),
            contact: key.contact("whatsapp", "KZ.1"),
            aliases: vec![],
            name: None,
            phone: None,
            address: None,
            content: says("яма"),
            reply_to: None,
            join: Join::Window,
            album: None,
            letter: None,
            sent_at: at(0),
            raw: None,
            keys_changed: false,
        }))
    }

    fn placed() -> Outcome {
        let message = IdKey::new([1; 32]).message("whatsapp", "1", "wamid.1");
        Outcome::Placed { appeal: AppealId::opened_by(message), opens: true, found: Found::Opened }
    }

    fn check(past: &[Event], command: Command, expected: Result<usize, Refusal>) {
        let mut message = Message::default();
        past.iter().for_each(|e| message.evolve(e));
        let decided = decide(&message, command.clone());
        assert_eq!(decided.as_ref().map(Vec::len).map_err(|r| *r), expected, "{command:?}");
        // Repeated after its facts, a wish is no news.
        if let Ok(events) = decided {
            events.iter().for_each(|e| message.evolve(e));
            assert_eq!(decide(&message, command), Ok(vec![]));
        }
    }

    #[test]
    fn what_is_told_twice_is_recorded_once() {
        let Event::Received(first) = received() else { unreachable!() };
        let edit = |text: &str| Command::Edit { content: says(text), sent_at: at(5) };
        let deliver = |state| Command::Deliver { state, at: at(9), error: None, carries: None };
        let delivery = |state| Event::Delivery { state, at: at(9), error: None, carries: None };
        check(&[], Command::Receive(first.clone()), Ok(1));
        check(&[received()], Command::Receive(first.clone()), Ok(0));
        check(&[Event::Withdrawn { sent_at: at(1) }], Command::Receive(first), Ok(1));
        check(&[received()], Command::Withdraw { sent_at: at(3) }, Ok(1));
        check(&[], Command::Withdraw { sent_at: at(3) }, Ok(1));
        check(&[], edit("яма"), Ok(1));
        // The same words again, later, are news: an edit made between the two may still come.
        check(&[received()], edit("яма"), Ok(1));
        check(&[received()], Command::Edit { content: says("яма"), sent_at: at(0) }, Ok(0));
        check(&[received()], edit("люк"), Ok(1));
        check(&[], Command::Settle(placed()), Err(Refusal::NotReceived));
        check(&[received()], Command::Settle(placed()), Ok(1));
        check(
            &[received(), Event::SetAside { why: SetAside::Note, beside: None }],
            Command::Settle(placed()),
            Err(Refusal::Settled(SetAside::Note.into())),
        );
        check(&[delivery(DeliveryState::Read)], deliver(DeliveryState::Sent), Ok(0));
        check(&[delivery(DeliveryState::Sent)], deliver(DeliveryState::Read), Ok(1));
        check(&[delivery(DeliveryState::Failed)], deliver(DeliveryState::Read), Ok(0));
        check(&[delivery(DeliveryState::Read)], deliver(DeliveryState::Failed), Ok(1));
    }

    #[test]
    fn whether_a_file_is_here_is_said_once() {
        let key = |digit: &str| FileKey::try_from(digit.repeat(32)).unwrap();
        let missing = |digit, why| Event::FileMissing { of: key(digit), why };
        let note = |event| Command::NoteFile(Box::new(event));
        check(&[], note(missing("a", Missing::Gone)), Err(Refusal::NotReceived));
        check(&[received()], note(missing("a", Missing::Gone)), Ok(1));
        let past = [received(), missing("a", Missing::Gone)];
        check(&past, note(missing("a", Missing::Html)), Ok(0));
        check(&past, note(missing("b", Missing::Html)), Ok(1));
        check(&past, note(Event::WordsMissing { why: Missing::Gone }), Ok(1));
    }

    #[test]
    fn only_what_we_sent_comes_to_a_resident() {
        let failed =
            || Command::Deliver { state: DeliveryState::Failed, at: at(9), error: None, carries: None };
        let sent = || Event::Sent {
            channel: Channel::Whatsapp,
            account: "118920446655001".into(),
            external_id: "wamid.1".to_owned().into(),
            answers: None,
            appeal: None,
            number: None,
            contact: None,
            sent_at: at(0),
            of: None,
            task: None,
        };
        check(&[received()], failed(), Ok(0));
        check(&[received(), Event::Withdrawn { sent_at: at(1) }], failed(), Ok(0));
        // The platform may tell how far it came before we know that it was sent.
        check(&[], failed(), Ok(1));
        check(&[sent()], failed(), Ok(1));
        // Whoever writes under the name of our message takes nothing from it.
        check(&[sent(), received()], failed(), Ok(1));
    }

    #[test]
    fn the_last_edit_by_its_own_time_is_what_the_message_says() {
        let mut message = Message::default();
        for event in [
            Event::Edited { content: says("вторая"), sent_at: at(20) },
            Event::Edited { content: says("первая"), sent_at: at(10) },
            received(),
        ] {
            message.evolve(&event);
        }
        assert_eq!(message.content(), Some(&says("вторая")));
    }

    #[test]
    fn an_edit_back_to_the_first_words_outlives_an_earlier_one_that_comes_late() {
        let mut message = Message::default();
        message.evolve(&received());
        let edit = |text, second| Command::Edit { content: says(text), sent_at: at(second) };
        for late in [edit("яма", 20), edit("люк", 10)] {
            decide(&message, late).unwrap().iter().for_each(|event| message.evolve(event));
        }
        assert_eq!(decide(&message, edit("яма", 20)), Ok(vec![]));
        assert_eq!(message.content(), Some(&says("яма")));
        assert_eq!(message.edits.len(), 2);
    }

    #[test]
    fn before_its_last_edit_it_said_something_else() {
        let check = |edits: &[(&str, i64)], expected: Option<&str>| {
            let mut message = Message::default();
            message.evolve(&received());
            for (text, second) in edits {
                message.evolve(&Event::Edited { content: says(text), sent_at: at(*second) });
            }
            assert_eq!(message.before_its_last_edit(), expected.map(says).as_ref(), "{edits:?}");
        };
        check(&[], None);
        check(&[("люк", 10)], Some("яма"));
        check(&[("люк", 10), ("яма", 20)], Some("люк"));
        check(&[("яма", 20), ("люк", 10)], Some("люк"));
        check(&[("яма", 10)], Some("яма"));
        // The platform told the same words again, under another time.
        check(&[("люк", 10), ("люк", 20)], Some("яма"));
        check(&[("люк", 10), ("лужа", 20), ("лужа", 30)], Some("люк"));
        // Two of one second.
        check(&[("люк", 10), ("лужа", 10)], Some("люк"));
    }

    fn queued(not_before: Option<DateTime<Utc>>) -> Box<Outgoing> {
        let key = IdKey::new([1; 32]);
        Box::new(Outgoing {
            appeal: Some(AppealId::opened_by(key.message("whatsapp", "1", "wamid.1"))),
            contact: key.contact("whatsapp", "KZ.1"),
            channel: Channel::Whatsapp,
            surface: Surface::Private,
            account: "118920446655001".into(),
            to: "KZ.1".to_owned().into(),
            answers: None,
            what: "receipt".into(),
            version: Some(1),
            lang: "ru".into(),
            subject: None,
            text: "Принято.".to_owned().into(),
            buttons: vec![],
            instead: None,
            follows: None,
            instead_of: None,
            private_reply: false,
            not_before,
            by_person: false,
            at_once: true,
            task: None,
            only_while: None,
        })
    }

    fn attempt(second: i64) -> Command {
        Command::Attempt { at: at(second), by: Uuid::nil(), registered: false }
    }

    fn taken_as(external_id: &str) -> Event {
        Event::Taken {
            message: IdKey::new([1; 32]).message("whatsapp", "118920446655001", external_id),
            external_id: external_id.to_owned().into(),
            at: at(12),
        }
    }

    fn not_taken(why: Trouble, again_at: Option<DateTime<Utc>>) -> Event {
        Event::NotTaken { why, code: None, again_at, at: at(12) }
    }

    #[test]
    fn a_way_out_has_one_end() {
        let conclude = |event| Command::Conclude(Box::new(event));
        let wishes = [
            ("queue", Command::Queue(queued(None))),
            ("attempt", attempt(10)),
            ("taken", conclude(taken_as("wamid.2"))),
            ("taken by another name", conclude(taken_as("wamid.3"))),
            ("unknown", conclude(Event::OutcomeUnknown { at: at(12) })),
            ("put off", conclude(not_taken(Trouble::Busy, Some(at(60))))),
            ("given up: busy", conclude(not_taken(Trouble::Busy, None))),
            ("given up: blocked", conclude(not_taken(Trouble::Blocked, None))),
            ("give up", Command::GiveUp { why: Trouble::Blocked, at: at(12) }),
            // Only an outcome concludes.
            ("what is no outcome", conclude(Event::Withdrawn { sent_at: at(12) })),
        ];
        // What each wish leads to, in their order: `+` a fact, `=` no news, `-` refused.
        let check = |past: &[Event], expected: &str| {
            let mut message = Message::default();
            past.iter().for_each(|event| message.evolve(event));
            let marks = wishes.iter().map(|(_, wish)| match decide(&message, wish.clone()).as_deref() {
                Ok([]) => '=',
                Ok([_]) => '+',
                Err(Refusal::NotWaiting) => '-',
                other => panic!("{wish:?}: {other:?}"),
            });
            let names: Vec<_> = wishes.iter().map(|(name, _)| name).collect();
            assert_eq!(marks.collect::<String>(), expected, "{names:?} after {past:?}");
        };
        let waits = |not_before| Event::Queued(queued(not_before));
        let attempted = Event::Attempted { attempt: 1, at: at(1), by: None, registered: false };
        let unknown = Event::OutcomeUnknown { at: at(2) };
        check(&[], "+---------");
        check(&[waits(None)], "=+------+-");
        check(&[waits(Some(at(9)))], "=+------+-");
        check(&[waits(Some(at(10)))], "=+------+-");
        check(&[waits(Some(at(11)))], "=-------+-");
        check(&[waits(None), attempted.clone()], "=-++++++--");
        check(&[waits(None), attempted.clone(), not_taken(Trouble::Busy, Some(at(10)))], "=+++----+-");
        check(&[waits(None), attempted.clone(), not_taken(Trouble::Busy, Some(at(11)))], "=-++----+-");
        check(&[waits(None), attempted.clone(), taken_as("wamid.2")], "=-=-------");
        check(&[waits(None), attempted.clone(), unknown.clone()], "=-++=-----");
        check(&[waits(None), attempted.clone(), unknown, taken_as("wamid.2")], "=-=-------");
        check(&[waits(None), attempted.clone(), not_taken(Trouble::Busy, None)], "=-++--=---");
        check(&[waits(None), not_taken(Trouble::Blocked, None)], "=------==-");
        // The platform took what we had given up.
        let given_up = not_taken(Trouble::Refused, None);
        check(&[waits(None), attempted, given_up, taken_as("wamid.2")], "=-=-------");
        // What was received has no way out.
        check(&[received()], "+---------");
    }

    #[test]
    fn attempts_are_counted_over_all_that_a_message_waited() {
        let mut message = Message::default();
        let busy = || Command::Conclude(Box::new(not_taken(Trouble::Busy, Some(at(60)))));
        let lost = Command::Conclude(Box::new(Event::OutcomeUnknown { at: at(70) }));
        let taken = Command::Conclude(Box::new(taken_as("wamid.2")));
        let Event::Taken { message: name, .. } = taken_as("wamid.2") else { unreachable!() };
        for (wish, attempts, standing) in [
            (Command::Queue(queued(Some(at(3)))), 0, Standing::Waits { from: Some(at(3)) }),
            (attempt(3), 1, Standing::Attempted { at: at(3) }),
            (busy(), 1, Standing::Waits { from: Some(at(60)) }),
            (attempt(60), 2, Standing::Attempted { at: at(60) }),
            (lost, 2, Standing::Unknown),
            (taken, 2, Standing::Taken { message: name }),
        ] {
            decide(&message, wish.clone()).unwrap().iter().for_each(|event| message.evolve(event));
            let sending = message.sending.as_ref().unwrap();
            assert_eq!((sending.attempts, &sending.standing), (attempts, &standing), "{wish:?}");
        }
    }

    #[test]
    fn command_ids_differ() {
        let message = IdKey::new([1; 32]).message("whatsapp", "1", "wamid.1");
        assert_eq!(command_id::all(message).len(), 10);
    }
}
