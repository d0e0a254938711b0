//! The letter between `DATA` and the line with a dot alone (RFC 5321, 4.5.2).

/// Where in a line the last byte stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    /// Behind a dot that began the line.
    Dot,
    /// Behind such a dot and a CR.
    DotCr,
    Cr,
    Inside,
}

/// What was read of a letter. Only CRLF ends a line: whoever takes less for an end can be made to see two letters in one.
#[derive(Debug)]
pub(super) struct Data {
    at: At,
    letter: Vec<u8>,
    most: usize,
    too_large: bool,
}

impl Data {
    /// A letter behind `before`, which stands on top of it, with at most `most` bytes of its own.
    pub(super) fn new(before: &str, most: usize) -> Self {
        let letter = before.as_bytes().to_vec();
        Self { at: At::Start, most: most + letter.len(), letter, too_large: false }
    }

    /// Reads on. How many bytes belonged to the letter, and whether it has ended.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (n, byte) in bytes.iter().enumerate() {
            if self.one(*byte) {
                return (n + 1, true);
            }
        }
        (bytes.len(), false)
    }

    /// The letter; nothing when it was too large.
    pub(super) fn done(self) -> Option<Vec<u8>> {
        (!self.too_large).then_some(self.letter)
    }

    fn one(&mut self, byte: u8) -> bool {
        match (self.at, byte) {
            (At::Start, b'.') => {
                self.at = At::Dot;
                return false;
            }
            (At::Dot, b'\r') => {
                self.at = At::DotCr;
                return false;
            }
            (At::DotCr, b'\n') => return true,
            (At::DotCr, _) => {
                self.keep(b'\r');
                self.at = At::Cr;
            }
            _ => {}
        }
        self.keep(byte);
        self.at = match (self.at, byte) {
            (At::Cr, b'\n') => At::Start,
            (_, b'\r') => At::Cr,
            _ => At::Inside,
        };
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.letter.len() < self.most {
            self.letter.push(byte);
        } else if !self.too_large {
            self.too_large = true;
            self.letter = Vec::new();
            self.most = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_ends_with_its_dot_and_nothing_else() {
        for (said, letter, rest) in [
            ("a\r\n.\r\n", Some("a\r\n"), ""),
            (".\r\n", Some(""), ""),
            ("a\r\n.\r\nQUIT\r\n", Some("a\r\n"), "QUIT\r\n"),
            ("..a\r\n...\r\n.\r\n", Some(".a\r\n..\r\n"), ""),
            ("a\r\n.b\r\n.\r\n", Some("a\r\nb\r\n"), ""),
            // None of these is the end: a stranger's letter would begin there.
            ("a\n.\nb\r\n.\r\n", Some("a\n.\nb\r\n"), ""),
            ("a\n.\r\nb\r\n.\r\n", Some("a\n.\r\nb\r\n"), ""),
            ("a\r.\r\nb\r\n.\r\n", Some("a\r.\r\nb\r\n"), ""),
            ("a\r\n.\rb\r\n.\r\n", Some("a\r\n\rb\r\n"), ""),
            ("a\r\n.\r\r\n.\r\n", Some("a\r\n\r\r\n"), ""),
            ("a\r\n.\nb\r\n.\r\n", Some("a\r\n\nb\r\n"), ""),
            ("0123456789ab\r\n.\r\nQUIT\r\n", None, "QUIT\r\n"),
        ] {
            for step in 1..=said.len() {
                let mut data = Data::new("", 13);
                let (mut used, mut ended) = (0, false);
                for piece in said.as_bytes().chunks(step) {
                    if !ended {
                        let (of_it, end) = data.read(piece);
                        used += of_it;
                        ended = end;
                    }
                }
                assert!(ended, "{said:?}");
                assert_eq!(&said[used..], rest, "{said:?} by {step}");
                assert_eq!(data.done().as_deref(), letter.map(str::as_bytes), "{said:?} by {step}");
            }
        }
    }
}
