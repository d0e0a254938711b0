//! Streams read before: what stands in them never changes, only what follows.

use std::sync::Arc;

use zholdary_domain::{CommandId, Position, StreamId, StreamKind};

use super::store::{Store, unavailable};
use crate::{
    error::ReadError,
    record::{Prev, Recorded, Stream, Token},
};

/// How far back a command is recognised in streams that grow without end.
const RECOGNISED: usize = 64;

/// The end of a stream, as far back as somebody wanted it. In order, each the next of the one before.
#[derive(Clone, Default)]
pub(super) struct End {
    records: Arc<Vec<Recorded>>,
}

impl End {
    /// These records, each the next of the one before.
    pub(super) fn of(records: Vec<Recorded>) -> Self {
        Self { records: Arc::new(records) }
    }

    pub(super) fn last(&self) -> Option<Token> {
        self.records.last().map(Recorded::token)
    }

    /// How many records the stream has.
    pub(super) fn version(&self) -> u64 {
        self.last().map_or(0, |token| token.version)
    }

    fn is_whole(&self) -> bool {
        self.records.first().is_none_or(|record| record.version == 1)
    }

    pub(super) fn by_version(&self, version: u64) -> Option<&Recorded> {
        let first = self.records.first()?.version;
        self.records.get(usize::try_from(version.checked_sub(first)?).ok()?)
    }

    pub(super) fn by_command(&self, command_id: CommandId) -> Option<&Recorded> {
        self.records.iter().find(|record| record.command_id == command_id)
    }

    fn weight(&self) -> u32 {
        let bytes: usize = self.records.iter().map(|record| record.bytes().len() + 200).sum();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// With one more record; of a stream that grows only the end stays, or every append would copy all of it.
    fn with(&self, record: Recorded) -> Self {
        let stays = if grows(record.stream.kind()) { RECOGNISED - 1 } else { usize::MAX };
        let first = self.records.len().saturating_sub(stays);
        let mut records = self.records[first..].to_vec();
        records.push(record);
        Self::of(records)
    }
}

/// Whether streams of this kind grow for as long as the city lives.
fn grows(kind: StreamKind) -> bool {
    matches!(
        kind,
        StreamKind::Number | StreamKind::Rules | StreamKind::Works | StreamKind::Access | StreamKind::Seal
    )
}

/// How many records streams had when this process saw them last. A leader that was replaced and does not know it yet answers from
/// yesterday; who saw more does not believe it. Cheap to clone; clones are one.
#[derive(Clone)]
pub(super) struct Seen(moka::sync::Cache<StreamId, u64>);

impl Seen {
    /// Remembers so many streams, those seen last.
    fn of(streams: u64) -> Self {
        let last_seen = moka::policy::EvictionPolicy::lru();
        Self(moka::sync::Cache::builder().max_capacity(streams).eviction_policy(last_seen).build())
    }

    /// A stream has at least `version` records.
    pub(super) fn saw(&self, stream: &StreamId, version: u64) {
        self.0
            .entry_by_ref(stream)
            .and_upsert_with(|known| known.map_or(version, |known| known.into_value().max(version)));
    }

    pub(super) fn least(&self, stream: &StreamId) -> u64 {
        self.0.get(stream).unwrap_or_default()
    }
}

/// Who answers knows less than this process has seen.
#[derive(Debug, thiserror::Error)]
#[error("the server that answers is behind: it has {found} records of {stream}, {seen} were seen")]
struct Behind {
    stream: StreamId,
    seen: u64,
    found: u64,
}

/// What is kept of streams.
pub(super) struct Cache {
    ends: moka::sync::Cache<StreamId, End>,
    pub(super) seen: Seen,
}

impl Cache {
    pub(super) fn new(bytes: u64, seen_streams: u64) -> Self {
        let weigher = |_: &StreamId, end: &End| end.weight();
        let ends = moka::sync::Cache::builder().max_capacity(bytes).weigher(weigher).build();
        Self { ends, seen: Seen::of(seen_streams) }
    }

    /// The last record of the stream: at least what this process has seen of it.
    pub(super) async fn last(&self, store: &Store, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        let seen = self.seen.least(stream);
        let version = |last: &Option<Recorded>| last.as_ref().map_or(0, |last| last.version);
        let last = store.insist(|| store.last(stream), |last| version(last) >= seen).await?;
        let found = version(&last);
        if found < seen {
            return Err(unavailable(Behind { stream: stream.clone(), seen, found }));
        }
        if found > 0 {
            self.seen.saw(stream, found);
        }
        Ok(last)
    }

