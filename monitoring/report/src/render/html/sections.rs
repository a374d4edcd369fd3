//! Sections of a run's page.

use std::collections::BTreeSet;
use std::fmt::Display;

use maud::{Markup, html};

use super::super::below_headline::below_headline;
use super::super::rows::{self, ObjectiveRow, ObjectiveRows};
use super::{agents, class, figures, heads};
use crate::Report;
use crate::error_budget::{MONTH_DAYS, budgets as error_budgets};
use crate::evidence::{Generator, StoreResult};
use crate::finding::Finding;
use crate::findings::table_notes;
use crate::format::{self, counted, finite_millis, percent};
use crate::judgement::{ObjectiveResult, REQUEST};
use crate::mark::{LoadEnd, Tone};

/// List of all findings but the one in the headline.
pub(super) fn findings(report: &Report) -> Markup {
    list(&below_headline(report))
}

/// List of findings. Those of the interpretation have a color but no label.
pub(super) fn list(findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            section class="card" aria-label="findings" {
                ul class="findings" { @for finding in findings {
                    li class=(class(finding.severity.into())) {
                        @if finding.kind.is_interpretation() {
                            (finding.message) @if let Some(advice) = &finding.advice { ". " (advice) }
                        } @else { (finding) }
                    }
                } }
            }
        }
    }
}

/// Measured values and verdicts, a row for each objective, with a heading. Columns without a value
/// are left out.
pub(super) fn objectives(title: &str, objectives: &[ObjectiveResult], end: LoadEnd) -> Markup {
    let ObjectiveRows { rows, counted } = rows::available(objectives, end);
    let shown = ShownColumns {
        response_time: rows.iter().any(|row| !row.response_time.is_empty()),
        interval: rows.iter().any(|row| !row.interval.is_empty()),
        share: rows.iter().any(|row| row.result.share_of_threshold().is_some()),
    };
    html! {
        h2 id="objectives" { (title) }
        div class="card" {
            table {
                thead { tr {
                    th { "verdict" } th { "endpoint" } th { "objective" } th class="n" { "measured" }
                    @if shown.response_time { th class="n extra" { "response time" } }
                    @if shown.interval { th class="n extra" { "95 % interval" } }
                    @if shown.share { th class="extra" { "share of limit" } }
                    th class="n extra" { (counted) } th class="n extra" { "good" }
                } }
                tbody { @for row in &rows { (objective_row(row, &shown)) } }
            }
            @for note in table_notes(objectives, end) { p class="sub" { (note) } }
        }
    }
}

/// Columns of which at least one row has a value.
struct ShownColumns {
    response_time: bool,
    interval: bool,
    share: bool,
}

fn objective_row(row: &ObjectiveRow<'_>, shown: &ShownColumns) -> Markup {
    html! {
        tr {
            td class={ "word " (class(row.mark.tone)) } { (row.mark.signed_word()) }
            th scope="row" { (row.endpoint) }
            td { (row.objective) }
            td class="n" { (row.measured) }
            @if shown.response_time { td class="n extra" { (row.response_time) } }
            @if shown.interval { td class="n extra" { (row.interval) } }
            @if shown.share { td class="extra" { @if let Some(share) = row.result.share_of_threshold() { (bar(share)) } } }
            td class="n extra" { (row.counted) }
            td class="n extra" { (row.good) }
        }
    }
}

/// Share of a limit as a bar. It is yellow from 80 % on, as on the dashboard.
fn bar(share: f64) -> Markup {
    let tone = if share > 1.0 {
        Tone::Bad
    } else if share > 0.8 {
        Tone::Warning
    } else {
        Tone::Good
    };
    let width = format!("width:{:.0}%", share.clamp(0.0, 1.0) * 100.0);
    let text = if share.is_finite() { percent(share) } else { "∞".to_owned() };
    html! { span class={ "bar " (class(tone)) } aria-hidden="true" { i style=(width) {} } (text) }
}

/// Latency by endpoint, over time and as a percentile curve.
pub(super) fn latency(report: &Report) -> Markup {
    html! {
        h2 id="latency" { "Latency" }
        @if report.run.timeline.slices.is_empty() {
            p class="sub" { "This report has no timeline." }
        } @else {
            div class="grid" {
                @for endpoint in &report.endpoints {
                    section class="card" {
                        h3 { (endpoint.name) }
                        (figures::latency(report, endpoint).render())
                        (figures::latency_table(report, endpoint))
                    }
                }
            }
        }
        @if report.endpoints.iter().any(|endpoint| !endpoint.curve.is_empty()) {
            h2 { "Percentiles" }
            div class="grid" {
                @for endpoint in report.endpoints.iter().filter(|endpoint| !endpoint.curve.is_empty()) {
                    section class="card" {
                        h3 { (endpoint.name) }
                        (figures::percentiles(report, endpoint).render())
                        (figures::percentile_table(endpoint))
                    }
                }
            }
        }
    }
}

