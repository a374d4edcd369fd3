//! `cargo xtask report`: everything that is made from a report, once more.

use std::path::PathBuf;

use anyhow::Context as _;
use perf_host::Lock;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::render::files::{EVIDENCE, REPORT};

use crate::{report_files, reports, terminal, workspace};

/// Which report, and what production is like.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// A report.json, comparison.json or evidence.json, a run's testid, or a comparison's or baseline's name
    report: String,
    /// How many requests production has in a day, for what error budgets mean there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    requests_per_day: Option<u64>,
}

/// Makes everything again that is made from a report, and prints its table.
pub(crate) async fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    if let Some((path, compared)) = reports::rounds(&args.report)? {
        report_files::write_comparison(&path, &compared)?;
        terminal::print_comparison(&compared, &path);
        return Ok(ExitCode::Met);
    }
    let (path, mut report) = match find(&args.report).await {
        Ok(found) => found,
        Err(error) => return Ok(terminal::refuse(error)),
    };
    if args.requests_per_day.is_some() {
        report.requests_per_day = args.requests_per_day;
    }
    let compared = reports::comparison_of(&path)?;
    if path.exists() && args.requests_per_day.is_none() {
        report_files::write_beside(&path, &report, compared.as_ref())?;
    } else {
        report_files::write(&path, &report, compared.as_ref())?;
    }
    terminal::print(&report, &path, None);
    if let Some(compared) = &compared {
        terminal::print_comparison(compared, &path);
    }
    Ok(ExitCode::Met)
}

/// The report of that name; of a run whose command ended before there was one, what its evidence says.
async fn find(name: &str) -> anyhow::Result<(PathBuf, Report)> {
    let has_report = reports::place(name).is_some_and(|path| !path.ends_with(EVIDENCE));
    if has_report || reports::evidence_alone(name).is_none() {
        return reports::find(name);
    }
    // A run that is about to write its report has the lock, and may have written it meanwhile.
    let _lock = Lock::take(&workspace::command_lock(), "cargo xtask report")
        .context("a load test runs in this clone: wait for it")?;
    let Some(path) = reports::evidence_alone(name) else { return reports::find(name) };
    let mut report = reports::judge_evidence(reports::read_evidence(&path)?)?;
    let message = "the command ended before it proved the run: this report is made from its evidence";
    report.conclude([Finding::problem(ExitCode::Interrupted, Subject::Run, FindingKind::Interrupted, message)]);
    Ok((path.with_file_name(REPORT), report))
}
