//! Metrics of a backend, as libraries of several makes write them.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::counted_backend::{Counts, Metrics};

/// Only the start time of the process.
pub fn start_time() -> String {
    "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.70000000025e9\n".to_owned()
}

/// A total by status and method, as Go's `promhttp` writes it. Only one request in `share` is
/// counted.
pub fn go(counts: &Counts, share: u64) -> Metrics {
    let mut totals = BTreeMap::<_, u64>::new();
    for ((method, _, status), count) in counts {
        *totals.entry((status, method.to_lowercase())).or_default() += count / share;
    }
    let mut text = start_time() + "# TYPE http_requests_total counter\n";
    for ((status, method), count) in totals {
        let _ = writeln!(text, "http_requests_total{{code=\"{status}\",method=\"{method}\"}} {count}");
    }
    Metrics::text(text)
}

/// Counters and histograms as FastAPI's instrumentator writes them, for requests whose route and
/// status `is_counted` accepts. Only one request in `share` is counted.
pub fn fastapi(counts: &Counts, share: u64, is_counted: fn(&str, u16) -> bool) -> Metrics {
    let name = "http_request_duration_seconds";
    let mut text = start_time();
    let (mut requests, mut durations) = (String::new(), String::new());
    for ((method, route, status), count) in counts.iter().filter(|((_, route, status), _)| is_counted(route, *status)) {
        let labels = format!("handler=\"{route}\",method=\"{method}\"");
        let _ = writeln!(requests, "http_requests_total{{{labels},status=\"{}xx\"}} {}", status / 100, count / share);
        for le in ["0.1", "+Inf"] {
            let _ = writeln!(durations, "{name}_bucket{{{labels},le=\"{le}\"}} {count}");
        }
        let seconds = f64::from(u32::try_from(*count).unwrap()) * 1e-4;
        let _ = writeln!(durations, "{name}_sum{{{labels}}} {seconds}\n{name}_count{{{labels}}} {count}");
    }
    let _ = write!(text, "# TYPE http_requests counter\n{requests}# TYPE {name} histogram\n{durations}");
    Metrics::text(text)
}

/// Like [`fastapi`], in OpenMetrics' format.
pub fn openmetrics(counts: &Counts) -> Metrics {
    let mut metrics = fastapi(counts, 1, |_, _| true);
    metrics.body.extend_from_slice(b"# EOF\n");
    Metrics { content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8", ..metrics }
}

/// Like [`fastapi`], compressed although the client did not ask for it.
pub fn compressed(counts: &Counts) -> Metrics {
    let metrics = fastapi(counts, 1, |_, _| true);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&metrics.body).unwrap();
    Metrics { content_encoding: Some("gzip"), body: gzip.finish().unwrap(), ..metrics }
}

/// The page that an application in the browser serves at every path.
pub fn page(_: &Counts) -> Metrics {
    Metrics { content_type: "text/html", ..Metrics::text("<!DOCTYPE html>\n<html></html>\n") }
}

/// A response with an error status.
pub fn failing(status: u16) -> Metrics {
    Metrics { status, ..Metrics::text("{}") }
}
