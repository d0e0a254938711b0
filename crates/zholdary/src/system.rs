//! The parts of one process, wired.

use std::{collections::BTreeSet, fs::File, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use include_dir::{Dir, include_dir};
use prometheus::{IntGauge, Registry};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use zholdary_city::{City, Files};
use zholdary_delivery::{Carriers, Letters, Settings};
use zholdary_domain::{Clock, IdKey, Position, StreamKind, SystemClock, inbound::Channel};
use zholdary_fetch::{Fetcher, Sources};
use zholdary_intake::{
    FileStore, Intake, KeepIn, Letters as Post, Polling, RawConfig, RawFile, RawServers, RawStore, Reading,
    Rounds,
};
use zholdary_log::{
    Checkpoint, Checkpoints, Decider, EventLog, JetStreamLog, Marks, Prev, Recorded, SqliteCheckpoints,
    SqliteLog, jetstream::Lease, streams::Rules,
};
use zholdary_mail::Lmtp;
use zholdary_platforms::{Bot, Graph, Http};
use zholdary_readmodel::{Projector, Query};
use zholdary_routing::{Rulesets, Turn, Workers};

use crate::{
    cli::{Engine, Place},
    config::Config,
    data::Data,
};

/// The city that ships with the binary.
static ALMATY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../deploy/cities/almaty");

/// Files of a city: a folder's, or the shipped city's.
pub(crate) fn city_files(folder: Option<&Path>) -> anyhow::Result<Files> {
    let Some(folder) = folder else {
        let entries =
            ALMATY.files().filter_map(|f| Some((f.path().to_str()?.to_owned(), f.contents().to_vec())));
        return Files::from_entries(entries).context("the city in the binary");
    };
    let what = || format!("could not read the city's folder {}", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(what)? {
        let entry = entry.with_context(what)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().with_context(what)?.is_file() && Files::is_data(&name) {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("could not read {name}"))?;
            entries.push((name, bytes));
        }
    }
    Files::from_entries(entries).with_context(|| format!("the city's folder {}", folder.display()))
}

/// A city, read and found whole.
pub(crate) fn city(files: &Files) -> anyhow::Result<City> {
    City::parse(files).context("the city has faults: `zholdary city check DIR` lists them")
}

/// What every process has.
pub(crate) struct System {
    pub(crate) data: Data,
    pub(crate) config: Config,
    pub(crate) log: Arc<dyn EventLog>,
    /// The log again, when it is on NATS: there a lease says who runs the workers.
    jetstream: Option<Arc<JetStreamLog>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) registry: Registry,
    metrics: Metrics,
    /// Pretended platforms: those of a demo.
    pretended: Option<Carriers>,
}

struct Metrics {
    workers: zholdary_routing::Metrics,
    views: zholdary_readmodel::Metrics,
    delivery: zholdary_delivery::Metrics,
    media: zholdary_fetch::Metrics,
    /// 1 while this process runs the workers.
    held: IntGauge,
}

impl System {
    /// Opens the log of `data` and `config`, by `clock`.
    pub(crate) async fn open(data: Data, config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let Opened { log, jetstream } = open(&data, &config, Some(&registry)).await?;
        let metrics = Metrics {
            workers: zholdary_routing::Metrics::new(&registry)?,
            views: zholdary_readmodel::Metrics::new(&registry)?,
            delivery: zholdary_delivery::Metrics::new(&registry)?,
            media: zholdary_fetch::Metrics::new(&registry)?,
            held: IntGauge::new("zholdary_routing_lease_held", "1 while this process runs the workers.")?,
        };
        registry.register(Box::new(metrics.held.clone()))?;
        Ok(Self { data, config, log, jetstream, clock, registry, metrics, pretended: None })
    }

    /// Sends by nothing but `carriers`, those of pretended platforms.
    pub(crate) fn pretending(self, carriers: Carriers) -> Self {
        Self { pretended: Some(carriers), ..self }
    }

