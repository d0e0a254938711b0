//! What the author wrote now, apart from the letter that is quoted and from the signature (channel rule R18).
//!
//! Whole lines go to one side or the other, and none is lost: where a rule is wrong, the words are folded away, not gone.

/// The most lines after which a name and time may still be waited for: programs break «On … wrote:» in the middle.
const INTRO_LINES: usize = 3;
/// The most lines below the author in a block of `От:`, `Отправлено:`, `Кому:`.
const BLOCK_LINES: usize = 6;
/// The most lines of a signature after a bare `--`, which may also part one thought from another.
const SIGNATURE_LINES: usize = 12;
/// The most lines of a greeting, and the most words in one.
const GREETING_LINES: usize = 4;
const GREETING_WORDS: usize = 5;
/// The most lines of a rule above a block, the empty ones below it too.
const RULE_LINES: usize = 4;
/// The most lines that tell author, time and addressees above a letter.
const HEAD_LINES: usize = 24;
/// How many letters, and marks of quoting, deep the words of a letter are looked for.
const LETTERS: usize = 16;
/// The most letters of an author's initials before a mark of quoting.
const INITIALS: usize = 3;
/// The longest line that a phone adds, in characters.
const DEVICE_CHARS: usize = 100;

/// A letter in two.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// What the author wrote now, or passes on without a word of his own.
    pub(super) said: String,
    /// The letter that is quoted, and the signature.
    pub(super) quoted: String,
    /// Whether there is nothing but a letter that is passed on.
    pub(super) is_forward: bool,
}

/// Parts `text`, whose lines end in `\n`.
pub(super) fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let sides = sides(&lines);
    let own = (0..).zip(&lines).zip(&sides).filter(|(_, side)| **side == Side::Said);
    let own: Vec<Line<'_>> = own.map(|((at, line), _)| (at, *line)).collect();
    let is_forward = !says(&own) && lines.iter().any(|line| is_forward_mark(line));
    Split { is_forward, ..parted(&lines, &own) }
}

/// Parts `text`, of which nothing is its author's own: what is said is what the letter says that is quoted or passed on, without
/// the block above it and without its signature; when that says nothing, a signature that is more than names, and when `any` words
/// will do, every signature or the subject. Nothing when there are no words.
pub(super) fn opened(text: &str, any: bool) -> Option<Split> {
    let lines: Vec<&str> = text.lines().collect();
    let mut letter: Vec<Line<'_>> = (0..).zip(lines.iter().copied()).collect();
    let mut besides = Vec::new();
    for _ in 0..LETTERS {
        let sides = sides(&letter.iter().map(|(_, line)| *line).collect::<Vec<_>>());
        let of = |wanted: &dyn Fn(Side, &str) -> bool| -> Vec<Line<'_>> {
            let wanted = letter.iter().zip(&sides).filter(|((_, line), side)| wanted(**side, line));
            wanted.map(|(line, _)| *line).collect()
        };
        let said = of(&|side, _| side == Side::Said);
        if says(&said) {
            return Some(parted(&lines, &said));
        }
        if !says(&besides) {
            let signature = of(&|side, _| side == Side::Signature);
            let is_told = signature.iter().any(|(_, line)| is_sentence(line));
            besides = match any {
                true => of(&|side, line| side == Side::Signature || side == Side::Head && is_subject(line)),
                false => Some(signature).filter(|_| is_told).unwrap_or_default(),
            };
        }
        let mut inner = of(&|side, _| matches!(side, Side::Marked | Side::Letter));
        inner.iter_mut().for_each(|(_, line)| *line = without_mark(line));
        letter = inner;
    }
    [letter, besides].iter().find(|words| says(words)).map(|words| parted(&lines, words))
}

/// A line and its place in the whole.
type Line<'a> = (usize, &'a str);

