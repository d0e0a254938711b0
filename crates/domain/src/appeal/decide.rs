//! What may happen to an appeal, and the facts it leads to.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    event::{
        Actor, Answer, Clock, Deadline, Event, FindingId, PlaceQuestion, Registered, Route, TermCause,
        Understanding,
    },
    state::{Appeal, StateName},
};
use crate::{
    ids::{AppealId, ContactId, MessageId},
    number::Number,
    outgoing::Task,
    personal::Personal,
    place::Place,
};

/// A wish to change an appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields mean what they mean in the events of the same names")]
pub enum Command {
    /// Give it its number and begin.
    Register(Box<Registered>),
    /// Know it under another number too.
    NameAlias { number: Number },
    /// Add a message.
    AddMessage {
        message: MessageId,
        contact: Option<ContactId>,
        /// It says something, so an appeal that was settled wants a look.
        says: bool,
    },
    /// Note that a message got another content.
    EditMessage { message: MessageId, version: u32 },
    /// Note that a message was taken back.
    WithdrawMessage { message: MessageId },
    /// Record what the rules understood and decided, as one. What a person or a party has taken in hand stays as it is.
    Settle(Box<Settlement>),
    /// Say where it is.
    GivePlace { finding: FindingId, place: Box<Place>, message: Option<MessageId>, by: Actor },
    /// Make somebody else responsible, and tell parties above at once.
    Redirect { route: Box<Route>, alarms: Vec<Alarm>, by: Actor },
    /// Answer the resident.
    Answer(Box<Answer>),
    /// Take the task.
    Accept { finding: FindingId, by: Actor },
    /// Do not take the task.
    Refuse { finding: FindingId, by: Actor, reason: Personal<String> },
    /// Begin the work.
    Start { finding: FindingId, by: Actor },
    /// Report the work as done: with proof or an explanation.
    Finish { finding: FindingId, by: Actor, explanation: Option<Personal<String>>, proof: Vec<String> },
    /// Say whether it is fixed.
    Rate { fixed: bool, message: Option<MessageId> },
    /// Open it again.
    Reopen { by: Actor, reason: Personal<String> },
    /// Make other appeals of parts of it; `of` is its own id.
    Split { of: AppealId, parts: u32, by: Actor },
    /// Count it to the same problem as another appeal; `of` is its own id.
    Join { of: AppealId, problem: AppealId, by: Actor },
    /// Note that a term passed, and tell somebody above.
    MarkOverdue { finding: FindingId, clock: Clock, due_at: DateTime<Utc>, escalate_to: Option<String> },
    /// Tell somebody above.
    Escalate { finding: FindingId, to: String, by: Actor },
    /// Move a term.
    Extend { finding: FindingId, clock: Clock, deadline: Deadline, by: Actor },
    /// Correct what the rules had understood.
    Correct {
        finding: FindingId,
        category: Option<String>,
        place: Option<Box<Place>>,
        route: Option<Box<Route>>,
        by: Actor,
        reason: Personal<String>,
    },
    /// Make it official under the law.
    MakeOfficial { kind: String, by: Actor },
    /// Write a note.
    Note { by: Actor, text: Personal<String> },
    /// Close it.
    Close { by: Actor, reason: Personal<String> },
    /// Do not consider it.
    NotConsider { by: Actor, reason: Personal<String> },
    /// Note that the resident was told.
    NoteTold { message: MessageId, what: String },
    /// Note that the resident could not be told.
    NoteNotTold { what: String, why: String, message: Option<MessageId> },
    /// Note that a party was told.
    NotePartyTold { task: Task, message: MessageId, what: String },
    /// Note that a party could not be told.
    NotePartyNotTold { task: Task, what: String, why: String, message: Option<MessageId> },
    /// Note that a party answered by mail.
    NotePartyAnswered { task: Task, message: MessageId },
    /// Erase its personal data.
    Erase { by: Actor },
}

