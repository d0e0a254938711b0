//! Hands letters to a mail server (RFC 5321), one connection a letter, and tells honestly what came of it.

mod wire;

use std::{
    error::Error as _,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{Login, Protection, Server, TlsError};

/// How long the goodbye may take: nothing depends on it.
const GOODBYE: Duration = Duration::from_secs(2);

/// What was being said when a server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its greeting, and what it can do.
    Greeting,
    /// Who we are.
    Login,
    /// Whom it tells of trouble: `MAIL`.
    Sender,
    /// Whom the letter is for: `RCPT`.
    Recipient,
    /// The letter itself: `DATA`.
    Letter,
}

/// An enhanced status (RFC 3463): 5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(
    /// Class: 2, 4 or 5.
    pub u16,
    /// Subject: 1 is the address, 2 the mailbox, 7 the rules.
    pub u16,
    /// Detail.
    pub u16,
);

impl Enhanced {
    fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.split('.');
        let mut next = || {
            let digits = numbers.next()?;
            (digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
        };
        let status = Self(next()?, next()?, next()?);
        (matches!(status.0, 2 | 4 | 5) && numbers.next().is_none()).then_some(status)
    }
}

/// What a server said when it refused. Its words are not kept: they may name whom the letter was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// When.
    pub step: Step,
    /// The code: 421, 550.
    pub code: u16,
    /// The enhanced status, when it gave one.
    pub status: Option<Enhanced>,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(Enhanced(class, subject, detail)) = self.status {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        Ok(())
    }
}

/// The honest outcome of a letter that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server has no way to log in that we know, or none to begin TLS.
    #[error("the server does not offer what the settings ask for: {0}")]
    NotOffered(&'static str),
    /// Sender or recipient are no addresses: nothing was said.
    #[error("no address that a letter can go to")]
    Address,
    /// The letter surely was not taken: no connection, or it broke before the letter was whole.
    #[error("the letter did not reach the mail server")]
    NotSent,
    /// The server refused.
    #[error("the mail server refused: {0}")]
    Refused(Reply),
    /// The letter went out whole and no answer came, or none that reads: it may have been taken.
    #[error("whether the mail server took the letter is not known")]
    Unknown,
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whether the connection is protected.
    pub protected: bool,
    /// Whether it knows who we are: false where the settings name nobody.
    pub known: bool,
}

/// A mail server that takes letters of ours.
#[derive(Debug, Clone)]
pub struct Smtp {
    server: Server,
    login: Option<Login>,
    hello: String,
}

impl Smtp {
    /// The `server`, spoken to as `login`; we call ourselves `hello`, a domain.
    #[must_use]
    pub const fn new(server: Server, login: Option<Login>, hello: String) -> Self {
        Self { server, login, hello }
    }

    /// Hands over `letter` from `sender` (none: `<>`) for `to`, once. Taken: the server answers for it from now on.
    ///
    /// # Errors
    ///
    /// [`PostError`]: only after [`PostError::Unknown`] may the letter have gone.
    pub async fn post(&self, sender: Option<&str>, to: &str, letter: &[u8]) -> Result<(), PostError> {
        let address = |text: &str| text.parse::<Address>().map_err(|_| PostError::Address);
        let (sender, to) = (sender.map(address).transpose()?, address(to)?);
        let until = Instant::now() + self.server.command;
        let mut server = self.open(until).await?;
        in_time(until, Step::Sender, server.command(Mail::new(sender, vec![]))).await?;
        in_time(until, Step::Recipient, server.command(Rcpt::new(to, vec![]))).await?;
        in_time(until, Step::Letter, server.command(Data)).await?;
        // The end of the letter is asked for once the rest is out: from there on nobody knows whether the server has it.
        let whole = AtomicBool::new(false);
        let end = std::iter::from_fn(|| {
            whole.store(true, Ordering::SeqCst);
            None
        });
        // The client ends the last line itself.
        let letter = letter.strip_suffix(b"\r\n").unwrap_or(letter);
        let told = timeout_at(until, server.message_iter(std::iter::once(letter).chain(end))).await;
        let told = match told {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.status().is_some() => Err(refused(Step::Letter, &error)),
            _ if whole.load(Ordering::SeqCst) => Err(PostError::Unknown),
            _ => Err(PostError::NotSent),
        };
        if !matches!(told, Err(PostError::Unknown | PostError::NotSent)) {
            let _ = timeout(GOODBYE, server.quit()).await;
        }
        told
    }

    /// Connects and logs in, and sends nothing.
    ///
    /// # Errors
    ///
    /// [`PostError`], never [`PostError::Unknown`].
    pub async fn look(&self) -> Result<Seen, PostError> {
        let mut server = self.open(Instant::now() + self.server.command).await?;
        let seen =
            Seen { protected: self.server.protection != Protection::None, known: self.login.is_some() };
        let _ = timeout(GOODBYE, server.quit()).await;
        Ok(seen)
    }

    async fn open(&self, until: Instant) -> Result<AsyncSmtpConnection, PostError> {
        let reached = timeout_at(until, wire::reach(&self.server, &self.hello)).await;
        let stream = reached.map_err(|_| PostError::NotSent)??;
        let hello = ClientId::Domain(self.hello.clone());
        let connecting = AsyncSmtpConnection::connect_with_transport(stream, &hello);
        let mut server = in_time(until, Step::Greeting, connecting).await?;
        if let Some(Login { user, password }) = &self.login {
            const KNOWN: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
            if server.server_info().get_auth_mechanism(&KNOWN).is_none() {
                return Err(PostError::NotOffered("AUTH PLAIN or LOGIN"));
            }
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            in_time(until, Step::Login, server.auth(&KNOWN, &credentials)).await?;
        }
        Ok(server)
    }
}

/// One step before the letter is out: whatever goes wrong, the server does not have it.
async fn in_time<T>(
    until: Instant,
    step: Step,
    said: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, PostError> {
    match timeout_at(until, said).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if error.status().is_some() => Err(refused(step, &error)),
        Ok(Err(_)) | Err(_) => Err(PostError::NotSent),
    }
}

fn refused(step: Step, error: &SmtpError) -> PostError {
    let code = error.status().and_then(|code| code.to_string().parse().ok()).unwrap_or_default();
    let status = error.source().and_then(|said| Enhanced::read(&said.to_string()));
    PostError::Refused(Reply { step, code, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_statuses_read() {
        for (text, expected) in [
            ("5.1.1 no such user", Some(Enhanced(5, 1, 1))),
            ("4.7.0", Some(Enhanced(4, 7, 0))),
            ("no such user 5.1.1", None),
            ("5.1", None),
            ("5.1.1.1 x", None),
            ("9.1.1", None),
            ("5.1.1111", None),
            ("", None),
        ] {
            assert_eq!(Enhanced::read(text), expected, "{text}");
        }
    }
}
