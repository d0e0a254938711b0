//! The views made anew beside those in use, then switched to.

use std::{path::Path, sync::Arc};

use blake3::Hasher;
use rusqlite::{Connection, types::ValueRef};
use serde::Serialize;
use zholdary_domain::{Position, SystemClock};
use zholdary_log::EventLog;

use crate::{
    error::Error,
    files::{self, Folder},
    metrics::Metrics,
    projector::{Projector, ProjectorConfig, on_thread, writer::Writer},
    query::checkpoint,
};

/// How a rebuild ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// The file in use now.
    pub file: String,
    /// Where it stands.
    pub position: Position,
    /// Records set aside.
    pub parked: u64,
    /// Tables that hold something else than before; none when there was nothing to compare with at the same record.
    pub differs: Option<Vec<String>>,
}

/// Tables that are not made of records alone.
const BESIDE: [&str; 2] = ["heartbeat", "checkpoint"];

/// Builds the views of `log` anew beside those in use under `data`, compares, switches, and deletes the old file. A projector
/// that runs meanwhile goes on in the new one; readers see the switch at their next question. `progress` hears where the
/// new file stands, and where the log ends.
///
/// # Errors
///
/// [`Error::Rebuilding`] while another rebuild is at work here, which goes on; else [`Error`]: what was in use is in use
/// still, and the unfinished file is gone.
pub async fn rebuild(
    data: &Path,
    log: Arc<dyn EventLog>,
    config: ProjectorConfig,
    progress: impl Fn(Position, Position),
) -> Result<Rebuilt, Error> {
    let folder = Folder::of(data);
    folder.create()?;
    let Some(_one) = folder.rebuilding()? else { return Err(Error::Rebuilding) };
    let file = files::building(&folder.fresh_name()?);
    folder.remove(&file); // what a rebuild that died left
    let projector =
        Projector::new(data, Arc::clone(&log), Arc::new(SystemClock), config, Metrics::unregistered());
    let built = build(&folder, &projector, log.as_ref(), &file, progress).await;
    match &built {
        // Somebody else writes there: it is no longer ours to delete.
        Ok(_) | Err(Error::Fenced { .. }) => {}
        Err(_) => folder.remove(&file),
    }
    built
}

async fn build(
    folder: &Folder,
    projector: &Projector,
    log: &dyn EventLog,
    file: &str,
    progress: impl Fn(Position, Position),
) -> Result<Rebuilt, Error> {
    const FAST: &str = "build a view";
    let mut writer = projector.open(file)?;
    // Nobody reads it yet: it is made durable once, at the end.
    writer.connection().pragma_update(None, "synchronous", "OFF").map_err(Error::sqlite(FAST))?;
    let head = log.head().await?;
    let mut differs = None;
    if let Some(old) = folder.current()? {
        let snapshot = files::reader(&folder.path(&old))?;
        let stands = position(&snapshot)?;
        writer = projector.advance(writer, stands, |at| progress(at, head)).await?;
        // Whoever writes there goes on meanwhile; we compare with what stands there now.
        snapshot.execute_batch("BEGIN").map_err(Error::sqlite(FAST))?;
        let stands = position(&snapshot)?;
        writer = projector.advance(writer, stands, |at| progress(at, head)).await?;
        if writer.position() == stands {
            let (back, found) =
                on_thread(writer, move |writer| differences(&snapshot, writer.connection())).await?;
            writer = back;
            differs = Some(found.map_err(Error::sqlite("compare the views"))?);
        }
    }
    let head = log.head().await?;
    writer = projector.advance(writer, head, |at| progress(at, head)).await?;
    let blocked = folder.clone();
    let (writer, held) = on_thread(writer, move |_| Held::take(blocked)).await?;
    let held = held?;
    let writer = projector.advance(writer, held.stands, |at| progress(at, at.max(head))).await?;
    tokio::task::spawn_blocking(move || held.replace(writer, differs)).await.map_err(|_| Error::Closed)?
}