/// What the rules understood and decided about an appeal, recorded as one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What was understood.
    pub understanding: Understanding,
    /// One decision for each finding.
    pub routes: Vec<Route>,
    /// A question to the resident.
    pub question: Option<PlaceQuestion>,
    /// Answers to the resident.
    pub answers: Vec<Answer>,
    /// Parties above that are told at once (danger whose district is not certain).
    pub alarms: Vec<Alarm>,
}

/// A party, by its code, that must hear at once of a finding that is a danger.
pub type Alarm = (FindingId, String);

/// The columns of the transition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the command of the same name")]
pub enum CommandName {
    Register,
    NameAlias,
    AddMessage,
    EditMessage,
    WithdrawMessage,
    Settle,
    GivePlace,
    Redirect,
    Answer,
    Accept,
    Refuse,
    Start,
    Finish,
    Rate,
    Reopen,
    Split,
    Join,
    MarkOverdue,
    Escalate,
    Extend,
    Correct,
    MakeOfficial,
    Note,
    Close,
    NotConsider,
    NoteTold,
    NoteNotTold,
    NotePartyTold,
    NotePartyNotTold,
    NotePartyAnswered,
    Erase,
}

use StateName::{
    Accepted, Answered, Asked, Closed, Desk, Done, Forwarded, NotConsidered, Refused, Registered as New,
    Routed, Started,
};

/// Everything that was registered and is not over by erasure.
const KEPT: &[StateName] =
    &[New, Desk, Asked, Routed, Forwarded, Accepted, Started, Refused, Answered, Done, Closed, NotConsidered];
/// Somebody still has to act on the finding.
const OPEN: &[StateName] = &[Desk, Asked, Routed, Forwarded, Accepted, Started, Refused];
/// The finding is understood and the appeal not ended.
const LIVE: &[StateName] = &[Desk, Asked, Routed, Forwarded, Accepted, Started, Refused, Answered, Done];

/// The one table of what may happen: a command, and the states in which it may.
///
/// A command about one finding asks for that finding's state, any other for the appeal's.
pub const TABLE: &[(CommandName, &[StateName])] = &[
    (CommandName::Register, &[StateName::Unknown]),
    (CommandName::NameAlias, KEPT),
    (CommandName::AddMessage, KEPT),
    (CommandName::EditMessage, KEPT),
    (CommandName::WithdrawMessage, KEPT),
    (CommandName::Settle, KEPT),
    (CommandName::GivePlace, OPEN),
    (CommandName::Redirect, OPEN),
    (CommandName::Answer, LIVE),
    (CommandName::Accept, &[Routed, Forwarded]),
    (CommandName::Refuse, &[Routed, Forwarded, Accepted, Started]),
    (CommandName::Start, &[Routed, Forwarded, Accepted]),
    (CommandName::Finish, &[Desk, Routed, Forwarded, Accepted, Started]),
    (CommandName::Rate, KEPT),
    (CommandName::Reopen, &[Answered, Done, Closed, NotConsidered]),
    (CommandName::Split, LIVE),
    (CommandName::Join, LIVE),
    (CommandName::MarkOverdue, OPEN),
    (CommandName::Escalate, OPEN),
    (CommandName::Extend, OPEN),
    (CommandName::Correct, LIVE),
    (CommandName::MakeOfficial, KEPT),
    (CommandName::Note, KEPT),
    (CommandName::Close, &[New, Desk, Asked, Routed, Forwarded, Refused, Answered, Done]),
    (CommandName::NotConsider, &[New, Desk, Asked]),
    (CommandName::NoteTold, KEPT),
    (CommandName::NoteNotTold, KEPT),
    (CommandName::NotePartyTold, KEPT),
    (CommandName::NotePartyNotTold, KEPT),
    (CommandName::NotePartyAnswered, KEPT),
    (CommandName::Erase, KEPT),
];

