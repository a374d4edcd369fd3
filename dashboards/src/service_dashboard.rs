//! The dashboard of a service: its objectives and whether they are met, the load, and the backend's
//! own metrics.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::label::{Label, PHASE, SCENARIO, TESTID};
use monitoring::metric::Metric;
use monitoring::phase::Phase;
use monitoring::promql::{self, Expr, Selector, Window};

use crate::grafana::{
    Annotation, AnnotationTarget, Annotations, Current, Dashboard, Link, Panel, SCHEMA_VERSION, Templating, TimeRange,
    Variable, VariableQuery,
};
use crate::layout::{self, Row};
use crate::panel::{PROMETHEUS_UID, selected_source};

mod backend;
mod health;
mod latency;
mod load;
mod measures;
mod summary;

/// Title of the Grafana folder for provisioned dashboards.
pub const FOLDER: &str = "Performance Testing";

/// URL path at which Grafana serves the reports of runs, if their folder is mounted.
pub const REPORTS: &str = "public/perf";

/// Target of the link to Prometheus: the stack's Prometheus at its default port.
pub const PROMETHEUS_LINK: &str = "http://localhost:9090/query";

/// Makes the dashboard of a catalogue.
pub fn dashboard(catalogue: &Catalogue) -> Dashboard {
    let critical = catalogue.critical.iter().map(|endpoint| latency::critical(catalogue, endpoint)).collect();
    let mut small: Vec<_> = catalogue.endpoints.iter().map(|endpoint| latency::small(catalogue, endpoint)).collect();
    small.extend(latency::spans(catalogue));
    small.extend(load::throughputs(catalogue));
    small.extend(measures::panels(catalogue));
    let mut panels = vec![
        Row::Even(9, critical),
        Row::Heading("Health"),
        Row::Sized(8, health::panels(catalogue)),
        Row::Heading("Endpoints"),
        Row::Even(10, vec![latency::all(catalogue)]),
    ];
    panels.extend(rows_of_small(small));
    panels.extend([
        Row::Heading("Load"),
        Row::Even(10, vec![summary::table(catalogue)]),
        Row::Even(9, vec![load::request_rate(), load::vus()]),
        Row::Even(8, vec![load::arrivals(), load::connecting(), load::generator()]),
        Row::Heading("Backend"),
    ]);
    let latencies = [backend::mean(catalogue), backend::p95(catalogue), backend::outside(catalogue)];
    let latencies: Vec<_> = latencies.into_iter().flatten().collect();
    if !latencies.is_empty() {
        panels.push(Row::Even(8, latencies));
    }
    let mut resources: Vec<_> = backend::in_flight(catalogue).into_iter().chain([backend::cpu()]).collect();
    resources.extend(backend::memory(catalogue));
    resources.extend(backend::objectives(catalogue));
    panels.extend(rows_of_small(resources));
    Dashboard {
        uid: uid(catalogue.service).to_owned(),
        title: catalogue.title.to_owned(),
        description: "Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`.".to_owned(),
        tags: vec!["performance".to_owned(), catalogue.service.to_owned()],
        schema_version: SCHEMA_VERSION,
        editable: false,
        graph_tooltip: 1,
        refresh: "5s".to_owned(),
        time: TimeRange { from: "now-15m".to_owned(), to: "now".to_owned() },
        timezone: "browser".to_owned(),
        templating: Templating {
            list: vec![data_source(), variable(TESTID, "Run", &[]), variable(SCENARIO, "Scenario", &[TESTID])],
        },
        annotations: Annotations { list: vec![starts(), ends(), phases()] },
        links: links(),
        panels: layout::rows(panels),
    }
}

/// Arranges small panels in rows of four.
fn rows_of_small(mut panels: Vec<Panel>) -> Vec<Row> {
    let mut rows = Vec::new();
    while !panels.is_empty() {
        // With more than four in a row, axes and lines are hard to read.
        let rest = panels.split_off(panels.len().min(4));
        rows.push(Row::Even(7, panels));
        panels = rest;
    }
    rows
}

