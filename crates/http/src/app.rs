//! What every handler shares.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use prometheus::Registry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use zholdary_domain::Clock;
use zholdary_intake::Intake;
use zholdary_log::{
    Decider, EventLog,
    streams::{Appeals, Messages},
};
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

/// What an [`App`] is made of.
pub struct Parts {
    /// Settings.
    pub config: Config,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The log: commands go there, and positions are asked of it.
    pub log: Arc<dyn EventLog>,
    /// What takes messages in.
    pub intake: Intake,
    /// What reads the views.
    pub query: Query,
    /// Metrics of this crate.
    pub metrics: Metrics,
    /// Everything that `/metrics` shows.
    pub registry: Registry,
    /// Whether the process has started.
    pub ready: Ready,
    /// Ends open streams when the process stops.
    pub stop: CancellationToken,
}

/// What every handler shares.
pub struct App {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) appeals: Decider<Appeals>,
    pub(crate) messages: Decider<Messages>,
    pub(crate) intake: Intake,
    pub(crate) query: Query,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    pub(crate) ready: Ready,
    pub(crate) stop: CancellationToken,
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) seats: Seats,
    /// The OpenAPI document, written once.
    pub(crate) openapi: bytes::Bytes,
}

/// The application as handlers get it.
pub(crate) type Shared = Arc<App>;

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

impl App {
    /// An application of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { config, clock, log, intake, query, metrics, registry, ready, stop } = parts;
        Self {
            appeals: Decider::new(Arc::clone(&log), Arc::clone(&clock)),
            messages: Decider::new(Arc::clone(&log), Arc::clone(&clock)),
            listeners: Arc::new(Semaphore::new(config.changes.clients_max)),
            seats: Seats::default(),
            openapi: openapi::document(),
            config,
            clock,
            log,
            intake,
            query,
            metrics,
            registry,
            ready,
            stop,
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
