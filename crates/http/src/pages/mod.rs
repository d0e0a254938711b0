//! The public page: the form, «check my number», the report; and the form of an operator. Plain HTML that works without script.

mod about;
mod ask;
mod closures;
pub(crate) mod desk;
mod figures;
mod list;
mod map;
mod next;
mod task;
mod words;

pub(crate) use self::{
    about::about,
    closures::closures,
    task::{act, photo as task_photo, task},
};

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use zholdary_city::{City, Lang};
use zholdary_domain::{MessageId, Number, StreamId};
use zholdary_readmodel::{AppealView, Level as Sees, Named, RuleSet, Sentence};

pub(crate) use self::ask::write;
use self::{ask::Form, figures::Figures, next::Next, words::Words};
use crate::{
    app::{App, Shared},
    assets,
    extract::{PageQuery, PathOf},
    observe::PERMISSIONS_POLICY,
    problem::Problem,
};

/// After this long a number that did not come waits for something that was set aside: it is no longer «on its way».
const NUMBER_IS_LATE: TimeDelta = TimeDelta::minutes(10);

/// What stands around every page.
struct Frame {
    lang: Lang,
    w: &'static Words,
    city: String,
    stylesheet: &'static str,
    icon: &'static str,
    langs: Vec<LangLink>,
}

struct LangLink {
    code: &'static str,
    name: &'static str,
    href: String,
    current: bool,
}

struct Link {
    href: String,
    text: &'static str,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    form: Form,
    sample_number: String,
    closures: Option<closures::Card>,
    figures: Option<Figures>,
    locate: &'static str,
}

#[derive(Template)]
#[template(path = "appeal.html")]
struct AppealPage {
    frame: Frame,
    number: String,
    new: bool,
    received: String,
    received_iso: String,
    headline: String,
    streets: Vec<String>,
    district: String,
    status: String,
    overdue: bool,
    category: Option<String>,
    party: Option<String>,
    terms: Vec<Term>,
    official: bool,
    /// «Is it fixed?», as its author answered.
    rated: Option<&'static str>,
    voices: Option<String>,
    same_as: Option<String>,
    /// Closed: its author may write again.
    settled: bool,
    next: Option<Next>,
    steps: Vec<Step>,
}

struct Term {
    name: &'static str,
    until: String,
    at_iso: String,
    /// How it ended; none while it runs.
    kept: Option<&'static str>,
}

struct Step {
    what: String,
    why: Option<String>,
    at: String,
    at_iso: String,
    state: Option<&'static str>,
    last: bool,
}

#[derive(Template)]
#[template(path = "note.html")]
struct NotePage {
    frame: Frame,
    title: String,
    lines: Vec<String>,
    link: Option<Link>,
}

/// What the front page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HomeQuery {
    lang: Option<String>,
    message: Option<String>,
    /// What was just sent is kept for a person.
    kept: Option<String>,
}

/// What a page is asked for that is the same for everybody.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LangQuery {
    lang: Option<String>,
}

/// What the page of an appeal is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AppealQuery {
    lang: Option<String>,
    new: Option<String>,
}

/// `GET /`: the form, «check my number», the figures. With `?message=` the number of what was just sent.
pub(crate) async fn home(
    State(app): State<Shared>,
    headers: HeaderMap,
    PageQuery(asked): PageQuery<HomeQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    if let Some(message) = asked.message.and_then(|m| m.parse().ok()) {
        return sent(&app, city, lang, message).await;
    }
    if asked.kept.is_some() {
        let w = Words::of(lang);
        return note(lang, city, "&kept=1", (w.looked_at, None, None), StatusCode::OK);
    }
    show_home(&app, city, lang, Form::empty(), StatusCode::OK).await
}

