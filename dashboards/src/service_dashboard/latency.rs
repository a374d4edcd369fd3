//! Latency by the clients' clock.

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::TESTID;
use monitoring::metric::Metric;
use monitoring::prometheus::recording_rules::RECORDED;
use monitoring::promql::{self, Expr, Window};
use monitoring::ratio::Ratio;

use super::chosen;
use crate::grafana::Panel;
use crate::panel::{Query, Unit, time_series};

fn quantile(endpoint: &Endpoint, q: Ratio) -> Expr {
    promql::quantile_over(chosen(Metric::latency(endpoint).bucket()), q, &[TESTID], Window::RateInterval)
}

const P95: Ratio = Ratio::percent(95);

/// p50 and p95 of an endpoint that the game stands or falls with.
pub(super) fn critical(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let queries = RECORDED.map(|(name, q)| Query::new(format!("{name} {{{{testid}}}}"), quantile(endpoint, q)));
    let slo = catalogue.latency_slo(endpoint);
    let promise = slo.map(|slo| format!(" Promised: {}, the dashed line.", slo.describe())).unwrap_or_default();
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
    match slo.and_then(|slo| slo.threshold()) {
        Some(threshold) => panel.slo_line(threshold),
        None => panel,
    }
}

/// p95 of all endpoints beside one another.
pub(super) fn all(catalogue: &Catalogue) -> Panel {
    let query = |endpoint: &Endpoint| Query::new(format!("{} {{{{testid}}}}", endpoint.title), quantile(endpoint, P95));
    time_series(
        "p95 latency by endpoint",
        "The 95th percentile of every endpoint's latency. One endpoint high: its own query logic. All high: overload, \
         the connection pool or the network.",
        Unit::Milliseconds,
        catalogue.endpoints.iter().map(query).collect(),
    )
    .legend_right()
}

/// p95 of one endpoint against its own objective.
pub(super) fn small(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let slo = catalogue.latency_slo(endpoint);
    let promise = slo.map_or_else(|| "nothing".to_owned(), |slo| slo.describe());
    let description = format!(
        "p95 of {} {}; promised: {promise}. Yellow from 80 % of that on: there is little left for a busier day. Red: \
         broken; look at this endpoint's query first if the others are green.",
        endpoint.method.as_str(),
        endpoint.path
    );
    let query = Query::new("{{testid}}", quantile(endpoint, P95));
    let panel = time_series(&format!("{} p95", endpoint.title), &description, Unit::Milliseconds, vec![query]);
    match slo.and_then(|slo| slo.threshold()) {
        Some(threshold) => panel.slo_bands(threshold),
        None => panel.without_legend(),
    }
}
