//! Section of a comparison: changes, their sizes and their intervals.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::super::below_headline::comparison_below_headline;
use super::chart::escaped;
use super::sections::list;
use super::{class, heads};
use crate::comparison::{CHANGE, Comparison, ComparisonMethod, EndpointChange};
use crate::format::{exact_percent, signed_interval, signed_percent, signed_points};
use crate::mark::Mark;

/// List of all findings but the one in the headline.
pub(super) fn findings(compared: &Comparison) -> Markup {
    list(&comparison_below_headline(compared))
}

/// Table, and a chart of the intervals.
pub(super) fn section(compared: &Comparison) -> Markup {
    let method = match compared.method {
        ComparisonMethod::Interleaved => "interleaved rounds on one machine",
        ComparisonMethod::Recorded => {
            "two runs at different times; any other difference between them looks like a change of the service"
        }
    };
    html! {
        h2 id="comparison" { "Comparison" }
        div class="card" {
            p class="sub" {
                b { (compared.base) } " and " b { (compared.head) } ": " (method)
                ". The p95 of all endpoints is judged together (Holm). "
                "A change of up to " (exact_percent(compared.rule.margin)) " is ignored. A slow-down of "
                (exact_percent(compared.rule.detect)) " or more must be detected."
            }
            @if compared.endpoints.iter().any(|endpoint| endpoint.p95.interval.is_some()) {
                (PreEscaped(forest_plot(compared)))
            }
            table {
                thead { tr {
                    (heads(&["verdict", "endpoint"], &["p95 before", "after", "change", "interval"]))
                    (heads(&[], &["p50", "p99", "success", "throughput"]))
                } }
                tbody { @for endpoint in &compared.endpoints { (row(endpoint)) } }
            }
            p class="sub" { (CHANGE) "." }
            p class="sub" { "Changes of p50, p99, success and throughput are shown but not judged." }
        }
    }
}

fn row(endpoint: &EndpointChange) -> Markup {
    let mark = Mark::from(endpoint.conclusion);
    html! {
        tr {
            td class={ "word " (class(mark.tone)) } { (mark.signed_word()) }
            th scope="row" { (endpoint.name) }
            @for cell in endpoint.p95_cells() { td class="n" { (cell) } }
            td class="n" { (endpoint.p50.describe()) } td class="n" { (endpoint.p99.describe()) }
            td class="n" { (endpoint.success.change.map(signed_points).unwrap_or_default()) }
            td class="n" { (endpoint.throughput.describe()) }
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
    let farthest =
        edges.flat_map(|(low, high)| [low.abs(), high.abs()]).fold(compared.rule.detect * 1.5, f64::max).min(2.0);
    let x = |change: f64| LEFT + (change.clamp(-farthest, farthest) / farthest + 1.0) / 2.0 * (WIDTH - LEFT - RIGHT);
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
        (farthest, signed_percent(farthest)),
        (-farthest, signed_percent(-farthest)),
    ] {
        let anchor = if at == farthest { " end" } else { "" };
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
