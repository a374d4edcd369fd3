//! Tests of `run`.

use super::*;
use crate::Millis;
use crate::judgement::{Goal, Percentile};
use crate::quantile::CurvePoint;

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
