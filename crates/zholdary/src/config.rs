//! Settings: a TOML file, and secrets from files or the environment. Only this crate reads either.

mod bounds;
mod email;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;
use zholdary_channels::outbound::email::is_address;
use zholdary_channels::{Accounts, Ours, telegram::Bot};
use zholdary_city::Lang;
use zholdary_delivery::PartyContact;
use zholdary_domain::{Personal, inbound::Channel};
use zholdary_http::{Hooks, MetaHook, Secret};
use zholdary_platforms::{Base, Token, graph, telegram};

use crate::cli::{Engine, Place};
use email::{Email, EmailFiles};

/// All settings. Every field has a default; an unknown one is an error.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Which engine keeps the log: said on the command line.
    #[serde(skip)]
    pub(crate) engine: Engine,
    /// The event log in a SQLite file.
    pub(crate) log: zholdary_log::SqliteConfig,
    /// The event log on NATS. The command line names the servers.
    pub(crate) nats: zholdary_log::JetStreamConfig,
    /// Taking messages in.
    pub(crate) intake: zholdary_intake::Config,
    /// Raw bodies.
    pub(crate) raw: zholdary_intake::RawConfig,
    /// The workers.
    pub(crate) workers: zholdary_routing::Config,
    /// What is told to residents.
    pub(crate) delivery: zholdary_delivery::Config,
    /// Files that residents send.
    pub(crate) media: zholdary_fetch::Config,
    /// Calls to platforms.
    pub(crate) platforms: zholdary_platforms::Config,
    /// The one writer of the views.
    pub(crate) views: zholdary_readmodel::ProjectorConfig,
    /// Readers of the views.
    pub(crate) query: zholdary_readmodel::QueryConfig,
    /// HTTP.
    pub(crate) http: zholdary_http::Config,
    /// Who may collect the metrics besides operators and administrators.
    pub(crate) metrics: MetricsFiles,
    /// WhatsApp Cloud API. Secrets stand in files, or in the environment.
    pub(crate) whatsapp: MetaFiles,
    /// Instagram.
    pub(crate) instagram: MetaFiles,
    /// The Facebook page.
    pub(crate) facebook: MetaFiles,
    /// The Telegram bot.
    pub(crate) telegram: TelegramFiles,
    /// E-mail.
    pub(crate) email: EmailFiles,
    /// Whom letters to parties go to, by code of the party.
    pub(crate) party: BTreeMap<String, PartySettings>,
    /// The same, found to be addresses.
    #[serde(skip)]
    pub(crate) parties: BTreeMap<String, PartyContact>,
    /// By what we send.
    #[serde(skip)]
    pub(crate) senders: Senders,
    /// What the file says, for `doctor`.
    #[serde(skip)]
    pub(crate) said: Said,
}

/// Whom letters to one party go to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PartySettings {
    /// Mail addresses for tasks: each gets every letter. Default: none, and then the desk hears that it must call.
    pub(crate) email: Vec<String>,
    /// Mail addresses of whoever is on duty day and night, for dangers. Default: none, and then those for tasks.
    pub(crate) duty: Vec<String>,
    /// Language of the letters: `ru` or `kk`. Default: the city's.
    pub(crate) lang: Option<String>,
}

impl PartySettings {
    fn contact(&self, code: &str) -> anyhow::Result<PartyContact> {
        let lang = match self.lang.as_deref() {
            None => None,
            Some(lang @ ("ru" | "kk")) => Lang::from_code(lang),
            Some(_) => bail!("party.{code}.lang is a language that letters are not written in: ru or kk"),
        };
        let addresses = |of: &str, list: &[String]| {
            list.iter()
                .map(|address| {
                    if !is_address(address) {
                        bail!("party.{code}.{of} has an entry that is no mail address: name@host.example");
                    }
                    Ok(Personal::new(address.clone()))
                })
                .collect::<anyhow::Result<Vec<_>>>()
        };
        Ok(PartyContact {
            email: addresses("email", &self.email)?,
            duty: addresses("duty", &self.duty)?,
            lang,
        })
    }
}

/// What is sent with, by channel; of mail also how it comes in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Senders {
    /// Of Meta's platforms: where, in which version, with which token.
    pub(crate) graph: Vec<(Channel, Base, String, Token)>,
    /// Of the Telegram bot.
    pub(crate) telegram: Option<(Base, Token)>,
    /// Of the mailbox.
    pub(crate) email: Email,
}

