//! Reading the views: read-only connections on threads of their own, every answer with the record it is true for.

mod appeal;
mod appeals;
mod figures;
mod file;
mod lines;
mod message;
mod queue;
mod state;
mod values;
mod watch;

pub use appeals::HAD;
pub use state::PARKED_SHOWN;

use std::{
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch::Receiver};
use zholdary_domain::{AppealId, MessageId, Number, Position};

use self::watch::Watcher;
use crate::{
    city::{self, InForce, NamesOf, RuleSet},
    error::Error,
    files::{self, Folder},
    model::{Answer, Checkpoint},
};

/// How the views are read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryConfig {
    /// How many questions are answered at once; the others wait. Default 4.
    pub readers: usize,
    /// How often, in milliseconds, we look whether the views moved on: the most that an answer to a writer is late by.
    /// Default 20.
    pub watch_ms: u64,
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self { readers: 4, watch_ms: 20 }
    }
}

/// What can be asked for as of an earlier record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Lists, counters, report and figures.
    Appeals,
    /// One appeal.
    Appeal(AppealId),
    /// One party's queue.
    Queue(String),
    /// Messages and what became of them.
    Messages,
    /// One message.
    Message(MessageId),
    /// Access tokens.
    Tokens,
    /// Rule sets; names in all other answers come from them.
    Rules,
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Appeals => f.write_str("appeals"),
            Self::Appeal(id) => write!(f, "appeal/{id}"),
            Self::Queue(party) => write!(f, "queue/{party}"),
            Self::Messages => f.write_str("messages"),
            Self::Message(id) => write!(f, "message/{id}"),
            Self::Tokens => f.write_str("tokens"),
            Self::Rules => f.write_str("rules"),
        }
    }
}

/// An appeal, as people and programs name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppealRef {
    /// By id.
    Id(AppealId),
    /// By its number, or a number of an earlier system.
    Number(Number),
}

impl FromStr for AppealRef {
    type Err = zholdary_domain::number::BadNumber;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(Self::Id).or_else(|_| s.parse().map(Self::Number))
    }
}

impl From<AppealId> for AppealRef {
    fn from(id: AppealId) -> Self {
        Self::Id(id)
    }
}

impl From<Number> for AppealRef {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

/// Asks the views. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Query {
    shared: Arc<Shared>,
    as_of: Option<Past>,
}

/// An earlier moment: after this record, and when that was.
#[derive(Debug, Clone, Copy)]
struct Past {
    position: Position,
    at: DateTime<Utc>,
}

struct Shared {
    folder: Folder,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
    rules: Mutex<InForce>,
    watcher: Watcher,
}

struct Reader {
    file: String,
    connection: Connection,
}

/// One question's read transaction.
pub(crate) struct Ask<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) position: Position,
    pub(crate) rules: Option<Arc<RuleSet>>,
    pub(crate) file: &'a str,
    as_of: Option<Past>,
}

