//! What each figure means, which terms run, and what is not shown.

use askama::Template;
use axum::{extract::State, http::HeaderMap, http::StatusCode, response::Response};
use zholdary_city::{City, Lang};

use super::{
    Frame, LangQuery, frame, language, render,
    words::{self, Words},
};
use crate::{app::Shared, extract::PageQuery, problem::Problem};

#[derive(Template)]
#[template(path = "about.html")]
struct AboutPage {
    frame: Frame,
    figures: Vec<Meaning>,
    terms: Vec<Meaning>,
    /// Empty before the first rule set: the terms are the city's.
    rights: Vec<String>,
}

/// A word of ours, and what it means.
struct Meaning {
    word: &'static str,
    means: String,
}

/// `GET /about`: how we count.
pub(crate) async fn about(
    State(app): State<Shared>,
    headers: HeaderMap,
    PageQuery(asked): PageQuery<LangQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    let page = AboutPage {
        frame: frame(lang, city, |code| format!("/about?lang={code}")),
        figures: figures(Words::of(lang)),
        terms: city.map(|city| terms(city, lang)).unwrap_or_default(),
        rights: city.map(|city| rights(city, lang)).unwrap_or_default(),
    };
    render(&page, lang, StatusCode::OK)
}

fn figures(w: &'static Words) -> Vec<Meaning> {
    let said = [
        (w.received_total, w.about_received),
        (w.open_now, w.about_open),
        (w.overdue_now, w.about_overdue),
        (w.done_total, w.about_settled),
        (w.group, w.about_group),
        (w.share, w.about_share),
        (w.what_was_done, w.about_outcome),
        (w.satisfied, w.about_satisfied),
        (w.corrected, w.about_corrected),
        (w.district, w.about_district),
    ];
    let named = [("{beside}", w.beside), ("{answered}", w.answered), ("{done}", w.done)];
    said.into_iter()
        .map(|(word, means)| {
            let means = named.iter().fold(means.to_owned(), |text, (key, name)| text.replace(key, name));
            Meaning { word, means }
        })
        .collect()
}

fn terms(city: &City, lang: Lang) -> Vec<Meaning> {
    let w = Words::of(lang);
    let legal = w.about_legal.replace("{law}", &law(city, city.legal.articles.answer, lang));
    vec![
        Meaning { word: w.legal_term, means: legal },
        Meaning { word: w.service_term, means: w.about_service.to_owned() },
        Meaning { word: w.secure_term, means: w.about_secure.to_owned() },
    ]
}

fn rights(city: &City, lang: Lang) -> Vec<String> {
    let w = Words::of(lang);
    let legal = &city.legal;
    let right = |text: &str, days: u32, article: u32| {
        text.replace("{days}", &words::working_days(lang, days)).replace("{law}", &law(city, article, lang))
    };
    vec![
        right(w.about_answer, legal.answer_working_days, legal.articles.answer),
        right(w.about_redirect, legal.forward_working_days, legal.articles.forward),
        right(w.about_extend, legal.extend_notice_working_days, legal.articles.extend)
            .replace("{months}", &words::months(lang, legal.extend_max_months)),
        w.about_again.to_owned(),
    ]
}

/// An article, as the city cites it.
fn law(city: &City, article: u32, lang: Lang) -> String {
    let cited = city.legal.cited.get(lang).replace("{article}", &article.to_string());
    cited.replace("{act}", city.legal.act.get(lang))
}
