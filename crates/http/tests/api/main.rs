//! The HTTP side against a real log, real workers and real views in a folder of its own.

mod changes;
mod commands;
mod figures;
mod filing;
mod hooks;
mod meetings;
mod pages;
mod permission;
mod photos;
mod problems;
mod reading;
mod serve;
mod tasks;
mod town;