/// The section about planned and delivered load, a row for each part.
pub(super) fn load(report: &Report) -> Markup {
    let charts = figures::load(report);
    let has_arrivals = report.run.plan.parts.iter().any(|part| part.model.arrivals().is_some());
    html! {
        h2 id="load" { "Planned and delivered load" }
        div class="wide" {
            @for (title, chart) in &charts { section class="card" { h3 { (title) } (chart.render()) } }
        }
        div class="card" style="margin-top:14px" {
            table {
                thead { tr {
                    (heads(&["part", "load"], &["iterations", "failed", "dropped"]))
                    @if has_arrivals { (heads(&[], &["arrivals started"])) th class="n extra" { "late" } }
                    th class="n extra" { "iteration p50" } th class="n extra" { "p95" }
                } }
                tbody { @for part in &report.run.plan.parts { tr {
                    th scope="row" { (part.name) }
                    td class="wrap" { (part.load) }
                    td class="n" { (format::count(part.iterations.completed)) }
                    td class="n" { (format::count(part.iterations.failed)) }
                    td class="n" { (format::count(part.iterations.dropped)) }
                    @if let Some(arrivals) = part.model.arrivals() {
                        td class="n" { (format::count(arrivals.started)) " of " (format::count(arrivals.planned)) }
                        td class="n extra" { (format::count(arrivals.late)) }
                    } @else if has_arrivals { td {} td class="extra" {} }
                    td class="n extra" { @if let Some(ms) = part.iteration_ms { (finite_millis(ms.p50)) } }
                    td class="n extra" { @if let Some(ms) = part.iteration_ms { (finite_millis(ms.p95)) } }
                } } }
            }
            @if report.run.plan.parts.iter().any(|part| !part.endpoints.is_empty()) { (part_latencies(report)) }
            @if !report.run.agents.is_empty() { (agents::table(report)) }
            @for model in report.run.plan.parts.iter().map(|part| part.model.describe()).collect::<BTreeSet<_>>() {
                p class="sub" { (model) }
            }
        }
    }
}

/// Latencies of each part by endpoint.
fn part_latencies(report: &Report) -> Markup {
    html! {
        table {
            thead { tr { (heads(&["part", "endpoint"], &["p50", "p95", "requests", "failed"])) } }
            tbody { @for part in &report.run.plan.parts { @for (name, latency) in &part.endpoints { tr {
                th scope="row" { (part.name) }
                td { (name) }
                td class="n" { (latency.p50_ms.map(format::millis).unwrap_or_default()) }
                td class="n" { (latency.p95_ms.map(format::millis).unwrap_or_default()) }
                td class="n" { (format::count(latency.requests)) }
                td class="n" { (format::count(latency.failed)) }
            } } } }
        }
    }
}

/// Failed requests by endpoint, kind and cause, and checks.
pub(super) fn errors(report: &Report) -> Markup {
    let failing: Vec<_> = report.endpoints.iter().filter(|endpoint| endpoint.requests.failed > 0).collect();
    html! {
        h2 id="errors" { "Errors" }
        div class="card" {
            @if failing.is_empty() && report.failures.is_empty() {
                p class="sub" { "No request failed." }
            }
            @if !failing.is_empty() {
                table {
                    thead { tr {
                        (heads(&["endpoint"], &["requests", "failed", "share"]))
                        th class="extra" { "by kind" } th { "by status" }
                    } }
                    tbody { @for endpoint in &failing { tr {
                        th scope="row" { (endpoint.name) }
                        td class="n" { (format::count(endpoint.requests.sent)) }
                        td class="n" { (format::count(endpoint.requests.failed)) }
                        td class="n" { (figures::share(endpoint.requests.failed, endpoint.requests.sent)) }
                        td class="wrap extra" { (times(endpoint.errors.iter().map(|(kind, count)| (kind.as_str(), count)))) }
                        td class="wrap" {
                            (times(endpoint.by_status.iter().map(|(status, count)| (status.describe(), count))))
                        }
                    } } }
                }
            }
            @if !report.failures.is_empty() {
                table {
                    thead { tr {
                        (heads(&["request"], &["failed"])) th { "cause" }
                        th class="n extra" { "first at" } th { "first body" }
                    } }
                    tbody { @for cause in &report.failures { tr {
                        th scope="row" { (cause.request) }
                        td class="n" { (format::count(cause.count)) }
                        td class="wrap" { (cause.detail) }
                        td class="n extra" { (format::clock_time(cause.first_ms)) }
                        td class="wrap" { code { (cause.body) } }
                    } } }
                }
            }
            @if !report.checks.is_empty() {
                table {
                    thead { tr { (heads(&["check"], &["tried", "failed"])) } }
                    tbody { @for check in &report.checks { tr {
                        th scope="row" { (check.name) }
                        td class="n" { (format::count(check.tried)) } td class="n" { (format::count(check.failed)) }
                    } } }
                }
            }
        }
    }
}

