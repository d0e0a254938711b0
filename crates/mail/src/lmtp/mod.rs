//! Takes letters from a mail server by LMTP (RFC 2033): one answer for each recipient, and a good one only once the letter is safe.

mod command;
mod data;
mod session;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use session::Talk;

/// How long what listens rests when a connection could not be taken: most often there are too many open files.
const REST: Duration = Duration::from_millis(200);

/// Why a letter is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not now: the mail server keeps it and comes again.
    Later,
    /// Never.
    Never,
}

/// Who takes letters.
#[async_trait]
pub trait Receive: Send + Sync + 'static {
    /// Whether letters to this address are taken here.
    fn knows(&self, address: &str) -> bool;

    /// Takes a letter; answers when it is safe. The same letter may come again.
    ///
    /// # Errors
    ///
    /// A [`Refusal`].
    async fn take(&self, letter: Bytes) -> Result<(), Refusal>;
}

/// A server of LMTP.
#[derive(Debug, Clone)]
pub struct Lmtp {
    /// What it calls itself.
    pub name: String,
    /// The largest letter, in bytes.
    pub letter_bytes: usize,
    /// Connections at once; who comes besides is told to come again.
    pub connections: usize,
    /// How long the other side may be silent.
    pub silence: Duration,
    /// How long one letter may take.
    pub letter: Duration,
}

impl Lmtp {
    /// Serves who comes to `listener` until `stop`; letters in hand are finished.
    pub async fn serve(self, listener: TcpListener, receive: Arc<dyn Receive>, stop: CancellationToken) {
        let free = Arc::new(Semaphore::new(self.connections));
        let mut talks = JoinSet::new();
        let lmtp = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                // Those that ended are let go.
                Some(_) = talks.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let place = Arc::clone(&free).try_acquire_owned().ok();
                    let talk = Talk::new(Arc::clone(&lmtp), Arc::clone(&receive), stop.clone());
                    talks.spawn(async move {
                        // Who gives up in the middle has heard no good answer, and comes again.
                        let _ = talk.hold(stream, place.is_some()).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "a mail server could not be let in");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        while talks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests;