async fn show_home(
    app: &App,
    city: Option<&City>,
    lang: Lang,
    form: Form,
    status: StatusCode,
) -> Result<Response, Problem> {
    let year = city.map_or(2026, |city| city.calendar.local_year(app.clock.now()));
    let sample = city.map_or_else(
        || "Z-2026-000401".to_owned(),
        |city| city.meta.number_format.number(year, 401).to_string(),
    );
    let page = Home {
        frame: frame(lang, city, |code| format!("/?lang={code}")),
        form: form.within(&app.config.limits, Words::of(lang)),
        locate: assets::locate_path(),
        sample_number: sample,
        closures: city
            .and_then(|city| closures::Card::of(city, city.calendar.local_date(app.clock.now()), lang)),
        figures: Figures::read(app, city, lang).await,
    };
    let mut response = render(&page, lang, status)?;
    // The form may ask where the reader stands; nothing else may.
    let asks = HeaderValue::from_static("camera=(), microphone=(), geolocation=(self)");
    response.headers_mut().insert(PERMISSIONS_POLICY.clone(), asks);
    Ok(response)
}

/// The number of a message that was just sent, or why there is none yet.
async fn sent(app: &App, city: Option<&City>, lang: Lang, message: MessageId) -> Result<Response, Problem> {
    let found = app.query.message(message).await?.body;
    if let Some(number) = found.as_ref().filter(|f| f.joined).and_then(|f| f.number.as_ref()) {
        return Ok(Redirect::to(&format!("/appeals/{number}?lang={lang}&new=1")).into_response());
    }
    let w = Words::of(lang);
    let here = Link { href: format!("/?lang={lang}&message={message}"), text: w.refresh };
    let again = Link { href: format!("/?lang={lang}"), text: w.new_appeal };
    let mut status = StatusCode::OK;
    let said = match found.as_ref().and_then(|f| f.outcome.as_deref()) {
        Some("for_person") => (w.looked_at, None, None),
        Some(outcome) if outcome != "placed" => (w.nothing_said, Some(w.error_empty), Some(again)),
        _ => match app.log.last(&StreamId::from(message)).await? {
            None => {
                status = StatusCode::NOT_FOUND;
                (w.no_such_message, None, Some(again))
            }
            Some(record) if app.clock.now() - record.recorded_at > NUMBER_IS_LATE => {
                (w.late_title, Some(w.late_text), Some(here))
            }
            Some(_) => (w.waiting_title, Some(w.waiting_text), Some(here)),
        },
    };
    note(lang, city, &format!("&message={message}"), said, status)
}

/// What is said of something just sent: a title, a line, a way on. `asked` is what the page's query says besides the language.
fn note(
    lang: Lang,
    city: Option<&City>,
    asked: &str,
    (title, line, link): (&str, Option<&str>, Option<Link>),
    status: StatusCode,
) -> Result<Response, Problem> {
    let page = NotePage {
        frame: frame(lang, city, |code| format!("/?lang={code}{asked}")),
        title: title.to_owned(),
        lines: line.into_iter().map(str::to_owned).collect(),
        link,
    };
    render(&page, lang, status)
}

/// Where nothing is: a page for people.
pub(crate) async fn nowhere(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    let asked = pairs.iter().find_map(|(key, value)| (key == "lang").then_some(value.as_str()));
    let lang = language(asked, headers, city);
    let page = NotePage {
        // A path that begins with two slashes would name another host.
        frame: frame(lang, city, |code| format!("/{}?lang={code}", uri.path().trim_start_matches('/'))),
        title: Words::of(lang).no_such_page.to_owned(),
        lines: vec![],
        link: None,
    };
    render(&page, lang, StatusCode::NOT_FOUND)
}

/// `GET /appeals`: the list behind a figure; with `?number=` «check my number», as it was typed.
pub(crate) async fn appeals(
    State(app): State<Shared>,
    headers: HeaderMap,
    PageQuery(asked): PageQuery<list::ListQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang(), &headers, city);
    let Some(number) = &asked.number else { return list::page(&app, city, lang, &asked).await };
    match number.parse::<Number>() {
        Ok(number) => Ok(Redirect::to(&format!("/appeals/{number}?lang={lang}")).into_response()),
        Err(_) => no_such_number(&app, city, lang),
    }
}

