//! What operators corrected, as texts to learn from.

use std::collections::HashMap;

use zholdary_domain::{
    AppealId, MessageId, Personal, Position,
    appeal::{self, FindingId, Registered},
    inbound::Channel,
    message::{self, Message},
};
use zholdary_log::EventLog;
use zholdary_triage::Example;

/// Records read at once.
const PAGE: usize = 1_000;
/// The file that texts of the log stand under.
const FROM: &str = "corrections";

/// Who writes on the web need not say who it is: all of them together count as one.
const ANONYMOUS: &str = "web";

/// An appeal, as far as learning asks.
#[derive(Debug, Default)]
struct Thread {
    author: Option<String>,
    messages: Vec<MessageId>,
    /// What a person made its main problem, and what was said until then.
    corrected: Option<(String, Personal<String>)>,
}

/// The appeals whose main category a person corrected: what was said until then, and what is right. In the order of the log.
pub(super) async fn read(log: &dyn EventLog) -> anyhow::Result<Vec<Example>> {
    let head = log.head().await?;
    let mut messages: HashMap<MessageId, Message> = HashMap::new();
    let mut threads: HashMap<AppealId, Thread> = HashMap::new();
    let mut order: Vec<AppealId> = Vec::new();
    let mut tail = log.tail(Position::START);
    while tail.position() < head {
        for record in tail.next_page(PAGE).await? {
            if let Some(id) = record.stream.message() {
                let message = messages.entry(id).or_default();
                record.events::<message::Event>()?.iter().for_each(|event| message.evolve(event));
            } else if let Some(id) = record.stream.appeal() {
                let thread = threads.entry(id).or_default();
                for event in record.events::<appeal::Event>()? {
                    if note(thread, event, &messages) {
                        order.push(id);
                    }
                }
            }
        }
    }
    let is_kept = |id: &MessageId| messages.get(id).is_some_and(|message| message.content().is_some());
    let mut examples = Vec::new();
    for id in order {
        let Some(thread) = threads.remove(&id) else { continue };
        let Some((category, text)) = thread.corrected else { continue };
        // Nothing is learnt of who was forgotten.
        if !text.reveal().trim().is_empty() && thread.messages.iter().all(is_kept) {
            let (from, author) = (FROM.to_owned(), thread.author);
            examples.push(Example { text, category, accept: Vec::new(), from, author, known: false });
        }
    }
    Ok(examples)
}

/// Takes in a fact; whether it is the first correction.
fn note(thread: &mut Thread, event: appeal::Event, messages: &HashMap<MessageId, Message>) -> bool {
    match event {
        appeal::Event::Registered(registered) => {
            let Registered { message, contact, channel, .. } = *registered;
            let author = if channel == Channel::Web { ANONYMOUS.to_owned() } else { contact.to_string() };
            thread.author = Some(author);
            thread.messages.extend(message);
            false
        }
        appeal::Event::MessageAdded { message, .. } => {
            thread.messages.push(message);
            false
        }
        appeal::Event::Corrected { finding: FindingId(0), category: Some(category), .. } => {
            let texts = thread.messages.iter().filter_map(|id| messages.get(id)?.content()?.usable_text());
            let said = texts.collect::<Vec<_>>().join("\n");
            thread.corrected.replace((category, Personal::new(said))).is_none()
        }
        _ => false,
    }
}
