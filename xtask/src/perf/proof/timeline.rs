//! What only the store knows of a run's course: whether the backend's memory drifts. The rest is in the report's own sections.

use std::time::Duration;

use monitoring::backend_metrics::{self, MEMORY};
use perf_report::Report;
use perf_report::readings::Slope;
use prometheus_store::response::Series;

use super::ProofItem;
use super::source::Source;
use crate::clock::Moment;

/// Values closer to one another than this say the same twice.
const APART: Duration = Duration::from_secs(20);
/// A run that is shorter has no drift worth the name.
const LONG: Duration = Duration::from_secs(300);
/// Bytes in a mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;

/// What is to be said of a run's course. It is for people to judge, and no failure.
pub(super) async fn check(report: &Report, source: &Source) -> ProofItem {
    const CHECK: &str = "over time";
    let (from, to) = (Moment(report.started_unix_ms), Moment(report.ended_unix_ms));
    let lasted = Duration::from_millis(u64::try_from(to.0 - from.0).unwrap_or_default());
    if lasted < LONG {
        return ProofItem::not_applicable(CHECK, "the run was too short for the backend's memory to drift");
    }
    match source.series(&backend_metrics::scraped(MEMORY).now().sum().to_string(), from, to).await {
        Ok(memory) => match Slope::of(&thinned(memory)) {
            Some(slope) => ProofItem::new(CHECK, slope.describe("the backend's memory", MEBIBYTE, "MiB"), Vec::new()),
            None => ProofItem::not_applicable(CHECK, "too little is known of the backend's memory"),
        },
        Err(error) => {
            ProofItem::not_applicable(CHECK, format!("the backend's memory could not be asked for: {error:#}"))
        }
    }
}

/// Values that are far enough from one another.
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
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_by_their_time_and_not_by_their_number() {
        let points = [(0.0, 1.0), (10.0, 2.0), (20.0, f64::NAN), (30.0, 3.0), (49.0, 4.0), (90.0, 5.0)].to_vec();
        let series = Series { labels: std::collections::BTreeMap::new(), points };
        assert_eq!(thinned(vec![series]), [(0.0, 1.0), (30.0, 3.0), (90.0, 5.0)]);
    }
}
