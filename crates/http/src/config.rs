//! Settings of the HTTP side. Only the binary reads files or the environment.

use std::{fmt, time::Duration};

use chrono::NaiveDate;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zholdary_channels::Ours;
use zholdary_readmodel::Period;

/// A value that must not be seen: it prints as `…`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `value` from being printed.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `sent` is it. Takes the same time whatever the answer.
    pub(crate) fn is(&self, sent: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        digest(&self.0).ct_eq(&digest(sent)).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The secrets of the hook of one of Meta's platforms (Meta, «Webhooks»).
#[derive(Debug, Clone)]
pub struct MetaHook {
    /// The Meta app's secret, under which each POST is signed.
    pub app_secret: Secret,
    /// The word that Meta repeats when the hook is subscribed.
    pub verify_token: Secret,
}

/// The hooks that are set up. Default: none, and each answers 404.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// WhatsApp Cloud API.
    pub whatsapp: Option<MetaHook>,
    /// Instagram.
    pub instagram: Option<MetaHook>,
    /// The Facebook page.
    pub facebook: Option<MetaHook>,
    /// The Telegram bot: the `secret_token` that its hook was set with (Bot API, `setWebhook`). Without a hook its updates are
    /// asked for.
    pub telegram: Option<Secret>,
}

/// Settings of the HTTP side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The hooks. No setting of this table: the binary reads the secrets from their own files or the environment, so that none
    /// stands in a file of settings.
    #[serde(skip)]
    pub hooks: Hooks,
    /// Our own accounts; what comes for others leads to nothing. Default: every account is ours. No setting of this table either:
    /// each stands with its channel.
    #[serde(skip)]
    pub ours: Ours,
    /// The secret of whoever collects the metrics. Default: none, and only tokens open `/metrics`. No setting of this table
    /// either.
    #[serde(skip)]
    pub metrics_token: Option<Secret>,
    /// The most bytes that a request's body may have. Default: 4 MiB; more is answered with 413.
    pub max_body_bytes: usize,
    /// How long the header of a request may take to arrive, in milliseconds, the wait for a next request on the same connection
    /// included. Default: 10 000; then the connection is closed.
    pub header_timeout_ms: u64,
    /// Connections at once, at most. Default: 1 024; more wait until one ends.
    pub connections_max: usize,
    /// How long a request may take, in milliseconds, streams excepted. Default: 40 000, above the 30 000 that the log and the
    /// raw bodies wait while another process writes: who waits longest must not win over who knows what is wrong. Longer is
    /// answered with 503.
    pub request_timeout_ms: u64,
    /// How much longer a request that brings photos may take, in milliseconds: their way here, over a slow network. Default: 120 000.
    pub upload_timeout_ms: u64,
    /// Requests whose photos come at once, at most. Default: 32; more wait their turn within that time, from the first byte of a photo on.
    /// Words without photos never wait.
    pub uploads_max: usize,
    /// Bytes a second that whoever sends photos must send, measured over 10 seconds of waiting for them. Default: 4 096, what the slowest
    /// mobile networks carry; who sends less is cut off, so that nobody holds a place with a trickle.
    pub upload_min_bytes_per_s: u64,
    /// The last local day that the report counts, in the API and on the front page, when it is asked for no other days; what came after it
    /// is told beside it. Default: none, every day counts.
    pub report_to: Option<NaiveDate>,
    /// How long `POST /api/v1/appeals` waits for the message's place, in milliseconds. Default: 2 000; then the appeal and
    /// the number are null.
    pub place_wait_ms: u64,
    /// How long a read waits for the position that its `Zholdary-Position` names, in milliseconds. Default: 5 000; then 503.
    pub position_wait_ms: u64,
    /// Limits of what people write.
    pub limits: Limits,
    /// The stream of changes.
    pub changes: Changes,
}

