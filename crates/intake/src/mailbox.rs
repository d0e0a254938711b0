//! Reads a mailbox by IMAP: what was read is known by its number, and a number is passed only once its letter is durable.
//!
//! The numbers (RFC 3501, UIDVALIDITY and UID) stand outside of the log. Without them the mailbox is read once more, and every letter
//! that is known changes nothing: it is recognised by its `Message-ID`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use prometheus::{IntCounterVec, Opts, Registry};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use zholdary_log::{Marks, ReadError};
use zholdary_mail::{Entry, Imap, ImapError, Session};

use crate::{Error, Letters};

/// The name of its mark.
const MARK: &str = "mailbox";
/// The first wait after a failure; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// So many letters are read between two marks.
const LETTERS_A_MARK: usize = 32;
/// What is kept of a letter that is too large: its header and its first words, in bytes.
const BEGINNING_BYTES: u32 = 64 << 10;
/// How often a letter may break the connection before it is left behind.
const BREAKS: u32 = 3;
/// How long a goodbye may keep the process from its end.
const GOODBYE: Duration = Duration::from_secs(2);

/// How far a mailbox was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Which mailbox: the hash of its name.
    of: String,
    /// Its UIDVALIDITY: with another one every number means another letter.
    validity: u32,
    /// The letters up to here were read.
    last: u32,
    /// But these, which the server did not give.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    but: BTreeSet<u32>,
}

/// Why a round came to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the mailbox was not read")]
    Mailbox(#[from] ImapError),
    #[error("a letter of the mailbox was not taken in")]
    Taken(#[from] Error),
    #[error("how far the mailbox was read is not known, or cannot be kept")]
    Mark(#[from] ReadError),
}

/// How often the mailbox was looked at.
#[derive(Debug, Clone)]
pub struct Rounds(IntCounterVec);

impl Rounds {
    /// Registers the counter, at zero.
    ///
    /// # Errors
    ///
    /// When `registry` has it already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let rounds = IntCounterVec::new(
            Opts::new("zholdary_intake_mailbox_rounds_total", "Looks into the mailbox by what came of them"),
            &["outcome"],
        )?;
        for outcome in ["read", "failed"] {
            rounds.with_label_values(&[outcome]);
        }
        registry.register(Box::new(rounds.clone()))?;
        Ok(Self(rounds))
    }

    fn came(&self, outcome: &str) {
        self.0.with_label_values(&[outcome]).inc();
    }
}

/// Reads one mailbox, in one process at a time.
pub struct Reading {
    imap: Imap,
    letters: Letters,
    marks: Arc<dyn Marks>,
    rounds: Rounds,
    /// How long the mailbox is not looked at when its server tells of nothing.
    pause: Duration,
    letter_bytes: u32,
    /// The letter at which the connection broke last, and how often it did.
    suspect: Option<(u32, u32)>,
    /// Letters at which it broke too often: another process may try them again.
    broke: BTreeSet<u32>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("pause", &self.pause).finish_non_exhaustive()
    }
}

impl Reading {
    /// What comes into `imap` goes to `letters`, looked at no less often than each `pause`; of one larger than `letter_bytes` its
    /// beginning is kept.
    #[must_use]
    pub fn new(
        (imap, pause): (Imap, Duration),
        letters: Letters,
        marks: Arc<dyn Marks>,
        letter_bytes: usize,
        rounds: Rounds,
    ) -> Self {
        let letter_bytes = u32::try_from(letter_bytes).unwrap_or(u32::MAX);
        Self { imap, letters, marks, rounds, pause, letter_bytes, suspect: None, broke: BTreeSet::new() }
    }

