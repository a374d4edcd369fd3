//! Slope of a line through points in time, with its uncertainty.

/// Change of a value with time, as a fitted line shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Change of the value in an hour, in the unit of the value.
    pub per_hour: f64,
    /// Half the width of the 95 % confidence interval of `per_hour`.
    pub within: f64,
}

impl Slope {
    /// Fits a line to points (seconds, value) by least squares. `None` for fewer than 12 points.
    ///
    /// The interval uses the standard error of the residuals and the normal quantile (Draper and
    /// Smith, Applied Regression Analysis, 3rd ed., 1.4). It is widened because neighboring points
    /// are correlated: a collector frees memory in steps, or another tenant of the machine stays
    /// for a minute. Let ρ be the correlation of residuals from one point to the next. Then n
    /// points are worth n (1 − ρ) / (1 + ρ) independent points (von Storch and Zwiers, Statistical
    /// Analysis in Climate Research, 17.1.3).
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        const LEAST: usize = 12;
        const NORMAL_975: f64 = 1.96;
        const HOUR: f64 = 3_600.0;
        if points.len() < LEAST {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of points")]
        let n = points.len() as f64;
        let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let sum =
            |value: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| value(point.0 - x, point.1 - y)).sum::<f64>();
        let (spread, together) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let slope = together / spread;
        let residuals: Vec<_> = points.iter().map(|point| point.1 - y - slope * (point.0 - x)).collect();
        let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
        let neighbors: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let correlation = if squares > 0.0 { (neighbors / squares).clamp(0.0, 0.99) } else { 0.0 };
        let widened = ((1.0 + correlation) / (1.0 - correlation)).sqrt();
        let error = (squares / (n - 2.0) / spread).sqrt() * widened;
        (spread > 0.0).then_some(Self { per_hour: slope * HOUR, within: NORMAL_975 * error * HOUR })
    }

    /// Whether the slope differs significantly from zero.
    pub(crate) fn is_significant(self) -> bool {
        self.per_hour.abs() > self.within
    }

    /// Text about the drift of `what`. Values are divided by `unit`, whose name is `name`.
    pub fn describe(self, what: &str, unit: f64, name: &str) -> String {
        let (per_hour, within) = (self.per_hour / unit, self.within / unit);
        if self.is_significant() {
            format!("{what} drifts by {per_hour:+.1} ± {within:.1} {name} per hour")
        } else {
            format!("{what} does not drift ({per_hour:+.1} ± {within:.1} {name} per hour)")
        }
    }
}

#[cfg(test)]
mod tests;
