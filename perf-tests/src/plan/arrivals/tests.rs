//! Tests of `arrivals`.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ramp(start_rate: u64, stages: &[(u64, u64)], spacing: Spacing) -> Arrivals {
    let stages: Vec<_> =
        stages.iter().map(|&(ms, target)| Stage { duration: Duration::from_millis(ms), target }).collect();
    let first = Rate { count: start_rate, per: SECOND };
    Arrivals::new(Duration::ZERO, first, &stages, SeededSpacing { spacing, seed: 7, stream: 0 })
}

#[test]
fn a_constant_rate_is_even_to_the_nanosecond() {
    let arrivals = ramp(300, &[(10_000, 300)], Spacing::Even);
    let due: Vec<_> = arrivals.iter().collect();
    assert_eq!(due.len(), 3000);
    assert!(due.iter().enumerate().all(|(i, due)| due.as_nanos() == i as u128 * 1_000_000_000 / 300));
}

#[test]
fn arrivals_of_a_ramp_follow_from_its_area() {
    // 0 to 100/s in 10 s: 5 t² arrivals after t seconds.
    let due: Vec<_> = ramp(0, &[(10_000, 100)], Spacing::Even).iter().collect();
    assert_eq!(due.len(), 500);
    for (i, due) in due.iter().enumerate() {
        let exact = (i as f64 / 5.0).sqrt();
        assert!((due.as_secs_f64() - exact).abs() < 2e-9, "{i}: {due:?}");
    }
}

#[test]
fn poisson_arrivals_have_the_planned_number_and_exponential_gaps() {
    let arrivals = ramp(1000, &[(10_000, 1000)], Spacing::Poisson);
    let due: Vec<_> = arrivals.iter().collect();
    assert_eq!(due.len(), 10_000);
    let gaps: Vec<_> = due.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // Exponential gaps have a standard deviation equal to their mean; even gaps have none.
    assert!((0.95..1.05).contains(&(variance.sqrt() / mean)), "{}", variance.sqrt() / mean);
    assert_eq!(due, arrivals.iter().collect::<Vec<_>>());
}

proptest! {
    /// The number of arrivals equals the area below the rate, in total and at the end of every
    /// stage. Times are ascending and within the load.
    #[test]
    fn the_number_of_arrivals_is_the_area_below_the_rate(
        start in 0_u64..500,
        plan in prop::collection::vec((0_u64..5_000, 0_u64..500), 1..6),
        poisson in any::<bool>(),
    ) {
        let spacing = if poisson { Spacing::Poisson } else { Spacing::Even };
        let arrivals = ramp(start, &plan, spacing);
        let due: Vec<_> = arrivals.iter().collect();
        let (mut at, mut now, mut area) = (start, 0, 0);
        for &(ms, target) in &plan {
            (area, now, at) = (area + (at + target) * ms, now + ms, target);
            if spacing == Spacing::Even {
                let due_by_then = due.iter().filter(|due| due.as_millis() < u128::from(now)).count() as u64;
                // Due exactly at the boundary, or a rounding error before it.
                prop_assert!(due_by_then.abs_diff(area.div_ceil(2000)) <= 1, "{} {}", due_by_then, area);
            }
        }
        prop_assert_eq!(due.len() as u64, area.div_ceil(2000));
        prop_assert_eq!(arrivals.total(), area.div_ceil(2000));
        prop_assert_eq!(arrivals.between(Duration::ZERO, Duration::from_millis(now)), arrivals.total());
        prop_assert!(due.is_sorted());
        prop_assert!(due.last().is_none_or(|last| last.as_millis() <= u128::from(now)));
    }
}
