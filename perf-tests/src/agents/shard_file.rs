//! The file of a shard: an agent whose channel is a file. It has no secrets, since it is passed on.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use perf_host::files::read_at_most;
use perf_report::evidence::Environment;
use perf_report::finding::Finding;
use perf_report::shard::{Identity, ShardHeader};
use perf_settings::{Settings, Shard};
use prometheus_store::shown_url;
use serde::{Deserialize, Serialize};

use super::identity::{self, PROTOCOL_VERSION};
use super::long_number::has_long_number;
use super::message::{self, Hello, MAX_MESSAGE};
use crate::engine::Load;
use crate::measure::{RecordedTimeline, TimelineError};
use crate::plan::LoadProfile;

/// Name of a value that all shards of a run share. The reader compares it with its own.
pub(super) const PLAN: &str = "plan";

/// Everything that a shard measured, and its identity.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShardFile {
    /// Values that all shards of a run share, by name.
    pub(crate) identity: Identity,
    pub(crate) shard: Shard,
    /// Process and machine, for people.
    pub(crate) place: String,
    pub(crate) facts: RunFacts,
    /// When the load was to begin, if that was given.
    pub(crate) start_at: Option<SystemTime>,
    /// When the load began by the clock of this machine.
    pub(crate) started: SystemTime,
    pub(crate) ended: SystemTime,
    /// `None` if no load was made: the findings say why.
    pub(crate) load: Option<Box<Load>>,
    pub(crate) timeline: RecordedTimeline,
    /// Findings that do not follow from the load, such as a failed setup.
    pub(crate) findings: Vec<Finding>,
}

/// The part of a report that is known before the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    pub(crate) testid: Option<String>,
    pub(crate) loads: Vec<LoadProfile>,
    /// As text, because whole numbers in a file are limited.
    pub(crate) seed: String,
    pub(crate) part: Option<String>,
    pub(crate) smoke: bool,
    pub(crate) tags: Vec<(String, String)>,
    /// Without user and password.
    pub(crate) target: String,
    pub(crate) environment: Environment,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ShardError {
    #[error("{path}: {0}", path = .1.display())]
    Io(io::Error, PathBuf),
    #[error("{path} has more than {limit} MiB, which no shard writes", path = .0.display(), limit = MAX_MESSAGE >> 20)]
    TooLarge(PathBuf),
    #[error("{path} is not a whole file of a shard: {0}", path = .1.display())]
    Invalid(serde_json::Error, PathBuf),
    #[error("{path} has counts that no run has: make this shard again", path = .0.display())]
    Implausible(PathBuf),
    #[error("{} is not of the same run as {}: {}", path.display(), first.display(), differences.join("; "))]
    OtherRun { path: PathBuf, first: PathBuf, differences: Vec<String> },
    #[error("{} and {} are both shard {shard}: leave out one of them", first.display(), path.display())]
    Twice { path: PathBuf, first: PathBuf, shard: Shard },
    #[error(
        "{} is not of this checkout: {}; check out the revision that the shards were made with",
        path.display(), differences.join("; ")
    )]
    OtherCheckout { path: PathBuf, differences: Vec<String> },
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    #[error("no shard to merge")]
    NoShard,
}

pub(crate) fn file_name(shard: Shard) -> String {
    format!("shard-{}-of-{}.json", shard.number, shard.of)
}

/// The values by which shards of a run know each other.
pub(crate) fn shared_values(hello: &Hello, plan: &str, settings: &Settings) -> serde_json::Result<Identity> {
    let hosts = settings.hosts.iter().map(|(name, url)| format!("{name}={}", shown_url(url)));
    let targets: Vec<_> = std::iter::once(shown_url(&settings.target)).chain(hosts).collect();
    let tags: Vec<_> = settings.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let start = settings.start_at.map_or_else(|| "none".to_owned(), perf_settings::rfc3339_millis);
    let named = [
        (PLAN, plan.to_owned()),
        ("--testid", settings.testid.clone().unwrap_or_else(|| "none".to_owned())),
        ("--start-at", start),
        ("--target", targets.join(" ")),
        ("--tag", tags.join(" ")),
        ("--exact-arrivals", settings.exact_arrivals.to_string()),
        // Without user and password.
        ("--proxy", settings.http.proxy.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)),
    ];
    let mut identity = identity::process_values(hello);
    identity.extend(named.map(|(name, value)| (name.to_owned(), value)));
    // Options of requests. Files are at other paths on other machines.
    let serde_json::Value::Object(mut options) = serde_json::to_value(&settings.http)? else { return Ok(identity) };
    ["proxy", "ca_certificate", "client_certificate", "client_key"].iter().for_each(|name| drop(options.remove(*name)));
    identity.extend(options.into_iter().map(|(name, value)| (format!("setting {name}"), value.to_string())));
    Ok(identity)
}

impl ShardFile {
    pub(super) fn lasted(&self) -> Duration {
        self.ended.duration_since(self.started).unwrap_or_default()
    }

    /// Reads a file of at most [`MAX_MESSAGE`] bytes.
    pub(super) fn read(path: &Path) -> Result<Self, ShardError> {
        let io = |error| ShardError::Io(error, path.to_owned());
        // A pipe would never end.
        if !fs::metadata(path).map_err(io)?.is_file() {
            return Err(io(io::Error::other("not a file")));
        }
        let bytes = File::open(path).and_then(|file| read_at_most(MAX_MESSAGE, file)).map_err(io)?;
        let bytes = bytes.ok_or_else(|| ShardError::TooLarge(path.to_owned()))?;
        if has_long_number(&bytes) {
            return Err(ShardError::Implausible(path.to_owned()));
        }
        let file: Self = serde_json::from_slice(&bytes).map_err(|error| not_read(error, &bytes, path))?;
        if file.is_plausible() { Ok(file) } else { Err(ShardError::Implausible(path.to_owned())) }
    }

    /// Whether its name can be a folder, and its number and times are those of a shard.
    fn is_plausible(&self) -> bool {
        let times = [Some(self.started), Some(self.ended), self.start_at];
        self.shard.is_valid()
            && self.facts.testid.as_deref().is_none_or(|testid| perf_settings::parse_testid(testid).is_ok())
            && times.into_iter().flatten().all(perf_settings::has_rfc3339)
    }
}

/// Why a file cannot be read: another version of the program wrote it, or it is not whole.
fn not_read(error: serde_json::Error, bytes: &[u8], path: &Path) -> ShardError {
    let header = serde_json::from_slice::<ShardHeader>(bytes).ok();
    let version = |text: String| Identity::from([(PROTOCOL_VERSION.to_owned(), text)]);
    let theirs = header.and_then(|mut header| header.identity.remove(PROTOCOL_VERSION)).map(version);
    let ours = version(message::PROTOCOL.to_string());
    match theirs.filter(|theirs| *theirs != ours) {
        Some(theirs) => {
            let differences = identity::differences(&theirs, &ours);
            ShardError::OtherCheckout { path: path.to_owned(), differences }
        }
        None => ShardError::Invalid(error, path.to_owned()),
    }
}

#[cfg(test)]
mod tests;
