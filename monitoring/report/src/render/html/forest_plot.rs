//! Forest plot of a comparison, as SVG.

use std::fmt::Write as _;

use super::chart::escaped;
use super::class;
use crate::comparison::{Comparison, EndpointChange};
use crate::format::{signed_interval, signed_percent};
use crate::mark::Mark;

const WIDTH: f64 = 900.0;
/// Space for the names of endpoints.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 20.0;
/// Space for the labels of the axis.
const TOP: f64 = 30.0;
const BOTTOM: f64 = 8.0;
/// Height of an endpoint's row.
const ROW: f64 = 26.0;
/// Distance from which on the label of the margin does not overlap the one at zero.
const LABEL: f64 = 90.0;

/// The change of each endpoint with its interval, and the margin.
pub(super) fn forest_plot(compared: &Comparison) -> String {
    let axis = ChangeAxis::new(compared);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    let height = TOP + ROW * compared.endpoints.len() as f64 + BOTTOM;
    let margin = compared.rule.margin;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"change of p95 by endpoint, with intervals\">"
    );
    let _ = write!(
        svg,
        "<rect class=\"margin\" x=\"{:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        axis.x(-margin),
        axis.x(margin) - axis.x(-margin),
        height - TOP
    );
    axis.draw_labels(&mut svg, margin);
    let zero = axis.x(0.0);
    let _ = write!(svg, "<line class=\"zero\" x1=\"{zero:.1}\" x2=\"{zero:.1}\" y1=\"{TOP}\" y2=\"{height}\"/>");
    for (endpoint, at) in compared.endpoints.iter().zip(0_u32..) {
        axis.draw_row(&mut svg, endpoint, TOP + ROW * (f64::from(at) + 0.5));
    }
    svg.push_str("</svg>");
    svg
}

/// The axis of changes.
struct ChangeAxis {
    least: f64,
    most: f64,
    /// Whether an interval ends beyond `most`.
    is_cut: bool,
}

impl ChangeAxis {
    fn new(compared: &Comparison) -> Self {
        let edges = compared.endpoints.iter().filter_map(|endpoint| endpoint.p95.interval);
        let widest = edges.flat_map(|(low, high)| [low.abs(), high.abs()]).fold(compared.rule.detect * 1.5, f64::max);
        let most = widest.min(2.0);
        // No change is below -100 %.
        Self { least: -widest.min(1.0), most, is_cut: widest > most }
    }

    fn x(&self, change: f64) -> f64 {
        let share = (change.clamp(self.least, self.most) - self.least) / (self.most - self.least);
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }

    /// Labels of the axis: no change, the margin, and both ends.
    fn draw_labels(&self, svg: &mut String, margin: f64) {
        let beyond = if self.is_cut { "≥ " } else { "" };
        for (at, text) in [
            (0.0, "no change".to_owned()),
            (margin, signed_percent(margin)),
            (-margin, signed_percent(-margin)),
            (self.most, format!("{beyond}{}", signed_percent(self.most))),
            (self.least, signed_percent(self.least)),
        ] {
            let anchor = if at == self.most { " end" } else { "" };
            if at.abs() != margin || self.x(margin) - self.x(0.0) > LABEL {
                let text = escaped(&text);
                let _ = write!(svg, "<text class=\"x{anchor}\" x=\"{:.1}\" y=\"18\">{text}</text>", self.x(at));
            }
        }
    }

    /// Name of an endpoint and, if it has one, its interval.
    fn draw_row(&self, svg: &mut String, endpoint: &EndpointChange, y: f64) {
        let name = escaped(&endpoint.name);
        let _ = write!(svg, "<text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>", LEFT - 10.0, y + 4.0);
        let (Some((low, high)), Some(change)) = (endpoint.p95.interval, endpoint.p95.change) else { return };
        let _ = write!(
            svg,
            "<line class=\"interval {}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <circle class=\"point\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\">\
             <title>{name}: {} ({})</title></circle>",
            class(Mark::from(endpoint.conclusion).tone),
            self.x(low),
            self.x(high),
            self.x(change),
            signed_percent(change),
            signed_interval(low, high)
        );
    }
}
