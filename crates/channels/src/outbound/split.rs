//! Texts that are longer than a platform lets through go in parts.

use zholdary_domain::inbound::{Channel, Surface};

use super::is_public;

/// What the length of a text is counted in.
enum Most {
    Bytes(usize),
    Chars(usize),
    Utf16(usize),
}

impl Most {
    fn of(channel: Channel, surface: Surface) -> Self {
        match channel {
            // Instagram counts bytes, and a Cyrillic letter is two.
            Channel::Instagram if !is_public(surface) => Self::Bytes(1000),
            Channel::Instagram => Self::Chars(2000),
            Channel::Facebook if !is_public(surface) => Self::Chars(2000),
            // A text with buttons is the shortest there.
            Channel::Whatsapp => Self::Chars(1024),
            // Bot API, «sendMessage»: 4096 characters, which are UTF-16 units, as its lengths are («MessageEntity»).
            Channel::Telegram => Self::Utf16(4096),
            _ => Self::Chars(usize::MAX),
        }
    }

    /// How many bytes of `text` fit.
    fn fits(&self, text: &str) -> usize {
        match self {
            Self::Bytes(most) => text.floor_char_boundary(*most),
            Self::Utf16(most) => {
                let mut units = 0;
                let over = text.char_indices().find(|(_, letter)| {
                    units += letter.len_utf16();
                    units > *most
                });
                over.map_or(text.len(), |(at, _)| at)
            }
            Self::Chars(most) => text.char_indices().nth(*most).map_or(text.len(), |(at, _)| at),
        }
    }
}

/// The parts in which a text goes: each ends with a line, else a sentence, else a word, where there is one.
#[must_use]
pub fn parts(channel: Channel, surface: Surface, text: &str) -> Vec<String> {
    let most = Most::of(channel, surface);
    let (mut parts, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let fits = most.fits(rest);
        let end = if fits == rest.len() { fits } else { bound(&rest[..fits]) };
        parts.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    parts
}

/// Where the last line, sentence or word of a piece ends; in none of its first halves, so that parts stay few.
fn bound(piece: &str) -> usize {
    let half = piece.len() / 2;
    let after = |at: usize, mark: &str| Some(at + mark.len()).filter(|end| *end > half);
    ["\n", ". ", "! ", "? ", "; ", " "]
        .into_iter()
        .find_map(|mark| piece.rfind(mark).and_then(|at| after(at, mark)))
        .unwrap_or(piece.len())
}