/// `GET /appeals/{number}`: what everybody may know of an appeal.
pub(crate) async fn appeal(
    State(app): State<Shared>,
    headers: HeaderMap,
    PathOf(number): PathOf<String>,
    PageQuery(asked): PageQuery<AppealQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await?;
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    let Ok(number) = number.parse::<Number>() else { return no_such_number(&app, city, lang) };
    let (Some(view), Some(rules)) = (app.query.appeal(number, Sees::Public).await?.body, &rules) else {
        return no_such_number(&app, city, lang);
    };
    let page = appeal_page(&view, rules, lang, asked.new.is_some());
    render(&page, lang, StatusCode::OK)
}

fn appeal_page(view: &AppealView, rules: &RuleSet, lang: Lang, new: bool) -> AppealPage {
    let city = &rules.city;
    let card = &view.card;
    let w = Words::of(lang);
    let understood = card.category.code != "unknown";
    let status = name(&card.status, lang).to_owned();
    let term =
        |(name, clock): (_, &str), at: Option<DateTime<Utc>>, until: &dyn Fn(DateTime<Utc>) -> String| {
            let passed = view.findings.iter().any(|finding| finding.overdue.iter().any(|c| c == clock));
            let kept = |at| match card.settled_at {
                Some(settled) if settled > at => Some(w.not_in_time),
                // The term shown is the main finding's: where another one was late, «in time» would be half of the truth.
                Some(_) => (!passed).then_some(w.in_time),
                None => None,
            };
            at.map(|at| Term { name, until: until(at), at_iso: iso(at), kept: kept(at) })
        };
    let by_hour = |at| words::until_time(lang, &day(city, at, lang), city.calendar.local_time(at));
    let by_day = |at| w.until.replace("{day}", &day(city, at, lang));
    let secure = view.findings.first().and_then(|f| f.secure_due_at).filter(|_| card.open);
    let last = view.history.len().saturating_sub(1);
    let steps = view.history.iter().enumerate().map(|(i, line)| {
        let said = sentence(&line.text, lang);
        // «Sent to X — why»: the reason stands on a line of its own.
        let parts = (line.event == "routed").then(|| said.split_once(" — ")).flatten();
        let (what, why) = parts.map_or((said, None), |(what, why)| (what, Some(why)));
        Step {
            what: what.to_owned(),
            why: why.map(str::to_owned),
            at: day_and_time(city, line.at, lang),
            at_iso: iso(line.at),
            state: match line.event.as_str() {
                "overdue" => Some("overdue"),
                "done" | "answered" => Some("done"),
                "accepted" | "started" => Some("work"),
                "place_asked" => Some("waiting"),
                _ => None,
            },
            last: i == last,
        }
    });
    let number = card.number.clone();
    AppealPage {
        frame: frame(lang, Some(city), |code| format!("/appeals/{number}?lang={code}")),
        number: card.number.to_string(),
        new,
        received: day_and_time(city, card.received_at, lang),
        received_iso: iso(card.received_at),
        headline: capital(&status),
        streets: card.places.iter().map(|place| place_name(city, place, lang)).collect(),
        district: if card.district.code == "unknown" {
            String::new()
        } else {
            name(&card.district, lang).to_owned()
        },
        status,
        overdue: card.overdue && card.open,
        category: understood.then(|| name(&card.category, lang).to_owned()),
        party: understood.then(|| name(&card.party, lang).to_owned()),
        terms: [
            term((w.secure_term, "secure"), secure, &by_hour),
            term((w.service_term, "service"), card.service_due_at, &by_hour),
            term((w.legal_term, "legal"), card.legal_due_at, &by_day),
        ]
        .into_iter()
        .flatten()
        .filter(|term| card.open || term.kept.is_some())
        .collect(),
        official: card.official,
        rated: card.rated.map(|fixed| if fixed { w.rated_yes } else { w.rated_no }),
        voices: (view.voices > 1).then(|| figures::number(view.voices.into())),
        same_as: view.problem.as_ref().filter(|first| **first != card.number).map(ToString::to_string),
        settled: !card.open,
        next: Next::of(card, w, &by_hour, &by_day),
        steps: steps.collect(),
    }
}

