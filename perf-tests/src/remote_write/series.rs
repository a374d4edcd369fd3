//! What a snapshot says, as series: names and labels from [`monitoring::metric`], values cumulative since the run's start.

use std::sync::Arc;

use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::label::{LE, SCENARIO, TESTID};
use monitoring::metric::{self, LE_INFINITY, Metric};

use super::proto::Label;
use crate::measure::{Buckets, EndpointCounts, Snapshot};

/// A series' labels, its name among them, sorted by name.
pub type SeriesLabels = Arc<[Label]>;

/// A series and its value now.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: SeriesLabels,
    /// Its value.
    pub value: f64,
}

/// The labels that all series of a run share.
#[derive(Debug, Clone)]
pub struct Identity {
    labels: Vec<Label>,
}

impl Identity {
    /// Labels of a run: its testid, its scenario and the user's tags.
    pub fn new(testid: &str, scenario: &str, tags: &[(String, String)]) -> Self {
        let own = [(TESTID.as_str(), testid), (SCENARIO.as_str(), scenario)];
        let tags = tags.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = own.into_iter().chain(tags).map(|(name, value)| label(name, value)).collect();
        Self { labels }
    }
}

fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

/// Every series of a run at this moment. An exercised endpoint's series without a status are there from the start, at
/// zero; those with one are there once that status has come.
pub fn series(catalogue: &Catalogue, exercised: &[Endpoint], run: &Identity, snapshot: &Snapshot) -> Vec<Series> {
    let mut out = Out { run, series: Vec::new() };
    let with_success: Vec<_> = metric::with_success(catalogue).collect();
    for (endpoint, counts) in catalogue.endpoints.iter().zip(&snapshot.endpoints) {
        if exercised.contains(endpoint) {
            out.endpoint(endpoint, counts, with_success.contains(&endpoint));
        }
    }
    out.push(&Metric::iterations().name, &[], float(snapshot.iterations.completed));
    out.push(&Metric::vus().name, &[], f64::from(snapshot.vus));
    out.series
}

struct Out<'run> {
    run: &'run Identity,
    series: Vec<Series>,
}

impl Out<'_> {
    fn endpoint(&mut self, endpoint: &Endpoint, counts: &EndpointCounts, with_success: bool) {
        let requests = counts.requests();
        // None of these has a status: they are there before any answer is.
        self.histogram(&Metric::latency(endpoint), endpoint, 0, counts.latency.buckets());
        self.counter(&Metric::api_errors(), endpoint, 0, requests.failed);
        if with_success {
            self.counter(&Metric::success(endpoint), endpoint, 0, requests.sent - requests.failed);
        }
        for (&status, of_status) in &counts.by_status {
            self.histogram(&Metric::http_req_duration(), endpoint, status, &of_status.durations);
            self.counter(&Metric::http_reqs(), endpoint, status, of_status.durations.count());
            if of_status.failed > 0 {
                self.counter(&Metric::http_req_failed(), endpoint, status, of_status.failed);
            }
        }
    }

    fn counter(&mut self, metric: &Metric, endpoint: &Endpoint, status: u16, value: u64) {
        self.push(&metric.name, &metric.labels(endpoint, status), float(value));
    }

    fn histogram(&mut self, metric: &Metric, endpoint: &Endpoint, status: u16, buckets: &Buckets) {
        let labels = metric.labels(endpoint, status);
        let (name, total) = (metric.bucket(), float(buckets.count()));
        let with_le = |le: String| [labels.as_slice(), &[(LE, le)]].concat();
        for (bound, count) in buckets.cumulative() {
            self.push(&name, &with_le(metric::le(bound)), float(count));
        }
        self.push(&name, &with_le(LE_INFINITY.to_owned()), total);
        self.push(&metric.count(), &labels, total);
        self.push(&metric.sum(), &labels, buckets.sum_ms());
    }

    fn push(&mut self, name: &str, labels: &[(monitoring::label::Label, String)], value: f64) {
        let own = labels.iter().map(|(name, value)| label(name.as_str(), value));
        let mut labels: Vec<_> = own.chain([label("__name__", name)]).collect();
        labels.extend_from_slice(&self.run.labels);
        labels.sort_unstable();
        self.series.push(Series { labels: labels.into(), value });
    }
}

