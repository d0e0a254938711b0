//! Settings of what goes out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use zholdary_city::Lang;
use zholdary_domain::{Personal, inbound::Channel};

/// What a file of settings says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The oldest record of which anybody is still told, in hours: a log that grew while nothing was sent is not told afterwards.
    /// 0: nobody is told of anything. Default 24.
    pub stale_hours: u32,
    /// How long parts of an album are waited for before its receipt goes, in milliseconds. Default 3,000.
    pub album_ms: u32,
    /// The city's hour from which what is not urgent waits for the morning, 0 to 23. Default 22.
    pub quiet_from_hour: u32,
    /// The hour at which the morning begins, 0 to 23; the same as `quiet_from_hour`: nothing waits. Default 8.
    pub quiet_to_hour: u32,
    /// How long a message is tried, or waits, before it is given up and the desk hears of it, in hours. Default 24.
    pub expires_hours: u32,
    /// The wait after the first such attempt, in milliseconds; it doubles each time. Default 5,000.
    pub retry_ms: u64,
    /// The longest such wait, in milliseconds. Default 3,600,000.
    pub longest_retry_ms: u64,
    /// After how long an attempt without an outcome counts as unknown, in milliseconds: longer than any call may take. Default
    /// 60,000.
    pub unknown_after_ms: u64,
    /// How long a platform may still tell of a message whose outcome is unknown, before the desk hears of it, in milliseconds.
    /// Default 60,000.
    pub unknown_wait_ms: u64,
    /// Calls that are under way together. Default 32.
    pub calls: usize,
    /// Our Meta app has the permission «Human Agent»: what a person writes goes for seven days. Default false.
    pub human_agent: bool,
    /// How often due messages are looked for, in milliseconds. Default 200.
    pub look_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stale_hours: 24,
            album_ms: 3000,
            quiet_from_hour: 22,
            quiet_to_hour: 8,
            expires_hours: 24,
            retry_ms: 5000,
            longest_retry_ms: 3_600_000,
            unknown_after_ms: 60_000,
            unknown_wait_ms: 60_000,
            calls: 32,
            human_agent: false,
            look_ms: 200,
        }
    }
}

/// The settings, and the channels that have an account to send from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What the file says.
    pub config: Config,
    /// Channels that can be answered on.
    pub channels: BTreeSet<Channel>,
    /// Whom letters to parties go to, by code of the party. With none no party is written to.
    pub parties: BTreeMap<String, PartyContact>,
    /// The address that letters come from.
    pub mailbox: String,
}

/// Whom letters to one party go to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartyContact {
    /// Mail addresses for tasks. Each gets every letter.
    pub email: Vec<Personal<String>>,
    /// Mail addresses for dangers, of whoever is on duty day and night: the mailbox of a gateway to SMS, or a person's. Empty: those
    /// for tasks.
    pub duty: Vec<Personal<String>>,
    /// Language of the letters. Nothing: the city's.
    pub lang: Option<Lang>,
}

impl std::ops::Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}
