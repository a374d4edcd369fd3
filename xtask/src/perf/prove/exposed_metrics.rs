//! The metrics that the backend exposes, read once after the load. A check does not fail for
//! metrics that are not exposed.

use std::collections::BTreeSet;

use monitoring::backend_mapping::BackendMapping;
use monitoring::endpoint::Endpoint;
use monitoring::label::JOB;
use monitoring::promql::Selector;
use perf_report::evidence::StatusKey;
use prometheus_store::exposition::ExpositionSample;

use super::backend_metrics::BackendMetrics;
use super::endpoint_counters::{belongs_to_endpoint, value};
use crate::backend::mapping_fit;
use crate::backend::target_metrics::NoMetrics;

/// The values of a label for requests that matched no route.
const NO_ROUTE: [&str; 4] = ["none", "", "UNKNOWN", "/**"];
/// Limit on the routes that a message names.
const SHOWN_ROUTES: usize = 5;

/// The metrics that a backend exposes.
#[derive(Debug, Clone)]
pub(super) struct ExposedMetrics {
    mapping: BackendMapping,
    /// Everything that the backend exposes, or why there is nothing.
    samples: Result<Vec<ExpositionSample>, NoMetrics>,
    /// Whether the backend was started for this run. It then must offer everything.
    is_own: bool,
}

/// Smallest unit for which the backend counts requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestCount {
    ByRoute,
    /// One total; the text says what is needed to count by route.
    Total(String),
    /// The text says why, and what to do.
    NotOffered(String),
}

impl ExposedMetrics {
    /// `metrics` are from after the load: most libraries expose a series only after its first
    /// count.
    pub(super) fn new(metrics: BackendMetrics, mapping: BackendMapping, is_own: bool) -> Self {
        let samples = match metrics {
            BackendMetrics::Unavailable(why) => Err(why),
            BackendMetrics::Several(reading) | BackendMetrics::One(reading) => Ok(reading.samples),
        };
        Self { mapping, samples, is_own }
    }

    pub(super) const fn mapping(&self) -> &BackendMapping {
        &self.mapping
    }

    /// Why the backend has no metrics at all. `None` if it has.
    pub(super) fn missing(&self) -> Option<&NoMetrics> {
        self.samples.as_ref().err()
    }

    fn samples(&self) -> &[ExpositionSample] {
        self.samples.as_deref().unwrap_or_default()
    }

    /// Series of the counter of requests.
    fn requests(&self) -> impl Iterator<Item = &ExpositionSample> {
        self.samples().iter().filter(|sample| sample.name == self.mapping.requests)
    }

