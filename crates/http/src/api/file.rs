//! `POST /api/v1/appeals`: a resident's words become a message, and soon a numbered appeal.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zholdary_channels::{
    meeting::spoken_contact,
    web::{self, Submission},
};
use zholdary_city::City;
use zholdary_domain::{
    FileId, Inbound, MessageId, Position, StreamId,
    access::Role,
    inbound::{Channel, InboundMessage, MessageRef},
    message::Message,
};
use zholdary_intake::{Draft, contact_id, message_id};
use zholdary_readmodel::MessageOutcome;

use super::{
    commands::{Repeatable, key_of},
    wish::PointBody,
};
use crate::{
    app::{App, Shared},
    caller::Caller,
    extract::{NoQuery, RawBody, json},
    moment::POSITION,
    permission::Who,
    problem::{Code, Problem},
    upload,
};

/// An appeal as somebody files it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAppeal {
    /// What happened and where.
    #[serde(default)]
    pub(crate) text: String,
    /// Where the resident spoke, `web` by default. An operator may write down `phone` and `meeting`, and what came by another
    /// channel; a partner may name `open311`.
    #[serde(default)]
    pub(crate) channel: Option<String>,
    /// A phone or a mail address, for the answer.
    #[serde(default)]
    pub(crate) contact: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub(crate) point: Option<PointBody>,
    /// Photos that were uploaded: what `POST /api/v1/files` called them.
    #[serde(default)]
    pub(crate) photos: Vec<String>,
}

/// What became of a filed appeal so far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Filed {
    /// Its message: `GET /api/v1/messages/{message}` tells more.
    message: String,
    /// The appeal that it belongs to; null when that is not decided yet.
    appeal: Option<String>,
    /// The appeal's number; null when it has none yet.
    number: Option<String>,
    /// Where it stands in the log: a read that names it in `Zholdary-Position` sees it.
    position: u64,
    /// Its bytes alone are kept, for a person: no number will come of itself.
    #[serde(skip)]
    for_person: bool,
}

/// File an appeal. Answered with 202, the words are durable; the number is there when it was given within two seconds.
#[utoipa::path(post, path = "/api/v1/appeals", tag = "appeals", params(Repeatable), request_body = NewAppeal, responses(
    (status = 202, body = Filed, headers(("Zholdary-Position" = u64))),
))]
pub(crate) async fn file(
    State(app): State<Shared>,
    caller: Caller,
    _: NoQuery,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let new: NewAppeal = json(&headers, &raw)?;
    let key = key_of(&app, &headers)?;
    let filed = submit(&app, &caller, new, vec![], key, raw).await?;
    let position = HeaderValue::from(filed.position);
    let mut response = (StatusCode::ACCEPTED, Json(filed)).into_response();
    response.headers_mut().insert(POSITION.clone(), position);
    Ok(response)
}

impl Filed {
    /// What is told of a message at `position`. `for_person`: its bytes alone are kept.
    pub(super) fn of(
        id: MessageId,
        outcome: Option<&MessageOutcome>,
        position: Position,
        for_person: bool,
    ) -> Self {
        Self {
            message: id.to_string(),
            appeal: outcome.and_then(|o| o.appeal).map(|a| a.to_string()),
            number: outcome.and_then(|o| o.number.as_ref()).map(ToString::to_string),
            position: position.0,
            for_person,
        }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) const fn is_for_person(&self) -> bool {
        self.for_person
    }

    pub(crate) fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }
}

/// Takes an appeal in, from the API or the page, and waits a little for its number. Of the photos that it names, those that `came` with it
/// are kept first.
pub(crate) async fn submit(
    app: &App,
    caller: &Caller,
    new: NewAppeal,
    came: Vec<Draft>,
    key: Option<String>,
    raw: Bytes,
) -> Result<Filed, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let submission = checked(app, caller, rules.as_deref().map(|rules| &rules.city), new)?;
    let photos = named(&submission.photos)?;
    let named = key.is_some();
    let key = key.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let inbound = web::submit(&submission, &key, caller.account(), app.clock.now())?;
    let Inbound::Message(message) = &inbound else {
        return Err(Problem::new(Code::Internal, ""));
    };
    let message = message.clone();
    let id = message_id(app.intake.id_key(), &message.id);
    if named {
        unused_elsewhere(app, &message.id).await?;
        same_or_new(app, id, &message).await?;
    }
    // Nothing that is recorded names a photo that is not kept.
    for (i, photo) in photos.iter().enumerate() {
        let comes = came.iter().any(|draft| draft.id() == photo);
        if !comes && !app.files.has(photo).await? {
            return Err(Problem::bad_field(format!("photos[{i}]"), "no such file is kept: upload it first"));
        }
    }
    for draft in came {
        app.files.keep(draft).await?;
    }
    let channel = message.id.channel;
    let taken = app.intake.take(channel, raw, vec![inbound]).await?;
    if taken.all.is_empty() {
        // Durable, and kept for a person: no number will come.
        tracing::warn!(message.id = %id, "a filed appeal is kept for a person");
    }
    if taken.messages.is_empty() {
        same_or_new(app, id, &message).await?;
    }
    let (outcome, seen) = placed(app, id, app.config.place_wait()).await;
    Ok(Filed::of(id, outcome.as_ref(), taken.position.max(seen), taken.all.is_empty()))
}

