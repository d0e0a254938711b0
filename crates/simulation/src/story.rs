//! One appeal as it is meant, and what its author sends.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use zholdary_city::Lang;

use crate::way::Way;

const RECEIPT: &str = "RCP";
const QUESTION: &str = "ASK";
const BUTTON: &str = "BTN";
const LATER: &str = "LTR";

/// A message of a resident.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// The way that it came.
    pub way: Way,
    /// The platform's id of it.
    pub id: String,
    /// The platform's id of who sent it; on WhatsApp the phone.
    pub from: String,
    /// The name in that person's profile.
    pub name: String,
    /// The message of ours that it answers, by the platform's id.
    pub answers: Option<String>,
    /// What it is.
    pub kind: Kind,
}

/// What a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Words.
    Text(String),
    /// A photo.
    Photo {
        /// Words under it.
        caption: Option<String>,
    },
    /// A point of the map, in degrees.
    Point {
        /// Longitude.
        lon: f64,
        /// Latitude.
        lat: f64,
    },
    /// Other words in place of those of a message.
    Edit {
        /// That message, by the platform's id.
        of: String,
        /// The words.
        text: String,
    },
    /// A button of a message of ours.
    Button {
        /// Its id.
        id: String,
        /// Its text.
        title: String,
    },
}

/// What the party does about an appeal that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Takes it, begins, and has done it after so long.
    Done {
        /// From the day that it came.
        after: Duration,
    },
    /// Takes it, and that is all so far.
    Taken,
    /// Does not take it, and says why.
    Refused,
    /// Says nothing.
    Silent,
}

/// One appeal as it is meant: what its author wants, and what becomes of it.
#[derive(Debug, Clone)]
pub struct Story {
    /// The messages that open it, in order: the first has its words. A photo, a point or better words may follow.
    pub opening: Vec<Said>,
    /// Of the first message: it is delivered again.
    pub again: bool,
    /// The code of its category, as its author means it; none where any of a road outside the city is right.
    pub category: Option<String>,
    /// The code of its group in the report.
    pub group: String,
    /// Somebody wrote about the same problem before: the way and the platform's id of the first message of the first who did.
    pub problem: Option<(Way, String)>,
    /// The language of its words, as an answer to it speaks.
    pub lang: Lang,
    /// What its party does.
    pub fate: Fate,
    /// What its author says when it is done: fixed, or not.
    pub verdict: Option<bool>,
    /// What its author says in answer to a message of ours: thanks, or a question how it goes.
    pub later: Option<Later>,
}

/// What an author says later, in answer to a message of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    /// How long after the first message.
    pub after: Duration,
    /// The words.
    pub text: String,
}

impl Story {
    /// Its first message: the one that it is known by.
    #[must_use]
    pub fn first(&self) -> &Said {
        &self.opening[0]
    }

    /// A message of ours that tells the author of the number, sent by hand at `at`: a line of `*_sent.jsonl`.
    #[must_use]
    pub fn receipt(&self, at: DateTime<Utc>) -> String {
        self.sent_by_hand(RECEIPT, at)
    }

    /// A message of ours that asks whether it is fixed, sent by hand at `at`.
    #[must_use]
    pub fn question(&self, at: DateTime<Utc>) -> String {
        self.sent_by_hand(QUESTION, at)
    }

    fn sent_by_hand(&self, part: &str, at: DateTime<Utc>) -> String {
        let Said { way, id, .. } = self.first();
        json!({
            "direction": "out",
            "channel": way.channel().code(),
            "account": way.account(),
            "external_id": self.beside(part),
            "sent_at": at.to_rfc3339(),
            "answers": id,
        })
        .to_string()
    }

    /// A button under the question whether it is fixed, pressed at `at`; none where the author says nothing. Under the question that was
    /// sent by hand, or under `asked`: the platform's id of one that was not, with the number that its buttons bear.
    #[must_use]
    pub fn press(&self, at: DateTime<Utc>, asked: Option<(&str, &str)>) -> Option<Said> {
        let fixed = self.verdict?;
        let title = match (self.lang, fixed) {
            (Lang::Kk, true) => "Иә",
            (Lang::Kk, false) => "Жоқ",
            (_, true) => "Да",
            (_, false) => "Нет",
        };
        let mut id = format!("fixed:{}", if fixed { "yes" } else { "no" });
        let question = match asked {
            Some((question, number)) => {
                id = format!("{id}:{number}");
                question.to_owned()
            }
            None => self.beside(QUESTION),
        };
        let kind = Kind::Button { id, title: title.to_owned() };
        Some(self.answer(BUTTON, question, at, kind))
    }

    /// What the author says at `at` in answer to the receipt that was sent by hand, or to the one that the platform calls `receipt`.
    #[must_use]
    pub fn later_said(&self, at: DateTime<Utc>, receipt: Option<&str>) -> Option<Said> {
        let later = self.later.as_ref()?;
        let receipt = receipt.map_or_else(|| self.beside(RECEIPT), str::to_owned);
        Some(self.answer(LATER, receipt, at, Kind::Text(later.text.clone())))
    }

    /// One of its messages sent again at `at`: the same author and words under other ids, which `mark` tells from others.
    #[must_use]
    pub fn sent_again(&self, said: &Said, mark: &str, at: DateTime<Utc>) -> Said {
        let named = |id: &str| format!("{id}.{mark}");
        let kind = match &said.kind {
            Kind::Edit { of, text } => Kind::Edit { of: named(of), text: text.clone() },
            kind => kind.clone(),
        };
        Said { at, id: named(&said.id), kind, ..said.clone() }
    }

    fn answer(&self, part: &str, to: String, at: DateTime<Utc>, kind: Kind) -> Said {
        Said { at, id: self.beside(part), answers: Some(to), kind, ..self.first().clone() }
    }

    /// The platform's id of a message beside the first.
    fn beside(&self, part: &str) -> String {
        format!("{}{part}", self.first().id)
    }
}
