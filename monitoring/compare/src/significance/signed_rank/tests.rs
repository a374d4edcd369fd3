//! Tests of `signed_rank`.

use proptest::prelude::*;

use super::*;

/// Upper tail over all flips of signs, by enumeration.
fn by_flips(differences: &[f64]) -> f64 {
    let mut sizes: Vec<_> = differences.iter().map(|difference| difference.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let rank = |difference: f64| sizes.iter().position(|size| *size == difference.abs()).unwrap() + 1;
    let measured: usize = differences.iter().filter(|d| **d > 0.0).map(|d| rank(*d)).sum();
    let flips = 1_u32 << differences.len();
    let as_much = (0..flips).filter(|flip| {
        let ranks = (1..=differences.len()).filter(|rank| flip >> (rank - 1) & 1 == 1);
        ranks.sum::<usize>() >= measured
    });
    as_much.count() as f64 / f64::from(flips)
}

/// Table A.4 in Hollander, Wolfe and Chicken; R's `psignrank(t, n)` and SciPy give the same.
#[test]
fn the_distribution_is_the_published_one() {
    let p = |t: usize, n: usize| distribution(n)[t];
    for (t, n, known) in [(0, 5, 0.031_25), (8, 10, 0.024_414_06), (10, 10, 0.041_992_19), (52, 20, 0.024_220_47)] {
        assert!((p(t, n) - known).abs() < 5e-9, "psignrank({t}, {n}) = {}", p(t, n));
    }
}

/// Depression factors of nine patients: Hollander, Wolfe and Chicken, examples 3.1, 3.3 and
/// 3.4. R's `wilcox.test(conf.int = TRUE)` gives the same.
#[test]
#[expect(clippy::approx_constant, reason = "a patient's 3.14")]
fn a_textbook_example_gives_the_published_results() {
    let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    let differences: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    let test = SignedRank::new(&differences);
    assert!((test.p_below(0.0) - 0.019_531_25).abs() < 1e-9, "{}", test.p_below(0.0));
    assert!((test.estimate().unwrap() + 0.46).abs() < 1e-9, "{:?}", test.estimate());
    let interval = test.interval(0.04).unwrap();
    assert!((interval.low + 0.786).abs() < 1e-9 && (interval.high + 0.010).abs() < 1e-9, "{interval:?}");
}

#[test]
fn too_few_differences_have_no_interval() {
    assert_eq!(SignedRank::new(&[1.0; 5]).interval(0.05), None);
    assert!(SignedRank::new(&[1.0; 6]).interval(0.05).is_some());
    assert_eq!(SignedRank::new(&[]).estimate(), None);
    assert!((SignedRank::new(&[]).p_above(0.0) - 1.0).abs() < 1e-12);
}

proptest! {
    #[test]
    fn the_p_value_counts_flips_of_signs(differences in prop::collection::hash_set(1_i32..1_000, 1..9), signs in any::<u16>()) {
        let signed = differences.iter().enumerate();
        let differences: Vec<_> = signed.map(|(index, d)| f64::from(if signs >> index & 1 == 1 { *d } else { -*d })).collect();
        prop_assert!((SignedRank::new(&differences).p_above(0.0) - by_flips(&differences)).abs() < 1e-12);
    }

    /// The interval contains exactly the shifts that the test does not reject.
    #[test]
    fn the_interval_inverts_the_test(differences in prop::collection::vec(-1.0..1.0_f64, 6..25)) {
        let test = SignedRank::new(&differences);
        let interval = test.interval(0.05).unwrap();
        let inside = f64::midpoint(interval.low, interval.high);
        prop_assert!(test.p_above(inside) > 0.025 && test.p_below(inside) > 0.025);
        prop_assert!(test.p_above(interval.low - 1e-9) <= 0.025);
        prop_assert!(test.p_below(interval.high + 1e-9) <= 0.025);
    }
}
