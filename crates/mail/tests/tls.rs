//! What is said to a mail server over TLS: to whom, and to whom not. Before the fakes of the testkit stands a guard with a real
//! certificate, which begins TLS as its case says.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use zholdary_mail::{Imap, ImapError, Login, Password, PostError, Protection, Server, Smtp, TlsError};
use zholdary_testkit::fake;

/// How a guard begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// TLS from the first byte.
    AtOnce,
    /// As soon as it is asked to.
    WhenAsked,
    /// It is asked to, and somebody on the way has answers of their own behind the permission.
    WithWordsOfAStranger,
    /// It offers no TLS.
    Never,
}

/// Whom the certificate of a guard is for, and whether we trust it.
#[derive(Debug, Clone, Copy)]
struct Certificate {
    names: &'static str,
    trusted: bool,
}

const OURS: Certificate = Certificate { names: "localhost", trusted: true };
const UNKNOWN: Certificate = Certificate { names: "localhost", trusted: false };
const OF_ANOTHER: Certificate = Certificate { names: "mail.example.org", trusted: true };

/// The words before TLS of the protocol that is guarded.
#[derive(Debug, Clone, Copy)]
struct Words {
    greeting: &'static str,
    /// What it says to a line.
    answer: fn(line: &str, tls: bool) -> (String, bool),
    /// What a stranger adds to the permission to begin.
    strange: &'static str,
}

const SMTP: Words = Words {
    greeting: "220 guard ESMTP\r\n",
    answer: |line, tls| match line.split(' ').next() {
        Some("EHLO") if tls => ("250-guard\r\n250 STARTTLS\r\n".to_owned(), false),
        Some("STARTTLS") if tls => ("220 2.0.0 go on\r\n".to_owned(), true),
        Some("EHLO") => ("250 guard\r\n".to_owned(), false),
        _ => ("502 5.5.1 no\r\n".to_owned(), false),
    },
    // All that a whole letter is answered.
    strange: "250-guard\r\n250 AUTH PLAIN\r\n235 2.7.0 known\r\n250 2.1.0 yes\r\n250 2.1.5 yes\r\n354 go on\r\n250 2.0.0 taken\r\n",
};

const IMAP: Words = Words {
    greeting: "* OK guard\r\n",
    answer: |line, tls| {
        let (tag, command) = line.split_once(' ').unwrap_or_default();
        match command {
            "STARTTLS" if tls => (format!("{tag} OK begin\r\n"), true),
            _ => (format!("{tag} BAD no\r\n"), false),
        }
    },
    strange: "A0002 OK known\r\n* CAPABILITY IMAP4rev1\r\nA0003 OK yes\r\n",
};

/// Stands before the server on `behind`; answers its port, and the file of its authority.
async fn guard(
    behind: std::net::SocketAddr,
    words: Words,
    begins: Begins,
    certificate: Certificate,
) -> (u16, TempDir, PathBuf) {
    let made = rcgen::generate_simple_self_signed([certificate.names.to_owned()]).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ca.pem");
    let known = if certificate.trusted {
        made.cert.pem()
    } else {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    };
    std::fs::write(&file, known).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(config)), TcpListener::bind(("127.0.0.1", 0)).await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            // Whoever is not trusted hangs up.
            tokio::spawn(async move { stands(stream, behind, words, begins, acceptor).await.ok() });
        }
    });
    (port, folder, file)
}

async fn stands(
    stream: TcpStream,
    behind: std::net::SocketAddr,
    words: Words,
    begins: Begins,
    acceptor: TlsAcceptor,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if begins != Begins::AtOnce {
        stream.write_all(words.greeting.as_bytes()).await?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let (mut answer, begin) = (words.answer)(line.trim_end(), begins != Begins::Never);
            if begin && begins == Begins::WithWordsOfAStranger {
                answer.push_str(words.strange);
            }
            stream.write_all(answer.as_bytes()).await?;
            if begin {
                break;
            }
        }
    }
    let mut inside = acceptor.accept(stream.into_inner()).await?;
    let mut server = TcpStream::connect(behind).await?;
    if begins != Begins::AtOnce {
        // It was greeted before.
        while server.read_u8().await? != b'\n' {}
    }
    copy_bidirectional(&mut inside, &mut server).await?;
    Ok(())
}

fn server(port: u16, protection: Protection, ca_file: PathBuf) -> Server {
    let (connect, command) = (Duration::from_secs(20), Duration::from_secs(20));
    Server { host: "localhost".to_owned(), port, protection, ca_file: Some(ca_file), connect, command }
}

