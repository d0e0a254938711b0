//! Photos on their way in: piece by piece into a draft, within the limits, some at once.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::SemaphorePermit;
use zholdary_domain::FileId;
use zholdary_intake::{Draft, FileError, Incoming};
use zholdary_media::{Kind, Refused};

use crate::{
    app::App,
    config::Config,
    extract::RawBody,
    problem::{Code, Problem},
};

/// What a form sends.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Its fields in their order, decoded.
    pub(crate) fields: Vec<(String, String)>,
    /// The body that is kept as it came; photos are named in it in place of their bytes.
    pub(crate) raw: Bytes,
    /// Photos that may be kept.
    pub(crate) photos: Vec<Draft>,
    /// Why not all that was chosen may be.
    pub(crate) refused: Option<PhotoRefused>,
    /// A photo was chosen, taken or not.
    pub(crate) brought: bool,
    /// Why it was not read to its end. Then nothing of it may be recorded, and its fields are for the page that is shown again.
    pub(crate) cut: Option<Problem>,
}

/// Why a photo of a form is not taken. The form is read to its end nevertheless: what was written must not be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PhotoRefused {
    TooMany,
    TooLarge,
    NotAPhoto,
}

/// The name of the field in which a form sends photos.
const PHOTO: &str = "photo";
/// Parts that a form may have beside its photos: ours has five, and each part costs us work and memory however small it is.
const PARTS_MAX: usize = 32;
/// Bytes of a form outside of its fields' values, at most: what stands before its parts, and their heads. The parser holds them in
/// memory, and without a limit of its own. A browser writes some 200 bytes a part, a long name of a file included 500.
const OUTSIDE_MAX_BYTES: usize = 16 * 1024;
/// For how long a sender may send nothing, or less than it should, before it is cut off: telephones lose their network for seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Parts that a form may have.
const fn parts_max(config: &Config) -> usize {
    // Each photo once as it is chosen, once as it is kept.
    PARTS_MAX.saturating_add(config.limits.photos_max.saturating_mul(2))
}

/// Reads a form, whichever of the two ways a browser sends it.
///
/// # Errors
///
/// A [`Problem`] when it is no form. One that breaks off on its way is answered with what was read until then.
pub(crate) async fn form(app: &App, request: Request) -> Result<Sent, Problem> {
    let label = label(request.headers()).to_owned();
    if label.starts_with("application/x-www-form-urlencoded") {
        let RawBody(raw) = RawBody::from_request(request, &()).await?;
        return written(raw, parts_max(&app.config));
    }
    let Ok(boundary) = multer::parse_boundary(&label) else {
        let takes = "the form sends multipart/form-data or application/x-www-form-urlencoded";
        return Err(Problem::new(Code::BadField, takes));
    };
    let most = app.config.limits.form_max_bytes as u64;
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(most));
    let tally = Arc::<Tally>::default();
    let body = one_by_one(paced(app, request.into_body()), Arc::clone(&tally));
    let mut reading = Reading::default();
    let read = parts(app, Multipart::with_constraints(body, boundary, constraints), &tally, &mut reading);
    let read = tokio::time::timeout(app.config.upload_timeout(), read).await;
    let read = read.unwrap_or_else(|_| Err(late()));
    let named = reading.end();
    let mut sent = reading.sent;
    match read.and(named) {
        Ok(()) => {
            let photos = sent.photos.iter().map(|draft| (PHOTO.to_owned(), draft.id().to_string()));
            let named: Vec<_> = sent.fields.iter().cloned().chain(photos).collect();
            sent.raw = serde_urlencoded::to_string(named).map_err(|_| unreadable())?.into();
        }
        Err(problem) => sent.cut = Some(problem),
    }
    Ok(sent)
}

/// A form without photos. Of one with too many fields the first are read.
fn written(raw: Bytes, most: usize) -> Result<Sent, Problem> {
    let end = raw.iter().enumerate().filter(|(_, byte)| **byte == b'&').nth(most.saturating_sub(1));
    let (some, cut) = match end {
        Some((end, _)) => (raw.slice(..end), Some(many(most))),
        None => (raw.clone(), None),
    };
    let fields = serde_urlencoded::from_bytes(&some).map_err(|_| unreadable())?;
    Ok(Sent { fields, raw, cut, ..Sent::default() })
}

