//! Panels: what each shows, and how it looks.

use std::time::Duration;

use monitoring::promql::Expr;

use crate::grafana::{
    DataSource, FieldConfig, FieldDefaults, GridPos, Legend, Matcher, Options, Override, Panel, Property, Step, Target,
    Thresholds, ThresholdsStyle, TimeSeriesStyle, Tooltip,
};

/// The uid under which Prometheus is provisioned.
pub const PROMETHEUS_UID: &str = "prometheus";

/// The data source of every panel.
pub const fn prometheus() -> DataSource {
    DataSource { kind: "prometheus", uid: PROMETHEUS_UID }
}

/// What a panel's values are, in Grafana's names for units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Requests a second.
    RequestsPerSecond,
}

impl Unit {
    const fn id(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::RequestsPerSecond => "reqps",
        }
    }
}

/// Whole milliseconds are written as an integer, so that the file says 300 and not 300.0.
fn millis(duration: Duration) -> Option<serde_json::Number> {
    if duration.as_nanos().is_multiple_of(1_000_000) {
        u64::try_from(duration.as_millis()).ok().map(serde_json::Number::from)
    } else {
        serde_json::Number::from_f64(duration.as_secs_f64() * 1e3)
    }
}

/// A panel of lines over time. It gets its place and its id from [`crate::layout`].
pub fn time_series(title: &str, description: &str, unit: Unit, queries: Vec<(String, Expr)>) -> Panel {
    // Any number of queries: letters would be at their end after 26.
    let targets = queries.into_iter().zip(1..).map(|((legend, expr), number)| Target {
        ref_id: format!("Q{number}"),
        expr: expr.to_string(),
        legend_format: legend,
        range: true,
        instant: false,
    });
    Panel {
        id: 0,
        kind: "timeseries",
        title: title.to_owned(),
        description: description.to_owned(),
        datasource: prometheus(),
        grid_pos: GridPos::default(),
        targets: targets.collect(),
        field_config: FieldConfig {
            defaults: FieldDefaults {
                unit: unit.id(),
                min: 0,
                thresholds: None,
                custom: TimeSeriesStyle {
                    line_width: 2,
                    fill_opacity: 0,
                    show_points: "auto",
                    span_nulls: false,
                    axis_soft_max: None,
                    thresholds_style: ThresholdsStyle { mode: "off" },
                },
            },
            overrides: Vec::new(),
        },
        options: Options {
            legend: Legend {
                show_legend: true,
                display_mode: "table",
                placement: "bottom",
                calcs: vec!["lastNotNull", "max"],
            },
            tooltip: Tooltip { mode: "multi", sort: "desc" },
        },
    }
}

impl Panel {
    /// Draws the objective's threshold as a line, red above it. The axis reaches beyond it, so that the line is seen
    /// however far below it all is well.
    #[must_use]
    pub fn slo_line(mut self, threshold: Duration) -> Self {
        let steps = vec![Step { color: "green", value: None }, Step { color: "red", value: millis(threshold) }];
        self.field_config.defaults.thresholds = Some(Thresholds { mode: "absolute", steps });
        let style = &mut self.field_config.defaults.custom;
        style.thresholds_style.mode = "dashed";
        style.axis_soft_max = millis(threshold * 11 / 10);
        self
    }

    /// Draws the series of that legend in that colour, whatever the palette would give it.
    #[must_use]
    pub fn coloured(mut self, legend: &str, colour: &str) -> Self {
        self.field_config.overrides.push(Override {
            matcher: Matcher { id: "byRegexp", options: format!("/^{legend}/") },
            properties: vec![Property {
                id: "color",
                value: serde_json::json!({ "mode": "fixed", "fixedColor": colour }),
            }],
        });
        self
    }
}
