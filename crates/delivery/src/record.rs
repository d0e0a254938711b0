//! What the workers append, each under an id that comes from its cause: repeated it changes nothing, and refused it was said before.

use zholdary_domain::{
    AppealId, CommandId, MessageId, StreamId, appeal,
    message::{self, command_id},
    outgoing::Outgoing,
};
use zholdary_log::{
    Cause, Decider, DeciderError,
    streams::{Appeals, Messages},
};
use zholdary_routing::Error;

/// We mean to send `out`. Whether that is new.
pub(crate) async fn queue(
    messages: &Decider<Messages>,
    id: MessageId,
    cause: Cause,
    out: Outgoing,
) -> Result<bool, Error> {
    let command = message::Command::Queue(Box::new(out));
    let queued = messages
        .handle(&StreamId::from(id), command_id::queued(id), cause, |state, _| {
            message::decide(state, command.clone())
        })
        .await;
    match queued {
        Ok(handled) => Ok(handled.new),
        Err(DeciderError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// An appeal hears of something. Whether that is new.
pub(crate) async fn note(
    appeals: &Decider<Appeals>,
    appeal: AppealId,
    id: CommandId,
    cause: Cause,
    command: appeal::Command,
) -> Result<bool, Error> {
    let noted = appeals
        .handle(&StreamId::from(appeal), id, cause, |state, _| appeal::decide(state, command.clone()))
        .await;
    match noted {
        Ok(handled) => Ok(handled.new),
        Err(DeciderError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
