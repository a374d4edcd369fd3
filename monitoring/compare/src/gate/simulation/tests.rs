//! Tests of `simulation`.

use super::*;

#[test]
fn bounds_of_a_share_match_published_values() {
    let none = GateRate { matching: 0, gates: 3_000 };
    assert!((none.upper_bound() - (1.0 - 0.05_f64.powf(1.0 / 3_000.0))).abs() < 1e-9);
    assert!(none.lower_bound().abs() < 1e-12);
    // R's binom.test(95, 100): 0.8989… one-sided.
    let most = GateRate { matching: 95, gates: 100 };
    assert!((most.lower_bound() - 0.897_740).abs() < 1e-3, "{}", most.lower_bound());
}

#[test]
fn the_same_seed_gives_the_same_rounds() {
    let rounds = |seed| SHARED_RUNNER.differences(&mut ChaCha8Rng::seed_from_u64(seed), 5, &[0.0; ENDPOINTS]);
    assert_eq!(rounds(1), rounds(1));
    assert_ne!(rounds(1), rounds(2));
}
