//! Panels of latency and other spans, measured by the clients.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::label::TESTID;
use monitoring::metric::Metric;
use monitoring::prometheus::recording_rules::RECORDED;
use monitoring::promql::{self, Window};
use monitoring::ratio::Ratio;
use monitoring::slo::{Sli, Slo};

use super::selected;
use crate::grafana::Panel;
use crate::panel::{Unit, time_series};
use crate::query::Query;

fn quantile(name: &str, endpoint: &Endpoint, q: Ratio) -> Query {
    let buckets = selected(Metric::latency(endpoint).bucket());
    let quantile = promql::quantile_over(buckets, q, &[TESTID], Window::RateInterval);
    Query::new(name, quantile).by(&[TESTID]).about_endpoints([endpoint])
}

const P95: Ratio = Ratio::percent(95);

/// Objectives on the latency of an endpoint, in the order of the catalogue.
struct Limits(Vec<&'static Slo>);

impl Limits {
    fn new(catalogue: &Catalogue, endpoint: &Endpoint) -> Self {
        Self(catalogue.latency_slos(endpoint).collect())
    }

    /// "Objective: p95 <= 300 ms, the dashed line."
    fn describe(&self) -> String {
        let texts: Vec<_> = self.0.iter().map(|slo| slo.describe()).collect();
        match texts.as_slice() {
            [] => String::new(),
            [only] => format!(" Objective: {only}, the dashed line."),
            several => format!(" Objectives: {}, the dashed lines.", several.join("; ")),
        }
    }

    fn thresholds(&self) -> Vec<Duration> {
        self.0.iter().filter_map(|slo| slo.threshold()).collect()
    }

    /// A query for each judged quantile that `shown` does not have.
    fn further_queries(&self, catalogue: &Catalogue, shown: &[Ratio]) -> Vec<Query> {
        let is_default = |slo: &Slo| slo.describe_scope().is_empty();
        let further = self.0.iter().filter(|slo| !(is_default(slo) && shown.contains(&slo.objective)));
        let mut queries = Vec::new();
        for slo in further {
            let name = format!("{}{}", slo.describe_kind(), slo.describe_scope());
            let is_new = |query: &Query| queries.iter().all(|other: &Query| other.name != query.name);
            queries.extend(span_query(catalogue, slo, &name).filter(is_new));
        }
        queries
    }
}

/// The quantile of the span that an objective limits, over the requests that it judges.
fn span_query(catalogue: &Catalogue, slo: &Slo, name: &str) -> Option<Query> {
    let Sli::Span { endpoint, span, .. } = slo.sli else { return None };
    // Panels of latency also show warm-up, as the other lines there do.
    let buckets = selected(Metric::span(&endpoint, span).bucket());
    let buckets = if slo.describe_scope().is_empty() { buckets } else { slo.select(buckets) };
    let quantile = promql::quantile_over(buckets, slo.objective, &[TESTID], Window::RateInterval);
    Some(Query::new(name, quantile).by(&[TESTID]).about_objective(catalogue, slo))
}

/// p50 and p95 of a critical endpoint, and other quantiles that an objective limits.
pub(super) fn critical(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let limits = Limits::new(catalogue, endpoint);
    let recorded = RECORDED.map(|(name, q)| quantile(name, endpoint, q));
    let further = limits.further_queries(catalogue, &RECORDED.map(|(_, q)| q));
    let objective = limits.describe();
    let description = format!(
        "Latency of {} {} in ms, measured by the clients; a failed request counts as slower than \
         any other.{objective} If p95 is too high, check whether all endpoints are slow (overload, \
         connection pool, network) or only this one (its handler).",
        endpoint.method.as_str(),
        endpoint.path
    );
    let title = format!("{} latency", endpoint.title);
    let queries = recorded.into_iter().chain(further).collect();
    time_series(&title, &description, Unit::Milliseconds, queries)
        .colored("p50", "blue")
        .colored("p95", "orange")
        .slo_lines(&limits.thresholds())
}

/// p95 of all endpoints in one panel.
pub(super) fn all(catalogue: &Catalogue) -> Panel {
    let query = |endpoint: &Endpoint| quantile(endpoint.title, endpoint, P95);
    time_series(
        "p95 latency by endpoint",
        "95th percentile of each endpoint's latency in ms. If only one endpoint is high, check its \
         handler. If all are high, check for overload, the connection pool and the network.",
        Unit::Milliseconds,
        catalogue.endpoints.iter().map(query).collect(),
    )
    .legend_right()
}

/// p95 of one endpoint with its own objectives.
pub(super) fn small(catalogue: &Catalogue, endpoint: &Endpoint) -> Panel {
    let limits = Limits::new(catalogue, endpoint);
    let further = limits.further_queries(catalogue, &[P95]);
    let objective = match limits.0.as_slice() {
        [] => " This endpoint has no latency objective.".to_owned(),
        [only] if further.is_empty() => format!(
            " Objective: {}. Yellow: above 80 % of it, with little reserve. Red: missed; if the \
             other endpoints are green, check this endpoint's query.",
            only.describe()
        ),
        _ => limits.describe(),
    };
    let description =
        format!("95th percentile of the latency of {} {} in ms.{objective}", endpoint.method.as_str(), endpoint.path);
    let is_simple = further.is_empty();
    let name = if is_simple { "" } else { "p95" };
    let queries = std::iter::once(quantile(name, endpoint, P95)).chain(further).collect();
    let panel = time_series(&format!("{} p95", endpoint.title), &description, Unit::Milliseconds, queries);
    match limits.thresholds().as_slice() {
        [] => panel.without_legend(),
        [only] if is_simple => panel.slo_bands(*only),
        several => panel.slo_lines(several),
    }
}

/// A panel for each objective on a span that is recorded only on demand.
pub(super) fn spans(catalogue: &Catalogue) -> Vec<Panel> {
    let panel = |slo: &Slo| {
        let (endpoint, span) = (slo.endpoint()?, slo.limited_span().filter(|span| span.is_on_demand())?);
        let title = format!("{} {}{}", endpoint.title, slo.describe_kind(), slo.describe_scope());
        let what = Metric::span(endpoint, span).description.help;
        let description = format!(
            "{} of {} {} in ms. {what} Objective: {}, the dashed line.",
            slo.quantile(),
            endpoint.method.as_str(),
            endpoint.path,
            slo.describe()
        );
        let query = span_query(catalogue, slo, "")?;
        Some(time_series(&title, &description, Unit::Milliseconds, vec![query]).slo_bands(slo.threshold()?))
    };
    catalogue.slos.iter().filter_map(panel).collect()
}
