//! `[email]`: our mailbox, the mail server that takes our letters, and the ways in.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use serde::Deserialize;
use zholdary_channels::{
    email::{LETTER_BYTES, Mailbox},
    outbound::email::{Letterhead, is_address},
};
use zholdary_mail::{Imap, Lmtp, Login, Password, Protection, Server, Smtp};

use super::secret;

/// E-mail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EmailFiles {
    /// The address that answers are sent from: the account of every letter. Default: empty, and then no report of the post is
    /// believed, and nothing is sent.
    pub(crate) address: String,
    /// Other addresses that lead to this mailbox. Default: none.
    pub(crate) aliases: BTreeSet<String>,
    /// What our mail server calls itself in `Authentication-Results`. Default: none, and then no sender is found to be unverified.
    pub(crate) authserv_id: Option<String>,
    /// The name beside the address in letters of ours. Default: none.
    pub(crate) name: Option<String>,
    /// Where the post reports what it could not bring of what no person wrote. Default: nowhere (`<>`).
    pub(crate) bounce: Option<String>,
    /// The largest letter that is read, in bytes; of a larger one the beginning is kept for a person. Default 40 MiB.
    pub(crate) letter_bytes: usize,
    /// The mail server that takes our letters. Default: none, and then none is sent.
    pub(crate) smtp: Option<SmtpFiles>,
    /// The mailbox that is read. Default: none.
    pub(crate) imap: Option<ImapFiles>,
    /// Where a mail server brings letters by LMTP, `HOST:PORT`. Default: nowhere.
    pub(crate) lmtp_listen: Option<SocketAddr>,
    /// Connections there at once. Default 16.
    pub(crate) lmtp_connections: usize,
    /// How long a mail server there may be silent, in milliseconds. Default 60,000.
    pub(crate) lmtp_silence_ms: u64,
    /// How long one letter may take there, in milliseconds. Default 600,000.
    pub(crate) lmtp_letter_ms: u64,
}

impl Default for EmailFiles {
    fn default() -> Self {
        Self {
            address: String::new(),
            aliases: BTreeSet::new(),
            authserv_id: None,
            name: None,
            bounce: None,
            letter_bytes: LETTER_BYTES,
            smtp: None,
            imap: None,
            lmtp_listen: None,
            lmtp_connections: 16,
            lmtp_silence_ms: 60_000,
            lmtp_letter_ms: 600_000,
        }
    }
}

/// The mail server that takes our letters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmtpFiles {
    /// Its name.
    pub(crate) host: String,
    /// Its port. Default 465 with `tls`, 587 with `starttls`, 25 with `none`.
    pub(crate) port: Option<u16>,
    /// `tls`, `starttls` or `none`. Default `starttls`.
    #[serde(default = "starttls")]
    pub(crate) protection: Protection,
    /// As whom we log in. Default: as nobody.
    pub(crate) user: Option<String>,
    /// File with the password. Default: none; `ZHOLDARY_EMAIL_SMTP_PASSWORD` holds it.
    pub(crate) password_file: Option<PathBuf>,
    /// PEM file of an authority to trust besides those of the machine. Default: none.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long a connection may take, in milliseconds. Default 5,000.
    #[serde(default = "connect_ms")]
    pub(crate) connect_ms: u64,
    /// How long a whole letter may take, in milliseconds. Default 20,000.
    #[serde(default = "request_ms")]
    pub(crate) request_ms: u64,
}

/// The mailbox that is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImapFiles {
    /// The name of its server.
    pub(crate) host: String,
    /// Its port. Default 993 with `tls`, else 143.
    pub(crate) port: Option<u16>,
    /// `tls`, `starttls` or `none`. Default `tls`.
    #[serde(default = "tls")]
    pub(crate) protection: Protection,
    /// Whose mailbox it is.
    pub(crate) user: String,
    /// File with the password. Default: none; `ZHOLDARY_EMAIL_IMAP_PASSWORD` holds it.
    pub(crate) password_file: Option<PathBuf>,
    /// PEM file of an authority to trust besides those of the machine. Default: none.
    pub(crate) ca_file: Option<PathBuf>,
    /// The folder. Default `INBOX`.
    #[serde(default = "inbox")]
    pub(crate) folder: String,
    /// How often it is looked at even when the server tells of nothing, in seconds. Default 60.
    #[serde(default = "poll_seconds")]
    pub(crate) poll_seconds: u64,
    /// How long a connection may take, in milliseconds. Default 5,000.
    #[serde(default = "connect_ms")]
    pub(crate) connect_ms: u64,
    /// How long one command may take, or a pause in its answer, in milliseconds. Default 30,000.
    #[serde(default = "command_ms")]
    pub(crate) command_ms: u64,
}

const fn starttls() -> Protection {
    Protection::Starttls
}

const fn tls() -> Protection {
    Protection::Tls
}

fn inbox() -> String {
    "INBOX".to_owned()
}

const fn poll_seconds() -> u64 {
    60
}

const fn connect_ms() -> u64 {
    5000
}

const fn request_ms() -> u64 {
    20_000
}

const fn command_ms() -> u64 {
    30_000
}

