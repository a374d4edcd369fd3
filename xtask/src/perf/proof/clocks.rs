//! Two clocks for the same requests: the client's and the backend's own. Where they differ, the time went by outside the
//! backend's code, and this says where.

use std::collections::BTreeMap;

use monitoring::endpoint::Endpoint;
use monitoring::label::{NAME, TESTID};
use monitoring::metric::{Metric, Part};
use monitoring::phase::Phase;
use monitoring::promql::Selector;
use perf_report::{EndpointResult, Generator, Millis, Report};
use serde::Serialize;

use super::backend_metrics::EndpointCounters;
use super::source::Source;
use super::{ProofItem, last_value_of_run, now_ms, requested};

/// What both clocks say of one endpoint, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EndpointClocks {
    pub(super) name: String,
    /// Whether both speak of the same requests, as far as counting tells.
    #[serde(skip)]
    pub(super) same_requests: bool,
    /// The mean of sending, waiting and receiving.
    pub(super) client_mean: f64,
    /// Of which sending and receiving.
    pub(super) on_the_wire: f64,
    /// The mean by the backend.
    pub(super) backend_mean: f64,
    /// The client's p95, if it is finite.
    pub(super) client_p95: Option<f64>,
    /// Between which bounds the backend's p95 lies; the upper one is none where that is infinite.
    pub(super) backend_p95: Option<(f64, Option<f64>)>,
    /// By the answers' `Server-Timing`: the share of time that went by outside the backend, from 0 to 1.
    pub(super) outside: Option<f64>,
}

/// Where the time went that the backend knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClockVerdict {
    /// There is next to none.
    Agrees,
    /// The generator had no time to look.
    Generator,
    /// On the way: connections, or long answers.
    Network,
    /// Before the backend's clock begins: accept queue, event loop, proxy.
    Queueing,
    /// The backend says that it took longer than the client waited, and both speak of the same requests.
    Impossible,
    /// It says so, and has counted others' requests as well, or some that nobody waited for here.
    OtherRequests,
}

/// Clocks agree within so many milliseconds, or this share of the client's mean.
const SLACK_MS: f64 = 5.0;
const SLACK_SHARE: f64 = 0.1;
/// A thread busier than this, or waiting longer for a processor, adds to what it measures.
const BUSY: f64 = 0.8;
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
        // The backend's clock stops when it hands its answer on, so it may not be behind by more than a tick.
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

    /// Both p95, as far as they are known: "p95 166.2 ms, and 100 to 500 ms".
    fn describe_p95(&self) -> Option<String> {
        let (from, to) = self.backend_p95?;
        let backend = to.map_or_else(|| format!("more than {from:.0} ms"), |to| format!("{from:.0} to {to:.0} ms"));
        Some(match self.client_p95 {
            Some(client) => format!("p95 {client:.1} ms, and {backend}"),
            None => format!("p95 {backend}"),
        })
    }

    /// A sentence for somebody tired.
    pub(super) fn describe(&self, verdict: ClockVerdict) -> String {
        let Self { name, client_mean, backend_mean, .. } = self;
        let p95 = self.describe_p95().map(|words| format!(" ({words})")).unwrap_or_default();
        let means = format!("{name}: {client_mean:.1} ms here, {backend_mean:.1} ms by the backend{p95}");
        match verdict {
            ClockVerdict::Agrees => format!("{means}: they agree"),
            ClockVerdict::Generator => {
                format!("{means}: the generator was at its limit and added the rest; use fewer VUs or more cores")
            }
            ClockVerdict::Network => {
                format!("{means}: most of the rest went by sending and receiving, which is the network or long answers")
            }
            ClockVerdict::Queueing => format!(
                "{means}: the rest went by before the backend's code saw the request, in its accept queue, event loop or a proxy"
            ),
            ClockVerdict::Impossible => format!(
                "{means}: the backend cannot take longer than its clients wait, and it has counted the same requests"
            ),
            ClockVerdict::OtherRequests => {
                format!("{means}: the backend has counted requests that are not these, so the two cannot be compared")
            }
        }
    }
}

/// An endpoint's two clocks, and what they mean.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ClockComparison {
    #[serde(flatten)]
    clocks: EndpointClocks,
    verdict: ClockVerdict,
}

