//! What happened, in words that people read: one sentence an event, in every language.
//!
//! Sentences are about the product, not about a city; names in them come from the rule set. Nothing personal stands in
//! them: what somebody wrote is asked for apart, with [`words`].

use zholdary_city::City;
use zholdary_domain::appeal::{Actor, Clock, Event};

use crate::{
    city::NamesOf,
    model::{Level, Named, Sentence},
};

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody who knows the number.
    Everybody,
    /// Parties and operators.
    Staff,
}

/// Who may see that an event happened to an appeal.
pub fn least_level(event: &Event) -> Level {
    match event {
        Event::Registered(_)
        | Event::MessageAdded { .. }
        | Event::PlaceAsked(_)
        | Event::PlaceGiven { .. }
        | Event::Routed(_)
        | Event::Answered(_)
        | Event::ForwardedOutside { .. }
        | Event::Accepted { .. }
        | Event::Refused { .. }
        | Event::Started { .. }
        | Event::Done { .. }
        | Event::Rated { .. }
        | Event::ReopenRequested { .. }
        | Event::Reopened { .. }
        | Event::Split { .. }
        | Event::JoinedToProblem { .. }
        | Event::Overdue { .. }
        | Event::Extended { .. }
        | Event::Corrected { .. }
        | Event::MadeOfficial { .. }
        | Event::Closed { .. }
        | Event::NotConsidered { .. }
        | Event::Erased { .. } => Level::Public,
        Event::AliasNamed { .. }
        | Event::MessageEdited { .. }
        | Event::MessageWithdrawn { .. }
        | Event::Understood(_)
        | Event::Escalated { .. }
        | Event::Told { .. }
        | Event::NotTold { .. } => Level::Party,
        // Who was written to, and did not answer, is between the desk and that party.
        Event::PartyTold { .. } | Event::PartyNotTold { .. } | Event::PartyAnswered { .. } => Level::Operator,
        Event::Noted { .. } => Level::Operator,
    }
}

/// Who did it: `system`, `operator`, `author` or code of a party.
pub(crate) fn by(event: &Event) -> String {
    match event {
        Event::PlaceGiven { by, .. }
        | Event::Accepted { by, .. }
        | Event::Refused { by, .. }
        | Event::Started { by, .. }
        | Event::Done { by, .. }
        | Event::Reopened { by, .. }
        | Event::Split { by, .. }
        | Event::JoinedToProblem { by, .. }
        | Event::Escalated { by, .. }
        | Event::Extended { by, .. }
        | Event::Corrected { by, .. }
        | Event::MadeOfficial { by, .. }
        | Event::Noted { by, .. }
        | Event::Closed { by, .. }
        | Event::NotConsidered { by, .. }
        | Event::Erased { by } => by.to_string(),
        Event::Answered(answer) => answer.by.to_string(),
        Event::Routed(route) if route.rule == "person" => {
            Actor::Operator { token: String::new() }.to_string()
        }
        Event::Registered(_)
        | Event::MessageAdded { .. }
        | Event::MessageEdited { .. }
        | Event::MessageWithdrawn { .. }
        | Event::Rated { .. }
        | Event::ReopenRequested { .. } => Actor::Author.to_string(),
        Event::AliasNamed { .. }
        | Event::Understood(_)
        | Event::PlaceAsked(_)
        | Event::Routed(_)
        | Event::ForwardedOutside { .. }
        | Event::Overdue { .. }
        | Event::Told { .. }
        | Event::NotTold { .. }
        | Event::PartyTold { .. }
        | Event::PartyNotTold { .. } => Actor::System.to_string(),
        Event::PartyAnswered { task, .. } => task.party.clone(),
    }
}

/// What somebody wrote with it.
pub(crate) fn words(event: &Event, audience: Audience) -> Option<String> {
    let words = match event {
        Event::PlaceAsked(question) => &question.text,
        Event::Answered(answer) => &answer.text,
        Event::Refused { reason, .. }
        | Event::Reopened { reason, .. }
        | Event::Corrected { reason, .. }
        | Event::Closed { reason, .. }
        | Event::NotConsidered { reason, .. } => reason,
        Event::Done { explanation, .. } => explanation.as_ref()?,
        Event::Noted { text, .. } => text,
        _ => return None,
    };
    (audience == Audience::Staff).then(|| words.reveal().clone()).filter(|w| !w.is_empty())
}

fn say(ru: impl Into<String>, kk: impl Into<String>, en: impl Into<String>) -> Sentence {
    Sentence { ru: ru.into(), kk: kk.into(), en: en.into() }
}

