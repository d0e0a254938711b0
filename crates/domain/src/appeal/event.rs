//! The facts of an appeal's stream.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{AppealId, ContactId, MessageId},
    inbound::{Channel, Surface},
    number::Number,
    outgoing::Task,
    personal::{self, Personal},
    place::Place,
};

/// Names a finding within its appeal: 0 is the main problem.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct FindingId(pub u16);

/// A share in thousandths, 0 to 1000.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Permille(pub u16);

impl Permille {
    /// The share nearest to `share`, which is taken as 0 to 1.
    #[must_use]
    pub fn of(share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=1000 first; a NaN becomes 0"
        )]
        Self((share.clamp(0.0, 1.0) * 1000.0).round() as u16)
    }

    /// The share as 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// The language of a resident's text.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum TextLang {
    /// Russian.
    #[default]
    #[serde(rename = "ru")]
    Ru,
    /// Kazakh.
    #[serde(rename = "kk")]
    Kk,
    /// Both in one text.
    #[serde(rename = "mixed")]
    Mixed,
    /// Russian in Latin letters.
    #[serde(rename = "ru-Latn")]
    RuLatn,
    /// Kazakh in Latin letters.
    #[serde(rename = "kk-Latn")]
    KkLatn,
}

impl TextLang {
    /// The code, as recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Kk => "kk",
            Self::Mixed => "mixed",
            Self::RuLatn => "ru-Latn",
            Self::KkLatn => "kk-Latn",
        }
    }

    /// The language of our answer: `ru` or `kk`.
    #[must_use]
    pub const fn answer(self) -> &'static str {
        match self {
            Self::Ru | Self::RuLatn | Self::Mixed => "ru",
            Self::Kk | Self::KkLatn => "kk",
        }
    }
}

/// One problem found in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Code of the category.
    pub category: String,
    /// Code of the priority, after escalation.
    pub priority: String,
    /// How sure we are.
    pub confidence: Permille,
    /// What made us think so: stems and phrases of the rule set, `≈` before pieces of its learnt weights, and after `near:` the category
    /// that was next and its probability. Never the resident's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// Where it is.
    pub place: Place,
}

/// What we understood of a resident's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Understanding {
    /// Version of the code that understood.
    pub triage: String,
    /// Version of the rule set.
    pub rules: String,
    /// Language of the text.
    pub lang: TextLang,
    /// Somebody may be hurt.
    pub danger: bool,
    /// Problems, the main one first. Never empty.
    pub findings: Vec<Finding>,
    /// An earlier number that the text names, as written there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names_number: Option<String>,
}

/// One of the clocks that run for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The law's term for the answer (АППК, art. 76).
    Legal,
    /// The city's target for the work.
    Service,
    /// The dangerous place must be fenced or guarded.
    Secure,
}

impl Clock {
    /// The code, as recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Service => "service",
            Self::Secure => "secure",
        }
    }
}

/// Why a term is what it is, so that it can be counted again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum TermCause {
    /// Working days of the law.
    Law {
        /// Article of the act.
        article: u16,
        /// Working days.
        working_days: u16,
        /// Day of registration: the working day after it is day 1.
        registered_on: NaiveDate,
    },
    /// Hours of the category, around the clock.
    Target {
        /// Code of the category.
        category: String,
        /// Hours.
        hours: u32,
    },
    /// Extended by a person (art. 76).
    Extended {
        /// Why.
        reason: String,
    },
}

/// A term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// The instant from which it is overdue.
    pub at: DateTime<Utc>,
    /// The instant it counts from.
    pub from: DateTime<Utc>,
    /// Why it is what it is.
    pub cause: TermCause,
}

/// The terms of a finding, by clock.
pub type Due = BTreeMap<Clock, Deadline>;

/// A sentence in every language of the city.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Russian.
    pub ru: String,
    /// Kazakh.
    pub kk: String,
    /// English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// The decision who acts on a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The finding.
    pub finding: FindingId,
    /// Code of the party. An abstract one when nothing resolved it.
    pub to: String,
    /// Code of the party where it waits, when it cannot be handed to `to` yet: a person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_at: Option<String>,
    /// Parties that may be right, when more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Parties that get a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<String>,
    /// `to` is not a body of the city: handing over is a redirect with notice (АППК, art. 65).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// Code of the report group.
    pub bucket: String,
    /// Code of the category.
    pub category: String,
    /// Code of the priority.
    pub priority: String,
    /// Terms.
    pub due: Due,
    /// Version of the rule set.
    pub rules: String,
    /// Code of the rule, or `person`.
    pub rule: String,
    /// The sentence that a person can argue with.
    pub because: Because,
    /// What the rule looked at: names and values from closed sets of the rule set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// A question about the place, put to the resident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceQuestion {
    /// The finding that it is about.
    pub finding: FindingId,
    /// The finding goes no further until the place is known. Danger does not wait.
    pub waits: bool,
    /// Code of the template.
    pub template: String,
    /// Version of the template.
    pub version: u32,
    /// Language, `ru` or `kk`.
    pub lang: String,
    /// The text.
    #[serde(serialize_with = "personal::write")]
    pub text: Personal<String>,
}

