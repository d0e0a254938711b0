//! The list behind a figure: appeals as everybody may see them.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use serde::Deserialize;
use zholdary_city::{ChannelGroup, City, Lang};
use zholdary_domain::inbound::Channel;
use zholdary_readmodel::{AppealFilter, Card, Level as Sees, NO_GROUP};

use super::{Frame, day_and_time, frame, iso, name, place_name, render, words::Words};
use crate::{api::filter::Checked, app::App, problem::Problem};

/// Appeals of one page.
const ON_A_PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    states: Vec<Choice>,
    groups: Vec<Choice>,
    /// None in a city that tells no channels apart.
    channels: Vec<Choice>,
    districts: Vec<Choice>,
    had: Vec<Choice>,
    at: Option<(String, String)>,
    rows: Vec<Row>,
    /// Days that the list is narrowed to, and that its filter leaves as they are.
    kept: Vec<(&'static str, String)>,
    next: Option<String>,
}

/// One value of a filter.
struct Choice {
    code: String,
    name: String,
    chosen: bool,
}

struct Row {
    number: String,
    category: String,
    places: Vec<String>,
    district: String,
    status: String,
    overdue: bool,
    danger: bool,
    received: String,
    received_iso: String,
}

/// What a list is asked for. An empty value asks for nothing.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    lang: Option<String>,
    /// «Check my number».
    pub(super) number: Option<String>,
    state: Option<String>,
    bucket: Option<String>,
    district: Option<String>,
    channel: Option<String>,
    had: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

impl ListQuery {
    pub(super) fn lang(&self) -> Option<&str> {
        self.lang.as_deref()
    }

    fn filter(&self) -> AppealFilter {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        AppealFilter {
            state: given(&self.state),
            bucket: given(&self.bucket),
            district: given(&self.district),
            channel: given(&self.channel),
            had: given(&self.had),
            from: given(&self.from),
            to: given(&self.to),
            after: given(&self.after),
            limit: Some(ON_A_PAGE),
            ..AppealFilter::default()
        }
    }

    /// The address of this list in a language, from another place on.
    fn href(&self, lang: &str, after: Option<&str>) -> String {
        let mut pairs = vec![("lang", lang)];
        let filters = [
            ("state", &self.state),
            ("bucket", &self.bucket),
            ("district", &self.district),
            ("channel", &self.channel),
            ("had", &self.had),
            ("from", &self.from),
            ("to", &self.to),
        ];
        pairs.extend(filters.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))));
        pairs.extend(after.map(|after| ("after", after)));
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        format!("/appeals?{query}")
    }
}

/// The page of a list.
pub(super) async fn page(
    app: &App,
    city: Option<&City>,
    lang: Lang,
    asked: &ListQuery,
) -> Result<Response, Problem> {
    let filter = asked.filter();
    filter.check(city)?;
    let w = Words::of(lang);
    let answer = app.query.appeals(filter.clone(), Sees::Public).await?;
    let found = answer.body;
    let choice = |code: &str, name: &str, chosen: &Option<String>| Choice {
        code: code.to_owned(),
        name: name.to_owned(),
        chosen: chosen.as_deref().unwrap_or_default() == code,
    };
    let states = [
        ("", w.list_any),
        ("open", w.open),
        ("overdue", w.overdue),
        ("danger", w.danger),
        ("closed", w.closed),
    ];
    let states = states.iter().map(|(code, name)| choice(code, name, &filter.state)).collect();
    let any = std::iter::once(choice("", w.list_any, &filter.bucket));
    let groups = city.into_iter().flat_map(|city| &city.buckets);
    let none = std::iter::once(choice(NO_GROUP, w.beside, &filter.bucket));
    let groups = groups.map(|group| choice(&group.code, group.name.get(lang), &filter.bucket));
    let groups = any.chain(groups).chain(none).collect();
    let any = std::iter::once(choice("", w.list_any_district, &filter.district));
    let districts = city.into_iter().flat_map(|city| &city.districts);
    let districts = any
        .chain(districts.map(|district| choice(&district.code, district.name.get(lang), &filter.district)))
        .collect();
    let voted = |vote: &str| format!("{} {vote}", w.rated);
    let had = [
        ("", w.list_any_had.to_owned()),
        ("answered", w.answered.to_owned()),
        ("done", w.done.to_owned()),
        ("yes", voted(w.voted_yes)),
        ("no", voted(w.voted_no)),
        ("corrected", w.corrected.to_owned()),
    ];
    let page = ListPage {
        frame: frame(lang, city, |code| asked.href(code, asked.after.as_deref())),
        states,
        groups,
        districts,
        had: had.iter().map(|(code, name)| choice(code, name, &filter.had)).collect(),
        at: city.zip(answer.at).map(|(city, at)| (day_and_time(city, at, lang), iso(at))),
        rows: city
            .map(|city| found.items.iter().map(|card| row(city, card, lang)).collect())
            .unwrap_or_default(),
        channels: channels(city, filter.channel.as_deref(), lang),
        kept: [("from", &filter.from), ("to", &filter.to)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect(),
        next: found.next.map(|next| asked.href(lang.code(), Some(&next))),
    };
    render(&page, lang, StatusCode::OK)
}

/// The channels that the city tells apart, all others, and those that were asked for where they are neither.
fn channels(city: Option<&City>, asked: Option<&str>, lang: Lang) -> Vec<Choice> {
    let w = Words::of(lang);
    let codes = |channels: &[Channel]| channels.iter().map(|one| one.code()).collect::<Vec<_>>().join(",");
    let mut known = vec![(String::new(), w.list_any_channel.to_owned())];
    if let Some(city) = city.filter(|city| !city.channel_groups.is_empty()) {
        let group = |group: &ChannelGroup| (codes(&group.channels), group.name.get(lang).to_owned());
        known.extend(city.channel_groups.iter().map(group));
        known.push((codes(&city.other_channels()), w.other_channels.to_owned()));
    }
    if let Some(asked) = asked.filter(|asked| !known.iter().any(|(codes, _)| codes == asked)) {
        known.push((asked.to_owned(), asked.to_owned()));
    }
    if known.len() == 1 {
        return vec![];
    }
    let asked = asked.unwrap_or_default();
    known.into_iter().map(|(code, name)| Choice { chosen: code == asked, code, name }).collect()
}

fn row(city: &City, card: &Card, lang: Lang) -> Row {
    let known = |code: &str| code != "unknown";
    Row {
        number: card.number.to_string(),
        category: if known(&card.category.code) {
            name(&card.category, lang).to_owned()
        } else {
            "—".to_owned()
        },
        places: card.places.iter().map(|place| place_name(city, place, lang)).collect(),
        district: if known(&card.district.code) {
            name(&card.district, lang).to_owned()
        } else {
            String::new()
        },
        status: name(&card.status, lang).to_owned(),
        overdue: card.overdue && card.open,
        danger: card.danger && card.open,
        received: day_and_time(city, card.received_at, lang),
        received_iso: iso(card.received_at),
    }
}
