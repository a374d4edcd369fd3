//! `--baseline` and `--save-baseline`: compares a run with an earlier one.

use std::path::Path;

use perf_report::Report;
use perf_report::comparison::{Comparison, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::comparison_findings;
use perf_report::render::files::REPORT;

use super::args::Gate;
use super::perf_error::{PerfError, configuration};
use crate::host::terminal;
use crate::host::terminal::print_note;
use crate::runs::{recorded, reports};

/// The comparison of a run with an earlier one.
pub(super) struct BaselinePlan {
    /// The baseline to compare with. It is not there yet if this is the first run.
    pub(super) compare: Option<String>,
    /// The baseline to save the run as.
    pub(super) save: Option<String>,
    pub(super) gate: Gate,
    pub(super) rule: Rule,
}

/// Reads the baseline before the run: an unreadable baseline should not cost a run.
///
/// Prints a note if the baseline does not exist yet.
pub(super) fn check(plan: &BaselinePlan) -> Result<(), PerfError> {
    let Some(name) = plan.compare.as_deref() else { return Ok(()) };
    if reports::find_path(name).is_none() {
        let hint = "only the objectives are checked (--save-baseline saves a baseline)";
        let nearest = reports::suggest(name);
        print_note(&format!("there is no baseline, report or run named {name:?} yet{nearest}: {hint}"));
        return Ok(());
    }
    reports::find(name).map(drop).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))
}

/// The comparison of a run with its baseline, if it was made.
pub(super) enum BaselineComparison {
    /// No baseline was given, or it does not exist yet.
    NotRequested,
    /// The two cannot be compared.
    NotComparable(Finding),
    Comparison(Box<Comparison>),
}

impl BaselineComparison {
    pub(super) fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::Comparison(compared) => Some(compared),
            Self::NotRequested | Self::NotComparable(_) => None,
        }
    }

    /// The report of the run, with findings of earlier stages and the comparison's problem.
    ///
    /// With `--gate relative`, missed objectives do not decide the exit code.
    pub(super) fn conclude(&self, gate: Gate, judged: Report, findings: Vec<Finding>) -> Report {
        let problem = match self {
            Self::NotRequested => None,
            Self::NotComparable(problem) => Some(problem.clone()),
            Self::Comparison(compared) => problem(compared).filter(|_| gate.judges_changes()),
        };
        let findings = findings.into_iter().chain(problem);
        match self {
            Self::Comparison(_) if !gate.judges_objectives() => judged.conclude_by_changes(findings),
            _ => judged.conclude(findings),
        }
    }
}

/// Compares a run with its baseline and prints the comparison, or the error.
pub(super) fn compare(plan: &BaselinePlan, path: &Path, report: &Report) -> BaselineComparison {
    let name = plan.compare.as_deref().filter(|name| reports::find_path(name).is_some());
    let Some(name) = name else { return BaselineComparison::NotRequested };
    let compared =
        reports::find(name).and_then(|(base_path, base)| recorded::compare(&base_path, &base, path, report, plan.rule));
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
    let code = compared.code();
    let kind = match code {
        ExitCode::Met => return None,
        ExitCode::Regressed => FindingKind::Regressed,
        _ => FindingKind::TooLittleData,
    };
    let mut findings = comparison_findings(compared).into_iter().filter(|finding| finding.kind == kind);
    let first = findings.next().map_or_else(|| code.describe().to_owned(), |first| first.message);
    // The comparison's table has the others.
    let more = match findings.count() {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    let message = format!("{first}, compared with {}{more}", compared.base);
    Some(Finding::problem(code, Subject::Baseline, FindingKind::ChangedFromBaseline, message))
}

/// Saves a run as a baseline, if its objectives were judged.
///
/// `own` is the run's exit code before the proof and the comparison. A
/// baseline that the run was compared with is not replaced: otherwise a
/// regression would be reported only once, and a slow drift never.
pub(super) fn save(name: &str, run: &Path, own: ExitCode, compared: &BaselineComparison) -> Result<(), PerfError> {
    if !matches!(own, ExitCode::Met | ExitCode::Missed) {
        eprintln!("not saved as baseline {name:?}: {}", own.describe());
        return Ok(());
    }
    let has_comparison = matches!(compared, BaselineComparison::Comparison(_));
    if has_comparison && reports::baseline_folder(name).join(REPORT).is_file() {
        eprintln!("baseline {name:?} is unchanged: to replace it by this run, leave out --baseline");
        return Ok(());
    }
    let folder = recorded::keep(name, run)?;
    terminal::print_line(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}