/// What may still happen after the personal data were erased: work on the findings that are open. Nobody is left to be
/// answered, and nothing that a resident says is added.
pub const AFTER_ERASURE: &[CommandName] = &[
    CommandName::Redirect,
    CommandName::Accept,
    CommandName::Refuse,
    CommandName::Start,
    CommandName::Finish,
    CommandName::MarkOverdue,
    CommandName::Escalate,
    CommandName::Extend,
    CommandName::Note,
    CommandName::Close,
    CommandName::NotePartyTold,
    CommandName::NotePartyNotTold,
    CommandName::NotePartyAnswered,
];

impl CommandName {
    /// Whether the table allows this command in `state`.
    #[must_use]
    pub fn is_allowed_in(self, state: StateName) -> bool {
        TABLE.iter().any(|(command, states)| *command == self && states.contains(&state))
    }
}

impl Command {
    /// Its column of the table.
    #[must_use]
    pub const fn name(&self) -> CommandName {
        match self {
            Self::Register(_) => CommandName::Register,
            Self::NameAlias { .. } => CommandName::NameAlias,
            Self::AddMessage { .. } => CommandName::AddMessage,
            Self::EditMessage { .. } => CommandName::EditMessage,
            Self::WithdrawMessage { .. } => CommandName::WithdrawMessage,
            Self::Settle(_) => CommandName::Settle,
            Self::GivePlace { .. } => CommandName::GivePlace,
            Self::Redirect { .. } => CommandName::Redirect,
            Self::Answer(_) => CommandName::Answer,
            Self::Accept { .. } => CommandName::Accept,
            Self::Refuse { .. } => CommandName::Refuse,
            Self::Start { .. } => CommandName::Start,
            Self::Finish { .. } => CommandName::Finish,
            Self::Rate { .. } => CommandName::Rate,
            Self::Reopen { .. } => CommandName::Reopen,
            Self::Split { .. } => CommandName::Split,
            Self::Join { .. } => CommandName::Join,
            Self::MarkOverdue { .. } => CommandName::MarkOverdue,
            Self::Escalate { .. } => CommandName::Escalate,
            Self::Extend { .. } => CommandName::Extend,
            Self::Correct { .. } => CommandName::Correct,
            Self::MakeOfficial { .. } => CommandName::MakeOfficial,
            Self::Note { .. } => CommandName::Note,
            Self::Close { .. } => CommandName::Close,
            Self::NotConsider { .. } => CommandName::NotConsider,
            Self::NoteTold { .. } => CommandName::NoteTold,
            Self::NoteNotTold { .. } => CommandName::NoteNotTold,
            Self::NotePartyTold { .. } => CommandName::NotePartyTold,
            Self::NotePartyNotTold { .. } => CommandName::NotePartyNotTold,
            Self::NotePartyAnswered { .. } => CommandName::NotePartyAnswered,
            Self::Erase { .. } => CommandName::Erase,
        }
    }

    /// The finding it is about, when it is about one.
    #[must_use]
    pub fn finding(&self) -> Option<FindingId> {
        match self {
            Self::GivePlace { finding, .. }
            | Self::Accept { finding, .. }
            | Self::Refuse { finding, .. }
            | Self::Start { finding, .. }
            | Self::Finish { finding, .. }
            | Self::MarkOverdue { finding, .. }
            | Self::Escalate { finding, .. }
            | Self::Extend { finding, .. }
            | Self::Correct { finding, .. } => Some(*finding),
            Self::Redirect { route, .. } => Some(route.finding),
            Self::Answer(answer) => Some(answer.finding),
            Self::Register(_)
            | Self::NameAlias { .. }
            | Self::AddMessage { .. }
            | Self::EditMessage { .. }
            | Self::WithdrawMessage { .. }
            | Self::Settle(_)
            | Self::Rate { .. }
            | Self::Reopen { .. }
            | Self::Split { .. }
            | Self::Join { .. }
            | Self::MakeOfficial { .. }
            | Self::Note { .. }
            | Self::Close { .. }
            | Self::NotConsider { .. }
            | Self::NoteTold { .. }
            | Self::NoteNotTold { .. }
            | Self::NotePartyTold { .. }
            | Self::NotePartyNotTold { .. }
            | Self::NotePartyAnswered { .. }
            | Self::Erase { .. } => None,
        }
    }

