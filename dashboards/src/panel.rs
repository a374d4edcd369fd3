//! Appearance of each type of panel. [`crate::service_dashboard`] defines what they show.

use serde_json::{Number, Value, json};

use crate::grafana::{
    Color, DataSource, FieldConfig, FieldDefaults, Legend, Matcher, Options, Override, Panel, Property, Reduce, SortBy,
    Step, Style, Target, Thresholds, ThresholdsStyle, TimeSeriesStyle, Tooltip, Transformation,
};
use crate::query::{Query, QueryKind};

mod lines;

/// UID of the provisioned Prometheus data source.
pub const PROMETHEUS_UID: &str = "prometheus";

/// Data source of every panel: the one selected by the variable `datasource`.
pub(crate) const fn selected_source() -> DataSource {
    DataSource { kind: "prometheus", uid: "${datasource}" }
}

/// Unit of a panel's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Requests a second.
    RequestsPerSecond,
    /// A share from 0 to 1, shown as percent.
    Share,
    /// Bytes.
    Bytes,
    /// A plain number, shortened: 3 K.
    Count,
    /// A plain number in full.
    ExactCount,
}

impl Unit {
    const fn id(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::RequestsPerSecond => "reqps",
            Self::Share => "percentunit",
            Self::Bytes => "bytes",
            Self::Count => "short",
            Self::ExactCount => "locale",
        }
    }
}

fn target(query: Query, number: usize, kind: QueryKind) -> Target {
    Target {
        // Numbers instead of letters, because a panel may have more than 26 queries.
        ref_id: format!("Q{number}"),
        expr: query.expr.to_string(),
        legend_format: query.legend(),
        range: kind == QueryKind::Range,
        instant: kind == QueryKind::Instant,
        format: None,
        query,
    }
}

/// A panel without position and ID; [`crate::layout`] sets them.
fn panel(kind: &'static str, title: &str, description: &str, targets: Vec<Target>) -> Panel {
    let (title, description, datasource) = (title.to_owned(), description.to_owned(), Some(selected_source()));
    Panel { kind, title, description, datasource, targets, ..Panel::default() }
}

fn defaults(unit: Unit) -> FieldDefaults {
    FieldDefaults { unit: unit.id(), min: Some(0), ..FieldDefaults::default() }
}

const fn config(defaults: FieldDefaults) -> Option<FieldConfig> {
    Some(FieldConfig { defaults, overrides: Vec::new() })
}

fn over_time(queries: Vec<Query>) -> Vec<Target> {
    queries.into_iter().zip(1..).map(|(query, number)| target(query, number, QueryKind::Range)).collect()
}

const ALL_SERIES: Tooltip = Tooltip { mode: "multi", sort: "desc" };

/// A panel with lines over time.
pub(crate) fn time_series(title: &str, description: &str, unit: Unit, queries: Vec<Query>) -> Panel {
    let style = TimeSeriesStyle {
        line_width: 2,
        fill_opacity: 0,
        gradient_mode: "none",
        show_points: "auto",
        span_nulls: false,
        axis_soft_max: None,
        thresholds_style: ThresholdsStyle { mode: "off" },
    };
    let legend =
        Legend { show_legend: true, display_mode: "table", placement: "bottom", calcs: vec!["lastNotNull", "max"] };
    // Shown instead of "No data" if every query may be empty.
    let excuses: Option<Vec<_>> = queries.iter().map(|query| query.excuse).collect();
    let no_value = excuses.and_then(|excuses| excuses.first().copied()).map(|excuse| format!("No data: {excuse}"));
    Panel {
        field_config: config(FieldDefaults { custom: Some(Style::Lines(style)), no_value, ..defaults(unit) }),
        options: Some(Options::TimeSeries { legend, tooltip: ALL_SERIES }),
        ..panel("timeseries", title, description, over_time(queries))
    }
}

/// Colors of a value that should be high: red, yellow from `yellow` on, green from `green` on.
pub(crate) fn high_is_good(yellow: f64, green: f64) -> Thresholds {
    steps("red", &[("yellow", yellow), ("green", green)])
}

/// Colors of a value that should be low: green, yellow from `yellow` on, red from `red` on.
pub(crate) fn low_is_good(yellow: f64, red: f64) -> Thresholds {
    steps("green", &[("yellow", yellow), ("red", red)])
}

fn steps(base: &'static str, from: &[(&'static str, f64)]) -> Thresholds {
    let rest = from.iter().map(|&(color, value)| Step { color, value: Number::from_f64(value) });
    Thresholds { mode: "absolute", steps: std::iter::once(Step { color: base, value: None }).chain(rest).collect() }
}

/// A panel with a single value, which is also shown after the run.
fn single(kind: &'static str, title: &str, description: &str, query: Query, bands: Thresholds) -> Panel {
    let defaults = FieldDefaults {
        color: Some(Color { mode: "thresholds" }),
        thresholds: Some(bands),
        decimals: Some(2),
        ..defaults(Unit::Share)
    };
    Panel {
        field_config: config(defaults),
        ..panel(kind, title, description, vec![target(query, 1, QueryKind::Instant)])
    }
}

