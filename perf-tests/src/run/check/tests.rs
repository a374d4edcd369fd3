//! Tests of `check`.

use monitoring::endpoint::Method;
use monitoring::ratio::Ratio;
use test_support::shop::SHOP;

use super::*;

#[test]
fn stalls_are_found_by_any_objective_on_responses() {
    const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
    const P99: Ratio = Ratio::percent(99);
    const MS: fn(u64) -> Duration = Duration::from_millis;
    let threshold = |slos: &'static [Slo]| {
        let catalogue = Catalogue { endpoints: &[PING], critical: &[PING], slos, ..SHOP };
        stall_limits(&catalogue)[0].map(|limit| limit.threshold)
    };
    let spans = const {
        &[
            Slo::connecting(PING, P99, Duration::from_millis(50)),
            Slo::with_connecting(PING, P99, Duration::from_millis(400)),
            Slo::first_byte(PING, P99, Duration::from_millis(200)),
        ]
    };
    assert_eq!(threshold(spans), Some(MS(200)));
    assert_eq!(threshold(const { &[Slo::connecting(PING, P99, Duration::from_millis(50))] }), None);
    let latency =
        const { &[Slo::first_byte(PING, P99, Duration::from_millis(200)), Slo::p95(PING, Duration::from_millis(300))] };
    assert_eq!(threshold(latency), Some(MS(300)), "the main one on latency");
}

#[test]
fn a_clock_difference_of_more_than_5_s_is_described() {
    assert_eq!(describe_skew(10_000, 10_020, 10_040), None);
    assert_eq!(describe_skew(10_000, 6_000, 10_040), None, "a small difference does no harm");
    let ahead = describe_skew(3_700_000, 100_000, 3_700_040).unwrap();
    assert!(ahead.starts_with("this machine's clock is 3600 s ahead of the store's"), "{ahead}");
    let behind = describe_skew(100_000, 160_040, 100_040).unwrap();
    assert!(behind.starts_with("this machine's clock is 60 s behind the store's"), "{behind}");
}