    pub(super) fn request_count(&self) -> RequestCount {
        if let Err(why) = &self.samples {
            return RequestCount::NotOffered(why.to_string());
        }
        let requests = self.mapping.requests;
        if self.requests().next().is_none() {
            let remedy = match mapping_fit::fit(self.samples(), self.mapping.path) {
                Some(fit) => format!("the service's definition needs `mapping: {fit}`"),
                None => format!("count requests as {requests}, see monitoring/BACKEND_METRICS.md"),
            };
            return RequestCount::NotOffered(format!("the backend has no {requests}: {remedy}"));
        }
        if !self.routes().is_empty() {
            return RequestCount::ByRoute;
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
        RequestCount::Total(format!("the backend does not count by handler: {remedy}"))
    }

    /// Whether the backend counts the requests of an endpoint. Its metrics are those of the main
    /// target.
    pub(super) fn counts(&self, endpoint: &Endpoint) -> bool {
        endpoint.host.is_none() && self.counts_here(endpoint)
    }

    fn counts_here(&self, endpoint: &Endpoint) -> bool {
        self.is_own || self.requests().any(|sample| belongs_to_endpoint(sample, &self.mapping, endpoint))
    }

    /// Why the backend does not count the requests of these endpoints: one note for each reason.
    pub(super) fn why_not_counted(&self, endpoints: &[&Endpoint]) -> Vec<String> {
        let routes: Vec<_> = self.routes().into_iter().collect();
        let more = if routes.len() > SHOWN_ROUTES { ", …" } else { "" };
        let routes = routes.iter().take(SHOWN_ROUTES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let reasons = [
            (true, "only the main target's metrics are read".to_owned()),
            (
                false,
                format!("the backend counts other handlers ({routes}{more}): name its own with .handled_by(\"…\")"),
            ),
        ];
        let notes = reasons.into_iter().filter_map(|(is_elsewhere, reason)| {
            let concerned = endpoints.iter().filter(|endpoint| endpoint.host.is_some() == is_elsewhere);
            let names: Vec<_> = concerned.map(|endpoint| endpoint.name).collect();
            (!names.is_empty()).then(|| format!("not available for {}: {reason}", names.join(", ")))
        });
        notes.collect()
    }

    /// Whether the backend counts responses with a status. A counter without a label for it counts
    /// all.
    pub(super) fn counts_status(&self, status: StatusKey) -> bool {
        let status = status.to_string();
        let known: BTreeSet<_> = self.requests().map(|sample| value(sample, self.mapping.status)).collect();
        let class = &status[..status.len().min(1)];
        self.is_own
            || known.contains("")
            || known
                .iter()
                .any(|known| *known == status || *known == class || known.eq_ignore_ascii_case(&format!("{class}xx")))
    }

    /// Routes with requests, as "GET /offers".
    pub(super) fn routes(&self) -> BTreeSet<String> {
        let labels = self.requests().map(|sample| {
            (value(sample, self.mapping.method).to_ascii_uppercase(), value(sample, self.mapping.handler))
        });
        let routes = labels.filter(|(_, route)| !NO_ROUTE.contains(route) && *route != self.mapping.path);
        routes.map(|(method, route)| format!("{method} {route}").trim_start().to_owned()).collect()
    }

    /// Whether the backend exposes the series that a query selects by equal labels.
    pub(super) fn has_series(&self, wanted: &Selector) -> bool {
        let has_labels = |sample: &ExpositionSample| {
            let mut labels = wanted.equal_labels().filter(|(label, _)| *label != JOB);
            labels.all(|(label, wanted)| value(sample, Some(label)) == wanted)
        };
        self.is_own || self.samples().iter().any(|sample| sample.name == wanted.metric() && has_labels(sample))
    }
}

#[cfg(test)]
mod tests {
    use monitoring::backend_metrics::scraped;
    use monitoring::endpoint::Host;
    use monitoring::label::{Label, METHOD};
    use test_support::shop::{GET_CART, GET_OFFERS};

    use prometheus_store::exposition;

    use super::super::backend_metrics::MetricsReading;
    use super::*;

    const HANDLER: Label = Label::new("handler");

    fn exposed(text: &str, mapping: BackendMapping) -> ExposedMetrics {
        ExposedMetrics::new(BackendMetrics::One(MetricsReading::new(exposition::parse(text).unwrap())), mapping, false)
    }

    #[test]
    fn labels_decide_the_counted_requests() {
        let count = |text| exposed(text, BackendMapping::FASTAPI).request_count();
        assert_eq!(count("http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1"), RequestCount::ByRoute);
        let RequestCount::Total(why) = count("http_requests_total{code=\"200\",method=\"get\"} 1") else { panic!() };
        assert!(why.starts_with("the backend does not count by handler: add the label handler"), "{why}");
        let RequestCount::NotOffered(why) = count("process_start_time_seconds 1") else { panic!() };
        assert!(why.starts_with("the backend has no http_requests_total: count requests as"), "{why}");
        let text = "http_request_duration_seconds_count{route=\"/a\",method=\"GET\",status_code=\"200\"} 1";
        let RequestCount::NotOffered(why) = count(text) else { panic!() };
        assert!(why.ends_with("the service's definition needs `mapping: BackendMapping::EXPRESS`"), "{why}");
    }

    #[test]
    fn a_status_is_counted_if_any_series_has_it() {
        let counts = |labels: &str, status| {
            exposed(&format!("http_requests_total{{{labels}}} 1"), BackendMapping::FASTAPI)
                .counts_status(StatusKey::Code(status))
        };
        for (labels, status, expected) in [
            ("status=\"2xx\"", 204, true),
            ("status=\"200\"", 200, true),
            ("status=\"200\"", 404, false),
            ("status=\"2\"", 201, true),
            ("code=\"200\"", 404, true),
        ] {
            assert_eq!(counts(labels, status), expected, "{labels} {status}");
        }
    }

    #[test]
    fn each_reason_for_a_missing_count_has_its_own_note() {
        const LOG_IN: Endpoint = GET_OFFERS.on(Host::new("auth", "Login server"));
        let text = "http_requests_total{handler=\"/a\",method=\"GET\",status=\"2xx\"} 1";
        let exposed = exposed(text, BackendMapping::FASTAPI);
        let elsewhere = "not available for get_offers: only the main target's metrics are read";
        let other = "not available for get_cart: the backend counts other handlers (GET /a): name its own with \
                     .handled_by(\"…\")";
        assert_eq!(exposed.why_not_counted(&[&LOG_IN, &GET_CART]), [elsewhere, other]);
        assert_eq!(exposed.why_not_counted(&[&LOG_IN]), [elsewhere]);
        assert_eq!(exposed.why_not_counted(&[&GET_CART]), [other]);
    }

    #[test]
    fn a_query_may_be_empty_only_if_its_series_are_not_exposed() {
        let text =
            "http_requests_total{handler=\"/offers\",method=\"GET\",status=\"2xx\"} 1\nprocess_cpu_seconds_total 2";
        let exposed = exposed(text, BackendMapping::FASTAPI);
        let requests = |handler| scraped("http_requests_total").with(METHOD, "GET").with(HANDLER, handler);
        for (series, expected) in [
            (scraped("process_cpu_seconds_total"), true),
            (scraped("process_resident_memory_bytes"), false),
            (requests("/offers"), true),
            (requests("/other"), false),
            (scraped("http_requests_total"), true),
            (scraped("in_flight"), false),
        ] {
            assert_eq!(exposed.has_series(&series), expected, "{series}");
        }
        assert!(exposed.counts(&GET_OFFERS) && !exposed.counts(&GET_CART));
        assert_eq!(exposed.routes(), ["GET /offers".to_owned()].into());
    }
}
