//! The form of the front page: what it sends, and what it says beside a field that could not be taken.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use uuid::Uuid;
use zholdary_channels::point::{self, PointError};
use zholdary_city::City;
use zholdary_domain::FileId;
use zholdary_intake::Draft;

use super::{language, show_home, words::Words};
use crate::{
    api::{
        file::{self, NewAppeal},
        wish::{NotHere, PointBody, near},
    },
    app::{App, Shared},
    caller::Caller,
    config::Limits,
    problem::{Code, Problem},
    upload::{self, PhotoRefused},
};

/// Characters that the field of the point takes: links of maps are long.
pub(super) const POINT_MAX_CHARS: usize = 2_000;
/// How long a form that is shown again waits to hear which of its photos are kept: less than what
/// [`form_timeout`](crate::config::Config::form_timeout) leaves for the page.
const LOOK: Duration = Duration::from_secs(2);

/// The form as it is shown: empty, or with what could not be taken.
#[derive(Default)]
pub(super) struct Form {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) point: String,
    pub(super) contact: String,
    /// Photos that are kept already: sent again, the form names them, and nobody chooses them again.
    pub(super) kept: Vec<String>,
    /// Photos were chosen, and are not kept.
    pub(super) photos_lost: bool,
    pub(super) photos_hint: String,
    pub(super) text_max: usize,
    pub(super) point_max: usize,
    pub(super) contact_max: usize,
    wrong: Option<Wrong>,
}

/// What could not be taken, in the reader's language.
struct Wrong {
    /// The name of the field; none when it is no field's fault.
    field: Option<&'static str>,
    says: String,
}

impl Wrong {
    fn of(field: impl Into<Option<&'static str>>, says: impl Into<String>) -> Self {
        Self { field: field.into(), says: says.into() }
    }
}

impl Form {
    /// A form that nobody has filled in, with a key of its own.
    pub(super) fn empty() -> Self {
        Self { key: new_key(), ..Self::default() }
    }

    /// The form, with the limits that its fields tell the browser.
    pub(super) fn within(self, limits: &Limits, w: &Words) -> Self {
        Self {
            photos_hint: counted(w.photos_hint, limits),
            text_max: limits.text_max_chars,
            point_max: POINT_MAX_CHARS,
            contact_max: limits.contact_max_chars,
            ..self
        }
    }

    /// What went wrong, for the head of the form.
    pub(super) fn error(&self) -> Option<&str> {
        self.wrong.as_ref().map(|wrong| wrong.says.as_str())
    }

    /// What is wrong with a field, for the place beside it.
    pub(super) fn says(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.field == Some(field)).map(|wrong| wrong.says.as_str())
    }
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Words with the limits of photos in them.
pub(super) fn counted(words: &str, limits: &Limits) -> String {
    let megabytes = limits.photo_max_bytes / (1024 * 1024);
    words.replace("{n}", &limits.photos_max.to_string()).replace("{mb}", &megabytes.to_string())
}

/// What the form says, without its photos' bytes.
#[derive(Default)]
struct Filled {
    key: String,
    lang: Option<String>,
    text: String,
    point: String,
    contact: String,
    /// Photos that an earlier try kept.
    kept: Vec<FileId>,
    /// Photos were chosen now.
    brought: bool,
}

impl Filled {
    /// Takes a field. What is not of our form is passed over, and so are more photos than it takes to see that they are too many.
    fn take(&mut self, name: &str, value: String, limits: &Limits) {
        match name {
            "key" => self.key = value,
            "lang" => self.lang = Some(value),
            "text" => self.text = value,
            "point" => self.point = value,
            "contact" => self.contact = value,
            "kept" if self.kept.len() <= limits.photos_max => self.kept.extend(value.parse::<FileId>()),
            _ => {}
        }
    }
}

/// `POST /`: takes what the form sends, and shows the number. Works without script.
pub(crate) async fn write(
    State(app): State<Shared>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let upload::Sent { fields, raw, photos, refused, brought, cut } = upload::form(&app, request).await?;
    let cut = match cut {
        // Nothing was written that could be lost.
        Some(problem) if fields.is_empty() => return Err(problem),
        cut => cut,
    };
    let mut form = Filled { brought, ..Filled::default() };
    fields.into_iter().for_each(|(name, value)| form.take(&name, value, &app.config.limits));
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(form.lang.as_deref(), &headers, city);
    let (w, limits) = (Words::of(lang), &app.config.limits);
    // A key of our own making: what else stands there did not come from our page. It stays until something was taken under it,
    // so that what may have been recorded is not recorded again.
    let key = Uuid::try_parse(&form.key).unwrap_or_else(|_| Uuid::new_v4());
    let came = photos.iter().map(|draft| draft.id().clone());
    let names = upload::each_once(form.kept.iter().cloned().chain(came));
    let chosen = brought || refused.is_some() || !names.is_empty();
    let all_read = refused.is_none() && cut.is_none();
    let filing = async {
        cut.map_or(Ok(()), Err)?;
        photographed(refused, names.len(), limits, w)?;
        let point = meant(&form.point, city, limits, w);
        let point = point.map_err(|says| Refused::Field(Wrong::of("point", says)))?;
        filed(&app, &caller, &form, point, &names, photos, key, raw).await
    };
    let filed = tokio::time::timeout(app.config.form_timeout(), filing).await;
    let (status, wrong, key) =
        match filed.unwrap_or_else(|_| Err(Refused::Problem(Problem::new(Code::OutcomeUnknown, "")))) {
            Ok(Written::Numbered(number)) => {
                return Ok(Redirect::to(&format!("/appeals/{number}?lang={lang}&new=1")).into_response());
            }
            Ok(Written::Waiting(message)) => {
                return Ok(Redirect::to(&format!("/?lang={lang}&message={message}")).into_response());
            }
            Ok(Written::Kept) => return Ok(Redirect::to(&format!("/?lang={lang}&kept=1")).into_response()),
            Err(Refused::Field(wrong)) => (Code::BadField.status(), wrong, key),
            Err(Refused::Problem(problem)) => {
                let code = problem.code();
                let key = if code == Code::KeyReused { Uuid::new_v4() } else { key };
                (code.status(), said(&problem, &form, limits, w), key)
            }
        };
    // What is kept need not be chosen again: sent again under the same key, it is the same message.
    let mut kept = vec![];
    let look = async {
        for name in names.iter().take(limits.photos_max) {
            if app.files.has(name).await.unwrap_or_default() {
                kept.push(name.to_string());
            }
        }
    };
    // Not seen in time, they are chosen again: the page with the words must not wait for it.
    let _ = tokio::time::timeout(LOOK, look).await;
    let form = Form {
        key: key.simple().to_string(),
        text: form.text,
        point: form.point,
        contact: form.contact,
        photos_lost: chosen && (!all_read || kept.len() < names.len()),
        kept,
        wrong: Some(wrong),
        ..Form::default()
    };
    show_home(&app, city, lang, form, status).await
}