    const fn by(&self) -> Option<&Actor> {
        match self {
            Self::GivePlace { by, .. }
            | Self::Redirect { by, .. }
            | Self::Accept { by, .. }
            | Self::Refuse { by, .. }
            | Self::Start { by, .. }
            | Self::Finish { by, .. }
            | Self::Reopen { by, .. }
            | Self::Split { by, .. }
            | Self::Join { by, .. }
            | Self::Escalate { by, .. }
            | Self::Extend { by, .. }
            | Self::Correct { by, .. }
            | Self::MakeOfficial { by, .. }
            | Self::Note { by, .. }
            | Self::Close { by, .. }
            | Self::NotConsider { by, .. }
            | Self::Erase { by } => Some(by),
            Self::Answer(answer) => Some(&answer.by),
            Self::Register(_)
            | Self::NameAlias { .. }
            | Self::AddMessage { .. }
            | Self::EditMessage { .. }
            | Self::WithdrawMessage { .. }
            | Self::Settle(_)
            | Self::Rate { .. }
            | Self::MarkOverdue { .. }
            | Self::NoteTold { .. }
            | Self::NoteNotTold { .. }
            | Self::NotePartyTold { .. }
            | Self::NotePartyNotTold { .. }
            | Self::NotePartyAnswered { .. } => None,
        }
    }
}

/// Why a wish was not followed. Nothing was recorded, and asking again gives the same answer until the state changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such appeal.
    #[error("there is no such appeal")]
    NotFound,
    /// The appeal has no such finding.
    #[error("the appeal has no finding {}", .0.0)]
    NoFinding(FindingId),
    /// The table does not allow it now.
    #[error("it is {}: this cannot be done now", .state.code())]
    NotNow {
        /// Where it stands.
        state: StateName,
        /// What was asked.
        command: CommandName,
    },
    /// Another party is responsible.
    #[error("another party is responsible for it")]
    NotYours,
    /// «Done» needs a photo or an explanation.
    #[error("say what was done, or add a photo that shows it")]
    NeedsProof,
    /// A reason is missing.
    #[error("give a reason")]
    NeedsReason,
    /// The law lets its term be extended once (АППК, art. 76).
    #[error("the law lets this term be extended once, and it was")]
    ExtendedBefore,
    /// An appeal cannot be joined to itself, or split into nothing.
    #[error("{0}")]
    Pointless(&'static str),
}

