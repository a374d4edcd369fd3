//! Panels of the backend's own metrics, next to those of the clients.

use monitoring::backend_metrics::{self, CPU, MEMORY};
use monitoring::backend_slo::{Amount, BackendSlo};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::excuse::Excuse;
use monitoring::label::LE;
use monitoring::metric::Metric;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::ratio::Ratio;

use super::load::every;
use super::selected;
use crate::grafana::Panel;
use crate::panel::{Unit, time_series};
use crate::query::Query;

/// Milliseconds in a second. Values of objectives on durations are in seconds.
const MS: u32 = 1_000;
const P95: Ratio = Ratio::percent(95);

fn growing(selector: Selector) -> Expr {
    selector.rate(Window::RateInterval).sum()
}

fn mean_duration(histogram: &str, select: &dyn Fn(String) -> Selector) -> Expr {
    growing(select(format!("{histogram}_sum"))).divided_by(growing(select(format!("{histogram}_count"))))
}

/// `None` if the backend has no histogram of durations.
pub(super) fn mean(catalogue: &Catalogue) -> Option<Panel> {
    let duration = catalogue.mapping.duration?;
    let names = || catalogue.endpoints.iter().map(|endpoint| Metric::latency(endpoint).name);
    let client = growing(every("sum", names())).divided_by(growing(every("count", names())));
    let backend = mean_duration(duration, &|series| backend_metrics::scraped(series));
    let panel = time_series(
        "Mean latency: client and backend",
        "Mean latency of all endpoints in ms, measured by the clients and by the backend. If the \
         client line is above the backend line, time passes outside the backend's code: check its \
         accept queue, proxies, the network and the generator.",
        Unit::Milliseconds,
        vec![
            Query::new("client", client).about_endpoints(catalogue.endpoints),
            Query::new("backend", backend.times(catalogue.mapping.milliseconds())),
        ],
    )
    .dashed("client");
    Some(panel)
}

/// `None` if the backend has no histogram of durations.
pub(super) fn p95(catalogue: &Catalogue) -> Option<Panel> {
    let duration = catalogue.mapping.duration_of_all()?;
    let quantile = |buckets: Selector| buckets.rate(Window::RateInterval).sum_by(&[LE]).quantile(P95);
    let client = quantile(selected(Metric::http_req_duration().bucket()));
    let backend = quantile(backend_metrics::scraped(format!("{duration}_bucket")));
    let backend = backend.times(catalogue.mapping.milliseconds());
    let panel = time_series(
        "p95 latency: client and backend",
        "95th percentile of all requests in ms, measured by the clients and by the backend. The \
         backend's line is interpolated between its buckets, so it is approximate. If the client \
         line is much higher, time passes outside the backend.",
        Unit::Milliseconds,
        vec![Query::new("client", client), Query::new("backend", backend)],
    )
    .dashed("client");
    Some(panel)
}

/// `None` if the backend does not measure durations by route.
pub(super) fn outside(catalogue: &Catalogue) -> Option<Panel> {
    let duration = catalogue.mapping.duration?;
    let mapping = catalogue.mapping;
    mapping.handler?;
    let query = |endpoint: &Endpoint| {
        let client = mean_duration(&Metric::latency(endpoint).name, &|series| selected(series));
        let of_endpoint = |series: String| mapping.endpoint_series(series, endpoint);
        let growth = |suffix: &str| Some(growing(of_endpoint(format!("{duration}_{suffix}"))?));
        let backend = growth("sum")?.divided_by(growth("count")?).times(mapping.milliseconds());
        Some(Query::new(endpoint.title, client.minus(backend).at_least_zero()).about_endpoints([endpoint]))
    };
    Some(time_series(
        "Time outside the backend by endpoint",
        "Mean latency in ms measured by the clients, minus the backend's own mean: network, \
         proxies and accept queue. If all endpoints are high, check the network path. If only one \
         is high, check for large responses, or for work after the backend stopped its clock.",
        Unit::Milliseconds,
        catalogue.endpoints.iter().filter_map(query).collect(),
    ))
}

/// `None` if the backend has no such gauge.
pub(super) fn in_flight(catalogue: &Catalogue) -> Option<Panel> {
    let query = Query::new("in flight", backend_metrics::scraped(catalogue.mapping.in_flight?).now().sum());
    let panel = time_series(
        "Backend: requests in flight",
        "Number of requests that the backend processes at once. If it rises at a constant request \
         rate, the backend cannot keep up.",
        Unit::Count,
        vec![query.excused(Excuse::NoRequestsInFlight)],
    )
    .without_legend();
    Some(panel)
}

pub(super) fn cpu() -> Panel {
    let query = Query::new("cores", backend_metrics::scraped(CPU).rate(Window::RateInterval).sum());
    time_series(
        "Backend: CPU",
        "CPU use of the backend; 100 % is one core. If it stays at a multiple of 100 %, that \
         many cores are the limit: add workers or cores.",
        Unit::Share,
        vec![query.excused(Excuse::ProcessOnLinux)],
    )
    .without_legend()
    .axis_up_to(1)
}

/// Memory panel, unless an objective on memory has a panel already.
pub(super) fn memory(catalogue: &Catalogue) -> Option<Panel> {
    (!has_objective_on(catalogue, MEMORY)).then(memory_panel)
}

fn memory_panel() -> Panel {
    let query = Query::new("resident", backend_metrics::scraped(MEMORY).now().sum());
    time_series(
        "Backend: memory",
        "Resident memory of the backend in bytes. If it rises as long as load runs, the backend \
         keeps data for each request: look for a leak.",
        Unit::Bytes,
        vec![query.excused(Excuse::ProcessOnLinux)],
    )
    .without_legend()
}

/// Query for an objective on the backend's own metrics: 1 while it is met, else 0.
pub(super) fn is_met(slo: &BackendSlo) -> Query {
    Query::new(slo.title, slo.is_met()).excused(Excuse::NoObjectiveMetric)
}

/// One panel for each objective on the backend's own metrics.
pub(super) fn objectives(catalogue: &Catalogue) -> Vec<Panel> {
    catalogue.backend_slos.iter().map(objective).collect()
}

fn objective(slo: &BackendSlo) -> Panel {
    let (unit, factor) = match slo.bound.value() {
        Amount::Count(_) => (Unit::Count, 1),
        Amount::Share(_) => (Unit::Share, 1),
        Amount::Mebibytes(_) => (Unit::Bytes, 1),
        Amount::Time(_) => (Unit::Milliseconds, MS),
    };
    let description = format!(
        "{} of the backend. Objective: {}, the dashed line. Red: the objective is missed; if \
         latencies are red as well, this is the likely bottleneck.",
        slo.title,
        slo.describe()
    );
    let title = format!("Backend: {}", slo.title.to_lowercase());
    let query = Query::new("value", slo.now().times(factor)).excused(Excuse::NoObjectiveMetric);
    let limit = slo.bound.map(|amount| amount.value() * f64::from(factor));
    time_series(&title, &description, unit, vec![query]).limit(limit)
}

/// Whether an objective uses the metric, so that the objective's panel shows it already.
fn has_objective_on(catalogue: &Catalogue, metric: &str) -> bool {
    catalogue.backend_slos.iter().any(|slo| slo.expr.contains(metric))
}
