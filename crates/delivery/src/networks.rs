//! Carriers over the platforms' networks.

use async_trait::async_trait;
use zholdary_channels::outbound::{self, Call, Form, Verdict};
use zholdary_domain::{
    MessageId,
    outgoing::{Outgoing, Trouble},
};
use zholdary_platforms::{Bot, CallError, Graph};

use crate::{Carried, Carrier};

#[async_trait]
impl Carrier for Graph {
    async fn carry(&self, id: MessageId, out: &Outgoing, form: Form) -> Carried {
        let Some(Call::Graph { path, body }) = outbound::call(id, out, form) else { return UNSENDABLE };
        came(out, self.post(&path, &body).await)
    }
}

#[async_trait]
impl Carrier for Bot {
    async fn carry(&self, id: MessageId, out: &Outgoing, form: Form) -> Carried {
        let Some(Call::Telegram { method, body }) = outbound::call(id, out, form) else { return UNSENDABLE };
        came(out, self.call(method, &body).await)
    }
}

/// What has no place to go to: an answer to a comment that nobody can name.
const UNSENDABLE: Carried =
    Carried::NotTaken { why: Trouble::NoSuchAddress, code: None, again: false, after: None };

fn came(out: &Outgoing, answer: Result<serde_json::Value, CallError>) -> Carried {
    match answer {
        // An answer that names nothing: it took something, and nobody can say what.
        Ok(answer) => outbound::taken(out, &answer).map_or(Carried::Unknown, Carried::Taken),
        Err(CallError::NotSent { .. }) => {
            Carried::NotTaken { why: Trouble::Busy, code: None, again: true, after: None }
        }
        Err(CallError::Refused(refusal))
            if refusal.is_certain() && outbound::is_proof(out.channel, refusal.status, refusal.code) =>
        {
            let Verdict { why, again } =
                outbound::refusal(out, refusal.status, refusal.code, refusal.subcode);
            Carried::NotTaken { why, code: refusal.code, again, after: refusal.retry_after }
        }
        Err(CallError::Refused(_) | CallError::Unknown { .. }) => Carried::Unknown,
    }
}