    /// What takes messages in. Needs the key of ids that the log was begun with.
    pub(crate) async fn intake(&self) -> anyhow::Result<Intake> {
        let key = bound_key(&self.data, self.log.as_ref()).await?;
        let raw = raw(&self.data, &self.config, self.jetstream.as_deref()).await?;
        Ok(Intake::new(
            Arc::clone(&self.log),
            key,
            raw,
            Arc::clone(&self.clock),
            self.config.intake.clone(),
            zholdary_intake::Metrics::new(&self.registry)?,
        ))
    }

    /// Where the photos are that people add: beside the log, on NATS as safe as it.
    pub(crate) async fn files(&self) -> anyhow::Result<FileStore> {
        let data = self.data.path().to_owned();
        let opened = match &self.jetstream {
            Some(log) => {
                let servers = log.files().await.context(
                    "could not open the files on the servers: a log that an earlier release began needs `zholdary log init` once more",
                )?;
                tokio::task::spawn_blocking(move || FileStore::on_servers(&data, servers)).await?
            }
            None => tokio::task::spawn_blocking(move || FileStore::in_folder(&data)).await?,
        };
        opened.context("could not open the files that people add")
    }

    /// What reads the views of the data folder.
    pub(crate) fn query(&self) -> anyhow::Result<Query> {
        Query::open(self.data.path(), &self.config.query).context("could not open the views")
    }

    /// Publishes a folder's city, or the shipped one, when none is published yet.
    pub(crate) async fn publish_first(&self, folder: Option<&Path>) -> anyhow::Result<()> {
        self.publish_files_first(|| city_files(folder)).await
    }

    /// Publishes a city when none is published yet.
    pub(crate) async fn publish_files_first(
        &self,
        files: impl FnOnce() -> anyhow::Result<Files>,
    ) -> anyhow::Result<()> {
        let mut after = Position::START;
        loop {
            let page = self.log.read(after, 512).await?;
            let Some(last) = page.last() else { break };
            if page.iter().any(|r| r.stream.kind() == StreamKind::Rules) {
                return Ok(());
            }
            after = last.position;
        }
        let files = files()?;
        let city = city(&files)?;
        let rules: Decider<Rules> = Decider::new(Arc::clone(&self.log), Arc::clone(&self.clock));
        zholdary_routing::publish(&rules, &city, &files, "up").await?;
        info!(city = %city.meta.city, version = %city.version, "published the city {}", city.meta.city);
        Ok(())
    }

    /// Takes over the workers when nobody runs them: for a process that feeds the log and ends.
    pub(crate) async fn take_over(&self, stop: &CancellationToken) -> anyhow::Result<Option<Held>> {
        let Some(seat) = self.seat().await? else { return Ok(None) };
        let stop = stop.child_token();
        tokio::spawn({
            let (lost, stop) = (seat.lost(), stop.clone());
            async move {
                if stop.run_until_cancelled(lost.cancelled()).await.is_some() {
                    stop.cancel();
                }
            }
        });
        let workers = Workers::start(&self.workers(Turn::ours())?, &stop);
        info!("this process runs the workers");
        let mark = Mark::on(&self.metrics.held);
        Ok(Some(Held { workers, stop, seat, _mark: mark }))
    }

    fn workers(&self, turn: Turn) -> anyhow::Result<zholdary_routing::Parts> {
        Ok(zholdary_routing::Parts {
            log: Arc::clone(&self.log),
            checkpoints: checkpoints(&self.data, self.jetstream.as_ref())?,
            clock: Arc::clone(&self.clock),
            rulesets: Rulesets::default(),
            turn,
            config: self.config.workers.clone(),
            metrics: self.metrics.workers.clone(),
        })
    }

    /// The seat of whoever may append, when it is free.
    async fn seat(&self) -> anyhow::Result<Option<Seat>> {
        self.seat_of(WORKERS_LOCK, LEASE).await
    }