    /// The whole stream.
    pub(super) async fn load(&self, store: &Store, stream: &StreamId) -> Result<Stream, ReadError> {
        let end = self.read(store, stream, usize::MAX).await?;
        Stream::new(end.records.as_ref().clone()).map_err(|position| ReadError::Corrupt { position })
    }

    /// The end of the stream as it is now, as far back as its commands are recognised.
    pub(super) async fn now(&self, store: &Store, stream: &StreamId) -> Result<End, ReadError> {
        let most = if grows(stream.kind()) { RECOGNISED } else { usize::MAX };
        self.read(store, stream, most).await
    }

    /// The end of the stream that `token` is believed to be the last of: as it is kept, or as it is now.
    pub(super) async fn at(&self, store: &Store, stream: &StreamId, token: Token) -> Result<End, ReadError> {
        match self.ends.get(stream).filter(|end| end.version() >= token.version) {
            Some(end) => Ok(end),
            None => self.reaching(store, stream, token.version).await,
        }
    }

    /// The end of the stream as it is now. Who answers that it has fewer than `version` records may be behind, and is asked again
    /// for as long as a request may take.
    pub(super) async fn reaching(
        &self,
        store: &Store,
        stream: &StreamId,
        version: u64,
    ) -> Result<End, ReadError> {
        store.insist(|| self.now(store, stream), |now| now.version() >= version).await
    }

    /// What is kept of the stream, if anything: perhaps not its end any more.
    pub(super) fn kept(&self, stream: &StreamId) -> Option<End> {
        self.ends.get(stream)
    }

    /// Adds a record that was just written.
    pub(super) fn add(&self, record: Recorded) {
        let stream = record.stream.clone();
        self.seen.saw(&stream, record.version);
        let before = match record.prev {
            None => Some(End::default()),
            Some(prev) => self
                .ends
                .get(&stream)
                .filter(|end| end.last().is_some_and(|last| last.position == prev.position)),
        };
        if let Some(before) = before {
            self.ends.insert(stream, before.with(record));
        }
    }

    /// Reads back from the last record until there are `most`, or what is kept goes on.
    async fn read(&self, store: &Store, stream: &StreamId, most: usize) -> Result<End, ReadError> {
        let Some(last) = self.last(store, stream).await? else { return Ok(End::default()) };
        let kept = self.ends.get(stream).unwrap_or_default();
        if let Some(known) =
            kept.by_version(last.version).filter(|_| kept.is_whole() || kept.records.len() >= most)
        {
            // Kept already, perhaps with what others wrote meanwhile.
            return if known.hash == last.hash {
                Ok(kept)
            } else {
                Err(ReadError::Corrupt { position: last.position })
            };
        }
        let mut back = vec![last];
        while let Some(prev) = back.last().and_then(|record| record.prev).filter(|_| back.len() < most) {
            let next = &back[back.len() - 1];
            if let Some(known) = kept.by_version(next.version - 1) {
                if Prev::from(known) != prev {
                    return Err(ReadError::Corrupt { position: next.position });
                }
                back.push(known.clone());
                continue;
            }
            let record = store.at(prev.position).await?;
            let follows = |record: &Recorded| {
                record.stream == *stream && record.hash == prev.hash && record.version + 1 == next.version
            };
            let missing = ReadError::Gap { expected: prev.position, found: next.position };
            let record = record.ok_or(missing)?;
            if !follows(&record) {
                return Err(ReadError::Corrupt { position: next.position });
            }
            back.push(record);
        }
        back.reverse();
        let first = &back[0];
        if first.prev.is_none() != (first.version == 1) {
            return Err(ReadError::Corrupt { position: first.position });
        }
        let end = End::of(back);
        self.ends.insert(stream.clone(), end.clone());
        Ok(end)
    }
}

/// The record that stands where one after `version` records would stand.
pub(super) fn winner(end: &End, version: u64) -> Position {
    end.by_version(version + 1).map_or(Position::START, |record| record.position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::stream;

    #[test]
    fn the_streams_seen_last_are_remembered_however_often_others_were_seen() {
        let seen = Seen::of(100);
        for _ in 0..20 {
            for old in 0..150 {
                seen.saw(&stream(&format!("old-{old}")), 7);
            }
        }
        for new in 0..50 {
            seen.saw(&stream(&format!("new-{new}")), 2);
            seen.saw(&stream(&format!("new-{new}")), 1);
            seen.0.run_pending_tasks();
        }
        for new in 0..50 {
            assert_eq!(seen.least(&stream(&format!("new-{new}"))), 2, "new-{new}");
        }
    }
}
