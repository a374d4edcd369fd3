//! Sign, word and tone of a verdict, the same in the terminal, Markdown, HTML and JUnit.

use monitoring::slo::OnMiss;

use crate::comparison::{ComparisonMethod, Conclusion};
use crate::exit_code::ExitCode;
use crate::finding::Severity;
use crate::judgement::ObjectiveResult;
use crate::verdict::Verdict;

/// Meaning of a color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Inconclusive, or worth knowing.
    Warning,
    /// Failed.
    Bad,
    /// Not judged.
    Quiet,
}

/// The end of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadEnd {
    /// It ended as planned, or when it was aborted.
    Planned,
    /// A mistake in the scenario or its settings ended it. Then endpoints without requests say
    /// nothing about the scenario.
    CutShort,
    /// A signal stopped it. Then no verdict on an objective holds either.
    Stopped,
}

/// Appearance of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// One character, for terminals. It has a replacement in ASCII.
    pub sign: &'static str,
    /// One emoji, for Markdown.
    pub emoji: &'static str,
    /// Verdict in one word or two: "met", "not judged".
    pub word: &'static str,
    /// Choice of the color.
    pub tone: Tone,
}

impl Mark {
    /// Met, or a check that passed.
    pub const GOOD: Self = Self { sign: "✓", emoji: "✅", word: "met", tone: Tone::Good };
    /// Missed, or a check that failed.
    pub const BAD: Self = Self { sign: "✗", emoji: "❌", word: "missed", tone: Tone::Bad };
    /// Not judged, or a check that does not apply.
    pub const QUIET: Self = Self { sign: "–", emoji: "➖", word: "not in this scenario", tone: Tone::Quiet };
    /// There is not enough evidence.
    pub(crate) const DOUBT: Self = Self { sign: "?", emoji: "❔", word: "inconclusive", tone: Tone::Warning };
    /// Missed, and worth knowing only.
    pub(crate) const WARNING: Self = Self { sign: "!", emoji: "⚠️", tone: Tone::Warning, ..Self::BAD };

    /// Mark of a check without other outcomes.
    pub const fn for_check(passed: bool) -> Self {
        if passed { Self::GOOD } else { Self::BAD }
    }

    /// Mark of an objective. If a signal stopped the load, it shows how the objective stood then.
    pub(crate) fn for_objective(objective: &ObjectiveResult, end: LoadEnd) -> Self {
        match (&objective.verdict, end) {
            (Verdict::Met, LoadEnd::Stopped) => Self { word: "met so far", ..Self::QUIET },
            (Verdict::Missed, LoadEnd::Stopped) => Self { word: "missed so far", ..objective.into() },
            _ => objective.into(),
        }
    }

    /// Sign and word: "✓ met".
    pub(crate) fn signed_word(&self) -> String {
        format!("{} {}", self.sign, self.word)
    }
}

impl From<&ObjectiveResult> for Mark {
    fn from(objective: &ObjectiveResult) -> Self {
        match (&objective.verdict, objective.on_miss) {
            (Verdict::Met, _) => Self::GOOD,
            (Verdict::Missed, OnMiss::Fail) => Self::BAD,
            (Verdict::Missed, OnMiss::Warn) => Self::WARNING,
            (Verdict::Inconclusive(_), _) => Self::DOUBT,
            (Verdict::NotInScenario, _) => Self::QUIET,
            (Verdict::NotJudged, _) => Self { word: "not judged", ..Self::QUIET },
        }
    }
}

impl From<Conclusion> for Mark {
    fn from(conclusion: Conclusion) -> Self {
        let mark = match conclusion {
            Conclusion::Regressed => Self::BAD,
            Conclusion::TooLittleData => Self::DOUBT,
            Conclusion::Improved | Conclusion::NoChangeMeasured => Self::GOOD,
        };
        Self { word: conclusion.describe(), ..mark }
    }
}

impl From<ExitCode> for Mark {
    fn from(code: ExitCode) -> Self {
        match code {
            ExitCode::Met => Self::GOOD,
            ExitCode::Missed => Self::BAD,
            ExitCode::Inconclusive => Self::DOUBT,
            ExitCode::Regressed => Self { word: ComparisonMethod::Recorded.describe_regression(), ..Self::BAD },
            ExitCode::ProofFailed => Self { word: "proof failed", ..Self::BAD },
            ExitCode::Interrupted => Self { word: "interrupted", ..Self::BAD },
            ExitCode::BadConfiguration | ExitCode::Internal => Self { word: "error", ..Self::BAD },
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Good => Self::Good,
            Severity::Warning => Self::Warning,
            Severity::Problem => Self::Bad,
        }
    }
}
