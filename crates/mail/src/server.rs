//! Which server is spoken to, how, and as whom.

use std::{fmt, io, path::PathBuf, time::Duration};

use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};

/// How a connection is kept from being read under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Not at all: for a server on the same machine.
    None,
    /// By TLS, begun with `STARTTLS`; a server that has none is not spoken to.
    Starttls,
    /// By TLS, from the first byte.
    Tls,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name: what its certificate must say.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// PEM file of an authority to trust besides those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take, with its TLS.
    pub connect: Duration,
    /// How long one command of IMAP may take, or a pause in its answer; by SMTP a whole letter.
    pub command: Duration,
}

impl Server {
    /// Whether it is this machine: what is said to it passes no network.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.host == "localhost" || self.bare().parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Its name as a certificate and the system write it: an address of IPv6 without its brackets.
    pub(crate) fn bare(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// Connects, and says nothing.
    pub(crate) async fn reach(&self) -> io::Result<TcpStream> {
        timeout(self.connect, TcpStream::connect((self.bare(), self.port))).await?
    }
}

/// A password. It prints as `…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes the password as it was read from its file.
    #[must_use]
    pub const fn new(password: String) -> Self {
        Self(password)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// As whom a server is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// Their password.
    pub password: Password,
}
