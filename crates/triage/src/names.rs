//! The city's names as they are found in a text: streets, microdistricts, districts, settlements, highways.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use zholdary_city::{City, OnlyIn};

use crate::forms::{FIRST, FURTHER, Sort, forms, readings};
use crate::letters::Letters;
use crate::text::{Folded, Gap, Token};
use crate::words::{self, KindWord};

/// What a name means, by its place in the city's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    Street(usize),
    Micro(usize),
    District(usize),
    Settlement(usize),
    Highway(usize),
}

/// What must stand beside a name for it to count.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    Nothing,
    /// The kind word of a street: the name begins with a number («8 …»), which alone is a date or an amount.
    StreetWord,
    /// The kind word of a microdistrict.
    MicroWord,
    /// The kind word of a district.
    DistrictWord,
    /// Something that makes a place of an adjective: a kind word, a preposition, a Kazakh case, a hyphen.
    Cue,
    /// A word for a road outside the city, anywhere in the text: the name is a road's number.
    HighwayWord,
}

/// How a word of a name is compared with a token.
#[derive(Debug, Clone)]
enum Word {
    /// One of these forms; the flag says whether a Kazakh ending may follow.
    Forms(Vec<(String, bool)>),
    /// The token begins with it.
    Prefix(String),
    /// A number from … to, joined to the word before by a hyphen or a blank.
    Range(u32, u32),
}

#[derive(Debug, Clone)]
struct Entry {
    target: Target,
    words: Vec<Word>,
    need: Need,
    /// The part of the city in which an old name is valid.
    only_in: Option<OnlyIn>,
    /// A current name rather than an old one.
    current: bool,
}

/// A name found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// First token.
    pub(crate) start: usize,
    /// The token after the last one.
    pub(crate) end: usize,
    pub(crate) target: Target,
    /// The Kazakh ending of the last word, folded; empty when there is none.
    pub(crate) ending: String,
    /// How well it fits: the greater wins among names of the same length.
    fit: u8,
}

/// Every name of a city, ready to be looked up by the first word.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    entries: Vec<Entry>,
    by_form: HashMap<String, Vec<usize>>,
    by_prefix: HashMap<String, Vec<usize>>,
    longest_prefix: usize,
    /// Settlements that are called like something of the city.
    same_as_city: Vec<bool>,
}

impl Names {
    pub(crate) fn new(city: &City, letters: &Letters) -> Self {
        let mut list = List { letters, entries: Vec::new() };
        for (at, street) in city.streets.iter().enumerate() {
            let target = Target::Street(at);
            let describes = list.street(target, &street.name.ru, None, true);
            if !list.street(target, &street.name.kk, None, true) && describes {
                // «Строительная» is «Құрылыс» in Kazakh: what is an adjective in one language is a plain noun in the other.
                list.need(Need::StreetWord);
            }
            for alias in &street.aliases {
                list.street(target, alias, None, false);
            }
            for old in &street.old_names {
                list.street(target, &old.name, old.only_in.clone(), false);
            }
        }
        for (at, micro) in city.microdistricts.iter().enumerate() {
            list.micro(Target::Micro(at), &micro.name.ru, true);
            list.micro(Target::Micro(at), &micro.name.kk, true);
            for old in &micro.old_names {
                list.micro(Target::Micro(at), old, false);
            }
        }
        for (at, district) in city.districts.iter().enumerate() {
            for name in [&district.name.ru, &district.name.kk] {
                list.named(Target::District(at), name, Need::DistrictWord, None, true);
            }
        }
        for (at, settlement) in city.settlements.iter().enumerate() {
            for stem in settlement.stems_ru.iter().chain(&settlement.stems_kk) {
                list.prefixed(Target::Settlement(at), stem, Need::Nothing);
            }
        }
        for (at, highway) in city.highways.iter().enumerate() {
            let target = Target::Highway(at);
            for name in highway.aliases_ru.iter().chain(&highway.aliases_kk) {
                list.prefixed(target, name, Need::Nothing);
            }
            for number in &highway.numbers {
                list.number(target, number);
            }
        }
        let same_as_city = city.settlements.iter().map(|one| !one.same_as_city.is_empty()).collect();
        Self::index(list.entries, same_as_city)
    }