/// `lines` in two: `own`, as it reads there, and the rest.
fn parted(lines: &[&str], own: &[Line<'_>]) -> Split {
    let mut rest = vec![true; lines.len()];
    own.iter().for_each(|(at, _)| rest[*at] = false);
    let whole = |lines: Vec<&str>| lines.join("\n").trim_matches('\n').to_owned();
    let quoted = lines.iter().zip(rest).filter(|(_, rest)| *rest).map(|(line, _)| *line);
    Split {
        said: whole(own.iter().map(|(_, line)| *line).collect()),
        quoted: whole(quoted.collect()),
        is_forward: false,
    }
}

/// Whether there is a word.
fn says(lines: &[Line<'_>]) -> bool {
    lines.iter().any(|(_, line)| line.contains(char::is_alphanumeric))
}

/// Whether a line says more than names and numbers do.
fn is_sentence(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len() > 3 && words.iter().filter(|word| word.starts_with(char::is_lowercase)).count() > 1
}

fn without_mark(line: &str) -> &str {
    let bare = marked(line).unwrap_or(line);
    if bare.len() < line.len() { bare.strip_prefix(' ').unwrap_or(bare) } else { line }
}

/// What follows the mark of quoting at the start of a line; some programs put the initials of the author before it: «ИВ> ».
fn marked(line: &str) -> Option<&str> {
    let (initials, quoted) = line.trim_start().split_once('>')?;
    let is_mark = initials.is_empty() || initials.chars().count() <= INITIALS && quoted.starts_with(' ');
    (is_mark && initials.chars().all(char::is_uppercase)).then_some(quoted)
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The author's own.
    Said,
    /// It tells of the letter below it, or parts it from the rest.
    Head,
    /// A letter quoted with marks.
    Marked,
    /// A letter quoted without.
    Letter,
    /// The author's signature.
    Signature,
    /// What a phone or another program adds.
    Device,
}

fn sides(lines: &[&str]) -> Vec<Side> {
    let mut sides = vec![Side::Said; lines.len()];
    part_quotes(lines, &mut sides);
    part_armour(lines, &mut sides);
    part_device_lines(lines, &mut sides);
    sides
}

/// What the lines from here on are, until something else begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    Said,
    Signature,
    /// A letter quoted without marks: it goes on to the end.
    Letter,
}

fn part_quotes(lines: &[&str], sides: &mut [Side]) {
    let mut now = Now::Said;
    let mut at = 0;
    while at < lines.len() {
        let begins = (now != Now::Letter).then(|| beginning(lines, at)).flatten();
        let len = begins.map_or(1, |(_, len)| len);
        let is_end = begins.is_none() && is_forward_end(lines[at]);
        let side = match (begins, now) {
            (Some(_), _) if marked(lines[at]).is_some() => Side::Marked,
            (Some(_), _) => Side::Head,
            (None, Now::Letter) if is_end => Side::Head,
            (None, Now::Letter) => Side::Letter,
            (None, Now::Signature) => Side::Signature,
            // An empty line goes with what stands above it.
            (None, Now::Said) if at > 0 && lines[at].trim().is_empty() => sides[at - 1],
            (None, Now::Said) => Side::Said,
        };
        sides[at..at + len].fill(side);
        now = match begins {
            Some((begun, _)) => begun,
            None if is_end => Now::Said,
            None => now,
        };
        at += len;
    }
}

/// What begins at line `at`, and how many lines say so. Those lines are never the author's.
fn beginning(lines: &[&str], at: usize) -> Option<(Now, usize)> {
    let line = lines[at].trim();
    if marked(line).is_some() {
        // An answer may stand below.
        return Some((Now::Said, 1));
    }
    if let Some(len) = intro(lines, at) {
        let marked = next_of(lines, at + len).is_some_and(|next| marked(next).is_some());
        return Some((if marked { Now::Said } else { Now::Letter }, len));
    }
    if is_letter(lines, at) {
        return Some((Now::Letter, head(lines, at)));
    }
    is_signature(lines, at).then_some((Now::Signature, 1))
}

/// Whether a letter without marks begins at line `at`, or a rule above it.
fn is_letter(lines: &[&str], at: usize) -> bool {
    let is_above = |line: &&&str| is_rule(line) || line.trim().is_empty();
    let near = &lines[at..lines.len().min(at + RULE_LINES)];
    let rule = if is_rule(lines[at]) { near.iter().take_while(is_above).count() } else { 0 };
    is_block(&lines[at + rule..]) || is_forward_mark(lines[at]) || is_original_mark(lines[at])
}

/// How many lines from `at` on, where a letter without marks begins, tell of it: the rule or mark above it and the block.
fn head(lines: &[&str], at: usize) -> usize {
    let is_above = |line: &&&str| {
        is_rule(line) || is_forward_mark(line) || is_original_mark(line) || line.trim().is_empty()
    };
    let above = lines[at..].iter().take_while(is_above).count();
    let block = &lines[at + above..];
    if let Some(len) = intro(lines, at + above) {
        return above + len;
    }
    let (mut begun, mut goes_on) = (false, false);
    let is_told = |line: &&&str| {
        let line = line.trim();
        // Addressees may take several lines.
        let told = label(line).is_some() || goes_on || begun && line.contains('@');
        begun = true;
        goes_on = line.ends_with([',', ';']);
        told && !line.is_empty()
    };
    above + block.iter().take(HEAD_LINES).take_while(is_told).count()
}

/// The next line that says something.
fn next_of<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    lines.get(at..)?.iter().copied().find(|line| !line.trim().is_empty())
}

