//! Compares two runs that were recorded at different times.
//!
//! Sections of the same part of both runs are paired and judged like rounds. This is weaker than an
//! interleaved comparison, because everything else that changed between the two times is part of
//! the difference. So every output of such a comparison says how it was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use monitoring::ratio::Ratio;
use monitoring::revision::Revision;
use perf_report::comparison::{Comparison, ComparisonMethod, EndpointChange, Rule};
use perf_report::evidence::Slice;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{counted, percent_with};
use perf_report::judgement::{EndpointResult, Requests};
use perf_report::quantile::RankedLatencies;
use perf_report::render::files::HISTOGRAMS;
use perf_report::{Millis, Report, whole_ms};

use crate::comparison::{ComparisonLabel, compare};
use crate::pair_measures::Pair;
use crate::significance;

/// Maximum number of sections of a run.
const SECTIONS: u64 = 20;
/// Minimum mean number of requests of an endpoint in a section. A p95 needs 20, and requests are
/// not spread evenly.
const REQUESTS: u64 = 30;
/// With fewer sections, several endpoints cannot be judged together.
const MIN_SECTIONS: u64 = 9;

/// A recorded run and its latencies over time.
#[derive(Debug, Clone, Copy)]
pub struct RecordedRun<'a> {
    /// Report of the run.
    pub report: &'a Report,
    /// Contents of its histogram log, [`HISTOGRAMS`].
    pub log: &'a [u8],
}

/// Two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum RecordedError {
    #[error(
        "cannot compare the runs: their {what} differs ({before:?} of the base, {after:?} of the \
         head). Run the head with the {what} of the base, or record a new baseline: \
         --save-baseline without --baseline"
    )]
    Other { what: &'static str, before: String, after: String },
    #[error("the report of {0} has no timeline, because an older version wrote it: run it again")]
    NoTimeline(String),
    #[error("cannot read {HISTOGRAMS} of {0}: {1}. Run it again")]
    Log(String, String),
    #[error(
        "{HISTOGRAMS} of {testid} belongs to another run: it has {found} requests to {endpoint} \
         where the report has {wanted}. Run it again"
    )]
    Mismatch { testid: String, endpoint: String, wanted: u64, found: u64 },
}

/// Compares two recorded runs.
///
/// # Errors
/// If the runs cannot be compared. The message has the reason and, if possible, the remedy.
pub fn compare_recorded(base: RecordedRun<'_>, head: RecordedRun<'_>, rule: Rule) -> Result<Comparison, RecordedError> {
    let warnings = comparable(base.report, head.report)?;
    let (before, after) = (Sections::read(base)?, Sections::read(head)?);
    let count = before.most().min(after.most()).clamp(1, SECTIONS);
    let (before, after) = (before.rounds(base.report, count)?, after.rounds(head.report, count)?);
    let pairs: Vec<_> = before.iter().zip(&after).map(|(base, head)| Pair { base, head }).collect();
    let describe = |report: &Report| {
        let revision = report.run.environment.revision.as_ref();
        let revision = revision.map_or_else(String::new, |revision| format!(" ({revision})"));
        format!("run {}{revision}", report.run.testid)
    };
    let label = ComparisonLabel {
        name: head.report.run.testid.clone(),
        base: describe(base.report),
        head: describe(head.report),
        method: ComparisonMethod::Recorded,
        rule,
        alpha: rule.alpha,
    };
    let mut compared = compare(label, &pairs);
    compared.findings.extend(warnings);
    compared.findings.extend(common_change(&compared));
    Ok(compared)
}

/// Warns about a change that at least half of the endpoints share for certain, if it exceeds the
/// margin: the machine may have caused it.
fn common_change(compared: &Comparison) -> Option<Finding> {
    let common = significance::common(compared.endpoints.iter().filter_map(|endpoint| endpoint.p95.change))?;
    let is_certain = |endpoint: &&EndpointChange| {
        endpoint.p95.interval.is_some_and(|(low, high)| if common > 0.0 { low > 0.0 } else { high < 0.0 })
    };
    let certain = compared.endpoints.iter().filter(is_certain).count();
    let message = format!(
        "at least half of the endpoints became {} by {} or more. In recorded runs the machine \
         may be the cause, so it is not judged: run an interleaved comparison (--against)",
        if common > 0.0 { "slower" } else { "faster" },
        percent_with(common.abs(), 1)
    );
    let is_common = common.abs() > compared.rule.margin && 2 * certain >= compared.endpoints.len();
    is_common.then(|| Finding::warning(Subject::Run, FindingKind::CommonChange, message))
}

