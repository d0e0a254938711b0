//! The workers over a real log: what they decide, and what they leave whole when they die.

mod danger;
mod deadlines;
mod flood;
mod ours;
mod register;
mod rig;
mod route;
mod samples;
mod standby;
mod trouble;