impl Senders {
    /// Whether anything goes out by `channel`.
    pub(crate) fn has(&self, channel: Channel) -> bool {
        self.graph.iter().any(|(of, ..)| *of == channel)
            || (channel == Channel::Telegram && self.telegram.is_some())
            || (channel == Channel::Email && self.email.out.is_some())
    }
}

/// The file of settings as it was understood. No secret stands in it: they have files of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// The file; none when every setting has its default.
    pub(crate) file: Option<PathBuf>,
    /// Each key that it sets, with its value, as TOML.
    pub(crate) keys: Vec<(String, String)>,
}

impl Said {
    fn of(file: &Path, table: &toml::Table) -> Self {
        let mut keys = Vec::new();
        flatten("", table, &mut keys);
        // Addresses of people are nobody's to print.
        let is_address =
            |key: &str| key.starts_with("party.") && (key.ends_with(".email") || key.ends_with(".duty"));
        for (key, value) in &mut keys {
            if is_address(key) {
                *value = "…".to_owned();
            }
        }
        Self { file: Some(file.to_owned()), keys }
    }
}

fn flatten(before: &str, table: &toml::Table, keys: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let key = format!("{before}{key}");
        match value {
            toml::Value::Table(table) => flatten(&format!("{key}."), table, keys),
            value => keys.push((key, value.to_string())),
        }
    }
}

/// Where the secret of whoever collects the metrics is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MetricsFiles {
    /// File with it. Default: none; `ZHOLDARY_METRICS_TOKEN` holds it. A process without views knows no other token.
    pub(crate) token_file: Option<PathBuf>,
}

/// Where the secrets of the hook of one of Meta's platforms are. `NAME` is the channel in capitals.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MetaFiles {
    /// File with the Meta app's secret. Default: none; `ZHOLDARY_NAME_APP_SECRET` holds it.
    pub(crate) app_secret_file: Option<PathBuf>,
    /// File with the word that Meta repeats when the hook is subscribed. Default: none; `ZHOLDARY_NAME_VERIFY_TOKEN` holds it.
    pub(crate) verify_token_file: Option<PathBuf>,
    /// Our own accounts. Default: every account is ours.
    pub(crate) accounts: Accounts,
    /// File with the token that we send with. Default: none; `ZHOLDARY_NAME_TOKEN` holds it. Without one nothing is sent there.
    pub(crate) token_file: Option<PathBuf>,
    /// Where the Graph API is. Default `https://graph.facebook.com`; `https://graph.instagram.com` for a token of an Instagram
    /// login.
    pub(crate) api: Option<Base>,
    /// Its version. Default `v26.0`.
    pub(crate) version: Option<String>,
}

/// Where the secrets of the Telegram bot are, and which bot it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelegramFiles {
    /// The bot's id: the digits before the colon of its token. Updates do not name the bot that got them. Default: empty, which
    /// is right as long as there was never another bot.
    pub(crate) bot: String,
    /// The bot's name: by it a group speaks to the bot. Default: empty, any bot's name is taken for it.
    pub(crate) name: String,
    /// File with the `secret_token` that the hook was set with. Default: none; `ZHOLDARY_TELEGRAM_SECRET_TOKEN` holds it.
    pub(crate) secret_token_file: Option<PathBuf>,
    /// File with the bot's token. Default: none; `ZHOLDARY_TELEGRAM_TOKEN` holds it. Without one nothing is sent there.
    pub(crate) token_file: Option<PathBuf>,
    /// Where the Bot API is. Default `https://api.telegram.org`.
    pub(crate) api: Option<Base>,
}

impl MetaFiles {
    /// What is sent with on `channel`, when there is a token.
    fn sender(&self, channel: Channel) -> anyhow::Result<Option<(Channel, Base, String, Token)>> {
        let variable = format!("ZHOLDARY_{}_TOKEN", channel.code().to_uppercase());
        let Some(token) = token(self.token_file.as_deref(), &variable)? else { return Ok(None) };
        let api = self.api.clone().map_or_else(|| graph::BASE.parse(), Ok)?;
        let version = self.version.clone().unwrap_or_else(|| graph::VERSION.to_owned());
        Ok(Some((channel, api, version, token)))
    }

