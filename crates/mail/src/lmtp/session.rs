//! One mail server, from its greeting to its goodbye.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    Lmtp, Receive, Refusal,
    command::{Command, Fault},
    data::Data,
};

/// The longest line of a command, in bytes: more than any that is a command (RFC 5321, 4.5.3.1, with room for extensions).
const LINE_BYTES: usize = 4096;
/// The most recipients of one letter: all of them are one mailbox.
const RECIPIENTS: usize = 100;
/// After so many lines that are no command the other side is no mail server.
const FAULTS: usize = 20;
/// How long the last words to whom is not let in may take.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) struct Talk {
    lmtp: Arc<Lmtp>,
    receive: Arc<dyn Receive>,
    stop: CancellationToken,
    greeted: bool,
    sender: Option<String>,
    recipients: usize,
    faults: usize,
}

/// What is answered, and whether the talk goes on.
type Answer = (String, bool);

impl Talk {
    pub(super) fn new(lmtp: Arc<Lmtp>, receive: Arc<dyn Receive>, stop: CancellationToken) -> Self {
        Self { lmtp, receive, stop, greeted: false, sender: None, recipients: 0, faults: 0 }
    }

    /// Talks until one side ends it.
    pub(super) async fn hold(mut self, stream: TcpStream, is_place: bool) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        if !is_place {
            let full = self.says("421 4.3.2 {} is busy, come again");
            return timeout(FAREWELL, say(&mut stream, &full)).await.unwrap_or(Ok(()));
        }
        self.say(&mut stream, &self.says("220 {} LMTP")).await?;
        loop {
            let line = tokio::select! {
                // What is in hand was finished with the last command.
                () = self.stop.cancelled() => None,
                line = timeout(self.lmtp.silence, line(&mut stream)) => match line {
                    Ok(line) => match line? {
                        Some(line) => Some(line),
                        None => return Ok(()),
                    },
                    Err(_) => None,
                },
            };
            let Some(line) = line else {
                let bye = self.says("421 4.4.2 {} closes the connection");
                return timeout(FAREWELL, say(&mut stream, &bye)).await.unwrap_or(Ok(()));
            };
            let read = line.map_or(Err(Fault::Syntax), |line| Command::read(&line));
            let (answer, goes_on) = match read {
                Ok(Command::Data) if self.recipients > 0 => self.letter(&mut stream).await?,
                Ok(command) => self.answer(command),
                Err(fault) => self.fault(fault),
            };
            self.say(&mut stream, &answer).await?;
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Whoever does not even listen is not waited for.
    async fn say(&self, stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
        let said = timeout(self.lmtp.silence, say(stream, words)).await;
        said.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn says(&self, words: &str) -> String {
        format!("{}\r\n", words.replace("{}", &self.lmtp.name))
    }

    fn fault(&mut self, fault: Fault) -> Answer {
        self.faults += 1;
        if self.faults > FAULTS {
            return (self.says("421 4.7.0 {} hears no LMTP"), false);
        }
        let words = match fault {
            Fault::Unknown => "500 5.5.1 no such command",
            Fault::NotLmtp => "500 5.5.1 this is LMTP: say LHLO",
            Fault::Syntax => "501 5.5.4 it does not read",
        };
        (self.says(words), true)
    }

    fn answer(&mut self, command: Command) -> Answer {
        let most = self.lmtp.letter_bytes;
        let words = match command {
            Command::Hello => {
                self.reset();
                self.greeted = true;
                let name = &self.lmtp.name;
                let can = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
                let lines: String = can.map(|can| format!("250-{can}\r\n")).concat();
                return (format!("250-{name}\r\n{lines}250 SIZE {most}\r\n"), true);
            }
            Command::Quit => return (self.says("221 2.0.0 {} says goodbye"), false),
            Command::Noop => "250 2.0.0 yes",
            Command::Verify => "252 2.5.0 send it, and see",
            Command::Reset => {
                self.reset();
                "250 2.0.0 forgotten"
            }
            _ if !self.greeted => "503 5.5.1 say LHLO first",
            Command::Mail { .. } if self.sender.is_some() => "503 5.5.1 one letter after the other",
            Command::Mail { bytes, .. } if bytes.is_some_and(|bytes| bytes > most) => {
                "552 5.3.4 the letter is too large"
            }
            Command::Mail { sender, .. } => {
                self.sender = Some(sender);
                "250 2.1.0 go on"
            }
            Command::Rcpt { .. } if self.sender.is_none() => "503 5.5.1 say MAIL first",
            Command::Rcpt { .. } if self.recipients >= RECIPIENTS => "452 4.5.3 too many at once",
            Command::Rcpt { recipient } if !self.receive.knows(&recipient) => {
                "550 5.1.1 no such mailbox here"
            }
            Command::Rcpt { .. } => {
                self.recipients += 1;
                "250 2.1.5 go on"
            }
            Command::Data => "503 5.5.1 no valid recipients",
        };
        (self.says(words), true)
    }

    fn reset(&mut self) {
        (self.sender, self.recipients) = (None, 0);
    }

    /// The letter, and an answer for each of its recipients: they are one mailbox, so all have the same.
    async fn letter(&mut self, stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
        self.say(stream, &self.says("354 end with a dot alone")).await?;
        let recipients = std::mem::take(&mut self.recipients);
        // Whoever delivers writes down whom the post would have told of trouble (RFC 5321, 4.4). It has no time in it: the same letter,
        // when it comes again, has the same bytes.
        let before = format!("Return-Path: <{}>\r\n", self.sender.take().unwrap_or_default());
        let mut data = Data::new(&before, self.lmtp.letter_bytes);
        let until = Instant::now() + self.lmtp.letter;
        loop {
            let pause = until.min(Instant::now() + self.lmtp.silence);
            let bytes = tokio::select! {
                // What is not whole yet comes again.
                () = self.stop.cancelled() => None,
                bytes = timeout_at(pause, stream.fill_buf()) => bytes.ok(),
            };
            let Some(bytes) = bytes else {
                return Ok((self.says("421 4.4.2 {} waits no longer"), false));
            };
            let bytes = bytes?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let (used, ended) = data.read(bytes);
            stream.consume(used);
            if ended {
                break;
            }
        }
        let words = match data.done() {
            None => "552 5.3.4 the letter is too large",
            Some(letter) => match self.receive.take(letter.into()).await {
                Ok(()) => "250 2.0.0 it is safe",
                Err(Refusal::Later) => "451 4.3.0 it cannot be kept now, come again",
                Err(Refusal::Never) => "554 5.6.0 it cannot be kept",
            },
        };
        Ok((self.says(words).repeat(recipients), true))
    }
}

/// A line without its end; nothing inside when it is too long, nothing at all when the other side is gone.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Option<Vec<u8>>>> {
    let mut line = Some(Vec::new());
    loop {
        let bytes = stream.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        let keeps = |line: &Vec<u8>| line.len() + used <= LINE_BYTES;
        line = line.filter(keeps).map(|mut line| {
            line.extend_from_slice(&bytes[..used]);
            line
        });
        stream.consume(used);
        if end.is_some() {
            let ended = line.and_then(|line| line.strip_suffix(b"\r\n").map(<[u8]>::to_vec));
            return Ok(Some(ended));
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
    stream.get_mut().write_all(words.as_bytes()).await?;
    stream.get_mut().flush().await
}
