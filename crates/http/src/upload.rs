//! Photos on their way in: piece by piece into a draft, within the limits, some at once.

use std::task::Poll;

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use multer::{Constraints, Field, Multipart, SizeLimit};
use zholdary_domain::FileId;
use zholdary_intake::{Draft, FileError, Incoming};

use crate::{
    app::App,
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

/// Reads a form, whichever of the two ways a browser sends it.
pub(crate) async fn form(app: &App, request: Request) -> Result<Sent, Problem> {
    let label = label(request.headers()).to_owned();
    if label.starts_with("application/x-www-form-urlencoded") {
        let RawBody(raw) = RawBody::from_request(request, &()).await?;
        let fields = serde_urlencoded::from_bytes(&raw).map_err(|_| unreadable())?;
        return Ok(Sent { fields, raw, ..Sent::default() });
    }
    let Ok(boundary) = multer::parse_boundary(&label) else {
        let takes = "the form sends multipart/form-data or application/x-www-form-urlencoded";
        return Err(Problem::new(Code::BadField, takes));
    };
    let most = app.config.limits.form_max_bytes as u64;
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(most));
    let body = one_by_one(request.into_body().into_data_stream());
    in_turn(app, parts(app, Multipart::with_constraints(body, boundary, constraints))).await
}

fn label(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|label| label.to_str().ok()).unwrap_or_default()
}

fn unreadable() -> Problem {
    Problem::new(Code::BadField, "the form does not read")
}

/// A body that pauses after each piece: the parser takes in whatever is ready before it gives out anything, and of a fast sender
/// that would be everything.
fn one_by_one(mut body: BodyDataStream) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let mut pauses = false;
    stream::poll_fn(move |context| {
        if std::mem::take(&mut pauses) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = body.poll_next_unpin(context);
        pauses = matches!(polled, Poll::Ready(Some(Ok(_))));
        polled
    })
}

/// Waits for a seat, then for the upload: both end, whoever sends how slowly.
async fn in_turn<T>(app: &App, upload: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let seated = async {
        let _seat = app.uploads.acquire().await;
        upload.await
    };
    let late = || Problem::new(Code::Timeout, "the upload did not end in time").retry_after(5);
    tokio::time::timeout(app.config.upload_timeout(), seated).await.unwrap_or_else(|_| Err(late()))
}

/// Reads the parts of a form.
async fn parts(app: &App, mut body: Multipart<'_>) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    let mut room = app.config.max_body_bytes;
    loop {
        let mut field = match body.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => break,
            // The photos alone made it too large: the words came before them.
            Err(multer::Error::StreamSizeExceeded { .. }) if sent.refused.is_some() => break,
            Err(error) => return Err(broken(error)),
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == PHOTO {
            match photo(app, &mut field, sent.photos.len()).await? {
                Chosen::Nothing => {}
                Chosen::Draft(draft) => sent.photos.push(draft),
                Chosen::Refused(why) => {
                    sent.refused.get_or_insert(why);
                }
            }
            continue;
        }
        let mut value = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(broken)? {
            room = room.checked_sub(piece.len()).ok_or_else(|| Problem::new(Code::TooLarge, ""))?;
            value.extend_from_slice(&piece);
        }
        room = room.checked_sub(name.len()).ok_or_else(|| Problem::new(Code::TooLarge, ""))?;
        let value = String::from_utf8(value).map_err(|_| unreadable())?;
        sent.fields.push((name, value));
    }
    let photos = sent.photos.iter().map(|draft| (PHOTO.to_owned(), draft.id().to_string()));
    let named: Vec<_> = sent.fields.iter().cloned().chain(photos).collect();
    sent.raw = serde_urlencoded::to_string(named).map_err(|_| unreadable())?.into();
    Ok(sent)
}

enum Chosen {
    /// A field in which nothing was chosen.
    Nothing,
    Draft(Draft),
    Refused(PhotoRefused),
}

/// Reads one photo, after `before` others. One that is refused is read to its end as well.
async fn photo(app: &App, field: &mut Field<'_>, before: usize) -> Result<Chosen, Problem> {
    let limits = &app.config.limits;
    let mut chosen = Chosen::Nothing;
    let mut incoming: Option<Incoming> = None;
    loop {
        let piece = match field.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(multer::Error::StreamSizeExceeded { .. }) => {
                return Ok(Chosen::Refused(PhotoRefused::TooLarge));
            }
            Err(error) => return Err(broken(error)),
        };
        if piece.is_empty() || matches!(chosen, Chosen::Refused(_)) {
            continue;
        }
        if before >= limits.photos_max {
            chosen = Chosen::Refused(PhotoRefused::TooMany);
            continue;
        }
        let draft = match &mut incoming {
            Some(draft) => draft,
            none => none.insert(app.files.begin(limits.photo_max_bytes).await?),
        };
        match draft.add(&piece).await {
            Ok(()) => {}
            Err(FileError::TooLarge { .. }) => {
                chosen = Chosen::Refused(PhotoRefused::TooLarge);
                incoming = None;
            }
            Err(error) => return Err(error.into()),
        }
    }
    match incoming {
        None => Ok(chosen),
        Some(incoming) => {
            let draft = incoming.finish().await?;
            let is_photo = draft.media().is_some();
            Ok(if is_photo { Chosen::Draft(draft) } else { Chosen::Refused(PhotoRefused::NotAPhoto) })
        }
    }
}

fn broken(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { .. } => Problem::new(Code::TooLarge, ""),
        _ => Problem::new(Code::NotWhole, "the form does not read to its end"),
    }
}

/// Reads a body that is one photo.
pub(crate) async fn whole(app: &App, body: Body) -> Result<Draft, Problem> {
    let limit = app.config.limits.photo_max_bytes;
    let upload = async {
        let mut incoming = app.files.begin(limit).await?;
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| Problem::new(Code::NotWhole, ""))?;
            incoming.add(&piece).await?;
        }
        let draft = incoming.finish().await?;
        draft.media().map(|_| draft).ok_or_else(|| Problem::new(Code::NotAPhoto, ""))
    };
    in_turn(app, upload).await
}

/// The names of photos in their order, each once.
pub(crate) fn each_once(names: impl IntoIterator<Item = FileId>) -> Vec<FileId> {
    let mut once: Vec<FileId> = vec![];
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}
