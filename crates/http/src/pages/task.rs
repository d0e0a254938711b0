//! `/task/{token}`: one task of a party, behind the link of the letter that brought it.
//!
//! Who looks changes nothing: programs of the post open links too. Each deed is a form of its own, and repeated it is the same deed.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use zholdary_city::{City, Lang};
use zholdary_domain::{
    CommandId, FileId, Personal, StreamId,
    appeal::{self, Actor, Appeal, Clock, Command, FindingId, FindingState, Refusal, Stage},
    link::{HandOvers, TaskLink},
    outgoing::Task,
};
use zholdary_log::{Cause, DeciderError};
use zholdary_readmodel::{AppealRef, AppealView, Level as Sees};

use super::{
    Frame, NotePage, Term, capital, day, frame, iso, language, place_name, render,
    words::{Words, until_time},
};
use crate::{
    api::files,
    app::{App, Shared},
    config::Limits,
    extract::{PageQuery, PathOf},
    problem::{Code, Problem},
    upload::{self, PhotoRefused},
};

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    frame: Frame,
    token: String,
    said: Option<Said>,
    number: String,
    party: String,
    category: String,
    streets: Vec<String>,
    house: Option<String>,
    point: Option<String>,
    status: String,
    terms: Vec<Term>,
    why: Option<String>,
    words: Vec<String>,
    photos: Vec<String>,
    photos_hint: String,
    reason_max: usize,
    may_accept: bool,
    may_start: bool,
    may_finish: bool,
    may_refuse: bool,
    explanation: String,
    reason: String,
    kept: Vec<String>,
    wrong: Wrong,
}

/// What is said above the task.
struct Said {
    state: &'static str,
    text: &'static str,
}

/// What is wrong with what was sent, by field.
#[derive(Default)]
struct Wrong {
    done: Option<&'static str>,
    photo: Option<String>,
    refuse: Option<&'static str>,
}

/// A task, as its appeal stands now.
struct Open {
    link: TaskLink,
    task: Task,
    appeal: Appeal,
}

/// What a form of the page sends.
#[derive(Default)]
struct Filled {
    deed: String,
    lang: Option<String>,
    explanation: String,
    reason: String,
    kept: Vec<FileId>,
}

impl Filled {
    fn take(&mut self, name: &str, value: String, limits: &Limits) {
        match name {
            "do" => self.deed = value,
            "lang" => self.lang = Some(value),
            "explanation" => self.explanation = value,
            "reason" => self.reason = value,
            "kept" if self.kept.len() <= limits.photos_max => self.kept.extend(value.parse::<FileId>()),
            _ => {}
        }
    }

    /// The command that it asks for.
    fn command(&self, task: &Task, proof: &[FileId]) -> Option<Command> {
        let by = Actor::Party { code: task.party.clone() };
        let finding = task.finding;
        let words = |text: &str| Personal::new(text.trim().to_owned());
        Some(match self.deed.as_str() {
            "accept" => Command::Accept { finding, by },
            "start" => Command::Start { finding, by },
            "refuse" => Command::Refuse { finding, by, reason: words(&self.reason) },
            "done" => Command::Finish {
                finding,
                by,
                explanation: (!self.explanation.trim().is_empty()).then(|| words(&self.explanation)),
                proof: proof.iter().map(ToString::to_string).collect(),
            },
            _ => return None,
        })
    }
}

/// `GET /task/{token}`.
pub(crate) async fn task(
    State(app): State<Shared>,
    headers: HeaderMap,
    PathOf(token): PathOf<String>,
    PageQuery(asked): PageQuery<TaskQuery>,
) -> Result<Response, Problem> {
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let lang = language(asked.lang.as_deref(), &headers, city);
    let Some(open) = open(&app, &token).await? else { return gone(city, lang) };
    let w = Words::of(lang);
    let said = asked.done.is_some().then_some(Said { state: "done", text: w.task_recorded });
    show(&app, city, lang, &token, &open, Shown { said, ..Shown::default() }).await
}

/// What the page is asked for.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct TaskQuery {
    lang: Option<String>,
    /// A deed was just recorded.
    done: Option<String>,
}

/// `GET /task/{token}/photos/{file}`: a photo of the appeal, as its resident sent it.
pub(crate) async fn photo(
    State(app): State<Shared>,
    PathOf((token, file)): PathOf<(String, FileId)>,
) -> Result<Response, Problem> {
    let nothing = || Problem::new(Code::NoFile, "");
    let open = open(&app, &token).await?.ok_or_else(nothing)?;
    let view = seen(&app, &open).await?.ok_or_else(nothing)?;
    if !files::photos(&view).any(|named| named == file.as_str()) {
        return Err(nothing());
    }
    Ok(unnamed(files::for_party(&app, &file).await?.ok_or_else(nothing)?))
}

