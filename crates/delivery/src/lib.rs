//! Workers that tell residents what became of their appeals.
//!
//! - [`tell`]: what a record of an appeal means to its author, in the city's texts: messages that we mean to send.
//! - [`send`]: those messages, one after another to each person, each tried as often as helps and never blindly twice.
//!
//! The pure parts stand apart: [`notices`] (what is told), [`window`] (what a channel lets through now).

mod carrier;
mod flood;
mod metrics;
mod networks;
pub mod notices;
pub mod send;
mod settings;
pub mod tell;
pub mod window;
mod workers;

pub use carrier::{Carried, Carrier, Carriers};
pub use metrics::Metrics;
pub use settings::{Config, Settings};
pub use workers::Workers;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
