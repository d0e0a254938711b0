//! Looks each few milliseconds how far the views came.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::watch;
use zholdary_domain::Position;

use super::{Reader, checkpoint};
use crate::{
    error::Error,
    files::{self, Folder},
};

/// A thread that looks until it is dropped. Afterwards nothing of ours has the file open: who drops it may move the folder.
pub(super) struct Watcher {
    position: Arc<watch::Sender<Position>>,
    /// Dropped to end the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Looks each `every` at the file in use of the views under `data`.
    pub(super) fn start(data: &Path, every: Duration) -> Result<Self, Error> {
        let folder = Folder::of(data);
        let position = Arc::new(watch::Sender::new(Position::START));
        let (stop, stopped) = mpsc::channel();
        let told = Arc::clone(&position);
        let thread = thread::Builder::new()
            .name("views-watch".into())
            .spawn(move || run(&folder, &told, &stopped, every))
            .map_err(|source| Error::Disk { doing: "watch", path: Folder::of(data).path(""), source })?;
        Ok(Self { position, stop: Some(stop), thread: Some(thread) })
    }

    /// The positions found.
    pub(super) fn positions(&self) -> &watch::Sender<Position> {
        &self.position
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("what looks at the views had panicked");
        }
    }
}

fn run(folder: &Folder, told: &watch::Sender<Position>, stopped: &mpsc::Receiver<()>, every: Duration) {
    let mut open: Option<(Reader, i64)> = None;
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        if look(folder, told, &mut open).is_none() {
            open = None;
        }
    }
}

/// One look. Nothing: there is no file, or it does not read just now.
fn look(folder: &Folder, told: &watch::Sender<Position>, open: &mut Option<(Reader, i64)>) -> Option<()> {
    let file = folder.current().ok()??;
    if open.as_ref().is_none_or(|(reader, _)| reader.file != file) {
        let connection = files::reader(&folder.path(&file)).ok()?;
        *open = Some((Reader { file, connection }, -1));
    }
    let (reader, seen) = open.as_mut()?;
    let version: i64 = reader.connection.pragma_query_value(None, "data_version", |row| row.get(0)).ok()?;
    if version != *seen {
        *seen = version;
        let (position, _) = checkpoint(&reader.connection).ok()?;
        told.send_if_modified(|at| std::mem::replace(at, position) != position);
    }
    Some(())
}
