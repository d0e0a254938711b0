//! `POST /api/v1/files`, `GET /api/v1/files/{file}`: photos before an appeal names them, and the files of messages for those who work on
//! them. What a camera noted is for operators: everybody else gets a copy of pixels alone.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zholdary_domain::FileId;
use zholdary_media::{Kind, derive, examine};
use zholdary_readmodel::{AppealRef, AppealView};

use super::read::concerns;
use crate::{
    app::{App, Shared},
    caller::Caller,
    extract::{NoQuery, PathOf, QueryOf},
    problem::{Code, Problem},
    upload,
};

/// A photo that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// Its name, for `photos` of an appeal: the BLAKE3 of its bytes.
    file: String,
    /// How long it is.
    bytes: usize,
    /// What its bytes say it is.
    media_type: &'static str,
}

/// Upload a photo: JPEG, PNG, WebP or HEIC, told by its bytes. The same photo has the same name and is kept once.
#[utoipa::path(post, path = "/api/v1/files", tag = "appeals",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The bytes of the photo"), responses(
    (status = 201, body = Uploaded, description = "It is kept. Name it in `photos` of an appeal."),
))]
pub(crate) async fn add(
    State(app): State<Shared>,
    _: NoQuery,
    request: Request,
) -> Result<Response, Problem> {
    let (draft, kind) = upload::whole(&app, request.into_body()).await?;
    let uploaded =
        Uploaded { file: draft.id().to_string(), bytes: draft.bytes(), media_type: kind.media_type() };
    app.files.keep(draft).await?;
    Ok((StatusCode::CREATED, Json(uploaded)).into_response())
}

/// For whom a photo is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// Number or id of the appeal that has it. A party must name it, and sees the photos of its own appeals.
    appeal: Option<String>,
    /// `original` (for operators, and theirs by default), `copy` (everybody else's) or `thumbnail`.
    r#as: Option<As>,
}

/// Which of the forms of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum As {
    /// The bytes as they were sent.
    Original,
    /// An upright JPEG of pixels alone.
    Copy,
    /// The same, small.
    Thumbnail,
}

/// A file of a message. Operators get it as it was sent, parties a copy of a picture without what the camera noted. It may show faces
/// and homes: it is for those who work on the appeal, never for a public page.
#[utoipa::path(get, path = "/api/v1/files/{file}", tag = "appeals",
    params(("file" = String, Path, description = "Name of the file"), FileQuery), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "The bytes of the file, or of its copy."),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    QueryOf(FileQuery { appeal, r#as }): QueryOf<FileQuery>,
    PathOf(file): PathOf<FileId>,
) -> Result<Response, Problem> {
    let nothing = || Problem::new(Code::NoFile, "");
    let own = caller.own_party()?;
    if let Some(appeal) = appeal {
        let appeal: AppealRef =
            appeal.parse().map_err(|_| Problem::new(Code::BadQuery, "").field("appeal"))?;
        let view = app.query.appeal(appeal, caller.sees()).await?.body.ok_or_else(nothing)?;
        let has = photos(&view).any(|named| named == file.as_str());
        if !has || own.is_some_and(|party| !concerns(&view, party)) {
            return Err(nothing());
        }
    } else if own.is_some() {
        return Err(Problem::new(Code::BadQuery, "name the appeal that has it").field("appeal"));
    }
    let is_operator = own.is_none();
    let form = r#as.unwrap_or(if is_operator { As::Original } else { As::Copy });
    if form == As::Original && !is_operator {
        return Err(
            Problem::new(Code::BadQuery, "the original is for operators: ask for the copy").field("as")
        );
    }
    let bytes = app.files.get(&file).await?.ok_or_else(nothing)?;
    // What was refused, or was taken by an older release and would not be now, is given to nobody.
    let kind = Kind::of(&bytes).map_err(|_| nothing())?;
    let (bytes, kind) = match form {
        As::Original => (bytes, kind),
        As::Copy | As::Thumbnail if kind.is_picture() => {
            (copy(&app, &file, bytes, form).await?.ok_or_else(nothing)?, Kind::Jpeg)
        }
        // No copies are made of these, and no camera notes where a document was written.
        As::Copy if matches!(kind, Kind::Ogg | Kind::Mp3 | Kind::Pdf | Kind::Docx) => (bytes, kind),
        _ => return Err(nothing()),
    };
    Ok((headers(&file, kind), bytes).into_response())
}

/// A file for whoever must act on its appeal: never as it was sent, for a camera notes more than the picture.
pub(crate) async fn for_party(app: &App, file: &FileId) -> Result<Option<Response>, Problem> {
    let Some(bytes) = app.files.get(file).await? else { return Ok(None) };
    let Ok(kind) = Kind::of(&bytes) else { return Ok(None) };
    if !kind.is_picture() {
        return Ok(None);
    }
    let copied = copy(app, file, bytes, As::Copy).await?;
    Ok(copied.map(|bytes| (headers(file, Kind::Jpeg), bytes).into_response()))
}

/// What others may see of a picture: as it was made when it came, else made now. None of what nobody here can decode.
async fn copy(app: &App, file: &FileId, original: Bytes, form: As) -> Result<Option<Bytes>, Problem> {
    let made = app.query.file(file.clone()).await?;
    let made = made.and_then(|kept| if form == As::Thumbnail { kept.thumbnail } else { kept.copy });
    if let Some(made) = made {
        return Ok(app.files.get(&made).await?);
    }
    // Nobody closes it.
    let _seat = app.copies.acquire().await;
    let limits = Arc::clone(&app.media);
    let make = move || derive(&original, &examine(&original, &limits)?, &limits);
    let made = tokio::task::spawn_blocking(make).await.map_err(|_| Problem::new(Code::Internal, ""))?;
    let made = made.ok().flatten();
    Ok(made.map(|made| if form == As::Thumbnail { made.thumbnail } else { made.public }.into()))
}

/// Whatever a browser believes a file to be, it runs nothing of it.
fn headers(file: &FileId, kind: Kind) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type()));
    let name = format!("attachment; filename=\"{}.{}\"", &file.as_str()[..16], kind.extension());
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&name).expect("hexadecimal digits are a header value"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("same-origin"));
    headers
}

/// The photos of an appeal that its asker may see, by name.
pub(crate) fn photos(view: &AppealView) -> impl Iterator<Item = &str> {
    view.thread.iter().flatten().flat_map(|message| {
        let earlier = message.earlier.iter().flat_map(|earlier| &earlier.files);
        message.files.iter().chain(earlier).filter_map(|named| named.file.as_deref())
    })
}
