//! The load in the report: plan and results.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use perf_report::evidence::{
    ArrivalCounts, Durations, Generator, Iterations, LoadModel, PartResult, PhaseTime, SegmentLatency,
};
use perf_report::{exact_ms, whole_ms};

use crate::engine::Load;
use crate::measure::{DurationHistogram, GeneratorHealth, LATE_AFTER, PartCounts, Selection, Snapshot};
use crate::plan::{LoadProfile, PartPlan, Plan, Schedule};

pub(crate) fn part_results(
    catalogue: &Catalogue,
    plan: &Plan,
    loads: &[LoadProfile],
    snapshot: &Snapshot,
) -> Result<Vec<PartResult>, serde_json::Error> {
    let parts = plan.parts.iter().zip(loads).zip(&snapshot.parts);
    let mut parts: Vec<_> =
        parts.map(|((part, load), counts)| part_result(part, load, counts)).collect::<Result<_, _>>()?;
    if parts.len() > 1 {
        for (at, part) in parts.iter_mut().enumerate() {
            part.endpoints = part_latencies(catalogue, snapshot, at);
        }
    }
    Ok(parts)
}

/// Latencies of one part after warm-up, by endpoint.
fn part_latencies(catalogue: &Catalogue, snapshot: &Snapshot, part: usize) -> BTreeMap<String, SegmentLatency> {
    let latency = |(index, endpoint): (usize, &Endpoint)| {
        let counts =
            snapshot.endpoint_in(index, Phases::AFTER_WARM_UP, Selection { part: Some(part), segment: None })?;
        let quantile = |percent| counts.latency.quantile(Ratio::percent(percent));
        let (requests, failed) = (counts.requests().sent, counts.requests().failed);
        let latency = SegmentLatency { requests, failed, p50_ms: quantile(50), p95_ms: quantile(95) };
        (requests > 0).then(|| (endpoint.name.to_owned(), latency))
    };
    catalogue.endpoints.iter().enumerate().filter_map(latency).collect()
}

fn part_result(part: &PartPlan, load: &LoadProfile, counts: &PartCounts) -> Result<PartResult, serde_json::Error> {
    let dropped = counts.dropped.iter().sum();
    let model = match &part.schedule {
        Schedule::Arrivals { arrivals, .. } => LoadModel::Open(ArrivalCounts {
            planned: arrivals.total(),
            // Not `lateness`, which has iterations that waited for a connection and were refused.
            started: counts.iterations.completed + counts.iterations.interrupted,
            late: counts.late,
            late_after_ms: exact_ms(LATE_AFTER),
            lateness_ms: durations(counts.lateness.histogram()),
        }),
        Schedule::Vus { .. } => LoadModel::Closed,
    };
    Ok(PartResult {
        name: part.name.clone(),
        load: load.to_string(),
        profile: serde_json::to_value(load)?,
        iterations: Iterations {
            completed: counts.iterations.completed,
            failed: counts.iterations.failed,
            interrupted: counts.iterations.interrupted,
            dropped,
        },
        iteration_ms: durations(counts.iteration_duration.histogram()),
        model,
        endpoints: BTreeMap::new(),
    })
}

/// The times of each part's phases. A part that is limited by iterations ends with its last one.
/// One that was stopped early ends with the load.
pub(crate) fn phase_times(
    plan: &Plan,
    load: &Load,
    started: SystemTime,
    ended: SystemTime,
    stopped: bool,
) -> Vec<Vec<PhaseTime>> {
    let lasted = ended.duration_since(started).unwrap_or_default();
    let is_cut = stopped || load.interrupted || load.aborted.is_some();
    let times = |(part, counts): (&PartPlan, &PartCounts)| {
        let is_limited = part.iterations().is_some() && !part.is_open();
        let end = match Duration::from_millis(counts.ended_ms) {
            ended if is_limited && !ended.is_zero() => part.end.min(ended),
            _ if is_cut || is_limited => part.end.min(lasted),
            _ => part.end,
        };
        let starts: Vec<_> = part.phases.steps().collect();
        let ends = starts.iter().skip(1).map(|(from, _)| *from).chain([end]);
        let time = |(&(from, phase), to): (&(Duration, Phase), Duration)| PhaseTime {
            phase,
            from_ms: whole_ms(from.min(end)),
            to_ms: whole_ms(to.min(end)),
        };
        starts.iter().zip(ends).map(time).collect()
    };
    plan.parts.iter().zip(&load.snapshot.parts).map(times).collect()
}

fn durations(histogram: &DurationHistogram) -> Option<Durations> {
    let quantile = |percent| histogram.quantile(Ratio::percent(percent)).map(exact_ms);
    Some(Durations { p50: quantile(50)?, p95: quantile(95)?, p99: quantile(99)?, max: exact_ms(histogram.longest()?) })
}

/// The generator's own load, as shares from 0 to 1 of the run's time.
pub(crate) fn generator(load: &Load) -> Generator {
    let GeneratorHealth { cpu, run_queue, steal, .. } = load.health;
    Generator { workers: u32::try_from(load.workers).unwrap_or(u32::MAX), cpu, run_queue, steal }
}
