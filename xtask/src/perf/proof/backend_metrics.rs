//! The backend's own counters, read from its `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use monitoring::backend_metrics::{CREATED, DURATION, REQUESTS, STARTED};
use monitoring::endpoint::Endpoint;
use monitoring::{openapi, services};
use prometheus_store::exposition::{self, ExpositionSample};
use url::Url;

use super::whole;
use crate::http;

/// Number of readings, each on a connection of its own. If all come from one process, it counts as
/// the only one.
const READINGS: u32 = 32;
/// The time between the starts of two readings.
///
/// Workers share a listening socket. If connections come one after another,
/// or all at once, one idle worker may accept all of them. So each
/// connection comes while earlier ones are being answered.
const APART: Duration = Duration::from_millis(1);

/// Counters of one endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct EndpointCounters {
    /// Requests by class of status: "2xx".
    pub(super) by_class: BTreeMap<String, u64>,
    /// Sum of the durations of all requests, in seconds.
    pub(super) seconds: f64,
    /// Bounds of the label `le` in seconds, each with the number of requests up to that bound.
    pub(super) buckets: Vec<(f64, u64)>,
}

/// The counters of a process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ProcessCounters {
    /// Start time of the process in Unix seconds. Missing if
    /// several processes add up their counters.
    pub(super) started: Option<f64>,
    /// The time of each series' first count in Unix seconds, by labels.
    ///
    /// It tells workers apart: the kernel's start times are equal for processes started within 10
    /// ms, but two processes never count first within the same microsecond.
    created: BTreeMap<BTreeMap<String, String>, f64>,
    /// Endpoints of all services: before the load, the loaded service is not known.
    pub(super) endpoints: BTreeMap<Endpoint, EndpointCounters>,
    /// Routes with requests, as "GET /api/news".
    pub(super) routes: BTreeSet<String>,
}

/// The metrics of a target.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum BackendMetrics {
    /// The target has no metrics, or not those that are needed; the text says why.
    Mute(String),
    /// Several processes respond in turn, each with its own counters.
    Several,
    /// One process responds.
    One(ProcessCounters),
}

/// Reads the metrics of the target several times, to find
/// out whether one process responds or several.
pub(super) async fn read(target: &Url) -> BackendMetrics {
    let staggered = (0..READINGS).map(async |at| {
        tokio::time::sleep(APART * at).await;
        read_once(target).await
    });
    let readings: Result<Vec<_>, _> = futures::future::join_all(staggered).await.into_iter().collect();
    match readings {
        Ok(readings) => join_readings(readings),
        Err(error) => BackendMetrics::Mute(format!("{error:#}")),
    }
}

fn join_readings(mut readings: Vec<ProcessCounters>) -> BackendMetrics {
    // Counters only grow, and the last response need not have the newest counters.
    readings.sort_by_key(|reading| reading.endpoints.values().map(EndpointCounters::requests).sum::<u64>());
    let one = readings.iter().all(|reading| readings.iter().all(|other| reading.is_of_the_process_of(other)));
    readings.pop().filter(|_| one).map_or(BackendMetrics::Several, BackendMetrics::One)
}

impl ProcessCounters {
    /// Whether both readings may come from the same process.
    pub(super) fn is_of_the_process_of(&self, other: &Self) -> bool {
        let common = self.created.iter().filter_map(|(labels, at)| Some((at, other.created.get(labels)?)));
        self.started == other.started && common.into_iter().all(|(one, other)| one.total_cmp(other).is_eq())
    }
}

/// Reads the metrics once.
pub(super) async fn read_once(target: &Url) -> anyhow::Result<ProcessCounters> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let url = target.join("/metrics").context("failed to make a URL")?;
    let text = tokio::time::timeout(PATIENCE, http::text(url))
        .await
        .with_context(|| format!("/metrics did not respond within {PATIENCE:?}"))??;
    let samples = exposition::parse(&text).context("failed to parse /metrics")?;
    let known = [REQUESTS, STARTED];
    anyhow::ensure!(samples.iter().any(|sample| known.contains(&sample.name.as_str())), "/metrics has no {REQUESTS}");
    Ok(reading(&samples))
}

fn reading(samples: &[ExpositionSample]) -> ProcessCounters {
    let started = samples.iter().find(|sample| sample.name == STARTED).map(|sample| sample.value);
    let created = samples.iter().filter(|sample| sample.name == CREATED);
    let created = created.map(|sample| (sample.labels.clone(), sample.value)).collect();
    let counters = |endpoint: &Endpoint| (*endpoint, endpoint_counters(samples, endpoint));
    ProcessCounters {
        started,
        created,
        endpoints: services::ALL.iter().flat_map(|catalogue| catalogue.endpoints).map(counters).collect(),
        routes: routes(samples),
    }
}

/// The label `handler` of requests that matched no route.
const NO_ROUTE: &str = "none";
/// The route of scrapes, which needs no objective.
const METRICS: &str = "/metrics";

fn routes(samples: &[ExpositionSample]) -> BTreeSet<String> {
    let requests = samples.iter().filter(|sample| sample.name == REQUESTS);
    let labels = requests.filter_map(|sample| Some((sample.labels.get("method")?, sample.labels.get("handler")?)));
    let routes = labels.filter(|(_, handler)| ![NO_ROUTE, METRICS].contains(&handler.as_str()));
    routes.map(|(method, handler)| format!("{method} {handler}")).collect()
}

