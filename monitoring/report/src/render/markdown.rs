//! `summary.md`: a run or a comparison for a page that shows Markdown, such as the summary of a
//! GitHub job.
//!
//! It uses GitHub's dialect: tables, and code blocks for text from outside
//! (<https://github.github.com/gfm/>). The summary of a job may have 1 MiB.

use std::fmt::Write as _;

use super::below_headline::{below_table, beside, comparison_below_headline};
use super::rows::{self, ObjectiveRow, ObjectiveRows};
use super::terminal::TerminalStyle;
use crate::Report;
use crate::comparison::Comparison;
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::findings::{describe_failures, lines, table_notes};
use crate::format::{count, counted};
use crate::headline::{Headline, failure_in_headline, is_about_comparison};
use crate::judgement::ObjectiveResult;
use crate::mark::{LoadEnd, Mark};

/// Summary of a run: the verdict, then objectives, then findings.
pub fn render_run(report: &Report) -> String {
    let headline = Headline::new(report);
    let mut text = heading(report.exit_code, &headline.verdict);
    text.extend(headline.below().map(paragraph));
    if report.was_loaded() {
        let (sent, failed) = (counted(report.requests.sent, "request"), count(report.requests.failed));
        let _ = writeln!(text, "{}: {sent}, {failed} failed.\n", escaped(&report.run.load));
        text.push_str(&objectives(&report.objectives, report.load_end()));
        let causes = describe_failures(report, failure_in_headline(report));
        if !causes.is_empty() {
            text.push_str("\nFailed requests:\n");
            text.push_str(&fence(&causes.join("\n")));
        }
    }
    text.push_str(&block(&below_table(report)));
    text.truncate(text.trim_end().len());
    let _ = writeln!(
        text,
        "\n\nRun {}, seed {}, {}.",
        code(&report.run.testid),
        report.run.seed,
        escaped(&report.run.started)
    );
    text
}

/// Summary of a run and of its comparison with a baseline.
pub fn render_compared_run(report: &Report, compared: &Comparison) -> String {
    let comparison = match is_about_comparison(report) {
        true => format!("### Comparison\n\n{}", render_details(compared)),
        false => render_below(&Headline::for_baseline(compared), compared),
    };
    format!("{}\n{comparison}", render_run(&beside(report, Some(compared))))
}

/// Summary of a comparison: the verdict, then endpoints, objectives of the head, and findings.
pub fn render_comparison(compared: &Comparison) -> String {
    render_below(&Headline::for_comparison(compared), compared)
}

/// Summary of a comparison below this headline.
fn render_below(headline: &Headline, compared: &Comparison) -> String {
    let mut text = heading(compared.exit_code, &headline.verdict);
    text.extend(headline.below().map(paragraph));
    text + &render_details(compared)
}

/// Summary of a comparison without its verdict, and without the finding in it.
fn render_details(compared: &Comparison) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{}: {}.\n\n- base: {}\n- head: {}\n",
        escaped(&compared.load),
        compared.describe_pairs(),
        code(&compared.base),
        code(&compared.head)
    );
    text.push_str("| | endpoint | p95 before | after | change | interval |\n|---|---|---:|---:|---:|---:|\n");
    for endpoint in &compared.endpoints {
        let Mark { emoji, word, .. } = endpoint.conclusion.into();
        let (name, cells) = (escaped(&endpoint.name), endpoint.p95_cells().join(" | "));
        let _ = writeln!(text, "| {emoji} {word} | {name} | {cells} |");
    }
    for line in compared.legend(&[]) {
        let _ = writeln!(text, "\n*{line}*");
    }
    if !compared.objectives.is_empty() {
        text.push_str("\nObjectives of the head, over all its rounds:\n\n");
        text.push_str(&objectives(&compared.objectives, LoadEnd::Planned));
    }
    text.push_str(&block(&comparison_below_headline(compared)));
    text
}

/// Summary of a command that ended early, with the reason.
pub fn render_stop(finding: &Finding) -> String {
    let code = finding.exit_code.unwrap_or(ExitCode::Internal);
    heading(code, &format!("perf: {}", code.describe_stop())) + &fence(&finding.message)
}

/// Text from outside as a paragraph.
fn paragraph(text: &str) -> String {
    format!("{}\n\n", TerminalStyle::PLAIN.wrap(&escaped(text)))
}

fn heading(code: ExitCode, verdict: &str) -> String {
    format!("## {} {}\n\n", Mark::from(code).emoji, escaped(verdict))
}

fn objectives(objectives: &[ObjectiveResult], end: LoadEnd) -> String {
    let ObjectiveRows { rows, counted } = rows::judged(objectives, end);
    let mut text = format!("| | endpoint | objective | measured | {counted} | good |\n|---|---|---|---:|---:|---:|\n");
    for row in rows {
        let ObjectiveRow { mark: Mark { emoji, word, .. }, measured, good, counted, .. } = row;
        let (endpoint, objective) = (escaped(row.endpoint), escaped(row.objective));
        let _ = writeln!(text, "| {emoji} {word} | {endpoint} | {objective} | {measured} | {counted} | {good} |");
    }
    for note in table_notes(objectives, end) {
        let _ = writeln!(text, "\n*{}*", escaped(&note));
    }
    text
}

/// Findings in a code block, because they may contain any text.
fn block(findings: &[Finding]) -> String {
    if findings.is_empty() { String::new() } else { fence(&lines(findings)) }
}

/// Any text in a code block, with lines that need no scrolling. The fence is longer than any fence
/// in the text.
pub fn fence(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let text = TerminalStyle::PLAIN.wrap(&text);
    let fence = longer_fence(&text, 2);
    format!("\n{fence}text\n{text}\n{fence}\n")
}

/// Text from outside as inline code, so that a name in a commit's subject does not notify anybody.
fn code(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let fence = longer_fence(&text, 0);
    format!("{fence} {text} {fence}")
}

/// More backticks than `least` and than any run of them in the text.
fn longer_fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(least) + 1)
}

/// Text from outside with the special characters of Markdown and HTML escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