/// An answer to the resident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The finding that it answers.
    pub finding: FindingId,
    /// Code of the template, absent when a person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Version of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Language, `ru` or `kk`.
    pub lang: String,
    /// The text.
    #[serde(serialize_with = "personal::write")]
    pub text: Personal<String>,
    /// Whether the finding is settled by it.
    pub settles: bool,
    /// Who answered.
    pub by: Actor,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// The rules.
    System,
    /// A person of the press centre, by the name of the token.
    Operator {
        /// Public name of the token.
        token: String,
    },
    /// A party.
    Party {
        /// Code of the party.
        code: String,
    },
    /// The author of the appeal.
    Author,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Operator { .. } => f.write_str("operator"),
            Self::Party { code } => f.write_str(code),
            Self::Author => f.write_str("author"),
        }
    }
}

/// How an appeal began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// Its public number.
    pub number: Number,
    /// The message that opened it; none when it is known from an earlier system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Its author.
    pub contact: ContactId,
    /// The channel it came by.
    pub channel: Channel,
    /// The part of the channel.
    pub surface: Surface,
    /// `recorded_at` of the message that opened it: all terms count from here.
    pub received_at: DateTime<Utc>,
    /// Nothing to understand yet: a photo, a voice note or a point without words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// It gathers what its author sent beyond the city's limits: how many messages within the hour there were when it began. A person looks at
    /// them; no receipt is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<u32>,
    /// The appeal that it was split off from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<AppealId>,
}

