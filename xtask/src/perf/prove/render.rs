//! The proof as text for the terminal, as a message, and as a file.

use std::fmt::Write as _;
use std::path::Path;

use monitoring::sanitize::sanitize;
use perf_report::format::{and_more, first_items};
use perf_report::mark::Mark;

use super::checks::proof_check::{ProofCheck, ProofCheckOutcome};
use super::proof::Proof;
use crate::host::files;

/// Limit on the printed lines of a check.
const SHOWN_LINES: usize = 10;

impl Proof {
    /// The message about failed checks; `None` if no check failed.
    pub(crate) fn failed(&self) -> Option<String> {
        let failed = self.checks.iter().filter(|check| check.outcome == ProofCheckOutcome::Failed);
        let describe = |check: &ProofCheck| match check.lines.as_slice() {
            [] => format!("{} failed", check.name),
            lines => format!("{} failed: {}", check.name, first_items(lines, 1, "", ", ")),
        };
        let failures: Vec<_> = failed.map(describe).collect();
        (!failures.is_empty()).then(|| format!("{} (see proof.json)", failures.join("; ")))
    }

    /// The checks with their figures, for the terminal. PromQL is shown only if asked for.
    pub(crate) fn render(&self, verbose: bool) -> String {
        let mut text = "proof".to_owned();
        for check @ ProofCheck { name, outcome, lines, queries, .. } in &self.checks {
            let (Mark { sign, .. }, word) = match outcome {
                ProofCheckOutcome::Passed => (Mark::GOOD, ""),
                ProofCheckOutcome::Failed => (Mark::BAD, "failed: "),
                ProofCheckOutcome::NotApplicable => (Mark::QUIET, "not available: "),
            };
            let (word, figures) = match (&self.finding, &check.lacks) {
                // The finding says what is not available, and why.
                (Some(_), Some(lack)) if lack.figures.is_empty() => continue,
                (Some(_), Some(lack)) => ("", &lack.figures),
                _ => (word, &check.figures),
            };
            let _ = write!(text, "\n{sign} {name}: {word}{figures}");
            // One cause often has many lines; the first few are enough to find it.
            for line in lines.iter().take(SHOWN_LINES) {
                let _ = write!(text, "\n  {line}");
            }
            if let Some(more) = and_more(lines.len(), SHOWN_LINES) {
                let _ = write!(text, "\n  {more}, in proof.json");
            }
            for query in queries.iter().filter(|_| verbose) {
                let _ = write!(text, "\n  {query}");
            }
        }
        // Route names and error messages come from the backend and the store.
        sanitize(&text)
    }

    /// Writes `proof.json` to the run's folder.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        files::write_json(&folder.join("proof.json"), self)
    }
}
