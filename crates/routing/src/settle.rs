//! From words to a decision: what is understood, who acts on each finding, what is asked and answered at once. Pure.

use chrono::{DateTime, NaiveDate, Utc};
use zholdary_city::{City, Lang, Names, Template, Values, WorksMatch, WorksState};
use zholdary_domain::{
    Number,
    appeal::{
        Actor, Alarm, Answer, Clock, DESK, FindingId, PlaceQuestion, PublicState, Route, decide::Settlement,
    },
};
use zholdary_triage::{Triage, Understood};

use crate::{
    Ruleset,
    languages::{self, Spoken},
    rules::{self, Case, Decision},
};

/// What residents wrote so far, and what else the decision may look at.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    /// The appeal's number.
    pub number: &'a Number,
    /// Everything they wrote, in order, as it reads now. Nothing where nobody wrote: a part that a person split off, an appeal
    /// of an earlier system.
    pub text: Option<&'a str>,
    /// When the message that opened the appeal was recorded.
    pub received_at: DateTime<Utc>,
    /// When this is decided.
    pub now: DateTime<Utc>,
    /// The earlier appeal that they ask about, when there is one.
    pub earlier: Option<Earlier>,
    /// Templates that were sent before.
    pub answered_with: &'a std::collections::BTreeSet<String>,
    /// The question for the place was sent before.
    pub place_asked: bool,
    /// How many of the first findings somebody has: they stay where they are.
    pub taken: usize,
    /// Address of the public page, without a slash at its end.
    pub site: &'a str,
    /// The language that they chose.
    pub chosen: Option<Spoken>,
}

/// An earlier appeal, as far as everybody may know it.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Its number.
    pub number: Number,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Where it stands.
    pub state: PublicState,
    /// Code of the responsible party.
    pub party: Option<String>,
    /// The law's term.
    pub due: Option<DateTime<Utc>>,
}

/// Decides on what was understood.
///
/// A further question that we have nothing to say on does not keep open what its message's main question was answered: it
/// is left out.
#[must_use]
pub fn settle(ruleset: &Ruleset, mut understood: Understood, words: &Words<'_>) -> Settlement {
    let settlement = decided(ruleset, &understood, words);
    let city = &ruleset.city;
    let answered = |i: u16| settlement.answers.iter().any(|a| a.finding == FindingId(i));
    let main = settlement.answers.iter().any(|a| a.finding == FindingId(0) && a.settles);
    let idle: Vec<bool> = (0u16..)
        .zip(&understood.understanding.findings)
        .map(|(i, finding)| {
            let asks = city.category(&finding.category).is_some_and(|c| c.answer.is_some());
            i > 0 && usize::from(i) >= words.taken && main && asks && !answered(i)
        })
        .collect();
    if !idle.contains(&true) {
        return settlement;
    }
    let mut idle = idle.into_iter();
    understood.understanding.findings.retain(|_| !idle.next().unwrap_or_default());
    decided(ruleset, &understood, words)
}

fn decided(ruleset: &Ruleset, understood: &Understood, words: &Words<'_>) -> Settlement {
    let Ruleset { city, triage } = ruleset;
    let day = city.calendar.local_date(words.now);
    let decisions = decide_all(city, triage, understood, FindingId(0), words.received_at, day);
    let written = Spoken::in_text(understood.understanding.lang, words.received_at);
    let lang = languages::answer(words.chosen, written).unwrap_or(city.meta.default_language);
    let telling = Telling { city, words, lang, day, understood, decisions: &decisions };
    let question = telling.question();
    let answers = telling.answers();
    Settlement {
        routes: decisions.iter().map(|d| d.route.clone()).collect(),
        understanding: understood.understanding.clone(),
        question,
        answers,
        alarms: alarms(&decisions),
    }
}

/// A decision for each finding from `first` on, in order.
#[must_use]
pub fn decide_all(
    city: &City,
    triage: &Triage,
    understood: &Understood,
    first: FindingId,
    received_at: DateTime<Utc>,
    day: NaiveDate,
) -> Vec<Decision> {
    let has_stem = |stems: &[String]| triage.has_stem(&understood.folded, stems);
    (0u16..)
        .zip(&understood.understanding.findings)
        .skip(usize::from(first.0))
        .map(|(i, finding)| {
            let cover = understood.cover.as_ref().map(|cover| (cover.mark.as_str(), &cover.party));
            let id = FindingId(i);
            rules::decide(city, &Case { id, finding, has_stem: &has_stem, cover, received_at, day })
        })
        .collect()
}

