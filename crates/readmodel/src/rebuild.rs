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
    projector::{Projector, ProjectorConfig, writer::Writer},
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
    let mut differs = None;
    loop {
        let head = log.head().await?;
        writer = projector.advance(writer, head, |at| progress(at, head)).await?;
        let Some(old) = folder.current()? else { break };
        let mut reader = files::reader(&folder.path(&old))?;
        let tx = reader.transaction().map_err(Error::sqlite(FAST))?;
        let (stands, _) = checkpoint(&tx).map_err(Error::sqlite(FAST))?;
        if stands > writer.position() && log.head().await? > writer.position() {
            continue; // it moved on meanwhile: no reader may see the views go back
        }
        if stands == writer.position() {
            differs = Some(differences(&tx, writer.connection()).map_err(Error::sqlite(FAST))?);
        }
        break;
    }
    let (position, parked) = (writer.position(), writer.count_parked()?);
    close(folder, writer)?;
    let _alone = folder.alone()?;
    let name = folder.fresh_name()?;
    folder.rename(file, &name)?;
    folder.switch(&name)?;
    folder.sweep(&name)?;
    Ok(Rebuilt { file: name, position, parked, differs })
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
