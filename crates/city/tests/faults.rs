//! A folder with one thing wrong says which, where and what mends it.

mod common;

use common::shipped;
use proptest::prelude::*;
use zholdary_city::{City, Fault, Files, check};

/// What an edit does to a file.
enum Edit {
    /// Puts the second text in place of the first occurrence of the first one.
    Replace(&'static str, &'static str),
    /// Adds lines at the end.
    Append(&'static str),
    /// Removes the file.
    Remove,
}

use Edit::{Append, Remove, Replace};

/// The folder with one edit, and the line the edit begins on.
fn edited(file: &str, edit: &Edit) -> (Files, u32) {
    let mut files = Files::new();
    let mut line = 0;
    for (name, bytes) in shipped().iter() {
        let mut text = String::from_utf8(bytes.to_vec()).unwrap();
        if name == file {
            let at = match edit {
                Replace(old, new) => {
                    let at = text.find(old).unwrap_or_else(|| panic!("{file} has no {old:?}"));
                    text.replace_range(at..at + old.len(), new);
                    at
                }
                Append(new) => {
                    let at = text.len();
                    text.push_str(new);
                    at
                }
                Remove => continue,
            };
            line = u32::try_from(text[..at].matches('\n').count() + 1).unwrap();
        }
        files.insert(name, text.into_bytes()).unwrap();
    }
    (files, line)
}

/// After `edit` of `file`, a fault at `down` lines below the edit has `message`, and a remedy.
fn check_one(
    file: &str,
    edit: &Edit,
    (faulty, down): (&str, Option<i64>),
    message: &str,
    remedy: &str,
) -> Result<(), String> {
    let (files, line) = edited(file, edit);
    let faults = check(&files);
    let line = down.map_or(0, |down| u32::try_from(i64::from(line) + down).unwrap());
    let found = faults.iter().any(|fault| {
        fault.file == faulty
            && fault.line == line
            && fault.message.contains(message)
            && fault.remedy.contains(remedy)
    });
    let list: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let wanted = || format!("wanted {faulty}:{line}: …{message}…: …{remedy}…, got:\n{}", list.join("\n"));
    if found { Ok(()) } else { Err(wanted()) }
}

/// File, edit, (file of the fault, lines below the edit; `None` is the file as a whole), message, remedy.
type Case = (&'static str, Edit, (&'static str, Option<i64>), &'static str, &'static str);

