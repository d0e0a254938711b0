//! Counting: counters, the report by groups, the figures of a period.

use std::collections::BTreeMap;

use rusqlite::Row;

use zholdary_domain::inbound::Channel;

use super::{Ask, Query, View, appeals::Conditions, values::count};
use crate::{
    city::OTHER_CHANNELS,
    error::Error,
    model::{Answer, Count, CountBy, Figures, Named, Period, PlaceFigures, Report, ReportPart, ReportRow},
};

impl CountBy {
    const fn column(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Category => "category",
            Self::District => "district",
            Self::Party => "party",
            Self::Channel => "channel",
            Self::State => "state",
        }
    }
}

impl std::str::FromStr for CountBy {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        [Self::Day, Self::Category, Self::District, Self::Party, Self::Channel, Self::State]
            .into_iter()
            .find(|by| by.column() == s)
            .ok_or_else(|| Error::BadColumn(s.to_owned()))
    }
}

impl Query {
    /// Counts appeals by the values of some columns; by none: all together. An appeal counts by its main finding.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn counters(&self, by: Vec<CountBy>, period: Period) -> Result<Answer<Vec<Count>>, Error> {
        self.ask(move |ask| {
            ask.keeps(&View::Appeals)?;
            counters(ask, &by, &period).map_err(Error::sqlite("count appeals"))
        })
        .await
    }

    /// The report by groups of the city, computed from what happened.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn report(&self, period: Period) -> Result<Answer<Report>, Error> {
        self.ask(move |ask| {
            ask.keeps(&View::Appeals)?;
            report(ask, &period).map_err(Error::sqlite("make the report"))
        })
        .await
    }

    /// The figures of a period, for the public page and the dashboards.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn figures(&self, period: Period) -> Result<Answer<Figures>, Error> {
        self.ask(move |ask| {
            ask.keeps(&View::Appeals)?;
            figures(ask, &period).map_err(Error::sqlite("read the figures"))
        })
        .await
    }
}

fn conditions(period: &Period) -> Conditions {
    let mut all = Conditions::default();
    let columns = [("day >= ?", &period.from), ("day <= ?", &period.to), ("district = ?", &period.district)];
    for (sql, value) in columns {
        if let Some(value) = value.clone() {
            all.and(sql, value);
        }
    }
    if let Some(channels) = &period.channel {
        all.and_one_of("channel", channels.split(','));
    }
    all
}

fn rows<T>(
    ask: &Ask<'_>,
    period: &Period,
    sql: impl FnOnce(&str) -> String,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let all = conditions(period);
    let mut statement = ask.connection.prepare(&sql(&all.sql()))?;
    statement.query_map(all.values().as_slice(), read)?.collect()
}

fn counters(ask: &Ask<'_>, by: &[CountBy], period: &Period) -> rusqlite::Result<Vec<Count>> {
    let mut columns: Vec<_> = by.iter().map(|by| by.column()).collect();
    columns.dedup();
    let grouped = columns.join(", ");
    let sql = |all: &str| match grouped.as_str() {
        "" => format!("SELECT coalesce(sum(count), 0) FROM counter WHERE {all}"),
        by => format!("SELECT sum(count), {by} FROM counter WHERE {all} GROUP BY {by} ORDER BY {by}"),
    };
    rows(ask, period, sql, |row| {
        let mut key = BTreeMap::new();
        for (i, column) in columns.iter().enumerate() {
            key.insert((*column).to_owned(), row.get(i + 1)?);
        }
        Ok(Count { key, count: count(row.get(0)?) })
    })
}

/// Percent of `part` in `all`, to one decimal; nothing of nothing.
fn percent(part: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts of appeals are far below 2^52")]
    (all > 0).then(|| (part as f64 * 1000.0 / all as f64).round() / 10.0)
}

/// What the rows of one group add up to.
#[derive(Default, Clone)]
struct Group {
    count: u64,
    answered: u64,
    done: u64,
    rated_yes: u64,
    rated_no: u64,
    sent_to: BTreeMap<String, u64>,
}

