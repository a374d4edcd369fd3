//! The sign, the word and the tone of a verdict: the same on the terminal, in Markdown, HTML and JUnit.

use monitoring::slo::OnMiss;

use crate::ObjectiveResult;
use crate::comparison::Conclusion;
use crate::exit_code::ExitCode;
use crate::finding::Severity;
use crate::verdict::Verdict;

/// How something stands, for colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not decided, or worth knowing.
    Warning,
    /// It fails.
    Bad,
    /// Nothing is said of it.
    Quiet,
}

/// How a verdict is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// One character, for text.
    pub sign: &'static str,
    /// One emoji, for Markdown.
    pub emoji: &'static str,
    /// The verdict.
    pub word: &'static str,
    /// What else is to be known of it; empty mostly.
    pub note: &'static str,
    /// For colors.
    pub tone: Tone,
}

const GOOD: Mark = Mark { sign: "✓", emoji: "✅", word: "met", note: "", tone: Tone::Good };
const BAD: Mark = Mark { sign: "✗", emoji: "❌", word: "missed", note: "", tone: Tone::Bad };
const DOUBT: Mark = Mark { sign: "?", emoji: "❔", word: "inconclusive", note: "", tone: Tone::Warning };

impl Mark {
    /// The sign and the word.
    pub fn signed_word(&self) -> String {
        format!("{} {}", self.sign, self.word)
    }

    /// The sign and the short word of an exit code that is a verdict: "✓ met".
    pub fn verdict(code: ExitCode) -> String {
        match code {
            ExitCode::Met => GOOD.signed_word(),
            ExitCode::Inconclusive => DOUBT.signed_word(),
            _ => BAD.signed_word(),
        }
    }

    /// The word and the note: "missed, warns only".
    pub fn word_and_note(&self) -> String {
        if self.note.is_empty() { self.word.to_owned() } else { format!("{}, {}", self.word, self.note) }
    }
}

impl From<&ObjectiveResult> for Mark {
    fn from(objective: &ObjectiveResult) -> Self {
        let note = if objective.on_miss == OnMiss::Warn { "warns only" } else { "" };
        let mark = match (&objective.verdict, objective.on_miss) {
            (Verdict::Met, _) => GOOD,
            (Verdict::Missed, OnMiss::Fail) => BAD,
            (Verdict::Missed, OnMiss::Warn) => Self { sign: "!", emoji: "⚠️", tone: Tone::Warning, ..BAD },
            (Verdict::Inconclusive(_), _) => DOUBT,
            (Verdict::NotInScenario, _) => {
                Self { sign: "-", emoji: "➖", word: "not in this scenario", note: "", tone: Tone::Quiet }
            }
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