/// "97 × 201, 31 × no response": counts by something.
fn times<'a>(counts: impl Iterator<Item = (impl Display, &'a u64)>) -> String {
    counts.map(|(what, number)| format!("{} × {what}", format::count(*number))).collect::<Vec<_>>().join(", ")
}

/// Error budgets that this run used.
pub(super) fn budgets(report: &Report) -> Markup {
    let budgets = error_budgets(report);
    html! {
        h2 id="budgets" { "Error budgets" }
        div class="card" {
            table {
                thead { tr {
                    (heads(&["objective"], &["bad", "allowed"]))
                    (heads(&["budget used (burn rate)"], &["a month's budget lasts"]))
                    @if report.requests_per_day.is_some() { th class="n" { "allowed per month" } }
                } }
                tbody { @for budget in &budgets { tr {
                    th scope="row" { (budget.objective.subject) " " (budget.objective.objective) }
                    td class="n" { (format::count(budget.bad)) }
                    td class="n" { (format!("{:.1}", budget.allowed)) }
                    td { (bar(budget.burn_rate)) }
                    td class="n" { (describe_days(budget.days())) }
                    @if let Some(day) = report.requests_per_day {
                        td class="n" {
                            @if budget.objective.goal.counted_noun() == Some(REQUEST) {
                                (format::count(rounded(budget.allowed_per_month(day))))
                            }
                        }
                    }
                } } }
            }
            p class="sub" {
                "A month has " (MONTH_DAYS) " days. The error rate of this run is assumed for the whole month"
                @if let Some(day) = report.requests_per_day { ", with " (format::count(day)) " requests per day" }
                "."
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a displayed count")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

fn describe_days(days: Option<f64>) -> String {
    match days {
        None => "forever".to_owned(),
        Some(days) if days >= MONTH_DAYS => "the whole month".to_owned(),
        Some(days) if days >= 2.0 => format!("{days:.0} days"),
        Some(days) => counted(rounded(days * 24.0), "hour"),
    }
}

/// Machine and software of the run.
pub(super) fn environment(report: &Report) -> Markup {
    let rows = environment_rows(report);
    let server_timings = report.endpoints.iter().filter_map(|endpoint| Some((endpoint, endpoint.server_timing?)));
    html! {
        h2 id="environment" { "Environment" }
        div class="card" {
            table { tbody {
                @for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                    tr { th scope="row" { (name) } td class="wrap" { (value) } }
                }
                @for (endpoint, timing) in server_timings {
                    tr { th scope="row" { "server-timing" } td class="wrap" {
                        (endpoint.name) ": mean " (finite_millis(timing.server_mean_ms)) " in the backend, "
                        (finite_millis(timing.client_mean_ms)) " measured"
                    } }
                }
            } }
        }
        footer {
            "Latency is the time for sending, waiting and receiving. A failed request counts as infinitely slow. "
            "Percentiles use the nearest rank. Intervals have 95 % confidence."
        }
    }
}

/// Names and values of the environment. A row without a value is not shown.
fn environment_rows(report: &Report) -> [(&'static str, String); 11] {
    let environment = &report.run.environment;
    [
        ("command", environment.command.clone()),
        ("revision", environment.revision()),
        ("version", environment.version.clone()),
        ("system", format!("{} {}", environment.system, environment.kernel).trim().to_owned()),
        ("processors", format!("{} x {}", environment.processors, environment.processor)),
        ("generator", if report.was_loaded() { describe_generator(&report.run.generator) } else { String::new() }),
        ("metrics", report.run.store.as_ref().map_or_else(|| "no store".to_owned(), describe_store)),
        ("plan", report.run.plan.hash.clone()),
        ("targets", environment.targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ("proxy", environment.proxy.clone().unwrap_or_default()),
        ("allowed targets", environment.allowed_targets.join(", ")),
    ]
}

fn describe_generator(generator: &Generator) -> String {
    let share = |share: Option<f64>| share.map_or_else(|| "unknown".to_owned(), percent);
    format!(
        "{}; processor use of the busiest: {}; longest wait for a processor: {}; stolen by the hypervisor: {}",
        counted(generator.workers as u64, "worker"),
        share(generator.cpu),
        share(generator.run_queue),
        share(generator.steal)
    )
}

fn describe_store(store: &StoreResult) -> String {
    let word = if store.complete { "all accepted" } else { "not all accepted" };
    format!("{}, {}, {word}", store.url, counted(store.accepted, "push"))
}
