//! Compares two clocks for the same requests: the client's and the backend's own.
//!
//! A difference is time outside of the backend's code. The check says where that time went.

use std::collections::BTreeMap;

use monitoring::endpoint::Endpoint;
use monitoring::label::{NAME, TESTID};
use monitoring::metric::{Metric, Part};
use monitoring::phase::Phase;
use monitoring::promql::Selector;
use perf_report::evidence::Generator;
use perf_report::judgement::EndpointResult;
use perf_report::{Millis, Report};
use serde::Serialize;

use super::endpoint_counters::EndpointCounters;
use super::source::Source;
use super::{ProofItem, last_value_of_run, now_ms, requested};

/// The latencies of one endpoint by both clocks, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EndpointClocks {
    pub(super) name: String,
    /// Whether both clocks measured the same number of requests.
    #[serde(skip)]
    pub(super) same_requests: bool,
    /// The client's mean of sending, waiting and receiving.
    pub(super) client_mean: f64,
    /// The part of the client's mean for sending and receiving.
    pub(super) on_the_wire: f64,
    /// The backend's mean.
    pub(super) backend_mean: f64,
    /// The client's p95, if it is finite.
    pub(super) client_p95: Option<f64>,
    /// The bucket bounds around the backend's p95; `None` for an infinite upper bound.
    pub(super) backend_p95: Option<(f64, Option<f64>)>,
    /// The share of time outside the backend by the responses' `Server-Timing`, from 0 to 1.
    pub(super) outside: Option<f64>,
}

/// The cause of the time outside the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClockVerdict {
    /// The difference is within the tolerance.
    Agrees,
    /// The generator was busy and measured too late.
    Generator,
    /// The network: connections, or large responses.
    Network,
    /// Queues before the backend's clock starts: accept queue, event loop, proxy.
    Queueing,
    /// For the same requests, the backend measured more time than the client.
    Impossible,
    /// The backend measured more time than the client, and has counted other requests.
    OtherRequests,
}

/// Tolerance between the clocks, in milliseconds. The larger of both tolerances applies.
const SLACK_MS: f64 = 5.0;
/// Tolerance between the clocks, as a share of the client's mean.
const SLACK_SHARE: f64 = 0.1;
/// A generator thread with a higher processor share adds to the latencies it measures.
const BUSY: f64 = 0.8;
/// So does a thread that waits for a processor for a larger share of time.
const WAITING: f64 = 0.05;

impl EndpointClocks {
    fn slack(&self) -> f64 {
        SLACK_MS.max(self.client_mean * SLACK_SHARE)
    }

    pub(super) fn gap(&self) -> f64 {
        self.client_mean - self.backend_mean
    }

    pub(super) fn verdict(&self, generator: &Generator) -> ClockVerdict {
        let gap = self.gap();
        // The backend's clock stops when it hands its response on, so it may exceed the client's by
        // a tick only.
        let p95_is_before = match (self.client_p95, self.backend_p95) {
            (Some(client), Some((from, _))) => client + SLACK_MS < from,
            _ => false,
        };
        if gap < -self.slack() || p95_is_before {
            if self.same_requests { ClockVerdict::Impossible } else { ClockVerdict::OtherRequests }
        } else if gap <= self.slack() {
            ClockVerdict::Agrees
        } else if generator.cpu.is_some_and(|cpu| cpu > BUSY)
            || generator.run_queue.is_some_and(|queue| queue > WAITING)
        {
            ClockVerdict::Generator
        } else if self.on_the_wire * 2.0 >= gap {
            ClockVerdict::Network
        } else {
            ClockVerdict::Queueing
        }
    }

    /// The p95 of both clocks, as far as known: "p95 166.2 ms, and 100 to 500 ms".
    fn describe_p95(&self) -> Option<String> {
        let (from, to) = self.backend_p95?;
        let backend = to.map_or_else(|| format!("more than {from:.0} ms"), |to| format!("{from:.0} to {to:.0} ms"));
        Some(match self.client_p95 {
            Some(client) => format!("p95 {client:.1} ms, and {backend}"),
            None => format!("p95 {backend}"),
        })
    }

