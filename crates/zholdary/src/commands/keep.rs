//! `zholdary rebuild` and `zholdary verify`.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use serde_json::json;

use crate::{cli::Keep, config::Config, print, system};

pub(crate) async fn rebuild(args: Keep) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    let data = system::existing(&args.place, &config)?;
    let log = system::open(&data, &config, None).await?.log;
    system::found_key(&data, log.as_ref()).await?;
    let head = log.head().await?;
    let bar = print::bar("records", head.0);
    let rebuilt = zholdary_readmodel::rebuild(data.path(), Arc::clone(&log), config.views, |at, _| {
        bar.set_position(at.0);
    })
    .await
    .context("the views were not rebuilt; the old ones are in use")?;
    bar.finish_and_clear();
    if args.json {
        print::json(&json!({
            "position": rebuilt.position, "file": rebuilt.file,
            "parked": rebuilt.parked, "differs": rebuilt.differs,
        }))?;
    } else {
        print::line(&format!("the views were built anew up to record {}", rebuilt.position))?;
        match rebuilt.differs.as_deref() {
            Some([]) => print::line("they are the same as before")?,
            Some(tables) => print::line(&format!("they differ from before in {}", tables.join(", ")))?,
            None => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn verify(args: Keep) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    let data = system::existing(&args.place, &config)?;
    let log = system::open(&data, &config, None).await?.log;
    let head = log.head().await?;
    let bar = print::bar("records", head.0);
    let verified = log
        .verify(&|at: zholdary_domain::Position, _: zholdary_domain::Position| bar.set_position(at.0))
        .await;
    bar.finish_and_clear();
    let verified = match verified {
        Ok(verified) => verified,
        Err(damage) => {
            if args.json {
                print::json(&json!({ "sound": false, "damage": damage.to_string() }))?;
            }
            return Err(anyhow::Error::new(damage).context("the log is damaged"));
        }
    };
    let chain = verified.chain.map(|chain| chain.to_string());
    if args.json {
        print::json(&json!({
            "sound": true, "head": verified.head, "streams": verified.streams, "chain": chain,
        }))?;
    } else {
        // On NATS each stream is a chain, and there is none over all of them yet.
        let chain = chain.map_or_else(String::new, |c| format!("; write the chain down elsewhere: {c}"));
        print::line(&format!("{} records in {} streams are sound{chain}", verified.head, verified.streams))?;
    }
    Ok(ExitCode::SUCCESS)
}