fn no_such_number(app: &App, city: Option<&City>, lang: Lang) -> Result<Response, Problem> {
    let w = Words::of(lang);
    let year = city.map_or(2026, |city| city.calendar.local_year(app.clock.now()));
    let sample = city.map_or_else(
        || "Z-2026-000401".to_owned(),
        |city| city.meta.number_format.number(year, 401).to_string(),
    );
    let page = NotePage {
        frame: frame(lang, city, |code| format!("/?lang={code}")),
        title: w.no_such_number.to_owned(),
        lines: vec![format!("{} {sample}.", w.number_looks), w.number_where.to_owned()],
        link: None,
    };
    render(&page, lang, StatusCode::NOT_FOUND)
}

fn frame(lang: Lang, city: Option<&City>, href: impl Fn(&str) -> String) -> Frame {
    let link =
        |of: Lang, name| LangLink { code: of.code(), name, href: href(of.code()), current: of == lang };
    Frame {
        lang,
        w: Words::of(lang),
        city: city.map_or("Zholdary", |city| city.meta.name.get(lang)).to_owned(),
        stylesheet: assets::stylesheet_path(),
        icon: assets::icon_path(),
        langs: vec![link(Lang::Kk, "Қаз"), link(Lang::Ru, "Рус"), link(Lang::En, "Eng")],
    }
}

fn render(page: &impl Template, lang: Lang, status: StatusCode) -> Result<Response, Problem> {
    let html = page.render().map_err(|error| Problem::internal("write a page", &error))?;
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.code()));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    Ok(response)
}

/// The language asked for, else the reader's first that we speak, else the city's.
fn language(asked: Option<&str>, headers: &HeaderMap, city: Option<&City>) -> Lang {
    if let Some(lang) = asked.and_then(Lang::from_code) {
        return lang;
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut wishes: Vec<(f32, Lang)> = accepted
        .split(',')
        .filter_map(|wish| {
            let mut parts = wish.split(';');
            let code = parts.next()?.trim().split('-').next()?.to_ascii_lowercase();
            let weight = parts.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            Lang::from_code(&code).map(|lang| (weight, lang))
        })
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
    wishes.first().map_or_else(|| city.map_or(Lang::Ru, |c| c.meta.default_language), |(_, lang)| *lang)
}

fn name(named: &Named, lang: Lang) -> &str {
    match lang {
        Lang::Ru => &named.ru,
        Lang::Kk => &named.kk,
        Lang::En => &named.en,
    }
}

fn sentence(sentence: &Sentence, lang: Lang) -> &str {
    match lang {
        Lang::Kk => &sentence.kk,
        Lang::En if !sentence.en.is_empty() => &sentence.en,
        Lang::Ru | Lang::En => &sentence.ru,
    }
}

/// A street or place by its Russian name, in the reader's language.
fn place_name(city: &City, ru: &str, lang: Lang) -> String {
    let names = city
        .street(ru)
        .map(|s| &s.name)
        .or_else(|| city.microdistricts.iter().find(|m| m.name.ru == ru).map(|m| &m.name))
        .or_else(|| city.settlement(ru).map(|s| &s.name))
        .or_else(|| city.highway(ru).map(|h| &h.name));
    names.map_or(ru, |names| names.get(lang)).to_owned()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn day(city: &City, at: DateTime<Utc>, lang: Lang) -> String {
    city.letterhead.date(city.calendar.local_date(at), lang)
}

fn day_and_time(city: &City, at: DateTime<Utc>, lang: Lang) -> String {
    format!("{} {}", day(city, at, lang), city.calendar.local_time(at).format("%H:%M"))
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_is_answered_in_a_language_of_theirs() {
        let check = |asked: Option<&str>, accepted: &str, expected: Lang| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(language(asked, &headers, None), expected, "{asked:?} {accepted}");
        };
        check(Some("kk"), "ru", Lang::Kk);
        check(Some("de"), "en-GB", Lang::En);
        check(None, "de, kk;q=0.5, ru;q=0.8", Lang::Ru);
        check(None, "en;q=0, kk-KZ", Lang::Kk);
        check(None, "de", Lang::Ru);
        check(None, "", Lang::Ru);
    }
}
