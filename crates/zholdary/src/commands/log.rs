//! `zholdary log init`: the log on NATS, made by an operator.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;
use zholdary_log::jetstream::{Init, init};

use crate::{
    cli::{self, Engine, LogCommand},
    config::Config,
    print,
};

pub(crate) async fn log(args: cli::Log) -> anyhow::Result<ExitCode> {
    let LogCommand::Init { place, replicas, max_bytes, json } = args.command;
    let config = Config::of(&place)?;
    if config.engine == Engine::Sqlite {
        bail!("a log in a SQLite file makes itself; name the servers: --log nats://HOST:PORT");
    }
    let (log_id, made) =
        init(&config.nats, &Init { replicas, max_bytes }).await.context("could not make the log")?;
    if json {
        print::json(&json!({ "stream": config.nats.stream, "log_id": log_id, "made": made }))?;
    } else {
        let what = if made { "made" } else { "was there already, and records are safe in it" };
        print::line(&format!("the log {log_id} in stream {} {what}", config.nats.stream));
    }
    Ok(ExitCode::SUCCESS)
}
