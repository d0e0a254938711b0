//! A mail server that takes every letter, and keeps it as it came.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::server::Server;

/// How a letter is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Post {
    /// The connection is refused with this line instead of a greeting: `421 4.3.2 busy`.
    Greeting(&'static str),
    /// Whoever logs in hears this: `535 5.7.8 no`.
    Login(&'static str),
    /// The sender is answered so.
    Sender(&'static str),
    /// The recipient is answered so.
    Recipient(&'static str),
    /// The letter is answered so when it is whole, and not taken.
    Letter(&'static str),
    /// The connection dies once the recipient is named.
    DiesBeforeTheLetter,
    /// The connection dies in the middle of the letter, which is not taken.
    DiesInTheLetter,
    /// The letter is taken, and the connection dies before anybody hears of it.
    TakenThenDies,
    /// The letter is taken, and nothing is said any more.
    TakenThenSilent,
}

/// A letter as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom the post would tell of trouble; empty: nobody.
    pub sender: String,
    /// Whom it was for.
    pub recipients: Vec<String>,
    /// Its bytes, with their dots as they were before the post doubled them.
    pub raw: Vec<u8>,
}

impl Mail {
    /// The value of a field of its header, unfolded.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.raw).replace("\r\n ", " ");
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// The mail server.
#[derive(Debug)]
pub struct Smtp {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug, Default)]
struct Inner(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    script: VecDeque<Post>,
    taken: Vec<Mail>,
    connections: usize,
}

impl Inner {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Smtp {
    /// The user that it knows.
    pub const USER: &'static str = "roads";
    /// Their password.
    pub const PASSWORD: &'static str = "post-knows-this";

    /// Starts it on a free port.
    ///
    /// # Panics
    ///
    /// When no port is to be had.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let shared = Arc::clone(&inner);
        let server = Server::serve(async move |listener: TcpListener| {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // Who hangs up early has nothing more to say.
                    let _ = talk(stream, &shared).await;
                });
            }
        });
        Self { inner, server: server.await }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// How to meet the next letter that nothing is scripted for yet.
    pub fn next(&self, how: Post) {
        self.inner.shared().script.push_back(how);
    }

    /// The letters that it took, in order, also those of which nobody heard.
    #[must_use]
    pub fn taken(&self) -> Vec<Mail> {
        self.inner.shared().taken.clone()
    }

    /// How often somebody connected.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner.shared().connections
    }
}

/// One connection. What is scripted meets it whole.
async fn talk(stream: TcpStream, inner: &Inner) -> std::io::Result<()> {
    let how = {
        let mut shared = inner.shared();
        shared.connections += 1;
        shared.script.pop_front()
    };
    let mut stream = BufReader::new(stream);
    if let Some(Post::Greeting(line)) = how {
        return say(&mut stream, line).await;
    }
    say(&mut stream, "220 fake ESMTP").await?;
    let mut mail = Mail { sender: String::new(), recipients: vec![], raw: vec![] };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let answer = match (verb.as_str(), &how) {
            ("EHLO", _) => "250-fake\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            ("AUTH", Some(Post::Login(line))) => line,
            // PLAIN of the user and the password above (RFC 4616).
            ("AUTH", _) if line.ends_with("AHJvYWRzAHBvc3Qta25vd3MtdGhpcw==") => "235 2.7.0 known",
            ("AUTH", _) => "535 5.7.8 unknown",
            ("MAIL", Some(Post::Sender(line))) => line,
            ("MAIL", _) => {
                mail.sender = address();
                "250 2.1.0 go on"
            }
            ("RCPT", Some(Post::Recipient(line))) => line,
            ("RCPT", Some(Post::DiesBeforeTheLetter)) => return Ok(()),
            ("RCPT", _) => {
                mail.recipients.push(address());
                "250 2.1.5 go on"
            }
            ("DATA", _) => {
                say(&mut stream, "354 go on").await?;
                if how == Some(Post::DiesInTheLetter) {
                    stream.read_until(b'\n', &mut vec![]).await?;
                    return Ok(());
                }
                mail.raw = letter(&mut stream).await?;
                match &how {
                    Some(Post::Letter(line)) => line,
                    _ => {
                        inner.shared().taken.push(mail.clone());
                        match &how {
                            Some(Post::TakenThenDies) => return Ok(()),
                            Some(Post::TakenThenSilent) => std::future::pending().await,
                            _ => "250 2.0.0 taken",
                        }
                    }
                }
            }
            ("QUIT", _) => return say(&mut stream, "221 2.0.0 goodbye").await,
            _ => "250 2.0.0 yes",
        };
        say(&mut stream, answer).await?;
    }
}

async fn letter(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(raw);
        }
        raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await
}
