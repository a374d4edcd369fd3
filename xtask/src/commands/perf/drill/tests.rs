//! Tests of `drill`.

use super::*;

fn series(state: &str, from: u32, to: u32) -> Series {
    let labels = [("alertname".to_owned(), "A".to_owned()), ("alertstate".to_owned(), state.to_owned())];
    Series { labels: labels.into(), points: (from..=to).map(|at| (at.into(), 1.0)).collect() }
}

#[test]
fn the_drill_expects_only_alerts_that_slow_responses_make_fire() {
    let catalogue = &test_support::objectives::CATALOGUE;
    let drilled = drill_catalogue(catalogue);
    let alerts = alerts::alerts(&drilled, &Timing::DRILL);
    let names: Vec<_> = alerts.groups[0].rules.iter().map(|rule| rule.alert.as_str()).collect();
    assert!(names.contains(&"RoomSLOViolation") && names.contains(&"HighErrorRate"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("Throughput") || name.contains("RoomConnecting")), "{names:?}");
    assert_eq!(drilled.slos.len(), 10, "nine on slow responses, and one on errors");
    assert_eq!(faults(catalogue)[0], format!("--delay=room=20100ms@{SLOW}"));
}

#[test]
fn a_complete_alert_is_pending_then_firing_then_resolved() {
    let timeline = |series: &[Series]| AlertTimeline::from_series("A", series, 40.0);
    let whole = timeline(&[series("pending", 5, 9), series("firing", 10, 20)]);
    assert_eq!((whole.pending, whole.firing, whole.resolved), (Some(5.0), Some(10.0), Some(21.0)));
    assert!(whole.is_complete());
    for incomplete in [
        vec![],
        vec![series("pending", 5, 9)],
        vec![series("firing", 10, 20)],
        vec![series("pending", 5, 9), series("firing", 10, 40)],
    ] {
        assert!(!timeline(&incomplete).is_complete(), "{incomplete:?}");
    }
    assert!(!AlertTimeline::from_series("B", &[series("pending", 5, 9), series("firing", 10, 20)], 40.0).is_complete());
}

#[test]
fn the_first_and_the_last_line_are_the_verdict() {
    let rules = alerts::alerts(&drill_catalogue(&test_support::shop::SHOP), &Timing::DRILL);
    let names: Vec<_> = rules.groups.iter().flat_map(|group| &group.rules).map(|rule| &rule.alert).collect();
    let of = |name: &String, mut series: Series| {
        series.labels.insert("alertname".to_owned(), name.clone());
        series
    };
    let fired = |name| [of(name, series("pending", 5, 9)), of(name, series("firing", 10, 20))];
    let check = |series: Vec<Series>, expected: &str| {
        let (began, now) = (Moment(0), Moment(40_000));
        let runs = DrilledRuns { alerts_in_clean_run: Vec::new(), series, began, now, empty_queries: Vec::new() };
        let (result, text) = describe_result(&rules, &runs);
        assert_eq!(result.verdicts, [expected]);
        let first = text.lines().find(|line| !line.is_empty()).unwrap();
        assert!(first.ends_with(expected) && first.starts_with(['✓', '✗']), "{text}");
        result.code
    };
    let all: Vec<_> = names.iter().copied().flat_map(fired).collect();
    let silent = format!("drill: 1 of {} alerts did not become pending, fire and end (exit 92)", names.len());
    assert_eq!(check(all[2..].to_vec(), &silent), ExitCode::ProofFailed);
    let good = "drill: every alert fired when it should, and only then (exit 0)";
    assert_eq!(check(all, good), ExitCode::Met);
}