/// How many lines from `at` on say who wrote the letter that follows, and when: «чт, 19 нояб. 2026 г. в 17:40, X <a@b>:».
fn intro(lines: &[&str], at: usize) -> Option<usize> {
    let mut joined = String::new();
    for (count, line) in lines[at..].iter().take(INTRO_LINES).enumerate() {
        let line = line.trim();
        let opens = count > 0 || has_date(line);
        if line.is_empty() || marked(line).is_some() || !opens && !says_wrote(line) {
            return None;
        }
        joined = joined + line + " ";
        let len = count + 1;
        if !line.ends_with(':') {
            continue;
        }
        let quoted_next = || next_of(lines, at + len).is_some_and(|next| marked(next).is_some());
        let tells_who = joined.contains('@') || says_wrote(line);
        return (tells_who && (has_time(&joined) || quoted_next())).then_some(len);
    }
    None
}

/// «пишет:» and its like at the end of the line.
fn says_wrote(line: &str) -> bool {
    let line = line.to_lowercase();
    let line = line.strip_suffix(':').unwrap_or_default().trim_end();
    [
        "пишет",
        "писал",
        "писала",
        "написал",
        "написала",
        "написал(а)",
        "написал(-а)",
        "жазды",
        "жазған",
        "wrote",
        "schrieb",
    ]
    .iter()
    .any(|verb| line.ends_with(verb))
}

/// A year, or a time of the day.
fn has_date(line: &str) -> bool {
    let is_year = |number: &str| number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    line.split(|c: char| !c.is_ascii_digit()).any(is_year) || has_time(line)
}

/// `17:40`.
fn has_time(line: &str) -> bool {
    line.as_bytes()
        .windows(4)
        .any(|w| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit() && w[3].is_ascii_digit())
}

/// A line of underscores or dashes, as programs draw above the letter that they quote.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| matches!(c, '_' | '-' | '—' | '─' | '='))
}

/// Whether a block begins that tells author, time and addressee of the letter below it. The time is asked for: people begin
/// solemn letters with «От: …» and «Кому: …» too.
fn is_block(lines: &[&str]) -> bool {
    let labels: Vec<&str> = lines.iter().take(BLOCK_LINES).map_while(|line| label(line)).collect();
    let any = |of: &[&str]| labels.iter().any(|label| of.contains(label));
    labels.len() >= 3 && any(&FROM) && any(&TIME) && (any(&ADDRESSED) || any(&SUBJECT))
}

