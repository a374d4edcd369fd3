//! The sections of a run's page.

use maud::{Markup, html};

use super::Look;
use super::figures::{self, percent};
use crate::budget::{self, MONTH_DAYS};
use crate::comparison::Gravity;
use crate::interpretation::{self, Band};
use crate::judgement::{Kind, ObjectiveResult, Report, Word};
use crate::slo::Severity;
use crate::table;

/// What the result means, and what went wrong, in sentences.
pub(super) fn said(report: &Report) -> Markup {
    let readings = interpretation::of(report).into_iter().map(|reading| {
        let look = match reading.band {
            Band::Good => Look::Ok,
            Band::Warning => Look::Warn,
            Band::Problem => Look::Bad,
        };
        (look, reading.text)
    });
    let sentences = table::sentences(report).into_iter().map(|sentence| (look_of(&sentence), sentence));
    sentences_as_list(sentences.chain(readings).collect())
}

/// The look of a sentence that begins with how grave it is.
pub(super) fn look_of(sentence: &str) -> Look {
    match Gravity::of(sentence) {
        Gravity::Grave => Look::Bad,
        Gravity::Warning => Look::Warn,
        Gravity::Good => Look::Ok,
    }
}

pub(super) fn sentences_as_list(mut all: Vec<(Look, String)>) -> Markup {
    all.sort_by_key(|(look, _)| match look {
        Look::Bad => 0,
        Look::Warn => 1,
        Look::Ok | Look::None => 2,
    });
    html! {
        @if !all.is_empty() {
            section class="card" aria-label="what it means" {
                ul class="said" { @for (look, text) in &all { li class=(look.class()) { (text) } } }
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
    let look = Look::of_verdict(objective.verdict, objective.severity);
    let word = match (objective.verdict, objective.severity) {
        (Word::Met, _) => "✓ met",
        (Word::Missed, Severity::Error) => "✗ missed",
        (Word::Missed, Severity::Warn) => "! missed, warns only",
        (Word::Inconclusive, _) => "? inconclusive",
        (Word::NotInScenario, _) => "– not in this scenario",
    };
    let has_counts = objective.verdict != Word::NotInScenario && objective.kind != Kind::Backend;
    let interval = objective.interval_ms.map(|(low, high)| table::interval(low, high));
    let share = figures::share_of_promise(objective);
    html! {
        tr {
            td class={ "word " (look.class()) } { (word) }
            th scope="row" { (objective.subject) }
            td { (objective.promise) }
            td class="n" { (table::seen(objective).unwrap_or_default()) }
            td class="n" { (interval.unwrap_or_default()) }
            td { @if let Some(share) = share { (bar(share)) } }
            td class="n" { @if has_counts { (figures::count(objective.good)) } }
            td class="n" { @if has_counts { (figures::count(objective.total)) } }
        }
    }
}

/// A share of what is promised as a bar: yellow from 80 % on, as on the dashboard.
fn bar(share: f64) -> Markup {
    let look = if share > 1.0 {
        Look::Bad
    } else if share > 0.8 {
        Look::Warn
    } else {
        Look::Ok
    };
    let width = format!("width:{:.0}%", share.clamp(0.0, 1.0) * 100.0);
    html! { span class={ "bar " (look.class()) } aria-hidden="true" { i style=(width) {} } (if share.is_finite() { percent(share) } else { "∞".to_owned() }) }
}

/// Latency over time, endpoint by endpoint, and as a percentile curve.
pub(super) fn course(report: &Report) -> Markup {
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
            @for model in report.plan.parts.iter().map(|part| &part.model).collect::<std::collections::BTreeSet<_>>() {
                p class="sub" { (model) }
            }
        }
    }
}

/// Failed requests by endpoint and kind.
pub(super) fn errors(report: &Report) -> Markup {
    let failing: Vec<_> = report.endpoints.iter().filter(|endpoint| endpoint.requests.failed > 0).collect();
    let kinds: std::collections::BTreeSet<_> = failing.iter().flat_map(|endpoint| endpoint.errors.keys()).collect();
    html! {
        h2 id="errors" { "Errors" }
        div class="card" {
            @if failing.is_empty() {
                p class="sub" { "No request failed." }
            } @else {
                table {
                    thead { tr {
                        th { "endpoint" } th class="n" { "requests" } th class="n" { "failed" } th class="n" { "share" }
                        @for kind in &kinds { th class="n" { (kind) } }
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
    let budgets = budget::of(report);
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
                    th scope="row" { (budget.objective.subject) " " (budget.objective.promise) }
                    td class="n" { (budget.bad) }
                    td class="n" { (format!("{:.1}", budget.allowed)) }
                    td { (bar(budget.burn_rate)) }
                    td class="n" { (lasts(budget.days())) }
                    @if let Some(day) = report.requests_per_day { td class="n" { (figures::count(rounded(budget.of_month(day)))) } }
                } } }
            }
            p class="sub" {
                "A month is " (MONTH_DAYS) " days. What is bad here is assumed to be as bad all month"
                @if let Some(day) = report.requests_per_day { ", at " (figures::count(day)) " requests a day" }
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
