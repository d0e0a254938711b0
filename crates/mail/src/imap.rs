//! Reads letters out of a mailbox by IMAP (RFC 3501, IDLE of RFC 2177), and changes nothing in it.

use std::{fmt, time::Duration};

use async_imap::{
    error::Error as Said,
    extensions::idle::IdleResponse,
    imap_proto::{AttributeValue, Response, Status},
};
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

use crate::{Login, Protection, Server, TlsError, tls};

/// A connection, protected or not.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Wire for T {}

type Client = async_imap::Client<Box<dyn Wire>>;

/// Why a mailbox is not read.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No connection.
    #[error("the mail server cannot be reached")]
    NotReached,
    /// User or password are not the server's.
    #[error("the mail server does not let us in: look at the user and the password")]
    Login,
    /// The folder is not there, or not ours.
    #[error("the mail server does not open the folder")]
    Folder,
    /// The server has no way to begin TLS.
    #[error("the mail server does not offer STARTTLS")]
    NoTls,
    /// The server answered no to this one question; the connection is whole.
    #[error("the mail server refuses to give the letter")]
    Refused,
    /// The connection broke, or something on it did not read.
    #[error("the connection to the mail server broke")]
    Broken,
    /// Nothing came for so long that the connection counts as dead.
    #[error("the mail server did not answer in {} s", .0.as_secs())]
    Late(Duration),
}

/// A mailbox on a server.
#[derive(Debug, Clone)]
pub struct Imap {
    server: Server,
    login: Login,
    folder: String,
}

/// A letter of the mailbox, as its list names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number, which only grows.
    pub uid: u32,
    /// How long it is.
    pub bytes: u32,
    /// Somebody marked it as deleted.
    pub deleted: bool,
}

impl Imap {
    /// The `folder` of the user of `login` on `server`.
    #[must_use]
    pub const fn new(server: Server, login: Login, folder: String) -> Self {
        Self { server, login, folder }
    }

    /// A name of the mailbox that no other has: a mark in one says nothing in another.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}@{}:{}/{}", self.login.user, self.server.host, self.server.port, self.folder)
    }

    /// Connects, logs in and opens the folder for reading alone.
    ///
    /// # Errors
    ///
    /// [`ImapError`].
    pub async fn open(&self) -> Result<Session, ImapError> {
        let limit = self.server.command;
        let client = timeout(self.server.connect + limit, self.connect())
            .await
            .map_err(|_| ImapError::NotReached)??;
        let Login { user, password } = &self.login;
        let entered = timeout(limit, client.login(user, password.reveal())).await;
        let mut inner = match entered.map_err(|_| ImapError::Late(limit))? {
            Ok(session) => session,
            Err((Said::No(_) | Said::Bad(_) | Said::Validate(_), _)) => return Err(ImapError::Login),
            Err(_) => return Err(ImapError::Broken),
        };
        let can = within(limit, inner.capabilities()).await?;
        let opened = match within(limit, inner.examine(&self.folder)).await {
            Err(ImapError::Refused) => return Err(ImapError::Folder),
            opened => opened?,
        };
        // Without it no number means anything (RFC 3501, 2.3.1.1).
        let validity = opened.uid_validity.ok_or(ImapError::Folder)?;
        Ok(Session { inner, limit, validity, letters: opened.exists, idles: can.has_str("IDLE") })
    }

    async fn connect(&self) -> Result<Client, ImapError> {
        let stream = self.server.reach().await.map_err(|_| ImapError::NotReached)?;
        let wire: Box<dyn Wire> = match self.server.protection {
            Protection::Tls => Box::new(tls::begin(&self.server, stream).await?),
            Protection::None => Box::new(stream),
            Protection::Starttls => {
                // The first words are open: the stream is needed again as it is.
                return self.starttls(stream).await;
            }
        };
        let mut client = Client::new(wire);
        greeted(client.read_response().await)?;
        Ok(client)
    }

    async fn starttls(&self, stream: TcpStream) -> Result<Client, ImapError> {
        let mut open = async_imap::Client::new(stream);
        greeted(open.read_response().await)?;
        open.run_command_and_check_ok("STARTTLS", None).await.map_err(|_| ImapError::NoTls)?;
        // Whatever was said before TLS is forgotten with the client that heard it.
        let wire: Box<dyn Wire> = Box::new(tls::begin(&self.server, open.into_inner()).await?);
        Ok(Client::new(wire))
    }
}

/// A folder, open for reading.
pub struct Session {
    inner: async_imap::Session<Box<dyn Wire>>,
    limit: Duration,
    validity: u32,
    letters: u32,
    idles: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("validity", &self.validity).finish_non_exhaustive()
    }
}

impl Session {
    /// The folder's UIDVALIDITY: when it is another one, so are the numbers of all letters.
    #[must_use]
    pub const fn validity(&self) -> u32 {
        self.validity
    }

    /// How many letters there were when it was opened.
    #[must_use]
    pub const fn letters(&self) -> u32 {
        self.letters
    }

    /// Whether the server tells by itself when a letter comes.
    #[must_use]
    pub const fn idles(&self) -> bool {
        self.idles
    }

