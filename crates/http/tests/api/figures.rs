//! What the pages say beside the form: figures and the lists behind them, closures, what is next.

use axum::{body::Body, http::Method};
use serde_json::json;
use zholdary_domain::access::Role;

use crate::town::{PARTY, Town, request};

/// Appeals about much, in many states; more of them than a page of a list holds.
async fn much() -> Town {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let party = town.token(Role::Party).await;
    let mut numbers = vec![];
    for text in [
        "Яма на Тимирязева — Манаса, правый ряд",
        "Открытый люк на Абая — Розыбакиева",
        "Когда отремонтируют дорогу на Навои?",
        "Во дворе дома разбит асфальт, микрорайон Орбита-1",
        "Постройте тротуар на улице Жандосова",
        "Прорвало трубу, вода течёт по дороге на Абая — Розыбакиева",
    ] {
        numbers.push(town.file(text).await);
    }
    let act = async |token: &str, number: &str, deed: &str, body: serde_json::Value| {
        let path = format!("/api/v1/appeals/{number}/{deed}");
        town.post(token, &path, &body).await.expect(202);
    };
    let reason = "так видно на снимке";
    act(&operator, &numbers[0], "correct", json!({ "category": "manhole_open", "reason": reason })).await;
    act(&operator, &numbers[0], "redirect", json!({ "to": PARTY, "reason": reason })).await;
    act(&party, &numbers[0], "accept", json!({})).await;
    act(&party, &numbers[0], "done", json!({ "explanation": "засыпали" })).await;
    act(&operator, &numbers[0], "rate", json!({ "fixed": true })).await;
    act(&operator, &numbers[2], "answer", json!({ "text": "В следующем году" })).await;
    for n in 0..56 {
        let body = json!({ "text": format!("Яма на Абая — Розыбакиева, {n}") });
        town.post("", "/api/v1/appeals", &body).await.expect(202);
    }
    town.settle().await;
    // Long enough for every term of the city's own to pass.
    town.clock.pass(90 * 24 * 3600);
    town.settle().await;
    town
}

/// Links of a page as address and what stands in them, tags taken out.
fn links(page: &str) -> Vec<(String, String)> {
    let mut found = vec![];
    for piece in page.split("<a ").skip(1) {
        let (tag, rest) = piece.split_once('>').unwrap();
        let said = rest.split_once("</a>").unwrap().0;
        let said: String =
            said.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
        let href = tag.split_once("href=\"").unwrap().1.split('"').next().unwrap();
        found.push((href.replace("&#38;", "&").replace("&amp;", "&"), said));
    }
    found
}

fn figure(text: &str) -> Option<usize> {
    text.replace('\u{202f}', "").parse().ok()
}

/// How many rows a list has, all its pages together.
async fn rows(town: &Town, address: &str) -> usize {
    let (mut address, mut rows) = (address.to_owned(), 0);
    loop {
        let page = town.get("", &address).await.expect(200).text();
        rows += page.matches("<th scope=\"row\">").count();
        let Some(onwards) = page.split("class=\"btn\" href=\"").nth(1) else { return rows };
        let onwards = onwards.split('"').next().unwrap().replace("&#38;", "&");
        assert_ne!(onwards, address, "a list that does not end");
        address = onwards;
    }
}

#[tokio::test]
async fn every_figure_of_the_page_opens_a_list_of_as_many() {
    let town = much().await;
    for lang in ["ru", "kk", "en"] {
        let page = town.get("", &format!("/?lang={lang}")).await.expect(200).text();
        let links = links(&page);
        let figures: Vec<_> = links
            .iter()
            .filter(|(href, _)| href.starts_with("/appeals?"))
            .filter_map(|(href, said)| Some((href, figure(said)?)))
            .collect();
        let of = |part: &str| figures.iter().find(|(href, _)| href.ends_with(part)).map(|(_, count)| *count);
        // All of them came by the form: in a part of the table that the city has no name for.
        let by_others = "&channel=telegram,email,web,open311,meeting,phone";
        assert!(figures.len() > 20, "{figures:?}");
        // What the case is about is there, so that an empty page cannot pass.
        let beside = of(&format!("&bucket=none{by_others}"));
        assert!(beside.unwrap() > 0 && of("&state=open").unwrap() > 50, "{figures:?}");
        assert_eq!(of(&format!("lang={lang}{by_others}")), of(&format!("lang={lang}")), "{figures:?}");
        assert_eq!(
            of("&channel=instagram,facebook"),
            Some(0),
            "the city's own parts stand there all the same"
        );
        assert_eq!((of("&had=corrected"), of("&state=closed")), (Some(1), Some(2)), "{figures:?}");
        assert!(of("&state=overdue").unwrap() > 0 && of("&had=yes") == Some(1), "{figures:?}");
        for (href, count) in &figures {
            assert_eq!(rows(&town, href).await, *count, "{href}");
        }
        // And no figure stands without its list.
        let bare = page
            .split("class=\"num\">")
            .skip(1)
            .filter(|cell| cell.starts_with(|c: char| c.is_ascii_digit()));
        assert_eq!(bare.count(), 0);
        // The map says the same as the table.
        for shape in page.split("<title>").skip(2) {
            let said = shape.split("</title>").next().unwrap();
            let open = figure(said.split(": ").nth(1).unwrap().split(',').next().unwrap()).unwrap();
            let href =
                page.split(&format!("<title>{said}")).next().unwrap().rsplit("href=\"").next().unwrap();
            let href = href.split('"').next().unwrap().replace("&amp;", "&");
            assert_eq!(rows(&town, &href).await, open, "{said}");
        }
    }
}

