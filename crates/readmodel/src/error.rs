//! How the views fail, and what each failure lets the caller conclude.

use std::path::PathBuf;

use zholdary_domain::Position;
use zholdary_log::ReadError;

/// Why a view gave nothing, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no view of this release yet: it is being built, or no projector has run here.
    #[error("the views are not built yet")]
    NotReady,
    /// The view has moved on since, and the past is not kept.
    #[error("{view} has changed at record {changed}, its state as of record {as_of} is not kept")]
    AsOfNotKept {
        /// The view.
        view: String,
        /// What was asked for.
        as_of: Position,
        /// The last record that changed the view.
        changed: Position,
    },
    /// The view does not know that record yet.
    #[error("the views stand at record {position}, before record {asked}")]
    NotReached {
        /// What was asked for.
        asked: Position,
        /// Where the view stands.
        position: Position,
    },
    /// The place in a list where the next page begins does not read.
    #[error("this is not a place in the list: start again from its beginning")]
    BadCursor,
    /// What to count by is none of the columns.
    #[error("appeals are not counted by {0:?}: use day, category, district, party, channel, state")]
    BadColumn(String),
    /// Another projector writes this view now. This one must stop.
    #[error("another projector has taken over {file}")]
    Fenced {
        /// The view's file.
        file: String,
    },
    /// Somebody rebuilds these views just now. Wait until that is done.
    #[error("the views are being rebuilt already")]
    Rebuilding,
    /// The view was made from another log. Rebuild it.
    #[error("{file} was made from another log: rebuild the views")]
    OtherLog {
        /// The view's file.
        file: String,
    },
    /// The log could not be read. When it ends before the view's last record, rebuild the views.
    #[error("the log could not be read")]
    Log(#[source] ReadError),
    /// SQLite failed.
    #[error("could not {doing}")]
    Sqlite {
        /// What we were doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: rusqlite::Error,
    },
    /// The folder of the views failed.
    #[error("could not {doing} {path}", path = path.display())]
    Disk {
        /// What we were doing.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// What stands in the view does not read: it was damaged, or written by another release. Rebuild it.
    #[error("the view holds something that does not read ({what}): rebuild it")]
    Damaged {
        /// What does not read.
        what: &'static str,
    },
    /// The task that was at work is gone: the process is stopping.
    #[error("the views are being closed")]
    Closed,
}

impl Error {
    pub(crate) fn sqlite(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Sqlite { doing, source }
    }

    /// Whether the same question, asked later, may be answered.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotReady | Self::NotReached { .. } => true,
            Self::Log(source) => source.is_transient(),
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    rusqlite::ErrorCode::DatabaseBusy
                        | rusqlite::ErrorCode::DatabaseLocked
                        | rusqlite::ErrorCode::DiskFull
                )
            ),
            _ => false,
        }
    }
}

impl From<ReadError> for Error {
    fn from(source: ReadError) -> Self {
        Self::Log(source)
    }
}
