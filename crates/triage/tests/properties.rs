//! What holds for every text.

mod common;

use common::triage;
use proptest::prelude::*;
use zholdary_domain::appeal::Understanding;
use zholdary_domain::{Personal, Point};
use zholdary_triage::{Input, MAX_CHARS};

fn understand(text: &str) -> Understanding {
    triage().understand(&Input { text, point: None, has_media: false })
}

/// Words of which texts that mean something are made.
const WORDS: &[&str] = &[
    "яма",
    "на",
    "Абая",
    "Розыбакиева",
    "угол",
    "ул.",
    "д.",
    "12",
    "мкр",
    "8",
    "Аксай-3",
    "люк",
    "открыт",
    "мен",
    "көшесі",
    "қиылысында",
    "Шаңырақ",
    "от",
    "до",
    "дейін",
    "Талгар",
    "из",
    "трасса",
    "А-3",
    "БАКАД",
    "район",
    "Алатауский",
    "№",
    "заявка",
    "4521",
    "shunkyr",
    "dangyly",
    "Abay",
    "yyy",
    "-",
    "/",
    ",",
    "!",
    "спасибо",
    "во дворе",
    "жоқ",
    "выше",
    "между",
    "и",
    "Ленина",
    "Z-2026-000001",
    "буквы",
    "ТС",
    "крышк",
    "8-ші",
    "ықшамаудан",
    "Қонаевтан",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_string_is_understood(text in any::<String>(), lon in -200.0..200.0, lat in -100.0..100.0_f64) {
        let point = Point::new(lon, lat);
        let found = triage().understand(&Input { text: &text, point, has_media: true });
        prop_assert!(!found.findings.is_empty());
        prop_assert!(found.findings.iter().all(|finding| finding.confidence.0 <= 1000));
    }

    #[test]
    fn any_words_are_understood(text in texts()) {
        let found = understand(&text);
        prop_assert!(!found.findings.is_empty());
        prop_assert!(found.findings[0].place.is_known() || found.findings[0].place.names.is_empty());
    }

    #[test]
    fn case_changes_nothing(text in texts()) {
        prop_assert_eq!(understand(&text), understand(&text.to_uppercase()));
        prop_assert_eq!(understand(&text), understand(&text.to_lowercase()));
    }

    #[test]
    fn blanks_change_nothing(text in texts(), blank in prop::sample::select(&["  ", "\n", "\t \r\n", "\u{a0}", "\u{2003}"][..])) {
        let spread = format!("{blank}{}{blank}", text.replace(' ', blank));
        prop_assert_eq!(understand(&text), understand(&spread));
    }

    #[test]
    fn reasons_are_never_the_residents_words(text in prop_oneof![any::<String>(), texts()]) {
        let found = understand(&text);
        let city = common::city();
        for finding in &found.findings {
            let category = city.category(&finding.category).unwrap();
            for reason in &finding.because {
                if let Some(piece) = reason.strip_prefix("≈ ") {
                    prop_assert!(city.weights.iter().flat_map(|weights| &weights.pieces).any(|known| known.text == piece));
                    continue;
                }
                if let Some((code, _)) = reason.strip_prefix("near: ").and_then(|near| near.split_once(' ')) {
                    prop_assert!(city.category(code).is_some());
                    continue;
                }
                let stem = reason.strip_prefix("escalate: ").unwrap_or(reason).to_owned();
                let lists = [&category.phrases, &category.stems, &category.weak, &city.escalate.stems];
                let mut pairs = category.pairs.iter().flat_map(|pair| {
                    pair.of.iter().flat_map(|of| pair.is.iter().map(move |is| format!("{of} + {is}")))
                });
                prop_assert!(lists.iter().any(|list| list.contains(&stem)) || pairs.any(|pair| pair == stem));
            }
        }
    }
}

#[test]
fn a_long_text_is_read_up_to_the_limit() {
    let text = format!("{}яма", "а ".repeat(MAX_CHARS));
    assert!(understand(&text).findings.iter().all(|finding| finding.category != "pothole"));
    assert_eq!(understand("яма").findings[0].category, "pothole");
}

/// The time for a text grows with its length and no faster: the worst we know stays far from a second.
#[test]
fn a_hostile_text_is_read_in_bounded_time() {
    let started = std::time::Instant::now();
    for word in [
        "y",
        "Абая-",
        "от Абая до ",
        "8 мкр ",
        "из Конаева ",
        "в ",
        "люк буквы ",
        "заявка № ",
        "yama ",
        "ул. ",
    ] {
        let found = understand(&word.repeat(MAX_CHARS));
        assert!(
            found.findings[0].place.house.as_ref().map(Personal::reveal).is_none_or(|house| house.len() < 16)
        );
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn beyond_the_limit_a_danger_is_still_found() {
    for filler in [MAX_CHARS / 2, MAX_CHARS, 3 * MAX_CHARS, MAX_CHARS - 10] {
        let text = format!("Яма на Толе би 100. {} Рядом открытый люк без крышки", "а ".repeat(filler / 2));
        let found = understand(&text);
        assert!(found.danger, "{filler}");
        assert!(
            found.findings.iter().any(|f| f.category == "manhole_open"),
            "{filler}: {:?}",
            found.findings
        );
    }
}
