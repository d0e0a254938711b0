//! What goes on after the simulated ninety days: a new message now and then, by the wall's clock, at a human pace.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use chrono::Timelike;
use tokio_util::sync::CancellationToken;
use zholdary_channels::{Accounts, whatsapp};
use zholdary_city::City;
use zholdary_domain::{Clock, SystemClock, inbound::Channel};
use zholdary_intake::Intake;
use zholdary_simulation::{Plan, Script, post};

/// Stories that are written before the next ones are planned.
const STORIES: u32 = 500;

/// New messages of a simulated city.
pub(crate) struct Trickle {
    city: City,
    pace: Duration,
}

impl Trickle {
    /// A story every `pace_s` seconds on the average; none when that is 0.
    pub(crate) fn new(city: City, pace_s: u32) -> Option<Self> {
        (pace_s > 0).then(|| Self { city, pace: Duration::from_secs(pace_s.into()) })
    }

    /// Writes until `stop`.
    pub(crate) async fn run(self, intake: Intake, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let now = SystemClock.now();
            // Another start, other words.
            let began = now.timestamp();
            let plan = Plan { seed: began.unsigned_abs(), until: now, appeals: STORIES };
            let script = Script::new(&self.city, &plan).context("the city cannot be simulated")?;
            for story in &script.stories {
                // Between half and one and a half of the pace, as the script's own seconds fall.
                let second = f64::from(story.first().at.second());
                let wait = self.pace.mul_f64(0.5 + second / 60.0);
                if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                    return Ok(());
                }
                for (part, said) in story.opening.iter().enumerate() {
                    // What follows a message comes as soon after it as it would.
                    let pause = story.opening.get(part + 1).map(|next| next.at - said.at);
                    let said = story.sent_again(said, &began.to_string(), SystemClock.now());
                    let body = Bytes::from(post(&[&said]));
                    let elements = whatsapp::parse(&body, &Accounts::any()).elements;
                    if let Err(error) = intake.take(Channel::Whatsapp, body, elements).await {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            part,
                            "a simulated message was not taken"
                        );
                    }
                    let wait = pause.and_then(|pause| pause.to_std().ok()).unwrap_or_default();
                    if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }
}
