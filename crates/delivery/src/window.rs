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

/// The form in which `out` may go at `now`, given when its person last wrote there.
///
/// # Errors
///
/// [`Trouble::WindowClosed`] when nothing of ours goes any more.
pub fn can_send(
    out: &Outgoing,
    last_heard: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    human_agent: bool,
) -> Result<Form, Trouble> {
    let since = last_heard.map_or(TimeDelta::MAX, |heard| now - heard);
    match (out.channel, out.surface) {
        (Channel::Instagram | Channel::Facebook, Surface::Comment | Surface::Post | Surface::Mention) => {
            Ok(Form::Text)
        }
        (Channel::Whatsapp | Channel::Instagram | Channel::Facebook, _) if since < WINDOW => Ok(Form::Text),
        (Channel::Whatsapp, _) if out.instead.is_some() => Ok(Form::Template),
        (Channel::Instagram | Channel::Facebook, _)
            if human_agent && out.by_person && since < HUMAN_AGENT =>
        {
            Ok(Form::HumanAgent)
        }
        (Channel::Whatsapp | Channel::Instagram | Channel::Facebook, _) => Err(Trouble::WindowClosed),
        _ => Ok(Form::Text),
    }
}

#[cfg(test)]
mod tests {
    use zholdary_domain::{AppealId, IdKey, outgoing::VendorTemplate};

    use super::*;

    fn out(channel: Channel, surface: Surface) -> Outgoing {
        let key = IdKey::new([1; 32]);
        Outgoing {
            appeal: AppealId::opened_by(key.message("whatsapp", "1", "m")),
            contact: key.contact("whatsapp", "a"),
            channel,
            surface,
            account: "1".into(),
            to: "7".to_owned().into(),
            answers: None,
            what: "receipt".into(),
            version: Some(1),
            lang: "ru".into(),
            subject: None,
            text: "…".to_owned().into(),
            buttons: vec![],
            instead: None,
            follows: None,
            not_before: None,
            by_person: false,
            at_once: true,
        }
    }

    #[test]
    fn each_channel_lets_through_what_its_platform_does() {
        let now = "2026-11-20T04:00:00Z".parse::<DateTime<Utc>>().unwrap();
        let closed = Err(Trouble::WindowClosed);
        let check = |out: &Outgoing, hours: Option<i64>, expected| {
            let heard = hours.map(|hours| now - TimeDelta::hours(hours));
            assert_eq!(can_send(out, heard, now, true), expected, "{out:?} {hours:?}");
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
            assert_eq!(can_send(&by_person(direct), heard, now, false), closed, "without the permission");
        }
        check(&out(Channel::Telegram, Surface::Private), None, Ok(Form::Text));
    }
}
