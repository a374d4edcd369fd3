//! Several objectives on one endpoint: percentiles, other spans, throughput and parts.

use perf_report::finding::FindingKind;
use perf_report::judgement::{Measurement, ObjectiveResult};
use perf_report::verdict::Reason;
use test_support::objectives::{CATALOGUE, HITS, OPEN_ROOMS, ORDERS, QUEUE_LENGTH, ROOM};

use super::*;

/// A request, and a value of each measure but one. Iterations are on day 1 and day 2 in turn, and
/// those on day 2 in a large room.
async fn enter(vu: &mut Vu, open_rooms: u64) -> anyhow::Result<()> {
    let is_day_2 = vu.iteration().is_multiple_of(2);
    vu.segment("day", if is_day_2 { 2 } else { 1 });
    vu.tag("room", "large");
    if !is_day_2 {
        // No objective judges this value.
        vu.tag("room", "small");
    }
    vu.request(ROOM).send().await?;
    vu.check("room is open", true);
    vu.check("it is day 2", is_day_2);
    vu.record(QUEUE_LENGTH, 7);
    vu.record(ORDERS, 2);
    vu.record(OPEN_ROOMS, open_rooms);
    vu.record(HITS, vu.iteration() % 2);
    vu.think(Duration::from_millis(10), Duration::from_millis(20)).await;
    Ok(())
}

/// Two VUs in each of two parts.
fn two_parts(lasts: Duration) -> Scenario {
    Scenario::new("objectives", &CATALOGUE)
        .exercises(&[ROOM])
        .measures(CATALOGUE.measures)
        .part("readers", constant_vus(2, lasts), async |vu: &mut Vu, (): &()| enter(vu, 3).await)
        .part("writers", constant_vus(2, lasts), async |vu: &mut Vu, (): &()| enter(vu, 4).await)
}

/// The scenario that a test of xtask runs in a process of its own.
#[test]
#[ignore = "a test of xtask starts it as a process"]
#[expect(clippy::disallowed_methods, reason = "that test sets the target by the environment")]
fn fixture() -> std::process::ExitCode {
    // `cargo xtask ci` runs all ignored tests, and this one without a target.
    match std::env::var_os("PERF_TARGET") {
        None => std::process::ExitCode::SUCCESS,
        Some(_) => two_parts(Duration::from_secs(4)).run_parts().assert_slos(),
    }
}

fn find<'a>(report: &'a Report, id: &str) -> &'a ObjectiveResult {
    report.objectives.iter().find(|objective| objective.id == id).unwrap_or_else(|| panic!("no objective {id}"))
}

