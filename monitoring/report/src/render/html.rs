//! `report.html`: a run or a comparison as one file that needs no network.
//!
//! The same report gives the same bytes. The verdict comes first. Charts are SVG, each with a table
//! of its values. The script only shows values under the pointer; everything works without it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Report;
use crate::comparison::Comparison;
use crate::exit_code::ExitCode;
use crate::format::{count, counted};
use crate::headline::Headline;
use crate::mark::{Mark, Tone};

mod chart;
mod comparison;
mod figures;
mod sections;

pub use figures::operating_characteristic;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

/// CSS class of a tone.
const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "ok",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
        Tone::Quiet => "none",
    }
}

/// Page of a run, with its comparison if there is one.
pub fn render_run(report: &Report, compared: Option<&Comparison>) -> String {
    let headline = Headline::new(report);
    let loaded = report.was_loaded();
    let body = html! {
        (head(report.exit_code, &headline, &html! {
            p class="sub" { b { (report.run.load) } " on " (report.run.target) }
            p class="sub" {
                time { (report.run.started) } " to " time { (report.run.ended) } ", run " b { (report.run.testid) } ", seed " (report.run.seed)
                @for (name, value) in &report.run.tags { ", " (name) "=" (value) }
            }
            @if loaded { p class="sub" { (counts(report)) } }
        }))
        (contents(report, compared.is_some()))
        (sections::findings(report))
        @if loaded { (sections::objectives("objectives", "Objectives", &report.objectives)) }
        @if let Some(compared) = compared { (comparison::section(compared)) }
        @if loaded {
            (sections::latency(report))
            (sections::load(report))
        }
        @if has_errors(report) { (sections::errors(report)) }
        @if loaded { (sections::budgets(report)) }
        (sections::environment(report))
    };
    page(&headline.verdict, &body)
}

/// Page of a comparison.
pub fn render_comparison(compared: &Comparison) -> String {
    let headline = Headline::for_comparison(compared);
    let body = html! {
        (head(compared.exit_code, &headline, &html! {
            p class="sub" { b { (compared.load) } ", " (compared.describe_pairs()) }
            p class="sub" { "base: " b { (compared.base) } }
            p class="sub" { "head: " b { (compared.head) } }
        }))
        (comparison::findings(compared))
        (comparison::section(compared))
        @if !compared.objectives.is_empty() {
            (sections::objectives("objectives", "Objectives of the head, over all its rounds", &compared.objectives))
        }
    };
    page(&headline.verdict, &body)
}

fn counts(report: &Report) -> String {
    let Report { requests, iterations, .. } = report;
    let (sent, completed) = (counted(requests.sent, "request"), counted(iterations.completed, "iteration"));
    let mut text = format!("{sent}, {} failed; {completed}", count(requests.failed));
    if requests.unknown > 0 {
        text.push_str(&format!("; {}", counted(requests.unknown, "unknown request")));
    }
    text
}

fn head(code: ExitCode, headline: &Headline, rest: &Markup) -> Markup {
    let Mark { sign, tone, .. } = code.into();
    html! {
        header class=(class(tone)) {
            h1 { span class="sign" aria-hidden="true" { (sign) } (headline.verdict) }
            @for line in headline.cause.lines().chain(headline.advice.as_deref()) { p class="cause" { (line) } }
            (rest)
        }
    }
}

/// Whether the page has a section of errors: not if nothing was requested.
fn has_errors(report: &Report) -> bool {
    report.was_loaded() || !report.failures.is_empty()
}

/// Links to the sections of the page.
fn contents(report: &Report, compared: bool) -> Markup {
    let loaded = report.was_loaded();
    let sections = [
        (loaded, "objectives", "Objectives"),
        (compared, "comparison", "Comparison"),
        (loaded, "latency", "Latency"),
        (loaded, "load", "Load"),
        (has_errors(report), "errors", "Errors"),
        (loaded, "budgets", "Error budgets"),
        (true, "environment", "Environment"),
    ];
    html! {
        nav aria-label="sections" {
            @for (_, id, title) in sections.iter().filter(|(is_shown, ..)| *is_shown) {
                a href=(std::format!("#{id}")) { (title) }
            }
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
                // Nothing is loaded from elsewhere, even if text from a target tries to.
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
    use crate::evidence::AgentResult;
    use crate::finding::{Finding, FindingKind, Subject};

    fn report() -> Report {
        Report::sample_over_time()
    }

    #[test]
    fn a_page_is_complete_and_always_the_same() {
        let text = render_run(&report(), None);
        assert_eq!(text, render_run(&report(), None));
        for part in ["<!DOCTYPE html>", "id=\"objectives\"", "id=\"latency\"", "id=\"environment\"", "<svg", "</html>"]
        {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("NaN") && !text.contains("http://www.w3.org/1999"), "an unnecessary namespace");
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !outside.contains("src=") && !outside.contains("url(") && !outside.contains("@import"),
            "a page that needs the network"
        );
    }

    #[test]
    fn a_page_lists_allowed_targets_if_there_are_any() {
        let mut report = report();
        assert!(!render_run(&report, None).contains("allowed targets"), "there are none");
        report.run.environment.allowed_targets = vec!["perf.example".to_owned()];
        assert!(render_run(&report, None).contains("allowed targets</th><td class=\"wrap\">perf.example"));
    }

    #[test]
    fn a_page_lists_agents_if_there_are_any() {
        let mut report = report();
        assert!(!render_run(&report, None).contains("clock offset"), "there are none");
        report.run.agents = vec![agent("process 7 on node-3")];
        let page = render_run(&report, None);
        assert!(
            page.contains("clock offset") && page.contains("process 7 on node-3") && page.contains("at 00:03: gone")
        );
    }

    fn agent(place: &str) -> AgentResult {
        AgentResult {
            number: 1,
            place: Some(place.to_owned()),
            workers: 2,
            requests: 1234,
            failed: 5,
            cpu: Some(0.5),
            processor_s: Some(1.5),
            lateness_p99_ms: Some(0.4),
            clock_offset_ms: Some(-3.5),
            clock_error_ms: Some(0.1),
            start_skew_ms: 0.2,
            started: None,
            is_shard: false,
            lost: Some("at 00:03: gone".to_owned()),
        }
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let mut report = report();
        let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        report.run.target = hostile.to_owned();
        report.run.agents = vec![AgentResult { lost: Some(hostile.to_owned()), ..agent(hostile) }];
        report.findings.push(Finding::warning(Subject::Store, FindingKind::StoreNotAsked, hostile));
        let subject = Subject::Objective(hostile.to_owned());
        report.findings.push(Finding::problem(ExitCode::Inconclusive, subject, FindingKind::SetupFailed, hostile));
        report.endpoints[0].requests.failed = 3;
        report.run.tags.insert("a".to_owned(), hostile.to_owned());
        report.run.environment.command = hostile.to_owned();
        report.run.environment.allowed_targets = vec![hostile.to_owned()];
        let mut compared = Comparison::sample();
        for text in [&mut compared.name, &mut compared.base, &mut compared.head] {
            *text = hostile.to_owned();
        }
        compared.endpoints[0].name = hostile.to_owned();
        compared.scenario = hostile.to_owned();
        let text = render_comparison(&compared);
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "the page contains injected markup");
        let text = render_run(&report, Some(&compared));
        assert!(!text.contains("<script>alert") && !text.contains("<img"), "the page contains injected markup");
        assert_eq!(text.matches("<script>").count(), 1);
    }
}