fn many(most: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the form has more than {most} fields"))
}

fn label(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|label| label.to_str().ok()).unwrap_or_default()
}

fn unreadable() -> Problem {
    Problem::new(Code::BadField, "the form does not read")
}

fn late() -> Problem {
    Problem::new(Code::Timeout, "the upload did not end in time").retry_after(5)
}

/// Why a body is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    /// The connection broke.
    Broken,
    /// It comes more slowly than it must.
    Slow,
    /// Too much of it is in no field.
    Outside,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "the body did not arrive whole",
            Self::Slow => "the body comes too slowly",
            Self::Outside => "too much of the form is in no field",
        })
    }
}

impl std::error::Error for Unfit {}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Broken => Self::new(Code::NotWhole, ""),
            Unfit::Slow => Self::new(Code::Timeout, unfit.to_string()).retry_after(5),
            Unfit::Outside => Self::new(Code::TooLarge, unfit.to_string()),
        }
    }
}

fn paced(app: &App, body: Body) -> impl Stream<Item = Result<Bytes, Unfit>> + Unpin + use<> {
    let rate = app.config.upload_min_bytes_per_s;
    let pieces = body.into_data_stream().map(|piece| piece.map_err(|_| Unfit::Broken));
    Box::pin(at_a_pace(pieces, rate, PATIENCE))
}

/// A body whose sender is cut off when it sends less than `rate` bytes a second: what it sends lets it wait on, never longer than
/// `patience`. Only the time counts in which we wait for it.
fn at_a_pace(
    body: impl Stream<Item = Result<Bytes, Unfit>> + Unpin,
    rate: u64,
    patience: Duration,
) -> impl Stream<Item = Result<Bytes, Unfit>> {
    stream::unfold(Some((body, patience)), move |state| async move {
        let (mut body, left) = state?;
        let began = Instant::now();
        match tokio::time::timeout(left, body.next()).await {
            Err(_) => Some((Err(Unfit::Slow), None)),
            Ok(None) => None,
            Ok(Some(Err(unfit))) => Some((Err(unfit), None)),
            Ok(Some(Ok(piece))) => {
                let micros = (piece.len() as u64).saturating_mul(1_000_000) / rate.max(1);
                let earned = Duration::from_micros(micros);
                let left = left.saturating_sub(began.elapsed()).saturating_add(earned).min(patience);
                Some((Ok(piece), Some((body, left))))
            }
        }
    })
}

/// What the parser has of a body.
#[derive(Debug, Default)]
struct Tally {
    /// Bytes that came and were not given out as a field's value.
    outside: AtomicUsize,
    /// It looks at what it has before it is given more.
    looks: AtomicBool,
}

impl Tally {
    async fn next_field<'r>(&self, body: &mut Multipart<'r>) -> multer::Result<Option<Field<'r>>> {
        self.looks.store(true, Ordering::Relaxed);
        body.next_field().await
    }

    async fn next_piece(&self, field: &mut Field<'_>) -> multer::Result<Option<Bytes>> {
        self.looks.store(true, Ordering::Relaxed);
        let piece = field.chunk().await?;
        self.outside.fetch_sub(piece.as_ref().map_or(0, Bytes::len), Ordering::Relaxed);
        Ok(piece)
    }
}

/// A body that pauses before and after each piece: the parser takes in whatever is ready before it looks at what it has, and of a fast
/// sender that would be everything. So whenever it is given a piece it made nothing of what it had, and that is in no field.
fn one_by_one(
    mut body: impl Stream<Item = Result<Bytes, Unfit>> + Unpin,
    tally: Arc<Tally>,
) -> impl Stream<Item = Result<Bytes, Unfit>> {
    let mut pauses = false;
    stream::poll_fn(move |context| {
        if std::mem::take(&mut pauses) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if tally.looks.swap(false, Ordering::Relaxed) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if tally.outside.load(Ordering::Relaxed) > OUTSIDE_MAX_BYTES {
            return Poll::Ready(Some(Err(Unfit::Outside)));
        }
        let polled = body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(piece))) = &polled {
            // Twice: in search of the first part it asks for more without a look at what it was just given.
            pauses = true;
            tally.looks.store(true, Ordering::Relaxed);
            tally.outside.fetch_add(piece.len(), Ordering::Relaxed);
        }
        polled
    })
}

