//! The folder of the views: one file a build, and `current`, which names the one in use.
//!
//! A file is called `<schema>-<n>.db`. Another schema means another file, built beside; `n` only grows, so a name never
//! comes back. A rebuild works in `<name>.building`, which no projector takes for a view, and gives it its name when it
//! is complete.
//!
//! Two locks of the system keep processes apart: `rebuild.lock` is held by the one rebuild, `current.lock` for the short time
//! in which a file gets its name, is put into use, or old ones are deleted.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, functions::FunctionFlags};

use crate::error::Error;

/// Version of the tables and of what is put into them. Any change of either makes the views anew, beside the old ones.
pub(crate) const SCHEMA: u32 = 10;

/// How long a writer waits for another one.
pub(crate) const WRITER_WAITS: Duration = Duration::from_secs(10);

const TABLES: &str = include_str!("schema.sql");
const CURRENT: &str = "current";
const BUILDING: &str = ".building";
/// «ZhVw»: the file is one of ours.
const APPLICATION: i32 = 0x5a68_5677;

/// The folder of the views under the data folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

fn disk<'a>(doing: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Error + 'a {
    move |source| Error::Disk { doing, path: path.to_owned(), source }
}

impl Folder {
    pub(crate) fn of(data: &Path) -> Self {
        Self(data.join("views"))
    }

    pub(crate) fn create(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.0).map_err(disk("create", &self.0))
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// The file in use, when this release can read it.
    pub(crate) fn current(&self) -> Result<Option<String>, Error> {
        Ok(self.any_current()?.filter(|name| parts(name).is_some_and(|(schema, _)| schema == SCHEMA)))
    }

