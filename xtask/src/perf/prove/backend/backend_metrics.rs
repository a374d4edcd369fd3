//! The backend's own metrics, read from where its mapping says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_metrics::{CPU, INFO, INSTANCE_ID, STARTED};
use prometheus_store::exposition::ExpositionSample;
use prometheus_store::openapi::{self, ApiRoute};

use super::request_counters::is_count;
use crate::backend::target_metrics::{self, MetricsSource, NoMetrics};
use crate::host::http;

/// Number of readings, each on a connection of its own. If all come from one process, it counts as
/// the only one.
const READINGS: u32 = 32;
/// Number of readings after those. Counters of one process are not lower in them.
const AGAIN: u32 = 8;
/// Limit on the samples of all readings under way: their texts are made, sent and parsed within the
/// time limit of one request. Metrics with more samples are read fewer times, but at least
/// [`LEAST`] times.
const SAMPLES: usize = 100_000;
const LEAST: u32 = 2;
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
    /// Identifier by OpenTelemetry's conventions.
    instance_id: Option<String>,
    /// The time of each series' first count in Unix seconds, by name and labels.
    ///
    /// It tells workers apart. The kernel's start times are equal for processes started within 10
    /// ms. But two processes never count first within the same microsecond.
    created: BTreeMap<(String, BTreeMap<String, String>), f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MetricsReading {
    identity: ProcessIdentity,
    pub(crate) samples: Vec<ExpositionSample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BackendMetrics {
    Unavailable(NoMetrics),
    /// Several processes respond in turn, each with its own counters. The reading is of one.
    Several(MetricsReading),
    /// One process responds.
    One(MetricsReading),
}

/// The metrics of a target before the load, by the path of a mapping: the loaded service is not
/// known yet.
pub(crate) type MetricsByPath = BTreeMap<&'static str, BackendMetrics>;

/// Reads the metrics at all paths of mappings.
pub(crate) async fn read_all(source: MetricsSource<'_>, mapping: Option<BackendMapping>) -> MetricsByPath {
    let (mut found, mappings) = (BTreeMap::new(), target_metrics::mappings(mapping));
    for path in target_metrics::paths(mapping) {
        found.insert(path, read(source, path, &mappings).await);
    }
    found
}

/// Reads the metrics of the target several times, to find
/// out whether one process responds or several.
pub(crate) async fn read<'a>(
    source: impl Into<MetricsSource<'a>>,
    path: &str,
    mappings: &[BackendMapping],
) -> BackendMetrics {
    let source = source.into();
    let mut newest = match read_once(source, path).await {
        Ok(reading) => reading,
        Err(error) => return BackendMetrics::Unavailable(error),
    };
    let at_once = u32::try_from(SAMPLES / newest.samples.len().max(1)).unwrap_or(u32::MAX).max(LEAST);
    let (mut identities, mut goes_back) = (vec![newest.identity.clone()], false);
    let mut highest = HighestCounts::default();
    highest.add(&newest, mappings);
    for readings in [READINGS, AGAIN] {
        let mut staggered: FuturesUnordered<_> = (0..readings.min(at_once))
            .map(async |at| {
                tokio::time::sleep(APART * at).await;
                read_once(source, path).await
            })
            .collect();
        let earlier = std::mem::take(&mut highest);
        while let Some(reading) = staggered.next().await {
            match reading {
                Ok(reading) => {
                    goes_back |= !earlier.setbacks(&reading).is_empty();
                    highest.add(&reading, mappings);
                    identities.push(reading.identity.clone());
                    // The last response need not have the newest counters.
                    newest = if newest.progress() > reading.progress() { newest } else { reading };
                }
                Err(error) => return BackendMetrics::Unavailable(error),
            }
        }
    }
    match join_readings(&identities, newest) {
        BackendMetrics::One(newest) if goes_back => BackendMetrics::Several(newest),
        joined => joined,
    }
}

/// The highest value of each series that only grows, by name and labels: few, of many readings.
#[derive(Debug, Default)]
pub(crate) struct HighestCounts(BTreeMap<(String, BTreeMap<String, String>), f64>);

/// A series that only grows, and that a later reading does not continue.
#[derive(Debug)]
pub(crate) struct Setback {
    /// The series with its highest value.
    pub(crate) earlier: ExpositionSample,
    /// Whether the later reading does not have it. Otherwise it is lower there.
    pub(crate) is_missing: bool,
}

impl HighestCounts {
    pub(crate) fn add(&mut self, reading: &MetricsReading, mappings: &[BackendMapping]) {
        for sample in reading.samples.iter().filter(|sample| only_grows(sample, mappings)) {
            let value = self.0.entry((sample.name.clone(), sample.labels.clone())).or_default();
            *value = value.max(sample.value);
        }
    }

