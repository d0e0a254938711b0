//! Our bot, and whether somebody in a group speaks to it.

use serde_json::Value;

use crate::json::text_at;

/// Our bot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bot {
    /// Its id. Updates do not name it; empty, one bot is as good as another.
    pub id: String,
    /// Its name without the «@», by which groups speak to it. Empty, every name of a bot may be ours.
    pub name: String,
}

/// How every bot's name ends (Telegram, «Bot FAQ»).
const BOT: &str = "bot";
/// The longest name of a command (Bot API, «BotCommand»).
const COMMAND_CHARS: usize = 32;

impl Bot {
    /// Whether a message of a group is for the bot: a command, its name, or a reply to it.
    pub(super) fn is_addressed(&self, message: &Value) -> bool {
        let replied = &message["reply_to_message"]["from"];
        let words = text_at(message, &["text"]).or_else(|| text_at(message, &["caption"]));
        self.is_it(replied) || words.is_some_and(|words| self.is_commanded(words) || self.is_named(words))
    }

    fn is_it(&self, user: &Value) -> bool {
        match user["id"].as_i64() {
            Some(id) if !self.id.is_empty() => id.to_string() == self.id,
            Some(_) => {
                user["is_bot"] == true && text_at(user, &["username"]).is_some_and(|n| self.is_called(n))
            }
            None => false,
        }
    }

    /// `/help`, `/help@name`: one without a name is for every bot of the group.
    fn is_commanded(&self, words: &str) -> bool {
        let Some(command) = words.split_whitespace().next().and_then(|first| first.strip_prefix('/')) else {
            return false;
        };
        let (command, name) = command.split_once('@').map_or((command, None), |(c, name)| (c, Some(name)));
        let is_command = (1..=COMMAND_CHARS).contains(&command.len()) && command.bytes().all(is_of_a_name);
        is_command && name.is_none_or(|name| self.is_called(name))
    }

    fn is_named(&self, words: &str) -> bool {
        let mut before = None;
        words.char_indices().any(|(at, letter)| {
            let begins = letter == '@' && before.is_none_or(|before: char| !before.is_alphanumeric());
            before = Some(letter);
            let rest = words.get(at + 1..).unwrap_or_default();
            let end = rest.bytes().position(|byte| !is_of_a_name(byte)).unwrap_or(rest.len());
            begins && self.is_called(&rest[..end])
        })
    }

    fn is_called(&self, name: &str) -> bool {
        if self.name.is_empty() {
            return name.to_ascii_lowercase().ends_with(BOT);
        }
        name.eq_ignore_ascii_case(&self.name)
    }
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