/// Who above must hear at once of what was decided.
#[must_use]
pub fn alarms(decisions: &[Decision]) -> Vec<Alarm> {
    decisions.iter().filter(|d| d.danger).flat_map(alarm).collect()
}

/// A danger whose party is not certain is told to every candidate at once, or to the desk.
fn alarm(decision: &Decision) -> Vec<Alarm> {
    let Route { finding, waits_at, candidates, to, .. } = &decision.route;
    match waits_at {
        Some(desk) if candidates.is_empty() => vec![(*finding, desk.clone())],
        Some(_) => candidates.iter().map(|party| (*finding, party.clone())).collect(),
        None if to == DESK => vec![(*finding, to.clone())],
        None => vec![],
    }
}

struct Telling<'a> {
    city: &'a City,
    words: &'a Words<'a>,
    lang: Lang,
    day: NaiveDate,
    understood: &'a Understood,
    decisions: &'a [Decision],
}

impl Telling<'_> {
    fn is_draft(&self) -> bool {
        self.words.text.is_some_and(|text| !text.chars().any(char::is_alphanumeric))
    }

    /// One question, for the first finding that needs it.
    fn question(&self) -> Option<PlaceQuestion> {
        if self.words.place_asked || self.words.text.is_none() || self.is_draft() {
            return None;
        }
        let (decision, ask) = self.decisions.iter().find_map(|d| Some((d, d.ask.as_deref()?)))?;
        let filled = self.city.template(ask)?.fill(self.lang, &self.values(decision)).ok()?;
        Some(PlaceQuestion {
            finding: decision.route.finding,
            waits: !decision.danger && decision.route.to == DESK,
            template: filled.template,
            version: filled.version,
            lang: filled.lang.code().to_owned(),
            text: filled.text.into(),
        })
    }

    /// The category's answer where it can be filled, else its answer for «we have nothing», else none: a draft for the
    /// desk. None is sent twice, and none that contradicts what was sent.
    fn answers(&self) -> Vec<Answer> {
        if self.words.text.is_none() {
            return vec![];
        }
        if self.is_draft() {
            let draft = self.decisions.first().zip(self.city.template(DRAFT));
            let answer = draft.and_then(|(decision, template)| self.answer(decision, template, false));
            return answer.into_iter().filter(|answer| self.is_new(answer)).collect();
        }
        self.decisions
            .iter()
            .filter_map(|decision| {
                let category = self.city.category(&decision.route.category)?;
                // Thanks that may hide a request are answered by whoever reads them.
                if category.alone && !self.is_sure(decision) {
                    return None;
                }
                [&category.answer, &category.answer_none]
                    .into_iter()
                    .flatten()
                    .filter_map(|code| self.city.template(code))
                    .find_map(|template| {
                        // Only a person closes a danger, whatever its words raised to one.
                        self.answer(decision, template, category.answer_closes && !decision.danger)
                    })
            })
            .filter(|answer| self.is_new(answer))
            .collect()
    }

    fn is_sure(&self, decision: &Decision) -> bool {
        let finding = self.understood.understanding.findings.get(usize::from(decision.route.finding.0));
        finding.is_some_and(|f| self.city.is_sure(f.confidence))
    }

    fn is_new(&self, answer: &Answer) -> bool {
        answer.template.as_ref().is_none_or(|template| !self.words.answered_with.contains(template))
    }

    fn answer(&self, decision: &Decision, template: &Template, settles: bool) -> Option<Answer> {
        let filled = template.fill(self.lang, &self.values(decision)).ok()?;
        Some(Answer {
            finding: decision.route.finding,
            template: Some(filled.template),
            version: Some(filled.version),
            lang: filled.lang.code().to_owned(),
            text: filled.text.into(),
            settles,
            by: Actor::System,
        })
    }

    fn values(&self, decision: &Decision) -> Values {
        let (city, words) = (self.city, self.words);
        let route = &decision.route;
        let mut values = Values::new();
        let site = words.site;
        values
            .set("number", words.number.to_string())
            .set("link", format!("{site}/appeals/{}", words.number))
            .set("closures_link", format!("{site}/works"))
            .set("site", site)
            .set("law_days", city.legal.answer_working_days.to_string());
        for lang in [Lang::Ru, Lang::Kk, Lang::En] {
            values.set_in(lang, "law", city.legal.law(city.legal.articles.answer, lang));
            if let Some(legal) = route.due.get(&Clock::Legal) {
                let day = city.calendar.local_date(legal.at);
                values.set_in(lang, "due", city.letterhead.date(day, lang));
            }
        }
        let because = &route.because;
        values.set_names(
            "because",
            &Names { ru: because.ru.clone(), kk: because.kk.clone(), en: because.en.clone() },
        );
        let finding = self.understood.understanding.findings.get(usize::from(route.finding.0));
        if let Some(place) = finding.map(|f| &f.place) {
            values.set_names("place", &rules::place_names(city, place));
            if let Some(street) = place.names.iter().find_map(|name| city.street(name)) {
                values.set_names("street", &city.street_title(&street.name.ru));
            }
            let hit = rules::works_of(city, place, self.day);
            if let Some(found) = hit.all().find(|m| self.speaks_of(&route.category, m)) {
                self.set_works(&mut values, found);
            }
        }
        self.set_subject(&mut values, decision);
        if let Some(earlier) = &words.earlier {
            self.set_earlier(&mut values, earlier);
        } else if self.asks_for_state(&route.category) {
            // «Your appeal No. …» may only speak of the appeal that was asked about.
            values.set("number", "");
        }
        values
    }

    /// What the question is about: another problem of the same message, never the question itself.
    fn set_subject(&self, values: &mut Values, decision: &Decision) {
        let asks = |d: &Decision| self.city.category(&d.route.category).is_some_and(|c| c.answer.is_some());
        let about = if asks(decision) { self.decisions.iter().find(|d| !asks(d)) } else { Some(decision) };
        let Some(about) = about else { return };
        if let Some(category) = self.city.category(&about.route.category) {
            values.set_names("category", &category.name);
        }
        if let Some(party) = self.city.party(&about.route.to).filter(|p| !p.is_abstract) {
            values.set_names("party", &party.name);
            values.set("phone", party.phone.clone().unwrap_or_default());
        }
    }

    fn asks_for_state(&self, category: &str) -> bool {
        self.city
            .category(category)
            .and_then(|c| c.answer.as_deref())
            .and_then(|code| self.city.template(code))
            .is_some_and(|t| t.text.ru.required().contains("status"))
    }

    fn set_earlier(&self, values: &mut Values, earlier: &Earlier) {
        let city = self.city;
        values.set("number", earlier.number.to_string());
        values.set("link", format!("{}/appeals/{}", self.words.site, earlier.number));
        if let Some(phrase) = city.phrase(&format!("status_{}", earlier.state.status)) {
            values.set_names("status", &phrase.fill_all(&Values::new()).unwrap_or_default());
        }
        for lang in [Lang::Ru, Lang::Kk, Lang::En] {
            let date = |at| city.letterhead.date(city.calendar.local_date(at), lang);
            values.set_in(lang, "date", date(earlier.received_at));
            values.set_in(
                lang,
                "due",
                earlier.due.filter(|_| earlier.state.open).map(date).unwrap_or_default(),
            );
        }
        match earlier.party.as_deref().and_then(|code| city.party(code)) {
            Some(party) => values.set_names("party", &party.name),
            None => values.set("party", ""),
        };
    }

    /// A question about a closure is answered by closures alone; one about repair by any works.
    fn speaks_of(&self, category: &str, found: &WorksMatch<'_>) -> bool {
        let wants = |placeholder| {
            let answer = self.city.category(category).and_then(|c| c.answer.as_deref());
            let template = answer.and_then(|code| self.city.template(code));
            template.is_some_and(|t| t.text.ru.required().contains(placeholder))
        };
        if wants("closure") {
            found.row.closure && (found.closed || found.state == WorksState::Planned)
        } else if wants("plan") {
            found.row.kind != "closure" && found.state != WorksState::Permit
        } else {
            true
        }
    }

    fn set_works(&self, values: &mut Values, found: &WorksMatch<'_>) {
        let (city, row) = (self.city, found.row);
        rules::set_works(city, values, found);
        values.set_names("street", &city.street_title(&row.street));
        let name = |name: &str| {
            city.street(name).map_or_else(
                || Names { ru: name.to_owned(), kk: name.to_owned(), en: name.to_owned() },
                |street| street.name.clone(),
            )
        };
        let (from, to) = (name(&row.from), name(&row.to));
        for lang in [Lang::Ru, Lang::Kk, Lang::En] {
            values.set_in(lang, "segment", format!("{} — {}", from.get(lang), to.get(lang)));
        }
        values.set_names("detour", &row.detour);
        values.set_names("reason", &row.reason);
        let planned = found.state == WorksState::Planned;
        let closure = match (planned, row.kind.as_str()) {
            (true, _) => "closure_planned",
            (false, "closure") => "closure_full",
            (false, _) => "closure_partial",
        };
        let plan = match found.state {
            WorksState::Planned => "plan_planned",
            WorksState::Warranty => "plan_warranty",
            _ => "plan_active",
        };
        for (placeholder, phrase) in [("closure", closure), ("plan", plan)] {
            if let Some(phrase) = city.phrase(phrase) {
                values.set_names(placeholder, &phrase.fill_all(&Values::new()).unwrap_or_default());
            }
        }
        if found.state != WorksState::Warranty {
            values.set("warranty_until", "");
        }
    }
}

