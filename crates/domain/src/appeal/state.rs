//! Where an appeal stands, as its facts tell.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{Clock, Due, Event, FindingId, Registered, Route, Understanding};
use crate::{
    ids::{AppealId, MessageId},
    number::Number,
    place::Place,
};

/// Code of the party that serves the desk. The one code that every city has.
pub const DESK: &str = "operator";

/// How far one finding came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Understood, nobody chosen yet, or a person must choose.
    Desk,
    /// The resident was asked for the place, and it cannot go on without.
    Asked,
    /// Handed to a party.
    Routed,
    /// Redirected to a body outside the city.
    Forwarded,
    /// Taken by the party.
    Accepted,
    /// In work.
    Started,
    /// Not taken: a person chooses again.
    Refused,
    /// Settled by an answer.
    Answered,
    /// Settled by work.
    Done,
}

/// One finding and its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingState {
    /// Code of the category, corrections included.
    pub category: String,
    /// Where it is, corrections included.
    pub place: Place,
    /// The decision in force.
    pub route: Option<Route>,
    /// Its terms.
    pub due: Due,
    /// The clocks that were found overdue.
    pub overdue: BTreeSet<Clock>,
    /// How far it came.
    pub stage: Stage,
}

impl FindingState {
    /// Whether somebody still has to act.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Answered | Stage::Done)
    }

    /// Whether the party of `route` has taken it already: told something new about it, it goes on.
    #[must_use]
    pub(crate) fn is_in_hand_of(&self, route: &Route) -> bool {
        matches!(self.stage, Stage::Forwarded | Stage::Accepted | Stage::Started)
            && route.waits_at.is_none()
            && self.route.as_ref().is_some_and(|known| known.to == route.to)
    }

    /// Code of the party that was given it to do, until it is done or given back.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        let is_given =
            matches!(self.stage, Stage::Routed | Stage::Forwarded | Stage::Accepted | Stage::Started);
        is_given.then(|| self.party())
    }

    /// Code of the party in whose queue it stands.
    #[must_use]
    pub fn party(&self) -> &str {
        match (&self.route, &self.stage) {
            (Some(route), Stage::Refused | Stage::Desk | Stage::Asked) => {
                route.waits_at.as_deref().unwrap_or(DESK)
            }
            (Some(route), _) => route.waits_at.as_deref().unwrap_or(&route.to),
            (None, _) => DESK,
        }
    }
}

/// How an appeal ended, when it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Closed.
    Closed,
    /// Not considered.
    NotConsidered,
}

/// An appeal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appeal {
    /// How it began. Nothing: there is no such appeal.
    pub registered: Option<Box<Registered>>,
    /// Other numbers it is known under.
    pub aliases: Vec<Number>,
    /// Its messages, in the order they were added; the one that opened it first.
    pub messages: Vec<MessageId>,
    /// Messages that were taken back.
    pub withdrawn: BTreeSet<MessageId>,
    /// Edits: message and version.
    pub edits: BTreeSet<(MessageId, u32)>,
    /// What was understood last.
    pub understanding: Option<Box<Understanding>>,
    /// Problems, the main one first.
    pub findings: Vec<FindingState>,
    /// A person decided something: the rules do not decide over it.
    pub by_person: bool,
    /// The resident was asked for the place.
    pub place_asked: bool,
    /// Templates that the resident was answered with: none is sent twice.
    pub answered_with: BTreeSet<String>,
    /// «Is it fixed?»: the last answer.
    pub rated: Option<bool>,
    /// The same of the work since it was opened again.
    pub confirmed: Option<bool>,
    /// Messages whose button was counted.
    pub rated_by: BTreeSet<MessageId>,
    /// Its author asks to open it again.
    pub reopen_requested: bool,
    /// It was opened again.
    pub reopened: bool,
    /// Appeals split off from it.
    pub children: Vec<AppealId>,
    /// The first appeal about the same problem.
    pub problem: Option<AppealId>,
    /// Official under the law.
    pub official: bool,
    /// How it ended.
    pub end: Option<End>,
    /// Personal data were erased. Findings that were open still are.
    pub erased: bool,
}

/// Where an appeal, or one finding of it, stands: the rows of the transition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the stage, or the end, of the same name")]
pub enum StateName {
    Unknown,
    Registered,
    Desk,
    Asked,
    Routed,
    Forwarded,
    Accepted,
    Started,
    Refused,
    Answered,
    Done,
    Closed,
    NotConsidered,
    Erased,
}

impl StateName {
    /// Every state there is.
    pub const ALL: [Self; 14] = [
        Self::Unknown,
        Self::Registered,
        Self::Desk,
        Self::Asked,
        Self::Routed,
        Self::Forwarded,
        Self::Accepted,
        Self::Started,
        Self::Refused,
        Self::Answered,
        Self::Done,
        Self::Closed,
        Self::NotConsidered,
        Self::Erased,
    ];

