//! Metrics of backends that count in unusual ways, from the requests that they got.

use std::sync::atomic::{AtomicU64, Ordering};

use test_support::backend_text::{self, fastapi, go};
use test_support::counted_backend::{Counts, Metrics};

/// A total as Go's `promhttp` writes it. The backend counts only what handlers respond. Two thirds of
/// the responses with 404 are not counted, as if the router had sent them.
pub(super) fn go_in_handlers(counts: &Counts) -> Metrics {
    let of_handlers = |((method, route, status), count): (&(String, String, u16), &u64)| {
        let count = if *status == 404 { count / 3 } else { *count };
        ((method.clone(), route.clone(), *status), count)
    };
    go(&counts.iter().map(of_handlers).collect(), 1)
}

/// A total of a service that wraps only one of its two handlers.
pub(super) fn uncounted_handler(counts: &Counts) -> Metrics {
    go(
        &counts
            .iter()
            .filter(|((_, route, _), _)| route != "/offers")
            .map(|(key, count)| (key.clone(), *count))
            .collect(),
        1,
    )
}

/// A total that lacks one response of each handler.
pub(super) fn lossy_total(counts: &Counts) -> Metrics {
    go(&counts.iter().map(|(key, count)| (key.clone(), count - 1)).collect(), 1)
}

/// The number of readings so far after the load, of one case.
fn readings(counts: &Counts, readings: &AtomicU64) -> u64 {
    if counts.is_empty() { 0 } else { readings.fetch_add(1, Ordering::Relaxed) + 1 }
}

/// Has no series before the first request.
pub(super) fn lazy(counts: &Counts) -> Metrics {
    if counts.is_empty() { Metrics::text("") } else { fastapi(counts, 1, |_, _| true) }
}

/// Is not readable at first after the load.
pub(super) fn unsteady(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    if readings(counts, &READINGS) == 1 { backend_text::failing(503) } else { fastapi(counts, 1, |_, _| true) }
}

/// Is not readable after the load.
pub(super) fn broken(counts: &Counts) -> Metrics {
    if counts.is_empty() { Metrics::text("ready 1\n") } else { backend_text::failing(503) }
}

/// Limits the rate of requests, also to the metrics.
pub(super) fn limited(counts: &Counts) -> Metrics {
    if counts.is_empty() { Metrics::text("ready 1\n") } else { backend_text::failing(429) }
}

/// Two processes respond in turn, and have no start times.
pub(super) fn in_turn(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    let count = if readings(counts, &READINGS).is_multiple_of(2) { 7 } else { 3 };
    let series = r#"http_requests_total{handler="/offers",method="GET",status="2xx"}"#;
    Metrics::text(format!("{series} {}\n", if counts.is_empty() { 0 } else { count }))
}

/// Two processes respond in turn, and the one with lower counts got most of the load.
pub(super) fn in_turn_before(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    let is_first = READINGS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
    let count = if counts.is_empty() && is_first { 7 } else { 30 };
    Metrics::text(["/offers", "/carts/{cart}"].map(|route| counter(route, count)).concat())
}

fn counter(route: &str, count: u64) -> String {
    format!("http_requests_total{{handler=\"{route}\",method=\"GET\",status=\"2xx\"}} {count}\n")
}

/// Counts results by words, such as Flask's tutorials.
pub(super) fn by_word(counts: &Counts) -> Metrics {
    let series = |((method, route, status), count): (&(String, String, u16), &u64)| {
        let word = if *status < 400 { "success" } else { "failure" };
        format!("http_requests_total{{handler=\"{route}\",method=\"{method}\",status=\"{word}\"}} {count}\n")
    };
    Metrics::text(counts.iter().map(series).collect::<String>())
}

/// Counts by the names of its views.
pub(super) fn by_view(counts: &Counts) -> Metrics {
    Metrics::text(["offers", "cart"].map(|view| counter(view, counts.values().sum())).concat())
}

/// One of two processes that got half of the requests each. Nothing tells one from the other.
pub(super) fn equal_replicas(counts: &Counts) -> Metrics {
    Metrics::text(counts.iter().map(|((_, route, _), count)| counter(route, count / 2)).collect::<String>())
}

/// The same with start times in whole seconds, as those of Node's workers.
pub(super) fn workers_of_node(counts: &Counts) -> Metrics {
    let mut metrics = equal_replicas(counts);
    metrics.body.extend_from_slice(b"process_start_time_seconds 1700000000\n");
    metrics
}

/// Two processes with equal counts, which differ by their CPU time.
pub(super) fn busy_replicas(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    let mut metrics = equal_replicas(counts);
    let cpu = READINGS.fetch_add(1, Ordering::Relaxed) % 2;
    metrics.body.extend_from_slice(format!("process_cpu_seconds_total 1.{cpu}5\n").as_bytes());
    metrics
}

/// Without the start time of the process.
pub(super) fn without_start(mut metrics: Metrics) -> Metrics {
    metrics.body.drain(..backend_text::start_time().len());
    metrics
}

/// One request in two is counted, and the process starts anew after the load.
pub(super) fn restarted_process(counts: &Counts) -> Metrics {
    let mut metrics = without_start(fastapi(counts, 2, |_, _| true));
    let start = if counts.is_empty() { "1.70000000025e9" } else { "1.70000000925e9" };
    metrics.body.extend_from_slice(format!("process_start_time_seconds {start}\n").as_bytes());
    metrics
}

/// Has each series twice.
pub(super) fn twice(counts: &Counts) -> Metrics {
    let mut metrics = fastapi(counts, 1, |_, _| true);
    metrics.body.extend(metrics.body.clone());
    metrics
}

/// Values that are not counts.
pub(super) fn uncountable(_: &Counts) -> Metrics {
    let series = |value| format!("http_requests_total{{handler=\"/offers\",v=\"{value}\"}} {value}\n");
    Metrics::text(["NaN", "+Inf", "-1", "1e300"].map(series).concat())
}

pub(super) fn binary(_: &Counts) -> Metrics {
    Metrics { body: vec![0xff; 9], ..Metrics::text("") }
}
