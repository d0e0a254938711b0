//! One module a command.

pub(crate) mod channel;
pub(crate) mod city;
pub(crate) mod demo;
pub(crate) mod doctor;
mod findings;
pub(crate) mod ingest;
pub(crate) mod keep;
pub(crate) mod kept;
pub(crate) mod learn;
pub(crate) mod log;
pub(crate) mod token;
pub(crate) mod triage;
pub(crate) mod up;
