//! The views: what happened, arranged for reading.
//!
//! [`Projector`] is the one writer: it tails the log and keeps a SQLite file in which rows and checkpoint move in one
//! transaction. [`Query`] reads it on read-only connections and says with every answer up to which record it is true.
//! [`rebuild()`] makes the file anew beside the old one and switches. Every view is a pure function of the records, so a
//! rebuilt one is the same.

mod apply;
mod city;
mod error;
mod files;
mod metrics;
mod model;
mod personal;
mod projector;
mod query;
mod rebuild;
mod sentence;
#[cfg(test)]
mod tests;

pub use city::{NO_GROUP, RuleSet};
pub use error::Error;
pub use metrics::Metrics;
pub use model::{
    Answer, AppealFilter, AppealView, CameraView, Card, Change, Checkpoint, Count, CountBy, EarlierView,
    Figures, FileView, FindingView, KeptView, Lag, Level, Line, MessageOutcome, MessageView, Named, Page,
    Parked, Period, PlaceFigures, PlaceView, Queue, QueueReason, Report, ReportPart, ReportRow, RulesVersion,
    SamePhoto, Sentence, Task, Token,
};
pub use projector::{Projector, ProjectorConfig};
pub use query::{AppealRef, HAD, PARKED_SHOWN, Query, QueryConfig, View};
pub use rebuild::{Rebuilt, rebuild};
pub use sentence::least_level;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
