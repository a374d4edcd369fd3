//! `cargo xtask compare` and baselines: two runs that were recorded, at different times.
//!
//! Sections of the same part of both runs are paired, and judged as rounds are. That is weaker than rounds that take turns: whatever
//! else was different between the two times is in the difference, too. So it is said wherever it is used.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use monitoring::comparison::{About, Comparison, Method, Pair};
use monitoring::gate::Rule;
use monitoring::judgement::{EndpointResult, Millis, Report, Requests, Slice};
use monitoring::run::ExitCode;
use monitoring::slo::Objective;
use monitoring::verdict;

use crate::{reports, summary};

/// Sections that a run is cut into, if it has requests enough.
const SECTIONS: u64 = 20;
/// Requests of each endpoint in a section: more than the 20 that a p95 needs, as they are not spread evenly.
const REQUESTS: u64 = 30;
/// With fewer sections, nothing can be said of a handful of endpoints together.
const FEWEST: u64 = 9;
const HISTOGRAMS: &str = "histograms.hlog";

/// Which runs, and what is asked of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Before: a report.json, a run's testid, or a baseline's name
    base: String,
    /// After: likewise
    head: String,
    /// A slow-down of a p95 up to so many per cent is none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = crate::perf::percent)]
    margin: f64,
    /// A slow-down of so many per cent must not go unseen: more than the margin
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = crate::perf::percent)]
    detect: f64,
}

/// A recorded run.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    pub(crate) report: Report,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let refused = |error: anyhow::Error| {
        eprintln!("error: {error:#}");
        ExitCode::BadConfiguration
    };
    if args.detect <= args.margin {
        return Ok(refused(anyhow::anyhow!("--detect has to be more than --margin")));
    }
    let (base, head) = match (find(&args.base), find(&args.head)) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(error), _) | (_, Err(error)) => return Ok(refused(error)),
    };
    let rule = Rule { margin: args.margin, detect: args.detect, ..Rule::default() };
    let compared = match of(&base, &head, rule) {
        Ok(compared) => compared,
        Err(error) => return Ok(refused(error)),
    };
    let path = write(&head, &compared)?;
    summary::print_comparison(&compared, &path);
    let code = compared.code();
    summary::print_code(code);
    Ok(code)
}

/// Leaves a comparison with the run that it is of.
pub(crate) fn write(head: &Recorded, compared: &Comparison) -> anyhow::Result<PathBuf> {
    let path = head.path.with_file_name("comparison.json");
    let text = serde_json::to_string_pretty(compared).context("failed to write the comparison as JSON")? + "\n";
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    reports::write_pages(&head.path, &head.report, Some(compared))?;
    Ok(path)
}

/// A baseline, a run or a report's file.
pub(crate) fn find(name: &str) -> anyhow::Result<Recorded> {
    let (path, report) = reports::find(name)?;
    Ok(Recorded { path, report })
}

/// Keeps a run as a baseline, in place of an older one of that name.
pub(crate) fn keep(name: &str, run: &Path) -> anyhow::Result<PathBuf> {
    let folder = reports::baseline(name);
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    // The report last, and away with an older one first: without it there is no baseline, and not half a one.
    let report = folder.join(reports::REPORT);
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("failed to remove {}", report.display()))?;
    }
    for file in [HISTOGRAMS, reports::REPORT] {
        let (from, to) = (run.with_file_name(file), folder.join(file));
        fs::copy(&from, &to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    }
    Ok(folder)
}

/// Compares two recorded runs.
///
/// # Errors
/// If they cannot be compared: why, and what to do.
pub(crate) fn of(base: &Recorded, head: &Recorded, rule: Rule) -> anyhow::Result<Comparison> {
    let warnings = comparable(&base.report, &head.report)?;
    let (before, after) = (Sections::read(base)?, Sections::read(head)?);
    let count = before.most().min(after.most()).clamp(1, SECTIONS);
    let (before, after) = (before.rounds(&base.report, count)?, after.rounds(&head.report, count)?);
    let pairs: Vec<_> = before.iter().zip(&after).map(|(base, head)| Pair { base, head }).collect();
    let words = |recorded: &Recorded| {
        let revision = &recorded.report.environment.revision;
        let revision = if revision.is_empty() { String::new() } else { format!(" ({revision})") };
        format!("run {}{revision}", recorded.report.testid)
    };
    let about = About {
        name: head.report.testid.clone(),
        base: words(base),
        head: words(head),
        method: Method::Recorded,
        rule,
        alpha: rule.alpha,
    };
    let mut compared = Comparison::of(about, &pairs);
    compared.warnings.extend(warnings);
    compared.exit_code = compared.code().code();
    Ok(compared)
}