const FROM: [&str; 6] = ["от", "от кого", "from", "кімнен", "жіберуші", "von"];
const TIME: [&str; 8] = ["отправлено", "дата", "sent", "date", "жіберілді", "жіберілген", "күні", "gesendet"];
const ADDRESSED: [&str; 6] = ["кому", "to", "кімге", "копия", "cc", "an"];
const SUBJECT: [&str; 5] = ["тема", "subject", "тақырып", "тақырыбы", "betreff"];
/// What a block may tell besides.
const BESIDES: [&str; 12] = [
    "reply-to",
    "ответить",
    "bcc",
    "скрытая копия",
    "көшірме",
    "вложения",
    "attachments",
    "тіркемелер",
    "важность",
    "importance",
    "приоритет",
    "priority",
];

/// The word before the colon when the line is one of a block; it may be bold.
fn label(line: &str) -> Option<&'static str> {
    let (label, _) = line.split_once(':')?;
    let label = label.trim_matches(['*', ' ', '\t']).to_lowercase();
    let all = FROM.iter().chain(&TIME).chain(&ADDRESSED).chain(&SUBJECT).chain(&BESIDES);
    all.copied().find(|known| *known == label)
}

fn is_subject(line: &str) -> bool {
    label(line).is_some_and(|label| SUBJECT.contains(&label))
}

/// «-------- Пересылаемое сообщение --------».
fn is_forward_mark(line: &str) -> bool {
    is_mark(
        line,
        &[
            "пересылаемое сообщение",
            "пересланное сообщение",
            "перенаправленное сообщение",
            "начало переадресованного сообщения",
            "начало пересылаемого сообщения",
            "пересылаемое письмо",
            "қайта жіберілген хат",
            "қайта жіберілген хабар",
            "қайта бағытталған хабар",
            "forwarded message",
            "begin forwarded message",
        ],
    )
}

/// «-----Исходное сообщение-----».
fn is_original_mark(line: &str) -> bool {
    is_mark(
        line,
        &[
            "исходное сообщение",
            "оригинальное сообщение",
            "бастапқы хабар",
            "original message",
            "reply message",
        ],
    )
}

/// «-------- Конец пересылаемого сообщения --------»: below it the author goes on.
fn is_forward_end(line: &str) -> bool {
    is_mark(
        line,
        &[
            "конец пересылаемого сообщения",
            "конец пересылаемого письма",
            "завершение пересылаемого сообщения",
            "end of forwarded message",
        ],
    )
}

/// Whether a line is one of `words` between dashes, or with a colon.
fn is_mark(line: &str, words: &[&str]) -> bool {
    let line = line.trim().to_lowercase();
    let bare = line.trim_matches(['-', ' ', ':', '>', '—']);
    let framed = bare.len() < line.len();
    // A name may follow: «Forwarded message from X».
    framed
        && words
            .iter()
            .any(|word| bare.strip_prefix(word).is_some_and(|rest| rest.chars().count() < DEVICE_CHARS))
}

/// Whether a signature begins: `-- ` (RFC 3676, section 4.3), or without the space when little follows before the end or a
/// quoted letter. Below a greeting alone the mark parts it from what the letter is about.
fn is_signature(lines: &[&str], at: usize) -> bool {
    let below = &lines[at + 1..];
    let is_quote =
        |at: usize| marked(lines[at]).is_some() || intro(lines, at).is_some() || is_letter(lines, at);
    match lines[at] {
        "-- " | "--" if is_greeting(&lines[..at]) => false,
        "-- " => true,
        "--" => below.len() <= SIGNATURE_LINES || (at + 1..=at + SIGNATURE_LINES).any(is_quote),
        _ => false,
    }
}

/// Whether `lines` greet, and say no more.
fn is_greeting(lines: &[&str]) -> bool {
    let is_one = |line: &str| {
        let line = line.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let one_thought =
            !line.contains(['.', '!', '?']) && line.split_whitespace().count() <= GREETING_WORDS;
        one_thought && GREETINGS.iter().any(|start| line.starts_with(start))
    };
    let mut said = lines.iter().filter(|line| !line.trim().is_empty()).peekable();
    lines.len() <= GREETING_LINES && said.peek().is_some() && said.all(|line| is_one(line))
}

