//! What an operator writes down for residents: a meeting, a problem a line, or a call. Plain HTML that works without script.
//!
//! There is no session: the operator's token is a field of the form, as a password is, and opens this one sending. So nothing of it is
//! kept, and no other page can send the form in the operator's name.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use chrono::NaiveDate;
use serde::Deserialize;
use uuid::Uuid;
use zholdary_channels::{meeting::spoken_contact, point};
use zholdary_city::{City, Lang};
use zholdary_domain::{access::Role, inbound::Channel};
use zholdary_intake::Draft;

use super::{
    Frame, LangQuery,
    ask::{POINT_MAX_CHARS, counted, meant, photo_refused},
    frame, language, render,
    words::Words,
};
use crate::{
    api::{
        file::{self, Filed, NewAppeal},
        meetings::{self, About, NewLine, NewMeeting},
    },
    app::{App, Shared},
    caller::Caller,
    extract::{PageQuery, known},
    permission::{Level, Who},
    problem::{Code, Problem},
    token,
    upload::{self, PhotoRefused},
};

#[derive(Template)]
#[template(path = "write.html")]
struct Page {
    frame: Frame,
    form: Form,
    districts: Vec<District>,
    given: Vec<Given>,
}

/// A district that may be chosen.
struct District {
    code: String,
    name: String,
    chosen: bool,
}

/// A line that was taken.
struct Given {
    number: Option<String>,
    message: String,
    text: String,
}

/// What the form sends; what is not of our form is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    key: String,
    lang: Option<String>,
    kind: String,
    lines: String,
    contact: String,
    title: String,
    date: String,
    place: String,
    district: String,
    point: String,
    token: String,
    /// Photos were chosen: shown again, the form asks for them again.
    #[serde(skip)]
    brought: bool,
    #[serde(skip)]
    photos_hint: String,
    #[serde(skip)]
    point_max: usize,
    #[serde(skip)]
    contact_max: usize,
    #[serde(skip)]
    wrong: Option<Wrong>,
}

/// What could not be taken, in the reader's language, and beside which field it is said.
struct Wrong {
    field: Option<&'static str>,
    says: String,
}

impl Wrong {
    fn of(field: impl Into<Option<&'static str>>, says: impl Into<String>) -> Self {
        Self { field: field.into(), says: says.into() }
    }
}

impl Form {
    fn is_call(&self) -> bool {
        self.kind == "phone"
    }

    fn error(&self) -> Option<&str> {
        self.wrong.as_ref().map(|wrong| wrong.says.as_str())
    }

    fn says(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.field == Some(field)).map(|wrong| wrong.says.as_str())
    }
}

/// `GET /desk/write`: the form.
pub(crate) async fn form(
    State(app): State<Shared>,
    headers: HeaderMap,
    PageQuery(asked): PageQuery<LangQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    let form = Form { key: new_key(), ..Form::default() };
    show(&app, city, lang, form, vec![], StatusCode::OK)
}

