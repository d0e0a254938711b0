//! Photos that people add, kept under the hash of their bytes before anything is recorded that names them: in the data folder, or on the
//! servers of a log on NATS.
//!
//! What arrives goes piece by piece into a draft on the disk, so that no photo stands in memory and its name is known before it is kept. A
//! draft that leads to nothing is removed when it is dropped, or, after a kill, by the next start that is alone in its folder.

mod drafts;
mod folder;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use zholdary_domain::FileId;
use zholdary_log::jetstream::{self, BodyError};

pub use self::drafts::{Draft, Incoming};
use self::{drafts::Drafts, folder::Folder};

/// What the store is called in the data folder.
const FOLDER: &str = "files";

/// Why a file could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder cannot be used.
    #[error("{folder} cannot be used for files")]
    Open {
        /// The folder.
        folder: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than its reader wanted.
    #[error("a file is larger than the {limit} bytes that are taken")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The disk or the servers stand in the way.
    #[error("the store of files is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is kept under a file's name is not that file.
    #[error("the file {name} is damaged")]
    Damaged {
        /// Its name.
        name: String,
    },
}

impl FileError {
    /// Whether the same call, made later, may succeed.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<tokio::task::JoinError> for FileError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<BodyError> for FileError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Unavailable(source) => Self::Unavailable(source),
            BodyError::Damaged { name } => Self::Damaged { name },
        }
    }
}

/// Where files are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FileStore {
    drafts: Arc<Drafts>,
    kept: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    Folder(Folder),
    Servers(jetstream::Files),
}

impl FileStore {
    /// Keeps files in the folder `data`, for a log in a SQLite file. Blocks; for start-up.
    ///
    /// # Errors
    ///
    /// [`FileError::Open`].
    pub fn in_folder(data: &Path) -> Result<Self, FileError> {
        let folder = data.join(FOLDER);
        let drafts = Drafts::open(&folder)?;
        Ok(Self { drafts: Arc::new(drafts), kept: Kept::Folder(Folder::new(folder)) })
    }

    /// Keeps files in `servers`; what arrives waits in the folder `data` until it is there. Blocks; for start-up.
    ///
    /// # Errors
    ///
    /// [`FileError::Open`].
    pub fn on_servers(data: &Path, servers: jetstream::Files) -> Result<Self, FileError> {
        let drafts = Drafts::open(&data.join(FOLDER))?;
        Ok(Self { drafts: Arc::new(drafts), kept: Kept::Servers(servers) })
    }

    /// Begins a file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`FileError::Unavailable`].
    pub async fn begin(&self, limit: usize) -> Result<Incoming, FileError> {
        self.drafts.begin(limit).await
    }

    /// Keeps a file under its name. Answered well, it is as durable as a record. Repeated, nothing changes.
    ///
    /// # Errors
    ///
    /// [`FileError`]; bring it again.
    pub async fn keep(&self, draft: Draft) -> Result<(), FileError> {
        match &self.kept {
            Kept::Folder(folder) => folder.keep(draft).await,
            Kept::Servers(servers) => {
                let (name, length) = (draft.id().to_string(), draft.bytes());
                Ok(servers.put(&name, length, |from, to| draft.read(from, to)).await?)
            }
        }
    }

    /// Whether a file of this name is kept.
    ///
    /// # Errors
    ///
    /// [`FileError::Unavailable`].
    pub async fn has(&self, id: &FileId) -> Result<bool, FileError> {
        match &self.kept {
            Kept::Folder(folder) => folder.has(id).await,
            Kept::Servers(servers) => Ok(servers.has(id.as_str()).await?),
        }
    }

    /// The file of this name, when one is kept.
    ///
    /// # Errors
    ///
    /// [`FileError`].
    pub async fn get(&self, id: &FileId) -> Result<Option<Bytes>, FileError> {
        let found = match &self.kept {
            Kept::Folder(folder) => folder.get(id).await?,
            Kept::Servers(servers) => servers.get(id.as_str()).await?,
        };
        match found {
            Some(bytes) if blake3::hash(&bytes).to_hex().as_str() != id.as_str() => {
                Err(FileError::Damaged { name: id.to_string() })
            }
            found => Ok(found),
        }
    }
}