    /// The letters behind `uid`, in their order.
    ///
    /// # Errors
    ///
    /// [`ImapError`].
    pub async fn after(&mut self, uid: u32) -> Result<Vec<Entry>, ImapError> {
        let Some(from) = uid.checked_add(1) else { return Ok(vec![]) };
        let mut entries = self.fetch(&format!("{from}:*"), "(UID FLAGS RFC822.SIZE)", entry).await?;
        // `*` is the last letter, whatever its number (RFC 3501, 6.4.8).
        entries.retain(|entry| entry.uid >= from);
        entries.sort_by_key(|entry| entry.uid);
        entries.dedup_by_key(|entry| entry.uid);
        Ok(entries)
    }

    /// The first `most` bytes of a letter, or all of it; nothing when it is gone. It stays unread.
    ///
    /// # Errors
    ///
    /// [`ImapError::Refused`] when it alone cannot be had.
    pub async fn letter(&mut self, uid: u32, most: Option<u32>) -> Result<Option<Bytes>, ImapError> {
        let what = match most {
            Some(most) => format!("(UID BODY.PEEK[]<0.{most}>)"),
            None => "(UID BODY.PEEK[])".to_owned(),
        };
        let own = |attributes: &[AttributeValue<'_>]| {
            body(attributes).filter(|_| self::uid(attributes) == Some(uid))
        };
        Ok(self.fetch(&uid.to_string(), &what, own).await?.into_iter().next())
    }

    /// Waits until the server says that something came, or for so long.
    ///
    /// # Errors
    ///
    /// [`ImapError`].
    pub async fn wait(self, pause: Duration) -> Result<Self, ImapError> {
        let Self { mut inner, limit, validity, letters, idles } = self;
        if idles {
            let mut idle = inner.idle();
            within(limit, idle.init()).await?;
            {
                // The source is kept: dropped, it would end the wait.
                let (told, _source) = idle.wait_with_timeout(pause);
                match timeout(pause, told).await {
                    // Signs of life do not make the wait longer.
                    Err(_) | Ok(Ok(IdleResponse::Timeout | IdleResponse::NewData(_))) => {}
                    Ok(Ok(IdleResponse::ManualInterrupt) | Err(_)) => return Err(ImapError::Broken),
                }
            }
            inner = within(limit, idle.done()).await?;
        } else {
            tokio::time::sleep(pause).await;
            within(limit, inner.noop()).await?;
        }
        // Nobody else asks what the server said unasked, and nobody needs it.
        while inner.unsolicited_responses.try_recv().is_ok() {}
        Ok(Self { inner, limit, validity, letters, idles })
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = timeout(self.limit, self.inner.logout()).await;
    }

    /// Asks for something of letters. The limit is for each answer: a list may be long.
    ///
    /// The library's own question for letters ends in the same way whether the server said yes or no, or was gone: then a letter
    /// that did not come would look like one that is not there any more.
    async fn fetch<T>(
        &mut self,
        which: &str,
        what: &str,
        read: impl Fn(&[AttributeValue<'_>]) -> Option<T>,
    ) -> Result<Vec<T>, ImapError> {
        let limit = self.limit;
        let own = within(limit, self.inner.run_command(format!("UID FETCH {which} {what}"))).await?;
        let mut found = Vec::new();
        loop {
            let said = match timeout(limit, self.inner.read_response()).await {
                Ok(Ok(Some(said))) => said,
                Ok(Ok(None) | Err(_)) => return Err(ImapError::Broken),
                Err(_) => return Err(ImapError::Late(limit)),
            };
            match said.parsed() {
                Response::Fetch(_, attributes) => found.extend(read(attributes)),
                Response::Done { tag, status: Status::Ok, .. } if *tag == own => return Ok(found),
                Response::Done { tag, .. } if *tag == own => return Err(ImapError::Refused),
                _ => {}
            }
        }
    }
}

fn uid(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

fn entry(attributes: &[AttributeValue<'_>]) -> Option<Entry> {
    let mut entry = Entry { uid: uid(attributes)?, bytes: 0, deleted: false };
    for attribute in attributes {
        match attribute {
            AttributeValue::Rfc822Size(bytes) => entry.bytes = *bytes,
            AttributeValue::Flags(flags) => {
                entry.deleted = flags.iter().any(|flag| flag.eq_ignore_ascii_case("\\Deleted"));
            }
            _ => {}
        }
    }
    Some(entry)
}

fn body(attributes: &[AttributeValue<'_>]) -> Option<Bytes> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection { section: None, data: Some(body), .. } => {
            Some(Bytes::copy_from_slice(body))
        }
        _ => None,
    })
}

async fn within<T>(
    limit: Duration,
    said: impl Future<Output = async_imap::error::Result<T>>,
) -> Result<T, ImapError> {
    match timeout(limit, said).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Said::No(_))) => Err(ImapError::Refused),
        Ok(Err(_)) => Err(ImapError::Broken),
        Err(_) => Err(ImapError::Late(limit)),
    }
}

fn greeted<T>(said: std::io::Result<Option<T>>) -> Result<(), ImapError> {
    said.ok().flatten().map(|_| ()).ok_or(ImapError::NotReached)
}