    async fn seat_of(&self, lock: &str, lease: &str) -> anyhow::Result<Option<Seat>> {
        let Some(log) = &self.jetstream else {
            return Ok(self.data.lock(lock)?.map(Seat::File));
        };
        let me = format!("{} on {}", std::process::id(), self.data.path().display());
        match Lease::take(log, lease, &me).await {
            Ok(lease) => Ok(lease.map(|lease| Seat::Lease(Box::new(lease)))),
            // Asked again in a second.
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "NATS does not say who runs the workers");
                Ok(None)
            }
        }
    }

    /// Writes the views of the data folder whenever no other process does, until `stop`. Without them nothing is seen: a failure
    /// cancels `stop`.
    pub(crate) async fn hold_views(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let _dying = stop.clone().drop_guard();
        loop {
            if let Some(_lock) = self.data.lock(VIEWS_LOCK)? {
                let projector = Projector::new(
                    self.data.path(),
                    Arc::clone(&self.log),
                    Arc::new(SystemClock),
                    self.config.views.clone(),
                    self.metrics.views.clone(),
                );
                let ended = projector.run(stop.clone()).await;
                if let Err(error) = &ended {
                    error!(error = error as &dyn std::error::Error, "the views' writer ended");
                }
                return ended.context("the views' writer ended");
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Measures each second how far the views are behind, whoever writes them: a writer that died shows as well.
    pub(crate) async fn observe_views(&self, query: &Query, stop: &CancellationToken) {
        let mut look = tokio::time::interval(Duration::from_secs(1));
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let head = self.log.head().await.ok();
            let lag = query.lag(SystemClock.now(), head).await;
            self.metrics.views.observe(lag.as_ref().ok().map(|lag| &lag.body));
        }
    }

    /// Asks Telegram for updates until `stop`, whenever no other process does: unless it posts them to our hook.
    pub(crate) async fn hold_polling(&self, intake: Intake, stop: &CancellationToken) -> anyhow::Result<()> {
        let sender = self.config.senders.telegram.as_ref();
        let Some((api, token)) = sender.filter(|_| self.config.http.hooks.telegram.is_none()) else {
            stop.cancelled().await;
            return Ok(());
        };
        let http = Http::new(&self.config.platforms).context("cannot speak to platforms")?;
        let start = |ending| {
            let bot = Bot::new(http.clone(), api.clone(), token.clone());
            let polling = Polling::new(bot, self.config.http.ours.clone(), intake.clone());
            info!("this process asks Telegram for updates");
            tokio::spawn(polling.run(ending))
        };
        self.while_held(POLLING_LOCK, POLLING_LEASE, stop, start).await.context("what asks Telegram")
    }

    /// Runs what `start` starts whenever a place is ours, until `stop`; it ends with its token.
    async fn while_held(
        &self,
        lock: &str,
        lease: &str,
        stop: &CancellationToken,
        start: impl Fn(CancellationToken) -> JoinHandle<()>,
    ) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            if let Some(seat) = self.seat_of(lock, lease).await? {
                let (lost, ending) = (seat.lost(), stop.child_token());
                let running = start(ending.clone());
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = lost.cancelled() => {}
                }
                ending.cancel();
                running.await.context("it panicked")?;
                seat.give_back().await;
            } else {
                let _ = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            }
        }
        Ok(())
    }

    /// Gives `turn` to what reads along always, whenever a place is ours, until `stop`. The seat that was held last is given back by
    /// whoever has finished what was in hand.
    async fn take_turns(
        &self,
        lock: &str,
        lease: &str,
        does: &str,
        turn: &Turn,
        stop: &CancellationToken,
    ) -> anyhow::Result<Option<Seat>> {
        let mut last = None;
        while !stop.is_cancelled() {
            if let Some(seat) = self.seat_of(lock, lease).await? {
                info!("this process {does}");
                turn.begin();
                let lost = seat.lost();
                tokio::select! {
                    () = stop.cancelled() => last = Some(seat),
                    () = lost.cancelled() => turn.end(),
                }
            } else {
                let _ = stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
            }
        }
        Ok(last)
    }

    /// Reads the mailbox until `stop`, whenever no other process does.
    pub(crate) async fn hold_mailbox(&self, intake: Intake, stop: &CancellationToken) -> anyhow::Result<()> {
        let rounds = Rounds::new(&self.registry)?;
        let Some(mailbox) = &self.config.senders.email.imap else {
            stop.cancelled().await;
            return Ok(());
        };
        let letters = Post::new(self.config.http.ours.clone(), intake);
        let marks = marks(&self.data, self.jetstream.as_ref())?;
        let start = |ending| {
            let (mailbox, letters) = (mailbox.clone(), letters.clone());
            let most = self.config.email.letter_bytes;
            let reading = Reading::new(mailbox, letters, Arc::clone(&marks), most, rounds.clone());
            info!("this process reads the mailbox");
            tokio::spawn(reading.run(ending))
        };
        self.while_held(MAILBOX_LOCK, MAILBOX_LEASE, stop, start).await.context("what reads the mailbox")
    }

    /// Where mail servers bring letters by LMTP, when the settings name it: bound before anything is promised.
    pub(crate) async fn listen_for_letters(&self) -> anyhow::Result<Option<Arriving>> {
        let Some((address, lmtp)) = self.config.senders.email.lmtp.clone() else { return Ok(None) };
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("could not listen for mail servers on {address}: choose another email.lmtp_listen")
        })?;
        Ok(Some(Arriving { listener, lmtp }))
    }

    /// Takes the letters that mail servers bring, until `stop`.
    pub(crate) async fn take_letters(&self, arriving: Arriving, intake: Intake, stop: CancellationToken) {
        let letters = Post::new(self.config.http.ours.clone(), intake);
        arriving.lmtp.serve(arriving.listener, Arc::new(letters), stop).await;
    }

    /// From whom files and words are had: what was uploaded and came with letters always, what platforms have where they know us.
    fn sources(&self, intake: Intake) -> anyhow::Result<Sources> {
        let mut sources = Sources { letters: Some(intake), ..Sources::default() };
        let (senders, hooks) = (&self.config.senders, &self.config.http.hooks);
        for (channel, is_open) in
            [(Channel::Instagram, hooks.instagram.is_some()), (Channel::Facebook, hooks.facebook.is_some())]
        {
            if is_open || senders.has(channel) {
                sources.addressed.insert(channel);
            }
        }
        if senders.graph.is_empty() && senders.telegram.is_none() && sources.addressed.is_empty() {
            return Ok(sources);
        }
        let http = Http::new(&self.config.platforms).context("cannot speak to platforms")?;
        for (channel, api, version, token) in &senders.graph {
            let graph = Graph::new(http.clone(), api.clone(), token.clone()).with_version(version);
            sources.graphs.insert(*channel, graph);
        }
        sources.bot =
            senders.telegram.as_ref().map(|(api, token)| Bot::new(http.clone(), api.clone(), token.clone()));
        sources.http = Some(http);
        Ok(sources)
    }

    /// Brings in the files and words that messages only name, until `stop`, whenever no other process does.
    pub(crate) async fn hold_fetching(
        &self,
        intake: Intake,
        files: FileStore,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let turn = Turn::waiting();
        let parts = self.workers(turn.clone())?;
        let sources = self.sources(intake)?;
        let fetcher = Fetcher::new(&parts, &self.config.media, sources, files, self.metrics.media.clone());
        let working = tokio::spawn(fetcher.run(stop.clone()));
        let does = "fetches the files of messages";
        let last = self.take_turns(FETCHING_LOCK, FETCHING_LEASE, does, &turn, stop).await?;
        let ended = working.await.context("what fetches files panicked")?.context("fetching files ended");
        if let Some(seat) = last {
            seat.give_back().await;
        }
        ended
    }

    /// By what we send: nothing while no platform has a token.
    async fn carriers(&self) -> anyhow::Result<(Carriers, Settings)> {
        let mut settings = Settings { config: self.config.delivery.clone(), ..Settings::default() };
        if let Some(carriers) = &self.pretended {
            settings.channels = carriers.channels().collect();
            return Ok((carriers.clone(), settings));
        }
        let mut carriers = Carriers::default();
        settings.parties = self.config.parties.clone();
        settings.mailbox = self.config.email.address.clone();
        let senders = &self.config.senders;
        if let Some((smtp, head)) = senders.email.out.clone() {
            let key = bound_key(&self.data, self.log.as_ref()).await?;
            carriers.add(Channel::Email, Arc::new(Letters::new(smtp, head, key, Arc::clone(&self.clock))));
            settings.channels.insert(Channel::Email);
        }
        if senders.graph.is_empty() && senders.telegram.is_none() {
            return Ok((carriers, settings));
        }
        let http = Http::new(&self.config.platforms).context("cannot speak to platforms")?;
        for (channel, api, version, token) in &senders.graph {
            let graph = Graph::new(http.clone(), api.clone(), token.clone()).with_version(version);
            carriers.add(*channel, Arc::new(graph));
            settings.channels.insert(*channel);
        }
        if let Some((api, token)) = &senders.telegram {
            carriers.add(Channel::Telegram, Arc::new(Bot::new(http, api.clone(), token.clone())));
            settings.channels.insert(Channel::Telegram);
        }
        Ok((carriers, settings))
    }

    /// Tells residents what becomes of their appeals from now on: for a process that feeds the log and ends, and in whose folder no other
    /// one works. What the log holds already is told to nobody.
    pub(crate) async fn deliver(&self) -> anyhow::Result<Delivering> {
        let (carriers, settings) = self.carriers().await?;
        let key = bound_key(&self.data, self.log.as_ref()).await?;
        let (parts, stop) = (self.workers(Turn::ours())?, CancellationToken::new());
        if let Some(last) = last_record(self.log.as_ref()).await? {
            let checkpoint = Checkpoint {
                finished: last.position,
                but: BTreeSet::new(),
                read: Prev { position: last.position, hash: last.hash },
                looked_until: None,
            };
            parts.checkpoints.keep(zholdary_delivery::tell::WORKER, &checkpoint).await?;
        }
        let metrics = self.metrics.delivery.clone();
        let workers = zholdary_delivery::Workers::start(&parts, &settings, carriers, key, metrics, &stop);
        Ok(Delivering { workers, stop })
    }

    /// Tells residents what became of their appeals, until `stop`, whenever no other process does.
    pub(crate) async fn hold_delivery(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let (carriers, settings) = self.carriers().await?;
        if carriers.is_empty() && settings.parties.is_empty() {
            info!(
                "nothing is sent: no platform has a token, no mail server is named, and no party has an address"
            );
            stop.cancelled().await;
            return Ok(());
        }
        let key = bound_key(&self.data, self.log.as_ref()).await?;
        let turn = Turn::waiting();
        let parts = self.workers(turn.clone())?;
        let metrics = self.metrics.delivery.clone();
        let workers = zholdary_delivery::Workers::start(&parts, &settings, carriers, key, metrics, stop);
        let does = "tells residents what became of their appeals, and parties what they must do";
        let last = self.take_turns(DELIVERY_LOCK, DELIVERY_LEASE, does, &turn, stop).await?;
        // What is under way is finished before another takes over.
        let ended = workers.join().await.context("a worker of the delivery ended");
        if let Some(seat) = last {
            seat.give_back().await;
        }
        ended
    }

    /// Runs the workers until `stop`: they read along always, and decide while the seat is ours. Asks each second whether it is
    /// free. Says when they have read what was in the log before: `began`.
    pub(crate) async fn hold_workers(
        &self,
        stop: &CancellationToken,
        began: impl FnOnce() + Send + 'static,
    ) -> anyhow::Result<()> {
        let turn = Turn::waiting();
        let before = self.log.head().await?;
        let workers = Workers::start(&self.workers(turn.clone())?, stop);
        tokio::spawn({
            let (has_read, stop) = (workers.read_up_to(before), stop.clone());
            async move { stop.run_until_cancelled(has_read).await.map(|()| began()) }
        });
        let mut said = false;
        let last = loop {
            if let Some(seat) = self.seat().await? {
                info!("this process runs the workers");
                turn.begin();
                let mark = Mark::on(&self.metrics.held);
                let lost = seat.lost();
                tokio::select! {
                    () = stop.cancelled() => break Some((seat, mark)),
                    () = lost.cancelled() => {}
                }
                turn.end();
                warn!("another process runs the workers now");
                said = true;
            }
            if !std::mem::replace(&mut said, true) {
                info!("another process runs the workers; this one takes over when they are free");
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                break None;
            }
        };
        // What is in hand is finished before another takes over.
        let ended = workers.join().await.context("a worker ended");
        if let Some((seat, _mark)) = last {
            seat.give_back().await;
        }
        ended
    }
}