/// Chooses the facts that follow `command`, given where the appeal stands. No facts: nothing new was said.
///
/// # Errors
///
/// A [`Refusal`].
pub fn decide(appeal: &Appeal, command: Command) -> Result<Vec<Event>, Refusal> {
    allowed(appeal, &command)?;
    Ok(match command {
        Command::Register(registered) => vec![Event::Registered(registered)],
        Command::NameAlias { number } => {
            let known = appeal.aliases.contains(&number)
                || appeal.registered.as_ref().is_some_and(|r| r.number == number);
            if known { vec![] } else { vec![Event::AliasNamed { number }] }
        }
        Command::AddMessage { message, .. } if appeal.messages.contains(&message) => vec![],
        Command::AddMessage { message, contact, says } => {
            let mut events = vec![Event::MessageAdded { message, contact }];
            if says && asks_to_reopen(appeal) {
                events.push(Event::ReopenRequested { message: Some(message) });
            }
            events
        }
        Command::EditMessage { message, version } if appeal.edits.contains(&(message, version)) => vec![],
        Command::EditMessage { message, version } => vec![Event::MessageEdited { message, version }],
        Command::WithdrawMessage { message } if appeal.withdrawn.contains(&message) => vec![],
        Command::WithdrawMessage { message } => vec![Event::MessageWithdrawn { message }],
        Command::Settle(settlement) => settle(appeal, *settlement),
        Command::GivePlace { finding, place, message, by } => {
            vec![Event::PlaceGiven { finding, place, message, by }]
        }
        Command::Redirect { mut route, alarms, by } => {
            if by == Actor::System {
                keep_extensions(appeal, &mut route);
            }
            handed_over(appeal, *route).into_iter().chain(alarmed(alarms)).collect()
        }
        Command::Answer(mut answer) => {
            leave_open_if_danger(is_danger(appeal.understanding.as_deref()), &mut answer);
            vec![Event::Answered(answer)]
        }
        Command::Accept { finding, by } => vec![Event::Accepted { finding, by }],
        Command::Refuse { finding, by, reason } => {
            vec![Event::Refused { finding, by, reason: said(reason)? }]
        }
        Command::Start { finding, by } => vec![Event::Started { finding, by }],
        Command::Finish { finding, by, explanation, proof } => {
            let explanation = explanation.filter(|e| !e.reveal().trim().is_empty());
            if explanation.is_none() && proof.is_empty() {
                return Err(Refusal::NeedsProof);
            }
            vec![Event::Done { finding, by, explanation, proof }]
        }
        Command::Rate { message: Some(message), .. } if appeal.rated_by.contains(&message) => vec![],
        Command::Rate { fixed, message } => {
            let mut events = vec![Event::Rated { fixed, message }];
            if !fixed && asks_to_reopen(appeal) {
                events.push(Event::ReopenRequested { message });
            }
            events
        }
        Command::Reopen { by, reason } => vec![Event::Reopened { by, reason: said(reason)? }],
        Command::Split { parts: 0, .. } => {
            return Err(Refusal::Pointless("an appeal is split into one part more at least"));
        }
        Command::Split { of, parts, by } => {
            let first = u32::try_from(appeal.children.len()).unwrap_or(u32::MAX);
            let children = (1..=parts).map(|n| of.split_off(first.saturating_add(n))).collect();
            vec![Event::Split { children, by }]
        }
        Command::Join { problem, .. } if appeal.problem == Some(problem) => vec![],
        Command::Join { of, problem, .. } if of == problem => {
            return Err(Refusal::Pointless("an appeal cannot be joined to itself"));
        }
        Command::Join { problem, by, .. } => vec![Event::JoinedToProblem { problem, by }],
        Command::MarkOverdue { finding, clock, due_at, escalate_to } => {
            overdue(appeal, finding, clock, due_at, escalate_to)
        }
        Command::Escalate { finding, to, by } => {
            vec![Event::Escalated { finding, to, why: "person".into(), by }]
        }
        Command::Extend { finding, clock: Clock::Legal, .. }
            if was_extended(appeal, finding, Clock::Legal) =>
        {
            return Err(Refusal::ExtendedBefore);
        }
        Command::Extend { finding, clock, deadline, by } => {
            vec![Event::Extended { finding, clock, deadline, by }]
        }
        Command::Correct { category: None, place: None, route: None, .. } => {
            return Err(Refusal::Pointless("say what is right: a category, a place or a party"));
        }
        Command::Correct { finding, category, place, route, by, reason } => {
            let mut events = vec![Event::Corrected { finding, category, place, by, reason: said(reason)? }];
            events.extend(route.into_iter().flat_map(|route| handed_over(appeal, *route)));
            events
        }
        Command::MakeOfficial { .. } if appeal.official => vec![],
        Command::MakeOfficial { kind, by } => vec![Event::MadeOfficial { kind, by }],
        Command::Note { by, text } => vec![Event::Noted { by, text: said(text)? }],
        Command::Close { by, reason } => vec![Event::Closed { by, reason: said(reason)? }],
        Command::NotConsider { by, reason } => vec![Event::NotConsidered { by, reason: said(reason)? }],
        Command::NoteTold { message, what } => vec![Event::Told { message, what }],
        Command::NoteNotTold { what, why, message } => vec![Event::NotTold { what, why, message }],
        Command::NotePartyTold { task, message, what } => vec![Event::PartyTold { task, message, what }],
        Command::NotePartyNotTold { task, what, why, message } => {
            vec![Event::PartyNotTold { task, what, why, message }]
        }
        Command::NotePartyAnswered { task, message } => vec![Event::PartyAnswered { task, message }],
        Command::Erase { by } => vec![Event::Erased { by }],
    })
}