/// A fact about an appeal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// It got its number.
    Registered(Box<Registered>),
    /// It is known under another number too (an earlier system's).
    AliasNamed {
        /// The other number.
        number: Number,
    },
    /// Another message belongs to it.
    MessageAdded {
        /// The message.
        message: MessageId,
        /// Its sender, when that is another contact than the author.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<ContactId>,
    },
    /// A message of it got another content.
    MessageEdited {
        /// The message.
        message: MessageId,
        /// Which version this is, the first edit is 2.
        version: u32,
    },
    /// A message of it was taken back by its author.
    MessageWithdrawn {
        /// The message.
        message: MessageId,
    },
    /// Its words were understood.
    Understood(Box<Understanding>),
    /// The resident was asked where it is.
    PlaceAsked(Box<PlaceQuestion>),
    /// The place became known.
    PlaceGiven {
        /// The finding.
        finding: FindingId,
        /// Where it is.
        place: Box<Place>,
        /// The message that told it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
        /// Who told it.
        by: Actor,
    },
    /// Somebody was made responsible.
    Routed(Box<Route>),
    /// The resident was answered.
    Answered(Box<Answer>),
    /// It was redirected to a body outside the city, with notice (АППК, art. 65).
    ForwardedOutside {
        /// The finding.
        finding: FindingId,
        /// Code of the party.
        to: String,
    },
    /// The party took it.
    Accepted {
        /// The finding.
        finding: FindingId,
        /// Who.
        by: Actor,
    },
    /// The party did not take it.
    Refused {
        /// The finding.
        finding: FindingId,
        /// Who.
        by: Actor,
        /// Why.
        #[serde(serialize_with = "personal::write")]
        reason: Personal<String>,
    },
    /// Work on the place began.
    Started {
        /// The finding.
        finding: FindingId,
        /// Who.
        by: Actor,
    },
    /// The work is done.
    Done {
        /// The finding.
        finding: FindingId,
        /// Who.
        by: Actor,
        /// What was done, in words.
        #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "personal::write_opt")]
        explanation: Option<Personal<String>>,
        /// Names of the photos that prove it (BLAKE3, hexadecimal).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        proof: Vec<String>,
    },
    /// Its author said whether it is fixed.
    Rated {
        /// «Yes, it is.»
        fixed: bool,
        /// The message that said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// Its author asks to open it again.
    ReopenRequested {
        /// The message that asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// It was opened again.
    Reopened {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(serialize_with = "personal::write")]
        reason: Personal<String>,
    },
    /// Other appeals were made of parts of it.
    Split {
        /// The new appeals, in order.
        children: Vec<AppealId>,
        /// Who.
        by: Actor,
    },
    /// It is about the same problem as another one.
    JoinedToProblem {
        /// The first appeal about the problem.
        problem: AppealId,
        /// Who.
        by: Actor,
    },
    /// A term passed.
    Overdue {
        /// The finding.
        finding: FindingId,
        /// Which clock.
        clock: Clock,
        /// The term.
        due_at: DateTime<Utc>,
    },
    /// Somebody above was told.
    Escalated {
        /// The finding.
        finding: FindingId,
        /// Code of the party that was told.
        to: String,
        /// Why, from a closed set: `overdue`, `danger`, `person`.
        why: String,
        /// Who.
        by: Actor,
    },
    /// A term was moved by a person, with notice (АППК, art. 76).
    Extended {
        /// The finding.
        finding: FindingId,
        /// Which clock.
        clock: Clock,
        /// The new term.
        deadline: Deadline,
        /// Who.
        by: Actor,
    },
    /// A person corrected what the rules had understood.
    Corrected {
        /// The finding.
        finding: FindingId,
        /// The right category, when it was wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        category: Option<String>,
        /// The right place, when it was wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Box<Place>>,
        /// Who.
        by: Actor,
        /// Why.
        #[serde(serialize_with = "personal::write")]
        reason: Personal<String>,
    },
    /// It is now an official appeal under the law.
    MadeOfficial {
        /// Code of the legal kind (`city.toml [[legal_kind]]`).
        kind: String,
        /// Who.
        by: Actor,
    },
    /// A person wrote a note; residents never see it.
    Noted {
        /// Who.
        by: Actor,
        /// What.
        #[serde(serialize_with = "personal::write")]
        text: Personal<String>,
    },
    /// It was closed.
    Closed {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(serialize_with = "personal::write")]
        reason: Personal<String>,
    },
    /// It is not considered: no appeal in the sense of the law.
    NotConsidered {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(serialize_with = "personal::write")]
        reason: Personal<String>,
    },
    /// The resident was told something.
    Told {
        /// Our message.
        message: MessageId,
        /// Code of the template, or `text`.
        what: String,
    },
    /// The resident could not be told.
    NotTold {
        /// Code of the template, or `text`.
        what: String,
        /// Why, from a closed set.
        why: String,
        /// Our message, when there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// A party was told of its task, or of what became of it.
    PartyTold {
        /// The party, and the finding.
        task: Task,
        /// Our letter.
        message: MessageId,
        /// Code of the template.
        what: String,
    },
    /// A party could not be told: somebody must call it.
    PartyNotTold {
        /// The party, and the finding.
        task: Task,
        /// Code of the template.
        what: String,
        /// Why, from a closed set: `no_contact`, `unfilled`, or why its mail server did not take it.
        why: String,
        /// Our letter, when there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// A party answered our letter by mail.
    PartyAnswered {
        /// The party, and the finding.
        task: Task,
        /// Its letter.
        message: MessageId,
    },
    /// Its personal data were erased.
    Erased {
        /// Who.
        by: Actor,
    },
}

impl Event {
    /// The name under which it is recorded.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Registered(_) => "registered",
            Self::AliasNamed { .. } => "alias_named",
            Self::MessageAdded { .. } => "message_added",
            Self::MessageEdited { .. } => "message_edited",
            Self::MessageWithdrawn { .. } => "message_withdrawn",
            Self::Understood(_) => "understood",
            Self::PlaceAsked(_) => "place_asked",
            Self::PlaceGiven { .. } => "place_given",
            Self::Routed(_) => "routed",
            Self::Answered(_) => "answered",
            Self::ForwardedOutside { .. } => "forwarded_outside",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Started { .. } => "started",
            Self::Done { .. } => "done",
            Self::Rated { .. } => "rated",
            Self::ReopenRequested { .. } => "reopen_requested",
            Self::Reopened { .. } => "reopened",
            Self::Split { .. } => "split",
            Self::JoinedToProblem { .. } => "joined_to_problem",
            Self::Overdue { .. } => "overdue",
            Self::Escalated { .. } => "escalated",
            Self::Extended { .. } => "extended",
            Self::Corrected { .. } => "corrected",
            Self::MadeOfficial { .. } => "made_official",
            Self::Noted { .. } => "noted",
            Self::Closed { .. } => "closed",
            Self::NotConsidered { .. } => "not_considered",
            Self::Told { .. } => "told",
            Self::NotTold { .. } => "not_told",
            Self::PartyTold { .. } => "party_told",
            Self::PartyNotTold { .. } => "party_not_told",
            Self::PartyAnswered { .. } => "party_answered",
            Self::Erased { .. } => "erased",
        }
    }
}
