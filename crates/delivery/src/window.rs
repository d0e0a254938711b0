//! Whether, and in which form, a channel lets a message of ours through now.
//!
//! Sources: Meta, «24-hour customer service window» (WhatsApp), «Messenger and Instagram messaging policy»: 24 hours after the
//! person's last message, seven days for what a person wrote («Human Agent»). Comments are answered in public at any time.

use chrono::{DateTime, TimeDelta, Utc};
use zholdary_channels::outbound::Form;
use zholdary_domain::{
    inbound::{Channel, Surface},
    outgoing::{Outgoing, Trouble},
};

/// How long any text goes after the person's last message.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// How long a person's text goes.
const HUMAN_AGENT: TimeDelta = TimeDelta::days(7);

/// What decides how a message may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    channel: Channel,
    surface: Surface,
    /// The vendor has registered a text that says the same.
    registered: bool,
    by_person: bool,
}

impl Way {
    /// The way of `out`.
    #[must_use]
    pub const fn of(out: &Outgoing) -> Self {
        let Outgoing { channel, surface, by_person, .. } = *out;
        Self { channel, surface, registered: out.instead.is_some(), by_person }
    }

    const fn is_public(self) -> bool {
        matches!(self.surface, Surface::Comment | Surface::Post | Surface::Mention)
    }

    /// The form in which it may go at `now`, given when its person last wrote there.
    ///
    /// # Errors
    ///
    /// [`Trouble::WindowClosed`] when nothing of ours goes any more.
    pub fn form(
        self,
        last_heard: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        human_agent: bool,
    ) -> Result<Form, Trouble> {
        let since = last_heard.map_or(TimeDelta::MAX, |heard| now - heard);
        match self.channel {
            Channel::Whatsapp if since < WINDOW => Ok(Form::Text),
            Channel::Whatsapp if self.registered => Ok(Form::Template),
            Channel::Instagram | Channel::Facebook if self.is_public() || since < WINDOW => Ok(Form::Text),
            Channel::Instagram | Channel::Facebook
                if human_agent && self.by_person && since < HUMAN_AGENT =>
            {
                Ok(Form::HumanAgent)
            }
            Channel::Whatsapp | Channel::Instagram | Channel::Facebook => Err(Trouble::WindowClosed),
            _ => Ok(Form::Text),
        }
    }

    /// From when on nothing of ours goes any more; nothing where that never happens, or nobody wrote.
    #[must_use]
    pub fn closes_at(self, last_heard: Option<DateTime<Utc>>, human_agent: bool) -> Option<DateTime<Utc>> {
        let open =
            match self.channel {
                Channel::Whatsapp if !self.registered => WINDOW,
                Channel::Instagram | Channel::Facebook if !self.is_public() => {
                    if human_agent && self.by_person { HUMAN_AGENT } else { WINDOW }
                }
                _ => return None,
            };
        last_heard?.checked_add_signed(open)
    }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::outgoing::VendorTemplate;

    use super::*;

    fn out(channel: Channel, surface: Surface) -> Outgoing {
        Outgoing { surface, ..zholdary_testkit::outgoing(channel, "7") }
    }

    #[test]
    fn each_channel_lets_through_what_its_platform_does() {
        let now = "2026-11-20T04:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let closed = Err(Trouble::WindowClosed);
        let check = |out: &Outgoing, hours: Option<i64>, expected| {
            let heard = hours.map(|hours| now - TimeDelta::hours(hours));
            assert_eq!(Way::of(out).form(heard, now, true), expected, "{out:?} {hours:?}");
        };
        let by_person = |out: Outgoing| Outgoing { by_person: true, ..out };
        let whatsapp = out(Channel::Whatsapp, Surface::Private);
        let registered = Outgoing {
            instead: Some(VendorTemplate { name: "r".into(), params: vec![].into(), buttons: vec![] }),
            ..whatsapp.clone()
        };
        check(&whatsapp, Some(23), Ok(Form::Text));
        check(&whatsapp, Some(24), closed);
        check(&by_person(whatsapp.clone()), Some(25), closed);
        check(&registered, Some(23), Ok(Form::Text));
        check(&registered, Some(24), Ok(Form::Template));
        check(&registered, None, Ok(Form::Template));
        for channel in [Channel::Instagram, Channel::Facebook] {
            let direct = out(channel, Surface::Private);
            check(&direct, Some(23), Ok(Form::Text));
            check(&direct, Some(25), closed);
            check(&by_person(direct.clone()), Some(25), Ok(Form::HumanAgent));
            check(&by_person(direct.clone()), Some(24 * 7), closed);
            check(&out(channel, Surface::Comment), None, Ok(Form::Text));
            let heard = Some(now - TimeDelta::hours(25));
            assert_eq!(Way::of(&by_person(direct)).form(heard, now, false), closed, "without the permission");
        }
        check(&out(Channel::Telegram, Surface::Private), None, Ok(Form::Text));
    }

    #[test]
    fn a_window_closes_where_there_is_one() {
        let now = "2026-11-20T04:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let check = |out: &Outgoing, human_agent, hours: Option<i64>| {
            let closes = Way::of(out).closes_at(Some(now), human_agent);
            assert_eq!(closes, hours.map(|hours| now + TimeDelta::hours(hours)), "{out:?}");
            assert_eq!(Way::of(out).closes_at(None, human_agent), None);
        };
        let whatsapp = out(Channel::Whatsapp, Surface::Private);
        let instead = Some(VendorTemplate { name: "r".into(), params: vec![].into(), buttons: vec![] });
        check(&whatsapp, true, Some(24));
        check(&Outgoing { instead, ..whatsapp }, true, None);
        for channel in [Channel::Instagram, Channel::Facebook] {
            let direct = out(channel, Surface::Private);
            check(&direct, true, Some(24));
            check(&out(channel, Surface::Comment), true, None);
            let by_person = Outgoing { by_person: true, ..direct };
            check(&by_person, true, Some(24 * 7));
            check(&by_person, false, Some(24));
        }
        check(&out(Channel::Telegram, Surface::Private), true, None);
    }
}