/// The client's clock and the backend's, endpoint by endpoint.
pub(super) async fn check(
    report: &Report,
    source: &Source,
    counted: &BTreeMap<&'static str, EndpointCounters>,
) -> ProofItem {
    const CHECK: &str = "two clocks";
    if counted.values().all(|counted| counted.requests() == 0) {
        return ProofItem::not_applicable(CHECK, "the backend's own clock is not to be had");
    }
    let (mut told, mut wrong, mut agree, mut all) = (Vec::new(), Vec::new(), 0, Vec::new());
    for (result, endpoint) in requested(report) {
        let Some(counted) = counted.get(endpoint.name).filter(|counted| counted.requests() > 0) else { continue };
        match clocks_of(report, source, result, endpoint, counted).await {
            Ok(clocks) => {
                let verdict = clocks.verdict(&report.generator);
                match verdict {
                    ClockVerdict::Agrees => agree += 1,
                    ClockVerdict::Impossible => wrong.push(clocks.describe(verdict)),
                    _ => told.push(clocks.describe(verdict)),
                }
                all.push((clocks, verdict));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", endpoint.name)),
        }
    }
    let gaps =
        || all.iter().map(|(clocks, _): &(EndpointClocks, ClockVerdict)| clocks.client_mean - clocks.backend_mean);
    let (least, most) = (gaps().fold(f64::INFINITY, f64::min), gaps().fold(f64::NEG_INFINITY, f64::max));
    let outside =
        outside(report).map(|share| format!("; by Server-Timing, {share:.0} % of the time")).unwrap_or_default();
    let figures = format!(
        "{agree} of {} endpoints agree with the backend; on average {least:.1} to {most:.1} ms go by outside it{outside}",
        agree + told.len() + wrong.len()
    );
    // Where all is well, the one that is furthest from it stands for the others.
    if let Some((furthest, verdict)) = all.iter().max_by(|(one, _), (other, _)| one.gap().total_cmp(&other.gap()))
        && *verdict == ClockVerdict::Agrees
    {
        told.push(furthest.describe(*verdict));
    }
    let mut check = ProofItem::new(CHECK, figures, wrong);
    check.lines.extend(told);
    check.clocks = all.into_iter().map(|(clocks, verdict)| ClockComparison { clocks, verdict }).collect();
    check
}

/// The share of requests' time that went by outside the backend, in percent, where its answers say what it took.
fn outside(report: &Report) -> Option<f64> {
    let said = report.endpoints.iter().filter_map(|endpoint| endpoint.server_timing);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let (server, client) = said.fold((0.0, 0.0), |(server, client), said| {
        let requests = said.requests as f64;
        (server + said.server_mean_ms * requests, client + said.client_mean_ms * requests)
    });
    (client > 0.0).then(|| ((client - server) / client).max(0.0) * 100.0)
}

async fn clocks_of(
    report: &Report,
    source: &Source,
    result: &EndpointResult,
    endpoint: &Endpoint,
    counted: &EndpointCounters,
) -> anyhow::Result<EndpointClocks> {
    let of_endpoint = |name: String| Selector::new(name).with(TESTID, &report.testid).with(NAME, endpoint.name);
    let latency = Metric::latency(endpoint);
    let mean = async |metric: &Metric| -> anyhow::Result<f64> {
        let mean = last_value_of_run(report, of_endpoint(metric.sum()))
            .over(last_value_of_run(report, of_endpoint(metric.count())));
        Ok(source.value(&mean.to_string(), now_ms()).await?.unwrap_or_default())
    };
    let answered = result.requests.sent - result.by_status.get("0").copied().unwrap_or_default();
    let warmed_up = report.timeline.slices.iter().any(|slice| slice.phase == Some(Phase::WarmUp));
    let mut on_the_wire = 0.0;
    for part in [Part::Receiving, Part::Sending] {
        on_the_wire += mean(&Metric::part(part)).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let backend_mean = counted.seconds * 1e3 / counted.requests() as f64;
    Ok(EndpointClocks {
        name: endpoint.name.to_owned(),
        same_requests: counted.requests() == answered && answered == result.requests.sent,
        client_mean: mean(&latency).await?,
        on_the_wire,
        backend_mean,
        client_p95: match result.p95_ms {
            // The backend's is of all its requests, and this one leaves out warm-up.
            Some(Millis::Finite(ms)) if !warmed_up => Some(ms),
            _ => None,
        },
        backend_p95: counted.quantile_bounds_ms(95).map(|(from, to)| (from, to.is_finite().then_some(to))),
        outside: result.server_timing.map(|said| (1.0 - said.server_mean_ms / said.client_mean_ms).max(0.0)),
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
    fn time_outside_the_backend_is_told_by_where_it_went() {
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
        let sentence = before.describe(ClockVerdict::Impossible);
        assert!(sentence.contains("49.0 ms by the backend (p95 60.0 ms, and 100 to 250 ms)"), "{sentence}");
        let with_others = EndpointClocks { same_requests: false, ..before };
        assert_eq!(with_others.verdict(&idle), ClockVerdict::OtherRequests);
    }
}
