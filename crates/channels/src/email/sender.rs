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
/// what a stranger wrote under its name stands below.
pub(super) fn is_unverified(header: &Header<'_>, ours: Option<&str>) -> bool {
    let Some(ours) = ours else { return false };
    let verdict = |raw: &[u8]| {
        let result = without_comments(&String::from_utf8_lossy(raw));
        let (server, methods) = result.split_once(';')?;
        let named = server.split_whitespace().next().is_some_and(|server| server.eq_ignore_ascii_case(ours));
        methods.split(';').filter(|_| named).find_map(dmarc)
    };
    header.all("Authentication-Results").find_map(verdict).is_some_and(|verdict| verdict == "fail")
}

/// The result of DMARC: `dmarc=fail header.from=x` is `fail`.
fn dmarc(method: &str) -> Option<String> {
    let (name, result) = method.split_once('=')?;
    let result = result.split_whitespace().next()?;
    name.trim().eq_ignore_ascii_case("dmarc").then(|| result.to_ascii_lowercase())
}

fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(outside).collect()
}
