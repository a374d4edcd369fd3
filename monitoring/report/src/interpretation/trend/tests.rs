//! Tests of `trend`.

use super::*;
use crate::evidence::SegmentLatency;

fn report(kind: &str, medians: &dyn Fn(u32) -> [f64; 2]) -> Report {
    let mut report = Report::sample();
    let latency = |ms| SegmentLatency { requests: 30, failed: 0, p50_ms: Some(Millis::Finite(ms)), p95_ms: None };
    let segment = |number| SegmentResult {
        segment: Segment(kind.to_owned(), number),
        endpoints: ["get_cart", "list_orders"]
            .into_iter()
            .zip(medians(number))
            .map(|(name, ms)| (name.to_owned(), latency(ms)))
            .collect(),
    };
    report.segments = (1..=9).map(segment).collect();
    report
}

/// Deterministic noise: a factor between 1 and 1.1.
fn noise(number: u32) -> f64 {
    1.0 + f64::from(number * 7919 % 13) / 130.0
}

#[test]
fn latency_that_grows_with_players_is_reported_and_noise_is_not() {
    let level = report("day", &|number| [20.0 * noise(number), 50.0 * noise(number + 3)]);
    let messages: Vec<_> = findings(&level).iter().map(Finding::to_string).collect();
    assert_eq!(messages, ["note: no endpoint's latency depends on day (1 to 9)"]);
    let grows = report("players", &|number| [20.0 * noise(number), (20.0 + 10.0 * f64::from(number)) * noise(number)]);
    let messages: Vec<_> = findings(&grows).iter().map(Finding::to_string).collect();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].starts_with("warning: latency depends on players: list_orders p50 3"), "{messages:?}");
    assert!(!messages[0].contains("get_cart"), "{messages:?}");
}

#[test]
fn four_points_are_too_few_for_a_line() {
    let mut few = report("players", &|number| [f64::from(number), f64::from(number)]);
    few.segments.truncate(4);
    assert_eq!(findings(&few), []);
}
