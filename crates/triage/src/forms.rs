//! How a word of a name is written in a sentence: the bounded endings of Russian and Kazakh.

use crate::words::KK_ENDINGS;

/// What a word of a name looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A name of its own: a surname in the genitive, a place.
    Name,
    /// An adjective («Советская»), which may as well describe something else.
    Adjective,
}

/// Endings of Russian adjectives, and whether a Kazakh ending may follow.
const ADJECTIVE: [(&str, bool); 12] = [
    ("ая", true),
    ("яя", true),
    ("ий", true),
    ("ый", true),
    ("ой", false),
    ("ую", false),
    ("ого", false),
    ("его", false),
    ("ому", false),
    ("ом", false),
    ("ым", false),
    ("им", false),
];
/// Endings of Russian adjectives of the neuter.
const ADJECTIVE_NEUTER: [(&str, bool); 7] = [
    ("ое", true),
    ("ее", true),
    ("ого", false),
    ("его", false),
    ("ому", false),
    ("ом", false),
    ("ым", false),
];
/// Endings of Russian nouns of the neuter.
const NEUTER: [(&str, bool); 5] = [("о", true), ("а", false), ("у", false), ("ом", false), ("е", false)];
const SURNAME: [(&str, bool); 6] =
    [("", false), ("а", true), ("ой", false), ("у", false), ("ою", false), ("е", false)];
const HARD: [(&str, bool); 9] = [
    ("", true),
    ("а", true),
    ("у", false),
    ("ом", false),
    ("ем", false),
    ("ым", false),
    ("е", false),
    ("ы", false),
    ("и", false),
];
const VOWEL_A: [(&str, bool); 9] = [
    ("", true),
    ("а", true),
    ("у", false),
    ("ом", false),
    ("ым", false),
    ("е", false),
    ("ы", false),
    ("и", false),
    ("ой", false),
];
const AFTER_VOWEL: [(&str, bool); 6] =
    [("й", true), ("я", true), ("ю", false), ("е", false), ("ем", false), ("и", false)];
const SOFT: [(&str, bool); 7] =
    [("ь", true), ("я", true), ("ю", false), ("е", false), ("ем", false), ("и", false), ("ью", false)];

/// Fewest letters of the first word of a name before a Kazakh ending, and of a further one, which the words before it tell from others
/// («Төле биде»).
pub(crate) const FIRST: usize = 3;
pub(crate) const FURTHER: usize = 2;

/// The forms of one folded word, each with whether a Kazakh case ending may follow it.
pub(crate) fn forms(word: &str) -> (Sort, Vec<(String, bool)>) {
    let letters: Vec<char> = word.chars().collect();
    let length = letters.len();
    let cut = |n: usize| letters[..length - n].iter().collect::<String>();
    let with = |stem: &str, endings: &[(&str, bool)]| -> Vec<(String, bool)> {
        let mut all: Vec<(String, bool)> =
            endings.iter().map(|(ending, more)| (format!("{stem}{ending}"), *more)).collect();
        if !all.iter().any(|(form, _)| form == word) {
            all.push((word.to_owned(), true));
        }
        all
    };
    let before = |n: usize| length.checked_sub(n + 1).map(|at| letters[at]);
    let name = |forms| (Sort::Name, forms);
    if length <= 3 || !word.chars().all(char::is_alphabetic) {
        return name(vec![(word.to_owned(), true)]);
    }
    if length >= 6 && (word.ends_with("ого") || word.ends_with("его")) {
        // A surname such as «Островского»: declined like an adjective, yet a name.
        return name(with(&cut(3), &ADJECTIVE));
    }
    let describes = |n| before(n).is_some_and(|letter| "нкгвш".contains(letter));
    if length >= 6 && (word.ends_with("ая") || word.ends_with("яя")) && describes(2) {
        return (Sort::Adjective, with(&cut(2), &ADJECTIVE));
    }
    if length >= 6 && (word.ends_with("ий") || word.ends_with("ый")) {
        return (Sort::Adjective, with(&cut(2), &ADJECTIVE));
    }
    if length >= 6 && (word.ends_with("ое") || word.ends_with("ее")) {
        return (Sort::Adjective, with(&cut(2), &ADJECTIVE_NEUTER));
    }
    if length >= 6 && word.ends_with("ой") {
        return name(with(&cut(2), &SURNAME));
    }
    match letters[length - 1] {
        'а' if length <= 4 => name(vec![(word.to_owned(), true)]),
        'а' => name(with(&cut(1), &VOWEL_A)),
        'я' if before(1).is_some_and(is_vowel) => name(with(&cut(1), &AFTER_VOWEL)),
        'й' => name(with(&cut(1), &AFTER_VOWEL)),
        'о' if length >= 6 => name(with(&cut(1), &NEUTER)),
        'я' | 'ь' => name(with(&cut(1), &SOFT)),
        last if is_vowel(last) => name(vec![(word.to_owned(), true)]),
        _ => name(with(word, &HARD)),
    }
}

fn is_vowel(letter: char) -> bool {
    "аеёиоуыэюя".contains(letter)
}

/// Every way to see a token as a form of at least so many letters with a Kazakh case ending: (form, ending), the whole word first.
pub(crate) fn readings(token: &str, least: usize) -> impl Iterator<Item = (&str, &str)> {
    std::iter::once((token, "")).chain(
        token
            .char_indices()
            .skip(least)
            .map(|(at, _)| token.split_at(at))
            .filter(|(_, ending)| KK_ENDINGS.contains(ending)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, written: &str, expected: bool) {
        let (_, forms) = forms(word);
        let found = readings(written, FIRST).any(|(form, ending)| {
            forms.iter().any(|(own, more)| own == form && (ending.is_empty() || *more))
        });
        assert_eq!(found, expected, "{written} as a form of {word}");
    }

    #[test]
    fn a_name_is_known_in_its_cases_and_not_in_other_words() {
        check("розыбакиева", "розыбакиев", true);
        check("розыбакиева", "розыбакиеву", true);
        check("розыбакиев", "розыбакиевтен", true);
        check("абая", "абаю", true);
        check("абай", "абайдан", true);
        check("брусиловского", "брусиловскому", true);
        check("онгарсыновой", "онгарсынова", true);
        check("парковая", "парковой", true);
        check("парковая", "парковка", false);
        check("парковая", "парковку", false);
        check("гагарина", "гагаринцы", false);
        check("мира", "миру", false);
        check("строительная", "строительныйда", true);
        check("достык", "достыкта", true);
    }
}
