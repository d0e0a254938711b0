//! What a resident is told of a record of their appeal. Pure: the same record gives the same texts.
//!
//! The texts are the city's templates. One whose placeholders nothing fills is not sent: the desk sees what happened, and writes.

use chrono::{DateTime, Utc};
use zholdary_city::{City, Filled, Lang, Names, Template, Values};
use zholdary_domain::{
    Number, Personal,
    appeal::{Actor, Answer, Appeal, Because, Clock, DESK, Event, FindingId, FindingState, Route, Stage},
    outgoing::{OutButton, VendorTemplate},
};
use zholdary_routing::{
    languages::{self, Spoken},
    rules,
};

use crate::flood;

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Code of the template.
    pub what: String,
    /// Its version.
    pub version: u32,
    /// Language of the text: `ru`, `kk` or `en`.
    pub lang: String,
    /// Subject of a letter.
    pub subject: Option<Personal<String>>,
    /// The text.
    pub text: Personal<String>,
    /// What may stand in public: nothing of the resident's own words, place or person, and no words of an operator to them.
    pub public: Personal<String>,
    /// Buttons under it.
    pub buttons: Vec<OutButton>,
    /// What goes instead when the vendor's window is closed.
    pub instead: Option<VendorTemplate>,
    /// A person wrote it.
    pub by_person: bool,
    /// It goes at any hour.
    pub at_once: bool,
    /// Why it is not told.
    lacks: Option<Lack>,
}

/// Why there is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// Nothing fills a placeholder.
    Unfilled,
    /// The city has no such text any more.
    NoTemplate,
}

impl Lack {
    const fn code(self) -> &'static str {
        match self {
            Self::Unfilled => "unfilled",
            Self::NoTemplate => "no_template",
        }
    }
}

/// The problem that an appeal was joined to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its number.
    pub number: Number,
    /// How many write about it.
    pub voices: u32,
}

/// What is told in public where a text may not be.
const PUBLIC_UPDATE: &str = "public_update";

/// What may stand in public.
const PUBLIC: [&str; 12] = [
    "number",
    "status",
    "party",
    "phone",
    "link",
    "site",
    "closures_link",
    "law",
    "law_days",
    "date",
    "due",
    "due_time",
];

/// A record of an appeal, and what it changed.
#[derive(Debug, Clone, Copy)]
pub struct Happened<'a> {
    /// The city whose rules are in force.
    pub city: &'a City,
    /// Address of the public page, without a slash at its end.
    pub site: &'a str,
    /// The appeal before the record.
    pub before: &'a Appeal,
    /// The appeal after it.
    pub after: &'a Appeal,
    /// The record's events.
    pub events: &'a [Event],
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The problem that the record joins it to.
    pub problem: Option<&'a Problem>,
    /// Why a party did not take it, the last time that one did not.
    pub refused: Option<&'a Personal<String>>,
    /// The language that its author chose.
    pub chosen: Option<Spoken>,
}

