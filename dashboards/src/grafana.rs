//! Grafana's classic dashboard model, schema version 42, as far as our dashboards use it.
//!
//! The model is the classic one, because file provisioning rejects the newer "v2" model
//! (grafana/grafana#122663). Field names and enum values are those of the published schema
//! (grafana-foundation-sdk, `dashboard.jsonschema.json` and the schemas of the panels).

#![expect(missing_docs, reason = "fields are Grafana's own")]

use std::fmt;

use monitoring::label::Label;
use monitoring::promql::Selector;
use serde::{Serialize, Serializer};

use crate::query::Query;

mod panel;

pub use panel::{
    Color, FieldConfig, FieldDefaults, GridPos, Legend, Matcher, Options, Override, Panel, Property, Reduce, SortBy,
    Step, Style, Target, Thresholds, ThresholdsStyle, TimeSeriesStyle, Tooltip, Transformation,
};

/// The `schemaVersion` that these types write.
pub(crate) const SCHEMA_VERSION: u32 = 42;

/// A dashboard.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    pub uid: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub schema_version: u32,
    pub editable: bool,
    /// 1: shared crosshair for all panels.
    pub graph_tooltip: u8,
    pub refresh: String,
    pub time: TimeRange,
    pub timezone: String,
    pub templating: Templating,
    pub annotations: Annotations,
    pub links: Vec<Link>,
    pub panels: Vec<Panel>,
}

/// Marks of moments and time ranges on all panels.
#[derive(Debug, Clone, Serialize)]
pub struct Annotations {
    pub list: Vec<Annotation>,
}

/// Marks the time ranges in which a query has values above zero.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    pub name: String,
    pub datasource: DataSource,
    pub enable: bool,
    pub hide: bool,
    pub icon_color: &'static str,
    pub target: AnnotationTarget,
    pub title_format: &'static str,
    pub text_format: &'static str,
    pub tag_keys: &'static str,
    /// The query as a value, for the proof after a run. Not written to JSON.
    #[serde(skip)]
    pub query: Query,
}

/// Prometheus query of an annotation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnotationTarget {
    pub ref_id: &'static str,
    pub expr: String,
    /// Step between values.
    pub interval: String,
}

/// A link at the top of the dashboard.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    pub title: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub icon: &'static str,
    pub tooltip: &'static str,
    pub url: String,
    pub tags: Vec<String>,
    pub as_dropdown: bool,
    pub target_blank: bool,
    pub include_vars: bool,
    pub keep_time: bool,
}

/// A time range relative to now.
#[derive(Debug, Clone, Serialize)]
pub struct TimeRange {
    pub from: String,
    pub to: String,
}

/// The dashboard's variables.
#[derive(Debug, Clone, Serialize)]
pub struct Templating {
    pub list: Vec<Variable>,
}

/// A variable: label values returned by a query, or data sources of one type.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    pub label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    pub query: VariableQuery,
    /// 1: queried when the dashboard is loaded; 2: also when the time range changes.
    pub refresh: u8,
    /// 2: descending, so that the newest testid is first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<u8>,
    pub multi: bool,
    pub include_all: bool,
    pub current: Current,
}

/// Initial value of a variable.
#[derive(Debug, Clone, Serialize)]
pub struct Current {
    pub text: String,
    pub value: String,
}

/// Source of a variable's values.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum VariableQuery {
    /// Values of a label.
    #[serde(rename_all = "camelCase")]
    Prometheus {
        /// 1: `label_values`.
        qry_type: u8,
        query: LabelValues,
        ref_id: String,
    },
    /// Data source type.
    Kind(&'static str),
}

/// The values of a label of the selected series.
#[derive(Debug, Clone)]
pub struct LabelValues {
    /// Series, with Grafana's variables.
    pub series: Selector,
    /// Label of the values.
    pub label: Label,
}

impl fmt::Display for LabelValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label_values({}, {})", self.series, self.label.as_str())
    }
}

impl Serialize for LabelValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A data source by UID.
#[derive(Debug, Clone, Serialize)]
pub struct DataSource {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub uid: &'static str,
}