/// The file in use, in which nobody can write until this is dropped, and the folder, in which nobody can switch.
struct Held {
    folder: Folder,
    _alone: std::fs::File,
    old: Option<Connection>,
    /// Where it stands, and stays.
    stands: Position,
}

impl Held {
    fn take(folder: Folder) -> Result<Self, Error> {
        let alone = folder.alone()?;
        let old = folder.current()?.map(|file| files::blocked(&folder.path(&file))).transpose()?;
        let stands = old.as_ref().map_or(Ok(Position::START), position)?;
        Ok(Self { folder, _alone: alone, old, stands })
    }

    /// Puts the file of `writer` in place of the old one, which is at no later record unless the log is not its own.
    fn replace(self, writer: Writer, differs: Option<Vec<String>>) -> Result<Rebuilt, Error> {
        const FENCE: &str = "fence the old view";
        let Self { folder, old, .. } = self;
        let (file, position, parked) = (writer.file().to_owned(), writer.position(), writer.count_parked()?);
        close(&folder, writer)?;
        // Whoever was writing there stops at the old file's next commit, and finds the new one.
        if let Some(old) = &old {
            old.execute_batch("UPDATE checkpoint SET epoch = epoch + 1").map_err(Error::sqlite(FENCE))?;
        }
        let name = folder.fresh_name()?;
        folder.rename(&file, &name)?;
        folder.switch(&name)?;
        if let Some(Err(error)) = old.map(|old| old.execute_batch("COMMIT")) {
            tracing::warn!(%error, "the old view was not fenced; its writer leaves it a little later");
        }
        folder.sweep(&name)?;
        Ok(Rebuilt { file: name, position, parked, differs })
    }
}

fn position(connection: &Connection) -> Result<Position, Error> {
    checkpoint(connection).map(|(position, _)| position).map_err(Error::sqlite("read a view's checkpoint"))
}

/// Makes the file durable.
fn close(folder: &Folder, writer: Writer) -> Result<(), Error> {
    let path = folder.path(writer.file());
    writer
        .connection()
        .pragma_update(None, "synchronous", "FULL")
        .and_then(|()| {
            writer.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        })
        .map_err(Error::sqlite("make a view durable"))?;
    drop(writer);
    std::fs::File::open(&path).and_then(|file| file.sync_all()).map_err(|source| Error::Disk {
        doing: "make durable",
        path,
        source,
    })
}

/// Tables that hold different rows.
pub(crate) fn differences(old: &Connection, new: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut differing = vec![];
    for table in tables(new)? {
        if digest(old, &table)? != digest(new, &table)? {
            differing.push(table);
        }
    }
    Ok(differing)
}

/// Tables that are made of records alone, by name.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names
        .into_iter()
        .filter(|name| !BESIDE.contains(&name.as_str()) && !name.starts_with("sqlite_"))
        .collect())
}

/// A digest of every row of a table, in the order of its key.
fn digest(connection: &Connection, table: &str) -> rusqlite::Result<blake3::Hash> {
    let key: Vec<String> = connection
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?
        .query_map([table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {}", key.join(", ")))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut hasher = Hasher::new();
    while let Some(row) = rows.next()? {
        for i in 0..columns {
            match row.get_ref(i)? {
                ValueRef::Null => hasher.update(&[0]),
                ValueRef::Integer(n) => hasher.update(&[1]).update(&n.to_be_bytes()),
                ValueRef::Real(x) => hasher.update(&[2]).update(&x.to_bits().to_be_bytes()),
                ValueRef::Text(bytes) => {
                    hasher.update(&[3]).update(&(bytes.len() as u64).to_be_bytes()).update(bytes)
                }
                ValueRef::Blob(bytes) => {
                    hasher.update(&[4]).update(&(bytes.len() as u64).to_be_bytes()).update(bytes)
                }
            };
        }
    }
    Ok(hasher.finalize())
}
