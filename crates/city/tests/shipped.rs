//! The city that ships with the product: it has no faults, and answers as its README says.

mod common;

use chrono::NaiveDate;
use common::shipped;
use zholdary_city::{
    City, Files, Lang, OnlyIn, PartyRef, Values, WorksMatch, WorksReach, WorksState, WorksTest, check,
};

fn city() -> City {
    City::parse(&shipped()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn it_has_no_faults() {
    let faults: Vec<String> = check(&shipped()).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn it_is_read_whole() {
    let city = city();
    let rows = [
        ("parties", city.parties.len(), 39),
        ("categories", city.categories.len(), 50),
        ("rules", city.rules.len(), 11),
        ("cover marks", city.cover_marks.len(), 6),
        ("templates", city.templates.len(), 62),
        ("WhatsApp templates", city.whatsapp_templates.len(), 4),
        ("streets", city.streets.len(), 121),
        ("microdistricts", city.microdistricts.len(), 87),
        ("districts", city.districts.len(), 8),
        ("settlements", city.settlements.len(), 30),
        ("highways", city.highways.len(), 10),
        ("works", city.works.len(), 28),
        ("days", city.holidays.len(), 213),
        ("buckets", city.buckets.len(), 8),
        ("priorities", city.priorities.len(), 4),
    ];
    for (what, found, expected) in rows {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(city.meta.number_format.number(2026, 401).as_str(), "Z-2026-000401");
    assert_eq!(city.legal.law(76, Lang::Ru), "ст. 76 АППК РК");
    assert_eq!(city.letterhead.date(day("2026-03-05"), Lang::Kk), "05.03.2026");
    assert_eq!(city.matching.transliterate[0].0, "shch");
    assert!(city.rules.last().unwrap().when.is_total());
    assert_eq!(city.rule("permit").unwrap().copy_to, [PartyRef::PlaceDistrict]);
}

#[test]
fn its_version_names_its_bytes() {
    let city = city();
    let version = city.version.to_string();
    assert_eq!(version, format!("{}+{}", city.meta.version, &city.digest[..12]));
    assert_eq!(serde_json::to_value(&city.version).unwrap(), serde_json::json!(version));

    let mut edited = shipped();
    let mut streets = edited.get("streets.csv").unwrap().to_vec();
    streets.extend_from_slice("Новая,Жаңа,,street,,NS,almaly,high\n".as_bytes());
    edited.insert("streets.csv", streets).unwrap();
    assert_ne!(City::parse(&edited).unwrap().version, city.version);

    let backwards: Vec<(String, Vec<u8>)> =
        shipped().iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
    let backwards = Files::from_entries(backwards.into_iter().rev()).unwrap();
    assert_eq!(backwards.digest(), city.digest);
    assert_eq!(backwards.pack(), shipped().pack());
    assert!(backwards.pack().len() < 900 * 1024, "one record of the log holds it");
    assert_eq!(Files::unpack(&backwards.pack()).unwrap(), shipped());
}

#[test]
fn a_rough_city_needs_no_borders() {
    let mut files = Files::new();
    for (name, bytes) in shipped().iter() {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let text = text.lines().filter(|line| !line.starts_with("borders =")).collect::<Vec<_>>().join("\n");
        if name != "districts.geojson" {
            files.insert(name, text.into_bytes()).unwrap();
        }
    }
    let city = City::parse(&files).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(city.district_at(76.847, 43.228).unwrap().code, "auezov");
}

#[test]
fn terms_hold_over_its_holidays() {
    let calendar = city().calendar;
    let received = "2026-03-20T07:00:00Z".parse().unwrap();
    assert_eq!(calendar.registration_day(received), day("2026-03-20"));
    assert_eq!(calendar.nth_working_day(day("2026-03-20"), 15), day("2026-04-15"));
    assert_eq!(calendar.due_after_receipt(received, 15).to_rfc3339(), "2026-04-15T13:30:00+00:00");
}

#[test]
fn a_gap_between_parties_ends_the_search() {
    let mut city = city();
    let mobility = city.parties.iter_mut().find(|party| party.code == "mobility").unwrap();
    mobility.valid_to = Some(day("2025-09-08"));
    // However many parties there are, it is the one next to the gap.
    for _ in 0..2 {
        assert_eq!(city.party_on("road_infra", day("2025-09-09"), None), "mobility");
        assert_eq!(city.party_on("mobility", day("2025-09-09"), None), "road_infra");
        city.parties.remove(0);
    }
}

#[test]
fn a_party_is_that_of_its_day() {
    let city = city();
    // code, day, category, party
    let cases = [
        ("road_infra", "2026-11-22", None, "road_infra"),
        ("road_infra", "2025-09-11", None, "road_infra"),
        ("road_infra", "2025-09-10", None, "mobility"),
        ("traffic_org", "2019-03-13", Some("signal_fault"), "mobility"),
        ("mobility", "2025-09-10", Some("signal_fault"), "mobility"),
        ("mobility", "2025-09-11", Some("signal_fault"), "traffic_org"),
        ("mobility", "2025-09-11", Some("new_road"), "road_infra"),
        ("mobility", "2025-09-11", Some("pothole"), "road_infra"),
        ("mobility", "2025-09-11", None, "road_infra"),
        ("energy", "2020-12-31", None, "energy_eff"),
        ("energy_eff", "2021-01-01", None, "energy"),
        ("oblast_zhetysu", "2022-06-07", None, "oblast"),
        ("oblast_zhetysu", "2022-06-08", None, "oblast_zhetysu"),
        ("akimat-medeu", "2019-03-13", None, "akimat-medeu"),
        ("operator", "2010-01-01", None, "operator"),
        ("nobody", "2026-11-22", None, "nobody"),
    ];
    for (code, on, category, party) in cases {
        assert_eq!(city.party_on(code, day(on), category), party, "{code} on {on} for {category:?}");
    }
}

#[test]
fn a_point_is_in_its_district() {
    let city = city();
    // longitude, latitude, district, inside
    let cases = [
        (76.84, 43.29, Some("alatau"), true),
        (76.885, 43.286, Some("alatau"), true),
        (76.913, 43.252, Some("almaly"), true),
        (76.93, 43.26, Some("almaly"), true),
        (76.847, 43.228, Some("auezov"), true),
        (76.86, 43.235, Some("auezov"), true),
        (76.905, 43.205, Some("bostandyk"), true),
        (76.92, 43.22, Some("bostandyk"), true),
        (76.925, 43.309, Some("zhetysu"), true),
        (76.92, 43.28, Some("zhetysu"), true),
        (76.97, 43.235, Some("medeu"), true),
        (77.06, 43.13, Some("medeu"), true),
        (76.798, 43.195, Some("nauryzbai"), true),
        (76.81, 43.18, Some("nauryzbai"), true),
        (76.994, 43.34, Some("turksib"), true),
        (76.96, 43.33, Some("turksib"), true),
        (76.62, 43.20, None, false),
        (77.24, 43.30, None, false),
        (77.07, 43.87, None, false),
        (f64::NAN, 43.25, None, false),
    ];
    for (lon, lat, district, inside) in cases {
        let hit = city.district_at(lon, lat);
        assert_eq!(hit.as_ref().map(|hit| hit.code.as_str()), district, "{lon} {lat}");
        assert_eq!(city.in_city(lon, lat), district.is_some(), "{lon} {lat}");
        assert_eq!(hit.is_some_and(|hit| hit.inside && hit.distance_metres == 0.0), inside, "{lon} {lat}");
    }
}

#[test]
fn near_the_edge_the_nearest_district_counts() {
    let city = city();
    // From a point west of Nauryzbai, 100 m at a time, until the city is reached within its tolerance.
    let step = 0.00123;
    let first =
        (0..200).map(|n| (76.60 + f64::from(n) * step, 43.195)).find(|(lon, lat)| city.in_city(*lon, *lat));
    let hit = city.district_at(first.unwrap().0, 43.195).unwrap();
    assert!(!hit.inside && (150.0..=300.0).contains(&hit.distance_metres), "{hit:?}");
    assert_eq!(hit.code, hit.candidates[0].code);

    // Abai avenue is the border of Almaly and Bostandyk: both are candidates.
    let hit = city.district_at(76.8845, 43.2391).unwrap();
    let mut codes: Vec<&str> = hit.candidates.iter().map(|near| near.code.as_str()).collect();
    codes.sort_unstable();
    assert!(codes.contains(&"almaly") && codes.contains(&"bostandyk"), "{hit:?}");
}

#[test]
fn outside_it_is_told_how_far_roughly() {
    let city = city();
    for (lon, lat, kilometres) in [
        (76.905, 43.205, 0.0..=0.0),
        (77.24, 43.30, 5.0..=30.0),
        (77.07, 43.87, 40.0..=80.0),
        (71.43, 51.13, 800.0..=1_100.0),
        // Latitude and longitude swapped.
        (43.238, 76.889, 2_000.0..=10_000.0),
    ] {
        let outside = city.metres_outside(lon, lat).expect("the city has borders") / 1_000.0;
        assert!(kilometres.contains(&outside), "{lon} {lat}: {outside} km");
    }
}

#[test]
fn works_cover_a_place() {
    let city = city();
    let today = day("2026-11-22");
    let ids = |rows: &[WorksMatch<'_>]| rows.iter().map(|row| row.row.id.clone()).collect::<Vec<_>>();

    // The example of the README: the crossing is covered by a row under warranty.
    let hit = city.works_at(None, &["Брусиловского", "Толе би"], today);
    assert_eq!((ids(&hit.covers), ids(&hit.hints)), (vec!["W-002".to_owned()], vec![]));
    let row = hit.deciding(WorksTest::Warranty).unwrap();
    assert_eq!((row.state, row.reach, row.closed), (WorksState::Warranty, WorksReach::Crossing, false));
    assert_eq!(row.warranty_until, day("2028-10-14"));
    assert_eq!(row.row.contractor.as_deref(), Some("sample-ulgi-zhol"));
    assert!(hit.deciding(WorksTest::Active).is_none());

    // Only the street: a hint that decides nothing.
    let hit = city.works_at(None, &["Брусиловского"], today);
    assert_eq!((ids(&hit.covers), ids(&hit.hints)), (vec![], vec!["W-002".to_owned()]));
    // A point on the line, and one a kilometre away although the street is named.
    let hit = city.works_at(Some((76.8761, 43.2550)), &[], today);
    assert_eq!(ids(&hit.covers), ["W-002"]);
    assert!(matches!(hit.covers[0].reach, WorksReach::Point { metres } if metres < 30.0), "{hit:?}");
    let hit = city.works_at(Some((76.8761, 43.2650)), &["Брусиловского"], today);
    assert_eq!((ids(&hit.covers), ids(&hit.hints)), (vec![], vec![]));
}

#[test]
fn works_stand_as_their_days_say() {
    use WorksState::{Active, Closure, Over, Permit, Planned, Warranty};
    let city = city();
    // row, day, state, closed
    let cases = [
        ("W-002", "2025-08-19", Planned, false),
        ("W-002", "2025-08-20", Active, false),
        ("W-002", "2025-10-14", Active, false),
        ("W-002", "2025-10-15", Warranty, false),
        ("W-002", "2028-10-14", Warranty, false),
        ("W-002", "2028-10-15", Over, false),
        ("W-001", "2026-11-18", Planned, false),
        ("W-001", "2026-11-19", Closure, true),
        ("W-001", "2026-11-27", Over, false),
        ("W-003", "2026-11-22", Active, true),
        ("W-003", "2026-12-11", Warranty, false),
        ("W-013", "2026-11-22", Permit, true),
        ("W-013", "2026-11-29", Permit, false),
        ("W-013", "2027-11-28", Permit, false),
        ("W-013", "2027-11-29", Over, false),
    ];
    for (id, on, state, closed) in cases {
        let row = city.works_row(id).unwrap();
        assert_eq!(city.works_state(row, day(on)), state, "{id} on {on}");
        assert_eq!(city.works_closed(row, day(on)), closed, "{id} on {on}");
    }
}

#[test]
fn priorities_rise_to_the_top_and_no_further() {
    let city = city();
    for (code, steps, risen) in [
        ("low", 1, "normal"),
        ("normal", 1, "high"),
        ("high", 1, "emergency"),
        ("emergency", 1, "emergency"),
        ("low", 9, "emergency"),
    ] {
        assert_eq!(city.priority_steps(code, steps).unwrap().code, risen);
    }
    assert!(city.priority_steps("x", 1).is_none());
}

#[test]
fn streets_stand_with_their_kind_word() {
    let city = city();
    let title = city.street_title("Кунаева");
    assert_eq!((title.get(Lang::Ru), title.get(Lang::Kk)), ("ул. Кунаева", "Қонаев көшесі"));
    assert_eq!(city.street_title("Абая").ru, "пр. Абая");
    assert_eq!(city.street_title("Северное кольцо").ru, "Северное кольцо");
    assert_eq!(city.street_title("Неизвестная").kk, "Неизвестная");
    let street = city.street("Бенберина").unwrap();
    assert_eq!(street.old_names[0].name, "Ленина");
    assert_eq!(street.old_names[0].only_in, Some(OnlyIn::District("alatau".to_owned())));
    let street = city.street("Ашимова").unwrap();
    assert_eq!(street.old_names[0].only_in, Some(OnlyIn::Within("мкр Калкаман-2".to_owned())));
}

#[test]
fn a_receipt_is_filled_in_both_languages() {
    let city = city();
    let receipt = city.template("receipt").unwrap();
    let mut values = Values::new();
    values
        .set("number", "Z-2026-000401")
        .set_names("category", &city.category("pothole").unwrap().name)
        .set_names("party", &city.party("akimat-almaly").unwrap().name)
        .set("place", "")
        .set("due", "11.12.2026")
        .set("link", "https://zholdary.example/Z-2026-000401");
    let ru = receipt.fill(Lang::Ru, &values).unwrap();
    assert_eq!(
        ru.text,
        "Ваше обращение принято, № Z-2026-000401. Тема: Яма, выбоина. Передано: Акимат Алмалинского района. \
         Ответим до 11.12.2026. Статус: https://zholdary.example/Z-2026-000401"
    );
    assert_eq!(ru.subject.as_deref(), Some("Обращение принято"));
    assert_eq!((ru.template.as_str(), ru.version), ("receipt", 1));
    let kk = receipt.fill(Lang::Kk, &values).unwrap();
    assert!(
        kk.text.starts_with("Өтінішіңіз қабылданды, № Z-2026-000401. Тақырыбы: Шұңқыр, ойық."),
        "{}",
        kk.text
    );
    assert!(!kk.text.contains("Орны"), "an empty part is left out: {}", kk.text);

    let unfilled = city.template("routed").unwrap().fill(Lang::Kk, &Values::new()).unwrap_err();
    assert_eq!(unfilled.missing, ["due", "number", "party"]);
    // No English text: Russian, and the answer says so.
    let choice = city.template("place_choice").unwrap().fill(Lang::En, &Values::new()).unwrap();
    assert_eq!((choice.lang, choice.text.contains("Не нашли")), (Lang::Ru, true));
    assert_eq!(choice.buttons, ["send_point"]);

    let registered = city.whatsapp_template("registered").unwrap();
    let body = registered.body(Lang::Kk, &values).unwrap();
    assert!(body.starts_with("№ Z-2026-000401 өтінішіңіз қабылданды. Тақырыбы: Шұңқыр, ойық."), "{body}");
}

#[test]
fn a_rule_says_why() {
    let city = city();
    let mut values = Values::new();
    values.set_names("kind", &city.phrase("kind_medium").unwrap().fill_all(&Values::new()).unwrap());
    values.set("works", "W-002").set("ends", "14.10.2025").set("warranty_until", "14.10.2028");
    values.set_names("party", &city.party("sample-ulgi-zhol").unwrap().name);
    let because = city.rule("warranty").unwrap().because.fill_all(&values).unwrap();
    assert_eq!(
        because.ru,
        "Этот участок сдан 14.10.2025 (средний ремонт, W-002), гарантия до 14.10.2028: исправляет ТОО «Үлгі Жол»."
    );
    assert!(because.kk.contains("орташа жөндеу, W-002") && because.en.contains("Ulgi Zhol"));
}
