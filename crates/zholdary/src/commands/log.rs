//! `zholdary log`: the log on NATS made by an operator, and keys for those who use it.

use std::{fs::OpenOptions, io::Write, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use serde_json::json;
use zholdary_log::jetstream::{Init, User, init};

use crate::{
    cli::{self, Engine, LogCommand, Place},
    config::Config,
    print, system,
};

pub(crate) async fn log(args: cli::Log) -> anyhow::Result<ExitCode> {
    match args.command {
        LogCommand::Init { place, replicas, max_bytes, json } => {
            make(&place, replicas, max_bytes, json).await
        }
        LogCommand::Key { file, json } => key(&file, json),
    }
}

async fn make(
    place: &Place,
    replicas: usize,
    max_bytes: Option<i64>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let config = Config::of(place)?;
    if config.engine == Engine::Sqlite {
        bail!("a log in a SQLite file makes itself; name the servers: --log nats://HOST:PORT");
    }
    let wanted = Init { replicas, max_bytes, keep_bodies: system::retention(&config.raw) };
    let (log_id, made) = init(&config.nats, &wanted).await.context("could not make the log")?;
    if json {
        print::json(&json!({ "stream": config.nats.stream, "log_id": log_id, "made": made }))?;
    } else {
        let what = if made { "made" } else { "was there already, and records are safe in it" };
        print::line(&format!("the log {log_id} in stream {} {what}", config.nats.stream))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn key(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let user = User::new().map_err(|error| anyhow::anyhow!("could not make a key: {error}"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let what = || {
        format!("could not make {}: name a file that is not there yet, in a folder that is", file.display())
    };
    let mut seed = options.open(file).with_context(what)?;
    writeln!(seed, "{}", user.reveal_seed()).and_then(|()| seed.sync_all()).with_context(what)?;
    if json {
        print::json(&json!({ "public": user.public, "file": file }))?;
    } else {
        print::line(&user.public)?;
    }
    Ok(ExitCode::SUCCESS)
}