    /// The line about the endpoint: both latencies, and the cause of their difference.
    pub(super) fn describe(&self, verdict: ClockVerdict) -> String {
        let Self { name, client_mean, backend_mean, .. } = self;
        let p95 = self.describe_p95().map(|p95| format!(" ({p95})")).unwrap_or_default();
        let means = format!("{name}: {client_mean:.1} ms by the client, {backend_mean:.1} ms by the backend{p95}");
        match verdict {
            ClockVerdict::Agrees => format!("{means}: they agree"),
            ClockVerdict::Generator => {
                format!("{means}: the generator was overloaded and added the difference; use fewer VUs or more cores")
            }
            ClockVerdict::Network => {
                format!("{means}: most of the difference is sending and receiving: the network, or large responses")
            }
            ClockVerdict::Queueing => format!(
                "{means}: requests waited before the backend's code, in its accept queue, its event loop or a proxy"
            ),
            ClockVerdict::Impossible => {
                format!("{means}: the backend's time exceeds the client's for the same requests, so one clock is wrong")
            }
            ClockVerdict::OtherRequests => {
                format!("{means}: not comparable, since the backend also counted other requests")
            }
        }
    }
}

/// The latencies of an endpoint by both clocks, and the verdict on their difference.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ClockComparison {
    #[serde(flatten)]
    clocks: EndpointClocks,
    verdict: ClockVerdict,
}