/// «What: name».
fn with(ru: &str, kk: &str, en: &str, name: &Named) -> Sentence {
    say(format!("{ru}: {}", name.ru), format!("{kk}: {}", name.kk), format!("{en}: {}", name.en))
}

fn clock(clock: Clock) -> Named {
    let (code, ru, kk, en) = match clock {
        Clock::Legal => ("legal", "ответ по закону", "заң бойынша жауап", "answer under the law"),
        Clock::Service => ("service", "работа", "жұмыс", "work"),
        Clock::Secure => ("secure", "ограждение", "қоршау", "fencing"),
    };
    Named { code: code.to_owned(), ru: ru.to_owned(), kk: kk.to_owned(), en: en.to_owned() }
}

/// The event as a sentence.
pub(crate) fn of(event: &Event, names: NamesOf<'_>, city: Option<&City>) -> Sentence {
    match event {
        Event::Registered(registered) => say(
            format!("Принято, номер {}", registered.number),
            format!("Қабылданды, нөмірі {}", registered.number),
            format!("Received, number {}", registered.number),
        ),
        Event::AliasNamed { number } => say(
            format!("Известно и под номером {number}"),
            format!("{number} нөмірімен де белгілі"),
            format!("Also known under number {number}"),
        ),
        Event::MessageAdded { .. } => {
            say("Житель дополнил", "Тұрғын толықтырды", "The resident added a message")
        }
        Event::MessageEdited { .. } => {
            say("Житель изменил сообщение", "Тұрғын хабарламасын өзгертті", "The resident edited a message")
        }
        Event::MessageWithdrawn { .. } => say(
            "Житель отозвал сообщение",
            "Тұрғын хабарламасын қайтарып алды",
            "The resident took a message back",
        ),
        Event::Understood(understanding) => {
            let topics: Vec<_> = understanding.findings.iter().map(|f| names.category(&f.category)).collect();
            let list = |of: fn(&Named) -> &String| {
                topics.iter().map(|t| of(t).as_str()).collect::<Vec<_>>().join("; ")
            };
            say(
                format!("Понято: {}", list(|t| &t.ru)),
                format!("Түсінілді: {}", list(|t| &t.kk)),
                format!("Understood: {}", list(|t| &t.en)),
            )
        }
        Event::PlaceAsked(_) => say("Спросили, где это", "Қай жерде екені сұралды", "Asked where it is"),
        Event::PlaceGiven { .. } => say("Место известно", "Орны белгілі", "The place is known"),
        Event::Routed(route) => {
            let party = names.party(route.waits_at.as_deref().unwrap_or(&route.to));
            let because = &route.because;
            let en = if because.en.is_empty() { &because.ru } else { &because.en };
            let whole = |done: &str, name: &str, why: &str| match why {
                "" => format!("{done}: {name}"),
                why => format!("{done}: {name} — {why}"),
            };
            match route.waits_at {
                None => say(
                    whole("Передано", &party.ru, &because.ru),
                    whole("Жолданды", &party.kk, &because.kk),
                    whole("Sent to", &party.en, en),
                ),
                Some(_) => say(
                    whole("Ждёт решения", &party.ru, &because.ru),
                    whole("Шешім күтілуде", &party.kk, &because.kk),
                    whole("Waits for a decision", &party.en, en),
                ),
            }
        }
        Event::Answered(_) => say("Дан ответ", "Жауап берілді", "Answered"),
        Event::ForwardedOutside { to, .. } => with(
            "Перенаправлено в другую организацию",
            "Басқа ұйымға жолданды",
            "Redirected to another body",
            &names.party(to),
        ),
        Event::Accepted { .. } => say("Исполнитель принял", "Орындаушы қабылдады", "Accepted by the party"),
        Event::Refused { .. } => say(
            "Исполнитель отказался, решает оператор",
            "Орындаушы бас тартты, оператор шешеді",
            "The party refused; an operator decides",
        ),
        Event::Started { .. } => say("Работа началась", "Жұмыс басталды", "Work began"),
        Event::Done { proof, .. } if proof.is_empty() => say("Сделано", "Орындалды", "Done"),
        Event::Done { .. } => say("Сделано, есть фото", "Орындалды, суреті бар", "Done, with photo"),
        Event::Rated { fixed: true, .. } => {
            say("Житель: исправлено", "Тұрғын: жөнделді", "The resident says it is fixed")
        }
        Event::Rated { fixed: false, .. } => {
            say("Житель: не исправлено", "Тұрғын: жөнделмеді", "The resident says it is not fixed")
        }
        Event::ReopenRequested { .. } => say(
            "Житель просит открыть снова",
            "Тұрғын қайта ашуды сұрады",
            "The resident asks to open it again",
        ),
        Event::Reopened { .. } => say("Открыто снова", "Қайта ашылды", "Reopened"),
        Event::Split { children, .. } => say(
            format!("Разделено, новых обращений: {}", children.len()),
            format!("Бөлінді, жаңа өтініш саны: {}", children.len()),
            format!("Split, new appeals: {}", children.len()),
        ),
        Event::JoinedToProblem { .. } => say(
            "Об этом уже писали: объединено",
            "Бұл туралы бұрын жазылған: біріктірілді",
            "Others wrote about it: joined",
        ),
        Event::Overdue { clock: which, .. } => {
            with("Срок прошёл", "Мерзімі өтті", "A term has passed", &clock(*which))
        }
        Event::Escalated { to, .. } => {
            with("Сообщено выше", "Жоғарыға хабарланды", "Told further up", &names.party(to))
        }
        Event::Extended { clock: which, deadline, .. } => {
            let kind = clock(*which);
            let day =
                city.map(|c| c.calendar.local_date(deadline.at)).unwrap_or_else(|| deadline.at.date_naive());
            let date = |lang| city.map_or_else(|| day.to_string(), |c| c.letterhead.date(day, lang));
            say(
                format!("Срок продлён до {}: {}", date(zholdary_city::Lang::Ru), kind.ru),
                format!("Мерзімі ұзартылды, {}: {}", date(zholdary_city::Lang::Kk), kind.kk),
                format!("Extended to {}: {}", date(zholdary_city::Lang::En), kind.en),
            )
        }
        Event::Corrected { category: Some(category), .. } => {
            with("Исправлено, тема", "Түзетілді, тақырыбы", "Corrected, about", &names.category(category))
        }
        Event::Corrected { place: Some(_), .. } => {
            say("Исправлено место", "Орны түзетілді", "The place was corrected")
        }
        Event::Corrected { .. } => {
            say("Исправлен исполнитель", "Орындаушы түзетілді", "The party was corrected")
        }
        Event::MadeOfficial { kind, .. } => {
            let found = city.and_then(|c| c.legal_kinds.iter().find(|k| k.code == *kind));
            let name = found.map_or_else(
                || Named { code: kind.clone(), ru: kind.clone(), kk: kind.clone(), en: kind.clone() },
                |k| Named {
                    code: kind.clone(),
                    ru: k.name.ru.clone(),
                    kk: k.name.kk.clone(),
                    en: k.name.get(zholdary_city::Lang::En).to_owned(),
                },
            );
            with("Официальное обращение", "Ресми өтініш", "Made official", &name)
        }
        Event::Noted { .. } => say("Заметка", "Жазба", "Note"),
        Event::Closed { .. } => say("Закрыто", "Жабылды", "Closed"),
        Event::NotConsidered { .. } => say("Не рассматривается", "Қаралмайды", "Not considered"),
        Event::Told { what, .. } => say(
            format!("Житель оповещён: {what}"),
            format!("Тұрғынға хабарланды: {what}"),
            format!("The resident was told: {what}"),
        ),
        Event::NotTold { what, why, message: _ } => say(
            format!("Не доставлено: {what} ({why})"),
            format!("Жеткізілмеді: {what} ({why})"),
            format!("Not delivered: {what} ({why})"),
        ),
        Event::PartyTold { task, what, .. } => {
            let party = names.party(&task.party);
            say(
                format!("Отправлено письмо: {}: {what}", party.ru),
                format!("Хат жіберілді: {}: {what}", party.kk),
                format!("A letter went out: {}: {what}", party.en),
            )
        }
        Event::PartyNotTold { task, what, why, message: _ } => {
            let party = names.party(&task.party);
            say(
                format!("Не сообщено, свяжитесь сами: {}: {what} ({why})", party.ru),
                format!("Хабарланбады, өзіңіз хабарласыңыз: {}: {what} ({why})", party.kk),
                format!("Not told, please call: {}: {what} ({why})", party.en),
            )
        }
        Event::PartyAnswered { task, .. } => {
            with("Ответ письмом", "Хатпен жауап", "Answered by letter", &names.party(&task.party))
        }
        Event::Erased { .. } => {
            say("Личные данные удалены", "Жеке деректер жойылды", "Personal data were erased")
        }
    }
}