/// UID of a service's dashboard, which is part of its URL.
pub const fn uid(service: &str) -> &str {
    service
}

/// Series of the selected runs and scenarios.
fn selected(metric: impl Into<String>) -> Selector {
    Selector::new(metric).with_variable(TESTID).with_variable(SCENARIO)
}

fn data_source() -> Variable {
    Variable {
        kind: "datasource",
        name: "datasource".to_owned(),
        label: "Data source".to_owned(),
        datasource: None,
        query: VariableQuery::Kind("prometheus"),
        refresh: 1,
        sort: None,
        multi: false,
        include_all: false,
        current: Current { text: "Prometheus".to_owned(), value: PROMETHEUS_UID.to_owned() },
    }
}

fn variable(label: Label, title: &str, within: &[Label]) -> Variable {
    let series = within.iter().fold(Selector::new(Metric::vus().name), |series, &label| series.with_variable(label));
    Variable {
        kind: "query",
        name: label.as_str().to_owned(),
        label: title.to_owned(),
        datasource: Some(selected_source()),
        query: VariableQuery::Prometheus {
            qry_type: 1,
            query: format!("label_values({}, {})", series.now(), label.as_str()),
            ref_id: label.as_str().to_owned(),
        },
        refresh: 2,
        sort: Some(2),
        multi: true,
        include_all: true,
        current: Current { text: "All".to_owned(), value: "$__all".to_owned() },
    }
}

/// Length of the marks at the start and the end of a run: two pushes, so that each mark contains a
/// step.
pub const MARK: Duration = Duration::from_secs(10);

fn active(before: Duration) -> Expr {
    selected(Metric::vus().name).before(before).now().sum_by(&[TESTID, SCENARIO])
}

/// Marks times at which a run has series but had none [`MARK`] before.
fn starts() -> Annotation {
    annotation("Run starts", "green", active(Duration::ZERO).unless(active(MARK)), "run starts")
}

/// Marks times at which a run has no series but had some [`MARK`] before. Stale markers end the
/// series.
fn ends() -> Annotation {
    let ends = annotation("Run ends", "purple", active(MARK).unless(active(Duration::ZERO)), "run ends");
    Annotation { may_be_empty: Some("the time range ends with the run, so it does not include the end mark"), ..ends }
}

/// Marks warm-up and the times in which the load increases or decreases.
fn phases() -> Annotation {
    let window = Window::Fixed(MARK * 2);
    let changing = selected(Metric::http_reqs().name).without(PHASE, Phase::Steady.as_str());
    let requests = changing.rate(window).sum_by(&[TESTID, PHASE]).above_zero();
    Annotation {
        may_be_empty: Some("a load without warm-up or ramps is always steady"),
        ..annotation("Phases", "yellow", requests, "{{phase}}")
    }
}

fn annotation(name: &'static str, color: &'static str, expr: Expr, title: &'static str) -> Annotation {
    Annotation {
        name,
        datasource: selected_source(),
        enable: true,
        hide: false,
        icon_color: color,
        target: AnnotationTarget {
            ref_id: "Anno",
            expr: expr.to_string(),
            interval: promql::duration(monitoring::stack_limits::PUSH_INTERVAL),
        },
        title_format: title,
        text_format: "{{testid}}",
        tag_keys: "scenario",
        may_be_empty: None,
    }
}

fn links() -> Vec<Link> {
    let link = |title, icon, tooltip, url: String| Link {
        title,
        kind: "link",
        icon,
        tooltip,
        url,
        tags: Vec::new(),
        as_dropdown: false,
        target_blank: true,
        include_vars: false,
        keep_time: false,
    };
    vec![
        link(
            "Report",
            "doc",
            "Report of the selected run. Select exactly one run.",
            format!("/{REPORTS}/${{{TESTID}:raw}}/report.json", TESTID = TESTID.as_str()),
        ),
        link("Prometheus", "external link", "Open Prometheus", PROMETHEUS_LINK.to_owned()),
    ]
}
