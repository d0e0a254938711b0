//! Comments that only show a post to friends.

/// Whether `text` names people, as `@name` or by one of `tagged`, and says nothing besides.
pub(super) fn only_names<'a>(text: &str, tagged: impl Iterator<Item = &'a str>) -> bool {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let untagged = tagged
        .filter(|name| !name.is_empty())
        .fold(text.to_owned(), |left, name| left.replacen(name, " ", 1));
    let besides: String = untagged
        .split('@')
        .enumerate()
        .map(|(nth, part)| if nth == 0 { part } else { part.trim_start_matches(is_of_a_name) })
        .collect();
    besides != text && !besides.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_alone_say_nothing() {
        let check = |text: &str, tagged: &[&str], expected: bool| {
            assert_eq!(only_names(text, tagged.iter().copied()), expected, "{text} {tagged:?}");
        };
        check("@anuar_99", &[], true);
        check("@anuar_99 😂 @dinara.k!", &[], true);
        check("@zholdary_kz", &[], true);
        check("Асель Ж.", &["Асель Ж."], true);
        check("@Асель Ж. 👍 Марат", &["Асель Ж.", "Марат"], true);
        check("@anuar_99 яма", &[], false);
        check("@anuar_99, 45", &[], false);
        check("@Абая", &[], false);
        check("Асель Ж. яма", &["Асель Ж."], false);
        check("Асель Ж. и Асель Ж.", &["Асель Ж."], false);
        check("a@b.kz", &[], false);
        // Without a name it is what it was: no words either, but nobody is called.
        check("😂", &[], false);
        check("", &[""], false);
        check("яма", &[""], false);
    }
}
