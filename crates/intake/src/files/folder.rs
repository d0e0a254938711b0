//! Files in the data folder: `files/<first two digits>/<name>`.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use tokio::task::spawn_blocking;
use zholdary_domain::FileId;

use super::{Draft, FileError};

/// The folder of what is kept.
#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder.into())
    }

    fn path(&self, id: &FileId) -> PathBuf {
        self.0.join(&id.as_str()[..2]).join(id.as_str())
    }

    /// A file that is there already is replaced by the same bytes: one that the disk had damaged is whole again.
    pub(super) async fn keep(&self, draft: Draft) -> Result<(), FileError> {
        let (root, path) = (Arc::clone(&self.0), self.path(draft.id()));
        let keep = move || -> std::io::Result<()> {
            let folder = path.parent().unwrap_or(&root);
            fs::create_dir_all(folder)?;
            draft.keep_as(&path)?;
            // The names too: of the file in its folder, of the folder in ours.
            File::open(folder)?.sync_all()?;
            File::open(&root)?.sync_all()
        };
        Ok(spawn_blocking(keep).await??)
    }

    pub(super) async fn has(&self, id: &FileId) -> Result<bool, FileError> {
        Ok(tokio::fs::try_exists(self.path(id)).await?)
    }

    pub(super) async fn get(&self, id: &FileId) -> Result<Option<Bytes>, FileError> {
        match tokio::fs::read(self.path(id)).await {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
