//! The public pages in a real browser, over a played city: `just browser`. What it needs and does not find it names, and fails.

mod chrome;
#[path = "../system/harness.rs"]
#[expect(dead_code, reason = "the whole-system tests use the rest")]
mod harness;
mod keyboard;
mod look;
mod site;
