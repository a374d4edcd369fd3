//! Line charts as SVG. They need no script, and each has a table of its values for readers who
//! cannot see it.
//!
//! Coordinates have one decimal, so that the same values give the same bytes everywhere.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use crate::format;

/// Width and height of a chart that takes half of the page, and of one that takes a third. Labels
/// have the same size in both.
pub(super) const WIDE: (f64, f64) = (600.0, 220.0);
pub(super) const NARROW: (f64, f64) = (380.0, 180.0);
/// Space for the labels of the axes: left, right, top, bottom.
const MARGINS: (f64, f64, f64, f64) = (62.0, 18.0, 10.0, 26.0);

/// Values in the order in which they are drawn.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: String,
    /// CSS class, which gives the color.
    pub(super) class: &'static str,
    /// (x, y), with `None` for a gap. Infinite values have a mark at the upper edge.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A horizontal line across the chart.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) name: String,
    pub(super) class: &'static str,
    pub(super) at: f64,
}

/// A part of the x axis with its own background.
#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) class: &'static str,
}

/// An axis with its range and labels.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Positions and labels. If empty, they are chosen automatically.
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) format: fn(f64) -> String,
}

#[derive(Debug, Clone)]
pub(super) struct Chart {
    /// Text for screen readers.
    pub(super) label: String,
    pub(super) size: (f64, f64),
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) levels: Vec<Level>,
    pub(super) spans: Vec<Band>,
    /// Tooltips: range on the x axis, and text.
    pub(super) tips: Vec<(f64, f64, String)>,
}

/// A round number that divides the range into at most `most` steps.
fn step(range: f64, most: f64) -> f64 {
    let rough = range / most;
    let power = 10_f64.powf(rough.log10().floor());
    let choices = [1.0, 2.0, 2.5, 5.0, 10.0];
    choices.into_iter().map(|choice| choice * power).find(|step| *step >= rough * 0.999_999).unwrap_or(rough)
}

impl Axis {
    /// From 0 to beyond the largest value, with labels at round numbers.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>, format: fn(f64) -> String) -> Self {
        let most = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        let most = if most > 0.0 { most * 1.05 } else { 1.0 };
        let step = step(most, 4.0);
        let to = (most / step).ceil() * step;
        Self { from: 0.0, to, ticks: Vec::new(), format }
    }

    /// Time since the start of a run, in seconds.
    pub(super) fn time(to: f64) -> Self {
        let choices =
            [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0];
        let step = choices.into_iter().find(|step| to / step <= 6.0).unwrap_or_else(|| step(to, 6.0));
        let ticks = (0_u32..).map(|at| f64::from(at) * step).take_while(|at| *at <= to);
        Self { from: 0.0, to: to.max(1e-9), ticks: ticks.map(|at| (at, clock(at))).collect(), format: clock }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        if !self.ticks.is_empty() {
            return self.ticks.clone();
        }
        let step = step(self.to - self.from, 4.0);
        let all = (0_u32..).map(|at| self.from + f64::from(at) * step).take_while(|at| *at <= self.to + step * 1e-6);
        all.map(|at| (at, (self.format)(at))).collect()
    }

    /// Position on the axis, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }
}

/// Seconds as "01:05" or "1:02:05".
pub(super) fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds of a run")]
    let seconds = seconds.max(0.0).round() as u64;
    format::clock_time(seconds * 1_000)
}

impl Chart {
    fn x(&self, value: f64) -> f64 {
        let (left, right, ..) = MARGINS;
        left + self.x.share(value) * (self.size.0 - left - right)
    }

    fn y(&self, value: f64) -> f64 {
        let (.., top, bottom) = MARGINS;
        self.size.1 - bottom - self.y.share(value) * (self.size.1 - top - bottom)
    }

    /// The chart with a legend below.
    pub(super) fn render(&self) -> Markup {
        html! {
            figure class="chart" {
                (PreEscaped(self.svg("")))
                figcaption {
                    @for line in &self.lines { span class={ "key " (line.class) } { i {} (line.name) } }
                    @if self.has_infinite() { span class="key edge" { "▲ ∞, too many requests failed" } }
                    @for (class, text) in self.background_legend() {
                        span class={ "key span " (class) } { i {} (text) }
                    }
                    @for level in &self.levels { span class={ "key level " (level.class) } { i {} (level.name) } }
                }
            }
        }
    }

