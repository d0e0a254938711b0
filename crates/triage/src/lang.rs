//! The language of a text: by letters, by function words and endings, clause by clause.

use zholdary_domain::appeal::TextLang;

use crate::letters::is_cyrillic;
use crate::text::{Folded, Gap, Token};

/// The smaller language of a mixed text has at least one in this many of the words that tell.
const MIXED_PART: usize = 10;

/// What one word says of its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Grammar or letters that only Kazakh has.
    Kazakh,
    /// Grammar that only Russian has.
    Russian,
    /// Spelling that Kazakh has only in borrowed words.
    PerhapsRussian,
    /// Nothing.
    None,
}

const KAZAKH_LETTERS: [char; 9] = ['ә', 'ғ', 'қ', 'ң', 'ө', 'ұ', 'ү', 'һ', 'і'];

/// Kazakh function words that have no letter of their own, or are often typed without it (folded).
const KAZAKH_WORDS: &[&str] = &[
    "бар",
    "мен",
    "бен",
    "пен",
    "емес",
    "керек",
    "болды",
    "болса",
    "болып",
    "болады",
    "жатыр",
    "жатырмыз",
    "жатырмын",
    "тур",
    "турмыз",
    "отыр",
    "едим",
    "едик",
    "еди",
    "екен",
    "гой",
    "ма",
    "ме",
    "ба",
    "бе",
    "па",
    "пе",
    "бул",
    "сол",
    "ол",
    "биз",
    "сиз",
    "бизде",
    "сизде",
    "бизге",
    "сизге",
    "бизди",
    "сизди",
    "бизге",
    "мына",
    "мында",
    "осында",
    "онда",
    "жок",
    "кашан",
    "неге",
    "калай",
    "кайда",
    "ушин",
    "кейин",
    "дейин",
    "деген",
    "деп",
    "гана",
    "тек",
    "кой",
    "салем",
    "саламатсыз",
    "салеметсиз",
    "рахмет",
    "отинем",
    "етиниз",
    "беринизши",
    "жаман",
    "жаксы",
    "туралы",
    "алдында",
    "жанында",
];
/// Endings of Kazakh words of five letters and more (folded) that no Russian word of an appeal has.
const KAZAKH_ENDINGS: &[&str] = &[
    "лары",
    "лери",
    "дары",
    "дери",
    "тары",
    "тери",
    "ларын",
    "лерин",
    "дагы",
    "деги",
    "тагы",
    "ындагы",
    "ында",
    "инде",
    "майды",
    "мейди",
    "йды",
    "йди",
    "адыз",
    "пады",
    "педи",
    "ныз",
    "низ",
    "сыз",
    "сиз",
    "пыз",
    "пиз",
    "мыз",
    "миз",
    "сын",
    "ганда",
    "генде",
    "уга",
    "уге",
    "ып",
    "ип",
    "ушы",
    "ынын",
    "инин",
    "маймыз",
];
/// Russian function words and the commonest words of a letter.
const RUSSIAN_WORDS: &[&str] = &[
    "я",
    "мы",
    "вы",
    "она",
    "они",
    "вас",
    "вам",
    "нас",
    "нам",
    "мой",
    "моя",
    "наш",
    "наша",
    "нашу",
    "нашей",
    "ваш",
    "и",
    "в",
    "во",
    "на",
    "не",
    "ни",
    "но",
    "а",
    "с",
    "со",
    "к",
    "ко",
    "у",
    "о",
    "об",
    "от",
    "до",
    "из",
    "за",
    "по",
    "под",
    "над",
    "при",
    "про",
    "для",
    "без",
    "через",
    "что",
    "чтобы",
    "как",
    "где",
    "куда",
    "когда",
    "кто",
    "почему",
    "зачем",
    "сколько",
    "это",
    "этот",
    "эта",
    "эти",
    "тут",
    "там",
    "здесь",
    "уже",
    "еще",
    "очень",
    "опять",
    "снова",
    "только",
    "даже",
    "всегда",
    "нет",
    "есть",
    "был",
    "была",
    "было",
    "были",
    "будет",
    "можно",
    "нужно",
    "надо",
    "нужен",
    "нужна",
    "или",
    "если",
    "же",
    "ли",
    "бы",
    "то",
    "все",
    "всё",
    "возле",
    "около",
    "пожалуйста",
    "добрый",
    "день",
    "здравствуйте",
    "прошу",
    "просим",
];
/// Russian words that Kazakh writes as well, with other meanings: they tell nothing in a text with Kazakh in it.
const BOTH: &[&str] = &["не", "а", "о", "на", "у", "ол", "да", "де", "ма", "то", "ба", "мы"];
/// Endings of Russian words of five letters and more.
const RUSSIAN_ENDINGS: &[&str] = &[
    "ого",
    "его",
    "ому",
    "ему",
    "ыми",
    "ими",
    "ами",
    "ями",
    "ая",
    "яя",
    "ое",
    "ые",
    "ие",
    "ый",
    "ой",
    "ую",
    "юю",
    "ых",
    "их",
    "ть",
    "ться",
    "тся",
    "ете",
    "ите",
    "йте",
    "ают",
    "яют",
    "уют",
    "ет",
    "ит",
    "ешь",
    "ишь",
    "лся",
    "лась",
    "лись",
    "ость",
    "ости",
    "ение",
    "ения",
    "ании",
    "ация",
    "ского",
    "ском",
    "ской",
    "али",
    "или",
];
/// Two consonants with which Kazakh words do not begin.
const CLUSTERS: &[&str] = &[
    "пр", "тр", "кр", "гр", "бр", "др", "вр", "фр", "хр", "ср", "зр", "мр", "пл", "бл", "гл", "кл", "сл",
    "вл", "зл", "фл", "ск", "ст", "сп", "см", "сн", "св", "сд", "сб", "сг", "зд", "зн", "вз", "вс", "шк",
];