#[test]
fn each_objective_of_an_endpoint_is_judged_and_agrees_with_the_store() {
    let (service, store) = (Service::start(), Store::start());
    let given = [("K6_NO_CONNECTION_REUSE", "true")];
    let finished =
        two_parts(Duration::from_secs(2)).run_parts_with(settings_with(&service, Some(&store), "objectives-1", &given));
    let report = finished.report().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{:#?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.findings);
    for objective in &report.objectives {
        if matches!(objective.segment.as_deref(), Some("day 9" | "room=hall")) {
            let segment = objective.segment.clone().unwrap();
            assert_eq!(objective.verdict, Verdict::Inconclusive(Reason::NotInSegment { segment }), "{objective:?}");
            continue;
        }
        let expected = if objective.on_miss == monitoring::slo::OnMiss::Warn { Verdict::Missed } else { Verdict::Met };
        assert_eq!(objective.verdict, expected, "{objective:?}");
    }
    let sent = report.requests.sent;
    let total = |id: &str| find(report, id).tally().unwrap().total;
    assert_eq!(store.last_sum("room_connecting_count"), sent as f64);
    assert_eq!(store.last_sum("room_with_connecting_count"), sent as f64);
    assert_eq!(store.last_sum("room_first_byte_count"), sent as f64);
    assert_eq!(total("room_connecting"), sent);
    let [readers, writers] = ["p95_under_20000ms_in_part_readers", "p95_under_0_001ms_in_part_writers"]
        .map(|limit| total(&format!("room_latency:{limit}")));
    assert!(readers > 20 && writers > 20 && readers + writers == sent, "{readers} and {writers} of {sent}");
    let latencies: Vec<_> = report.run.plan.parts.iter().map(|part| part.endpoints["room"].requests).collect();
    assert_eq!(latencies, [readers, writers]);
    let days = [1, 2].map(|day| total(&format!("room_latency:p95_under_20000ms_in_day_{day}")));
    assert!(days.iter().all(|requests| *requests > 20) && days.iter().sum::<u64>() == sent, "{days:?} of {sent}");
    let large = total("room_latency:p95_under_20000ms_in_room_large");
    assert_eq!(large, days[1], "requests with the tag are those of day 2");
    let counted = store.last_sum("segment_room_latency_count");
    assert_eq!(counted, (sent + large) as f64, "each request is in one of both days");
    assert!(!store.series().keys().any(|labels| labels.contains("=room=small,")), "no objective is on small rooms");
    let text = perf_report::render::terminal::render_run(report, perf_report::render::terminal::TerminalStyle::PLAIN);
    for part in [
        "readers: room p50 ",
        "writers: room p50 ",
        "p50 <= 20000 ms",
        "p95 <= 20000 ms in part readers",
        "at least 5 requests/s in part writers",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn tags_of_the_run_and_of_a_load_are_judged() {
    let (service, store) = (Service::start(), Store::start());
    let load = || constant_vus(1, Duration::from_secs(1));
    let scenario = Scenario::new("objectives", &CATALOGUE)
        .exercises(&[ROOM])
        .part("readers", load().tag("room", "large"), async |vu: &mut Vu, (): &()| enter_room(vu).await)
        .part("writers", load(), async |vu: &mut Vu, (): &()| enter_room(vu).await);
    let settings = settings_with(&service, Some(&store), "tags-1", &[("PERF_TAGS", "room=hall")]);
    let finished = scenario.run_parts_with(settings);
    let report = finished.report().unwrap();
    let sent: Vec<_> = report.run.plan.parts.iter().map(|part| part.endpoints["room"].requests).collect();
    let judged = ["large", "hall"].map(|room| find(report, &format!("room_latency:p95_under_20000ms_in_room_{room}")));
    let judged = judged.map(|objective| objective.tally().unwrap().total);
    assert!(judged.iter().all(|requests| *requests > 20), "{judged:?}");
    assert_eq!(judged.as_slice(), sent, "a tag of a load replaces that of the run");
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.findings);
}

async fn enter_room(vu: &mut Vu) -> anyhow::Result<()> {
    vu.request(ROOM).send().await?;
    vu.think(Duration::from_millis(5), Duration::from_millis(10)).await;
    Ok(())
}

#[test]
fn throughput_is_judged_over_the_planned_time() {
    let service = Service::start();
    let finished = two_parts(Duration::from_secs(2)).run_parts_with(settings(&service, None, "throughput-1"));
    let report = finished.report().unwrap();
    let objective = find(report, "room_throughput");
    let Some(Measurement::Throughput { tally, judged_ms }) = objective.measured else { panic!("{objective:?}") };
    assert_eq!((judged_ms, tally.good), (2_000, report.requests.sent));
    let missed = find(report, "room_throughput:at_least_1000000_per_second");
    let text = perf_report::findings::describe_miss(missed);
    let successful = format!(" requests/s < 1000000 requests/s, {} successful requests in 2 s", tally.good);
    assert!(text.starts_with("room throughput ") && text.ends_with(&successful), "{text}");
}

#[test]
fn the_time_of_a_part_ends_with_its_last_iteration() {
    const RATES: &[Slo] = &[Slo::throughput(ROOM, 30).in_part("readers"), Slo::total_throughput(20)];
    const BUSY: Catalogue = Catalogue { slos: RATES, ..CATALOGUE };
    let service = Service::start();
    let enter = async |vu: &mut Vu, (): &()| enter_room(vu).await;
    let long = constant_vus(1, Duration::from_secs(3)).min_iteration_duration(Duration::from_millis(100));
    let scenario = Scenario::new("objectives", &BUSY)
        .exercises(&[ROOM])
        .part("readers", shared_iterations(2, 60), enter)
        .part("writers", long, enter);
    let finished = scenario.run_parts_with(settings(&service, None, "ended-1"));
    let report = finished.report().unwrap();
    let times = report.objectives.iter().map(|objective| match objective.measured {
        Some(Measurement::Throughput { judged_ms, .. }) => judged_ms,
        _ => panic!("{objective:?}"),
    });
    let times: Vec<_> = times.collect();
    assert!((100..2_000).contains(&times[0]) && times[1] == 3_000, "{times:?}");
    assert_eq!(report.exit_code, ExitCode::Met, "{:#?}", report.objectives);
}

#[test]
fn requests_after_the_planned_end_cannot_meet_a_throughput() {
    const RATES: &[Slo] = &[Slo::throughput(ROOM, 60)];
    const BUSY: Catalogue = Catalogue { slos: RATES, ..CATALOGUE };
    let service = Service::start();
    let load = constant_vus(2, Duration::from_secs(1)).graceful_stop(Duration::from_secs(30));
    let scenario = Scenario::new("objectives", &BUSY).exercises(&[ROOM]).load(load);
    // 120 requests at 40 per second. In the planned second they would be 120 per second.
    let finished = scenario.run_with(settings(&service, None, "overtime-1"), async |vu: &mut Vu, ()| {
        for _ in 0..60 {
            vu.request(ROOM).send().await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!(report.requests.sent, 120);
    assert_eq!(report.objectives[0].verdict, Verdict::Inconclusive(Reason::Overtime), "{:?}", report.objectives);
}

#[test]
fn a_thread_that_the_scenario_blocks_is_not_blamed_on_the_target() {
    // 10 requests in each second, but for the time in which the thread is blocked.
    const RATES: &[Slo] = &[Slo::throughput(ROOM, 6), Slo::throughput(ROOM, 15)];
    const PACED: Catalogue = Catalogue { slos: RATES, ..CATALOGUE };
    let service = Service::start();
    let load = constant_vus(1, Duration::from_secs(4)).min_iteration_duration(Duration::from_millis(100));
    let scenario = Scenario::new("objectives", &PACED).exercises(&[ROOM]).load(load);
    let finished = scenario.run_with(settings(&service, None, "blocked-1"), async |vu: &mut Vu, (): &()| {
        if vu.iteration() == 3 {
            std::thread::sleep(Duration::from_secs(2));
        }
        enter_room(vu).await
    });
    let report = finished.report().unwrap();
    let finding = report.problems().find(|it| it.kind == FindingKind::MachineSlept).unwrap();
    assert!(finding.message.starts_with("a thread of the generator did not run for "), "{finding}");
    assert!(finding.message.ends_with("the scenario blocks its thread"), "{finding}");
    let verdicts: Vec<_> = report.objectives.iter().map(|objective| objective.verdict.clone()).collect();
    let expected = [Verdict::Inconclusive(Reason::LessLoad), Verdict::Missed];
    assert_eq!(verdicts, expected, "the pause explains only one of both: {:?}", report.objectives);
}

#[test]
fn arrivals_that_were_dropped_do_not_count_as_possible_throughput() {
    let service = Service::start();
    // One VU makes two requests a second; the others are dropped.
    let load = perf_tests::constant_arrival_rate(20, Duration::from_secs(1), Duration::from_secs(2), 1).max_vus(1);
    let scenario = Scenario::new("rooms", &CATALOGUE).exercises(&[ROOM]).load(load);
    let finished = scenario.run_with(settings(&service, None, "dropped-1"), async |vu: &mut Vu, ()| {
        vu.request(ROOM).send().await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert!(report.iterations.dropped > 20, "{:?}", report.iterations);
    assert_eq!(find(report, "room_throughput").verdict, Verdict::Missed);
    // For a share of requests, those of dropped arrivals are unknown.
    assert!(!find(report, "api_errors").verdict.is_decided());
}

#[test]
fn requests_on_reused_connections_do_not_count_as_connecting() {
    let service = Service::start();
    let finished = two_parts(Duration::from_secs(2)).run_parts_with(settings(&service, None, "reused-1"));
    let report = finished.report().unwrap();
    assert!(report.requests.sent > 100, "{:?}", report.requests);
    let connecting = &find(report, "room_connecting").verdict;
    let too_few = Verdict::Inconclusive(Reason::TooFewConnections { total: 4, needed: 20, quantile: "p95".to_owned() });
    assert_eq!((connecting, report.exit_code), (&too_few, ExitCode::Inconclusive));
    // The whole span counts every request, whether or not it connected.
    assert_eq!(find(report, "room_with_connecting").tally().unwrap().total, report.requests.sent);
}

#[test]
fn an_objective_of_another_part_is_not_in_the_scenario() {
    let service = Service::start();
    let finished = Scenario::new("rooms", &CATALOGUE).exercises(&[ROOM]).load(shared_iterations(2, 100)).run_with(
        settings(&service, None, "no-part-1"),
        async |vu: &mut Vu, ()| {
            vu.request(ROOM).send().await?;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    let in_part = report.objectives.iter().filter(|objective| objective.part.is_some());
    assert!(in_part.map(|objective| &objective.verdict).all(|verdict| *verdict == Verdict::NotInScenario));
    // A load that is limited by iterations has no planned length.
    let Some(Measurement::Throughput { judged_ms, .. }) = find(report, "throughput").measured else { panic!() };
    assert!((1..30_000).contains(&judged_ms), "{judged_ms}");
}

#[test]
fn a_measure_is_recorded_pushed_and_judged_like_requests() {
    let (service, store) = (Service::start(), Store::start());
    let given = [("K6_NO_CONNECTION_REUSE", "true")];
    let finished =
        two_parts(Duration::from_secs(2)).run_parts_with(settings_with(&service, Some(&store), "measures-1", &given));
    let report = finished.report().unwrap();
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.findings);
    let sent = report.requests.sent as f64;
    let stored = |name: &str| store.last_sum(&format!("measure_{name}"));
    assert_eq!([stored("queue_length_count"), stored("queue_length_sum")], [sent, sent * 7.0]);
    assert_eq!([stored("orders"), stored("hits")], [sent * 2.0, sent]);
    // One series for each part: 3 and 4.
    assert_eq!([stored("open_rooms"), stored("lost")], [7.0, 0.0]);
    let hits = find(report, "measure_hits").tally().unwrap();
    assert_eq!((stored("hits_passed"), hits.total as f64), (hits.good as f64, sent));
    let missed = perf_report::findings::describe_miss(find(report, "measure_queue_length:p95_at_most_6"));
    assert_eq!(missed, format!("queue_length p95 7 > 6, {} values", report.requests.sent));
    let missed = |id: &str| perf_report::findings::describe_miss(find(report, id));
    assert_eq!(missed("measure_orders:count_at_most_39"), format!("orders count {} > 39", sent * 2.0));
    assert_eq!(missed("measure_open_rooms:value_at_most_3"), "open_rooms value 4 > 3");
    assert!(missed("measure_orders:rate_at_most_5").ends_with("/s > 5/s"));
}

#[test]
fn an_undeclared_measure_ends_the_run_and_an_unused_one_is_inconclusive() {
    let service = Service::start();
    let silent = Scenario::new("rooms", &CATALOGUE).exercises(&[ROOM]).measures(&[QUEUE_LENGTH]);
    let finished = silent.load(shared_iterations(2, 100)).run_with(
        settings(&service, None, "silent-1"),
        async |vu: &mut Vu, ()| {
            vu.request(ROOM).send().await?;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    assert_eq!(find(report, "measure_queue_length").verdict, Verdict::Inconclusive(Reason::NoValue));
    assert_eq!(find(report, "measure_hits").verdict, Verdict::NotInScenario);
    let unused = Scenario::new("rooms", &CATALOGUE).exercises(&[ROOM]).measures(&[OPEN_ROOMS, ORDERS, HITS]);
    let store = Store::start();
    let finished = unused.load(shared_iterations(2, 100)).run_with(
        settings(&service, Some(&store), "unused-1"),
        async |vu: &mut Vu, ()| {
            vu.request(ROOM).send().await?;
            Ok(())
        },
    );
    let unused = finished.report().unwrap();
    assert_eq!(find(unused, "measure_open_rooms").verdict, Verdict::Inconclusive(Reason::NoValue));
    assert_eq!(unused.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", unused.findings);
    let undeclared = Scenario::new("rooms", &CATALOGUE).exercises(&[ROOM]).load(shared_iterations(1, 1));
    let finished = undeclared.run_with(settings(&service, None, "undeclared-1"), async |vu: &mut Vu, ()| {
        vu.record(HITS, 1);
        Ok(())
    });
    assert_eq!(code(&finished), ExitCode::BadConfiguration, "{:?}", finished.report());
}

#[test]
fn a_declared_measure_without_a_value_or_an_objective_is_named() {
    const ROOMS: Catalogue = Catalogue { slos: &[Slo::p95(ROOM, Duration::from_millis(500))], ..CATALOGUE };
    let service = Service::start();
    let scenario = Scenario::new("rooms", &ROOMS).exercises(&[ROOM]).measures(&[QUEUE_LENGTH, HITS, ORDERS]);
    let finished = scenario.load(shared_iterations(2, 100)).run_with(
        settings(&service, None, "unrecorded-1"),
        async |vu: &mut Vu, ()| {
            vu.request(ROOM).send().await?;
            vu.record(HITS, 1);
            Ok(())
        },
    );
    let findings = &finished.report().unwrap().findings;
    let named: Vec<_> = findings.iter().filter(|it| it.kind == FindingKind::MeasureNotRecorded).collect();
    assert!(named.len() == 1 && named[0].message.contains("declares queue_length and recorded"), "{findings:?}");
    assert_eq!(code(&finished), ExitCode::Met);
}
