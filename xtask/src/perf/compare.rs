//! The sixth stage: compares a run with its baseline, an earlier run.

use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted_more;
use perf_report::gate::Gate;
use perf_report::headline::causes_of_comparison;
use perf_report::render::files::REPORT;

use super::baseline_plan::{BaselinePlan, NamedBaseline};
use super::child;
use super::judge::JudgedRun;
use super::perf_error::PerfError;
use super::plan::PerfPlan;
use crate::runs::recorded;
use crate::runs::reports::RecordedReport;

/// Checks before anything starts that the run can be compared with its baseline. Only the
/// scenario's process knows its load. If it cannot plan one, the run reports that.
pub(super) async fn check_before(plan: &PerfPlan) -> Result<(), PerfError> {
    if !plan.sends() || !matches!(plan.baseline.compare, Some(NamedBaseline::Found(_))) {
        return Ok(());
    }
    for scenario in &plan.scenarios {
        let planned = child::summarize_plan(&plan.generator, scenario, &plan.settings, plan.signals.clone()).await;
        plan.baseline.check_comparable(&scenario.name, planned.ok().as_ref())?;
    }
    Ok(())
}

/// The comparison of a run with its baseline, if it was made.
pub(crate) enum BaselineComparison {
    /// No baseline was given.
    NotRequested,
    /// The two cannot be compared, or the baseline does not exist yet.
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

    /// The report of the run, with findings of earlier stages and of the comparison.
    ///
    /// With `--gate relative`, missed objectives do not decide the exit code.
    pub(crate) fn conclude(&self, gate: Gate, judged: Report, findings: Vec<Finding>) -> Report {
        let finding = match self {
            Self::NotRequested => None,
            Self::NotComparable(finding) => Some(finding.clone()),
            Self::Comparison(compared) => problem(compared).filter(|_| gate.judges_changes()),
        };
        let findings = findings.into_iter().chain(finding);
        match self {
            Self::Comparison(_) => judged.conclude_by(gate, findings),
            Self::NotRequested | Self::NotComparable(_) => judged.conclude(findings),
        }
    }
}

/// Compares a run with its baseline.
pub(crate) fn run(plan: &BaselinePlan, judged: &JudgedRun) -> BaselineComparison {
    let baseline = match &plan.compare {
        Some(NamedBaseline::Found(baseline)) => baseline,
        Some(NamedBaseline::Missing(why)) => {
            let warning = Finding::warning(Subject::Baseline, FindingKind::NoBaseline, why);
            return BaselineComparison::NotComparable(warning);
        }
        None => return BaselineComparison::NotRequested,
    };
    let head = RecordedReport { path: judged.folder.join(REPORT), report: judged.report.clone() };
    let compared = baseline.read().and_then(|base| recorded::compare(&base, &head, plan.rule));
    match compared {
        Ok(compared) => BaselineComparison::Comparison(Box::new(compared)),
        // The run still gets its report.
        Err(error) => {
            let message = format!("--baseline {}: {error:#}", baseline.name);
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
