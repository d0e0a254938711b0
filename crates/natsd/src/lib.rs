//! A private nats-server: found or fetched, started on ports of its own, ended with whoever started it.

mod find;
mod server;

pub use find::{FindError, LEAST, find, find_in};
pub use server::{Cluster, Options, Server, StartError};
