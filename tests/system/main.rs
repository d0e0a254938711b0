//! The whole system: the real binary over real files, spoken to over HTTP, and killed for real.

mod api;
mod channels;
#[cfg(feature = "chaos")]
mod chaos;
mod checks;
mod cli;
mod crash;
mod delivery;
#[cfg(feature = "mail")]
mod dovecot;
mod faults;
mod harness;
mod hook;
mod learn;
mod letters;
mod life;
mod media;
mod meeting;
mod nats;
mod nodes;
mod people;
mod processes;
#[cfg(feature = "chaos")]
mod proxy;
mod roles;
mod samples;
mod transports;
