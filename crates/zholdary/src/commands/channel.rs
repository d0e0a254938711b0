//! `zholdary channel check`: asks a platform whether it knows us, and says what is missing.

use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;
use zholdary_channels::Accounts;
use zholdary_domain::inbound::Channel;
use zholdary_mail::{Imap, ImapError, PostError, Seen, Step};
use zholdary_platforms::{Bot, CallError, Graph, Http};

use super::findings::{Finding, report};
use crate::{
    cli::{ChannelCommand, ChannelName},
    config::Config,
};

pub(crate) async fn channel(command: ChannelCommand) -> anyhow::Result<ExitCode> {
    let ChannelCommand::Check { name, config, json } = command;
    let config = Config::read(config.as_deref())?;
    let http = Http::new(&config.platforms).context("cannot speak to platforms")?;
    let mut check = Check { found: Vec::new() };
    match name {
        ChannelName::Telegram => check.telegram(&config, http).await,
        ChannelName::Whatsapp => check.meta(&config, http, Channel::Whatsapp).await,
        ChannelName::Instagram => check.meta(&config, http, Channel::Instagram).await,
        ChannelName::Facebook => check.meta(&config, http, Channel::Facebook).await,
        ChannelName::Email => check.email(&config).await,
    }
    report(&check.found, json)
}

/// What a platform calls our account, of the fields that it may have.
const NAMES: [&str; 3] = ["verified_name", "username", "name"];

struct Check {
    found: Vec<Finding>,
}

impl Check {
    fn look(&mut self, what: &'static str, is: impl Into<String>, remedy: Option<&'static str>) {
        self.found.push(Finding { what, is: is.into(), remedy });
    }

    fn hook(&mut self, is_set: bool) {
        let (is, remedy) = match is_set {
            true => ("its secrets are given", None),
            false => (
                "not configured",
                Some("give the app secret and the verify token: without them nothing comes in"),
            ),
        };
        self.look("hook", is, remedy);
    }

    async fn meta(&mut self, config: &Config, http: Http, channel: Channel) {
        let hooks = &config.http.hooks;
        let ours = &config.http.ours;
        let (hook, accounts) = match channel {
            Channel::Whatsapp => (hooks.whatsapp.is_some(), &ours.whatsapp),
            Channel::Instagram => (hooks.instagram.is_some(), &ours.instagram),
            _ => (hooks.facebook.is_some(), &ours.facebook),
        };
        self.hook(hook);
        let Some((_, api, version, token)) = config.senders.graph.iter().find(|(of, ..)| *of == channel)
        else {
            return self.look("token", "none", Some("give the token: without it nothing is sent there"));
        };
        self.look("token", "given", None);
        let graph = Graph::new(http, api.clone(), token.clone()).with_version(version);
        let Accounts { businesses, addresses, .. } = accounts;
        if addresses.is_empty() {
            self.look(
                "accounts",
                "none is named",
                Some("name our accounts in the settings: each would be ours, and none can be asked about"),
            );
        }
        for account in addresses {
            let fields = if channel == Channel::Whatsapp {
                "id,verified_name,display_phone_number"
            } else {
                "id,name,username"
            };
            let asked = graph.get(account, &[("fields", fields)]).await;
            self.account(account, asked);
        }
        // Numbers belong to a business, and it is the business that subscribes; elsewhere the account does.
        let subscribers = if channel == Channel::Whatsapp { businesses } else { addresses };
        for subscriber in subscribers {
            let asked = graph.get(&format!("{subscriber}/subscribed_apps"), &[]).await;
            self.subscribed(subscriber, asked);
        }
    }

    fn account(&mut self, account: &str, asked: Result<Value, CallError>) {
        match asked {
            Ok(told) => {
                let name = NAMES.into_iter().find_map(|field| told[field].as_str()).unwrap_or_default();
                self.look("account", format!("{account}: the platform calls it «{name}»"), None);
            }
            Err(error) => self.trouble("account", account, &error),
        }
    }

    fn subscribed(&mut self, subscriber: &str, asked: Result<Value, CallError>) {
        match asked {
            Ok(told) if told["data"].as_array().is_some_and(|apps| !apps.is_empty()) => {
                self.look("subscription", format!("{subscriber} tells our app of what comes in"), None);
            }
            Ok(_) => self.look(
                "subscription",
                format!("{subscriber} tells no app"),
                Some("subscribe the app to its fields (POST …/subscribed_apps): without it nothing comes in"),
            ),
            Err(error) => self.trouble("subscription", subscriber, &error),
        }
    }