/// `POST /desk/write`: takes what an operator wrote down, and shows the numbers. Sent twice, they are the same numbers.
pub(crate) async fn write(State(app): State<Shared>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let upload::Sent { fields, photos, refused, brought, cut, .. } = upload::form(&app, request).await?;
    let cut = match cut {
        // Nothing was written that could be lost.
        Some(problem) if fields.is_empty() => return Err(problem),
        cut => cut,
    };
    let form: Form = known(fields, Code::BadField)?;
    let mut form = Form { brought, ..form };
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(form.lang.as_deref(), &headers, city);
    let w = Words::of(lang);
    // A key of our own making: what else stands there did not come from our page.
    let key = Uuid::try_parse(&form.key).unwrap_or_else(|_| Uuid::new_v4());
    form.key = key.simple().to_string();
    let token = std::mem::take(&mut form.token);
    let many = (photos.len() > app.config.limits.photos_max).then_some(PhotoRefused::TooMany);
    let filed = match (cut, refused.or(many)) {
        (Some(problem), _) => Err((problem.code().status(), said(&problem, &form, w))),
        (None, Some(why)) => {
            let says = photo_refused(why, &app.config.limits, w);
            Err((Code::BadField.status(), Wrong::of("photo", says)))
        }
        (None, None) => taken(&app, city, &form, &token, photos, w).await,
    };
    match filed {
        Ok(given) => show(&app, city, lang, form, given, StatusCode::OK),
        Err((status, wrong)) => {
            form.wrong = Some(wrong);
            show(&app, city, lang, form, vec![], status)
        }
    }
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn show(
    app: &App,
    city: Option<&City>,
    lang: Lang,
    form: Form,
    given: Vec<Given>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let district = |one: &zholdary_city::District| District {
        code: one.code.clone(),
        name: one.name.get(lang).to_owned(),
        chosen: one.code == form.district,
    };
    let page = Page {
        frame: frame(lang, city, |code| format!("/desk/write?lang={code}")),
        districts: city.into_iter().flat_map(|city| &city.districts).map(district).collect(),
        form: Form {
            photos_hint: counted(Words::of(lang).photos_hint, &app.config.limits),
            point_max: POINT_MAX_CHARS,
            contact_max: app.config.limits.contact_max_chars,
            ..form
        },
        given,
    };
    render(&page, lang, status)
}

type Refused = (StatusCode, Wrong);

/// What became of each line.
async fn taken(
    app: &App,
    city: Option<&City>,
    form: &Form,
    token: &str,
    photos: Vec<Draft>,
    w: &Words,
) -> Result<Vec<Given>, Refused> {
    let problem = |problem: Problem| (problem.code().status(), said(&problem, form, w));
    let field = |name, says: &str| (Code::BadField.status(), Wrong::of(name, says));
    let operator = token::operator(&app.query, token, app.clock.now()).await.map_err(problem)?;
    let operator = operator.ok_or_else(|| field("token", w.desk_error_token))?;
    let key = Some(form.key.clone());
    // What is kept as it came has no secret in it.
    let contact = Some(form.contact.trim().to_owned()).filter(|contact| !contact.is_empty());
    if form.is_call() {
        let text = form.lines.trim().to_owned();
        let new = NewAppeal {
            text: text.clone(),
            channel: Some(Channel::Phone.code().to_owned()),
            contact,
            point: meant(&form.point, city, &app.config.limits, w).map_err(|says| field("point", says))?,
            photos: upload::each_once(photos.iter().map(|draft| draft.id().clone()))
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        let caller = Caller {
            who: Who::Bearer(Role::Operator),
            level: Level::Full,
            token: Some(operator),
            party: None,
        };
        let raw = serde_json::json!({
            "text": new.text, "contact": new.contact, "point": form.point, "photos": new.photos,
        });
        let raw = Bytes::from(raw.to_string());
        let filed = file::submit(app, &caller, new, photos, key, raw).await.map_err(problem)?;
        return Ok(vec![given(&filed, text)]);
    }
    // Which of its lines would they belong to?
    if !photos.is_empty() {
        return Err(field("photo", w.desk_call_only));
    }
    if !form.point.trim().is_empty() {
        return Err(field("point", w.desk_call_only));
    }
    let date = Some(form.date.trim()).filter(|date| !date.is_empty());
    let date = date.map(|date| date.parse::<NaiveDate>().map_err(|_| field("date", w.desk_error_date)));
    let optional = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let lines: Vec<NewLine> = form.lines.lines().filter(|line| !line.trim().is_empty()).map(line).collect();
    let texts: Vec<String> = lines.iter().map(|line| line.text.clone()).collect();
    let raw = Bytes::from(serde_json::json!({ "title": form.title, "lines": form.lines }).to_string());
    let new = NewMeeting {
        meeting: About {
            title: form.title.clone(),
            date: date.transpose()?,
            place: optional(&form.place),
            district: optional(&form.district),
        },
        lines: lines
            .into_iter()
            .map(|line| NewLine { contact: line.contact.clone().or_else(|| contact.clone()), ..line })
            .collect(),
    };
    let written = meetings::submit(app, &operator, new, key, raw).await.map_err(problem)?;
    Ok(written.lines.iter().zip(texts).map(|(filed, text)| given(filed, text)).collect())
}

/// A line as it is typed: what happened, then, behind strokes, a phone or a mail address, a place, and a point, in any order.
fn line(typed: &str) -> NewLine {
    let mut parts = typed.split('|').map(str::trim);
    let mut line = NewLine { text: parts.next().unwrap_or_default().to_owned(), ..NewLine::default() };
    let mut places: Vec<&str> = vec![];
    for part in parts.filter(|part| !part.is_empty()) {
        let point = point::read(part).ok().filter(|_| line.point.is_none());
        if point.is_some() {
            line.point = point.map(Into::into);
            continue;
        }
        let is_link = part.contains("://");
        let looks_like_one = part.contains('@') || part.chars().filter(char::is_ascii_digit).count() >= 7;
        // A number that cannot exist is refused, not taken for a street.
        if line.contact.is_none() && !is_link && (spoken_contact(part).is_some() || looks_like_one) {
            line.contact = Some(part.to_owned());
        } else {
            places.push(part);
        }
    }
    line.place = (!places.is_empty()).then(|| places.join(", "));
    line
}

fn given(filed: &Filed, text: String) -> Given {
    Given { number: filed.number().map(str::to_owned), message: filed.message().to_owned(), text }
}

/// What the API would say, for people: beside its field, and with the line that it is about.
fn said(problem: &Problem, form: &Form, w: &Words) -> Wrong {
    let wrong = problem.wrong_field().unwrap_or_default();
    let nth = wrong.strip_prefix("lines[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    let of_line = |says: &str| match nth {
        Some(nth) => Wrong::of("lines", format!("{} {}: {says}", w.desk_line, nth + 1)),
        None => Wrong::of("lines", says),
    };
    match (problem.code(), wrong) {
        (Code::BadField, "meeting.title") => Wrong::of("title", w.desk_error_title),
        (Code::BadField, "contact") => Wrong::of("contact", w.desk_error_phone),
        (Code::BadField, field) if field.ends_with(".contact") && !form.contact.is_empty() => {
            Wrong::of("contact", w.desk_error_phone)
        }
        (Code::BadField, field) if field.ends_with(".contact") || field.ends_with(".phone") => {
            of_line(w.desk_error_phone)
        }
        (Code::BadField, field) if field.ends_with(".point") => of_line(w.error_point_far),
        (Code::BadField, field) if field.starts_with("photos") => Wrong::of("photo", w.photos_all_again),
        (Code::NotWhole | Code::Timeout, _) => {
            let says = if problem.code() == Code::Timeout { w.error_slow } else { w.error_cut };
            Wrong::of(form.brought.then_some("photo"), says)
        }
        (Code::TooLarge, "") if form.brought => Wrong::of("photo", w.error_cut),
        (Code::BadField, "text" | "lines") if form.lines.trim().is_empty() => of_line(w.error_empty),
        (Code::BadField | Code::TooLarge, _) => of_line(w.error_long),
        (Code::KeyReused, _) => Wrong::of(None, w.error_reused),
        (Code::OutcomeUnknown, _) => Wrong::of(None, w.error_unknown),
        _ => Wrong::of(None, w.error_later),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_typed() {
        for (typed, text, contact, place) in [
            ("Яма у школы", "Яма у школы", None, None),
            (" Яма | 8 701 123 45 67 ", "Яма", Some("8 701 123 45 67"), None),
            ("Яма | Абая 45 | a@b.kz", "Яма", Some("a@b.kz"), Some("Абая 45")),
            ("Яма | Абая 45 | двор", "Яма", None, Some("Абая 45, двор")),
            ("Яма | 8 701 123 45", "Яма", Some("8 701 123 45"), None),
            ("| 87011234567", "", Some("87011234567"), None),
        ] {
            let read = line(typed);
            let read = (read.text.as_str(), read.contact.as_deref(), read.place.as_deref());
            assert_eq!(read, (text, contact, place), "{typed}");
        }
        for (typed, point, place) in [
            ("Яма | 43.238, 76.889", true, None),
            ("Яма | 87011234567 | Абая 45 | 43.238 76.889", true, Some("Абая 45")),
            ("Яма | https://maps.google.com/?q=43.238,76.889", true, None),
            ("Яма | 45, 12, 7", false, Some("45, 12, 7")),
            ("Яма | https://example.org/12345678", false, Some("https://example.org/12345678")),
        ] {
            let read = line(typed);
            let expected = point.then(|| serde_json::json!({ "lon": 76.889, "lat": 43.238 }));
            let point = read.point.map(|point| serde_json::to_value(point).unwrap());
            assert_eq!((point, read.place.as_deref()), (expected, place), "{typed}");
        }
    }
}
