//! Where platforms deliver: the signature over the raw bytes first, then intake, then 200.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use zholdary_channels::whatsapp;
use zholdary_domain::inbound::Channel;
use zholdary_intake::Intake;

use crate::{
    config::WhatsApp,
    extract::RawBody,
    metrics::{HookOutcome, Metrics},
    problem::{Code, Problem},
};

/// What the hooks need.
#[derive(Clone)]
pub(crate) struct Hooks {
    pub(crate) whatsapp: Option<Arc<WhatsApp>>,
    pub(crate) intake: Intake,
    pub(crate) metrics: Metrics,
}

fn settings(hooks: &Hooks) -> Result<&WhatsApp, Problem> {
    hooks.whatsapp.as_deref().ok_or_else(|| {
        Problem::new(
            Code::HookNotConfigured,
            "set whatsapp.app_secret_file and whatsapp.verify_token_file, or ZHOLDARY_WHATSAPP_APP_SECRET and \
             ZHOLDARY_WHATSAPP_VERIFY_TOKEN",
        )
    })
}

/// `GET /hooks/whatsapp`: the platform asks whether the hook is ours (Meta, «Verification Requests»).
pub(crate) async fn whatsapp_challenge(
    State(hooks): State<Hooks>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let settings = settings(&hooks)?;
    let answer = whatsapp::challenge(&query.unwrap_or_default(), settings.verify_token.reveal())
        .ok_or_else(|| Problem::new(Code::ChallengeRefused, ""))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], answer).into_response())
}

/// `POST /hooks/whatsapp`: takes what the platform delivers. Answered with 200, it is durable; anything else and the platform
/// delivers it again.
pub(crate) async fn whatsapp_post(
    State(hooks): State<Hooks>,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let settings = settings(&hooks)?;
    let signature = headers.get("x-hub-signature-256").and_then(|v| v.to_str().ok());
    if let Err(error) = whatsapp::verify(settings.app_secret.reveal(), &raw, signature) {
        hooks.metrics.hook(HookOutcome::Refused);
        tracing::warn!(bytes = raw.len(), "refused a post to the WhatsApp hook: {error}");
        return Err(error.into());
    }
    let parsed = whatsapp::parse(&raw, &settings.accounts);
    match hooks.intake.take(Channel::Whatsapp, raw, parsed.elements).await {
        Ok(_) => {
            hooks.metrics.hook(HookOutcome::Taken);
            Ok("".into_response())
        }
        Err(error) => {
            hooks.metrics.hook(HookOutcome::Unavailable);
            Err(error.into())
        }
    }
}