    async fn telegram(&mut self, config: &Config, http: Http) {
        let Some((api, token)) = &config.senders.telegram else {
            return self.look("token", "none", Some("give the token that BotFather tells"));
        };
        self.look("token", "given", None);
        let bot = Bot::new(http, api.clone(), token.clone());
        let ours = &config.http.ours.telegram;
        match bot.call("getMe", &Value::Null).await {
            Err(error) => return self.trouble("bot", "", &error),
            Ok(told) => {
                let (id, name) =
                    (told["id"].as_i64().unwrap_or_default(), told["username"].as_str().unwrap_or_default());
                let is_other = !ours.id.is_empty() && ours.id != id.to_string();
                let is_called_otherwise = !ours.name.is_empty() && !ours.name.eq_ignore_ascii_case(name);
                let remedy = is_other
                    .then_some("telegram.bot names another bot: its updates would be doubled")
                    .or_else(|| {
                        is_called_otherwise.then_some(
                            "telegram.name is another name: groups that speak to the bot are not heard",
                        )
                    });
                self.look("bot", format!("{id}: @{name}"), remedy);
            }
        }
        let posts = config.http.hooks.telegram.is_some();
        match bot.call("getWebhookInfo", &Value::Null).await {
            Err(error) => self.trouble("hook", "", &error),
            Ok(told) => {
                let url = told["url"].as_str().unwrap_or_default();
                let (is, remedy) = match (posts, url.is_empty()) {
                    (true, false) => (format!("updates are posted to {url}"), None),
                    (false, true) => ("updates are asked for".to_owned(), None),
                    (true, true) => (
                        "none is set".to_owned(),
                        Some(
                            "set it (setWebhook, with the secret token), or take the secret token out of the settings",
                        ),
                    ),
                    (false, false) => (
                        format!("updates are posted to {url}, and nothing here knows its secret token"),
                        Some("remove it (deleteWebhook), or give its secret token"),
                    ),
                };
                self.look("hook", is, remedy);
                let waiting = told["pending_update_count"].as_u64().unwrap_or_default();
                self.look("updates that wait", waiting.to_string(), None);
            }
        }
    }

    async fn email(&mut self, config: &Config) {
        let files = &config.email;
        let (is, remedy) = match files.address.as_str() {
            "" => (
                "none".to_owned(),
                Some("give email.address: without it nothing is sent, and no report of the post is believed"),
            ),
            address => (address.to_owned(), None),
        };
        self.look("address", is, remedy);
        let (is, remedy) = match &files.authserv_id {
            Some(name) => (format!("results of {name} are believed"), None),
            None => (
                "nobody's results are believed".to_owned(),
                Some(
                    "give email.authserv_id, when your mail server writes Authentication-Results: then a forged sender is found",
                ),
            ),
        };
        self.look("sender check", is, remedy);
        let mail = &config.senders.email;
        match &mail.out {
            None => self.look(
                "smtp",
                "not configured",
                Some("give [email.smtp]: without it nobody is answered by letter"),
            ),
            Some((smtp, _)) => self.smtp(smtp.look().await),
        }
        match (&mail.imap, &mail.lmtp) {
            (None, None) => self.look(
                "ways in",
                "none",
                Some("give [email.imap], or email.lmtp_listen: without one no letter comes in"),
            ),
            (imap, lmtp) => {
                if let Some((imap, _)) = imap {
                    self.imap(imap).await;
                }
                if let Some((address, _)) = lmtp {
                    self.look(
                        "lmtp",
                        format!("letters are taken on {address} while a process with intake runs"),
                        None,
                    );
                }
            }
        }
    }

    fn smtp(&mut self, asked: Result<Seen, PostError>) {
        let (is, remedy) = match asked {
            Ok(Seen { protected, known }) => {
                let protection = if protected { "over TLS" } else { "without TLS" };
                let who = if known { "it knows us" } else { "without a login" };
                (format!("it answers {protection}, {who}"), None)
            }
            Err(error) => {
                let remedy = match &error {
                    PostError::Refused(reply) if reply.step == Step::Login => {
                        "look at email.smtp.user and its password"
                    }
                    PostError::Refused(_) => "ask whoever runs the mail server whether this machine may send",
                    PostError::Tls(_) => {
                        "look at email.smtp.host and protection; an authority of your own goes into email.smtp.ca_file"
                    }
                    PostError::NotOffered(_) => "choose another email.smtp.protection, or leave out the user",
                    _ => "look at the network, and at email.smtp.host and port",
                };
                (in_words(&error), Some(remedy))
            }
        };
        self.look("smtp", is, remedy);
    }

    async fn imap(&mut self, imap: &Imap) {
        let (is, remedy) = match imap.open().await {
            Ok(session) => {
                let tells = if session.idles() { "it tells of new ones" } else { "it is asked for new ones" };
                let is = format!("the folder has {} letters, and {tells}", session.letters());
                session.close().await;
                (is, None)
            }
            Err(error) => {
                let remedy = match &error {
                    ImapError::Login => "look at email.imap.user and its password",
                    ImapError::Folder => "look at email.imap.folder",
                    ImapError::Tls(_) => {
                        "look at email.imap.host and protection; an authority of your own goes into email.imap.ca_file"
                    }
                    ImapError::NoTls => "choose another email.imap.protection",
                    _ => "look at the network, and at email.imap.host and port",
                };
                (in_words(&error), Some(remedy))
            }
        };
        self.look("imap", is, remedy);
    }

    fn trouble(&mut self, what: &'static str, of: &str, error: &CallError) {
        let (is, remedy) = match error {
            CallError::NotSent { .. } => {
                ("the platform cannot be reached", "look at the network, and at `api` in the settings")
            }
            CallError::Unknown { .. } => ("the platform did not answer", "ask again later"),
            CallError::Refused(refusal) if refusal.status == 401 || refusal.code == Some(190) => {
                ("the platform does not know the token", "make a new one, and give it")
            }
            CallError::Refused(refusal) if refusal.status == 404 || refusal.code == Some(100) => {
                ("no such account for this token", "look at the account's id, and at the token's permissions")
            }
            CallError::Refused(_) => ("the platform refuses", "look at the token's permissions"),
        };
        let code = match error {
            CallError::Refused(refusal) => {
                let code = refusal.code.map_or_else(|| refusal.status.to_string(), |code| code.to_string());
                format!(" ({code})")
            }
            _ => String::new(),
        };
        let is = if of.is_empty() { format!("{is}{code}") } else { format!("{of}: {is}{code}") };
        self.look(what, is, Some(remedy));
    }
}

/// An error with its causes, in one line.
fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
