//! Flags by which a run is judged, compared with an earlier one, and saved.

use std::path::PathBuf;

use perf_report::comparison::Rule;
use perf_report::gate::Gate;

use super::gate_flag::GateFlag;
use crate::flags::flag_conflict::{conflict, first_given};
use crate::flags::rule_args::RuleArgs;
use crate::flags::values::ProductionArgs;
use crate::perf::baseline_plan::{Baseline, BaselinePlan};
use crate::perf::perf_error::PerfError;
use crate::refusal::Refusal;
use crate::runs::report_index::ReportIndex;

/// Flags by which a run is judged, of `cargo xtask perf` and of `cargo xtask merge`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunJudgingArgs {
    /// Compare with an earlier run
    ///
    /// The name of a baseline, the path of a report.json, or a run in the report folder: a testid
    /// or latest. If it does not exist yet, only the objectives are checked.
    #[arg(long, value_name = "NAME|FILE|TESTID")]
    baseline: Option<String>,
    /// Save the run as a baseline
    ///
    /// Replaces an older baseline of that name, unless the run was compared with one by --baseline.
    #[arg(long, value_name = "NAME", value_parser = perf_settings::parse_testid)]
    save_baseline: Option<String>,
    /// Reason to fail: absolute, relative or both
    ///
    /// absolute: the new run (the head) missed an objective. relative: it is slower.
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = GateFlag(Gate::Both))]
    pub(crate) gate: GateFlag,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    pub(crate) production: ProductionArgs,
}

impl RunJudgingArgs {
    /// The rule of the comparison.
    pub(crate) fn rule(&self) -> Rule {
        self.rule.rule()
    }

    pub(crate) fn check_rule(&self) -> Result<(), Refusal> {
        self.rule.check()
    }

    /// Rejects flags of a comparison without `--baseline`. `ways` lists the flags that compare.
    pub(crate) fn check_compares(&self, ways: &str) -> Result<(), Refusal> {
        let gate = (self.gate.0 != Gate::Both).then_some("--gate").or_else(|| self.rule.changed_flag());
        match gate.filter(|_| self.baseline.is_none()) {
            Some(flag) => conflict(format!("{flag} needs a comparison: add {ways}")),
            None => Ok(()),
        }
    }

    /// The given flag about a recorded run, if there is one.
    pub(super) fn recorded_flag(&self) -> Option<&'static str> {
        first_given([("--baseline", self.baseline.is_some()), ("--save-baseline", self.save_baseline.is_some())])
    }

    /// The comparison with a recorded run. `out` is the folder of reports.
    pub(crate) fn plan(&self, out: Option<PathBuf>) -> Result<BaselinePlan, PerfError> {
        let index = ReportIndex::new(out);
        let baseline = self.baseline.as_deref().map(|name| Baseline::find(name, &index));
        Ok(BaselinePlan {
            compare: baseline.transpose()?,
            save: self.save_baseline.clone(),
            gate: self.gate.0,
            rule: self.rule(),
        })
    }
}
