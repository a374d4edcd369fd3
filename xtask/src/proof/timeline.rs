//! How a run went over time: where in a ramp the first promise broke, and whether a long run drifts.

use std::time::Duration;

use monitoring::backend::{self, MEMORY};
use monitoring::catalogue::Catalogue;
use monitoring::counts;
use monitoring::judgement::Report;
use monitoring::label::TESTID;
use monitoring::metric::Metric;
use monitoring::promql::{Expr, Selector, Window};
use monitoring::slo::Slo;

use super::source::{Moment, Series, Source};
use super::{Check, catalogue};

/// What a moment's rate and compliance are made from: four pushes.
const WINDOW: Duration = Duration::from_secs(20);
/// A run that is shorter has no drift worth the name.
const LONG: Duration = Duration::from_secs(300);
/// Bytes in a mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;

/// A straight line through points, and how sure its slope is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    per_hour: f64,
    /// Half the width of the 95 % confidence interval.
    within: f64,
}

impl Slope {
    /// By least squares; the interval from the residuals' standard error (e.g. Draper and Smith, Applied Regression
    /// Analysis, 1.4), with the normal quantile, as there are dozens of points. None for fewer than a dozen.
    fn of(points: &[(f64, f64)]) -> Option<Self> {
        const LEAST: usize = 12;
        const NORMAL_975: f64 = 1.96;
        if points.len() < LEAST {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of points")]
        let n = points.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(&|point| point.0), mean(&|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| of(point.0 - x, point.1 - y)).sum::<f64>();
        let (spread, together) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let slope = together / spread;
        let left = sum(&|x, y| (y - slope * x).powi(2));
        let error = (left / (n - 2.0) / spread).sqrt();
        let hour = 3_600.0;
        (spread > 0.0).then_some(Self { per_hour: slope * hour, within: NORMAL_975 * error * hour })
    }

    /// Whether it is other than level, as far as the points tell.
    fn is_sure(self) -> bool {
        self.per_hour.abs() > self.within
    }
}

/// What is to be said of a run's course.
pub(super) async fn check(report: &Report, source: &Source) -> Check {
    const CHECK: &str = "over time";
    match course(report, source).await {
        Ok(said) if said.is_empty() => {
            Check::not_applicable(CHECK, "every promise was kept all the time, and the run was short")
        }
        Ok(said) => Check::new(CHECK, said.join("; "), Vec::new()),
        Err(error) => Check::new(CHECK, "not looked at".to_owned(), vec![format!("{error:#}")]),
    }
}

async fn course(report: &Report, source: &Source) -> anyhow::Result<Vec<String>> {
    let (from, to) = (Moment(report.started_unix_ms), Moment(report.ended_unix_ms));
    let mut said: Vec<_> = first_break(report, source, (from, to)).await?.into_iter().collect();
    let lasted = u64::try_from(to.0 - from.0).unwrap_or_default();
    if Duration::from_millis(lasted) >= LONG {
        said.extend(drifts(report, source, (from, to)).await?);
    }
    Ok(said)
}

fn of_run(report: &Report, metric: String) -> Selector {
    Selector::new(metric).with(TESTID, &report.testid)
}

/// The first moment at which an objective was not kept, and the load that there was then.
async fn first_break(report: &Report, source: &Source, (from, to): (Moment, Moment)) -> anyhow::Result<Option<String>> {
    let mut first: Option<(f64, &Slo)> = None;
    for slo in catalogue().slos {
        let grown =
            |selector: Selector| selector.with(TESTID, &report.testid).growth(Window::Fixed(WINDOW)).sum_by(&[TESTID]);
        let kept = source.series(&counts::is_kept(slo, &grown, &[TESTID]).to_string(), from, to).await?;
        if let Some(at) = broken_at(&kept)
            && first.is_none_or(|(earlier, _)| at < earlier)
        {
            first = Some((at, slo));
        }
    }
    let Some((at, slo)) = first else { return Ok(None) };
    let value = async |expr: Expr| -> anyhow::Result<f64> {
        let series = source.series(&expr.to_string(), from, to).await?;
        Ok(series.iter().filter_map(|series| value_at(series, at)).sum())
    };
    let vus = value(of_run(report, Metric::vus().name).now().sum()).await?;
    let rate = value(of_run(report, Metric::http_reqs().name).rate(Window::Fixed(WINDOW)).sum()).await?;
    Ok(Some(format!(
        "the first promise to break was {} {}, {:.0} s after the start, at {vus:.0} VUs and {rate:.0} req/s",
        slo.subject(),
        slo.promise(),
        at - from.seconds()
    )))
}

fn broken_at(kept: &[Series]) -> Option<f64> {
    let broken = kept.iter().flat_map(|series| &series.points).filter(|(_, kept)| *kept == 0.0);
    broken.map(|(at, _)| *at).reduce(f64::min)
}

/// A series' last value up to a time.
fn value_at(series: &Series, at: f64) -> Option<f64> {
    series.points.iter().take_while(|(time, _)| *time <= at).last().map(|(_, value)| *value)
}

/// Whether latency, or the backend's memory, went up or down all the time.
async fn drifts(report: &Report, source: &Source, (from, to): (Moment, Moment)) -> anyhow::Result<Vec<String>> {
    let all = |series: &str, catalogue: &Catalogue| {
        let of = catalogue.endpoints.iter().map(|endpoint| {
            let histogram = Metric::latency(endpoint);
            let name = if series == "sum" { histogram.sum() } else { histogram.count() };
            of_run(report, name).rate(Window::Fixed(WINDOW)).sum()
        });
        // An endpoint that is not requested has no series, and would take the others with it.
        of.map(|expr| expr.or(Expr::Call("vector", vec![Expr::Integer(0)]))).reduce(Expr::plus)
    };
    let (sum, count) = (all("sum", catalogue()), all("count", catalogue()));
    let mut said = Vec::new();
    if let (Some(sum), Some(count)) = (sum, count) {
        let points = thinned(source.series(&sum.over(count.above_zero()).to_string(), from, to).await?);
        said.extend(Slope::of(&points).map(|slope| in_words("mean latency", slope, 1.0, "ms")));
    }
    let memory = thinned(source.series(&backend::scraped(MEMORY).now().sum().to_string(), from, to).await?);
    said.extend(Slope::of(&memory).map(|slope| in_words("the backend's memory", slope, MEBIBYTE, "MiB")));
    Ok(said)
}

/// Values that do not overlap: one for each window, so that they are as good as independent.
fn thinned(series: Vec<Series>) -> Vec<(f64, f64)> {
    let step = usize::try_from(WINDOW.as_secs()).unwrap_or(1);
    let points = series.into_iter().flat_map(|series| series.points);
    points.filter(|(_, value)| value.is_finite()).step_by(step).collect()
}

fn in_words(what: &str, slope: Slope, unit: f64, name: &str) -> String {
    let (per_hour, within) = (slope.per_hour / unit, slope.within / unit);
    if slope.is_sure() {
        format!("{what} drifts by {per_hour:+.1} ± {within:.1} {name} an hour")
    } else {
        format!("{what} does not drift ({per_hour:+.1} ± {within:.1} {name} an hour)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series { labels: std::collections::BTreeMap::new(), points: points.to_vec() }
    }

    #[test]
    fn a_line_has_its_slope_and_noise_has_none() {
        let line: Vec<_> = (0..30).map(|at| (f64::from(at) * 20.0, 50.0 + f64::from(at) * 0.1)).collect();
        let slope = Slope::of(&line).unwrap();
        assert!((slope.per_hour - 18.0).abs() < 1e-6 && slope.within < 1e-6, "{slope:?}");
        assert_eq!(in_words("mean latency", slope, 1.0, "ms"), "mean latency drifts by +18.0 ± 0.0 ms an hour");
        let noise: Vec<_> = (0..30_i32).map(|at| (f64::from(at) * 20.0, f64::from(at * 7919 % 13))).collect();
        assert!(!Slope::of(&noise).unwrap().is_sure());
        assert_eq!(Slope::of(&line[..11]), None);
        assert_eq!(Slope::of(&[(1.0, 2.0); 20]), None);
    }

    #[test]
    fn the_first_break_is_the_earliest_of_all() {
        let kept = [series(&[(1.0, 1.0), (2.0, 0.0), (3.0, 0.0)]), series(&[(1.0, 1.0), (2.0, 1.0)])];
        assert_eq!(broken_at(&kept), Some(2.0));
        assert_eq!(broken_at(&kept[1..]), None);
        assert_eq!(value_at(&kept[0], 2.5), Some(0.0));
        assert_eq!(value_at(&kept[0], 0.5), None);
    }
}
