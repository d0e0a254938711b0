//! The honest figures and the report, as the public page shows them.

use zholdary_city::{City, Lang};
use zholdary_readmodel::{Period, Report, ReportPart, ReportRow};

use super::{day_and_time, iso, map::Map, name, words::Words};
use crate::app::App;

/// The figures of the front page.
pub(super) struct Figures {
    pub(super) at: String,
    pub(super) at_iso: String,
    pub(super) total: String,
    pub(super) settled: String,
    pub(super) open: String,
    pub(super) overdue: String,
    /// Appeals that the report counts.
    pub(super) counted: String,
    /// What came after the days that the report counts, when some are left out.
    pub(super) later: Option<Later>,
    /// The days that the report counts, as a list's address says them.
    pub(super) days: String,
    /// «N of M were corrected», as what stands before, between and behind the two.
    pub(super) corrected: Corrected,
    /// The table by channels that the city tells apart; of a city that does not, all together without a name.
    pub(super) parts: Vec<Part>,
    /// None in a city without districts.
    pub(super) map: Option<Map>,
}

/// The report of the appeals that came by some channels.
pub(super) struct Part {
    /// What stands above its rows; nothing above all together.
    pub(super) name: String,
    /// Appeals in its rows and beside them.
    pub(super) all: String,
    /// Appeals beside its rows.
    pub(super) beside: String,
    /// Its channels, as a list's address says them.
    pub(super) channels: String,
    pub(super) rows: Vec<Row>,
}

/// One group of the report.
pub(super) struct Row {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) count: String,
    pub(super) share: String,
    /// Length of the bar, 0 to 100: the longest is 100.
    pub(super) bar: String,
    /// What was done; nothing yet: empty.
    pub(super) outcome: Vec<Outcome>,
    /// Share and number of those who said «yes». None: not stated, nobody was asked.
    pub(super) satisfied: Option<(String, String)>,
}

/// How many appeals of a group came to something.
pub(super) struct Outcome {
    pub(super) what: &'static str,
    /// Its code in a list's `had`.
    pub(super) had: &'static str,
    pub(super) count: String,
}

/// Appeals that came after a day.
pub(super) struct Later {
    /// The first day of them, as a list's address says it.
    pub(super) from: String,
    /// What they are called.
    pub(super) name: String,
    pub(super) count: String,
}

/// A sentence with two figures in it.
pub(super) struct Corrected {
    pub(super) before: &'static str,
    pub(super) count: String,
    pub(super) between: &'static str,
    pub(super) all: String,
    pub(super) behind: &'static str,
}

impl Corrected {
    fn of(count: u64, all: u64, lang: Lang) -> Self {
        let (before, rest) = Words::of(lang).corrected_of.split_once("{n}").unwrap_or_default();
        let (between, behind) = rest.split_once("{m}").unwrap_or_default();
        Self { before, count: number(count), between, all: number(all), behind }
    }
}

impl Figures {
    /// Reads them. Nothing while the views or the city are not there yet: the form works all the same.
    pub(super) async fn read(app: &App, city: Option<&City>, lang: Lang) -> Option<Self> {
        let (city, query) = (city?, &app.query);
        let figures = query.figures(Period::default()).await;
        let figures =
            figures.map_err(|error| tracing::warn!(%error, "the page stands without figures")).ok()?;
        let report = query.report(app.config.report_days(Period::default())).await;
        let report =
            report.map_err(|error| tracing::warn!(%error, "the page stands without figures")).ok()?;
        let at = report.at?;
        let counts = figures.body;
        let report = report.body;
        Some(Self {
            at: day_and_time(city, at, lang),
            at_iso: iso(at),
            total: number(counts.received),
            counted: number(report.all),
            later: app.config.report_to.and_then(|to| to.succ_opt()).map(|from| Later {
                from: from.to_string(),
                name: Words::of(lang).later_than.replace("{day}", &city.letterhead.date(from, lang)),
                count: number(report.later),
            }),
            days: app.config.report_to.map_or_else(String::new, |to| format!("&to={to}")),
            settled: number(counts.settled),
            open: number(counts.open),
            overdue: number(counts.overdue),
            corrected: Corrected::of(report.corrected, report.all, lang),
            parts: parts(city, &report, lang),
            map: Map::new(city, &counts.districts, lang),
        })
    }
}

fn parts(city: &City, report: &Report, lang: Lang) -> Vec<Part> {
    let part = |part: &ReportPart| Part {
        name: name(&part.channel_group, lang).to_owned(),
        all: number(part.all),
        beside: number(part.all.saturating_sub(part.total)),
        channels: format!("&channel={}", part.channels.join(",")),
        rows: rows(city, &part.groups, lang),
    };
    if report.channel_groups.is_empty() {
        let rows = rows(city, &report.groups, lang);
        let beside = number(report.all.saturating_sub(report.total));
        return vec![Part {
            name: String::new(),
            all: number(report.all),
            beside,
            channels: String::new(),
            rows,
        }];
    }
    // By what the city does not tell apart something may have come, or not.
    let shown = |part: &&ReportPart| {
        part.all > 0 || city.channel_groups.iter().any(|group| group.code == part.channel_group.code)
    };
    report.channel_groups.iter().filter(shown).map(part).collect()
}

fn rows(city: &City, groups: &[ReportRow], lang: Lang) -> Vec<Row> {
    let is_beside = |code: &str| city.bucket(code).is_some_and(|bucket| bucket.share <= 0.0);
    let longest = groups.iter().filter_map(|row| row.share).fold(0.0, f64::max);
    groups
        .iter()
        .filter(|row| !is_beside(&row.bucket.code))
        .map(|row| Row {
            code: row.bucket.code.clone(),
            name: name(&row.bucket, lang).to_owned(),
            count: number(row.count),
            share: row.share.map_or_else(|| "—".to_owned(), |share| percent(share, lang)),
            bar: match row.share {
                Some(share) if longest > 0.0 => format!("{:.1}", share / longest * 100.0),
                _ => "0".to_owned(),
            },
            outcome: outcome(row, Words::of(lang)),
            satisfied: row.satisfied.map(|share| (percent(share, lang), number(row.rated_yes))),
        })
        .collect()
}

fn outcome(row: &ReportRow, w: &'static Words) -> Vec<Outcome> {
    [(w.answered, "answered", row.answered), (w.done, "done", row.done)]
        .into_iter()
        .filter(|(.., count)| *count > 0)
        .map(|(what, had, count)| Outcome { what, had, count: number(count) })
        .collect()
}

/// A whole number with narrow no-break spaces between thousands.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + 6);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn percent(share: f64, lang: Lang) -> String {
    let tenths = format!("{share:.1}");
    let tenths = tenths.strip_suffix(".0").unwrap_or(&tenths);
    match lang {
        Lang::Ru | Lang::Kk => format!("{}\u{202f}%", tenths.replace('.', ",")),
        Lang::En => format!("{tenths}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [0, 12, 1_500, 1_234_567].map(number),
            ["0", "12", "1\u{202f}500", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!([20.0, 33.3].map(|n| percent(n, Lang::Ru)), ["20\u{202f}%", "33,3\u{202f}%"]);
        assert_eq!([20.0, 33.3].map(|n| percent(n, Lang::En)), ["20%", "33.3%"]);
    }
}
