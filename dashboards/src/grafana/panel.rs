//! Panels of the classic model, as far as our dashboards use them.

use serde::Serialize;

use super::DataSource;
use crate::query::Query;

/// A panel.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// For rows: whether the row is collapsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collapsed: Option<bool>,
}

/// Transformation of a panel's data before it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Transformation {
    pub id: &'static str,
    pub options: serde_json::Value,
}

/// Position and size of a panel on a grid of 24 columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GridPos {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// A query of a panel.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub ref_id: String,
    pub expr: String,
    pub legend_format: String,
    pub range: bool,
    pub instant: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<&'static str>,
    /// The query as a value, for the proof after a run. Not written to JSON.
    #[serde(skip)]
    pub query: Query,
}

/// Formatting of a panel's values, with overrides by series.
#[derive(Debug, Clone, Serialize)]
pub struct FieldConfig {
    pub defaults: FieldDefaults,
    pub overrides: Vec<Override>,
}

/// Default formatting of a panel's values.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDefaults {
    pub unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<serde_json::Value>,
    /// Text shown without data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Style>,
}

/// Source of a series' color, such as thresholds.
#[derive(Debug, Clone, Serialize)]
pub struct Color {
    pub mode: &'static str,
}

/// Settings for series that depend on the type of the panel.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Style {
    Lines(TimeSeriesStyle),
    #[serde(rename_all = "camelCase")]
    States {
        fill_opacity: u32,
        line_width: u32,
    },
}

/// Settings for some of a panel's series.
#[derive(Debug, Clone, Serialize)]
pub struct Override {
    pub matcher: Matcher,
    pub properties: Vec<Property>,
}

/// Series that an override applies to.
#[derive(Debug, Clone, Serialize)]
pub struct Matcher {
    pub id: &'static str,
    pub options: String,
}

/// One setting of an override.
#[derive(Debug, Clone, Serialize)]
pub struct Property {
    pub id: &'static str,
    pub value: serde_json::Value,
}

/// Values at which colors change. Panels can draw them as lines.
#[derive(Debug, Clone, Serialize)]
pub struct Thresholds {
    pub mode: &'static str,
    pub steps: Vec<Step>,
}

/// Color from `value` on. The first step has no value.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub color: &'static str,
    pub value: Option<serde_json::Number>,
}

/// Style of lines.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeSeriesStyle {
    pub line_width: u32,
    pub fill_opacity: u32,
    pub gradient_mode: &'static str,
    pub show_points: &'static str,
    pub span_nulls: bool,
    /// The axis reaches at least this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axis_soft_max: Option<serde_json::Number>,
    pub thresholds_style: ThresholdsStyle,
}

/// Form in which thresholds are drawn, such as "dashed" or "off".
#[derive(Debug, Clone, Serialize)]
pub struct ThresholdsStyle {
    pub mode: &'static str,
}

/// Options that depend on the type of the panel.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
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

/// Reduction of many values to one.
#[derive(Debug, Clone, Serialize)]
pub struct Reduce {
    pub calcs: Vec<&'static str>,
    pub fields: &'static str,
    pub values: bool,
}

/// Column by which a table is sorted initially.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SortBy {
    pub display_name: &'static str,
    pub desc: bool,
}

/// Legend, with calculated values.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Legend {
    pub show_legend: bool,
    pub display_mode: &'static str,
    pub placement: &'static str,
    pub calcs: Vec<&'static str>,
}

/// Tooltip at the pointer.
#[derive(Debug, Clone, Serialize)]
pub struct Tooltip {
    pub mode: &'static str,
    pub sort: &'static str,
}
