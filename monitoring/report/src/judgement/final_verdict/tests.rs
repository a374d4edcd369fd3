//! Tests of `final_verdict`.

use std::time::Duration;

use monitoring::measure::Measure;
use monitoring::ratio::Ratio;
use test_support::shop::ADD_ITEM;

use super::*;
use crate::finding::Subject;

const HITS: Measure = Measure::counter("hits", "Hits");

fn tally(good: u64, total: u64) -> Tally {
    Tally { good, total, ..Tally::default() }
}

#[test]
fn an_absent_segment_check_or_value_is_named() {
    const QUEUE: Measure = Measure::trend("queue", "Queue");
    let p95 = Slo::p95(ADD_ITEM, Duration::from_millis(300));
    let response = Slo::response_time(ADD_ITEM, Ratio::percent(95), Duration::from_millis(300));
    let in_room = p95.in_tag("room", "large");
    for (slo, is_elsewhere, expected) in [
        (p95, false, Reason::NoData),
        (in_room, false, Reason::NoData),
        (response, false, Reason::ClosedLoad),
        (in_room, true, Reason::NotInSegment { segment: "room=large".to_owned() }),
        (Slo::check_above("has a room", Ratio::percent(99)), false, Reason::NotChecked),
        (Slo::trend(QUEUE, Ratio::percent(95), 7), false, Reason::NoValue),
    ] {
        let verdict = name_absence(judge(&slo, Tally::default()), &slo, || is_elsewhere, || true);
        assert_eq!(verdict, Verdict::Inconclusive(expected), "{slo:?}");
    }
}

#[test]
fn a_pause_excuses_misses_that_less_load_may_cause() {
    const SECOND: u64 = 1_000;
    let after_pause = |slo: Slo, good, verdict, paused_ms| {
        excuse_less_load(verdict, &slo, tally(good, 99), 10 * SECOND, Some(paused_ms))
    };
    let paused = Verdict::Inconclusive(Reason::LessLoad);
    // 400 in 8 of 10 s are as many as 500 in 10 s.
    for (slo, expected) in [
        (Slo::total_throughput(50), &paused),
        (Slo::counter(HITS, Limit::AtLeast(500)), &paused),
        (Slo::counter_per_second(HITS, Limit::AtLeast(50)), &paused),
        (Slo::counter(HITS, Limit::AtMost(0)), &Verdict::Missed),
        (Slo::success_above(ADD_ITEM, Ratio::percent(99)), &Verdict::Missed),
    ] {
        assert_eq!(&after_pause(slo, 400, Verdict::Missed, 2 * SECOND), expected, "{slo:?}");
        assert_eq!(after_pause(slo, 400, Verdict::Missed, 2 * SECOND - 50), Verdict::Missed, "{slo:?}");
        assert_eq!(after_pause(slo, 398, Verdict::Missed, 2 * SECOND), Verdict::Missed, "{slo:?}");
        assert_eq!(&after_pause(slo, 0, Verdict::Missed, 10 * SECOND), expected, "{slo:?}");
        assert_eq!(after_pause(slo, 400, Verdict::Met, 2 * SECOND), Verdict::Met, "{slo:?}");
    }
}

#[test]
fn shards_apart_leave_an_objective_on_a_rate_inconclusive() {
    let (rate, hits) = (Slo::total_throughput(50), Slo::counter_per_second(HITS, Limit::AtMost(50)));
    let apart = Verdict::Inconclusive(Reason::ShardsApart);
    for (slo, verdict, expected) in [
        (&rate, Verdict::Missed, &apart),
        (&rate, Verdict::Met, &apart),
        (&hits, Verdict::Missed, &apart),
        (&rate, Verdict::NotInScenario, &Verdict::NotInScenario),
        (&Slo::counter(HITS, Limit::AtLeast(50)), Verdict::Missed, &Verdict::Missed),
    ] {
        assert_eq!(doubt_shards_apart(verdict.clone(), slo, &[]), verdict);
        let finding = Finding::warning(Subject::Run, FindingKind::ShardsApart, "");
        assert_eq!(&doubt_shards_apart(verdict, slo, &[finding]), expected, "{slo:?}");
    }
}

#[test]
fn requests_after_the_planned_end_meet_no_rate() {
    // 1,000 requests in 10 s, or in 12 s with the overtime.
    let after =
        |slo: &Slo, verdict, overtime_ms| doubt_overtime(verdict, slo, tally(1_000, 1_000), 10_000, overtime_ms);
    let overtime = Verdict::Inconclusive(Reason::Overtime);
    for (slo, verdict, expected) in [
        (Slo::total_throughput(100), Verdict::Met, overtime.clone()),
        (Slo::total_throughput(83), Verdict::Met, Verdict::Met),
        (Slo::total_throughput(101), Verdict::Missed, Verdict::Missed),
        (Slo::counter_per_second(HITS, Limit::AtMost(99)), Verdict::Missed, overtime),
        (Slo::counter_per_second(HITS, Limit::AtMost(80)), Verdict::Missed, Verdict::Missed),
        (Slo::counter(HITS, Limit::AtLeast(1_000)), Verdict::Met, Verdict::Met),
    ] {
        assert_eq!(after(&slo, verdict.clone(), 2_000), expected, "{slo:?}");
        assert_eq!(after(&slo, verdict.clone(), 0), verdict, "{slo:?}");
    }
}

#[test]
fn an_agent_that_made_less_load_may_explain_any_miss() {
    let agents = [0.2, 1_000.4].map(|start_skew_ms| AgentResult { start_skew_ms, ..AgentResult::default() });
    let paused = |kinds: &[FindingKind]| {
        let finding = |kind: &FindingKind| Finding::inconclusive(Subject::Generator, *kind, String::new());
        less_load_ms(&kinds.iter().map(finding).collect::<Vec<_>>(), &agents, Some(2_000))
    };
    assert_eq!(paused(&[]), None);
    assert_eq!(paused(&[FindingKind::Capacity]), None);
    assert_eq!(paused(&[FindingKind::MachineSlept]), Some(2_000));
    assert_eq!(paused(&[FindingKind::AgentSkewed]), Some(1_001), "the last one began 1 s late");
    assert_eq!(paused(&[FindingKind::MachineSlept, FindingKind::AgentSkewed]), Some(2_000));
    for of_agent in [FindingKind::AgentLost, FindingKind::AgentSlow] {
        assert_eq!(paused(&[FindingKind::MachineSlept, of_agent]), Some(u64::MAX), "{of_agent:?}");
    }
}