    fn index(entries: Vec<Entry>, same_as_city: Vec<bool>) -> Self {
        let mut by_form: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_prefix: HashMap<String, Vec<usize>> = HashMap::new();
        let mut longest_prefix = 0;
        for (id, entry) in entries.iter().enumerate() {
            match entry.words.first() {
                Some(Word::Forms(forms)) => {
                    for (form, _) in forms {
                        by_form.entry(form.clone()).or_default().push(id);
                    }
                }
                Some(Word::Prefix(prefix)) => {
                    longest_prefix = longest_prefix.max(prefix.chars().count());
                    by_prefix.entry(prefix.clone()).or_default().push(id);
                }
                Some(Word::Range(..)) | None => {}
            }
        }
        Self { entries, by_form, by_prefix, longest_prefix, same_as_city }
    }

    /// The names of a text, left to right, none inside another. `district` is the one a point lies in.
    pub(crate) fn find(&self, tokens: &[Token], city: &City, point_district: Option<usize>) -> Vec<Mention> {
        let roads = tokens.iter().any(|token| token.starts(words::HIGHWAY_STEMS));
        let candidates: Vec<Vec<(usize, Mention)>> =
            (0..tokens.len()).map(|at| self.candidates(tokens, at, roads)).collect();
        let around = Around::of(city, &candidates, point_district);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let mut best: Option<&Mention> = None;
            for (id, mention) in &candidates[at] {
                let entry = &self.entries[*id];
                if !around.allows(entry.only_in.as_ref())
                    || !self.settlement_counts(tokens, mention, &candidates[at])
                {
                    continue;
                }
                let key = |one: &Mention| (one.end, one.fit, std::cmp::Reverse(one.target));
                if best.is_none_or(|so_far| key(mention) > key(so_far)) {
                    best = Some(mention);
                }
            }
            match best {
                Some(mention) => {
                    at = mention.end;
                    found.push(mention.clone());
                }
                None => at += 1,
            }
        }
        found
    }

    /// A settlement that is called like something of the city needs a settlement word or a phrase of movement.
    fn settlement_counts(&self, tokens: &[Token], mention: &Mention, rivals: &[(usize, Mention)]) -> bool {
        let Target::Settlement(at) = mention.target else { return true };
        let city_too = rivals.iter().any(|(_, rival)| {
            matches!(rival.target, Target::Street(_) | Target::Micro(_)) && rival.end >= mention.end
        });
        if !city_too {
            return true;
        }
        if !self.same_as_city[at] {
            return false;
        }
        let beside = Beside::of(tokens, mention.start, mention.end);
        let joined =
            |at: usize| tokens.get(at).is_some_and(|token| matches!(token.gap, Gap::Hyphen | Gap::Slash));
        let crossing = joined(mention.start) || joined(mention.end);
        let last = &tokens[mention.end - 1];
        let up_to = tokens[mention.end..].iter().take(6).any(|token| token.starts(words::DEIIN))
            || tokens.get(mention.end).is_some_and(|token| token.starts(words::KK_BEYOND));
        let moves = mention.start > 0 && tokens[mention.start - 1].is(words::MOVE_WORDS)
            || mention.start > 0
                && tokens[mention.start - 1].is(&["в", "во", "v"])
                && last.folded.ends_with('е')
            || !up_to && words::ABLATIVE.iter().any(|ending| last.folded.ends_with(ending));
        !beside.has(KindWord::Street) && !crossing && (beside.has(KindWord::Settlement) || moves)
    }

    fn candidates(&self, tokens: &[Token], at: usize, roads: bool) -> Vec<(usize, Mention)> {
        let mut found: Vec<(usize, Mention)> = Vec::new();
        let mut consider = |id: usize| {
            if let Some(mention) = self.fits(id, tokens, at, roads)
                && !found.iter().any(|(other, one)| *other == id && one.end >= mention.end)
            {
                found.push((id, mention));
            }
        };
        for form in tokens[at].forms() {
            for (form, _) in readings(form, FIRST) {
                for id in self.by_form.get(form).into_iter().flatten() {
                    consider(*id);
                }
            }
            for (end, letter) in form.char_indices().take(self.longest_prefix) {
                for id in self.by_prefix.get(&form[..end + letter.len_utf8()]).into_iter().flatten() {
                    consider(*id);
                }
            }
        }
        found
    }

    /// Whether an entry begins at token `at`, and as what.
    fn fits(&self, id: usize, tokens: &[Token], at: usize, roads: bool) -> Option<Mention> {
        let entry = &self.entries[id];
        let mut ending = String::new();
        let last = entry.words.len() - 1;
        for (step, word) in entry.words.iter().enumerate() {
            let token = tokens.get(at + step)?;
            if step > 0 && !joins(&tokens[at + step - 1], token) {
                return None;
            }
            match word {
                Word::Forms(forms) => {
                    let least = if step == 0 { FIRST } else { FURTHER };
                    let hit = token.forms().flat_map(|form| readings(form, least)).find(|(form, rest)| {
                        (rest.is_empty() || step == last)
                            && forms.iter().any(|(own, more)| own == form && (rest.is_empty() || *more))
                    })?;
                    hit.1.clone_into(&mut ending);
                }
                Word::Prefix(prefix) => {
                    token.forms().find(|form| form.starts_with(prefix.as_str()))?;
                }
                Word::Range(from, to) => {
                    let number: u32 = token.raw.parse().ok()?;
                    if !(*from..=*to).contains(&number)
                        || !matches!(token.gap, Gap::Hyphen | Gap::Space | Gap::Glued)
                    {
                        return None;
                    }
                }
            }
        }
        let (mut start, mut end) = (at, at + entry.words.len());
        let mut beside = Beside::of(tokens, start, end);
        let numbered = entry.words.len() == 1
            && entry.need == Need::MicroWord
            && tokens[at].raw.starts_with(|c: char| c.is_ascii_digit());
        if numbered {
            (start, end) = numbered_micro(tokens, at)?;
            beside = Beside { before: Some(KindWord::Micro), after: None };
        }
        let holds = match entry.need {
            Need::Nothing => true,
            Need::StreetWord => beside.has(KindWord::Street),
            Need::MicroWord => beside.has(KindWord::Micro),
            Need::DistrictWord => beside.has(KindWord::District),
            Need::Cue => {
                beside.has(KindWord::Street)
                    || !ending.is_empty()
                    || at > 0 && tokens[at - 1].is(words::ON_WORDS)
                    || at > 0 && matches!(tokens[at].gap, Gap::Hyphen | Gap::Slash)
                    || tokens.get(end).is_some_and(|next| {
                        matches!(next.gap, Gap::Hyphen | Gap::Slash) || next.starts(words::CROSS_STEMS)
                    })
            }
            Need::HighwayWord => roads,
        };
        if !holds {
            return None;
        }
        let own = match entry.target {
            Target::Street(_) => KindWord::Street,
            Target::Micro(_) => KindWord::Micro,
            Target::District(_) => KindWord::District,
            Target::Settlement(_) => KindWord::Settlement,
            Target::Highway(_) => return Some(Mention { start, end, target: entry.target, ending, fit: 1 }),
        };
        let fit = match own {
            _ if beside.has(own) => 8,
            KindWord::Settlement => 3,
            KindWord::Street => 2,
            KindWord::Micro | KindWord::District => 1,
        };
        let exact = !entry.words.iter().any(|word| matches!(word, Word::Range(..)));
        let fit =
            fit * 8 + u8::from(entry.only_in.is_some()) * 4 + u8::from(exact) * 2 + u8::from(entry.current);
        Some(Mention { start, end, target: entry.target, ending, fit })
    }
}

