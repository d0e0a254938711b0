//! Reading everything again and believing nothing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use zholdary_domain::{Position, StreamId};

use super::{JetStreamLog, store::Raw};
use crate::{
    error::{Damage, Fault, ReadError},
    port::{EventLog, Progress, Verified},
    record::{Prev, Recorded},
};

pub(super) async fn verify(log: &JetStreamLog, progress: Progress<'_>) -> Result<Verified, Damage> {
    let store = &log.store;
    let (last, seen) = match log.head().await {
        Ok(head) => (head, head),
        // What is left may be sound: the end is not.
        Err(ReadError::LostEnd { seen, head }) => (head, seen),
        Err(error) => return Err(Damage::Unchecked(error)),
    };
    let mut checked = Checked::default();
    while checked.head < last {
        let page = match store.dense(checked.head, store.config.page_records, last).await {
            Ok(page) => page,
            Err(ReadError::Gap { .. }) => return Err(checked.bad(Fault::Missing)),
            Err(ReadError::LostEnd { seen, .. }) => return Err(checked.bad(Fault::CutOff { head: seen })),
            Err(error) => return Err(Damage::Unchecked(error)),
        };
        // What others wrote after a lost end stands where other records stood.
        for raw in page.into_iter().take_while(|raw| seen == last || raw.position <= last) {
            checked.one(log, raw)?;
        }
        progress(checked.head, last.max(checked.head));
    }
    if last < seen {
        return Err(checked.bad(Fault::CutOff { head: seen }));
    }
    Ok(Verified { head: checked.head, streams: checked.streams.len() as u64, chain: None })
}

/// What was found sound so far.
#[derive(Default)]
struct Checked {
    head: Position,
    /// The last record of each stream.
    streams: HashMap<StreamId, (u64, Prev, DateTime<Utc>)>,
}

impl Checked {
    /// Damage at the position that comes next.
    fn bad(&self, fault: Fault) -> Damage {
        Damage::Record { position: self.head.next(), fault }
    }

    fn one(&mut self, log: &JetStreamLog, raw: Raw) -> Result<(), Damage> {
        let position = raw.position;
        let record = Recorded::parse(position, raw.bytes)
            .ok()
            .filter(|record| record.log_id == log.store.log_id)
            .ok_or_else(|| self.bad(Fault::Envelope))?;
        if log.store.subject(&record.stream) != raw.subject {
            return Err(self.bad(Fault::Columns));
        }
        let before = self.streams.get(&record.stream);
        if record.prev != before.map(|(_, prev, _)| *prev)
            || record.version != before.map_or(0, |(version, ..)| *version) + 1
        {
            return Err(self.bad(Fault::Stream(record.stream)));
        }
        // The clocks of several machines differ: time goes forward within a stream.
        if before.is_some_and(|(.., at)| record.recorded_at < *at) {
            return Err(self.bad(Fault::Time));
        }
        self.head = position;
        let prev = Prev { position, hash: record.hash };
        self.streams.insert(record.stream, (record.version, prev, record.recorded_at));
        Ok(())
    }
}