    /// Reads until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wait = FIRST_WAIT;
        loop {
            let trouble = match stop.run_until_cancelled(self.connected(&mut wait)).await {
                None => return,
                Some(trouble) => trouble,
            };
            self.rounds.came("failed");
            tell(&trouble);
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Reads over one connection, for as long as it lasts. Each round that comes to its end makes the `wait` short again.
    async fn connected(&mut self, wait: &mut Duration) -> Trouble {
        let mut session = match self.imap.open().await {
            Ok(session) => session,
            Err(error) => return error.into(),
        };
        let mut mark = match self.mark(session.validity()).await {
            Ok(mark) => mark,
            Err(error) => return error,
        };
        loop {
            if let Err(trouble) = self.round(&mut session, &mut mark).await {
                let _ = tokio::time::timeout(GOODBYE, session.close()).await;
                return trouble;
            }
            self.rounds.came("read");
            *wait = FIRST_WAIT;
            session = match session.wait(self.pause).await {
                Ok(session) => session,
                Err(error) => return error.into(),
            };
        }
    }

    async fn mark(&self, validity: u32) -> Result<Mark, Trouble> {
        let of = blake3::hash(self.imap.name().as_bytes()).to_hex()[..16].to_owned();
        let kept = self.marks.mark(MARK).await?;
        // What a newer release kept otherwise says nothing to this one: then all is read again.
        let kept: Option<Mark> = kept.and_then(|said| serde_json::from_slice(&said).ok());
        let known = kept.filter(|mark| mark.of == of && mark.validity == validity);
        if known.is_none() {
            info!("the mailbox is read from its first letter");
        }
        Ok(known.unwrap_or(Mark { of, validity, ..Mark::default() }))
    }

    async fn keep(&self, mark: &Mark) -> Result<(), Trouble> {
        let said = serde_json::to_vec(mark).expect("numbers and a hash serialise");
        Ok(self.marks.set_mark(MARK, said).await?)
    }

    /// Reads whatever came since.
    async fn round(&mut self, session: &mut Session, mark: &mut Mark) -> Result<(), Trouble> {
        let before = mark.clone();
        let entries = session.after(mark.last).await?;
        // Those that were left behind last, when all others are safe: their server may have mended them.
        let left = mark.but.iter().filter(|uid| !self.broke.contains(uid));
        let left: Vec<Entry> = left.map(|uid| Entry { uid: *uid, bytes: 0, deleted: false }).collect();
        for (n, entry) in (1..).zip(entries.iter().chain(&left)) {
            let read = self.letter(session, entry, mark).await;
            if read.is_err() || n % LETTERS_A_MARK == 0 {
                self.keep(mark).await?;
            }
            read?;
        }
        if *mark != before {
            self.keep(mark).await?;
        }
        Ok(())
    }

    /// One letter. What this one alone cannot do is noted, and its neighbours go on.
    async fn letter(&mut self, session: &mut Session, entry: &Entry, mark: &mut Mark) -> Result<(), Trouble> {
        let Entry { uid, bytes, deleted } = *entry;
        if !deleted {
            let most = (bytes > self.letter_bytes).then_some(BEGINNING_BYTES);
            match session.letter(uid, most).await {
                Ok(None) => {}
                // Servers count a little otherwise than they give.
                Ok(Some(letter)) if most.is_some() || letter.len() as u64 > self.letter_bytes.into() => {
                    warn!(
                        uid,
                        "letter {uid} of the mailbox is too large: its beginning is kept for a person"
                    );
                    self.letters.keep(letter.slice(..letter.len().min(BEGINNING_BYTES as usize))).await?;
                }
                Ok(Some(letter)) => {
                    self.letters.take(letter).await?;
                }
                Err(ImapError::Refused) => {
                    leave(mark, uid);
                    return Ok(());
                }
                Err(broken) => {
                    let breaks =
                        self.suspect.map_or(0, |(at, breaks)| if at == uid { breaks } else { 0 }) + 1;
                    self.suspect = Some((uid, breaks));
                    if breaks >= BREAKS {
                        self.broke.insert(uid);
                        leave(mark, uid);
                    }
                    return Err(broken.into());
                }
            }
        }
        mark.but.remove(&uid);
        mark.last = mark.last.max(uid);
        Ok(())
    }
}

/// Goes on behind a letter that cannot be had.
fn leave(mark: &mut Mark, uid: u32) {
    if mark.but.insert(uid) {
        error!(uid, "letter {uid} of the mailbox cannot be had: look at it there; all others go on");
    }
    mark.last = mark.last.max(uid);
}

fn tell(trouble: &Trouble) {
    let cause = trouble as &dyn std::error::Error;
    match trouble {
        Trouble::Mailbox(ImapError::Login | ImapError::Folder | ImapError::NoTls | ImapError::Tls(_)) => {
            error!(
                error = cause,
                "the mailbox is not read: `zholdary channel check email` says what is missing"
            );
        }
        _ => warn!(error = cause, "the mailbox is looked at again"),
    }
}

#[cfg(test)]
mod tests;
