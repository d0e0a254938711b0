//! Asks Telegram for updates: what it gave is confirmed by the next question, and only once it is durable.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use zholdary_channels::{Ours, telegram};
use zholdary_domain::inbound::Channel;
use zholdary_platforms::{Bot, CallError};

use crate::{Error, Intake};

/// How long Telegram may keep a question open while nobody writes.
const OPEN: Duration = Duration::from_secs(25);
/// The first wait after a failure; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Asks for one bot's updates, in one process at a time: Telegram refuses two.
pub struct Polling {
    bot: Bot,
    ours: Ours,
    intake: Intake,
    /// What is asked for next. Nothing: whatever is not confirmed, as after a start.
    offset: Option<i64>,
}

impl std::fmt::Debug for Polling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Polling").field("offset", &self.offset).finish_non_exhaustive()
    }
}

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("Telegram gave no updates")]
    Asked(#[from] CallError),
    #[error("updates of Telegram were not taken in")]
    Taken(#[from] Error),
}

impl Polling {
    /// What `bot` hears goes into `intake`.
    #[must_use]
    pub fn new(bot: Bot, ours: Ours, intake: Intake) -> Self {
        Self { bot, ours, intake, offset: None }
    }

    /// Asks until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wait = FIRST_WAIT;
        loop {
            match stop.run_until_cancelled(self.ask()).await {
                None => return,
                Some(Ok(())) => wait = FIRST_WAIT,
                Some(Err(trouble)) => {
                    tell(&trouble);
                    if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                        return;
                    }
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// One question. What was not taken in is given again to the next one.
    async fn ask(&mut self) -> Result<(), Trouble> {
        let raw = self.bot.updates(self.offset, OPEN).await?;
        let Some(next) = telegram::next_offset(&raw) else { return Ok(()) };
        let parsed = self.ours.parse(Channel::Telegram, &raw).unwrap_or_default();
        let pressed = telegram::presses(&raw);
        self.intake.take(Channel::Telegram, raw, parsed.elements).await?;
        self.offset = Some(next);
        for button in pressed {
            // The phone shows a clock until it is answered. Whatever comes of that, the press is safe.
            let answered = self
                .bot
                .call("answerCallbackQuery", &serde_json::json!({ "callback_query_id": button }))
                .await;
            if let Err(error) = answered {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "Telegram was not told that a button was heard"
                );
            }
        }
        Ok(())
    }
}

fn tell(trouble: &Trouble) {
    let cause = trouble as &dyn std::error::Error;
    match trouble {
        Trouble::Asked(CallError::Refused(refusal)) if refusal.status == 409 => error!(
            error = cause,
            "Telegram gives its updates to another: end the other process, or remove the bot's hook (deleteWebhook)"
        ),
        Trouble::Asked(CallError::Refused(refusal)) if refusal.status == 401 => {
            error!(
                error = cause,
                "Telegram does not know the bot's token: give the one that BotFather tells"
            );
        }
        _ => warn!(error = cause, "Telegram is asked again"),
    }
}