/// Whether two tokens may be parts of one name: a blank or a hyphen between them, or an initial before.
fn joins(before: &Token, after: &Token) -> bool {
    match after.gap {
        Gap::Glued | Gap::Space | Gap::Hyphen => true,
        Gap::Stop => before.raw.chars().count() <= 2,
        Gap::Slash | Gap::Comma => false,
    }
}

/// `8 мкр`, `8-й микрорайон`, `8-ші ықшамаудан`, `мкр 8`: first token and the one after the number.
fn numbered_micro(tokens: &[Token], at: usize) -> Option<(usize, usize)> {
    let mut next = at + 1;
    if tokens.get(next).is_some_and(|token| {
        matches!(token.gap, Gap::Hyphen | Gap::Glued)
            && token.raw.chars().count() <= 3
            && !words::is_micro_word(token)
    }) {
        next += 1;
    }
    let after = tokens.get(next).is_some_and(|token| {
        matches!(token.gap, Gap::Space | Gap::Hyphen | Gap::Glued) && words::is_micro_word(token)
            || matches!(words::kind_word_starting(tokens, next), Some((KindWord::Micro, 2)))
    });
    if after {
        return Some((at, at + 1));
    }
    let before = at > 0
        && matches!(words::kind_word_ending(tokens, at - 1), Some((KindWord::Micro, _)))
        && matches!(tokens[at].gap, Gap::Space | Gap::Hyphen | Gap::Glued | Gap::Stop);
    before.then_some((at, at + 1))
}

