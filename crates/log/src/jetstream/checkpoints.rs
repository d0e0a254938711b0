//! How far the workers came, in the bucket beside the log.

use async_trait::async_trait;

use super::{
    JetStreamLog,
    store::{found, unavailable},
};
use crate::{
    checkpoint::{self, Checkpoint, Checkpoints, Marks},
    error::ReadError,
};

#[async_trait]
impl Checkpoints for JetStreamLog {
    async fn read(&self, worker: &str) -> Result<Option<Checkpoint>, ReadError> {
        Ok(self.mark(worker).await?.and_then(|said| checkpoint::decode(&said)))
    }

    async fn keep(&self, worker: &str, checkpoint: &Checkpoint) -> Result<(), ReadError> {
        self.set_mark(worker, checkpoint::encode(checkpoint)).await
    }
}

#[async_trait]
impl Marks for JetStreamLog {
    async fn mark(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.kept(&key(name)).await?.map(Into::into))
    }

    async fn set_mark(&self, name: &str, said: Vec<u8>) -> Result<(), ReadError> {
        let kept = self.bucket.put(key(name), said.into());
        self.store.in_time(kept).await.map(|_| ()).map_err(unavailable)
    }
}

fn key(worker: &str) -> String {
    format!("checkpoint.{worker}")
}

impl JetStreamLog {
    /// What stands in the log's bucket under `key`, as the leader knows it: what was just kept must be seen.
    pub(super) async fn kept(&self, key: &str) -> Result<Option<bytes::Bytes>, ReadError> {
        let subject = format!("{}{key}", self.bucket.prefix);
        let message =
            found(self.store.in_time(self.bucket.stream.get_last_raw_message_by_subject(&subject)).await)?;
        Ok(message.map(|message| message.payload))
    }
}
