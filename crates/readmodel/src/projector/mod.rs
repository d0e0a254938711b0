//! The projector: tails the log and writes the views.

pub(crate) mod writer;

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use zholdary_domain::{Clock, Position};
use zholdary_log::{EventLog, Recorded};

use crate::{error::Error, files::Folder, metrics::Metrics};
use writer::Writer;

/// How the views are written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectorConfig {
    /// Most records in one transaction. Default 1000.
    pub batch_records: usize,
    /// How often a record is tried before it is set aside. Default 3.
    pub attempts: u32,
    /// How often, in milliseconds, the projector says that it lives. Default 1000.
    pub heartbeat_ms: u64,
    /// How long, in milliseconds, it waits after the log or the disk was not available. Default 500.
    pub wait_ms: u64,
}

impl Default for ProjectorConfig {
    fn default() -> Self {
        Self { batch_records: 1000, attempts: 3, heartbeat_ms: 1000, wait_ms: 500 }
    }
}

/// Writes the views under a data folder. One at a time: the last one that was opened wins, an earlier one ends with
/// [`Error::Fenced`].
pub struct Projector {
    folder: Folder,
    log: Arc<dyn EventLog>,
    wall: Arc<dyn Clock>,
    config: ProjectorConfig,
    metrics: Metrics,
}

impl Projector {
    /// Will write the views of `log` under the data folder. `wall` is the machine's clock, also where the log's clock is
    /// played: only heartbeats are timed by it.
    #[must_use]
    pub fn new(
        data: &Path,
        log: Arc<dyn EventLog>,
        wall: Arc<dyn Clock>,
        config: ProjectorConfig,
        metrics: Metrics,
    ) -> Self {
        Self { folder: Folder::of(data), log, wall, config, metrics }
    }