/// Asks the table, then whether the task is the asking party's own.
fn allowed(appeal: &Appeal, command: &Command) -> Result<(), Refusal> {
    let name = command.name();
    let state = match command.finding() {
        Some(finding) => appeal.state_of(finding).ok_or(Refusal::NoFinding(finding))?,
        None => appeal.state(),
    };
    match state {
        _ if appeal.erased && !AFTER_ERASURE.contains(&name) => {
            return Err(Refusal::NotNow { state: StateName::Erased, command: name });
        }
        state if name.is_allowed_in(state) => {}
        StateName::Unknown => return Err(Refusal::NotFound),
        state => return Err(Refusal::NotNow { state, command: name }),
    }
    if let (Some(Actor::Party { code }), Some(finding)) = (command.by(), command.finding()) {
        let own = appeal.findings.get(usize::from(finding.0)).is_some_and(|f| f.party() == code);
        if !own {
            return Err(Refusal::NotYours);
        }
    }
    Ok(())
}

/// Whether a complaint asks to open it again: it was settled or has ended, and nobody asked before.
fn asks_to_reopen(appeal: &Appeal) -> bool {
    CommandName::Reopen.is_allowed_in(appeal.state()) && !appeal.reopen_requested
}

fn said(reason: Personal<String>) -> Result<Personal<String>, Refusal> {
    if reason.reveal().trim().is_empty() { Err(Refusal::NeedsReason) } else { Ok(reason) }
}

/// «Routed», and «forwarded outside» when the party is no body of the city, does not have it yet, and nothing holds it back.
/// A settled finding goes to nobody.
fn handed_over(appeal: &Appeal, route: Route) -> Vec<Event> {
    let known = appeal.findings.get(usize::from(route.finding.0));
    let forwarded = (route.outside
        && route.waits_at.is_none()
        && known.is_none_or(|f| f.is_open() && !f.is_in_hand_of(&route)))
    .then(|| Event::ForwardedOutside { finding: route.finding, to: route.to.clone() });
    std::iter::once(Event::Routed(Box::new(route))).chain(forwarded).collect()
}

/// What the rules decided, but for findings that are out of their hands. An appeal that has ended is decided by nobody but
/// a person, who is asked to open it again: only alarms are raised.
fn settle(appeal: &Appeal, settlement: Settlement) -> Vec<Event> {
    let Settlement { understanding, routes, question, answers, alarms } = settlement;
    let free = |finding: FindingId| {
        appeal.end.is_none()
            && appeal.findings.get(usize::from(finding.0)).is_none_or(|f| appeal.is_for_rules(f))
    };
    let danger = understanding.danger || is_danger(appeal.understanding.as_deref());
    let changed: BTreeSet<FindingId> = routes
        .iter()
        .filter(|route| is_news_to_whoever_was_told(appeal, &understanding, route))
        .map(|route| route.finding)
        .collect();
    let mut events = vec![Event::Understood(Box::new(understanding))];
    for mut route in routes.into_iter().filter(|route| free(route.finding)) {
        keep_extensions(appeal, &mut route);
        let known = appeal.findings.get(usize::from(route.finding.0)).and_then(|f| f.route.as_ref());
        if known != Some(&route) {
            events.extend(handed_over(appeal, route));
        }
    }
    events.extend(question.filter(|q| free(q.finding)).map(|q| Event::PlaceAsked(Box::new(q))));
    events.extend(answers.into_iter().filter(|a| free(a.finding)).map(|mut answer| {
        leave_open_if_danger(danger, &mut answer);
        Event::Answered(Box::new(answer))
    }));
    // Whoever was told of a danger is not told again while nothing about it changed.
    let is_news =
        |(finding, _): &Alarm| appeal.end.is_some() || (free(*finding) && changed.contains(finding));
    events.extend(alarmed(alarms.into_iter().filter(is_news)));
    if appeal.end.is_some() && !appeal.reopen_requested {
        events.push(Event::ReopenRequested { message: None });
    }
    events
}

