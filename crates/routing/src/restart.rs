//! A worker that failed starts again from the log, while that may help.

use std::{future::Future, time::Duration};

use prometheus::IntCounter;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{Error, Parts};

/// Runs `work` until it ends well or `stop` is cancelled. After a failure that waiting may mend it runs again, after a wait that
/// doubles each time; any other failure ends it and cancels `stop`, so that the rest of the process hears of it.
///
/// # Errors
///
/// What waiting does not mend.
pub async fn keep_running<F>(
    worker: &'static str,
    parts: &Parts,
    stop: &CancellationToken,
    work: impl Fn() -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    // Dropped in any other way than through `disarm`, a panic included, it cancels `stop`.
    let dying = stop.clone().drop_guard();
    let (first, longest) =
        (Duration::from_millis(parts.config.retry_ms), Duration::from_millis(parts.config.longest_retry_ms));
    let mut wait = first;
    loop {
        let began = Instant::now();
        let ended = work().await;
        // A failure after a good while is no row of failures.
        if began.elapsed() > longest {
            wait = first;
        }
        match ended {
            Ok(()) => break,
            Err(error) if error.is_transient() => {
                parts.metrics.restarts.with_label_values(&[worker]).inc();
                warn!(worker, error = &error as &dyn std::error::Error, "{worker} starts again from the log");
            }
            Err(error) => return Err(error),
        }
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            break;
        }
        wait = (wait * 2).min(longest);
    }
    dying.disarm();
    Ok(())
}

/// Asks a log again that cannot be read or written now, in place: what was folded stays.
#[derive(Debug)]
pub struct Patience {
    worker: &'static str,
    first: Duration,
    longest: Duration,
    wait: Duration,
    retries: IntCounter,
}

impl Patience {
    /// For `worker`, by the settings of `parts`.
    pub fn new(worker: &'static str, parts: &Parts) -> Self {
        let Parts { config, metrics, .. } = parts;
        let (first, longest) =
            (Duration::from_millis(config.retry_ms), Duration::from_millis(config.longest_retry_ms));
        let retries = metrics.retries.with_label_values(&[worker]);
        Self { worker, first, longest, wait: first, retries }
    }

    /// It answered.
    pub const fn rest(&mut self) {
        self.wait = self.first;
    }

    /// Waits before it is asked again, or until `stop`.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn after(&mut self, error: impl Into<Error>, stop: &CancellationToken) -> Result<(), Error> {
        let error = error.into();
        if !error.may_be_asked_again() {
            return Err(error);
        }
        let worker = self.worker;
        self.retries.inc();
        warn!(worker, error = &error as &dyn std::error::Error, "{worker} asks the log again: {error}");
        let _ = stop.run_until_cancelled(tokio::time::sleep(self.wait)).await;
        self.wait = (self.wait * 2).min(self.longest);
        Ok(())
    }
}
