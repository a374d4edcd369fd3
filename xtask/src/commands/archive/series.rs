//! The raw samples of a run, read from Prometheus.
//!
//! They are queried with range selectors, which return raw samples, through the query API that
//! every store has. A snapshot would need the admin API, through which any user of the machine
//! could delete series.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context as _, bail};
use monitoring::label::{BACKEND_JOB, JOB, TESTID};
use monitoring::promql::{Selector, escape};
use perf_report::Report;
use prometheus_store::PrometheusClient;
use prometheus_store::prometheus_client::seconds;
use serde::Deserialize;

/// Length of the range of one query, in seconds, so that each response is small.
const PIECE_S: i64 = 300;
/// Margin around the run: rules are evaluated a moment after the last push.
const AFTER_MS: i64 = 60_000;
/// Limit on samples, each of about 60 bytes of memory. A run of a day has fewer.
const MOST_SAMPLES: u64 = 20_000_000;

type Labels = BTreeMap<String, String>;

/// Samples by series.
#[derive(Debug, Default)]
pub(super) struct CollectedSeries {
    pub(super) selectors: Vec<String>,
    /// By labels: times in Unix milliseconds, and values as Prometheus writes them.
    pub(super) series: BTreeMap<Labels, Vec<(i64, String)>>,
    pub(super) samples: u64,
    /// The number of samples that are the run's own and not the backend's.
    pub(super) samples_of_run: u64,
}

#[derive(Deserialize)]
struct QueryResponse {
    data: QueryData,
}

#[derive(Deserialize)]
struct QueryData {
    result: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
    #[serde(default)]
    histograms: Vec<serde::de::IgnoredAny>,
}

/// Reads all samples of the run, and its backend's samples for the time of the run.
pub(super) async fn collect(prometheus: &PrometheusClient, report: &Report) -> anyhow::Result<CollectedSeries> {
    let of_run = Selector::new("").with(TESTID, &report.run.testid).to_string();
    let of_backend = Selector::new("").with(JOB, BACKEND_JOB).to_string();
    let (from, end) = (report.run.started_unix_ms - AFTER_MS, report.series_end_unix_ms());
    let mut collected =
        CollectedSeries { selectors: vec![of_run.clone(), of_backend.clone()], ..CollectedSeries::default() };
    collected.take(prometheus, &of_run, from, end + AFTER_MS).await?;
    collected.samples_of_run = collected.samples;
    collected.take(prometheus, &of_backend, from, end).await?;
    Ok(collected)
}

impl CollectedSeries {
    async fn take(
        &mut self,
        prometheus: &PrometheusClient,
        selector: &str,
        from_ms: i64,
        to_ms: i64,
    ) -> anyhow::Result<()> {
        let mut at_ms = from_ms;
        while at_ms < to_ms {
            at_ms = (at_ms + PIECE_S * 1_000).min(to_ms);
            let query = [("query", format!("{selector}[{PIECE_S}s]")), ("time", seconds(at_ms))];
            let text = prometheus.get("query", &query).await.with_context(|| format!("failed to read {selector}"))?;
            let response: QueryResponse =
                serde_json::from_slice(&text).with_context(|| format!("{selector}: not a Prometheus API response"))?;
            for matrix in response.data.result {
                self.add(matrix, from_ms)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, Matrix { metric, values, histograms }: Matrix, from_ms: i64) -> anyhow::Result<()> {
        if !histograms.is_empty() {
            bail!(
                "{metric:?} has native histograms, which OpenMetrics text cannot hold: an archive needs a run without --native-histograms"
            );
        }
        let known = self.series.entry(metric).or_default();
        for (at, value) in values {
            #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
            let at_ms = (at * 1e3).round() as i64;
            // The range of Prometheus 2 includes its left end, and that of Prometheus 3 does not.
            if at_ms > from_ms && known.last().is_none_or(|(last, _)| *last < at_ms) {
                known.push((at_ms, value));
                self.samples += 1;
            }
        }
        if self.samples > MOST_SAMPLES {
            bail!("the run has more than {MOST_SAMPLES} samples, the limit of an archive: archive a shorter run");
        }
        Ok(())
    }

    /// Writes OpenMetrics text, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
    ///
    /// Series follow one another; the samples of each are in order of time.
    pub(super) fn open_metrics(&self, text: &mut impl Write) -> io::Result<()> {
        for (labels, samples) in self.series.iter().filter(|(_, samples)| !samples.is_empty()) {
            let name = labels.get("__name__").map_or("", String::as_str);
            let pairs = labels.iter().filter(|(label, _)| *label != "__name__");
            let pairs: Vec<_> = pairs.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
            let series = format!("{name}{{{}}}", pairs.join(","));
            for (at_ms, value) in samples {
                writeln!(text, "{series} {value} {}", seconds(*at_ms))?;
            }
        }
        writeln!(text, "# EOF")
    }
}

#[cfg(test)]
mod tests;
