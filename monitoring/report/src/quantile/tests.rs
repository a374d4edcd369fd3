//! Tests of `quantile`.

use proptest::prelude::*;

use super::*;

#[test]
fn failed_requests_rank_after_all_that_succeeded() {
    let mut succeeded = Histogram::new(3).unwrap();
    [1_000_000, 2_000_000, 3_000_000].into_iter().for_each(|nanos| succeeded.record(nanos).unwrap());
    let ranked = RankedLatencies::new(Some(&succeeded), 1);
    let ms = |percent| match ranked.quantile(Ratio::percent(percent)) {
        Some(Millis::Finite(ms)) => ms.round(),
        _ => f64::INFINITY,
    };
    assert_eq!((ranked.requests(), [25, 50, 75, 76].map(ms)), (4, [1.0, 2.0, 3.0, f64::INFINITY]));
    assert_eq!(RankedLatencies::new(None, 0).quantile(Ratio::percent(50)), None);
    assert_eq!(RankedLatencies::new(None, 1).quantile(Ratio::percent(50)), Some(Millis::INFINITE));
}

#[test]
fn nearest_ranks() {
    let p95 = Ratio::percent(95);
    assert_eq!(nearest_rank(p95, 20), 19);
    assert_eq!(nearest_rank(p95, 60), 57);
    assert_eq!(nearest_rank(p95, 61), 58);
    assert_eq!(nearest_rank(p95, 1), 1);
}

/// Table values: for n = 100 and q = 0.95, the 2.5 % and 97.5 % points of Bin(100, 0.95) are 90
/// and 99.
#[test]
fn interval_of_a_hundred() {
    assert_eq!(interval_ranks(Ratio::percent(95), 100), (90, Some(100)));
    assert_eq!(interval_ranks(Ratio::percent(95), 20).1, None);
}

proptest! {
    #[test]
    fn the_interval_holds_the_quantile(n in 20_u64..100_000) {
        let q = Ratio::percent(95);
        let (lower, upper) = interval_ranks(q, n);
        let rank = nearest_rank(q, n);
        prop_assert!(lower <= rank);
        prop_assert!(upper.is_none_or(|upper| upper >= rank));
    }
}