impl Ask<'_> {
    pub(crate) fn names(&self) -> NamesOf<'_> {
        NamesOf(self.rules.as_deref().map(|rules| &rules.city))
    }

    /// The last record that changed `view`, its names included.
    fn changed(&self, view: &View) -> rusqlite::Result<Position> {
        let last = |sql: &str, key: String| -> rusqlite::Result<i64> {
            let found: Option<Option<i64>> =
                self.connection.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
            Ok(found.flatten().unwrap_or(0))
        };
        const NAMED: &str = "SELECT position FROM view_changed WHERE view = ?1";
        // Appeals about the same problem are counted as voices, and those split off are named.
        const RELATED: &str = "SELECT max(changed) FROM appeal WHERE parent = ?1 OR problem = ?1
            OR problem = (SELECT problem FROM appeal WHERE id = ?1)";
        // Who has left a problem is related to it no more.
        const VOICES: &str =
            "SELECT max(changed) FROM problem WHERE id IN (?1, (SELECT problem FROM appeal WHERE id = ?1))";
        // Of a message the appeal tells the number, and whether it stands in it.
        const OUTCOME: &str = "SELECT max(m.changed,
            coalesce((SELECT a.opened FROM appeal a WHERE a.id = m.appeal), 0),
            coalesce((SELECT min(t.position) FROM timeline t WHERE t.appeal = m.appeal
                      AND t.event IN ('registered', 'message_added')
                      AND json_extract(t.data, '$.message') = m.id), 0))
            FROM message m WHERE m.id = ?1";
        // Another appeal's photo may be the same, and its number is told then.
        const ALIKE: &str = "SELECT max(max(o.changed, coalesce(a.changed, 0))) FROM message m
            JOIN alike l ON l.message = m.id JOIN message o ON o.id = l.other LEFT JOIN appeal a ON a.id = o.appeal
            WHERE m.appeal = ?1";
        let own = match view {
            View::Appeal(id) => last("SELECT changed FROM appeal WHERE id = ?1", id.to_string())?
                .max(last("SELECT max(changed) FROM message WHERE appeal = ?1", id.to_string())?)
                .max(last(RELATED, id.to_string())?)
                .max(last(VOICES, id.to_string())?)
                .max(last(ALIKE, id.to_string())?),
            View::Message(id) => last(OUTCOME, id.to_string())?,
            view => last(NAMED, view.to_string())?,
        };
        let names = match view {
            View::Tokens | View::Message(_) | View::Messages => 0,
            _ => last(NAMED, View::Rules.to_string())?,
        };
        Ok(Position(own.max(names).unsigned_abs()))
    }

    /// The moment of the question: the earlier one that it is about, else `now`.
    pub(crate) fn moment(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.as_of.map_or(now, |past| past.at)
    }

    /// Whether `view` may be shown: asked as of an earlier record, it must not have changed since.
    pub(crate) fn keeps(&self, view: &View) -> Result<(), Error> {
        let Some(Past { position: as_of, .. }) = self.as_of else { return Ok(()) };
        if as_of > self.position {
            return Err(Error::NotReached { asked: as_of, position: self.position });
        }
        let changed = self.changed(view).map_err(Error::sqlite("ask when a view changed"))?;
        if changed > as_of {
            return Err(Error::AsOfNotKept { view: view.to_string(), as_of, changed });
        }
        Ok(())
    }
}