    /// The code, as shown in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Registered => "registered",
            Self::Desk => "desk",
            Self::Asked => "asked",
            Self::Routed => "routed",
            Self::Forwarded => "forwarded",
            Self::Accepted => "accepted",
            Self::Started => "started",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::NotConsidered => "not_considered",
            Self::Erased => "erased",
        }
    }

    /// Whether somebody still has to act.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Registered
                | Self::Desk
                | Self::Asked
                | Self::Routed
                | Self::Forwarded
                | Self::Accepted
                | Self::Started
                | Self::Refused
        )
    }
}

impl From<&Stage> for StateName {
    fn from(stage: &Stage) -> Self {
        match stage {
            Stage::Desk => Self::Desk,
            Stage::Asked => Self::Asked,
            Stage::Routed => Self::Routed,
            Stage::Forwarded => Self::Forwarded,
            Stage::Accepted => Self::Accepted,
            Stage::Started => Self::Started,
            Stage::Refused => Self::Refused,
            Stage::Answered => Self::Answered,
            Stage::Done => Self::Done,
        }
    }
}

/// What everybody may know: open or not, and one word (`templates.toml [phrase] status_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PublicState {
    /// Somebody still has to act.
    pub open: bool,
    /// The word's code: `registered`, `asked`, `routed`, `accepted`, `started`, `done`, `forwarded`, `answered`,
    /// `reopened`, `closed`, `not_considered`.
    pub status: &'static str,
}

impl Appeal {
    /// Where the whole appeal stands: its first open finding in order, else its main one.
    ///
    /// Erased is one in which nothing is left to do: a problem on the road does not end with the words about it.
    #[must_use]
    pub fn state(&self) -> StateName {
        if self.registered.is_none() {
            return StateName::Unknown;
        }
        if self.erased && (self.end.is_some() || !self.findings.iter().any(FindingState::is_open)) {
            return StateName::Erased;
        }
        match self.end {
            Some(End::Closed) => StateName::Closed,
            Some(End::NotConsidered) => StateName::NotConsidered,
            None => self
                .findings
                .iter()
                .find(|f| f.is_open())
                .or_else(|| self.findings.first())
                .map_or(StateName::Registered, |f| (&f.stage).into()),
        }
    }

    /// Where one finding stands; the whole appeal's state when that is beyond its findings, nothing when there is no such
    /// finding.
    #[must_use]
    pub fn state_of(&self, finding: FindingId) -> Option<StateName> {
        match self.state() {
            end @ (StateName::Unknown
            | StateName::Registered
            | StateName::Erased
            | StateName::Closed
            | StateName::NotConsidered) => Some(end),
            _ => self.findings.get(usize::from(finding.0)).map(|f| (&f.stage).into()),
        }
    }

    /// Whether the rules still decide about a finding of it: no person did, and no party has taken it in hand.
    #[must_use]
    pub fn is_for_rules(&self, finding: &FindingState) -> bool {
        !self.by_person && matches!(finding.stage, Stage::Desk | Stage::Asked | Stage::Routed)
    }

    /// What everybody may know of it.
    #[must_use]
    pub fn public_state(&self) -> PublicState {
        let state = self.state();
        let status = match state {
            StateName::Unknown | StateName::Erased => "closed",
            StateName::Registered | StateName::Desk | StateName::Refused if self.reopened => "reopened",
            StateName::Registered | StateName::Desk | StateName::Refused => "registered",
            StateName::Asked => "asked",
            StateName::Routed => "routed",
            StateName::Forwarded => "forwarded",
            StateName::Accepted => "accepted",
            StateName::Started => "started",
            StateName::Answered => "answered",
            StateName::Done => "done",
            StateName::Closed => "closed",
            StateName::NotConsidered => "not_considered",
        };
        PublicState { open: state.is_open(), status }
    }

    /// The earliest term that still runs, with its finding and clock.
    #[must_use]
    pub fn next_due(&self) -> Option<(DateTime<Utc>, FindingId, Clock)> {
        if !self.state().is_open() {
            return None;
        }
        (0u16..)
            .zip(&self.findings)
            .filter(|(_, f)| f.is_open())
            .flat_map(|(i, f)| {
                f.due
                    .iter()
                    .filter(|(clock, _)| !f.overdue.contains(clock))
                    .map(move |(clock, deadline)| (deadline.at, FindingId(i), *clock))
            })
            .min()
    }

    fn finding(&mut self, id: FindingId) -> Option<&mut FindingState> {
        self.findings.get_mut(usize::from(id.0))
    }

    fn stage(&mut self, id: FindingId, stage: Stage) {
        if let Some(finding) = self.finding(id) {
            finding.stage = stage;
        }
    }

