//! `POST /api/v1/meetings`: an operator's record of a meeting becomes an appeal a line.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::NaiveDate;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zholdary_channels::meeting::{District, Line, LineError, Meeting};
use zholdary_city::{City, Lang};
use zholdary_domain::{
    Inbound, Position,
    inbound::{Channel, InboundMessage},
};
use zholdary_intake::message_id;

use super::{
    commands::{Repeatable, key_of},
    file::{Filed, placed, same_or_new},
    wish::PointBody,
};
use crate::{
    app::{App, Shared},
    caller::Caller,
    config::Limits,
    extract::{NoQuery, RawBody, json},
    moment::POSITION,
    problem::Problem,
};

/// A record of a meeting.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMeeting {
    /// Which meeting it was.
    pub(crate) meeting: About,
    /// What people said there, a problem a line.
    pub(crate) lines: Vec<NewLine>,
}

/// Which meeting it was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// What it was.
    pub(crate) title: String,
    /// Its local day, `2026-11-20`.
    #[serde(default)]
    pub(crate) date: Option<NaiveDate>,
    /// Where it was held. It is not where the problems are.
    #[serde(default)]
    pub(crate) place: Option<String>,
    /// Code of the district that its problems are in. It is added to each line that says no place.
    #[serde(default)]
    pub(crate) district: Option<String>,
}

/// One problem that somebody told at a meeting.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    /// What happened and where.
    pub(crate) text: String,
    /// Who said it.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// A phone or a mail address, for the answer.
    #[serde(default)]
    pub(crate) contact: Option<String>,
    /// A phone, as people write it: `8 701 123 45 67`.
    #[serde(default)]
    pub(crate) phone: Option<String>,
    /// Where it is, in words.
    #[serde(default)]
    pub(crate) place: Option<String>,
    /// Where it is, on the map.
    #[serde(default)]
    pub(crate) point: Option<PointBody>,
}

/// What became of a record so far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// What became of each line, in their order.
    pub(crate) lines: Vec<Filed>,
    /// Where the last of it stands in the log: a read that names it in `Zholdary-Position` sees it.
    position: u64,
}

/// Write down a meeting: each line becomes an appeal. Answered with 202, all lines are durable; numbers are there when they were given
/// within two seconds. Sent again under the same key, it is the same appeals.
#[utoipa::path(post, path = "/api/v1/meetings", tag = "appeals", params(Repeatable), request_body = NewMeeting, responses(
    (status = 202, body = Written, headers(("Zholdary-Position" = u64))),
))]
pub(crate) async fn write(
    State(app): State<Shared>,
    caller: Caller,
    _: NoQuery,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let new: NewMeeting = json(&headers, &raw)?;
    let key = key_of(&app, &headers)?;
    let written = submit(&app, caller.account(), new, key, raw).await?;
    let position = HeaderValue::from(written.position);
    let mut response = (StatusCode::ACCEPTED, Json(written)).into_response();
    response.headers_mut().insert(POSITION.clone(), position);
    Ok(response)
}

/// Takes a record in, from the API or the page, and waits a little for the numbers.
pub(crate) async fn submit(
    app: &App,
    account: &str,
    new: NewMeeting,
    key: Option<String>,
    raw: Bytes,
) -> Result<Written, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let meeting = checked(rules.as_deref().map(|rules| &rules.city), &app.config.limits, new)?;
    let named = key.is_some();
    let key = key.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let messages = meeting.messages(&key, account, app.clock.now())?;
    let id = |message: &InboundMessage| message_id(app.intake.id_key(), &message.id);
    // All are looked at before any is taken: of another record under this key nothing may be recorded.
    if named {
        for message in &messages {
            same_or_new(app, id(message), message).await?;
        }
    }
    let elements = messages.iter().map(|message| Inbound::Message(Box::new(message.clone()))).collect();
    let taken = app.intake.take(Channel::Meeting, raw, elements).await?;
    for message in messages.iter().filter(|message| !taken.messages.contains(&id(message))) {
        same_or_new(app, id(message), message).await?;
    }
    let waits = messages.iter().map(|message| placed(app, id(message), app.config.place_wait()));
    let seen = join_all(waits).await;
    let position = seen.iter().fold(taken.position, |latest, (_, seen): &(_, Position)| latest.max(*seen));
    let lines = messages.iter().zip(seen).map(|(message, (outcome, seen))| {
        let kept = !taken.all.contains(&id(message));
        Filed::of(id(message), outcome.as_ref(), taken.position.max(seen), kept)
    });
    Ok(Written { lines: lines.collect(), position: position.0 })
}

/// The record, within the limits.
fn checked(city: Option<&City>, limits: &Limits, new: NewMeeting) -> Result<Meeting, Problem> {
    let NewMeeting { meeting: About { title, date, place, district }, lines } = new;
    if title.trim().is_empty() {
        return Err(Problem::bad_field("meeting.title", "say which meeting it was"));
    }
    within("meeting.title", &title, limits.reason_max_chars)?;
    within("meeting.place", place.as_deref().unwrap_or_default(), limits.reason_max_chars)?;
    let district = match (district, city) {
        (Some(code), Some(city)) => {
            let known = city.district(&code);
            let known = known.ok_or_else(|| Problem::bad_field("meeting.district", "no such district"))?;
            let (ru, kk) = (known.name.get(Lang::Ru), known.name.get(Lang::Kk));
            Some(District { ru: format!("{ru} район"), kk: format!("{kk} ауданы") })
        }
        (Some(_), None) => return Err(Problem::bad_field("meeting.district", "no city is published yet")),
        (None, _) => None,
    };
    if lines.is_empty() {
        return Err(Problem::bad_field("lines", "a meeting has at least one line"));
    }
    if lines.len() > limits.meeting_lines_max {
        return Err(Problem::bad_field("lines", format!("{} at most", limits.meeting_lines_max)));
    }
    let line = |(i, line): (usize, NewLine)| {
        let at = |field: &str| format!("lines[{i}].{field}");
        within(&at("text"), &line.text, limits.text_max_chars)?;
        for (field, said) in [("name", &line.name), ("contact", &line.contact), ("phone", &line.phone)] {
            within(&at(field), said.as_deref().unwrap_or_default(), limits.contact_max_chars)?;
        }
        within(&at("place"), line.place.as_deref().unwrap_or_default(), limits.reason_max_chars)?;
        let point = line.point.map(|p| p.point(&at("point"), city, limits)).transpose()?;
        let NewLine { text, name, contact, phone, place, .. } = line;
        Ok(Line { text, name, contact, phone, place, point })
    };
    let lines = lines.into_iter().enumerate().map(line).collect::<Result<_, Problem>>()?;
    Ok(Meeting { title, held_on: date, place, district, lines })
}

fn within(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    if text.chars().count() > max {
        return Err(Problem::bad_field(field, format!("{max} characters at most")));
    }
    Ok(())
}

impl From<LineError> for Problem {
    fn from(LineError { line, why }: LineError) -> Self {
        let problem = Self::from(why);
        match problem.wrong_field().map(|field| format!("lines[{line}].{field}")) {
            Some(field) if field.ends_with("Idempotency-Key") => problem,
            Some(field) => problem.field(field),
            None => problem,
        }
    }
}
