use std::sync::Mutex;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::*;

/// Takes letters, as it is told.
#[derive(Debug, Default)]
struct Shelf {
    taken: Mutex<Vec<Bytes>>,
    answers: Mutex<Vec<Result<(), Refusal>>>,
}

#[async_trait]
impl Receive for Shelf {
    fn knows(&self, address: &str) -> bool {
        address.ends_with("@ours.kz")
    }

    async fn take(&self, letter: Bytes) -> Result<(), Refusal> {
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Ok(()));
        if answer.is_ok() {
            self.taken.lock().unwrap().push(letter);
        }
        answer
    }
}

struct Served {
    shelf: Arc<Shelf>,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(connections: usize, silence: Duration, answers: &[Result<(), Refusal>]) -> Served {
    let shelf = Arc::new(Shelf::default());
    shelf.answers.lock().unwrap().extend(answers.iter().rev());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let lmtp = Lmtp {
        name: "ours.kz".into(),
        letter_bytes: 64,
        connections,
        silence,
        letter: Duration::from_secs(60),
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(lmtp.serve(listener, Arc::clone(&shelf) as _, stop.clone()));
    Served { shelf, address, stop, task }
}

/// Says each line in turn, and hears the first three digits of each answer; `n` of them after a letter.
async fn talk(address: std::net::SocketAddr, lines: &[(&str, usize)]) -> Vec<String> {
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let mut heard = vec![hear(&mut stream).await];
    for (line, answers) in lines {
        stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        for _ in 0..*answers {
            heard.push(hear(&mut stream).await);
        }
    }
    heard
}

async fn hear(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return "gone".to_owned();
        }
        if line.as_bytes()[3] != b'-' {
            return line[..3].to_owned();
        }
    }
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_mail_server_is_answered_for_each_recipient() {
    let hello = ("LHLO mx.kz", 1);
    let mail = ("MAIL FROM:<a@b.kz>", 1);
    let rcpt = ("RCPT TO:<r@ours.kz>", 1);
    let letter = ("Subject: x\r\n\r\n..y\r\n.", 1);
    let two = (letter.0, 2);
    let data = ("DATA", 1);
    let long = "x".repeat(65);
    let too_large = format!("{long}\r\n.");
    for (lines, answers, expected) in [
        (vec![hello, mail, rcpt, data, letter, ("QUIT", 1)], vec![], "220 250 250 250 354 250 221"),
        (vec![hello, mail, rcpt, rcpt, data, two], vec![], "220 250 250 250 250 354 250 250"),
        (vec![hello, mail, rcpt, data, letter], vec![Err(Refusal::Later)], "220 250 250 250 354 451"),
        (vec![hello, mail, rcpt, data, letter], vec![Err(Refusal::Never)], "220 250 250 250 354 554"),
        (vec![hello, mail, ("RCPT TO:<x@theirs.kz>", 1), data], vec![], "220 250 250 550 503"),
        (
            vec![hello, mail, ("RCPT TO:<x@theirs.kz>", 1), rcpt, data, letter],
            vec![],
            "220 250 250 550 250 354 250",
        ),
        (vec![hello, mail, rcpt, data, (&too_large, 1), mail], vec![], "220 250 250 250 354 552 250"),
        (vec![hello, ("MAIL FROM:<a@b.kz> SIZE=65", 1), mail], vec![], "220 250 552 250"),
        (vec![hello, mail, mail, ("RSET", 1), mail], vec![], "220 250 250 503 250 250"),
        (vec![hello, mail, rcpt, hello, rcpt], vec![], "220 250 250 250 250 503"),
        (vec![mail, rcpt, data], vec![], "220 503 503 503"),
        (vec![("EHLO x", 1), ("HELO x", 1), ("what", 1), ("MAIL x", 1)], vec![], "220 500 500 500 501"),
        (vec![(&"x".repeat(5000), 1), ("NOOP", 1)], vec![], "220 501 250"),
        // Two letters over one connection, all of the second said at once.
        (
            vec![
                hello,
                mail,
                rcpt,
                data,
                letter,
                ("MAIL FROM:<>\r\nRCPT TO:<r@ours.kz>\r\nDATA\r\nSubject: z\r\n\r\n.", 4),
            ],
            vec![],
            "220 250 250 250 354 250 250 250 354 250",
        ),
    ] {
        let served = serve(4, LONG, &answers).await;
        let said = talk(served.address, &lines).await.join(" ");
        assert_eq!(said, expected, "{lines:?}");
        let taken = served.shelf.taken.lock().unwrap().clone();
        let good = expected.contains("354 250");
        assert_eq!(!taken.is_empty(), good, "{lines:?}");
        if good {
            assert_eq!(taken[0], "Return-Path: <a@b.kz>\r\nSubject: x\r\n\r\n.y\r\n");
        }
    }
}

#[tokio::test]
async fn nobody_holds_a_place_for_ever() {
    let served = serve(1, Duration::from_millis(300), &[]).await;
    let mut first = BufReader::new(TcpStream::connect(served.address).await.unwrap());
    assert_eq!(hear(&mut first).await, "220");
    assert_eq!(talk(served.address, &[]).await, ["421"], "one place, and it is taken");
    assert_eq!(hear(&mut first).await, "421", "whoever is silent gives it back");
    assert_eq!(hear(&mut first).await, "gone");
    // The place is free once the task has ended.
    loop {
        if talk(served.address, &[]).await == ["220"] {
            break;
        }
    }
    let faults = vec![("what", 1); 21];
    let served = serve(1, LONG, &[]).await;
    assert_eq!(talk(served.address, &faults).await.last().map(String::as_str), Some("421"));
}

#[tokio::test]
async fn a_stop_leaves_nobody_with_half_an_answer() {
    let served = serve(4, LONG, &[]).await;
    let mut idle = BufReader::new(TcpStream::connect(served.address).await.unwrap());
    let mut writing = BufReader::new(TcpStream::connect(served.address).await.unwrap());
    for stream in [&mut idle, &mut writing] {
        assert_eq!(hear(stream).await, "220");
    }
    for line in ["LHLO x", "MAIL FROM:<>", "RCPT TO:<r@ours.kz>", "DATA"] {
        writing.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        hear(&mut writing).await;
    }
    writing.get_mut().write_all(b"Subject: half\r\n").await.unwrap();
    served.stop.cancel();
    assert_eq!((hear(&mut idle).await.as_str(), hear(&mut writing).await.as_str()), ("421", "421"));
    served.task.await.unwrap();
    assert!(served.shelf.taken.lock().unwrap().is_empty());
}
