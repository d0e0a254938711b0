//! The three workers of a process, started and stopped together.

use std::{future::Future, sync::Arc};

use serde::Deserialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Clock, Position};
use zholdary_log::{Checkpoints, EventLog};

use crate::{
    Error, Metrics, Progress, Rulesets, Turn,
    checkpoints::Keeper,
    deadlines::{self, Deadlines},
    register::{self, Register},
    route::{self, Route},
};

/// Settings of the workers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the public page that texts link to, without a slash at its end. Default `http://127.0.0.1:8080`.
    pub site: String,
    /// Lanes that run at once. Default 256.
    pub lanes: usize,
    /// Records of the log that are looked at together. Default 256.
    pub page_records: usize,
    /// Messages of one appeal that are read together to understand it; of a longer thread the first and the last half of
    /// them. Default 40.
    pub thread_messages: usize,
    /// The wait before a worker that failed starts again, in milliseconds; it doubles each time. Default 200.
    pub retry_ms: u64,
    /// The longest such wait, in milliseconds. Default 10,000.
    pub longest_retry_ms: u64,
    /// How often `deadlines` looks at the clock, in milliseconds. Default 250.
    pub look_ms: u64,
    /// How often checkpoints are written while work is done, in milliseconds. Default 1,000.
    pub checkpoint_ms: u64,
    /// How often workers that wait for their turn read the checkpoints of those who have it, in milliseconds. Default 10,000.
    pub standby_look_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            site: "http://127.0.0.1:8080".to_owned(),
            lanes: 256,
            page_records: 256,
            thread_messages: 40,
            retry_ms: 200,
            longest_retry_ms: 10_000,
            look_ms: 250,
            checkpoint_ms: 1000,
            standby_look_ms: 10_000,
        }
    }
}

/// What the workers of a process work with. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// What they read and append to.
    pub log: Arc<dyn EventLog>,
    /// Where they keep how far they came.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The published cities, read once for all of them.
    pub rulesets: Rulesets,
    /// When they may append.
    pub turn: Turn,
    /// Their settings.
    pub config: Config,
    /// What they tell about themselves.
    pub metrics: Metrics,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("turn", &self.turn)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The workers, running.
#[derive(Debug)]
pub struct Workers {
    /// How far `register` came.
    pub register: Progress,
    /// How far `route` came.
    pub route: Progress,
    /// How far `deadlines` came.
    pub deadlines: Progress,
    keeper: Keeper,
    tasks: JoinSet<Result<(), Error>>,
}

impl Workers {
    /// Starts all three. When one dies, `stop` is cancelled: the rest of the process must hear of it.
    #[must_use]
    pub fn start(parts: &Parts, stop: &CancellationToken) -> Self {
        let (register, route, deadlines) = (Register::new(parts), Route::new(parts), Deadlines::new(parts));
        let progress = (register.progress(), route.progress(), deadlines.progress());
        let mut tasks = JoinSet::new();
        tasks.spawn(register.run(stop.clone()));
        tasks.spawn(route.run(stop.clone()));
        tasks.spawn(deadlines.run(stop.clone()));
        let (register, route, deadlines) = progress;
        let came = [
            (register::WORKER, register.clone()),
            (route::WORKER, route.clone()),
            (deadlines::WORKER, deadlines.clone()),
        ];
        let keeper = Keeper::new(parts, came);
        tasks.spawn(keeper.clone().run(stop.clone()));
        Self { register, route, deadlines, keeper, tasks }
    }

    /// Waits until all three have read the log up to `head`. Before that what is written waits for its number, though it is safe.
    pub fn read_up_to(&self, head: Position) -> impl Future<Output = ()> + Send + use<> {
        let workers = [self.register.clone(), self.route.clone(), self.deadlines.clone()];
        async move {
            for worker in workers {
                worker.read_up_to(head).await;
            }
        }
    }

    /// Waits until everything that is in the log, and everything that follows from it, is finished, for the instant that
    /// `clock` shows. `head` tells where the log ends.
    ///
    /// # Errors
    ///
    /// What `head` says.
    pub async fn settle<E, F>(&self, clock: &dyn Clock, head: impl Fn() -> F) -> Result<Position, E>
    where
        F: Future<Output = Result<Position, E>>,
    {
        loop {
            let before = head().await?;
            self.register.reach(before).await;
            self.route.reach(before).await;
            self.deadlines.reach(before).await;
            self.deadlines.look_until(clock.now()).await;
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
        let ended = ended(self.tasks).await;
        self.keeper.keep().await;
        ended
    }
}

/// Waits for all of them. A panic is a failure like any other: unwinding here would end only the task that waits.
async fn ended(mut tasks: JoinSet<Result<(), Error>>) -> Result<(), Error> {
    let mut failed = Ok(());
    while let Some(ended) = tasks.join_next().await {
        failed = failed.and(ended.unwrap_or_else(|panic| Err(Error::Panicked(panic))));
    }
    failed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_that_panics_is_a_failure_that_is_told() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async { Ok(()) });
        tasks.spawn(async { panic!("a worker's own mistake") });
        tasks.spawn(async { Ok(()) });
        let ended = ended(tasks).await;
        assert!(matches!(ended, Err(Error::Panicked(_))), "{ended:?}");
    }
}
