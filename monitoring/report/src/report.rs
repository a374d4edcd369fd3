//! `report.json`: what a run found, as it is written to disk and read by `cargo xtask`.
//!
//! Counts are integers. Durations and times end in their unit: `_ms` are milliseconds, times are RFC 3339 in UTC. A
//! quantile is a number of milliseconds, or `"+Inf"` where it falls among failed requests, which never finished well.
//! `schema` grows when a field changes its meaning or goes; new fields may come without.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::exit_code::ExitCode;
use crate::failure::FailureKind;
use crate::finding::{Finding, FindingKind, Severity};
use crate::judgement::Judgement;
use crate::millis::Millis;
use monitoring::slo::OnMiss;

mod backend;
mod environment;
mod load;
mod objective;
mod timeline;

pub use backend::CacheResult;
pub use environment::Environment;
pub use load::{
    ArrivalCounts, CLOSED, CheckResult, Durations, Generator, OPEN, PartResult, PlanResult, SegmentLatency,
    SegmentResult,
};
pub use objective::{BackendValue, Goal, Measured, ObjectiveResult, Percentile, Share};
pub use timeline::{Slice, SliceOfEndpoint, Timeline};

/// The version of the report's form.
pub const SCHEMA: u32 = 2;

/// A run: what was asked of the service, what it did, and whether it kept its promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's name.
    pub testid: String,
    /// The scenario's name.
    pub scenario: String,
    /// The catalogue's service.
    pub service: String,
    /// Where requests went, without user and password.
    pub target: String,
    /// What the plan and payloads were made from.
    pub seed: u64,
    /// The user's labels.
    pub tags: BTreeMap<String, String>,
    /// When load began.
    pub started: String,
    /// When load ended.
    pub ended: String,
    /// When load began, Unix milliseconds.
    pub started_unix_ms: i64,
    /// When load ended, Unix milliseconds.
    pub ended_unix_ms: i64,
    /// What load was planned, in words: "10 VUs for 30s".
    pub load: String,
    /// The plan: what is needed to run it again, and what became of it.
    #[serde(default)]
    pub plan: PlanResult,
    /// How the generator itself did.
    #[serde(default)]
    pub generator: Generator,
    /// The machine and the software that this was measured with.
    #[serde(default)]
    pub environment: Environment,
    /// The course of the run, after warm-up.
    #[serde(default)]
    pub timeline: Timeline,
    /// Requests of the load, setup and teardown not among them.
    pub requests: Requests,
    /// Requests of setup and teardown.
    pub around: Requests,
    /// Iterations of the load.
    pub iterations: Iterations,
    /// Endpoint by endpoint, in the catalogue's order; only those that were requested.
    pub endpoints: Vec<EndpointResult>,
    /// Latencies by what the scenario told its virtual users apart by, such as the day of a game: only if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentResult>,
    /// Checks, by name; only those that were tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// The backend's caches; only those of which something is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheResult>,
    /// Objective by objective, in the catalogue's order.
    pub objectives: Vec<ObjectiveResult>,
    /// What became of the metrics; none if there was no store.
    pub store: Option<StoreResult>,
    /// What should be known: problems, for which this run cannot be called met whatever its objectives say, and warnings.
    pub findings: Vec<Finding>,
    /// Requests that production has in a day, if somebody said: what error budgets are put against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// The process's exit code.
    pub exit_code: ExitCode,
}

impl Report {
    /// The report of a run that was judged. Its exit code is that of its objectives and findings.
    pub fn new(evidence: Evidence, judgement: Judgement) -> Self {
        let Judgement { requests, iterations, endpoints, segments, checks, objectives, findings } = judgement;
        let findings: Vec<_> = evidence.findings.into_iter().chain(findings).collect();
        Self {
            schema: SCHEMA,
            testid: evidence.testid,
            scenario: evidence.scenario,
            service: evidence.service,
            target: evidence.target,
            seed: evidence.seed,
            tags: evidence.tags,
            started: evidence.started,
            ended: evidence.ended,
            started_unix_ms: evidence.started_unix_ms,
            ended_unix_ms: evidence.ended_unix_ms,
            load: evidence.load,
            plan: evidence.plan,
            generator: evidence.generator,
            environment: evidence.environment,
            timeline: evidence.timeline,
            requests,
            around: evidence.counts.around.into(),
            iterations,
            endpoints,
            segments,
            checks,
            caches: evidence.caches,
            exit_code: exit_code(&objectives, &findings),
            objectives,
            store: evidence.store,
            findings,
            requests_per_day: None,
        }
    }

