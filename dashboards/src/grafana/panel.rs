//! Panels of the classic model, each kind as far as our dashboards use it.

use serde::Serialize;

use super::DataSource;

/// A panel.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Panel {
    pub id: u32,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    pub grid_pos: GridPos,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transformations: Vec<Transformation>,
    /// Rows: whether they are folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<bool>,
}

/// What is done with a panel's data before it is shown.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Transformation {
    pub id: &'static str,
    pub options: serde_json::Value,
}

/// Where a panel stands, on a grid 24 columns wide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct GridPos {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// A query of a panel.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Target {
    pub ref_id: String,
    pub expr: String,
    pub legend_format: String,
    pub range: bool,
    pub instant: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
    /// Why there may rightly be no data. Not Grafana's: it is what the proof after a run goes by.
    #[serde(skip)]
    pub may_be_empty: Option<&'static str>,
}

/// How a panel's values are shown.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct FieldConfig {
    pub defaults: FieldDefaults,
    pub overrides: Vec<Override>,
}

/// How a panel's values are shown where nothing else is said.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct FieldDefaults {
    pub unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Colour>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<serde_json::Value>,
    /// What is shown where there is no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Style>,
}

/// What a series' colour follows from.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Colour {
    pub mode: &'static str,
}

/// A panel kind's own settings for its series.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub enum Style {
    Lines(TimeSeriesStyle),
    #[serde(rename_all = "camelCase")]
    States {
        fill_opacity: u32,
        line_width: u32,
    },
}

/// Other settings for some of a panel's series.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Override {
    pub matcher: Matcher,
    pub properties: Vec<Property>,
}

/// Which series an override is for.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Matcher {
    pub id: &'static str,
    pub options: String,
}

/// One setting of an override.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Property {
    pub id: &'static str,
    pub value: serde_json::Value,
}

/// Values from which on colours change, drawn as lines.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Thresholds {
    pub mode: &'static str,
    pub steps: Vec<Step>,
}

/// From `value` on, `color`; the first step has no value.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Step {
    pub color: &'static str,
    pub value: Option<serde_json::Number>,
}

/// How lines are drawn.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct TimeSeriesStyle {
    pub line_width: u32,
    pub fill_opacity: u32,
    pub gradient_mode: &'static str,
    pub show_points: &'static str,
    pub span_nulls: bool,
    /// The axis reaches at least this far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_soft_max: Option<serde_json::Number>,
    pub thresholds_style: ThresholdsStyle,
}

/// Whether thresholds are drawn.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct ThresholdsStyle {
    pub mode: &'static str,
}

/// A panel kind's own options.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub enum Options {
    TimeSeries {
        legend: Legend,
        tooltip: Tooltip,
    },
    #[serde(rename_all = "camelCase")]
    Gauge {
        reduce_options: Reduce,
        show_threshold_labels: bool,
        show_threshold_markers: bool,
    },
    #[serde(rename_all = "camelCase")]
    Stat {
        reduce_options: Reduce,
        color_mode: &'static str,
        graph_mode: &'static str,
        justify_mode: &'static str,
        text_mode: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    States {
        merge_values: bool,
        show_value: &'static str,
        row_height: f64,
        legend: Legend,
        tooltip: Tooltip,
    },
    #[serde(rename_all = "camelCase")]
    Table {
        show_header: bool,
        cell_height: &'static str,
        sort_by: Vec<SortBy>,
    },
}

/// How many values become one.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Reduce {
    pub calcs: Vec<&'static str>,
    pub fields: &'static str,
    pub values: bool,
}

/// The column that a table is sorted by at first.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct SortBy {
    pub display_name: &'static str,
    pub desc: bool,
}

/// The legend, with figures.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Legend {
    pub show_legend: bool,
    pub display_mode: &'static str,
    pub placement: &'static str,
    pub calcs: Vec<&'static str>,
}

/// What is shown under the pointer.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Tooltip {
    pub mode: &'static str,
    pub sort: &'static str,
}
