//! How the views are doing, and what stands beside the appeals: lag, parked records, tokens, rules, changes.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;
use zholdary_domain::Position;

use super::{
    Ask, Query, View,
    values::{code, count, instant, json, parsed, small},
};
use crate::{
    error::Error,
    model::{Answer, Change, Checkpoint, Lag, Parked, RulesVersion, Token},
};

/// How many parked records are told one by one: behind a first one there may be any number.
pub const PARKED_SHOWN: u32 = 100;

impl Query {
    /// How far the views are behind. `now` is the wall's time; `head` the log's last record, when the asker knows it better
    /// than the projector did a second ago.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn lag(&self, now: DateTime<Utc>, head: Option<Position>) -> Result<Answer<Lag>, Error> {
        self.ask(move |ask| lag(ask, now, head).map_err(Error::sqlite("read the lag"))).await
    }

    /// Records that were set aside, in order: the first [`PARKED_SHOWN`]. How many there are, [`Lag::parked`] tells.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn parked(&self) -> Result<Answer<Vec<Parked>>, Error> {
        self.ask(|ask| {
            let read = || -> rusqlite::Result<Vec<Parked>> {
                ask.connection
                    .prepare_cached(
                        "SELECT position, stream, reason, attempts FROM parked ORDER BY position LIMIT ?1",
                    )?
                    .query_map([PARKED_SHOWN], |row| {
                        Ok(Parked {
                            position: Position(count(row.get(0)?)),
                            stream: row.get(1)?,
                            reason: row.get(2)?,
                            attempts: small(row.get(3)?),
                        })
                    })?
                    .collect()
            };
            read().map_err(Error::sqlite("read the parked records"))
        })
        .await
    }

    /// The access token with this public name.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn token(&self, name: &str) -> Result<Answer<Option<Token>>, Error> {
        let name = name.to_owned();
        self.ask(move |ask| Ok(tokens(ask, Some(&name))?.into_iter().next())).await
    }

    /// All access tokens, by name.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn tokens(&self) -> Result<Answer<Vec<Token>>, Error> {
        self.ask(|ask| tokens(ask, None)).await
    }

    /// Rule sets that were published, the last first.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn rules(&self) -> Result<Answer<Vec<RulesVersion>>, Error> {
        self.ask(|ask| {
            ask.keeps(&View::Rules)?;
            let read = || -> rusqlite::Result<Vec<RulesVersion>> {
                ask.connection
                    .prepare_cached(
                        "SELECT position, city, version, at, by FROM rules ORDER BY position DESC",
                    )?
                    .query_map([], |row| {
                        Ok(RulesVersion {
                            position: Position(count(row.get(0)?)),
                            city: row.get(1)?,
                            version: row.get(2)?,
                            at: instant(row.get(3)?).unwrap_or_default(),
                            by: row.get(4)?,
                        })
                    })?
                    .collect()
            };
            read().map_err(Error::sqlite("read the rule sets"))
        })
        .await
    }

    /// What the records after `after` changed, at most `limit` of them (1 to 1000), in order.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub async fn changes(&self, after: Position, limit: u32) -> Result<Answer<Vec<Change>>, Error> {
        self.ask(move |ask| {
            type Row = (i64, i64, Option<String>, String, String);
            let read = || -> rusqlite::Result<Vec<Row>> {
                ask.connection
                    .prepare_cached(
                        "SELECT position, at, number, views, events FROM change WHERE position > ?1
                         ORDER BY position LIMIT ?2",
                    )?
                    .query_map((i64::try_from(after.0).unwrap_or(i64::MAX), limit.clamp(1, 1000)), |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                    })?
                    .collect()
            };
            read()
                .map_err(Error::sqlite("read the changes"))?
                .into_iter()
                .map(|(position, at, number, views, events)| {
                    Ok(Change {
                        position: Position(count(position)),
                        at: instant(Some(at)).unwrap_or_default(),
                        number: number.map(|n| parsed(&n, "a number")).transpose()?,
                        views: json(&views, "a change")?,
                        events: json(&events, "a change")?,
                    })
                })
                .collect()
        })
        .await
    }
}

fn lag(ask: &Ask<'_>, now: DateTime<Utc>, head: Option<Position>) -> rusqlite::Result<Lag> {
    let beat: Option<(i64, i64, i64)> = ask
        .connection
        .prepare_cached("SELECT at, head, head_at FROM heartbeat")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let at: i64 = ask.connection.query_row("SELECT recorded_at FROM checkpoint", [], |row| row.get(0))?;
    let parked: i64 = ask.connection.query_row("SELECT count(*) FROM parked", [], |row| row.get(0))?;
    let seen = Position(beat.map_or(0, |(_, head, _)| head).unsigned_abs());
    let head = head.unwrap_or(seen).max(ask.position);
    let behind = match beat {
        _ if head == ask.position => 0,
        // The projector has not seen the log's last record: nobody here knows when that was made, at most until now.
        Some((_, _, head_at)) if head <= seen => head_at - at,
        _ => now.timestamp_millis() - at,
    };
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of an outage are far below 2^52")]
    let seconds = |ms: i64| ms.max(0) as f64 / 1000.0;
    Ok(Lag {
        checkpoint: Checkpoint([(0, ask.position)].into()),
        head,
        records: head.0 - ask.position.0,
        seconds: seconds(behind),
        heartbeat_age_seconds: beat.map(|(at, _, _)| seconds(now.timestamp_millis() - at)),
        parked: count(parked),
        file: ask.file.to_owned(),
    })
}

fn tokens(ask: &Ask<'_>, name: Option<&str>) -> Result<Vec<Token>, Error> {
    type Row = (String, String, String, Option<String>, i64, Option<i64>, Option<i64>);
    ask.keeps(&View::Tokens)?;
    let read = || -> rusqlite::Result<Vec<Row>> {
        ask.connection
            .prepare_cached(
                "SELECT name, digest, role, party, created_at, expires_at, revoked_at FROM token
                 WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
            )?
            .query_map([name], |row| row.try_into())?
            .collect()
    };
    read()
        .map_err(Error::sqlite("read the tokens"))?
        .into_iter()
        .map(|(name, digest, role, party, created_at, expires_at, revoked_at)| {
            Ok(Token {
                name,
                digest,
                role: code(&role, "a role")?,
                party,
                created_at: instant(Some(created_at)).unwrap_or_default(),
                expires_at: instant(expires_at),
                revoked_at: instant(revoked_at),
            })
        })
        .collect()
}
