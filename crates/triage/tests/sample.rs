//! The shipped sample of appeals: how many are understood as expected.

mod common;

use common::{city, triage};
use zholdary_domain::Point;
use zholdary_triage::Input;

/// Floors of the shipped sample; what is reached stands in the crate's README.
const CATEGORY: usize = 48;
const LANGUAGE: usize = 47;
const NAMES: usize = 39;

#[test]
fn accuracy_floor_of_the_shipped_sample() {
    let triage = triage();
    let cases = common::sample();
    assert_eq!(cases.len(), 50);
    let (mut category, mut lang, mut placed, mut named, mut also, mut kind, mut number) =
        (0, 0, 0, 0, 0, 0, 0);
    let mut told = String::new();
    for case in &cases {
        let place = &case.place;
        let centre = city().districts[0].centre;
        let point = (place.kind == "point").then_some(Point { lon: centre.0, lat: centre.1 });
        let found = triage.understand(&Input { text: &case.text, point, has_media: false });
        let main = &found.findings[0];
        let mut miss = |what: &str, was: &str| {
            told.push_str(&format!("{}: {what}: {was}\n", case.id));
        };
        if case.accepts(&main.category) {
            category += 1;
        } else {
            miss("category", &format!("{} for {}, because {:?}", main.category, case.category, main.because));
        }
        if found.lang.code() == case.lang {
            lang += 1;
        } else {
            miss("lang", &format!("{} for {}", found.lang.code(), case.lang));
        }
        if !place.names.is_empty() {
            named += 1;
            let all = place.names.iter().all(|name| main.place.names.contains(name));
            if all && main.place.names.len() <= place.names.len() + 1 {
                placed += 1;
            } else {
                miss("names", &format!("{:?} for {:?}", main.place.names, place.names));
            }
        } else {
            assert!(main.place.names.is_empty(), "{}: {:?} for none", case.id, main.place.names);
        }
        if main.place.kind.code() == place.kind {
            kind += 1;
        } else {
            miss("kind", &format!("{} for {}", main.place.kind.code(), place.kind));
        }
        if let Some(district) = &place.district {
            let fits =
                main.place.district.as_ref() == Some(district) || main.place.candidates.contains(district);
            if !fits {
                miss(
                    "district",
                    &format!("{:?} {:?} for {district}", main.place.district, main.place.candidates),
                );
            }
        }
        if main.place.house.as_ref().map(zholdary_domain::Personal::reveal) != place.house.as_ref() {
            miss(
                "house",
                &format!(
                    "{:?} for {:?}",
                    main.place.house.as_ref().map(zholdary_domain::Personal::reveal),
                    place.house
                ),
            );
        }
        if place.number.is_some() {
            number += 1;
            assert_eq!(found.names_number, place.number, "{}", case.id);
        } else {
            assert_eq!(found.names_number, None, "{}", case.id);
        }
        let wanted = case.also.iter().all(|code| found.findings[1..].iter().any(|one| one.category == *code));
        also += usize::from(wanted);
        if !wanted {
            miss(
                "also",
                &format!(
                    "{:?} for {:?}",
                    found.findings.iter().map(|one| &one.category).collect::<Vec<_>>(),
                    case.also
                ),
            );
        }
        let never_dropped = &city().danger.categories_never_dropped;
        let emergency =
            city().category(&case.category).is_some_and(|category| category.priority == "emergency");
        if emergency || never_dropped.contains(&case.category) {
            assert!(
                found.danger && case.accepts(&main.category),
                "{}: an emergency is always found",
                case.id
            );
        }
    }
    let figures = format!(
        "category {category}/50, language {lang}/50, names {placed}/{named}, kind {kind}/50, also {also}/50, numbers {number}\n{told}"
    );
    #[expect(clippy::print_stdout, reason = "the figures are what one runs this test for")]
    {
        println!("{figures}");
    }
    assert!(category >= CATEGORY && lang >= LANGUAGE && placed >= NAMES, "{figures}");
}
