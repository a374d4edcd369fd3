//! The check of the backend's memory over time, which only the
//! store has. The report's timeline has the rest.

use std::time::Duration;

use monitoring::backend_metrics::{self, MEMORY};
use perf_report::Report;
use perf_report::format::MEBIBYTE;
use perf_report::interpretation::Slope;
use prometheus_store::response::Series;

use super::proof_check::ProofCheck;
use crate::host::clock::Moment;
use crate::perf::prove::store::query_source::QuerySource;

/// The least time between two used values: closer ones are not independent.
const APART: Duration = Duration::from_secs(20);
/// The least length of a run for a meaningful trend.
const LONG: Duration = Duration::from_secs(300);

/// Reports the trend of the backend's memory. It never fails the proof.
pub(crate) async fn check(report: &Report, source: &QuerySource) -> ProofCheck {
    const CHECK: &str = "over time";
    let (from, to) = (Moment(report.run.started_unix_ms), Moment(report.run.ended_unix_ms));
    if report.duration() < LONG {
        return ProofCheck::not_applicable(CHECK, "a trend of memory needs a run of 5 minutes");
    }
    match source.series(&backend_metrics::scraped(MEMORY).now().sum().to_string(), from, to).await {
        Ok(memory) => match Slope::fit(&thinned(memory)) {
            Some(slope) => ProofCheck::new(CHECK, slope.describe("the backend's memory", MEBIBYTE, "MiB"), Vec::new()),
            None => ProofCheck::not_applicable(CHECK, "the store has too few values of the backend's memory"),
        },
        Err(error) => {
            ProofCheck::not_applicable(CHECK, format!("the query for the backend's memory failed: {error:#}"))
        }
    }
}

/// Finite values that are at least [`APART`] from one another.
fn thinned(series: Vec<Series>) -> Vec<(f64, f64)> {
    let mut thinned: Vec<(f64, f64)> = Vec::new();
    for (at, value) in series.into_iter().flat_map(|series| series.points).filter(|(_, value)| value.is_finite()) {
        if thinned.last().is_none_or(|(last, _)| at - last >= APART.as_secs_f64()) {
            thinned.push((at, value));
        }
    }
    thinned
}

#[cfg(test)]
mod tests;
