//! The workers of a process, started and stopped together.

use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Clock, IdKey, Position};
use zholdary_routing::{Error, Parts, Progress, worker::Keeper};

use crate::{
    Carriers, Metrics, Settings,
    send::{self, Rest, Sender},
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
    rests: watch::Receiver<Rest>,
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
        let (tell, send, rests) = (teller.progress(), sender.progress(), sender.rests());
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
        Self { tell, tasks, send, rests, keeper, running }
    }

    /// Waits until everything that is in the log is told, and everything that is due at the instant that `clock` shows has gone or
    /// ended. `head` tells where the log ends. A clock that moves meanwhile, or a worker that died, is waited for in vain.
    ///
    /// # Errors
    ///
    /// What `head` says.
    pub async fn settle<E, F>(&self, clock: &dyn Clock, head: impl Fn() -> F) -> Result<Position, E>
    where
        F: Future<Output = Result<Position, E>>,
    {
        let mut rests = self.rests.clone();
        loop {
            let (before, now) = (head().await?, clock.now());
            self.tell.reach(before).await;
            if let Some(tasks) = &self.tasks {
                tasks.reach(before).await;
            }
            if rests.wait_for(|rest| rest.read >= before && rest.at >= now).await.is_err() {
                // Who would send is gone, and `stop` says so.
                std::future::pending::<()>().await;
            }
            if head().await? == before {
                return Ok(before);
            }
        }
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
