//! Closed lists of ordinary words of Russian and Kazakh, folded (`ғ` is `г`, `ң` is `н`): the grammar of addresses.
//!
//! Nothing here belongs to one city: a city's own names, stems and letters are data of its folder. Latin spellings stand
//! beside the others where transliteration would miss them.

use crate::text::{Gap, Token};

/// Kind words of streets: stems, for words of four letters and more.
const STREET_STEMS: &[&str] = &[
    "улиц",
    "просп",
    "переул",
    "бульвар",
    "тракт",
    "шоссе",
    "набережн",
    "проезд",
    "дангыл",
    "тупик",
    "туйык",
    "кошес",
    "кошед",
    "кошег",
    "кошен",
    "кошем",
    "кошелер",
    "ulic",
    "ulits",
    "prospekt",
    "koshe",
    "dangyl",
    "bulvar",
];
/// Kind words of streets, whole.
const STREET_WORDS: &[&str] = &["ул", "пр", "прт", "пер", "бул", "дан", "дангылы", "коше", "ul", "pr"];
/// Kind words of microdistricts: stems.
const MICRO_STEMS: &[&str] =
    &["микрорайон", "микрик", "ыкшамаудан", "ыкшам", "мкрн", "mikroraion", "ykshamaudan"];
/// Kind words of microdistricts, whole.
const MICRO_WORDS: &[&str] = &["мкр", "мкрн", "мкн", "mkr", "mkrn", "микр"];
/// Kind words of districts.
const DISTRICT_STEMS: &[&str] = &["район", "аудан", "audan", "raion", "rayon"];
/// Kind words of towns and villages: stems.
const SETTLEMENT_STEMS: &[&str] = &["город", "посел", "ауыл", "кала", "кент", "gorod"];
/// Kind words of towns and villages, whole.
const SETTLEMENT_WORDS: &[&str] =
    &["село", "села", "селе", "селу", "селом", "аул", "ауле", "аулы", "г", "пос"];

/// Whether a token is the kind word of a street.
pub(crate) fn is_street_word(token: &Token) -> bool {
    token.is(STREET_WORDS) || token.starts(STREET_STEMS)
}

/// Whether a token is the kind word of a microdistrict.
pub(crate) fn is_micro_word(token: &Token) -> bool {
    token.is(MICRO_WORDS) || token.starts(MICRO_STEMS)
}

/// Whether a token is the kind word of a district.
pub(crate) fn is_district_word(token: &Token) -> bool {
    token.starts(DISTRICT_STEMS)
}

/// Whether a token is the kind word of a town or village.
pub(crate) fn is_settlement_word(token: &Token) -> bool {
    token.is(SETTLEMENT_WORDS) || token.starts(SETTLEMENT_STEMS)
}

/// A kind of place that a word beside a name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KindWord {
    Street,
    Micro,
    District,
    Settlement,
}

/// The kind word that ends at token `at`, and how many tokens it has (`пр-т`, `м-н`, `р-н` have two).
pub(crate) fn kind_word_ending(tokens: &[Token], at: usize) -> Option<(KindWord, usize)> {
    if tokens[at].gap == Gap::Hyphen && at > 0 {
        let pair = (tokens[at - 1].folded.as_str(), tokens[at].folded.as_str());
        let kind = match pair {
            ("пр" | "просп", "т" | "кт") | ("б", "р") | ("ул", "ца") => {
                Some(KindWord::Street)
            }
            ("м" | "мк" | "мкр", "н" | "он") => Some(KindWord::Micro),
            ("р", "н" | "он" | "не" | "на") => Some(KindWord::District),
            _ => None,
        };
        if let Some(kind) = kind {
            return Some((kind, 2));
        }
    }
    one_kind_word(&tokens[at]).map(|kind| (kind, 1))
}

/// The kind word that begins at token `at`, and how many tokens it has.
pub(crate) fn kind_word_starting(tokens: &[Token], at: usize) -> Option<(KindWord, usize)> {
    if tokens.get(at + 1).is_some_and(|next| next.gap == Gap::Hyphen)
        && let Some((kind, 2)) = kind_word_ending(tokens, at + 1)
    {
        return Some((kind, 2));
    }
    one_kind_word(tokens.get(at)?).map(|kind| (kind, 1))
}

fn one_kind_word(token: &Token) -> Option<KindWord> {
    if is_micro_word(token) {
        Some(KindWord::Micro)
    } else if is_street_word(token) {
        Some(KindWord::Street)
    } else if is_district_word(token) {
        Some(KindWord::District)
    } else if is_settlement_word(token) {
        Some(KindWord::Settlement)
    } else {
        None
    }
}

/// Words that stand between two streets that cross, and stems of «crossing», «corner».
pub(crate) const CROSS_LINKS: &[&str] =
    &["и", "с", "со", "х", "x", "i", "s", "мен", "бен", "пен", "men", "ben", "pen", "жане"];
/// Stems of «crossing», «corner».
pub(crate) const CROSS_STEMS: &[&str] = &[
    "угол",
    "углу",
    "угла",
    "перекр",
    "пересеч",
    "киылыс",
    "бурыш",
    "ugol",
    "uglu",
    "perekr",
    "kiylys",
    "qiylys",
    "burysh",
];
/// «Corner», short.
pub(crate) const CROSS_WORDS: &[&str] = &["уг", "ug"];

