//! `report.html`: a run or a comparison as one file that needs no network.
//!
//! The same report gives the same bytes. Verdict first; charts are SVG with their figures in a table beside them; the script shows
//! figures under the pointer and nothing depends on it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::comparison::Comparison;
use crate::judgement::{Report, Word};
use crate::run::ExitCode;
use crate::slo::Severity;

mod chart;
mod compared;
mod figures;
mod sections;

pub use figures::operating_characteristic;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

/// How well something stands: a class of the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Ok,
    Warn,
    Bad,
    None,
}

impl Look {
    const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::None => "none",
        }
    }

    const fn of_code(code: Option<ExitCode>) -> Self {
        match code {
            Some(ExitCode::Met) => Self::Ok,
            Some(ExitCode::Inconclusive) => Self::Warn,
            _ => Self::Bad,
        }
    }

    const fn of_verdict(verdict: Word, severity: Severity) -> Self {
        match (verdict, severity) {
            (Word::Met, _) => Self::Ok,
            (Word::Missed, Severity::Error) => Self::Bad,
            (Word::Missed, Severity::Warn) | (Word::Inconclusive, _) => Self::Warn,
            (Word::NotInScenario, _) => Self::None,
        }
    }
}

/// The page of a run, with what it was compared with, if it was.
pub fn of_run(report: &Report, compared: Option<&Comparison>) -> String {
    let code = ExitCode::from_code(report.exit_code);
    let title = format!("{}: {}", report.scenario, verdict(code));
    let body = html! {
        (head(code, &report.scenario, verdict(code), &html! {
            p class="sub" { b { (report.load) } " on " (report.target) }
            p class="sub" {
                (report.started) " to " (report.ended) ", run " b { (report.testid) } ", seed " (report.seed)
                @for (name, value) in &report.tags { ", " (name) "=" (value) }
            }
            p class="sub" { (counts(report)) }
        }))
        (contents(compared.is_some()))
        (sections::said(report))
        (sections::objectives("objectives", "Objectives", &report.objectives))
        @if let Some(compared) = compared { (compared::section(compared)) }
        (sections::course(report))
        (sections::load(report))
        (sections::errors(report))
        (sections::budgets(report))
        (sections::environment(report))
    };
    page(&title, &body)
}

/// The page of a comparison.
pub fn of_comparison(compared: &Comparison) -> String {
    let code = ExitCode::from_code(compared.exit_code);
    let title = format!("{}: {}", compared.scenario, compared.words());
    let body = html! {
        (head(code, &compared.scenario, compared.words(), &html! {
            p class="sub" { b { (compared.load) } ", " (compared.pairs) " rounds of each side" }
            p class="sub" { "base: " b { (compared.base) } }
            p class="sub" { "head: " b { (compared.head) } }
        }))
        (compared::said(compared))
        (compared::section(compared))
        @if !compared.objectives.is_empty() {
            (sections::objectives("objectives", "The head's objectives, over all its rounds", &compared.objectives))
        }
    };
    page(&title, &body)
}

fn verdict(code: Option<ExitCode>) -> &'static str {
    code.map_or("ended with an error", ExitCode::words)
}

fn counts(report: &Report) -> String {
    let Report { requests, iterations, .. } = report;
    let mut text =
        format!("{} requests, {} of them failed; {} iterations", requests.sent, requests.failed, iterations.completed);
    if requests.unknown > 0 {
        text.push_str(&format!("; {} requests of which nobody knows", requests.unknown));
    }
    text
}

fn head(code: Option<ExitCode>, scenario: &str, words: &str, rest: &Markup) -> Markup {
    let (look, sign) = match Look::of_code(code) {
        Look::Ok => (Look::Ok, "✓"),
        Look::Warn => (Look::Warn, "?"),
        other => (other, "✗"),
    };
    html! {
        header class=(look.class()) {
            h1 { span class="sign" aria-hidden="true" { (sign) } (scenario) ": " (words) }
            (rest)
        }
    }
}

fn contents(compared: bool) -> Markup {
    html! {
        nav aria-label="sections" {
            a href="#objectives" { "Objectives" }
            @if compared { a href="#comparison" { "Comparison" } }
            a href="#latency" { "Latency" }
            a href="#load" { "Load" }
            a href="#errors" { "Errors" }
            a href="#budgets" { "Error budgets" }
            a href="#environment" { "Environment" }
        }
    }
}

fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // Nothing is loaded from anywhere, whatever a target's text may try.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { (body) }
                div id="tip" role="presentation" {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
        + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::{About, Method, Pair};
    use crate::gate::Rule;

    fn report() -> Report {
        serde_json::from_str(include_str!("../tests/course.json")).unwrap()
    }

    #[test]
    fn a_page_is_the_same_each_time_and_whole() {
        let text = of_run(&report(), None);
        assert_eq!(text, of_run(&report(), None));
        for part in ["<!DOCTYPE html>", "id=\"objectives\"", "id=\"latency\"", "id=\"environment\"", "<svg", "</html>"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("NaN") && !text.contains("http://www.w3.org/1999"), "no namespace that is not needed");
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !outside.contains("src=") && !outside.contains("url(") && !outside.contains("@import"),
            "a page that needs no network"
        );
    }

    #[test]
    fn a_page_names_hosts_that_load_was_allowed_to() {
        let mut report = report();
        assert!(!of_run(&report, None).contains("load allowed to"), "most runs stay at home");
        report.environment.allowed_targets = vec!["perf.example".to_owned()];
        assert!(of_run(&report, None).contains("load allowed to</th><td class=\"wrap\">perf.example"));
    }

    #[test]
    fn what_a_target_says_stays_text() {
        let mut report = report();
        let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        report.target = hostile.to_owned();
        report.warnings.push(hostile.to_owned());
        report.problems.push(crate::judgement::Problem::new(ExitCode::Inconclusive, hostile));
        report.endpoints[0].errors.insert(hostile.to_owned(), 3);
        report.tags.insert("a".to_owned(), hostile.to_owned());
        report.environment.command = hostile.to_owned();
        report.environment.allowed_targets = vec![hostile.to_owned()];
        let mut compared = Comparison::of(
            About {
                name: hostile.to_owned(),
                base: hostile.to_owned(),
                head: hostile.to_owned(),
                method: Method::Recorded,
                rule: Rule::default(),
                alpha: 0.05,
            },
            &[Pair { base: &report, head: &report }; 10],
        );
        compared.endpoints[0].name = hostile.to_owned();
        compared.scenario = hostile.to_owned();
        let text = of_comparison(&compared);
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "injected");
        let text = of_run(&report, Some(&compared));
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "injected");
        assert_eq!(text.matches("<script>").count(), 1);
    }
}
