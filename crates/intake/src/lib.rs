//! From [`zholdary_domain::Inbound`] to one record, once per message.
//!
//! [`Intake::take`] makes the raw bytes durable, then records every element of a delivery in the stream of its message, and
//! answers only when both are durable. Delivered again, whatever its bytes or envelope, a message changes nothing.

mod config;
mod error;
mod files;
mod ids;
mod intake;
mod lanes;
mod letters;
mod mailbox;
mod metrics;
mod played;
mod polling;
mod raw;
mod record;

pub use config::{Config, KeepIn, RawConfig};
pub use error::{Error, RawError};
pub use files::{Draft, FileError, FileStore, Incoming};
pub use ids::{contact_id, message_id};
pub use intake::{Intake, Taken};
pub use letters::Letters;
pub use mailbox::{Reading, Rounds};
pub use metrics::Metrics;
pub use played::{Jump, advance, follow};
pub use polling::Polling;
pub use raw::{Kept, RawFile, RawServers, RawStore};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
