//! What the bytes of a file are, and what of them is kept.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{sync::Semaphore, task::spawn_blocking};
use zholdary_domain::{FileId, FileKey, KeptFile, KeptPicture, Missing, Personal, TakenAt};
use zholdary_intake::{FileError, FileStore};
use zholdary_media::{Derived, Examined, Limits, Refused, derive, examine};

/// Looks at files, a few together, and keeps what may be kept.
#[derive(Debug, Clone)]
pub(crate) struct Looker {
    pub(crate) files: FileStore,
    limits: Arc<Limits>,
    seats: Arc<Semaphore>,
}

impl Looker {
    pub(crate) fn new(files: FileStore, limits: &Limits, at_once: usize) -> Self {
        let seats = Arc::new(Semaphore::new(at_once.max(1)));
        Self { files, limits: Arc::new(limits.clone()), seats }
    }

    /// Looks at the bytes of the file `of`, keeps them and their copies, and says what is kept: or why nothing is.
    pub(crate) async fn keep(
        &self,
        of: FileKey,
        bytes: Bytes,
    ) -> Result<Result<KeptFile, Missing>, FileError> {
        // Nobody closes it.
        let Ok(_seat) = self.seats.acquire().await else { return Ok(Err(Missing::NoAnswer)) };
        let (limits, whole) = (Arc::clone(&self.limits), bytes.clone());
        let looked = spawn_blocking(move || look(&whole, &limits)).await?;
        let (examined, derived) = match looked {
            Ok(looked) => looked,
            Err(refused) => return Ok(Err(missing(refused))),
        };
        let length = bytes.len() as u64;
        let file = self.put(bytes).await?;
        let picture = match examined.picture {
            None => None,
            Some(picture) => {
                let (copy, thumbnail, print) = match derived {
                    None => (None, None, None),
                    Some(Derived { public, thumbnail, print }) => (
                        Some(self.put(public.into()).await?),
                        Some(self.put(thumbnail.into()).await?),
                        Some(print.to_string()),
                    ),
                };
                let taken_at = picture.taken_at.map(|at| TakenAt {
                    local: at.local,
                    offset_minutes: at.offset.map(|offset| offset.local_minus_utc() / 60),
                });
                Some(KeptPicture {
                    width: picture.width,
                    height: picture.height,
                    cut: !picture.is_whole,
                    copy,
                    thumbnail,
                    print,
                    taken_at: taken_at.map(Personal::new),
                    point: picture.point,
                })
            }
        };
        Ok(Ok(KeptFile { of, file, media_type: examined.media_type.to_owned(), bytes: length, picture }))
    }

    async fn put(&self, bytes: Bytes) -> Result<FileId, FileError> {
        let mut incoming = self.files.begin(bytes.len()).await?;
        incoming.add(&bytes).await?;
        let draft = incoming.finish().await?;
        let id = draft.id().clone();
        self.files.keep(draft).await?;
        Ok(id)
    }
}

fn look(bytes: &[u8], limits: &Limits) -> Result<(Examined, Option<Derived>), Refused> {
    let examined = examine(bytes, limits)?;
    let derived = derive(bytes, &examined, limits)?;
    Ok((examined, derived))
}

/// A refusal, as it is recorded.
fn missing(refused: Refused) -> Missing {
    match refused {
        Refused::Empty => Missing::Empty,
        Refused::TooLarge => Missing::TooLarge,
        Refused::Executable => Missing::Executable,
        Refused::Script => Missing::Script,
        Refused::Html => Missing::Html,
        Refused::Svg => Missing::Svg,
        Refused::Macros => Missing::Macros,
        Refused::Unknown => Missing::Unknown,
        Refused::Bomb => Missing::Bomb,
        Refused::Unreadable => Missing::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> Bytes {
        let path = format!("{}/../../tests/samples/channels/media/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap().into()
    }

    fn key() -> FileKey {
        FileKey::try_from("a".repeat(32)).unwrap()
    }

    #[test]
    fn each_refusal_keeps_its_code() {
        for refused in Refused::ALL {
            assert_eq!(missing(refused).code(), refused.code());
        }
    }

    #[tokio::test]
    async fn what_is_kept_has_copies_without_notes_and_what_is_refused_leaves_nothing() {
        let data = tempfile::tempdir().unwrap();
        let store = FileStore::in_folder(data.path()).unwrap();
        let looker = Looker::new(store.clone(), &Limits::default(), 1);
        let photo = sample("pothole_gps.jpg");
        let kept = looker.keep(key(), photo.clone()).await.unwrap().unwrap();
        assert_eq!(store.get(&kept.file).await.unwrap(), Some(photo.clone()));
        let picture = kept.picture.clone().unwrap();
        assert!((picture.point.unwrap().reveal().lat - 43.24052).abs() < 0.000_01);
        assert_eq!(picture.taken_at.unwrap().reveal().offset_minutes, Some(300));
        for copy in [picture.copy.unwrap(), picture.thumbnail.unwrap()] {
            let bytes = store.get(&copy).await.unwrap().unwrap();
            let public = examine(&bytes, &Limits::default()).unwrap().picture.unwrap();
            assert!(public.point.is_none() && public.taken_at.is_none());
        }
        assert_eq!(looker.keep(key(), photo).await.unwrap(), Ok(kept), "the same again");
        let page = Bytes::from_static(b"<!doctype html><script>");
        assert_eq!(looker.keep(key(), page.clone()).await.unwrap(), Err(Missing::Html));
        let mut incoming = store.begin(100).await.unwrap();
        incoming.add(&page).await.unwrap();
        let id = incoming.finish().await.unwrap().id().clone();
        assert_eq!(store.get(&id).await.unwrap(), None);
    }
}
