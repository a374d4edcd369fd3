//! Grafana's classic dashboard model, schema version 42, as far as our dashboards use it.
//!
//! Classic, because file provisioning refuses the newer "v2" model (grafana/grafana#122663). Field names and enum values
//! are those of the published schema (grafana-foundation-sdk, `dashboard.jsonschema.json` and those of the panels).

use serde::Serialize;

/// The `schemaVersion` that these types write.
pub const SCHEMA_VERSION: u32 = 42;

/// A dashboard.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Dashboard {
    pub uid: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub schema_version: u32,
    pub editable: bool,
    /// 1: one crosshair for all panels.
    pub graph_tooltip: u8,
    pub refresh: String,
    pub time: TimeRange,
    pub timezone: String,
    pub templating: Templating,
    pub panels: Vec<Panel>,
}

/// A window relative to now.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct TimeRange {
    pub from: String,
    pub to: String,
}

/// The dashboard's variables.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Templating {
    pub list: Vec<Variable>,
}

/// A variable whose values a query gives.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Variable {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    pub label: String,
    pub datasource: DataSource,
    pub query: VariableQuery,
    /// 2: asked again whenever the window changes.
    pub refresh: u8,
    /// 2: descending, so that the newest testid stands first.
    pub sort: u8,
    pub multi: bool,
    pub include_all: bool,
    pub current: Current,
}

/// The value a variable starts with.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Current {
    pub text: String,
    pub value: String,
}

/// The query behind a variable.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct VariableQuery {
    /// 1: `label_values`.
    pub qry_type: u8,
    pub query: String,
    pub ref_id: String,
}

/// A data source by uid.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct DataSource {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub uid: &'static str,
}

/// A panel.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Panel {
    pub id: u32,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub description: String,
    pub datasource: DataSource,
    pub grid_pos: GridPos,
    pub targets: Vec<Target>,
    pub field_config: FieldConfig,
    pub options: Options,
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
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct FieldDefaults {
    pub unit: &'static str,
    pub min: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    pub custom: TimeSeriesStyle,
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

/// A time series panel's own options.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "fields are Grafana's own")]
pub struct Options {
    pub legend: Legend,
    pub tooltip: Tooltip,
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
