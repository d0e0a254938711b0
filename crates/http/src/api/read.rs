//! What can be asked. Nothing here writes.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;
use zholdary_domain::{MessageId, message::SetAside};
use zholdary_readmodel::{
    AppealFilter, AppealRef, AppealView, Card, Count, CountBy, Lag, MessageOutcome, MessageView, Page,
    Parked, Period, Queue, Report,
};

use super::{Named, filter::Checked};
use crate::{
    app::{App, Shared},
    caller::Caller,
    extract::{Nothing, PathOf, QueryOf},
    moment::{AsOf, AtLeast, Moment, Viewed},
    permission::{Level, Who},
    problem::{Code, Problem},
};

/// Appeals, the newest first.
#[utoipa::path(get, path = "/api/v1/appeals", tag = "appeals", params(AppealFilter, AsOf, AtLeast), responses(
    (status = 200, body = Page<Card>),
))]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Moment(query): Moment,
    QueryOf(mut filter): QueryOf<AppealFilter>,
) -> Result<Viewed<Page<Card>>, Problem> {
    if let Some(own) = caller.own_party()? {
        if [&filter.party, &filter.concerns].into_iter().flatten().any(|party| party != own) {
            return Err(Problem::new(Code::Forbidden, "this token sees its own appeals").field("party"));
        }
        filter.concerns = Some(own.to_owned());
    }
    checked(&app, &filter).await?;
    let most = app.config.limits.page_max;
    if filter.limit.is_some_and(|limit| limit == 0 || limit > most) {
        return Err(Problem::new(Code::BadQuery, format!("1 to {most}")).field("limit"));
    }
    Ok(Viewed(query.appeals(filter, caller.sees()).await?))
}

/// Refuses a filter whose values nothing can match.
async fn checked(app: &App, filter: &impl Checked) -> Result<(), Problem> {
    let rules = app.query.city().await?;
    filter.check(rules.as_deref().map(|rules| &rules.city))
}

/// One appeal, as far as the caller may see it. Without a token: by its number, and only what everybody may know.
#[utoipa::path(get, path = "/api/v1/appeals/{appeal}", tag = "appeals",
    params(("appeal" = String, Path, description = "Number or id"), AsOf, AtLeast), responses(
    (status = 200, body = AppealView),
))]
pub(crate) async fn one(
    caller: Caller,
    Moment(query): Moment,
    _: QueryOf<Nothing>,
    PathOf(Named(appeal)): PathOf<Named>,
) -> Result<Viewed<AppealView>, Problem> {
    if caller.level == Level::Public && matches!(appeal, AppealRef::Id(_)) {
        return Err(match caller.who {
            Who::Anonymous => {
                Problem::new(Code::TokenNeeded, "without a token appeals are asked for by number")
            }
            Who::Bearer(_) | Who::Scraper => {
                Problem::new(Code::Forbidden, "this role asks for appeals by number")
            }
        });
    }
    let answer = query.appeal(appeal, caller.sees()).await?;
    let found = match (answer.body, caller.own_party()?) {
        (Some(view), Some(party)) if !concerns(&view, party) => None,
        (found, _) => found,
    };
    let body = found.ok_or_else(|| Problem::new(Code::NoAppeal, ""))?;
    Ok(Viewed(zholdary_readmodel::Answer { position: answer.position, at: answer.at, body }))
}

/// Whether the party has a finding of the appeal, or a copy of one.
pub(crate) fn concerns(view: &AppealView, party: &str) -> bool {
    view.findings.iter().any(|f| {
        f.queue.code == party || f.party.code == party || f.copies.iter().any(|copy| copy.code == party)
    })
}

/// How many messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessagesQuery {
    /// Why they are part of no appeal: `for_person` (they wait for one; default), `mailing`, `note` (what a mail server answers
    /// by itself, a changed number), `no_appeal` (stickers, greetings).
    #[param(value_type = Option<String>)]
    aside: Option<SetAside>,
    /// Most messages, 1 to 200. Default 50.
    limit: Option<u32>,
}

/// Messages that are part of no appeal, the last first.
#[utoipa::path(get, path = "/api/v1/messages", tag = "messages", params(MessagesQuery, AsOf, AtLeast), responses(
    (status = 200, body = Vec<MessageView>),
))]
pub(crate) async fn messages(
    Moment(query): Moment,
    QueryOf(MessagesQuery { aside, limit }): QueryOf<MessagesQuery>,
) -> Result<Viewed<Vec<MessageView>>, Problem> {
    let limit = limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(Problem::new(Code::BadQuery, "1 to 200").field("limit"));
    }
    Ok(Viewed(query.set_aside(aside.unwrap_or(SetAside::ForPerson), limit).await?))
}

