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
    task_title: "Задание", "Тапсырма", "Task";
    task_gone: "Этой ссылки нет, или задание теперь не у вас.", "Мұндай сілтеме жоқ, немесе тапсырма енді сізде емес.", "There is no such link, or the task is not yours any more.";
    task_gone_how: "Ссылка действует, пока задание у вас. Последнее письмо о задании важнее прежних.",
        "Сілтеме тапсырма сізде тұрғанда ғана жарамды. Тапсырма туралы соңғы хат бұрынғыларынан маңызды.",
        "A link is good while the task is yours. The last letter about it counts.";
    task_words: "Что пишут жители", "Тұрғындар не жазады", "What residents write";
    task_point: "Точка", "Нүкте", "Point";
    task_why: "Почему вам", "Неге сізге", "Why it is yours";
    task_accept: "Принять задание", "Тапсырманы қабылдау", "Accept the task";
    task_start: "Работы начаты", "Жұмыс басталды", "Work has begun";
    task_done: "Сообщить о готовности", "Дайын екенін хабарлау", "Report it as done";
    task_done_how: "Приложите фото сделанного или напишите, что сделано. Житель увидит эти слова.",
        "Істелген жұмыстың суретін қосыңыз немесе не істелгенін жазыңыз. Бұл сөздерді тұрғын көреді.",
        "Add a photo of what was done, or write what was done. The resident reads these words.";
    task_explanation: "Что сделано", "Не істелді", "What was done";
    task_refuse: "Отказать с причиной", "Себебін айтып бас тарту", "Give it back with a reason";
    task_reason: "Причина отказа", "Бас тарту себебі", "Why";
    task_reason_how: "Её прочтёт оператор и передаст задание другому.", "Оны оператор оқып, тапсырманы басқаға береді.",
        "The operator reads it and gives the task to somebody else.";
    task_settled: "Спасибо. Больше ничего делать не нужно.", "Рақмет. Енді ештеңе істеудің қажеті жоқ.", "Thank you. There is nothing more to do.";
    task_given_back: "Задание возвращено оператору.", "Тапсырма операторға қайтарылды.", "The task went back to the operator.";
    task_recorded: "Записано.", "Жазылды.", "Recorded.";
    error_reason: "Напишите причину.", "Себебін жазыңыз.", "Write why.";
    error_proof: "Нужно фото или объяснение.", "Сурет немесе түсіндірме керек.", "A photo or an explanation is needed.";
    error_moved: "Пока страница была открыта, задание изменилось. Ниже то, что есть сейчас.",
        "Бет ашық тұрғанда тапсырма өзгерді. Төменде қазіргі күйі.", "The task changed while the page was open. Below is how it stands now.";
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
    error_cut: "Сообщение дошло не целиком. Проверьте поля и отправьте ещё раз, можно без фото.",
        "Хабар толық жетпеді. Өрістерді тексеріп, қайта жіберіңіз; суретсіз де болады.",
        "The message did not arrive whole. Check the fields and send it again; without photos will do.";
    error_slow: "Отправка шла слишком долго и прервана. Отправьте ещё раз: без фото или с фото поменьше.",
        "Жіберу тым ұзаққа созылып, үзілді. Қайта жіберіңіз: суретсіз немесе кішірек суретпен.",
        "Sending took too long and was cut off. Send it again, without photos or with smaller ones.";
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
    later_than: "Поступило позже, с {day}", "{day} күнінен бастап түскені", "Received later, from {day}";
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
    list_any_channel: "любой", "кез келген", "any";
    channel: "Канал", "Арна", "Channel";
    other_channels: "Другие каналы", "Басқа арналар", "Other channels";
    list_where: "Где", "Қайда", "Where";
    closed: "Решено или закрыто", "Шешілген немесе жабылған", "Settled or closed";
    danger: "Опасно", "Қауіпті", "Danger";
    nothing_yet: "Обращений ещё нет", "Әзірге өтініш жоқ", "No appeals yet";
    nothing_yet_note: "Первое появится здесь.", "Біріншісі осында шығады.", "The first one will appear here.";
    received_on: "принято", "қабылданды", "received";
    what_next: "Что дальше", "Әрі қарай не болады", "What is next";
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
    desk_title: "Записать встречу или звонок", "Кездесуді немесе қоңырауды жазу", "Write down a meeting or a call";
    desk_lead: "Для операторов. Каждая строка встречи становится отдельным обращением; номера появятся сразу.",
        "Операторларға арналған. Кездесудің әр жолы — бөлек өтініш; нөмірлері бірден шығады.",
        "For operators. Each line of a meeting becomes an appeal of its own, with its number at once.";
    desk_kind: "Что это было", "Бұл не болды", "What it was";
    desk_meeting: "Встреча: каждая строка — обращение", "Кездесу: әр жол — бөлек өтініш", "A meeting: each line an appeal";
    desk_call: "Звонок: всё вместе — одно обращение", "Қоңырау: бәрі — бір өтініш", "A call: all of it one appeal";
    desk_lines: "Что сказали люди и где", "Адамдар не айтты және қай жерде", "What people said, and where";
    desk_lines_hint: "Одна проблема в строке. После черты — телефон и место: «Яма у школы | 8 701 123 45 67 | Абая 45».",
        "Бір жолда — бір мәселе. Сызықшадан кейін телефон мен орын: «Мектеп жанындағы шұңқыр | 8 701 123 45 67 | Абай 45».",
        "One problem a line. Behind a stroke the phone and the place: «Pothole by the school | 8 701 123 45 67 | Абая 45».";
    desk_call_only: "Для звонка. Точку со встречи пишут в её строке: «Яма | 43.238, 76.889»; фото добавляют к одному звонку.",
        "Қоңырау үшін. Кездесудегі нүкте өз жолына жазылады: «Шұңқыр | 43.238, 76.889»; сурет бір қоңырауға қосылады.",
        "For a call. Of a meeting a point stands in its line: «Pothole | 43.238, 76.889»; photos go with one call.";
    desk_contact: "Кому ответить", "Кімге жауап береміз", "Whom to answer";
    desk_contact_hint: "Телефон или почта; на встрече — для строк, где своего контакта нет.",
        "Телефон немесе пошта; кездесуде — өз байланысы жоқ жолдар үшін.",
        "A phone or mail; of a meeting for those lines that have none of their own.";
    desk_which: "Какая встреча", "Қандай кездесу", "Which meeting";
    desk_which_hint: "Например, «Встреча с жителями у школы № 12». Для звонка не нужно.",
        "Мысалы, «№ 12 мектеп жанында тұрғындармен кездесу». Қоңырау үшін қажет емес.",
        "Such as «Residents' meeting at school 12». Not needed for a call.";
    desk_date: "Когда", "Қашан", "When";
    desk_place: "Где встречались", "Қай жерде кездестік", "Where it was held";
    desk_token: "Ключ оператора", "Оператордың кілті", "Operator's token";
    desk_token_hint: "Начинается с zh_. Нигде не сохраняется.", "zh_ деп басталады. Еш жерде сақталмайды.", "Begins with zh_. It is kept nowhere.";
    desk_send: "Зарегистрировать", "Тіркеу", "Register";
    desk_given: "Зарегистрировано обращений:", "Тіркелген өтініштер саны:", "Appeals registered:";
    desk_another: "Записать ещё", "Тағы жазу", "Write down another";
    desk_line: "Строка", "Жол", "Line";
    desk_error_token: "Этот ключ не подходит: нужен действующий ключ оператора.", "Бұл кілт жарамайды: оператордың қолданыстағы кілті керек.",
        "This token does not fit: a working token of an operator is needed.";
    desk_error_title: "Назовите встречу.", "Кездесуді атаңыз.", "Say which meeting it was.";
    desk_error_date: "Дата не читается: нужна такая, 2026-11-20.", "Күні оқылмайды: мынадай болсын, 2026-11-20.", "The day does not read: write it as 2026-11-20.";
    desk_error_phone: "Такого телефона не бывает: проверьте цифры или укажите почту.", "Мұндай телефон болмайды: цифрларын тексеріңіз немесе поштаны жазыңыз.",
        "No such phone can exist: check its digits, or give a mail address.";
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
    voted_yes: "«да»", "«иә»", "“yes”";
    voted_no: "«нет»", "«жоқ»", "“no”";
    /// «N of M»: both are links.
    corrected_of: "{n} из {m} исправил человек: тему или место.", "Адам түзеткені — {n}, барлығы {m}: тақырыбы немесе орны.",
        "{n} of {m} were corrected by a person: what they are about, or where.";
    corrected: "исправил человек", "адам түзеткен", "corrected by a person";
    list_had: "Что было", "Не болды", "What happened";
    list_any_had: "что угодно", "кез келген", "anything";
    closures: "Сегодня закрыто", "Бүгін жабық", "Closed today";
    closures_title: "Закрытые и суженные улицы", "Жабық және тарылған көшелер", "Streets closed or narrowed";
    closures_none: "По реестру работ сегодня ничего не закрыто.", "Жұмыстар тізілімі бойынша бүгін ештеңе жабылмаған.",
        "By the register of works nothing is closed today.";
    closures_none_more: "По реестру работ с завтрашнего дня ничего нового не закроется.",
        "Жұмыстар тізілімі бойынша ертеңнен бастап жаңадан ештеңе жабылмайды.",
        "By the register of works nothing more closes tomorrow.";
    closures_all: "Все на сегодня и завтра:", "Бүгін мен ертеңгінің бәрі:", "All of today and tomorrow:";
    closures_today: "Сегодня, {day}", "Бүгін, {day}", "Today, {day}";
    closures_tomorrow: "С завтрашнего дня, {day}", "Ертеңнен бастап, {day}", "From tomorrow, {day}";
    closures_note: "Из реестра работ города: строки, по которым движение закрыто или сужено.",
        "Қаланың жұмыстар тізілімінен: қозғалыс жабылған немесе тарылған жолдар.",
        "From the city's register of works: the rows by which traffic is stopped or narrowed.";
    closures_sample: "Пометка «пример»: строка придумана для показа, на улице этого нет.",
        "«Үлгі» белгісі: бұл жол көрсету үшін ойдан шығарылған, көшеде ондай жоқ.",
        "Marked “sample”: the row is invented to show the page, nothing of it is on the street.";
    sample: "пример", "үлгі", "sample";
    closed_until: "до {day}", "{day} күніне дейін", "until {day}";
    detour: "Объезд:", "Айналма жол:", "Detour:";
    all_appeals: "Все обращения", "Барлық өтініштер", "All appeals";
    help: "Помощь", "Көмек", "Help";
    about_title: "Как мы считаем", "Қалай санаймыз", "How we count";
    about_lead: "Что значит каждое число на главной странице, какие сроки идут и чего здесь не показывают.",
        "Басты беттегі әр сан нені білдіреді, қандай мерзімдер жүреді және мұнда не көрсетілмейді.",
        "What each figure of the front page means, which terms run, and what is not shown here.";
    about_figures: "Числа", "Сандар", "Figures";
    about_received: "Всё, что получило номер. Дополнение к своему обращению нового номера не даёт.",
        "Нөмір алған өтініштердің бәрі. Өз өтінішіңізге толықтыру жаңа нөмір алмайды.",
        "All that was given a number. What its author adds later gets no number of its own.";
    about_open: "Кто-то ещё должен действовать: исполнитель, оператор или автор, которого спросили о месте.",
        "Әлі біреу әрекет етуі керек: орындаушы, оператор немесе орны сұралған автор.",
        "Somebody still has to act: the party, an operator, or the author who was asked for the place.";
    about_overdue: "Из открытых те, у которых прошёл хотя бы один срок: исполнения, закона или ограждения опасного места.",
        "Ашықтардың ішінде кемінде бір мерзімі өткендері: орындау, заң немесе қауіпті орынды қоршау мерзімі.",
        "Of the open ones, those with at least one term passed: to act, of the law, or to fence a dangerous place.";
    about_settled: "Никому больше не нужно действовать: сделано, отвечено или закрыто с объяснением. Если открыть снова, обращение вернётся в открытые.",
        "Ешкімнің әрекеті қажет емес: орындалды, жауап берілді немесе түсіндіріліп жабылды. Қайта ашылса, өтініш ашықтарға қайтады.",
        "Nobody has to act any more: done, answered, or closed with an explanation. Opened again, it counts as open again.";
    about_group: "Обращение считается один раз, по главной теме. «{beside}» — то, о чём ещё никто не решил, и то, для чего в отчёте нет группы.",
        "Өтініш негізгі тақырыбы бойынша бір рет саналады. «{beside}» — әлі ешкім шешпегендер және есепте тобы жоқтар.",
        "An appeal counts once, by its main subject. “{beside}” are those nobody has decided on yet, and those without a group in the report.";
    about_share: "Часть обращений тех же каналов, попавших в группы отчёта. «{beside}» в неё не входит.",
        "Сол арналардан есеп топтарына түскен өтініштердің бөлігі. «{beside}» оған кірмейді.",
        "Part of the appeals of the same channels in groups of the report. “{beside}” is left out.";
    about_outcome: "«{answered}» — на главный вопрос ответили, даже если потом открыли снова. «{done}» — исполнитель сообщил, что сделал; после нового открытия — только когда сообщит ещё раз.",
        "«{answered}» — негізгі сұраққа жауап берілген, кейін қайта ашылса да. «{done}» — орындаушы орындағанын хабарлаған; қайта ашылса, тек тағы хабарлағанда.",
        "“{answered}”: the main question was answered, even if it was opened again. “{done}”: the party reported it as done; opened again, only when that is reported again.";
    about_satisfied: "Ответы «да» на вопрос «Исправлено?» от всех обращений группы, а не от тех, кто ответил. Не ответил никто — «не указано».",
        "«Жөнделді ме?» сұрағына «иә» деген жауаптардың топтағы барлық өтініштерге қатынасы, жауап бергендерге ғана емес. Ешкім жауап бермесе — «көрсетілмеген».",
        "Answers “yes” to “Is it fixed?” out of all appeals of the group, not only of those who answered. When nobody did: not stated.";
    about_corrected: "Тему и место из слов сначала понимает программа. Здесь обращения, в которых человек поправил её хотя бы раз.",
        "Сөздерден тақырып пен орынды алдымен бағдарлама түсінеді. Мұнда адам оны кемінде бір рет түзеткен өтініштер.",
        "A program first understands the subject and the place from the words. These are the appeals in which a person put it right at least once.";
    about_district: "Район — по месту из обращения. Если место неясно или за городом, так и написано.",
        "Аудан өтініштегі орын бойынша анықталады. Орны белгісіз немесе қала сыртында болса, солай жазылады.",
        "The district goes by the place in the appeal. Where that is unclear or outside the city, we say so.";
    about_terms: "Два срока", "Екі мерзім", "Two terms";
    about_legal: "В рабочих днях, по закону ({law}); от него зависит право на ответ.",
        "Жұмыс күнімен, заң бойынша ({law}); жауап алу құқығы соған байланысты.",
        "In working days, by law ({law}); the right to an answer hangs on it.";
    about_service: "Цель города, своя для каждой темы, в часах, и днём и ночью. Это обещание службы, не закон.",
        "Қаланың мақсаты, әр тақырып үшін бөлек, сағатпен, күндіз де, түнде де. Бұл — қызметтің уәдесі, заң емес.",
        "The city's own aim, one for each subject, in hours, day and night. It is what the service promises, not the law.";
    about_secure: "Для опасного места — ещё и срок, к которому его нужно оградить.",
        "Қауіпті орын үшін — оны қоршауға берілген мерзім де бар.",
        "A dangerous place also has a time by which it must be fenced.";
    about_rights: "Ваши права и сроки", "Құқықтарыңыз бен мерзімдер", "Your rights and terms";
    about_redirect: "Если вопрос не к нам, его передают кому следует не позже чем через {days} и сразу сообщают вам ({law}).",
        "Мәселе бізге қатысты болмаса, ол тиісті органға {days} ішінде жіберіледі әрі сізге бірден хабарланады ({law}).",
        "If it is for somebody else, it is passed on within {days}, and you are told at once ({law}).";
    about_answer: "Ответ на официальное обращение — не позже чем через {days} ({law}).",
        "Ресми өтінішке жауап {days} ішінде беріледі ({law}).",
        "An official appeal is answered within {days} ({law}).";
    about_extend: "Срок могут продлить не больше чем на {months}, с объяснением; о продлении сообщают не позже чем через {days} ({law}).",
        "Мерзім түсіндірілген себеппен {months} аспайтын уақытқа ұзартылуы мүмкін; бұл туралы {days} ішінде хабарланады ({law}).",
        "The term may be put off by {months} at most, with reasons; you are told within {days} ({law}).";
    about_again: "Не согласны с результатом — ответьте на наше сообщение: дело вернётся к человеку под тем же номером.",
        "Нәтижемен келіспесеңіз, біздің хабарымызға жауап жазыңыз: іс сол нөмірмен адамға қайтады.",
        "If you do not agree with the outcome, answer our message: the case goes back to a person under the same number.";
    about_hidden: "Чего здесь нет", "Мұнда не жоқ", "What is not here";
    about_hidden_what: "Имён, телефонов, почты, слов обращения и ответа, номера дома, точки на карте и снимков.",
        "Аты-жөні, телефон, пошта, өтініш пен жауаптың мәтіні, үй нөмірі, картадағы нүкте және суреттер.",
        "Names, phones, mail, the words of an appeal or an answer, house numbers, points on the map, and photos.";
    about_hidden_why: "Страницу по номеру и списки видит любой, поэтому в них только то, что никого не называет: тема, улица, район, исполнитель, сроки и ход дела.",
        "Нөмір бойынша бетті және тізімдерді кез келген адам көреді, сондықтан оларда ешкімді атамайтын мәлімет қана бар: тақырып, көше, аудан, орындаушы, мерзімдер және істің барысы.",
        "Anyone can see the page of a number and the lists, so they hold only what names nobody: subject, street, district, party, terms and how it goes.";
    next_step: "Дальше", "Әрі қарай", "Next";
    next_desk: "Человек решит, кому это передать", "Кімге жолданатынын адам шешеді", "A person decides whom to send it to";
    next_asked: "Автор напишет, где это", "Автор қай жерде екенін жазады", "Its author says where it is";
    next_accept: "Исполнитель примет и сделает", "Орындаушы қабылдап, орындайды", "The party takes it and acts";
    next_forwarded: "Ответит тот, кому передано", "Жолданған орган жауап береді", "Whoever it was sent to answers";
    next_done: "Исполнитель сделает и сообщит", "Орындаушы орындап, хабарлайды", "The party acts and reports";
    next_word: "Слово автора: исправлено или нет", "Автордың сөзі: жөнделді ме, жоқ па", "Its author's word: fixed or not";
    if_wrong: "Если не так", "Дұрыс болмаса", "If it is wrong";
    rated: "Исправлено?", "Жөнделді ме?", "Is it fixed?";
    rated_yes: "Автор ответил: да", "Автор жауабы: иә", "Its author says: yes";
    rated_no: "Автор ответил: нет", "Автор жауабы: жоқ", "Its author says: no";
    in_time: "успели", "үлгерілді", "in time";
    not_in_time: "опоздали", "кешіктірілді", "too late";
    voices: "Голосов о том же", "Сол туралы дауыс", "Voices about it";
    same_as: "Первое о том же", "Сол туралы біріншісі", "First about the same";
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

