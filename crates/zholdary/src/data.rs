//! The folder of state: what stands where, the key of ids, the lock of the workers.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use zholdary_domain::IdKey;

/// The folder of state.
#[derive(Debug, Clone)]
pub(crate) struct Data(PathBuf);

impl Data {
    /// The folder, made when there is none.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .with_context(|| format!("could not make the data folder {}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }

    /// A folder that must be there already: a wrong name is no empty installation.
    pub(crate) fn existing(folder: &Path) -> anyhow::Result<Self> {
        if !folder.is_dir() {
            bail!(
                "there is no data folder {}: name the installation's own with --data DIR",
                folder.display()
            );
        }
        Ok(Self(folder.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The key of ids, made once. Whoever makes it at the same time as another takes the one that came first.
    pub(crate) fn id_key(&self) -> anyhow::Result<IdKey> {
        let path = self.0.join("id.key");
        let what = || format!("the key of ids {}", path.display());
        match File::open(&path) {
            Ok(file) => return read_key(file).with_context(what),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(what),
        }
        let mut key = [0; IdKey::LEN_BYTES];
        getrandom::fill(&mut key).map_err(|e| anyhow::anyhow!("the system gave no random bytes: {e}"))?;
        // Written whole beside it, then linked under its name: nobody ever reads half a key.
        let draft = self.0.join(format!("id.key.{}", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft).with_context(what)?;
        file.write_all(hex::encode(key).as_bytes()).and_then(|()| file.sync_all()).with_context(what)?;
        let linked = std::fs::hard_link(&draft, &path);
        std::fs::remove_file(&draft).with_context(what)?;
        match linked {
            Ok(()) => File::open(&self.0).and_then(|folder| folder.sync_all()).with_context(what)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(what),
        }
        File::open(&path).map_err(Into::into).and_then(read_key).with_context(what)
    }

    /// Whether views are, or were, written here.
    pub(crate) fn has_views(&self) -> bool {
        self.0.join("views").is_dir()
    }

    pub(crate) fn has_id_key(&self) -> bool {
        self.0.join("id.key").exists()
    }

    /// The lock `name`. Nothing when another process holds it.
    pub(crate) fn lock(&self, name: &str) -> anyhow::Result<Option<File>> {
        let path = self.0.join(name);
        let what = || format!("the lock {}", path.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(&path)
            .with_context(what)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(what),
        }
    }
}

fn read_key(mut file: File) -> anyhow::Result<IdKey> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut key = [0; IdKey::LEN_BYTES];
    if hex::decode_to_slice(text.trim(), &mut key).is_err() {
        bail!("it is not {} hexadecimal digits: put the installation's own key back", 2 * key.len());
    }
    Ok(IdKey::new(key))
}
