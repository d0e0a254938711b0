//! Where the bytes of a file are, and one try to have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use zholdary_channels::{email, instagram};
use zholdary_domain::{
    FileId, Missing,
    inbound::{Attachment, Channel, Content, MediaKind, Surface},
    message::Received,
};
use zholdary_intake::{FileStore, Intake};
use zholdary_platforms::{Bot, CallError, FetchError, FetchLimits, Graph, Http, Url, fetch};

use crate::Config;

/// From whom files and words are had.
#[derive(Clone, Default)]
pub struct Sources {
    /// Each channel of Meta of which we have a token.
    pub graphs: BTreeMap<Channel, Graph>,
    /// The Telegram bot.
    pub bot: Option<Bot>,
    /// By what addresses of files are asked that stand in a delivery: no token opens them.
    pub http: Option<Http>,
    /// The channels whose deliveries name such addresses, and come from the platform.
    pub addressed: BTreeSet<Channel>,
    /// Raw letters, with what is attached to them.
    pub letters: Option<Intake>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("graphs", &self.graphs.keys())
            .field("addressed", &self.addressed)
            .finish()
    }
}

/// What one try came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got<T> {
    /// It is here.
    Here(T),
    /// It will never come.
    Never(Missing),
    /// It may come later. If it does not, this is why.
    Later(Missing),
}

/// Where a file is.
enum Place<'a> {
    Kept(FileId),
    Letter(&'a str),
    Whatsapp(&'a Graph, &'a str),
    Telegram(&'a Bot, &'a str),
    Address(&'a Http, &'a str),
}

impl Sources {
    fn place<'a>(&'a self, received: &'a Received, file: &'a Attachment) -> Option<Place<'a>> {
        if file.kind == MediaKind::Sticker {
            return None;
        }
        let id = file.external_id.as_ref().map(|id| id.reveal().as_str());
        // What was uploaded before is called by its bytes; no platform's id looks like that.
        if let Some(kept) = id.and_then(|id| id.parse().ok()) {
            return Some(Place::Kept(kept));
        }
        match received.channel {
            Channel::Email => self.letters.as_ref().and(id).map(Place::Letter),
            Channel::Whatsapp => Some(Place::Whatsapp(self.graphs.get(&Channel::Whatsapp)?, id?)),
            Channel::Telegram => Some(Place::Telegram(self.bot.as_ref()?, id?)),
            channel if self.addressed.contains(&channel) => {
                Some(Place::Address(self.http.as_ref()?, file.url.as_ref()?.reveal()))
            }
            _ => None,
        }
    }

    /// Whether anybody can be asked for this file of a message.
    pub(crate) fn has(&self, received: &Received, file: &Attachment) -> bool {
        file.key().is_some() && self.place(received, file).is_some()
    }

    /// Whether anybody can be asked for the words of a message.
    pub(crate) fn has_words(&self, received: &Received) -> bool {
        self.graphs.contains_key(&received.channel) && question(received).is_some()
    }

    /// One try to have a file.
    pub(crate) async fn file(
        &self,
        received: &Received,
        file: &Attachment,
        kept: &FileStore,
        config: &Config,
    ) -> Got<Bytes> {
        let bytes = match file.kind {
            MediaKind::Video => config.limits.video_max_bytes,
            _ => config.limits.file_max_bytes,
        } as u64;
        let limits = FetchLimits {
            bytes,
            ms: config.fetch_ms,
            redirects: config.redirects,
            hosts: config.hosts.clone(),
            allow_private: false,
        };
        match self.place(received, file) {
            None => Got::Later(Missing::NoAnswer),
            Some(Place::Kept(id)) => match kept.get(&id).await {
                Ok(Some(bytes)) => Got::Here(bytes),
                Ok(None) => Got::Later(Missing::Gone),
                Err(_) => Got::Later(Missing::NoAnswer),
            },
            Some(Place::Letter(part)) => self.attached(received, part).await,
            Some(Place::Whatsapp(graph, id)) => whatsapp(graph, id, &limits).await,
            Some(Place::Telegram(bot, id)) => {
                came(bot.file(id, bytes, Duration::from_millis(limits.ms)).await.map(|file| file.bytes))
            }
            Some(Place::Address(http, url)) => {
                let Ok(url) = Url::parse(url) else { return Got::Never(Missing::Forbidden) };
                let fetched = match self.graphs.get(&received.channel) {
                    Some(graph) => graph.named(&url, &limits).await,
                    None => fetch(http, &url, &limits, None).await,
                };
                came(fetched.map(|file| file.bytes))
            }
        }
    }

    /// A file of a letter. Its raw bytes may be in the folder of another process, so that they are not here says little.
    async fn attached(&self, received: &Received, part: &str) -> Got<Bytes> {
        let (Some(letters), Some(raw)) = (&self.letters, &received.raw) else {
            return Got::Never(Missing::Gone);
        };
        match letters.raw().get(raw).await {
            Ok(Some(letter)) => match email::part(&letter, part) {
                Some(bytes) => Got::Here(bytes.into()),
                None => Got::Never(Missing::Gone),
            },
            Ok(None) => Got::Later(Missing::Gone),
            Err(_) => Got::Later(Missing::NoAnswer),
        }
    }

    /// One try to have the words of a message, as its content with them.
    pub(crate) async fn words(&self, received: &Received) -> Got<Content> {
        let (Some(graph), Some(fields)) = (self.graphs.get(&received.channel), question(received)) else {
            return Got::Later(Missing::NoAnswer);
        };
        match graph.get(&received.account, &[("fields", &fields)]).await {
            Ok(answer) => match instagram::words(&answer) {
                Some(text) => Got::Here(Content {
                    text: Some(text.into()),
                    unsupported: None,
                    ..received.content.clone()
                }),
                // A picture without words.
                None => Got::Never(Missing::Empty),
            },
            Err(error) => refused(&error),
        }
    }
}

