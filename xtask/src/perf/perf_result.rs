//! The result of a command that judges runs.

use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::headline::Headline;

/// The result of one or more runs.
#[derive(Debug)]
pub(crate) struct PerfResult {
    /// The most severe exit code of all runs.
    pub(crate) code: ExitCode,
    /// The verdict of each run that has one.
    pub(crate) verdicts: Vec<String>,
}

impl PerfResult {
    pub(crate) const fn without_verdict(code: ExitCode) -> Self {
        Self { code, verdicts: Vec::new() }
    }

    pub(crate) fn with_verdict(code: ExitCode, verdict: String) -> Self {
        Self { code, verdicts: vec![verdict] }
    }

    pub(crate) fn from_comparison(compared: &Comparison) -> Self {
        Self::with_verdict(compared.exit_code, Headline::for_comparison(compared).verdict)
    }

    /// This result, and the one of a later run.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.code = self.code.or_worse(later.code);
        self.verdicts.extend(later.verdicts);
        self
    }
}

#[cfg(test)]
mod tests;
