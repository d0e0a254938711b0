//! What is closed or narrowed today and tomorrow, by the city's register of works.

use askama::Template;
use axum::{extract::State, http::HeaderMap, http::StatusCode, response::Response};
use chrono::NaiveDate;
use zholdary_city::{City, Lang, Names, Works};

use super::{Frame, LangQuery, frame, language, place_name, render, words::Words};
use crate::{app::Shared, extract::PageQuery, problem::Problem};

/// Rows of the front page's card.
const ON_THE_CARD: usize = 3;

#[derive(Template)]
#[template(path = "closures.html")]
struct ClosuresPage {
    frame: Frame,
    days: Vec<Day>,
    sample: bool,
}

/// Rows of one day, under its heading.
struct Day {
    title: String,
    none: &'static str,
    rows: Vec<Closure>,
}

/// A row of works that stops or narrows traffic.
pub(super) struct Closure {
    pub(super) street: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) until: String,
    pub(super) until_iso: String,
    pub(super) reason: Text,
    /// Empty: there is none.
    pub(super) detour: Text,
    pub(super) sample: bool,
}

/// Words of the register, which has them in some languages only.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) lang: &'static str,
}

/// The card of the front page.
pub(super) struct Card {
    pub(super) rows: Vec<Closure>,
    /// How many rows the page has.
    pub(super) all: usize,
}

impl Card {
    /// Nothing for a city without a register of works.
    pub(super) fn of(city: &City, today: NaiveDate, lang: Lang) -> Option<Self> {
        let all = on(city, today).count() + from_tomorrow(city, today).count();
        let rows = on(city, today).take(ON_THE_CARD).map(|row| closure(city, row, lang)).collect();
        (!city.works.is_empty()).then_some(Self { rows, all })
    }
}

/// `GET /closures`: every row of today, and what begins tomorrow.
pub(crate) async fn closures(
    State(app): State<Shared>,
    headers: HeaderMap,
    PageQuery(asked): PageQuery<LangQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    let w = Words::of(lang);
    let mut days = vec![];
    if let Some(city) = city {
        let today = city.calendar.local_date(app.clock.now());
        let tomorrow = today.succ_opt().unwrap_or(today);
        let titled = |title: &str, day| title.replace("{day}", &city.letterhead.date(day, lang));
        days.push(Day {
            title: titled(w.closures_today, today),
            none: w.closures_none,
            rows: on(city, today).map(|row| closure(city, row, lang)).collect(),
        });
        days.push(Day {
            title: titled(w.closures_tomorrow, tomorrow),
            none: w.closures_none_more,
            rows: from_tomorrow(city, today).map(|row| closure(city, row, lang)).collect(),
        });
    }
    let page = ClosuresPage {
        frame: frame(lang, city, |code| format!("/closures?lang={code}")),
        sample: days.iter().flat_map(|day| &day.rows).any(|row| row.sample),
        days,
    };
    render(&page, lang, StatusCode::OK)
}

/// Rows that close or narrow a street on a day, those that began last first.
fn on(city: &City, day: NaiveDate) -> impl Iterator<Item = &Works> {
    let mut rows: Vec<_> = city.works.iter().filter(|row| city.works_closed(row, day)).collect();
    rows.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.id.cmp(&b.id)));
    rows.into_iter()
}

/// Rows of the day after `today` that do not stand under `today` already.
fn from_tomorrow(city: &City, today: NaiveDate) -> impl Iterator<Item = &Works> {
    let tomorrow = today.succ_opt().unwrap_or(today);
    on(city, tomorrow).filter(move |row| !city.works_closed(row, today))
}

fn closure(city: &City, row: &Works, lang: Lang) -> Closure {
    let w = Words::of(lang);
    Closure {
        street: place_name(city, &row.street, lang),
        from: place_name(city, &row.from, lang),
        to: place_name(city, &row.to, lang),
        until: w.closed_until.replace("{day}", &city.letterhead.date(row.finish, lang)),
        until_iso: row.finish.to_string(),
        reason: text(&row.reason, lang),
        detour: text(&row.detour, lang),
        sample: row.sample,
    }
}

fn text(names: &Names, lang: Lang) -> Text {
    let lacking = lang == Lang::En && names.en.is_empty();
    Text { text: names.get(lang).to_owned(), lang: if lacking { Lang::Ru } else { lang }.code() }
}
