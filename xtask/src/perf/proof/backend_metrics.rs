//! What the backend has counted so far, by its own `/metrics`.

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

/// Readings, each on a connection of its own, that must tell of one process for it to be the only one. Workers share a listening socket.
/// Of connections that come one after another, or all at once, the same idle worker may take every one; so they come while it is
/// answering those before.
const READINGS: u32 = 32;
const APART: Duration = Duration::from_millis(1);

/// Counters of one endpoint.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct EndpointCounters {
    /// Requests by class of status: "2xx".
    pub(super) by_class: BTreeMap<String, u64>,
    /// Seconds, all requests together.
    pub(super) seconds: f64,
    /// Requests at most so many seconds long, by bound as it stands in `le`.
    pub(super) buckets: Vec<(f64, u64)>,
}

/// The counters of a process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ProcessCounters {
    /// When the process started; a service of several processes that add theirs up does not say.
    pub(super) started: Option<f64>,
    /// When each of its series was first counted, by labels. Processes are started within the hundredth of a second that the kernel
    /// knows, and never count for the first time within the same microsecond.
    created: BTreeMap<BTreeMap<String, String>, f64>,
    /// Endpoints of all services: which of them is loaded is not known before the load.
    pub(super) endpoints: BTreeMap<Endpoint, EndpointCounters>,
    /// Routes that the backend has answered for, as "GET /api/news".
    pub(super) routes: BTreeSet<String>,
}

/// What a target is like, as far as its metrics tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum BackendMetrics {
    /// It has no metrics, or none of the kind that is understood.
    Mute(String),
    /// Several processes answer in turn, each for itself.
    Several,
    /// One process.
    One(ProcessCounters),
}

/// Reads the metrics of the target, several times, to see whether it is always the same process that answers.
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
    // Counters only grow, and the last to answer need not be the last that was counted.
    readings.sort_by_key(|reading| reading.endpoints.values().map(EndpointCounters::requests).sum::<u64>());
    let one = readings.iter().all(|reading| readings.iter().all(|other| reading.is_of_the_process_of(other)));
    readings.pop().filter(|_| one).map_or(BackendMetrics::Several, BackendMetrics::One)
}

impl ProcessCounters {
    /// Whether nothing tells that another process answered.
    pub(super) fn is_of_the_process_of(&self, other: &Self) -> bool {
        let common = self.created.iter().filter_map(|(labels, at)| Some((at, other.created.get(labels)?)));
        self.started == other.started && common.into_iter().all(|(one, other)| one.total_cmp(other).is_eq())
    }
}

/// Reads the metrics once.
pub(super) async fn read_once(target: &Url) -> anyhow::Result<ProcessCounters> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let url = target.join("/metrics").context("failed to make a URL")?;
    let text = tokio::time::timeout(PATIENCE, http::text(url)).await.context("no answer from /metrics")??;
    let samples = exposition::parse(&text).context("failed to read /metrics")?;
    let known = [REQUESTS, STARTED];
    anyhow::ensure!(
        samples.iter().any(|sample| known.contains(&sample.name.as_str())),
        "its /metrics has no {REQUESTS}"
    );
    Ok(reading(&samples))
}

fn reading(samples: &[ExpositionSample]) -> ProcessCounters {
    let started = samples.iter().find(|sample| sample.name == STARTED).map(|sample| sample.value);
    let created = samples.iter().filter(|sample| sample.name == CREATED);
    let created = created.map(|sample| (sample.labels.clone(), sample.value)).collect();
    let counted = |endpoint: &Endpoint| (*endpoint, counted(samples, endpoint));
    ProcessCounters {
        started,
        created,
        endpoints: services::ALL.iter().flat_map(|catalogue| catalogue.endpoints).map(counted).collect(),
        routes: routes(samples),
    }
}

/// What stands in `handler` for requests that no route matched.
const NO_ROUTE: &str = "none";
/// What scrapes ask for, which is no business of an objective.
const METRICS: &str = "/metrics";

fn routes(samples: &[ExpositionSample]) -> BTreeSet<String> {
    let requests = samples.iter().filter(|sample| sample.name == REQUESTS);
    let labels = requests.filter_map(|sample| Some((sample.labels.get("method")?, sample.labels.get("handler")?)));
    let routes = labels.filter(|(_, handler)| ![NO_ROUTE, METRICS].contains(&handler.as_str()));
    routes.map(|(method, handler)| format!("{method} {handler}")).collect()
}

/// The routes that a target serves, by its OpenAPI document where FastAPI has it; none if it has none.
pub(super) async fn served_routes(target: &Url) -> Option<BTreeSet<String>> {
    let text = http::text(target.join("/openapi.json").ok()?).await.ok()?;
    let mut routes = openapi::routes(&serde_json::from_str(&text).ok()?)?;
    routes.retain(|route| route.split_once(' ').is_some_and(|(_, path)| path != METRICS));
    Some(routes).filter(|routes| !routes.is_empty())
}

fn counted(samples: &[ExpositionSample], endpoint: &Endpoint) -> EndpointCounters {
    let label = |sample: &ExpositionSample, name: &str| sample.labels.get(name).cloned().unwrap_or_default();
    let of_endpoint = samples.iter().filter(|sample| {
        label(sample, "handler") == endpoint.handler() && label(sample, "method") == endpoint.method.as_str()
    });
    let mut counted = EndpointCounters::default();
    for sample in of_endpoint {
        match sample.name.strip_prefix(DURATION) {
            Some("_sum") => counted.seconds += sample.value,
            Some("_bucket") => {
                let bound = label(sample, "le").parse().unwrap_or(f64::INFINITY);
                counted.buckets.push((bound, whole(sample.value)));
            }
            _ if sample.name == REQUESTS => {
                // "2xx", or "200" where the instrumentator is told not to group.
                let class: String = label(sample, "status").chars().take(1).chain("xx".chars()).collect();
                *counted.by_class.entry(class).or_default() += whole(sample.value);
            }
            _ => {}
        }
    }
    counted.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    counted
}

impl EndpointCounters {
    /// What was counted since.
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

    /// All requests.
    pub(super) fn requests(&self) -> u64 {
        self.by_class.values().sum()
    }

    /// The bounds in milliseconds between which the quantile of so many percent lies; none without requests.
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
    fn workers_that_were_started_at_the_same_moment_are_told_apart_by_their_first_requests() {
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
    fn an_endpoint_has_the_counters_of_its_handler_and_method() {
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
