//! What a resident is told of a record of their appeal. Pure: the same record gives the same texts.
//!
//! The texts are the city's templates. One whose placeholders nothing fills is not sent: the desk sees what happened, and writes.

use chrono::{DateTime, Utc};
use zholdary_city::{City, Filled, Lang, Names, Values};
use zholdary_domain::{
    Personal,
    appeal::{Actor, Appeal, Clock, DESK, Event, FindingId, FindingState},
    outgoing::{OutButton, VendorTemplate},
};
use zholdary_routing::rules;

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
    /// Buttons under it.
    pub buttons: Vec<OutButton>,
    /// What goes instead when the vendor's window is closed.
    pub instead: Option<VendorTemplate>,
    /// A person wrote it.
    pub by_person: bool,
    /// It goes at any hour.
    pub at_once: bool,
}

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
}

impl Happened<'_> {
    /// What its author is told of it, in order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.events.iter().flat_map(|event| self.of(event)).collect();
        if self.is_first_understood() {
            let number = self.after.registered.as_ref().map(|r| r.number.to_string()).unwrap_or_default();
            // A text that names the number is a receipt itself.
            let is_named = notices.iter().any(|notice| notice.text.reveal().contains(&number));
            let receipt = if is_named && !self.is_danger() { None } else { self.receipt() };
            notices.splice(0..0, receipt);
        } else if notices.is_empty() && self.events.iter().any(|event| matches!(event, Event::Understood(_)))
        {
            // What was added changed something, and nothing else says so.
            notices.extend(self.of_finding("follow_up_added", FindingId(0)).map(at_once));
        }
        notices
    }

    fn is_first_understood(&self) -> bool {
        let is_here = self.after.registered.as_ref().is_some_and(|r| r.message.is_some());
        is_here && self.before.understanding.is_none() && self.after.understanding.is_some()
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
                .given(&question.template, question.version, &question.lang, question.finding)
                .map(|notice| at_once(Notice { text: question.text.clone(), ..notice }))),
            Event::Answered(answer) => match (&answer.template, answer.version) {
                (Some(template), Some(version)) => one(self
                    .given(template, version, &answer.lang, answer.finding)
                    .map(|notice| at_once(Notice { text: answer.text.clone(), ..notice }))),
                _ => one(self.by_a_person("operator_answer", answer.finding, "explanation", &answer.text)),
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
            Event::Reopened { .. } => one(self.of_finding("reopened", FindingId(0))),
            Event::Closed { by, .. } => one(self.closed(by)),
            Event::NotConsidered { reason, .. } => {
                one(self.by_a_person("not_considered", FindingId(0), "reason", reason))
            }
            Event::MadeOfficial { .. } => one(self.of_finding("official_registered", FindingId(0))),
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
        let is_handed = finding_of(self.after, finding)?.route.as_ref()?.waits_at.is_none();
        let is_news = party(self.before).is_some_and(|before| before != now);
        let is_told = self.events.iter().any(|event| matches!(event, Event::ForwardedOutside { .. }));
        (is_handed && is_news && !is_told).then(|| self.of_finding("routed", finding)).flatten()
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
        let done = self.filled("done_with_proof", &values)?;
        let question = self.filled("is_it_fixed", &values)?;
        let text = format!("{}\n\n{}", done.text.reveal(), question.text.reveal());
        Some(Notice { text: text.into(), buttons: question.buttons, instead: question.instead, ..done })
    }

    fn closed(&self, by: &Actor) -> Option<Notice> {
        match (self.after.rated, by) {
            (Some(true), _) => self.of_finding("closed_thanks", FindingId(0)),
            (None, Actor::System) => self.of_finding("closed_no_reply", FindingId(0)),
            _ => None,
        }
    }

    fn by_a_person(
        &self,
        code: &str,
        finding: FindingId,
        placeholder: &str,
        words: &Personal<String>,
    ) -> Option<Notice> {
        let mut values = self.values(finding);
        values.set(placeholder, words.reveal().as_str());
        self.filled(code, &values).map(|notice| Notice { by_person: true, ..notice })
    }

    fn lang(&self) -> Lang {
        let said = self.after.understanding.as_ref().and_then(|u| Lang::from_code(u.lang.answer()));
        said.unwrap_or(self.city.meta.default_language)
    }

    fn filled(&self, code: &str, values: &Values) -> Option<Notice> {
        let template = self.city.template(code)?;
        match template.fill(self.lang(), values) {
            Ok(filled) => Some(self.notice(filled, template.whatsapp.as_deref(), values)),
            Err(unfilled) => {
                tracing::warn!(template = code, error = %unfilled, "«{code}» is not told: {unfilled}");
                None
            }
        }
    }

    /// A text that was filled when it was decided.
    fn given(&self, code: &str, version: u32, lang: &str, finding: FindingId) -> Option<Notice> {
        let template = self.city.template(code)?;
        let values = self.values(finding);
        let lang = Lang::from_code(lang).unwrap_or(self.city.meta.default_language);
        let subject = template.subject.as_ref().and_then(|subject| subject.fill(lang, &values).ok());
        let filled = Filled {
            template: code.to_owned(),
            version,
            lang,
            text: String::new(),
            subject,
            buttons: template.buttons.clone(),
        };
        Some(self.notice(filled, template.whatsapp.as_deref(), &values))
    }

    fn notice(&self, filled: Filled, instead: Option<&str>, values: &Values) -> Notice {
        let title = |code: &String| {
            let button = self.city.button(code)?;
            Some(OutButton { id: button.id.clone(), title: button.name.get(filled.lang).to_owned() })
        };
        Notice {
            version: filled.version,
            lang: filled.lang.code().to_owned(),
            subject: filled.subject.map(Personal::new),
            text: filled.text.into(),
            buttons: filled.buttons.iter().filter_map(title).collect(),
            instead: instead.and_then(|code| self.instead(code, filled.lang, values)),
            what: filled.template,
            by_person: false,
            at_once: self.is_danger(),
        }
    }

    fn instead(&self, code: &str, lang: Lang, values: &Values) -> Option<VendorTemplate> {
        let template = self.city.whatsapp_template(code)?;
        let (_, params) = template.parameters(lang, values).ok()?;
        let id = |code: &String| Some(self.city.button(code)?.id.clone());
        Some(VendorTemplate {
            name: template.name.clone(),
            params: params.into(),
            buttons: template.buttons.iter().filter_map(id).collect(),
        })
    }

    /// What may stand in a text about a finding.
    fn values(&self, finding: FindingId) -> Values {
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
        // While a person still chooses, nobody is named.
        let handed = state.route.as_ref().filter(|route| route.waits_at.is_none() && route.to != DESK);
        if let Some(party) = handed.and_then(|route| city.party(&route.to)).filter(|p| !p.is_abstract) {
            values.set_names("party", &party.name);
            values.set("phone", party.phone.clone().unwrap_or_default());
        }
        if let Some(because) = handed.map(|route| &route.because) {
            let Names { ru, kk, en } =
                Names { ru: because.ru.clone(), kk: because.kk.clone(), en: because.en.clone() };
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

fn finding_of(appeal: &Appeal, finding: FindingId) -> Option<&FindingState> {
    appeal.findings.get(usize::from(finding.0))
}

fn at_once(notice: Notice) -> Notice {
    Notice { at_once: true, ..notice }
}
