//! `zholdary token create|list|revoke`.

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use zholdary_domain::{
    Clock, CommandId, StreamId, StreamKind, SystemClock,
    access::{self, Role},
};
use zholdary_http::{NewToken, RANDOM_BYTES, Secret, new_token};
use zholdary_log::{Cause, Decider, streams::Access};
use zholdary_readmodel::{Query, Token};

use crate::{
    cli::{self, Place, RoleName, TokenCommand},
    config::Config,
    data::Data,
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

pub(crate) async fn token(args: cli::Token) -> anyhow::Result<ExitCode> {
    match args.command {
        TokenCommand::Create { role, party, days, place, json } => {
            create(role.into(), party, days, &place, json).await
        }
        TokenCommand::List { place, json } => list(&place, json).await,
        TokenCommand::Revoke { name, place } => revoke(&name, &place).await,
    }
}

async fn create(
    role: Role,
    party: Option<String>,
    days: Option<u16>,
    place: &Place,
    json: bool,
) -> anyhow::Result<ExitCode> {
    if party.is_some() && role != Role::Party {
        bail!("--party names the party of a token with --role party");
    }
    let office = Office::open(place).await?;
    if let Some(party) = &party {
        office.knows(party).await?;
    }
    let expires_at = days.map(|days| SystemClock.now() + TimeDelta::days(days.into()));
    let new = office.make(role, party.clone(), expires_at).await?;
    if json {
        print::json(&json!({
            "token": new.text.reveal(), "name": new.name, "role": role.code(), "party": party,
            "expires_at": expires_at,
        }))?;
    } else {
        print::note(&format!(
            "Keep it: it is shown once, and only its digest is recorded. To end it: zholdary token revoke {} --data {}",
            new.name,
            place.data.display()
        ));
        print::line(new.text.reveal())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(place: &Place, json: bool) -> anyhow::Result<ExitCode> {
    let config = Config::of(place)?;
    let data = system::existing(place, &config)?;
    if !data.has_views() {
        bail!(
            "there are no views in {}, and tokens are listed from them: name the folder of `up` or `serve views`",
            data.path().display()
        );
    }
    let tokens =
        Query::open(data.path(), &config.query)?.tokens().await.context("could not read the views")?;
    let now = SystemClock.now();
    for token in tokens.body {
        let works = token.works_at(now);
        let Token { name, digest: _, role, party, created_at, expires_at, revoked_at } = token;
        if json {
            print::json(&json!({
                "name": name, "role": role.code(), "party": party, "created_at": created_at,
                "expires_at": expires_at, "revoked_at": revoked_at, "works": works,
            }))?;
            continue;
        }
        let day = |at: DateTime<Utc>| at.format("%Y-%m-%d").to_string();
        let stands = match (revoked_at, expires_at) {
            (Some(at), _) => format!("revoked {}", day(at)),
            (None, Some(at)) if works => format!("until {}", day(at)),
            (None, Some(at)) => format!("expired {}", day(at)),
            (None, None) => "works".to_owned(),
        };
        let whose = party.map_or_else(String::new, |party| format!(" {party}"));
        print::line(&format!("{name}  {}{whose}  made {}  {stands}", role.code(), day(created_at)))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(name: &str, place: &Place) -> anyhow::Result<ExitCode> {
    // Who has the whole token may give it: its secret ends with it.
    let name = name.strip_prefix("zh_").and_then(|rest| rest.split('_').next()).unwrap_or(name);
    let office = Office::open(place).await?;
    if office.tokens.load(&stream(name)?).await?.state.is_empty() {
        bail!("there is no token {name}: its name stands between `zh_` and the second `_`");
    }
    office.record("token revoke", name, access::Event::TokenRevoked { token: name.to_owned() }).await?;
    print::line(&format!("{name} is revoked"))?;
    Ok(ExitCode::SUCCESS)
}

/// A token for the installation in a folder that no process has open.
pub(crate) async fn made(role: Role, data: &Data, config: &Config) -> anyhow::Result<Secret> {
    let tokens = Office { query: None, ..Office::of(data, config).await? };
    Ok(tokens.make(role, None, None).await?.text)
}

/// Where tokens are made and ended.
struct Office {
    tokens: Decider<Access>,
    /// The views of the folder, when it has any.
    query: Option<Query>,
}

impl Office {
    async fn open(place: &Place) -> anyhow::Result<Self> {
        let config = Config::of(place)?;
        Self::of(&system::existing(place, &config)?, &config).await
    }

    async fn of(data: &Data, config: &Config) -> anyhow::Result<Self> {
        let log = system::open(data, config, None).await?.log;
        system::bound_key(data, log.as_ref()).await?;
        let query = if data.has_views() { Some(Query::open(data.path(), &config.query)?) } else { None };
        Ok(Self { tokens: Decider::new(log, Arc::new(SystemClock)), query })
    }

    async fn make(
        &self,
        role: Role,
        party: Option<String>,
        expires_at: Option<DateTime<Utc>>,
    ) -> anyhow::Result<NewToken> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|e| anyhow::anyhow!("the system gave no random bytes: {e}"))?;
        let new = new_token(random);
        let event = access::Event::TokenCreated {
            token: new.name.clone(),
            digest: new.digest.clone(),
            role,
            party,
            expires_at,
        };
        self.record("token create", &new.name, event).await?;
        Ok(new)
    }

    /// Refuses a party that the city in force does not have.
    async fn knows(&self, party: &str) -> anyhow::Result<()> {
        let rules = match &self.query {
            Some(query) => query.city().await.context("could not read the city in force")?,
            None => None,
        };
        let Some(rules) = rules else {
            print::note(&format!(
                "No city is in the views of this folder: a party {party} was not looked for."
            ));
            return Ok(());
        };
        if rules.city.party(party).is_none_or(|party| party.is_abstract) {
            bail!("the city has no party {party}: its codes stand in parties.toml");
        }
        Ok(())
    }

    /// Records a fact about a token, once. Whoever relies on it at once must be right: a process that writes the views of this
    /// folder has a moment for it.
    async fn record(&self, what: &str, name: &str, event: access::Event) -> anyhow::Result<()> {
        let command = CommandId::named(what, name);
        let made = self
            .tokens
            .handle(&stream(name)?, command, Cause::OUTSIDE, |_, _| {
                Ok::<_, std::convert::Infallible>(vec![event.clone()])
            })
            .await?;
        if let Some(query) = &self.query
            && query.wait_for(made.position, SOON).await.is_err()
        {
            print::note("It holds once the views know it: nobody writes those of this folder just now.");
        }
        Ok(())
    }
}

fn stream(name: &str) -> anyhow::Result<StreamId> {
    StreamId::new(StreamKind::Access, name).context("this is no token's name")
}
