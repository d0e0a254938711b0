//! The parts of one process, wired.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use include_dir::{Dir, include_dir};
use prometheus::Registry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};
use zholdary_city::{City, Files};
use zholdary_domain::{Clock, IdKey, StreamKind, SystemClock};
use zholdary_intake::{Intake, RawStore};
use zholdary_log::{Decider, EventLog, SqliteLog, streams::Rules};
use zholdary_readmodel::{Projector, Query};
use zholdary_routing::{Rulesets, Workers};

use crate::{config::Config, data::Data};

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

/// The parts that every process has: the log, intake, and readers of the views.
pub(crate) struct System {
    pub(crate) data: Data,
    pub(crate) config: Config,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) intake: Intake,
    pub(crate) query: Query,
    pub(crate) registry: Registry,
    metrics: Metrics,
}

struct Metrics {
    workers: zholdary_routing::Metrics,
    views: zholdary_readmodel::Metrics,
}

impl System {
    /// Opens what stands in `data`, by `clock`.
    pub(crate) async fn open(data: Data, config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let key = data.id_key()?;
        let log = open_log(&data, &config, Some(&registry)).await?;
        bind(log.as_ref(), &key).await?;
        let raw = RawStore::open(data.path(), config.raw.clone()).context("could not open the raw bodies")?;
        let intake = Intake::new(
            Arc::clone(&log),
            key,
            raw,
            Arc::clone(&clock),
            config.intake.clone(),
            zholdary_intake::Metrics::new(&registry)?,
        );
        let query = Query::open(data.path(), &config.query).context("could not open the views")?;
        let metrics = Metrics {
            workers: zholdary_routing::Metrics::new(&registry)?,
            views: zholdary_readmodel::Metrics::new(&registry)?,
        };
        Ok(Self { data, config, log, clock, intake, query, registry, metrics })
    }

    /// Publishes a city when none is published yet.
    pub(crate) async fn publish_first(&self, folder: Option<&Path>) -> anyhow::Result<()> {
        let mut after = zholdary_domain::Position::START;
        loop {
            let page = self.log.read(after, 512).await?;
            let Some(last) = page.last() else { break };
            if page.iter().any(|r| r.stream.kind() == StreamKind::Rules) {
                return Ok(());
            }
            after = last.position;
        }
        let files = city_files(folder)?;
        let city = city(&files)?;
        let rules: Decider<Rules> = Decider::new(Arc::clone(&self.log), Arc::clone(&self.clock));
        zholdary_routing::publish(&rules, &city, &files, "up").await?;
        info!(city = %city.meta.city, version = %city.version, "published the city {}", city.meta.city);
        Ok(())
    }

    /// Takes over the workers and the views' writer when nobody holds them.
    pub(crate) fn take_over(&self, stop: &CancellationToken) -> anyhow::Result<Option<Held>> {
        let Some(lock) = self.data.lock_workers()? else { return Ok(None) };
        let stop = stop.child_token();
        let workers = Workers::start(
            &self.log,
            &self.clock,
            &Rulesets::default(),
            &self.config.workers,
            &self.metrics.workers,
            &stop,
        );
        let projector = Projector::new(
            self.data.path(),
            Arc::clone(&self.log),
            Arc::new(SystemClock),
            self.config.views.clone(),
            self.metrics.views.clone(),
        );
        let views = tokio::spawn(projector.run(stop.clone()));
        info!("this process runs the workers");
        Ok(Some(Held { workers, views, stop, _lock: lock }))
    }

    /// Measures each second how far the views are behind, whoever writes them: a writer that died shows as well.
    pub(crate) async fn observe_views(&self, stop: &CancellationToken) {
        let mut look = tokio::time::interval(Duration::from_secs(1));
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let Ok(head) = self.log.head().await else { continue };
            if let Ok(lag) = self.query.lag(SystemClock.now(), Some(head)).await {
                self.metrics.views.observe(&lag.body);
            }
        }
    }

    /// Asks each second whether the workers are free, runs them once they are, and ends when `stop` is cancelled.
    pub(crate) async fn hold_workers(&self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut said = false;
        loop {
            if let Some(held) = self.take_over(stop)? {
                held.stop.cancelled().await;
                return held.finish().await;
            }
            if !std::mem::replace(&mut said, true) {
                info!("another process runs the workers; this one takes over when they are free");
            }
            if stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// The workers and the views' writer, run by this process.
pub(crate) struct Held {
    pub(crate) workers: Workers,
    views: JoinHandle<Result<(), zholdary_readmodel::Error>>,
    pub(crate) stop: CancellationToken,
    _lock: File,
}

impl Held {
    /// Waits until everything in the log, and everything that follows from it, is finished and to be seen.
    pub(crate) async fn settle(&self, system: &System) -> anyhow::Result<()> {
        let log = &system.log;
        let head = self.workers.settle(system.clock.as_ref(), || log.head()).await?;
        let mut positions = system.query.subscribe();
        positions.wait_for(|at| *at >= head).await.context("the views ended")?;
        Ok(())
    }

    /// Who is behind, in words.
    pub(crate) async fn behind(&self, system: &System) -> anyhow::Result<String> {
        let head = system.log.head().await?;
        let at = [
            ("register", self.workers.register.position()),
            ("route", self.workers.route.position()),
            ("deadlines", self.workers.deadlines.position()),
            ("the views", system.query.position()),
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
        let workers = self.workers.join().await.context("a worker ended");
        let views = self.views.await.context("the views' writer ended")?.context("the views' writer ended");
        if let Err(error) = &views {
            error!(error = %error, "the views' writer ended");
        }
        workers.and(views)
    }
}

/// Opens the log of a folder.
pub(crate) async fn open_log(
    data: &Data,
    config: &Config,
    registry: Option<&Registry>,
) -> anyhow::Result<Arc<dyn EventLog>> {
    let metrics = match registry {
        Some(registry) => zholdary_log::Metrics::new(registry)?,
        None => zholdary_log::Metrics::new(&Registry::new())?,
    };
    let (folder, settings) = (data.path().to_owned(), config.log.clone());
    let log = tokio::task::spawn_blocking(move || SqliteLog::open_with(folder, settings, metrics)).await?;
    Ok(Arc::new(log.context("could not open the log")?))
}

/// Refuses a folder whose log was begun with another key: each redelivery would become a second message.
pub(crate) async fn bind(log: &dyn EventLog, key: &IdKey) -> anyhow::Result<()> {
    log.bind_key(&key.fingerprint()).await.context("the key of ids in this folder is not the log's")
}

/// The time of the log's last record.
pub(crate) async fn last_recorded(log: &dyn EventLog) -> anyhow::Result<Option<DateTime<Utc>>> {
    let head = log.head().await?;
    let Some(before) = head.0.checked_sub(1) else { return Ok(None) };
    let page = log.read(zholdary_domain::Position(before), 1).await?;
    match page.first() {
        Some(record) => Ok(Some(record.recorded_at)),
        None => bail!("the log's last record {head} cannot be read"),
    }
}