const LAST: fn() -> Reduce = || Reduce { calcs: vec!["lastNotNull"], fields: "", values: false };

/// A panel with a share as a gauge.
pub fn gauge(title: &str, description: &str, query: Query, bands: Thresholds) -> Panel {
    let mut panel = single("gauge", title, description, query, bands);
    panel.field_config.iter_mut().for_each(|config| config.defaults.max = Some(1));
    let options = Options::Gauge { reduce_options: LAST(), show_threshold_labels: false, show_threshold_markers: true };
    Panel { options: Some(options), ..panel }
}

/// A panel with a share as a large number.
pub fn stat(title: &str, description: &str, query: Query, bands: Thresholds) -> Panel {
    let options = Options::Stat {
        reduce_options: LAST(),
        color_mode: "background",
        graph_mode: "none",
        justify_mode: "center",
        text_mode: "value",
    };
    Panel { options: Some(options), ..single("stat", title, description, query, bands) }
}

/// A panel with the states 1 and 0 over time as texts, one row per query.
pub(crate) fn states(title: &str, description: &str, good: &str, bad: &str, queries: Vec<Query>) -> Panel {
    let texts = json!({
        "1": { "text": good, "color": "green", "index": 0 },
        "0": { "text": bad, "color": "red", "index": 1 },
    });
    let defaults = FieldDefaults {
        min: None,
        mappings: vec![json!({ "type": "value", "options": texts })],
        color: Some(Color { mode: "thresholds" }),
        custom: Some(Style::States { fill_opacity: 75, line_width: 0 }),
        ..defaults(Unit::Count)
    };
    let legend = Legend { show_legend: false, display_mode: "list", placement: "bottom", calcs: Vec::new() };
    Panel {
        field_config: config(defaults),
        options: Some(Options::States {
            merge_values: true,
            show_value: "never",
            row_height: 0.85,
            legend,
            tooltip: Tooltip { mode: "single", sort: "none" },
        }),
        ..panel("state-timeline", title, description, over_time(queries))
    }
}

/// A column of a table. Its query returns one value per row.
#[derive(Debug)]
pub struct Column {
    /// Heading of the column.
    pub title: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Number of decimals.
    pub decimals: u32,
    /// Width in pixels.
    pub width: u32,
    /// Colors of its cells, if any, and whether they are drawn as a bar.
    pub bands: Option<(Thresholds, Cell)>,
    /// Query of its values.
    pub query: Query,
}

/// Style of a colored cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Colored text.
    Text,
    /// A bar that is full at 1.
    Bar,
}

/// A table with one row per set of labels and one column per query. `keys` are the shown labels and
/// their headings.
pub fn table(title: &str, description: &str, keys: &[(&str, &str)], columns: Vec<Column>, sort: SortBy) -> Panel {
    let (mut targets, mut overrides) = (Vec::new(), Vec::new());
    let mut renamed: Vec<(String, &str)> = keys.iter().map(|&(label, name)| (label.to_owned(), name)).collect();
    for (column, number) in columns.into_iter().zip(1..) {
        let target = Target { format: Some("table"), ..target(column.query, number, QueryKind::Instant) };
        // Grafana's name for the values of one of several queries of a table.
        renamed.push((format!("Value #{}", target.ref_id), column.title));
        targets.push(target);
        let mut properties = vec![
            Property { id: "unit", value: json!(column.unit.id()) },
            Property { id: "decimals", value: json!(column.decimals) },
            Property { id: "custom.width", value: json!(column.width) },
        ];
        if let Some((bands, cell)) = column.bands {
            let options = match cell {
                Cell::Text => json!({ "type": "color-text" }),
                Cell::Bar => json!({ "type": "gauge", "mode": "basic", "valueDisplayMode": "text" }),
            };
            properties.push(Property { id: "thresholds", value: json!(bands) });
            properties.push(Property { id: "color", value: json!({ "mode": "thresholds" }) });
            properties.push(Property { id: "custom.cellOptions", value: options });
            if cell == Cell::Bar {
                properties.push(Property { id: "max", value: json!(1) });
            }
        }
        overrides.push(Override { matcher: Matcher { id: "byName", options: column.title.to_owned() }, properties });
    }
    let order: serde_json::Map<_, _> =
        renamed.iter().zip(0..).map(|((name, _), at): (_, u32)| (name.clone(), Value::from(at))).collect();
    let names: serde_json::Map<_, _> =
        renamed.iter().map(|(name, shown)| (name.clone(), Value::from(*shown))).collect();
    Panel {
        field_config: Some(FieldConfig { defaults: defaults(Unit::Count), overrides }),
        options: Some(Options::Table { show_header: true, cell_height: "sm", sort_by: vec![sort] }),
        transformations: vec![
            Transformation { id: "merge", options: json!({}) },
            Transformation {
                id: "organize",
                options: json!({ "excludeByName": { "Time": true }, "indexByName": order, "renameByName": names }),
            },
        ],
        ..panel("table", title, description, targets)
    }
}

/// A heading over the panels below it.
pub fn heading(title: &str) -> Panel {
    Panel { datasource: None, collapsed: Some(false), ..panel("row", title, "", Vec::new()) }
}