/// Held by whoever sends what a log in a SQLite file says.
const DELIVERY_LOCK: &str = "delivery.lock";
/// Held by whoever sends what a log on NATS says.
const DELIVERY_LEASE: &str = "delivery";
/// Held by whoever fetches the files of messages in a log in a SQLite file.
const FETCHING_LOCK: &str = "media.lock";
/// Held by whoever fetches the files of messages in a log on NATS.
const FETCHING_LEASE: &str = "media";
/// Held by whoever asks Telegram for updates into a log in a SQLite file.
const POLLING_LOCK: &str = "polling.lock";
/// Held by whoever asks Telegram for updates into a log on NATS.
const POLLING_LEASE: &str = "polling";
/// Held by whoever reads the mailbox into a log in a SQLite file.
const MAILBOX_LOCK: &str = "mailbox.lock";
/// Held by whoever reads the mailbox into a log on NATS.
const MAILBOX_LEASE: &str = "mailbox";
/// Held by whoever runs the workers of a log in a SQLite file.
pub(crate) const WORKERS_LOCK: &str = "workers.lock";
/// Held by whoever writes the views of a data folder.
const VIEWS_LOCK: &str = "views.lock";
/// Held by whoever runs the workers of a log on NATS.
pub(crate) const LEASE: &str = "routing";
/// How long it may take until everybody was told who is told at one instant.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether somebody's place is free.
const LOOK: Duration = Duration::from_secs(1);

