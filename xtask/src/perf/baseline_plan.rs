//! The baseline that a run is compared with, and the checks that it can be.

use perf_report::comparison::Rule;
use perf_report::outcome::PlanSummary;

use super::gate::Gate;
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
        let compared = reports::find(name).and_then(|base| {
            let mut head = base.clone();
            let run = &mut head.report.run;
            scenario.clone_into(&mut run.scenario);
            if let Some(PlanSummary { service, load, .. }) = planned {
                run.service.clone_from(service);
                run.load.clone_from(load);
            }
            recorded::compare(&base, &head, self.rule)
        });
        compared.map(drop).map_err(|error| PerfError::Baseline { name: name.to_owned(), error })
    }
}

#[cfg(test)]
mod tests;
