//! Two runs that were recorded, at different times.
//!
//! Sections of the same part of both runs are paired, and judged as rounds are. That is weaker than rounds that take turns: whatever
//! else was different between the two times is in the difference, too. So it is said wherever it is used.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use monitoring::ratio::Ratio;
use perf_report::comparison::{Comparison, ComparisonMethod, Rule};
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::quantile::RankedLatencies;
use perf_report::render::files::HISTOGRAMS;
use perf_report::{EndpointResult, Millis, Report, Requests, Slice};

use crate::comparison::{About, compare};
use crate::gate;
use crate::measure::Pair;

/// Sections that a run is cut into, if it has requests enough.
const SECTIONS: u64 = 20;
/// Requests of each endpoint in a section: more than the 20 that a p95 needs, as they are not spread evenly.
const REQUESTS: u64 = 30;
/// With fewer sections, nothing can be said of a handful of endpoints together.
const FEWEST: u64 = 9;

/// A run, and its latencies over time.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// What it found.
    pub report: &'a Report,
    /// Its log of histograms, [`HISTOGRAMS`].
    pub log: &'a [u8],
}

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// They are of something else.
    #[error(
        "the runs are of another {what} ({before:?} and {after:?}), so their difference says nothing of the code: run the head with the \
         base's, or keep a new baseline (--save-baseline)"
    )]
    Other {
        /// What differs.
        what: &'static str,
        /// The base's.
        before: String,
        /// The head's.
        after: String,
    },
    /// A report from before reports had a course.
    #[error("the report of {0} does not say how its run went over time: an older version made it")]
    NoCourse(String),
    /// A log that cannot be read.
    #[error("the {HISTOGRAMS} of {0} is none: {1}")]
    Log(String, String),
    /// A log that is another run's.
    #[error("the {HISTOGRAMS} of {testid} is another run's: of {wanted} requests to {endpoint} it has {found}")]
    Mismatch {
        /// The run.
        testid: String,
        /// The endpoint.
        endpoint: String,
        /// Requests that succeeded, by the report.
        wanted: u64,
        /// Requests in the log.
        found: u64,
    },
}

/// Compares two recorded runs.
///
/// # Errors
/// If they cannot be compared: why, and what to do.
pub fn compare_recorded(base: Recorded<'_>, head: Recorded<'_>, rule: Rule) -> Result<Comparison, RecordedError> {
    let warnings = comparable(base.report, head.report)?;
    let (before, after) = (Sections::read(base)?, Sections::read(head)?);
    let count = before.most().min(after.most()).clamp(1, SECTIONS);
    let (before, after) = (before.rounds(base.report, count)?, after.rounds(head.report, count)?);
    let pairs: Vec<_> = before.iter().zip(&after).map(|(base, head)| Pair { base, head }).collect();
    let words = |report: &Report| {
        let revision = &report.environment.revision;
        let revision = if revision.is_empty() { String::new() } else { format!(" ({revision})") };
        format!("run {}{revision}", report.testid)
    };
    let about = About {
        name: head.report.testid.clone(),
        base: words(base.report),
        head: words(head.report),
        method: ComparisonMethod::Recorded,
        rule,
        alpha: rule.alpha,
    };
    let mut compared = compare(about, &pairs);
    compared.findings.extend(warnings);
    compared.findings.extend(common_change(&compared));
    Ok(compared)
}

/// What all endpoints changed by, if that is more than the margin: it may be the machine.
fn common_change(compared: &Comparison) -> Option<Finding> {
    let common = gate::common(compared.endpoints.iter().filter_map(|endpoint| endpoint.p95.change))?;
    let message = format!(
        "half of the endpoints and more became {} by {:.1} %, which of two recorded runs may be the machine, and is blamed on none: \
         --against lets both sides take turns",
        if common > 0.0 { "slower" } else { "faster" },
        common.abs() * 100.0
    );
    (common.abs() > compared.rule.margin).then(|| Finding::warning(Subject::Run, FindingKind::CommonChange, message))
}

