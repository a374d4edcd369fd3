//! All settings of a run in one value, and how they are read: flag before variable before default.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    AGENTS, DEFAULT_SEED, DEFAULT_STEP_TIMEOUT, DEFAULT_TARGET, DNS_TTL, HttpSettings, LISTEN, LoadOverride, REPLAY,
    RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_USERNAME, SMOKE, SettingsError, TARGET,
    UnixTarget,
};
use crate::all_settings::all_settings;
use crate::per_host;
use crate::setting::{Setting, SettingValue};
use crate::value::parse_url;
use crate::variables::state_folder;
use monitoring::intervals;
use prometheus_store::{StoreAccess, shown_url};

/// All settings of a run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where requests go, unless their endpoint names a host.
    pub target: Url,
    /// The URLs of the service's other hosts, by name.
    pub hosts: BTreeMap<String, Url>,
    /// The run's name, if one was given.
    pub testid: Option<String>,
    /// Random seed of the plan and of all payloads.
    pub seed: u64,
    /// The user's labels, sorted by name.
    pub tags: Vec<(String, String)>,
    /// Settings that replace the scenario's load.
    pub load: LoadOverride,
    /// Options of requests.
    pub http: HttpSettings,
    /// The only part of a scenario to run, if one was given.
    pub part: Option<String>,
    /// How many processes make the load together. `None`: the scenario's own process makes it.
    pub agents: Option<u32>,
    /// Where agents join that are started by hand. `None`: they are started on this machine.
    pub listen: Option<SocketAddr>,
    /// Time limit of a scenario's setup.
    pub setup_timeout: Duration,
    /// Time limit of a scenario's teardown.
    pub teardown_timeout: Duration,
    /// Whether each arrival gets its own timer.
    pub exact_arrivals: bool,
    /// Whether each load is one iteration, in which everything is checked but percentiles.
    pub smoke: bool,
    /// Whether the plan is only drawn, and nothing is sent.
    pub dry_run: bool,
    /// The report whose plan is run again.
    pub replay: Option<PathBuf>,
    /// Remote-write URL that metrics are pushed to, if any.
    pub remote_write: Option<Url>,
    /// URL of the Prometheus API that answers queries.
    pub prometheus: Option<Url>,
    /// Credentials, headers and certificates for the store.
    pub store_access: StoreAccess,
    /// Time between pushes.
    pub push_interval: Duration,
    /// Whether latencies are also pushed as native histograms.
    pub native_histograms: bool,
    /// One message for each setting that is accepted but has no effect.
    pub ignored: Vec<String>,
    /// The folder for reports.
    pub out: Option<PathBuf>,
    /// The folder of reports, locks and the stack's state. A relative path counts from the
    /// workspace's root.
    pub folder: PathBuf,
    /// The file that the outcome is written to.
    pub outcome: Option<PathBuf>,
    /// Whether live progress is hidden.
    pub quiet: bool,
    /// The repository's revision, for the report.
    pub revision: String,
    /// The command line without secrets, for the report.
    pub command: String,
}

/// Without user names and passwords, which URLs may contain.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |url: &Option<Url>| url.as_ref().map(shown_url);
        f.debug_struct("Settings")
            .field("target", &shown_url(&self.target))
            .field("testid", &self.testid)
            .field("remote_write", &shown(&self.remote_write))
            .field("prometheus", &shown(&self.prometheus))
            .field("store_access", &self.store_access)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// A run against this target with every other setting at its default.
    pub fn new(target: Url) -> Self {
        Self {
            target,
            hosts: BTreeMap::new(),
            testid: None,
            seed: DEFAULT_SEED,
            tags: Vec::new(),
            load: LoadOverride::default(),
            http: HttpSettings::default(),
            part: None,
            agents: None,
            listen: None,
            setup_timeout: DEFAULT_STEP_TIMEOUT,
            teardown_timeout: DEFAULT_STEP_TIMEOUT,
            exact_arrivals: false,
            smoke: false,
            dry_run: false,
            replay: None,
            remote_write: None,
            prometheus: None,
            store_access: StoreAccess::default(),
            push_interval: intervals::PUSH_INTERVAL,
            native_histograms: false,
            ignored: Vec::new(),
            out: None,
            folder: state_folder(&|_| None),
            outcome: None,
            quiet: false,
            revision: String::new(),
            command: String::new(),
        }
    }

    /// The URLs of the main target and of the hosts beside it.
    pub fn targets(&self) -> impl Iterator<Item = &Url> {
        [&self.target].into_iter().chain(self.hosts.values())
    }

    /// Whether every target is a Unix socket.
    pub fn has_only_sockets(&self) -> bool {
        self.targets().all(|url| UnixTarget::of(url).is_some())
    }

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
        Ok(settings)
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
        if self.listen.is_some() && self.agents.is_none() {
            let listen = typed(LISTEN).unwrap_or(LISTEN);
            return contradiction(format!("{listen} waits for agents: add --agents N (or {AGENTS}), their number"));
        }
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

    /// Reads settings from the JSON that another process wrote.
    ///
    /// # Errors
    /// If the text is not the JSON of settings.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        serde_json::from_str(text).map_err(|error| SettingsError::Json(error.column()))
    }

    /// The URL for queries: Prometheus' own URL if there is one, else the origin of the
    /// remote-write URL.
    pub fn query_url(&self) -> Option<Url> {
        let origin = |url: &Url| {
            let mut url = url.clone();
            url.set_path("/");
            url.set_query(None);
            url
        };
        self.prometheus.clone().or_else(|| self.remote_write.as_ref().map(origin))
    }
}
