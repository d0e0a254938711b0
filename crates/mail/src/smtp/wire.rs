//! The connection under the client of SMTP. TLS is begun here and not by that client: what somebody on the way says behind the
//! permission to begin, it would take for answers that came protected (as in CVE-2011-0411), and a letter for delivered that
//! nobody has.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf},
    net::TcpStream,
};

use super::{Enhanced, PostError, Reply, Step};
use crate::{Protection, Server, TlsError, tls};

/// The most that a server may say before TLS, in bytes.
const OPEN_WORDS: u64 = 16 * 1024;
/// What the client hears first where the greeting came before TLS.
const GREETED: &[u8] = b"220 \r\n";

/// A connection to a mail server that begins with a greeting.
#[derive(Debug)]
pub(super) struct Wire<S> {
    greeting: &'static [u8],
    stream: S,
    peer: SocketAddr,
}

/// A connection to `server`, protected as its settings say; before TLS we call ourselves `hello`.
pub(super) async fn reach(server: &Server, hello: &str) -> Result<Box<dyn AsyncTokioStream>, PostError> {
    let stream = server.reach().await.map_err(|_| PostError::NotSent)?;
    let peer = stream.peer_addr().map_err(|_| PostError::NotSent)?;
    Ok(match server.protection {
        Protection::None => Box::new(stream),
        Protection::Tls => Box::new(Wire { greeting: b"", stream: tls::begin(server, stream).await?, peer }),
        Protection::Starttls => {
            let stream = ask(stream, hello).await?;
            Box::new(Wire { greeting: GREETED, stream: tls::begin(server, stream).await?, peer })
        }
    })
}

/// Asks for TLS (RFC 3207). Nothing else that is said before it counts.
async fn ask(stream: TcpStream, hello: &str) -> Result<TcpStream, PostError> {
    let mut open = BufReader::new(stream.take(OPEN_WORDS));
    hear(&mut open).await?;
    let offered = say(&mut open, &format!("EHLO {hello}")).await?;
    if !offered.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err(PostError::NotOffered("STARTTLS"));
    }
    say(&mut open, "STARTTLS").await?;
    if !open.buffer().is_empty() {
        let said = io::Error::other("somebody spoke between the permission to begin TLS and TLS");
        return Err(TlsError::Handshake(said).into());
    }
    Ok(open.into_inner().into_inner())
}

type Open = BufReader<tokio::io::Take<TcpStream>>;

async fn say(open: &mut Open, line: &str) -> Result<Vec<String>, PostError> {
    let line = format!("{line}\r\n");
    open.get_mut().get_mut().write_all(line.as_bytes()).await.map_err(|_| PostError::NotSent)?;
    hear(open).await
}

/// The lines of one answer, without its code, when it is no refusal.
async fn hear(open: &mut Open) -> Result<Vec<String>, PostError> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        open.read_until(b'\n', &mut line).await.map_err(|_| PostError::NotSent)?;
        let line = String::from_utf8_lossy(line.strip_suffix(b"\n").ok_or(PostError::NotSent)?).into_owned();
        let (code, rest) = line.trim_end().split_at_checked(3).ok_or(PostError::NotSent)?;
        let code: u16 = code.parse().map_err(|_| PostError::NotSent)?;
        lines.push(rest.get(1..).unwrap_or_default().to_owned());
        if rest.starts_with('-') {
            continue;
        }
        if code / 100 != 2 {
            let status = lines.last().and_then(|line| Enhanced::read(line));
            return Err(PostError::Refused(Reply { step: Step::Greeting, code, status }));
        }
        return Ok(lines);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buf.remaining()));
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