/// Where mail servers bring letters.
pub(crate) struct Arriving {
    listener: TcpListener,
    lmtp: Lmtp,
}

/// What lets a process run the workers.
enum Seat {
    File(#[expect(dead_code, reason = "held, not read")] File),
    Lease(Box<Lease>),
}

impl Seat {
    /// Cancelled once it is another's.
    fn lost(&self) -> CancellationToken {
        match self {
            Self::File(_) => CancellationToken::new(),
            Self::Lease(lease) => lease.lost().clone(),
        }
    }

    async fn give_back(self) {
        if let Self::Lease(lease) = self {
            lease.give_back().await;
        }
    }
}

/// The workers of the delivery, run by this process.
pub(crate) struct Delivering {
    workers: zholdary_delivery::Workers,
    stop: CancellationToken,
}

impl Delivering {
    /// Waits until everybody was told who is told at this instant; answers whether nothing was recorded meanwhile.
    pub(crate) async fn settle(&self, system: &System) -> anyhow::Result<bool> {
        let before = system.log.head().await?;
        let settled = self.workers.settle(system.clock.as_ref(), || system.log.head());
        let settled = tokio::time::timeout(PATIENCE, self.stop.run_until_cancelled(settled));
        match settled.await {
            Ok(Some(at)) => Ok(at? == before),
            Ok(None) => bail!("a worker of the delivery ended; its log line says why"),
            Err(_) => bail!(
                "the delivery does not come to rest in {} s: the log is at {}, tell at {}, send has read up to {}",
                PATIENCE.as_secs(),
                system.log.head().await?,
                self.workers.tell.position(),
                self.workers.send.read(),
            ),
        }
    }

