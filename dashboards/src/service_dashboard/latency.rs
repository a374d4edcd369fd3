//! Panels of latency, measured by the clients.

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::TESTID;
use monitoring::metric::Metric;
use monitoring::prometheus::recording_rules::RECORDED;
use monitoring::promql::{self, Expr, Window};
use monitoring::ratio::Ratio;

use super::selected;
use crate::grafana::Panel;
use crate::panel::{Query, Unit, time_series};

fn quantile(endpoint: &Endpoint, q: Ratio) -> Expr {
    promql::quantile_over(selected(Metric::latency(endpoint).bucket()), q, &[TESTID], Window::RateInterval)
}

const P95: Ratio = Ratio::percent(95);

/// p50 and p95 of a critical endpoint.
pub(super) fn critical(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let queries = RECORDED.map(|(name, q)| Query::new(format!("{name} {{{{testid}}}}"), quantile(endpoint, q)));
    let slo = catalogue.latency_slo(endpoint);
    let objective = slo.map(|slo| format!(" Objective: {}, the dashed line.", slo.describe())).unwrap_or_default();
    let description = format!(
        "Latency of {} {} in ms, measured by the clients; a failed request counts as slower than \
         any other.{objective} If p95 is too high, check whether all endpoints are slow (overload, \
         connection pool, network) or only this one (its own query).",
        endpoint.method.as_str(),
        endpoint.path
    );
    let title = format!("{} latency", endpoint.title);
    let panel = time_series(&title, &description, Unit::Milliseconds, queries.into())
        .colored("p50", "blue")
        .colored("p95", "orange");
    match slo.and_then(|slo| slo.threshold()) {
        Some(threshold) => panel.slo_line(threshold),
        None => panel,
    }
}

/// p95 of all endpoints in one panel.
pub(super) fn all(catalogue: &Catalogue) -> Panel {
    let query = |endpoint: &Endpoint| Query::new(format!("{} {{{{testid}}}}", endpoint.title), quantile(endpoint, P95));
    time_series(
        "p95 latency by endpoint",
        "95th percentile of each endpoint's latency in ms. If only one endpoint is high, check its \
         own query. If all are high, check for overload, the connection pool and the network.",
        Unit::Milliseconds,
        catalogue.endpoints.iter().map(query).collect(),
    )
    .legend_right()
}

/// p95 of one endpoint with its own objective.
pub(super) fn small(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let slo = catalogue.latency_slo(endpoint);
    let objective = slo.map_or_else(
        || "This endpoint has no latency objective.".to_owned(),
        |slo| {
            format!(
                "Objective: {}. Yellow: above 80 % of it, with little reserve. Red: missed; if the \
                 other endpoints are green, check this endpoint's query.",
                slo.describe()
            )
        },
    );
    let description =
        format!("95th percentile of the latency of {} {} in ms. {objective}", endpoint.method.as_str(), endpoint.path);
    let query = Query::new("{{testid}}", quantile(endpoint, P95));
    let panel = time_series(&format!("{} p95", endpoint.title), &description, Unit::Milliseconds, vec![query]);
    match slo.and_then(|slo| slo.threshold()) {
        Some(threshold) => panel.slo_bands(threshold),
        None => panel.without_legend(),
    }
}
