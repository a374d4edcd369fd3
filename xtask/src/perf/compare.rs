//! The sixth stage: compares a run with its baseline, an earlier run.

use perf_report::Report;
use perf_report::comparison::{Comparison, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted_more;
use perf_report::gate::Gate;
use perf_report::headline::causes_of_comparison;
use perf_report::outcome::PlanSummary;
use perf_report::render::files::REPORT;

use super::judge::JudgedRun;
use super::perf_error::PerfError;
use crate::host::terminal::print_note;
use crate::runs::{recorded, reports};

/// The comparison of a run with an earlier one.
pub(crate) struct BaselinePlan {
    /// The baseline to compare with. It is not there yet if this is the first run.
    pub(crate) compare: Option<String>,
    /// The baseline to save the run as.
    pub(crate) save: Option<String>,
    pub(crate) gate: Gate,
    pub(crate) rule: Rule,
}

impl BaselinePlan {
    /// Reads the baseline before the run: an unreadable baseline should not cost a run.
    ///
    /// Prints a note if the baseline does not exist yet.
    pub(crate) fn check(&self) -> Result<(), PerfError> {
        let Some(name) = self.compare.as_deref() else { return Ok(()) };
        if reports::find_path(name).is_none() {
            let nearest = reports::suggest(name);
            print_note(&format!(
                "only the objectives are checked: there is no baseline, report or run named {name:?} yet \
                 (--save-baseline saves a baseline){nearest}"
            ));
            return Ok(());
        }
        reports::find(name).map(drop).map_err(|error| PerfError::Baseline { name: name.to_owned(), error })
    }

    /// The name of the baseline, if it exists.
    pub(crate) fn existing(&self) -> Option<&str> {
        self.compare.as_deref().filter(|name| reports::find_path(name).is_some())
    }

    /// Checks before a run that it can be compared with the baseline. The baseline is compared with
    /// a copy of itself that has the run's scenario and, if the plan is known, its service and
    /// load.
    pub(crate) fn check_comparable(&self, scenario: &str, planned: Option<&PlanSummary>) -> Result<(), PerfError> {
        let Some(name) = self.existing() else { return Ok(()) };
        let compared = reports::find(name).and_then(|(path, base)| {
            let mut head = base.clone();
            scenario.clone_into(&mut head.run.scenario);
            if let Some(PlanSummary { service, load, .. }) = planned {
                head.run.service.clone_from(service);
                head.run.load.clone_from(load);
            }
            recorded::compare(&path, &base, &path, &head, self.rule)
        });
        compared.map(drop).map_err(|error| PerfError::Baseline { name: name.to_owned(), error })
    }
}

/// The comparison of a run with its baseline, if it was made.
pub(crate) enum BaselineComparison {
    /// No baseline was given, or it does not exist yet.
    NotRequested,
    /// The two cannot be compared.
    NotComparable(Finding),
    Comparison(Box<Comparison>),
}

impl BaselineComparison {
    pub(crate) fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::Comparison(compared) => Some(compared),
            Self::NotRequested | Self::NotComparable(_) => None,
        }
    }

    /// The report of the run, with findings of earlier stages and the comparison's problem.
    ///
    /// With `--gate relative`, missed objectives do not decide the exit code.
    pub(crate) fn conclude(&self, gate: Gate, judged: Report, findings: Vec<Finding>) -> Report {
        let problem = match self {
            Self::NotRequested => None,
            Self::NotComparable(problem) => Some(problem.clone()),
            Self::Comparison(compared) => problem(compared).filter(|_| gate.judges_changes()),
        };
        let findings = findings.into_iter().chain(problem);
        match self {
            Self::Comparison(_) => judged.conclude_by(gate, findings),
            Self::NotRequested | Self::NotComparable(_) => judged.conclude(findings),
        }
    }
}

/// Compares a run with its baseline.
pub(crate) fn run(plan: &BaselinePlan, judged: &JudgedRun) -> BaselineComparison {
    let (path, report) = (judged.folder.join(REPORT), &judged.report);
    let Some(name) = plan.existing() else { return BaselineComparison::NotRequested };
    let compared = reports::find(name)
        .and_then(|(base_path, base)| recorded::compare(&base_path, &base, &path, report, plan.rule));
    match compared {
        Ok(compared) => BaselineComparison::Comparison(Box::new(compared)),
        // The run still gets its report.
        Err(error) => {
            let message = format!("--baseline {name}: {error:#}");
            let kind = FindingKind::NotComparable;
            let problem = Finding::problem(ExitCode::BadConfiguration, Subject::Baseline, kind, message);
            BaselineComparison::NotComparable(problem)
        }
    }
}

/// The finding of a comparison that regressed or is inconclusive.
fn problem(compared: &Comparison) -> Option<Finding> {
    let code = compared.exit_code;
    if code == ExitCode::Met {
        return None;
    }
    let mut causes = causes_of_comparison(compared).into_iter();
    let first = causes.next().map_or_else(|| code.describe().to_owned(), |first| first.message);
    // The comparison's table has the others.
    let more = counted_more(causes.count(), "finding").map(|more| format!("; {more}")).unwrap_or_default();
    let message = format!("{first}; baseline: {}{more}", compared.base);
    Some(Finding::problem(code, Subject::Baseline, FindingKind::ChangedFromBaseline, message))
}

#[cfg(test)]
mod tests;
