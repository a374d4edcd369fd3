//! Findings about the target: when it accepted no connections, and when it finished no requests.

use std::time::Duration;

use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{clock_time, count};

use crate::engine::Load;

/// Findings about the target of a load.
pub(crate) fn target_findings(load: &Load) -> Vec<Finding> {
    outage_finding(load).into_iter().collect()
}

/// A finding about times in which the target accepted no connections. Objectives count the load
/// that could not be made.
fn outage_finding(load: &Load) -> Option<Finding> {
    let outages = load.outages?;
    let refused: u64 = load.snapshot.parts.iter().flat_map(|part| part.refused).sum();
    let until = if outages.is_ongoing { ", and none at the end of the load" } else { "" };
    let message = format!(
        "the target accepted no connections for {:.1} s, first at {}{until}. {} iterations were not started, and their \
         requests count as unknown",
        outages.total.as_secs_f64(),
        at(outages.first),
        count(refused)
    );
    (refused > 0).then(|| Finding::warning(Subject::Target, FindingKind::Outage, message))
}

/// A time from the start of the load: "00:03".
fn at(time: Duration) -> String {
    clock_time(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