    /// Takes in a fact. It cannot refuse: what is in the log has happened.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered(registered) => {
                self.messages.extend(registered.message);
                self.registered = Some(registered.clone());
            }
            Event::AliasNamed { number } => self.aliases.push(number.clone()),
            Event::MessageAdded { message, .. } => self.messages.push(*message),
            Event::MessageEdited { message, version } => {
                self.edits.insert((*message, *version));
            }
            Event::MessageWithdrawn { message } => {
                self.withdrawn.insert(*message);
            }
            Event::Understood(understanding) => self.understood(understanding),
            Event::PlaceAsked(question) => {
                self.place_asked = true;
                if let Some(f) = self.finding(question.finding)
                    && question.waits
                    && f.stage == Stage::Desk
                {
                    f.stage = Stage::Asked;
                }
            }
            Event::PlaceGiven { finding, place, by, .. } => {
                self.by_person |= matches!(by, super::Actor::Operator { .. });
                if let Some(f) = self.finding(*finding) {
                    f.place = (**place).clone();
                }
            }
            Event::Routed(route) => self.routed(route),
            Event::Answered(answer) => {
                self.by_person |= matches!(answer.by, super::Actor::Operator { .. });
                self.answered_with.extend(answer.template.clone());
                if answer.settles {
                    self.stage(answer.finding, Stage::Answered);
                }
            }
            Event::ForwardedOutside { finding, .. } => self.stage(*finding, Stage::Forwarded),
            Event::Accepted { finding, .. } => self.stage(*finding, Stage::Accepted),
            Event::Refused { finding, .. } => self.stage(*finding, Stage::Refused),
            Event::Started { finding, .. } => self.stage(*finding, Stage::Started),
            Event::Done { finding, .. } => self.stage(*finding, Stage::Done),
            Event::Rated { fixed, message } => {
                self.rated = Some(*fixed);
                self.confirmed = Some(*fixed);
                self.reopen_requested &= !*fixed;
                self.rated_by.extend(message);
            }
            Event::ReopenRequested { .. } => self.reopen_requested = true,
            Event::Reopened { .. } => {
                self.reopened = true;
                self.confirmed = None;
                self.reopen_requested = false;
                self.end = None;
                self.by_person = true;
                for finding in &mut self.findings {
                    finding.stage = Stage::Desk;
                }
            }
            Event::Split { children, .. } => self.children.extend(children),
            Event::JoinedToProblem { problem, .. } => self.problem = Some(*problem),
            Event::Overdue { finding, clock, .. } => {
                if let Some(f) = self.finding(*finding) {
                    f.overdue.insert(*clock);
                }
            }
            Event::Extended { finding, clock, deadline, .. } => {
                if let Some(f) = self.finding(*finding) {
                    f.due.insert(*clock, deadline.clone());
                    f.overdue.remove(clock);
                }
            }
            Event::Corrected { finding, category, place, .. } => {
                self.by_person = true;
                if let Some(f) = self.finding(*finding) {
                    if let Some(category) = category {
                        f.category.clone_from(category);
                    }
                    if let Some(place) = place {
                        f.place = (**place).clone();
                    }
                }
            }
            Event::MadeOfficial { .. } => self.official = true,
            Event::Closed { .. } => self.end = Some(End::Closed),
            Event::NotConsidered { .. } => self.end = Some(End::NotConsidered),
            Event::Erased { .. } => self.erased = true,
            Event::Escalated { .. }
            | Event::Noted { .. }
            | Event::Told { .. }
            | Event::NotTold { .. }
            | Event::PartyTold { .. }
            | Event::PartyNotTold { .. }
            | Event::PartyAnswered { .. } => {}
        }
    }

    /// A new understanding keeps what is on its way: a finding that a person or a party has is neither changed nor dropped.
    fn understood(&mut self, understanding: &Understanding) {
        for (i, finding) in understanding.findings.iter().enumerate() {
            let for_rules = self.findings.get(i).is_none_or(|known| self.is_for_rules(known));
            match self.findings.get_mut(i) {
                Some(known) if for_rules => {
                    known.category.clone_from(&finding.category);
                    known.place = finding.place.clone();
                }
                Some(_) => {}
                None => self.findings.push(FindingState {
                    category: finding.category.clone(),
                    place: finding.place.clone(),
                    route: None,
                    due: Due::new(),
                    overdue: BTreeSet::new(),
                    stage: Stage::Desk,
                }),
            }
        }
        while !self.by_person
            && self.findings.len() > understanding.findings.len().max(1)
            && self.findings.last().is_some_and(|f| matches!(f.stage, Stage::Desk | Stage::Asked))
        {
            self.findings.pop();
        }
        self.understanding = Some(Box::new(understanding.clone()));
    }

    fn routed(&mut self, route: &Route) {
        self.by_person |= route.rule == "person";
        if let Some(finding) = self.finding(route.finding) {
            finding.category.clone_from(&route.category);
            // A term that passed has passed, whoever has the finding now.
            finding
                .overdue
                .retain(|clock| finding.due.get(clock).map(|d| d.at) == route.due.get(clock).map(|d| d.at));
            finding.due = route.due.clone();
            // Of a settled finding only who should have had it is corrected: to open it again is a wish of its own.
            if finding.is_open() && !finding.is_in_hand_of(route) {
                finding.stage = match (&route.waits_at, route.to.as_str()) {
                    (Some(_), _) | (None, DESK | "none") => Stage::Desk,
                    (None, _) => Stage::Routed,
                };
            }
            finding.route = Some(route.clone());
        }
    }
}
