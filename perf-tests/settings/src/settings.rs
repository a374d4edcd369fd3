//! All settings of a run in one value.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    DEFAULT_SEED, DEFAULT_STEP_TIMEOUT, HttpSettings, LoadOverride, PerHost, SettingNames, SettingsError, Shard,
    UnixTarget,
};
use crate::variables::default_state_folder;
use monitoring::intervals;
use monitoring::revision::Revision;
use prometheus_store::{StoreAccess, shown_url};

/// A run that sends nothing, and what it does with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DryRun {
    /// Draws it for the user. For very many arrivals this takes a minute.
    Draw,
    /// Only summarizes it, for another process.
    Summarize,
}

/// All settings of a run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Where requests go, unless their endpoint names a host.
    pub target: Url,
    /// The URLs of the service's other hosts, by name.
    pub hosts: BTreeMap<String, Url>,
    /// Bearer token for the main target's own metrics, which only the proof and `doctor` read.
    /// Neither agents nor processes that `cargo xtask perf` starts get it.
    pub metrics_token: Option<String>,
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
    /// Number of processes that make the load together. `None` if the scenario's own process does.
    pub agents: Option<u32>,
    /// Whether the agents are pods of a Kubernetes cluster, which only `cargo xtask perf` starts.
    pub on_kubernetes: bool,
    /// Where agents join that are started by hand. `None`: they are started on this machine.
    pub listen: Option<SocketAddr>,
    /// File with the certificate and the key by which messages to agents are encrypted.
    pub listen_certificate: Option<PathBuf>,
    /// The share of the load that this process makes and writes to a file. `None`: it makes all.
    pub shard: Option<Shard>,
    /// The stub backend, if it is the target.
    pub stub: Option<StubTarget>,
    /// When a shard's load begins. `None`: after its setup.
    pub start_at: Option<SystemTime>,
    /// Files of shards to merge, in place of a load. Only `cargo xtask merge` sets it.
    pub merge: Vec<PathBuf>,
    /// Time limit of a scenario's setup.
    pub setup_timeout: Duration,
    /// Time limit of a scenario's teardown.
    pub teardown_timeout: Duration,
    /// Whether each arrival gets its own timer.
    pub exact_arrivals: bool,
    /// Whether each load is one iteration, in which everything is checked but percentiles.
    pub smoke: bool,
    /// The kind of dry run, if it is one.
    pub dry_run: Option<DryRun>,
    /// The report whose plan is run again.
    pub replay: Option<PathBuf>,
    /// Remote-write URL that metrics are pushed to, if any.
    pub remote_write: Option<Url>,
    /// URL of the Prometheus API for queries.
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
    /// Where the outcome is written to, if another process judges and publishes.
    pub outcome: Option<OutcomePlace>,
    /// Whether live progress is hidden.
    pub quiet: bool,
    /// The repository's revision, for the report. `None` if it is not known.
    pub revision: Option<Revision>,
    /// The command line without secrets, for the report.
    pub command: String,
    /// The names by which the user knows the settings, for errors.
    pub names: SettingNames,
}

/// The stub backend as the target of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StubTarget {
    /// The service that it serves. `None`: none of the services that can be tested.
    pub service: Option<String>,
}

/// Where a scenario's process writes its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutcomePlace {
    /// A file. The process that reads it holds the other end of standard input, whose end counts as
    /// a signal.
    File(PathBuf),
    /// The log of the process, on standard error. No other process can read its files.
    Log,
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
            metrics_token: None,
            testid: None,
            seed: DEFAULT_SEED,
            tags: Vec::new(),
            load: LoadOverride::default(),
            http: HttpSettings::default(),
            part: None,
            agents: None,
            on_kubernetes: false,
            listen: None,
            listen_certificate: None,
            shard: None,
            stub: None,
            start_at: None,
            merge: Vec::new(),
            setup_timeout: DEFAULT_STEP_TIMEOUT,
            teardown_timeout: DEFAULT_STEP_TIMEOUT,
            exact_arrivals: false,
            smoke: false,
            dry_run: None,
            replay: None,
            remote_write: None,
            prometheus: None,
            store_access: StoreAccess::default(),
            push_interval: intervals::PUSH_INTERVAL,
            native_histograms: false,
            ignored: Vec::new(),
            out: None,
            folder: default_state_folder(),
            outcome: None,
            quiet: false,
            revision: None,
            command: String::new(),
            names: SettingNames::default(),
        }
    }

    /// The URLs of the main target and of the hosts beside it.
    pub fn targets(&self) -> impl Iterator<Item = &Url> {
        [&self.target].into_iter().chain(self.hosts.values())
    }

    /// The files that a run reads by these settings.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let store = [&self.store_access.ca_certificate, &self.store_access.certificate, &self.store_access.key];
        let of_hosts = [&self.http.ca_certificate, &self.http.client_certificate, &self.http.client_key];
        let of_hosts = of_hosts.into_iter().flat_map(PerHost::values);
        of_hosts.chain(store.into_iter().flatten()).chain(&self.replay).chain(&self.listen_certificate)
    }

    /// Whether every target is a Unix socket.
    pub fn has_only_sockets(&self) -> bool {
        self.targets().all(|url| UnixTarget::from_url(url).is_some())
    }

    /// Reads settings from the JSON that another process wrote.
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
