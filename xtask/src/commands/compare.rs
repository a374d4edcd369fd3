//! `cargo xtask compare`: compares two recorded runs.

use perf_report::exit_code::ExitCode;

use crate::flags::rule_args::RuleArgs;
use crate::flags::setting_args::{ReportFolder, SettingArgs};
use crate::host::terminal;
use crate::perf::perf_result::PerfResult;
use crate::perf::publish;
use crate::refusal::refuse;
use crate::runs::report_index::ReportIndex;
use crate::runs::{recorded, report_files};

/// The two runs and the rule.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Run before the change: latest, a testid, a baseline or a report.json
    base: String,
    /// Run after the change, named like BASE
    head: String,
    #[command(flatten)]
    out: SettingArgs<ReportFolder>,
    #[command(flatten)]
    rule: RuleArgs,
}

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    args.rule.check()?;
    let index = ReportIndex::new(args.out.folder());
    let base = index.find(&args.base).map_err(refuse)?;
    let head = index.find(&args.head).map_err(refuse)?;
    let compared = recorded::compare(&base, &head, args.rule.rule()).map_err(refuse)?;
    report_files::write_beside(&head.path, &head.report, Some(&compared))?;
    terminal::print_comparison(&compared, &head.path);
    Ok(publish::finish(Ok(Some(PerfResult::from_comparison(&compared)))))
}
