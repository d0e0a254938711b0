//! What the views answer: plain values for JSON. Nothing personal stands in them unless the question's [`Level`] asks for it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zholdary_domain::{
    AppealId, ContactId, FileId, MessageId, Number, Point, Position, access::Role, appeal::StateName,
    inbound::Channel,
};

/// An answer, and the record up to which it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer<T> {
    /// The last record that the answer knows of.
    #[schema(value_type = u64)]
    pub position: Position,
    /// When that record was made; none in an empty log.
    pub at: Option<DateTime<Utc>>,
    /// The answer.
    pub body: T,
}

impl<T> Answer<T> {
    /// The same answer in another form.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { position: self.position, at: self.at, body: f(self.body) }
    }
}

/// How far the log is in a view: part of the log to position. There is one part, 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<u32, u64>)]
pub struct Checkpoint(pub BTreeMap<u32, Position>);

impl Checkpoint {
    /// The position of the one part there is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.get(&0).copied().unwrap_or_default()
    }
}

/// How much of an appeal the asker may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everybody who knows the number: state, category, district, streets, party, dates. No words, names, houses or points.
    Public,
    /// The party that acts: also words, photos, house and point; never who wrote.
    Party,
    /// The press centre: everything.
    Operator,
}

/// A code with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The code.
    pub code: String,
    /// Russian.
    pub ru: String,
    /// Kazakh.
    pub kk: String,
    /// English; Russian when the city gives none.
    pub en: String,
}

/// A sentence in every language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sentence {
    /// Russian.
    pub ru: String,
    /// Kazakh.
    pub kk: String,
    /// English.
    pub en: String,
}

/// Which appeals to list. Every field narrows; none given: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AppealFilter {
    /// A state's code (`routed`), or `open`, `closed`, `overdue`, `danger`.
    pub state: Option<String>,
    /// Code of the main finding's category.
    pub category: Option<String>,
    /// Code of the main finding's group of the report; `unknown` while nothing is decided; `none` for all that no row of the
    /// report counts: those, and the groups that stand beside it.
    pub bucket: Option<String>,
    /// What the report counts beside the groups: `answered`, `done`, `yes`, `no` («is it fixed?»), `corrected` by a person.
    pub had: Option<String>,
    /// Code of the district, `unknown` or `region`.
    pub district: Option<String>,
    /// Code of the party that has the main finding.
    pub party: Option<String>,
    /// Code of a party that has any finding, or a copy of one.
    pub concerns: Option<String>,
    /// Code of the channel, or codes with commas between them: `instagram,facebook`.
    pub channel: Option<String>,
    /// Received on this local day (`2026-11-20`) or later.
    pub from: Option<String>,
    /// Received on this local day or earlier.
    pub to: Option<String>,
    /// Part of a number or of a street's name; for operators also of the words.
    pub q: Option<String>,
    /// Most appeals in the answer, 1 to 200. Default 50.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// Give it back as `after` for what follows; none at the end.
    pub next: Option<String>,
}

/// An appeal in a list: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    /// Its id.
    #[schema(value_type = String)]
    pub id: AppealId,
    /// Its number.
    #[schema(value_type = String)]
    pub number: Number,
    /// Somebody still has to act.
    pub open: bool,
    /// The public word for where it stands.
    pub status: Named,
    /// Where it stands.
    #[schema(value_type = String)]
    pub state: StateName,
    /// Category of the main finding; `unknown` until it is understood.
    pub category: Named,
    /// Code of the report group.
    pub bucket: String,
    /// Priority.
    pub priority: Named,
    /// District: a code, `unknown`, or `region` for outside the city.
    pub district: Named,
    /// Who has it.
    pub party: Named,
    /// The channel it came by.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// Names of the streets and places, Russian and as the city's lists have them. Never a house.
    pub places: Vec<String>,
    /// Somebody may be hurt.
    pub danger: bool,
    /// Official under the law.
    pub official: bool,
    /// It was opened again.
    pub reopened: bool,
    /// A term was found overdue.
    pub overdue: bool,
    /// «Is it fixed?»: the last answer; none while nobody said.
    pub rated: Option<bool>,
    /// When the message that opened it was received.
    pub received_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// When it was settled, if it is.
    pub settled_at: Option<DateTime<Utc>>,
    /// The nearest term of what is still open.
    pub due_at: Option<DateTime<Utc>>,
    /// The law's term of the main finding.
    pub legal_due_at: Option<DateTime<Utc>>,
    /// The city's own term of the main finding.
    pub service_due_at: Option<DateTime<Utc>>,
    /// How many messages it has.
    pub messages: u32,
}