/// Checks that two runs are comparable. Differences that do not prevent a comparison are warnings.
fn comparable(base: &Report, head: &Report) -> Result<Vec<Finding>, RecordedError> {
    for (what, before, after) in [
        ("service", &base.run.service, &head.run.service),
        ("scenario", &base.run.scenario, &head.run.scenario),
        ("load", &base.run.load, &head.run.load),
    ] {
        if before != after {
            return Err(RecordedError::Other { what, before: before.clone(), after: after.clone() });
        }
    }
    let mut warnings = Vec::new();
    let mut warn = |message: String| {
        warnings.push(Finding::warning(Subject::Run, FindingKind::OtherConditions, message));
    };
    let (before, after) = (base.run.environment.machine(), head.run.environment.machine());
    if before != after {
        warn(format!("the machines differ ({before}; {after}): a slow-down may come from the machine"));
    }
    let (before, after) = (describe_generators(base), describe_generators(head));
    if before != after {
        warn(format!("the load was made by {before} and by {after}: a change may come from that"));
    }
    if base.run.seed != head.run.seed {
        warn(format!("the seeds differ ({} and {}), so payloads and pauses differ", base.run.seed, head.run.seed));
    } else if base.run.plan.hash != head.run.plan.hash {
        warn("the plans differ, although load and seed are equal: different versions planned them".to_owned());
    }
    let objectives = |report: &Report| {
        report
            .objectives
            .iter()
            .map(|objective| (objective.id.clone(), objective.objective.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    if objectives(base) != objectives(head) {
        warn("the objectives differ: latencies are compared, whatever the objectives are".to_owned());
    }
    for (which, report) in [("base", base), ("head", head)] {
        if report.run.environment.revision.as_ref().is_some_and(Revision::is_dirty) {
            warn(format!("the {which} was measured with uncommitted changes"));
        }
    }
    Ok(warnings)
}

/// The processes that made a run's load: "3 agents".
fn describe_generators(report: &Report) -> String {
    let agents = &report.run.agents;
    let noun = if agents.iter().any(|agent| agent.is_shard) { "shard" } else { "agent" };
    if agents.is_empty() { "one process".to_owned() } else { counted(agents.len() as u64, noun) }
}

/// Slices of a run and their histograms.
struct Sections<'a> {
    slices: &'a [Slice],
    /// Latencies by start of the slice, in milliseconds, and endpoint.
    latencies: BTreeMap<(u64, String), Histogram<u64>>,
}

impl<'a> Sections<'a> {
    fn read(recorded: RecordedRun<'a>) -> Result<Self, RecordedError> {
        let testid = || recorded.report.run.testid.clone();
        let broken = |why: String| RecordedError::Log(testid(), why);
        let mut latencies = BTreeMap::new();
        for entry in IntervalLogIterator::new(recorded.log) {
            let LogEntry::Interval(interval) = entry.map_err(|error| broken(format!("{error:?}")))? else { continue };
            let bytes =
                BASE64_STANDARD.decode(interval.encoded_histogram()).map_err(|error| broken(error.to_string()))?;
            let histogram: Histogram<u64> =
                Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|error| broken(format!("{error:?}")))?;
            let Some(tag) = interval.tag() else { continue };
            latencies.insert((millis(interval.start_timestamp()), tag.as_str().to_owned()), histogram);
        }
        let slices = recorded.report.run.timeline.slices.as_slice();
        if slices.is_empty() {
            return Err(RecordedError::NoTimeline(testid()));
        }
        Ok(Self { slices, latencies })
    }

    /// Maximum number of sections with which every frequent endpoint has enough requests in each.
    fn most(&self) -> u64 {
        let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, counts) in self.slices.iter().flat_map(|slice| &slice.endpoints) {
            *requests.entry(name).or_default() += counts.requests;
        }
        // A rare endpoint would leave the others with too few sections.
        let many = requests.values().filter(|requests| **requests >= REQUESTS * MIN_SECTIONS).min();
        let by_requests = many.or_else(|| requests.values().max()).map_or(0, |requests| requests / REQUESTS);
        by_requests.min(self.whole_slices() as u64)
    }

    /// Splits the run into `count` sections of about equally many slices, each returned as the
    /// report of a round. A short slice left over at the end joins the last section, because alone
    /// it would have few requests.
    fn rounds(&self, report: &Report, count: u64) -> Result<Vec<Report>, RecordedError> {
        let judged: Vec<_> = self.judged().collect();
        let whole = self.whole_slices();
        let Ok(count) = usize::try_from(count) else { return Ok(Vec::new()) };
        let section_of = |at: usize| at.min(whole.saturating_sub(1)) * count / whole.max(1);
        let within = |section: usize| {
            let slices = judged.iter().copied().enumerate();
            slices.filter(move |(at, _)| section_of(*at) == section).map(|(_, slice)| slice)
        };
        (0..count).map(|section| self.round(report, &within(section).collect::<Vec<_>>())).collect()
    }

    /// Slices with judged requests.
    fn judged(&self) -> impl Iterator<Item = &'a Slice> {
        self.slices.iter().filter(|slice| !slice.endpoints.is_empty())
    }

    /// Number of judged slices without a short one left over at the end.
    fn whole_slices(&self) -> usize {
        let length = |slice: &Slice| slice.to_ms - slice.from_ms;
        let longest = self.judged().map(length).max().unwrap_or(0);
        let all = self.judged().count();
        let is_rest = self.judged().last().is_some_and(|last| length(last) * 2 < longest);
        all - usize::from(is_rest && all > 1)
    }

    fn round(&self, report: &Report, slices: &[&Slice]) -> Result<Report, RecordedError> {
        let mut round = report.clone();
        let mut endpoints = Vec::new();
        for endpoint in &report.endpoints {
            let name = &endpoint.name;
            let mut all = Histogram::<u64>::new(3)
                .map_err(|error| RecordedError::Log(report.run.testid.clone(), format!("{error:?}")))?;
            let mut requests = Requests::default();
            for slice in slices {
                let Some(counts) = slice.endpoints.get(name) else { continue };
                requests.sent += counts.requests;
                requests.failed += counts.failed;
                if let Some(latencies) = self.latencies.get(&(slice.from_ms, name.clone())) {
                    all.add(latencies)
                        .map_err(|error| RecordedError::Log(report.run.testid.clone(), format!("{error:?}")))?;
                }
            }
            if all.len() + requests.failed != requests.sent {
                return Err(RecordedError::Mismatch {
                    testid: report.run.testid.clone(),
                    endpoint: name.clone(),
                    wanted: requests.sent - requests.failed,
                    found: all.len(),
                });
            }
            if requests.sent > 0 {
                endpoints.push(endpoint_result(endpoint, requests, &all));
            }
        }
        round.endpoints = endpoints;
        let (from, to) =
            (slices.first().map_or(0, |slice| slice.from_ms), slices.last().map_or(0, |slice| slice.to_ms));
        round.run.ended_unix_ms = round.run.started_unix_ms + i64::try_from(to - from).unwrap_or(i64::MAX);
        Ok(round)
    }
}

fn millis(duration: Duration) -> u64 {
    // The log has times with three decimals.
    whole_ms(duration + Duration::from_micros(500))
}

fn endpoint_result(endpoint: &EndpointResult, requests: Requests, succeeded: &Histogram<u64>) -> EndpointResult {
    let ranked = RankedLatencies::new(Some(succeeded), requests.sent.saturating_sub(succeeded.len()));
    let at = |percent| Some(ranked.quantile(Ratio::percent(percent)).unwrap_or(Millis::INFINITE));
    EndpointResult { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), requests, ..endpoint.clone() }
}

#[cfg(test)]
mod tests;
