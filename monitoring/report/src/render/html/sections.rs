//! The sections of a run's page.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{class, figures};
use crate::error_budget::{MONTH_DAYS, budgets as error_budgets};
use crate::finding::Finding;
use crate::findings::{measured, run_findings};
use crate::format::{self, interval, percent};
use crate::mark::{Mark, Tone};
use crate::readings::readings;
use crate::verdict::Tally;
use crate::{ObjectiveResult, Report};

/// What went wrong and what the result means, in sentences.
pub(super) fn findings(report: &Report) -> Markup {
    list(run_findings(report).into_iter().chain(readings(report)).collect())
}

/// Findings, the most severe first. A reading's label is its color.
pub(super) fn list(mut findings: Vec<Finding>) -> Markup {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    html! {
        @if !findings.is_empty() {
            section class="card" aria-label="what it means" {
                ul class="said" { @for finding in &findings {
                    li class=(class(finding.severity.into())) {
                        @if finding.kind.is_reading() { (finding.message) } @else { (finding) }
                    }
                } }
            }
        }
    }
}

/// The table of objectives.
pub(super) fn objectives(id: &str, title: &str, objectives: &[ObjectiveResult]) -> Markup {
    html! {
        h2 id=(id) { (title) }
        div class="card" {
            table {
                thead { tr {
                    th { "verdict" } th { "endpoint" } th { "promised" } th class="n" { "seen" } th class="n" { "95 % interval" }
                    th { "of what is promised" } th class="n" { "good" } th class="n" { "of" }
                } }
                tbody { @for objective in objectives { (objective_row(objective)) } }
            }
        }
    }
}

fn objective_row(objective: &ObjectiveResult) -> Markup {
    let mark = Mark::from(objective);
    let count = |count: fn(&Tally) -> u64| objective.tally().map(|tally| format::count(count(tally)));
    html! {
        tr {
            td class={ "word " (class(mark.tone)) } { (mark.sign) " " (mark.word_and_note()) }
            th scope="row" { (objective.subject) }
            td { (objective.objective) }
            td class="n" { (measured(objective).unwrap_or_default()) }
            td class="n" { @if let Some((low, high)) = objective.interval_ms() { (interval(low, high)) } }
            td { @if let Some(share) = objective.share_of_threshold() { (bar(share)) } }
            td class="n" { (count(|tally| tally.good).unwrap_or_default()) }
            td class="n" { (count(|tally| tally.total).unwrap_or_default()) }
        }
    }
}

/// A share of what is promised as a bar: yellow from 80 % on, as on the dashboard.
fn bar(share: f64) -> Markup {
    let tone = if share > 1.0 {
        Tone::Bad
    } else if share > 0.8 {
        Tone::Warning
    } else {
        Tone::Good
    };
    let width = format!("width:{:.0}%", share.clamp(0.0, 1.0) * 100.0);
    html! { span class={ "bar " (class(tone)) } aria-hidden="true" { i style=(width) {} } (if share.is_finite() { percent(share) } else { "∞".to_owned() }) }
}