const KAZAKH_LATIN_WORDS: &[&str] = &[
    "zhok",
    "jok",
    "joq",
    "zhoq",
    "bar",
    "men",
    "ben",
    "pen",
    "kerek",
    "kashan",
    "qashan",
    "koshe",
    "koshesi",
    "koshesinde",
    "koshede",
    "zhol",
    "jol",
    "zholda",
    "jolda",
    "dangyly",
    "salem",
    "salemetsiz",
    "salemetsizbe",
    "rakhmet",
    "rahmet",
    "raxmet",
    "zhatyr",
    "jatyr",
    "tur",
    "bizdin",
    "bizde",
    "osy",
    "emes",
    "eken",
    "goi",
    "goy",
    "ushin",
    "ma",
    "ba",
    "pa",
    "zhaman",
    "jaman",
    "su",
    "tez",
    "kalai",
    "qalai",
];
const KAZAKH_LATIN_ENDINGS: &[&str] = &[
    "nda", "nde", "dan", "den", "lar", "ler", "dar", "der", "tar", "ter", "niz", "nyz", "siz", "syz", "shi",
    "shy", "yp", "ydy", "idi", "ady", "edi", "gan", "gen", "nyn", "nin", "dagy",
];
const RUSSIAN_LATIN_WORDS: &[&str] = &[
    "na",
    "ne",
    "net",
    "v",
    "vo",
    "i",
    "s",
    "po",
    "u",
    "k",
    "ot",
    "do",
    "iz",
    "za",
    "dlya",
    "dlia",
    "bez",
    "chto",
    "kak",
    "gde",
    "kogda",
    "kto",
    "eto",
    "tut",
    "tam",
    "uzhe",
    "eshche",
    "esche",
    "ochen",
    "opyat",
    "opiat",
    "snova",
    "est",
    "yest",
    "byl",
    "bylo",
    "byla",
    "budet",
    "mozhno",
    "nuzhno",
    "nado",
    "ili",
    "esli",
    "ulica",
    "ulitsa",
    "ul",
    "ugol",
    "doroga",
    "dorogi",
    "dorogu",
    "dvor",
    "dvore",
    "pozhaluista",
    "pozhaluysta",
    "zdravstvuite",
    "zdravstvuyte",
    "dobryi",
    "dobry",
    "den",
    "vozle",
    "okolo",
    "pered",
];
const RUSSIAN_LATIN_ENDINGS: &[&str] = &[
    "ogo", "ego", "omu", "aya", "aia", "oye", "oe", "yi", "yj", "uyu", "oi", "oy", "ite", "ete", "aet",
    "ayut", "tsya", "ost", "enie", "ami",
];

