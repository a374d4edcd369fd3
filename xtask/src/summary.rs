//! What stands on the terminal when a run is over: the table, where to look, and the exit code in words.

use std::fs;
use std::io::{IsTerminal as _, Write as _, stdout};
use std::path::Path;

use anyhow::Context as _;
use dashboards::service_dashboard;
use perf_report::Report;
use perf_report::comparison::Comparison;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::render::{files, markdown, terminal};
use url::Url;

use crate::workspace;

/// Prints a run's result.
pub(crate) fn print(report: &Report, path: &Path, grafana: Option<&Url>) {
    let color = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    let link = grafana.and_then(|grafana| dashboard_link(grafana, report));
    let link = link.map(|link| format!("dashboard  {link}\n")).unwrap_or_default();
    say(&format!(
        "\n{}\n\n{link}report     {}",
        terminal::render_run(report, color),
        path.with_file_name(files::HTML).display()
    ));
}

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

/// Prints what a comparison came to.
pub(crate) fn print_comparison(compared: &Comparison, path: &Path) {
    let color = stdout().is_terminal() && workspace::var("NO_COLOR").is_none();
    say(&format!("\n{}\n\ncomparison {}", terminal::render_comparison(compared, color), path.display()));
}

/// The last line of a command: its exit code, and what that says.
pub(crate) fn print_code(code: ExitCode) {
    say(&format!("exit {}    {}", code.code(), code.describe()));
}

/// Prints a line. Fails only if nobody reads any more, which is no reason to leave a stack behind.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

/// The dashboard with this run chosen and its window set: from a moment before it to its very end, where panels of one
/// value look back from.
pub(crate) fn dashboard_link(grafana: &Url, report: &Report) -> Option<Url> {
    let uid = service_dashboard::uid(&report.service);
    let mut link = grafana.join(&format!("d/{uid}")).ok()?;
    // People's browsers know the name, and a session's cookie goes with it.
    link.set_host(Some("localhost")).ok()?;
    let (from, to) = window(report);
    link.query_pairs_mut()
        .append_pair("from", &from.to_string())
        .append_pair("to", &to.to_string())
        .append_pair("var-testid", &report.testid)
        .extend_pairs(report.scenarios().into_iter().map(|scenario| ("var-scenario", scenario)));
    Some(link)
}

/// From when to when a run is looked at, Unix milliseconds.
pub(crate) fn window(report: &Report) -> (i64, i64) {
    const MARGIN_MS: i64 = 5_000;
    (report.started_unix_ms - MARGIN_MS, report.series_end_unix_ms())
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

    #[test]
    fn the_link_is_set_to_the_run() {
        let report = test_support::report();
        let link = dashboard_link(&Url::parse("http://127.0.0.1:3001/").unwrap(), &report).unwrap();
        let query = "from=1795411852600&to=1795411888137&var-testid=20261123-053057-basic-df39&var-scenario=basic";
        assert_eq!(link.as_str(), format!("http://localhost:3001/d/stock-ai-multiplayer?{query}"));
    }
}
