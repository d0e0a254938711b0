//! Worker `fetch`: what messages only name is brought in, looked at and kept.
//!
//! - [`Sources`]: where the bytes of a file are, and one try to have them: a platform, a letter, what was uploaded before.
//! - `look`: what the bytes are, the copies that others may see, and the store of both.
//! - [`Fetcher`]: which files and words are waited for, and when each is asked for again.
//!
//! Each file has one outcome, a record of its message: `file_kept` or `file_missing`. Command ids come from the file, and bytes are kept
//! under their hash before the record names them, so a worker that dies anywhere is followed by one that comes to the same.

mod config;
mod fold;
mod look;
mod metrics;
mod sources;
mod worker;

pub use config::Config;
pub use metrics::Metrics;
pub use sources::Sources;
pub use worker::{Fetcher, WORKER};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