/// A place as far as the asker may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaceView {
    /// What named it: `intersection`, `street`, …
    pub kind: String,
    /// A yard.
    pub yard: bool,
    /// Names, Russian.
    pub names: Vec<String>,
    /// Where a segment begins.
    pub from: Option<String>,
    /// Where a segment ends.
    pub to: Option<String>,
    /// District, when certain.
    pub district: Option<Named>,
    /// Settlement outside the city.
    pub settlement: Option<String>,
    /// Highway outside the city.
    pub highway: Option<String>,
    /// House; for parties and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub house: Option<String>,
    /// Point as the resident gave it; for parties and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub point: Option<Point>,
}

/// One problem of an appeal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// Its number within the appeal, 0 is the main one.
    pub finding: u16,
    /// Category.
    pub category: Named,
    /// Priority.
    pub priority: Named,
    /// Where it stands.
    pub state: String,
    /// Somebody still has to act.
    pub open: bool,
    /// In whose queue it stands.
    pub queue: Named,
    /// Whom the decision names.
    pub party: Named,
    /// That party is no body of the city.
    pub outside: bool,
    /// Where it is.
    pub place: PlaceView,
    /// Why that party: a sentence to argue with. None until somebody decided.
    pub because: Option<Sentence>,
    /// Rule that decided, or `person`.
    pub rule: Option<String>,
    /// Version of the rule set.
    pub rules: Option<String>,
    /// What the rule looked at.
    pub inputs: BTreeMap<String, String>,
    /// Parties that may be right too.
    pub candidates: Vec<Named>,
    /// Parties that got a copy.
    pub copies: Vec<Named>,
    /// How sure the category is, 0 to 1.
    pub confidence: f64,
    /// The law's term.
    pub legal_due_at: Option<DateTime<Utc>>,
    /// The city's own term.
    pub service_due_at: Option<DateTime<Utc>>,
    /// Until when the place must be fenced.
    pub secure_due_at: Option<DateTime<Utc>>,
    /// Clocks that were found overdue: `legal`, `service`, `secure`.
    pub overdue: Vec<String>,
}

/// One line of what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// The record.
    #[schema(value_type = u64)]
    pub position: Position,
    /// Its number within the record, from 0.
    pub seq: u32,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Name of the event.
    pub event: String,
    /// Who: `system`, `operator`, `author` or code of a party.
    pub by: Named,
    /// What happened, in words.
    pub text: Sentence,
    /// What somebody wrote with it (reason, explanation, answer, note); for parties and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The event without what is personal; for parties and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<serde_json::Value>,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// `image`, `video`, `audio`, `document`, `sticker`.
    pub kind: String,
    /// Media type: by its bytes once they were looked at, as labelled before.
    pub media_type: Option<String>,
    /// The name under which the bytes are kept, for those that are: `GET /api/v1/files/{file}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it is not here and will not come: `gone`, `not_given`, `forbidden`, `damaged`, `no_answer`; or it was refused: `empty`,
    /// `too_large`, `executable`, `script`, `html`, `svg`, `macros`, `unknown`, `bomb`, `unreadable`. With neither this nor `file` it is
    /// waited for, or nobody can be asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// How long it is, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How wide a picture is, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// How high a picture is, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A picture that was cut on its way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// What the camera noted; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<CameraView>,
    /// Other appeals that have the same photo; for operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_as: Vec<SamePhoto>,
    /// Name of the file; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The platform's id of the bytes; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// What a camera noted in a photo. It is offered, and nothing follows from it by itself: people send old and forwarded photos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CameraView {
    /// When it was taken, by the camera's clock: ISO 8601, without an offset when the camera knew none.
    pub taken_at: Option<String>,
    /// Where it was taken.
    #[schema(value_type = Option<Object>)]
    pub point: Option<Point>,
}

/// An appeal that has the same photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SamePhoto {
    /// Its number.
    #[schema(value_type = String)]
    pub number: Number,
    /// The same bytes. Else the same scene: sent within 30 days, taken or told of within 200 m.
    pub equal: bool,
}

/// What was made of a file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptView {
    /// What it is, by its bytes.
    pub media_type: String,
    /// The copy that others may see, when it is a picture that can be decoded.
    pub copy: Option<FileId>,
    /// The thumbnail.
    pub thumbnail: Option<FileId>,
}

