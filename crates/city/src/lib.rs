//! A city's folder: rules, parties, templates, streets, borders, calendar and works.
//!
//! [`Files`] is the folder as bytes; [`City::parse`] reads and validates it whole and either gives a [`City`], in
//! which every reference resolves, or [`Faults`]: everything that is wrong, with file, line and remedy. The
//! rest answers questions that only need the city's own data: which party a code means on a day
//! ([`City::party_on`]), in which district a point lies ([`City::district_at`]), which works cover a place
//! ([`City::works_at`]), how a text reads when filled ([`Template::fill`]).
//!
//! Pure: no disk, network or clock. Nothing about any one city is in the code.

mod fault;
mod files;
mod model;
mod names;
mod parties;
mod places;
mod read;
mod rules;
mod template;
mod version;
mod weights;
mod works;

pub use fault::{Fault, Faults};
pub use files::{Files, FilesError};
pub use model::{
    Articles, Axis, Bounds, Bucket, Category, ChannelGroup, City, Danger, District, Escalate, Flood, Highway,
    Holiday, Legal, LegalKind, Letterhead, Matching, Meta, Microdistrict, Notify, NotifyHow, OldName, OnlyIn,
    Party, PartyKind, PartyWords, PlaceRules, Priority, Reminders, Scores, Settlement, Street, Works,
    WorksRules,
};
pub use names::{Lang, Names, Values};
pub use places::{DistrictHit, Near};
pub use read::check;
pub use rules::{BECAUSE, Categories, CoverMark, CoverWords, PartyRef, PlaceTest, Rule, When, WorksTest};
pub use template::{
    Audience, BadText, Button, Filled, Phrase, Placeholder, Template, Text, Texts, Unfilled, WhatsappTemplate,
};
pub use version::RuleSetVersion;
pub use weights::{Join, Piece, PieceSort, Weights};
pub use works::{WorksHit, WorksMatch, WorksReach, WorksState};

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
