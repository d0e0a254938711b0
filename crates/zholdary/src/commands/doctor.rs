//! `zholdary doctor`: how the installation is.

use std::{process::ExitCode, sync::Arc};

use zholdary_domain::{Clock, Position, SystemClock, inbound::Channel};
use zholdary_intake::RawFile;
use zholdary_log::{
    JetStreamLog, SqliteLog,
    jetstream::{Lease, SyncInterval, Watch},
};
use zholdary_readmodel::Query;
use zholdary_routing::WORKERS;

use super::findings::{Finding, report};
use crate::{
    cli::{Engine, Keep},
    config::Config,
    data::Data,
    system::{self, LEASE, Opened, WORKERS_LOCK},
};

/// So many records behind the log's end is worth a look.
const BEHIND: u64 = 1000;

pub(crate) async fn doctor(args: Keep) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    let data = system::existing(&args.place, &config)?;
    let mut found = Vec::new();
    let mut look = |what, is: String, remedy: Option<&'static str>| {
        found.push(Finding { what, is, remedy });
    };
    settings(&config, &mut look);
    look("data folder", data.path().display().to_string(), None);
    let place = match &config.engine {
        Engine::Sqlite => SqliteLog::file_in(data.path()).display().to_string(),
        Engine::Nats(servers) => format!("stream {} on {servers}", config.nats.stream),
    };
    look("log", place, None);
    let Opened { log, jetstream } = system::open(&data, &config, None).await?;
    let key = system::found_key(&data, log.as_ref()).await?;
    let takes_in = config.engine == Engine::Sqlite || RawFile::is_in(data.path());
    look(
        "key of ids",
        key.clone().unwrap_or_else(|| "none in this folder".to_owned()),
        (takes_in && key.is_none()).then_some("copy the installation's own id.key here"),
    );
    servers(&config, &mut look).await?;
    let info = log.info().await?;
    look("engine", format!("{} {}, format {}", info.engine, info.engine_version, info.format), None);
    look("log id", info.log_id.to_string(), None);
    let head = log.head().await?;
    look("head", head.to_string(), None);
    let (free, who) = match &jetstream {
        Some(log) => {
            let holder = Lease::holder(log, LEASE).await?;
            (holder.is_none(), holder.map_or_else(String::new, |holder| format!(": process {holder}")))
        }
        None => (data.lock(WORKERS_LOCK)?.is_some(), String::new()),
    };
    look(
        "workers",
        if free { "nobody runs them".to_owned() } else { format!("a process runs them{who}") },
        free.then_some("start `zholdary up` or `serve routing`, or nothing is registered and routed"),
    );
    finished(&data, jetstream.as_ref(), head, &mut look).await?;
    if config.engine == Engine::Sqlite || data.has_views() {
        views(&data, &config, head, &mut look).await?;
    } else {
        look("views", "none in this folder: the role `views` makes them".to_owned(), None);
    }
    let on_servers = system::is_raw_on_servers(&config);
    if on_servers && RawFile::is_in(data.path()) {
        look(
            "raw.db",
            "left from before bodies were kept on the servers".to_owned(),
            Some(
                "`zholdary kept list` with raw.keep_in = \"folder\" shows what waits in it; settle that, then delete the file",
            ),
        );
    }
    // On NATS a machine without the key of ids takes nothing in, and its user may not ask.
    let may_ask = if on_servers { data.has_id_key() } else { RawFile::is_in(data.path()) };
    if may_ask {
        let waiting = system::raw(&data, &config, jetstream.as_deref()).await?.waiting().await?;
        look(
            "kept for a person",
            waiting.to_string(),
            (waiting > 0)
                .then_some("`zholdary kept list` shows what nobody could read, and what to do about it"),
        );
    }
    let hooks = &config.http.hooks;
    for (what, is_set) in [
        ("WhatsApp hook", hooks.whatsapp.is_some()),
        ("Instagram hook", hooks.instagram.is_some()),
        ("Facebook hook", hooks.facebook.is_some()),
        ("Telegram hook", hooks.telegram.is_some()),
    ] {
        let is = if is_set { "configured" } else { "not configured" };
        look(what, is.to_owned(), None);
    }
    let mail = &config.senders.email;
    let ways: Vec<&str> = [("IMAP", mail.imap.is_some()), ("LMTP", mail.lmtp.is_some())]
        .into_iter()
        .filter_map(|(way, is_set)| is_set.then_some(way))
        .collect();
    let is = if ways.is_empty() { "not configured".to_owned() } else { format!("by {}", ways.join(" and ")) };
    look("E-mail coming in", is, None);
    sending(&config, &mut look);
    report(&found, args.json)
}

