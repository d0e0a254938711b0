//! HTML as plain text: what people see, without pictures, programs and styles. Nothing is fetched.
//!
//! Tags are read one by one and no tree is built: hostile letters make the readers of browsers take a time that grows with
//! the square of their nesting, or of the attributes of one tag.

use encoding_rs::WINDOWS_1252;
use mail_parser::decoders::html::add_html_token;

/// How far from its start HTML may name its charset, in bytes (HTML, section «Specifying the document's character encoding»).
const META_BYTES: usize = 1024;
/// The most marks of quoting before a line.
const QUOTE_MARKS: usize = 8;
/// The longest address of a link that is shown, in bytes.
const LINK_BYTES: usize = 300;

/// The longest name of a character, in bytes: `&CounterClockwiseContourIntegral;`.
const ENTITY_BYTES: usize = 40;

/// What `html` shows, with the lines of quoted letters marked by `>`.
pub(super) fn text(html: &str) -> String {
    let mut writer = Writer::default();
    let mut from = html;
    loop {
        let mut rest = from;
        while let Some(at) = rest.find('<') {
            writer.text(&rest[..at]);
            rest = markup(&rest[at..], &mut writer);
        }
        writer.text(rest);
        // An element without an end hid all that follows. Where nothing else is said it hides nothing: better a line too much
        // than a letter without words.
        match writer.hidden.take() {
            Some((name, inside)) if !writer.text.contains(char::is_alphanumeric) => {
                writer.shown.push(name);
                from = inside;
            }
            _ => return writer.text,
        }
    }
}

/// Reads what begins with `<`; what follows it.
fn markup<'a>(from: &'a str, writer: &mut Writer<'a>) -> &'a str {
    let after = |end: &str| from.split_once(end).map_or("", |(_, rest)| rest);
    if from.starts_with("<!--") {
        return after("-->");
    }
    if from.starts_with("<!") || from.starts_with("<?") {
        return after(">");
    }
    let bare = from[1..].strip_prefix('/').unwrap_or(&from[1..]);
    if !bare.starts_with(|c: char| c.is_ascii_alphabetic()) {
        writer.text("<");
        return &from[1..];
    }
    let (tag, rest) = tag(bare, !from.starts_with("</"));
    writer.tag(&tag, rest);
    match &writer.hidden {
        Some((name, inside)) if tag.opens && UNSEEN.contains(&name.as_str()) => after_text_of(name, inside),
        _ => rest,
    }
}

/// Elements that hold text, not tags, which nobody sees.
const UNSEEN: [&str; 6] = ["script", "style", "title", "iframe", "noembed", "noframes"];

/// Elements that hold tags and text which nobody sees, and of these the foreign ones (HTML, section «Foreign elements»).
const HIDDEN: [&str; 3] = ["template", "svg", "math"];
const FOREIGN: [&str; 2] = ["svg", "math"];

/// Elements that their style or the attribute `hidden` may hide: those whose end nobody leaves out, so that no more is hidden
/// than they hold.
const BOXES: [&str; 3] = ["div", "span", "table"];

/// `from` from the end tag of `name` on.
fn after_text_of<'a>(name: &str, from: &'a str) -> &'a str {
    let is_end = |at: &usize| {
        let end = &from.as_bytes()[at + 2..];
        end.get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
            && end
                .get(name.len())
                .is_none_or(|next| next.is_ascii_whitespace() || matches!(next, b'/' | b'>'))
    };
    from.match_indices("</").map(|(at, _)| at).find(is_end).map_or("", |at| &from[at..])
}

struct Tag<'a> {
    /// In lower case.
    name: String,
    opens: bool,
    /// Whether it ends in `/>`, which means something in foreign elements alone.
    ends: bool,
    href: Option<&'a str>,
    style: &'a str,
    /// Whether it has the attribute `hidden`.
    is_hidden: bool,
}

