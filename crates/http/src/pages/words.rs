//! What our own pages say, in three languages. Names of parties, categories and states come from the city.
//!
//! Kazakh wants a native editor.

use chrono::{NaiveTime, Timelike};
use zholdary_city::Lang;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $ru:literal, $kk:literal, $en:literal;)*) => {
        /// The fixed words of a page in one language.
        #[derive(Debug)]
        pub(crate) struct Words { $($(#[$doc])* pub(crate) $name: &'static str,)* }

        const RU: Words = Words { $($name: $ru,)* };
        const KK: Words = Words { $($name: $kk,)* };
        const EN: Words = Words { $($name: $en,)* };
    };
}

impl Words {
    /// The words in a language.
    pub(crate) const fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Ru => &RU,
            Lang::Kk => &KK,
            Lang::En => &EN,
        }
    }
}

words! {
    service: "единое окно обращений о дорогах", "жол туралы өтініштердің бірыңғай терезесі", "single window for road appeals";
    skip: "К содержанию", "Мазмұнға өту", "Skip to content";
    language: "Язык", "Тіл", "Language";
    headline: "Напишите о дороге — мы передадим, проследим и ответим.",
        "Жол туралы жазыңыз — жеткіземіз, қадағалаймыз, жауап береміз.",
        "Write about a road: we pass it on, follow it up and answer.";
    lead: "Яма, люк, двор, свет, снег, новая улица. Номер — сразу, исполнитель и срок — рядом с ним.",
        "Шұңқыр, люк, аула, жарық, қар, жаңа көше. Нөмірі — бірден, орындаушысы мен мерзімі — қасында.",
        "A pothole, a manhole, a yard, light, snow, a new street. The number at once, with who acts and by when.";
    new_appeal: "Новое обращение", "Жаңа өтініш", "New appeal";
    what_and_where: "Что случилось и где", "Не болды және қай жерде", "What happened and where";
    what_hint: "Улица и ближайший перекрёсток или дом. Можно по-казахски или по-русски.",
        "Көше және ең жақын қиылыс немесе үй. Қазақша да, орысша да болады.",
        "The street and the nearest crossing or house, in Kazakh or Russian.";
    contact: "Куда ответить", "Жауапты қайда жіберейік", "Where to answer";
    optional: "— по желанию", "— қалауыңызша", "— if you like";
    contact_hint: "Почта или телефон; их видит только оператор. По номеру виден ход дела, слова ответа — нет.",
        "Пошта немесе телефон; оны тек оператор көреді. Нөмір бойынша істің барысы көрінеді, жауаптың мәтіні көрінбейді.",
        "Mail or phone, seen by the operator only. The number shows how it goes, not the words of the answer.";
    photos: "Фото", "Фото", "Photos";
    photos_hint: "до {n}, каждое до {mb} МБ: JPEG, PNG, WebP, HEIC", "{n} суретке дейін, әрқайсысы {mb} МБ-тан аспасын: JPEG, PNG, WebP, HEIC",
        "up to {n}, {mb} MB each: JPEG, PNG, WebP, HEIC";
    photos_how: "Фото видят только оператор и исполнитель.", "Суретті тек оператор мен орындаушы көреді.",
        "Only the operator and the party see the photos.";
    photos_kept: "Уже загружено; снимите отметку, чтобы не отправлять:", "Жүктеліп қойған; жібермеу үшін белгіні алып тастаңыз:",
        "Uploaded already; clear the mark not to send it:";
    photos_again: "Остальные фото нужно выбрать ещё раз.", "Қалған суреттерді қайта таңдау керек.",
        "The other photos have to be chosen again.";
    photos_all_again: "Фото нужно выбрать ещё раз.", "Суреттерді қайта таңдау керек.", "The photos have to be chosen again.";
    error_photos_many: "Фото слишком много: можно не больше {n}.", "Сурет тым көп: {n} суреттен аспауы керек.",
        "Too many photos: {n} at most.";
    error_photo_large: "Фото слишком большое: можно до {mb} МБ.", "Сурет тым үлкен: {mb} МБ-тан аспауы керек.",
        "A photo is too large: {mb} MB at most.";
    error_photo_kind: "Этот файл — не фото. Подойдут JPEG, PNG, WebP и HEIC.",
        "Бұл файл сурет емес. JPEG, PNG, WebP және HEIC жарайды.",
        "This file is no photo. JPEG, PNG, WebP and HEIC are taken.";
    point: "Точка на карте", "Картадағы нүкте", "Point on the map";
    point_hint: "или улица и дом — выше", "немесе жоғарыда көше мен үй", "or the street and the house above";
    point_how: "Координаты или ссылка из 2ГИС, Google, Яндекса или OpenStreetMap. Точку видят только оператор и исполнитель.",
        "Координаттар немесе 2ГИС, Google, Яндекс не OpenStreetMap сілтемесі. Нүктені тек оператор мен орындаушы көреді.",
        "Coordinates, or a link from 2GIS, Google, Yandex or OpenStreetMap. Only the operator and the party see the point.";
    locate: "Моё место", "Менің орным", "My place";
    locating: "Определяем…", "Анықтап жатырмыз…", "Looking…";
    not_located: "Телефон не сказал, где вы. Вставьте координаты или напишите улицу.",
        "Телефон қайда екеніңізді айтпады. Координаттарды қойыңыз немесе көшені жазыңыз.",
        "Your device did not tell where you are. Paste the coordinates or write the street.";
    error_point: "Это не координаты и не ссылка на карту. Пример: 43.238, 76.889.",
        "Бұл координаттар да, карта сілтемесі де емес. Мысалы: 43.238, 76.889.",
        "These are neither coordinates nor a link of a map. For example: 43.238, 76.889.";
    error_point_none: "В ссылке нет точки. Отметьте место на карте и скопируйте ссылку ещё раз или вставьте координаты.",
        "Сілтемеде нүкте жоқ. Картада орынды белгілеп, сілтемені қайта көшіріңіз немесе координаттарды қойыңыз.",
        "The link names no point. Choose the place on the map and copy the link again, or paste the coordinates.";
    error_point_short: "Короткая ссылка не говорит, где это. Откройте её и скопируйте полную или вставьте координаты.",
        "Қысқа сілтеме орынды айтпайды. Оны ашып, толық сілтемені көшіріңіз немесе координаттарды қойыңыз.",
        "A shortened link does not tell the place. Open it and copy the whole one, or paste the coordinates.";
    error_point_impossible: "Таких координат нет: широта от −90 до 90, долгота от −180 до 180.",
        "Мұндай координаттар жоқ: ендік −90 мен 90, бойлық −180 мен 180 аралығында.",
        "There are no such coordinates: latitude is −90 to 90, longitude −180 to 180.";
    error_point_swapped: "Широта и долгота перепутаны местами: сначала широта, например 43.238, 76.889.",
        "Ендік пен бойлықтың орны ауысып кеткен: алдымен ендік, мысалы 43.238, 76.889.",
        "Latitude and longitude are swapped: latitude comes first, like 43.238, 76.889.";
    error_point_far: "Эта точка далеко от города. Проверьте её или оставьте поле пустым и напишите место словами.",
        "Бұл нүкте қаладан алыс. Оны тексеріңіз немесе өрісті бос қалдырып, орынды сөзбен жазыңыз.",
        "This point is far from the city. Check it, or leave the field empty and say the place in words.";
    send: "Отправить и получить номер", "Жіберу және нөмір алу", "Send and get a number";
    check_title: "Что с моим обращением?", "Өтінішім қандай күйде?", "What about my appeal?";
    number: "Номер обращения", "Өтініш нөмірі", "Number of the appeal";
    check: "Проверить", "Тексеру", "Check";
    danger_title: "Открытый люк, провал, оборванный провод?", "Ашық люк, опырылған жол, үзілген сым?",
        "An open manhole, a collapse, a broken wire?";
    danger_text: "Опасно для жизни —", "Өмірге қауіпті болса —", "Danger to life:";
    danger_also: "Напишите и нам: такое уходит исполнителю первым, днём и ночью.",
        "Бізге де жазыңыз: ол орындаушыға бірінші болып жетеді, күндіз де, түнде де.",
        "Write to us too: it goes to the party first, day and night.";
    figures: "Честно о нас", "Біз туралы ашық", "Honest figures";
    as_of: "состояние на", "", "as of";
    /// What stands behind the day.
    as_of_after: "", "жағдайы бойынша", "";
    received_total: "обращений принято", "өтініш қабылданды", "appeals received";
    received_note: "у каждого есть номер", "әрқайсысының нөмірі бар", "each has a number";
    open_now: "открыто сейчас", "қазір ашық", "open now";
    open_note: "ещё не сделано и не отвечено", "әлі орындалмаған және жауап берілмеген", "neither done nor answered yet";
    overdue_now: "просрочено сейчас", "қазір мерзімі өткен", "overdue now";
    overdue_note: "из открытых", "ашықтардың ішінде", "of the open ones";
    done_total: "решено или закрыто", "шешілді немесе жабылды", "settled or closed";
    report: "О чём пишут и что сделано", "Не туралы жазады және не істелді", "What people write about and what was done";
    report_note: "Довольны — доля «да» среди обращений группы. Где никого не спросили, мы так и пишем: не указано.",
        "Риза — топтағы «иә» деген өтініштердің үлесі. Ешкімнен сұралмаса, солай жазамыз: көрсетілмеген.",
        "Satisfied is the share of «yes» among the group's appeals. Where nobody was asked, we say so: not stated.";
    group: "О чём", "Не туралы", "About";
    count: "Обращений", "Өтініш", "Appeals";
    share: "Доля", "Үлесі", "Share";
    what_was_done: "Что сделано", "Не істелді", "What was done";
    answered: "ответ дан", "жауап берілді", "answered";
    done: "сделано", "орындалды", "done";
    satisfied: "Довольны", "Риза", "Satisfied";
    beside: "Прочее и ещё не решённое", "Басқа және әлі шешілмегені", "Others, and not decided yet";
    all_groups: "Всего", "Барлығы", "In all";
    not_stated: "не указано", "көрсетілмеген", "not stated";
    map: "Открытые обращения по районам", "Аудандар бойынша ашық өтініштер", "Open appeals by district";
    map_note: "Те же числа — в таблице рядом.", "Сол сандар қасындағы кестеде.", "The table beside it has the same figures.";
    borders: "Границы: © участники OpenStreetMap, ODbL", "Шекаралар: © OpenStreetMap қатысушылары, ODbL",
        "Borders: © OpenStreetMap contributors, ODbL";
    district: "Район", "Аудан", "District";
    open: "Открыто", "Ашық", "Open";
    overdue: "Просрочено", "Мерзімі өткен", "Overdue";
    list: "Обращения", "Өтініштер", "Appeals";
    list_none: "Таких обращений нет", "Мұндай өтініштер жоқ", "There are no such appeals";
    list_next: "Раньше принятые", "Бұрын қабылданғандары", "Received earlier";
    list_filter: "Показать", "Көрсету", "Show";
    list_state: "Состояние", "Күйі", "State";
    list_any: "любое", "кез келген", "any";
    list_any_district: "любой", "кез келген", "any";
    list_where: "Где", "Қайда", "Where";
    closed: "Решено или закрыто", "Шешілген немесе жабылған", "Settled or closed";
    danger: "Опасно", "Қауіпті", "Danger";
    nothing_yet: "Обращений ещё нет", "Әзірге өтініш жоқ", "No appeals yet";
    nothing_yet_note: "Первое появится здесь.", "Біріншісі осында шығады.", "The first one will appear here.";
    received_on: "принято", "қабылданды", "received";
    what_next: "Что известно", "Не белгілі", "What is known";
    now: "Сейчас", "Қазір", "Now";
    who_acts: "Исполнитель", "Орындаушы", "Party";
    about: "О чём", "Не туралы", "About";
    legal_term: "Срок по закону", "Заң бойынша мерзім", "Legal term";
    secure_term: "Оградить место", "Орынды қоршау", "Fence the place";
    service_term: "Срок исполнения", "Орындау мерзімі", "Time to act";
    until: "до {day}", "{day}", "by {day}";
    late: "срок прошёл", "мерзімі өтті", "overdue";
    history: "Как это было", "Қалай болды", "How it went";
    kind: "Вид", "Түрі", "Kind";
    official: "Официальное обращение по закону", "Заң бойынша ресми өтініш", "An official appeal under the law";
    by_number_note: "Эту страницу видит любой, кто знает номер: здесь нет имени, телефона, слов и точного адреса.",
        "Бұл бетті нөмірді білетін кез келген адам көреді: мұнда аты-жөні, телефоны, сөзі мен нақты мекенжайы жоқ.",
        "Anyone who knows the number sees this page: no name, phone, words or exact address are here.";
    just_registered: "Принято. Запишите номер: по нему видно, что происходит.",
        "Қабылданды. Нөмірді жазып алыңыз: сол арқылы не болып жатқаны көрінеді.",
        "Received. Keep the number: it shows what happens.";
    no_such_page: "Такой страницы нет", "Мұндай бет жоқ", "There is no such page";
    no_such_number: "Такого номера нет", "Мұндай нөмір жоқ", "There is no such number";
    number_looks: "Номер выглядит так:", "Нөмір мынадай болады:", "A number looks like this:";
    number_where: "Он в первом ответе на ваше сообщение.", "Ол хабарыңызға берілген бірінші жауапта.",
        "It is in the first answer to your message.";
    waiting_title: "Принято, номер готовится", "Қабылданды, нөмір дайындалуда", "Received, the number is on its way";
    waiting_text: "Сообщение сохранено. Откройте эту страницу ещё раз через несколько секунд.",
        "Хабар сақталды. Бірнеше секундтан кейін осы бетті қайта ашыңыз.",
        "The message is kept. Open this page again in a few seconds.";
    refresh: "Показать номер", "Нөмірді көрсету", "Show the number";
    no_such_message: "О таком сообщении ничего не известно", "Мұндай хабар туралы ештеңе белгілі емес",
        "Nothing is known of such a message";
    looked_at: "Сообщение прочтёт человек", "Хабарды адам оқиды", "A person will read the message";
    late_title: "Принято, но номер задерживается", "Қабылданды, бірақ нөмір кешігуде", "Received, but the number is late";
    late_text: "Сообщение сохранено, дежурные увидят задержку. При опасности звоните 112.",
        "Хабар сақталды, кезекшілер кідірісті көреді. Қауіп болса, 112-ге қоңырау шалыңыз.",
        "The message is kept, and those on duty see the delay. In danger call 112.";
    nothing_said: "В сообщении нет слов", "Хабарда сөз жоқ", "The message has no words";
    home: "На главную", "Басты бетке", "To the front page";
    error_empty: "Напишите, что случилось и где.", "Не болғанын және қай жерде екенін жазыңыз.",
        "Write what happened and where.";
    error_long: "Слишком длинно: сократите текст.", "Тым ұзын: мәтінді қысқартыңыз.", "Too long: shorten the text.";
    error_contact: "Контакт слишком длинный: нужна почта или телефон.",
        "Байланыс тым ұзын: пошта немесе телефон керек.", "The contact is too long: mail or phone is needed.";
    error_title: "Не получилось принять", "Қабылдау мүмкін болмады", "It could not be received";
    error_later: "Сейчас не удаётся сохранить сообщение. Попробуйте через минуту; при опасности звоните 112.",
        "Қазір хабарды сақтау мүмкін емес. Бір минуттан кейін қайталаңыз; қауіп болса, 112-ге қоңырау шалыңыз.",
        "The message cannot be kept right now. Try again in a minute; in danger call 112.";
    error_unknown: "Неясно, сохранилось ли сообщение. Отправьте ещё раз: дважды оно не запишется. При опасности звоните 112.",
        "Хабардың сақталғаны белгісіз. Қайта жіберіңіз: ол екі рет жазылмайды. Қауіп болса, 112-ге қоңырау шалыңыз.",
        "It is not known whether the message was kept. Send it again: it will not be recorded twice. In danger call 112.";
    error_reused: "С этой страницы уже отправлено другое сообщение. Если это новое, отправьте его ещё раз.",
        "Бұл беттен басқа хабар жіберіліп қойған. Егер бұл жаңа хабар болса, оны қайта жіберіңіз.",
        "Something else was already sent from this page. If this is new, send it again.";
    who_speaks: "Кто говорит", "Кім айтып тұр", "Who speaks";
    who_speaks_text: "На этих страницах нет имён, телефонов, точных адресов домов и лиц.",
        "Бұл беттерде аты-жөні, телефон, үйдің нақты мекенжайы және адам беті жоқ.",
        "These pages show no names, phones, exact addresses or faces.";
    data: "Данные", "Деректер", "Data";
    data_report: "Эти числа в JSON", "Осы сандар JSON түрінде", "These figures as JSON";
    data_api: "Описание API", "API сипаттамасы", "API description";
}

