//! `report.html`: a run or a comparison as one file that needs no network.
//!
//! The same report gives the same bytes. Verdict first; charts are SVG with their figures in a table beside them; the script shows
//! figures under the pointer and nothing depends on it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Report;
use crate::comparison::Comparison;
use crate::exit_code::ExitCode;
use crate::mark::{Mark, Tone};

mod chart;
mod compared;
mod figures;
mod sections;

pub use figures::operating_characteristic;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

/// The class of the style sheet for a tone.
const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "ok",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
        Tone::Quiet => "none",
    }
}

/// The page of a run, with what it was compared with, if it was.
pub fn render_run(report: &Report, compared: Option<&Comparison>) -> String {
    let words = report.exit_code.describe();
    let title = format!("{}: {words}", report.scenario);
    let body = html! {
        (head(report.exit_code, &report.scenario, words, &html! {
            p class="sub" { b { (report.load) } " on " (report.target) }
            p class="sub" {
                (report.started) " to " (report.ended) ", run " b { (report.testid) } ", seed " (report.seed)
                @for (name, value) in &report.tags { ", " (name) "=" (value) }
            }
            p class="sub" { (counts(report)) }
        }))
        (contents(compared.is_some()))
        (sections::findings(report))
        (sections::objectives("objectives", "Objectives", &report.objectives))
        @if let Some(compared) = compared { (compared::section(compared)) }
        (sections::latency(report))
        (sections::load(report))
        (sections::errors(report))
        (sections::budgets(report))
        (sections::environment(report))
    };
    page(&title, &body)
}

/// The page of a comparison.
pub fn render_comparison(compared: &Comparison) -> String {
    let title = format!("{}: {}", compared.scenario, compared.describe());
    let body = html! {
        (head(compared.exit_code, &compared.scenario, compared.describe(), &html! {
            p class="sub" { b { (compared.load) } ", " (compared.pairs) " rounds of each side" }
            p class="sub" { "base: " b { (compared.base) } }
            p class="sub" { "head: " b { (compared.head) } }
        }))
        (compared::findings(compared))
        (compared::section(compared))
        @if !compared.objectives.is_empty() {
            (sections::objectives("objectives", "The head's objectives, over all its rounds", &compared.objectives))
        }
    };
    page(&title, &body)
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

fn head(code: ExitCode, scenario: &str, words: &str, rest: &Markup) -> Markup {
    let Mark { sign, tone, .. } = code.into();
    html! {
        header class=(class(tone)) {
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
    use crate::finding::{Finding, FindingKind, Subject};

    fn report() -> Report {
        Report::sample_over_time()
    }

    #[test]
    fn a_page_is_the_same_each_time_and_whole() {
        let text = render_run(&report(), None);
        assert_eq!(text, render_run(&report(), None));
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
        assert!(!render_run(&report, None).contains("load allowed to"), "most runs stay at home");
        report.environment.allowed_targets = vec!["perf.example".to_owned()];
        assert!(render_run(&report, None).contains("load allowed to</th><td class=\"wrap\">perf.example"));
    }

    #[test]
    fn what_a_target_says_stays_text() {
        let mut report = report();
        let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        report.target = hostile.to_owned();
        report.findings.push(Finding::warning(Subject::Store, FindingKind::StoreNotAsked, hostile));
        let subject = Subject::Objective(hostile.to_owned());
        report.findings.push(Finding::problem(ExitCode::Inconclusive, subject, FindingKind::SetupFailed, hostile));
        report.endpoints[0].by_status.insert(hostile.to_owned(), 3);
        report.endpoints[0].requests.failed = 3;
        report.tags.insert("a".to_owned(), hostile.to_owned());
        report.environment.command = hostile.to_owned();
        report.environment.allowed_targets = vec![hostile.to_owned()];
        let mut compared = Comparison::sample();
        for text in [&mut compared.name, &mut compared.base, &mut compared.head] {
            *text = hostile.to_owned();
        }
        compared.endpoints[0].name = hostile.to_owned();
        compared.scenario = hostile.to_owned();
        let text = render_comparison(&compared);
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "injected");
        let text = render_run(&report, Some(&compared));
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "injected");
        assert_eq!(text.matches("<script>").count(), 1);
    }
}
