//! The engine alone: one record appended for each delivery, at the same rate.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use zholdary_domain::{
    Clock, StreamId, SystemClock,
    inbound::{Channel, Content, Join, Surface},
    message::{Event, Received, command_id},
};
use zholdary_log::{Cause, Decider, Expect, streams::Messages};
use zholdary_testkit::id_key;

use crate::{bed::Bed, open_loop::Waits};

/// How long it is measured.
const TIME: Duration = Duration::from_secs(15);

fn received(n: u32, sent_at: DateTime<Utc>) -> Received {
    let text = "Добрый день! На пересечении улиц, где мы живём, уже вторую неделю глубокая яма, машины объезжают её по тротуару.";
    Received {
        channel: Channel::Whatsapp,
        surface: Surface::Private,
        account: "1".to_owned(),
        external_id: n.to_string().into(),
        contact: id_key().contact("whatsapp", &(n % 2_000).to_string()),
        aliases: vec![],
        name: Some("Житель".to_owned().into()),
        phone: None,
        address: None,
        content: Content { text: Some(format!("{text} {n}").into()), ..Content::default() },
        reply_to: None,
        join: Join::Window,
        album: None,
        letter: None,
        sent_at,
        raw: None,
        keys_changed: false,
    }
}

/// How long an append takes at the rate of `posts` within `time`.
pub(crate) async fn append(bed: &Bed, posts: usize, time: Duration) -> Waits {
    let decider: Decider<Messages> = Decider::new(Arc::clone(&bed.log), Arc::new(SystemClock));
    let every = time / u32::try_from(posts).expect("some thousands");
    let began = Instant::now();
    let mut asked = JoinSet::new();
    let mut nth = 0_u32;
    while every * nth < TIME {
        let (planned, decider) = (began + every * nth, decider.clone());
        let id = id_key().message("whatsapp", bed.name, &nth.to_string());
        let events = [Event::Received(Box::new(received(nth, SystemClock.now())))];
        tokio::time::sleep_until(planned.into()).await;
        asked.spawn(async move {
            let stream = StreamId::from(id);
            let command = command_id::received(id);
            let written =
                decider.handle_expecting(&stream, command, Cause::OUTSIDE, Expect::NoStream, &events);
            written.await.expect("is recorded");
            planned.elapsed()
        });
        nth += 1;
    }
    Waits::of(asked.join_all().await)
}
