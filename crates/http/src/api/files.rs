//! `POST /api/v1/files`, `GET /api/v1/files/{file}`: photos, before an appeal names them and for those who work on it.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zholdary_domain::FileId;
use zholdary_intake::Media;
use zholdary_readmodel::{AppealRef, AppealView};

use super::read::concerns;
use crate::{
    app::Shared,
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
    let draft = upload::whole(&app, request.into_body()).await?;
    let media = draft.media().ok_or_else(|| Problem::new(Code::NotAPhoto, ""))?;
    let uploaded = Uploaded { file: draft.id().to_string(), bytes: draft.bytes(), media_type: media.label() };
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
}

/// A photo as it was sent. It may show faces and homes: it is for those who work on the appeal, never for a public page.
#[utoipa::path(get, path = "/api/v1/files/{file}", tag = "appeals",
    params(("file" = String, Path, description = "Name of the photo"), FileQuery), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream", description = "The bytes as they were sent."),
))]
pub(crate) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    QueryOf(FileQuery { appeal }): QueryOf<FileQuery>,
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
    let bytes = app.files.get(&file).await?.ok_or_else(nothing)?;
    Ok(as_sent(&file, bytes))
}

/// A photo for those who work on its appeal, as it was sent.
pub(crate) fn as_sent(file: &FileId, bytes: bytes::Bytes) -> Response {
    // What was kept was a photo; whatever a browser believes it to be, it runs nothing of it.
    let (label, ending) = Media::of(&bytes)
        .map_or(("application/octet-stream", "bin"), |media| (media.label(), media.extension()));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(label));
    let name = format!("attachment; filename=\"{}.{ending}\"", &file.as_str()[..16]);
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
    (headers, bytes).into_response()
}

/// The photos of an appeal that its asker may see, by name.
pub(crate) fn photos(view: &AppealView) -> impl Iterator<Item = &str> {
    view.thread.iter().flatten().flat_map(|message| {
        let earlier = message.earlier.iter().flat_map(|earlier| &earlier.files);
        message.files.iter().chain(earlier).filter_map(|named| named.file.as_deref())
    })
}
