//! What a workflow of GitHub shows of a run: the job's page, and annotations.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::render::{files, markdown};

use crate::terminal::say;
use crate::workspace;

/// Puts the summary beside a report on the job's page, where a workflow of GitHub runs us.
pub(crate) fn on_job_page(report: &Path) -> anyhow::Result<()> {
    let Some(page) = workspace::var("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let path = report.with_file_name(files::MARKDOWN);
    let markdown = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let appended =
        fs::OpenOptions::new().append(true).create(true).open(&page).and_then(|mut page| page.write_all(&markdown));
    appended.with_context(|| format!("failed to write {page}, the job's summary (GITHUB_STEP_SUMMARY)"))
}

/// Leaves word of a command that came to nothing on the job's page, as an annotation, and for the comment, which would say what an older
/// run found otherwise. Only in a workflow of GitHub.
pub(crate) fn stopped(code: ExitCode, message: &str) {
    if workspace::var("GITHUB_ACTIONS").is_none() {
        return;
    }
    let finding = Finding::problem(code, Subject::Run, FindingKind::Other, message);
    let report = workspace::perf().join("stopped").join("report.json");
    let folder = report.with_file_name("");
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(report.with_file_name(files::MARKDOWN), markdown::render_stop(&finding)))
        .map_err(anyhow::Error::from)
        .and_then(|()| on_job_page(&report));
    if let Err(error) = written {
        eprintln!("warning: the job's page does not say so: {error:#}");
    }
    annotate("stopped", &[finding]);
}

/// Says the same to a workflow of GitHub, which shows it at the head of the job and with the pull request.
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>)
pub(crate) fn annotate(scenario: &str, findings: &[Finding]) {
    if workspace::var("GITHUB_ACTIONS").is_some() {
        findings.iter().for_each(|finding| say(&annotation(scenario, finding)));
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
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_and_one_command() {
        let finding = |severity, kind, message| Finding::new(severity, Subject::Run, kind, message);
        let missed = finding(Severity::Problem, FindingKind::Missed, "a promised 95 %\n::error::injected");
        assert_eq!(
            annotation("a,b:c", &missed),
            "::error title=perf a%2Cb%3Ac::missed: a promised 95 %25%0A::error::injected"
        );
        let warns = finding(Severity::Warning, FindingKind::MissedWarnsOnly, "b");
        assert!(annotation("a", &warns).starts_with("::warning "));
        assert!(annotation("a", &finding(Severity::Good, FindingKind::Improved, "b")).starts_with("::notice "));
    }
}
