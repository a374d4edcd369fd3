//! `/metrics` in the format of prometheus-fastapi-instrumentator 8.1.0. It has the same families,
//! labels, buckets and status groups. So queries built against the stub also work with the real
//! backend. The connection pool is named by OpenTelemetry's semantic conventions for databases. The
//! `_created` series are omitted, as with `PROMETHEUS_DISABLE_CREATED_SERIES`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType, Summary};
use prometheus::{
    Encoder as _, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

#[cfg(target_os = "linux")]
use crate::process_metrics::ProcessMetrics;

const HIGHR: &[f64] = &[
    0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 7.5, 10.0, 30.0, 60.0,
];
const LOWR: &[f64] = &[0.1, 0.5, 1.0];

pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    highr: Histogram,
    lowr: HistogramVec,
    request_size: SizeSummary,
    response_size: SizeSummary,
    in_progress: IntGauge,
    connections: IntGaugeVec,
    max_connections: IntGauge,
    cache_hits: IntCounter,
    cache_misses: IntCounter,
    #[cfg(target_os = "linux")]
    process: ProcessMetrics,
}

/// One request with its response, as it is counted.
pub(crate) struct RequestRecord<'a> {
    /// The route's template; "none" if no route matched.
    pub(crate) handler: &'a str,
    pub(crate) method: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) took: Duration,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
}

impl Metrics {
    pub(crate) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("http_requests_total", "Total number of requests by method, status and handler."),
                &["method", "status", "handler"],
            )?,
            highr: Histogram::with_opts(
                HistogramOpts::new(
                    "http_request_duration_highr_seconds",
                    "Latency with many buckets but no API specific labels. Made for more accurate percentile calculations. ",
                )
                .buckets(HIGHR.to_vec()),
            )?,
            lowr: HistogramVec::new(
                HistogramOpts::new(
                    "http_request_duration_seconds",
                    "Latency with only few buckets by handler. Made to be only used if aggregation by handler is important. ",
                )
                .buckets(LOWR.to_vec()),
                &["method", "handler"],
            )?,
            request_size: SizeSummary::new(
                "http_request_size_bytes",
                "Content length of incoming requests by handler. Only value of header is respected. Otherwise ignored. No percentile calculated. ",
            )?,
            response_size: SizeSummary::new(
                "http_response_size_bytes",
                "Content length of outgoing responses by handler. Only value of header is respected. Otherwise ignored. No percentile calculated. ",
            )?,
            in_progress: IntGauge::new("http_requests_inprogress", "Number of HTTP requests in progress.")?,
            connections: IntGaugeVec::new(
                Opts::new("db_client_connection_count", "Connections of the database pool by state."),
                &["db_client_connection_state"],
            )?,
            max_connections: IntGauge::new("db_client_connection_max", "Maximum number of connections of the pool.")?,
            cache_hits: IntCounter::new("cache_hits_total", "Lookups in the cache of days that found an entry.")?,
            cache_misses: IntCounter::new("cache_misses_total", "Lookups in the cache of days that found no entry.")?,
            #[cfg(target_os = "linux")]
            process: ProcessMetrics::register(&registry)?,
            registry,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.highr.clone()))?;
        metrics.registry.register(Box::new(metrics.lowr.clone()))?;
        metrics.registry.register(Box::new(metrics.request_size.clone()))?;
        metrics.registry.register(Box::new(metrics.response_size.clone()))?;
        metrics.registry.register(Box::new(metrics.in_progress.clone()))?;
        metrics.registry.register(Box::new(metrics.connections.clone()))?;
        metrics.registry.register(Box::new(metrics.max_connections.clone()))?;
        metrics.registry.register(Box::new(metrics.cache_hits.clone()))?;
        metrics.registry.register(Box::new(metrics.cache_misses.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn count(&self, request: &RequestRecord<'_>) {
        let status = format!("{}xx", request.status.as_u16() / 100);
        let seconds = request.took.as_secs_f64();
        self.requests.with_label_values(&[request.method, &status, request.handler]).inc();
        self.highr.observe(seconds);
        self.lowr.with_label_values(&[request.method, request.handler]).observe(seconds);
        self.request_size.observe(request.handler, request.request_bytes);
        self.response_size.observe(request.handler, request.response_bytes);
    }

    /// Sets the number of the pool's connections. Returns the gauges of used and of idle
    /// connections.
    pub(crate) fn connections(&self, all: usize) -> (IntGauge, IntGauge) {
        let all = i64::try_from(all).unwrap_or(i64::MAX);
        self.max_connections.set(all);
        let [used, idle] = ["used", "idle"].map(|state| self.connections.with_label_values(&[state]));
        idle.set(all);
        (used, idle)
    }

    /// Counts a lookup in the cache of days.
    pub(crate) fn count_lookup(&self, found: bool) {
        let counter = if found { &self.cache_hits } else { &self.cache_misses };
        counter.inc();
    }

    /// Counts a request as in progress until the returned value is dropped.
    pub(crate) fn begin(&self) -> InProgress {
        self.in_progress.inc();
        InProgress(self.in_progress.clone())
    }

    pub(crate) fn text(&self) -> prometheus::Result<String> {
        #[cfg(target_os = "linux")]
        self.process.update();
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut buffer)?;
        String::from_utf8(buffer).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

/// A request in progress.
pub(crate) struct InProgress(IntGauge);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A summary without quantiles: Python's client has it, and the `prometheus` crate does not.
#[derive(Clone)]
struct SizeSummary {
    desc: Desc,
    /// Number of requests and bytes, by handler.
    sums: Arc<Mutex<BTreeMap<String, (u64, u64)>>>,
}

impl SizeSummary {
    fn new(name: &str, help: &str) -> prometheus::Result<Self> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), vec!["handler".to_owned()], HashMap::new())?;
        Ok(Self { desc, sums: Arc::default() })
    }

    fn observe(&self, handler: &str, bytes: u64) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = sums.entry(handler.to_owned()).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    }
}

impl Collector for SizeSummary {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = sums.iter().map(|(handler, &(count, bytes))| {
            let mut label = LabelPair::default();
            label.set_name("handler".to_owned());
            label.set_value(handler.clone());
            let mut summary = Summary::default();
            summary.set_sample_count(count);
            #[expect(clippy::cast_precision_loss, reason = "Prometheus' values are floats")]
            summary.set_sample_sum(bytes as f64);
            let mut metric = Metric::default();
            metric.set_label(vec![label]);
            metric.set_summary(summary);
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(metrics.collect());
        vec![family]
    }
}
