//! Telegram Bot API: updates, as a hook gets them one by one and `getUpdates` answers them in a list.
//!
//! Only private chats are served (channel rule R23): of a group that speaks to the bot nothing is read but that it did. Ids of messages count within a chat, so a message is called
//! `<chat>:<message>`.

mod bot;
mod content;
mod token;
mod update;

pub use bot::Bot;
pub use token::{TokenError, verify};
pub use update::{next_offset, parse, parse_within, presses};

#[cfg(test)]
mod tests;