    /// Stops them: what is in hand is finished.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.workers.join().await.context("a worker of the delivery ended")
    }
}

/// The workers, run by this process.
pub(crate) struct Held {
    pub(crate) workers: Workers,
    pub(crate) stop: CancellationToken,
    seat: Seat,
    _mark: Mark,
}

/// Says that this process runs the workers, until it is dropped.
struct Mark(IntGauge);

impl Mark {
    fn on(gauge: &IntGauge) -> Self {
        gauge.set(1);
        Self(gauge.clone())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.set(0);
    }
}

impl Held {
    /// Waits until everything in the log, and everything that follows from it, is finished; tells where the log ends then.
    pub(crate) async fn decide(&self, system: &System) -> anyhow::Result<Position> {
        Ok(self.workers.settle(system.clock.as_ref(), || system.log.head()).await?)
    }

    /// The same, and waits until it is to be seen.
    pub(crate) async fn settle(&self, system: &System, query: &Query) -> anyhow::Result<()> {
        let head = self.decide(system).await?;
        let mut positions = query.subscribe();
        positions.wait_for(|at| *at >= head).await.context("the views ended")?;
        Ok(())
    }

    /// Who is behind, in words.
    pub(crate) async fn behind(&self, system: &System, query: &Query) -> anyhow::Result<String> {
        let head = system.log.head().await?;
        let at = [
            ("register", self.workers.register.position()),
            ("route", self.workers.route.position()),
            ("deadlines", self.workers.deadlines.position()),
            ("the views", query.position()),
        ];
        let behind: Vec<_> = at
            .iter()
            .filter(|(_, position)| *position < head)
            .map(|(who, position)| format!("{who} at {position}"))
            .collect();
        Ok(format!("the log is at {head}, {}", behind.join(", ")))
    }

