//! The worker: asks for what is due, and records what came of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use zholdary_domain::{
    CommandId, MessageId, Missing, Position, StreamId, StreamKind,
    message::{self, Command, Event, Message, command_id},
};
use zholdary_intake::{FileError, FileStore};
use zholdary_log::{Cause, Decider, DeciderError, streams::Messages};
use zholdary_routing::{
    Error, Parts,
    worker::{Patience, keep_running},
};

use crate::{
    Config, Metrics, Sources,
    fold::{Fold, Name, Waiting, What},
    look::Looker,
    sources::Got,
};

/// Its name.
pub const WORKER: &str = "fetch";

/// The wait before a log or a store that could not be written is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The worker.
#[derive(Debug, Clone)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    config: Config,
    sources: Sources,
    looker: Looker,
    metrics: Metrics,
    messages: Decider<Messages>,
}

/// What a try came to, for the one who waits.
enum Came {
    /// It is recorded.
    Recorded,
    /// It is asked for again later.
    Later,
    /// What stands in the message's stream does not read: nobody waits for it.
    Unreadable,
}

impl Fetcher {
    /// A worker over the log of `parts` that asks `sources`, and keeps what comes in `files`.
    #[must_use]
    pub fn new(parts: &Parts, config: &Config, sources: Sources, files: FileStore, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            messages: Decider::new(parts.log.clone(), parts.clock.clone()),
            parts: parts.clone(),
            looker: Looker::new(files, &config.limits, config.looks_at_once),
            config: config.clone(),
            sources,
            metrics,
        }))
    }

    /// Works until `stop`. What is under way then is begun anew by whoever works next.
    ///
    /// # Errors
    ///
    /// What waiting does not mend.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        keep_running(WORKER, &self.0.parts, &stop, || self.work(&stop)).await
    }

    async fn work(&self, stop: &CancellationToken) -> Result<(), Error> {
        let Inner { parts, config, sources, .. } = &*self.0;
        let mut look = tokio::time::interval(Duration::from_millis(config.look_ms.max(1)));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut gate = parts.turn.gate();
        let mut tail = parts.log.tail(Position::START);
        let mut fold = Fold::default();
        let mut patience = Patience::new(WORKER, parts);
        let mut under_way: JoinSet<Came> = JoinSet::new();
        let mut names: HashMap<Id, Name> = HashMap::new();
        while !stop.is_cancelled() {
            match gate.is_open(parts.log.as_ref(), tail.position()).await {
                Ok(true) => self.begin(&fold, &mut under_way, &mut names),
                Ok(false) => {}
                Err(error) => {
                    patience.after(error, stop).await?;
                    continue;
                }
            }
            self.0.metrics.waiting(fold.len());
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = gate.changed() => {}
                Some(ended) = under_way.join_next_with_id() => {
                    // A try that panicked came to nothing.
                    let (task, came) = ended.unwrap_or_else(|panic| (panic.id(), Came::Later));
                    if let Some(name) = names.remove(&task) {
                        match came {
                            Came::Later => fold.put_off(&name, parts.clock.now(), config),
                            Came::Recorded | Came::Unreadable => fold.has(name.0, name.1),
                        }
                    }
                }
                _ = look.tick() => {}
                page = tail.next_page(parts.config.page_records) => match page {
                    Ok(page) => {
                        patience.rest();
                        for record in page.iter().filter(|record| record.stream.kind() == StreamKind::Message) {
                            let Some(id) = record.stream.message() else { continue };
                            // What does not read is told of by `register`.
                            for event in record.events::<Event>().unwrap_or_default() {
                                fold.note(id, event, record, sources);
                            }
                        }
                        parts.metrics.has_read(WORKER, tail.position());
                    }
                    Err(error) => patience.after(error, stop).await?,
                },
            }
        }
        Ok(())
    }

    /// Begins what is due.
    fn begin(&self, fold: &Fold, under_way: &mut JoinSet<Came>, names: &mut HashMap<Id, Name>) {
        let free = self.0.config.at_once.max(1).saturating_sub(under_way.len());
        if free == 0 {
            return;
        }
        let due = fold.due(self.0.parts.clock.now(), |name| names.values().any(|asked| asked == name));
        for (name, waiting) in due.into_iter().take(free) {
            let (inner, asked) = (Arc::clone(&self.0), name.clone());
            let task = under_way.spawn(async move { inner.ask(&asked, &waiting).await });
            names.insert(task.id(), name);
        }
    }
}

/// Why a try could not be made, or what came of it not be kept.
#[derive(Debug)]
enum Failed {
    Log(Error),
    Files(FileError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Log(error)
    }
}

impl From<DeciderError> for Failed {
    fn from(error: DeciderError) -> Self {
        Self::Log(error.into())
    }
}

