//! Who wrote, and whether our mail server believes it (channel rule R21).

use mail_parser::parsers::MessageStream;
use zholdary_domain::{
    Personal,
    inbound::{Channel, Sender},
};

use super::{header::Header, words};
use crate::{keys::contact_key, text};

/// The longest list of authors that is read, in bytes.
const FROM_BYTES: usize = 16 << 10;

/// The author, by address and name. `Sender` names nobody: no server vouches for it.
pub(super) fn sender(header: &Header<'_>) -> Option<Sender> {
    let raw = header.raw("From")?;
    // The reader of addresses wants the line to end.
    let line = words::in_utf_8(&raw[..raw.len().min(FROM_BYTES)]) + "\n";
    let value = MessageStream::new(line.as_bytes()).parse_address();
    let author = value.as_address()?.iter().find(|author| author.address().is_some_and(is_address))?;
    let key = contact_key(Channel::Email, author.address()?)?;
    let name = author.name().and_then(text::name);
    Some(Sender { keys: vec![key.into()], name: name.map(Personal::new), phone: None })
}

fn is_address(address: &str) -> bool {
    let whole = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    address.rsplit_once('@').is_some_and(|(user, domain)| whole(user) && whole(domain))
}

/// Whether the mail server `ours` found that the domain of the author does not vouch for the letter (RFC 8601).
///
/// Everybody may write results into a letter; only those under the server's own name count, and of these the topmost:
/// what a stranger wrote under its name stands below. Results that do not read vouch for nobody.
pub(super) fn is_unverified(header: &Header<'_>, ours: Option<&str>) -> bool {
    let Some(ours) = ours else { return false };
    let verdict = |raw: &[u8]| {
        let (statements, whole) = statements(&String::from_utf8_lossy(raw));
        let (server, methods) = statements.split_first()?;
        let named = server.split_whitespace().next().is_some_and(|server| server.eq_ignore_ascii_case(ours));
        let mut results = methods.iter().filter(|_| named).filter_map(|method| dmarc(method)).peekable();
        let open = named && !whole;
        (open || results.peek().is_some()).then(|| open || results.any(|result| result == "fail"))
    };
    header.all("Authentication-Results").find_map(verdict).unwrap_or(false)
}

/// The result of DMARC: `dmarc=fail header.from=x` is `fail`.
fn dmarc(statement: &str) -> Option<String> {
    let (method, result) = statement.split_once('=')?;
    let result = result.split_whitespace().next()?;
    // The method's version may follow it.
    let method = method.split('/').next().unwrap_or_default().trim();
    method.eq_ignore_ascii_case("dmarc").then(|| result.to_ascii_lowercase())
}

/// What stands between the semicolons of `text`, without comments and quotes (RFC 5322, section 3.2), and whether each of these
/// ends.
///
/// Words in quotes are the sender's, as the name before his `@`: of them nothing is kept that could part a statement.
fn statements(text: &str) -> (Vec<String>, bool) {
    let (mut done, mut statement) = (Vec::new(), String::new());
    let (mut place, mut whole) = (Place::Bare, true);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (place, c) {
            (Place::Quotes | Place::Comment(_), '\\') => _ = chars.next(),
            (Place::Bare, '"') => place = Place::Quotes,
            (Place::Quotes, '"') => place = Place::Bare,
            (Place::Quotes, c) if !c.is_alphanumeric() && !matches!(c, '.' | '-') => statement.push('_'),
            (Place::Bare, '(') => {
                place = Place::Comment(1);
                statement.push(' ');
            }
            (Place::Comment(depth), '(') => place = Place::Comment(depth + 1),
            (Place::Comment(1), ')') => place = Place::Bare,
            (Place::Comment(depth), ')') => place = Place::Comment(depth - 1),
            (Place::Comment(_), _) => {}
            (Place::Bare, ')') => whole = false,
            (Place::Bare, ';') => done.push(std::mem::take(&mut statement)),
            (Place::Bare | Place::Quotes, c) => statement.push(c),
        }
    }
    done.push(statement);
    (done, whole && place == Place::Bare)
}

/// Where in a value a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Bare,
    Quotes,
    /// In so many comments, one inside of the other.
    Comment(usize),
}
