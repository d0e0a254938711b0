//! What parties are written about a record of an appeal. Pure: the same record gives the same letters.
//!
//! The texts are the city's templates for parties. A task goes out once for each time it is handed over, with reminders that wait for
//! their parts of the term (`city.toml [service_reminders]`) and go only while there is something to remind of.

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_city::{Audience, City, Lang, NotifyHow, Priority, Values};
use zholdary_domain::{
    IdKey, Personal,
    appeal::{Clock, DESK, Event, FindingId, FindingState, Stage},
    ids::AppealId,
    link::{HandOvers, TaskLink, handed_over},
    outgoing::{OnlyWhile, Task},
};

use crate::notices::{Happened, finding_of};

/// Characters of the resident's words that a letter shows; the page behind its link shows all of them.
const SHOWN_CHARS: usize = 600;

/// One letter to a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The party that it is for, and the finding.
    pub task: Task,
    /// It goes to whoever is on duty there.
    pub duty: bool,
    /// Code of the template.
    pub what: String,
    /// Not before.
    pub not_before: Option<DateTime<Utc>>,
    /// What must hold when its time comes.
    pub only_while: Option<OnlyWhile>,
    values: Values,
}

/// A letter in the party's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Version of the template.
    pub version: u32,
    /// Language.
    pub lang: Lang,
    /// Subject.
    pub subject: Option<Personal<String>>,
    /// Text.
    pub text: Personal<String>,
}

/// A record of an appeal, and what a letter about it needs besides.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What happened.
    pub happened: Happened<'a>,
    /// The appeal.
    pub appeal: AppealId,
    /// Who was handed what, up to this record.
    pub hand_overs: &'a HandOvers,
    /// Why it was opened again, when it was.
    pub reopened: Option<&'a str>,
    /// What the resident wrote; empty when there are no words, or none any more.
    pub words: &'a str,
    /// How many people wrote.
    pub voices: usize,
    /// What links are made with.
    pub key: &'a IdKey,
}

