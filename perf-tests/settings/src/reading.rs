//! Reads settings: flag before variable before default.

use crate::all_settings::all_settings;
use crate::per_host;
use crate::setting::{Setting, SettingValue};
use crate::settings::Settings;
use crate::value::{is_private, parse_url};
use crate::variables::state_folder;
use crate::{
    AGENTS, DEFAULT_TARGET, DNS_TTL, LISTEN, LISTEN_CERTIFICATE, LoadOverride, PROMETHEUS, PROXY, REMOTE_WRITE, REPLAY,
    RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_USERNAME, SHARD, SMOKE, START_AT,
    SettingsError, TARGET,
};

impl Settings {
    /// Reads settings from variables, such as the environment's. An empty value counts as not set.
    ///
    /// # Errors
    /// The first value that is not valid.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Self::from_flags(&[], lookup)
    }

    /// Reads settings from flags, given as name (without dashes) and text, and from variables for
    /// settings without a flag.
    ///
    /// # Errors
    /// The first value that is not valid, under the name that was typed.
    pub fn from_flags(
        flags: &[(&str, String)],
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let flag_of = |setting: &Setting| flags.iter().find(|(flag, _)| setting.flag == Some(flag));
        let has_load = all_settings().any(|setting| setting.is_load && flag_of(setting).is_some());
        let given = all_settings().filter_map(|setting| match flag_of(setting) {
            Some((flag, text)) => Some((setting, format!("--{flag}"), text.clone())),
            None if setting.is_load && has_load => None,
            None => setting.variables.iter().find_map(|name| {
                let text = lookup(name).filter(|text| !text.is_empty())?;
                Some((setting, (*name).to_owned(), text))
            }),
        });
        let given: Vec<_> = given.collect();
        let error = |name: &str, why| SettingsError::Value { name: name.to_owned(), why };
        let mut settings = Self::new(parse_url(DEFAULT_TARGET).map_err(|why| error(TARGET, why))?);
        settings.folder = state_folder(lookup);
        for (setting, name, text) in &given {
            (setting.set)(&mut settings, text).map_err(|why| error(name, why))?;
        }
        let Self { store_access, remote_write, prometheus, .. } = &mut settings;
        store_access.bind(remote_write, prometheus);
        let typed = |variable: &str| {
            let source = given.iter().find(|(setting, ..)| setting.variables.contains(&variable));
            source.map(|(_, name, _)| name.as_str())
        };
        settings.check(&typed)?;
        for (setting, name, text) in &given {
            let hosts = (matches!(setting.value, SettingValue::PerHost(_))).then(|| per_host::host_names(text));
            if let Some(host) = hosts.into_iter().flatten().find(|host| !settings.hosts.contains_key(*host)) {
                return Err(SettingsError::Contradiction(format!(
                    "{name} has a value for host {host:?}, which has no URL: add --target {host}=URL, or remove the value"
                )));
            }
        }
        if let Some(name) = typed(DNS_TTL).filter(|_| settings.has_only_sockets()) {
            settings.ignored.push(format!("{name} has no effect: a Unix socket has no name to look up"));
        }
        if let Some(name) = typed(PROXY).filter(|_| settings.has_only_sockets()) {
            settings.ignored.push(format!("{name} has no effect: a Unix socket is reached directly"));
        }
        Ok(settings)
    }

    /// Rejects an address for agents that nobody joins at, or whose messages others could read.
    fn check_listen<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        let listen = typed(LISTEN).unwrap_or(LISTEN);
        let Some(address) = self.listen else {
            let Some(_) = self.listen_certificate else { return Ok(()) };
            let certificate = typed(LISTEN_CERTIFICATE).unwrap_or(LISTEN_CERTIFICATE);
            return contradiction(format!(
                "{certificate} encrypts messages to agents on other machines: add --listen ADDRESS:PORT (or {LISTEN})"
            ));
        };
        if self.agents.is_none() {
            return contradiction(format!("{listen} waits for agents: add --agents N (or {AGENTS}), their number"));
        }
        if self.on_kubernetes {
            return contradiction(format!(
                "{listen} is for agents that you start: remove it, or kubernetes: of --agents"
            ));
        }
        if self.listen_certificate.is_none() && !is_private(address.ip()) {
            return contradiction(format!(
                "{listen} {address} is not an address of this machine or of a private network, and messages to agents \
                 are not encrypted: use such an address, or add --listen-certificate FILE (or {LISTEN_CERTIFICATE})"
            ));
        }
        Ok(())
    }

    /// Rejects what does not go with a shard.
    fn check_shard<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        let Some(shard) = typed(SHARD) else {
            return match typed(START_AT) {
                Some(start) => {
                    contradiction(format!("{start} is for shards: add --shard I/N (or {SHARD}), or remove it"))
                }
                None => Ok(()),
            };
        };
        if let Some(agents) = typed(AGENTS) {
            return contradiction(format!(
                "{shard} and {agents} exclude each other: a shard is made by one process; use more shards"
            ));
        }
        if let Some(store) = typed(REMOTE_WRITE).or_else(|| typed(PROMETHEUS)) {
            return contradiction(format!("{shard} pushes to no store, because a run has one writer: remove {store}"));
        }
        Ok(())
    }

    /// Rejects contradictions. `typed` maps a variable's name to the flag or variable that was
    /// typed, if the setting was given.
    fn check<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        if typed(RW_CLIENT_CERTIFICATE).is_some() != typed(RW_CLIENT_CERTIFICATE_KEY).is_some() {
            return contradiction(format!(
                "{RW_CLIENT_CERTIFICATE} and {RW_CLIENT_CERTIFICATE_KEY} must be set together"
            ));
        }
        if let (Some(token), Some(user)) = (typed(RW_BEARER_TOKEN), typed(RW_USERNAME)) {
            return contradiction(format!("{token} and {user} exclude each other: set only one of them"));
        }
        self.check_listen(typed)?;
        self.check_shard(typed)?;
        self.load.check(typed)?;
        if self.smoke && (self.load != LoadOverride::default() || self.replay.is_some()) {
            let smoke = typed(SMOKE).unwrap_or(SMOKE);
            return contradiction(format!("{smoke} runs one iteration: leave out the settings of a load"));
        }
        if self.replay.is_some() && self.load != LoadOverride::default() {
            let replay = typed(REPLAY).unwrap_or(REPLAY);
            return contradiction(format!(
                "{replay} takes the load from the report: remove the load settings, such as --vus"
            ));
        }
        Ok(())
    }
}
