//! `zholdary ingest`: recorded payloads through the real intake path.

use std::{collections::HashSet, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use zholdary_channels::{jsonl, meta, seed, web};
use zholdary_domain::{
    AppealId, Clock, Inbound, MessageId, Number, Position, StreamId, SystemClock,
    inbound::Channel,
    message::{Outcome, SetAside},
    time::PlayedClock,
};
use zholdary_intake::{Intake, Taken, advance, follow};
use zholdary_log::{
    Decider,
    jetstream::Lease,
    streams::{Appeals, Messages},
};
use zholdary_readmodel::Query;

use crate::{
    cli::{self, Payload},
    config::Config,
    data::Data,
    print,
    system::{self, Held, LEASE, Opened, System, WORKERS_LOCK},
};

/// Without progress for this long, a file is given up and its report says who is behind.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether there is progress.
const LOOK: Duration = Duration::from_secs(1);
/// Lines of a JSON-lines file that are taken in together.
const LINES_AT_ONCE: usize = 256;

pub(crate) async fn ingest(args: cli::Ingest) -> anyhow::Result<ExitCode> {
    let config = Config::of(&args.place)?;
    let data = Data::open(&args.place.data)?;
    // Whoever runs the workers sets the clock: ours is the played one, theirs the wall's.
    let Opened { log, jetstream } = system::open(&data, &config, None).await?;
    let free = match &jetstream {
        Some(log) => Lease::holder(log, LEASE).await?.is_none(),
        None => data.lock(WORKERS_LOCK)?.is_some(),
    };
    let played = if free {
        let last = system::last_recorded(log.as_ref()).await?;
        Some(Arc::new(PlayedClock::at(last.unwrap_or(DateTime::UNIX_EPOCH))))
    } else {
        None
    };
    drop((log, jetstream));
    let at = args.at.map(|at| at.with_timezone(&Utc));
    if let (Some(clock), Some(at)) = (&played, at) {
        clock.advance_to(at);
    }
    let clock: Arc<dyn Clock> = match &played {
        Some(clock) => Arc::clone(clock) as _,
        None => Arc::new(SystemClock),
    };
    let system = Arc::new(System::open(data, config, clock).await?);
    system.publish_first(args.city.as_deref()).await?;
    let mut feed = Feed::over(&system, played.as_deref(), at).await?;
    let mut code = ExitCode::SUCCESS;
    let bar = print::bar("files", args.files.len() as u64);
    for file in &args.files {
        let report = feed.path(file, args.channel).await;
        if report.error.is_some() {
            code = ExitCode::FAILURE;
        }
        bar.suspend(|| print::json(&report))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    feed.finish().await?;
    Ok(code)
}

/// Bytes to be fed.
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) payload: Payload,
    pub(crate) bytes: Bytes,
}

/// What became of a file: one line of the result.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// The file, as given.
    file: String,
    /// Residents' messages stored now.
    messages: usize,
    /// Appeals that they opened.
    new_appeals: usize,
    /// Numbers that its messages belong to, once, in order.
    appeals: Vec<Number>,
    /// Elements that lead to nothing, repeated ones included.
    ignored: usize,
    /// Kept for a person.
    parked: usize,
    /// What went wrong.
    pub(crate) error: Option<String>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// The workers are done. Where another process runs them, the views show it, too.
    Decided,
    /// The views show it, whoever runs the workers.
    Seen,
}

/// Some elements with the bytes they came in.
struct Batch {
    channel: Channel,
    raw: Bytes,
    elements: Vec<Inbound>,
}

