//! Links by which a party acts on one task without a login: who holds the letter, holds the task.
//!
//! A link is good for one hand-over: once the task went elsewhere, or was opened again, another letter brings another link. It says
//! nothing about a person, and nobody makes one without the installation's key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;
use uuid::Uuid;

use crate::{
    appeal::{Appeal, Event, FindingId, Stage},
    ids::{AppealId, CommandId, IdKey},
    outgoing::Task,
};

const PURPOSE: &str = "task link";
const ID_BYTES: usize = 16;
const NAMED_BYTES: usize = 2 * ID_BYTES + 2;
const MAC_BYTES: usize = 16;

/// One task, as it was handed over once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskLink {
    /// The appeal.
    pub appeal: AppealId,
    /// The finding.
    pub finding: FindingId,
    /// The command whose record handed it over.
    pub handed_by: CommandId,
}

impl TaskLink {
    /// What stands in the address: 67 characters that are safe there.
    #[must_use]
    pub fn token(&self, key: &IdKey) -> String {
        let mut bytes = self.bytes();
        let digest = key.mac(PURPOSE, &bytes).finalize().into_bytes();
        bytes.extend_from_slice(&digest[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The task that a token names, when we made it. Compared in constant time.
    #[must_use]
    pub fn read(token: &str, key: &IdKey) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|b| b.len() == NAMED_BYTES + MAC_BYTES)?;
        let (named, mac) = bytes.split_at(NAMED_BYTES);
        key.mac(PURPOSE, named).verify_truncated_left(mac).ok()?;
        let (appeal, rest) = named.split_at(ID_BYTES);
        let (handed_by, finding) = rest.split_at(ID_BYTES);
        Some(Self {
            appeal: AppealId::from_uuid(Uuid::from_slice(appeal).ok()?),
            finding: FindingId(u16::from_be_bytes(finding.try_into().ok()?)),
            handed_by: CommandId::from_uuid(Uuid::from_slice(handed_by).ok()?),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(NAMED_BYTES + MAC_BYTES);
        bytes.extend_from_slice(self.appeal.uuid().as_bytes());
        bytes.extend_from_slice(self.handed_by.uuid().as_bytes());
        bytes.extend_from_slice(&self.finding.0.to_be_bytes());
        bytes
    }
}

/// Whom the facts of one record hand `finding` to: a party that did not have it just before.
#[must_use]
pub fn handed_over(before: &Appeal, after: &Appeal, finding: FindingId) -> Option<Task> {
    let holder = |appeal: &Appeal| {
        let state = appeal.findings.get(usize::from(finding.0)).filter(|_| appeal.end.is_none())?;
        Some(state.holder()?.to_owned())
    };
    let party = holder(after)?;
    (holder(before).as_ref() != Some(&party)).then_some(Task { party, finding })
}

/// How often a task went from hand to hand.
#[derive(Debug, Default)]
pub struct HandOvers {
    appeal: Appeal,
    /// The last one of each finding.
    last: Vec<Option<(CommandId, Task)>>,
}

impl HandOvers {
    /// Takes in the next record of the appeal.
    pub fn note(&mut self, command: CommandId, events: &[Event]) {
        let before = self.appeal.clone();
        events.iter().for_each(|event| self.appeal.evolve(event));
        self.last.resize(self.last.len().max(self.appeal.findings.len()), None);
        for (finding, last) in (0..).map(FindingId).zip(&mut self.last) {
            if let Some(task) = handed_over(&before, &self.appeal, finding) {
                *last = Some((command, task));
            }
        }
    }

    /// The appeal, after all that was taken in.
    #[must_use]
    pub const fn appeal(&self) -> &Appeal {
        &self.appeal
    }

    /// The command whose record handed a finding to who has it.
    #[must_use]
    pub fn handed_by(&self, finding: FindingId) -> Option<CommandId> {
        Some(self.last.get(usize::from(finding.0))?.as_ref()?.0)
    }

    /// The task of a link, while the link is good: nobody else was handed the finding since, and it was not given back or opened again.
    #[must_use]
    pub fn task(&self, link: &TaskLink) -> Option<&Task> {
        let at = usize::from(link.finding.0);
        let (command, task) = self.last.get(at)?.as_ref()?;
        let state = self.appeal.findings.get(at)?;
        let is_theirs = state.holder() == Some(task.party.as_str());
        let is_over = matches!(state.stage, Stage::Done | Stage::Answered) && state.party() == task.party;
        (*command == link.handed_by && (is_theirs || is_over)).then_some(task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_was_made_of_and_nothing_else_is_one() {
        let key = IdKey::new([1; 32]);
        let appeal = AppealId::opened_by(key.message("web", "", "1"));
        let link = TaskLink { appeal, finding: FindingId(3), handed_by: CommandId::named("a", "b") };
        let token = link.token(&key);
        assert_eq!(token.len(), 67);
        assert_eq!(TaskLink::read(&token, &key), Some(link));
        assert_eq!(TaskLink::read(&token, &IdKey::new([2; 32])), None, "of another installation");
        for at in 0..token.len() {
            let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
            let forged = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert_eq!(TaskLink::read(&forged, &key), None, "{forged}");
        }
        for bad in ["", "a", "й", &token[1..], &format!("{token}=")] {
            assert_eq!(TaskLink::read(bad, &key), None, "{bad}");
        }
    }
}