    /// Stops the workers: they finish what is in hand.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let ended = self.workers.join().await.context("a worker ended");
        self.seat.give_back().await;
        ended
    }
}

/// The data folder of an installation that must be there: with a log, when the log stands in the folder.
pub(crate) fn existing(place: &Place, config: &Config) -> anyhow::Result<Data> {
    if config.engine != Engine::Sqlite {
        return Data::open(&place.data);
    }
    let data = Data::existing(&place.data)?;
    if !SqliteLog::file_in(data.path()).is_file() {
        bail!(
            "there is no log in {}: name the installation's own folder with --data DIR, or its servers with --log nats://HOST:PORT",
            data.path().display()
        );
    }
    Ok(data)
}

/// Where the workers keep how far they came.
pub(crate) fn checkpoints(
    data: &Data,
    jetstream: Option<&Arc<JetStreamLog>>,
) -> anyhow::Result<Arc<dyn Checkpoints>> {
    if let Some(log) = jetstream {
        return Ok(Arc::clone(log) as _);
    }
    Ok(Arc::new(kept_in(data)?))
}

/// Where it is kept how far the mailbox was read.
fn marks(data: &Data, jetstream: Option<&Arc<JetStreamLog>>) -> anyhow::Result<Arc<dyn Marks>> {
    match jetstream {
        Some(log) => Ok(Arc::clone(log) as _),
        None => Ok(Arc::new(kept_in(data)?)),
    }
}

fn kept_in(data: &Data) -> anyhow::Result<SqliteCheckpoints> {
    SqliteCheckpoints::open(data.path()).context(
        "could not open how far the workers came: without that file, removed while no process runs, they read the log once more",
    )
}

/// How long raw bodies are kept.
pub(crate) fn retention(raw: &RawConfig) -> Duration {
    Duration::from_secs(u64::from(raw.retention_days) * 24 * 60 * 60)
}

