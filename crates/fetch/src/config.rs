//! Settings of files.

use serde::Deserialize;
use zholdary_media::Limits;
use zholdary_platforms::graph::MEDIA_HOSTS;

/// What a file of settings says of the files that residents send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Files that are fetched together. Each is in memory until it is kept. Default 4.
    pub at_once: usize,
    /// Files that are looked at together: the worst picture within the limits takes some 0.8 GB meanwhile. Default 1.
    pub looks_at_once: usize,
    /// How long one file may take to come, redirects included, in milliseconds. Default 60,000.
    pub fetch_ms: u64,
    /// How many redirects are followed. Default 3.
    pub redirects: u8,
    /// The hosts from which files of Instagram and Facebook are fetched: `lookaside.fbsbx.com` is that host, `.fbsbx.com`
    /// everything under it. Default: those of Meta. The host of a platform's `api` is one of them without being named.
    pub hosts: Vec<String>,
    /// The wait after the first try in vain, in milliseconds; it doubles each time. Default 5,000.
    pub retry_ms: u64,
    /// The longest such wait, in milliseconds. Default 3,600,000.
    pub longest_retry_ms: u64,
    /// For how long a file is asked for before it is given up and the desk sees that it is missing, in hours. Default 168: WhatsApp has
    /// it for seven days.
    pub give_up_hours: u32,
    /// How often due files are looked for, in milliseconds. Default 200.
    pub look_ms: u64,
    /// What is taken, and how large the copies are.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            at_once: 4,
            looks_at_once: 1,
            fetch_ms: 60_000,
            redirects: 3,
            hosts: MEDIA_HOSTS.map(str::to_owned).to_vec(),
            retry_ms: 5_000,
            longest_retry_ms: 3_600_000,
            give_up_hours: 168,
            look_ms: 200,
            limits: Limits::default(),
        }
    }
}
