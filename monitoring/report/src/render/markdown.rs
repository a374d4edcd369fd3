//! `summary.md`: a run or a comparison for a page that shows Markdown, such as the summary of a GitHub job.
//!
//! GitHub's dialect: tables, and code blocks for what is not ours (<https://github.github.com/gfm/>). A job's summary may have 1 MiB.

use std::fmt::Write as _;

use crate::comparison::{Comparison, SidesP95};
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::findings::{comparison_findings, measured, run_findings};
use crate::mark::Mark;
use crate::verdict::{Tally, Verdict};
use crate::{ObjectiveResult, Report};

/// A run: verdict first, then each objective, then what went wrong.
pub fn render_run(report: &Report) -> String {
    let mut text = heading(report.exit_code, &report.scenario, report.exit_code.describe());
    let _ = writeln!(
        text,
        "{}: {} requests, {} failed.\n",
        escaped(&report.load),
        report.requests.sent,
        report.requests.failed
    );
    text.push_str(&objectives(&report.objectives));
    text.push_str(&block(&run_findings(report)));
    let _ = writeln!(text, "\nRun {}, seed {}, {}.", code(&report.testid), report.seed, escaped(&report.started));
    text
}

/// A comparison: verdict first, then each endpoint, the head's objectives, and what went wrong.
pub fn render_comparison(compared: &Comparison) -> String {
    let mut text = heading(compared.exit_code, &compared.scenario, compared.describe());
    let _ = writeln!(
        text,
        "{} rounds of each side ({}).\n\n- base: {}\n- head: {}\n",
        compared.pairs,
        escaped(&compared.load),
        code(&compared.base),
        code(&compared.head)
    );
    text.push_str("| | endpoint | p95 before | after | change | interval |\n|---|---|---:|---:|---:|---:|\n");
    for endpoint in &compared.endpoints {
        let Mark { emoji, word, .. } = endpoint.conclusion.into();
        let SidesP95 { before, after, change, interval } = SidesP95::new(endpoint);
        let name = escaped(&endpoint.name);
        let _ = writeln!(text, "| {emoji} {word} | {name} | {before} | {after} | {change} | {interval} |");
    }
    if !compared.objectives.is_empty() {
        text.push_str("\nThe head's objectives, over all its rounds:\n\n");
        text.push_str(&objectives(&compared.objectives));
    }
    text.push_str(&block(&comparison_findings(compared)));
    text
}

/// A command that came to nothing: why.
pub fn render_stop(finding: &Finding) -> String {
    let code = finding.exit_code.unwrap_or(ExitCode::Internal);
    heading(code, "perf", code.describe()) + &fence(&finding.message)
}

fn heading(code: ExitCode, scenario: &str, words: &str) -> String {
    format!("## {} {}: {words}\n\n", Mark::from(code).emoji, escaped(scenario))
}

fn objectives(objectives: &[ObjectiveResult]) -> String {
    let mut text = "| | endpoint | promised | seen | good | of |\n|---|---|---|---:|---:|---:|\n".to_owned();
    for objective in objectives.iter().filter(|objective| objective.verdict != Verdict::NotInScenario) {
        let mark = Mark::from(objective);
        let counts = |count: fn(&Tally) -> u64| objective.tally().map(|it| count(it).to_string()).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {} |",
            mark.emoji,
            mark.word_and_note(),
            escaped(&objective.subject),
            escaped(&objective.objective),
            measured(objective).unwrap_or_default(),
            counts(|tally| tally.good),
            counts(|tally| tally.total),
        );
    }
    text
}

/// Findings, which may hold anything.
fn block(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    if lines.is_empty() { String::new() } else { fence(&lines.join("\n")) }
}

/// Text that may hold anything, in a fence that is longer than any in it.
pub fn fence(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}text\n{text}\n{fence}\n")
}

/// Text that is not ours as code: a name in a commit's subject is nobody who is to be told.
fn code(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

/// Text that is not ours, as text: what means something to Markdown or HTML does not.
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
mod tests {
    use super::*;

    #[test]
    fn a_run_is_a_page() {
        let mut report = Report::sample();
        report.objectives[0].verdict = Verdict::Missed;
        report.exit_code = ExitCode::Missed;
        insta::assert_snapshot!(render_run(&report));
    }

    #[test]
    fn what_others_wrote_stays_text() {
        assert_eq!(
            escaped("a|b <img src=x> [l](u) `c` @all\n\u{1b}[31m"),
            "a\\|b &lt;img src=x> \\[l\\](u) \\`c\\` \\@all\\[31m"
        );
        assert_eq!(code("main (0123456 thanks @all `x`)"), "`` main (0123456 thanks @all `x`) ``");
        let fenced = fence("```\n# not a heading\n````");
        assert!(fenced.starts_with("\n`````text\n") && fenced.ends_with("\n`````\n"), "{fenced}");
    }
}
