//! One line of a mail server (RFC 2033, RFC 5321 section 4.1).

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `LHLO name`.
    Hello,
    /// `MAIL FROM:<sender>`; the sender may be empty. With the size that is announced.
    Mail { sender: String, bytes: Option<usize> },
    /// `RCPT TO:<recipient>`.
    Rcpt { recipient: String },
    /// `DATA`.
    Data,
    /// `RSET`.
    Reset,
    /// `NOOP`.
    Noop,
    /// `VRFY`.
    Verify,
    /// `QUIT`.
    Quit,
}

/// Why a line is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nobody knows the verb.
    Unknown,
    /// SMTP's greeting: this is LMTP.
    NotLmtp,
    /// What stands behind the verb does not read.
    Syntax,
}

impl Command {
    /// Reads a line without its end.
    pub(super) fn read(line: &[u8]) -> Result<Self, Fault> {
        let line = std::str::from_utf8(line).map_err(|_| Fault::Syntax)?;
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match verb.trim_end().to_ascii_uppercase().as_str() {
            "LHLO" if !rest.is_empty() => Ok(Self::Hello),
            "LHLO" => Err(Fault::Syntax),
            "HELO" | "EHLO" => Err(Fault::NotLmtp),
            "MAIL" => {
                let (sender, params) = path(rest, "FROM:")?;
                let mut bytes = None;
                for param in params.split_whitespace() {
                    let (name, value) = param.split_once('=').unwrap_or((param, ""));
                    if name.eq_ignore_ascii_case("SIZE") {
                        bytes = Some(value.parse().map_err(|_| Fault::Syntax)?);
                    }
                }
                Ok(Self::Mail { sender, bytes })
            }
            "RCPT" => match path(rest, "TO:")? {
                (recipient, _) if recipient.is_empty() => Err(Fault::Syntax),
                (recipient, _) => Ok(Self::Rcpt { recipient }),
            },
            "DATA" if rest.is_empty() => Ok(Self::Data),
            "RSET" if rest.is_empty() => Ok(Self::Reset),
            "QUIT" if rest.is_empty() => Ok(Self::Quit),
            "DATA" | "RSET" | "QUIT" => Err(Fault::Syntax),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => Ok(Self::Verify),
            _ => Err(Fault::Unknown),
        }
    }
}

/// The address between the brackets behind `word`, and what follows. A route before it says nothing any more (RFC 5321, F.2).
fn path<'a>(text: &'a str, word: &str) -> Result<(String, &'a str), Fault> {
    let start = text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word));
    let rest = start.and_then(|_| text.get(word.len()..)).ok_or(Fault::Syntax)?;
    let inside = rest.trim_start().strip_prefix('<').ok_or(Fault::Syntax)?;
    // A name in quotes may hold the bracket.
    let (mut quoted, mut escaped) = (false, false);
    let end = inside.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
        None
    });
    let (address, params) = inside.split_at(end.ok_or(Fault::Syntax)?);
    let params = params.get(1..).unwrap_or_default();
    let address = match address.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(Fault::Syntax)?.1,
        None => address,
    };
    if address.chars().any(char::is_control) || !(params.is_empty() || params.starts_with(' ')) {
        return Err(Fault::Syntax);
    }
    Ok((address.to_owned(), params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read() {
        let mail = |sender: &str, bytes| Ok(Command::Mail { sender: sender.into(), bytes });
        let rcpt = |recipient: &str| Ok(Command::Rcpt { recipient: recipient.into() });
        for (line, expected) in [
            ("LHLO mx.example.kz", Ok(Command::Hello)),
            ("lhlo x", Ok(Command::Hello)),
            ("LHLO", Err(Fault::Syntax)),
            ("EHLO x", Err(Fault::NotLmtp)),
            ("MAIL FROM:<a@b.kz>", mail("a@b.kz", None)),
            ("mail from:<a@b.kz> SIZE=1000 BODY=8BITMIME", mail("a@b.kz", Some(1000))),
            ("MAIL FROM: <a@b.kz>", mail("a@b.kz", None)),
            ("MAIL FROM:<>", mail("", None)),
            ("MAIL FROM:<асель@пошта.қаз> SMTPUTF8", mail("асель@пошта.қаз", None)),
            ("MAIL FROM:<\"a>b\"@c.kz>", mail("\"a>b\"@c.kz", None)),
            ("MAIL FROM:<@x.kz,@y.kz:a@b.kz>", mail("a@b.kz", None)),
            ("MAIL FROM:<a@b.kz> SIZE=many", Err(Fault::Syntax)),
            ("MAIL FROM:a@b.kz", Err(Fault::Syntax)),
            ("MAIL FROM:<a@b.kz", Err(Fault::Syntax)),
            ("MAIL FROM:<a@b.kz>x", Err(Fault::Syntax)),
            ("MAIL FROM:<a\rb@b.kz>", Err(Fault::Syntax)),
            ("MAIL", Err(Fault::Syntax)),
            ("RCPT TO:<roads@b.kz>", rcpt("roads@b.kz")),
            ("RCPT TO:<roads@b.kz> NOTIFY=NEVER", rcpt("roads@b.kz")),
            ("RCPT TO:<>", Err(Fault::Syntax)),
            ("DATA", Ok(Command::Data)),
            ("DATA x", Err(Fault::Syntax)),
            ("RSET", Ok(Command::Reset)),
            ("NOOP x", Ok(Command::Noop)),
            ("VRFY x", Ok(Command::Verify)),
            ("quit", Ok(Command::Quit)),
            ("", Err(Fault::Unknown)),
            ("BDAT 10", Err(Fault::Unknown)),
        ] {
            assert_eq!(Command::read(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(Command::read(b"MAIL FROM:<\xff@b.kz>"), Err(Fault::Syntax));
    }
}
