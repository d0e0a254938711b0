//! Rule sets and access tokens.

use rusqlite::Connection;
use zholdary_domain::{access, rules};
use zholdary_log::{Aggregate, Recorded};

use super::{Effects, Failed, stored};
use crate::{city, query::View};

pub(super) fn rules(connection: &Connection, record: &Recorded) -> Result<Effects, Failed> {
    let mut effects = Effects::of(&View::Rules);
    for event in <zholdary_log::streams::Rules as Aggregate>::decode(record)? {
        let rules::Event::Published { city, version, pack, by } = event;
        city::read(&pack).map_err(Failed::Poison)?;
        effects.events.push("published");
        connection
            .prepare_cached(
                "INSERT INTO rules(position, city, version, at, by, pack) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                stored(record.position),
                city,
                version,
                record.recorded_at.timestamp_millis(),
                by,
                pack,
            ))?;
    }
    Ok(effects)
}

pub(super) fn access(connection: &Connection, record: &Recorded) -> Result<Effects, Failed> {
    let mut effects = Effects::of(&View::Tokens);
    let now = record.recorded_at.timestamp_millis();
    for event in <zholdary_log::streams::Access as Aggregate>::decode(record)? {
        match event {
            access::Event::TokenCreated { token, digest, role, party, expires_at } => {
                effects.events.push("token_created");
                connection
                    .prepare_cached(
                        "INSERT INTO token(name, digest, role, party, created_at, expires_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((
                        token,
                        digest,
                        role.code(),
                        party,
                        now,
                        expires_at.map(|at| at.timestamp_millis()),
                    ))?;
            }
            access::Event::TokenRevoked { token } => {
                effects.events.push("token_revoked");
                connection
                    .prepare_cached("UPDATE token SET revoked_at = coalesce(revoked_at, ?2) WHERE name = ?1")?
                    .execute((token, now))?;
            }
        }
    }
    Ok(effects)
}
