//! `--baseline` and `--save-baseline`: a run beside an earlier one.

use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::comparison_findings;
use perf_report::render::files::REPORT;

use super::{PerfArgs, Stop, configuration};
use crate::compare::{self, Recorded};
use crate::{reports, summary};

/// Looks at the baseline before anything is sent: one that cannot be read should not cost a run. Says so if there is none yet.
pub(super) fn check(args: &PerfArgs) -> Result<(), Stop> {
    let Some(name) = args.baseline.baseline.as_deref() else { return Ok(()) };
    if reports::place(name).is_none() {
        let hint = "the objectives are judged alone (--save-baseline keeps one)";
        eprintln!("there is no baseline, report or run {name:?} yet: {hint}");
        return Ok(());
    }
    compare::find(name).map(drop).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))
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

/// Compares a run with its baseline.
pub(super) fn compare(args: &PerfArgs, head: &Recorded) -> Compared {
    let name = args.baseline.baseline.as_deref().filter(|name| reports::place(name).is_some());
    let Some(name) = name else { return Compared::Nothing };
    let compared = compare::find(name).and_then(|base| compare::of(&base, head, args.gate.rule()));
    match compared {
        Ok(compared) => {
            summary::print_comparison(&compared, &head.path.with_file_name("comparison.json"));
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
pub(super) fn problem(compared: &Comparison) -> Option<Finding> {
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
pub(super) fn save(name: &str, run: &Recorded, own: ExitCode, compared: &Compared) -> Result<(), Stop> {
    if !matches!(own, ExitCode::Met | ExitCode::Missed) {
        eprintln!("not kept as baseline {name:?}: {}", own.describe());
        return Ok(());
    }
    if matches!(compared, Compared::With(_)) && reports::baseline(name).join(REPORT).is_file() {
        eprintln!("baseline {name:?} is kept as it is: without --baseline, this run would have taken its place");
        return Ok(());
    }
    let folder = compare::keep(name, &run.path)?;
    summary::say(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}