    /// The values of the label `scenario` that its series have: those of its loads, and, for what is of all together, its own name.
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.plan.parts.iter().map(|part| part.name.as_str()).collect();
        if !names.contains(&self.scenario.as_str()) {
            names.push(&self.scenario);
        }
        names
    }

    /// Adds what became of the run after it was judged. The exit code follows.
    pub fn conclude(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        self.exit_code = exit_code(&self.objectives, &self.findings);
    }

    /// The same where changes gate and objectives do not: that one was missed is shown, and is no part of the exit code. That
    /// a run proves nothing is.
    pub fn conclude_by_changes(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
        self.exit_code = gravest(&self.objectives, &self.findings, false);
    }

    /// Reasons for which this run cannot be called met, whatever its objectives say.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_problem())
    }

    /// What should be known and does not touch the verdict.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Warning && !finding.is_problem())
    }

    /// Whether there is a finding of that kind.
    pub fn has(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }

    /// When the run's series end, Unix milliseconds: with the last push, which holds the final counts, a moment after load
    /// has ended.
    pub fn series_end_unix_ms(&self) -> i64 {
        let last_push = self.store.as_ref().and_then(|store| store.last_push_unix_ms);
        last_push.map_or(self.ended_unix_ms, |last_push| last_push.max(self.ended_unix_ms))
    }
}

/// Counts of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// Made and recorded, failed ones included.
    pub sent: u64,
    /// Of them, failed.
    pub failed: u64,
    /// Cut off or never made: nobody knows what they would have been.
    pub unknown: u64,
}

/// Counts of iterations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Iterations {
    /// Ran to their end, failed ones included.
    pub completed: u64,
    /// Of them, ended early by an error.
    pub failed: u64,
    /// Cut off at the end of the run.
    pub interrupted: u64,
    /// Planned and never begun.
    pub dropped: u64,
}

/// What one endpoint did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointResult {
    /// Its name in the catalogue.
    pub name: String,
    /// Its requests.
    pub requests: Requests,
    /// Requests that were begun and cut off: of those that nobody knows of, the ones that the backend may have seen.
    #[serde(default)]
    pub cut: u64,
    /// Requests by status code, "0" where no answer came.
    pub by_status: BTreeMap<String, u64>,
    /// Failed requests by kind of failure.
    pub errors: BTreeMap<FailureKind, u64>,
    /// The median of all requests' latencies, failed ones counted as infinite.
    pub p50_ms: Option<Millis>,
    /// The 95th percentile, likewise.
    pub p95_ms: Option<Millis>,
    /// The 99th percentile, likewise.
    pub p99_ms: Option<Millis>,
    /// The percentile curve: as far as there are requests enough to tell a percentile from the slowest of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// The same of response times, from when requests were due: only for open loads.
    #[serde(default)]
    pub response_p50_ms: Option<Millis>,
    /// The 95th percentile of response times.
    #[serde(default)]
    pub response_p95_ms: Option<Millis>,
    /// The 99th percentile of response times.
    #[serde(default)]
    pub response_p99_ms: Option<Millis>,
    /// What the backend said of some of its answers, if it sends `Server-Timing`.
    #[serde(default)]
    pub server_timing: Option<ServerTiming>,
}

/// A point of a percentile curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// The percentile, in parts per million: 950,000 is p95.
    pub ppm: u32,
    /// Its latency.
    pub ms: Millis,
}

/// Answers that said how long the backend took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerTiming {
    /// How many were looked at: one in so many of each virtual user's.
    pub requests: u64,
    /// The mean of what they said.
    pub server_mean_ms: f64,
    /// The mean of the same requests' latencies.
    pub client_mean_ms: f64,
}