/// Words before the street where a segment begins.
pub(crate) const FROM_WORDS: &[&str] = &["от", "начиная", "ot", "с", "s"];
/// Words before the street where a segment ends.
pub(crate) const TO_WORDS: &[&str] = &["до", "do"];
/// Words before the first of two streets that bound a segment.
pub(crate) const BETWEEN_WORDS: &[&str] = &["между", "меж", "mezhdu"];
/// Words before a street that only says where on another one.
pub(crate) const BEYOND_WORDS: &[&str] = &["выше", "ниже", "после", "за", "vyshe", "nizhe", "posle", "далее"];
/// Words before a street that is near.
pub(crate) const NEAR_WORDS: &[&str] =
    &["возле", "около", "перед", "напротив", "рядом", "у", "vozle", "okolo", "pered"];
/// Words before a place that somebody goes to or comes from.
pub(crate) const MOVE_WORDS: &[&str] = &["из", "iz", "сторону", "направлении"];
/// Prepositions that place a problem on a street.
pub(crate) const ON_WORDS: &[&str] =
    &["на", "по", "вдоль", "с", "со", "от", "до", "между", "выше", "ниже", "na", "po", "угол", "уг"];
/// «Up to» after a Kazakh dative.
pub(crate) const DEIIN: &[&str] = &["дейин", "шейин", "дейинги", "deiin", "deyin"];
/// «Above», «below», «after», «from» after a Kazakh ablative.
pub(crate) const KK_BEYOND: &[&str] =
    &["жогары", "томен", "кейин", "бастап", "ары", "асып", "zhogary", "tomen"];
/// «Between» after two Kazakh names.
pub(crate) const KK_BETWEEN: &[&str] = &["аралыг", "арасы", "aralyg", "arasy"];

/// Endings of Kazakh cases (folded), after which a name still is that name.
pub(crate) const KK_ENDINGS: &[&str] = &[
    "дан",
    "ден",
    "тан",
    "тен",
    "нан",
    "нен",
    "нын",
    "нин",
    "дын",
    "дин",
    "тын",
    "тин",
    "га",
    "ге",
    "ка",
    "ке",
    "на",
    "не",
    "да",
    "де",
    "та",
    "те",
    "нда",
    "нде",
    "ды",
    "ди",
    "ты",
    "ти",
    "ны",
    "ни",
    "мен",
    "бен",
    "пен",
    "дагы",
    "деги",
    "тагы",
    "теги",
    "ндагы",
    "ндеги",
    "ы",
    "и",
    "сы",
    "си",
    "ында",
    "инде",
    "сында",
    "синде",
    "ынын",
    "инин",
    "сынын",
    "синин",
    "ынан",
    "инен",
    "сынан",
    "синен",
    "гы",
    "ги",
    "лык",
];

/// Endings of the Kazakh ablative, folded.
pub(crate) const ABLATIVE: &[&str] = &["дан", "ден", "тан", "тен", "нан", "нен", "dan", "den", "nan", "nen"];
/// Endings of the Kazakh dative, folded.
pub(crate) const DATIVE: &[&str] = &["га", "ге", "ка", "ке", "на", "не", "ga", "ge"];

/// «House»: whole words.
pub(crate) const HOUSE_WORDS: &[&str] = &["д", "дом", "дома", "доме", "дому", "домом", "dom", "doma"];
/// «House» in Kazakh, after or before the number.
pub(crate) const KK_HOUSE_WORDS: &[&str] =
    &["уй", "уйи", "уйде", "уйдин", "уйге", "уйинин", "уйинде", "уйден", "ui", "uy"];

/// Stems of what is counted or measured: a number before one of these is no house.
pub(crate) const UNIT_STEMS: &[&str] = &[
    "метр",
    "сантим",
    "килом",
    "час",
    "минут",
    "дней",
    "дня",
    "день",
    "лет",
    "год",
    "недел",
    "меся",
    "полос",
    "этаж",
    "тенге",
    "тысяч",
    "человек",
    "мкр",
    "микрор",
    "утра",
    "вечер",
    "числ",
    "процент",
    "секунд",
    "жыл",
    "сагат",
    "адам",
    "апта",
    "сут",
    "январ",
    "феврал",
    "штук",
];
/// What is counted or measured, whole.
pub(crate) const UNIT_WORDS: &[&str] = &[
    "раз",
    "раза",
    "рет",
    "ай",
    "айдан",
    "кун",
    "куннен",
    "тг",
    "тыс",
    "млн",
    "шт",
    "м",
    "см",
    "км",
    "мм",
    "ч",
    "г",
    "мин",
    "й",
    "ый",
    "ой",
    "го",
    "ши",
    "шы",
    "х",
    "я",
];

/// Stems of «appeal», «application», «request», after or before which a number is an earlier one.
pub(crate) const APPEAL_STEMS: &[&str] = &[
    "заявк",
    "заявлен",
    "обращен",
    "жалоб",
    "запрос",
    "отинис",
    "отинит",
    "арыз",
    "шагым",
    "тикет",
    "zayavk",
    "obrash",
    "otinis",
];
/// Stems of «number».
pub(crate) const NUMBER_STEMS: &[&str] = &["номер", "немер", "номир", "nomer", "nomir"];
/// Words between «appeal» and its number.
pub(crate) const NUMBER_LINKS: &[&str] =
    &["№", "под", "за", "по", "н", "n", "no", "ном", "мне", "моя", "мой", "бойынша"];

/// Stems of roads outside a city: a road's number counts only in a text with one of them.
pub(crate) const HIGHWAY_STEMS: &[&str] =
    &["трасс", "шоссе", "автодорог", "автобан", "автожол", "магистрал", "дорог", "жол"];

/// Kazakh words after something quoted.
pub(crate) const QUOTES: &[&str] = &["деген", "деп", "дегени"];
