//! Settings for the lines of a panel: thresholds, colors and legends.

use std::time::Duration;

use monitoring::measure::Limit;
use serde_json::{Number, json};

use crate::grafana::{
    Color, FieldDefaults, Matcher, Options, Override, Panel, Property, Step, Style, Thresholds, TimeSeriesStyle,
};

impl Panel {
    fn lines(&mut self, change: impl FnOnce(&mut FieldDefaults, &mut TimeSeriesStyle)) {
        if let Some(config) = &mut self.field_config
            && let Some(Style::Lines(mut style)) = config.defaults.custom.take()
        {
            change(&mut config.defaults, &mut style);
            config.defaults.custom = Some(Style::Lines(style));
        }
    }

    /// Draws the objective's threshold as a dashed line, red above it. The axis reaches beyond the
    /// threshold, so that the line is visible even if all values are far below it.
    #[must_use]
    fn slo_line(mut self, threshold: Duration) -> Self {
        self.line_at("green", "red", millis(threshold), millis(threshold * 11 / 10));
        self
    }

    /// As [`Panel::slo_line`], for several objectives.
    #[must_use]
    pub(crate) fn slo_lines(self, thresholds: &[Duration]) -> Self {
        let mut sorted = thresholds.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let Some((first, last)) = sorted.first().zip(sorted.last()) else { return self };
        let mut panel = self.slo_line(*first);
        panel.lines(|defaults, style| {
            let others = sorted[1..].iter().map(|&other| Step { color: "red", value: millis(other) });
            defaults.thresholds.iter_mut().for_each(|bands| bands.steps.extend(others.clone()));
            style.axis_soft_max = millis(*last * 11 / 10);
        });
        panel
    }

    /// Draws a limit as a dashed line, red on the side of bad values.
    #[must_use]
    pub(crate) fn limit(mut self, limit: Limit<f64>) -> Self {
        let (below, above) = match limit {
            Limit::AtMost(_) => ("green", "red"),
            Limit::AtLeast(_) => ("red", "green"),
        };
        self.line_at(below, above, number(limit.value()), number(limit.value() * 1.1));
        self.without_legend()
    }

    /// Extends the axis to at least `value`, so that tiny values do not fill the panel.
    #[must_use]
    pub(crate) fn axis_up_to(mut self, value: u32) -> Self {
        self.lines(|_, style| style.axis_soft_max = Some(value.into()));
        self
    }

    fn line_at(&mut self, below: &'static str, above: &'static str, at: Option<Number>, reach: Option<Number>) {
        let steps = vec![Step { color: below, value: None }, Step { color: above, value: at }];
        self.lines(|defaults, style| {
            defaults.thresholds = Some(Thresholds { mode: "absolute", steps });
            style.thresholds_style.mode = "dashed";
            style.axis_soft_max = reach;
        });
    }

    /// As [`Panel::slo_line`], and colors the series: green, yellow from 80 % of the threshold on,
    /// and red above it.
    #[must_use]
    pub(crate) fn slo_bands(self, threshold: Duration) -> Self {
        let mut panel = self.slo_line(threshold);
        panel.lines(|defaults, style| {
            let near = Step { color: "yellow", value: millis(threshold * 8 / 10) };
            defaults.thresholds.iter_mut().for_each(|bands| bands.steps.insert(1, near.clone()));
            defaults.color = Some(Color { mode: "thresholds" });
            style.gradient_mode = "scheme";
        });
        panel.without_legend()
    }

    /// Hides the legend. For panels with one series, which the title names.
    #[must_use]
    pub(crate) fn without_legend(mut self) -> Self {
        if let Some(Options::TimeSeries { legend, .. }) = &mut self.options {
            legend.show_legend = false;
        }
        self
    }

    /// Moves the legend to the right of the lines. For wide panels with many series.
    #[must_use]
    pub(crate) fn legend_right(mut self) -> Self {
        if let Some(Options::TimeSeries { legend, .. }) = &mut self.options {
            legend.placement = "right";
        }
        self
    }

    /// Sets a fixed color for series whose legend begins with `legend`.
    #[must_use]
    pub fn colored(self, legend: &str, color: &str) -> Self {
        self.with_override(legend, Property { id: "color", value: json!({ "mode": "fixed", "fixedColor": color }) })
    }

    /// Draws series whose legend begins with `legend` as dashed lines.
    #[must_use]
    pub fn dashed(self, legend: &str) -> Self {
        let dash = json!({ "fill": "dash", "dash": [8, 6] });
        self.with_override(legend, Property { id: "custom.lineStyle", value: dash })
    }

    fn with_override(mut self, legend: &str, property: Property) -> Self {
        if let Some(config) = &mut self.field_config {
            config.overrides.push(Override {
                matcher: Matcher { id: "byRegexp", options: format!("/^{legend}/") },
                properties: vec![property],
            });
        }
        self
    }
}

/// Milliseconds. Whole numbers are written as integers: 300, not 300.0.
fn millis(duration: Duration) -> Option<Number> {
    if duration.as_nanos().is_multiple_of(1_000_000) {
        u64::try_from(duration.as_millis()).ok().map(Number::from)
    } else {
        Number::from_f64(duration.as_secs_f64() * 1e3)
    }
}

/// Whole numbers are written as integers.
fn number(value: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not negative")]
    let whole = (value.fract() == 0.0 && value >= 0.0).then_some(value as u64);
    whole.map(Number::from).or_else(|| Number::from_f64(value))
}
