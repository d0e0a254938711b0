//! Settings of the calls. Only the binary reads files or the environment.

use serde::Deserialize;

/// How we call ourselves: `Zholdary/<version>`. Meta's hosts of media have refused clients without a name.
pub const USER_AGENT: &str = concat!("Zholdary/", env!("CARGO_PKG_VERSION"));

/// Settings of the calls to platforms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Milliseconds until a connection, with its name looked up and its TLS agreed on, has failed. Default: 5000. Should be less
    /// than `request_ms`: a call that runs out of time before that is one of which nobody knows whether it was sent.
    pub connect_ms: u64,
    /// Milliseconds until a call without a whole answer has failed, counted from its start. Default: 20000. A long poll may take
    /// this much longer than it was asked to wait.
    pub request_ms: u64,
    /// The longest answer of a call that is read, in bytes. Default: 1 MiB. Files and updates have limits of their own.
    pub answer_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { connect_ms: 5000, request_ms: 20_000, answer_bytes: 1024 * 1024 }
    }
}
