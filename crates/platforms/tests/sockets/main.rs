//! Every class of outcome, met over real sockets.

mod calls;
mod fetching;
mod polling;

use std::error::Error;

use zholdary_platforms::{Base, Bot, CallError, Config, Graph, Http, Token};
use zholdary_testkit::fake;

/// The bot's token; no error may say it.
const BOT_TOKEN: &str = "4242:FAKE-bot-token";

/// What is written to whom; no error may say that either.
const WORDS: &str = "Яма на Абая 45";
const PHONE: &str = "77001234567";

/// Settings under which a busy machine still answers in time.
const PATIENT: Config = Config { connect_ms: 1000, request_ms: 15_000, answer_bytes: 4096 };

/// Settings for platforms that do not answer.
const HURRIED: Config = Config { request_ms: 700, ..PATIENT };

fn http() -> Http {
    Http::new(&PATIENT).unwrap()
}

fn graph_at(url: &str) -> Graph {
    graph(url, &PATIENT)
}

fn graph(url: &str, config: &Config) -> Graph {
    Graph::new(Http::new(config).unwrap(), base(url), Token::new(fake::Graph::TOKEN).unwrap())
}

fn bot_at(url: &str) -> Bot {
    bot(url, &PATIENT)
}

fn bot(url: &str, config: &Config) -> Bot {
    Bot::new(Http::new(config).unwrap(), base(url), Token::new(BOT_TOKEN).unwrap())
}

fn base(url: &str) -> Base {
    url.parse().unwrap()
}

/// The class of an outcome, with what a refusal says.
fn class<T>(outcome: &Result<T, CallError>) -> String {
    match outcome {
        Ok(_) => "done".to_owned(),
        Err(CallError::NotSent { .. }) => "not sent".to_owned(),
        Err(CallError::Unknown { .. }) => "unknown".to_owned(),
        Err(CallError::Refused(refusal)) => refusal.to_string(),
    }
}

/// An error with its causes, for people and for those who look inside.
fn printed(error: &(dyn Error + 'static)) -> String {
    let mut all = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        all.push_str(&format!(" / {error}"));
        next = error.source();
    }
    all
}

/// Nothing secret or personal stands in an error, however it is printed.
fn check_discreet(error: &(dyn Error + 'static)) {
    let printed = printed(error);
    for secret in [BOT_TOKEN, fake::Graph::TOKEN, WORDS, PHONE, "FAKE-bot", "signature"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
