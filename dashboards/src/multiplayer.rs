//! The dashboard of a service: latency of the critical endpoints, of all endpoints, and the request rate.

use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::label::{Label, NAME, SCENARIO, TESTID};
use monitoring::metric::Metric;
use monitoring::promql::{self, Expr, Selector, Window};
use monitoring::rule::RECORDED;
use monitoring::slo::{Objective, Sli};

use crate::grafana::{Current, Dashboard, Panel, SCHEMA_VERSION, Templating, TimeRange, Variable, VariableQuery};
use crate::layout;
use crate::panel::{Unit, prometheus, time_series};

/// The folder that dashboards are provisioned into.
pub const FOLDER: &str = "Performance Testing";

/// The dashboard of a catalogue.
pub fn dashboard(catalogue: &Catalogue) -> Dashboard {
    let critical = catalogue.critical.iter().map(|endpoint| critical_panel(catalogue, endpoint)).collect();
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
        templating: Templating { list: vec![variable(TESTID, "Run", &[]), variable(SCENARIO, "Scenario", &[TESTID])] },
        panels: layout::rows(vec![(9, critical), (15, vec![p95_panel(catalogue), rate_panel()])]),
    }
}

/// The uid of a service's dashboard, which stands in its URL.
pub const fn uid(service: &str) -> &str {
    service
}

/// Series of the chosen runs and scenarios.
fn chosen(metric: String) -> Selector {
    Selector::new(metric).with_variable(TESTID).with_variable(SCENARIO)
}

fn quantile(endpoint: &Endpoint, q: Objective) -> Expr {
    promql::quantile_over(chosen(Metric::latency(endpoint).bucket()), q, &[TESTID], Window::RateInterval)
}

fn critical_panel(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let queries = RECORDED.map(|(name, q)| (format!("{name} {{{{testid}}}}"), quantile(endpoint, q)));
    let slo = catalogue.latency_slo(endpoint);
    let promise = slo.map(|slo| format!(" Promised: {}, the dashed line.", slo.promise())).unwrap_or_default();
    let description = format!(
        "How long {} {} takes, by the clients' clock; a failed request counts as slower than any.{promise} \
         When p95 is above the line: see whether all endpoints rose (overload, connection pool, network) or this one \
         alone (its own query).",
        endpoint.method.as_str(),
        endpoint.path
    );
    let title = format!("{} latency", endpoint.title);
    let panel = time_series(&title, &description, Unit::Milliseconds, queries.into())
        .coloured("p50", "blue")
        .coloured("p95", "orange");
    match slo.map(|slo| slo.sli) {
        Some(Sli::Latency { threshold, .. }) => panel.slo_line(threshold),
        _ => panel,
    }
}

fn p95_panel(catalogue: &Catalogue) -> Panel {
    let p95 = Objective::percent(95);
    let legend = |endpoint: &Endpoint| format!("{} {{{{testid}}}}", endpoint.name);
    let queries = catalogue.endpoints.iter().map(|endpoint| (legend(endpoint), quantile(endpoint, p95)));
    time_series(
        "p95 latency by endpoint",
        "The 95th percentile of every endpoint's latency. One endpoint high: its own query logic. All high: overload, \
         the connection pool or the network.",
        Unit::Milliseconds,
        queries.collect(),
    )
}

fn rate_panel() -> Panel {
    let rate = chosen(Metric::http_reqs().name).rate(Window::RateInterval).sum_by(&[NAME]);
    time_series(
        "Request rate by endpoint",
        "Requests a second that the load made, failed ones included. Falling while VUs stay: the backend has become \
         slower, since each VU waits for its answer.",
        Unit::RequestsPerSecond,
        vec![("{{name}}".to_owned(), rate)],
    )
}

fn variable(label: Label, title: &str, within: &[Label]) -> Variable {
    let series = within.iter().fold(Selector::new(Metric::vus().name), |series, &label| series.with_variable(label));
    Variable {
        kind: "query",
        name: label.as_str().to_owned(),
        label: title.to_owned(),
        datasource: prometheus(),
        query: VariableQuery {
            qry_type: 1,
            query: format!("label_values({}, {})", series.now(), label.as_str()),
            ref_id: label.as_str().to_owned(),
        },
        refresh: 2,
        sort: 2,
        multi: true,
        include_all: true,
        current: Current { text: "All".to_owned(), value: "$__all".to_owned() },
    }
}
