//! The section of a comparison: what changed, by how much, and how sure that is.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::Look;
use super::chart::escaped;
use super::sections::{look_of, sentences_as_list};
use crate::comparison::{self, Change, Comparison, EndpointChange, Method};
use crate::gate::Finding;

/// What was found, in sentences.
pub(super) fn said(compared: &Comparison) -> Markup {
    let sentences = comparison::sentences(compared).into_iter().map(|sentence| (look_of(&sentence), sentence));
    sentences_as_list(sentences.collect())
}

fn look(finding: Finding) -> Look {
    match finding {
        Finding::Regressed => Look::Bad,
        Finding::TooLittleData => Look::Warn,
        Finding::Improved | Finding::NoChangeSeen => Look::Ok,
    }
}

/// The table, and a picture of the intervals.
pub(super) fn section(compared: &Comparison) -> Markup {
    let how = match compared.method {
        Method::Interleaved => "base and head took turns on one machine",
        Method::Recorded => {
            "two runs at different times: what else changed between them looks like a change of the service"
        }
    };
    html! {
        h2 id="comparison" { "Comparison" }
        div class="card" {
            p class="sub" {
                b { (compared.base) } " and " b { (compared.head) } ": " (how) ". Judged is p95, all endpoints together (Holm), a change of up to "
                (percent(compared.rule.margin)) " is none, and one of " (percent(compared.rule.detect)) " must not go unseen."
            }
            (PreEscaped(forest(compared)))
            table {
                thead { tr {
                    th { "p95" } th { "endpoint" } th class="n" { "before" } th class="n" { "after" } th class="n" { "change" } th class="n" { "interval" }
                    th class="n" { "p50" } th class="n" { "p99" } th class="n" { "success" } th class="n" { "throughput" }
                } }
                tbody { @for endpoint in &compared.endpoints { (row(endpoint)) } }
            }
            p class="sub" { "p50, p99, success and throughput are shown and not judged." }
        }
    }
}

fn row(endpoint: &EndpointChange) -> Markup {
    let [before, after, change, interval] = comparison::cells(endpoint);
    let change_of = |change: &Change| change.change.map(signed).unwrap_or_default();
    let points = endpoint.success.change.map(|change| format!("{:+.1} pp", change * 100.0)).unwrap_or_default();
    let look = look(endpoint.finding);
    let sign = match endpoint.finding {
        Finding::Regressed => "✗",
        Finding::TooLittleData => "?",
        Finding::Improved | Finding::NoChangeSeen => "✓",
    };
    html! {
        tr {
            td class={ "word " (look.class()) } { (sign) " " (endpoint.finding.words()) }
            th scope="row" { (endpoint.name) }
            td class="n" { (before) } td class="n" { (after) } td class="n" { (change) } td class="n" { (interval) }
            td class="n" { (change_of(&endpoint.p50)) } td class="n" { (change_of(&endpoint.p99)) }
            td class="n" { (points) } td class="n" { (change_of(&endpoint.throughput)) }
        }
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e3).round() / 10.0)
}

fn signed(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// Each endpoint's change with its interval, beside the margin.
fn forest(compared: &Comparison) -> String {
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
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"change of p95 by endpoint, with intervals\">"
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
        (margin, signed(margin)),
        (-margin, signed(-margin)),
        (farthest, signed(farthest)),
        (-farthest, signed(-farthest)),
    ] {
        let anchor = if at == farthest { " end" } else { "" };
        // The margin's labels would stand on that of nought, where the picture reaches far.
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
                "<line class=\"interval {}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><circle class=\"point\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}: {} ({} to {})</title></circle>",
                look(endpoint.finding).class(),
                x(low),
                x(high),
                x(change),
                escaped(&endpoint.name),
                signed(change),
                signed(low),
                signed(high)
            );
        }
    }
    let _ = write!(svg, "</svg>");
    svg
}
