//! `zholdary token create`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::bail;
use chrono::TimeDelta;
use serde_json::json;
use zholdary_domain::{
    Clock, CommandId, StreamId, StreamKind, SystemClock,
    access::{self, Role},
};
use zholdary_http::{RANDOM_BYTES, new_token};
use zholdary_log::{Cause, Decider, streams::Access};
use zholdary_readmodel::Query;

use crate::{
    cli::{RoleName, Token, TokenCommand},
    config::Config,
    print, system,
};

/// How long running views may take to know a new token.
const SOON: Duration = Duration::from_secs(2);

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Operator => Self::Operator,
            RoleName::Party => Self::Party,
            RoleName::Analyst => Self::Analyst,
            RoleName::Partner => Self::Partner,
            RoleName::Admin => Self::Admin,
        }
    }
}

pub(crate) async fn token(args: Token) -> anyhow::Result<ExitCode> {
    let TokenCommand::Create { role, party, days, place, json } = args.command;
    let role = Role::from(role);
    if party.is_some() && role != Role::Party {
        bail!("--party names the party of a token with --role party");
    }
    let config = Config::of(&place)?;
    let data = system::existing(&place, &config)?;
    let log = system::open(&data, &config, None).await?.log;
    system::bound_key(&data, log.as_ref()).await?;
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("the system gave no random bytes: {e}"))?;
    let new = new_token(random);
    let expires_at = days.map(|days| SystemClock.now() + TimeDelta::days(days.into()));
    let event = access::Event::TokenCreated {
        token: new.name.clone(),
        digest: new.digest,
        role,
        party: party.clone(),
        expires_at,
    };
    let stream = StreamId::new(StreamKind::Access, &new.name)?;
    let tokens: Decider<Access> = Decider::new(log, Arc::new(SystemClock));
    let command = CommandId::named("token create", &new.name);
    let made = tokens
        .handle(&stream, command, Cause::OUTSIDE, |_, _| {
            Ok::<_, std::convert::Infallible>(vec![event.clone()])
        })
        .await?;
    // Whoever uses it at once must be known: a process that writes the views of this folder has a moment for it.
    if data.has_views() {
        let query = Query::open(data.path(), &config.query)?;
        if query.wait_for(made.position, SOON).await.is_err() {
            print::note("It works once the views know it: nobody writes those of this folder just now.");
        }
    }
    if json {
        print::json(&json!({
            "token": new.text.reveal(), "name": new.name, "role": role.code(), "party": party,
            "expires_at": expires_at,
        }))?;
    } else {
        print::note("Keep it: it is shown once, and only its digest is recorded.");
        print::line(new.text.reveal())?;
    }
    Ok(ExitCode::SUCCESS)
}