fn login() -> Login {
    Login { user: fake::Smtp::USER.to_owned(), password: Password::new(fake::Smtp::PASSWORD.to_owned()) }
}

/// What comes of it in one word.
fn of_post(told: Result<(), PostError>) -> &'static str {
    match told {
        Ok(()) => "taken",
        Err(PostError::Tls(TlsError::Handshake(_))) => "not agreed",
        Err(PostError::NotOffered("STARTTLS")) => "not offered",
        Err(error) => panic!("{error:?}"),
    }
}

fn of_mailbox(told: &Result<zholdary_mail::Session, ImapError>) -> &'static str {
    match told {
        Ok(_) => "open",
        Err(ImapError::Tls(TlsError::Handshake(_))) => "not agreed",
        Err(ImapError::NoTls) => "not offered",
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_letter_goes_to_whom_it_is_for_or_nowhere() {
    for (protection, begins, certificate, expected) in [
        (Protection::Tls, Begins::AtOnce, OURS, "taken"),
        (Protection::Tls, Begins::AtOnce, UNKNOWN, "not agreed"),
        (Protection::Tls, Begins::AtOnce, OF_ANOTHER, "not agreed"),
        (Protection::Tls, Begins::WhenAsked, OURS, "not agreed"),
        (Protection::Starttls, Begins::WhenAsked, OURS, "taken"),
        (Protection::Starttls, Begins::WhenAsked, UNKNOWN, "not agreed"),
        (Protection::Starttls, Begins::WhenAsked, OF_ANOTHER, "not agreed"),
        (Protection::Starttls, Begins::Never, OURS, "not offered"),
        // Else whoever stands on the way takes a letter that nobody ever gets.
        (Protection::Starttls, Begins::WithWordsOfAStranger, OURS, "not agreed"),
    ] {
        let case = format!("{protection:?}, TLS {begins:?}, {certificate:?}");
        let post = fake::Smtp::start().await;
        let (port, _folder, ca) = guard(post.address(), SMTP, begins, certificate).await;
        let smtp = Smtp::new(server(port, protection, ca), Some(login()), "zholdary.example".to_owned());
        let letter = b"Subject: hole\r\n\r\nhole\r\n";
        let told = smtp.post(Some("appeals@zholdary.example"), "asel@example.org", letter).await;
        assert_eq!(of_post(told), expected, "{case}");
        let taken = post.taken();
        assert_eq!(taken.len(), usize::from(expected == "taken"), "{case}");
        assert!(taken.iter().all(|mail| mail.raw == letter), "{case}");
        if expected == "taken" {
            let seen = smtp.look().await.unwrap();
            assert!(seen.protected && seen.known, "{case}");
        }
    }
}

#[tokio::test]
async fn a_mailbox_is_opened_where_it_is_or_nowhere() {
    for (protection, begins, certificate, expected) in [
        (Protection::Tls, Begins::AtOnce, OURS, "open"),
        (Protection::Tls, Begins::AtOnce, UNKNOWN, "not agreed"),
        (Protection::Tls, Begins::AtOnce, OF_ANOTHER, "not agreed"),
        (Protection::Tls, Begins::WhenAsked, OURS, "not agreed"),
        (Protection::Starttls, Begins::WhenAsked, OURS, "open"),
        (Protection::Starttls, Begins::WhenAsked, UNKNOWN, "not agreed"),
        (Protection::Starttls, Begins::WhenAsked, OF_ANOTHER, "not agreed"),
        (Protection::Starttls, Begins::Never, OURS, "not offered"),
        // What was said before TLS is not heard.
        (Protection::Starttls, Begins::WithWordsOfAStranger, OURS, "open"),
    ] {
        let case = format!("{protection:?}, TLS {begins:?}, {certificate:?}");
        let mailbox = fake::Imap::start(7).await;
        mailbox.put(3, fake::Held::Letter(b"Subject: hole\r\n\r\nhole\r\n".to_vec()));
        let (port, _folder, ca) = guard(mailbox.address(), IMAP, begins, certificate).await;
        let imap = Imap::new(server(port, protection, ca), login(), "INBOX".to_owned());
        let told = imap.open().await;
        assert_eq!(of_mailbox(&told), expected, "{case}");
        match told {
            Ok(mut session) => {
                assert_eq!(session.after(0).await.unwrap()[0].uid, 3, "{case}");
                session.close().await;
            }
            // Nobody heard the password.
            Err(_) => assert!(mailbox.asked().is_empty(), "{case}"),
        }
    }
}
