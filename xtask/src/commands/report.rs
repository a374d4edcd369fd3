//! `cargo xtask report`: everything that is made from a report, once more.

use perf_report::exit_code::ExitCode;

use crate::{reports, terminal};

/// Which report, and what production is like.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// A report.json or comparison.json, a run's testid, or a comparison's or baseline's name
    report: String,
    /// How many requests production has in a day, for what error budgets mean there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_day: Option<u64>,
}

/// Makes everything again that is made from a report, and prints its table.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    if let Some((path, compared)) = reports::rounds(&args.report)? {
        reports::publish_comparison(&path, &compared)?;
        terminal::print_comparison(&compared, &path);
        return Ok(ExitCode::Met);
    }
    let (path, mut report) = match reports::find(&args.report) {
        Ok(found) => found,
        Err(error) => return Ok(terminal::refuse(error)),
    };
    if args.requests_per_day.is_some() {
        report.requests_per_day = args.requests_per_day;
    }
    let compared = reports::comparison_of(&path)?;
    reports::publish(&path, &report, compared.as_ref())?;
    terminal::print(&report, &path, None);
    if let Some(compared) = &compared {
        terminal::print_comparison(compared, &path);
    }
    Ok(ExitCode::Met)
}
