//! Tests of `run`.

use monitoring::measure::Reading;

use super::*;
use crate::Millis;
use crate::finding::{Finding, FindingKind};
use crate::judgement::{Goal, LimitSide, Percentile, Share};
use crate::mark::LoadEnd;
use crate::quantile::CurvePoint;
use crate::render::rows;
use crate::verdict::{Reason, Verdict};

#[test]
fn a_bar_is_full_only_over_the_threshold() {
    let mut report = Report::sample_over_time();
    let objective = report.objectives[0].clone();
    let calm = spark(&report, &objective).unwrap();
    assert!(calm.chars().count() == 12 && !calm.contains('█'), "{calm}");
    for (ms, is_full) in [(300.0, false), (300.1, true), (f64::INFINITY, true)] {
        let last = report.run.timeline.slices.last_mut().unwrap();
        let p95 = if ms.is_finite() { Millis::Finite(ms) } else { Millis::INFINITE };
        last.endpoints.get_mut(&objective.subject).unwrap().p95_ms = p95;
        assert_eq!(spark(&report, &objective).unwrap().ends_with('█'), is_full, "{ms} of 300 ms");
    }
    assert_eq!(spark(&report, &report.objectives[7]), None, "an objective on success has no p95");
}

#[test]
fn bars_show_the_percentile_that_is_judged() {
    let mut report = Report::sample_over_time();
    let page = |report: &Report| render_run(report, TerminalStyle::PLAIN);
    assert!(page(&report).contains("p95 over time"));
    let objective = &mut report.objectives[0];
    objective.goal = Goal::Latency(Percentile { share_ppm: Some(990_000), threshold_ms: 300.0 });
    let objective = objective.clone();
    let last = report.run.timeline.slices.last_mut().unwrap();
    let further = vec![CurvePoint { ppm: 990_000, ms: Millis::Finite(301.0) }];
    last.endpoints.get_mut(&objective.subject).unwrap().further = further;
    assert!(spark(&report, &objective).unwrap().ends_with('█'));
    assert!(page(&report).contains("  over time"), "not all objectives limit p95");
}

#[test]
fn a_missing_shard_has_no_part_in_the_range_of_requests() {
    let shard = |requests, place: Option<&str>| AgentResult {
        requests,
        is_shard: true,
        ..AgentResult::new(1, place.map(str::to_owned))
    };
    let line = describe_agents(&[shard(50, Some("process 7 on node-3")), shard(0, None)]).unwrap();
    assert_eq!(line, "shards: 1 of 2, with 50 requests");
    let equal = describe_agents(&[shard(50, Some("process 7")), shard(50, Some("process 8"))]).unwrap();
    assert!(equal.starts_with("shards: 2, with 50 requests each; by their own clocks they began"), "{equal}");
    let idle = describe_agents(&[shard(50, Some("process 7 on node-3")), shard(0, Some("process 8"))]).unwrap();
    assert!(idle.starts_with("shards: 2, with 0 to 50 requests"), "{idle}");
}

#[test]
fn a_row_counts_what_its_objective_judges() {
    let mut objectives = Report::sample_over_time().objectives;
    let of_requests = rows::judged(&objectives, LoadEnd::Planned);
    assert_eq!((of_requests.counted, of_requests.rows[0].counted.contains(' ')), ("requests", false));
    objectives[0].goal = Goal::Measure { share_ppm: 950_000, at_most: Some(7) };
    objectives[1].goal = Goal::Check(Share { share_ppm: Some(950_000) });
    objectives[2].goal = Goal::Value { reading: Reading::Count, limit: 7, side: LimitSide::AtMost };
    let table = rows::judged(&objectives, LoadEnd::Planned);
    let nouns: Vec<_> =
        table.rows.iter().take(4).map(|row| row.counted.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!((table.counted, nouns), ("counted", vec!["values", "tries", "", "requests"]));
}

#[test]
fn a_row_with_too_few_requests_after_a_mistake_has_a_note() {
    let mut report = Report::sample_over_time();
    report.objectives[0].verdict =
        Verdict::Inconclusive(Reason::TooFew { total: 5, needed: 20, quantile: "p95".to_owned() });
    let note = format!("too little data for a verdict: {} p95", report.objectives[0].subject);
    assert!(!render_run(&report, TerminalStyle::PLAIN).contains(&note));
    let report = report.conclude([Finding::mistake(FindingKind::SetupFailed, "setup failed")]);
    let text = render_run(&report, TerminalStyle::PLAIN);
    assert!(text.contains(&note), "{text}");
}
