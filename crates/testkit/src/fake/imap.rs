//! A mailbox by IMAP: it gives letters by number, and does what a test asks with some of them. It knows no IDLE.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::server::Server;

/// What stands under a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// A letter.
    Letter(Vec<u8>),
    /// A letter that is longer than the list says.
    Longer(Vec<u8>),
    /// A letter that somebody marked as deleted.
    Deleted(Vec<u8>),
    /// What the server says no to.
    Refused,
    /// At what the connection dies.
    Breaks,
}

/// The mailbox, with one folder for everybody.
#[derive(Debug)]
pub struct Imap {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug, Default)]
struct Inner(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    validity: u32,
    letters: Vec<(u32, Held)>,
    asked: Vec<String>,
}

impl Inner {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Imap {
    /// Starts it on a free port, with this UIDVALIDITY.
    ///
    /// # Panics
    ///
    /// When no port is to be had.
    pub async fn start(validity: u32) -> Self {
        let inner = Arc::new(Inner::default());
        inner.shared().validity = validity;
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

    /// Puts something under a number.
    pub fn put(&self, uid: u32, held: Held) {
        let letters = &mut self.inner.shared().letters;
        letters.retain(|(of, _)| *of != uid);
        letters.push((uid, held));
        letters.sort_by_key(|(uid, _)| *uid);
    }

    /// Numbers mean something else from now on.
    pub fn set_validity(&self, validity: u32) {
        self.inner.shared().validity = validity;
    }

    /// What was asked of it, without the tags, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.inner.shared().asked.clone()
    }
}

async fn talk(stream: TcpStream, inner: &Inner) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, b"* OK ready\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let Some((tag, asked)) = line.trim_end().split_once(' ') else { return Ok(()) };
        let words: Vec<&str> = asked.split(' ').collect();
        let verb = words.first().copied().unwrap_or_default().to_ascii_uppercase();
        if verb != "LOGIN" {
            inner.shared().asked.push(asked.to_owned());
        }
        let mut answer: Vec<u8> = Vec::new();
        match verb.as_str() {
            "CAPABILITY" => answer.extend(b"* CAPABILITY IMAP4rev1\r\n"),
            "EXAMINE" => {
                let shared = inner.shared();
                let (letters, validity) = (shared.letters.len(), shared.validity);
                answer.extend(
                    format!("* FLAGS ()\r\n* {letters} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY {validity}] valid\r\n")
                        .into_bytes(),
                );
            }
            "UID" => {
                let which = words.get(2).copied().unwrap_or_default();
                let letters = inner.shared().letters.clone();
                match which.strip_suffix(":*") {
                    Some(from) => answer.extend(list(&letters, from.parse().unwrap_or(1))),
                    None => match letter(&letters, which.parse().unwrap_or_default()) {
                        Some(Held::Letter(raw) | Held::Longer(raw) | Held::Deleted(raw)) => {
                            let most = asked
                                .split("<0.")
                                .nth(1)
                                .and_then(|most| most.split('>').next()?.parse().ok());
                            let raw = &raw[..raw.len().min(most.unwrap_or(usize::MAX))];
                            let origin = if most.is_some() { "<0>" } else { "" };
                            answer.extend(
                                format!("* 1 FETCH (UID {which} BODY[]{origin} {{{}}}\r\n", raw.len())
                                    .into_bytes(),
                            );
                            answer.extend(raw);
                            answer.extend(b")\r\n");
                        }
                        Some(Held::Refused) => {
                            say(&mut stream, format!("{tag} NO it cannot be read\r\n").as_bytes()).await?;
                            continue;
                        }
                        Some(Held::Breaks) => return Ok(()),
                        None => {}
                    },
                }
            }
            _ => {}
        }
        answer.extend(format!("{tag} OK done\r\n").into_bytes());
        say(&mut stream, &answer).await?;
        if verb == "LOGOUT" {
            return Ok(());
        }
    }
}

/// The letters from a number on; the last in any case (RFC 3501, 6.4.8).
fn list(letters: &[(u32, Held)], from: u32) -> Vec<u8> {
    let last = letters.last().map_or(0, |(uid, _)| *uid);
    let lines = letters.iter().enumerate().filter(|(_, (uid, _))| *uid >= from || *uid == last);
    let line = |(n, (uid, held)): (usize, &(u32, Held))| {
        let (flags, bytes) = match held {
            Held::Letter(raw) => ("", raw.len()),
            Held::Deleted(raw) => ("\\Deleted", raw.len()),
            _ => ("\\Seen", 10),
        };
        format!("* {} FETCH (UID {uid} FLAGS ({flags}) RFC822.SIZE {bytes})\r\n", n + 1)
    };
    lines.map(line).collect::<String>().into_bytes()
}

fn letter(letters: &[(u32, Held)], uid: u32) -> Option<Held> {
    letters.iter().find(|(of, _)| *of == uid).map(|(_, held)| held.clone())
}

async fn say(stream: &mut BufReader<TcpStream>, words: &[u8]) -> std::io::Result<()> {
    stream.get_mut().write_all(words).await
}
