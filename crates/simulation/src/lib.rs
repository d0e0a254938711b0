//! A city that writes: residents, what they say and when, what parties do about it, all from one seed.
//!
//! [`Script::new`] plans ninety days of a city in the shares of its own report groups (`city.toml [[bucket]]`): each appeal has an author, a place on
//! the city's own streets, a text from the grammar, a fate with its party and perhaps a verdict of its author. Nothing here
//! decides anything: the messages go through the real intake, and whoever plays the script looks at what the system made of them.
//!
//! Pure: no disk, network or clock. The same city, seed, end and number of appeals give the same script, whatever the machine.

mod chance;
mod grammar;
mod meta;
mod places;
mod script;
mod story;
mod texts;
mod way;
mod whatsapp;

pub use grammar::GrammarError;
pub use script::{BESIDE, DAYS, Plan, PlanError, Script};
pub use story::{Fate, Kind, Later, Said, Story};
pub use way::{Arrived, Step, Way, post, states};

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