/// Compares the client's clock with the backend's, by endpoint.
pub(super) async fn check(
    report: &Report,
    source: &Source,
    counted: &BTreeMap<&'static str, EndpointCounters>,
) -> ProofItem {
    const CHECK: &str = "two clocks";
    let timed = |counted: &&EndpointCounters| counted.requests() > 0 && counted.seconds.is_some();
    if !counted.values().any(|counted| timed(&counted)) {
        return ProofItem::not_applicable(CHECK, "the backend's latencies are not available");
    }
    let (mut remarks, mut wrong, mut agree, mut all) = (Vec::new(), Vec::new(), 0, Vec::new());
    for (result, endpoint) in requested(report) {
        let Some(counted) = counted.get(endpoint.name).filter(timed) else { continue };
        match read_clocks(report, source, result, endpoint, counted).await {
            Ok(clocks) => {
                let verdict = clocks.verdict(&report.generator);
                match verdict {
                    ClockVerdict::Agrees => agree += 1,
                    ClockVerdict::Impossible => wrong.push(clocks.describe(verdict)),
                    _ => remarks.push(clocks.describe(verdict)),
                }
                all.push((clocks, verdict));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", endpoint.name)),
        }
    }
    let gaps = || {
        all.iter()
            .map(|(clocks, _): &(EndpointClocks, ClockVerdict)| (clocks.client_mean - clocks.backend_mean).max(0.0))
    };
    let (least, most) = (gaps().fold(f64::INFINITY, f64::min), gaps().fold(f64::NEG_INFINITY, f64::max));
    let outside =
        outside(report).map(|share| format!("; by Server-Timing, {share:.0} % of the time")).unwrap_or_default();
    let figures = format!(
        "{agree} of {} endpoints agree with the backend; {least:.1} to {most:.1} ms on average outside the backend{outside}",
        agree + remarks.len() + wrong.len()
    );
    // If the endpoint with the largest difference agrees, its line stands for all endpoints.
    if let Some((furthest, verdict)) = all.iter().max_by(|(one, _), (other, _)| one.gap().total_cmp(&other.gap()))
        && *verdict == ClockVerdict::Agrees
    {
        remarks.push(furthest.describe(*verdict));
    }
    let mut check = ProofItem::new(CHECK, figures, wrong);
    check.lines.extend(remarks);
    check.clocks = all.into_iter().map(|(clocks, verdict)| ClockComparison { clocks, verdict }).collect();
    check
}

/// The share of the requests' time outside the backend in percent, by the responses'
/// `Server-Timing`.
fn outside(report: &Report) -> Option<f64> {
    let timings = report.endpoints.iter().filter_map(|endpoint| endpoint.server_timing);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let (server, client) = timings.fold((0.0, 0.0), |(server, client), timing| {
        let requests = timing.requests as f64;
        (server + timing.server_mean_ms * requests, client + timing.client_mean_ms * requests)
    });
    (client > 0.0).then(|| ((client - server) / client).max(0.0) * 100.0)
}

async fn read_clocks(
    report: &Report,
    source: &Source,
    result: &EndpointResult,
    endpoint: &Endpoint,
    counted: &EndpointCounters,
) -> anyhow::Result<EndpointClocks> {
    let selector = |name: String| Selector::new(name).with(TESTID, &report.testid).with(NAME, endpoint.name);
    let latency = Metric::latency(endpoint);
    let mean = async |metric: &Metric| -> anyhow::Result<f64> {
        let mean =
            last_value_of_run(report, selector(metric.sum())).over(last_value_of_run(report, selector(metric.count())));
        Ok(source.value(&mean.to_string(), now_ms()).await?.unwrap_or_default())
    };
    let responses = result.requests.sent - result.by_status.get("0").copied().unwrap_or_default();
    let warmed_up = report.timeline.slices.iter().any(|slice| slice.phase == Some(Phase::WarmUp));
    let mut on_the_wire = 0.0;
    for part in [Part::Receiving, Part::Sending] {
        on_the_wire += mean(&Metric::part(part)).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let backend_mean = counted.seconds.unwrap_or_default() * 1e3 / counted.requests() as f64;
    Ok(EndpointClocks {
        name: endpoint.name.to_owned(),
        same_requests: counted.requests() == responses && responses == result.requests.sent,
        client_mean: mean(&latency).await?,
        on_the_wire,
        backend_mean,
        client_p95: match result.p95_ms {
            // The client's p95 leaves out warm-up and the backend's does not.
            Some(Millis::Finite(ms)) if !warmed_up => Some(ms),
            _ => None,
        },
        backend_p95: counted.quantile_bounds_ms(95).map(|(from, to)| (from, to.is_finite().then_some(to))),
        outside: result.server_timing.map(|timing| (1.0 - timing.server_mean_ms / timing.client_mean_ms).max(0.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(client_mean: f64, backend_mean: f64, on_the_wire: f64) -> EndpointClocks {
        let name = "get_state".to_owned();
        EndpointClocks {
            name,
            client_mean,
            on_the_wire,
            backend_mean,
            same_requests: true,
            client_p95: Some(60.0),
            backend_p95: Some((10.0, Some(100.0))),
            outside: None,
        }
    }

    #[test]
    fn the_verdict_names_the_cause_of_time_outside_the_backend() {
        let idle = Generator { workers: 1, cpu: Some(0.1), run_queue: Some(0.0), steal: None };
        let busy = Generator { cpu: Some(0.95), ..idle };
        for (clocks, generator, verdict) in [
            (clocks(50.0, 46.0, 0.0), &idle, ClockVerdict::Agrees),
            (clocks(500.0, 460.0, 0.0), &idle, ClockVerdict::Agrees),
            (clocks(50.0, 30.0, 1.0), &idle, ClockVerdict::Queueing),
            (clocks(50.0, 30.0, 12.0), &idle, ClockVerdict::Network),
            (clocks(50.0, 30.0, 12.0), &busy, ClockVerdict::Generator),
            (clocks(50.0, 60.0, 0.0), &idle, ClockVerdict::Impossible),
        ] {
            assert_eq!(clocks.verdict(generator), verdict, "{clocks:?}");
        }
        let before = EndpointClocks { backend_p95: Some((100.0, Some(250.0))), ..clocks(50.0, 49.0, 0.0) };
        assert_eq!(before.verdict(&idle), ClockVerdict::Impossible);
        let line = before.describe(ClockVerdict::Impossible);
        assert!(line.contains("49.0 ms by the backend (p95 60.0 ms, and 100 to 250 ms)"), "{line}");
        let with_others = EndpointClocks { same_requests: false, ..before };
        assert_eq!(with_others.verdict(&idle), ClockVerdict::OtherRequests);
    }
}