impl Happened<'_> {
    /// What its author is told of it, in order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.told().0
    }

    /// What its author is told of it, in order; and what they should have been told, with why there is no text for it.
    #[must_use]
    pub fn told(&self) -> (Vec<Notice>, Vec<(String, &'static str)>) {
        let (lacking, told): (Vec<_>, Vec<_>) =
            self.all().into_iter().partition(|notice| notice.lacks.is_some());
        let why = |notice: Notice| Some((notice.what, notice.lacks?.code()));
        (told, lacking.into_iter().filter_map(why).collect())
    }

    fn all(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.events.iter().flat_map(|event| self.of(event)).collect();
        if self.is_first_understood() {
            let number = self.after.registered.as_ref().map(|r| r.number.to_string()).unwrap_or_default();
            // A text that names the number is a receipt itself.
            let is_named = notices.iter().any(|notice| notice.text.reveal().contains(&number));
            let receipt = if is_named && !self.is_danger() { None } else { self.receipt() };
            notices.splice(0..0, receipt);
            // Whatever stands for the receipt answers words just written.
            return notices.into_iter().map(at_once).collect();
        }
        if notices.is_empty() && self.changes_what_was_understood() {
            // Nothing else says so.
            notices.extend(self.of_finding("follow_up_added", FindingId(0)).map(at_once));
        }
        notices
    }

    /// Somebody sends more than the city's limits.
    #[must_use]
    pub fn of_a_flood(&self, count: usize) -> Vec<Notice> {
        let mut values = self.values(FindingId(0));
        values.set("count", count.to_string());
        self.filled(flood::TEMPLATE, &values).map(at_once).into_iter().collect()
    }

    /// Whether the record is of what was understood and decided without a person.
    #[must_use]
    pub fn is_by_rules(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Understood(_)))
    }

    fn is_first_understood(&self) -> bool {
        let is_here = self.after.registered.as_ref().is_some_and(|r| r.message.is_some());
        is_here && self.before.understanding.is_none() && self.after.understanding.is_some()
    }

    /// Whether what was added changed anything: words understood as before are told of by nobody.
    fn changes_what_was_understood(&self) -> bool {
        let (before, after) = (self.before, self.after);
        let said = |appeal: &'_ Appeal| {
            appeal.understanding.as_ref().map(|known| (known.danger, known.findings.clone()))
        };
        self.events.iter().any(|event| matches!(event, Event::Understood(_)))
            && (said(before) != said(after)
                || before.findings != after.findings
                || before.reopen_requested != after.reopen_requested)
    }

    fn is_danger(&self) -> bool {
        self.after.understanding.as_ref().is_some_and(|understood| understood.danger)
    }

    fn receipt(&self) -> Option<Notice> {
        let code = if self.is_danger() { "receipt_danger" } else { "receipt" };
        self.filled(code, &self.values(FindingId(0))).map(at_once)
    }

    fn of(&self, event: &Event) -> Vec<Notice> {
        let one = |notice: Option<Notice>| notice.into_iter().collect();
        match event {
            Event::PlaceAsked(question) => one(self
                .given(&question.template, question.version, &question.lang, question.finding, &question.text)
                .map(at_once)),
            Event::Answered(answer) => match (&answer.template, answer.version) {
                (Some(template), Some(version)) => one(self
                    .given(template, version, &answer.lang, answer.finding, &answer.text)
                    .map(at_once)),
                _ => one(self.operator_answer(answer)),
            },
            // What the receipt says is not said again.
            Event::Routed(route) if !self.is_first_understood() => one(self.rerouted(route.finding)),
            Event::ForwardedOutside { finding, .. } => one(self.forwarded(*finding)),
            Event::Accepted { finding, .. } => one(self.of_finding("accepted", *finding)),
            Event::Started { finding, .. } => one(self.of_finding("started", *finding)),
            Event::Extended { finding, clock: Clock::Legal, deadline, .. } => {
                one(self.extended(*finding, &deadline.cause))
            }
            Event::Done { finding, explanation, .. } => one(self.done(*finding, explanation.as_ref())),
            Event::Split { children, .. } => one(self.split(children.len())),
            Event::JoinedToProblem { .. } => one(self.joined()),
            Event::Reopened { .. } => one(self.of_finding("reopened", FindingId(0))),
            Event::Closed { by, .. } => one(self.closed(by)),
            Event::NotConsidered { reason, .. } => one(self.not_considered(reason)),
            Event::MadeOfficial { .. } => {
                let mut values = self.values(FindingId(0));
                self.name_desk(&mut values);
                one(self.filled("official_registered", &values))
            }
            _ => vec![],
        }
    }

    fn of_finding(&self, code: &str, finding: FindingId) -> Option<Notice> {
        self.filled(code, &self.values(finding))
    }

    /// Another party answers for it now.
    fn rerouted(&self, finding: FindingId) -> Option<Notice> {
        let party = |appeal: &Appeal| Some(finding_of(appeal, finding)?.party().to_owned());
        let now = party(self.after)?;
        // What waits at the desk is handed to nobody yet.
        let is_handed = finding_of(self.after, finding)?.stage == Stage::Routed;
        let is_news = party(self.before).is_some_and(|before| before != now);
        let is_told = self
            .events
            .iter()
            .any(|event| matches!(event, Event::ForwardedOutside { finding: told, .. } if *told == finding));
        if !is_handed || !is_news || is_told {
            return None;
        }
        let was_refused = self.before.findings.get(usize::from(finding.0)).map(|before| &before.stage);
        match (was_refused, self.refused) {
            (Some(Stage::Refused), Some(reason)) => {
                let mut values = self.values(finding);
                values.set("reason", reason.reveal().as_str());
                self.filled("refused_rerouted", &values)
            }
            _ => self.of_finding("routed", finding),
        }
    }

    /// Several problems were seen in it.
    fn split(&self, children: usize) -> Option<Notice> {
        let mut values = self.values(FindingId(0));
        values.set("count", (children + 1).to_string());
        for lang in Lang::ALL {
            let categories =
                self.after.findings.iter().filter_map(|state| self.city.category(&state.category));
            let lines: Vec<_> = categories.map(|category| format!("• {}", category.name.get(lang))).collect();
            values.set_in(lang, "list", lines.join("\n"));
        }
        self.filled("split", &values)
    }

    /// Others write about it, too.
    fn joined(&self) -> Option<Notice> {
        let mut values = self.values(FindingId(0));
        if let Some(problem) = self.problem {
            values.set("problem", problem.number.to_string()).set("count", problem.voices.to_string());
        }
        self.filled("joined_to_problem", &values)
    }

    /// The law asks for this notice (АППК, art. 65).
    fn forwarded(&self, finding: FindingId) -> Option<Notice> {
        let mut values = self.values(finding);
        let legal = &self.city.legal;
        for lang in Lang::ALL {
            values.set_in(lang, "law", legal.law(legal.articles.forward, lang));
        }
        self.filled("forwarded_outside", &values)
    }

    fn extended(&self, finding: FindingId, cause: &zholdary_domain::appeal::TermCause) -> Option<Notice> {
        let zholdary_domain::appeal::TermCause::Extended { reason } = cause else { return None };
        let mut values = self.values(finding);
        values.set("reason", reason.as_str());
        let legal = &self.city.legal;
        for lang in Lang::ALL {
            values.set_in(lang, "law", legal.law(legal.articles.extend, lang));
        }
        self.filled("deadline_extended", &values)
    }

    /// Told once, when all of it is done: with the question whether it is.
    fn done(&self, finding: FindingId, explanation: Option<&Personal<String>>) -> Option<Notice> {
        if self.after.findings.iter().any(FindingState::is_open) {
            return None;
        }
        let mut values = self.values(finding);
        if let Some(explanation) = explanation {
            values.set("explanation", explanation.reveal().as_str());
        }
        // What the desk did itself it says itself.
        self.name_desk(&mut values);
        let done = self.filled("done_with_proof", &values)?;
        let question = self.filled("is_it_fixed", &values)?;
        if done.lacks.or(question.lacks).is_some() {
            return Some(Notice { lacks: done.lacks.or(question.lacks), ..done });
        }
        let text = format!("{}\n\n{}", done.text.reveal(), question.text.reveal());
        Some(Notice { text: text.into(), buttons: question.buttons, instead: question.instead, ..done })
    }

    fn closed(&self, by: &Actor) -> Option<Notice> {
        match (self.after.confirmed, by) {
            (Some(true), _) => self.of_finding("closed_thanks", FindingId(0)),
            (None, Actor::System) => self.of_finding("closed_no_reply", FindingId(0)),
            _ => None,
        }
    }

    /// In the language that the operator chose: the frame round their words is in the same.
    fn operator_answer(&self, answer: &Answer) -> Option<Notice> {
        let mut values = self.values(answer.finding);
        values.set("explanation", answer.text.reveal().as_str());
        let lang = Lang::from_code(&answer.lang).unwrap_or_else(|| self.lang());
        self.filled_in(lang, "operator_answer", &values).map(by_a_person)
    }

    fn not_considered(&self, reason: &Personal<String>) -> Option<Notice> {
        let mut values = self.values(FindingId(0));
        // The article of the term is no ground to consider nothing, and the city's file names no other.
        values.set("reason", reason.reveal().as_str()).set("law", "");
        self.filled("not_considered", &values).map(by_a_person)
    }

    fn lang(&self) -> Lang {
        let written = self.after.understanding.as_ref().zip(self.after.registered.as_ref());
        let written =
            written.and_then(|(said, registered)| Spoken::in_text(said.lang, registered.received_at));
        languages::answer(self.chosen, written).unwrap_or(self.city.meta.default_language)
    }

    fn filled(&self, code: &str, values: &Values) -> Option<Notice> {
        self.filled_in(self.lang(), code, values)
    }

    fn filled_in(&self, lang: Lang, code: &str, values: &Values) -> Option<Notice> {
        let Some(template) = self.city.template(code) else {
            tracing::warn!(template = code, "«{code}» is not told: the city has no such text");
            return Some(self.lacking(code, lang, Lack::NoTemplate));
        };
        match template.fill(lang, values) {
            Ok(filled) => Some(self.notice(filled, template.whatsapp.as_deref(), values)),
            Err(unfilled) => {
                tracing::warn!(template = code, error = %unfilled, "«{code}» is not told: {unfilled}");
                Some(self.lacking(code, lang, Lack::Unfilled))
            }
        }
    }

    /// What should have been told, had there been a text.
    fn lacking(&self, code: &str, lang: Lang, lacks: Lack) -> Notice {
        let filled = Filled {
            template: code.to_owned(),
            version: 0,
            lang,
            text: String::new(),
            subject: None,
            buttons: vec![],
        };
        Notice { lacks: Some(lacks), ..self.notice(filled, None, &Values::new()) }
    }

    /// What of a text may stand in public, else that there is news.
    fn public(&self, code: &str, lang: Lang, values: &Values) -> String {
        let values = values.only(&PUBLIC);
        let fill = |template: &Template| template.fill(lang, &values).ok().map(|filled| filled.text);
        let own = self.city.template(code).and_then(fill);
        let update = || self.city.template(PUBLIC_UPDATE).and_then(fill);
        // A city of an earlier release has no such text: its number and its page say the same in any language.
        let bare = || {
            [values.get(lang, "number"), values.get(lang, "link")].map(Option::unwrap_or_default).join(" ")
        };
        own.or_else(update).unwrap_or_else(bare)
    }

    /// A text that was filled when it was decided. A city that has no such text any more still says it, without buttons.
    fn given(
        &self,
        code: &str,
        version: u32,
        lang: &str,
        finding: FindingId,
        text: &Personal<String>,
    ) -> Option<Notice> {
        let template = self.city.template(code);
        let values = self.values(finding);
        let lang = Lang::from_code(lang).unwrap_or(self.city.meta.default_language);
        let subject = template.and_then(|template| template.subject.as_ref()?.fill(lang, &values).ok());
        let filled = Filled {
            template: code.to_owned(),
            version,
            lang,
            text: text.reveal().clone(),
            subject,
            buttons: template.map(|template| template.buttons.clone()).unwrap_or_default(),
        };
        Some(self.notice(filled, template.and_then(|template| template.whatsapp.as_deref()), &values))
    }

    fn notice(&self, filled: Filled, instead: Option<&str>, values: &Values) -> Notice {
        let title = |code: &String| {
            let button = self.city.button(code)?;
            let title = button.name.get(filled.lang).to_owned();
            Some(OutButton { id: self.button_id(&button.id), title })
        };
        Notice {
            version: filled.version,
            lang: filled.lang.code().to_owned(),
            subject: filled.subject.map(Personal::new),
            text: filled.text.into(),
            public: self.public(&filled.template, filled.lang, values).into(),
            lacks: None,
            buttons: filled.buttons.iter().filter_map(title).collect(),
            instead: instead.and_then(|code| self.instead(code, filled.lang, values)),
            what: filled.template,
            by_person: false,
            at_once: self.is_danger(),
        }
    }

    fn instead(&self, code: &str, lang: Lang, values: &Values) -> Option<VendorTemplate> {
        let template = self.city.whatsapp_template(code)?;
        // A registered text has no part that can be left out.
        let mut values = values.clone();
        self.name_desk(&mut values);
        let (_, params) = template.parameters(lang, &values).ok()?;
        let id = |code: &String| Some(self.button_id(&self.city.button(code)?.id));
        Some(VendorTemplate {
            name: template.name.clone(),
            params: params.into(),
            buttons: template.buttons.iter().filter_map(id).collect(),
        })
    }

    /// A pressed button comes back without the message that it stands under from Messenger and Instagram, at times from WhatsApp too:
    /// with the number it tells which appeal it speaks of. The one for a point comes back as a point.
    fn button_id(&self, id: &str) -> String {
        match &self.after.registered {
            Some(registered) if !id.starts_with("place:") => format!("{id}:{}", registered.number),
            _ => id.to_owned(),
        }
    }

    /// Where nobody has it yet, who chooses answers for it.
    fn name_desk(&self, values: &mut Values) {
        if values.get(self.lang(), "party").is_none()
            && let Some(desk) = self.city.party(DESK)
        {
            values.set_names("party", &desk.name);
        }
    }

    /// What may stand in a text about a finding.
    pub(crate) fn values(&self, finding: FindingId) -> Values {
        let (city, site) = (self.city, self.site);
        let mut values = Values::new();
        values.set("site", site).set("closures_link", format!("{site}/works"));
        values.set("law_days", city.legal.answer_working_days.to_string());
        if let Some(registered) = &self.after.registered {
            let number = &registered.number;
            values.set("number", number.to_string()).set("link", format!("{site}/appeals/{number}"));
        }
        let status = format!("status_{}", self.after.public_state().status);
        if let Some(phrase) = city.phrase(&status) {
            values.set_names("status", &phrase.fill_all(&Values::new()).unwrap_or_default());
        }
        for lang in Lang::ALL {
            values.set_in(lang, "date", city.letterhead.date(city.calendar.local_date(self.at), lang));
            values.set_in(lang, "law", city.legal.law(city.legal.articles.answer, lang));
        }
        if let Some(state) = finding_of(self.after, finding) {
            self.set_finding(&mut values, state);
        }
        values
    }

    fn set_finding(&self, values: &mut Values, state: &FindingState) {
        let city = self.city;
        values.set_names("place", &rules::place_names(city, &state.place));
        if let Some(category) = city.category(&state.category) {
            values.set_names("category", &category.name);
        }
        // While a person still chooses, nobody is named: it waits, it was opened again, or its party did not take it.
        let is_handed = !matches!(state.stage, Stage::Desk | Stage::Asked | Stage::Refused);
        let is_of = |route: &&Route| is_handed && route.waits_at.is_none() && route.to != DESK;
        let handed = state.route.as_ref().filter(is_of);
        if let Some(party) = handed.and_then(|route| city.party(&route.to)).filter(|p| !p.is_abstract) {
            values.set_names("party", &party.name);
            values.set("phone", party.phone.clone().unwrap_or_default());
        }
        if let Some(Because { ru, kk, en }) = handed.map(|route| route.because.clone()) {
            values.set_names("because", &Names { ru, kk, en });
        }
        for lang in Lang::ALL {
            if let Some(legal) = state.due.get(&Clock::Legal) {
                values.set_in(lang, "due", city.letterhead.date(city.calendar.local_date(legal.at), lang));
            }
            if let Some(service) = state.due.get(&Clock::Service) {
                let local = service.at.with_timezone(&city.calendar.zone());
                let day = city.letterhead.date(local.date_naive(), lang);
                values.set_in(lang, "due_time", format!("{day} {}", local.format("%H:%M")));
            }
        }
    }
}

pub(crate) fn finding_of(appeal: &Appeal, finding: FindingId) -> Option<&FindingState> {
    appeal.findings.get(usize::from(finding.0))
}

fn at_once(notice: Notice) -> Notice {
    Notice { at_once: true, ..notice }
}

fn by_a_person(notice: Notice) -> Notice {
    Notice { by_person: true, ..notice }
}

#[cfg(test)]
pub(crate) mod tests;
