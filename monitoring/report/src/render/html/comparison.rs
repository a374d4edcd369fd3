//! Section of a comparison: changes, their sizes and their intervals.

use maud::{Markup, PreEscaped, html};

use super::super::below_headline::comparison_below_headline;
use super::class;
use super::forest_plot::forest_plot;
use super::sections::list;
use crate::Report;
use crate::comparison::{Comparison, EndpointChange, NOT_JUDGED};
use crate::headline::{Headline, is_about_comparison};
use crate::mark::Mark;

/// List of all findings but the one in the headline.
pub(super) fn findings(compared: &Comparison) -> Markup {
    list(&comparison_below_headline(compared))
}

/// Load and method, base, and head.
pub(super) fn sides(compared: &Comparison) -> Markup {
    html! {
        p class="sub" { b { (compared.load) } ": " (compared.describe_pairs()) }
        p class="sub" { "base: " b { (compared.base) } }
        p class="sub" { "head: " b { (compared.head) } }
    }
}

/// Comparison of a run with its baseline, as a part of the run's page.
pub(super) fn with_run(report: &Report, compared: &Comparison) -> Markup {
    let text = html! {
        @if !is_about_comparison(report) { p class="cause" { (Headline::for_baseline(compared).to_line()) } }
        (sides(compared))
    };
    html! { (section(compared, &text)) (findings(compared)) }
}

/// Table, and a chart of the intervals, below a text. A narrow page has only the judged change.
pub(super) fn section(compared: &Comparison, text: &Markup) -> Markup {
    let is_used = |at: &usize| compared.endpoints.iter().any(|it| !it.not_judged_cells()[*at].is_empty());
    let not_judged: Vec<_> = (0..NOT_JUDGED.len()).filter(is_used).collect();
    let names: Vec<_> = not_judged.iter().map(|&at| NOT_JUDGED[at]).collect();
    html! {
        h2 id="comparison" { "Comparison" }
        div class="card" {
            (text)
            @if compared.endpoints.iter().any(|endpoint| endpoint.p95.interval.is_some()) {
                div class="extra" { (PreEscaped(forest_plot(compared))) }
            }
            table {
                thead { tr {
                    th { "verdict" } th { "endpoint" }
                    th class="n extra" { "p95 before" } th class="n extra" { "after" }
                    th class="n" { "change" } th class="n extra" { "interval" }
                    @for name in &names { th class="n extra" { (name) } }
                } }
                tbody { @for endpoint in &compared.endpoints { (row(endpoint, &not_judged)) } }
            }
            @for line in compared.legend(&names) { p class="sub" { (line) } }
        }
    }
}

fn row(endpoint: &EndpointChange, not_judged: &[usize]) -> Markup {
    let mark = Mark::from(endpoint.conclusion);
    let ([before, after, change, interval], others) = (endpoint.p95_cells(), endpoint.not_judged_cells());
    html! {
        tr {
            td class={ "word wrap " (class(mark.tone)) } { (mark.signed_word()) }
            th scope="row" { (endpoint.name) }
            td class="n extra" { (before) } td class="n extra" { (after) }
            td class="n" { (change) } td class="n extra" { (interval) }
            @for &at in not_judged { td class="n extra" { (others[at]) } }
        }
    }
}
