//! Tests of `think`.

use rand::SeedableRng as _;

use super::*;

fn sorted(think: Think) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut drawn: Vec<_> = (0..20_000).map(|_| think.draw(&mut rng).as_secs_f64()).collect();
    drawn.sort_by(f64::total_cmp);
    drawn
}

#[test]
fn drawn_think_times_have_the_expected_quantiles() {
    let second = Duration::from_secs(1);
    let near = |value: f64, expected: f64| assert!((value / expected - 1.0).abs() < 0.05, "{value}, not {expected}");
    let even = sorted(Think::Between(second, second * 3));
    near(even[10_000], 2.0);
    assert!(even[0] >= 1.0 && even[19_999] <= 3.0);
    let exponential = sorted(Think::Exponential { mean: second });
    near(exponential.iter().sum::<f64>() / 20_000.0, 1.0);
    near(exponential[10_000], std::f64::consts::LN_2);
    let lognormal = sorted(Think::Lognormal { median: second, p95: second * 4 });
    near(lognormal[10_000], 1.0);
    near(lognormal[19_000], 4.0);
}
