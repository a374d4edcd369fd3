//! What a workflow of GitHub shows of a run: the job's page, and annotations.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use monitoring::comparison::Gravity;
use monitoring::run::ExitCode;
use monitoring::{markdown, pages};

use crate::terminal::say;
use crate::workspace;

/// Puts the summary beside a report on the job's page, where a workflow of GitHub runs us.
pub(crate) fn on_job_page(report: &Path) -> anyhow::Result<()> {
    let Some(page) = workspace::var("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let path = report.with_file_name(pages::MARKDOWN);
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
    let report = workspace::perf().join("stopped").join("report.json");
    let folder = report.with_file_name("");
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(report.with_file_name(pages::MARKDOWN), markdown::of_stop(code, message)))
        .map_err(anyhow::Error::from)
        .and_then(|()| on_job_page(&report));
    if let Err(error) = written {
        eprintln!("warning: the job's page does not say so: {error:#}");
    }
    annotate("stopped", &[format!("problem: {message}")]);
}

/// Says the same to a workflow of GitHub, which shows it at the head of the job and with the pull request.
/// (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>)
pub(crate) fn annotate(scenario: &str, sentences: &[String]) {
    if workspace::var("GITHUB_ACTIONS").is_some() {
        sentences.iter().for_each(|sentence| say(&annotation(scenario, sentence)));
    }
}

fn annotation(scenario: &str, sentence: &str) -> String {
    let level = match Gravity::of(sentence) {
        Gravity::Grave => "error",
        Gravity::Warning => "warning",
        Gravity::Good => "notice",
    };
    let text = sentence.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = format!("perf {scenario}").replace('%', "%25").replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_and_one_command() {
        let sentence = "missed: a promised 95 %\n::error::injected";
        assert_eq!(
            annotation("a,b:c", sentence),
            "::error title=perf a%2Cb%3Ac::missed: a promised 95 %25%0A::error::injected"
        );
        assert!(annotation("a", "missed (warns only): b").starts_with("::warning "));
        assert!(annotation("a", "improved: b").starts_with("::notice "));
    }
}