    /// Series that a later reading does not continue.
    pub(crate) fn setbacks(&self, later: &MetricsReading) -> Vec<Setback> {
        let now: HashMap<_, _> = later.samples.iter().map(|it| ((&it.name, &it.labels), it.value)).collect();
        let highest = self.0.iter().map(|((name, labels), value)| (name, labels, *value));
        let setbacks = highest.filter_map(|(name, labels, value)| {
            let now = now.get(&(name, labels));
            let earlier = || ExpositionSample { name: name.clone(), labels: labels.clone(), value };
            now.is_none_or(|now| *now < value).then(|| Setback { earlier: earlier(), is_missing: now.is_none() })
        });
        setbacks.collect()
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
        let info = samples.iter().find(|sample| sample.name == INFO);
        Self {
            instance_id: info.and_then(|info| info.labels.get(INSTANCE_ID)).cloned(),
            started: samples.iter().find(|sample| sample.name == STARTED).map(|sample| sample.value),
            created: created.map(|sample| ((sample.name.clone(), sample.labels.clone()), sample.value)).collect(),
        }
    }

    /// Whether both may be of one process. Only properties that both have are compared, because the
    /// metrics may be empty before the first request.
    fn is_same_process(&self, other: &Self) -> bool {
        let common = self.created.iter().filter_map(|(series, at)| Some((at, other.created.get(series)?)));
        let mut times = common.chain(self.started.as_ref().zip(other.started.as_ref()));
        times.all(|(one, other)| one.total_cmp(other).is_eq())
            && self.instance_id.as_ref().zip(other.instance_id.as_ref()).is_none_or(|(one, other)| one == other)
    }
}

impl MetricsReading {
    pub(crate) fn new(samples: Vec<ExpositionSample>) -> Self {
        Self { identity: ProcessIdentity::from_samples(&samples), samples }
    }

    /// Whether both readings may come from the same process.
    pub(crate) fn is_same_process(&self, other: &Self) -> bool {
        self.identity.is_same_process(&other.identity)
    }

    /// Whether both readings have a start time of the process, and it is the same.
    pub(crate) fn has_equal_start(&self, other: &Self) -> bool {
        self.identity.started.zip(other.identity.started).is_some_and(|(one, other)| one.total_cmp(&other).is_eq())
    }

    /// Whether the metrics would differ if another process had written them. Its start, an
    /// identifier, a sum of durations or its CPU time would differ. Whole seconds may be equal by
    /// chance.
    pub(crate) fn is_identified(&self, mappings: &[BackendMapping]) -> bool {
        let ProcessIdentity { started, instance_id, created } = &self.identity;
        let sums = self.samples.iter().filter(|sample| sample.name == CPU || sample.name.ends_with("_sum"));
        let mut seconds = sums.filter(|sample| only_grows(sample, mappings)).map(|sample| sample.value).chain(*started);
        instance_id.is_some() || !created.is_empty() || seconds.any(|value| value.fract() > 0.0)
    }

    /// The sum of all counters, which only grows.
    fn progress(&self) -> f64 {
        let counters =
            self.samples.iter().filter(|sample| ["_total", "_count"].iter().any(|it| sample.name.ends_with(it)));
        counters.map(|sample| sample.value).filter(|value| value.is_finite()).sum()
    }
}

/// Whether a series never goes back in one process. It is a count of requests, a part of the
/// histogram of their durations, or the CPU time.
fn only_grows(sample: &ExpositionSample, mappings: &[BackendMapping]) -> bool {
    let is_part = |of: &str| {
        let part = sample.name.strip_prefix(of);
        part.is_some_and(|part| ["_sum", "_count", "_bucket"].contains(&part))
    };
    let is_counter = |mapping: &BackendMapping| {
        sample.name == mapping.requests || mapping.duration.into_iter().chain(mapping.duration_of_all).any(is_part)
    };
    is_count(sample.value) && (sample.name == CPU || mappings.iter().any(is_counter))
}

/// Reads the metrics once.
///
/// # Errors
/// Why there are no metrics, and what to do.
pub(crate) async fn read_once(source: MetricsSource<'_>, path: &str) -> Result<MetricsReading, NoMetrics> {
    Ok(MetricsReading::new(target_metrics::read(source, path).await?))
}

/// The routes in a target's OpenAPI document, which FastAPI
/// serves at `/openapi.json`, if it has one.
pub(crate) async fn served_routes(source: MetricsSource<'_>, metrics: &str) -> Option<BTreeSet<ApiRoute>> {
    let text = http::text(source.target, "/openapi.json", source.options).await.ok()?;
    let mut routes = openapi::routes(&serde_json::from_str(&text).ok()?)?;
    routes.retain(|route| route.path != metrics);
    Some(routes).filter(|routes| !routes.is_empty())
}

#[cfg(test)]
mod tests;