/// What two runs must have in common, and, as warnings, what they should.
fn comparable(base: &Report, head: &Report) -> Result<Vec<Finding>, RecordedError> {
    for (what, before, after) in [
        ("service", &base.service, &head.service),
        ("scenario", &base.scenario, &head.scenario),
        ("load", &base.load, &head.load),
    ] {
        if before != after {
            return Err(RecordedError::Other { what, before: before.clone(), after: after.clone() });
        }
    }
    let mut warnings = Vec::new();
    let mut warn = |message: String| {
        warnings.push(Finding::warning(Subject::Run, FindingKind::OtherConditions, message));
    };
    let (before, after) = (base.environment.machine(), head.environment.machine());
    if before != after {
        warn(format!("the machines differ ({before}; {after}): what is slower may be the machine"));
    }
    if base.seed != head.seed {
        warn(format!("the seeds differ ({} and {}): other payloads, other pauses", base.seed, head.seed));
    } else if base.plan.hash != head.plan.hash {
        warn("the plans differ, though loads and seeds are the same: another version planned them".to_owned());
    }
    let promises = |report: &Report| {
        report
            .objectives
            .iter()
            .map(|objective| (objective.id.clone(), objective.objective.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    if promises(base) != promises(head) {
        warn(
            "the catalogue's promises are others now; what is compared is latency, not whether it was promised"
                .to_owned(),
        );
    }
    for (which, report) in [("base", base), ("head", head)] {
        if report.environment.revision.ends_with("-dirty") {
            warn(format!("the {which} was measured with changes that are in no commit"));
        }
    }
    Ok(warnings)
}

/// The sections of a run, with their histograms.
struct Sections<'a> {
    slices: &'a [Slice],
    /// By section and endpoint.
    latencies: BTreeMap<(u64, String), Histogram<u64>>,
}

impl<'a> Sections<'a> {
    fn read(recorded: Recorded<'a>) -> Result<Self, RecordedError> {
        let testid = || recorded.report.testid.clone();
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
        let slices = recorded.report.timeline.slices.as_slice();
        if slices.is_empty() {
            return Err(RecordedError::NoCourse(testid()));
        }
        Ok(Self { slices, latencies })
    }

    /// As many sections as leave each endpoint that has many requests enough of them.
    fn most(&self) -> u64 {
        let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, of) in self.slices.iter().flat_map(|slice| &slice.endpoints) {
            *requests.entry(name).or_default() += of.requests;
        }
        // One that is seldom asked for would leave the others with too few sections to say anything.
        let many = requests.values().filter(|requests| **requests >= REQUESTS * FEWEST).min();
        let by_requests = many.or_else(|| requests.values().max()).map_or(0, |requests| requests / REQUESTS);
        by_requests.min(self.whole() as u64)
    }

    /// So many parts of the run, of as many slices each as can be, each part as the report of a round. What is left at its end is no slice of
    /// its own: it would be a round of a few requests.
    fn rounds(&self, report: &Report, count: u64) -> Result<Vec<Report>, RecordedError> {
        let judged: Vec<_> = self.judged().collect();
        let whole = self.whole();
        let Ok(count) = usize::try_from(count) else { return Ok(Vec::new()) };
        let part_of = |at: usize| at.min(whole.saturating_sub(1)) * count / whole.max(1);
        let within = |part: usize| {
            judged.iter().copied().enumerate().filter(move |(at, _)| part_of(*at) == part).map(|(_, slice)| slice)
        };
        (0..count).map(|part| self.round(report, &within(part).collect::<Vec<_>>())).collect()
    }

    /// Slices in which there were requests to be judged.
    fn judged(&self) -> impl Iterator<Item = &'a Slice> {
        self.slices.iter().filter(|slice| !slice.endpoints.is_empty())
    }

    /// How many of them are as long as the others, but for one that is left over at the end.
    fn whole(&self) -> usize {
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
                .map_err(|error| RecordedError::Log(report.testid.clone(), format!("{error:?}")))?;
            let mut requests = Requests::default();
            for slice in slices {
                let Some(of) = slice.endpoints.get(name) else { continue };
                requests.sent += of.requests;
                requests.failed += of.failed;
                if let Some(latencies) = self.latencies.get(&(slice.from_ms, name.clone())) {
                    all.add(latencies)
                        .map_err(|error| RecordedError::Log(report.testid.clone(), format!("{error:?}")))?;
                }
            }
            if all.len() + requests.failed != requests.sent {
                return Err(RecordedError::Mismatch {
                    testid: report.testid.clone(),
                    endpoint: name.clone(),
                    wanted: requests.sent - requests.failed,
                    found: all.len(),
                });
            }
            if requests.sent > 0 {
                endpoints.push(of_round(endpoint, requests, &all));
            }
        }
        round.endpoints = endpoints;
        let (from, to) =
            (slices.first().map_or(0, |slice| slice.from_ms), slices.last().map_or(0, |slice| slice.to_ms));
        round.ended_unix_ms = round.started_unix_ms + i64::try_from(to - from).unwrap_or(i64::MAX);
        Ok(round)
    }
}

fn millis(duration: Duration) -> u64 {
    // Written with three decimals.
    u64::try_from((duration + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX)
}

fn of_round(endpoint: &EndpointResult, requests: Requests, succeeded: &Histogram<u64>) -> EndpointResult {
    let ranked = RankedLatencies::new(Some(succeeded), requests.sent.saturating_sub(succeeded.len()));
    let at = |percent| Some(ranked.quantile(Ratio::percent(percent)).unwrap_or(Millis::INFINITE));
    EndpointResult { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), requests, ..endpoint.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        test_support::report_over_time()
    }

    /// A report that was cut into slices of a second, the last of them a rest, and its log.
    fn sections(of: &Report) -> Vec<usize> {
        let read = Sections { slices: &of.timeline.slices, latencies: BTreeMap::new() };
        let count = read.most().clamp(1, SECTIONS);
        let judged = read.judged().count();
        let whole = read.whole();
        (0..judged).map(|at| at.min(whole - 1) * usize::try_from(count).unwrap() / whole).collect()
    }

    #[test]
    fn each_part_has_slices_and_what_is_left_over_is_none_of_its_own() {
        let mut of = report();
        of.timeline.slices.truncate(12);
        let rest = of.timeline.slices.last_mut().unwrap();
        rest.to_ms = rest.from_ms + 100;
        for endpoint in of.timeline.slices.iter_mut().flat_map(|slice| slice.endpoints.values_mut()) {
            endpoint.requests = 60;
        }
        let parts = sections(&of);
        assert_eq!(parts, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
    }

    #[test]
    fn runs_of_something_else_are_refused_and_lesser_differences_told() {
        let base = report();
        assert_eq!(comparable(&base, &base).unwrap(), Vec::new());
        for change in [
            |report: &mut Report| report.service = "other".to_owned(),
            |report: &mut Report| report.scenario = "other".to_owned(),
            |report: &mut Report| report.load = "other".to_owned(),
        ] {
            let mut head = base.clone();
            change(&mut head);
            let why = comparable(&base, &head).unwrap_err().to_string();
            assert!(why.contains("\"other\"") && why.contains("--save-baseline"), "{why}");
        }
        let mut head = base.clone();
        head.seed += 1;
        head.environment.processor = "another".to_owned();
        head.environment.revision = "0123456-dirty".to_owned();
        head.objectives[0].objective = "p95 <= 1 ms".to_owned();
        let warnings = comparable(&base, &head).unwrap();
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }
}