/// A message of an appeal's thread; for parties and operators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: MessageId,
    /// We sent it.
    pub ours: bool,
    /// Code of the channel, when known.
    pub channel: Option<String>,
    /// Code of the surface, when known.
    pub surface: Option<String>,
    /// The message's own time.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What it says now; of a letter what its author wrote, without what is quoted.
    pub text: Option<String>,
    /// The subject of a letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What a letter quotes, and its signature; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<String>,
    /// A letter for which its sender's domain does not vouch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
    /// Ours, but written past this system, such as in the phone's app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// Why it is part of no appeal, though it may stand beside one: `no_appeal`, `note`, `mailing`, `for_person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
    /// Why the words of a mention are not here and will not come, as `files[].missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words_missing: Option<String>,
    /// A point on the map.
    #[schema(value_type = Option<Object>)]
    pub point: Option<Point>,
    /// A pressed button.
    pub button: Option<String>,
    /// A kind of message that a person must look at.
    pub unsupported: Option<String>,
    /// Files.
    pub files: Vec<FileView>,
    /// When it was last edited.
    pub edited_at: Option<DateTime<Utc>>,
    /// What it said before it was edited, the first words first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierView>,
    /// When it was taken back.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// How far ours came: `queued`, `sent`, `delivered`, `read`, `failed`; `unknown`: it may have gone; `needless`: another says it.
    pub delivery: Option<String>,
    /// The platform's code of the error.
    pub delivery_error: Option<i64>,
    /// Name of the raw bytes; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Who wrote it; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub contact: Option<ContactId>,
    /// Name of the profile; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Phone, E.164; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The key under which the channel knows the sender; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What a message said before it was edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EarlierView {
    /// When its author said it.
    pub said_at: DateTime<Utc>,
    /// What it said.
    pub text: Option<String>,
    /// A point on the map.
    #[schema(value_type = Option<Object>)]
    pub point: Option<Point>,
    /// Files.
    pub files: Vec<FileView>,
}

/// An appeal, as far as the asker may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AppealView {
    /// What a list shows.
    #[serde(flatten)]
    pub card: Card,
    /// The last record of this appeal.
    #[schema(value_type = u64)]
    pub changed: Position,
    /// Other numbers it is known under.
    #[schema(value_type = Vec<String>)]
    pub aliases: Vec<Number>,
    /// Its problems, the main one first.
    pub findings: Vec<FindingView>,
    /// What happened. On the public level only lines for everybody, without words.
    pub history: Vec<Line>,
    /// How many appeals are about the same problem, this one included.
    pub voices: u32,
    /// The first appeal about the same problem.
    #[schema(value_type = Option<String>)]
    pub problem: Option<Number>,
    /// The appeal that it was split off from.
    #[schema(value_type = Option<String>)]
    pub parent: Option<Number>,
    /// Appeals split off from it.
    #[schema(value_type = Vec<String>)]
    pub children: Vec<Number>,
    /// Its author asks to open it again.
    pub reopen_requested: bool,
    /// Nothing to understand yet: a photo, a voice note or a point without words.
    pub draft: bool,
    /// Language of the words.
    pub lang: Option<String>,
    /// When somebody was made responsible first.
    pub routed_at: Option<DateTime<Utc>>,
    /// When the resident heard from us first.
    pub told_at: Option<DateTime<Utc>>,
    /// When its main finding was answered first.
    pub answered_at: Option<DateTime<Utc>>,
    /// When its main finding was last reported as done; none while it is opened again.
    pub done_at: Option<DateTime<Utc>>,
    /// Who wrote; for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub contact: Option<ContactId>,
    /// Its messages; for parties and operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Vec<MessageView>>,
}

/// Why a row stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueReason {
    /// Somebody may be hurt.
    Danger,
    /// The city's own term has passed.
    ServicePassed,
    /// The nearest term is that of the reply.
    Reply,
    /// The nearest term is the city's own.
    Service,
    /// No term runs.
    InTurn,
}

