//! GitHub Actions: the job's page and annotations.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::render::files;

use crate::host::terminal::{print_line, print_note};
use crate::host::workspace;
use crate::runs::report_files;

/// Appends the summary beside a report to the job's page. Does nothing outside of GitHub Actions.
pub(crate) fn append_to_job_page(report: &Path) -> anyhow::Result<()> {
    let Some(page) = workspace::var("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let path = report.with_file_name(files::MARKDOWN);
    let markdown = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let appended =
        fs::OpenOptions::new().append(true).create(true).open(&page).and_then(|mut page| page.write_all(&markdown));
    appended.with_context(|| format!("failed to write {page}, the job's summary (GITHUB_STEP_SUMMARY)"))
}

/// Reports a command that failed without a report: on the job's page, as an annotation, and for the
/// comment. Otherwise the comment would show an older run. Does nothing outside of GitHub Actions.
pub(crate) fn report_stop(code: ExitCode, message: &str) {
    if workspace::var("GITHUB_ACTIONS").is_none() {
        return;
    }
    let finding = Finding::problem(code, Subject::Run, FindingKind::Other, message);
    let report = workspace::state_folder().join("stopped").join("report.json");
    let written = report_files::write_stop(&report, &finding);
    if let Err(error) = written.and_then(|()| append_to_job_page(&report)) {
        print_note(&format!("warning: failed to report this error on the job's page: {error:#}"));
    }
    annotate("stopped", &[finding]);
}

/// Prints findings as annotations, which GitHub shows on the job's page and in the pull request.
/// Does nothing outside of GitHub Actions.
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>)
pub(crate) fn annotate(scenario: &str, findings: &[Finding]) {
    if workspace::var("GITHUB_ACTIONS").is_some() {
        findings.iter().for_each(|finding| print_line(&annotation(scenario, finding)));
    }
}

fn annotation(scenario: &str, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Problem => "error",
        Severity::Warning => "warning",
        Severity::Good => "notice",
    };
    let text = finding.to_string().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = format!("perf {scenario}").replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{text}")
}

#[cfg(test)]
mod tests;
