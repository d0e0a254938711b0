//! `zholdary`: the single window for a city's roads, in one binary.
//!
//! This crate reads the command line, files and the environment, wires the other crates together and prints. It decides
//! nothing.

mod cli;
mod commands;
mod config;
mod data;
mod print;
mod system;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::cli::{Cli, Command};

/// Most of what it does is many small pieces of text on several threads, on which the system's allocator spends twice the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long threads that block may take at the end of the process.
const LAST_STOP: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return print::failed(&anyhow::Error::new(error).context("could not start")),
    };
    print::logging(&cli.log_filter, cli.log_json);
    let code = match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => print::failed(&error),
    };
    // Whatever still blocks a thread after a soft stop does not hold up the end.
    runtime.shutdown_timeout(LAST_STOP);
    code
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Up(args) => commands::up::up(args).await,
        Command::Serve(args) => commands::up::serve(args).await,
        Command::Demo(args) => commands::demo::demo(args).await,
        Command::Ingest(args) => commands::ingest::ingest(args).await,
        Command::Learn(args) => commands::learn::run(args).await,
        Command::Triage(args) => commands::triage::triage(&args),
        Command::City(args) => commands::city::city(args).await,
        Command::Token(args) => commands::token::token(args).await,
        Command::Log(args) => commands::log::log(args).await,
        Command::Kept(args) => commands::kept::kept(args).await,
        Command::Rebuild(args) => commands::keep::rebuild(args).await,
        Command::Verify(args) => commands::keep::verify(args).await,
        Command::Doctor(args) => commands::doctor::doctor(args).await,
        Command::Channel(command) => commands::channel::channel(command).await,
        Command::Completions { shell } => print::line(&cli::completions(shell)).map(|()| ExitCode::SUCCESS),
    }
}