/// Latency over time, endpoint by endpoint, and as a percentile curve.
pub(super) fn latency(report: &Report) -> Markup {
    html! {
        h2 id="latency" { "Latency" }
        @if report.timeline.slices.is_empty() {
            p class="sub" { "This report does not say how the run went over time." }
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

/// What was planned, and what came of it.
pub(super) fn load(report: &Report) -> Markup {
    let charts = figures::load(report);
    html! {
        h2 id="load" { "Load, planned and delivered" }
        div class="wide" {
            @for (title, chart) in &charts { section class="card" { h3 { (title) } (chart.render()) } }
        }
        div class="card" style="margin-top:14px" {
            table {
                thead { tr {
                    th { "scenario" } th { "load" } th class="n" { "iterations" } th class="n" { "failed" } th class="n" { "dropped" }
                    th class="n" { "arrivals begun" } th class="n" { "late" } th class="n" { "iteration p50" } th class="n" { "p95" }
                } }
                tbody { @for part in &report.plan.parts { tr {
                    th scope="row" { (part.name) }
                    td { (part.load) }
                    td class="n" { (part.iterations.completed) }
                    td class="n" { (part.iterations.failed) }
                    td class="n" { (part.iterations.dropped) }
                    td class="n" { @if let Some(arrivals) = &part.arrivals { (arrivals.started) " of " (arrivals.planned) } }
                    td class="n" { @if let Some(arrivals) = &part.arrivals { (arrivals.late) } }
                    td class="n" { @if let Some(ms) = part.iteration_ms { (figures::ms(ms.p50)) } }
                    td class="n" { @if let Some(ms) = part.iteration_ms { (figures::ms(ms.p95)) } }
                } } }
            }
            @for model in report.plan.parts.iter().map(|part| &part.model).collect::<BTreeSet<_>>() {
                p class="sub" { (model) }
            }
        }
    }
}

/// Failed requests by endpoint and kind.
pub(super) fn errors(report: &Report) -> Markup {
    let failing: Vec<_> = report.endpoints.iter().filter(|endpoint| endpoint.requests.failed > 0).collect();
    let kinds: BTreeSet<_> = failing.iter().flat_map(|endpoint| endpoint.errors.keys()).collect();
    html! {
        h2 id="errors" { "Errors" }
        div class="card" {
            @if failing.is_empty() {
                p class="sub" { "No request failed." }
            } @else {
                table {
                    thead { tr {
                        th { "endpoint" } th class="n" { "requests" } th class="n" { "failed" } th class="n" { "share" }
                        @for kind in &kinds { th class="n" { (kind.as_str()) } }
                        th { "by status" }
                    } }
                    tbody { @for endpoint in &failing { tr {
                        th scope="row" { (endpoint.name) }
                        td class="n" { (endpoint.requests.sent) }
                        td class="n" { (endpoint.requests.failed) }
                        td class="n" { (figures::share(endpoint.requests.failed, endpoint.requests.sent)) }
                        @for kind in &kinds { td class="n" { (endpoint.errors.get(*kind).copied().unwrap_or_default()) } }
                        td { @for (status, count) in &endpoint.by_status {
                            (if status == "0" { "no answer" } else { status }) ": " (count) "  "
                        } }
                    } } }
                }
            }
            @if !report.checks.is_empty() {
                table {
                    thead { tr { th { "check" } th class="n" { "tried" } th class="n" { "failed" } } }
                    tbody { @for check in &report.checks { tr {
                        th scope="row" { (check.name) } td class="n" { (check.tried) } td class="n" { (check.failed) }
                    } } }
                }
            }
        }
    }
}

/// What of its error budgets this run used, and for how long a month's would last.
pub(super) fn budgets(report: &Report) -> Markup {
    let budgets = error_budgets(report);
    html! {
        h2 id="budgets" { "Error budgets" }
        div class="card" {
            table {
                thead { tr {
                    th { "objective" } th class="n" { "bad" } th class="n" { "may be bad" } th { "budget used, burn rate" }
                    th class="n" { "a month's budget lasts" }
                    @if report.requests_per_day.is_some() { th class="n" { "bad requests it has" } }
                } }
                tbody { @for budget in &budgets { tr {
                    th scope="row" { (budget.objective.subject) " " (budget.objective.objective) }
                    td class="n" { (budget.bad) }
                    td class="n" { (format!("{:.1}", budget.allowed)) }
                    td { (bar(budget.burn_rate)) }
                    td class="n" { (lasts(budget.days())) }
                    @if let Some(day) = report.requests_per_day { td class="n" { (format::count(rounded(budget.of_month(day)))) } }
                } } }
            }
            p class="sub" {
                "A month is " (MONTH_DAYS) " days. What is bad here is assumed to be as bad all month"
                @if let Some(day) = report.requests_per_day { ", at " (format::count(day)) " requests a day" }
                "."
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count for eyes")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

fn lasts(days: Option<f64>) -> String {
    match days {
        None => "for ever".to_owned(),
        Some(days) if days >= MONTH_DAYS => "the month".to_owned(),
        Some(days) if days >= 2.0 => format!("{days:.0} days"),
        Some(days) => format!("{:.0} hours", days * 24.0),
    }
}

/// With what all of this was measured.
pub(super) fn environment(report: &Report) -> Markup {
    let environment = &report.environment;
    let share = |share: Option<f64>| share.map_or_else(|| "not known".to_owned(), percent);
    let generator = &report.generator;
    let rows = [
        ("command", environment.command.clone()),
        ("revision", environment.revision.clone()),
        ("version", environment.version.clone()),
        ("system", format!("{} {}", environment.system, environment.kernel).trim().to_owned()),
        ("processors", format!("{} x {}", environment.processors, environment.processor)),
        (
            "generator",
            format!(
                "{} workers; the busiest {} busy, waiting for a processor {}; taken by the hypervisor {}",
                generator.workers,
                share(generator.cpu),
                share(generator.run_queue),
                share(generator.steal)
            ),
        ),
        (
            "metrics",
            report.store.as_ref().map_or_else(
                || "not kept".to_owned(),
                |store| {
                    let word = if store.complete { "all of them accepted" } else { "not all of them accepted" };
                    format!("{}, {} pushes, {word}", store.url, store.accepted)
                },
            ),
        ),
        ("plan", report.plan.hash.clone()),
        ("load allowed to", environment.allowed_targets.join(", ")),
    ];
    let slowest = report.endpoints.iter().filter_map(|endpoint| Some((endpoint, endpoint.server_timing?)));
    html! {
        h2 id="environment" { "Environment" }
        div class="card" {
            table { tbody {
                @for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                    tr { th scope="row" { (name) } td class="wrap" { (value) } }
                }
                @for (endpoint, said) in slowest {
                    tr { th scope="row" { "server-timing" } td class="wrap" {
                        (endpoint.name) ": " (figures::ms(said.server_mean_ms)) " of " (figures::ms(said.client_mean_ms)) " by the backend"
                    } }
                }
            } }
        }
        footer {
            "Latency is sending, waiting and receiving. A failed request counts as infinitely slow. Percentiles by nearest rank, "
            "intervals with 95 % confidence."
        }
    }
}