/// Kind words on both sides of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside {
    before: Option<KindWord>,
    after: Option<KindWord>,
}

impl Beside {
    pub(crate) fn of(tokens: &[Token], start: usize, end: usize) -> Self {
        let before = (start > 0 && !matches!(tokens[start].gap, Gap::Comma))
            .then(|| words::kind_word_ending(tokens, start - 1))
            .flatten()
            .map(|(kind, _)| kind);
        let after = tokens
            .get(end)
            .filter(|token| matches!(token.gap, Gap::Space | Gap::Hyphen | Gap::Glued))
            .and_then(|_| words::kind_word_starting(tokens, end))
            .map(|(kind, _)| kind);
        Self { before, after }
    }

    pub(crate) fn has(self, kind: KindWord) -> bool {
        self.before == Some(kind) || self.after == Some(kind)
    }
}

/// The parts of the city a text names, which decide whether an old name with a part in brackets is valid.
///
/// Each once: however often a text repeats a name, a look here costs no more than the city has parts.
#[derive(Default)]
struct Around<'a> {
    districts: BTreeSet<&'a str>,
    micros: BTreeMap<usize, String>,
}

impl<'a> Around<'a> {
    fn of(city: &'a City, candidates: &[Vec<(usize, Mention)>], point_district: Option<usize>) -> Self {
        let mut around = Self::default();
        let targets = candidates.iter().flatten().map(|(_, mention)| mention.target);
        for target in targets.chain(point_district.map(Target::District)) {
            match target {
                Target::District(at) => {
                    around.districts.insert(&city.districts[at].code);
                }
                Target::Micro(at) => {
                    around
                        .micros
                        .entry(at)
                        .or_insert_with(|| bare(&city.microdistricts[at].name.ru).to_lowercase());
                }
                Target::Street(_) | Target::Settlement(_) | Target::Highway(_) => {}
            }
        }
        around
    }

    fn allows(&self, only_in: Option<&OnlyIn>) -> bool {
        match only_in {
            None => true,
            Some(OnlyIn::District(code)) => self.districts.contains(code.as_str()),
            Some(OnlyIn::Within(part)) => {
                let part = part.to_lowercase();
                self.micros.values().any(|micro| part.contains(micro.as_str()))
            }
        }
    }
}

/// A name without what stands in brackets.
fn bare(name: &str) -> &str {
    name.split('(').next().unwrap_or(name).trim()
}

/// Collects entries.
struct List<'a> {
    letters: &'a Letters,
    entries: Vec<Entry>,
}

