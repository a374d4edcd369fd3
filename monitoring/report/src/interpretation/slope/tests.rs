//! Tests of `slope`.

use rand::RngExt as _;
use rand::SeedableRng as _;

use super::*;

#[test]
fn a_line_has_its_slope() {
    let line: Vec<_> = (0..30).map(|at| (f64::from(at) * 20.0, 50.0 + f64::from(at) * 0.1)).collect();
    let slope = Slope::fit(&line).unwrap();
    assert!((slope.per_hour - 18.0).abs() < 1e-6 && slope.within < 1e-4, "{slope:?}");
    assert_eq!(slope.describe("latency", 1.0, "ms"), "latency drifts by +18.0 ± 0.0 ms per hour");
    assert_eq!(Slope::fit(&line[..11]), None);
    assert_eq!(Slope::fit(&[(1.0, 2.0); 20]), None);
}

/// Noise without a trend, in which neighboring values are correlated.
#[test]
fn correlated_noise_does_not_drift() {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let runs = 400;
    let drifting = (0..runs).filter(|_| {
        let mut value = 0.0;
        let points: Vec<_> = (0..90)
            .map(|at| {
                value = 0.6 * value + rng.random_range(-1.0..1.0);
                (f64::from(at), value)
            })
            .collect();
        Slope::fit(&points).unwrap().is_significant()
    });
    // The nominal share is 5 %. It is a little higher because the correlation is estimated.
    // Without widening the interval it is a third.
    let share = f64::from(u32::try_from(drifting.count()).unwrap()) / f64::from(runs);
    assert!(share < 0.1, "{share}");
}
