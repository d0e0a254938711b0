//! Where platforms deliver: the signature over the raw bytes first, then intake, then 200.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use zholdary_channels::whatsapp;
use zholdary_domain::inbound::Channel;

use crate::{
    app::{App, Shared},
    config::WhatsApp,
    extract::RawBody,
    metrics::HookOutcome,
    problem::{Code, Problem},
};

fn settings(app: &App) -> Result<&WhatsApp, Problem> {
    app.config.whatsapp.as_ref().ok_or_else(|| {
        Problem::new(
            Code::HookNotConfigured,
            "set whatsapp.app_secret_file and whatsapp.verify_token_file, or ZHOLDARY_WHATSAPP_APP_SECRET and \
             ZHOLDARY_WHATSAPP_VERIFY_TOKEN",
        )
    })
}

/// `GET /hooks/whatsapp`: the platform asks whether the hook is ours (Meta, «Verification Requests»).
pub(crate) async fn whatsapp_challenge(
    State(app): State<Shared>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let settings = settings(&app)?;
    let answer = whatsapp::challenge(&query.unwrap_or_default(), settings.verify_token.reveal())
        .ok_or_else(|| Problem::new(Code::ChallengeRefused, ""))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], answer).into_response())
}

/// `POST /hooks/whatsapp`: takes what the platform delivers. Answered with 200, it is durable; anything else and the platform
/// delivers it again.
pub(crate) async fn whatsapp_post(
    State(app): State<Shared>,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let settings = settings(&app)?;
    let signature = headers.get("x-hub-signature-256").and_then(|v| v.to_str().ok());
    if let Err(error) = whatsapp::verify(settings.app_secret.reveal(), &raw, signature) {
        app.metrics.hook(HookOutcome::Refused);
        tracing::warn!(bytes = raw.len(), "refused a post to the WhatsApp hook: {error}");
        return Err(error.into());
    }
    let parsed = whatsapp::parse(&raw, &settings.accounts);
    match app.intake.take(Channel::Whatsapp, raw, parsed.elements).await {
        Ok(_) => {
            app.metrics.hook(HookOutcome::Taken);
            Ok("".into_response())
        }
        Err(error) => {
            app.metrics.hook(HookOutcome::Unavailable);
            Err(error.into())
        }
    }
}