/// E-mail, with its secrets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Email {
    /// By what letters go, and under which head.
    pub(crate) out: Option<(Smtp, Letterhead)>,
    /// The mailbox that is read, and how often at least.
    pub(crate) imap: Option<(Imap, Duration)>,
    /// Where letters are brought.
    pub(crate) lmtp: Option<(SocketAddr, Lmtp)>,
}

impl EmailFiles {
    /// Our mailbox, as letters are read.
    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox {
            address: self.address.clone(),
            aliases: self.aliases.clone(),
            authserv_id: self.authserv_id.clone(),
        }
    }

    /// Reads the passwords.
    pub(super) fn ready(&self) -> anyhow::Result<Email> {
        Ok(Email {
            out: self.smtp.as_ref().map(|smtp| self.smtp(smtp)).transpose()?,
            imap: self.imap.as_ref().map(imap).transpose()?,
            lmtp: self.lmtp_listen.map(|listen| (listen, self.lmtp())),
        })
    }

    /// What cannot be.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let named = [("email.smtp", self.smtp.is_some()), ("email.lmtp_listen", self.lmtp_listen.is_some())];
        if let Some((way, _)) = named.into_iter().find(|(_, is_set)| *is_set)
            && !is_address(&self.address)
        {
            bail!(
                "email.address is \"{}\", and {way} needs our own address there, such as roads@example.kz",
                self.address
            );
        }
        if let Some(bounce) = self.bounce.as_ref().filter(|bounce| !is_address(bounce)) {
            bail!("email.bounce is \"{bounce}\": give an address, or take the setting out");
        }
        let smtp =
            self.smtp.as_ref().map(|smtp| ("email.smtp", &smtp.host, smtp.protection, smtp.user.is_some()));
        let imap = self.imap.as_ref().map(|imap| ("email.imap", &imap.host, imap.protection, true));
        for (key, host, protection, has_password) in smtp.into_iter().chain(imap) {
            if host.trim().is_empty() {
                bail!("{key}.host is empty: give the name of the mail server");
            }
            if protection == Protection::None && has_password && !server_of(host).is_here() {
                bail!(
                    "{key}.protection is \"none\", and {host} is another machine: everybody between would read the password; give \"tls\" or \"starttls\""
                );
            }
        }
        Ok(())
    }

    fn smtp(&self, files: &SmtpFiles) -> anyhow::Result<(Smtp, Letterhead)> {
        let port = match files.protection {
            Protection::Tls => 465,
            Protection::Starttls => 587,
            Protection::None => 25,
        };
        let login = match &files.user {
            Some(user) => Some(login(
                user,
                "email.smtp",
                files.password_file.as_deref(),
                "ZHOLDARY_EMAIL_SMTP_PASSWORD",
            )?),
            None => None,
        };
        let server = Server {
            host: files.host.clone(),
            port: files.port.unwrap_or(port),
            protection: files.protection,
            ca_file: files.ca_file.clone(),
            connect: Duration::from_millis(files.connect_ms),
            command: Duration::from_millis(files.request_ms),
        };
        let head = Letterhead {
            address: self.address.clone(),
            name: self.name.clone(),
            bounce: self.bounce.clone(),
        };
        Ok((Smtp::new(server, login, self.domain()), head))
    }

    fn lmtp(&self) -> Lmtp {
        Lmtp {
            name: self.domain(),
            letter_bytes: self.letter_bytes,
            connections: self.lmtp_connections,
            silence: Duration::from_millis(self.lmtp_silence_ms),
            letter: Duration::from_millis(self.lmtp_letter_ms),
        }
    }

    /// The domain of our address: what we call ourselves to mail servers.
    fn domain(&self) -> String {
        self.address.rsplit_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default()
    }
}

fn imap(files: &ImapFiles) -> anyhow::Result<(Imap, Duration)> {
    let port = if files.protection == Protection::Tls { 993 } else { 143 };
    let server = Server {
        host: files.host.clone(),
        port: files.port.unwrap_or(port),
        protection: files.protection,
        ca_file: files.ca_file.clone(),
        connect: Duration::from_millis(files.connect_ms),
        command: Duration::from_millis(files.command_ms),
    };
    let login =
        login(&files.user, "email.imap", files.password_file.as_deref(), "ZHOLDARY_EMAIL_IMAP_PASSWORD")?;
    Ok((Imap::new(server, login, files.folder.clone()), Duration::from_secs(files.poll_seconds)))
}

fn login(user: &str, key: &str, file: Option<&Path>, variable: &str) -> anyhow::Result<Login> {
    let Some(password) = secret(file, variable)? else {
        bail!("{key}.user is \"{user}\" and there is no password: set {key}.password_file, or {variable}");
    };
    Ok(Login { user: user.to_owned(), password: Password::new(password.reveal().to_owned()) })
}

/// The server of this name, to be asked where it is.
fn server_of(host: &str) -> Server {
    Server {
        host: host.to_owned(),
        port: 0,
        protection: Protection::None,
        ca_file: None,
        connect: Duration::ZERO,
        command: Duration::ZERO,
    }
}
