//! Names of the metrics and labels with which a backend counts its requests. Each metrics library
//! has its own; a catalogue names one of the mappings here, or its own.

use crate::endpoint::Endpoint;
use crate::label::{BACKEND_JOB, JOB, Label};
use crate::promql::Selector;

/// Where a backend serves its metrics, and how it names those of its requests.
///
/// Start from a constant and change what differs.
///
/// ```
/// # use monitoring::backend_mapping::BackendMapping;
/// const MAPPING: BackendMapping = BackendMapping::EXPRESS.status("code").at("/internal/metrics");
/// assert_eq!(MAPPING.path, "/internal/metrics");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendMapping {
    /// Path of the metrics at the target, or a complete URL if another port serves them.
    pub path: &'static str,
    /// Counter of requests. It may be the `_count` of the histogram of durations.
    pub requests: &'static str,
    /// Histogram of durations, without `_bucket`. `None` if the backend measures none.
    pub duration: Option<&'static str>,
    /// Histogram of the durations of all requests together, if it has more buckets than `duration`.
    pub duration_of_all: Option<&'static str>,
    /// Unit of the durations.
    pub unit: DurationUnit,
    /// Label of the route. `None` if requests are not counted by route.
    pub handler: Option<Label>,
    /// Label of the method.
    pub method: Option<Label>,
    /// Label of the status, or of its class.
    pub status: Option<Label>,
    /// Gauge of requests in flight.
    pub in_flight: Option<&'static str>,
    /// Spelling of a placeholder in a route.
    pub placeholders: Placeholders,
    /// Spelling of a method.
    pub methods: MethodCase,
}

/// Unit of a backend's durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationUnit {
    /// Seconds, as Prometheus recommends.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// Spelling of a placeholder in a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholders {
    /// `/rooms/{code}`
    Braces,
    /// `/rooms/:code`
    Colons,
}

/// Spelling of a method in a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodCase {
    /// `GET`
    Upper,
    /// `get`
    Lower,
}

const fn label(name: &'static str) -> Option<Label> {
    Some(Label::new(name))
}

/// A mapping that has a constant, such as [`BackendMapping::GO`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownMapping {
    /// The name of the constant.
    pub constant: &'static str,
    /// The metrics library that the mapping is for.
    pub make: &'static str,
    /// The mapping.
    pub mapping: BackendMapping,
}

impl BackendMapping {
    /// `prometheus-fastapi-instrumentator`, with the counter and both histograms of its defaults.
    pub const FASTAPI: Self = Self {
        path: "/metrics",
        requests: "http_requests_total",
        duration: Some("http_request_duration_seconds"),
        duration_of_all: Some("http_request_duration_highr_seconds"),
        unit: DurationUnit::Seconds,
        handler: label("handler"),
        method: label("method"),
        status: label("status"),
        in_flight: Some("http_requests_inprogress"),
        placeholders: Placeholders::Braces,
        methods: MethodCase::Upper,
    };
    /// Node's `prom-client` in a middleware of Express: one histogram.
    pub const EXPRESS: Self = Self {
        requests: "http_request_duration_seconds_count",
        duration_of_all: None,
        handler: label("route"),
        status: label("status_code"),
        in_flight: None,
        placeholders: Placeholders::Colons,
        ..Self::FASTAPI
    };
    /// Spring Boot's Actuator with Micrometer.
    pub const MICROMETER: Self = Self {
        path: "/actuator/prometheus",
        requests: "http_server_requests_seconds_count",
        duration: Some("http_server_requests_seconds"),
        handler: label("uri"),
        status: label("status"),
        placeholders: Placeholders::Braces,
        ..Self::EXPRESS
    };
    /// Go's `promhttp` with its own labels: it does not know routes.
    pub const GO: Self = Self {
        duration_of_all: None,
        handler: None,
        status: label("code"),
        in_flight: Some("http_requests_in_flight"),
        methods: MethodCase::Lower,
        ..Self::FASTAPI
    };
    /// Rust's `actix-web-prom`, which writes the name of the application before these names.
    pub const ACTIX: Self = Self {
        requests: "http_requests_total",
        duration: Some("http_requests_duration_seconds"),
        duration_of_all: None,
        handler: label("endpoint"),
        in_flight: None,
        ..Self::FASTAPI
    };
    /// Rust's `axum-prometheus`.
    pub const AXUM: Self = Self {
        requests: "axum_http_requests_total",
        duration: Some("axum_http_requests_duration_seconds"),
        duration_of_all: None,
        handler: label("endpoint"),
        in_flight: Some("axum_http_requests_pending"),
        ..Self::FASTAPI
    };
    /// OpenTelemetry's semantic conventions for HTTP servers.
    pub const OPENTELEMETRY: Self = Self {
        requests: "http_server_request_duration_seconds_count",
        duration: Some("http_server_request_duration_seconds"),
        handler: label("http_route"),
        method: label("http_request_method"),
        status: label("http_response_status_code"),
        in_flight: Some("http_server_active_requests"),
        placeholders: Placeholders::Braces,
        ..Self::EXPRESS
    };
    /// OpenTelemetry's conventions for HTTP servers before they were stable. Many libraries use
    /// them unless `OTEL_SEMCONV_STABILITY_OPT_IN=http` is set.
    pub const OPENTELEMETRY_OLD: Self = Self {
        requests: "http_server_duration_milliseconds_count",
        duration: Some("http_server_duration_milliseconds"),
        unit: DurationUnit::Milliseconds,
        method: label("http_method"),
        status: label("http_status_code"),
        ..Self::OPENTELEMETRY
    };
    /// Envoy in front of the service, which has counters by class of status.
    pub const ENVOY: Self = Self {
        path: "/stats/prometheus",
        requests: "envoy_http_downstream_rq_xx",
        duration: Some("envoy_http_downstream_rq_time"),
        unit: DurationUnit::Milliseconds,
        handler: None,
        method: None,
        status: label("envoy_response_code_class"),
        in_flight: Some("envoy_http_downstream_rq_active"),
        ..Self::EXPRESS
    };
    /// nginx's exporter, which has only a total.
    pub const NGINX: Self = Self {
        requests: "nginx_http_requests_total",
        duration: None,
        handler: None,
        method: None,
        status: None,
        in_flight: Some("nginx_connections_writing"),
        ..Self::EXPRESS
    };