/// The routes in a target's OpenAPI document, which FastAPI
/// serves at `/openapi.json`, if it has one.
pub(super) async fn served_routes(target: &Url) -> Option<BTreeSet<String>> {
    let text = http::text(target.join("/openapi.json").ok()?).await.ok()?;
    let mut routes = openapi::routes(&serde_json::from_str(&text).ok()?)?;
    routes.retain(|route| route.split_once(' ').is_some_and(|(_, path)| path != METRICS));
    Some(routes).filter(|routes| !routes.is_empty())
}

fn endpoint_counters(samples: &[ExpositionSample], endpoint: &Endpoint) -> EndpointCounters {
    let label = |sample: &ExpositionSample, name: &str| sample.labels.get(name).cloned().unwrap_or_default();
    let samples = samples.iter().filter(|sample| {
        label(sample, "handler") == endpoint.handler() && label(sample, "method") == endpoint.method.as_str()
    });
    let mut counters = EndpointCounters::default();
    for sample in samples {
        match sample.name.strip_prefix(DURATION) {
            Some("_sum") => counters.seconds += sample.value,
            Some("_bucket") => {
                let bound = label(sample, "le").parse().unwrap_or(f64::INFINITY);
                counters.buckets.push((bound, whole(sample.value)));
            }
            _ if sample.name == REQUESTS => {
                // "2xx", or "200" if the instrumentator does not group statuses.
                let class: String = label(sample, "status").chars().take(1).chain("xx".chars()).collect();
                *counters.by_class.entry(class).or_default() += whole(sample.value);
            }
            _ => {}
        }
    }
    counters.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    counters
}

impl EndpointCounters {
    /// The difference to earlier counters.
    pub(super) fn since(&self, before: &Self) -> Self {
        let by_class = self.by_class.iter().map(|(class, count)| {
            let earlier = before.by_class.get(class).copied().unwrap_or_default();
            (class.clone(), count.saturating_sub(earlier))
        });
        let buckets = self.buckets.iter().map(|(bound, count)| {
            let earlier = before.buckets.iter().find(|(known, _)| known.total_cmp(bound).is_eq());
            (*bound, count.saturating_sub(earlier.map_or(0, |(_, count)| *count)))
        });
        Self { by_class: by_class.collect(), seconds: self.seconds - before.seconds, buckets: buckets.collect() }
    }

    /// The number of requests of all classes.
    pub(super) fn requests(&self) -> u64 {
        self.by_class.values().sum()
    }

    /// The bucket bounds in milliseconds around a percentile; `None` without requests.
    pub(super) fn quantile_bounds_ms(&self, percent: u64) -> Option<(f64, f64)> {
        let total = self.buckets.last().map(|(_, count)| *count).filter(|total| *total > 0)?;
        let at = self.buckets.iter().position(|(_, count)| count * 100 >= total * percent)?;
        let below = if at == 0 { 0.0 } else { self.buckets[at - 1].0 };
        Some((below * 1e3, self.buckets[at].0 * 1e3))
    }
}

#[cfg(test)]
mod tests {
    use monitoring::services::stock_ai::{GET_NEWS, JOIN_ROOM};

    use super::*;

    const TEXT: &str = r#"process_start_time_seconds 1.7e+09
http_requests_total{handler="/api/multiplayer/rooms/{code}/join",method="POST",status="2xx"} 90.0
http_requests_total{handler="/api/multiplayer/rooms/{code}/join",method="POST",status="5xx"} 10.0
http_requests_total{handler="/api/multiplayer/rooms/{code}/join",method="GET",status="4xx"} 7.0
http_request_duration_seconds_bucket{handler="/api/multiplayer/rooms/{code}/join",le="0.1",method="POST"} 80.0
http_request_duration_seconds_bucket{handler="/api/multiplayer/rooms/{code}/join",le="0.5",method="POST"} 96.0
http_request_duration_seconds_bucket{handler="/api/multiplayer/rooms/{code}/join",le="+Inf",method="POST"} 100.0
http_request_duration_seconds_sum{handler="/api/multiplayer/rooms/{code}/join",method="POST"} 5.0
"#;

    #[test]
    fn workers_with_equal_start_times_differ_by_their_first_requests() {
        let worker = |created: &str| {
            let labels = r#"handler="/metrics",method="GET",status="2xx""#;
            let text =
                format!("process_start_time_seconds 1.79553764504e+09\nhttp_requests_created{{{labels}}} {created}\n");
            reading(&exposition::parse(&text).unwrap())
        };
        let (one, other) = (worker("1.7955376450412347e+09"), worker("1.7955376450412349e+09"));
        assert_eq!(join_readings(vec![one.clone(), one.clone()]), BackendMetrics::One(one.clone()));
        assert_eq!(join_readings(vec![one.clone(), other, one]), BackendMetrics::Several);
    }

    #[test]
    fn endpoint_counters_are_those_of_its_handler_and_method() {
        let reading = reading(&exposition::parse(TEXT).unwrap());
        assert_eq!(reading.started, Some(1.7e9));
        let join = &reading.endpoints[&JOIN_ROOM];
        assert_eq!(join.by_class, [("2xx".to_owned(), 90), ("5xx".to_owned(), 10)].into());
        assert_eq!((join.requests(), join.quantile_bounds_ms(95)), (100, Some((100.0, 500.0))));
        assert_eq!(join.quantile_bounds_ms(99), Some((500.0, f64::INFINITY)));
        let since = join.since(join);
        assert_eq!((since.requests(), since.quantile_bounds_ms(95)), (0, None));
        assert_eq!(reading.endpoints[&GET_NEWS], EndpointCounters::default());
        assert_eq!(reading.routes.len(), 2, "{:?}", reading.routes);
    }
}
