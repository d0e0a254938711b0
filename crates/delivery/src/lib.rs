//! Workers that tell residents what became of their appeals.
//!
//! - [`tell`]: what a record of an appeal means to its author, in the city's texts: messages that we mean to send.
//! - [`tasks`]: what it means to the party that must act: letters with a link by which it answers.
//! - [`send`]: those messages, one after another to each person, each tried as often as helps and never blindly twice.
//!
//! The pure parts stand apart: [`notices`] and [`task_letters`] (what is told to residents, to parties), [`window`] (what a channel lets through now).

pub mod answers;
mod carrier;
mod flood;
mod hints;
mod letters;
mod metrics;
mod networks;
pub mod notices;
mod people;
mod record;
#[cfg(test)]
mod rig;
pub mod send;
mod settings;
pub mod task_letters;
pub mod tasks;
pub mod tell;
pub mod window;
mod workers;

pub use carrier::{Carried, Carrier, Carriers};
pub use letters::Letters;
pub use metrics::Metrics;
pub use settings::{Config, PartyContact, Settings};
pub use workers::Workers;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