impl Given<'_> {
    /// The letters, in order.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        let findings = self.happened.before.findings.len().max(self.happened.after.findings.len());
        let mut letters: Vec<Letter> = (0..).map(FindingId).take(findings).flat_map(|f| self.of(f)).collect();
        letters.extend(self.happened.events.iter().filter_map(|event| self.told_above(event)));
        letters.extend(self.happened.events.iter().flat_map(|event| self.moved(event)));
        // The desk has a screen; it is written to when something is late.
        let is_late = |what: &str| matches!(what, "task_escalation" | "task_unconfirmed");
        letters.retain(|letter| letter.task.party != DESK || is_late(&letter.what));
        letters
    }

    fn of(&self, finding: FindingId) -> Vec<Letter> {
        let (before, after) = (self.happened.before, self.happened.after);
        let mut letters = Vec::new();
        if let Some(party) = self.lost_by(finding) {
            letters.push(self.letter(party, finding, "task_withdrawn"));
        }
        let Some(task) = handed_over(before, after, finding) else { return letters };
        let Some(state) = finding_of(after, finding) else { return letters };
        let only_while = Some(self.open(&task.party));
        let priority = self.priority(state);
        let is_duty = priority.is_some_and(|p| p.notify.how == NotifyHow::Duty);
        let what = match state.stage {
            Stage::Forwarded => "forward_letter",
            _ if is_duty => "task_danger",
            _ if after.reopened => "task_reopened",
            _ => "task_new",
        };
        let first = Letter {
            duty: is_duty,
            not_before: self.in_hours(state, self.happened.at),
            only_while,
            ..self.letter(task.party.clone(), finding, what)
        };
        letters.push(first);
        if is_duty {
            letters.extend(self.unconfirmed(&task, state));
        }
        letters.extend(self.reminders(&task, state));
        let copies = state.route.iter().flat_map(|route| &route.copies);
        letters.extend(copies.map(|copy| Letter {
            not_before: self.in_hours(state, self.happened.at),
            ..self.letter(copy.clone(), finding, "task_copy")
        }));
        letters
    }

    /// Who had the finding to do, and has it no more without having done anything.
    fn lost_by(&self, finding: FindingId) -> Option<String> {
        let (before, after) = (self.happened.before, self.happened.after);
        let held = finding_of(before, finding).filter(|_| before.end.is_none())?.holder()?.to_owned();
        let state = finding_of(after, finding)?;
        let is_theirs = after.end.is_none() && state.holder() == Some(held.as_str());
        let is_their_doing =
            after.end.is_none() && matches!(state.stage, Stage::Done | Stage::Answered | Stage::Refused);
        (!is_theirs && !is_their_doing).then_some(held)
    }

    /// Nobody on duty took a danger in time: once more, and to whom the city names.
    fn unconfirmed(&self, task: &Task, state: &FindingState) -> Vec<Letter> {
        let Some(priority) = self.priority(state) else { return vec![] };
        let at = self.happened.at + TimeDelta::minutes(priority.notify.within_min.into());
        let only_while = OnlyWhile { unconfirmed: true, ..self.open(&task.party) };
        let then =
            |letter: Letter| Letter { not_before: Some(at), only_while: Some(only_while.clone()), ..letter };
        let own = Letter { duty: true, ..self.letter(task.party.clone(), task.finding, "task_danger") };
        let above = priority.notify.escalate_to.as_str();
        let other =
            (above != task.party).then(|| self.letter(above.to_owned(), task.finding, "task_unconfirmed"));
        [own].into_iter().chain(other).map(then).collect()
    }

    /// Reminders of each term that runs: of the work, where there is one, else of the law.
    fn reminders(&self, task: &Task, state: &FindingState) -> Vec<Letter> {
        let work = if state.due.contains_key(&Clock::Service) { Clock::Service } else { Clock::Legal };
        let parts = &self.happened.city.reminders.remind_at;
        let mut letters = Vec::new();
        for clock in [Clock::Secure, work] {
            let Some(due) = state.due.get(&clock) else { continue };
            letters.extend(parts.iter().filter_map(|part| {
                let at = due.from + part_of(due.at - due.from, *part);
                let at = self.in_hours(state, at).unwrap_or(at);
                // A term that ends before the office opens, or that is half over, has no such reminder any more.
                (at > self.happened.at && at < due.at).then(|| Letter {
                    duty: clock == Clock::Secure,
                    not_before: Some(at),
                    only_while: Some(OnlyWhile { due_at: Some(due.at), ..self.open(&task.party) }),
                    ..self.timed(task.party.clone(), task.finding, "task_reminder", due.at, at)
                })
            }));
        }
        letters
    }

    /// A term passed, or a person asked for it: the party hears, and who stands above it.
    fn told_above(&self, event: &Event) -> Option<Letter> {
        let (party, finding) = match event {
            Event::Overdue { finding, clock: Clock::Legal | Clock::Service | Clock::Secure, .. } => {
                (finding_of(self.happened.after, *finding)?.holder()?.to_owned(), *finding)
            }
            Event::Escalated { finding, to, .. } => (to.clone(), *finding),
            _ => return None,
        };
        let state = finding_of(self.happened.after, finding)?;
        let task = Task { party: state.party().to_owned(), finding };
        let due = self.happened.events.iter().find_map(|event| match event {
            Event::Overdue { finding: of, due_at, .. } if *of == finding => Some(*due_at),
            _ => None,
        });
        let mut letter = self.late(party.clone(), &task, state, self.happened.at);
        if let Some(due) = due {
            letter.values = self.with_term(letter.values, due, self.happened.at);
        }
        let is_duty = self.priority(state).is_some_and(|p| p.notify.how == NotifyHow::Duty);
        let not_before = self.in_hours(state, self.happened.at);
        Some(Letter { duty: is_duty && party == task.party, not_before, ..letter })
    }

    /// A term was moved: what reminded of the old one is silent, so the new one has reminders of its own.
    fn moved(&self, event: &Event) -> Vec<Letter> {
        let Event::Extended { finding, .. } = event else { return vec![] };
        let Some(state) = finding_of(self.happened.after, *finding) else { return vec![] };
        let Some(party) = state.holder() else { return vec![] };
        self.reminders(&Task { party: party.to_owned(), finding: *finding }, state)
    }

    fn priority(&self, state: &FindingState) -> Option<&Priority> {
        self.happened.city.priority(&state.route.as_ref()?.priority)
    }

    /// The first instant from `at` on at which a party is told of something of this priority; nothing: at once.
    fn in_hours(&self, state: &FindingState, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.priority(state)?.notify.hours;
        let first = hours.first_from(at, &self.happened.city.calendar);
        (first > at).then_some(first)
    }

    fn open(&self, holder: &str) -> OnlyWhile {
        OnlyWhile { holder: holder.to_owned(), unconfirmed: false, due_at: None }
    }

    /// A letter with the term of the finding that comes first.
    fn late(&self, party: String, task: &Task, state: &FindingState, at: DateTime<Utc>) -> Letter {
        let due = state.due.values().map(|due| due.at).min().unwrap_or(at);
        self.timed(party, task.finding, "task_escalation", due, at)
    }

    fn timed(
        &self,
        party: String,
        finding: FindingId,
        what: &str,
        due: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Letter {
        let letter = self.letter(party, finding, what);
        Letter { values: self.with_term(letter.values, due, at), ..letter }
    }

    fn letter(&self, party: String, finding: FindingId, what: &str) -> Letter {
        let mut values = self.happened.values(finding);
        let city = self.happened.city;
        if let Some(state) = finding_of(self.happened.after, finding) {
            self.set_place(&mut values, state);
            if let Some(priority) = self.priority(state) {
                values.set_names("priority", &priority.name);
            }
            if let Some(holder) = city.party(state.party()) {
                values.set_names("party", &holder.name);
            }
            // A danger is to be fenced first. A new task without a term of the work names none.
            let clocks = [Clock::Secure, Clock::Service, Clock::Legal];
            let first = clocks.iter().find_map(|clock| state.due.get(clock));
            if let Some(due) = first.filter(|_| what != "task_new") {
                values = self.with_term(values, due.at, self.happened.at);
            }
        }
        values.set("text", shortened(self.words)).set("count", self.voices.to_string());
        if let Some(registered) = &self.happened.after.registered {
            let day = city.calendar.local_date(registered.received_at);
            for lang in Lang::ALL {
                values.set_in(lang, "date", city.letterhead.date(day, lang));
            }
        }
        let legal = &city.legal;
        for lang in Lang::ALL {
            values.set_in(lang, "law", legal.law(legal.articles.forward, lang));
        }
        self.set_reason(&mut values, finding, what);
        let is_theirs =
            finding_of(self.happened.after, finding).and_then(FindingState::holder) == Some(&party);
        if let Some(link) = self.link(finding).filter(|_| is_theirs) {
            values.set("link", link);
        }
        Letter {
            task: Task { party, finding },
            duty: false,
            what: what.to_owned(),
            not_before: None,
            only_while: None,
            values,
        }
    }

    /// The page on which the party answers: of the record that handed the finding over.
    fn link(&self, finding: FindingId) -> Option<String> {
        let site = self.happened.site;
        let token = |handed_by| TaskLink { appeal: self.appeal, finding, handed_by }.token(self.key);
        self.hand_overs.handed_by(finding).map(|by| format!("{site}/task/{}", token(by)))
    }

    fn set_place(&self, values: &mut Values, state: &FindingState) {
        // Who repairs it needs the house; only a public text does without.
        if let Some(house) = &state.place.house {
            for lang in Lang::ALL {
                let named = values.get(lang, "place").map(|place| format!("{place}, {}", house.reveal()));
                if let Some(named) = named {
                    values.set_in(lang, "place", named);
                }
            }
        }
        if let Some(point) = &state.place.point {
            let point = point.reveal();
            values.set("point", format!("{:.6}, {:.6}", point.lat, point.lon));
        }
        for lang in Lang::ALL {
            if values.get(lang, "place").is_none() {
                let unknown = self
                    .happened
                    .city
                    .phrase("place_unknown")
                    .map(|phrase| phrase.fill(lang, &Values::new()));
                if let Some(Ok(unknown)) = unknown {
                    values.set_in(lang, "place", unknown);
                }
            }
        }
    }

    /// Why it was opened again, taken back or escalated, as whoever did it wrote.
    fn set_reason(&self, values: &mut Values, finding: FindingId, what: &str) {
        let said = self.happened.events.iter().find_map(|event| match event {
            Event::Closed { reason, .. }
            | Event::NotConsidered { reason, .. }
            | Event::Corrected { reason, .. } => Some(reason.reveal().clone()),
            _ => None,
        });
        if let Some(said) =
            said.or_else(|| self.reopened.filter(|_| what == "task_reopened").map(str::to_owned))
        {
            values.set("reason", said);
        } else if let Some(route) = finding_of(self.happened.after, finding).and_then(|f| f.route.as_ref()) {
            let because = &route.because;
            for (lang, text) in [(Lang::Ru, &because.ru), (Lang::Kk, &because.kk), (Lang::En, &because.en)] {
                values.set_in(lang, "reason", text.as_str());
            }
        }
    }

    /// A term, and how long it is to it at `at`, or since.
    fn with_term(&self, mut values: Values, due: DateTime<Utc>, at: DateTime<Utc>) -> Values {
        let city = self.happened.city;
        let local = due.with_timezone(&city.calendar.zone());
        let hours = (due - at).num_minutes();
        let (phrase, count) = if hours >= 0 { ("left_hours", hours) } else { ("over_hours", -hours) };
        let mut counted = Values::new();
        counted.set("count", (count / 60).max(1).to_string());
        for lang in Lang::ALL {
            let day = city.letterhead.date(local.date_naive(), lang);
            values.set_in(lang, "due_time", format!("{day} {}", local.format("%H:%M")));
            if let Some(Ok(left)) = city.phrase(phrase).map(|phrase| phrase.fill(lang, &counted)) {
                values.set_in(lang, "left", left);
            }
        }
        values
    }
}