/// What two runs must have in common, and, as warnings, what they should.
fn comparable(base: &Report, head: &Report) -> anyhow::Result<Vec<String>> {
    for (what, before, after) in [
        ("service", &base.service, &head.service),
        ("scenario", &base.scenario, &head.scenario),
        ("load", &base.load, &head.load),
    ] {
        ensure!(
            before == after,
            "the runs are of another {what} ({before:?} and {after:?}), so their difference says nothing of the code: run the head with the \
             base's, or keep a new baseline (--save-baseline)"
        );
    }
    let mut warnings = Vec::new();
    let (before, after) = (base.environment.machine(), head.environment.machine());
    if before != after {
        warnings.push(format!("the machines differ ({before}; {after}): what is slower may be the machine"));
    }
    if base.seed != head.seed {
        warnings.push(format!("the seeds differ ({} and {}): other payloads, other pauses", base.seed, head.seed));
    } else if base.plan.hash != head.plan.hash {
        warnings.push("the plans differ, though loads and seeds are the same: another version planned them".to_owned());
    }
    let promises = |report: &Report| {
        report
            .objectives
            .iter()
            .map(|objective| (objective.id.clone(), objective.promise.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    if promises(base) != promises(head) {
        warnings.push(
            "the catalogue's promises are others now; what is compared is latency, not whether it was promised"
                .to_owned(),
        );
    }
    for (which, report) in [("base", base), ("head", head)] {
        if report.environment.revision.ends_with("-dirty") {
            warnings.push(format!("the {which} was measured with changes that are in no commit"));
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
    fn read(recorded: &'a Recorded) -> anyhow::Result<Self> {
        let path = recorded.path.with_file_name(HISTOGRAMS);
        let log =
            fs::read(&path).with_context(|| format!("{} is needed to compare, and cannot be read", path.display()))?;
        let mut latencies = BTreeMap::new();
        for entry in IntervalLogIterator::new(&log) {
            let entry =
                entry.map_err(|error| anyhow::anyhow!("{} is no log of histograms: {error:?}", path.display()))?;
            let LogEntry::Interval(interval) = entry else { continue };
            let bytes = BASE64_STANDARD.decode(interval.encoded_histogram());
            let bytes = bytes.with_context(|| format!("{} holds a histogram that is none", path.display()))?;
            let histogram = Deserializer::new().deserialize(&mut bytes.as_slice());
            let histogram: Histogram<u64> = histogram
                .map_err(|error| anyhow::anyhow!("{} holds a histogram that is none: {error:?}", path.display()))?;
            let Some(tag) = interval.tag() else { continue };
            latencies.insert((millis(interval.start_timestamp()), tag.as_str().to_owned()), histogram);
        }
        let slices = recorded.report.timeline.slices.as_slice();
        if slices.is_empty() {
            bail!("{} does not say how its run went over time: an older version made it", recorded.path.display());
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
        many.or_else(|| requests.values().max()).map_or(0, |requests| requests / REQUESTS)
    }

    /// So many equal parts of the run's time, each as the report of a round.
    fn rounds(&self, report: &Report, count: u64) -> anyhow::Result<Vec<Report>> {
        let judged: Vec<_> = self.slices.iter().filter(|slice| !slice.endpoints.is_empty()).collect();
        let (Some(first), Some(last)) = (judged.first(), judged.last()) else { return Ok(Vec::new()) };
        let (from, length) = (first.from_ms, (last.to_ms - first.from_ms).max(1));
        let part_of = |slice: &Slice| {
            (u128::from((slice.from_ms + slice.to_ms) / 2 - from) * u128::from(count) / u128::from(length))
                .min(u128::from(count - 1))
        };
        (0..count)
            .map(|part| {
                let within: Vec<_> =
                    judged.iter().copied().filter(|slice| part_of(slice) == u128::from(part)).collect();
                self.round(report, &within)
            })
            .collect()
    }

    fn round(&self, report: &Report, slices: &[&Slice]) -> anyhow::Result<Report> {
        let mut round = report.clone();
        let mut endpoints = Vec::new();
        for endpoint in &report.endpoints {
            let name = &endpoint.name;
            let mut all = Histogram::<u64>::new(3).context("failed to set up a histogram")?;
            let mut requests = Requests::default();
            for slice in slices {
                let Some(of) = slice.endpoints.get(name) else { continue };
                requests.sent += of.requests;
                requests.failed += of.failed;
                if let Some(latencies) = self.latencies.get(&(slice.from_ms, name.clone())) {
                    all.add(latencies).map_err(|error| anyhow::anyhow!("failed to add histograms: {error:?}"))?;
                }
            }
            ensure!(
                all.len() + requests.failed == requests.sent,
                "{HISTOGRAMS} does not belong to the report of {}: of {} requests to {name} it has {}",
                report.testid,
                requests.sent - requests.failed,
                all.len()
            );
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
    let quantile = |percent: u32| {
        let rank = verdict::nearest_rank(Objective::percent(percent), requests.sent);
        if rank > succeeded.len() {
            return Some(Millis::INFINITE);
        }
        #[expect(clippy::cast_precision_loss, reason = "a share to find a rank by, half a rank away from any other")]
        let share = (rank as f64 - 0.5) / succeeded.len() as f64;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds")]
        Some(Millis::Finite(succeeded.value_at_quantile(share.max(0.0)) as f64 / 1e6))
    };
    EndpointResult { p50_ms: quantile(50), p95_ms: quantile(95), p99_ms: quantile(99), requests, ..endpoint.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        serde_json::from_str(include_str!("../../monitoring/tests/course.json")).unwrap()
    }

    #[test]
    fn runs_of_something_else_are_refused_and_lesser_differences_told() {
        let base = report();
        assert_eq!(comparable(&base, &base).unwrap(), Vec::<String>::new());
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
        head.objectives[0].promise = "p95 <= 1 ms".to_owned();
        let warnings = comparable(&base, &head).unwrap();
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }
}
