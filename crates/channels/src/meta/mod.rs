//! What Meta's platforms have in common: the signature of a hook, and the webhooks of pages (objects `instagram` and `page`),
//! Graph API v26.0 and older. WhatsApp's own body is read in [`crate::whatsapp`].

mod comment;
mod direct;
mod feed;
mod page;
mod signature;
mod tags;

pub use comment::{question, words};
pub(crate) use page::{Page, parse};
pub use signature::{SignatureError, challenge, verify};

use zholdary_domain::inbound::Channel;

/// What a webhook of `channel` calls its `object`. None: the channel is not Meta's.
#[must_use]
pub const fn object(channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Whatsapp => Some("whatsapp_business_account"),
        Channel::Instagram => Some("instagram"),
        Channel::Facebook => Some("page"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
