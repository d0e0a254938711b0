//! Texts with placeholders: read once, filled many times, never sent half filled.
//!
//! `{name}` is a placeholder; a part in `[[ … ]]` is left out when a placeholder in it is empty.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::names::{Lang, Names, Values};

/// One text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Words(String),
    Placeholder(String),
    /// `[[ … ]]`
    IfFilled(Vec<Part>),
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// `[[` without `]]`, or the other way round, or one inside another.
    #[error("`[[` and `]]` do not pair up")]
    Brackets,
    /// `{` without `}`, or the other way round.
    #[error("`{{` and `}}` do not pair up")]
    Braces,
    /// Something in braces that is not a name.
    #[error("`{{{0}}}` is not a name of a placeholder")]
    Name(String),
}

/// A text whose placeholders outside `[[ … ]]` cannot all be filled: a draft for the operator, never sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing fills {}", .missing.join(", "))]
pub struct Unfilled {
    /// The placeholders without a value, by name.
    pub missing: Vec<String>,
}

impl Text {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// [`BadText`] when brackets or braces do not pair up, or braces hold something else than a name.
    pub fn parse(source: &str) -> Result<Self, BadText> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("[[") {
            let (inside, after) = after.split_once("]]").ok_or(BadText::Brackets)?;
            if inside.contains("[[") {
                return Err(BadText::Brackets);
            }
            flat(before, &mut parts)?;
            let mut optional = Vec::new();
            flat(inside, &mut optional)?;
            parts.push(Part::IfFilled(optional));
            rest = after;
        }
        flat(rest, &mut parts)?;
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The text as the file has it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Placeholders that must have a value.
    #[must_use]
    pub fn required(&self) -> BTreeSet<&str> {
        names(&self.parts)
    }

    /// Every placeholder, those in `[[ … ]]` too.
    #[must_use]
    pub fn placeholders(&self) -> BTreeSet<&str> {
        let mut all = names(&self.parts);
        for part in &self.parts {
            if let Part::IfFilled(inside) = part {
                all.extend(names(inside));
            }
        }
        all
    }

    /// Whether some part in `[[ … ]]` has no placeholder, so that it could never be left out.
    pub(crate) fn has_idle_brackets(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::IfFilled(inside) if names(inside).is_empty()))
    }

    /// The text with its placeholders filled in a language.
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every placeholder outside `[[ … ]]` that has no value.
    pub fn fill(&self, lang: Lang, values: &Values) -> Result<String, Unfilled> {
        let missing: Vec<String> = self
            .required()
            .into_iter()
            .filter(|name| values.get(lang, name).is_none())
            .map(str::to_owned)
            .collect();
        if !missing.is_empty() {
            return Err(Unfilled { missing });
        }
        let mut filled = String::with_capacity(self.source.len() * 2);
        write(&self.parts, lang, values, &mut filled);
        Ok(filled)
    }
}

/// Reads a piece without `[[ … ]]`.
fn flat(source: &str, parts: &mut Vec<Part>) -> Result<(), BadText> {
    if source.contains("]]") {
        return Err(BadText::Brackets);
    }
    let mut rest = source;
    while let Some((words, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(BadText::Braces)?;
        if words.contains('}') {
            return Err(BadText::Braces);
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(BadText::Name(name.to_owned()));
        }
        if !words.is_empty() {
            parts.push(Part::Words(words.to_owned()));
        }
        parts.push(Part::Placeholder(name.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err(BadText::Braces);
    }
    if !rest.is_empty() {
        parts.push(Part::Words(rest.to_owned()));
    }
    Ok(())
}

fn names(parts: &[Part]) -> BTreeSet<&str> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Words(_) | Part::IfFilled(_) => None,
        })
        .collect()
}

fn write(parts: &[Part], lang: Lang, values: &Values, filled: &mut String) {
    for part in parts {
        match part {
            Part::Words(words) => filled.push_str(words),
            Part::Placeholder(name) => filled.push_str(values.get(lang, name).unwrap_or_default()),
            Part::IfFilled(inside) => {
                if names(inside).iter().all(|name| values.get(lang, name).is_some()) {
                    write(inside, lang, values, filled);
                }
            }
        }
    }
}

/// A text in every language it exists in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// In Russian.
    pub ru: Text,
    /// In Kazakh.
    pub kk: Text,
    /// In English, where a stranger may read it.
    pub en: Option<Text>,
}