/// What became of a message.
#[utoipa::path(get, path = "/api/v1/messages/{message}", tag = "messages",
    params(("message" = String, Path, description = "Id of the message"), AsOf, AtLeast), responses(
    (status = 200, body = MessageOutcome),
))]
pub(crate) async fn message(
    Moment(query): Moment,
    _: QueryOf<Nothing>,
    PathOf(message): PathOf<MessageId>,
) -> Result<Viewed<MessageOutcome>, Problem> {
    let answer = query.message(message).await?;
    let body = answer.body.ok_or_else(|| Problem::new(Code::NoMessage, ""))?;
    Ok(Viewed(zholdary_readmodel::Answer { position: answer.position, at: answer.at, body }))
}

/// What to count, and by what.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountQuery {
    /// Columns, with commas: `day`, `category`, `district`, `party`, `channel`, `state`. Default: `state`.
    by: Option<String>,
    /// Code of the district, `unknown` or `region`.
    district: Option<String>,
    /// Code of the channel.
    channel: Option<String>,
    /// Received on this local day (`2026-11-20`) or later.
    from: Option<String>,
    /// Received on this local day or earlier.
    to: Option<String>,
}

impl CountQuery {
    fn columns(&self) -> Result<Vec<CountBy>, Problem> {
        let mut columns = vec![];
        for name in self.by.as_deref().unwrap_or("state").split(',').map(str::trim) {
            let column: CountBy = serde_json::from_value(name.into()).map_err(|_| {
                Problem::new(Code::BadQuery, "day, category, district, party, channel, state; with commas")
                    .field("by")
            })?;
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        Ok(columns)
    }

    fn period(self) -> Period {
        let Self { district, channel, from, to, by: _ } = self;
        Period { district, channel, from, to }
    }
}

/// How many appeals there are, by the columns asked for.
#[utoipa::path(get, path = "/api/v1/counters", tag = "figures", params(CountQuery, AsOf, AtLeast), responses(
    (status = 200, body = Vec<Count>),
))]
pub(crate) async fn counters(
    State(app): State<Shared>,
    Moment(query): Moment,
    QueryOf(asked): QueryOf<CountQuery>,
) -> Result<Viewed<Vec<Count>>, Problem> {
    let by = asked.columns()?;
    let period = asked.period();
    checked(&app, &period).await?;
    Ok(Viewed(query.counters(by, period).await?))
}

/// The report by groups: what people wrote about, and what was done.
#[utoipa::path(get, path = "/api/v1/report", tag = "figures", params(Period, AsOf, AtLeast), responses(
    (status = 200, body = Report),
))]
pub(crate) async fn report(
    State(app): State<Shared>,
    Moment(query): Moment,
    QueryOf(period): QueryOf<Period>,
) -> Result<Viewed<Report>, Problem> {
    checked(&app, &period).await?;
    Ok(Viewed(query.report(app.config.report_days(period)).await?))
}

/// How much of a queue.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct QueueQuery {
    /// Most rows, 1 to 1000. Default 200.
    limit: Option<u32>,
}

/// A party's queue in the order in which it should be worked; `operator` is the desk.
#[utoipa::path(get, path = "/api/v1/queues/{party}", tag = "appeals",
    params(("party" = String, Path, description = "Code of the party"), QueueQuery, AsOf, AtLeast), responses(
    (status = 200, body = Queue),
))]
pub(crate) async fn queue(
    State(app): State<Shared>,
    caller: Caller,
    Moment(query): Moment,
    PathOf(party): PathOf<String>,
    QueryOf(QueueQuery { limit }): QueryOf<QueueQuery>,
) -> Result<Viewed<Queue>, Problem> {
    if caller.own_party()?.is_some_and(|own| own != party) {
        return Err(Problem::new(Code::Forbidden, "this token sees its own queue"));
    }
    let limit = limit.unwrap_or(200);
    if !(1..=1000).contains(&limit) {
        return Err(Problem::new(Code::BadQuery, "1 to 1000").field("limit"));
    }
    let known = party == "operator" || app.rules().await?.city.party(&party).is_some();
    if !known {
        return Err(Problem::new(Code::NotFound, "there is no such party"));
    }
    Ok(Viewed(query.queue(&party, caller.sees(), app.clock.now(), limit).await?))
}

/// How far the views are behind the log, and what was set aside.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Behind {
    /// How far the views are behind.
    #[serde(flatten)]
    lag: Lag,
    /// Records that could not be applied, or wait behind one.
    parked_records: Vec<Parked>,
}

/// How far the views are behind the log.
#[utoipa::path(get, path = "/api/v1/lag", tag = "installation", params(AsOf, AtLeast), responses(
    (status = 200, body = Behind),
))]
pub(crate) async fn lag(
    State(app): State<Shared>,
    Moment(query): Moment,
    _: QueryOf<Nothing>,
) -> Result<Viewed<Behind>, Problem> {
    let head = app.log.head().await.ok();
    let parked_records = query.parked().await?.body;
    Ok(Viewed(query.lag(app.clock.now(), head).await?.map(|lag| Behind { lag, parked_records })))
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "installation", responses((status = 200, body = Object)))]
pub(crate) async fn openapi(State(app): State<Shared>, _: QueryOf<Nothing>) -> Response {
    // Any GET takes `as_of`; the description is the same at every moment.
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], app.openapi.clone())
        .into_response()
}
