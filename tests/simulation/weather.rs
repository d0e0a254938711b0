//! What goes wrong, drawn from the seed of a run in the order in which it is asked for.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use zholdary_domain::{Position, StreamId, inbound::Channel};
use zholdary_intake::{Kept, RawError, RawStore};
use zholdary_log::{
    AppendError, Appended, BindError, Checkpoint, Checkpoints, Damage, EventLog, LogInfo, MemoryLog,
    NewRecord, Progress, ReadError, Recorded, Stream, Tail, Verified, WritePermit,
};

/// Chance, and whether there is a storm: without one nothing goes wrong. Clones are one.
#[derive(Clone)]
pub(crate) struct Weather {
    chance: Arc<Mutex<ChaCha8Rng>>,
    storm: Arc<AtomicBool>,
}

impl Weather {
    pub(crate) fn of(seed: u64) -> Self {
        Self {
            chance: Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed))),
            storm: Arc::new(AtomicBool::new(true)),
        }
    }

    fn chance(&self) -> MutexGuard<'_, ChaCha8Rng> {
        self.chance.lock().unwrap()
    }

    pub(crate) fn calm(&self) {
        self.storm.store(false, Ordering::SeqCst);
    }

    pub(crate) fn storms(&self) -> bool {
        self.storm.load(Ordering::SeqCst)
    }

    pub(crate) fn number(&self, of: Range<u64>) -> u64 {
        self.chance().random_range(of)
    }

    /// True `percent` times of a hundred.
    pub(crate) fn happens(&self, percent: u64) -> bool {
        self.number(0..100) < percent
    }

    /// Something goes wrong that goes wrong `percent` times of a hundred in a storm.
    fn fails(&self, percent: u64) -> bool {
        self.storms() && self.happens(percent)
    }

    pub(crate) fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        (!of.is_empty()).then(|| &of[usize::try_from(self.number(0..of.len() as u64)).unwrap()])
    }

    /// The rest of the world goes on meanwhile.
    pub(crate) async fn pass(&self, ms: Range<u64>) {
        let ms = self.number(ms);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn slow(&self, percent: u64) {
        if self.fails(percent) {
            self.pass(1..300).await;
        }
    }
}

/// One process's way to the log.
pub(crate) struct Line {
    log: MemoryLog,
    weather: Weather,
}

impl Line {
    pub(crate) fn to(log: &MemoryLog, weather: &Weather) -> Arc<Self> {
        Arc::new(Self { log: log.handle(), weather: weather.clone() })
    }

