//! Which contacts are one person: a phone, the platform's own id, the phone before it was changed.

use std::collections::HashMap;

use zholdary_domain::ContactId;

/// Contacts that are one person, as channels told.
#[derive(Debug, Default)]
pub(crate) struct People(HashMap<ContactId, ContactId>);

impl People {
    /// The contact that stands for a person.
    #[must_use]
    pub(crate) fn of(&self, contact: ContactId) -> ContactId {
        let mut at = contact;
        while let Some(parent) = self.0.get(&at) {
            at = *parent;
        }
        at
    }

    /// The two are one person from here on. Gives who stands for both, and who stood for the other; nothing when it is no news.
    pub(crate) fn link(&mut self, one: ContactId, other: ContactId) -> Option<(ContactId, ContactId)> {
        let (one, other) = (self.of(one), self.of(other));
        if one == other {
            return None;
        }
        let (kept, merged) = (one.min(other), one.max(other));
        self.0.insert(merged, kept);
        Some((kept, merged))
    }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::IdKey;

    use super::*;

    #[test]
    fn whoever_is_linked_is_one() {
        let key = IdKey::new([1; 32]);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| key.contact("whatsapp", name));
        let mut people = People::default();
        assert_eq!(people.of(a), a);
        assert_eq!(people.link(a, b), Some((a.min(b), a.max(b))));
        assert_eq!(people.link(b, a), None);
        people.link(c, d);
        assert_ne!(people.of(a), people.of(d));
        people.link(d, a);
        assert!([b, c, d].iter().all(|other| people.of(*other) == people.of(a)));
    }
}
