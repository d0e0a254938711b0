//! Text whose lines were broken for the way (RFC 3676).

/// The line above a signature: it ends in a space and does not flow.
const SIGNATURE: &str = "-- ";

/// `text` with every line that flows into the next as one with it; `spare` tells that the space at the break was put there too.
pub(super) fn unwrapped(text: &str, spare: bool) -> String {
    let mut whole = String::with_capacity(text.len());
    // How deep in quotes the line before stands, when it goes on.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        // A space may have been put before the line, so that it begins with no mark.
        let content = content.strip_prefix(' ').unwrap_or(content);
        let flows = content.ends_with(' ') && content != SIGNATURE;
        if open != Some(depth) || content == SIGNATURE || content.is_empty() {
            begin(&mut whole, depth, !content.is_empty());
        }
        whole.push_str(if flows && spare { &content[..content.len() - 1] } else { content });
        open = flows.then_some(depth);
    }
    whole
}

/// Begins a line so deep in quotes.
fn begin(whole: &mut String, depth: usize, says: bool) {
    if !whole.is_empty() {
        whole.push('\n');
    }
    whole.extend(std::iter::repeat_n('>', depth));
    if depth > 0 && says {
        whole.push(' ');
    }
}
