//! The event log: the port, its engines, the one write path.
//!
//! [`EventLog`] is the port, [`SqliteLog`] the embedded engine, [`JetStreamLog`] the one for several machines. Nobody appends but [`Decider`]: it loads a stream, decides,
//! appends, and looks again when somebody was faster. Records are read whole ([`EventLog::load`]), in pages
//! ([`EventLog::read`]) or as they come ([`Tail`]).

mod checkpoint;
mod codec;
#[cfg(test)]
mod conformance;
mod decider;
mod error;
pub mod faults;
pub mod jetstream;
mod memory;
mod metrics;
mod port;
mod record;
pub mod sqlite;
pub mod streams;
mod tail;

pub use checkpoint::{Checkpoint, Checkpoints, Marks};
pub use codec::{Events, encode_events};
pub use decider::{Aggregate, Decider, DeciderError, Handled, Loaded, Retry};
pub use error::{
    AppendError, BindError, Damage, DecodeError, EncodeError, Fault, OpenError, ReadError, Source,
};
pub use jetstream::{JetStreamConfig, JetStreamLog};
pub use memory::MemoryLog;
pub use metrics::Metrics;
pub use port::{EventLog, LogInfo, Progress, Verified, WritePermit};
pub use record::{
    Appended, BadHash, Causation, Cause, Expect, Hash, NewRecord, Prev, Recorded, Stream, Token, TraceId,
};
pub use sqlite::{Flush, SqliteCheckpoints, SqliteConfig, SqliteLog};
pub use tail::Tail;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
