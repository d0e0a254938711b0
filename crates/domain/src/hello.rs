//! A text that only greets: whoever begins so has told nothing yet.

/// What a text that only greets is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hello {
    /// Russian.
    Russian,
    /// Kazakh.
    Kazakh,
    /// Words that say nothing of the language to answer in: both say them, or it is neither.
    Any,
}

/// How people begin, in the letters that [`folded`] leaves. A longer greeting stands before one that it begins with.
const GREETINGS: &[(&str, Hello)] = &[
    ("здравствуйте", Hello::Russian),
    ("здраствуйте", Hello::Russian),
    ("здравствуй", Hello::Russian),
    ("здрасьте", Hello::Russian),
    ("здрасте", Hello::Russian),
    ("добрый день", Hello::Russian),
    ("добрый вечер", Hello::Russian),
    ("доброе утро", Hello::Russian),
    ("доброго дня", Hello::Russian),
    ("доброго вечера", Hello::Russian),
    ("доброго времени суток", Hello::Russian),
    ("день добрый", Hello::Russian),
    ("приветствую", Hello::Russian),
    ("всем привет", Hello::Russian),
    ("привет", Hello::Russian),
    ("zdravstvuyte", Hello::Russian),
    ("zdravstvuite", Hello::Russian),
    ("dobryi den", Hello::Russian),
    ("dobry den", Hello::Russian),
    ("privet", Hello::Russian),
    ("салеметсиз бе", Hello::Kazakh),
    ("салеметсизбе", Hello::Kazakh),
    ("салеметсиздер ме", Hello::Kazakh),
    ("салем бердик", Hello::Kazakh),
    ("салем", Hello::Kazakh),
    ("саламатсыз ба", Hello::Kazakh),
    ("саламатсызба", Hello::Kazakh),
    ("саламатсыздар ма", Hello::Kazakh),
    ("кайырлы кун", Hello::Kazakh),
    ("кайырлы тан", Hello::Kazakh),
    ("кайырлы кеш", Hello::Kazakh),
    ("амансыз ба", Hello::Kazakh),
    ("армысыздар", Hello::Kazakh),
    ("армысыз", Hello::Kazakh),
    ("ассалаумагалейкум", Hello::Kazakh),
    ("salemetsiz be", Hello::Kazakh),
    ("salem", Hello::Kazakh),
    ("ассаламу алейкум", Hello::Any),
    ("ассалам алейкум", Hello::Any),
    ("ассаламуалейкум", Hello::Any),
    ("салам алейкум", Hello::Any),
    ("салам", Hello::Any),
    ("good morning", Hello::Any),
    ("good afternoon", Hello::Any),
    ("good evening", Hello::Any),
    ("good day", Hello::Any),
    ("hello", Hello::Any),
    ("hi", Hello::Any),
];

/// Nobody greets at more length.
const CHARS: usize = 100;

/// What `text` greets in, when there is nothing in it but greetings.
#[must_use]
pub fn read(text: &str) -> Option<Hello> {
    if text.chars().nth(CHARS).is_some() || text.chars().any(char::is_numeric) {
        return None;
    }
    let words = folded(text);
    let mut rest = words.as_str();
    let mut greeted = None;
    while !rest.is_empty() {
        let (after, lang) = GREETINGS.iter().find_map(|(greeting, lang)| {
            let after = rest.strip_prefix(greeting)?;
            (after.is_empty() || after.starts_with(' ')).then_some((after.trim_start(), *lang))
        })?;
        rest = after;
        greeted = Some(match greeted {
            None | Some(Hello::Any) => lang,
            Some(before) if lang == before || lang == Hello::Any => before,
            // In both: either will do.
            Some(_) => Hello::Any,
        });
    }
    greeted
}

/// The words in small letters, with those of Kazakh as many write them on a Russian keyboard.
fn folded(text: &str) -> String {
    let letters: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            'ә' => 'а',
            'ғ' => 'г',
            'қ' => 'к',
            'ң' => 'н',
            'ө' => 'о',
            'ұ' | 'ү' => 'у',
            'һ' => 'х',
            'і' => 'и',
            letter if letter.is_alphabetic() => letter,
            _ => ' ',
        })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_only_greets_is_known() {
        for (text, expected) in [
            ("Здравствуйте", Some(Hello::Russian)),
            ("  здравствуйте!!! 👋", Some(Hello::Russian)),
            ("Добрый день. Здравствуйте", Some(Hello::Russian)),
            ("Сәлеметсіз бе", Some(Hello::Kazakh)),
            ("салеметсиз бе?", Some(Hello::Kazakh)),
            ("Қайырлы таң!", Some(Hello::Kazakh)),
            ("Сәлем", Some(Hello::Kazakh)),
            ("Ассалаумағалейкум", Some(Hello::Kazakh)),
            ("Hi", Some(Hello::Any)),
            ("Салам", Some(Hello::Any)),
            ("Салам, Сәлеметсіз бе", Some(Hello::Kazakh)),
            ("Привет, салам", Some(Hello::Russian)),
            ("Сәлеметсіз бе! Здравствуйте!", Some(Hello::Any)),
            ("Здравствуйте, яма на Абая", None),
            ("Здравствуйте 45", None),
            ("Здравствуйтесь", None),
            ("Приветливо", None),
            ("Добрый", None),
            ("hiking", None),
            ("👋", None),
            ("", None),
            (&"привет ".repeat(20), None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
