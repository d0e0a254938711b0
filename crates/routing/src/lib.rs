//! The workers that turn messages into appeals, choose who acts, and keep the terms.
//!
//! - [`register`]: each message gets exactly one of «placed» or «set aside», each appeal its number.
//! - [`route`]: words are understood, rules say who acts and why, questions are answered at once.
//! - [`deadlines`]: one queue of due instants; what passes is overdue, and somebody above is told.
//!
//! Each reads the log in order, decides, and appends; nothing else is asked and nothing else is changed. Their command
//! ids come from causes, so a worker that runs twice, dies half-way or meets another of its kind repeats
//! itself without effect. One that waits for its [`Turn`] reads along all the same. The pure parts stand apart: [`rules`] (which rule holds), [`settle`] (what a message leads to),
//! [`register::fold`] (which appeal a message belongs to), [`languages`] (in which language people are told).

mod checkpoints;
pub mod deadlines;
mod error;
mod follow;
mod further;
mod lanes;
pub mod languages;
mod metrics;
mod pending;
mod progress;
pub mod register;
mod restart;
pub mod route;
pub mod rules;
mod ruleset;
pub mod settle;
mod thread;
mod turn;
mod workers;

/// What a worker of another crate stands on: the way along the log, lanes, restarts, checkpoints.
pub mod worker {
    pub use crate::{
        checkpoints::{Keeper, Unfinished},
        follow::Follow,
        lanes::run as run_lanes,
        pending::{Answer, Batch},
        restart::{Patience, keep_running},
        turn::Gate,
    };
}

pub use error::Error;
pub use metrics::{Metrics, WORKERS};
pub use progress::Progress;
pub use ruleset::{Ruleset, Rulesets, publish};
pub use turn::Turn;
pub use workers::{Config, Parts, Workers};
