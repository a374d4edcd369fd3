//! Sign, word and tone of a verdict, the same in the terminal, Markdown, HTML and JUnit.

use monitoring::slo::OnMiss;

use crate::comparison::Conclusion;
use crate::exit_code::ExitCode;
use crate::finding::Severity;
use crate::judgement::ObjectiveResult;
use crate::verdict::Verdict;

/// Tone, for colors.
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

/// Appearance of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// One character, for text.
    pub sign: &'static str,
    /// One emoji, for Markdown.
    pub emoji: &'static str,
    /// Word for the verdict.
    pub word: &'static str,
    /// Additional note. Usually empty.
    pub note: &'static str,
    /// Tone, for colors.
    pub tone: Tone,
}

const GOOD: Mark = Mark { sign: "✓", emoji: "✅", word: "met", note: "", tone: Tone::Good };
const BAD: Mark = Mark { sign: "✗", emoji: "❌", word: "missed", note: "", tone: Tone::Bad };
const QUIET: Mark = Mark { sign: "-", emoji: "➖", word: "not in this scenario", note: "", tone: Tone::Quiet };
const DOUBT: Mark = Mark { sign: "?", emoji: "❔", word: "inconclusive", note: "", tone: Tone::Warning };

impl Mark {
    /// Sign and word: "✓ met".
    pub fn signed_word(&self) -> String {
        format!("{} {}", self.sign, self.word)
    }

    /// Sign and word of an exit code as a verdict: "✓ met".
    pub fn verdict(code: ExitCode) -> String {
        match code {
            ExitCode::Met => GOOD.signed_word(),
            ExitCode::Inconclusive => DOUBT.signed_word(),
            _ => BAD.signed_word(),
        }
    }

    /// Word and note: "missed, warns".
    pub fn word_and_note(&self) -> String {
        if self.note.is_empty() { self.word.to_owned() } else { format!("{}, {}", self.word, self.note) }
    }
}

impl From<&ObjectiveResult> for Mark {
    fn from(objective: &ObjectiveResult) -> Self {
        let note = if objective.on_miss == OnMiss::Warn { "warns" } else { "" };
        let mark = match (&objective.verdict, objective.on_miss) {
            (Verdict::Met, _) => GOOD,
            (Verdict::Missed, OnMiss::Fail) => BAD,
            (Verdict::Missed, OnMiss::Warn) => Self { sign: "!", emoji: "⚠️", tone: Tone::Warning, ..BAD },
            (Verdict::Inconclusive(_), _) => DOUBT,
            (Verdict::NotInScenario, _) => QUIET,
            (Verdict::NotJudged, _) => Self { word: "not judged", ..QUIET },
        };
        Self { note, ..mark }
    }
}

impl From<Conclusion> for Mark {
    fn from(conclusion: Conclusion) -> Self {
        let mark = match conclusion {
            Conclusion::Regressed => BAD,
            Conclusion::TooLittleData => DOUBT,
            Conclusion::Improved | Conclusion::NoChangeSeen => GOOD,
        };
        Self { word: conclusion.describe(), ..mark }
    }
}

impl From<ExitCode> for Mark {
    fn from(code: ExitCode) -> Self {
        let mark = match code {
            ExitCode::Met => GOOD,
            ExitCode::Inconclusive => DOUBT,
            _ => BAD,
        };
        Self { word: code.describe(), ..mark }
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
