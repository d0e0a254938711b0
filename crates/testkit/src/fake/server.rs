//! Where a fake listens.

use std::{net::SocketAddr, thread};

use axum::Router;
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// A service on a free port of this machine, until dropped.
///
/// It has a thread and a runtime of its own: a test may stand still in time or block, and what is dropped takes its open
/// connections along, as a platform that goes away does.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// # Panics
    ///
    /// When no port is to be had.
    pub(super) async fn start(router: Router) -> Self {
        Self::serve(async |listener| axum::serve(listener, router).await.expect("serves until stopped")).await
    }

    /// As [`Server::start`], for what is no HTTP.
    ///
    /// # Panics
    ///
    /// When no port is to be had.
    pub(super) async fn serve(serve: impl AsyncFnOnce(TcpListener) + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let _ = tell.send(listener.local_addr().expect("a bound socket has an address"));
                tokio::select! {
                    _ = stopped => {}
                    () = serve(listener) => {}
                }
            });
        });
        let address = told.await.expect("the fake listens");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed, and the call it was about has failed.
            let _ = thread.join();
        }
    }
}
