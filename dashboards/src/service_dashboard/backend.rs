//! What the backend says of itself, next to what the clients saw.

use monitoring::backend_metrics::{self, CPU, DURATION, DURATION_FINE, IN_FLIGHT, MEMORY};
use monitoring::backend_slo::{Amount, BackendSlo, Bound};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::LE;
use monitoring::metric::Metric;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::ratio::Ratio;

use super::chosen;
use super::load::every;
use crate::grafana::Panel;
use crate::panel::{Query, Unit, time_series};

/// The backend counts in seconds.
const MS: u32 = 1_000;
const P95: Ratio = Ratio::percent(95);

fn growing(selector: Selector) -> Expr {
    selector.rate(Window::RateInterval).sum()
}

fn mean_of(histogram: &str, select: &dyn Fn(String) -> Selector) -> Expr {
    growing(select(format!("{histogram}_sum"))).over(growing(select(format!("{histogram}_count"))))
}

pub(super) fn mean(catalogue: &Catalogue) -> Panel {
    let names = || catalogue.endpoints.iter().map(|endpoint| Metric::latency(endpoint).name);
    let client = growing(every("sum", names())).over(growing(every("count", names())));
    time_series(
        "Mean latency: client and backend",
        "All endpoints together, by the clients' clock and by the backend's own. The client's above the backend's: time \
         goes by outside the backend's code, in its accept queue, a proxy, the network or the generator.",
        Unit::Milliseconds,
        vec![
            Query::new("client", client),
            Query::new("backend", mean_of(DURATION, &|series| backend_metrics::scraped(series)).times(MS)),
        ],
    )
    .dashed("client")
}

pub(super) fn p95() -> Panel {
    let quantile = |buckets: Selector| buckets.rate(Window::RateInterval).sum_by(&[LE]).quantile(P95);
    let client = quantile(chosen(Metric::http_req_duration().bucket()));
    let backend = quantile(backend_metrics::scraped(format!("{DURATION_FINE}_bucket"))).times(MS);
    time_series(
        "p95: client and backend",
        "All requests together. The backend's is as exact as its buckets are wide: see the README for the lines that \
         make them the catalogue's.",
        Unit::Milliseconds,
        vec![Query::new("client", client), Query::new("backend", backend)],
    )
    .dashed("client")
}

pub(super) fn outside(catalogue: &Catalogue) -> Panel {
    let query = |endpoint: &Endpoint| {
        let client = mean_of(&Metric::latency(endpoint).name, &|series| chosen(series));
        let backend = mean_of(DURATION, &|series| backend_metrics::of_handler(series, endpoint)).times(MS);
        Query::new(endpoint.title, client.minus(backend))
    };
    time_series(
        "Outside the backend, by endpoint",
        "Mean latency by the clients' clock less the mean by the backend's: network, proxies, accept queue. The same for \
         all: the way there. One alone: large answers, or work after the backend stopped its clock.",
        Unit::Milliseconds,
        catalogue.endpoints.iter().map(query).collect(),
    )
}

pub(super) fn in_flight() -> Panel {
    let query = Query::new("under way", backend_metrics::scraped(IN_FLIGHT).now().sum());
    time_series(
        "Backend: requests under way",
        "How many requests the backend works on at once. Rising while the rate stays: it cannot keep up.",
        Unit::Count,
        vec![query.may_be_empty("the instrumentator tells only with should_instrument_requests_inprogress")],
    )
    .without_legend()
}

pub(super) fn cpu() -> Panel {
    let query = Query::new("cores", backend_metrics::scraped(CPU).rate(Window::RateInterval).sum());
    time_series(
        "Backend: processor",
        "Cores that the backend keeps busy. At 1 and no higher: a single Python process, which more workers would help.",
        Unit::Share,
        vec![query.may_be_empty(ONLY_LINUX)],
    )
    .without_legend()
    .reaching(1)
}

/// Memory, unless a promise on it has a panel.
pub(super) fn memory(catalogue: &Catalogue) -> Option<Panel> {
    (!is_promised(catalogue, MEMORY)).then(unpromised_memory)
}

fn unpromised_memory() -> Panel {
    let query = Query::new("resident", backend_metrics::scraped(MEMORY).now().sum());
    time_series(
        "Backend: memory",
        "Resident memory of the backend. Rising for as long as load goes on: something is kept for each request.",
        Unit::Bytes,
        vec![query.may_be_empty(ONLY_LINUX)],
    )
    .without_legend()
}

/// A row of 1 and 0 for a promise on the backend's own metrics.
pub(super) fn is_kept(slo: &BackendSlo) -> Query {
    Query::new(slo.title, slo.is_kept()).may_be_empty(TOLD)
}

/// What is promised of the backend's own metrics, a panel each.
pub(super) fn promised(catalogue: &Catalogue) -> Vec<Panel> {
    catalogue.backend.iter().map(of_promise).collect()
}

fn of_promise(slo: &BackendSlo) -> Panel {
    let (unit, amount) = match slo.amount() {
        Amount::Count(_) => (Unit::Count, slo.amount().value()),
        Amount::Share(_) => (Unit::Share, slo.amount().value()),
        Amount::Mebibytes(_) => (Unit::Bytes, slo.amount().value()),
        Amount::Time(_) => (Unit::Milliseconds, slo.amount().value() * f64::from(MS)),
    };
    let now = if unit == Unit::Milliseconds { slo.now().times(MS) } else { slo.now() };
    let description = format!(
        "{} of the backend; promised: {}, the dashed line. Red: the backend uses more than it was promised to. If \
         latencies are red as well, this is the likely bottleneck.",
        slo.title,
        slo.describe()
    );
    let title = format!("Backend: {}", slo.title.to_lowercase());
    let panel = time_series(&title, &description, unit, vec![Query::new("value", now).may_be_empty(TOLD)]);
    match slo.bound {
        Bound::AtMost(_) => panel.bound_above(amount),
        Bound::AtLeast(_) => panel.bound_below(amount),
    }
}

/// Whether one of the promises is about that metric, so that its panel shows it already.
fn is_promised(catalogue: &Catalogue, metric: &str) -> bool {
    catalogue.backend.iter().any(|slo| slo.expr.contains(metric))
}

const TOLD: &str = "a backend that does not tell leaves the objective inconclusive";
const ONLY_LINUX: &str = "processes tell only on Linux";