/// Whether a finding is another than it was: what it is, how urgent, where, and who should act.
fn is_news_to_whoever_was_told(appeal: &Appeal, understanding: &Understanding, route: &Route) -> bool {
    let at = usize::from(route.finding.0);
    let (known, understood) = (appeal.findings.get(at), understanding.findings.get(at));
    let was_told = known.and_then(|known| known.route.as_ref()).is_some_and(|known| {
        (&known.to, &known.waits_at, &known.candidates) == (&route.to, &route.waits_at, &route.candidates)
            && (&known.category, &known.priority) == (&route.category, &route.priority)
    });
    let is_there = known.zip(understood).is_some_and(|(known, now)| known.place == now.place);
    !(was_told && is_there)
}

fn is_danger(understanding: Option<&Understanding>) -> bool {
    understanding.is_some_and(|understanding| understanding.danger)
}

/// A danger is never closed by the rules. Which finding of an appeal it is the city's rule set knows, not we: none of them is.
fn leave_open_if_danger(danger: bool, answer: &mut Answer) {
    answer.settles &= !(danger && answer.by == Actor::System);
}

fn alarmed(alarms: impl IntoIterator<Item = Alarm>) -> impl Iterator<Item = Event> {
    alarms.into_iter().map(|(finding, to)| Event::Escalated {
        finding,
        to,
        why: "danger".into(),
        by: Actor::System,
    })
}

fn was_extended(appeal: &Appeal, finding: FindingId, clock: Clock) -> bool {
    appeal
        .findings
        .get(usize::from(finding.0))
        .and_then(|f| f.due.get(&clock))
        .is_some_and(|deadline| matches!(deadline.cause, TermCause::Extended { .. }))
}

/// A term that a person moved, with notice, is not the rules' to move back.
fn keep_extensions(appeal: &Appeal, route: &mut Route) {
    let Some(known) = appeal.findings.get(usize::from(route.finding.0)) else { return };
    let extended = known.due.iter().filter(|(_, d)| matches!(d.cause, TermCause::Extended { .. }));
    route.due.extend(extended.map(|(clock, deadline)| (*clock, deadline.clone())));
}

/// Only a term that still is the finding's term, and was not found overdue before, is news.
fn overdue(
    appeal: &Appeal,
    finding: FindingId,
    clock: Clock,
    due_at: DateTime<Utc>,
    escalate_to: Option<String>,
) -> Vec<Event> {
    let news = appeal
        .findings
        .get(usize::from(finding.0))
        .is_some_and(|f| f.due.get(&clock).is_some_and(|d| d.at == due_at) && !f.overdue.contains(&clock));
    if !news {
        return vec![];
    }
    let escalated =
        escalate_to.map(|to| Event::Escalated { finding, to, why: "overdue".into(), by: Actor::System });
    std::iter::once(Event::Overdue { finding, clock, due_at }).chain(escalated).collect()
}

#[cfg(test)]
mod tests;
