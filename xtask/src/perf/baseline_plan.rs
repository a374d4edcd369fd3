//! The baseline that a run is compared with, and the checks that it can be.

use std::path::PathBuf;

use perf_report::comparison::Rule;
use perf_report::gate::Gate;
use perf_report::outcome::PlanSummary;

use super::perf_error::PerfError;
use crate::host::terminal::print_note;
use crate::runs::recorded;
use crate::runs::report_index::ReportIndex;
use crate::runs::reports::{self, RecordedReport};

/// The comparison of a run with an earlier one.
pub(crate) struct BaselinePlan {
    /// The baseline to compare with, if one was named.
    pub(crate) compare: Option<NamedBaseline>,
    /// The name of the baseline to save the run as.
    pub(crate) save: Option<String>,
    pub(crate) gate: Gate,
    pub(crate) rule: Rule,
}

/// The value of `--baseline`.
pub(crate) enum NamedBaseline {
    Found(Baseline),
    /// It does not exist yet, as before the first run. The text for the user says so.
    Missing(String),
}

/// An earlier run that exists.
pub(crate) struct Baseline {
    /// As the user named it. `latest` is replaced by the testid of that run: at the end of the new
    /// run, it names the new one.
    pub(crate) name: String,
    /// The path of its report.
    path: PathBuf,
}

impl Baseline {
    /// Reads the baseline before the run: an unreadable baseline should not cost a run.
    ///
    /// Prints a note if the baseline does not exist yet.
    pub(crate) fn find(name: &str, index: &ReportIndex) -> Result<NamedBaseline, PerfError> {
        let name = index.resolve_latest(name);
        let Some(path) = index.find_path(&name) else {
            let nearest = index.suggest(&name);
            let missing = format!(
                "only the objectives are checked: there is no baseline or report named {name:?} yet, and no such run in \
                 {} (--save-baseline saves a baseline){nearest}",
                index.folder().display()
            );
            print_note(&missing);
            return Ok(NamedBaseline::Missing(missing));
        };
        let baseline = Self { name, path };
        match baseline.read() {
            Ok(_) => Ok(NamedBaseline::Found(baseline)),
            Err(error) => Err(baseline.reject(error)),
        }
    }

    pub(crate) fn read(&self) -> anyhow::Result<RecordedReport> {
        Ok(RecordedReport { path: self.path.clone(), report: reports::read(&self.path)? })
    }

    fn reject(&self, error: anyhow::Error) -> PerfError {
        PerfError::Baseline { name: self.name.clone(), error }
    }
}

impl BaselinePlan {
    /// Checks before a run that it can be compared with the baseline. The baseline is compared with
    /// a copy of itself that has the run's scenario and, if the plan is known, its service and
    /// load.
    pub(crate) fn check_comparable(&self, scenario: &str, planned: Option<&PlanSummary>) -> Result<(), PerfError> {
        let Some(NamedBaseline::Found(baseline)) = &self.compare else { return Ok(()) };
        let compared = baseline.read().and_then(|base| {
            let mut head = base.clone();
            let run = &mut head.report.run;
            scenario.clone_into(&mut run.scenario);
            if let Some(PlanSummary { service, load, .. }) = planned {
                run.service.clone_from(service);
                run.load.clone_from(load);
            }
            recorded::compare(&base, &head, self.rule)
        });
        compared.map(drop).map_err(|error| baseline.reject(error))
    }
}

#[cfg(test)]
mod tests;