/// Whether raw bodies are kept on the servers of the log.
pub(crate) fn is_raw_on_servers(config: &Config) -> bool {
    config.engine != Engine::Sqlite && config.raw.keep_in != Some(KeepIn::Folder)
}

/// Where raw bodies of deliveries are kept.
pub(crate) async fn raw(
    data: &Data,
    config: &Config,
    jetstream: Option<&JetStreamLog>,
) -> anyhow::Result<Arc<dyn RawStore>> {
    let settings = config.raw.clone();
    match (settings.keep_in, jetstream) {
        (None | Some(KeepIn::Servers), Some(log)) => {
            let bodies = log
                .bodies(retention(&settings))
                .await
                .context("could not open the raw bodies on the servers")?;
            Ok(Arc::new(RawServers::new(bodies, settings)))
        }
        (Some(KeepIn::Servers), None) => {
            bail!(
                "raw.keep_in = \"servers\" is for a log on NATS; without it raw bodies are kept in the data folder"
            )
        }
        (None | Some(KeepIn::Folder), _) => {
            Ok(Arc::new(RawFile::open(data.path(), settings).context("could not open the raw bodies")?))
        }
    }
}

/// A log, opened.
pub(crate) struct Opened {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) jetstream: Option<Arc<JetStreamLog>>,
}

/// Opens the log that the settings name.
pub(crate) async fn open(
    data: &Data,
    config: &Config,
    registry: Option<&Registry>,
) -> anyhow::Result<Opened> {
    let metrics = match registry {
        Some(registry) => zholdary_log::Metrics::new(registry)?,
        None => zholdary_log::Metrics::unregistered(),
    };
    if let Engine::Nats(_) = &config.engine {
        let opened = JetStreamLog::open(config.nats.clone(), metrics).await;
        let log = Arc::new(opened.context("could not open the log")?);
        return Ok(Opened { log: Arc::clone(&log) as _, jetstream: Some(log) });
    }
    let (folder, settings) = (data.path().to_owned(), config.log.clone());
    let log = tokio::task::spawn_blocking(move || SqliteLog::open_with(folder, settings, metrics)).await?;
    Ok(Opened { log: Arc::new(log.context("could not open the log")?), jetstream: None })
}

/// The data folder's key of ids, which must be the one that the log was begun with: under another each redelivery would become
/// a second message.
pub(crate) async fn bound_key(data: &Data, log: &dyn EventLog) -> anyhow::Result<IdKey> {
    if let (Some(bound), false) = (log.info().await?.key, data.has_id_key()) {
        bail!(
            "the log was begun with the id.key {bound}, and there is none in {}: copy that installation's own there",
            data.path().display()
        );
    }
    let key = data.id_key()?;
    log.bind_key(&key.fingerprint()).await.context("the key of ids in this folder is not the log's")?;
    Ok(key)
}

/// The name of the key of ids in the folder, when there is one: it must be the log's. Makes none and binds none.
pub(crate) async fn found_key(data: &Data, log: &dyn EventLog) -> anyhow::Result<Option<String>> {
    if !data.has_id_key() {
        return Ok(None);
    }
    let key = data.id_key()?.fingerprint();
    match log.info().await?.key {
        Some(bound) if bound != key => bail!(
            "the log was begun with the id.key {bound}, and {key} is in {}: it is another installation's folder",
            data.path().display()
        ),
        _ => Ok(Some(key)),
    }
}

/// The time of the log's last record.
pub(crate) async fn last_recorded(log: &dyn EventLog) -> anyhow::Result<Option<DateTime<Utc>>> {
    Ok(last_record(log).await?.map(|record| record.recorded_at))
}

async fn last_record(log: &dyn EventLog) -> anyhow::Result<Option<Recorded>> {
    let head = log.head().await?;
    let Some(before) = head.0.checked_sub(1) else { return Ok(None) };
    let page = log.read(Position(before), 1).await?;
    match page.into_iter().next() {
        Some(record) => Ok(Some(record)),
        None => bail!("the log's last record {head} cannot be read"),
    }
}
