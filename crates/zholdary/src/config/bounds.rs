//! What a setting may be. A value outside stops every command: by it a process would stand still, or only look as if it worked.
//! `log.*` and `nats.*` are looked at by their engines, when they are opened.

use std::ops::RangeInclusive;

use anyhow::bail;

use super::Config;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MINUTE_MS: u64 = 60 * 1000;
const MANY: u64 = 1_000_000;
const GIBIBYTE: u64 = 1 << 30;
/// The last hour of a day.
const LAST_HOUR: u64 = 23;
/// How long one call to a platform may take, and parts of an album are waited for.
const PATIENCE_MS: u64 = 10 * MINUTE_MS;
const YEAR_HOURS: u64 = 366 * 24;

impl Config {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (key, value, allowed) in self.numbers() {
            if !allowed.contains(&value) {
                bail!("{key} is {value}: give {} to {}", allowed.start(), allowed.end());
            }
        }
        let site = &self.workers.site;
        if !(site.starts_with("http://") || site.starts_with("https://")) || site.ends_with('/') {
            bail!(
                "workers.site is \"{site}\": give an address such as https://zholdary.example, without a slash at its end"
            );
        }
        if self.raw.body_bytes < self.http.max_body_bytes {
            bail!(
                "raw.body_bytes is {}, less than http.max_body_bytes with {}: a body that is taken must find room",
                self.raw.body_bytes,
                self.http.max_body_bytes
            );
        }
        if self.workers.longest_retry_ms < self.workers.retry_ms {
            bail!(
                "workers.longest_retry_ms is {}, less than workers.retry_ms with {}",
                self.workers.longest_retry_ms,
                self.workers.retry_ms
            );
        }
        if self.delivery.longest_retry_ms < self.delivery.retry_ms {
            bail!(
                "delivery.longest_retry_ms is {}, less than delivery.retry_ms with {}",
                self.delivery.longest_retry_ms,
                self.delivery.retry_ms
            );
        }
        if self.media.longest_retry_ms < self.media.retry_ms {
            bail!(
                "media.longest_retry_ms is {}, less than media.retry_ms with {}",
                self.media.longest_retry_ms,
                self.media.retry_ms
            );
        }
        if let Some(host) = self.media.hosts.iter().find(|host| !is_host(host)) {
            bail!(
                "media.hosts has \"{host}\": give names such as lookaside.fbsbx.com, or .fbsbx.com for all under it"
            );
        }
        if self.delivery.unknown_after_ms <= self.platforms.request_ms {
            bail!(
                "delivery.unknown_after_ms is {}, not more than platforms.request_ms with {}: a call under way would be given up",
                self.delivery.unknown_after_ms,
                self.platforms.request_ms
            );
        }
        if self.raw.body_bytes < self.email.letter_bytes {
            bail!(
                "raw.body_bytes is {}, less than email.letter_bytes with {}: a letter that is taken must find room",
                self.raw.body_bytes,
                self.email.letter_bytes
            );
        }
        if let Some(smtp) =
            self.email.smtp.as_ref().filter(|s| self.delivery.unknown_after_ms <= s.request_ms)
        {
            bail!(
                "delivery.unknown_after_ms is {}, not more than email.smtp.request_ms with {}: a letter under way would be given up",
                self.delivery.unknown_after_ms,
                smtp.request_ms
            );
        }
        self.email.check()
    }

    fn numbers(&self) -> Vec<(&'static str, u64, RangeInclusive<u64>)> {
        let numbers = self.everywhere().into_iter().chain(self.mail());
        let smtp = self.email.smtp.iter().flat_map(|smtp| {
            [
                ("email.smtp.connect_ms", smtp.connect_ms, 1..=PATIENCE_MS),
                ("email.smtp.request_ms", smtp.request_ms, 1..=PATIENCE_MS),
            ]
        });
        let imap = self.email.imap.iter().flat_map(|imap| {
            [
                // A connection on which nothing was said for longer may be dead, and nobody would know.
                ("email.imap.poll_seconds", imap.poll_seconds, 1..=300),
                ("email.imap.connect_ms", imap.connect_ms, 1..=PATIENCE_MS),
                ("email.imap.command_ms", imap.command_ms, 1..=PATIENCE_MS),
            ]
        });
        numbers.chain(smtp).chain(imap).collect()
    }

    fn mail(&self) -> [(&'static str, u64, RangeInclusive<u64>); 4] {
        let email = &self.email;
        [
            (
                "email.letter_bytes",
                email.letter_bytes as u64,
                1..=zholdary_channels::email::LETTER_BYTES as u64,
            ),
            ("email.lmtp_connections", email.lmtp_connections as u64, 1..=MANY),
            ("email.lmtp_silence_ms", email.lmtp_silence_ms, 1..=DAY_MS),
            ("email.lmtp_letter_ms", email.lmtp_letter_ms, 1..=DAY_MS),
        ]
    }

    fn everywhere(&self) -> [(&'static str, u64, RangeInclusive<u64>); 70] {
        let Self { intake, raw, workers, delivery, media, platforms, views, query, http, .. } = self;
        let (limits, changes) = (http.limits, http.changes);
        [
            ("intake.parallel", intake.parallel as u64, 1..=MANY),
            ("intake.ahead_seconds", intake.ahead_seconds.into(), 0..=DAY_MS / 1000),
            ("raw.retention_days", raw.retention_days.into(), 0..=36_500),
            ("raw.body_bytes", raw.body_bytes as u64, 1..=GIBIBYTE),
            ("raw.queue", raw.queue as u64, 1..=MANY),
            ("raw.group_bodies", raw.group_bodies as u64, 1..=MANY),
            ("raw.group_bytes", raw.group_bytes as u64, 1..=GIBIBYTE),
            ("raw.busy_ms", raw.busy_ms.into(), 1..=DAY_MS),
            ("workers.lanes", workers.lanes as u64, 1..=MANY),
            ("workers.page_records", workers.page_records as u64, 1..=MANY),
            ("workers.thread_messages", workers.thread_messages as u64, 1..=MANY),
            ("workers.retry_ms", workers.retry_ms, 1..=DAY_MS),
            ("workers.longest_retry_ms", workers.longest_retry_ms, 1..=DAY_MS),
            // An alarm may wait no longer.
            ("workers.look_ms", workers.look_ms, 1..=MINUTE_MS),
            ("workers.checkpoint_ms", workers.checkpoint_ms, 1..=DAY_MS),
            ("workers.standby_look_ms", workers.standby_look_ms, 1..=DAY_MS),
            ("delivery.stale_hours", delivery.stale_hours.into(), 0..=YEAR_HOURS),
            ("delivery.album_ms", delivery.album_ms.into(), 0..=PATIENCE_MS),
            ("delivery.quiet_from_hour", delivery.quiet_from_hour.into(), 0..=LAST_HOUR),
            ("delivery.quiet_to_hour", delivery.quiet_to_hour.into(), 0..=LAST_HOUR),
            ("delivery.expires_hours", delivery.expires_hours.into(), 1..=24 * 30),
            ("delivery.retry_ms", delivery.retry_ms, 1..=DAY_MS),
            ("delivery.longest_retry_ms", delivery.longest_retry_ms, 1..=DAY_MS),
            ("delivery.unknown_after_ms", delivery.unknown_after_ms, 1..=DAY_MS),
            ("delivery.unknown_wait_ms", delivery.unknown_wait_ms, 0..=DAY_MS),
            ("delivery.calls", delivery.calls as u64, 1..=MANY),
            ("delivery.look_ms", delivery.look_ms, 1..=MINUTE_MS),
            ("media.at_once", media.at_once as u64, 1..=64),
            ("media.looks_at_once", media.looks_at_once as u64, 1..=64),
            ("media.fetch_ms", media.fetch_ms, 1..=PATIENCE_MS),
            ("media.redirects", media.redirects.into(), 0..=20),
            ("media.retry_ms", media.retry_ms, 1..=DAY_MS),
            ("media.longest_retry_ms", media.longest_retry_ms, 1..=DAY_MS),
            ("media.give_up_hours", media.give_up_hours.into(), 0..=YEAR_HOURS),
            ("media.look_ms", media.look_ms, 1..=MINUTE_MS),
            ("media.limits.file_max_bytes", media.limits.file_max_bytes as u64, 1..=GIBIBYTE),
            ("media.limits.video_max_bytes", media.limits.video_max_bytes as u64, 1..=GIBIBYTE),
            ("media.limits.side_max_pixels", media.limits.side_max_pixels.into(), 1..=u16::MAX.into()),
            ("media.limits.decode_max_bytes", media.limits.decode_max_bytes, 1..=4 * GIBIBYTE),
            ("media.limits.public_side_pixels", media.limits.public_side_pixels.into(), 16..=16_384),
            ("media.limits.thumbnail_side_pixels", media.limits.thumbnail_side_pixels.into(), 16..=4096),
            ("platforms.connect_ms", platforms.connect_ms, 1..=PATIENCE_MS),
            ("platforms.request_ms", platforms.request_ms, 1..=PATIENCE_MS),
            ("platforms.answer_bytes", platforms.answer_bytes, 1..=GIBIBYTE),
            ("views.batch_records", views.batch_records as u64, 1..=MANY),
            ("views.attempts", views.attempts.into(), 1..=MANY),
            ("views.heartbeat_ms", views.heartbeat_ms, 1..=DAY_MS),
            ("views.wait_ms", views.wait_ms, 1..=DAY_MS),
            ("query.readers", query.readers as u64, 1..=MANY),
            ("query.watch_ms", query.watch_ms, 1..=MINUTE_MS),
            ("http.max_body_bytes", http.max_body_bytes as u64, 1..=GIBIBYTE),
            ("http.header_timeout_ms", http.header_timeout_ms, 1..=DAY_MS),
            ("http.connections_max", http.connections_max as u64, 1..=MANY),
            ("http.request_timeout_ms", http.request_timeout_ms, 1..=DAY_MS),
            ("http.place_wait_ms", http.place_wait_ms, 0..=DAY_MS),
            ("http.upload_min_bytes_per_s", http.upload_min_bytes_per_s, 1..=MANY),
            ("http.position_wait_ms", http.position_wait_ms, 0..=DAY_MS),
            ("http.limits.text_max_chars", limits.text_max_chars as u64, 1..=MANY),
            ("http.limits.contact_max_chars", limits.contact_max_chars as u64, 1..=MANY),
            ("http.limits.meeting_lines_max", limits.meeting_lines_max as u64, 1..=10_000),
            ("http.limits.photos_max", limits.photos_max as u64, 0..=MANY),
            ("http.limits.reason_max_chars", limits.reason_max_chars as u64, 1..=MANY),
            ("http.limits.answer_max_chars", limits.answer_max_chars as u64, 1..=MANY),
            ("http.limits.key_max_chars", limits.key_max_chars as u64, 1..=MANY),
            ("http.limits.parts_max", limits.parts_max.into(), 1..=MANY),
            ("http.limits.term_max_years", limits.term_max_years.into(), 1..=100),
            ("http.limits.page_max", limits.page_max.into(), 1..=MANY),
            ("http.changes.clients_max", changes.clients_max as u64, 1..=MANY),
            ("http.changes.clients_per_token_max", changes.clients_per_token_max as u64, 1..=MANY),
            ("http.changes.heartbeat_ms", changes.heartbeat_ms, 1..=DAY_MS),
        ]
    }
}

/// A name, with or without a dot before it for all under it: no address, no port, no path.
fn is_host(host: &str) -> bool {
    let name = host.strip_prefix('.').unwrap_or(host);
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        Config::default().check().unwrap();
    }

    #[test]
    fn what_stands_still_is_refused_by_its_name() {
        for (text, key) in [
            ("[intake]\nparallel = 0", "intake.parallel"),
            ("[raw]\nretention_days = 40000", "raw.retention_days"),
            ("[workers]\nretry_ms = 20000", "workers.longest_retry_ms"),
            ("[delivery]\nexpires_hours = 0", "delivery.expires_hours"),
            ("[delivery]\ncalls = 0", "delivery.calls"),
            ("[delivery]\nquiet_from_hour = 24", "delivery.quiet_from_hour"),
            ("[delivery]\nquiet_to_hour = 24", "delivery.quiet_to_hour"),
            ("[delivery]\nstale_hours = 99999", "delivery.stale_hours"),
            ("[delivery]\nlook_ms = 0", "delivery.look_ms"),
            ("[delivery]\nretry_ms = 5000000", "delivery.longest_retry_ms"),
            ("[media]\nat_once = 0", "media.at_once"),
            ("[media]\nretry_ms = 5000000", "media.longest_retry_ms"),
            ("[media]\nhosts = [\"https://fbsbx.com/\"]", "media.hosts"),
            ("[media]\nhosts = [\"..\"]", "media.hosts"),
            ("[media.limits]\nside_max_pixels = 0", "media.limits.side_max_pixels"),
            ("[platforms]\nrequest_ms = 0", "platforms.request_ms"),
            ("[platforms]\nrequest_ms = 60000", "delivery.unknown_after_ms"),
            ("[views]\nattempts = 0", "views.attempts"),
            ("[http.changes]\nheartbeat_ms = 0", "http.changes.heartbeat_ms"),
            ("[http]\nmax_body_bytes = 67108864", "raw.body_bytes"),
            ("[raw]\nbody_bytes = 20000000", "raw.body_bytes"),
            ("[email]\nlmtp_listen = \"127.0.0.1:24\"", "email.address"),
            ("[email.smtp]\nhost = \"mail.example.kz\"", "email.address"),
            ("[email]\nbounce = \"a b\"", "email.bounce"),
            ("[email]\nlmtp_connections = 0", "email.lmtp_connections"),
            ("[email]\nletter_bytes = 99000000", "email.letter_bytes"),
            ("[email.imap]\nhost = \"m.kz\"\nuser = \"r\"\npoll_seconds = 301", "email.imap.poll_seconds"),
            ("[email.imap]\nhost = \"m.kz\"\nuser = \"r\"\nprotection = \"none\"", "email.imap.protection"),
            ("[email]\naddress = \"r@m.kz\"\n[email.smtp]\nhost = \"\"", "email.smtp.host"),
            (
                "[email]\naddress = \"r@m.kz\"\n[email.smtp]\nhost = \"m.kz\"\nrequest_ms = 60000",
                "delivery.unknown_after_ms",
            ),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            let said = config.check().unwrap_err().to_string();
            assert!(said.starts_with(key), "{text}: {said}");
        }
    }
}