    /// All mappings that have a constant.
    pub const KNOWN: &[KnownMapping] = &[
        KnownMapping { constant: "FASTAPI", make: "prometheus-fastapi-instrumentator", mapping: Self::FASTAPI },
        KnownMapping { constant: "EXPRESS", make: "prom-client with Express", mapping: Self::EXPRESS },
        KnownMapping { constant: "MICROMETER", make: "Micrometer", mapping: Self::MICROMETER },
        KnownMapping {
            constant: "OPENTELEMETRY",
            make: "OpenTelemetry's semantic conventions",
            mapping: Self::OPENTELEMETRY,
        },
        KnownMapping {
            constant: "OPENTELEMETRY_OLD",
            make: "OpenTelemetry's conventions before they were stable",
            mapping: Self::OPENTELEMETRY_OLD,
        },
        KnownMapping { constant: "AXUM", make: "axum-prometheus", mapping: Self::AXUM },
        KnownMapping { constant: "ACTIX", make: "actix-web-prom", mapping: Self::ACTIX },
        KnownMapping { constant: "GO", make: "Go's promhttp", mapping: Self::GO },
        KnownMapping { constant: "ENVOY", make: "Envoy", mapping: Self::ENVOY },
        KnownMapping { constant: "NGINX", make: "nginx-prometheus-exporter", mapping: Self::NGINX },
    ];

    /// Sets the path of the metrics, or a complete URL if another port serves them.
    #[must_use]
    pub const fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Sets the counter of requests.
    #[must_use]
    pub const fn requests(mut self, name: &'static str) -> Self {
        self.requests = name;
        self
    }

    /// Sets the histogram of durations: in milliseconds if its name ends with `_milliseconds` or
    /// `_ms`, otherwise in seconds.
    #[must_use]
    pub const fn duration(mut self, name: &'static str) -> Self {
        self.duration = Some(name);
        self.unit = match name.as_bytes() {
            [.., b'_', b'm', b's']
            | [.., b'_', b'm', b'i', b'l', b'l', b'i', b's', b'e', b'c', b'o', b'n', b'd', b's'] => {
                DurationUnit::Milliseconds
            }
            _ => DurationUnit::Seconds,
        };
        self
    }

    /// Sets the label of the route.
    #[must_use]
    pub const fn handler(mut self, name: &'static str) -> Self {
        self.handler = label(name);
        self
    }

    /// Sets the label of the method.
    #[must_use]
    pub const fn method(mut self, name: &'static str) -> Self {
        self.method = label(name);
        self
    }

    /// Sets the label of the status.
    #[must_use]
    pub const fn status(mut self, name: &'static str) -> Self {
        self.status = label(name);
        self
    }

    /// Sets the spelling of methods to lower case.
    #[must_use]
    pub const fn lower_case_methods(mut self) -> Self {
        self.methods = MethodCase::Lower;
        self
    }

    /// Sets the spelling of methods to upper case.
    #[must_use]
    pub const fn upper_case_methods(mut self) -> Self {
        self.methods = MethodCase::Upper;
        self
    }

    /// Sets the spelling of placeholders in routes.
    #[must_use]
    pub const fn placeholders(mut self, placeholders: Placeholders) -> Self {
        self.placeholders = placeholders;
        self
    }

    /// Histogram of the durations of all requests together.
    pub fn duration_of_all(&self) -> Option<&'static str> {
        self.duration_of_all.or(self.duration)
    }

    /// Milliseconds in a unit of the durations.
    pub const fn milliseconds(&self) -> u32 {
        match self.unit {
            DurationUnit::Seconds => 1_000,
            DurationUnit::Milliseconds => 1,
        }
    }

    /// The route of an endpoint as the backend spells it.
    pub fn route(&self, endpoint: &Endpoint) -> String {
        let handler = endpoint.handler();
        if self.placeholders == Placeholders::Braces || handler != endpoint.path {
            return handler.to_owned();
        }
        let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => segment.to_owned(),
        };
        handler.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    /// The method of an endpoint as the backend spells it.
    pub(crate) fn spelled_method(&self, endpoint: &Endpoint) -> String {
        let method = endpoint.method.as_str();
        match self.methods {
            MethodCase::Upper => method.to_owned(),
            MethodCase::Lower => method.to_ascii_lowercase(),
        }
    }

    /// Scraped series of a metric for one endpoint's route. `None` if requests are not counted by
    /// route.
    pub fn endpoint_series(&self, metric: impl Into<String>, endpoint: &Endpoint) -> Option<Selector> {
        let handler = self.handler?;
        let series = Selector::new(metric).with(JOB, BACKEND_JOB);
        let series = match self.method {
            Some(method) => series.with(method, self.spelled_method(endpoint)),
            None => series,
        };
        Some(series.with(handler, self.route(endpoint)))
    }
}

#[cfg(test)]
mod tests;
