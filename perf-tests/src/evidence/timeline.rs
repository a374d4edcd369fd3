//! The timeline of a run for the report, and its latencies as an HDR histogram log.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag};
use hdrhistogram::serialization::{V2DeflateSerializeError, V2DeflateSerializer};
use monitoring::catalogue::Catalogue;
use monitoring::ratio::Ratio;
use perf_report::evidence::{EndpointSlice, Slice, Timeline};
use perf_report::quantile::{CurvePoint, RankedLatencies};
use perf_report::{Millis, whole_ms};

use crate::measure::{RecordedTimeline, Section, TimelineError};
use crate::plan::{PartPlan, Plan, Schedule};

const NANOS_OF_MS: f64 = 1e6;

/// The report's timeline: one slice for each section, with the planned load.
pub(crate) fn timeline(
    catalogue: &Catalogue,
    plan: &Plan,
    recorded: &RecordedTimeline,
) -> Result<Timeline, TimelineError> {
    let slices = recorded.sections.iter().map(|section| slice(catalogue, plan, section)).collect::<Result<_, _>>()?;
    Ok(Timeline { interval_ms: whole_ms(recorded.interval), slices })
}

fn slice(catalogue: &Catalogue, plan: &Plan, section: &Section) -> Result<Slice, TimelineError> {
    let middle = section.from + (section.to - section.from) / 2;
    let is_open = plan.parts.iter().any(PartPlan::is_open);
    let due = plan.parts.iter().filter_map(|part| match &part.schedule {
        Schedule::Arrivals { arrivals, .. } => Some(arrivals.between(section.from, section.to)),
        Schedule::Vus { .. } => None,
    });
    let mut endpoints = BTreeMap::new();
    for (index, latencies) in &section.latencies {
        let succeeded = latencies.decoded()?;
        let ranked = RankedLatencies::new(Some(&succeeded), latencies.failed);
        let quantile = |q| ranked.quantile(q).unwrap_or(Millis::INFINITE);
        let [p50, p95] = [50, 95].map(Ratio::percent);
        let endpoint = &catalogue.endpoints[*index];
        let judged: BTreeSet<_> = catalogue.latency_slos(endpoint).map(|slo| slo.objective).collect();
        let further = judged.into_iter().filter(|q| ![p50, p95].contains(q));
        let endpoint_slice = EndpointSlice {
            requests: ranked.requests(),
            failed: latencies.failed,
            good: latencies.good,
            p50_ms: quantile(p50),
            p95_ms: quantile(p95),
            further: further.map(|q| CurvePoint { ppm: q.as_ppm(), ms: quantile(q) }).collect(),
        };
        endpoints.insert(endpoint.name.to_owned(), endpoint_slice);
    }
    let phases = plan.parts.iter().filter(|part| part.start <= middle && middle < part.end);
    let phases: BTreeSet<_> = phases.map(|part| part.phases.at(middle)).collect();
    Ok(Slice {
        // The first in the order warm-up, ramp, steady, if loads of several phases are active.
        phase: phases.first().copied(),
        from_ms: whole_ms(section.from),
        to_ms: whole_ms(section.to),
        planned_vus: plan.parts.iter().map(|part| part.vus_at(middle)).sum(),
        vus: section.vus,
        due: is_open.then(|| due.sum()),
        begun: is_open.then_some(section.begun),
        requests: section.requests.sent,
        failed: section.requests.failed,
        endpoints,
    })
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum HistogramLogError {
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    #[error("failed to write the histogram log: {0:?}")]
    Begin(#[from] io::Error),
    #[error("failed to write the histogram log: {0:?}")]
    Write(#[from] IntervalLogWriterError<V2DeflateSerializeError>),
}

/// An interval log of HDR histograms (V2, deflated), one for each section and endpoint.
/// HdrHistogram's own tools read it (<https://github.com/HdrHistogram/HdrHistogram>). Values are
/// nanoseconds, maxima are milliseconds, and the tag is the endpoint's name.
pub(crate) fn histogram_log(
    catalogue: &Catalogue,
    started: SystemTime,
    sections: &[Section],
) -> Result<Vec<u8>, HistogramLogError> {
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment("[Latencies of successful requests after warm-up, in nanoseconds; Tag is the endpoint]")
        .with_start_time(started)
        .with_base_time(started)
        .with_max_value_divisor(NANOS_OF_MS);
    let mut writer = builder.begin_log_with(&mut log, &mut serializer)?;
    for section in sections {
        for (index, latencies) in &section.latencies {
            let histogram = latencies.decoded()?;
            let tag = Tag::new(catalogue.endpoints[*index].name);
            // Rounded to milliseconds, as in the report, so that both can be matched by time.
            let [from, to] = [section.from, section.to].map(|at| Duration::from_millis(whole_ms(at)));
            writer.write_histogram(&histogram, from, to - from, tag)?;
        }
    }
    drop(writer);
    Ok(log)
}

#[cfg(test)]
mod tests;
