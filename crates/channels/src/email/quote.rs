//! What the author wrote now, apart from the letter that is quoted and from the signature (channel rule R18).
//!
//! Whole lines go to one side or the other, and none is lost: where a rule is wrong, the words are folded away, not gone.

/// The most lines after which a name and time may still be waited for: programs break «On … wrote:» in the middle.
const INTRO_LINES: usize = 3;
/// The most lines below the author in a block of `От:`, `Отправлено:`, `Кому:`.
const BLOCK_LINES: usize = 6;
/// The most lines of a signature after a bare `--`, which may also part one thought from another.
const SIGNATURE_LINES: usize = 12;
/// The most lines of a rule above a block, the empty ones below it too.
const RULE_LINES: usize = 4;
/// The longest line that a phone adds, in characters.
const DEVICE_CHARS: usize = 100;

/// A letter in two.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Split {
    /// What the author wrote now.
    pub(super) said: String,
    /// The letter that is quoted, and the signature.
    pub(super) quoted: String,
    /// Whether there is nothing but a letter that is passed on.
    pub(super) is_forward: bool,
}

/// Parts `text`, whose lines end in `\n`.
pub(super) fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let mut folded = vec![false; lines.len()];
    fold_quotes(&lines, &mut folded);
    fold_device_lines(&lines, &mut folded);
    let side = |side: bool| {
        let own = lines.iter().zip(&folded).filter(|(_, folded)| **folded == side).map(|(line, _)| *line);
        own.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
    };
    let (said, quoted) = (side(false), side(true));
    let is_forward = said.trim().is_empty() && lines.iter().any(|line| is_forward_mark(line));
    Split { said, quoted, is_forward }
}

/// What the lines from here on are, until something else begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Now {
    Said,
    Signature,
    /// A letter quoted without marks: it goes on to the end.
    Letter,
}

fn fold_quotes(lines: &[&str], folded: &mut [bool]) {
    let mut now = Now::Said;
    let mut at = 0;
    while at < lines.len() {
        let begins = (now != Now::Letter).then(|| beginning(lines, at)).flatten();
        let len = begins.map_or(1, |(_, len)| len);
        // An empty line goes with what stands above it.
        let empty_below = at > 0 && folded[at - 1] && lines[at].trim().is_empty();
        folded[at..at + len].fill(begins.is_some() || now != Now::Said || empty_below);
        now = match begins {
            Some((begun, _)) => begun,
            None if is_forward_end(lines[at]) => Now::Said,
            None => now,
        };
        at += len;
    }
}

/// What begins at line `at`, and how many lines say so. Those lines are never the author's.
fn beginning(lines: &[&str], at: usize) -> Option<(Now, usize)> {
    let line = lines[at].trim();
    if line.starts_with('>') {
        // An answer may stand below.
        return Some((Now::Said, 1));
    }
    if let Some(len) = intro(lines, at) {
        let marked = next_of(lines, at + len).is_some_and(|next| next.trim_start().starts_with('>'));
        return Some((if marked { Now::Said } else { Now::Letter }, len));
    }
    if is_letter(lines, at) {
        return Some((Now::Letter, 1));
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
        if line.is_empty() || line.starts_with('>') || !opens && !says_wrote(line) {
            return None;
        }
        joined = joined + line + " ";
        let len = count + 1;
        if !line.ends_with(':') {
            continue;
        }
        let quoted_next = || next_of(lines, at + len).is_some_and(|next| next.trim_start().starts_with('>'));
        let tells_who = joined.contains('@') || says_wrote(line);
        return (tells_who && (has_time(&joined) || quoted_next())).then_some(len);
    }
    None
}

/// «пишет:» and its like at the end of the line.
fn says_wrote(line: &str) -> bool {
    let line = line.to_lowercase();
    let line = line.strip_suffix(':').unwrap_or_default().trim_end();
    ["пишет", "писал", "писала", "написал", "написала", "написал(а)", "жазды", "жазған", "wrote", "schrieb"]
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
    labels.len() >= 3 && any(&FROM) && any(&TIME) && any(&ADDRESSED)
}

const FROM: [&str; 6] = ["от", "от кого", "from", "кімнен", "жіберуші", "von"];
const TIME: [&str; 8] = ["отправлено", "дата", "sent", "date", "жіберілді", "жіберілген", "күні", "gesendet"];
const ADDRESSED: [&str; 10] =
    ["кому", "to", "кімге", "копия", "cc", "тема", "subject", "тақырып", "тақырыбы", "an"];

/// The word before the colon when the line is one of a block; it may be bold.
fn label(line: &str) -> Option<&'static str> {
    let (label, _) = line.split_once(':')?;
    let label = label.trim_matches(['*', ' ', '\t']).to_lowercase();
    FROM.iter().chain(&TIME).chain(&ADDRESSED).copied().find(|known| *known == label)
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
/// quoted letter.
fn is_signature(lines: &[&str], at: usize) -> bool {
    let below = &lines[at + 1..];
    let is_quote =
        |at: usize| lines[at].starts_with('>') || intro(lines, at).is_some() || is_letter(lines, at);
    match lines[at] {
        "-- " => true,
        "--" => below.len() <= SIGNATURE_LINES || (at + 1..=at + SIGNATURE_LINES).any(is_quote),
        _ => false,
    }
}

/// Folds what phones add to the end of what is written: «Отправлено с iPhone».
fn fold_device_lines(lines: &[&str], folded: &mut [bool]) {
    let mut at_end = true;
    for (line, folded) in lines.iter().zip(folded).rev() {
        if *folded {
            at_end = true;
        } else if !line.trim().is_empty() {
            at_end = at_end && is_device_line(line);
            *folded = at_end;
        }
    }
}

fn is_device_line(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    line.chars().count() <= DEVICE_CHARS
        && [
            "отправлено с ",
            "отправлено со ",
            "отправлено из ",
            "отправлено через ",
            "послано с ",
            "получить outlook для ",
            "sent from ",
            "sent with ",
            "sent via ",
            "get outlook for ",
            "скачать outlook для ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
        || ["-нан жіберілді", "-нен жіберілді", "-дан жіберілді", "-ден жіберілді", "арқылы жіберілді"]
            .iter()
            .any(|end| line.trim_end_matches('.').ends_with(end))
}
