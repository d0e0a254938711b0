//! Settings of intake.

use serde::Deserialize;
use zholdary_log::{Flush, Retry};

/// Settings of intake. The defaults are right for a city.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many lanes of one delivery are recorded at once; what one person sent stays in one lane. Default 64.
    pub parallel: usize,
    /// A message whose own time is later than the clock by more than this many seconds gets the clock's. Default 600.
    pub ahead_seconds: u32,
    /// How patiently a record is tried.
    pub retry: Retry,
}

impl Default for Config {
    fn default() -> Self {
        Self { parallel: 64, ahead_seconds: 600, retry: Retry::default() }
    }
}

/// Where raw bodies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepIn {
    /// `raw.db` in the data folder of the process that takes them.
    Folder,
    /// The servers of a log on NATS: they are there after a machine is lost.
    Servers,
}

/// Settings of the raw bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where they are kept. Default: `servers` when the log is on NATS, else `folder`.
    pub keep_in: Option<KeepIn>,
    /// How long raw bodies are kept, in days: after they last came in a folder, after they first came on the servers, where it is at least
    /// 1. One that a person must look at stays. Default 30.
    pub retention_days: u32,
    /// The largest body taken, in bytes. Default 48 MiB: letters bring their photos with them.
    pub body_bytes: usize,
    /// How many bodies may wait for the writer of the folder; more wait before asking. Default 1,024.
    pub queue: usize,
    /// The most bodies written in one transaction. Default 256.
    pub group_bodies: usize,
    /// A transaction takes no further body once it holds this many bytes. Default 4 MiB.
    pub group_bytes: usize,
    /// How long a body may wait while another process writes, in milliseconds. Default 30,000.
    pub busy_ms: u32,
    /// When the disk is told. No file of settings can say it: what a platform was answered is kept.
    #[serde(skip)]
    pub flush: Flush,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            keep_in: None,
            retention_days: 30,
            body_bytes: 48 << 20,
            queue: 1024,
            group_bodies: 256,
            group_bytes: 4 << 20,
            busy_ms: 30_000,
            flush: Flush::Each,
        }
    }
}
