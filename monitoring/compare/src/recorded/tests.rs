//! Tests of `recorded`.

use perf_report::evidence::AgentResult;

use super::*;

fn report() -> Report {
    test_support::report_over_time()
}

/// Index of the section of each judged slice.
fn sections(report: &Report) -> Vec<usize> {
    let read = Sections { slices: &report.run.timeline.slices, latencies: BTreeMap::new() };
    let count = read.most().clamp(1, SECTIONS);
    let judged = read.judged().count();
    let whole = read.whole_slices();
    (0..judged).map(|at| at.min(whole - 1) * usize::try_from(count).unwrap() / whole).collect()
}

#[test]
fn a_short_last_slice_joins_the_last_section() {
    let mut report = report();
    report.run.timeline.slices.truncate(12);
    let rest = report.run.timeline.slices.last_mut().unwrap();
    rest.to_ms = rest.from_ms + 100;
    for endpoint in report.run.timeline.slices.iter_mut().flat_map(|slice| slice.endpoints.values_mut()) {
        endpoint.requests = 60;
    }
    assert_eq!(sections(&report), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
}

#[test]
fn different_runs_are_rejected_and_smaller_differences_warned_about() {
    let base = report();
    assert_eq!(comparable(&base, &base).unwrap(), Vec::new());
    for change in [
        |report: &mut Report| report.run.service = "other".to_owned(),
        |report: &mut Report| report.run.scenario = "other".to_owned(),
        |report: &mut Report| report.run.load = "other".to_owned(),
    ] {
        let mut head = base.clone();
        change(&mut head);
        let why = comparable(&base, &head).unwrap_err().to_string();
        assert!(why.contains("\"other\"") && why.contains("--save-baseline"), "{why}");
    }
    let mut head = base.clone();
    head.run.seed += 1;
    head.run.agents = (1..=2).map(|number| AgentResult::new(number, None)).collect();
    head.run.environment.processor = "another".to_owned();
    head.run.environment.revision = Revision::parse("0123456-dirty");
    head.objectives[0].objective = "p95 <= 1 ms".to_owned();
    let warnings = comparable(&base, &head).unwrap();
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    let of_agents = "the load was made by one process and by 2 agents: a change may come from that";
    assert_eq!(warnings[1].message, of_agents);
}