/// What became of the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreResult {
    /// Where they were pushed to, without user and password.
    pub url: String,
    /// Pushes that the store took.
    pub accepted: u64,
    /// Attempts that it did not take.
    pub refused: u64,
    /// Whether it took the last one, which holds the final counts.
    pub complete: bool,
    /// Whether the store, asked for each objective's good and total requests, answered with the report's own numbers.
    /// None if it could not be asked.
    pub agrees: Option<bool>,
    /// The time of the last push, Unix milliseconds: ask there for the final counts.
    pub last_push_unix_ms: Option<i64>,
}

/// The exit code of a run: the gravest that an objective or a finding asks for. A run that judged nothing that gates is not
/// met.
pub fn exit_code(objectives: &[ObjectiveResult], findings: &[Finding]) -> ExitCode {
    gravest(objectives, findings, true)
}

fn gravest(objectives: &[ObjectiveResult], findings: &[Finding], misses_count: bool) -> ExitCode {
    let mut gating = objectives.iter().filter(|objective| objective.on_miss == OnMiss::Fail);
    let floor = match gating.any(|objective| objective.verdict.is_decided()) {
        true => ExitCode::Met,
        false => ExitCode::Inconclusive,
    };
    let counts = |code: &ExitCode| misses_count || *code != ExitCode::Missed;
    let codes = objectives.iter().map(ObjectiveResult::code).filter(counts);
    codes.chain(findings.iter().filter_map(|finding| finding.exit_code)).fold(floor, ExitCode::or_worse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Subject;
    use crate::verdict::{Tally, Verdict, judge};
    use monitoring::services::stock_ai::STOCK_AI;
    use monitoring::slo::Slo;

    fn result(slo: &Slo, good: u64, total: u64) -> ObjectiveResult {
        let tally = Tally { good, total, ..Tally::default() };
        ObjectiveResult::judged(slo, tally, judge(slo, tally))
    }

    #[test]
    fn the_gravest_result_is_the_exit_code() {
        let slo = &STOCK_AI.slos[0];
        assert_eq!(exit_code(&[result(slo, 100, 100)], &[]), ExitCode::Met);
        assert_eq!(exit_code(&[result(slo, 100, 100), result(slo, 0, 100)], &[]), ExitCode::Missed);
        assert_eq!(exit_code(&[result(slo, 1, 1), result(slo, 0, 100)], &[]), ExitCode::Missed);
        assert_eq!(exit_code(&[result(slo, 1, 1)], &[]), ExitCode::Inconclusive);
        let refused = Finding::problem(ExitCode::Inconclusive, Subject::Store, FindingKind::StoreRefused, "refused");
        assert_eq!(exit_code(&[result(slo, 100, 100)], &[refused]), ExitCode::Inconclusive);
    }

    #[test]
    fn what_proves_nothing_is_not_met_because_something_else_was_missed() {
        let slo = &STOCK_AI.slos[0];
        let mut report = Report::sample();
        report.objectives = vec![result(slo, 0, 100), result(slo, 100, 100)];
        report.conclude_by_changes([]);
        assert_eq!(report.exit_code, ExitCode::Met);
        report.objectives[1] = result(slo, 1, 1);
        report.conclude_by_changes([]);
        assert_eq!(report.exit_code, ExitCode::Inconclusive);
        report.conclude([]);
        assert_eq!(report.exit_code, ExitCode::Missed);
    }

    #[test]
    fn a_run_that_judged_nothing_is_not_green() {
        assert_eq!(exit_code(&[], &[]), ExitCode::Inconclusive);
        assert_eq!(exit_code(&[ObjectiveResult::not_in_scenario(&STOCK_AI.slos[0])], &[]), ExitCode::Inconclusive);
    }

    #[test]
    fn a_warning_is_reported_and_does_not_gate() {
        let missed = result(&STOCK_AI.slos[0].warn(), 0, 100);
        assert_eq!(missed.verdict, Verdict::Missed);
        let nothing = result(&STOCK_AI.slos[0].warn(), 0, 0);
        assert_eq!(exit_code(&[nothing], &[]), ExitCode::Inconclusive, "no data, even where nothing gates");
        assert_eq!(exit_code(&[missed, result(&STOCK_AI.slos[1], 100, 100)], &[]), ExitCode::Met);
    }
}