impl Texts {
    /// The text in a language, or in Russian where there is none in English.
    #[must_use]
    pub fn get(&self, lang: Lang) -> (Lang, &Text) {
        match (lang, &self.en) {
            (Lang::En, Some(text)) => (Lang::En, text),
            (Lang::Kk, _) => (Lang::Kk, &self.kk),
            (Lang::Ru, _) | (Lang::En, None) => (Lang::Ru, &self.ru),
        }
    }

    /// The text filled in a language, as [`Text::fill`] does.
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every placeholder that has no value.
    pub fn fill(&self, lang: Lang, values: &Values) -> Result<String, Unfilled> {
        let (lang, text) = self.get(lang);
        text.fill(lang, values)
    }

    /// The text filled in every language, for places that keep all of them (a decision's reason).
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every placeholder that has no value.
    pub fn fill_all(&self, values: &Values) -> Result<Names, Unfilled> {
        Ok(Names {
            ru: self.fill(Lang::Ru, values)?,
            kk: self.fill(Lang::Kk, values)?,
            en: match &self.en {
                Some(text) => text.fill(Lang::En, values)?,
                None => String::new(),
            },
        })
    }
}

/// Who reads a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The resident who wrote.
    Resident,
    /// A party that must act.
    Party,
    /// Who asked for the digest.
    Subscriber,
    /// Everybody.
    Public,
}

impl Audience {
    /// The code in files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Party => "party",
            Self::Subscriber => "subscriber",
            Self::Public => "public",
        }
    }
}

/// A text the product sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Code, such as `receipt`.
    pub code: String,
    /// Grows with every change of the text; stored with each sent one.
    pub version: u32,
    /// Who reads it.
    pub to: Audience,
    /// The event that sends it, in words.
    pub used_for: String,
    /// Whether it goes by itself; else a person sends it.
    pub auto: bool,
    /// What goes instead when the vendor's window is closed: a code of the vendor's templates.
    pub whatsapp: Option<String>,
    /// Subject of a mail.
    pub subject: Option<Texts>,
    /// The text.
    pub text: Texts,
    /// Codes of buttons.
    pub buttons: Vec<String>,
}

/// A text ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Code of the template.
    pub template: String,
    /// Version of the template.
    pub version: u32,
    /// Language it came out in.
    pub lang: Lang,
    /// The text.
    pub text: String,
    /// Subject of a mail.
    pub subject: Option<String>,
    /// Codes of buttons.
    pub buttons: Vec<String>,
}

impl Template {
    /// The template filled in a language; English falls back to Russian where it does not exist.
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every placeholder without a value: the text is then a draft, never sent.
    pub fn fill(&self, lang: Lang, values: &Values) -> Result<Filled, Unfilled> {
        let (lang, text) = self.text.get(lang);
        let text = text.fill(lang, values);
        let subject = self.subject.as_ref().map(|subject| subject.fill(lang, values)).transpose();
        match (text, subject) {
            (Ok(text), Ok(subject)) => Ok(Filled {
                template: self.code.clone(),
                version: self.version,
                lang,
                text,
                subject,
                buttons: self.buttons.clone(),
            }),
            (text, subject) => {
                let missing =
                    text.err().into_iter().chain(subject.err()).flat_map(|unfilled| unfilled.missing);
                Err(Unfilled { missing: missing.collect::<BTreeSet<_>>().into_iter().collect() })
            }
        }
    }
}

/// What may stand in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// What it stands for.
    pub is: String,
    /// An example.
    pub example: String,
    /// Whether its value is personal data, which public texts may not carry.
    pub personal: bool,
}

/// A short text put into a placeholder.
pub type Phrase = Texts;

/// A button under a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What comes back when it is pressed, such as `fixed:yes`: part of the contract.
    pub id: String,
    /// What is written on it.
    pub name: Names,
}

/// What goes instead of a text when the vendor's 24-hour window is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatsappTemplate {
    /// Code in our files.
    pub code: String,
    /// Name registered with the vendor.
    pub name: String,
    /// The vendor's category of it.
    pub category: String,
    /// Placeholders that fill `{{1}}`, `{{2}}`, …
    pub params: Vec<String>,
    /// Body in Russian, with numbered parameters.
    pub ru: String,
    /// Body in Kazakh.
    pub kk: String,
    /// Examples the vendor asks for, in Russian.
    pub example_ru: Vec<String>,
    /// Examples in Kazakh.
    pub example_kk: Vec<String>,
    /// Codes of buttons.
    pub buttons: Vec<String>,
}