/// «After so many working days»: the words after «after».
pub(super) fn working_days(lang: Lang, days: u32) -> String {
    match lang {
        Lang::Ru if is_one(days) => format!("{days}\u{a0}рабочий день"),
        Lang::Ru if matches!(days % 10, 2..=4) && days / 10 % 10 != 1 => format!("{days}\u{a0}рабочих дня"),
        Lang::Ru => format!("{days}\u{a0}рабочих дней"),
        Lang::Kk => format!("{days}\u{a0}жұмыс күні"),
        Lang::En if days == 1 => "1\u{a0}working day".to_owned(),
        Lang::En => format!("{days}\u{a0}working days"),
    }
}

/// «By so many months at most»: the words after «by».
pub(super) fn months(lang: Lang, months: u32) -> String {
    match lang {
        Lang::Ru if is_one(months) => format!("{months}\u{a0}месяц"),
        Lang::Ru if matches!(months % 10, 2..=4) && months / 10 % 10 != 1 => format!("{months}\u{a0}месяца"),
        Lang::Ru => format!("{months}\u{a0}месяцев"),
        Lang::Kk => format!("{months}\u{a0}айдан"),
        Lang::En if months == 1 => "1\u{a0}month".to_owned(),
        Lang::En => format!("{months}\u{a0}months"),
    }
}

