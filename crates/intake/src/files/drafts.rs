//! Files on their way in: on the disk, under no name yet.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tempfile::TempPath;
use tokio::{io::AsyncWriteExt, task::spawn_blocking};
use zholdary_domain::FileId;
use zholdary_media::{Examined, Limits, Refused, examine};

use super::FileError;

/// Where drafts are, beside what is kept.
const INCOMING: &str = "incoming";
/// Held, together with others, by whoever may have drafts there.
const LOCK: &str = "incoming.lock";

/// The folder of drafts.
#[derive(Debug)]
pub(super) struct Drafts {
    folder: PathBuf,
    /// While somebody holds it nobody takes the drafts for leftovers.
    _lock: File,
}

impl Drafts {
    /// Opens the drafts in the folder `files`, and removes those of processes that were killed.
    pub(super) fn open(files: &Path) -> Result<Self, FileError> {
        let folder = files.join(INCOMING);
        let open = || -> std::io::Result<File> {
            fs::create_dir_all(&folder)?;
            let lock =
                File::options().create(true).truncate(false).read(true).write(true).open(files.join(LOCK))?;
            match lock.try_lock() {
                Ok(()) => {
                    for entry in fs::read_dir(&folder)? {
                        fs::remove_file(entry?.path())?;
                    }
                    lock.unlock()?;
                }
                // Others are at work here: a later start removes what was left before.
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            lock.lock_shared()?;
            Ok(lock)
        };
        match open() {
            Ok(lock) => Ok(Self { folder, _lock: lock }),
            Err(source) => Err(FileError::Open { folder: folder.display().to_string(), source }),
        }
    }

    pub(super) async fn begin(&self, limit: usize) -> Result<Incoming, FileError> {
        let folder = self.folder.clone();
        let draft = spawn_blocking(move || tempfile::NamedTempFile::new_in(folder)).await??;
        let (file, path) = draft.into_parts();
        Ok(Incoming {
            file: tokio::fs::File::from_std(file),
            path,
            hasher: Box::new(blake3::Hasher::new()),
            bytes: 0,
            limit,
        })
    }
}

/// A file while it arrives. Dropped, nothing of it stays.
#[derive(Debug)]
pub struct Incoming {
    file: tokio::fs::File,
    path: TempPath,
    hasher: Box<blake3::Hasher>,
    bytes: usize,
    limit: usize,
}

impl Incoming {
    /// Adds what came next.
    ///
    /// # Errors
    ///
    /// [`FileError::TooLarge`], [`FileError::Unavailable`].
    pub async fn add(&mut self, piece: &[u8]) -> Result<(), FileError> {
        self.bytes += piece.len();
        if self.bytes > self.limit {
            return Err(FileError::TooLarge { limit: self.limit });
        }
        self.hasher.update(piece);
        Ok(self.file.write_all(piece).await?)
    }

    /// The whole file.
    ///
    /// # Errors
    ///
    /// [`FileError::Unavailable`].
    pub async fn finish(mut self) -> Result<Draft, FileError> {
        self.file.flush().await?;
        let hash = self.hasher.finalize().to_hex().to_string();
        Ok(Draft {
            file: Arc::new(self.file.into_std().await),
            path: self.path,
            id: hash.parse().expect("BLAKE3 in hexadecimal names a file"),
            bytes: self.bytes,
        })
    }
}

/// A file that came whole and is not kept yet. Dropped, nothing of it stays.
#[derive(Debug)]
pub struct Draft {
    file: Arc<File>,
    path: TempPath,
    id: FileId,
    bytes: usize,
}

impl Draft {
    /// The name under which it will be kept.
    #[must_use]
    pub const fn id(&self) -> &FileId {
        &self.id
    }

    /// How long it is.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What it is, or why it is not taken. One call at a time, and none while it is being kept.
    ///
    /// # Errors
    ///
    /// [`FileError::Unavailable`].
    pub async fn examine(&self, limits: &Limits) -> Result<Result<Examined, Refused>, FileError> {
        let bytes = self.read(0, self.bytes).await.map_err(FileError::Unavailable)?;
        let limits = limits.clone();
        Ok(spawn_blocking(move || examine(&bytes, &limits)).await?)
    }

    /// Its bytes from one place up to another. One call at a time: the place in the file is shared.
    pub(super) fn read(
        &self,
        from: usize,
        to: usize,
    ) -> impl Future<Output = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + use<> {
        let file = Arc::clone(&self.file);
        let read = move || {
            let mut piece = vec![0; to - from];
            let mut file: &File = &file;
            file.seek(SeekFrom::Start(from as u64))?;
            file.read_exact(&mut piece)?;
            Ok::<_, std::io::Error>(Bytes::from(piece))
        };
        async move { Ok(spawn_blocking(read).await??) }
    }

    /// Tells the disk to keep the bytes, and gives the file a name that lasts. Blocks.
    pub(super) fn keep_as(self, path: &Path) -> std::io::Result<()> {
        self.file.sync_all()?;
        self.path.persist(path).map_err(|error| error.error)
    }
}