/// Tells the language. Names of places are left out: a Kazakh name is no Kazakh sentence.
pub(crate) fn language(text: &Folded, is_name: &[bool]) -> TextLang {
    let words: Vec<&Token> =
        text.tokens.iter().zip(is_name).filter(|(_, name)| !**name).map(|(token, _)| token).collect();
    if text.latin { latin(&words) } else { cyrillic(&words) }
}

fn cyrillic(words: &[&Token]) -> TextLang {
    let signs: Vec<Sign> = words.iter().map(|token| sign(token)).collect();
    let (mut kazakh, mut russian) = (0, 0);
    let mut start = 0;
    while start < words.len() {
        let mut end = start + 1;
        while end < words.len() && !matches!(words[end].gap, Gap::Stop | Gap::Comma) {
            end += 1;
        }
        let clause = &signs[start..end];
        let count = |wanted: Sign| clause.iter().filter(|sign| **sign == wanted).count();
        kazakh += count(Sign::Kazakh);
        russian += count(Sign::Russian);
        let letters = words[start..end].iter().filter(|word| word.raw.chars().any(is_cyrillic)).count();
        if count(Sign::Kazakh) == 0 && letters >= 2 {
            // Two words and more without a sign of Kazakh: borrowed words do not make a clause of their own.
            russian += count(Sign::PerhapsRussian);
        }
        start = end;
    }
    let all = kazakh + russian;
    match (kazakh, russian) {
        (0, _) => TextLang::Ru,
        (_, 0) => TextLang::Kk,
        (kazakh, russian) if kazakh.min(russian) * MIXED_PART >= all => TextLang::Mixed,
        (kazakh, russian) if kazakh > russian => TextLang::Kk,
        _ => TextLang::Ru,
    }
}

fn sign(token: &Token) -> Sign {
    let (raw, folded) = (token.raw.as_str(), token.folded.as_str());
    if raw.chars().any(|letter| KAZAKH_LETTERS.contains(&letter)) {
        return Sign::Kazakh;
    }
    if !raw.chars().all(is_cyrillic) || raw.is_empty() {
        return Sign::None;
    }
    let length = raw.chars().count();
    let ends = |list: &[&str]| length >= 5 && list.iter().any(|ending| folded.ends_with(ending));
    let borrowed = raw.chars().any(|letter| "вфцчщъьэё".contains(letter))
        || CLUSTERS.iter().any(|pair| raw.starts_with(pair)) && length >= 4;
    if KAZAKH_WORDS.contains(&folded) {
        Sign::Kazakh
    } else if RUSSIAN_WORDS.contains(&folded) {
        if length == 1 || BOTH.contains(&folded) { Sign::PerhapsRussian } else { Sign::Russian }
    } else if ends(RUSSIAN_ENDINGS)
        && (borrowed || harmony(folded).is_none() || ends(&["ая", "яя", "ое", "ые", "ие", "ую", "ого"]))
    {
        Sign::Russian
    } else if ends(KAZAKH_ENDINGS) && !borrowed {
        Sign::Kazakh
    } else if borrowed {
        Sign::PerhapsRussian
    } else {
        Sign::None
    }
}

/// Whether the vowels of a word are all back (`true`) or all front (`false`), as in Kazakh; `None` when mixed.
fn harmony(word: &str) -> Option<bool> {
    let back = word.contains(['а', 'ы', 'о']);
    let front = word.contains(['е', 'и']);
    match (back, front) {
        (true, true) => None,
        (back, _) => Some(back),
    }
}

fn latin(words: &[&Token]) -> TextLang {
    let (mut kazakh, mut russian) = (0_usize, 0_usize);
    for token in words {
        let word = token.raw.as_str();
        let ends = |list: &[&str]| word.len() >= 5 && list.iter().any(|ending| word.ends_with(ending));
        if KAZAKH_LATIN_WORDS.contains(&word) || word.contains(['q', 'ä', 'ö', 'ü', 'ğ', 'ş', 'ı', 'ñ'])
        {
            kazakh += 2;
        } else if RUSSIAN_LATIN_WORDS.contains(&word) {
            russian += 2;
        } else if ends(RUSSIAN_LATIN_ENDINGS) {
            russian += 1;
        } else if ends(KAZAKH_LATIN_ENDINGS) {
            kazakh += 1;
        }
    }
    if kazakh > russian { TextLang::KkLatn } else { TextLang::RuLatn }
}