/// Whether Russian counts it as one: 1, 21, 101, and not 11.
const fn is_one(n: u32) -> bool {
    n % 10 == 1 && n % 100 != 11
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
    fn days_and_months_are_counted_as_they_are_spoken() {
        let days = |lang, counts: &[u32]| -> Vec<String> {
            counts.iter().map(|n| working_days(lang, *n).replace('\u{a0}', " ")).collect()
        };
        assert_eq!(
            days(Lang::Ru, &[1, 3, 11, 12, 15, 21, 22]),
            [
                "1 рабочий день",
                "3 рабочих дня",
                "11 рабочих дней",
                "12 рабочих дней",
                "15 рабочих дней",
                "21 рабочий день",
                "22 рабочих дня"
            ]
        );
        assert_eq!(days(Lang::Kk, &[3]), ["3 жұмыс күні"]);
        assert_eq!(days(Lang::En, &[1, 3]), ["1 working day", "3 working days"]);
        assert_eq!(
            [1, 2, 5].map(|n| months(Lang::Ru, n)),
            ["1\u{a0}месяц", "2\u{a0}месяца", "5\u{a0}месяцев"]
        );
        assert_eq!(months(Lang::Kk, 2), "2\u{a0}айдан");
        assert_eq!([1, 2].map(|n| months(Lang::En, n)), ["1\u{a0}month", "2\u{a0}months"]);
    }

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