/// A form while it is read.
#[derive(Debug, Default)]
struct Reading {
    sent: Sent,
    /// The field in hand.
    field: Option<(String, Vec<u8>)>,
}

impl Reading {
    /// Ends the field in hand, when one is.
    fn end(&mut self) -> Result<(), Problem> {
        let Some((name, value)) = self.field.take() else { return Ok(()) };
        let (value, read) = match String::from_utf8(value) {
            Ok(value) => (value, Ok(())),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), Err(unreadable())),
        };
        self.sent.fields.push((name, value));
        read
    }
}

/// Reads the parts of a form.
async fn parts(
    app: &App,
    mut body: Multipart<'_>,
    tally: &Tally,
    reading: &mut Reading,
) -> Result<(), Problem> {
    let (most, mut count) = (parts_max(&app.config), 0);
    let mut room = app.config.max_body_bytes;
    let mut seat = None;
    loop {
        let mut field = match tally.next_field(&mut body).await {
            Ok(Some(field)) => field,
            Ok(None) => return Ok(()),
            // The photos alone made it too large: in our form the words come before them.
            Err(error) if reading.sent.refused.is_some() && is_too_large(&error) => return Ok(()),
            Err(error) => return Err(broken(&error)),
        };
        count += 1;
        let name = field.name().unwrap_or_default().to_owned();
        if name == PHOTO {
            photo(app, &mut field, tally, &mut reading.sent, &mut seat).await?;
            continue;
        }
        if count > most {
            return Err(many(most));
        }
        room = room.checked_sub(name.len()).ok_or_else(|| Problem::new(Code::TooLarge, ""))?;
        reading.field = Some((name, Vec::new()));
        while let Some(piece) = tally.next_piece(&mut field).await.map_err(|error| broken(&error))? {
            room = room.checked_sub(piece.len()).ok_or_else(|| Problem::new(Code::TooLarge, ""))?;
            if let Some((_, value)) = &mut reading.field {
                value.extend_from_slice(&piece);
            }
        }
        reading.end()?;
    }
}

/// Reads one photo, after those of `sent`. One that is refused is read to its end as well.
///
/// The first byte takes the `seat` of the whole form: words alone wait for nobody.
async fn photo<'a>(
    app: &'a App,
    field: &mut Field<'_>,
    tally: &Tally,
    sent: &mut Sent,
    seat: &mut Option<SemaphorePermit<'a>>,
) -> Result<(), Problem> {
    let limits = &app.config.limits;
    let mut incoming: Option<Incoming> = None;
    let mut refused = None;
    loop {
        let piece = match tally.next_piece(field).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error) if is_too_large(&error) => {
                sent.refused.get_or_insert(PhotoRefused::TooLarge);
                return Ok(());
            }
            Err(error) => return Err(broken(&error)),
        };
        if piece.is_empty() || refused.is_some() {
            continue;
        }
        sent.brought = true;
        if sent.photos.len() >= limits.photos_max {
            refused = Some(PhotoRefused::TooMany);
            continue;
        }
        if seat.is_none() {
            *seat = app.uploads.acquire().await.ok();
        }
        let added = match &mut incoming {
            Some(draft) => draft.add(&piece).await,
            none => match app.files.begin(limits.photo_max_bytes).await {
                Ok(draft) => none.insert(draft).add(&piece).await,
                Err(error) => Err(error),
            },
        };
        match added {
            Ok(()) => {}
            Err(FileError::TooLarge { .. }) => refused = Some(PhotoRefused::TooLarge),
            Err(error) => return Err(error.into()),
        }
        if refused.is_some() {
            incoming = None;
        }
    }
    if let Some(incoming) = incoming {
        let draft = incoming.finish().await?;
        match taken(app, &draft).await? {
            Ok(_) => sent.photos.push(draft),
            Err(Refused::TooLarge | Refused::Bomb) => refused = Some(PhotoRefused::TooLarge),
            Err(_) => refused = Some(PhotoRefused::NotAPhoto),
        }
    }
    if let Some(why) = refused {
        sent.refused.get_or_insert(why);
    }
    Ok(())
}