impl List<'_> {
    fn push(&mut self, target: Target, words: Vec<Word>, need: Need, only_in: Option<OnlyIn>, current: bool) {
        if !words.is_empty() {
            self.entries.push(Entry { target, words, need, only_in, current });
        }
    }

    /// Says whether the name is an adjective.
    fn street(&mut self, target: Target, name: &str, only_in: Option<OnlyIn>, current: bool) -> bool {
        self.named(target, name, Need::Nothing, only_in, current);
        self.entries.last().is_some_and(|entry| entry.need == Need::Cue)
    }

    /// Changes what the last name needs.
    fn need(&mut self, need: Need) {
        if let Some(entry) = self.entries.last_mut() {
            entry.need = need;
        }
    }

    /// A name whose words are known in their forms.
    fn named(&mut self, target: Target, name: &str, need: Need, only_in: Option<OnlyIn>, current: bool) {
        let parts = Folded::words_of(bare(name), self.letters);
        let forms: Vec<(Sort, Vec<(String, bool)>)> = parts.iter().map(|part| forms(part)).collect();
        let number_first = parts.first().is_some_and(|part| part.chars().all(|c| c.is_ascii_digit()));
        let alone = matches!(forms.as_slice(), [(Sort::Adjective, _)]);
        let need = match (need, target) {
            (Need::Nothing, Target::Street(_)) if number_first => Need::StreetWord,
            (Need::Nothing, Target::Street(_)) if alone => Need::Cue,
            (Need::Nothing, Target::Micro(_)) if alone => Need::MicroWord,
            (need, _) => need,
        };
        let words = forms.into_iter().map(|(_, forms)| Word::Forms(forms)).collect();
        self.push(target, words, need, only_in, current);
    }

    fn micro(&mut self, target: Target, name: &str, current: bool) {
        let inside = name.split_once('(').map(|(_, rest)| rest.trim_end_matches(')').trim());
        let kind_inside = inside
            .is_some_and(|inside| Folded::new(inside, self.letters).tokens.iter().any(words::is_micro_word));
        let need = if kind_inside { Need::MicroWord } else { Need::Nothing };
        let tokens = Folded::new(bare(name), self.letters).tokens;
        let (kinds, own): (Vec<&Token>, Vec<&Token>) =
            tokens.iter().partition(|token| words::is_micro_word(token));
        if let ([number], false) = (own.as_slice(), kinds.is_empty()) {
            let word = Word::Forms(vec![(number.folded.clone(), false)]);
            self.push(target, vec![word], Need::MicroWord, None, current);
            return;
        }
        self.named(target, bare(name), need.clone(), None, current);
        // «Name (1-5)» is also each of «Name-1» … «Name-5».
        let range = inside
            .and_then(|inside| inside.split_once('-'))
            .and_then(|(from, to)| Some((from.trim().parse::<u32>().ok()?, to.trim().parse::<u32>().ok()?)));
        if let Some((from, to)) = range
            && let Some(mut entry) = self.entries.last().cloned()
        {
            entry.words.push(Word::Range(from, to));
            self.entries.push(entry);
        }
    }

    /// A name that any token may continue: stems of settlements, everyday names of highways.
    fn prefixed(&mut self, target: Target, name: &str, need: Need) {
        let words =
            Folded::words_of(name, self.letters).iter().map(|word| Word::Prefix(stem(word))).collect();
        self.push(target, words, need, None, true);
    }

    /// A road's number, such as `A-2`, with a Latin or a Cyrillic letter, with or without the hyphen.
    fn number(&mut self, target: Target, number: &str) {
        let exact = |word: String| Word::Forms(vec![(word, false)]);
        let folded = Folded::words_of(number, self.letters);
        let spellings = |word: &str| -> Vec<String> {
            let mut all = vec![word.to_owned()];
            all.extend(self.letters.transliterated(word));
            all.dedup();
            all
        };
        if let [letter, digits] = folded.as_slice() {
            let mut lists = Vec::new();
            for spelling in spellings(letter) {
                lists.push(vec![exact(spelling.clone()), exact(digits.clone())]);
                lists.push(vec![exact(format!("{spelling}{digits}"))]);
            }
            for words in lists {
                self.push(target, words, Need::HighwayWord, None, true);
            }
        }
    }
}

/// The part of a word that its Russian cases share, for words long enough to stay clear of others.
fn stem(word: &str) -> String {
    let length = word.chars().count();
    let cut = |n: usize| word.chars().take(length - n).collect::<String>();
    if length >= 7 && ["ая", "яя", "ий", "ый", "ое"].iter().any(|ending| word.ends_with(ending)) {
        cut(2)
    } else if length >= 6 && word.ends_with(['а', 'я', 'й', 'ь']) {
        cut(1)
    } else {
        word.to_owned()
    }
}
