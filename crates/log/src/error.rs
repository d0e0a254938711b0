//! How the log fails, and what each failure lets the caller conclude.

use zholdary_domain::{CommandId, Position, StreamId};

/// Why an append wrote nothing, or may have.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Someone else recorded a decision first. Nothing was written; load again and decide again.
    #[error("the stream moved on: record {winner} came first, it is at version {version} now")]
    Conflict {
        /// The record that stands where this one wanted to stand; [`Position::START`] when the stream is shorter than
        /// the caller believes.
        winner: Position,
        /// How many records the stream has now.
        version: u64,
    },
    /// The log did not say whether the record was written. Append again under the same command id.
    #[error("the log did not confirm command {0}: it may or may not be recorded")]
    OutcomeUnknown(CommandId),
    /// The log is busy or out of reach for longer than its settings allow. Nothing was written.
    #[error("the log is not available")]
    Unavailable(#[source] Source),
    /// The record would be larger than the engine takes. Nothing was written; waiting does not help.
    #[error("a record of {bytes} bytes is larger than the {limit} bytes the log takes")]
    TooLarge {
        /// Length of the record.
        bytes: usize,
        /// The most that the engine takes.
        limit: usize,
    },
    /// The log itself is damaged. Nothing was written.
    #[error("the log is damaged at record {position}")]
    Corrupt {
        /// The record that is not what it should be.
        position: Position,
    },
    /// The engine stopped after an error of the disk, and takes nothing more until it is opened again. Nothing was
    /// written.
    #[error("the log failed earlier and takes no more records until it is opened again")]
    Failed,
}

impl AppendError {
    /// Whether the same append, tried later, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::OutcomeUnknown(_) | Self::Unavailable(_) => true,
            Self::Conflict { .. } | Self::TooLarge { .. } | Self::Corrupt { .. } | Self::Failed => false,
        }
    }
}

/// What the engine below says, as text for people.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A record is missing between others. Readers stop here; a hole is never skipped.
    #[error("records are missing: expected record {expected}, found {found}")]
    Gap {
        /// The first record that is missing.
        expected: Position,
        /// The one found instead.
        found: Position,
    },
    /// The reader stands after the end of the log: its checkpoint belongs to another log, or records were lost.
    #[error("asked for what follows record {after}, but the log ends at {head}")]
    Ahead {
        /// Where the reader stands.
        after: Position,
        /// Where the log ends.
        head: Position,
    },
    /// The log ends before records that this process read or wrote.
    #[error(
        "the log ends at record {head}, but record {seen} was there: it lost its end, or was restored from an older backup. \
         Stop every process that uses it, restore a copy that holds record {seen}, then start them again; if there is none, \
         what came after record {head} is lost, and views and workers must be built anew"
    )]
    LostEnd {
        /// The last record that this process knew of.
        seen: Position,
        /// Where the log ends now.
        head: Position,
    },
    /// A record is not what was written, or does not follow the one before it.
    #[error("record {position} is damaged")]
    Corrupt {
        /// The damaged record.
        position: Position,
    },
    /// The log cannot be read now; later it may.
    #[error("the log is not available for reading")]
    Unavailable(#[source] Source),
    /// The log was closed while waiting, or its engine stopped after an error of the disk: nothing more will come.
    #[error("the log was closed")]
    Closed,
}

impl ReadError {
    /// Whether the same read, tried later, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Events that do not serialise.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// A decision without events is not recorded.
    #[error("a record without events")]
    Empty,
    /// An event does not serialise.
    #[error("an event does not serialise")]
    Json(#[source] serde_json::Error),
}

/// A record that does not read as what the reader expects. Waiting does not help; a newer release may.
///
/// It says where and of what kind the trouble is, never what stands there: that may be about a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {position} does not read: {what}")]
pub struct DecodeError {
    /// The record.
    pub position: Position,
    what: String,
}

impl DecodeError {
    pub(crate) fn json(position: Position, error: &serde_json::Error) -> Self {
        // Messages of these kinds name our own fields and events; any other may quote what it found.
        const SAFE: [&str; 4] = ["missing field", "unknown variant", "unknown field", "duplicate field"];
        let said = error.to_string();
        let what = if SAFE.iter().any(|safe| said.starts_with(safe)) {
            said
        } else {
            format!("{:?} error at column {}", error.classify(), error.column())
        };
        Self { position, what }
    }

    pub(crate) fn not_utf8(position: Position) -> Self {
        Self { position, what: "not UTF-8".to_owned() }
    }

    pub(crate) fn newer(position: Position, found: u16, known: u16) -> Self {
        Self { position, what: format!("its schema is {found}, this release reads up to {known}") }
    }
}

/// The log belongs to another `id.key`, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Ids made under the offered key would double every message that is delivered again.
    #[error(
        "this log was begun with id.key {bound}, but the key here is {offered}: restore the right id.key"
    )]
    OtherKey {
        /// Fingerprint of the key that the log was begun with.
        bound: String,
        /// Fingerprint of the key offered.
        offered: String,
    },
    /// The log could not be asked.
    #[error("the log is not available")]
    Unavailable(#[source] Source),
}