impl Group {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.answered += other.answered;
        self.done += other.done;
        self.rated_yes += other.rated_yes;
        self.rated_no += other.rated_no;
        for (party, count) in other.sent_to {
            *self.sent_to.entry(party).or_default() += count;
        }
    }
}

/// Groups by their codes.
#[derive(Default)]
struct Groups(BTreeMap<String, Group>);

impl Groups {
    fn add(&mut self, bucket: String, group: Group) {
        self.0.entry(bucket).or_default().add(group);
    }

    fn count(&self) -> u64 {
        self.0.values().map(|group| group.count).sum()
    }

    fn undecided(&self) -> u64 {
        self.0.get(crate::city::UNKNOWN).map_or(0, |group| group.count)
    }

    /// The base of the shares, and every group of the city in its order, then those that only earlier rule sets knew.
    fn rows(mut self, ask: &Ask<'_>) -> (u64, Vec<ReportRow>) {
        self.0.remove(crate::city::UNKNOWN);
        let buckets = ask.rules.as_ref().map(|r| r.city.buckets.as_slice()).unwrap_or_default();
        let apart: Vec<_> = beside_the_report(ask).collect();
        let stands_apart = |code: &str| apart.contains(&code);
        let total = self.0.iter().filter(|(code, _)| !stands_apart(code)).map(|(_, g)| g.count).sum();
        let mut order: Vec<String> = buckets.iter().map(|b| b.code.clone()).collect();
        order.extend(self.0.keys().filter(|code| !buckets.iter().any(|b| b.code == **code)).cloned());
        let row = |code: String| {
            let group = self.0.remove(&code).unwrap_or_default();
            let voted = group.rated_yes + group.rated_no;
            ReportRow {
                share: if stands_apart(&code) { None } else { percent(group.count, total) },
                satisfied: if voted == 0 { None } else { percent(group.rated_yes, group.count) },
                bucket: ask.names().bucket(&code),
                count: group.count,
                answered: group.answered,
                sent_to: group.sent_to,
                done: group.done,
                rated_yes: group.rated_yes,
                rated_no: group.rated_no,
            }
        };
        (total, order.into_iter().map(row).collect())
    }
}

/// Groups that the report of the first year did not have: they stand beside it, and count in no share.
pub(super) fn beside_the_report<'a>(ask: &'a Ask<'_>) -> impl Iterator<Item = &'a str> {
    let buckets = ask.rules.as_ref().map(|r| r.city.buckets.as_slice()).unwrap_or_default();
    buckets.iter().filter(|bucket| bucket.share <= 0.0).map(|bucket| bucket.code.as_str())
}

/// Channels that are counted together, and what came by them.
struct Part {
    name: Named,
    channels: Vec<Channel>,
    groups: Groups,
}

/// The groups of channels that the city tells apart, and all other channels; none where it tells none apart.
fn parts(ask: &Ask<'_>) -> Vec<Part> {
    let Some(city) = ask.rules.as_ref().map(|rules| &rules.city) else { return vec![] };
    let part = |code: &str, channels| Part {
        name: ask.names().channel_group(code),
        channels,
        groups: Groups::default(),
    };
    let mut parts: Vec<Part> =
        city.channel_groups.iter().map(|group| part(&group.code, group.channels.clone())).collect();
    if !parts.is_empty() {
        parts.push(part(OTHER_CHANNELS, city.other_channels()));
    }
    parts
}

