//! `report.html`: a run or a comparison as one file that needs no network.
//!
//! The same report gives the same bytes. The verdict comes first. Charts are SVG, each with a table
//! of its values. The script only shows values under the pointer; everything works without it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::below_headline::beside;
use crate::Report;
use crate::comparison::Comparison;
use crate::exit_code::ExitCode;
use crate::format::{count, counted};
use crate::headline::Headline;
use crate::mark::{LoadEnd, Mark, Tone};

mod agents;
mod chart;
mod comparison;
mod figures;
mod forest_plot;
mod sections;

pub use figures::operating_characteristic;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "ok",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
        Tone::Quiet => "none",
    }
}

/// Headings of columns: first those of text, then those of numbers.
fn heads(text: &[&str], numbers: &[&str]) -> Markup {
    html! {
        @for name in text { th { (name) } }
        @for name in numbers { th class="n" { (name) } }
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
                "run " b { (report.run.testid) } ", seed " (report.run.seed)
                @for (name, value) in &report.run.tags { ", " (name) "=" (value) }
            }
            p class="sub" { (time(&report.run.started)) " to " (time(&report.run.ended)) " UTC" }
            @if loaded { p class="sub" { (counts(report)) } }
        }))
        (contents(report, compared.is_some()))
        (sections::findings(&beside(report, compared)))
        @if loaded { (sections::objectives("Objectives", &report.objectives, report.load_end())) }
        @if let Some(compared) = compared { (comparison::with_run(report, compared)) }
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

/// Renders `report.html` of a comparison. It needs no network and no script.
pub fn render_comparison(compared: &Comparison) -> String {
    let headline = Headline::for_comparison(compared);
    let body = html! {
        (head(compared.exit_code, &headline, &comparison::sides(compared)))
        (comparison::findings(compared))
        (comparison::section(compared, &html! {}))
        @if !compared.objectives.is_empty() {
            (sections::objectives("Objectives of the head, over all its rounds", &compared.objectives, LoadEnd::Planned))
        }
    };
    page(&headline.verdict, &body)
}

/// A time of RFC 3339 in UTC, shown to the second.
fn time(text: &str) -> Markup {
    let shown = text.split(['.', 'Z']).next().unwrap_or(text).replace('T', " ");
    html! { time datetime=(text) { (shown) } }
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
            @for line in headline.below() { p class="cause" { (line) } }
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
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
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
mod tests;