/// Feeds files in order.
pub(crate) struct Feed<'a> {
    system: &'a Arc<System>,
    intake: Intake,
    query: Query,
    /// The clock that the messages move, when this process runs the workers.
    played: Option<&'a PlayedClock>,
    /// Time of what tells none.
    at: Option<DateTime<Utc>>,
    /// The workers, when this process runs them.
    pub(crate) held: Option<Held>,
    /// The views, as long as nobody else writes them.
    views: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl<'a> Feed<'a> {
    /// Takes over the workers and the views, as far as nobody has them.
    pub(crate) async fn over(
        system: &'a Arc<System>,
        played: Option<&'a PlayedClock>,
        at: Option<DateTime<Utc>>,
    ) -> anyhow::Result<Self> {
        let (intake, query) = (system.intake().await?, system.query()?);
        let stop = CancellationToken::new();
        let held = system.take_over(&stop).await?;
        let views = tokio::spawn({
            let (system, stop) = (Arc::clone(system), stop.clone());
            async move { system.hold_views(&stop).await }
        });
        Ok(Self { system, intake, query, played, at, held, views, stop })
    }

    /// Feeds a file.
    async fn path(&mut self, file: &Path, payload: Payload) -> Report {
        let name = file.display().to_string();
        match tokio::fs::read(file).await {
            Ok(bytes) => self.file(&Source { name: &name, payload, bytes: bytes.into() }).await,
            Err(error) => {
                Report { file: name, error: Some(format!("could not be read: {error}")), ..Report::default() }
            }
        }
    }

    /// Feeds bytes, and waits until everything that they lead to is done.
    pub(crate) async fn file(&mut self, source: &Source<'_>) -> Report {
        let mut report = Report { file: source.name.to_owned(), ..Report::default() };
        if let Err(error) = self.feed(source, &mut report).await {
            let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
            report.error.get_or_insert(causes.join(": "));
        }
        report
    }

    async fn feed(&mut self, source: &Source<'_>, report: &mut Report) -> anyhow::Result<()> {
        let batches = self.read(source, report);
        let mut messages: Vec<MessageId> = Vec::new();
        let mut stored: HashSet<MessageId> = HashSet::new();
        let mut position = Position::START;
        for Batch { channel, raw, elements } in batches {
            let Taken { messages: new, repeated, all, ignored, parked, position: at, .. } =
                self.intake.take(channel, raw, elements).await.context("could not be taken in")?;
            report.messages += new.len();
            stored.extend(new);
            report.ignored += ignored + repeated.len();
            report.parked += parked.len();
            messages.extend(all);
            position = position.max(at);
        }
        self.wait(&messages, position, Until::Seen).await?;
        self.tell(&messages, &stored, report).await
    }

    /// Feeds bytes of which nothing may be wrong, and waits for nothing. How many residents' messages are stored now.
    pub(crate) async fn take(&mut self, source: &Source<'_>) -> anyhow::Result<usize> {
        let mut report = Report::default();
        for Batch { channel, raw, elements } in self.read(source, &mut report) {
            let taken = self.intake.take(channel, raw, elements).await.context("could not be taken in")?;
            report.messages += taken.messages.len();
        }
        match report.error {
            Some(error) => anyhow::bail!("{}: {error}", source.name),
            None => Ok(report.messages),
        }
    }

    /// Waits until everything that was taken in is decided, though the views may not show it yet.
    pub(crate) async fn decided(&mut self) -> anyhow::Result<()> {
        self.wait(&[], Position::START, Until::Decided).await
    }

    /// Waits until everything that was taken in is done.
    pub(crate) async fn settled(&mut self) -> anyhow::Result<()> {
        self.wait(&[], Position::START, Until::Seen).await
    }

    /// Reads the elements, and moves the played clock to the latest of them.
    fn read(&self, source: &Source<'_>, report: &mut Report) -> Vec<Batch> {
        let seed = source.name.ends_with("_sent.jsonl");
        match source.payload {
            _ if seed => {
                let ours = &self.system.config.http.ours;
                self.lines(source, report, |line| seed::line(line).map(|element| ours.seeded(element)))
            }
            Payload::Jsonl => self.lines(source, report, |line| jsonl::line(line, self.at)),
            Payload::Whatsapp => self.delivery(source, Channel::Whatsapp, report),
            Payload::Instagram => self.delivery(source, Channel::Instagram, report),
            Payload::Facebook => self.delivery(source, Channel::Facebook, report),
            Payload::Telegram => self.delivery(source, Channel::Telegram, report),
            // What is no letter is kept for a person, as if the post had brought it.
            Payload::Email => {
                let parsed = self.system.config.http.ours.parse(Channel::Email, &source.bytes);
                self.whole(source, Channel::Email, parsed.unwrap_or_default().elements, report)
            }
            Payload::Web => match self.submission(source) {
                Ok(element) => self.whole(source, Channel::Web, vec![element], report),
                Err(error) => {
                    report.error = Some(error.to_string());
                    vec![]
                }
            },
        }
    }

    /// What a platform delivered.
    fn delivery(&self, source: &Source<'_>, channel: Channel, report: &mut Report) -> Vec<Batch> {
        if let Err(error) = is_delivered(channel, &source.bytes) {
            report.error = Some(error);
            return vec![];
        }
        let parsed = self.system.config.http.ours.parse(channel, &source.bytes).unwrap_or_default();
        self.whole(source, channel, parsed.elements, report)
    }

    fn submission(&self, source: &Source<'_>) -> anyhow::Result<Inbound> {
        let submission: web::Submission = serde_json::from_slice(&source.bytes)
            .map_err(|e| anyhow::anyhow!("not a body of POST /api/v1/appeals: column {}", e.column()))?;
        // The same body, fed again, is the same message.
        let key = blake3::hash(&source.bytes).to_hex();
        let at = self.at.unwrap_or_else(|| SystemClock.now());
        Ok(web::submit(&submission, key.as_str(), "ingest", at)?)
    }

    fn whole(
        &self,
        source: &Source<'_>,
        channel: Channel,
        elements: Vec<Inbound>,
        report: &mut Report,
    ) -> Vec<Batch> {
        if let Some(clock) = self.played
            && let Err(jump) = follow(clock, &elements, SystemClock.now())
        {
            report.error = Some(jump.to_string());
            return vec![];
        }
        vec![Batch { channel, raw: source.bytes.clone(), elements }]
    }

    /// Lines in batches of one channel each. A line that does not read is told, and its neighbours go on.
    fn lines<E: std::fmt::Display>(
        &self,
        source: &Source<'_>,
        report: &mut Report,
        read: impl Fn(&str) -> Result<Inbound, E>,
    ) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for (n, raw) in (1..).zip(source.bytes.split(|byte| *byte == b'\n')) {
            if raw.trim_ascii().is_empty() {
                continue;
            }
            let element = std::str::from_utf8(raw)
                .map_err(|_| "not UTF-8".to_owned())
                .and_then(|line| read(line).map_err(|error| error.to_string()))
                .and_then(|element| match self.played {
                    Some(clock) => match advance(clock, std::slice::from_ref(&element)) {
                        Ok(()) => Ok(element),
                        Err(jump) => Err(jump.to_string()),
                    },
                    None => Ok(element),
                });
            let element = match element {
                Ok(element) => element,
                Err(error) => {
                    report.error.get_or_insert_with(|| format!("line {n}: {error}"));
                    continue;
                }
            };
            let channel = channel_of(&element);
            match batches.last_mut() {
                Some(last) if last.channel == channel && last.elements.len() < LINES_AT_ONCE => {
                    last.elements.push(element);
                    last.raw = [&last.raw[..], b"\n", raw].concat().into();
                }
                _ => batches.push(Batch { channel, raw: raw.to_vec().into(), elements: vec![element] }),
            }
        }
        batches
    }

    /// Waits until each message is placed or set aside, stands in its appeal, and `route` and, as `until` says, the views have
    /// passed it.
    async fn wait(&mut self, messages: &[MessageId], position: Position, until: Until) -> anyhow::Result<()> {
        let mut seen = String::new();
        let mut since = Instant::now();
        loop {
            let behind = match &self.held {
                Some(held) if held.stop.is_cancelled() => {
                    anyhow::bail!("a worker or the views' writer ended; its log line says why")
                }
                Some(held) => {
                    let done = async {
                        match until {
                            Until::Decided => held.decide(self.system).await.map(drop),
                            Until::Seen => held.settle(self.system, &self.query).await,
                        }
                    };
                    match tokio::time::timeout(LOOK, done).await {
                        Ok(done) => return done,
                        Err(_) => held.behind(self.system, &self.query).await?,
                    }
                }
                None => {
                    let behind = self.behind_elsewhere(messages, position).await?;
                    let Some(behind) = behind else { return Ok(()) };
                    let (head, views) = (self.system.log.head().await?, self.query.position());
                    // Who ran the workers may be gone.
                    self.held = self.system.take_over(&self.stop).await?;
                    tokio::time::sleep(LOOK / 10).await;
                    format!("the log is at {head}, the views are at {views}: {behind}")
                }
            };
            if behind != seen {
                (seen, since) = (behind, Instant::now());
            } else if since.elapsed() >= PATIENCE {
                anyhow::bail!("no progress for {} s: {behind}", PATIENCE.as_secs());
            }
        }
    }

    /// Who is behind in the process that runs the workers; nothing when all is done.
    async fn behind_elsewhere(
        &self,
        messages: &[MessageId],
        position: Position,
    ) -> anyhow::Result<Option<&'static str>> {
        let mut last = position;
        for id in messages {
            let Some(outcome) = self.outcome(*id).await? else { return Ok(Some("register is behind")) };
            if let Outcome::Placed { appeal, .. } = outcome {
                let loaded = self.appeals().load(&StreamId::from(appeal)).await?;
                if !loaded.state.messages.contains(id) {
                    return Ok(Some("register is behind"));
                }
                if loaded.state.understanding.is_none() {
                    return Ok(Some("route is behind"));
                }
                last = last.max(loaded.token.map(|t| t.position).unwrap_or_default());
            }
        }
        Ok((self.query.position() < last).then_some("the views are behind"))
    }

    fn appeals(&self) -> Decider<Appeals> {
        Decider::new(Arc::clone(&self.system.log), Arc::clone(&self.system.clock))
    }

    async fn outcome(&self, id: MessageId) -> anyhow::Result<Option<Outcome>> {
        let messages: Decider<Messages> =
            Decider::new(Arc::clone(&self.system.log), Arc::clone(&self.system.clock));
        Ok(messages.load(&StreamId::from(id)).await?.state.outcome)
    }

    /// Fills in what became of the messages.
    async fn tell(
        &self,
        messages: &[MessageId],
        stored: &HashSet<MessageId>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut opened: HashSet<AppealId> = HashSet::new();
        for id in messages {
            match self.outcome(*id).await? {
                Some(Outcome::Placed { appeal, opens, .. }) => {
                    let loaded = self.appeals().load(&StreamId::from(appeal)).await?;
                    let number = loaded.state.registered.map(|r| r.number);
                    if let Some(number) = number.filter(|n| !report.appeals.contains(n)) {
                        report.appeals.push(number);
                    }
                    // What was delivered before had opened its appeal then.
                    if opens && stored.contains(id) {
                        opened.insert(appeal);
                    }
                }
                Some(Outcome::SetAside { why: SetAside::ForPerson, .. }) => report.parked += 1,
                Some(Outcome::SetAside { .. }) | None => {}
            }
        }
        report.new_appeals = opened.len();
        Ok(())
    }

    /// Stops the workers, when this process runs them.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let workers = match self.held {
            Some(held) => held.finish().await,
            None => Ok(()),
        };
        self.stop.cancel();
        workers.and(self.views.await.context("the views' writer ended")?)
    }
}

