//! The whole system: the real binary over real files, spoken to over HTTP, and killed for real.

mod api;
mod cli;
mod crash;
mod harness;
mod hook;
mod nats;
mod people;
mod processes;
mod roles;
mod samples;