/// Reads a tag from its name on; what follows it. A tag without an end goes on to the end.
fn tag(from: &str, opens: bool) -> (Tag<'_>, &str) {
    let parts = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
    let (name, mut rest) = from.split_at(from.find(parts).unwrap_or(from.len()));
    let name = name.to_ascii_lowercase();
    let mut tag = Tag { name, opens, ends: false, href: None, style: "", is_hidden: false };
    loop {
        let inner = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        tag.ends = rest[..rest.len() - inner.len()].ends_with('/');
        rest = inner;
        let Some(first) = rest.chars().next() else { return (tag, "") };
        if first == '>' {
            return (tag, &rest[1..]);
        }
        let named = &rest[first.len_utf8()..];
        let len = first.len_utf8() + named.find(|c| parts(c) || c == '=').unwrap_or(named.len());
        let (name, after) = rest.split_at(len);
        rest = after;
        tag.is_hidden |= name.eq_ignore_ascii_case("hidden");
        if let Some(after) = after.trim_ascii_start().strip_prefix('=') {
            let (value, after) = value(after.trim_ascii_start());
            rest = after;
            if name.eq_ignore_ascii_case("href") {
                tag.href.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("style") && tag.style.is_empty() {
                tag.style = value;
            }
        }
    }
}

/// The value of an attribute at the start, and what follows it.
fn value(from: &str) -> (&str, &str) {
    match from.chars().next() {
        Some(quote @ ('"' | '\'')) => from[1..].split_once(quote).unwrap_or((&from[1..], "")),
        _ => from.split_at(from.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(from.len())),
    }
}

/// `text` with `&nbsp;` and its like as what they mean.
fn unescaped(text: &str) -> String {
    let mut meant = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        meant.push_str(before);
        let end =
            from.bytes().take(ENTITY_BYTES).skip(1).position(|b| !b.is_ascii_alphanumeric() && b != b'#');
        let len = end.map_or(1, |end| end + 1);
        let is_entity = from.as_bytes().get(len) == Some(&b';');
        let (entity, after) = from.split_at(if is_entity { len + 1 } else { 1 });
        add_html_token(&mut meant, entity.as_bytes(), false);
        rest = after;
    }
    meant.push_str(rest);
    // Characters are counted as windows-1252 counts them: `&#151;` is a dash (HTML, section «Numeric character reference
    // end state»).
    let as_meant = |c: char| match u8::try_from(c) {
        Ok(byte @ 0x80..=0x9F) => {
            WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next().unwrap_or(c)
        }
        _ => c,
    };
    meant.chars().map(as_meant).collect()
}

/// The charset that HTML names in `<meta>`.
pub(super) fn charset(html: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&html[..html.len().min(META_BYTES)]).to_ascii_lowercase();
    start.split("<meta").skip(1).find_map(|meta| {
        let (_, label) = meta.split('>').next()?.split_once("charset=")?;
        let label = label.trim_start_matches(['"', '\'', ' ']);
        label.split(['"', '\'', ' ', ';', '/']).next().filter(|label| !label.is_empty()).map(str::to_owned)
    })
}

#[derive(Default)]
struct Writer<'a> {
    text: String,
    /// The element whose text nobody sees, and what follows its tag.
    hidden: Option<(String, &'a str)>,
    /// How many elements of the same name are open inside of it.
    hidden_inside: usize,
    /// Elements that hide nothing here, because nothing ends them.
    shown: Vec<String>,
    quotes: usize,
    preformatted: usize,
    /// A link that is open: where it leads, and where its text begins.
    link: Option<(String, usize)>,
    /// Whether white space waits for a word after it.
    space: bool,
}

