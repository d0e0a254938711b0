//! `zholdary kept`: what a channel delivered and nobody could read, for a person.

use std::{io::Write, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use serde_json::json;
use zholdary_domain::{Clock, Inbound, SystemClock};
use zholdary_intake::{Kept, RawFile, RawStore};

use crate::{
    cli::{self, KeptCommand, Place},
    config::Config,
    data::Data,
    print,
    system::{self, Opened, System},
};

/// Elements that are listed or tried at once.
const PAGE: u32 = 1_000;

pub(crate) async fn kept(args: cli::Kept) -> anyhow::Result<ExitCode> {
    match args.command {
        KeptCommand::List { place, json } => list(&place, json).await,
        KeptCommand::Show { id, place } => show(id, &place).await,
        KeptCommand::Retry { id, all: _, place, json } => retry(id, &place, json).await,
        KeptCommand::Settle { id, reason, place } => settle(id, reason, &place).await,
    }
}

async fn store(place: &Place) -> anyhow::Result<Arc<dyn RawStore>> {
    let (data, config) = (Data::existing(&place.data)?, Config::of(place)?);
    if system::is_raw_on_servers(&config) {
        let Opened { jetstream, .. } = system::open(&data, &config, None).await?;
        return system::raw(&data, &config, jetstream.as_deref()).await;
    }
    if !RawFile::is_in(data.path()) {
        bail!(
            "nothing was ever taken in in {}: name the folder of an installation, or of its `intake`, with --data DIR",
            place.data.display()
        );
    }
    system::raw(&data, &config, None).await
}

/// Everything that waits, the oldest first.
async fn waiting(store: &dyn RawStore) -> anyhow::Result<Vec<Kept>> {
    let mut all: Vec<Kept> = Vec::new();
    loop {
        let page = store.kept(all.last().map_or(0, |kept| kept.id), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let waiting = waiting(store(place).await?.as_ref()).await?;
    for Kept { id, raw, channel, element, why, at } in &waiting {
        let channel = channel.code();
        if as_json {
            print::json(&json!({
                "id": id, "channel": channel, "at": at, "why": why, "element": element, "body": raw,
            }))?;
        } else {
            print::line(&format!("{id}  {}  {channel}  {why}", at.format("%Y-%m-%d %H:%M UTC")))?;
        }
    }
    if waiting.is_empty() && !as_json {
        print::line(&format!("nothing waits for a person in {}", place.data.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(store: &dyn RawStore, id: i64) -> anyhow::Result<Kept> {
    let found = store.kept(id.saturating_sub(1), 1).await?.into_iter().find(|kept| kept.id == id);
    found.with_context(|| format!("nothing waits under {id}: `zholdary kept list` shows what does"))
}

async fn show(id: i64, place: &Place) -> anyhow::Result<ExitCode> {
    let store = store(place).await?;
    let kept = one(store.as_ref(), id).await?;
    let body = store.get(&kept.raw).await?.context("its body is gone")?;
    print::note(&format!("element {} of a body of {} bytes: {}", kept.element, body.len(), kept.why));
    std::io::stdout().write_all(&body).context("could not write the body")?;
    Ok(ExitCode::SUCCESS)
}

/// Reads bodies again, as this release and these settings do. What reads now takes the way of every delivery.
async fn retry(id: Option<i64>, place: &Place, as_json: bool) -> anyhow::Result<ExitCode> {
    let data = Data::existing(&place.data)?;
    let system = System::open(data, Config::of(place)?, Arc::new(SystemClock)).await?;
    let intake = system.intake().await?;
    let store = intake.raw();
    let wanted = match id {
        Some(id) => vec![one(store, id).await?],
        None => waiting(store).await?,
    };
    let (mut read, mut wait) = (0_usize, 0_usize);
    for kept in wanted {
        let Some(body) = store.get(&kept.raw).await? else {
            print::note(&format!("the body of {} is gone", kept.id));
            wait += 1;
            continue;
        };
        // Ways in that nobody delivers by refuse at once what does not read: nothing is read again there.
        let elements = system.config.http.ours.parse(kept.channel, &body).unwrap_or_default().elements;
        // What would lead to nothing now (the accounts were set otherwise) is for a person to give up, not for us.
        let reads = |e: &Inbound| !matches!(e, Inbound::Kept { .. } | Inbound::Nothing { .. });
        let reads = elements.get(kept.element as usize).is_some_and(reads);
        if !reads {
            wait += 1;
            continue;
        }
        let place = kept.element;
        let taken = intake.take(kept.channel, body, elements).await.context("could not be taken in")?;
        if taken.parked.contains(&place) {
            wait += 1;
            continue;
        }
        store.settle(kept.id, format!("read by {}", env!("CARGO_PKG_VERSION")), SystemClock.now()).await?;
        read += 1;
    }
    if as_json {
        print::json(&json!({ "read": read, "waiting": wait }))?;
    } else {
        print::line(&format!("{read} read now, {wait} wait for a person still"))?;
    }
    Ok(if wait == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn settle(id: i64, reason: String, place: &Place) -> anyhow::Result<ExitCode> {
    if reason.trim().is_empty() {
        bail!("say what became of it: --reason TEXT");
    }
    let store = store(place).await?;
    if !store.settle(id, reason, SystemClock.now()).await? {
        bail!("nothing waits under {id}: `zholdary kept list` shows what does");
    }
    print::line(&format!("{id} is settled; its body is erased with the others of its age"))?;
    Ok(ExitCode::SUCCESS)
}
