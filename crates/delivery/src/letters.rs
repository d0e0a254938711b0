//! E-mail: who carries letters to the mail server, and what makes a notice a letter.

mod cap;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use zholdary_channels::outbound::{
    Form,
    email::{self, Letterhead},
};
use zholdary_domain::{
    Clock, IdKey, MessageId,
    inbound::Channel,
    message::Received,
    outgoing::{Outgoing, Trouble},
};
use zholdary_mail::{Enhanced, PostError, Reply, Smtp, Step};

use crate::{Carried, Carrier, notices::Happened};
use cap::{Cap, Held};

/// Carries letters.
pub struct Letters {
    smtp: Smtp,
    head: Letterhead,
    key: IdKey,
    clock: Arc<dyn Clock>,
    cap: Mutex<Cap>,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters").field("smtp", &self.smtp).finish_non_exhaustive()
    }
}

impl Letters {
    /// Letters under `head` go by `smtp`; `key` makes their `Message-ID`s.
    #[must_use]
    pub fn new(smtp: Smtp, head: Letterhead, key: IdKey, clock: Arc<dyn Clock>) -> Self {
        Self { smtp, head, key, clock, cap: Mutex::default() }
    }
}

#[async_trait]
impl Carrier for Letters {
    async fn carry(&self, id: MessageId, out: &Outgoing, _form: Form) -> Carried {
        let now = self.clock.now();
        let Some(letter) = email::letter(&self.head, &self.key, id, out, now) else {
            return never(Trouble::NoSuchAddress, None);
        };
        let held = self.cap.lock().unwrap_or_else(PoisonError::into_inner).holds(id, out, now);
        match held {
            None => {}
            Some(Held::For(after)) => {
                let after = Some(after);
                return Carried::NotTaken { why: Trouble::TooMany, code: None, again: true, after };
            }
            Some(Held::Back) => return never(Trouble::TooMany, None),
        }
        let sender = letter.sender.as_deref();
        match self.smtp.post(sender, letter.to.reveal(), letter.raw.reveal()).await {
            Ok(()) => Carried::Taken(letter.id),
            Err(error) => {
                tracing::warn!(
                    message.id = %id, error = &error as &dyn std::error::Error,
                    "the mail server did not take a letter"
                );
                not_taken(&error)
            }
        }
    }
}

const fn never(why: Trouble, code: Option<i64>) -> Carried {
    Carried::NotTaken { why, code, again: false, after: None }
}

const fn later(why: Trouble, code: Option<i64>) -> Carried {
    Carried::NotTaken { why, code, again: true, after: None }
}

fn not_taken(error: &PostError) -> Carried {
    match error {
        PostError::Unknown => Carried::Unknown,
        PostError::Address => never(Trouble::NoSuchAddress, None),
        PostError::Tls(_) | PostError::NotOffered(_) | PostError::NotSent => later(Trouble::Busy, None),
        PostError::Refused(reply) => refused(*reply),
    }
}

/// What a refusal means: by its enhanced status where it has one (RFC 3463), else by its code (RFC 5321, 4.2.3).
fn refused(reply: Reply) -> Carried {
    let Reply { step, code, status } = reply;
    let told = Some(i64::from(code));
    match (step, code, status) {
        (_, 400..=499, _) => later(Trouble::Busy, told),
        // It does not know us, or wants to (RFC 4954, 6).
        (_, 530 | 534 | 535 | 538, _) | (Step::Login, ..) => later(Trouble::Token, told),
        // It refuses us, not this letter.
        (Step::Greeting, ..) => later(Trouble::Busy, told),
        // About the address of who writes, which is ours.
        (_, _, Some(Enhanced(_, 1, 7 | 8))) => never(Trouble::Refused, told),
        (Step::Recipient | Step::Letter, _, Some(Enhanced(_, 1, _))) => never(Trouble::NoSuchAddress, told),
        (Step::Recipient, 550 | 551 | 553, None) => never(Trouble::NoSuchAddress, told),
        _ => never(Trouble::Refused, told),
    }
}

/// Makes a letter of what goes by e-mail: it answers the letter of `answered`, and its subject carries the appeal's number.
pub(crate) fn head(out: &mut Outgoing, happened: &Happened<'_>, answered: &Received) {
    if out.channel != Channel::Email {
        return;
    }
    let number = happened.after.registered.as_ref().map(|registered| registered.number.to_string());
    let tag = number.map(|number| happened.city.letterhead.mail_subject_tag.replace("{number}", &number));
    let words = out.subject.as_ref().map(|subject| subject.reveal().as_str());
    let theirs = answered.content.subject.as_ref().map(|subject| subject.reveal().as_str());
    out.subject = Some(email::subject(words, theirs, tag.as_deref()).into());
    out.answers = Some(answered.external_id.clone());
}

#[cfg(test)]
mod tests;
