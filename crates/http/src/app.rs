//! What every handler shares.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use prometheus::Registry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zholdary_domain::Clock;
use zholdary_intake::{FileStore, Intake};
use zholdary_log::{
    Decider, EventLog,
    streams::{Appeals, Messages},
};
use zholdary_media::Limits;
use zholdary_readmodel::{Query, RuleSet};

use crate::{
    api::changes::Seats,
    config::Config,
    metrics::Metrics,
    openapi,
    problem::{Code, Problem},
};

/// Whether the process is ready for requests, as its parts say. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    /// Says whether everything that had to start has started.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }

    /// Whether everything that had to start has started.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What the HTTP side of a process is made of.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The log: commands go there, and positions are asked of it.
    pub log: Arc<dyn EventLog>,
    /// Metrics of this crate.
    pub metrics: Metrics,
    /// Everything that `/metrics` shows.
    pub registry: Registry,
    /// Whether the process has started.
    pub ready: Ready,
    /// Ends open streams when the process stops.
    pub stop: CancellationToken,
    /// What takes in what platforms deliver. With it the hooks are served.
    pub hooks: Option<Intake>,
    /// What reads the views. With it tokens are known.
    pub views: Option<Query>,
    /// What takes in what people write here. With it, the files and the views, the pages and the API are served.
    pub window: Option<Intake>,
    /// Where the photos are that people add.
    pub files: Option<FileStore>,
    /// What is taken of them, and how large copies are.
    pub media: Limits,
}

/// What the handlers of pages and API share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) appeals: Decider<Appeals>,
    pub(crate) messages: Decider<Messages>,
    pub(crate) intake: Intake,
    pub(crate) files: FileStore,
    /// Seats for requests that bring photos.
    pub(crate) uploads: Semaphore,
    pub(crate) media: Arc<Limits>,
    /// The seat for a copy that is made while somebody waits: a picture takes much memory meanwhile.
    pub(crate) copies: Semaphore,
    pub(crate) query: Query,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) seats: Seats,
    /// The OpenAPI document, written once.
    pub(crate) openapi: bytes::Bytes,
}

/// The application as handlers get it.
pub(crate) type Shared = Arc<App>;

impl App {
    pub(crate) fn new(parts: &Parts, query: Query, intake: Intake, files: FileStore) -> Self {
        let Parts { config, clock, log, metrics, stop, media, .. } = parts;
        Self {
            appeals: Decider::new(Arc::clone(log), Arc::clone(clock)),
            messages: Decider::new(Arc::clone(log), Arc::clone(clock)),
            listeners: Arc::new(Semaphore::new(config.changes.clients_max)),
            seats: Seats::default(),
            openapi: openapi::document(),
            config: config.clone(),
            clock: Arc::clone(clock),
            log: Arc::clone(log),
            intake,
            files,
            uploads: Semaphore::new(config.uploads_max.clamp(1, Semaphore::MAX_PERMITS)),
            media: Arc::new(media.clone()),
            copies: Semaphore::new(1),
            query,
            metrics: metrics.clone(),
            stop: stop.clone(),
        }
    }

    /// The rule set in force, as the views know it.
    pub(crate) async fn rules(&self) -> Result<Arc<RuleSet>, Problem> {
        let rules = self.query.city().await?;
        rules.ok_or_else(|| {
            Problem::new(Code::ViewsUnavailable, "no city has been published yet").retry_after(5)
        })
    }
}