#[tokio::test]
async fn what_a_list_is_asked_for_stands_in_its_form_and_nonsense_is_refused() {
    let town = Town::asleep().await;
    let page = town.get("", "/appeals?lang=ru&bucket=none&had=corrected").await.expect(200).text();
    for chosen in ["<option value=\"none\" selected>", "<option value=\"corrected\" selected>"] {
        assert!(page.contains(chosen), "{page}");
    }
    assert!(page.contains("bucket=none&#38;had=corrected"), "the other languages ask for the same: {page}");
    let refused = town.get("", "/appeals?had=nothing").await.expect(400);
    assert_eq!(refused.json()["field"], "had");
}

#[tokio::test]
async fn the_report_counts_corrections() {
    let town = much().await;
    let report = town.get("", "/api/v1/report").await.expect(200).json();
    assert_eq!((&report["corrected"], &report["all"]), (&1.into(), &62.into()));
    let page = town.get("", "/?lang=ru").await.expect(200).text();
    let said = "had=corrected\">1</a> из <a href=\"/appeals?lang=ru\">62</a> исправил человек";
    assert!(page.contains(said), "{page}");
}

/// The part of a page between its header and its footer.
fn main_of(page: &str) -> &str {
    let from = page.find("<main").unwrap();
    &page[from..page.find("</main>").unwrap()]
}

#[tokio::test]
async fn closures_of_today_and_tomorrow_come_from_the_register_of_works() {
    let town = Town::asleep().await;
    for lang in ["ru", "kk", "en"] {
        let page = town.get("", &format!("/closures?lang={lang}")).await.expect(200).text();
        insta::assert_snapshot!(format!("closures_{lang}"), main_of(&page));
        let rows = main_of(&page).matches("<li>").count();
        let home = town.get("", &format!("/?lang={lang}")).await.expect(200).text();
        let card = home.split("id=\"h-closed\"").nth(1).unwrap().split("</section>").next().unwrap();
        assert_eq!(card.matches("<li>").count(), 3);
        assert!(card.contains(&format!("{rows}</a>")), "{card}");
    }
}

