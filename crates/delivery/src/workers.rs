//! The workers of a process, started and stopped together.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zholdary_domain::IdKey;
use zholdary_routing::{Error, Parts, Progress, worker::Keeper};

use crate::{
    Carriers, Metrics, Settings,
    send::{self, Sender},
    tasks::{self, Tasks},
    tell::{self, Tell},
};

/// The workers, running.
#[derive(Debug)]
pub struct Workers {
    /// How far `tell` came.
    pub tell: Progress,
    /// How far `tasks` came; nothing where no party is written to.
    pub tasks: Option<Progress>,
    /// How far `send` has read.
    pub send: Progress,
    keeper: Keeper,
    running: JoinSet<Result<(), Error>>,
}

impl Workers {
    /// Starts them. When one dies, `stop` is cancelled: the rest of the process must hear of it.
    #[must_use]
    pub fn start(
        parts: &Parts,
        settings: &Settings,
        carriers: Carriers,
        key: IdKey,
        metrics: Metrics,
        stop: &CancellationToken,
    ) -> Self {
        let teller = Tell::new(parts, settings);
        let writer = (!settings.parties.is_empty()).then(|| Tasks::new(parts, settings, key.clone()));
        let sender = Sender::new(parts, settings, carriers, key, metrics);
        let (tell, send) = (teller.progress(), sender.progress());
        let tasks = writer.as_ref().map(Tasks::progress);
        let named = tasks.iter().map(|_| tasks::WORKER).chain([tell::WORKER, send::WORKER]);
        named.for_each(|worker| parts.metrics.begins(worker));
        let mut running = JoinSet::new();
        running.spawn(teller.run(stop.clone()));
        running.spawn(sender.run(stop.clone()));
        if let Some(writer) = writer {
            running.spawn(writer.run(stop.clone()));
        }
        // What `send` knows is in the log, so it keeps nothing.
        let kept = tasks.iter().map(|tasks| (tasks::WORKER, tasks.clone()));
        let keeper = Keeper::new(parts, kept.chain([(tell::WORKER, tell.clone())]));
        running.spawn(keeper.clone().run(stop.clone()));
        Self { tell, tasks, send, keeper, running }
    }

    /// Waits until all have stopped; the first failure is told. What they finished last is kept too.
    ///
    /// # Errors
    ///
    /// The first failure of a worker.
    pub async fn join(mut self) -> Result<(), Error> {
        let mut failed = Ok(());
        while let Some(ended) = self.running.join_next().await {
            failed = failed.and(ended.unwrap_or_else(|panic| Err(Error::Panicked(panic))));
        }
        self.keeper.keep().await;
        failed
    }
}