    async fn readable(&self) -> Result<(), ReadError> {
        self.weather.slow(10).await;
        if self.weather.fails(2) { Err(ReadError::Unavailable("the weather".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl EventLog for Line {
    async fn append(&self, permit: WritePermit, new: NewRecord) -> Result<Appended, AppendError> {
        let command = new.command_id;
        self.weather.slow(25).await;
        if self.weather.fails(3) {
            return Err(AppendError::Unavailable("the weather".into()));
        }
        if self.weather.fails(3) {
            return Err(AppendError::OutcomeUnknown(command));
        }
        let written = self.log.append(permit, new).await;
        self.weather.slow(25).await;
        if self.weather.fails(3) { Err(AppendError::OutcomeUnknown(command)) } else { written }
    }

    async fn load(&self, stream: &StreamId) -> Result<Stream, ReadError> {
        self.readable().await?;
        self.log.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Recorded>, ReadError> {
        self.readable().await?;
        self.log.last(stream).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.readable().await?;
        self.log.read(after, limit).await
    }

    async fn head(&self) -> Result<Position, ReadError> {
        self.readable().await?;
        self.log.head().await
    }

    fn tail(&self, after: Position) -> Tail {
        self.log.tail(after)
    }

    async fn position_at(&self, at: DateTime<Utc>) -> Result<Position, ReadError> {
        self.readable().await?;
        self.log.position_at(at).await
    }

    async fn info(&self) -> Result<LogInfo, ReadError> {
        self.log.info().await
    }

    async fn bind_key(&self, fingerprint: &str) -> Result<(), BindError> {
        self.log.bind_key(fingerprint).await
    }

    async fn verify(&self, progress: Progress<'_>) -> Result<Verified, Damage> {
        self.log.verify(progress).await
    }
}

/// Where workers keep how far they came: what is read may be an older one, or none.
pub(crate) struct Marks {
    kept: Mutex<HashMap<String, Vec<Checkpoint>>>,
    weather: Weather,
}

impl Marks {
    pub(crate) fn new(weather: &Weather) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), weather: weather.clone() })
    }
}

#[async_trait]
impl Checkpoints for Marks {
    async fn read(&self, worker: &str) -> Result<Option<Checkpoint>, ReadError> {
        self.weather.slow(20).await;
        if self.weather.fails(5) {
            return Err(ReadError::Unavailable("the weather".into()));
        }
        if self.weather.fails(15) {
            return Ok(None);
        }
        let kept = self.kept.lock().unwrap().get(worker).cloned().unwrap_or_default();
        let older = if self.weather.fails(15) { self.weather.one(&kept) } else { kept.last() };
        Ok(older.cloned())
    }

    async fn keep(&self, worker: &str, checkpoint: &Checkpoint) -> Result<(), ReadError> {
        self.weather.slow(20).await;
        if self.weather.fails(10) {
            return Err(ReadError::Unavailable("the weather".into()));
        }
        self.kept.lock().unwrap().entry(worker.to_owned()).or_default().push(checkpoint.clone());
        Ok(())
    }
}

/// Raw bodies of a process that may fail to keep one.
pub(crate) struct Bodies {
    bodies: Mutex<BTreeMap<String, Bytes>>,
    kept: Mutex<Vec<Kept>>,
    weather: Weather,
}

impl Bodies {
    pub(crate) fn new(weather: &Weather) -> Arc<Self> {
        Arc::new(Self { bodies: Mutex::default(), kept: Mutex::default(), weather: weather.clone() })
    }
}

#[async_trait]
impl RawStore for Bodies {
    async fn put(
        &self,
        channel: Channel,
        bytes: Bytes,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<String, RawError> {
        self.weather.slow(20).await;
        let name = blake3::hash(&bytes).to_hex().to_string();
        if self.weather.fails(3) {
            return Err(RawError::Unavailable("the weather".into()));
        }
        self.bodies.lock().unwrap().insert(name.clone(), bytes);
        self.keep(&name, channel, at, kept).await?;
        Ok(name)
    }

    async fn keep(
        &self,
        name: &str,
        channel: Channel,
        at: DateTime<Utc>,
        kept: Vec<(u32, &'static str)>,
    ) -> Result<(), RawError> {
        let mut all = self.kept.lock().unwrap();
        for (element, why) in kept {
            if all.iter().all(|known| known.raw != name || known.element != element) {
                let id = i64::try_from(all.len()).unwrap() + 1;
                all.push(Kept { id, raw: name.to_owned(), channel, element, why: why.to_owned(), at });
            }
        }
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, RawError> {
        Ok(self.bodies.lock().unwrap().get(name).cloned())
    }

    async fn kept(&self, after: i64, limit: u32) -> Result<Vec<Kept>, RawError> {
        let all = self.kept.lock().unwrap();
        Ok(all.iter().filter(|kept| kept.id > after).take(limit as usize).cloned().collect())
    }

    async fn waiting(&self) -> Result<u64, RawError> {
        Ok(self.kept.lock().unwrap().len() as u64)
    }

    async fn settle(&self, id: i64, _: String, _: DateTime<Utc>) -> Result<bool, RawError> {
        let mut all = self.kept.lock().unwrap();
        let before = all.len();
        all.retain(|kept| kept.id != id);
        Ok(all.len() < before)
    }

    async fn purge(&self, _: DateTime<Utc>) -> Result<u64, RawError> {
        Ok(0)
    }
}
