//! A restart of the backend during the run, as the store's scrapes of its counters show it.

use std::collections::BTreeSet;
use std::time::Duration;

use monitoring::backend_metrics::scraped;
use monitoring::label::{INSTANCE, METRIC};
use monitoring::promql::Window;
use perf_report::Report;
use prometheus_store::exposition::ExpositionSample;
use prometheus_store::response::Series;
use url::Url;

use crate::host::clock::Moment;
use crate::perf::prove::proven_run::{ProvenRun, now_ms};

/// A restart of the process whose counters the proof reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Restart {
    /// The last counts before the restart, which the counters lack now.
    pub(crate) lost: Vec<ExpositionSample>,
    /// Times from the last scrape before a restart to the first one after it, in Unix seconds.
    gaps: Vec<(f64, f64)>,
}

impl Restart {
    /// The restart during the run that the store saw. `None` without one, or if it did not scrape
    /// the process at `metrics`.
    pub(crate) async fn find(run: ProvenRun<'_>, metrics: Option<&Url>) -> Option<Self> {
        // A restart before the run does not count.
        let seconds = u64::try_from(now_ms() - run.report.run.started_unix_ms).unwrap_or_default() / 1_000;
        let window = Window::Fixed(Duration::from_secs(seconds.max(1)));
        let counters = scraped(run.catalogue.mapping.requests).within(window);
        let series = run.source.samples(&counters.to_string(), Moment::now()).await.ok()?;
        Self::from_scrapes(&series_at(series, metrics)?)
    }

    fn from_scrapes(series: &[Series]) -> Option<Self> {
        let times: Vec<_> = series.iter().flat_map(|series| &series.points).map(|(at, _)| *at).collect();
        let mut gaps = Vec::new();
        for pair in series.iter().flat_map(|series| series.points.windows(2)).filter(|pair| pair[1].1 < pair[0].1) {
            // Other series may have been counted again earlier.
            let next = times.iter().copied().filter(|time| *time > pair[0].0).fold(pair[1].0, f64::min);
            gaps.push((pair[0].0, next));
        }
        gaps.sort_by(|one, other| one.0.total_cmp(&other.0));
        gaps.dedup();
        let (mut lost, mut earlier) = (Vec::new(), f64::NEG_INFINITY);
        // A restart resets all series, also those that are higher at the next scrape.
        for (at, _) in &gaps {
            for series in series {
                let mut points = series.points.iter().rev();
                let Some((_, value)) = points.find(|(time, _)| time <= at && *time > earlier) else { continue };
                let mut labels = series.labels.clone();
                let name = labels.remove(METRIC.as_str()).unwrap_or_default();
                lost.push(ExpositionSample { name, labels, value: *value });
            }
            earlier = *at;
        }
        (!lost.is_empty()).then_some(Self { lost, gaps })
    }

    /// Limit on the requests that were counted without being scraped before the restart.
    pub(crate) fn unseen(&self, report: &Report) -> u64 {
        #[expect(clippy::cast_precision_loss, reason = "times in milliseconds")]
        let unix_s = |ms: u64| (report.run.started_unix_ms as f64 + ms as f64) / 1e3;
        let slices = report.run.timeline.slices.iter();
        let slices = slices
            .filter(|it| self.gaps.iter().any(|(from, to)| unix_s(it.to_ms) >= *from && unix_s(it.from_ms) <= *to));
        slices.map(|slice| slice.requests).sum()
    }
}

/// The series of the process at `metrics`: of the only instance, or of the one with its address.
fn series_at(series: Vec<Series>, metrics: Option<&Url>) -> Option<Vec<Series>> {
    let instances: BTreeSet<_> = series.iter().map(|series| series.label(INSTANCE.as_str()).to_owned()).collect();
    let address = metrics.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    // The stack adds the path if it is not /metrics.
    let is_address = |rest: &str| rest.is_empty() || metrics.is_some_and(|url| rest == url.path());
    let has_address =
        |instance: &str| address.as_ref().and_then(|it| instance.strip_prefix(it)).is_some_and(is_address);
    let is_named = |instance: &&String| instances.len() == 1 || has_address(instance);
    let instance = instances.iter().find(is_named)?;
    Some(series.into_iter().filter(|series| series.label(INSTANCE.as_str()) == instance).collect())
}
