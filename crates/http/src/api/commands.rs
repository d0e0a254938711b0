//! What can be asked of an appeal. One way for all: name the appeal, check the wish, decide, answer 202 with the position.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use zholdary_city::City;
use zholdary_domain::{
    AppealId, CommandId, FileId, Position, StreamId,
    access::Role,
    appeal::{self, Appeal, Refusal},
};
use zholdary_log::Cause;
use zholdary_readmodel::AppealRef;

use super::{
    Named,
    wish::{
        Accept, AnswerResident, Asked, Close, Correct, Done, Escalate, Extend, GivePlace, Join, JoinTo,
        NotConsider, Note, Official, Rate, Redirect, Refuse, Reopen, Split, Start, Wish, concerns,
    },
};
use crate::{
    app::{App, Shared},
    caller::Caller,
    extract::{JsonBody, PathOf},
    moment::{AtLeast, Now, POSITION},
    permission::Who,
    problem::{Code, Problem},
};

/// A wish that was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recorded {
    /// Where it stands in the log: a read that names it in `Zholdary-Position` sees it.
    position: u64,
}

/// Names a wish, so that it can be repeated.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Repeatable {
    /// The same key with the same body is the same wish, for ever; with another body it is refused with 422.
    #[expect(dead_code, reason = "read by `key_of`; this type only describes it")]
    #[param(rename = "Idempotency-Key")]
    key: Option<String>,
}

/// The `Idempotency-Key` of a request.
pub(crate) fn key_of(app: &App, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let most = app.config.limits.key_max_chars;
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=most).contains(&key.len()));
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Problem::new(Code::BadHeader, format!("1 to {most} printable ASCII characters"))
            .field("Idempotency-Key")
    })
}

async fn appeal_id(now: &Now, named: AppealRef) -> Result<AppealId, Problem> {
    match named {
        AppealRef::Id(id) => Ok(id),
        number @ AppealRef::Number(_) => {
            let found = now.0.appeal_id(number).await?.body;
            found.ok_or_else(|| Problem::new(Code::NoAppeal, ""))
        }
    }
}

/// Records what follows from `wish`.
async fn ask(
    app: Shared,
    caller: Caller,
    now: &Now,
    headers: &HeaderMap,
    named: AppealRef,
    wish: &(dyn Wish + Sync),
) -> Result<Response, Problem> {
    let id = appeal_id(now, named).await?;
    let by = caller.actor()?;
    let key = key_of(&app, headers)?;
    let rules = app.rules().await?;
    let stream = StreamId::from(id);
    let named = key.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let command_id = CommandId::named(caller.account(), &named);
    let decide = |city: &City, appeal: &Appeal, now| -> Result<Vec<appeal::Event>, Problem> {
        if appeal.registered.is_none() {
            return Err(Refusal::NotFound.into());
        }
        if let (Who::Bearer(Role::Party), Some(party)) = (caller.who, &caller.party)
            && !appeal.findings.iter().any(|f| concerns(f, party))
        {
            return Err(Refusal::NotYours.into());
        }
        let limits = &app.config.limits;
        let asked = Asked { city, id, appeal, by: &by, limits, now };
        Ok(appeal::decide(appeal, wish.command(&asked)?)?)
    };
    // A name that does not read is the wish's own to refuse.
    for (i, name) in wish.proof().iter().enumerate().take(app.config.limits.photos_max) {
        if let Ok(file) = name.parse::<FileId>()
            && !app.files.has(&file).await?
        {
            return Err(Problem::bad_field(format!("proof[{i}]"), "no such file is kept: upload it first"));
        }
    }
    let by_rules = |appeal: &Appeal, now| decide(&rules.city, appeal, now);
    let handled = app.appeals.handle(&stream, command_id, Cause::command(command_id), by_rules).await?;
    if !handled.new && key.is_some() {
        same_wish(&app, &stream, command_id, &rules.city, decide).await?;
    }
    Ok(recorded(handled.position))
}

