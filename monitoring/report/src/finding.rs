//! What a person should know of a run or a comparison, as types: how severe it is, what it is about, and which kind it is.
//!
//! The message is made from these once, where the finding is made. Colors, annotations, exit codes and decisions follow
//! from the types. Nothing reads a message.

use std::fmt;

use monitoring::sanitize::sanitize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is as it should be, or better.
    Good,
    /// Worth knowing.
    Warning,
    /// It fails, or stands in the way of a verdict.
    Problem,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The run or the comparison as a whole.
    Run,
    /// The scenario's own code.
    Scenario,
    /// The load: what was planned and what was delivered.
    Load,
    /// The machine and the program that make the load.
    Generator,
    /// The service under load.
    Target,
    /// The store of metrics.
    Store,
    /// Dashboards, rules and delivery.
    Monitoring,
    /// What the run is compared with.
    Baseline,
    /// The backend's own metrics.
    Backend,
    /// An endpoint, a check, or all endpoints: an objective's subject.
    Objective(String),
}

/// Which kind of finding it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant says what was found")]
pub enum FindingKind {
    // Objectives.
    Missed,
    MissedWarnsOnly,
    Inconclusive,
    // Changes of an endpoint.
    Regressed,
    Improved,
    TooLittleData,
    // What the result means.
    FailedRequests,
    LatencyMargin,
    FirstMiss,
    Drift,
    SegmentTrend,
    BackendResource,
    BackendCache,
    // What stood in the way of the run.
    SetupFailed,
    TeardownFailed,
    LoadFailed,
    IterationsCutOff,
    IterationsFailed,
    Stall,
    Panic,
    TestFailed,
    AbortedEarly,
    Interrupted,
    MachineSlept,
    // The load and the machine that made it.
    Capacity,
    ArrivalsDropped,
    ArrivalsLate,
    HiddenWaits,
    GeneratorBusy,
    ProcessorStolen,
    SettingIgnored,
    // The store.
    StoreRefused,
    StoreDisagrees,
    StoreNotAsked,
    PushesRetried,
    SeriesNotEnded,
    ClockSkew,
    TestidNotChecked,
    // What is made from a run.
    ReportNotWritten,
    LatestNotUpdated,
    ProofFailed,
    ProofNotWritten,
    // Comparisons.
    ChangedFromBaseline,
    NotComparable,
    EndpointOnOneSide,
    ObjectiveNotJudged,
    OtherConditions,
    CommonChange,
    ServiceLeft,
    /// Of a version that does not say, or knows more kinds.
    #[serde(other)]
    Other,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How severe it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Which kind it is.
    pub kind: FindingKind,
    /// The exit code that it asks for; none if it does not touch the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<ExitCode>,
    /// What happened and what can be done.
    pub message: String,
}

impl Finding {
    /// A finding that does not touch the verdict.
    pub fn new(severity: Severity, subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        // It may hold what a service or a store said.
        Self { severity, subject, kind, exit_code: None, message: sanitize(&message.into()) }
    }

    /// A reason for which a run cannot be called met, whatever its objectives say.
    pub fn problem(code: ExitCode, subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        Self { exit_code: Some(code), ..Self::new(Severity::Problem, subject, kind, message) }
    }

    /// Something that should be known and does not touch the verdict.
    pub fn warning(subject: Subject, kind: FindingKind, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, subject, kind, message)
    }

    /// Whether the verdict depends on it.
    pub const fn is_problem(&self) -> bool {
        self.exit_code.is_some()
    }

    /// The word before the message.
    pub const fn label(&self) -> &'static str {
        match (self.kind, self.severity) {
            (FindingKind::Missed, _) => "missed",
            (FindingKind::MissedWarnsOnly, _) => "missed (warns only)",
            (FindingKind::Inconclusive, _) => "inconclusive",
            (FindingKind::Regressed, _) => "regressed",
            (FindingKind::Improved, _) => "improved",
            (FindingKind::TooLittleData, _) => "too little data",
            (kind, severity) if kind.is_reading() => match severity {
                Severity::Good => "reading: good",
                Severity::Warning => "reading: warning",
                Severity::Problem => "reading: problem",
            },
            (_, Severity::Problem) => "problem",
            (_, Severity::Warning) => "warning",
            (_, Severity::Good) => "note",
        }
    }
}

impl FindingKind {
    /// Whether it says what the result means.
    pub const fn is_reading(self) -> bool {
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
        write!(f, "{}: {}", self.label(), self.message)
    }
}
