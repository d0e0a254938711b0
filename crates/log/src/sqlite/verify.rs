//! Reading everything again and believing nothing.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use rusqlite::{Connection, params};
use uuid::Uuid;
use zholdary_domain::{Position, StreamId};

use super::{
    file::{self, Head, hash, number, sql},
    reader::{Readers, unavailable},
};
use crate::{
    error::{Damage, Fault},
    port::{Progress, Verified},
    record::{Hash, Prev, Recorded},
};

/// How many records are checked between two reports.
const PAGE_RECORDS: i64 = 2_000;

pub(super) async fn verify(readers: &Arc<Readers>, progress: Progress<'_>) -> Result<Verified, Damage> {
    let unchecked = Damage::Unchecked;
    let log_id = readers.log_id();
    let last = readers.head().await.map_err(unchecked)?;
    let mut checked = Checked::new(log_id);
    loop {
        let (now, page) =
            readers.with(move |connection| Ok(checked.page(connection))).await.map_err(unchecked)?;
        checked = now;
        let more = page?;
        progress(checked.head.position, last.max(checked.head.position));
        if !more {
            break;
        }
    }
    let (head, streams) = (checked.head, checked.streams.len() as u64);
    readers.with(move |connection| Ok(end(connection, log_id))).await.map_err(unchecked)??;
    Ok(Verified { head: head.position, streams, chain: Some(head.chain) })
}

/// What was found sound so far.
struct Checked {
    log_id: Uuid,
    head: Head,
    /// The last record of each stream: version, position, hash.
    streams: HashMap<StreamId, (u64, Prev)>,
}

impl Checked {
    fn new(log_id: Uuid) -> Self {
        Self { log_id, head: Head::start(log_id), streams: HashMap::new() }
    }

    /// Checks the next page; says whether there may be more.
    fn page(mut self, connection: &Connection) -> (Self, Result<bool, Damage>) {
        let more = self.next(connection);
        (self, more)
    }

    fn next(&mut self, connection: &Connection) -> Result<bool, Damage> {
        let mut statement = connection
            .prepare_cached(
                "SELECT position, stream, version, command_id, recorded_at, hash, chain, bytes
                 FROM record NOT INDEXED WHERE position > ?1 ORDER BY position LIMIT ?2",
            )
            .map_err(failed)?;
        let after = self.head.position;
        let mut rows = statement.query(params![sql(after.0), PAGE_RECORDS]).map_err(failed)?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                // The file itself is torn here: what follows cannot be read at all.
                Err(error) if is_damage(&error) => return Err(self.bad(Fault::Bytes)),
                Err(error) => return Err(failed(error)),
            };
            self.one(row)?;
        }
        Ok(self.head.position.0 - after.0 == PAGE_RECORDS.unsigned_abs())
    }

    /// Damage at the position that comes next.
    fn bad(&self, fault: Fault) -> Damage {
        Damage::Record { position: self.head.position.next(), fault }
    }

    fn one(&mut self, row: &rusqlite::Row<'_>) -> Result<(), Damage> {
        let position = Position(number(row.get(0).map_err(failed)?));
        if position != self.head.position.next() {
            return Err(self.bad(Fault::Missing));
        }
        let blob = |column| row.get_ref(column).ok().and_then(|value| value.as_blob().ok());
        let (Some(command), Some(written), Some(chained), Some(bytes)) = (blob(3), blob(5), blob(6), blob(7))
        else {
            return Err(self.bad(Fault::Columns));
        };
        if Hash::of(bytes) != hash(written) {
            return Err(self.bad(Fault::Bytes));
        }
        let record = Recorded::parse(position, Bytes::copy_from_slice(bytes))
            .ok()
            .filter(|record| record.log_id == self.log_id)
            .ok_or_else(|| self.bad(Fault::Envelope))?;
        let at_ms = record.recorded_at.timestamp_millis();
        let columns = row.get(1).ok() == Some(record.stream.to_string())
            && row.get(2).ok() == Some(sql(record.version))
            && command == record.command_id.uuid().as_bytes()
            && row.get(4).ok() == Some(at_ms);
        if !columns {
            return Err(self.bad(Fault::Columns));
        }
        let before = self.streams.get(&record.stream);
        if record.prev != before.map(|(_, prev)| *prev)
            || record.version != before.map_or(0, |(version, _)| *version) + 1
        {
            return Err(self.bad(Fault::Stream(record.stream)));
        }
        if at_ms < self.head.recorded_at_ms {
            return Err(self.bad(Fault::Time));
        }
        let chain = self.head.chain_to(position, record.hash);
        if chain != hash(chained) {
            return Err(self.bad(Fault::Chain));
        }
        self.head = Head { position, chain, recorded_at_ms: at_ms };
        let prev = Prev { position, hash: record.hash };
        self.streams.insert(record.stream, (record.version, prev));
        Ok(())
    }
}

/// Whether the log ends where its mark says, and the file guards it as it was made to.
fn end(connection: &Connection, log_id: Uuid) -> Result<(), Damage> {
    // One transaction: others may be appending.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let last = file::last(&snapshot, log_id).map_err(failed)?;
    let mark = file::mark(&snapshot).map_err(failed)?;
    if mark != last.mark() {
        let marked = file::marked_position(&mark);
        let position = marked.min(last.position);
        return Err(if marked > last.position {
            Damage::Record { position: position.next(), fault: Fault::CutOff { head: marked } }
        } else {
            Damage::Record { position: position.next(), fault: Fault::Chain }
        });
    }
    let made = Connection::open_in_memory().map_err(failed)?;
    made.execute_batch(file::SCHEMA).map_err(failed)?;
    if schema(&snapshot).map_err(failed)? != schema(&made).map_err(failed)? {
        return Err(Damage::File("its tables, indexes or triggers were changed".to_owned()));
    }
    let said: String =
        snapshot.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if said != "ok" {
        return Err(Damage::File(said));
    }
    Ok(())
}

/// Every table, index and trigger, as written.
fn schema(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn failed(error: rusqlite::Error) -> Damage {
    Damage::Unchecked(unavailable(error))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}