/// How greetings begin.
const GREETINGS: [&str; 14] = [
    "добр",
    "здравствуй",
    "приветствую",
    "привет",
    "уважаем",
    "ассал",
    "салем",
    "сәлем",
    "армысыз",
    "қайырлы",
    "құрметті",
    "hello",
    "dear",
    "good",
];

/// Parts what programs that sign put around the text (RFC 4880, section 7).
fn part_armour(lines: &[&str], sides: &mut [Side]) {
    // The line that ends what was begun.
    let mut end = None;
    for (line, side) in lines.iter().zip(sides) {
        let begun = match line.trim_end() {
            "-----BEGIN PGP SIGNED MESSAGE-----" => Some(""),
            "-----BEGIN PGP SIGNATURE-----" => Some("-----END PGP SIGNATURE-----"),
            "-----BEGIN PGP PUBLIC KEY BLOCK-----" => Some("-----END PGP PUBLIC KEY BLOCK-----"),
            _ => None,
        };
        end = begun.or(end);
        if end.is_some() && matches!(*side, Side::Said | Side::Signature) {
            *side = Side::Device;
        }
        end = end.filter(|end| begun.is_some() || *end != line.trim_end());
    }
}

/// Parts what phones add to the end of what is written: «Отправлено с iPhone».
fn part_device_lines(lines: &[&str], sides: &mut [Side]) {
    let mut at_end = true;
    for (line, side) in lines.iter().zip(sides).rev() {
        if *side != Side::Said {
            at_end = true;
        } else if !line.trim().is_empty() {
            at_end = at_end && is_device_line(line);
            if at_end {
                *side = Side::Device;
            }
        }
    }
}

/// Words for devices and programs, by their beginnings; names are in Latin letters.
const DEVICES: [&str; 14] = [
    "айфон",
    "айпад",
    "андроид",
    "мобиль",
    "планшет",
    "почта",
    "почты",
    "поштас",
    "приложени",
    "смартфон",
    "телефон",
    "устройств",
    "яндекс",
    "құрылғы",
];
/// What stands between «Отправлено» and the device, or before either.
const BEFORE_DEVICES: [&str; 14] = [
    "это",
    "письмо",
    "сообщение",
    "с",
    "со",
    "из",
    "через",
    "помощью",
    "моего",
    "моей",
    "бұл",
    "хат",
    "хабар",
    "менің",
];

/// Whether a line is one that phones add: «Отправлено с iPhone», «iPhone құрылғысынан жіберілді».
///
/// It names a device or a program at once: «Отправлено с просьбой …» is somebody's own.
fn is_device_line(line: &str) -> bool {
    let line = line.trim().trim_end_matches('.').to_lowercase();
    if line.chars().count() > DEVICE_CHARS {
        return false;
    }
    let is_device = |word: &str| {
        word.contains(|c: char| c.is_ascii_alphabetic())
            || DEVICES.iter().any(|device| word.starts_with(device))
    };
    let comes_from = |word: &str| {
        word == "арқылы" || ["нан", "нен", "дан", "ден", "тан", "тен"].iter().any(|end| word.ends_with(end))
    };
    let words: Vec<&str> = line.split_whitespace().filter(|word| !BEFORE_DEVICES.contains(word)).collect();
    match words[..] {
        ["отправлено" | "послано", device, ..] if is_device(device) => true,
        [device, .., from, "жіберілді"] if is_device(device) && comes_from(from) => true,
        [device, "жіберілді"] if is_device(device) && comes_from(device) => true,
        _ => is_english_device_line(&line) || is_outlook_line(&line),
    }
}

fn is_english_device_line(line: &str) -> bool {
    ["sent from ", "sent with ", "sent via "].iter().any(|start| line.starts_with(start))
}

/// «Получить Outlook для iOS».
fn is_outlook_line(line: &str) -> bool {
    let starts = ["получить ", "получите ", "скачать ", "скачайте ", "загрузить ", "get "];
    let ends = [" outlook алу", " жүктеп алыңыз", " жүктеп алу"];
    line.contains("outlook ") && starts.iter().any(|start| line.starts_with(start))
        || line.contains("outlook") && ends.iter().any(|end| line.ends_with(end))
}
