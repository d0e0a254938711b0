//! Every link of every page of the repository leads somewhere, and the book holds what it should.
//!
//! A checker of the book alone would not see the READMEs, and one that asks the network would fail for reasons of others: so this asks
//! no network, reads Markdown as the book's own parser does, and looks at the pages that are in the checkout.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every page below `folder`, but for what is built, hidden or somebody's state.
fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let left_out =
            name.starts_with('.') || name == "target" || name == "data" || name.starts_with("data-");
        if path.is_dir() && !left_out {
            pages(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            into.push(path);
        }
    }
}

fn all_pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    pages(&root(), &mut found);
    found.sort();
    found
}

/// What a page links to, and the names by which its headings are linked to.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
        let (mut page, mut heading): (Self, Option<String>) = Default::default();
        for event in Parser::new_ext(&text, options) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Html(html) | Event::InlineHtml(html) => page.links.extend(of_html(&html)),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    if let Some(heading) = heading.take() {
                        page.add_anchor(&heading);
                    }
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        page
    }

    /// A heading's name, as GitHub and mdBook make it: letters, digits, `-` and `_`, in lower case; a repeated one is counted.
    fn add_anchor(&mut self, heading: &str) {
        let plain: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect();
        let mut name = plain.clone();
        for n in 1.. {
            if self.anchors.insert(name) {
                return;
            }
            name = format!("{plain}-{n}");
        }
    }
}

fn of_html(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["src=\"", "srcset=\"", "href=\""] {
        let values = html.split(name).skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(values.map(str::to_owned));
    }
    found
}

/// The path without `.` and `..`, whether it exists or not.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                tidied.pop();
            }
            Component::CurDir => {}
            part => tidied.push(part),
        }
    }
    tidied
}

fn is_outside(link: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme))
}

#[test]
fn every_link_leads_somewhere() {
    let root = root();
    let pages: BTreeMap<PathBuf, Page> =
        all_pages().into_iter().map(|path| (path.clone(), Page::read(&path))).collect();
    assert!(pages.len() > 20, "where are the pages?");
    let (book, pictures) = (root.join("docs"), root.join("docs/screenshots"));
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !is_outside(link)) {
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(f, a)| (f, Some(a)));
            let target =
                if file.is_empty() { path.clone() } else { tidy(&path.parent().unwrap().join(file)) };
            // Pictures are taken of the pages by a test of its own: a checkout may be without all of them, not without some.
            if target.starts_with(&pictures) && !pictures.exists() {
                continue;
            }
            let why = if !target.exists() {
                "is not there"
            } else if path.starts_with(&book) && !target.starts_with(&book) {
                "is outside of the book: name the path as `code`"
            } else if anchor.is_some_and(|a| pages.get(&target).is_none_or(|page| !page.anchors.contains(a)))
            {
                "has no such heading"
            } else {
                continue;
            };
            broken.push(format!("{}: {link} {why}", path.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_book_has_every_page_of_its_folder() {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> = Page::read(&summary).links.iter().map(|link| docs.join(link)).collect();
    let there: BTreeSet<PathBuf> =
        all_pages().into_iter().filter(|page| page.starts_with(&docs) && *page != summary).collect();
    assert_eq!(listed, there, "chapters of docs/SUMMARY.md (left) and pages of docs");
}

#[test]
fn the_page_of_events_names_each() {
    let page = fs::read_to_string(root().join("docs/events.md")).unwrap();
    let mut unnamed = Vec::new();
    for kind in fs::read_dir(root().join("crates/domain/samples")).unwrap() {
        for sample in fs::read_dir(kind.unwrap().path()).unwrap() {
            let name = sample.unwrap().file_name().into_string().unwrap();
            let event = name.split(".v").next().unwrap().to_owned();
            if !page.contains(&format!("`{event}`")) {
                unnamed.push(event);
            }
        }
    }
    assert!(unnamed.is_empty(), "docs/events.md does not name {}", unnamed.join(", "));
}

/// Whoever registers them with the vendor copies from the page: a word that differs there is a text that is refused.
#[test]
fn the_page_of_whatsapp_has_each_registered_text() {
    let page = fs::read_to_string(root().join("docs/channels/whatsapp.md")).unwrap();
    let city = fs::read_to_string(root().join("deploy/cities/almaty/templates.toml")).unwrap();
    let city: toml::Table = toml::from_str(&city).unwrap();
    let mut wanted = Vec::new();
    for template in city["whatsapp_template"].as_array().unwrap() {
        let text = |key: &str| template[key].as_str().unwrap().to_owned();
        let list = |key: &str| {
            let values = template[key].as_array().unwrap().iter();
            values.map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let params: Vec<_> = list("params").iter().map(|param| format!("`{param}`")).collect();
        wanted.push(format!("| `{}` | {} |", text("name"), params.join(", ")));
        wanted.push(format!("| `{}` | {} | {} |", text("name"), text("ru"), text("kk")));
        for button in list("buttons") {
            let button = &city["button"][button.as_str()];
            wanted.extend(["ru", "kk"].map(|lang| format!("«{}»", button[lang].as_str().unwrap())));
        }
    }
    assert!(wanted.len() >= 8, "where are the texts?");
    let missing: Vec<_> = wanted.into_iter().filter(|text| !page.contains(text)).collect();
    assert!(missing.is_empty(), "docs/channels/whatsapp.md has not: {}", missing.join("; "));
}
