//! Files that people add, kept by the servers of the log for as long as the log.
//!
//! As a raw body, a file is as many messages as it takes, each of a subject that takes no second one. (See [`super::Bodies`] for why it is
//! no object store of the servers.)

use std::sync::Arc;

use bytes::Bytes;

use super::{
    JetStreamLog,
    bodies::{BodyError, parts, put_parts, whole},
    setup,
    store::Store,
};
use crate::error::{OpenError, Source};

/// Files on the servers of the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    store: Arc<Store>,
}

impl JetStreamLog {
    /// The files kept beside this log.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what to do.
    pub async fn files(&self) -> Result<Files, OpenError> {
        let stream = setup::open_files(&self.store).await?;
        Ok(Files { store: self.beside(stream, self.store.config.files.clone()) })
    }
}

impl Files {
    /// Keeps a file of `length` bytes under `name`, under which only these bytes may ever be kept. `read` gives the bytes from one place up
    /// to another, and is asked for a part at a time. Answered well, they are as durable as a record. Repeated, nothing changes.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; unavailable: put it again. What `read` fails with is unavailable too.
    pub async fn put<F: Future<Output = Result<Bytes, Source>>>(
        &self,
        name: &str,
        length: usize,
        read: impl Fn(usize, usize) -> F,
    ) -> Result<(), BodyError> {
        put_parts(&self.store, &self.base(name), name, length, read).await
    }

    /// Whether a file is kept under `name`.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`].
    pub async fn has(&self, name: &str) -> Result<bool, BodyError> {
        // The first part comes last: where it is, all are.
        Ok(self.store.last_message(&format!("{}.0", self.base(name))).await?.is_some())
    }

    /// What is kept under `name`.
    ///
    /// # Errors
    ///
    /// [`BodyError::Unavailable`].
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, BodyError> {
        Ok(parts(&self.store, &self.base(name)).await?.map(whole))
    }

    fn base(&self, name: &str) -> String {
        format!("{}.file.{name}", self.store.config.file_subjects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Metrics,
        jetstream::{
            bodies::PART_BYTES,
            tests::{log_of_its_own, one, three},
        },
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_is_kept_once_part_by_part() {
        for (url, replicas) in [(one().await, 1), (three().await, 3)] {
            let config = log_of_its_own(&url, replicas).await;
            let files =
                JetStreamLog::open(config, Metrics::unregistered()).await.unwrap().files().await.unwrap();
            for length in [0, 1, PART_BYTES, 2 * PART_BYTES + 1] {
                let (name, bytes) = (format!("n{length}"), Bytes::from(vec![b'x'; length]));
                assert!(!files.has(&name).await.unwrap());
                for _ in 0..2 {
                    let read = |from, to| std::future::ready(Ok(bytes.slice(from..to)));
                    files.put(&name, length, read).await.unwrap();
                }
                assert!(files.has(&name).await.unwrap());
                assert_eq!(files.get(&name).await.unwrap(), Some(bytes), "{length} bytes");
            }
            assert_eq!(files.get("other").await.unwrap(), None);
            // What cannot be read to its end is no file.
            let broken = async |from: usize, to: usize| -> Result<Bytes, Source> {
                if from == 0 { Err("the disk".into()) } else { Ok(Bytes::from(vec![b'y'; to - from])) }
            };
            let put = files.put("broken", PART_BYTES + 1, broken).await;
            assert!(matches!(put, Err(BodyError::Unavailable(_))), "{put:?}");
            assert!(!files.has("broken").await.unwrap());
            assert_eq!(files.get("broken").await.unwrap(), None);
            let forged = files.put("n1", 1, |_, _| std::future::ready(Ok(Bytes::from_static(b"y")))).await;
            assert!(matches!(forged, Err(BodyError::Damaged { name }) if name == "n1"));
        }
    }
}