    /// The hook of `channel`, when it has its secrets.
    fn hook(&self, channel: Channel) -> anyhow::Result<Option<MetaHook>> {
        let code = channel.code();
        let variable = |of: &str| format!("ZHOLDARY_{}_{of}", code.to_uppercase());
        let app_secret = secret(self.app_secret_file.as_deref(), &variable("APP_SECRET"))?;
        let verify_token = secret(self.verify_token_file.as_deref(), &variable("VERIFY_TOKEN"))?;
        match (app_secret, verify_token) {
            (None, None) => Ok(None),
            (Some(app_secret), Some(verify_token)) => Ok(Some(MetaHook { app_secret, verify_token })),
            (Some(_), None) => bail!(
                "the hook of {code} has an app secret but no verify token: set {}, or {code}.verify_token_file",
                variable("VERIFY_TOKEN")
            ),
            (None, Some(_)) => bail!(
                "the hook of {code} has a verify token but no app secret: set {}, or {code}.app_secret_file",
                variable("APP_SECRET")
            ),
        }
    }
}

impl Config {
    /// Reads the settings of a command.
    pub(crate) fn of(place: &Place) -> anyhow::Result<Self> {
        let mut config = Self::read(place.config.as_deref())?;
        if let Engine::Nats(servers) = &place.log {
            config.nats.servers = servers.split(',').map(str::to_owned).collect();
        }
        config.engine = place.log.clone();
        Ok(config)
    }

    /// Reads the file, if one is named, and the secrets.
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut config: Self = match file {
            None => Self::default(),
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("could not read the settings {}", file.display()))?;
                let what = || format!("in the settings {}", file.display());
                let mut config: Self = toml::from_str(&text).with_context(what)?;
                config.check().with_context(what)?;
                config.said = Said::of(file, &toml::from_str(&text).with_context(what)?);
                config
            }
        };
        config.http.metrics_token = secret(config.metrics.token_file.as_deref(), "ZHOLDARY_METRICS_TOKEN")?;
        config.http.hooks = Hooks {
            whatsapp: config.whatsapp.hook(Channel::Whatsapp)?,
            instagram: config.instagram.hook(Channel::Instagram)?,
            facebook: config.facebook.hook(Channel::Facebook)?,
            telegram: secret(config.telegram.secret_token_file.as_deref(), "ZHOLDARY_TELEGRAM_SECRET_TOKEN")?,
        };
        let metas = [
            (Channel::Whatsapp, &config.whatsapp),
            (Channel::Instagram, &config.instagram),
            (Channel::Facebook, &config.facebook),
        ];
        for (channel, meta) in metas {
            config.senders.graph.extend(meta.sender(channel)?);
        }
        if let Some(token) = token(config.telegram.token_file.as_deref(), "ZHOLDARY_TELEGRAM_TOKEN")? {
            let api = config.telegram.api.clone().map_or_else(|| telegram::BASE.parse(), Ok)?;
            config.senders.telegram = Some((api, token));
        }
        config.http.ours = Ours {
            whatsapp: config.whatsapp.accounts.clone(),
            instagram: config.instagram.accounts.clone(),
            facebook: config.facebook.accounts.clone(),
            telegram: Bot {
                id: config.telegram.bot.clone(),
                name: config.telegram.name.trim_start_matches('@').to_owned(),
            },
            email: config.email.mailbox(),
        };
        for (code, party) in &config.party {
            config.parties.insert(code.clone(), party.contact(code)?);
        }
        config.senders.email = config.email.ready()?;
        Ok(config)
    }
}

/// The token of a platform, from a file, else from the environment.
fn token(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Token>> {
    let Some(secret) = secret(file, variable)? else { return Ok(None) };
    let what = || format!("{variable} is no token of a platform");
    Ok(Some(Token::new(secret.reveal()).with_context(what)?))
}

/// A secret from a file, else from the environment. An empty variable is none, an empty file an error: somebody meant one.
fn secret(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Secret>> {
    let text = match file {
        Some(file) => {
            let read = std::fs::read_to_string(file);
            let text = read.with_context(|| format!("could not read the secret in {}", file.display()))?;
            if text.trim().is_empty() {
                bail!("the secret in {} is empty: write it there, or take the setting out", file.display());
            }
            Some(text)
        }
        None => std::env::var(variable).ok(),
    };
    let text = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    Ok(text.map(Secret::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_default_and_an_unknown_one_is_an_error() {
        toml::from_str::<Config>("").unwrap();
        let config: Config = toml::from_str("[workers]\nlanes = 8\n[log]\nqueue = 9\n").unwrap();
        assert_eq!((config.workers.lanes, config.log.queue), (8, 9));
        for wrong in ["lanes = 8", "[workers]\nlane = 8", "[whatsapp]\napp_secret = \"x\""] {
            assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
    }
}
