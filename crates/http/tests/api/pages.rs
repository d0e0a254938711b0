//! The public page, without script.

use axum::{body::Body, http::Method};

use crate::town::{Answer, Town, request};

async fn send(town: &Town, form: &str) -> Answer {
    let label = "application/x-www-form-urlencoded";
    let post = request(Method::POST, "", "/").header("content-type", label);
    town.ask(post.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn the_form_registers_and_the_number_tells_the_rest() {
    let mut town = Town::start().await;
    let empty = town.get("", "/?lang=ru").await.expect(200).text();
    assert!(empty.contains("<form class=\"card ask\"") && empty.contains("Обращений ещё нет"));
    let key = empty.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let text = "%D0%AF%D0%BC%D0%B0+%D0%BD%D0%B0+%D0%90%D0%B1%D0%B0%D1%8F"; // «Яма на Абая»
    let form = format!("key={key}&lang=ru&text={text}&contact=%2B77010000001");
    let sent = send(&town, &form).await.expect(303);
    assert_eq!(sent.header("location"), Some("/appeals/Z-2026-000001?lang=ru&new=1"));
    // Pressed twice, it is one appeal.
    assert_eq!(send(&town, &form).await.expect(303).header("location"), sent.header("location"));
    town.settle().await;

    let page = town.get("", "/appeals/Z-2026-000001?lang=ru&new=1").await.expect(200).text();
    assert!(page.contains("<span class=\"plate big\">Z-2026-000001</span>"), "{page}");
    assert!(page.contains("Запишите номер") && page.contains("20.11.2026"), "{page}");
    assert!(!page.contains("7701"), "nothing of the resident is on it");
    let home = town.get("", "/?lang=kk").await.expect(200).text();
    assert!(home.contains("lang=\"kk\"") && home.contains("көрсетілмеген"), "{home}");
    let check = town.get("", "/appeals?number=%D0%97-2026-000001&lang=en").await.expect(303);
    assert_eq!(check.header("location"), Some("/appeals/Z-2026-000001?lang=en"));
    let english = town.get("", "/appeals/Z-2026-000001?lang=en").await.expect(200).text();
    assert!(english.contains("How it went") && !english.contains("<dt></dt>"));
    assert!(home.contains("</time> жағдайы бойынша"), "{home}");
}

#[tokio::test]
async fn what_went_wrong_stands_beside_the_form_and_the_text_is_kept() {
    let town = Town::asleep().await;
    let refused = send(&town, "lang=ru&text=+&contact=a%40b.kz").await.expect(422).text();
    assert!(refused.contains("Напишите, что случилось и где.") && refused.contains("a@b.kz"), "{refused}");
    let escaped = send(&town, "lang=en&text=%3Cscript%3Ealert(1)%3C%2Fscript%3E&contact=+%00").await;
    let escaped = escaped.expect(422).text();
    assert!(!escaped.contains("<script>") && escaped.contains("&#60;script&#62;alert(1)"), "{escaped}");
    for (form, field) in [("text=+", "text"), ("text=pothole&contact=%00", "contact")] {
        let page = send(&town, &format!("lang=en&{form}")).await.expect(422).text();
        let described = format!("aria-describedby=\"{field}-hint {field}-error\" aria-invalid=\"true\"");
        assert!(page.contains(&described) && page.contains(&format!("id=\"{field}-error\"")), "{page}");
    }
    let label = request(Method::POST, "", "/")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(town.ask(label).await.expect(422).code(), "bad-field");
}

#[tokio::test]
async fn a_point_is_taken_as_it_was_pasted_or_told_what_is_wrong_with_it() {
    let mut town = Town::start().await;
    let operator = town.token(zholdary_domain::access::Role::Operator).await;
    let form = |point: &str| {
        let fields = [("lang", "en"), ("text", "Яма"), ("point", point)];
        let pairs = fields.map(|(name, value)| format!("{name}={}", percent(value)));
        pairs.join("&")
    };
    for pasted in ["43.238, 76.889", "https://2gis.kz/almaty/geo/1/76.889,43.238", "43.6 77.0"] {
        let sent = send(&town, &form(pasted)).await.expect(303);
        town.settle().await;
        let number =
            sent.header("location").unwrap()["/appeals/".len()..].split('?').next().unwrap().to_owned();
        let seen = town.get(&operator, &format!("/api/v1/appeals/{number}")).await.expect(200).json();
        let point = &seen["thread"][0]["point"];
        let lat = if pasted.starts_with("43.6") { 43.6 } else { 43.238 };
        assert_eq!(point["lat"], lat, "{pasted}: {seen}");
        let page = town.get("", &format!("/appeals/{number}")).await.expect(200).text();
        assert!(!page.contains("76.889") && !page.contains("43.238"), "a point is nobody else's to see");
    }
    for (pasted, says) in [
        ("Абая 10", "neither coordinates"),
        ("https://2gis.kz/almaty", "names no point"),
        ("https://go.2gis.com/abcde", "shortened link"),
        ("91.5, 200.5", "no such coordinates"),
        ("76.889, 43.238", "are swapped"),
        ("51.13, 71.43", "far from the city"),
        ("<b>\"", "neither coordinates"),
    ] {
        let page = send(&town, &form(pasted)).await.expect(422).text();
        let beside = page.split("id=\"point-error\">").nth(1).unwrap_or_default().split('<').next().unwrap();
        assert!(beside.contains(says), "{pasted}: {page}");
        assert!(page.contains("aria-describedby=\"point-hint point-error\" aria-invalid=\"true\""));
        assert!(page.contains(">Яма</textarea>") && !page.contains("<b>\""), "what was written is kept");
    }
}

#[tokio::test]
async fn the_button_that_finds_where_one_stands_is_a_script_of_ours() {
    let town = Town::asleep().await;
    let home = town.get("", "/?lang=ru").await.expect(200);
    let policy = home.header("permissions-policy").unwrap().to_owned();
    assert!(policy.contains("geolocation=(self)"), "{policy}");
    assert!(home.header("content-security-policy").unwrap().contains("default-src 'self'"));
    let home = home.text();
    assert!(!home.contains("<button type=\"button\""), "without script there is no button");
    let script = home.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = town.get("", script).await.expect(200);
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(script.header("permissions-policy"), Some("camera=(), microphone=(), geolocation=()"));
    assert!(script.text().contains("getCurrentPosition"));
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn key_of(page: &str) -> String {
    page.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn after_an_unknown_outcome_the_form_sent_again_is_one_message() {
    let town = Town::asleep().await;
    let before = town.log.head().await.unwrap().0;
    let form = |key: &str, text: &str| format!("key={key}&lang=ru&text={text}&contact=");
    for key in ["5f0c7a52-6b0e-4f0e-9d43-0c1f6f2f8a11", ""] {
        let before = town.log.head().await.unwrap().0;
        town.faulty.lose_answers(1000);
        let unknown = send(&town, &form(key, "%D0%AF%D0%BC%D0%B0")).await.expect(503).text();
        town.faulty.lose_answers(0);
        assert!(unknown.contains("Неясно, сохранилось ли"), "{unknown}");
        send(&town, &form(&key_of(&unknown), "%D0%AF%D0%BC%D0%B0")).await.expect(303);
        assert_eq!(town.log.head().await.unwrap().0, before + 1, "two messages after {key:?}");
    }
    assert_eq!(town.log.head().await.unwrap().0, before + 2);
}

#[tokio::test]
async fn a_form_that_takes_too_long_is_shown_again_with_its_key() {
    let set = |config: &mut zholdary_http::Config| {
        (config.request_timeout_ms, config.place_wait_ms) = (6_000, 60_000);
    };
    let town = Town::with(set, false).await;
    let before = town.log.head().await.unwrap().0;
    let form = "key=5f0c7a526b0e4f0e9d430c1f6f2f8a11&lang=ru&text=%D0%AF%D0%BC%D0%B0";
    for _ in 0..2 {
        let page = send(&town, form).await.expect(503);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
        assert!(page.text().contains("Неясно, сохранилось ли") && page.text().contains("Яма"));
        assert_eq!(key_of(&page.text()), "5f0c7a526b0e4f0e9d430c1f6f2f8a11");
    }
    assert_eq!(town.log.head().await.unwrap().0, before + 1);
}

#[tokio::test]
async fn other_words_under_a_key_that_was_used_get_a_new_key() {
    let town = Town::asleep().await;
    let key = "5f0c7a526b0e4f0e9d430c1f6f2f8a11";
    send(&town, &format!("key={key}&lang=en&text=pothole")).await.expect(303);
    let other = send(&town, &format!("key={key}&lang=en&text=manhole")).await.expect(422).text();
    assert!(other.contains("Something else was already sent") && other.contains("manhole"), "{other}");
    assert_ne!(key_of(&other), key);
    send(&town, &format!("key={}&lang=en&text=manhole", key_of(&other))).await.expect(303);
    // What only has to be put right keeps its key.
    let empty = send(&town, &format!("key={key}&lang=en&text=+")).await.expect(422).text();
    assert_eq!(key_of(&empty), key);
}

#[tokio::test]
async fn the_page_by_number_shows_what_the_form_says_it_does() {
    let mut town = Town::start().await;
    let operator = town.token(zholdary_domain::access::Role::Operator).await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    let body = serde_json::json!({ "text": "Яму засыпали в среду" });
    town.post(&operator, &format!("/api/v1/appeals/{number}/answer"), &body).await.expect(202);
    town.settle().await;
    let page = town.get("", &format!("/appeals/{number}?lang=ru")).await.expect(200).text();
    assert!(page.contains("Дан ответ") && !page.contains("Яму засыпали"), "{page}");
    for (lang, said) in [
        ("ru", "виден ход дела, слова ответа — нет"),
        ("kk", "істің барысы көрінеді, жауаптың мәтіні көрінбейді"),
        ("en", "shows how it goes, not the words of the answer"),
    ] {
        let home = town.get("", &format!("/?lang={lang}")).await.expect(200).text();
        assert!(home.contains(said), "{home}");
    }
}

#[tokio::test]
async fn while_nobody_works_the_page_says_that_the_number_is_on_its_way() {
    let mut town = Town::asleep().await;
    let sent = send(&town, "lang=ru&text=%D1%8F%D0%BC%D0%B0").await.expect(303);
    let waiting = sent.header("location").unwrap().to_owned();
    assert!(waiting.starts_with("/?lang=ru&message="), "{waiting}");
    town.settle().await;
    assert!(town.get("", &waiting).await.expect(200).text().contains("номер готовится"));
}

#[tokio::test]
async fn a_number_that_is_late_is_not_promised_for_ever() {
    let mut town = Town::asleep().await;
    let sent = send(&town, "lang=ru&text=%D1%8F%D0%BC%D0%B0").await.expect(303);
    let waiting = sent.header("location").unwrap().to_owned();
    town.clock.pass(3600);
    town.settle().await;
    let late = town.get("", &waiting).await.expect(200).text();
    assert!(!late.contains("номер готовится") && late.contains("номер задерживается"), "{late}");
}

#[tokio::test]
async fn a_message_without_words_is_answered_as_what_it_is() {
    let mut town = Town::start().await;
    for (lang, said) in [("ru", "В сообщении нет слов"), ("kk", "Хабарда сөз жоқ"), ("en", "no words")]
    {
        // «👍», as a page filled from elsewhere may send it.
        let sent = send(&town, &format!("lang={lang}&text=%F0%9F%91%8D")).await.expect(303);
        let place = sent.header("location").unwrap().to_owned();
        town.settle().await;
        let page = town.get("", &place).await.expect(200).text();
        assert!(
            page.contains(said) && page.contains(&format!("class=\"btn main\" href=\"/?lang={lang}\"")),
            "{page}"
        );
        assert!(!page.contains("Сообщение прочтёт человек"), "{page}");
    }
}

#[tokio::test]
async fn what_is_kept_for_a_person_promises_no_number() {
    let town = Town::asleep().await;
    let page = town.get("", "/?lang=ru&kept=1").await.expect(200).text();
    assert!(page.contains("Сообщение прочтёт человек") && !page.contains("номер готовится"), "{page}");
}

#[tokio::test]
async fn of_an_unknown_message_nothing_is_promised() {
    let town = Town::asleep().await;
    for (lang, said) in
        [("ru", "ничего не известно"), ("kk", "ештеңе белгілі емес"), ("en", "Nothing is known")]
    {
        let path = format!("/?lang={lang}&message={}", "0".repeat(32));
        let page = town.get("", &path).await.expect(404).text();
        assert!(page.contains(said) && !page.contains("Сообщение прочтёт человек"), "{page}");
    }
}

#[tokio::test]
async fn pages_pass_over_what_links_pick_up_and_speak_of_the_present_alone() {
    let town = Town::asleep().await;
    for (path, status) in
        [("/?lang=ru", 200), ("/appeals?number=Z-2026-000001", 303), ("/appeals/Z-2026-000001?new=1", 404)]
    {
        town.get("", &format!("{path}&utm_source=wa&fbclid=1&from=chat")).await.expect(status);
        let refused = town.get("", &format!("{path}&as_of=5")).await.expect(400);
        assert_eq!(
            (refused.code().as_str(), &refused.json()["field"]),
            ("bad-query", &"as_of".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_unknown_number_is_a_page_that_helps() {
    let town = Town::asleep().await;
    for path in
        ["/appeals/Z-2026-999999?lang=ru", "/appeals?number=%D1%8F%D0%BC%D0%B0&lang=ru", "/appeals/x?lang=ru"]
    {
        let page = town.get("", path).await.expect(404);
        assert!(page.text().contains("Такого номера нет") && page.text().contains("Z-2026-000401"), "{path}");
    }
}

#[tokio::test]
async fn where_nothing_is_people_see_a_page_and_programs_a_problem() {
    let town = Town::asleep().await;
    for (accept, is_page) in [
        (Some("text/html,application/xhtml+xml,*/*;q=0.8"), true),
        (Some("application/json"), false),
        (None, false),
    ] {
        let mut asked = request(Method::GET, "", "/desk/nowhere");
        if let Some(accept) = accept {
            asked = asked.header("accept", accept).header("accept-language", "kk");
        }
        let answer = town.ask(asked.body(Body::empty()).unwrap()).await.expect(404);
        assert_eq!(answer.text().contains("Мұндай бет жоқ"), is_page, "{accept:?}");
        assert_eq!(answer.text().contains("\"code\":\"not-found\""), !is_page, "{accept:?}");
    }
}

#[tokio::test]
async fn pages_hold_nothing_inline() {
    let mut town = Town::start().await;
    town.file("Яма на Абая").await;
    for path in ["/", "/appeals/Z-2026-000001", "/appeals/Z-2026-000009"] {
        // A file of ours is no script within the page.
        let page = town.get("", path).await.text().replace("<script src=\"/assets/", "");
        for inline in ["<script", "<style", " style=", " onclick=", "http://", "//"] {
            assert!(!page.contains(inline), "{path} holds {inline}");
        }
        assert!(page.contains("<html lang=\""));
        let style =
            page.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let css = town.get("", &style).await.expect(200);
        assert_eq!(css.header("content-type"), Some("text/css; charset=utf-8"));
        let tag = css.header("etag").unwrap();
        let again =
            request(Method::GET, "", &style).header("if-none-match", tag).body(Body::empty()).unwrap();
        town.ask(again).await.expect(304);
    }
}