impl WhatsappTemplate {
    /// Language and values of the parameters, in their order; registered in Russian and Kazakh only.
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every parameter without a value.
    pub fn parameters(&self, lang: Lang, values: &Values) -> Result<(Lang, Vec<String>), Unfilled> {
        let lang = if lang == Lang::Kk { Lang::Kk } else { Lang::Ru };
        let (mut given, mut missing) = (Vec::new(), Vec::new());
        for name in &self.params {
            match values.get(lang, name) {
                Some(value) => given.push(value.to_owned()),
                None => missing.push(name.clone()),
            }
        }
        if missing.is_empty() { Ok((lang, given)) } else { Err(Unfilled { missing }) }
    }

    /// The body as the resident will read it.
    ///
    /// # Errors
    ///
    /// [`Unfilled`] names every parameter without a value.
    pub fn body(&self, lang: Lang, values: &Values) -> Result<String, Unfilled> {
        let (lang, parameters) = self.parameters(lang, values)?;
        let body = if lang == Lang::Kk { &self.kk } else { &self.ru };
        // One pass, so that a value that itself looks like a parameter stays as it is.
        let mut pieces = body.split("{{");
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (number, words) = piece.split_once("}}").unwrap_or(("", piece));
            let value = number.parse::<usize>().ok().and_then(|n| parameters.get(n.wrapping_sub(1)));
            filled.push_str(value.map_or("", String::as_str));
            filled.push_str(words);
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(source: &str, values: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let mut given = Values::new();
        for (name, value) in values {
            given.set(name, *value);
        }
        let text = Text::parse(source).unwrap();
        text.fill(Lang::Ru, &given).map_err(|unfilled| unfilled.missing)
    }

    /// Text, values, filled or what is missing.
    type Case = (
        &'static str,
        &'static [(&'static str, &'static str)],
        Result<&'static str, &'static [&'static str]>,
    );

    #[test]
    fn texts_are_filled() {
        let cases: [Case; 9] = [
            ("plain", &[], Ok("plain")),
            ("№ {number}.", &[("number", "7")], Ok("№ 7.")),
            ("№ {number}.", &[], Err(&["number"])),
            ("№ {number}.", &[("number", " ")], Err(&["number"])),
            ("a[[ b {x}]]c", &[], Ok("ac")),
            ("a[[ b {x}]]c", &[("x", "1")], Ok("a b 1c")),
            ("a[[ {x}, {y}]]", &[("x", "1")], Ok("a")),
            ("{a}{b}{a}", &[("a", "{b}"), ("b", "[[2]]")], Ok("{b}[[2]]{b}")),
            ("{b} {a}", &[], Err(&["a", "b"])),
        ];
        for (source, values, expected) in cases {
            let expected = expected
                .map(str::to_owned)
                .map_err(|missing| missing.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            assert_eq!(filled(source, values), expected, "{source}");
        }
    }

    #[test]
    fn broken_texts_are_refused() {
        for (source, error) in [
            ("a [[ b", BadText::Brackets),
            ("a ]] b", BadText::Brackets),
            ("[[ a [[ b ]] ]]", BadText::Brackets),
            ("{a", BadText::Braces),
            ("a}", BadText::Braces),
            ("[[{a]]}", BadText::Braces),
            ("{}", BadText::Name(String::new())),
            ("{Имя}", BadText::Name("Имя".to_owned())),
            ("{{1}}", BadText::Name("{1".to_owned())),
        ] {
            assert_eq!(Text::parse(source), Err(error), "{source}");
        }
    }

    #[test]
    fn a_value_of_another_language_does_not_fill() {
        let mut values = Values::new();
        values.set_in(Lang::Ru, "x", "да");
        let text = Text::parse("{x}").unwrap();
        assert_eq!(text.fill(Lang::Ru, &values).unwrap(), "да");
        assert_eq!(text.fill(Lang::En, &values).unwrap(), "да");
        assert!(text.fill(Lang::Kk, &values).is_err());
    }
}
