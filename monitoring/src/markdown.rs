//! `summary.md`: a run or a comparison for a page that shows Markdown, such as the summary of a GitHub job.
//!
//! GitHub's dialect: tables, and code blocks for what is not ours (<https://github.github.com/gfm/>). A job's summary may have 1 MiB.

use std::fmt::Write as _;

use crate::comparison::{self, Comparison};
use crate::gate::Finding;
use crate::judgement::{ObjectiveResult, Report, Word};
use crate::run::ExitCode;
use crate::slo::Severity;
use crate::table;

/// A run: verdict first, then each objective, then what went wrong.
pub fn of_run(report: &Report) -> String {
    let words = ExitCode::from_code(report.exit_code).map_or("ended with an error", ExitCode::words);
    let mut text = heading(report.exit_code, &report.scenario, words);
    let _ = writeln!(
        text,
        "{}: {} requests, {} failed.\n",
        escaped(&report.load),
        report.requests.sent,
        report.requests.failed
    );
    text.push_str(&objectives(&report.objectives));
    text.push_str(&block(&table::sentences(report)));
    let _ = writeln!(text, "\nRun {}, seed {}, {}.", code(&report.testid), report.seed, escaped(&report.started));
    text
}

/// A comparison: verdict first, then each endpoint, the head's objectives, and what went wrong.
pub fn of_comparison(compared: &Comparison) -> String {
    let mut text = heading(compared.exit_code, &compared.scenario, compared.words());
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
        let sign = match endpoint.finding {
            Finding::Regressed => "❌",
            Finding::TooLittleData => "❔",
            Finding::Improved | Finding::NoChangeSeen => "✅",
        };
        let [before, after, change, interval] = comparison::cells(endpoint);
        let name = escaped(&endpoint.name);
        let _ = writeln!(
            text,
            "| {sign} {} | {name} | {before} | {after} | {change} | {interval} |",
            endpoint.finding.words()
        );
    }
    if !compared.objectives.is_empty() {
        text.push_str("\nThe head's objectives, over all its rounds:\n\n");
        text.push_str(&objectives(&compared.objectives));
    }
    text.push_str(&block(&comparison::sentences(compared)));
    text
}

/// A command that came to nothing: why.
pub fn of_stop(code: ExitCode, message: &str) -> String {
    heading(code.code(), "perf", code.words()) + &block(&[message.to_owned()])
}

fn heading(code: u8, scenario: &str, words: &str) -> String {
    let sign = match ExitCode::from_code(code) {
        Some(ExitCode::Met) => "✅",
        Some(ExitCode::Inconclusive) => "❔",
        _ => "❌",
    };
    format!("## {sign} {}: {words}\n\n", escaped(scenario))
}

fn objectives(objectives: &[ObjectiveResult]) -> String {
    let mut text = "| | endpoint | promised | seen | good | of |\n|---|---|---|---:|---:|---:|\n".to_owned();
    for objective in objectives.iter().filter(|objective| objective.verdict != Word::NotInScenario) {
        let sign = match (objective.verdict, objective.severity) {
            (Word::Met, _) => "✅ met",
            (Word::Missed, Severity::Error) => "❌ missed",
            (Word::Missed, Severity::Warn) => "⚠️ missed, warns only",
            _ => "❔ inconclusive",
        };
        let _ = writeln!(
            text,
            "| {sign} | {} | {} | {} | {} | {} |",
            escaped(&objective.subject),
            escaped(&objective.promise),
            table::seen(objective).unwrap_or_default(),
            objective.good,
            objective.total
        );
    }
    text
}

/// Sentences that may hold anything, in a fence that is longer than any in them.
pub fn block(sentences: &[String]) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let text: String = sentences.join("\n").chars().filter(|c| *c == '\n' || !c.is_control()).collect();
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
        let mut report: Report = serde_json::from_str(include_str!("../tests/report.json")).unwrap();
        report.objectives[0].verdict = Word::Missed;
        report.exit_code = 99;
        insta::assert_snapshot!(of_run(&report));
    }

    #[test]
    fn what_others_wrote_stays_text() {
        assert_eq!(
            escaped("a|b <img src=x> [l](u) `c` @all\n\u{1b}[31m"),
            "a\\|b &lt;img src=x> \\[l\\](u) \\`c\\` \\@all\\[31m"
        );
        assert_eq!(code("main (0123456 thanks @all `x`)"), "`` main (0123456 thanks @all `x`) ``");
        let fenced = block(&["```\n# not a heading\n````".to_owned()]);
        assert!(fenced.starts_with("\n`````text\n") && fenced.ends_with("\n`````\n"), "{fenced}");
    }
}