impl<'a> Writer<'a> {
    fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        for c in unescaped(text).chars() {
            match c {
                '\n' if self.preformatted > 0 => self.line(),
                c if c.is_whitespace() && (self.preformatted == 0 || c == '\r') => self.space = true,
                c => self.letter(c),
            }
        }
    }

    fn letter(&mut self, c: char) {
        if self.at_line_start() {
            let marks = self.quotes.min(QUOTE_MARKS);
            self.text.extend(std::iter::repeat_n("> ", marks));
        } else if self.space {
            self.text.push(' ');
        }
        self.space = false;
        self.text.push(c);
    }

    fn at_line_start(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }

    /// Ends the line.
    fn line(&mut self) {
        self.text.push('\n');
        self.space = false;
    }

    /// Begins a line, unless one has just begun.
    fn block(&mut self) {
        if !self.at_line_start() {
            self.line();
        }
        self.space = false;
    }

    /// Begins a line with an empty one above it.
    fn paragraph(&mut self) {
        self.block();
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.line();
        }
    }

    /// Takes in a tag; `rest` is what follows it.
    fn tag(&mut self, tag: &Tag<'_>, rest: &'a str) {
        let (name, opens) = (tag.name.as_str(), tag.opens);
        if let Some((hidden, _)) = &self.hidden {
            match (hidden == name, opens) {
                (true, true) if BOXES.contains(&name) => self.hidden_inside += 1,
                (true, false) if self.hidden_inside > 0 => self.hidden_inside -= 1,
                (true, false) => self.hidden = None,
                _ => {}
            }
            return;
        }
        if self.hides(tag) {
            self.hidden_inside = 0;
            self.hidden = Some((name.to_owned(), rest));
            return;
        }
        match name {
            "br" => self.line(),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.paragraph(),
            "blockquote" => {
                self.paragraph();
                self.quotes = if opens { self.quotes + 1 } else { self.quotes.saturating_sub(1) };
            }
            "pre" => {
                self.block();
                self.preformatted =
                    if opens { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
            }
            "li" => {
                self.block();
                if opens {
                    "- ".chars().for_each(|c| self.letter(c));
                }
            }
            "td" | "th" => self.space = true,
            "a" => self.link(tag.href),
            "div" | "tr" | "table" | "ul" | "ol" | "dl" | "dt" | "dd" | "hr" | "section" | "article"
            | "header" | "footer" | "main" | "nav" | "aside" | "address" | "center" | "figure"
            | "figcaption" | "form" | "fieldset" | "legend" | "option" | "body" | "head" | "html" => {
                self.block()
            }
            _ => {}
        }
    }

    fn hides(&self, tag: &Tag<'_>) -> bool {
        let name = tag.name.as_str();
        let hides = UNSEEN.contains(&name) || HIDDEN.contains(&name) || is_out_of_sight(tag);
        let ended = tag.ends && FOREIGN.contains(&name);
        hides && tag.opens && !ended && !self.shown.contains(&tag.name)
    }

    /// Tells where a link leads, when its text does not: a point on a map is often given so.
    fn link(&mut self, href: Option<&str>) {
        if let Some((to, from)) = self.link.take() {
            let shown = self.text.get(from..).unwrap_or_default();
            let says_it = shown.trim().is_empty() || shown.contains(to.trim_end_matches('/'));
            if !says_it {
                self.space = true;
                format!("<{to}>").chars().for_each(|c| self.letter(c));
            }
        }
        self.link =
            href.map(|to| unescaped(to.trim())).filter(|to| is_shown(to)).map(|to| (to, self.text.len()));
    }
}

/// Whether its own style hides an element, as mailings hide what only the list of letters shall show.
fn is_out_of_sight(tag: &Tag<'_>) -> bool {
    let style: String = unescaped(tag.style).to_ascii_lowercase().split_whitespace().collect();
    let says = |told: &str| style.split(';').any(|own| own.trim_end_matches("!important") == told);
    // In what holds others the size of letters is often none, and theirs is not.
    let is_small =
        tag.name == "span" && ["font-size:0", "font-size:0px", "font-size:0pt"].into_iter().any(says);
    BOXES.contains(&tag.name.as_str()) && (tag.is_hidden || says("display:none") || is_small)
}

fn is_shown(link: &str) -> bool {
    let web = ["http://", "https://", "geo:"].iter().any(|start| link.starts_with(start));
    web && link.len() <= LINK_BYTES && !link.contains(|c: char| c.is_whitespace() || c.is_control())
}