/// A body as far as it tells what it is of. What stands deeper is read element by element: a broken one costs itself only.
#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(default)]
    object: serde_json::Value,
    #[serde(default, borrow)]
    entry: Option<&'a RawValue>,
}

impl Body<'_> {
    fn is_of(&self, platform: &str) -> bool {
        self.object == platform && self.entry.is_some_and(|entry| entry.get().starts_with('['))
    }
}

/// Refuses a file that the platform never delivered, whoever named it can name the right one. A body that was cut off is none of
/// these: it is kept for a person, as a delivery would be.
fn is_delivered(channel: Channel, bytes: &[u8]) -> Result<(), String> {
    let expected = format!("one file is one body of the {} hook, as it was delivered", channel.code());
    let text = String::from_utf8_lossy(bytes);
    if text.trim().is_empty() {
        return Err(format!("the file is empty: {expected}"));
    }
    let body: &RawValue = match serde_json::from_str(&text) {
        Ok(body) => body,
        Err(error) if error.is_eof() => return Ok(()),
        // The message of the parser may quote what somebody wrote; line and column do not.
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Err(format!("not JSON: trouble at line {line}, column {column}; {expected}"));
        }
    };
    match meta::object(channel) {
        Some(object) if !serde_json::from_str::<Body<'_>>(body.get()).unwrap_or_default().is_of(object) => {
            Err(format!("no \"object\": \"{object}\" with a list \"entry\" in it: {expected}"))
        }
        _ => Ok(()),
    }
}

fn channel_of(element: &Inbound) -> Channel {
    match element {
        Inbound::Message(message) => message.id.channel,
        Inbound::Edited { of, .. } | Inbound::Withdrawn { of, .. } | Inbound::Delivery { of, .. } => {
            of.channel
        }
        Inbound::Sent(sent) => sent.id.channel,
        Inbound::Echoed(echo) => echo.id.channel,
        Inbound::News(news) => news.id.channel,
        Inbound::Nothing { .. } | Inbound::Kept { .. } => Channel::Web,
    }
}