impl Query {
    /// Reads the views under the data folder, which need not be there yet.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, or a thread not be started.
    pub fn open(data: &Path, config: &QueryConfig) -> Result<Self, Error> {
        let folder = Folder::of(data);
        folder.create()?;
        let shared = Shared {
            folder,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(config.readers.max(1))),
            rules: Mutex::default(),
            watcher: Watcher::start(data, Duration::from_millis(config.watch_ms.max(1)))?,
        };
        Ok(Self { shared: Arc::new(shared), as_of: None })
    }

    /// The same questions about an earlier moment: after the record at `position`, at `at` (UTC). They are answered when no later record has changed what they ask for, else
    /// [`Error::AsOfNotKept`]; a moment that the view has not reached is [`Error::NotReached`].
    #[must_use]
    pub fn as_of(&self, position: Position, at: DateTime<Utc>) -> Self {
        Self { shared: Arc::clone(&self.shared), as_of: Some(Past { position, at }) }
    }

    /// Tells each new position of the views, from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<Position> {
        self.shared.watcher.positions().subscribe()
    }

    /// Where the views stood when we last looked (each [`QueryConfig::watch_ms`]).
    #[must_use]
    pub fn position(&self) -> Position {
        *self.shared.watcher.positions().borrow()
    }

    /// Waits until `position` is in the views.
    ///
    /// # Errors
    ///
    /// [`Error::NotReached`] when it is not within `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<Position, Error> {
        let mut positions = self.subscribe();
        let reached = tokio::time::timeout(timeout, positions.wait_for(|at| *at >= position)).await;
        match reached {
            Ok(Ok(at)) => Ok(*at),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::NotReached { asked: position, position: self.position() }),
        }
    }

    /// Whether a record after `position` has changed `view`, or names in it.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn changed_since(&self, view: View, position: Position) -> Result<Answer<bool>, Error> {
        self.ask(move |ask| {
            let changed = ask.changed(&view).map_err(Error::sqlite("ask when a view changed"))?;
            Ok(changed > position)
        })
        .await
    }

    /// How far the log is in the views.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn checkpoint(&self) -> Result<Answer<Checkpoint>, Error> {
        self.ask(|ask| Ok(Checkpoint([(0, ask.position)].into()))).await
    }

    /// The rule set in force as the views know it; none before the first is published.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn city(&self) -> Result<Option<Arc<RuleSet>>, Error> {
        Ok(self.ask(|ask| Ok(ask.rules.clone())).await?.body)
    }

    /// The rule set that was in force when the record at `position` was made: the last before it that this release reads; none
    /// when there is none. Read anew.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn city_as_of(&self, position: Position) -> Result<Option<RuleSet>, Error> {
        let read =
            move |ask: &Ask<'_>| city::as_of(ask.connection, position).map_err(Error::sqlite("read a city"));
        Ok(self.ask(read).await?.body)
    }

    /// Answers one question in one read transaction, away from async workers.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ask<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Answer<T>, Error> {
        let shared = Arc::clone(&self.shared);
        let as_of = self.as_of;
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        tokio::task::spawn_blocking(move || {
            // Held until the answer is there, also when its asker has gone.
            let _permit = permit;
            let mut reader = shared.reader()?;
            let answer = shared.answer(&mut reader, as_of, question);
            if answer.is_ok() {
                shared.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(reader);
            }
            answer
        })
        .await
        .map_err(|_| Error::Closed)?
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Query")
            .field("position", &self.position())
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A connection to the file in use.
    fn reader(&self) -> Result<Reader, Error> {
        // A file may be replaced between reading its name and opening it: then the name has changed too.
        for _ in 0..3 {
            let file = self.folder.current()?.ok_or(Error::NotReady)?;
            let known = {
                let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                idle.retain(|reader| reader.file == file);
                idle.pop()
            };
            if let Some(reader) = known {
                return Ok(reader);
            }
            match files::reader(&self.folder.path(&file)) {
                Ok(connection) => return Ok(Reader { file, connection }),
                Err(error) if self.folder.current()?.as_ref() == Some(&file) => return Err(error),
                Err(_) => {}
            }
        }
        Err(Error::NotReady)
    }

    fn answer<T>(
        &self,
        reader: &mut Reader,
        as_of: Option<Past>,
        question: impl FnOnce(&Ask<'_>) -> Result<T, Error>,
    ) -> Result<Answer<T>, Error> {
        const READ: &str = "read a view";
        let tx = reader.connection.transaction().map_err(Error::sqlite(READ))?;
        let (position, at) = checkpoint(&tx).map_err(Error::sqlite(READ))?;
        let rules = self.rules(&tx).map_err(Error::sqlite(READ))?;
        let body = question(&Ask { connection: &tx, position, rules, file: &reader.file, as_of })?;
        tx.finish().map_err(Error::sqlite(READ))?;
        Ok(Answer { position, at, body })
    }

    fn rules(&self, connection: &Connection) -> rusqlite::Result<Option<Arc<RuleSet>>> {
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner).look(connection)
    }
}

/// Position and time of the last record in a view.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<(Position, Option<DateTime<Utc>>)> {
    connection.prepare_cached("SELECT position, recorded_at FROM checkpoint WHERE part = 0")?.query_row(
        [],
        |row| {
            let position: i64 = row.get(0)?;
            let at = values::instant(row.get(1)?);
            Ok((Position(position.unsigned_abs()), at.filter(|_| position > 0)))
        },
    )
}