fn report(ask: &Ask<'_>, period: &Period) -> rusqlite::Result<Report> {
    type Read = (String, String, Group, u64);
    let sql = |all: &str| {
        format!(
            "SELECT channel, bucket, party, count(*), count(answered_at), count(done_at), coalesce(sum(rated = 1), 0),
                    coalesce(sum(rated = 0), 0), sum(corrected)
             FROM appeal WHERE {all} GROUP BY channel, bucket, party"
        )
    };
    let read = rows(ask, period, sql, |row| -> rusqlite::Result<Read> {
        let n = |i| row.get::<_, Option<i64>>(i).map(|n| count(n.unwrap_or_default()));
        let group = Group {
            count: n(3)?,
            answered: n(4)?,
            done: n(5)?,
            rated_yes: n(6)?,
            rated_no: n(7)?,
            sent_to: BTreeMap::from([(row.get(2)?, n(3)?)]),
        };
        Ok((row.get(0)?, row.get(1)?, group, n(8)?))
    })?;
    let mut parts = parts(ask);
    let (mut groups, mut corrected) = (Groups::default(), 0);
    for (channel, bucket, group, of_them_corrected) in read {
        corrected += of_them_corrected;
        if let Some(part) =
            parts.iter_mut().find(|part| part.channels.iter().any(|one| one.code() == channel))
        {
            part.groups.add(bucket.clone(), group.clone());
        }
        groups.add(bucket, group);
    }
    let all = groups.count();
    let later = if period.to.is_some() {
        let endless = Period { to: None, ..period.clone() };
        counters(ask, &[], &endless)?.iter().map(|one| one.count).sum::<u64>().saturating_sub(all)
    } else {
        0
    };
    let undecided = groups.undecided();
    let (total, groups) = groups.rows(ask);
    let channel_groups = parts.into_iter().map(|part| {
        let all = part.groups.count();
        let (total, groups) = part.groups.rows(ask);
        let channels = part.channels.iter().map(|channel| channel.code().to_owned()).collect();
        ReportPart { channel_group: part.name, channels, total, all, groups }
    });
    let channel_groups = channel_groups.collect();
    Ok(Report { total, all, undecided, corrected, later, groups, channel_groups })
}

fn figures(ask: &Ask<'_>, period: &Period) -> rusqlite::Result<Figures> {
    const SUMS: &str =
        "count(*), coalesce(sum(open), 0), coalesce(sum(open AND overdue), 0), count(settled_at)";
    let sql = |all: &str| {
        format!(
            "SELECT {SUMS}, coalesce(sum(open AND danger), 0), count(answered_at), count(done_at),
                    coalesce(sum(reopened), 0), coalesce(sum(rated = 1), 0), coalesce(sum(rated = 0), 0)
             FROM appeal WHERE {all}"
        )
    };
    let sums = rows(ask, period, sql, |row| {
        (0..10).map(|i| row.get(i).map(count)).collect::<rusqlite::Result<Vec<u64>>>()
    })?;
    let sum = |i: usize| sums.first().and_then(|s| s.get(i)).copied().unwrap_or_default();
    let hours = rows(
        ask,
        period,
        |all| {
            format!(
                "SELECT settled_at - received_at AS ms FROM appeal WHERE settled_at IS NOT NULL AND {all} ORDER BY ms"
            )
        },
        |row| row.get::<_, i64>(0),
    )?;
    let at = |percent: usize| {
        // The nearest rank: the smallest time within which so many percent were settled.
        let rank = (hours.len() * percent).div_ceil(100).max(1);
        #[expect(clippy::cast_precision_loss, reason = "times to settle are far below 2^52 ms")]
        hours.get(rank - 1).map(|ms| (*ms as f64 / 360_000.0).round() / 10.0)
    };
    let by = |column: &str, name: &dyn Fn(&str) -> Named| {
        let sql = |all: &str| {
            format!("SELECT {SUMS}, {column} FROM appeal WHERE {all} GROUP BY {column} ORDER BY {column}")
        };
        rows(ask, period, sql, |row| {
            Ok(PlaceFigures {
                of: name(&row.get::<_, String>(4)?),
                received: count(row.get(0)?),
                open: count(row.get(1)?),
                overdue: count(row.get(2)?),
                settled: count(row.get(3)?),
            })
        })
    };
    let names = ask.names();
    Ok(Figures {
        received: sum(0),
        open: sum(1),
        overdue: sum(2),
        settled: sum(3),
        danger: sum(4),
        answered: sum(5),
        done: sum(6),
        reopened: sum(7),
        rated_yes: sum(8),
        rated_no: sum(9),
        median_hours: at(50),
        p90_hours: at(90),
        districts: by("district", &|code| names.district(code))?,
        parties: by("party", &|code| names.party(code))?,
        categories: by("category", &|code| names.category(code))?,
    })
}
