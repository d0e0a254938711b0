//! Where platforms deliver: whether it is the platform first, then intake, then 200.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use zholdary_channels::{Ours, meta, telegram};
use zholdary_domain::inbound::Channel;
use zholdary_intake::Intake;

use crate::{
    config::{Config, MetaHook, Secret},
    extract::RawBody,
    metrics::{HookOutcome, Metrics},
    problem::{Code, Problem},
};

/// The hook of one platform, with what proves that it is the platform.
#[derive(Clone)]
struct Hook<S> {
    channel: Channel,
    settings: Option<Arc<S>>,
    ours: Arc<Ours>,
    intake: Intake,
    metrics: Metrics,
}

/// Every hook, one a platform.
pub(crate) fn routes(config: &Config, intake: &Intake, metrics: &Metrics) -> Router {
    let ours = Arc::new(config.ours.clone());
    let meta = |channel, settings: &Option<MetaHook>| {
        let hook = Hook::new(channel, settings, &ours, intake, metrics);
        Router::new().route(&hook.path(), get(challenge).post(signed)).with_state(hook)
    };
    let telegram = Hook::new(Channel::Telegram, &config.hooks.telegram, &ours, intake, metrics);
    Router::new()
        .merge(meta(Channel::Whatsapp, &config.hooks.whatsapp))
        .merge(meta(Channel::Instagram, &config.hooks.instagram))
        .merge(meta(Channel::Facebook, &config.hooks.facebook))
        .merge(Router::new().route(&telegram.path(), post(with_token)).with_state(telegram))
}

impl<S: Clone> Hook<S> {
    fn new(
        channel: Channel,
        settings: &Option<S>,
        ours: &Arc<Ours>,
        intake: &Intake,
        metrics: &Metrics,
    ) -> Self {
        let settings = settings.clone().map(Arc::new);
        Self { channel, settings, ours: Arc::clone(ours), intake: intake.clone(), metrics: metrics.clone() }
    }

    fn path(&self) -> String {
        format!("/hooks/{}", self.channel.code())
    }

    /// What proves that it is the platform; without it the hook is not set up.
    fn settings(&self, missing: &[&str]) -> Result<&S, Problem> {
        self.settings.as_deref().ok_or_else(|| {
            let code = self.channel.code();
            let files: Vec<_> = missing.iter().map(|of| format!("{code}.{of}_file")).collect();
            let variables = missing.iter().map(|of| format!("ZHOLDARY_{code}_{of}").to_uppercase());
            let variables: Vec<_> = variables.collect();
            let detail = format!("set {}, or {}", files.join(" and "), variables.join(" and "));
            Problem::new(Code::HookNotConfigured, detail)
        })
    }

    fn refused(&self, bytes: usize, why: &dyn std::fmt::Display) {
        self.metrics.hook(self.channel, HookOutcome::Refused);
        tracing::warn!(bytes, channel = self.channel.code(), "refused a post to a hook: {why}");
    }

    /// Takes what is the platform's. Answered with 200, it is durable; anything else and the platform delivers it again.
    async fn take(&self, raw: Bytes) -> Result<Response, Problem> {
        let parsed = self.ours.parse(self.channel, &raw).unwrap_or_default();
        match self.intake.take(self.channel, raw, parsed.elements).await {
            Ok(_) => {
                self.metrics.hook(self.channel, HookOutcome::Taken);
                Ok("".into_response())
            }
            Err(error) => {
                self.metrics.hook(self.channel, HookOutcome::Unavailable);
                Err(error.into())
            }
        }
    }
}

/// The secrets of one of Meta's hooks, by the names of their settings.
const OF_META: [&str; 2] = ["app_secret", "verify_token"];
/// The same of Telegram's.
const OF_TELEGRAM: [&str; 1] = ["secret_token"];

/// `GET /hooks/{channel}`: the platform asks whether the hook is ours (Meta, «Verification Requests»).
async fn challenge(
    State(hook): State<Hook<MetaHook>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let settings = hook.settings(&OF_META)?;
    let answer = meta::challenge(&query.unwrap_or_default(), settings.verify_token.reveal())
        .ok_or_else(|| Problem::new(Code::ChallengeRefused, ""))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], answer).into_response())
}

/// `POST /hooks/{channel}` of Meta: signed over the raw bytes.
async fn signed(
    State(hook): State<Hook<MetaHook>>,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let settings = hook.settings(&OF_META)?;
    let signature = headers.get("x-hub-signature-256").and_then(|v| v.to_str().ok());
    if let Err(error) = meta::verify(settings.app_secret.reveal(), &raw, signature) {
        hook.refused(raw.len(), &error);
        return Err(error.into());
    }
    hook.take(raw).await
}

/// `POST /hooks/telegram`: with the token that the hook was set with.
async fn with_token(
    State(hook): State<Hook<Secret>>,
    headers: HeaderMap,
    RawBody(raw): RawBody,
) -> Result<Response, Problem> {
    let secret = hook.settings(&OF_TELEGRAM)?;
    let token = headers.get("x-telegram-bot-api-secret-token").and_then(|v| v.to_str().ok());
    if let Err(error) = telegram::verify(secret.reveal(), token) {
        hook.refused(raw.len(), &error);
        return Err(error.into());
    }
    hook.take(raw).await
}