#[tokio::test]
async fn a_closure_ends_with_its_last_day_by_the_clock_of_the_city() {
    let town = Town::asleep().await;
    // The register closes Халиуллина on 28 and 29 November; the samples begin on the 20th.
    let page = async || town.get("", "/closures?lang=ru").await.expect(200).text();
    let days = |n: i64| n * 24 * 3600;
    let stands = |page: &str| -> Option<usize> {
        let sections: Vec<_> = main_of(page).split("<section>").skip(1).collect();
        sections.iter().position(|section| section.contains("Халиуллина"))
    };
    let mut seen = vec![];
    for _ in 20..=30 {
        seen.push(stands(&page().await));
        town.clock.pass(days(1));
    }
    let none = None;
    let expected = [none, none, none, none, none, none, none, Some(1), Some(0), Some(0), none];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_day_without_closures_says_so() {
    let town = Town::asleep().await;
    town.clock.pass(3 * 365 * 24 * 3600);
    for (lang, said) in [
        ("ru", "сегодня ничего не закрыто"),
        ("kk", "бүгін ештеңе жабылмаған"),
        ("en", "nothing is closed today"),
    ] {
        for path in ["/", "/closures"] {
            let page = town.get("", &format!("{path}?lang={lang}")).await.expect(200).text();
            assert!(page.contains(said), "{path} {page}");
        }
    }
}

#[tokio::test]
async fn the_page_about_counting_gives_the_terms_of_the_city() {
    let town = Town::asleep().await;
    for (lang, terms) in [
        ("ru", ["15\u{a0}рабочих дней (ст. 76 АППК РК)", "3\u{a0}рабочих дня", "2\u{a0}месяца"]),
        ("kk", ["15\u{a0}жұмыс күні ішінде", "(ҚР ӘРПК 65-бабы)", "2\u{a0}айдан аспайтын"]),
        (
            "en",
            [
                "within 15\u{a0}working days (art. 76 APPC of Kazakhstan)",
                "3\u{a0}working days",
                "2\u{a0}months",
            ],
        ),
    ] {
        let page = town.get("", &format!("/about?lang={lang}")).await.expect(200).text();
        for term in terms {
            assert!(page.contains(term), "{term}: {page}");
        }
        assert!(!main_of(&page).contains('{'), "something was not filled in: {page}");
        for (href, _) in links(&page).iter().filter(|(href, _)| href.starts_with("/about")) {
            if let Some((_, part)) = href.split_once('#') {
                assert!(page.contains(&format!("id=\"{part}\"")), "{href} leads nowhere");
            }
        }
    }
}

#[tokio::test]
async fn every_link_of_a_page_leads_somewhere() {
    let mut town = Town::start().await;
    let number = town.file("Яма на Абая — Розыбакиева").await;
    for path in ["/", "/about", "/closures", "/appeals", "/nowhere", &format!("/appeals/{number}")] {
        let asked = request(Method::GET, "", path).header("accept", "text/html").body(Body::empty()).unwrap();
        let page = town.ask(asked).await.text();
        for (href, said) in links(&page) {
            if href.starts_with("tel:") || href.starts_with('#') || href.starts_with("/nowhere") {
                continue;
            }
            assert!(href.starts_with('/'), "{path}: {href}");
            let address = href.split('#').next().unwrap();
            assert_eq!(town.get("", address).await.status, 200, "{path}: {said} {href}");
        }
    }
}

#[tokio::test]
async fn nowhere_speaks_the_language_asked_for() {
    let town = Town::asleep().await;
    for (path, said) in [
        ("/nope?lang=kk", "Мұндай бет жоқ"),
        ("/nope?x=1&lang=en", "There is no such page"),
        ("//elsewhere.example?lang=ru", "Такой страницы нет"),
    ] {
        let asked =
            request(Method::GET, "", path).header("accept", "text/html").header("accept-language", "ru");
        let page = town.ask(asked.body(Body::empty()).unwrap()).await.expect(404).text();
        assert!(page.contains(said), "{page}");
        assert!(!page.contains("href=\"//"), "{page}");
    }
    let page = {
        let asked = request(Method::GET, "", "/nope").header("accept", "text/html");
        town.ask(asked.body(Body::empty()).unwrap()).await.expect(404).text()
    };
    assert!(page.contains("href=\"/nope?lang=kk\""), "{page}");
}

#[tokio::test]
async fn the_page_by_number_says_what_is_next_and_by_when() {
    let mut town = Town::start().await;
    let operator = town.token(Role::Operator).await;
    let party = town.token(Role::Party).await;
    let number = town.file("Яма на Тимирязева — Манаса").await;
    let page =
        async |town: &Town| town.get("", &format!("/appeals/{number}?lang=ru")).await.expect(200).text();
    let next = |page: &str| -> Option<String> {
        let step = page.split("<li class=\"next\">").nth(1)?;
        Some(step.split("</li>").next().unwrap().to_owned())
    };
    let act = async |town: &mut Town, token: &str, deed: &str, body: serde_json::Value| {
        town.post(token, &format!("/api/v1/appeals/{number}/{deed}"), &body).await.expect(202);
        town.settle().await;
    };
    act(&mut town, &operator, "redirect", json!({ "to": PARTY, "reason": "граница" })).await;
    let step = next(&page(&town).await).unwrap();
    assert!(
        step.contains("Исполнитель примет и сделает") && step.contains("<time datetime=\"2026-"),
        "{step}"
    );
    act(&mut town, &party, "accept", json!({})).await;
    assert!(next(&page(&town).await).unwrap().contains("Исполнитель сделает и сообщит"));
    act(&mut town, &party, "done", json!({ "explanation": "засыпали" })).await;
    let done = page(&town).await;
    assert!(next(&done).unwrap().contains("Слово автора") && done.contains("— успели"), "{done}");
    assert!(done.contains("ответьте на наше сообщение") && !done.contains("засыпали"), "{done}");
    act(&mut town, &operator, "rate", json!({ "fixed": false })).await;
    let rated = page(&town).await;
    assert!(rated.contains("Автор ответил: нет"), "{rated}");
    assert!(next(&rated).is_none_or(|step| step.contains("Человек решит")), "{rated}");
}
