//! A straight line through points in time, and how sure its slope is: whether something drifts.

/// A straight line's slope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// An hour's change.
    pub per_hour: f64,
    /// Half the width of its 95 % confidence interval.
    pub within: f64,
}

impl Slope {
    /// Through points of seconds and values, by least squares; none for fewer than a dozen.
    ///
    /// The interval is that of the residuals' standard error with the normal quantile (Draper and Smith, Applied Regression Analysis,
    /// 3rd ed., 1.4), widened for what one moment has in common with the next: memory that a collector frees in steps, a neighbour who stays
    /// for a minute. With residuals correlated by ρ from one point to the next, n points are worth n (1 − ρ) / (1 + ρ) (von Storch and
    /// Zwiers, Statistical Analysis in Climate Research, 17.1.3).
    pub fn of(points: &[(f64, f64)]) -> Option<Self> {
        const LEAST: usize = 12;
        const NORMAL_975: f64 = 1.96;
        const HOUR: f64 = 3_600.0;
        if points.len() < LEAST {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of points")]
        let n = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| of(point.0 - x, point.1 - y)).sum::<f64>();
        let (spread, together) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let slope = together / spread;
        let left: Vec<_> = points.iter().map(|point| point.1 - y - slope * (point.0 - x)).collect();
        let squares: f64 = left.iter().map(|left| left * left).sum();
        let neighbours: f64 = left.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let correlation = if squares > 0.0 { (neighbours / squares).clamp(0.0, 0.99) } else { 0.0 };
        let widened = ((1.0 + correlation) / (1.0 - correlation)).sqrt();
        let error = (squares / (n - 2.0) / spread).sqrt() * widened;
        (spread > 0.0).then_some(Self { per_hour: slope * HOUR, within: NORMAL_975 * error * HOUR })
    }

    /// Whether it is other than level, as far as the points tell.
    pub fn is_sure(self) -> bool {
        self.per_hour.abs() > self.within
    }

    /// What of something it says, in a unit of so many.
    pub fn describe(self, what: &str, unit: f64, name: &str) -> String {
        let (per_hour, within) = (self.per_hour / unit, self.within / unit);
        if self.is_sure() {
            format!("{what} drifts by {per_hour:+.1} ± {within:.1} {name} an hour")
        } else {
            format!("{what} does not drift ({per_hour:+.1} ± {within:.1} {name} an hour)")
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        let line: Vec<_> = (0..30).map(|at| (f64::from(at) * 20.0, 50.0 + f64::from(at) * 0.1)).collect();
        let slope = Slope::of(&line).unwrap();
        assert!((slope.per_hour - 18.0).abs() < 1e-6 && slope.within < 1e-4, "{slope:?}");
        assert_eq!(slope.describe("latency", 1.0, "ms"), "latency drifts by +18.0 ± 0.0 ms an hour");
        assert_eq!(Slope::of(&line[..11]), None);
        assert_eq!(Slope::of(&[(1.0, 2.0); 20]), None);
    }

    /// Noise in which each moment has much of the one before, and that goes nowhere.
    #[test]
    fn noise_does_not_drift_even_if_it_wanders() {
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
            Slope::of(&points).unwrap().is_sure()
        });
        // Five in a hundred, and some more, as the correlation is estimated, too. Without widening it is one in three.
        let share = f64::from(u32::try_from(drifting.count()).unwrap()) / f64::from(runs);
        assert!(share < 0.1, "{share}");
    }
}
