//! The one place that prints: results to standard output, everything else to standard error.

use std::{
    io::{ErrorKind, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

/// Sends log lines to standard error, as `filter` says.
pub(crate) fn logging(filter: &str, json: bool) {
    let mut filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    // What these say at their lowest levels are the bytes on the wire: passwords, and what residents write.
    for silent in ["async_imap=off", "imap_proto=off", "lettre=off"] {
        if let Ok(directive) = silent.parse() {
            filter = filter.add_directive(directive);
        }
    }
    let colours = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let set = if json { lines.json().try_init() } else { lines.with_target(true).try_init() };
    if let Err(error) = set {
        note(&format!("log lines are not shown: {error}"));
    }
}

/// A line of the result.
///
/// # Errors
///
/// Standard output does not take it: a full disk must not look like success.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        // A closed pipe (`| head`) ends the command quietly: there is nobody left to tell.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.context("could not write the result to standard output"),
    }
}

/// A line of the result as JSON.
///
/// # Errors
///
/// As for a line of text.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// A line for the person at the terminal.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Tells why the command failed, with every cause.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    note(&format!("zholdary: {error}"));
    for cause in error.chain().skip(1) {
        note(&format!("  because {cause}"));
    }
    ExitCode::FAILURE
}

/// A bar for long work, on a terminal only.
pub(crate) fn bar(what: &'static str, of: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(of).with_style(style).with_message(what)
}
