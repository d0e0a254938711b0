//! The kinds of streams, for [`crate::Decider`]: which events a kind has, and what they add up to.

use chrono::{DateTime, Utc};
use zholdary_domain::{access, appeal, message, number, rules};

use crate::decider::Aggregate;

/// `message.<id>`: one message.
#[derive(Debug, Clone, Copy)]
pub struct Messages;

impl Aggregate for Messages {
    type State = message::Message;
    type Event = message::Event;
    const SCHEMA: u16 = 1;

    fn evolve(state: &mut Self::State, event: &Self::Event, _: DateTime<Utc>) {
        state.evolve(event);
    }
}

/// `appeal.<id>`: one appeal.
#[derive(Debug, Clone, Copy)]
pub struct Appeals;

impl Aggregate for Appeals {
    type State = appeal::Appeal;
    type Event = appeal::Event;
    const SCHEMA: u16 = 1;

    fn evolve(state: &mut Self::State, event: &Self::Event, _: DateTime<Utc>) {
        state.evolve(event);
    }
}

/// `number.<year>`: the numbers of one year.
#[derive(Debug, Clone, Copy)]
pub struct Numbers;

impl Aggregate for Numbers {
    type State = number::Year;
    type Event = number::Event;
    const SCHEMA: u16 = 1;

    fn evolve(state: &mut Self::State, event: &Self::Event, _: DateTime<Utc>) {
        state.evolve(event);
    }
}

/// `rules.<city>`: the rule sets of one city. The state is the event that is in force.
#[derive(Debug, Clone, Copy)]
pub struct Rules;

impl Aggregate for Rules {
    type State = Option<rules::Event>;
    type Event = rules::Event;
    const SCHEMA: u16 = 1;

    fn evolve(state: &mut Self::State, event: &Self::Event, _: DateTime<Utc>) {
        *state = Some(event.clone());
    }
}

/// `access.<token>`: one access token. The state is the events so far: a token has two at most.
#[derive(Debug, Clone, Copy)]
pub struct Access;

impl Aggregate for Access {
    type State = Vec<access::Event>;
    type Event = access::Event;
    const SCHEMA: u16 = 1;

    fn evolve(state: &mut Self::State, event: &Self::Event, _: DateTime<Utc>) {
        state.push(event.clone());
    }
}