/// The template for a message without words.
const DRAFT: &str = "draft_received";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use zholdary_triage::Input;

    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Told {
        /// Templates of the answers, and whether each settles its finding.
        answers: Vec<(&'static str, bool)>,
        /// Whether the finding waits for the answer, when a question is asked.
        question_waits: Option<bool>,
        /// Who is alarmed.
        alarms: Vec<&'static str>,
    }

    #[test]
    fn what_is_answered_asked_and_rung_at_once() {
        let ruleset = Ruleset::new(crate::rules::tests::city());
        let number: Number = "Z-2026-000301".parse().unwrap();
        let now = "2026-11-20T05:00:00Z".parse().unwrap();
        let first = ruleset.city.priorities[0].code.clone();
        let (raised, asked) = (Some(first.as_str()), true);
        let check = |text: &str, priority: Option<&str>, place_asked: bool, expected: Told| {
            let mut understood = ruleset.triage.read(&Input { text, point: None, has_media: false });
            if let Some(priority) = priority {
                understood.understanding.findings[0].priority = priority.to_owned();
            }
            let words = Words {
                number: &number,
                text: Some(text),
                received_at: now,
                now,
                earlier: None,
                answered_with: &BTreeSet::new(),
                place_asked,
                taken: 0,
                site: "https://city.example",
                chosen: None,
            };
            let told = settle(&ruleset, understood, &words);
            let answers: Vec<_> =
                told.answers.iter().map(|a| (a.template.as_deref().unwrap_or_default(), a.settles)).collect();
            assert_eq!(answers, expected.answers, "{text}");
            assert_eq!(told.question.map(|q| q.waits), expected.question_waits, "{text}");
            let alarms: Vec<_> = told.alarms.iter().map(|(_, party)| party.as_str()).collect();
            assert_eq!(alarms, expected.alarms, "{text}");
        };
        let nothing = || Told { answers: vec![], question_waits: None, alarms: vec![] };
        let thanks = |settles| Told { answers: vec![("answer_gratitude", settles)], ..nothing() };
        check("Спасибо за новую дорогу!", None, false, thanks(true));
        // What its words raised to a danger is answered too, and stays open for a person.
        check("Спасибо за новую дорогу!", raised, false, Told { alarms: vec![DESK], ..thanks(false) });
        // What may be asked for under thanks nobody closes unread.
        check("Спасибо, что есть такой сервис. На Жандосова 98 яма", None, false, nothing());
        check("Яма на Толе би 100 угол Масанчи", None, false, nothing());
        check("Яма, выбоина на дороге", None, false, Told { question_waits: Some(true), ..nothing() });
        check("Яма, выбоина на дороге", None, asked, nothing());
        let open = Told { question_waits: Some(false), alarms: vec![DESK], ..nothing() };
        check("Открытый люк", None, false, open);
        check("...", None, false, Told { answers: vec![("draft_received", false)], ..nothing() });
    }
}