impl Letter {
    /// Whether the party hears of the task by it, and does not only hear more.
    #[must_use]
    pub fn brings_task(&self) -> bool {
        matches!(self.what.as_str(), "task_new" | "task_danger" | "task_reopened" | "forward_letter")
    }

    /// The letter in `lang`, by the city's template. Nothing: the city has none, or nothing fills it.
    #[must_use]
    pub fn written(&self, city: &City, lang: Lang) -> Option<Written> {
        let template = city.template(&self.what).filter(|template| template.to == Audience::Party)?;
        let filled = template
            .fill(lang, &self.values)
            .inspect_err(|unfilled| {
                tracing::warn!(template = self.what, error = %unfilled, "«{}» is not written: {unfilled}", self.what);
            })
            .ok()?;
        Some(Written {
            version: filled.version,
            lang: filled.lang,
            subject: filled.subject.map(Personal::new),
            text: filled.text.into(),
        })
    }
}

/// A part, 0 to 1, of a span.
fn part_of(span: TimeDelta, part: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "thousandths of what is at most 1")]
    let thousandths = (part.clamp(0.0, 1.0) * 1000.0).round() as i64;
    TimeDelta::seconds(span.num_seconds().saturating_mul(thousandths) / 1000)
}

/// The beginning of a text, up to a word.
fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "—".to_owned();
    }
    let Some((end, _)) = text.char_indices().nth(SHOWN_CHARS) else { return text.to_owned() };
    let whole = &text[..end];
    let cut = whole.rfind(char::is_whitespace).map_or(whole, |space| &whole[..space]);
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests;