/// `POST /task/{token}`: accepts, begins, gives back or reports as done.
pub(crate) async fn act(
    State(app): State<Shared>,
    PathOf(token): PathOf<String>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    // Nobody without a link uploads anything.
    let opened = open(&app, &token).await?;
    let rules = app.query.city().await.unwrap_or_default();
    let city = rules.as_deref().map(|rules| &rules.city);
    let Some(opened) = opened else { return gone(city, language(None, &headers, city)) };
    let upload::Sent { fields, photos, refused, cut, .. } = upload::form(&app, request).await?;
    if let Some(problem) = cut {
        return Err(problem);
    }
    let limits = &app.config.limits;
    let mut form = Filled::default();
    fields.into_iter().for_each(|(name, value)| form.take(&name, value, limits));
    let lang = language(form.lang.as_deref(), &headers, city);
    let w = Words::of(lang);
    let came: Vec<FileId> = photos.iter().map(|draft| draft.id().clone()).collect();
    for draft in photos {
        app.files.keep(draft).await?;
    }
    let mut proof = vec![];
    for name in upload::each_once(form.kept.iter().cloned().chain(came)) {
        if app.files.has(&name).await? {
            proof.push(name);
        }
    }
    let many = (proof.len() > limits.photos_max).then_some(PhotoRefused::TooMany);
    let wrong = match (refused.or(many), form.command(&opened.task, &proof)) {
        (Some(why), _) => {
            Wrong { photo: Some(super::ask::photo_refused(why, limits, w)), ..Wrong::default() }
        }
        (None, None) => return Err(Problem::bad_field("do", "accept, start, refuse or done")),
        (None, Some(command)) => match done(&app, &token, &opened, &form, command).await? {
            // It is theirs no more, and so the link is none.
            Ok(()) if form.deed == "refuse" => {
                let page = note_page(city, lang, w.task_given_back, vec![]);
                return Ok(unnamed(render(&page, lang, StatusCode::OK)?));
            }
            Ok(()) => {
                let to = format!("/task/{token}?lang={lang}&done=1");
                return Ok(unnamed(Redirect::to(&to).into_response()));
            }
            Err(Refusal::NeedsReason) if form.deed == "refuse" => {
                Wrong { refuse: Some(w.error_reason), ..Wrong::default() }
            }
            Err(Refusal::NeedsProof | Refusal::NeedsReason) => {
                Wrong { done: Some(w.error_proof), ..Wrong::default() }
            }
            Err(_) => {
                let said = Some(Said { state: "overdue", text: w.error_moved });
                let Some(open) = open(&app, &token).await? else { return gone(city, lang) };
                return show(&app, city, lang, &token, &open, Shown { said, ..Shown::default() }).await;
            }
        },
    };
    let shown = Shown { form, kept: proof, wrong, said: None, status: StatusCode::UNPROCESSABLE_ENTITY };
    show(&app, city, lang, &token, &opened, shown).await
}