    fn any_current(&self) -> Result<Option<String>, Error> {
        let path = self.path(CURRENT);
        match fs::read_to_string(&path) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| parts(name).is_some())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk("read", &path)(error)),
        }
    }

    /// Whether a file of another release is in use: it stays so until ours is complete.
    pub(crate) fn is_anothers(&self) -> Result<bool, Error> {
        Ok(self.any_current()?.is_some() && self.current()?.is_none())
    }

    /// Puts `file` into use, at once for everybody.
    pub(crate) fn switch(&self, file: &str) -> Result<(), Error> {
        let (new, path) = (self.path("current.new"), self.path(CURRENT));
        let write = || -> std::io::Result<()> {
            let mut out = fs::File::create(&new)?;
            out.write_all(file.as_bytes())?;
            out.sync_all()?;
            fs::rename(&new, &path)?;
            fs::File::open(&self.0)?.sync_all()
        };
        write().map_err(disk("switch", &path))
    }

    /// A name that was never used here.
    pub(crate) fn fresh_name(&self) -> Result<String, Error> {
        let highest = self.files()?.iter().filter_map(|name| parts(name)).map(|(_, n)| n).max();
        let current = self.any_current()?.and_then(|name| parts(&name)).map(|(_, n)| n);
        Ok(name(highest.max(current).unwrap_or(0) + 1))
    }

    /// An unfinished file of this release that is newer than the one in use, to go on with.
    pub(crate) fn begun(&self) -> Result<Option<String>, Error> {
        let current = self.any_current()?.and_then(|name| parts(&name)).map_or(0, |(_, n)| n);
        let mine = |name: &String| parts(name).is_some_and(|(schema, n)| schema == SCHEMA && n > current);
        Ok(self.files()?.into_iter().filter(mine).max_by_key(|name| parts(name)))
    }

    fn files(&self) -> Result<Vec<String>, Error> {
        Ok(self.names()?.into_iter().filter(|name| parts(name).is_some()).collect())
    }

    /// Whatever lies in the folder.
    fn names(&self) -> Result<Vec<String>, Error> {
        let read = disk("list", &self.0);
        let mut names = vec![];
        for entry in fs::read_dir(&self.0).map_err(&read)? {
            if let Ok(name) = entry.map_err(&read)?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Deletes a file and what SQLite keeps beside it. Readers that have it open read on.
    pub(crate) fn remove(&self, file: &str) {
        for suffix in ["", "-wal", "-shm"] {
            let path = self.path(&format!("{file}{suffix}"));
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "could not delete an old view file; it is of no more use");
            }
        }
    }

    /// Deletes every view file but the one in use and `own`, and what an unfinished rebuild left, unless one is at work. So no
    /// old copy of what is personal outlives a crash.
    pub(crate) fn sweep(&self, own: &str) -> Result<(), Error> {
        let current = self.any_current()?;
        let building = self.rebuilding()?;
        for name in self.names()? {
            let file = ["-wal", "-shm"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            let old = match file.strip_suffix(BUILDING) {
                Some(of) => building.is_some() && parts(of).is_some(),
                None => parts(file).is_some() && file != own && Some(file) != current.as_deref(),
            };
            if old {
                self.remove(file);
            }
        }
        Ok(())
    }

    /// Becomes the one rebuild of these views, until the file is dropped; none while another one is.
    pub(crate) fn rebuilding(&self) -> Result<Option<fs::File>, Error> {
        let path = self.path("rebuild.lock");
        let lock = disk("lock", &path);
        let file = lock_file(&path).map_err(&lock)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(lock(error)),
        }
    }

    /// Waits until nobody else gives names, switches or deletes, and keeps others from it until the file is dropped.
    pub(crate) fn alone(&self) -> Result<fs::File, Error> {
        let path = self.path("current.lock");
        let lock = || -> std::io::Result<fs::File> {
            let file = lock_file(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(disk("lock", &path))
    }

    /// Gives a complete file, which nobody has open, its name.
    pub(crate) fn rename(&self, file: &str, name: &str) -> Result<(), Error> {
        let path = self.path(file);
        fs::rename(&path, self.path(name)).map_err(disk("rename", &path))
    }
}

/// The `n`th file of this release.
pub(crate) fn name(n: u64) -> String {
    format!("{SCHEMA}-{n}.db")
}

/// What a rebuild calls a file until it is complete: [`parts`] knows no such name.
pub(crate) fn building(name: &str) -> String {
    format!("{name}{BUILDING}")
}

fn lock_file(path: &Path) -> std::io::Result<fs::File> {
    fs::File::options().create(true).truncate(false).write(true).open(path)
}

/// Schema and number of a view file's name.
fn parts(name: &str) -> Option<(u32, u64)> {
    let (schema, n) = name.strip_suffix(".db")?.split_once('-')?;
    Some((schema.parse().ok()?, n.parse().ok()?))
}

/// Opens `path` for writing, and makes its tables when it is new.
pub(crate) fn writer(path: &Path) -> Result<Connection, Error> {
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(WRITER_WAITS)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A power cut takes rows and checkpoint back together; replay repairs both.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What is erased must not stay in free pages.
        connection.pragma_update(None, "secure_delete", true)?;
        // A commit that split a page walks through the whole cache of SQLite: a large one costs more than it spares.
        connection.pragma_update(None, "cache_size", -8_192)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Otherwise a statement is prepared anew whenever its plan could hang on what is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(128);
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if tx.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))? != APPLICATION {
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "application_id", APPLICATION)?;
        }
        tx.commit()?;
        Ok(connection)
    };
    open().map_err(Error::sqlite("open a view for writing"))
}

/// Opens `path` and keeps every writer out of it until the connection is dropped or commits.
pub(crate) fn blocked(path: &Path) -> Result<Connection, Error> {
    let open = || -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(connection)
    };
    open().map_err(Error::sqlite("keep writers out of a view"))
}

/// Opens `path` for reading only.
pub(crate) fn reader(path: &Path) -> Result<Connection, Error> {
    let open = || -> rusqlite::Result<Connection> {
        // Not opened as read-only: a reader of a WAL file may have to make its shared memory.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(64);
        let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("lowered", 1, pure, |context| {
            Ok(context.get_raw(0).as_str_or_null()?.map(str::to_lowercase))
        })?;
        Ok(connection)
    };
    open().map_err(Error::sqlite("open a view for reading"))
}