/// Refuses a key that was used for another wish: the earlier record must be what this wish leads to, by the city as it is,
/// or as it was when that was recorded.
async fn same_wish(
    app: &App,
    stream: &StreamId,
    command_id: CommandId,
    city: &City,
    decide: impl Fn(&City, &Appeal, chrono::DateTime<chrono::Utc>) -> Result<Vec<appeal::Event>, Problem>,
) -> Result<(), Problem> {
    let past = app.log.load(stream).await?;
    let mut before = Appeal::default();
    for record in past.records() {
        let events: Vec<appeal::Event> =
            record.events().map_err(|error| Problem::internal("read an appeal", &error))?;
        if record.command_id == command_id {
            let leads_to_it =
                |city: &City| decide(city, &before, record.recorded_at).is_ok_and(|again| again == events);
            let same = leads_to_it(city)
                || app.query.city_as_of(record.position).await?.is_some_and(|then| leads_to_it(&then.city));
            let reused = || Problem::new(Code::KeyReused, "").field("Idempotency-Key");
            return if same { Ok(()) } else { Err(reused()) };
        }
        events.iter().for_each(|event| before.evolve(event));
    }
    Ok(())
}

fn recorded(position: Position) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(Recorded { position: position.0 })).into_response();
    response.headers_mut().insert(POSITION.clone(), HeaderValue::from(position.0));
    response
}

macro_rules! commands {
    ($($(#[$doc:meta])* $handler:ident $path:literal $body:ident;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(post, path = $path, tag = "commands",
                params(("appeal" = String, Path, description = "Number or id"), Repeatable, AtLeast),
                request_body = $body,
                responses(
                    (status = 202, body = Recorded, headers(("Zholdary-Position" = u64))),
                ))]
            pub(crate) async fn $handler(
                State(app): State<Shared>,
                caller: Caller,
                now: Now,
                headers: HeaderMap,
                PathOf(Named(appeal)): PathOf<Named>,
                JsonBody(wish): JsonBody<$body>,
            ) -> Result<Response, Problem> {
                ask(app, caller, &now, &headers, appeal, &wish).await
            }
        )*
    };
}

commands! {
    /// Take the task.
    accept "/api/v1/appeals/{appeal}/accept" Accept;
    /// Give the task back, with a reason.
    refuse "/api/v1/appeals/{appeal}/refuse" Refuse;
    /// Begin the work.
    start "/api/v1/appeals/{appeal}/start" Start;
    /// Report the work as done: with an explanation or a photo.
    done "/api/v1/appeals/{appeal}/done" Done;
    /// Write a note that residents never see.
    note "/api/v1/appeals/{appeal}/note" Note;
    /// Correct category, place or party.
    correct "/api/v1/appeals/{appeal}/correct" Correct;
    /// Answer the resident.
    answer "/api/v1/appeals/{appeal}/answer" AnswerResident;
    /// Record whether it is fixed, as its author told a person.
    rate "/api/v1/appeals/{appeal}/rate" Rate;
    /// Open it again.
    reopen "/api/v1/appeals/{appeal}/reopen" Reopen;
    /// Make other appeals of parts of it.
    split "/api/v1/appeals/{appeal}/split" Split;
    /// Make another party responsible.
    redirect "/api/v1/appeals/{appeal}/redirect" Redirect;
    /// Move a term, with a reason.
    extend "/api/v1/appeals/{appeal}/extend" Extend;
    /// Tell somebody above.
    escalate "/api/v1/appeals/{appeal}/escalate" Escalate;
    /// Make it official under the law.
    official "/api/v1/appeals/{appeal}/official" Official;
    /// Close it, with a reason.
    close "/api/v1/appeals/{appeal}/close" Close;
    /// Do not consider it: no appeal in the sense of the law.
    not_consider "/api/v1/appeals/{appeal}/not-consider" NotConsider;
    /// Say where it is.
    place "/api/v1/appeals/{appeal}/place" GivePlace;
}

/// Count it to the same problem as another appeal.
#[utoipa::path(post, path = "/api/v1/appeals/{appeal}/join", tag = "commands",
    params(("appeal" = String, Path, description = "Number or id"), Repeatable, AtLeast),
    request_body = Join,
    responses(
        (status = 202, body = Recorded, headers(("Zholdary-Position" = u64))),
    ))]
pub(crate) async fn join(
    State(app): State<Shared>,
    caller: Caller,
    now: Now,
    headers: HeaderMap,
    PathOf(Named(appeal)): PathOf<Named>,
    JsonBody(Join { appeal: other }): JsonBody<Join>,
) -> Result<Response, Problem> {
    let wrong = || Problem::bad_field("appeal", "number or id of an appeal");
    let other: AppealRef = other.parse().map_err(|_| wrong())?;
    // An id is looked up too: nobody joins what is not there.
    let to = now.0.appeal_id(other).await?.body.ok_or_else(wrong)?;
    ask(app, caller, &now, &headers, appeal, &JoinTo(to)).await
}
