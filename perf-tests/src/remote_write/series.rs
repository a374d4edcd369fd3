//! What a snapshot says, as series: names and labels from [`monitoring::metric`], values cumulative since the run's start.

use std::sync::Arc;

use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::label::{LE, METHOD, NAME, SCENARIO, STATUS, TESTID};
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
        let named = [(NAME.as_str(), endpoint.name), (METHOD.as_str(), endpoint.method.as_str())];
        self.histogram(&Metric::latency(endpoint), &named, counts.latency.buckets());
        self.push(&Metric::api_errors().name, &named, float(requests.failed));
        if with_success {
            self.push(&Metric::success(endpoint).name, &named, float(requests.sent - requests.failed));
        }
        for (status, of_status) in &counts.by_status {
            let status = status.to_string();
            let labels = [named[0], named[1], (STATUS.as_str(), status.as_str())];
            self.histogram(&Metric::http_req_duration(), &labels, &of_status.durations);
            self.push(&Metric::http_reqs().name, &labels, float(of_status.durations.count()));
            if of_status.failed > 0 {
                self.push(&Metric::http_req_failed().name, &labels, float(of_status.failed));
            }
        }
    }

    fn histogram(&mut self, metric: &Metric, labels: &[(&str, &str)], buckets: &Buckets) {
        let bucket = metric.bucket();
        let total = float(buckets.count());
        let with_le = |le: &str| [labels, &[(LE.as_str(), le)]].concat().iter().map(|(n, v)| label(n, v)).collect();
        for (bound, count) in buckets.cumulative() {
            self.push_labels(&bucket, with_le(&metric::le(bound)), float(count));
        }
        self.push_labels(&bucket, with_le(LE_INFINITY), total);
        self.push(&metric.count(), labels, total);
        self.push(&metric.sum(), labels, buckets.sum_ms());
    }

    fn push(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.push_labels(name, labels.iter().map(|(name, value)| label(name, value)).collect(), value);
    }

    fn push_labels(&mut self, name: &str, mut labels: Vec<Label>, value: f64) {
        labels.push(label("__name__", name));
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
