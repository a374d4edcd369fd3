//! Metrics that change after the load: they are late, or lack series that they had.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::*;
use crate::host::clock;

/// Cached for 4 s. Each route was requested before the run.
fn cached(counts: &Counts) -> Metrics {
    static CACHE: Mutex<Option<(Instant, Metrics)>> = Mutex::new(None);
    let mut cache = CACHE.lock().unwrap();
    let is_old = |(since, _): &&(Instant, Metrics)| since.elapsed() >= Duration::from_secs(4);
    if cache.as_ref().is_none_or(|page| is_old(&page)) {
        let with_earlier = ["/offers", "/carts/{cart}"].map(|route| {
            let key = ("GET".to_owned(), route.to_owned(), 200);
            let count = counts.get(&key).copied().unwrap_or_default();
            (key, count + 1)
        });
        *cache = Some((clock::instant(), fastapi(&with_earlier.into(), 1, |_, _| true)));
    }
    cache.as_ref().unwrap().1.clone()
}

/// Cached for 4 s, from before the first request: it lacks all routes.
fn cached_before(counts: &Counts) -> Metrics {
    static CACHE: Mutex<Option<(Instant, Metrics)>> = Mutex::new(None);
    let mut cache = CACHE.lock().unwrap();
    let is_old = |(since, _): &&(Instant, Metrics)| since.elapsed() >= Duration::from_secs(4);
    if cache.as_ref().is_none_or(|page| is_old(&page)) {
        *cache = Some((clock::instant(), fastapi(counts, 1, |_, _| true)));
    }
    cache.as_ref().unwrap().1.clone()
}

/// Like [`collected`]. Every sixth reading after the load fails.
fn collected_and_failing(counts: &Counts) -> Metrics {
    static READINGS: AtomicU64 = AtomicU64::new(0);
    static SINCE: Mutex<Option<Instant>> = Mutex::new(None);
    if !counts.is_empty() && READINGS.fetch_add(1, Ordering::Relaxed) % 6 == 5 {
        return backend_text::failing(503);
    }
    collected_since(&SINCE, counts)
}

/// Collected from workers, with one more request each 500 ms.
fn collected(counts: &Counts) -> Metrics {
    static SINCE: Mutex<Option<Instant>> = Mutex::new(None);
    collected_since(&SINCE, counts)
}

fn collected_since(first: &Mutex<Option<Instant>>, counts: &Counts) -> Metrics {
    if counts.is_empty() {
        return Metrics::text(backend_text::start_time());
    }
    let since = *first.lock().unwrap().get_or_insert_with(clock::instant);
    let halves = u64::try_from(since.elapsed().as_millis()).unwrap() / 500;
    let late = |(key, count): (&(String, String, u16), &u64)| (key.clone(), (*count).min(halves));
    fastapi(&counts.iter().map(late).collect(), 1, |_, _| true)
}

#[tokio::test]
async fn late_metrics_are_waited_for_as_long_as_they_may_change() {
    use ProofCheckOutcome::{Failed, Passed};
    type Case = (fn(&Counts) -> Metrics, u64, ProofCheckOutcome);
    let wrong: fn(&Counts) -> Metrics = |counts| fastapi(counts, 2, |_, _| true);
    let cases: [Case; 5] = [
        (cached, 3_000, Passed),
        (collected, 1_500, Passed),
        (wrong, 1_000, Failed),
        (cached_before, 5_000, Passed),
        (collected_and_failing, 1_500, Passed),
    ];
    let audits = cases.map(|(metrics, still_ms, _)| async move {
        let since = clock::instant();
        let still = Duration::from_millis(still_ms);
        let (check, _) = audited_with(&SHOP, still, |_, _| String::new(), false, metrics).await;
        (check, since.elapsed())
    });
    for (number, ((check, elapsed), (.., outcome))) in join_all(audits).await.into_iter().zip(cases).enumerate() {
        assert_eq!(check.outcome, outcome, "case {number}: {check:?}");
        assert!(elapsed > Duration::from_millis(3_500), "case {number}: {elapsed:?}");
    }
}

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

/// The only worker that counted the offers has ended.
fn only_worker(counts: &Counts) -> Metrics {
    by_worker(counts, if counts.is_empty() { &[("1", 7)] } else { &[] })
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
    use ProofCheckOutcome::{Failed, NotApplicable, Passed};
    type Case = (fn(&Counts) -> Metrics, ProofCheckOutcome, &'static str);
    const GONE: &str = "the backend's metrics no longer have http_requests_total{handler=\"/offers\",";
    let cases: [Case; 7] = [
        (only_worker, NotApplicable, GONE),
        (|counts| ended_worker(counts, 10), Passed, "20 counted by the backend"),
        (|counts| ended_worker(counts, 6), NotApplicable, GONE),
        (ending_worker, Passed, "20 counted by the backend"),
        (other_route, Failed, "10 responses had status 2xx, and the backend counted 5"),
        (|counts| without_start(ended_worker(counts, 6)), NotApplicable, GONE),
        (
            |counts| without_start(other_route(counts)),
            NotApplicable,
            "metrics no longer have http_requests_total{handler=\"/old\"",
        ),
    ];
    let checks = join_all(cases.map(|(metrics, ..)| audited(false, metrics))).await;
    for (number, ((check, _), (_, outcome, part))) in checks.into_iter().zip(cases).enumerate() {
        let text = format!("{} {}", check.figures, check.lines.join(" "));
        assert_eq!(check.outcome, outcome, "case {number}: {text}");
        assert!(text.contains(part) && !text.contains("was restarted during the run"), "case {number}: {text}");
    }
}
