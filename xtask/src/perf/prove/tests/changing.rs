//! Metrics that change after the load: they lack series that they had.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Counters of the offers by workers, and of the carts.
fn by_worker(counts: &Counts, offers: &[(&str, u64)]) -> Metrics {
    let series = |(worker, count): &(&str, u64)| {
        format!(
            "http_requests_total{{handler=\"/offers\",method=\"GET\",status=\"2xx\",worker=\"{worker}\"}} {count}\n"
        )
    };
    let of_workers: String = offers.iter().map(series).collect();
    let mut metrics = fastapi(counts, 1, |route, _| route != "/offers");
    metrics.body.extend_from_slice(of_workers.as_bytes());
    metrics
}

/// The first worker, which counted before the load, has ended. The other one counted `count`
/// requests.
fn ended_worker(counts: &Counts, count: u64) -> Metrics {
    if counts.is_empty() { by_worker(counts, &[("1", 7)]) } else { by_worker(counts, &[("2", count)]) }
}

/// A worker ends after the first reading that follows the load.
fn ending_worker(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    match (counts.is_empty(), READINGS.load(Ordering::Relaxed)) {
        (true, _) => by_worker(counts, &[]),
        (false, 0) => {
            READINGS.fetch_add(1, Ordering::Relaxed);
            by_worker(counts, &[("1", 6), ("2", 3)])
        }
        (false, _) => by_worker(counts, &[("2", 4)]),
    }
}

/// A counter of another route is dropped, and half of the requests are counted.
fn other_route(counts: &Counts) -> Metrics {
    let mut metrics = fastapi(counts, 2, |_, _| true);
    if counts.is_empty() {
        metrics.body.extend_from_slice(b"http_requests_total{handler=\"/old\",method=\"GET\",status=\"2xx\"} 7\n");
    }
    metrics
}

#[tokio::test]
async fn a_counter_that_is_gone_is_not_called_a_restart() {
    use ProofItemOutcome::{Failed, NotApplicable, Shown};
    type Case = (fn(&Counts) -> Metrics, ProofItemOutcome, &'static str);
    const GONE: &str = "the backend's metrics no longer have http_requests_total{handler=\"/offers\",";
    let cases: [Case; 6] = [
        (|counts| ended_worker(counts, 10), Shown, "20 counted by the backend"),
        (|counts| ended_worker(counts, 6), NotApplicable, GONE),
        (ending_worker, Shown, "20 counted by the backend"),
        (other_route, Failed, "10 responses had status 2xx, and the backend counted 5"),
        (|counts| without_start(ended_worker(counts, 6)), NotApplicable, GONE),
        (
            |counts| without_start(other_route(counts)),
            NotApplicable,
            "metrics no longer have http_requests_total{handler=\"/old\"",
        ),
    ];
    for (number, (metrics, outcome, part)) in cases.into_iter().enumerate() {
        let (check, _) = audited(false, metrics).await;
        let text = format!("{} {}", check.figures, check.lines.join(" "));
        assert_eq!(check.outcome, outcome, "case {number}: {text}");
        assert!(text.contains(part) && !text.contains("was restarted during the run"), "case {number}: {text}");
    }
}