/// Prometheus' values are floats; a count is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact for any count a run can reach")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use monitoring::catalogue::{GET_NEWS, JOIN_ROOM, STOCK_AI};
    use tokio::time::Instant;

    use super::*;
    use crate::measure::{Failure, Recorder, Sample};

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn snapshot() -> Snapshot {
        let mut recorder = Recorder::new(STOCK_AI.endpoints.len(), metric::bucket_bounds(&STOCK_AI).into());
        let due = Instant::now();
        for (ms, status, failure) in [
            (300, Some(200), None),
            (301, Some(200), None),
            (1, Some(500), Some(Failure::Status)),
            (2, None, Some(Failure::Connect)),
        ] {
            let finished = due + Duration::from_millis(ms);
            recorder.record(0, &Sample { status, failure, due, started: due, finished, connecting: Duration::ZERO });
        }
        recorder.snapshot()
    }

    fn all() -> Vec<Series> {
        let tags = [("team".to_owned(), "trading".to_owned())];
        series(&STOCK_AI, &[JOIN_ROOM, GET_NEWS], &Identity::new("t1", "basic", &tags), &snapshot())
    }

    fn value(of: &str) -> Option<f64> {
        let text = |series: &Series| {
            let labels = series
                .labels
                .iter()
                .filter(|label| !["__name__", "testid", "scenario", "team"].contains(&&*label.name));
            let labels: Vec<_> = labels.map(|label| format!("{}={}", label.name, label.value)).collect();
            let name = series.labels.iter().find(|label| label.name == "__name__").map(|label| label.value.clone());
            format!("{}{{{}}}", name.unwrap_or_default(), labels.join(","))
        };
        all().iter().find(|series| text(series) == of).map(|series| series.value)
    }

    #[test]
    fn a_failed_request_counts_in_the_last_bucket_only() {
        assert_eq!(value("join_room_latency_bucket{le=300.0,method=POST,name=join_room}"), Some(1.0));
        assert_eq!(value("join_room_latency_bucket{le=60000.0,method=POST,name=join_room}"), Some(2.0));
        assert_eq!(value("join_room_latency_bucket{le=+Inf,method=POST,name=join_room}"), Some(4.0));
        assert_eq!(value("join_room_latency_count{method=POST,name=join_room}"), Some(4.0));
        assert_eq!(value("join_room_latency_sum{method=POST,name=join_room}"), Some(604.0));
    }

    #[test]
    fn real_durations_are_kept_by_status() {
        assert_eq!(value("http_req_duration_bucket{le=1.0,method=POST,name=join_room,status=500}"), Some(1.0));
        assert_eq!(value("http_reqs{method=POST,name=join_room,status=0}"), Some(1.0));
        assert_eq!(value("http_reqs{method=POST,name=join_room,status=200}"), Some(2.0));
        assert_eq!(value("http_req_failed{method=POST,name=join_room,status=500}"), Some(1.0));
        assert_eq!(value("api_errors{method=POST,name=join_room}"), Some(2.0));
        assert_eq!(value("join_room_success{method=POST,name=join_room}"), Some(2.0));
    }

    #[test]
    fn an_exercised_endpoint_is_there_from_the_start_and_another_is_not() {
        assert_eq!(value("get_news_latency_count{method=GET,name=get_news}"), Some(0.0));
        assert_eq!(value("api_errors{method=GET,name=get_news}"), Some(0.0));
        assert_eq!(value("get_state_latency_count{method=GET,name=get_state}"), None);
    }

    #[test]
    fn labels_are_sorted_and_series_are_unique() {
        let series = all();
        assert!(series.iter().all(|series| series.labels.is_sorted()));
        assert_eq!(series.iter().map(|series| &series.labels).collect::<HashSet<_>>().len(), series.len());
        let tagged =
            |series: &Series| series.labels.iter().any(|label| label.name == "team" && label.value == "trading");
        assert!(series.iter().all(tagged));
    }
}