#[test]
fn each_is_found_where_it_is() {
    let here = Some(0);
    let cases: Vec<Case> = vec![
        (
            "rules.toml",
            Replace("party = \"kazavtozhol\"", "party = \"kazavto\""),
            ("rules.toml", here),
            "rule \"highway_words\" names party \"kazavto\", which parties.toml does not have",
            "add it there or correct the code",
        ),
        (
            "rules.toml",
            Replace("party = \"@works.owner\"", "party = \"@works.boss\""),
            ("rules.toml", here),
            "rule \"permit\" names \"@works.boss\"",
            "@works.contractor",
        ),
        (
            "rules.toml",
            Replace(", works = \"warranty\" }", " }"),
            ("rules.toml", Some(1)),
            "rule \"warranty\" names \"@works.contractor\", which nothing resolves there",
            "add works",
        ),
        (
            "rules.toml",
            Replace("works = \"permit\"", "works = \"permitted\""),
            ("rules.toml", here),
            "works \"permitted\"",
            "active, warranty or permit",
        ),
        (
            "weights.csv",
            Replace("bias,pothole,", "bias,pothol,"),
            ("weights.csv", here),
            "no category \"pothol\"",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("join,score,", "join,scores,"),
            ("weights.csv", here),
            "`join` is of \"scores\"",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("join,score,", "join,model,"),
            ("weights.csv", None),
            "no row `join,score`",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("\nlength,15,", "\nlength,15,a"),
            ("weights.csv", Some(1)),
            "51 weights for 50 categories",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("\nlength,15,.", "\nlength,15,1"),
            ("weights.csv", Some(1)),
            "\"1\" is no weight",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("\nlength,15,", "\nlength,6,"),
            ("weights.csv", Some(3)),
            "length \"6\" stands twice",
            "zholdary learn",
        ),
        (
            "weights.csv",
            Replace("\nlength,15,", "\nwidth,15,"),
            ("weights.csv", Some(1)),
            "`sort` is \"width\"",
            "zholdary learn",
        ),
        (
            "rules.toml",
            Replace("when = {}", "when = { in_city = true }"),
            ("rules.toml", Some(-2)),
            "does not always hold",
            "`when` is {}",
        ),
        (
            "rules.toml",
            Replace("when = { category = [\"*\"] }", "when = {}"),
            ("rules.toml", Some(6)),
            "rule \"desk\" is never reached",
            "move the total rule",
        ),
        (
            "rules.toml",
            Replace("«{category}»: за это отвечает {party}.", "«{category}»: за это отвечает {person}."),
            ("rules.toml", here),
            "{person}, which nothing fills",
            "use one of",
        ),
        (
            "rules.toml",
            Replace("when = { place = [\"highway\"]", "when = { places = [\"highway\"]"),
            ("rules.toml", here),
            "unknown field `places`",
            "correct the name",
        ),
        (
            "rules.toml",
            Replace("ask = \"place_question\"", "ask = \"where\""),
            ("rules.toml", here),
            "template \"where\", which templates.toml does not have",
            "correct the code",
        ),
        (
            "parties.toml",
            Replace("valid_to = \"2025-09-10\"", "valid_to = \"2018-09-10\""),
            ("parties.toml", here),
            "before it is valid from",
            "correct the days",
        ),
        (
            "parties.toml",
            Replace("successor = [\"road_infra\", \"traffic_org\"]", "successor = [\"traffic_org\"]"),
            ("parties.toml", Some(-26)),
            "party \"road_infra\" has the predecessor \"mobility\", which does not name it",
            "`successor`",
        ),
        (
            "parties.toml",
            Replace("valid_from = \"2025-09-11\"", "valid_from = \"2025-09-31\""),
            ("parties.toml", here),
            "\"2025-09-31\" is not a day",
            "2026-11-22",
        ),
        (
            "parties.toml",
            Replace("code = \"akimat-medeu\"\n", "code = \"akimat-almaly\"\n"),
            ("parties.toml", here),
            "\"akimat-almaly\" stands a second time",
            "another code",
        ),
        (
            "parties.toml",
            Replace("kind = \"operator\"", "kind = \"boss\""),
            ("parties.toml", here),
            "unknown variant `boss`",
            "as the other entries do",
        ),
        (
            "parties.toml",
            Replace("name_kk = \"Алматы қаласының", "name_qq = \"Алматы қаласының"),
            ("parties.toml", here),
            "unknown field `name_qq`",
            "correct the name of the key",
        ),
        (
            "categories.toml",
            Replace("group = \"manhole\"", "group = \"manholes\""),
            ("categories.toml", here),
            "category \"manhole_open\" names group \"manholes\", which city.toml does not have",
            "add it there",
        ),
        (
            "categories.toml",
            Replace("bucket = \"current_repair\"", "bucket = \"repair\""),
            ("categories.toml", here),
            "bucket \"repair\"",
            "add it there",
        ),
        (
            "categories.toml",
            Replace("priority = \"emergency\"", "priority = \"now\""),
            ("categories.toml", here),
            "priority \"now\"",
            "add it there",
        ),
        (
            "categories.toml",
            Replace("weak = [\"люк\"", "weak = [\"\", \"люк\""),
            ("categories.toml", here),
            "the stem \"\"",
            "at least one letter",
        ),
        (
            "categories.toml",
            Replace("answer = \"answer_closure_info\"", "answer = \"closure\""),
            ("categories.toml", here),
            "template \"closure\"",
            "correct the code",
        ),
        (
            "templates.toml",
            Replace("№ {number} өтінішке қосылды.", "№ өтінішке қосылды."),
            ("templates.toml", here),
            "template \"follow_up_added\" has {number} in only one of ru and kk",
            "the same placeholders",
        ),
        (
            "templates.toml",
            Replace("[[ Тема: {category}.]]", "[[ Тема: {category}."),
            ("templates.toml", here),
            "do not pair up",
            "brackets",
        ),
        (
            "templates.toml",
            Replace("[[ Тема: {category}.]]", " Тема: {category}."),
            ("templates.toml", Some(1)),
            "{category} in `[[ … ]]` in only one of ru and kk",
            "every language",
        ),
        (
            "templates.toml",
            Replace("[placeholders]\n", "[placeholders]\nweather = { is = \"sky\", example = \"rain\" }\n"),
            ("templates.toml", Some(1)),
            "nothing fills {weather}",
            "remove it",
        ),
        (
            "templates.toml",
            Replace("Доброе утро! Дороги", "Доброе утро! {left} Дороги"),
            ("templates.toml", here),
            "template \"digest_header\" has {left}, which nothing fills there",
            "remove it",
        ),
        (
            "templates.toml",
            Replace("buttons = [\"in_kk\", \"in_ru\"]", "buttons = [\"in_kk\", \"in_en\"]"),
            ("templates.toml", here),
            "button \"in_en\"",
            "add it there",
        ),
        (
            "templates.toml",
            Replace("whatsapp = \"registered\"", "whatsapp = \"welcome\""),
            ("templates.toml", here),
            "WhatsApp template \"welcome\"",
            "add it there",
        ),
        (
            "templates.toml",
            Replace("Статус: {link}\"\nkk", "Статус: {link}\nkk"),
            ("templates.toml", here),
            "this is not TOML",
            "correct the line",
        ),
        (
            "templates.toml",
            Replace("[template.is_it_fixed]", "[template.is_it_mended]"),
            ("templates.toml", None),
            "there is no template \"is_it_fixed\"",
            "the product sends it",
        ),
        (
            "templates.toml",
            Replace("принято. Тема: {{2}}.", "принято. Тема: {{5}}."),
            ("templates.toml", here),
            "does not use each of its 4 parameters",
            "{{1}}",
        ),
        (
            "city.toml",
            Replace("timezone = \"Asia/Almaty\"", "timezone = \"Asia/Almatty\""),
            ("city.toml", here),
            "is not a time zone",
            "IANA",
        ),
        (
            "city.toml",
            Replace("[service_reminders]", "[flood]\nappeals_per_hour = 0\n\n[service_reminders]"),
            ("city.toml", here),
            "`appeals_per_hour` is 0",
            "write 1 to 100000",
        ),
        (
            "city.toml",
            Replace("weekend = [\"sat\", \"sun\"]", "weekend = [\"sat\", \"sunday\"]"),
            ("city.toml", here),
            "\"sunday\" is not a day of the week",
            "mon, tue",
        ),
        (
            "city.toml",
            Replace("number_format = \"Z-{year}-{serial:06}\"", "number_format = \"Z-{serial}\""),
            ("city.toml", here),
            "number_format",
            "Z-{year}-{serial:06}",
        ),
        (
            "city.toml",
            Replace(
                "categories_never_dropped = [\"manhole_open\"",
                "categories_never_dropped = [\"manhole\"",
            ),
            ("city.toml", here),
            "category \"manhole\"",
            "add it there",
        ),
        (
            "city.toml",
            Replace("escalate_to = \"operator\"", "escalate_to = \"boss\""),
            ("city.toml", here),
            "priority \"emergency\" names party \"boss\"",
            "add it there",
        ),
        (
            "city.toml",
            Replace("works = \"works.csv\"", "works = \"digs.csv\""),
            ("city.toml", here),
            "[files] names \"digs.csv\", which the folder does not have",
            "add the file",
        ),
        (
            "city.toml",
            Replace("works = \"works.csv\"", "works = \"digs.csv\""),
            ("works.csv", None),
            "no key of city.toml [files] names this file",
            "name it there",
        ),
        (
            "city.toml",
            Append("\n[colours]\nroad = \"grey\"\n"),
            ("city.toml", Some(1)),
            "`colours` is not known here",
            "remove it",
        ),
        ("city.toml", Remove, ("city.toml", None), "the file is missing", "begins with it"),
        (
            "holidays.csv",
            Append("2026-12-31,party,Х,Х,,published\n"),
            ("holidays.csv", here),
            "kind \"party\" is neither `off` nor `worked`",
            "add it to one of them",
        ),
        (
            "parties.toml",
            Replace("code = \"operator\"", "code = \"desk\""),
            ("parties.toml", None),
            "there is no party \"operator\"",
            "what nobody else has goes there",
        ),
        (
            "city.toml",
            Replace("code = \"other\"", "code = \"others\""),
            ("city.toml", None),
            "there is no bucket \"other\"",
            "what has no category is counted there",
        ),
        (
            "city.toml",
            Replace("channels = [\"instagram\", \"facebook\"]", "channels = [\"instagram\", \"twitter\"]"),
            ("city.toml", here),
            "there is no channel \"twitter\"",
            "write some of whatsapp, instagram",
        ),
        (
            "city.toml",
            Replace("channels = [\"instagram\", \"facebook\"]", "channels = [\"instagram\", \"whatsapp\"]"),
            ("city.toml", here),
            "the channel \"whatsapp\" would be counted twice",
            "leave it in one [[channel_group]]",
        ),
        (
            "city.toml",
            Replace("code = \"meta\"  ", "code = \"other\"  "),
            ("city.toml", Some(-1)),
            "channel_group \"other\" has a name that is taken",
            "call it otherwise",
        ),
        (
            "city.toml",
            Replace("channels = [\"instagram\", \"facebook\"]", "channels = []"),
            ("city.toml", here),
            "channel_group \"meta\" has no channel",
            "name the channels that it counts",
        ),
        (
            "templates.toml",
            Replace("buttons = [\"fixed_yes\", \"fixed_no\"]", "buttons = [\"fixed_no\"]"),
            ("templates.toml", Some(-6)),
            "template \"is_it_fixed\" has no button with the id \"fixed:yes\"",
            "add it, the product reads the answer from it",
        ),
        (
            "templates.toml",
            Replace(
                "ru = \"По обращению № {number} есть новости.",
                "ru = \"По обращению № {number} есть новости: {place}.",
            ),
            ("templates.toml", Some(-5)),
            "template \"public_update\" says {place}, and anybody may read it",
            "say no more than {number}, {party}, {phone}, {link}, {site}, {status}",
        ),
        (
            "categories.toml",
            Replace(
                "secure_hours = 2\n",
                "secure_hours = 2\nanswer = \"answer_gratitude\"\nanswer_closes = true\n",
            ),
            ("categories.toml", Some(2)),
            "category \"manhole_open\" is a danger and has `answer_closes`",
            "remove it, a danger is closed by a person only",
        ),
        (
            "city.toml",
            Replace("never_closed_without_person = true", "never_closed_without_person = false"),
            ("city.toml", here),
            "`never_closed_without_person` is false, and no rule may close a danger",
            "write true",
        ),
        (
            "streets.csv",
            Replace("name_ru,name_kk", "name_ru,name_qq"),
            ("streets.csv", here),
            "column `name_kk` is missing",
            "add the column",
        ),
        (
            "streets.csv",
            Append("Новая,Жаңа,,street,,NS,atlantis,high\n"),
            ("streets.csv", here),
            "district \"atlantis\", which districts.csv does not have",
            "add it there",
        ),
        (
            "streets.csv",
            Append("Новая,Жаңа,,street,,NS\n"),
            ("streets.csv", here),
            "the row has 6 cells, the header has 8",
            "add or remove commas",
        ),
        (
            "works.csv",
            Replace("2026-11-19,2026-11-26", "2026-11-26,2026-11-19"),
            ("works.csv", here),
            "before they start",
            "correct the days",
        ),
        (
            "works.csv",
            Replace("76.9332 43.2662", "43.2662 76.9332"),
            ("works.csv", here),
            "outside of the city's `bounds`",
            "longitude first",
        ),
        (
            "works.csv",
            Replace("W-002,Брусиловского,", "W-002,Брусиловскаго,"),
            ("works.csv", here),
            "`street` names street \"Брусиловскаго\", which streets.csv does not have",
            "correct the code",
        ),
        (
            "settlements.csv",
            Replace("oblast_zhetysu", "oblast_nowhere"),
            ("settlements.csv", here),
            "party \"oblast_nowhere\"",
            "add it there",
        ),
        (
            "highways.csv",
            Replace(",kazavtozhol,high", ",kazavtozhol,sure"),
            ("highways.csv", here),
            "`confidence` is \"sure\"",
            "high, medium, low",
        ),
        (
            "districts.csv",
            Replace("alatau,Алатауский,Алатау,Alatau,76.84", "alatau,Алатауский,Алатау,Alatau,77.84"),
            ("districts.csv", here),
            "the centre is outside of the district's box",
            "correct the degrees",
        ),
        (
            "districts.geojson",
            Replace("[[[76.7420485, 43.3148845], ", "[[[76.7420486, 43.3148845], "),
            ("districts.geojson", here),
            "the border of \"alatau\" is not closed",
            "first point",
        ),
        (
            "districts.geojson",
            Replace("\"code\": \"medeu\"", "\"code\": \"medev\""),
            ("districts.geojson", None),
            "district \"medeu\" has no border",
            "add its polygon",
        ),
    ];
    let missed: Vec<String> = cases
        .into_iter()
        .filter_map(|(file, edit, fault, message, remedy)| {
            check_one(file, &edit, fault, message, remedy).err()
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

#[test]
fn a_row_is_on_the_line_an_editor_shows() {
    let text = String::from_utf8(shipped().get("streets.csv").unwrap().to_vec()).unwrap();
    let bad = "Новая,Жаңа,,street,,NS,atlantis,high";
    let short = "Новая,Жаңа,,street";
    let header = text.lines().next().unwrap();
    let crlf = text.replace('\n', "\r\n");
    let quoted = text.replacen(header, &format!("{header}\n\"Две\nстроки\",Жол,,street,,NS,almaly,high"), 1);
    // What stands before the two bad rows.
    for before in [text.clone(), crlf, text.replacen('\n', "\n\n\n", 1), format!("\n\n{text}\n\n"), quoted] {
        let end = if before.contains("\r\n") { "\r\n" } else { "\n" };
        let line = u32::try_from(before.matches('\n').count() + 1).unwrap();
        let mut files = shipped();
        files.insert("streets.csv", format!("{before}{bad}{end}{end}{short}{end}").into_bytes()).unwrap();
        let faults = check(&files);
        let found = |message: &str| {
            faults.iter().find(|f| f.message.contains(message)).unwrap_or_else(|| panic!("{faults:?}")).line
        };
        assert_eq!(found("atlantis"), line, "{:?}", &before[..40]);
        assert_eq!(found("the row has 4 cells"), line + 2);
    }
    let mut files = shipped();
    files.insert("streets.csv", text.replacen("name_ru", "\r\n\r\nname_qq", 1).into_bytes()).unwrap();
    let unknown = check(&files);
    let unknown = unknown.iter().find(|f| f.message == "column `name_qq` is not known").unwrap();
    assert_eq!(unknown.line, 3);
}

#[test]
fn a_danger_that_is_never_dropped_is_not_closed_by_an_answer_whatever_its_priority() {
    let (files, _) = edited("city.toml", &Replace("\"crash\"]", "\"crash\", \"gratitude\"]"));
    let faults = check(&files);
    let found = faults.iter().find(|f| f.message.contains("category \"gratitude\" is a danger"));
    assert_eq!(found.unwrap_or_else(|| panic!("{faults:?}")).file, "categories.toml");
}

#[test]
fn the_question_whether_it_is_fixed_has_the_buttons_that_are_understood() {
    let (files, _) = edited("templates.toml", &Replace("id = \"fixed:no\"", "id = \"fixed:not\""));
    let text = String::from_utf8(files.get("templates.toml").unwrap().to_vec()).unwrap();
    let line = text[..text.find("[template.is_it_fixed]").unwrap()].matches('\n').count() + 1;
    let printed: Vec<String> = check(&files).iter().map(Fault::to_string).collect();
    assert_eq!(
        printed,
        [format!(
            "templates.toml:{line}: template \"is_it_fixed\" has no button with the id \"fixed:no\": add it, the \
             product reads the answer from it"
        )]
    );
}

#[test]
fn an_empty_list_of_rules_is_none() {
    let text = String::from_utf8(shipped().get("rules.toml").unwrap().to_vec()).unwrap();
    let marks = &text[text.find("\n[[cover_mark]]").unwrap()..];
    let mut files = shipped();
    files.insert("rules.toml", format!("# none\nrule = []\n{marks}").into_bytes()).unwrap();
    let printed: Vec<String> = check(&files).iter().map(Fault::to_string).collect();
    assert_eq!(printed, ["rules.toml:2: there is no [[rule]]: add at least one"]);
}

#[test]
fn a_party_follows_its_predecessor_the_next_day() {
    // The day on which nobody would be the party, before and after.
    let cases = [
        (
            "valid_to = \"2025-09-10\"",
            "valid_to = \"2025-09-09\"",
            "leaves a gap after its predecessor \"mobility\"",
            "2025-09-10",
        ),
        (
            "valid_to = \"2025-09-10\"",
            "valid_to = \"2025-09-11\"",
            "begins before its predecessor \"mobility\" ends",
            "2025-09-12",
        ),
    ];
    for (old, new, message, remedy) in cases {
        let (files, _) = edited("parties.toml", &Replace(old, new));
        let text = String::from_utf8(files.get("parties.toml").unwrap().to_vec()).unwrap();
        let line = text[..text.find("code = \"road_infra\"").unwrap()].matches('\n').count();
        let faults = check(&files);
        let found = faults.iter().find(|fault| usize::try_from(fault.line).unwrap() == line);
        let found = found.unwrap_or_else(|| panic!("{faults:?}"));
        assert_eq!(found.file, "parties.toml");
        assert!(found.message.contains(message) && found.remedy.contains(remedy), "{found}");
    }
}

#[test]
fn one_prints_as_a_line_an_editor_understands() {
    let (files, line) = edited("rules.toml", &Replace("party = \"kazavtozhol\"", "party = \"x\""));
    let printed: Vec<String> = check(&files).iter().map(Fault::to_string).collect();
    assert_eq!(
        printed,
        [format!(
            "rules.toml:{line}: rule \"highway_words\" names party \"x\", which parties.toml does not have: \
             add it there or correct the code"
        )]
    );
}

#[test]
fn all_are_found_at_once_and_sorted() {
    let mut files = shipped();
    for (file, edit) in [
        ("works.csv", Replace(",heat,", ",hot,")),
        ("parties.toml", Replace("phone = \"1308\"", "phone = \"call us\"")),
        ("categories.toml", Replace("group = \"manhole\"", "group = \"manholes\"")),
    ] {
        let (one, _) = edited(file, &edit);
        files.insert(file, one.get(file).unwrap().to_vec()).unwrap();
    }
    let faults = check(&files);
    let order: Vec<&str> = faults.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(order, ["categories.toml", "parties.toml", "works.csv"]);
}

#[test]
fn an_unreadable_file_does_not_blame_the_others() {
    let mut files = shipped();
    files.insert("streets.csv", vec![b'n', 0xff, b'\n']).unwrap();
    let faults = check(&files);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].file.as_str(), faults[0].line), ("streets.csv", 1));
    assert!(faults[0].message.contains("UTF-8"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens to the bytes, the answer is a city or faults.
    #[test]
    fn damaged_bytes_never_panic(
        file in 0_usize..64,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let whole = shipped();
        let names: Vec<String> = whole.iter().map(|(name, _)| name.to_owned()).collect();
        let name = &names[file % names.len()];
        let mut bytes = whole.get(name).unwrap().to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut files = whole.clone();
        files.insert(name, bytes).unwrap();
        if let Err(faults) = City::parse(&files) {
            prop_assert!(faults.list().iter().all(|fault| !fault.message.is_empty() && !fault.remedy.is_empty()));
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut files = Files::new();
        files.insert("city.toml", bytes.clone()).unwrap();
        prop_assert!(City::parse(&files).is_err());
        prop_assert!(Files::unpack(&bytes).is_err());
    }
}