/// The names of photos, read.
fn named(photos: &[String]) -> Result<Vec<FileId>, Problem> {
    let read = |(i, photo): (usize, &String)| {
        let wrong = |_| Problem::bad_field(format!("photos[{i}]"), "what POST /api/v1/files calls a file");
        photo.parse().map_err(wrong)
    };
    photos.iter().enumerate().map(read).collect()
}

/// What this caller may file, within the limits.
fn checked(app: &App, caller: &Caller, city: Option<&City>, new: NewAppeal) -> Result<Submission, Problem> {
    let limits = &app.config.limits;
    let at_most = |field: &str, n: usize| Problem::bad_field(field, format!("{n} characters at most"));
    if new.text.chars().count() > limits.text_max_chars {
        return Err(at_most("text", limits.text_max_chars));
    }
    if new.contact.as_ref().is_some_and(|c| c.chars().count() > limits.contact_max_chars) {
        return Err(at_most("contact", limits.contact_max_chars));
    }
    if new.photos.len() > limits.photos_max {
        return Err(Problem::bad_field("photos", format!("{} at most", limits.photos_max)));
    }
    let allowed = match (caller.who, new.channel.as_deref()) {
        (_, None | Some("web")) | (Who::Bearer(Role::Operator), _) => true,
        (Who::Bearer(Role::Partner), Some(channel)) => channel == "open311",
        _ => false,
    };
    if !allowed {
        return Err(Problem::bad_field("channel", "this caller files under web"));
    }
    let spoken = matches!(new.channel.as_deref(), Some("phone" | "meeting"));
    let contact = match new.contact {
        Some(contact) if spoken => {
            let wrong = "a mail address, or a phone that exists: +7 701 123 45 67, 8 701 123 45 67";
            Some(spoken_contact(&contact).ok_or_else(|| Problem::bad_field("contact", wrong))?)
        }
        contact => contact,
    };
    Ok(Submission {
        text: new.text,
        channel: new.channel,
        contact,
        point: new.point.map(|p| p.point("point", city, limits)).transpose()?,
        photos: upload::each_once(named(&new.photos)?).into_iter().map(String::from).collect(),
    })
}

/// A key names one message of its account, whatever the channel.
async fn unused_elsewhere(app: &App, name: &MessageRef) -> Result<(), Problem> {
    if name.account == "public" {
        return Ok(()); // files under one channel alone
    }
    for channel in Channel::ALL.into_iter().filter(|channel| *channel != name.channel) {
        let other = MessageRef { channel, ..name.clone() };
        let other = StreamId::from(message_id(app.intake.id_key(), &other));
        if app.log.last(&other).await?.is_some() {
            return Err(Problem::new(Code::KeyReused, "").field("Idempotency-Key"));
        }
    }
    Ok(())
}

/// Refuses a key under which something else was filed.
pub(super) async fn same_or_new(app: &App, id: MessageId, message: &InboundMessage) -> Result<(), Problem> {
    let Message { received: Some(known), .. } = app.messages.load(&StreamId::from(id)).await?.state else {
        return Ok(());
    };
    let sender = message.sender.as_ref();
    let address = sender.and_then(|s| s.keys.first());
    let others = sender.iter().flat_map(|s| s.keys.iter().skip(1));
    let mut others = others.map(|key| contact_id(app.intake.id_key(), message.id.channel, key.reveal()));
    if known.content == message.content
        && known.surface == message.surface
        && known.address.as_ref() == address
        && known.name.as_ref() == sender.and_then(|s| s.name.as_ref())
        && others.all(|other| known.aliases.contains(&other))
    {
        Ok(())
    } else {
        Err(Problem::new(Code::KeyReused, "").field("Idempotency-Key"))
    }
}

/// Waits until the message is part of a numbered appeal, or set aside; the views' position then, else their start.
pub(super) async fn placed(app: &App, id: MessageId, wait: Duration) -> (Option<MessageOutcome>, Position) {
    let mut positions = app.query.subscribe();
    let told = async {
        loop {
            positions.borrow_and_update();
            match app.query.message(id).await {
                Ok(answer) => {
                    let position = answer.position;
                    if let Some(found) = answer.body
                        && (found.number.is_some() && found.joined
                            || found.outcome.as_deref().is_some_and(|o| o != "placed"))
                    {
                        return (found, position);
                    }
                }
                // The words are durable: what is missing is only news of them.
                Err(error) => tracing::debug!(%error, "could not look for a message's place"),
            }
            if positions.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    match tokio::time::timeout(wait, told).await {
        Ok((found, position)) => (Some(found), position),
        Err(_) => (None, Position::START),
    }
}