impl From<FileError> for Failed {
    fn from(error: FileError) -> Self {
        Self::Files(error)
    }
}

impl Inner {
    async fn ask(&self, name: &Name, waiting: &Waiting) -> Came {
        let tried = match &name.1 {
            What::File(_) => self.file(name, waiting).await,
            What::Words => self.words(name, waiting).await,
        };
        let error: Box<dyn std::error::Error + Send + Sync> = match tried {
            Ok(came) => return came,
            Err(Failed::Log(error)) if error.is_of_one_stream() => {
                tracing::error!(
                    message.id = %name.0, error = &error as &dyn std::error::Error,
                    "a file is not fetched: message {} does not read", name.0
                );
                return Came::Unreadable;
            }
            Err(Failed::Log(error)) => error.into(),
            Err(Failed::Files(error)) => error.into(),
        };
        tracing::warn!(message.id = %name.0, error = error.as_ref() as &dyn std::error::Error, "a file is not kept now");
        tokio::time::sleep(PAUSE).await;
        Came::Later
    }

    /// One try to have a file of a message.
    async fn file(&self, (id, what): &Name, waiting: &Waiting) -> Result<Came, Failed> {
        let What::File(key) = what else { return Ok(Came::Unreadable) };
        let message = self.messages.load(&StreamId::from(*id)).await?.state;
        let Message { received: Some(received), edits, files, .. } = &message else {
            return Ok(Came::Unreadable);
        };
        if files.contains(key) {
            return Ok(Came::Recorded);
        }
        let contents = std::iter::once(&received.content).chain(edits.iter().map(|(_, content)| content));
        let file = contents
            .flat_map(|content| &content.attachments)
            .find(|file| file.key().as_ref() == Some(key) && self.sources.has(received, file));
        let Some(file) = file else { return Ok(Came::Unreadable) };
        let got = self.sources.file(received, file, &self.looker.files, &self.config).await;
        let kept = match got {
            Got::Here(bytes) => self.looker.keep(key.clone(), bytes).await?,
            Got::Never(why) => Err(why),
            Got::Later(why) => match self.later(waiting, why) {
                Some(why) => Err(why),
                None => return Ok(Came::Later),
            },
        };
        let event = match &kept {
            Ok(kept) => Event::FileKept(Box::new(kept.clone())),
            Err(why) => Event::FileMissing { of: key.clone(), why: *why },
        };
        let command = command_id::file(*id, key);
        if self.record(*id, command, waiting.cause, Command::NoteFile(Box::new(event))).await? {
            match kept {
                Ok(_) => self.metrics.kept(waiting.channel),
                Err(why) => self.metrics.missing(waiting.channel, why),
            }
        }
        Ok(Came::Recorded)
    }

    /// One try to have the words of a message. They are the first that its author wrote, as far as we know: a version of it.
    async fn words(&self, (id, _): &Name, waiting: &Waiting) -> Result<Came, Failed> {
        let message = self.messages.load(&StreamId::from(*id)).await?.state;
        let Some(received) = &message.received else { return Ok(Came::Unreadable) };
        if !message.edits.is_empty() || message.words_missing {
            return Ok(Came::Recorded);
        }
        let command = match self.sources.words(received).await {
            Got::Here(content) => Command::Edit { content, sent_at: received.sent_at },
            Got::Never(why) => Command::NoteFile(Box::new(Event::WordsMissing { why })),
            Got::Later(why) => match self.later(waiting, why) {
                Some(why) => Command::NoteFile(Box::new(Event::WordsMissing { why })),
                None => return Ok(Came::Later),
            },
        };
        let is_here = matches!(command, Command::Edit { .. });
        if self.record(*id, command_id::words(*id), waiting.cause, command).await? && is_here {
            self.metrics.words();
        }
        Ok(Came::Recorded)
    }

    /// A try came to nothing. The reason, when it was the last.
    fn later(&self, waiting: &Waiting, why: Missing) -> Option<Missing> {
        self.metrics.trouble(waiting.channel);
        let waited = self.parts.clock.now().signed_duration_since(waiting.since);
        (waited >= TimeDelta::hours(self.config.give_up_hours.into())).then_some(why)
    }

    /// Records what came of a try; whether that is new.
    async fn record(
        &self,
        id: MessageId,
        command: CommandId,
        cause: Cause,
        wish: Command,
    ) -> Result<bool, Failed> {
        let recorded = self
            .messages
            .handle(&StreamId::from(id), command, cause, |state, _| message::decide(state, wish.clone()))
            .await;
        match recorded {
            Ok(handled) => Ok(handled.new),
            Err(DeciderError::Refused(_)) => Ok(false),
            Err(error) => Err(Error::from(error).into()),
        }
    }
}