/// Records a deed; that it may not be done is no failure of ours.
async fn done(
    app: &App,
    token: &str,
    open: &Open,
    form: &Filled,
    command: Command,
) -> Result<Result<(), Refusal>, Problem> {
    let limits = &app.config.limits;
    for (field, text) in [("explanation", &form.explanation), ("reason", &form.reason)] {
        if text.chars().count() > limits.reason_max_chars {
            return Err(Problem::bad_field(field, format!("{} characters at most", limits.reason_max_chars)));
        }
    }
    let command_id = CommandId::named("task link", &format!("{token}/{}", form.deed));
    let stream = StreamId::from(open.link.appeal);
    let decide = |appeal: &Appeal, _| appeal::decide(appeal, command.clone());
    match app.appeals.handle(&stream, command_id, Cause::command(command_id), decide).await {
        Ok(_) => Ok(Ok(())),
        Err(DeciderError::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(error.into()),
    }
}

/// The task behind a token, while its link is good.
async fn open(app: &App, token: &str) -> Result<Option<Open>, Problem> {
    let Some(link) = TaskLink::read(token, app.intake.id_key()) else { return Ok(None) };
    let stream = app.log.load(&StreamId::from(link.appeal)).await?;
    let mut hand_overs = HandOvers::default();
    for record in stream.records() {
        let events: Vec<appeal::Event> =
            record.events().map_err(|error| Problem::internal("read an appeal", &error))?;
        hand_overs.note(record.command_id, &events);
    }
    let task = hand_overs.task(&link).cloned();
    Ok(task.map(|task| Open { link, task, appeal: hand_overs.appeal().clone() }))
}

/// The appeal as its party may see it; nothing: the views have not read of it yet.
async fn seen(app: &App, open: &Open) -> Result<Option<AppealView>, Problem> {
    Ok(app.query.appeal(AppealRef::Id(open.link.appeal), Sees::Party).await?.body)
}

#[derive(Default)]
struct Shown {
    form: Filled,
    kept: Vec<FileId>,
    wrong: Wrong,
    said: Option<Said>,
    status: StatusCode,
}

async fn show(
    app: &App,
    city: Option<&City>,
    lang: Lang,
    token: &str,
    open: &Open,
    shown: Shown,
) -> Result<Response, Problem> {
    let (w, limits) = (Words::of(lang), &app.config.limits);
    let Some(state) = finding(&open.appeal, open.task.finding) else { return gone(city, lang) };
    let view = seen(app, open).await?;
    let thread = view.iter().flat_map(|view| view.thread.iter().flatten());
    let words = thread
        .filter(|message| !message.ours && message.withdrawn_at.is_none() && message.aside.is_none())
        .filter_map(|message| message.text.clone())
        .collect();
    let mut photos: Vec<String> = vec![];
    for name in view.iter().flat_map(files::photos) {
        if !photos.iter().any(|known| known == name) {
            photos.push(name.to_owned());
        }
    }
    let is_over = open.appeal.end.is_some() || matches!(state.stage, Stage::Done | Stage::Answered);
    let said = shown.said.or(is_over.then_some(Said { state: "done", text: w.task_settled }));
    let is_new = matches!(state.stage, Stage::Routed | Stage::Forwarded) && !is_over;
    let has_begun = state.stage == Stage::Started;
    let status = city.and_then(|city| city.phrase(&format!("status_{}", status_of(state, is_over))));
    let page = TaskPage {
        frame: frame(lang, city, |code| format!("/task/{token}?lang={code}")),
        token: token.to_owned(),
        said,
        number: open.appeal.registered.as_ref().map(|r| r.number.to_string()).unwrap_or_default(),
        party: named(
            city.and_then(|c| c.party(&open.task.party)).map(|p| p.name.get(lang)),
            &open.task.party,
        ),
        category: named(
            city.and_then(|c| c.category(&state.category)).map(|c| c.name.get(lang)),
            &state.category,
        ),
        streets: state
            .place
            .names
            .iter()
            .map(|n| city.map_or(n.clone(), |c| place_name(c, n, lang)))
            .collect(),
        house: state.place.house.as_ref().map(|house| house.reveal().clone()),
        point: state.place.point.as_ref().map(|point| {
            let point = point.reveal();
            format!("{:.6}, {:.6}", point.lat, point.lon)
        }),
        status: status
            .and_then(|phrase| phrase.fill(lang, &zholdary_city::Values::new()).ok())
            .map_or_else(String::new, |status| capital(&status)),
        terms: city.map(|city| terms(city, state, w, lang)).unwrap_or_default(),
        why: state.route.as_ref().map(|route| {
            let because = &route.because;
            match lang {
                Lang::Kk => because.kk.clone(),
                Lang::En if !because.en.is_empty() => because.en.clone(),
                Lang::Ru | Lang::En => because.ru.clone(),
            }
        }),
        words,
        photos,
        photos_hint: super::ask::counted(w.photos_hint, limits),
        reason_max: limits.reason_max_chars,
        may_accept: is_new,
        may_start: !is_over && !has_begun,
        may_finish: !is_over,
        may_refuse: !is_over,
        explanation: shown.form.explanation,
        reason: shown.form.reason,
        kept: shown.kept.iter().map(ToString::to_string).collect(),
        wrong: shown.wrong,
    };
    Ok(unnamed(render(&page, lang, shown.status)?))
}

fn finding(appeal: &Appeal, finding: FindingId) -> Option<&FindingState> {
    appeal.findings.get(usize::from(finding.0))
}

fn named(name: Option<&str>, code: &str) -> String {
    name.unwrap_or(code).to_owned()
}

const fn status_of(state: &FindingState, is_over: bool) -> &'static str {
    match state.stage {
        Stage::Done => "done",
        Stage::Answered => "answered",
        _ if is_over => "closed",
        Stage::Accepted => "accepted",
        Stage::Started => "started",
        Stage::Forwarded => "forwarded",
        Stage::Routed | Stage::Desk | Stage::Asked | Stage::Refused => "routed",
    }
}

fn terms(city: &City, state: &FindingState, w: &'static Words, lang: Lang) -> Vec<Term> {
    let names =
        [(Clock::Secure, w.secure_term), (Clock::Service, w.service_term), (Clock::Legal, w.legal_term)];
    let term = |(clock, name): (Clock, &'static str)| {
        let at = state.due.get(&clock)?.at;
        let until = until_time(lang, &day(city, at, lang), city.calendar.local_time(at));
        Some(Term { name, until, at_iso: iso(at), kept: None })
    };
    names.into_iter().filter_map(term).collect()
}

/// A link that was never one, or is none any more: both look alike.
fn gone(city: Option<&City>, lang: Lang) -> Result<Response, Problem> {
    let w = Words::of(lang);
    let page = note_page(city, lang, w.task_gone, vec![w.task_gone_how.to_owned()]);
    Ok(unnamed(render(&page, lang, StatusCode::NOT_FOUND)?))
}

fn note_page(city: Option<&City>, lang: Lang, title: &str, lines: Vec<String>) -> NotePage {
    NotePage {
        frame: frame(lang, city, |code| format!("/?lang={code}")),
        title: title.to_owned(),
        lines,
        link: None,
    }
}

/// The address of the page is a key: no other page, and no search engine, is told of it.
fn unnamed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex, nofollow"));
    response
}
