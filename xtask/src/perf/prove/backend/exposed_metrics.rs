//! The metrics that the backend exposes, read once after the load. A check does not fail for
//! metrics that are not exposed.

use std::collections::{BTreeMap, BTreeSet};

use monitoring::backend_mapping::BackendMapping;
use monitoring::endpoint::Endpoint;
use monitoring::label::{JOB, LE};
use monitoring::promql::Selector;
use perf_report::evidence::StatusKey;
use perf_report::format::first_items;
use prometheus_store::exposition::ExpositionSample;
use prometheus_store::openapi::ApiRoute;

use super::backend_metrics::BackendMetrics;
use super::request_counters::{belongs_to_endpoint, is_count, value};
use crate::backend::mapping_fit;
use crate::backend::target_metrics::NoMetrics;

/// The values of a label for requests that matched no route.
const NO_ROUTE: [&str; 4] = ["none", "", "UNKNOWN", "/**"];
/// Limit on the routes that a message names.
const SHOWN_ROUTES: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct ExposedMetrics {
    mapping: BackendMapping,
    /// Everything that the backend exposes, or why there is nothing.
    samples: Result<Vec<ExpositionSample>, NoMetrics>,
    /// Whether the backend was started for this run. It then must offer everything.
    is_own: bool,
}

/// Smallest unit for which the backend counts requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CountGranularity {
    ByRoute,
    /// One total; the text says what is needed to count by route.
    Total(String),
    /// The text says why, and what to do.
    NotOffered(String),
}

impl ExposedMetrics {
    /// `metrics` are from after the load: most libraries expose a series only after its first
    /// count.
    pub(crate) fn new(metrics: BackendMetrics, mapping: BackendMapping, is_own: bool) -> Self {
        let samples = match metrics {
            BackendMetrics::Unavailable(why) => Err(why),
            BackendMetrics::Several(reading) | BackendMetrics::One(reading) if reading.samples.is_empty() => {
                Err(NoMetrics::no_samples(mapping.path))
            }
            BackendMetrics::Several(reading) | BackendMetrics::One(reading) => Ok(reading.samples),
        };
        Self { mapping, samples, is_own }
    }

    pub(crate) const fn mapping(&self) -> &BackendMapping {
        &self.mapping
    }

    /// Why the backend has no metrics at all. `None` if it has.
    pub(crate) fn unavailable_reason(&self) -> Option<&NoMetrics> {
        self.samples.as_ref().err()
    }

    fn samples(&self) -> &[ExpositionSample] {
        self.samples.as_deref().unwrap_or_default()
    }

    /// Series of the counter of requests, without values that are not counts.
    fn requests(&self) -> impl Iterator<Item = &ExpositionSample> {
        self.samples().iter().filter(|sample| sample.name == self.mapping.requests && is_count(sample.value))
    }

    pub(crate) fn granularity(&self) -> CountGranularity {
        if let Err(why) = &self.samples {
            return CountGranularity::NotOffered(why.to_string());
        }
        let requests = self.mapping.requests;
        if self.requests().next().is_none() {
            if self.samples().iter().any(|sample| sample.name == requests) {
                let why = format!("no value of the backend's {requests} is a count: all are negative or not finite");
                return CountGranularity::NotOffered(why);
            }
            let remedy = match mapping_fit::fit(self.samples(), self.mapping.path) {
                Some(fit) => format!("the service's definition needs `mapping: {fit}`"),
                None => format!("count requests as {requests}, see monitoring/BACKEND_METRICS.md"),
            };
            return CountGranularity::NotOffered(format!("the backend has no {requests}: {remedy}"));
        }
        if !self.routes().is_empty() {
            return CountGranularity::ByRoute;
        }
        let remedy = match (
            mapping_fit::fit(self.samples(), self.mapping.path).filter(mapping_fit::MappingFit::is_by_route),
            self.mapping.handler,
        ) {
            (Some(fit), _) => format!("the service's definition needs `mapping: {fit}`"),
            (None, Some(handler)) => {
                format!(
                    "add the label {handler} with the route to {requests}, see monitoring/BACKEND_METRICS.md",
                    handler = handler.as_str()
                )
            }
            (None, None) => format!(
                "add a label with the route to {requests}, and name it with .handler(\"…\") in the service's `mapping`"
            ),
        };
        CountGranularity::Total(format!("the backend does not count by handler: {remedy}"))
    }