/// Whether the photos can be taken.
fn photographed(
    refused: Option<PhotoRefused>,
    photos: usize,
    limits: &Limits,
    w: &Words,
) -> Result<(), Refused> {
    let many = (photos > limits.photos_max).then_some(PhotoRefused::TooMany);
    let Some(why) = refused.or(many) else { return Ok(()) };
    Err(Refused::Field(Wrong::of("photo", photo_refused(why, limits, w))))
}

/// Why a photo cannot be taken, for people.
pub(super) fn photo_refused(why: PhotoRefused, limits: &Limits, w: &Words) -> String {
    let says = match why {
        PhotoRefused::TooMany => w.error_photos_many,
        PhotoRefused::TooLarge => w.error_photo_large,
        PhotoRefused::NotAPhoto => w.error_photo_kind,
    };
    counted(says, limits)
}

/// Why nothing was written.
enum Refused {
    /// The page's own: a field that only it has.
    Field(Wrong),
    /// As the API says it.
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What the API would say, for people.
fn said(problem: &Problem, form: &Filled, limits: &Limits, w: &Words) -> Wrong {
    let too_long = form.text.chars().count() > limits.text_max_chars;
    match (problem.code(), problem.wrong_field()) {
        (Code::BadField | Code::TooLarge, _) if too_long => Wrong::of("text", w.error_long),
        (Code::BadField, Some("text")) => Wrong::of("text", w.error_empty),
        (Code::BadField, Some("contact")) => Wrong::of("contact", w.error_contact),
        (Code::BadField, Some(field)) if field.starts_with("photos") => {
            Wrong::of("photo", w.photos_all_again)
        }
        (Code::NotWhole | Code::TooLarge, _) | (Code::BadField, None) => {
            Wrong::of(form.brought.then_some("photo"), w.error_cut)
        }
        (Code::Timeout, _) => Wrong::of(form.brought.then_some("photo"), w.error_slow),
        (Code::KeyReused, _) => Wrong::of(None, w.error_reused),
        (Code::OutcomeUnknown, _) => Wrong::of(None, w.error_unknown),
        _ => Wrong::of(None, w.error_later),
    }
}

/// The point that is meant by what was `typed`, when one is; else what is wrong with it, for people.
pub(super) fn meant(
    typed: &str,
    city: Option<&City>,
    limits: &Limits,
    w: &Words,
) -> Result<Option<PointBody>, &'static str> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let point = point::read(typed).map_err(|error| match error {
        PointError::Unreadable => w.error_point,
        PointError::NoPoint => w.error_point_none,
        PointError::Short => w.error_point_short,
        PointError::Impossible => w.error_point_impossible,
        PointError::Swapped => w.error_point_swapped,
    })?;
    match city.map_or(Ok(()), |city| near(point, city, limits)) {
        Ok(()) => Ok(Some(point.into())),
        Err(NotHere::Swapped) => Err(w.error_point_swapped),
        Err(NotHere::Far) => Err(w.error_point_far),
    }
}

enum Written {
    Numbered(String),
    Waiting(String),
    /// Its bytes alone are kept, beside the log: no number will come of itself.
    Kept,
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, in this file; a struct for it would say nothing more"
)]
async fn filed(
    app: &App,
    caller: &Caller,
    form: &Filled,
    point: Option<PointBody>,
    photos: &[FileId],
    came: Vec<Draft>,
    key: Uuid,
    raw: Bytes,
) -> Result<Written, Refused> {
    let contact = form.contact.trim();
    let new = NewAppeal {
        text: form.text.clone(),
        channel: None,
        contact: (!contact.is_empty()).then(|| contact.to_owned()),
        point,
        photos: photos.iter().map(ToString::to_string).collect(),
    };
    let filed = file::submit(app, caller, new, came, Some(key.simple().to_string()), raw).await?;
    Ok(match filed.number() {
        Some(number) => Written::Numbered(number.to_owned()),
        None if filed.is_for_person() => Written::Kept,
        None => Written::Waiting(filed.message().to_owned()),
    })
}