/// A row of a party's queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// The appeal.
    #[schema(value_type = String)]
    pub appeal: AppealId,
    /// Its number.
    #[schema(value_type = String)]
    pub number: Number,
    /// The finding.
    pub finding: u16,
    /// Why it is in this queue: `task`, and for operators `danger`, `desk`, `asked`, `refused`, `draft`, `new`,
    /// `reopen_requested`.
    pub why: String,
    /// Why it stands at this place of the queue.
    pub order: QueueReason,
    /// Where it stands.
    pub state: String,
    /// Category.
    pub category: Named,
    /// Priority.
    pub priority: Named,
    /// District.
    pub district: Named,
    /// Whom the decision names.
    pub party: Named,
    /// Where it is.
    pub place: PlaceView,
    /// Why that party.
    pub because: Option<Sentence>,
    /// How sure the category is, 0 to 1.
    pub confidence: f64,
    /// Parties that may be right.
    pub candidates: Vec<Named>,
    /// Somebody may be hurt.
    pub danger: bool,
    /// The channel.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// Language of the words.
    pub lang: Option<String>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Until when the resident should hear from us: the first reply, then the law's term.
    pub reply_due_at: Option<DateTime<Utc>>,
    /// The law's term.
    pub legal_due_at: Option<DateTime<Utc>>,
    /// The city's own term.
    pub service_due_at: Option<DateTime<Utc>>,
    /// Until when the place must be fenced.
    pub secure_due_at: Option<DateTime<Utc>>,
    /// The city's own term has passed.
    pub service_passed: bool,
    /// How many messages the appeal has.
    pub messages: u32,
    /// How many appeals are about the same problem.
    pub voices: u32,
    /// The last words of the resident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A queue in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// Whose it is.
    pub party: Named,
    /// How many rows it has in all.
    pub total: u32,
    /// How many by `why`.
    pub by_why: BTreeMap<String, u32>,
    /// The first rows: danger, then service time passed, then the nearest of reply or service time, then number.
    pub tasks: Vec<Task>,
}

/// What to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountBy {
    /// Local day on which the appeal was received.
    Day,
    /// Category of the main finding.
    Category,
    /// District of the main finding.
    District,
    /// Party that has the main finding.
    Party,
    /// Channel.
    Channel,
    /// State.
    State,
}

/// How many appeals have these values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// The values that were counted by: column to value.
    pub key: BTreeMap<String, String>,
    /// How many.
    pub count: u64,
}

/// One group of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// The group.
    pub bucket: Named,
    /// Appeals.
    pub count: u64,
    /// Percent of all appeals in groups of the report, to one decimal; none in a group beside the report, or when there are
    /// none at all.
    pub share: Option<f64>,
    /// Appeals whose main finding was answered, whether the answer settled it or not; one that was opened again was answered
    /// all the same.
    pub answered: u64,
    /// Appeals by the party that their main finding was sent to.
    pub sent_to: BTreeMap<String, u64>,
    /// Appeals whose main finding was reported as done; one that was opened again counts when that is reported again.
    pub done: u64,
    /// «Yes, it is fixed.»
    pub rated_yes: u64,
    /// «No, it is not.»
    pub rated_no: u64,
    /// Percent of «yes» among all appeals of the group, to one decimal; none: not stated, nobody was asked.
    pub satisfied: Option<f64>,
}

/// The report by groups (the table of 2019).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Appeals in all groups of the report: the base of the shares.
    pub total: u64,
    /// Appeals in all, those beside the report and those not decided yet included.
    pub all: u64,
    /// Appeals for which nobody has decided yet.
    pub undecided: u64,
    /// Of all appeals, those whose understanding a person corrected.
    pub corrected: u64,
    /// Appeals received after the last day that counts; in no other figure.
    pub later: u64,
    /// Groups, in the order of the city's file.
    pub groups: Vec<ReportRow>,
    /// The same for the channels that the city tells apart (`city.toml [[channel_group]]`: the halves of 2019), in its order, then for
    /// all others (`other`); empty for a city that tells none apart.
    pub channel_groups: Vec<ReportPart>,
}

/// The report of the appeals that came by some channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportPart {
    /// The group of channels.
    pub channel_group: Named,
    /// Codes of its channels.
    pub channels: Vec<String>,
    /// Appeals in all groups of the report: the base of the shares.
    pub total: u64,
    /// Appeals in all, those beside the report and those not decided yet included.
    pub all: u64,
    /// Groups, in the order of the city's file.
    pub groups: Vec<ReportRow>,
}

/// Narrow the report and the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// Received on this local day or later.
    pub from: Option<String>,
    /// Received on this local day or earlier.
    pub to: Option<String>,
    /// Code of the channel, or codes with commas between them: `instagram,facebook`.
    pub channel: Option<String>,
    /// Code of the district.
    pub district: Option<String>,
}