fn unfit(error: &multer::Error) -> Option<Unfit> {
    match error {
        multer::Error::StreamReadFailed(error) => error.downcast_ref().copied(),
        _ => None,
    }
}

fn is_too_large(error: &multer::Error) -> bool {
    matches!(error, multer::Error::StreamSizeExceeded { .. }) || unfit(error) == Some(Unfit::Outside)
}

fn broken(error: &multer::Error) -> Problem {
    match (error, unfit(error)) {
        (multer::Error::StreamSizeExceeded { .. }, _) => Problem::new(Code::TooLarge, ""),
        (_, Some(unfit)) => unfit.into(),
        _ => Problem::new(Code::NotWhole, "the form does not read to its end"),
    }
}

/// The kind of a photo that is taken, by its bytes, or why it is not.
async fn taken(app: &App, draft: &Draft) -> Result<Result<Kind, Refused>, Problem> {
    let examined = draft.examine(&app.media).await?;
    Ok(examined.and_then(
        |examined| {
            if examined.kind.is_picture() { Ok(examined.kind) } else { Err(Refused::Unknown) }
        },
    ))
}

/// Reads a body that is one photo.
pub(crate) async fn whole(app: &App, body: Body) -> Result<(Draft, Kind), Problem> {
    let limit = app.config.limits.photo_max_bytes;
    let upload = async {
        let mut pieces = paced(app, body);
        let mut coming = None;
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if piece.is_empty() {
                continue;
            }
            let (_, incoming) = match &mut coming {
                Some(coming) => coming,
                none => {
                    let seat = app.uploads.acquire().await;
                    none.insert((seat, app.files.begin(limit).await?))
                }
            };
            incoming.add(&piece).await?;
        }
        let (_seat, incoming) = coming.ok_or_else(|| Problem::new(Code::NotAPhoto, ""))?;
        let draft = incoming.finish().await?;
        match taken(app, &draft).await? {
            Ok(kind) => Ok((draft, kind)),
            Err(why @ (Refused::TooLarge | Refused::Bomb)) => {
                Err(Problem::new(Code::TooLarge, why.to_string()))
            }
            Err(why) => Err(Problem::new(Code::NotAPhoto, why.to_string())),
        }
    };
    tokio::time::timeout(app.config.upload_timeout(), upload).await.unwrap_or_else(|_| Err(late()))
}

/// The names of photos in their order, each once.
pub(crate) fn each_once(names: impl IntoIterator<Item = FileId>) -> Vec<FileId> {
    let mut seen = std::collections::HashSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_sends_too_slowly_is_cut_off_and_time_that_is_ours_does_not_count() {
        let patience = Duration::from_millis(200);
        for (pause, bytes, takes, expected) in [
            (50, 100, 0, Ok(1_000)), // twice what is asked for
            (50, 10, 0, Err(Unfit::Slow)),
            (400, 10_000, 0, Err(Unfit::Slow)),
            (0, 10, 50, Ok(100)),
        ] {
            let sender = stream::unfold(0, |sent| async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                (sent < 10).then(|| (Ok(Bytes::from(vec![0; bytes])), sent + 1))
            });
            let mut body = Box::pin(at_a_pace(Box::pin(sender), 1_000, patience));
            let mut read = Ok(0);
            while let Some(piece) = body.next().await {
                tokio::time::sleep(Duration::from_millis(takes)).await;
                read = piece.and_then(|piece| read.map(|before| before + piece.len()));
            }
            assert_eq!(read, expected, "{bytes} bytes each {pause} ms, {takes} ms of ours");
        }
    }
}
