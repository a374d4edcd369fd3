//! `--baseline` and `--save-baseline`: a run beside an earlier one.

use std::path::Path;

use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::comparison_findings;
use perf_report::render::files::REPORT;

use super::args::PerfArgs;
use super::perf_error::{PerfError, configuration};
use crate::{recorded, reports, terminal};

/// Looks at the baseline before anything is sent: one that cannot be read should not cost a run. Says so if there is none yet.
pub(super) fn check(args: &PerfArgs) -> Result<(), PerfError> {
    let Some(name) = args.baseline.baseline.as_deref() else { return Ok(()) };
    if reports::place(name).is_none() {
        let hint = "the objectives are judged alone (--save-baseline keeps one)";
        eprintln!("there is no baseline, report or run {name:?} yet: {hint}");
        return Ok(());
    }
    reports::find(name).map(drop).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))
}

/// What became of the comparison of a run with its baseline.
pub(super) enum Compared {
    /// None was asked for, or there is no baseline yet.
    Nothing,
    /// The two cannot be compared.
    Refused(Finding),
    /// They were compared.
    With(Box<Comparison>),
}

impl Compared {
    /// The comparison, if there is one.
    pub(super) fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::With(compared) => Some(compared),
            Self::Nothing | Self::Refused(_) => None,
        }
    }

    /// Adds to a run's report what the comparison finds. Where changes alone gate, objectives that were missed do not.
    pub(super) fn conclude(&self, args: &PerfArgs, report: &mut Report) {
        let gate = &args.gate.gate;
        match self {
            Self::Nothing => {}
            Self::Refused(problem) => report.conclude([problem.clone()]),
            Self::With(compared) => {
                let problem = problem(compared).filter(|_| gate.judges_changes());
                if gate.judges_objectives() {
                    report.conclude(problem);
                } else {
                    report.conclude_by_changes(problem);
                }
            }
        }
    }
}

/// Compares a run with its baseline.
pub(super) fn compare(args: &PerfArgs, path: &Path, report: &Report) -> Compared {
    let name = args.baseline.baseline.as_deref().filter(|name| reports::place(name).is_some());
    let Some(name) = name else { return Compared::Nothing };
    let compared =
        reports::find(name).and_then(|(base, of)| recorded::compare((&base, &of), (path, report), args.gate.rule()));
    match compared {
        Ok(compared) => {
            terminal::print_comparison(&compared, path);
            Compared::With(Box::new(compared))
        }
        // What was measured is worth a report all the same.
        Err(error) => {
            let message = format!("--baseline {name}: {error:#}");
            eprintln!("error: {message}");
            let kind = FindingKind::NotComparable;
            Compared::Refused(Finding::problem(ExitCode::BadConfiguration, Subject::Baseline, kind, message))
        }
    }
}

/// What keeps a comparison from being met, in words.
fn problem(compared: &Comparison) -> Option<Finding> {
    let code = compared.code();
    let (kind, says) = match code {
        ExitCode::Met => return None,
        ExitCode::Regressed => (FindingKind::Regressed, "slower than"),
        _ => (FindingKind::TooLittleData, "not known to be as fast as"),
    };
    let findings = comparison_findings(compared).into_iter().filter(|finding| finding.kind == kind);
    let text: Vec<_> = findings.map(|finding| finding.to_string()).collect();
    let message = format!("{says} {}: {}", compared.base, text.join("; "));
    Some(Finding::problem(code, Subject::Baseline, FindingKind::ChangedFromBaseline, message))
}

/// Keeps a run as a baseline, if it is one to be measured against. One that it was compared with is left as it is: else what became
/// slower would be reported once, and what becomes slower bit by bit never.
pub(super) fn save(name: &str, run: &Path, own: ExitCode, compared: &Compared) -> Result<(), PerfError> {
    if !matches!(own, ExitCode::Met | ExitCode::Missed) {
        eprintln!("not kept as baseline {name:?}: {}", own.describe());
        return Ok(());
    }
    if matches!(compared, Compared::With(_)) && reports::baseline(name).join(REPORT).is_file() {
        eprintln!("baseline {name:?} is kept as it is: without --baseline, this run would have taken its place");
        return Ok(());
    }
    let folder = recorded::keep(name, run)?;
    terminal::say(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}
