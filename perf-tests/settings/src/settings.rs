//! All that a run is told, and how it is read: a flag before a variable before the default.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    DEFAULT_SEED, DEFAULT_TARGET, HttpSettings, LoadOverride, REPLAY, RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE,
    RW_CLIENT_CERTIFICATE_KEY, RW_USERNAME, SettingsError, TARGET,
};
use crate::all_settings::all_settings;
use crate::setting::Setting;
use crate::value::parse_url;
use monitoring::stack_limits;
use prometheus_store::{StoreAccess, shown_url};

/// All that a run is told from outside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where requests go.
    pub target: Url,
    /// The run's name, if one was given.
    pub testid: Option<String>,
    /// What the plan and all payloads are made from.
    pub seed: u64,
    /// The user's labels, sorted by name.
    pub tags: Vec<(String, String)>,
    /// What replaces the scenario's load.
    pub load: LoadOverride,
    /// How requests are made.
    pub http: HttpSettings,
    /// Each arrival gets a timer of its own.
    pub exact_arrivals: bool,
    /// Draw the plan and send nothing.
    pub dry_run: bool,
    /// The report whose plan is to be run again.
    pub replay: Option<PathBuf>,
    /// Where metrics are pushed to, if anywhere.
    pub remote_write: Option<Url>,
    /// Where the store answers queries.
    pub prometheus: Option<Url>,
    /// How the store is told who pushes and asks.
    pub store_access: StoreAccess,
    /// How often metrics are pushed.
    pub push_interval: Duration,
    /// Latencies as native histograms, too.
    pub native_histograms: bool,
    /// Settings that are understood and change nothing: a sentence for each.
    pub ignored: Vec<String>,
    /// The folder that reports go to.
    pub out: Option<PathBuf>,
    /// Where to leave the outcome.
    pub outcome: Option<PathBuf>,
    /// No live progress.
    pub quiet: bool,
    /// The repository's revision, for the report.
    pub revision: String,
    /// The command line without secrets, likewise.
    pub command: String,
}

/// Without users and passwords, which URLs may have.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_store = |url: &Option<Url>| url.as_ref().map(shown_url);
        f.debug_struct("Settings")
            .field("target", &shown_url(&self.target))
            .field("testid", &self.testid)
            .field("remote_write", &of_store(&self.remote_write))
            .field("prometheus", &of_store(&self.prometheus))
            .field("store_access", &self.store_access)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// A run against that target, with nothing else said.
    pub fn new(target: Url) -> Self {
        Self {
            target,
            testid: None,
            seed: DEFAULT_SEED,
            tags: Vec::new(),
            load: LoadOverride::default(),
            http: HttpSettings::default(),
            exact_arrivals: false,
            dry_run: false,
            replay: None,
            remote_write: None,
            prometheus: None,
            store_access: StoreAccess::default(),
            push_interval: stack_limits::PUSH_INTERVAL,
            native_histograms: false,
            ignored: Vec::new(),
            out: None,
            outcome: None,
            quiet: false,
            revision: String::new(),
            command: String::new(),
        }
    }

    /// Settings from variables, such as the environment's. An empty value counts as none.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Self::from_flags(&[], lookup)
    }

    /// Settings from flags, each with its name without dashes and its text, and from variables where there is no flag.
    ///
    /// # Errors
    /// The first value that makes no sense, by the name that was typed.
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
        let wrong = |name: &str, why| SettingsError::Value { name: name.to_owned(), why };
        let mut settings = Self::new(parse_url(DEFAULT_TARGET).map_err(|why| wrong(TARGET, why))?);
        for (setting, name, text) in &given {
            (setting.set)(&mut settings, text).map_err(|why| wrong(name, why))?;
        }
        let Self { store_access, remote_write, prometheus, .. } = &mut settings;
        store_access.bind(remote_write, prometheus);
        settings.check(&|variable| {
            let of_variable = given.iter().find(|(setting, ..)| setting.variables.contains(&variable));
            of_variable.map(|(_, name, _)| name.as_str())
        })?;
        Ok(settings)
    }

    /// Refuses what contradicts itself. A variable's name gives what was typed, if the setting was given.
    fn check<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        if typed(RW_CLIENT_CERTIFICATE).is_some() != typed(RW_CLIENT_CERTIFICATE_KEY).is_some() {
            return contradiction(format!("{RW_CLIENT_CERTIFICATE} and {RW_CLIENT_CERTIFICATE_KEY} go together"));
        }
        if let (Some(token), Some(user)) = (typed(RW_BEARER_TOKEN), typed(RW_USERNAME)) {
            return contradiction(format!("{token} and {user} exclude each other"));
        }
        self.load.check(typed)?;
        if self.replay.is_some() && self.load != LoadOverride::default() {
            let replay = typed(REPLAY).unwrap_or(REPLAY);
            return contradiction(format!("{replay} takes the load from the report: leave out the settings of a load"));
        }
        Ok(())
    }

    /// Settings as another process wrote them, as JSON.
    ///
    /// # Errors
    /// If it is not theirs.
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        serde_json::from_str(text).map_err(|error| SettingsError::Json(error.column()))
    }

    /// Where queries go: Prometheus' own URL if there is one, else the origin of where metrics are pushed to.
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
