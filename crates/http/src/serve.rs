//! The accept loop: so many connections at once, and a header must arrive in time.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// How long the loop waits after the system had no descriptor for a connection.
const NO_DESCRIPTOR: Duration = Duration::from_secs(1);

/// Serves until `stop`, then finishes what is in hand.
///
/// A connection whose header does not arrive within [`Config::header_timeout_ms`] is closed, one that idles between two
/// requests for so long too. Beyond [`Config::connections_max`] connections wait in the system's own queue.
pub async fn serve(listener: TcpListener, router: Router, config: &Config, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(config.connections_max));
    let open = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.header_timeout());
    while let Some((stream, seat)) = stop.run_until_cancelled(next(&listener, &seats)).await {
        let service = TowerToHyperService::new(router.clone());
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(seat);
        });
    }
    drop(listener); // who comes now is refused, not left waiting
    open.shutdown().await;
}

/// The next connection, once there is room for it.
async fn next(listener: &TcpListener, seats: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let seat = Arc::clone(seats).acquire_owned().await.expect("nobody closes this semaphore");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, seat),
            // The client gave up before it was accepted.
            Err(error) if is_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(NO_DESCRIPTOR).await;
            }
        }
    }
}

fn is_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset)
}
