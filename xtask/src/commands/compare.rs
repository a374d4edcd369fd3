//! `cargo xtask compare`: compares two recorded runs.

use perf_report::exit_code::ExitCode;

use crate::host::terminal;
use crate::perf::publish::{self, PerfResult};
use crate::runs::{recorded, report_files, reports};
use crate::values::RuleArgs;

/// The two runs and the rule.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Run before the change: latest, a testid, a baseline or a report.json
    base: String,
    /// Run after the change, named like BASE
    head: String,
    #[command(flatten)]
    rule: RuleArgs,
}

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    if let Err(error) = args.rule.check() {
        return Ok(terminal::refuse(error));
    }
    let (base, head) = match (reports::find(&args.base), reports::find(&args.head)) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(error), _) | (_, Err(error)) => return Ok(terminal::refuse(error)),
    };
    let compared = match recorded::compare(&base.0, &base.1, &head.0, &head.1, args.rule.rule()) {
        Ok(compared) => compared,
        Err(error) => return Ok(terminal::refuse(error)),
    };
    let (path, report) = &head;
    report_files::write_beside(path, report, Some(&compared))?;
    terminal::print_comparison(&compared, path);
    Ok(publish::finish(Ok(Some(PerfResult::from_comparison(&compared)))))
}