/// The figures of a period. A rate stands beside its base, and is none when the base is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Figures {
    /// Appeals received.
    pub received: u64,
    /// Of them somebody still has to act on.
    pub open: u64,
    /// Of them open and dangerous.
    pub danger: u64,
    /// Of them open with a term passed.
    pub overdue: u64,
    /// Of them settled.
    pub settled: u64,
    /// Of them with an answer to the main finding.
    pub answered: u64,
    /// Of them with the main finding reported as done.
    pub done: u64,
    /// Of them opened again.
    pub reopened: u64,
    /// Votes «yes, it is fixed».
    pub rated_yes: u64,
    /// Votes «no».
    pub rated_no: u64,
    /// Half of the settled ones took at most so many hours.
    pub median_hours: Option<f64>,
    /// Nine of ten took at most so many hours.
    pub p90_hours: Option<f64>,
    /// Received, by district: open and overdue.
    pub districts: Vec<PlaceFigures>,
    /// Open and overdue by party.
    pub parties: Vec<PlaceFigures>,
    /// Open and overdue by category.
    pub categories: Vec<PlaceFigures>,
}

/// Figures of one district, party or category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaceFigures {
    /// Which.
    pub of: Named,
    /// Appeals received.
    pub received: u64,
    /// Of them open.
    pub open: u64,
    /// Of them open with a term passed.
    pub overdue: u64,
    /// Of them settled.
    pub settled: u64,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageOutcome {
    /// The message.
    #[schema(value_type = String)]
    pub message: MessageId,
    /// Its appeal; none while it is not placed, or is part of none.
    #[schema(value_type = Option<String>)]
    pub appeal: Option<AppealId>,
    /// The appeal's number; none until it is registered.
    #[schema(value_type = Option<String>)]
    pub number: Option<Number>,
    /// It opened that appeal.
    pub opens: bool,
    /// `placed`; or why it is part of no appeal: `no_appeal`, `note`, `mailing`, `for_person`. None: not settled yet.
    pub outcome: Option<String>,
    /// The appeal knows of it: `registered` or `message_added` is in the view.
    pub joined: bool,
}

/// How far the views are behind the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lag {
    /// Where the views stand, by part of the log.
    #[schema(value_type = BTreeMap<u32, u64>)]
    pub checkpoint: Checkpoint,
    /// The log's last record, as the projector or the asker saw it.
    #[schema(value_type = u64)]
    pub head: Position,
    /// Records not yet in the views.
    pub records: u64,
    /// Seconds, by the log's own time, between the views' last record and the log's; until now while the projector has not
    /// seen that one.
    pub seconds: f64,
    /// Seconds since the projector last said that it lives; none when it never did.
    pub heartbeat_age_seconds: Option<f64>,
    /// Records set aside because they could not be applied.
    pub parked: u64,
    /// The file in use.
    pub file: String,
}

/// A record that could not be applied, or waits behind one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Parked {
    /// The record.
    #[schema(value_type = u64)]
    pub position: Position,
    /// Its stream.
    pub stream: String,
    /// Why.
    pub reason: String,
    /// How often it was tried; 0 when it only waits behind another.
    pub attempts: u32,
}

/// An access token, as recorded. The secret is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Public name.
    pub name: String,
    /// SHA-256 of the secret, hexadecimal.
    pub digest: String,
    /// What its bearer may do.
    pub role: Role,
    /// The party whose bearer it is.
    pub party: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops to work.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Token {
    /// Whether it works at `now`. Its digest is compared by the caller.
    #[must_use]
    pub fn works_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// One record's effect on the views. Nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The record.
    #[schema(value_type = u64)]
    pub position: Position,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Number of the appeal that changed, if one did.
    #[schema(value_type = Option<String>)]
    pub number: Option<Number>,
    /// Views that changed: `appeals`, `messages`, `queue/<party>`, `rules`, `tokens`.
    pub views: Vec<String>,
    /// Names of the events.
    pub events: Vec<String>,
}

/// A published rule set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesVersion {
    /// Its record.
    #[schema(value_type = u64)]
    pub position: Position,
    /// Code of the city.
    pub city: String,
    /// Its version.
    pub version: String,
    /// When it came into force.
    pub at: DateTime<Utc>,
    /// Who published it.
    pub by: String,
}