    /// Whether the backend counts the requests of an endpoint. Its metrics are those of the main
    /// target.
    pub(crate) fn counts(&self, endpoint: &Endpoint) -> bool {
        endpoint.host.is_none() && self.counts_here(endpoint)
    }

    fn counts_here(&self, endpoint: &Endpoint) -> bool {
        self.is_own || self.requests().any(|sample| belongs_to_endpoint(sample, &self.mapping, endpoint))
    }

    /// Why the backend does not count the requests of these endpoints: one note for each reason.
    pub(crate) fn why_not_counted(&self, endpoints: &[&Endpoint]) -> Vec<String> {
        let routes = self.routes();
        // One such route may be another endpoint: /items/search is not a value of /items/{id}.
        let counts_values = |endpoint: &Endpoint| {
            let with_values = routes.iter().filter(|route| has_form(route, endpoint));
            with_values.map(|route| &route.path).collect::<BTreeSet<_>>().len() > 1
        };
        let shown = first_items(&routes, SHOWN_ROUTES, ", ", " ");
        let reason = |endpoint: &Endpoint| match endpoint.host {
            Some(_) => "only the main target's metrics are read".to_owned(),
            None if counts_values(endpoint) => {
                format!("the backend counts each value in a path by itself ({shown}): count by the route's template")
            }
            None => format!("the backend counts other handlers ({shown}): name its own with .handled_by(\"…\")"),
        };
        let mut by_reason = BTreeMap::<String, Vec<&str>>::new();
        for endpoint in endpoints {
            by_reason.entry(reason(endpoint)).or_default().push(endpoint.name);
        }
        by_reason.iter().map(|(reason, names)| format!("not available for {}: {reason}", names.join(", "))).collect()
    }

    /// Whether the backend counts responses with a status. A counter without a label for it, or
    /// with words only, counts all.
    pub(crate) fn counts_status(&self, status: StatusKey) -> bool {
        let status = status.to_string();
        let known: BTreeSet<_> = self.requests().map(|sample| value(sample, self.mapping.status)).collect();
        let class = &status[..status.len().min(1)];
        self.is_own
            || known.contains("")
            || !known.is_empty() && known.iter().all(|known| !known.starts_with(|first: char| first.is_ascii_digit()))
            || known
                .iter()
                .any(|known| *known == status || *known == class || known.eq_ignore_ascii_case(&format!("{class}xx")))
    }

    /// Routes with requests.
    pub(crate) fn routes(&self) -> BTreeSet<ApiRoute> {
        let routes = self.requests().map(|sample| {
            let method = value(sample, self.mapping.method).to_ascii_uppercase();
            let path = value(sample, self.mapping.handler).to_owned();
            ApiRoute { method: Some(method).filter(|method| !method.is_empty()), path }
        });
        routes.filter(|route| !NO_ROUTE.contains(&route.path.as_str()) && route.path != self.mapping.path).collect()
    }

    /// Whether the backend exposes the series that a query selects by equal labels. A native
    /// histogram exposes only the last bucket, which has no quantiles.
    pub(crate) fn has_series(&self, wanted: &Selector) -> bool {
        let has_labels = |sample: &ExpositionSample| {
            let mut labels = wanted.equal_labels().filter(|(label, _)| *label != JOB);
            labels.all(|(label, wanted)| value(sample, Some(label)) == wanted)
        };
        let is_usable =
            |sample: &ExpositionSample| !sample.name.ends_with("_bucket") || value(sample, Some(LE)) != "+Inf";
        let mut found = self.samples().iter().filter(|sample| sample.name == wanted.metric() && has_labels(sample));
        self.is_own || found.any(is_usable)
    }
}

/// Whether a route has an endpoint's method. Not every backend has the method.
pub(crate) fn has_method(route: &ApiRoute, endpoint: &Endpoint) -> bool {
    route.method.as_deref().is_none_or(|method| method == endpoint.method.as_str())
}

/// Whether a route has the method of an endpoint, and its path's template with values in it.
fn has_form(route: &ApiRoute, endpoint: &Endpoint) -> bool {
    let (path, template) = (&*route.path, endpoint.path);
    let parts = || path.split('/').zip(template.split('/'));
    let is_value = |(value, name): &(&str, &str)| name.starts_with('{') && !value.starts_with(['{', ':', '<']);
    has_method(route, endpoint)
        && path.split('/').count() == template.split('/').count()
        && parts().any(|part| is_value(&part))
        && parts().all(|part| part.0 == part.1 || is_value(&part))
}

#[cfg(test)]
mod tests;