/// Why the log could not be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine is older than the first one that is safe.
    #[error(
        "SQLite {found} can lose commits when several connections write ahead; at least {least} is needed: build with \
         the bundled SQLite"
    )]
    OldSqlite {
        /// The version linked.
        found: String,
        /// The first good one.
        least: &'static str,
    },
    /// Locks and shared memory do not work over a network.
    #[error(
        "{folder} is on a network file system ({kind}); keep the log on a disk of this machine, or use NATS"
    )]
    NetworkFileSystem {
        /// The folder asked for.
        folder: String,
        /// The kind of file system.
        kind: String,
    },
    /// A file that is not ours stands where the log should be.
    #[error("{file} is not a Zholdary log; choose another data folder")]
    NotALog {
        /// The file found.
        file: String,
    },
    /// A newer release wrote the file.
    #[error(
        "{file} has format {found}, this release reads up to {known}: use the newer release that wrote it"
    )]
    NewerFormat {
        /// The file found.
        file: String,
        /// Its format.
        found: i64,
        /// The newest format that this release knows.
        known: i64,
    },
    /// The servers do not answer, or do not let us in.
    #[error("cannot connect to NATS at {servers}: check that it runs, the address, and the credentials")]
    Connect {
        /// The servers asked for.
        servers: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The server is older than the first one that is safe.
    #[error("nats-server {found} is too old, at least {least} is needed")]
    OldServer {
        /// What it says it is.
        found: String,
        /// The first good one.
        least: &'static str,
    },
    /// Nobody has made the log.
    #[error("there is no {stream} on these servers: have an operator run `zholdary log init`")]
    NoStream {
        /// The stream or bucket asked for.
        stream: String,
    },
    /// The stream is set up so that records could be lost.
    #[error(
        "stream {stream} endangers its records: {setting} must be {expected}; set it right (`nats stream edit`), or \
         make another log with `zholdary log init`"
    )]
    Unsafe {
        /// The stream.
        stream: String,
        /// The setting, as the server calls it.
        setting: &'static str,
        /// What it must be.
        expected: String,
    },
    /// The servers forbid what a role needs.
    #[error(
        "NATS forbids it ({said}): give the user of this role that permission in the servers' configuration"
    )]
    Denied {
        /// What the server says.
        said: String,
    },
    /// The log could not be made.
    #[error(
        "could not make {what} on the servers: check that JetStream is enabled there, that this user may make streams, that \
         there is room, and that at least as many servers run as should keep it"
    )]
    Make {
        /// The stream or bucket.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// A setting makes no sense.
    #[error("setting {name} must be {expected}")]
    BadSetting {
        /// The field of the configuration.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// What the settings name to log in with cannot be read.
    #[error("cannot read {name} {file}: check the path, and that this user may read it")]
    Credentials {
        /// The setting.
        name: &'static str,
        /// The file that it names.
        file: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The folder cannot be used.
    #[error("{folder} cannot be used as a data folder: check that this user may write there")]
    Folder {
        /// The folder asked for.
        folder: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file cannot be used.
    #[error("{file} cannot be opened as a log: check that this user may read and write it, and its disk")]
    File {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: Source,
    },
}

/// The first thing wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A record is not what it should be. Everything before it is sound.
    #[error("record {position}: {fault}")]
    Record {
        /// The first bad position.
        position: Position,
        /// What is wrong there.
        fault: Fault,
    },
    /// What guards the records (indexes, append-only triggers) is not as it was made; the records themselves are sound.
    #[error("the records are sound, but the file is not: {0}")]
    File(String),
    /// The check could not be finished; it says nothing about the log.
    #[error("the log could not be checked")]
    Unchecked(#[source] ReadError),
}

impl Damage {
    /// The first bad position, when the damage has one.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Record { position, .. } => Some(*position),
            Self::File(_) | Self::Unchecked(_) => None,
        }
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing stands at the position, though later records exist.
    #[error("it is missing")]
    Missing,
    /// The log once went further: its tail was cut off.
    #[error("it and all later ones up to {head} are cut off")]
    CutOff {
        /// The last record that the log knew of.
        head: Position,
    },
    /// The bytes do not have the hash written beside them.
    #[error("its bytes were changed")]
    Bytes,
    /// The bytes are not a record of this log.
    #[error("its bytes are not a record of this log")]
    Envelope,
    /// What stands beside the bytes says something else than they do.
    #[error("its index columns say something else than its bytes")]
    Columns,
    /// It does not follow the record before it in its stream.
    #[error("it does not follow the record before it in stream {0}")]
    Stream(StreamId),
    /// It is earlier than the record before it.
    #[error("its time goes back")]
    Time,
    /// It does not follow the record before it in the log.
    #[error("it does not follow the record before it in the chain over the whole log")]
    Chain,
}
