//! `cargo xtask compare`: two runs that were recorded, at different times.

use perf_report::comparison::Rule;
use perf_report::exit_code::ExitCode;

use crate::{recorded, report_files, reports, terminal};

/// Which runs, and what is asked of them.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Before: a report.json, a run's testid, or a baseline's name
    base: String,
    /// After: likewise
    head: String,
    /// A slow-down of a p95 up to so many per cent is none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = crate::values::percent)]
    margin: f64,
    /// A slow-down of so many per cent must not go unseen: more than the margin
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = crate::values::percent)]
    detect: f64,
}

/// Runs the command.
pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    if args.detect <= args.margin {
        return Ok(terminal::refuse("--detect has to be more than --margin"));
    }
    let (base, head) = match (reports::find(&args.base), reports::find(&args.head)) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(error), _) | (_, Err(error)) => return Ok(terminal::refuse(error)),
    };
    let rule = Rule { margin: args.margin, detect: args.detect, ..Rule::default() };
    let compared = match recorded::compare((&base.0, &base.1), (&head.0, &head.1), rule) {
        Ok(compared) => compared,
        Err(error) => return Ok(terminal::refuse(error)),
    };
    let (path, report) = &head;
    report_files::write_beside(path, report, Some(&compared))?;
    terminal::print_comparison(&compared, path);
    let code = compared.code();
    terminal::print_code(code);
    Ok(code)
}
