//! Findings about the target: when it accepted no connections, and when it finished no requests.

use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{clock_time, count};

use crate::engine::Load;

/// Findings about the target of a load.
pub(crate) fn target_findings(load: &Load, stall_limit: Duration) -> Vec<Finding> {
    stall_finding(load, stall_limit).into_iter().chain(outage_finding(load)).collect()
}

/// A finding about times in which requests waited and none ended. Over the limit it prevents a
/// verdict. Otherwise objectives decide, which count the requests that a steady load would have
/// made meanwhile.
fn stall_finding(load: &Load, limit: Duration) -> Option<Finding> {
    let longest = load.stalls.iter().max_by_key(|stall| stall.length);
    let omitted: u64 = load.stalls.iter().map(|stall| stall.omitted).sum();
    let mut message = match longest {
        None if load.longest_stall <= limit => return None,
        None => format!("no request finished for {:.1} s: the target stalled", load.longest_stall.as_secs_f64()),
        Some(longest) => {
            let others = match load.stalls.len() {
                1 => String::new(),
                stalls => format!(" {stalls} times, the longest"),
            };
            format!(
                "the target stalled{others} for {:.1} s from {} on: no request finished, and {} waited",
                longest.length.as_secs_f64(),
                at(longest.from),
                count(longest.waiting)
            )
        }
    };
    if omitted > 0 {
        let requests = count(omitted);
        message.push_str(&format!(
            ". A steady load would have made {requests} more requests meanwhile, which count as unknown"
        ));
    }
    Some(if load.longest_stall > limit {
        Finding::problem(ExitCode::Inconclusive, Subject::Target, FindingKind::Stall, message)
    } else {
        Finding::warning(Subject::Target, FindingKind::Stall, message)
    })
}

/// A finding about times in which the target accepted no connections. Objectives count the load
/// that could not be made.
fn outage_finding(load: &Load) -> Option<Finding> {
    let outages = load.outages?;
    let refused: u64 = load.snapshot.parts.iter().flat_map(|part| part.refused).sum();
    let until = if outages.is_ongoing { ", and none at the end of the load" } else { "" };
    let message = format!(
        "no connection to the target could be made for {:.1} s, first at {}{until}. {} iterations were not started; \
         their requests cannot have been good",
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
