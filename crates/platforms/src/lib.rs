//! Clients of the platforms' networks: WhatsApp, Instagram and Facebook through [`graph`], [`telegram`], and [`fetch()`] for
//! the files that they name.
//!
//! One call, one honest outcome. A platform has no key under which a message sent twice is one, so whoever sends must know
//! whether it may send again: [`CallError`] tells what surely did not reach the platform, what it refused, and what nobody
//! knows. What follows from that is decided elsewhere; nothing here tries twice.

mod address;
mod base;
mod config;
mod error;
mod fetch;
pub mod graph;
mod http;
pub mod telegram;
mod token;

pub use base::{Base, BaseError};
pub use config::{Config, USER_AGENT};
pub use error::{CallError, Cause, Refusal};
pub use fetch::{FetchError, FetchLimits, Fetched, Forbidden, fetch};
pub use graph::Graph;
pub use http::{Http, HttpError};
/// What addresses are made of here.
pub use reqwest::Url;
pub use telegram::Bot;
pub use token::{Token, TokenError};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
