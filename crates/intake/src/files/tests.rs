//! What every store of files promises.

use std::path::Path;

use tempfile::TempDir;
use zholdary_log::{
    JetStreamConfig, JetStreamLog, Metrics,
    jetstream::{Init, init},
};
use zholdary_natsd::{Options, Server, find};

use super::*;

/// A store of each kind, and what it stands on.
struct Stores {
    stores: Vec<(&'static str, FileStore)>,
    _server: Server,
    folder: TempDir,
}

async fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::in_folder(folder.path().join("server"));
    let server = Server::start(&find().unwrap(), &options).await.unwrap();
    let nats = JetStreamConfig::at(&server.url());
    init(&nats, &Init::default()).await.unwrap();
    let log = JetStreamLog::open(nats, Metrics::unregistered()).await.unwrap();
    let servers = FileStore::on_servers(&folder.path().join("other"), log.files().await.unwrap()).unwrap();
    let here = FileStore::in_folder(&folder.path().join("data")).unwrap();
    Stores { stores: vec![("folder", here), ("servers", servers)], _server: server, folder }
}

async fn draft(files: &FileStore, bytes: &[u8]) -> Result<Draft, FileError> {
    let mut incoming = files.begin(3 << 20).await?;
    for piece in bytes.chunks(100_000) {
        incoming.add(piece).await?;
    }
    incoming.finish().await
}

/// What lies in a folder and all below, but the lock.
fn lies_in(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries
        .map(|path| match path.is_dir() {
            true => lies_in(&path),
            false => usize::from(!path.ends_with("incoming.lock")),
        })
        .sum()
}

fn photo(length: usize) -> Vec<u8> {
    let mut photo = vec![7; length];
    photo[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    photo
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_photo_is_kept_once_and_read_again() {
    let all = stores().await;
    for (name, files) in &all.stores {
        for length in [4, 600_000, 2_000_000] {
            let photo = photo(length);
            let (one, other) = tokio::join!(draft(files, &photo), draft(files, &photo));
            let (one, other) = (one.unwrap(), other.unwrap());
            let id = one.id().clone();
            assert_eq!(id.as_str(), blake3::hash(&photo).to_hex().as_str(), "{name}");
            assert_eq!(one.bytes(), length, "{name}");
            assert!(!files.has(&id).await.unwrap() && files.get(&id).await.unwrap().is_none(), "{name}");
            let (first, second) = tokio::join!(files.keep(one), files.keep(other));
            first.and(second).unwrap();
            assert!(files.has(&id).await.unwrap(), "{name}");
            assert_eq!(files.get(&id).await.unwrap().as_deref(), Some(&photo[..]), "{name}");
        }
    }
    assert_eq!(lies_in(&all.folder.path().join("data")), 3, "each once, and no drafts");
    assert_eq!(lies_in(&all.folder.path().join("other")), 0, "on the servers, and no drafts");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_was_not_kept_leaves_nothing() {
    let all = stores().await;
    for (name, files) in &all.stores {
        let large = draft(files, &photo((3 << 20) + 1)).await;
        assert!(matches!(large, Err(FileError::TooLarge { limit: 3_145_728 })), "{name}: {large:?}");
        let dropped = draft(files, &photo(100)).await.unwrap().id().clone();
        assert!(!files.has(&dropped).await.unwrap(), "{name}");
    }
    assert_eq!(lies_in(&all.folder.path().join("data")), 0);
    assert_eq!(lies_in(&all.folder.path().join("other")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_removes_what_a_kill_left_and_nothing_of_those_at_work() {
    let all = stores().await;
    for (name, files) in &all.stores {
        let folder = all.folder.path().join(if *name == "folder" { "data" } else { "other" });
        let reopened = || match &files.kept {
            Kept::Folder(_) => FileStore::in_folder(&folder),
            Kept::Servers(servers) => FileStore::on_servers(&folder, servers.clone()),
        };
        let at_work = draft(files, &photo(100)).await.unwrap();
        let left = folder.join("files/incoming/left");
        std::fs::write(&left, "half a photo").unwrap();
        let second = reopened().unwrap();
        assert!(left.exists(), "{name}: another process may be at work there");
        let id = at_work.id().clone();
        files.keep(at_work).await.unwrap();
        assert!(second.has(&id).await.unwrap(), "{name}");
    }
    let folder = all.folder.path().join("data");
    drop(all.stores);
    let alone = FileStore::in_folder(&folder).unwrap();
    assert_eq!(lies_in(&folder), 1, "the photo that was kept");
    drop(alone);
}

#[tokio::test]
async fn a_damaged_file_is_not_given_out_and_is_whole_when_it_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let files = FileStore::in_folder(folder.path()).unwrap();
    let photo = photo(1_000);
    let kept = draft(&files, &photo).await.unwrap();
    let id = kept.id().clone();
    files.keep(kept).await.unwrap();
    let path = folder.path().join("files").join(&id.as_str()[..2]).join(id.as_str());
    std::fs::write(path, "other bytes").unwrap();
    assert!(matches!(files.get(&id).await, Err(FileError::Damaged { name }) if name == id.as_str()));
    files.keep(draft(&files, &photo).await.unwrap()).await.unwrap();
    assert_eq!(files.get(&id).await.unwrap().as_deref(), Some(&photo[..]));
}
