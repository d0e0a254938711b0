//! What goes on after the simulated ninety days, by the wall's clock: new messages now and then at a human pace, and what becomes of ours.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use bytes::Bytes;
use chrono::Timelike;
use tokio_util::sync::CancellationToken;
use zholdary_channels::Ours;
use zholdary_city::City;
use zholdary_delivery::Carriers;
use zholdary_domain::{Clock, SystemClock, inbound::Channel};
use zholdary_intake::Intake;
use zholdary_simulation::{Plan, Script, post};

use super::platform::Platform;

/// Stories that are written before the next ones are planned.
const STORIES: u32 = 500;
/// How often it is looked what platforms have to tell.
const LOOK: Duration = Duration::from_secs(1);

/// A simulated city that goes on.
pub(crate) struct Trickle {
    city: City,
    /// Nothing: nobody writes any more.
    pace: Option<Duration>,
    platform: Platform,
}

impl Trickle {
    /// A story every `pace_s` seconds on the average; none when that is 0.
    pub(crate) fn new(city: City, pace_s: u32) -> Self {
        let pace = (pace_s > 0).then(|| Duration::from_secs(pace_s.into()));
        Self { city, pace, platform: Platform::new(Arc::new(SystemClock)) }
    }

    /// What carries messages to its residents.
    pub(crate) fn carriers(&self) -> Carriers {
        self.platform.carriers()
    }

    /// Goes on until `stop`.
    pub(crate) async fn run(self, intake: Intake, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::try_join!(self.write(&intake, &stop), self.tell_states(&intake, &stop))?;
        Ok(())
    }

    async fn tell_states(&self, intake: &Intake, stop: &CancellationToken) -> anyhow::Result<()> {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            for (channel, body) in self.platform.states(SystemClock.now()) {
                take(intake, channel, body).await;
            }
        }
        Ok(())
    }

    async fn write(&self, intake: &Intake, stop: &CancellationToken) -> anyhow::Result<()> {
        let Some(pace) = self.pace else { return Ok(()) };
        loop {
            let now = SystemClock.now();
            // Another start, other words.
            let began = now.timestamp();
            let plan = Plan { seed: began.unsigned_abs(), until: now, appeals: STORIES };
            let script = Script::new(&self.city, &plan).context("the city cannot be simulated")?;
            for story in &script.stories {
                // Between half and one and a half of the pace, as the script's own seconds fall.
                let second = f64::from(story.first().at.second());
                let wait = pace.mul_f64(0.5 + second / 60.0);
                if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                    return Ok(());
                }
                for (part, said) in story.opening.iter().enumerate() {
                    // What follows a message comes as soon after it as it would.
                    let pause = story.opening.get(part + 1).map(|next| next.at - said.at);
                    let said = story.sent_again(said, &began.to_string(), SystemClock.now());
                    let channel = said.way.channel();
                    take(intake, channel, post(channel, &[&said])).await;
                    let wait = pause.and_then(|pause| pause.to_std().ok()).unwrap_or_default();
                    if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

async fn take(intake: &Intake, channel: Channel, body: Vec<u8>) {
    let body = Bytes::from(body);
    let parsed = Ours::default().parse(channel, &body).unwrap_or_default();
    if let Err(error) = intake.take(channel, body, parsed.elements).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a simulated delivery was not taken");
    }
}
