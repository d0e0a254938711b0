//! A network between two processes that can be slow, or gone.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Good,
    /// Each piece waits so long, either way.
    Slow(Duration),
    /// What was connected is not any more, and nobody gets through.
    Cut,
}

/// Stands before a port of loopback.
pub(crate) struct Proxy {
    port: u16,
    network: watch::Sender<Network>,
}

impl Proxy {
    pub(crate) async fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let (network, is) = watch::channel(Network::Good);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let is = is.clone();
                tokio::spawn(async move {
                    if *is.borrow() == Network::Cut {
                        return;
                    }
                    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::select! {
                        () = pass(from_client, to_server, is.clone()) => {}
                        () = pass(from_server, to_client, is.clone()) => {}
                        () = cut(is) => {}
                    }
                });
            }
        });
        Self { port, network }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn cut(mut is: watch::Receiver<Network>) {
    // Without its proxy a connection ends too.
    let _ = is.wait_for(|network| *network == Network::Cut).await;
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is: watch::Receiver<Network>) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        let network = *is.borrow();
        if let Network::Slow(wait) = network {
            tokio::time::sleep(wait).await;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