    fn has_infinite(&self) -> bool {
        let mut values = self.lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        values.any(|value| value == f64::INFINITY)
    }

    /// Legend of the backgrounds that occur.
    fn background_legend(&self) -> Vec<(&'static str, &'static str)> {
        let all = [("warmup", "warm-up"), ("ramp", "load changes")];
        all.into_iter().filter(|(class, _)| self.spans.iter().any(|span| span.class == *class)).collect()
    }

    /// The SVG alone. A style sheet is included if it is used outside of the page.
    pub(super) fn svg(&self, style: &str) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            self.size.0,
            self.size.1,
            escaped(&self.label)
        );
        if !style.is_empty() {
            let _ = write!(svg, "<style>{style}</style>");
        }
        self.background(&mut svg);
        for level in &self.levels {
            let (y, left, right) = (self.y(level.at), self.x(self.x.from), self.x(self.x.to));
            let _ = write!(
                svg,
                "<line class=\"level {}\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                level.class
            );
        }
        self.lines.iter().for_each(|line| self.line(&mut svg, line));
        let (.., top, bottom) = MARGINS;
        for (from, to, text) in &self.tips {
            let (from, to) = (self.x(*from), self.x(*to));
            let _ = write!(
                svg,
                "<rect class=\"tip\" x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" \
                 data-tip=\"{2}\"><title>{2}</title></rect>",
                (to - from).max(0.5),
                self.size.1 - top - bottom,
                escaped(text)
            );
        }
        svg.push_str("</svg>");
        svg
    }

    fn background(&self, svg: &mut String) {
        let (left, right, top, bottom) = MARGINS;
        for span in &self.spans {
            let (from, to) = (self.x(span.from), self.x(span.to));
            let _ = write!(
                svg,
                "<rect class=\"span {}\" x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\"/>",
                span.class,
                to - from,
                self.size.1 - top - bottom
            );
        }
        for (value, text) in self.y.ticks() {
            let y = self.y(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"y\" x=\"{}\" y=\"{:.1}\">{}</text>",
                self.size.0 - right,
                left - 8.0,
                y + 4.0,
                escaped(&text)
            );
        }
        for (value, text) in self.x.ticks() {
            let x = self.x(value);
            // A label with hours at the right edge would be cut off.
            let is_long = text.len() > "00:00".len();
            let anchor = if is_long && x > self.size.0 - right - 10.0 { " end" } else { "" };
            let _ = write!(
                svg,
                "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{0}\" y2=\"{1}\"/>\
                 <text class=\"x{anchor}\" x=\"{x:.1}\" y=\"{2}\">{3}</text>",
                self.size.1 - bottom,
                self.size.1 - bottom + 4.0,
                self.size.1 - bottom + 18.0,
                escaped(&text)
            );
        }
    }

    fn line(&self, svg: &mut String, line: &Line) {
        let (mut path, mut marks, mut pen_is_down, mut alone) = (String::new(), String::new(), false, Vec::new());
        for (at, (x, value)) in line.points.iter().enumerate() {
            let Some(value) = value else {
                pen_is_down = false;
                continue;
            };
            let (x, y) = (self.x(*x), self.y(*value));
            if *value == f64::INFINITY {
                let _ = write!(marks, "M{:.1} {:.1}h8l-4 -7z", x - 4.0, y + 3.0);
            }
            let _ = write!(path, "{}{x:.1} {y:.1}", if pen_is_down { "L" } else { "M" });
            let has =
                |at: Option<usize>| at.and_then(|at| line.points.get(at)).is_some_and(|(_, value)| value.is_some());
            if !has(at.checked_sub(1)) && !has(Some(at + 1)) {
                alone.push((x, y));
            }
            pen_is_down = true;
        }
        let _ = write!(svg, "<path class=\"line {}\" d=\"{path}\"/>", line.class);
        if !marks.is_empty() {
            let _ = write!(svg, "<path class=\"edge {}\" d=\"{marks}\"/>", line.class);
        }
        // A single point makes no line.
        for (x, y) in alone {
            let _ = write!(svg, "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>", line.class);
        }
    }
}

/// Text with the special characters of SVG escaped.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() && c != '\n' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