/// What Graph is asked for the words of a message that came without them.
fn question(received: &Received) -> Option<String> {
    let is_mention = received.channel == Channel::Instagram && received.surface == Surface::Mention;
    if !is_mention || received.content.has_words() {
        return None;
    }
    instagram::question(received.external_id.reveal(), &received.content)
}

async fn whatsapp(graph: &Graph, id: &str, limits: &FetchLimits) -> Got<Bytes> {
    // A link lives five minutes, and some die earlier: a new one is asked for, once.
    let mut is_fresh = false;
    loop {
        let link = match graph.media(id).await {
            Ok(link) => link,
            Err(error) => return refused(&error),
        };
        if link.bytes.is_some_and(|bytes| bytes > limits.bytes) {
            return Got::Never(Missing::TooLarge);
        }
        match graph.file(&link, limits).await {
            Err(FetchError::Gone) if !is_fresh => is_fresh = true,
            Ok(file) if link.sha256.is_some_and(|sha256| sha256 != *Sha256::digest(&file.bytes)) => {
                return Got::Later(Missing::Damaged);
            }
            fetched => return came(fetched.map(|file| file.bytes)),
        }
    }
}

fn came(fetched: Result<Bytes, FetchError>) -> Got<Bytes> {
    match fetched {
        Ok(bytes) => Got::Here(bytes),
        Err(FetchError::Gone) => Got::Never(Missing::Gone),
        Err(FetchError::TooLarge { .. }) => Got::Never(Missing::TooLarge),
        Err(FetchError::Forbidden(_)) => Got::Never(Missing::Forbidden),
        // Our token, most likely: somebody will give another.
        Err(FetchError::Refused { status: 401 }) => Got::Later(Missing::NotGiven),
        Err(FetchError::Refused { .. }) => Got::Never(Missing::NotGiven),
        Err(FetchError::Trouble { .. }) => Got::Later(Missing::NoAnswer),
    }
}

/// Codes of Graph that pass: its own troubles, too many calls, and tokens or rights that somebody will mend.
const PASSING: [i64; 13] = [0, 1, 2, 3, 4, 10, 17, 32, 102, 190, 613, 80_007, 130_429];

/// What a refused call means for what it asked for.
fn refused<T>(error: &CallError) -> Got<T> {
    let CallError::Refused(refusal) = error else { return Got::Later(Missing::NoAnswer) };
    let is_passing = refusal.code.is_some_and(|code| PASSING.contains(&code) || (200..300).contains(&code));
    match refusal.status {
        404 | 410 => Got::Never(Missing::Gone),
        401 | 403 => Got::Later(Missing::NotGiven),
        408 | 425 | 429 | 500.. => Got::Later(Missing::NoAnswer),
        _ if is_passing => Got::Later(Missing::NotGiven),
        _ => Got::Never(Missing::NotGiven),
    }
}
