//! What an appeal is and what may happen to it.
//!
//! This crate is the centre of Zholdary: names ([`ids`]), facts ([`message`], [`appeal`], [`number`], [`rules`],
//! [`access`]), the decisions that lead to them (`decide` may refuse, `evolve` may not), the working-day arithmetic of a
//! city ([`calendar`]) and the one type for personal data ([`personal::Personal`]). It knows no clock, network, disk
//! or async: time and chance come in as arguments.

pub mod access;
pub mod appeal;
pub mod calendar;
mod file;
pub mod ids;
pub mod inbound;
pub mod link;
pub mod message;
pub mod number;
pub mod outgoing;
pub mod personal;
pub mod place;
pub mod rules;
pub mod time;

pub use file::{BadFileId, BadFileKey, FileId, FileKey, KeptFile, KeptPicture, Missing, TakenAt};
pub use ids::{AppealId, CommandId, ContactId, IdKey, MessageId, StreamId, StreamKind};
pub use inbound::Inbound;
pub use number::{Number, NumberFormat};
pub use personal::Personal;
pub use place::{Place, PlaceKind, Point};
pub use time::{Clock, Position, SystemClock};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
