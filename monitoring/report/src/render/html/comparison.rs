//! Section of a comparison: changes, their sizes and their intervals.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::super::below_headline::comparison_below_headline;
use super::chart::escaped;
use super::class;
use super::sections::list;
use crate::Report;
use crate::comparison::{Comparison, EndpointChange, NOT_JUDGED};
use crate::format::{signed_interval, signed_percent};
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

/// Forest plot: the change of each endpoint with its interval, and the margin.
fn forest_plot(compared: &Comparison) -> String {
    const WIDTH: f64 = 900.0;
    const LEFT: f64 = 190.0;
    const RIGHT: f64 = 20.0;
    const ROW: f64 = 26.0;
    const TOP: f64 = 30.0;
    let edges = compared.endpoints.iter().filter_map(|endpoint| endpoint.p95.interval);
    let widest = edges.flat_map(|(low, high)| [low.abs(), high.abs()]).fold(compared.rule.detect * 1.5, f64::max);
    // No change is below -100 %.
    let (least, most) = (-widest.min(1.0), widest.min(2.0));
    let beyond = if widest > most { "≥ " } else { "" };
    let x = |change: f64| LEFT + (change.clamp(least, most) - least) / (most - least) * (WIDTH - LEFT - RIGHT);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    let height = TOP + ROW * compared.endpoints.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"change of p95 by endpoint, with intervals\">"
    );
    let margin = compared.rule.margin;
    let _ = write!(
        svg,
        "<rect class=\"margin\" x=\"{:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        x(-margin),
        x(margin) - x(-margin),
        height - TOP
    );
    for (at, text) in [
        (0.0, "no change".to_owned()),
        (margin, signed_percent(margin)),
        (-margin, signed_percent(-margin)),
        (most, format!("{beyond}{}", signed_percent(most))),
        (least, signed_percent(least)),
    ] {
        let anchor = if at == most { " end" } else { "" };
        // In a chart with a wide range, the labels of the margin would overlap the one at zero.
        if at.abs() != margin || x(margin) - x(0.0) > 90.0 {
            let _ = write!(svg, "<text class=\"x{anchor}\" x=\"{:.1}\" y=\"18\">{}</text>", x(at), escaped(&text));
        }
    }
    let _ = write!(svg, "<line class=\"zero\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{height}\"/>", x(0.0));
    for (endpoint, at) in compared.endpoints.iter().zip(0_u32..) {
        let y = TOP + ROW * (f64::from(at) + 0.5);
        let _ = write!(
            svg,
            "<text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            y + 4.0,
            escaped(&endpoint.name)
        );
        if let (Some((low, high)), Some(change)) = (endpoint.p95.interval, endpoint.p95.change) {
            let _ = write!(
                svg,
                "<line class=\"interval {}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <circle class=\"point\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\">\
                 <title>{}: {} ({})</title></circle>",
                class(Mark::from(endpoint.conclusion).tone),
                x(low),
                x(high),
                x(change),
                escaped(&endpoint.name),
                signed_percent(change),
                signed_interval(low, high)
            );
        }
    }
    let _ = write!(svg, "</svg>");
    svg
}
