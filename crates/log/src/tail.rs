//! Reading the log as it grows.

use std::collections::VecDeque;

use async_trait::async_trait;
use tokio::sync::watch;
use zholdary_domain::Position;

use crate::{error::ReadError, record::Recorded};

/// What a tail needs of an engine. It must not keep the engine open.
#[async_trait]
pub(crate) trait TailSource: Send + Sync {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError>;
}

/// Records one after the other, first those that stand, then those that come.
///
/// Dropping the future of [`Tail::next`] or [`Tail::next_page`] loses nothing. After an error the tail stands where it
/// stood and may be asked again.
pub struct Tail {
    source: Box<dyn TailSource>,
    head: watch::Receiver<Position>,
    read: VecDeque<Recorded>,
    after: Position,
}

/// How many records a tail asks for at once.
const PAGE_RECORDS: usize = 500;

impl Tail {
    pub(crate) fn new(source: Box<dyn TailSource>, head: watch::Receiver<Position>, after: Position) -> Self {
        Self { source, head, read: VecDeque::new(), after }
    }

    /// The position of the last record given out, or where the tail began.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.after
    }

    /// The next record; waits until there is one.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn next(&mut self) -> Result<Recorded, ReadError> {
        loop {
            if let Some(record) = self.read.pop_front() {
                self.after = record.position;
                return Ok(record);
            }
            self.fill(PAGE_RECORDS).await?;
        }
    }

    /// The next records, at least one and at most `max` (itself at least 1); waits until there is one.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn next_page(&mut self, max: usize) -> Result<Vec<Recorded>, ReadError> {
        let max = max.max(1);
        while self.read.is_empty() {
            self.fill(max).await?;
        }
        let page: Vec<_> = self.read.drain(..max.min(self.read.len())).collect();
        self.after = page.last().map_or(self.after, |record| record.position);
        Ok(page)
    }

    /// Whether everything that the log holds, as far as this process has heard, was given out.
    #[must_use]
    pub fn caught_up(&self) -> bool {
        self.read.is_empty() && *self.head.borrow() <= self.after
    }

    async fn fill(&mut self, limit: usize) -> Result<(), ReadError> {
        // Marked as seen before reading: what is appended meanwhile wakes us once more, and nothing is missed.
        self.head.borrow_and_update();
        let page = self.source.page(self.after, limit).await?;
        let mut last = self.after;
        for record in &page {
            if record.position != last.next() {
                return Err(ReadError::Gap { expected: last.next(), found: record.position });
            }
            last = record.position;
        }
        if page.is_empty() {
            self.head.changed().await.map_err(|_| ReadError::Closed)?;
        }
        self.read.extend(page);
        Ok(())
    }
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail").field("after", &self.after).finish_non_exhaustive()
    }
}
