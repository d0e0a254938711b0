//! One appeal: the facts of its stream, where it stands, what may happen next.
//!
//! - [`event`]: the facts, past tense, never edited.
//! - [`state`]: `evolve`, and the public state as a pure function of the facts.
//! - [`decide`](mod@decide): the wishes, the one table of what is allowed, and the choice of facts.

pub mod decide;
pub mod event;
pub mod state;

pub use decide::{Alarm, Command, CommandName, Refusal, decide};
pub use event::{
    Actor, Answer, Because, Clock, Deadline, Due, Event, Finding, FindingId, Permille, PlaceQuestion,
    Registered, Route, TermCause, TextLang, Understanding,
};
pub use state::{Appeal, DESK, FindingState, PublicState, Stage, StateName};
