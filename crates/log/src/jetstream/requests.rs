//! Asking the servers: never for ever, and hearing what they forbid. They say that once, beside the request, which then goes
//! without an answer.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, error::Elapsed};

/// The requests of one connection.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    /// How long one may take.
    limit: Duration,
    /// The last that was forbidden.
    denied: Arc<Mutex<Option<(Instant, Denied)>>>,
}

/// The user may not do what its role needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("NATS forbids it ({said}): give the user of this role that permission in the servers' configuration")]
pub(super) struct Denied {
    /// What the server says.
    pub(super) said: String,
}

/// A request that did not go well.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered<E: std::error::Error + 'static> {
    /// The client or the server says why.
    #[error(transparent)]
    Error(#[from] E),
    /// Nobody answered in time.
    #[error("the servers do not answer")]
    Silence(#[source] Elapsed),
    /// Nobody answers, and something was forbidden meanwhile.
    #[error(transparent)]
    Denied(Denied),
}

impl Requests {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, denied: Arc::default() }
    }

    /// Takes down what a server forbids.
    pub(super) fn denied(&self, said: &str) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        *denied = Some((Instant::now(), Denied { said: said.to_owned() }));
    }

    /// What was forbidden since `began`, if anything.
    fn denied_since(&self, began: Instant) -> Option<Denied> {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.as_ref().filter(|(at, _)| *at >= began).map(|(_, denied)| denied.clone())
    }

    /// Waits for one request, no longer than the settings allow: the client itself may wait for a connection for ever.
    pub(super) async fn run<T, E: std::error::Error + 'static>(
        &self,
        request: impl IntoFuture<Output = Result<T, E>>,
    ) -> Result<T, Unanswered<E>> {
        let began = Instant::now();
        let answered = tokio::time::timeout(self.limit, request).await;
        let silent = began.elapsed() >= self.limit;
        match (answered, self.denied_since(began).filter(|_| silent)) {
            (Ok(Ok(answer)), _) => Ok(answer),
            (_, Some(denied)) => Err(Unanswered::Denied(denied)),
            (Ok(Err(error)), None) => Err(Unanswered::Error(error)),
            (Err(elapsed), None) => Err(Unanswered::Silence(elapsed)),
        }
    }
}
