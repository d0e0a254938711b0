//! Reading the log as it grows.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use futures::future::BoxFuture;
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
    source: Arc<dyn TailSource>,
    head: watch::Receiver<Position>,
    /// The page that is being read. It stays when its caller gives up waiting: one that always gave up too early would never
    /// see it.
    reading: Option<BoxFuture<'static, Result<Vec<Recorded>, ReadError>>>,
    read: VecDeque<Recorded>,
    after: Position,
}

/// How many records a tail asks for at once.
const PAGE_RECORDS: usize = 500;

impl Tail {
    pub(crate) fn new(source: Arc<dyn TailSource>, head: watch::Receiver<Position>, after: Position) -> Self {
        Self { source, head, reading: None, read: VecDeque::new(), after }
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
        let (source, head, after) = (&self.source, &mut self.head, self.after);
        let reading = self.reading.get_or_insert_with(|| {
            // Marked as seen before reading: what is appended meanwhile wakes us once more, and nothing is missed.
            head.borrow_and_update();
            let source = Arc::clone(source);
            Box::pin(async move { source.page(after, limit).await })
        });
        let page = reading.await;
        self.reading = None;
        let page = page?;
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;

    use super::*;

    /// A log in which things happen exactly while somebody reads.
    struct Busy {
        head: watch::Sender<Position>,
        records: Mutex<Vec<Recorded>>,
        /// What is appended between the next read and its answer.
        coming: Mutex<Vec<Recorded>>,
    }

    #[async_trait]
    impl TailSource for Arc<Busy> {
        async fn page(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
            let later = |record: &&Recorded| record.position > after;
            let page = self.records.lock().unwrap().iter().filter(later).take(limit).cloned().collect();
            for record in self.coming.lock().unwrap().drain(..) {
                let position = record.position;
                self.records.lock().unwrap().push(record);
                self.head.send_replace(position);
            }
            Ok(page)
        }
    }

    fn record(position: u64) -> Recorded {
        let bytes = r#"{"log_id":"00000000000000000000000000000000","stream":"seal.a","version":1,"prev":null,
            "command_id":"00000000000000000000000000000000","recorded_at":"2026-01-01T00:00:00.000Z",
            "causation":null,"correlation":null,"schema":1,"events":[]}"#;
        Recorded::parse(Position(position), Bytes::from_static(bytes.as_bytes())).unwrap()
    }

    fn tail(standing: &[u64], coming: &[u64]) -> Tail {
        let (head, hears) = watch::channel(Position(standing.last().copied().unwrap_or_default()));
        let records = |positions: &[u64]| Mutex::new(positions.iter().copied().map(record).collect());
        let busy = Busy { head, records: records(standing), coming: records(coming) };
        Tail::new(Arc::new(Arc::new(busy)), hears, Position::START)
    }

    #[tokio::test]
    async fn what_is_appended_while_reading_is_not_slept_through() {
        let mut tail = tail(&[], &[1, 2]);
        for expected in [1, 2] {
            let next = tokio::time::timeout(std::time::Duration::from_secs(10), tail.next()).await;
            assert_eq!(next.expect("slept through it").unwrap().position, Position(expected));
        }
        assert!(tail.caught_up());
    }

    /// A log that takes its time, and counts how often it was asked.
    struct Slow {
        answers: Arc<tokio::sync::Notify>,
        asked: Arc<std::sync::atomic::AtomicU32>,
    }

    #[async_trait]
    impl TailSource for Slow {
        async fn page(&self, _: Position, _: usize) -> Result<Vec<Recorded>, ReadError> {
            self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.answers.notified().await;
            Ok(vec![record(1)])
        }
    }

    #[tokio::test]
    async fn a_page_slower_than_its_reader_waits_is_asked_for_once() {
        let (answers, asked) = (Arc::default(), Arc::default());
        let slow = Slow { answers: Arc::clone(&answers), asked: Arc::clone(&asked) };
        let (_head, hears) = watch::channel(Position(1));
        let mut tail = Tail::new(Arc::new(slow), hears, Position::START);
        for _ in 0..5 {
            let gave_up = tokio::time::timeout(std::time::Duration::from_millis(1), tail.next_page(10)).await;
            assert!(gave_up.is_err());
        }
        answers.notify_one();
        assert_eq!(tail.next().await.unwrap().position, Position(1));
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_page_with_a_hole_is_not_given_out() {
        let mut tail = tail(&[1, 2, 4], &[]);
        let gap = tail.next().await;
        assert!(matches!(gap, Err(ReadError::Gap { expected: Position(3), found: Position(4) })), "{gap:?}");
        assert_eq!(tail.position(), Position::START);
    }
}