    /// Keeps the views up with the log until told to stop.
    ///
    /// # Errors
    ///
    /// What waiting does not mend: [`Error::Fenced`], a hole in the log, a log that is not the view's, a damaged
    /// disk. A full one is waited for.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        // If this task ends for any reason, the rest of the process must hear of it.
        let _dying = stop.clone().drop_guard();
        let mut seat = Some(self.begin().await?);
        while let Some(taken) = seat.take() {
            seat = self.follow(taken, &stop).await?;
        }
        Ok(())
    }

    /// Applies what the log holds, up to `to` or to its end, and returns where the views stand then: tests need no deadline.
    #[cfg(test)]
    pub(crate) async fn catch_up(&self, to: Option<Position>) -> Result<Position, Error> {
        let head = self.log.head().await?;
        let to = to.map_or(head, |to| to.min(head));
        let seat = self.begin().await?;
        let writer = self.advance(seat.writer, to, |_| {}).await?;
        let (writer, beaten) = self.beat(writer).await?;
        beaten.map(|()| writer.position())
    }

    /// Opens the file to write to, and deletes what is left of earlier ones. A first file is used at once; one of another release
    /// is read on by that release until ours is complete.
    pub(crate) async fn begin(&self) -> Result<Seat, Error> {
        let (folder, attempts, metrics) = (self.folder.clone(), self.config.attempts, self.metrics.clone());
        let begin = move || {
            folder.create()?;
            let _alone = folder.alone()?;
            let (file, beside) = match folder.current()? {
                Some(file) => (file, false),
                None => (folder.begun()?.map_or_else(|| folder.fresh_name(), Ok)?, folder.is_anothers()?),
            };
            let writer = Writer::open(&folder, &file, attempts, metrics)?;
            if !beside {
                folder.switch(&file)?;
            }
            folder.sweep(&file)?;
            Ok(Seat { writer, beside })
        };
        tokio::task::spawn_blocking(begin).await.map_err(|_| Error::Closed)?
    }

    pub(crate) fn open(&self, file: &str) -> Result<Writer, Error> {
        Writer::open(&self.folder, file, self.config.attempts, self.metrics.clone())
    }

    /// Puts the file of `writer`, which is complete, in place of another release's. Not when that was done meanwhile: then what is
    /// in use now stays so.
    async fn take_over(&self, writer: Writer) -> Result<Writer, Error> {
        let folder = self.folder.clone();
        let (writer, taken) = on_thread(writer, move |writer| {
            let _alone = folder.alone()?;
            if folder.is_anothers()? && folder.path(writer.file()).exists() {
                folder.switch(writer.file())?;
                folder.sweep(writer.file())?;
            }
            Ok(())
        })
        .await?;
        taken.map(|()| writer)
    }

    /// Applies pages until `to`.
    pub(crate) async fn advance(
        &self,
        mut writer: Writer,
        to: Position,
        progress: impl Fn(Position),
    ) -> Result<Writer, Error> {
        while writer.position() < to {
            let most = usize::try_from(to.0 - writer.position().0).unwrap_or(usize::MAX);
            let page = self.log.read(writer.position(), self.config.batch_records.clamp(1, most)).await?;
            if page.is_empty() {
                break;
            }
            let (back, applied) = on_thread(writer, move |writer| writer.apply(&page)).await?;
            applied?;
            writer = back;
            progress(writer.position());
        }
        Ok(writer)
    }

    /// Follows the log in one file. Gives the next file, or none when told to stop.
    pub(crate) async fn follow(&self, seat: Seat, stop: &CancellationToken) -> Result<Option<Seat>, Error> {
        let Seat { mut writer, mut beside } = seat;
        let mut tail = self.log.tail(writer.position());
        let mut heart = tokio::time::interval(Duration::from_millis(self.config.heartbeat_ms.max(10)));
        heart.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let wait = Duration::from_millis(self.config.wait_ms);
        let mut held: Option<Vec<Recorded>> = None;
        loop {
            if beside && tail.caught_up() {
                writer = self.take_over(writer).await?;
                beside = false;
            }
            if self.is_replaced(&writer)? {
                // A rebuild has finished; its file goes on where it stands.
                drop(writer);
                return self.begin().await.map(Some);
            }
            let page = match held.take() {
                Some(page) => page,
                None => tokio::select! {
                    // What comes rarely first: a log that is always longer must not hide that we live.
                    biased;
                    () = stop.cancelled() => return Ok(None),
                    _ = heart.tick() => {
                        let (back, beaten) = self.beat(writer).await?;
                        writer = back;
                        match beaten {
                            Err(error) if error.is_transient() => tracing::warn!(%error, "no heartbeat"),
                            beaten => beaten?,
                        }
                        continue;
                    }
                    page = tail.next_page(self.config.batch_records.max(1)) => match page {
                        Ok(page) => page,
                        Err(error) if error.is_transient() => {
                            tracing::warn!(%error, "the log cannot be read now; trying again");
                            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                                return Ok(None);
                            }
                            continue;
                        }
                        Err(error) => return Err(error.into()),
                    },
                },
            };
            let (back, (page, applied)) = on_thread(writer, move |writer| {
                let applied = writer.apply(&page);
                (page, applied)
            })
            .await?;
            writer = back;
            match applied {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::warn!(%error, "the view cannot be written now; trying again");
                    held = Some(page);
                    if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                        return Ok(None);
                    }
                }
                // A rebuild has put another file in place of ours.
                Err(Error::Fenced { .. }) if self.is_replaced(&writer)? => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn is_replaced(&self, writer: &Writer) -> Result<bool, Error> {
        Ok(self.folder.current()?.is_some_and(|file| file != writer.file()))
    }

    /// Says that we live, and how far the log is. Gives the writer back, and how it went.
    async fn beat(&self, writer: Writer) -> Result<(Writer, Result<(), Error>), Error> {
        let (head, head_at) = match self.head(writer.position()).await {
            Ok(head) => head,
            Err(error) => return Ok((writer, Err(error))),
        };
        let now = self.wall.now();
        on_thread(writer, move |writer| {
            let head_at = head_at.map_or_else(|| writer.recorded_at(), Ok)?;
            writer.beat(now, head, head_at)?;
            writer.tidy();
            Ok(())
        })
        .await
    }

    /// Where the log ends, and when that was recorded if it is after `position`.
    async fn head(&self, position: Position) -> Result<(Position, Option<DateTime<Utc>>), Error> {
        let head = self.log.head().await?.max(position);
        let last = if head > position { self.log.read(Position(head.0 - 1), 1).await? } else { vec![] };
        Ok((head, last.first().map(|record| record.recorded_at)))
    }
}

impl std::fmt::Debug for Projector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projector").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A file and its writer.
pub(crate) struct Seat {
    pub(crate) writer: Writer,
    /// It is not in use yet: another release's file is, until this one is complete.
    pub(crate) beside: bool,
}

/// Lends `writer` to a thread that may block.
pub(crate) async fn on_thread<T: Send + 'static>(
    mut writer: Writer,
    work: impl FnOnce(&mut Writer) -> T + Send + 'static,
) -> Result<(Writer, T), Error> {
    tokio::task::spawn_blocking(move || {
        let done = work(&mut writer);
        (writer, done)
    })
    .await
    .map_err(|_| Error::Closed)
}
