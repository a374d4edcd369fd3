//! Compares two clocks for the same requests: the client's and the backend's own.
//!
//! A difference is time outside of the backend's code. The check says where that time went.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use monitoring::endpoint::Endpoint;
use monitoring::label::{NAME, TESTID};
use monitoring::metric::{Metric, RequestPart};
use monitoring::phase::Phase;
use monitoring::promql::Selector;
use monitoring::ratio::Ratio;
use perf_report::evidence::StatusKey;
use perf_report::format::{counted_part, percent_with};
use perf_report::judgement::EndpointResult;
use perf_report::{Millis, Report};

use super::endpoint_clocks::{ClockComparison, ClockVerdict, EndpointClocks};
use super::proof_check::ProofCheck;
use crate::perf::prove::backend::request_counters::RequestCounters;
use crate::perf::prove::proven_run::{ProvenRun, last_value_of_run, now_ms};
use crate::perf::prove::store::query_source::AT_ONCE;

/// Compares the client's clock with the backend's, by endpoint. A backend that is not our own
/// (`is_own`) may work on after its response, and its time is then no contradiction.
pub(crate) async fn check(
    run: ProvenRun<'_>,
    counted: &BTreeMap<&'static str, RequestCounters>,
    is_own: bool,
) -> ProofCheck {
    const CHECK: &str = "two clocks";
    let timed = |counted: &&RequestCounters| counted.requests() > 0 && counted.seconds.is_some();
    if !counted.values().any(|counted| timed(&counted)) {
        return ProofCheck::without(CHECK, "latencies", "the backend's latencies are not available");
    }
    let (mut notes, mut wrong, mut agree, mut all) = (Vec::new(), Vec::new(), 0, Vec::new());
    let clocks = run.requested().filter_map(|(result, endpoint)| {
        let counted = counted.get(endpoint.name).filter(timed)?;
        Some(async move { (endpoint, read_clocks(run, result, endpoint, counted).await) })
    });
    let mut clocks = stream::iter(clocks).buffered(AT_ONCE);
    while let Some((endpoint, clocks)) = clocks.next().await {
        match clocks {
            Ok(clocks) => {
                let verdict = clocks.verdict(&run.report.run.generator);
                match verdict {
                    ClockVerdict::Agrees => agree += 1,
                    ClockVerdict::LongerThanClient if is_own => wrong.push(clocks.describe(verdict)),
                    _ => notes.push(clocks.describe(verdict)),
                }
                all.push((clocks, verdict));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", endpoint.name)),
        }
    }
    wrong.extend(describe_other_unit(&all));
    let gaps = || {
        all.iter()
            .map(|(clocks, _): &(EndpointClocks, ClockVerdict)| (clocks.client_mean - clocks.backend_mean).max(0.0))
    };
    let [least, most] =
        [gaps().fold(f64::INFINITY, f64::min), gaps().fold(f64::NEG_INFINITY, f64::max)].map(|gap| format!("{gap:.1}"));
    let range = if least == most { most } else { format!("{least} to {most}") };
    let outside = outside(run.report).map(|share| match share {
        ..0.01 => "; by Server-Timing, under 1 % of the latency is outside the service".to_owned(),
        _ => format!("; by Server-Timing, {} of the latency is outside the service", percent_with(share, 0)),
    });
    let outside = outside.unwrap_or_default();
    let figures = format!(
        "client and backend agree for {}; network and queues add {range} ms{outside}",
        counted_part(agree as u64, (agree + notes.len() + wrong.len()) as u64, "endpoint")
    );
    // If the endpoint with the largest difference agrees, its line stands for all endpoints.
    if let Some((furthest, verdict)) = all.iter().max_by(|(one, _), (other, _)| one.gap().total_cmp(&other.gap()))
        && *verdict == ClockVerdict::Agrees
    {
        notes.push(furthest.describe(*verdict));
    }
    let mut check = ProofCheck::new(CHECK, figures, wrong);
    check.lines.extend(notes);
    check.clocks = all.into_iter().map(|(clocks, verdict)| ClockComparison { clocks, verdict }).collect();
    check
}

/// Says that the backend's times have another unit than its mapping. Work after a response takes
/// longer than the response, too, so a fact about the unit is required.
fn describe_other_unit(all: &[(EndpointClocks, ClockVerdict)]) -> Option<String> {
    const FACTOR: f64 = 100.0;
    let is_other = |(clocks, verdict): &(EndpointClocks, ClockVerdict)| {
        *verdict == ClockVerdict::LongerThanClient && clocks.backend_mean > clocks.client_mean * FACTOR
    };
    let are_all = all.len() > 1 && all.iter().all(is_other) && all.iter().any(|(clocks, _)| clocks.has_other_unit);
    are_all.then(|| {
        format!(
            "the backend's times are more than {FACTOR} times the client's for each endpoint: their unit is not that of \
             the mapping, which is seconds unless the name of .duration(\"…\") ends with _milliseconds or _ms"
        )
    })
}

/// Whether times cannot have the unit that they are read with. The finest bucket is a second or
/// more, or a request took longer than from its start to the proof.
fn has_other_unit(counted: &RequestCounters, backend_mean: Duration, run: Duration) -> bool {
    /// Longest time from the end of the load until the counters are read.
    const UNTIL_PROOF: Duration = Duration::from_secs(120);
    let finest = counted.buckets.iter().map(|(bound, _)| *bound).find(|bound| *bound > 0.0);
    finest.is_some_and(|bound| bound.is_finite() && bound >= 1.0) || backend_mean > run + UNTIL_PROOF
}

/// The share of the requests' time outside the backend, by the responses' `Server-Timing`.
fn outside(report: &Report) -> Option<f64> {
    let timings = report.endpoints.iter().filter_map(|endpoint| endpoint.server_timing);
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let (server, client) = timings.fold((0.0, 0.0), |(server, client), timing| {
        let requests = timing.requests as f64;
        (server + timing.server_mean_ms * requests, client + timing.client_mean_ms * requests)
    });
    (client > 0.0).then(|| ((client - server) / client).max(0.0))
}

async fn read_clocks(
    run: ProvenRun<'_>,
    result: &EndpointResult,
    endpoint: &Endpoint,
    counted: &RequestCounters,
) -> anyhow::Result<EndpointClocks> {
    let selector = |name: String| Selector::new(name).with(TESTID, &run.report.run.testid).with(NAME, endpoint.name);
    let latency = Metric::latency(endpoint);
    let mean = async |metric: &Metric| -> anyhow::Result<f64> {
        let mean = last_value_of_run(run.report, selector(metric.sum()))
            .divided_by(last_value_of_run(run.report, selector(metric.count())));
        Ok(run.source.value(&mean.to_string(), now_ms()).await?.unwrap_or_default())
    };
    let responses = result.requests.sent - result.by_status.get(&StatusKey::NoResponse).copied().unwrap_or_default();
    let warmed_up = run.report.run.timeline.slices.iter().any(|slice| slice.phase == Some(Phase::WarmUp));
    let mut on_the_wire = 0.0;
    for part in [RequestPart::Receiving, RequestPart::Sending] {
        on_the_wire += mean(&Metric::part(part)).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let backend_mean = counted.seconds.unwrap_or_default() * 1e3 / counted.requests() as f64;
    let took = Duration::try_from_secs_f64(backend_mean / 1e3).unwrap_or_default();
    Ok(EndpointClocks {
        has_other_unit: has_other_unit(counted, took, run.report.duration()),
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
        backend_p95: counted
            .quantile_bounds_ms(Ratio::percent(95))
            .map(|(from, to)| (from, to.is_finite().then_some(to))),
        outside: result.server_timing.map(|timing| (1.0 - timing.server_mean_ms / timing.client_mean_ms).max(0.0)),
    })
}

#[cfg(test)]
mod tests;
