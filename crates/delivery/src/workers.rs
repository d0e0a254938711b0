//! The two workers of a process, started and stopped together.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zholdary_domain::IdKey;
use zholdary_routing::{Error, Parts, Progress, worker::Keeper};

use crate::{
    Carriers, Metrics, Settings,
    send::{self, Sender},
    tell::{self, Tell},
};

/// The workers, running.
#[derive(Debug)]
pub struct Workers {
    /// How far `tell` came.
    pub tell: Progress,
    /// How far `send` has read.
    pub send: Progress,
    keeper: Keeper,
    tasks: JoinSet<Result<(), Error>>,
}

impl Workers {
    /// Starts both. When one dies, `stop` is cancelled: the rest of the process must hear of it.
    #[must_use]
    pub fn start(
        parts: &Parts,
        settings: &Settings,
        carriers: Carriers,
        key: IdKey,
        metrics: Metrics,
        stop: &CancellationToken,
    ) -> Self {
        let (teller, sender) =
            (Tell::new(parts, settings), Sender::new(parts, settings, carriers, key, metrics));
        let (tell, send) = (teller.progress(), sender.progress());
        [tell::WORKER, send::WORKER].into_iter().for_each(|worker| parts.metrics.begins(worker));
        let mut tasks = JoinSet::new();
        tasks.spawn(teller.run(stop.clone()));
        tasks.spawn(sender.run(stop.clone()));
        // What `send` knows is in the log, so it keeps nothing.
        let keeper = Keeper::new(parts, [(tell::WORKER, tell.clone())]);
        tasks.spawn(keeper.clone().run(stop.clone()));
        Self { tell, send, keeper, tasks }
    }

    /// Waits until both have stopped; the first failure is told. What they finished last is kept too.
    ///
    /// # Errors
    ///
    /// The first failure of a worker.
    pub async fn join(mut self) -> Result<(), Error> {
        let mut failed = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            failed = failed.and(ended.unwrap_or_else(|panic| Err(Error::Panicked(panic))));
        }
        self.keeper.keep().await;
        failed
    }
}