/// Limits of what people write. Longer is answered with 422 and the name of the field.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Characters of a resident's text. Default: 10 000.
    pub text_max_chars: usize,
    /// Characters of a contact (a phone or a mail address). Default: 254.
    pub contact_max_chars: usize,
    /// Kilometres beyond the city's borders that a point may lie. Default: 100, which is most of the region; a point further away is a
    /// slip.
    pub point_beyond_km: u32,
    /// Lines of one record of a meeting. Default: 200.
    pub meeting_lines_max: usize,
    /// Photos of one appeal. Default: 5.
    pub photos_max: usize,
    /// Bytes of one photo. Default: 10 MiB.
    pub photo_max_bytes: usize,
    /// Bytes of a form with its photos. Default: 128 MiB, more than all the photos that are taken: a form with one that is too large is
    /// read to its end, so that the words beside it are not lost. More is answered with 413.
    pub form_max_bytes: usize,
    /// Characters of a reason, a note, an explanation. Default: 4 000.
    pub reason_max_chars: usize,
    /// Characters of an answer to a resident. Default: 4 000.
    pub answer_max_chars: usize,
    /// Characters of an `Idempotency-Key`. Default: 128.
    pub key_max_chars: usize,
    /// Parts that one `split` may make. Default: 20.
    pub parts_max: u32,
    /// Years ahead of now that a term may be moved to. Default: 5.
    pub term_max_years: u32,
    /// Appeals on one page of a list, at most. Default: 200.
    pub page_max: u32,
}

/// The stream of changes (`GET /api/v1/changes`).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    /// Listeners at once, at most. Default: 256; more are answered with 503.
    pub clients_max: usize,
    /// Listeners of one token at once, at most. Default: 16; more are answered with 503.
    pub clients_per_token_max: usize,
    /// Milliseconds between two comments that keep an idle connection open, and between two looks at the token. Default: 15 000.
    pub heartbeat_ms: u64,
    /// Milliseconds that a listener waits after something happened, before it reads: what comes together is read together.
    /// Default: 200.
    pub pause_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hooks: Hooks::default(),
            ours: Ours::default(),
            metrics_token: None,
            max_body_bytes: 4 * 1024 * 1024,
            header_timeout_ms: 10_000,
            connections_max: 1_024,
            request_timeout_ms: 40_000,
            upload_timeout_ms: 120_000,
            report_to: None,
            uploads_max: 32,
            upload_min_bytes_per_s: 4_096,
            place_wait_ms: 2_000,
            position_wait_ms: 5_000,
            limits: Limits::default(),
            changes: Changes::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_max_chars: 10_000,
            contact_max_chars: 254,
            point_beyond_km: 100,
            meeting_lines_max: 200,
            photos_max: 5,
            photo_max_bytes: 10 * 1024 * 1024,
            form_max_bytes: 128 * 1024 * 1024,
            reason_max_chars: 4_000,
            answer_max_chars: 4_000,
            key_max_chars: 128,
            parts_max: 20,
            term_max_years: 5,
            page_max: 200,
        }
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self { clients_max: 256, clients_per_token_max: 16, heartbeat_ms: 15_000, pause_ms: 200 }
    }
}

impl Config {
    /// The days of a report: those that were asked for, or those that count.
    pub(crate) fn report_days(&self, asked: Period) -> Period {
        let to = self.report_to.filter(|_| asked.from.is_none() && asked.to.is_none());
        Period { to: to.map(|day| day.to_string()).or(asked.to), ..asked }
    }

    pub(crate) const fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(crate) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(crate) const fn upload_timeout(&self) -> Duration {
        Duration::from_millis(self.upload_timeout_ms)
    }

    /// How long the form waits: less than the request may take, so that a slow machine too can still write its page.
    pub(crate) fn form_timeout(&self) -> Duration {
        const PAGE: Duration = Duration::from_secs(5);
        self.request_timeout().saturating_sub(PAGE).max(self.request_timeout() / 4)
    }

    pub(crate) const fn place_wait(&self) -> Duration {
        Duration::from_millis(self.place_wait_ms)
    }

    pub(crate) const fn position_wait(&self) -> Duration {
        Duration::from_millis(self.position_wait_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let config = Config {
            hooks: Hooks {
                whatsapp: Some(MetaHook {
                    app_secret: Secret::new("geheim".into()),
                    verify_token: Secret::new("geheim".into()),
                }),
                ..Hooks::default()
            },
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("geheim"));
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        assert!(serde_json::from_str::<Config>(r#"{"max_body_byte": 1}"#).is_err());
        let secrets = r#"{"hooks": {"whatsapp": {"app_secret": "x", "verify_token": "y"}}}"#;
        assert!(serde_json::from_str::<Config>(secrets).is_err(), "secrets stand elsewhere");
        let config: Config = serde_json::from_str(r#"{"limits": {"photos_max": 3}}"#).unwrap();
        assert_eq!((config.limits.photos_max, config.max_body_bytes), (3, 4 * 1024 * 1024));
    }
}