/// What the settings say, without secrets: of these only whether they were found.
fn settings(config: &Config, look: &mut impl FnMut(&'static str, String, Option<&'static str>)) {
    let said = &config.said;
    let Some(file) = &said.file else {
        look("settings", "no file: every one has its default".to_owned(), None);
        return;
    };
    look("settings", format!("{}; what it does not set has its default", file.display()), None);
    for (key, value) in &said.keys {
        look("setting", format!("{key} = {value}"), None);
    }
    let wait = config.log.busy_ms.max(config.raw.busy_ms.into());
    if config.http.request_timeout_ms <= wait {
        look(
            "request timeout",
            format!(
                "{} ms, and a request may wait {wait} ms for log.busy_ms or raw.busy_ms",
                config.http.request_timeout_ms
            ),
            Some("keep it above both, else nobody hears that the log is out of reach"),
        );
    }
}

/// By which channels residents hear of their appeals: whether a token was found, never the token.
fn sending(config: &Config, look: &mut impl FnMut(&'static str, String, Option<&'static str>)) {
    for (what, channel) in [
        ("WhatsApp sending", Channel::Whatsapp),
        ("Instagram sending", Channel::Instagram),
        ("Facebook sending", Channel::Facebook),
        ("Telegram sending", Channel::Telegram),
    ] {
        let is = if config.senders.has(channel) { "has a token" } else { "no token: nothing is sent there" };
        look(what, is.to_owned(), None);
    }
    let is = if config.senders.has(Channel::Email) {
        "has a mail server: `zholdary channel check email` asks it"
    } else {
        "no mail server: nothing is sent there"
    };
    look("E-mail sending", is.to_owned(), None);
}

/// How the servers keep what they acknowledge.
async fn servers(
    config: &Config,
    look: &mut impl FnMut(&'static str, String, Option<&'static str>),
) -> anyhow::Result<()> {
    if config.engine == Engine::Sqlite {
        return Ok(());
    }
    let Some(watch) = Watch::connect(&config.nats, &zholdary_log::Metrics::unregistered()).await? else {
        look("servers", "not asked: `nats.watch_nkey_file` names a user who may".to_owned(), None);
        return Ok(());
    };
    let servers = watch.servers().await?;
    let remedy = if servers.is_empty() {
        Some("none answered: give that user the permissions of `deploy/nats/roles.conf`")
    } else {
        servers
            .iter()
            .any(|server| server.sync != SyncInterval::Always)
            .then_some("loss of power loses what such a server acknowledged since: `sync_interval: always`")
    };
    let told: Vec<_> = servers.iter().map(ToString::to_string).collect();
    look("servers", told.join(", "), remedy);
    Ok(())
}

/// How far the workers say they are.
async fn finished(
    data: &Data,
    jetstream: Option<&Arc<JetStreamLog>>,
    head: Position,
    look: &mut impl FnMut(&'static str, String, Option<&'static str>),
) -> anyhow::Result<()> {
    let checkpoints = system::checkpoints(data, jetstream)?;
    let (mut said, mut least) = (Vec::new(), head);
    // `send` keeps nothing: what it knows is in the log.
    for worker in WORKERS.into_iter().chain([zholdary_delivery::tell::WORKER]) {
        let kept = checkpoints.read(worker).await?;
        let finished = kept.as_ref().map_or(Position::START, |kept| kept.finished);
        let but = kept.as_ref().map_or(0, |kept| kept.but.len());
        let parked = if but > 0 { format!(" but {but} parked") } else { String::new() };
        said.push(format!("{worker} {finished}{parked}"));
        // Where nothing is sent nobody tells.
        if kept.is_some() || WORKERS.contains(&worker) {
            least = least.min(finished);
        }
    }
    look(
        "finished",
        said.join(", "),
        (head.0.saturating_sub(least.0) > BEHIND)
            .then_some("wait, or look at the log lines of the process that runs the workers"),
    );
    Ok(())
}

/// The views of the folder: how far they are, and what they left out.
async fn views(
    data: &Data,
    config: &Config,
    head: Position,
    look: &mut impl FnMut(&'static str, String, Option<&'static str>),
) -> anyhow::Result<()> {
    let query = Query::open(data.path(), &config.query)?;
    match query.lag(SystemClock.now(), Some(head)).await {
        Ok(lag) => {
            let records = head.0.saturating_sub(lag.position.0);
            look(
                "views",
                format!("at {}, {records} records behind", lag.position),
                (records > BEHIND)
                    .then_some("wait, or look at the log lines of the process that writes them"),
            );
            let parked = lag.body.parked;
            look(
                "parked records",
                parked.to_string(),
                (parked > 0).then_some("the views leave them out; `zholdary rebuild` tries them again"),
            );
            let rules = query.city().await?;
            look(
                "rule set",
                rules.as_ref().map_or_else(|| "none".to_owned(), |r| r.city.version.to_string()),
                rules.is_none().then_some("publish one: `zholdary city publish DIR`"),
            );
        }
        Err(error) => look(
            "views",
            error.to_string(),
            Some("a running `zholdary up` or `serve views` makes them, or `zholdary rebuild`"),
        ),
    }
    Ok(())
}
