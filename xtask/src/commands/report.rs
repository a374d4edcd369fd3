//! `cargo xtask report`: writes the files of a report again, and prints its table.

use anyhow::anyhow;
use perf_host::{Lock, LockError};
use perf_report::exit_code::ExitCode;
use perf_report::finding::Finding;
use perf_report::render::files::{EVIDENCE, HTML, REPORT};
use perf_report::render::terminal::RunResult;

use crate::flags::setting_args::{ReportFolder, SettingArgs};
use crate::flags::values::ProductionArgs;
use crate::host::{terminal, workspace};
use crate::refusal::refuse;
use crate::runs::report_files;
use crate::runs::report_index::ReportIndex;
use crate::runs::reports::{self, RecordedReport};

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Run, comparison or baseline: latest, a testid, a name or a file
    ///
    /// A name is that of a comparison or baseline. A file is a report.json, comparison.json or
    /// evidence.json.
    #[arg(value_name = "TESTID")]
    report: String,
    #[command(flatten)]
    out: SettingArgs<ReportFolder>,
    #[command(flatten)]
    production: ProductionArgs,
}

pub(crate) async fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let index = ReportIndex::new(args.out.folder());
    if let Some((path, compared)) = index.find_comparison(&args.report)? {
        report_files::write_comparison(&path, &compared)?;
        terminal::print_comparison(&compared, &path);
        return Ok(ExitCode::Met);
    }
    let RecordedReport { path, report } = find(&index, &args.report).await.map_err(refuse)?;
    let report = report.for_requests_per_day(args.production.requests_per_day);
    let compared = reports::comparison_beside(&path)?;
    if path.exists() && args.production.requests_per_day.is_none() {
        report_files::write_beside(&path, &report, compared.as_ref())?;
    } else {
        report_files::write(&path, &report, compared.as_ref())?;
    }
    let compared = compared.as_ref();
    let html = path.with_file_name(HTML).display().to_string();
    terminal::print_run(&RunResult { report: &report, proof: None, compared, dashboard: None, html: &html });
    Ok(ExitCode::Met)
}

/// The path and the report of a name.
///
/// If a run's command was killed before it wrote the report, the report is made from its evidence.
async fn find(index: &ReportIndex, name: &str) -> anyhow::Result<RecordedReport> {
    let has_report = index.find_path(name).is_some_and(|path| !path.ends_with(EVIDENCE));
    if has_report || index.find_unjudged_evidence(name).is_none() {
        return index.find(name);
    }
    // A running command has the lock. It may write the report before it releases the lock.
    let _lock = Lock::take_for_load(&workspace::state_folder(), "cargo xtask report").map_err(|error| match error {
        LockError::InUse(holder) => {
            anyhow!("{holder} runs in this clone and may write this report: wait for it, then repeat the command")
        }
        error => error.into(),
    })?;
    let Some(path) = index.find_unjudged_evidence(name) else { return index.find(name) };
    let judged = reports::judge_evidence(reports::read_evidence(&path)?)?;
    let message = "the command ended before it proved the run: this report is made from its evidence";
    Ok(RecordedReport { path: path.with_file_name(REPORT), report: judged.conclude([Finding::interrupted(message)]) })
}
