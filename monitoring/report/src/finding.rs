//! Findings of a run or a comparison: severity, subject, kind and message.
//!
//! The message is made once, where the finding is made. Colors, annotations, exit codes and
//! decisions depend on the types. No code reads a message.

use std::fmt;

use monitoring::sanitize::sanitize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// Severity of a finding. A run with problems can still be met: only an exit code fails it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Everything is as it should be, or better.
    Good,
    /// Worth knowing.
    Warning,
    /// Fails the run, or prevents a verdict.
    Problem,
}

/// Subject of a finding: where to look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The run or the comparison as a whole.
    Run,
    /// Code of the scenario.
    Scenario,
    /// Planned and delivered load.
    Load,
    /// Machine and program that make the load.
    Generator,
    /// Service under load, and the way to it.
    Target,
    /// Receiver of remote writes, and its queries.
    Store,
    /// Dashboards, rules and delivery.
    Monitoring,
    /// Base or baseline of a comparison.
    Baseline,
    /// Metrics that the backend exposes about itself.
    Backend,
    /// Subject of an objective: an endpoint, a check, or all endpoints.
    Objective(String),
}

/// Kind of a finding, whatever its words. Programs decide by it, never by the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the variants are enough")]
pub enum FindingKind {
    // Objectives.
    Missed,
    MissedWarnsOnly,
    Inconclusive,
    // Changes of an endpoint.
    Regressed,
    Improved,
    TooLittleData,
    // Interpretation of the result.
    FailedRequests,
    LatencyMargin,
    FirstMiss,
    Drift,
    SegmentTrend,
    BackendResource,
    BackendCache,
    NoBackendMetrics,
    // Problems during the run.
    SetupFailed,
    TeardownFailed,
    LoadFailed,
    IterationsCutOff,
    IterationsFailed,
    MeasureNotRecorded,
    Stall,
    Outage,
    Redirected,
    RedirectsCounted,
    Panic,
    TestFailed,
    AbortedEarly,
    Interrupted,
    MachineSlept,
    // Load and generator.
    Capacity,
    ArrivalsDropped,
    ArrivalsLate,
    HiddenWaits,
    SlowConnecting,
    Reconnects,
    GeneratorBusy,
    ProcessorStolen,
    AgentLost,
    AgentRefused,
    AgentSkewed,
    AgentSlow,
    Sharded,
    ShardsApart,
    SettingIgnored,
    // Store.
    StoreRefused,
    StoreDisagrees,
    StoreLacksRun,
    StoreNotAsked,
    PushesRetried,
    SeriesNotEnded,
    ClockSkew,
    TestidNotChecked,
    // Files and proof of a run.
    ReportNotWritten,
    LatestNotUpdated,
    ProofFailed,
    ProofNotWritten,
    // Comparisons.
    ChangedFromBaseline,
    NoBaseline,
    NotComparable,
    EndpointOnOneSide,
    PairsLeftOut,
    ObjectiveNotJudged,
    OtherConditions,
    CommonChange,
    ServiceLeft,
    /// Kind of a version that has no kinds, or more kinds than this one.
    #[serde(other)]
    Other,
}

impl FindingKind {
    /// Name of the kind as words: "setup failed".
    pub(crate) fn describe(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref().and_then(|name| name.as_str()).unwrap_or("problem").replace('_', " ")
    }
}

/// Something that a reader of the result should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Severity, which also gives the color.
    pub severity: Severity,
    /// Part of the run or of its surroundings that the message is about.
    pub subject: Subject,
    /// Statement of the message, for programs.
    pub kind: FindingKind,
    /// Exit code that the finding requires. `None` if it does not affect the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<ExitCode>,
    /// One sentence or more, without the label and without control characters.
    pub message: String,
    /// Advice on what to check or do, unless the message already contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// A finding that does not affect the verdict. Control characters are removed from its message.
    pub fn new(severity: Severity, subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        // The message may quote a service or a store.
        Self { severity, subject, kind, exit_code: None, message: sanitize(&message.into()), advice: None }
    }

    /// A problem: with it a run is not met, whatever the verdicts on its objectives.
    pub fn problem(code: ExitCode, subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        Self { exit_code: Some(code), ..Self::new(Severity::Problem, subject, kind, message) }
    }

    /// The problem that there is no verdict.
    pub fn inconclusive(subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        Self::problem(ExitCode::Inconclusive, subject, kind, message)
    }

    /// The problem that a signal stopped the run.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message)
    }

    /// A mistake in the scenario.
    pub fn mistake(kind: FindingKind, message: impl Into<String>) -> Self {
        Self::problem(ExitCode::BadConfiguration, Subject::Scenario, kind, message)
    }

    /// A warning that does not affect the verdict.
    pub fn warning(subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, subject, kind, message)
    }

    /// Adds text about what to check or do.
    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(sanitize(&advice.into())), ..self }
    }

    /// Whether it affects the verdict.
    pub const fn is_problem(&self) -> bool {
        self.exit_code.is_some()
    }

    /// Word that is printed before the message: "missed", "problem", "note".
    pub const fn label(&self) -> &'static str {
        match (self.kind, self.severity) {
            (FindingKind::Missed, _) => "missed",
            (FindingKind::MissedWarnsOnly, _) => "missed (warns only)",
            (FindingKind::Inconclusive, _) => "inconclusive",
            (FindingKind::Regressed, _) => "regressed",
            (FindingKind::Improved, _) => "improved",
            (FindingKind::TooLittleData, _) => "too little data",
            (_, Severity::Problem) => "problem",
            (_, Severity::Warning) => "warning",
            (_, Severity::Good) => "note",
        }
    }
}

impl FindingKind {
    /// Whether it explains what the result means.
    pub(crate) const fn is_interpretation(self) -> bool {
        matches!(
            self,
            Self::FailedRequests
                | Self::LatencyMargin
                | Self::FirstMiss
                | Self::Drift
                | Self::SegmentTrend
                | Self::BackendResource
                | Self::BackendCache
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.message)?;
        self.advice.iter().try_for_each(|advice| write!(f, ". {advice}"))
    }
}
