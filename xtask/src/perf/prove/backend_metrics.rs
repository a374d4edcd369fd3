//! The backend's own metrics, read from where its mapping says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_metrics::STARTED;
use prometheus_store::exposition::ExpositionSample;
use prometheus_store::openapi::{self, ApiRoute};
use url::Url;

use crate::backend::target_metrics::{self, NoMetrics};
use crate::host::http;

/// Number of readings, each on a connection of its own. If all come from one process, it counts as
/// the only one.
const READINGS: u32 = 32;
/// The time between the starts of two readings.
///
/// Workers share a listening socket. If connections come one after another,
/// or all at once, one idle worker may accept all of them. So each
/// connection comes while earlier ones are still open.
const APART: Duration = Duration::from_millis(1);

/// Properties that differ between processes with the same metrics.
#[derive(Debug, Clone, Default, PartialEq)]
struct ProcessIdentity {
    /// Start time of the process in Unix seconds. Missing if
    /// several processes add up their counters.
    started: Option<f64>,
    /// The time of each series' first count in Unix seconds, by name and labels.
    ///
    /// It tells workers apart: the kernel's start times are equal for processes started within 10
    /// ms, but two processes never count first within the same microsecond.
    created: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

/// One reading of the metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::perf) struct MetricsReading {
    identity: ProcessIdentity,
    pub(super) samples: Vec<ExpositionSample>,
}

/// The metrics of a target.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::perf) enum BackendMetrics {
    /// The target has no metrics.
    Unavailable(NoMetrics),
    /// Several processes respond in turn, each with its own counters. The reading is of one.
    Several(MetricsReading),
    /// One process responds.
    One(MetricsReading),
}

/// The metrics of a target before the load, by the path of a mapping: the loaded service is not
/// known yet.
pub(in crate::perf) type MetricsByPath = BTreeMap<&'static str, BackendMetrics>;

/// Reads the metrics at all paths of mappings.
pub(super) async fn read_all(target: &Url, mapping: Option<BackendMapping>) -> MetricsByPath {
    let mut found = BTreeMap::new();
    for path in target_metrics::paths(mapping) {
        found.insert(path, read(target, path).await);
    }
    found
}

/// Reads the metrics of the target several times, to find
/// out whether one process responds or several.
pub(super) async fn read(target: &Url, path: &str) -> BackendMetrics {
    let mut staggered: FuturesUnordered<_> = (0..READINGS)
        .map(async |at| {
            tokio::time::sleep(APART * at).await;
            read_once(target, path).await
        })
        .collect();
    let (mut readings, mut newest) = (Vec::new(), None);
    while let Some(reading) = staggered.next().await {
        match reading {
            Ok(reading) => {
                readings.push(reading.identity.clone());
                newest = newer(newest, reading);
            }
            Err(error) => return BackendMetrics::Unavailable(error),
        }
    }
    join_readings(&readings, newest.unwrap_or_default())
}

/// The reading with the higher counters: the last response need not have the newest ones.
fn newer(newest: Option<MetricsReading>, reading: MetricsReading) -> Option<MetricsReading> {
    match newest {
        Some(newest) if newest.progress() > reading.progress() => Some(newest),
        _ => Some(reading),
    }
}

fn join_readings(readings: &[ProcessIdentity], newest: MetricsReading) -> BackendMetrics {
    let one = readings.iter().all(|reading| readings.iter().all(|other| reading.is_same_process(other)));
    if one { BackendMetrics::One(newest) } else { BackendMetrics::Several(newest) }
}

/// Values of a creation time are later than this, in Unix seconds: the year 2001.
const EARLIEST_CREATION: f64 = 1e9;

impl ProcessIdentity {
    fn from_samples(samples: &[ExpositionSample]) -> Self {
        // A metric of the service's own may end in _created, too.
        let is_creation_time =
            |sample: &&ExpositionSample| sample.name.ends_with("_created") && sample.value > EARLIEST_CREATION;
        let created = samples.iter().filter(is_creation_time);
        Self {
            started: samples.iter().find(|sample| sample.name == STARTED).map(|sample| sample.value),
            created: created.map(|sample| ((sample.name.clone(), sample.labels.clone()), sample.value)).collect(),
        }
    }

    /// Whether both have the same start time, as far as they have one: a text may be empty before
    /// the first request.
    fn has_same_start(&self, other: &Self) -> bool {
        self.started.zip(other.started).is_none_or(|(one, other)| one.total_cmp(&other).is_eq())
    }

    fn is_same_process(&self, other: &Self) -> bool {
        let common = self.created.iter().filter_map(|(series, at)| Some((at, other.created.get(series)?)));
        self.has_same_start(other) && common.into_iter().all(|(one, other)| one.total_cmp(other).is_eq())
    }
}

impl MetricsReading {
    pub(super) fn new(samples: Vec<ExpositionSample>) -> Self {
        Self { identity: ProcessIdentity::from_samples(&samples), samples }
    }

    /// Whether both readings may come from the same process.
    pub(super) fn is_same_process(&self, other: &Self) -> bool {
        self.identity.is_same_process(&other.identity)
    }

    /// Whether both readings have the same start time of the process.
    pub(super) fn has_same_start(&self, other: &Self) -> bool {
        self.identity.has_same_start(&other.identity)
    }

    /// The sum of all counters, which only grows.
    fn progress(&self) -> f64 {
        let counters =
            self.samples.iter().filter(|sample| ["_total", "_count"].iter().any(|it| sample.name.ends_with(it)));
        counters.map(|sample| sample.value).filter(|value| value.is_finite()).sum()
    }
}

/// Reads the metrics once.
///
/// # Errors
/// Why there are no metrics, and what to do.
pub(super) async fn read_once(target: &Url, path: &str) -> Result<MetricsReading, NoMetrics> {
    Ok(MetricsReading::new(target_metrics::read(target, path).await?))
}

/// The routes in a target's OpenAPI document, which FastAPI
/// serves at `/openapi.json`, if it has one.
pub(super) async fn served_routes(target: &Url, metrics: &str) -> Option<BTreeSet<ApiRoute>> {
    let text = http::text(target, "/openapi.json").await.ok()?;
    let mut routes = openapi::routes(&serde_json::from_str(&text).ok()?)?;
    routes.retain(|route| route.path != metrics);
    Some(routes).filter(|routes| !routes.is_empty())
}

#[cfg(test)]
mod tests;
