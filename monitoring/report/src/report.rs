//! `report.json`: the result of a run, as written to disk and read by `cargo xtask`.
//!
//! Counts are integers. Names of durations and times end in their unit: `_ms` is milliseconds.
//! Other times are RFC 3339 in UTC. A quantile is a number of milliseconds, or `"+Inf"` if it lies
//! among failed requests. `schema` grows if a field changes its meaning or is removed. New fields
//! can appear without that.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, FailureCause, FailureDetail, Iterations, RunOverview};
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind, Subject};
use crate::gate::Gate;
use crate::judgement::conclude::conclude;
use crate::judgement::{CheckResult, EndpointResult, Goal, Judgement, ObjectiveResult, Requests, SegmentResult};
use crate::mark::LoadEnd;

#[cfg(test)]
mod tests;

/// Schema version of `report.json`.
pub const SCHEMA: u32 = 2;

/// Result of a run: planned load, measurements and verdicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// The part that the evidence has, too.
    #[serde(flatten)]
    pub run: RunOverview,
    /// Requests of the load, without setup and teardown.
    pub requests: Requests,
    /// Requests of setup and teardown.
    #[serde(rename = "around")]
    pub unjudged: Requests,
    /// Iterations of all parts, without setup and teardown.
    pub iterations: Iterations,
    /// Results by endpoint, in the order of the catalogue, without endpoints that were not
    /// requested.
    pub endpoints: Vec<EndpointResult>,
    /// Latencies by segment of the scenario, such as the day of a game. Empty without segments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentResult>,
    /// Results by name of the check, without checks that were not evaluated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// Causes of failed requests, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureCause>,
    /// Results by objective, in the order of the catalogue.
    pub objectives: Vec<ObjectiveResult>,
    /// Problems and warnings. With a problem, the run is not met, whatever the verdicts on its
    /// objectives.
    pub findings: Vec<Finding>,
    /// Requests per day in production, if the user gave the number. Error budgets are shown for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// Exit code of the process.
    pub exit_code: ExitCode,
}

impl Report {
    /// Report of a judged run. Its exit code follows from objectives and findings.
    pub fn new(evidence: Evidence, judgement: Judgement) -> Self {
        let Judgement { requests, iterations, endpoints, segments, checks, objectives, findings } = judgement;
        Self {
            schema: SCHEMA,
            run: evidence.run,
            requests,
            unjudged: evidence.counts.unjudged.into(),
            iterations,
            endpoints,
            segments,
            checks,
            failures: evidence.counts.failures.into_sorted(),
            objectives,
            findings: evidence.findings.into_iter().chain(findings).collect(),
            requests_per_day: None,
            exit_code: ExitCode::Inconclusive,
        }
        .conclude([])
    }

    /// Values of the label `scenario` in the run's series: the names of its loads. Series about all
    /// loads have the name of the scenario.
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.run.plan.parts.iter().map(|part| part.name.as_str()).collect();
        if !names.contains(&self.run.scenario.as_str()) {
            names.push(&self.run.scenario);
        }
        names
    }

    /// The report with findings made after the run was judged. They count in its exit code.
    #[must_use]
    pub fn conclude(self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.conclude_by(Gate::Both, findings)
    }

    /// Like [`Report::conclude`], for runs that were compared. With [`Gate::Relative`], missed
    /// objectives are shown but do not affect the exit code. Inconclusive ones do.
    #[must_use]
    pub fn conclude_by(self, gate: Gate, added: impl IntoIterator<Item = Finding>) -> Self {
        let findings: Vec<_> = self.findings.into_iter().chain(added).collect();
        let exit_code = conclude(&self.objectives, &findings, self.run.smoke, gate);
        Self { findings, exit_code, ..self }
    }

    /// The report with error budgets for a number of requests per day. `None` keeps the number
    /// that it has.
    #[must_use]
    pub fn for_requests_per_day(self, number: Option<u64>) -> Self {
        Self { requests_per_day: number.or(self.requests_per_day), ..self }
    }

    /// Findings that affect the verdict.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_problem())
    }

    /// Whether there is a finding of this kind.
    pub fn has(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }

    pub(crate) fn load_end(&self) -> LoadEnd {
        let is_stop = |it: &Finding| it.kind == FindingKind::Interrupted && it.subject == Subject::Load;
        match self.exit_code {
            _ if self.findings.iter().any(is_stop) => LoadEnd::Stopped,
            ExitCode::BadConfiguration | ExitCode::Interrupted => LoadEnd::CutShort,
            _ => LoadEnd::Planned,
        }
    }

    /// Whether any load was made.
    pub fn was_loaded(&self) -> bool {
        self.requests.sent + self.requests.unknown + self.iterations.completed + self.iterations.interrupted > 0
    }

    /// Most frequent cause of the failed requests that an objective counts. `None` if only slow
    /// requests caused the miss.
    pub fn main_failure(&self, objective: &ObjectiveResult) -> Option<&FailureCause> {
        let is_slow = objective.quantile_ms().is_some_and(|quantile| quantile.as_f64().is_finite());
        if is_slow || objective.tally().is_none() {
            return None;
        }
        let is_endpoint = |name: &str| self.endpoints.iter().any(|endpoint| endpoint.name == name);
        let is_counted = |cause: &&FailureCause| match objective.goal {
            Goal::Check(_) => {
                matches!(&cause.detail, FailureDetail::Check { name, .. } if *name == objective.subject)
            }
            Goal::Errors(_) => is_endpoint(&cause.request),
            _ => cause.request == objective.subject,
        };
        self.failures.iter().find(is_counted)
    }

    /// Time from the start to the end of the load.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.run.ended_unix_ms - self.run.started_unix_ms).unwrap_or_default())
    }

    /// End of the run's series, Unix milliseconds. The last push has the final counts and comes a
    /// moment after the end of the load.
    pub fn series_end_unix_ms(&self) -> i64 {
        let last_push = self.run.store.as_ref().and_then(|store| store.last_push_unix_ms);
        last_push.map_or(self.run.ended_unix_ms, |last_push| last_push.max(self.run.ended_unix_ms))
    }
}
