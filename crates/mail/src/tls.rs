//! Whom TLS trusts: the authorities of the machine, and one that the settings name. rustls with ring, as everywhere here.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::Server;

/// There can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the authority does not read.
    #[error("the authority in {file} is no certificate in PEM, or cannot be read")]
    Authority {
        /// The file.
        file: String,
    },
    /// Nobody could be trusted.
    #[error(
        "this machine has no certificates of authorities to trust (package ca-certificates, or a ca_file in the settings)"
    )]
    NoRoots,
    /// The host is no name that a certificate may have.
    #[error("{host} is no name of a server")]
    Name {
        /// The host.
        host: String,
    },
    /// TLS refused its own settings.
    #[error("TLS could not be set up")]
    Setup(#[source] rustls::Error),
    /// The server was not agreed with: most often its certificate is not one that is trusted here.
    #[error("TLS was not agreed on")]
    Handshake(#[source] std::io::Error),
}

/// The authorities in a file.
fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = || TlsError::Authority { file: file.display().to_string() };
    let pem = std::fs::read(file).map_err(|_| broken())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(broken)
}

/// Makes `stream`, which leads to `server`, a protected one.
pub(crate) async fn begin(server: &Server, stream: TcpStream) -> Result<TlsStream<TcpStream>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Machines hold certificates that nobody can read any more; the others do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = &server.ca_file {
        roots.add_parsable_certificates(authorities(file)?);
    }
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.bare().to_owned())
        .map_err(|_| TlsError::Name { host: server.host.clone() })?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(TlsError::Handshake)
}