/// «By this day and time».
pub(super) fn until_time(lang: Lang, day: &str, time: NaiveTime) -> String {
    let shown = time.format("%H:%M");
    match lang {
        Lang::Ru => format!("до {day} {shown}"),
        Lang::Kk => format!("{day} күні сағат {shown}-{} дейін", kk_dative(time)),
        Lang::En => format!("by {day} {shown}"),
    }
}

/// The Kazakh dative of a time of day follows the last number that is spoken: of «14:00» the hour (он төртке), of «14:30» the
/// minutes (отызға).
fn kk_dative(time: NaiveTime) -> &'static str {
    let spoken = if time.minute() == 0 { time.hour() } else { time.minute() };
    match (spoken / 10, spoken % 10) {
        // қырық
        (4, 0) => "қа",
        // үш, төрт, бес
        (_, 3..=5) => "ке",
        // алты, тоғыз; он, жиырма, отыз
        (_, 6 | 9) | (1..=3, 0) => "ға",
        // нөл, бір, екі, жеті, сегіз, елу
        _ => "ге",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_said_as_it_is_spoken() {
        let cases = [
            ("00:00", "ге"), // нөлге
            ("01:00", "ге"), // бірге
            ("02:00", "ге"), // екіге
            ("03:00", "ке"), // үшке
            ("04:00", "ке"), // төртке
            ("05:00", "ке"), // беске
            ("06:00", "ға"), // алтыға
            ("07:00", "ге"), // жетіге
            ("08:00", "ге"), // сегізге
            ("09:00", "ға"), // тоғызға
            ("10:00", "ға"), // онға
            ("14:00", "ке"), // он төртке
            ("18:00", "ге"), // он сегізге
            ("19:00", "ға"), // он тоғызға
            ("20:00", "ға"), // жиырмаға
            ("23:00", "ке"), // жиырма үшке
            ("14:05", "ке"), // беске
            ("14:10", "ға"), // онға
            ("14:20", "ға"), // жиырмаға
            ("14:30", "ға"), // отызға
            ("14:40", "қа"), // қырыққа
            ("14:50", "ге"), // елуге
            ("23:59", "ға"), // елу тоғызға
        ];
        for (time, suffix) in cases {
            let at = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
            let said = format!("27.11.2026 күні сағат {time}-{suffix} дейін");
            assert_eq!(until_time(Lang::Kk, "27.11.2026", at), said);
        }
        let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
        assert_eq!(until_time(Lang::Ru, "27.11.2026", noon), "до 27.11.2026 12:00");
        assert_eq!(until_time(Lang::En, "27.11.2026", noon), "by 27.11.2026 12:00");
    }
}
