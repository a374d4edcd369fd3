//! Targets that freeze.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_report::headline::Headline;
use perf_report::verdict::{Reason, Verdict};
use perf_tests::{Scenario, ScenarioResult, Vu, constant_arrival_rate, constant_vus};

use super::target::{has, settings};
use super::{CATALOGUE, PING, code, ping, verdict};
use test_support::raw_service::{Action, RawService};

const SECOND: Duration = Duration::from_secs(1);
const PONG: Endpoint = Endpoint::new("pong", "Pong", Method::Get, "/pong");
const BOTH: Catalogue = Catalogue {
    endpoints: &[PING, PONG],
    slos: &[Slo::p95(PING, Duration::from_millis(250)), Slo::p95(PONG, Duration::from_millis(250))],
    ..CATALOGUE
};

/// Runs 5 VUs for 6 s against a service that responds after a latency, and freezes for `frozen`
/// after 3 s.
fn frozen(load: perf_tests::plan::LoadProfile, testid: &str, latency: Duration, frozen: Duration) -> ScenarioResult {
    let service = RawService::start(move |request| {
        let since = SECOND * 3;
        let left = (since + frozen).saturating_sub(request.at.max(since));
        thread::sleep(if request.at + latency > since { left.max(latency) } else { latency });
        Action::Respond
    });
    Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(load).run_with(
        settings(&service, testid),
        async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
            Ok(())
        },
    )
}

#[test]
fn a_closed_load_cannot_be_met_by_a_target_that_stalls() {
    let finished = frozen(constant_vus(5, SECOND * 7), "frozen-1", Duration::from_millis(5), SECOND * 2);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive, "{:?}", report.findings);
    assert!(matches!(verdict(report, "ping_latency"), Verdict::Inconclusive(_)));
    // 5 VUs make about 190 requests per second; 250 ms of the 2 s are within the threshold.
    assert!((150..500).contains(&report.requests.unknown), "{:?}", report.requests);
    assert!(has(report, FindingKind::Stall, "the target stalled for "), "{:?}", report.findings);
    assert!(has(report, FindingKind::Stall, "5 waited. A steady load"), "{:?}", report.findings);
    assert_eq!(report.endpoints[0].cut, 0);
    let cause = Headline::new(report).cause;
    assert!(
        cause.starts_with("the target stalled for ") && cause.contains(". Inconclusive: ping p95 <= 250 ms"),
        "{cause}"
    );
}

#[test]
fn one_frozen_endpoint_is_named_and_the_other_one_is_met() {
    let load = |name: &str| match name {
        "frozen-parts" => (constant_vus(4, SECOND * 7), constant_vus(3, SECOND * 7)),
        _ => (constant_arrival_rate(80, SECOND, SECOND * 7, 20), constant_arrival_rate(80, SECOND, SECOND * 7, 400)),
    };
    for testid in ["frozen-parts", "frozen-open"] {
        let service = RawService::start(|request| {
            let is_frozen = request.line.contains("/pong") && (SECOND * 3..SECOND * 5).contains(&request.at);
            let left = if is_frozen { SECOND * 5 - request.at } else { Duration::from_millis(5) };
            thread::sleep(left);
            Action::Respond
        });
        let (pings, pongs) = load(testid);
        let finished = Scenario::new("both", &BOTH)
            .exercises(&[PING, PONG])
            .part("pings", pings, async |vu: &mut Vu, (): &()| {
                ping(vu).await?;
                vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
                Ok(())
            })
            .part("pongs", pongs, async |vu: &mut Vu, (): &()| {
                vu.request(PONG).send().await?;
                vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
                Ok(())
            })
            .run_parts_with(settings(&service, testid));
        let report = finished.report().unwrap();
        assert_eq!(verdict(report, "ping_latency"), Verdict::Met, "{testid}: {:?}", report.findings);
        assert_ne!(verdict(report, "pong_latency"), Verdict::Met, "{testid}: {:?}", report.findings);
        assert!(
            has(report, FindingKind::Stall, "no request to pong by pongs finished"),
            "{testid}: {:?}",
            report.findings
        );
        assert_eq!(report.endpoints[0].requests.unknown, 0, "{testid}: {:?}", report.endpoints[0].requests);
    }
}

#[test]
fn slow_responses_and_short_freezes_are_not_stalls() {
    // The single VU makes 38 requests, so that one that is late on a busy machine decides nothing.
    let runs = [(20, 200, 0, "steady-1"), (1, 5, 200, "steady-2"), (5, 5, 200, "steady-3"), (1, 200, 0, "steady-4")];
    let run = |(vus, latency, freeze, testid)| {
        let (latency, freeze) = (Duration::from_millis(latency), Duration::from_millis(freeze));
        let finished = frozen(constant_vus(vus, SECOND * 8), testid, latency, freeze);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
        assert!(!report.has(FindingKind::Stall) && report.requests.unknown == 0, "{testid}: {:?}", report.findings);
    };
    thread::scope(|scope| {
        let runs = runs.map(|it| scope.spawn(move || run(it)));
        runs.into_iter().for_each(|run| run.join().unwrap());
    });
}

#[test]
fn an_endpoint_that_is_always_slow_does_not_stall() {
    let service = RawService::start(|request| {
        thread::sleep(Duration::from_millis(if request.line.contains("/pong") { 650 } else { 30 }));
        Action::Respond
    });
    let load = constant_vus(10, SECOND * 8);
    let finished = Scenario::new("both", &BOTH).exercises(&[PING, PONG]).load(load).run_with(
        settings(&service, "slow-1"),
        async |vu: &mut Vu, (): &()| {
            for _ in 0..5 {
                ping(vu).await?;
                vu.think(Duration::from_millis(20), Duration::from_millis(60)).await;
            }
            vu.request(PONG).send().await?;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    assert_eq!(verdict(report, "pong_latency"), Verdict::Missed);
    assert!(!report.has(FindingKind::Stall) && report.requests.unknown == 0, "{:?}", report.findings);
}

#[test]
fn a_stall_names_the_endpoint_that_no_vu_reached() {
    let service = RawService::start(|request| {
        let is_frozen = request.line.contains("/ping") && (SECOND * 3..SECOND * 5).contains(&request.at);
        thread::sleep(if is_frozen { SECOND * 5 - request.at } else { Duration::from_millis(5) });
        Action::Respond
    });
    let load = constant_vus(5, SECOND * 7);
    let finished = Scenario::new("both", &BOTH).exercises(&[PING, PONG]).load(load).run_with(
        settings(&service, "unreached-1"),
        async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            vu.request(PONG).send().await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    let is_undecided = matches!(verdict(report, "pong_latency"), Verdict::Inconclusive(Reason::Unknown { .. }));
    assert!(is_undecided && has(report, FindingKind::Stall, "no request to ping finished"), "{:?}", report.findings);
    assert!(has(report, FindingKind::Stall, " of them to pong, which no VU reached)"), "{:?}", report.findings);
}

#[test]
fn a_stall_counts_only_in_the_segments_in_which_requests_waited() {
    const LIMIT: Duration = Duration::from_millis(250);
    const BY_DAY: Catalogue = Catalogue {
        slos: &[
            Slo::p95(PING, LIMIT),
            Slo::p95(PING, LIMIT).in_segment("day", 1),
            Slo::p95(PING, LIMIT).in_segment("day", 2),
            Slo::p95(PING, LIMIT).in_segment("day", 3),
        ],
        ..CATALOGUE
    };
    // About 190 requests per second. One response is slow in the first day. The service freezes for
    // 2 s at request 600, in the second day.
    let (received, sent) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let frozen_until = std::sync::Mutex::new(Duration::ZERO);
    let service = RawService::start(move |request| {
        let number = received.fetch_add(1, Ordering::Relaxed);
        let until = {
            let mut until = frozen_until.lock().unwrap();
            if number == 600 {
                *until = request.at + SECOND * 2;
            }
            *until
        };
        let latency = Duration::from_millis(if number == 100 { 400 } else { 5 });
        thread::sleep(until.saturating_sub(request.at).max(latency));
        Action::Respond
    });
    let load = constant_vus(5, SECOND * 9);
    let finished = Scenario::new("days", &BY_DAY).exercises(&[PING]).load(load).run_with(
        settings(&service, "days-1"),
        async move |vu: &mut Vu, (): &()| {
            let day = match sent.fetch_add(1, Ordering::Relaxed) {
                0..300 => 1,
                300..900 => 2,
                _ => 3,
            };
            vu.segment("day", day);
            ping(vu).await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    let of_day = |day| verdict(report, &format!("ping_latency:p95_under_250ms_in_day_{day}"));
    assert!(has(report, FindingKind::Stall, "the target stalled for "), "{:?}", report.findings);
    assert_eq!([of_day(1), of_day(3)], [Verdict::Met, Verdict::Met], "{:?}", report.objectives);
    assert!(matches!(of_day(2), Verdict::Inconclusive(Reason::Unknown { .. })), "{:?}", report.objectives);
}

#[test]
fn a_freeze_is_not_met_whatever_the_virtual_users_wait_for() {
    const FIRST_BYTE: Catalogue =
        Catalogue { slos: &[Slo::first_byte(PING, Ratio::percent(95), Duration::from_millis(250))], ..CATALOGUE };
    const PINGS: Catalogue = Catalogue { slos: &[Slo::p95(PING, Duration::from_millis(250))], ..BOTH };
    let run = |testid: &str, catalogue: &'static Catalogue, frozen: &'static str, is_judged: bool| {
        let service = RawService::start(move |request| {
            let is_frozen = request.line.contains(frozen) && (SECOND * 3..SECOND * 5).contains(&request.at);
            thread::sleep(if is_frozen { SECOND * 5 - request.at } else { Duration::from_millis(5) });
            Action::Respond
        });
        let finished = Scenario::new("both", catalogue)
            .exercises(if is_judged { &[PING, PONG] } else { &[PING] })
            .load(constant_vus(5, SECOND * 7))
            .run_with(settings(&service, testid), async move |vu: &mut Vu, (): &()| {
                match is_judged {
                    true => vu.request(PONG).send().await?,
                    false => vu.unjudged(Method::Post, "/pong").send().await?,
                };
                ping(vu).await?;
                vu.think(Duration::from_millis(20), Duration::from_millis(21)).await;
                Ok(())
            });
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Inconclusive, "{testid}: {:?}", report.findings);
        assert!(has(report, FindingKind::Stall, "the target stalled for "), "{testid}: {:?}", report.findings);
    };
    thread::scope(|scope| {
        scope.spawn(|| run("frozen-first-byte", &FIRST_BYTE, "/ping", false));
        scope.spawn(|| run("frozen-elsewhere", &PINGS, "/pong", true));
        scope.spawn(|| run("frozen-unjudged", &PINGS, "/pong", false));
    });
}

#[test]
fn a_frozen_replica_of_four_is_not_met_without_a_word() {
    thread_local! { static REPLICA: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) } }
    let connections = AtomicU64::new(0);
    // Each connection has a thread, and is to one of four replicas. One freezes for 2.5 of 9 s.
    let service = RawService::start(move |request| {
        let own = REPLICA.get().unwrap_or_else(|| connections.fetch_add(1, Ordering::Relaxed) % 4);
        REPLICA.set(Some(own));
        let until = Duration::from_millis(6_500);
        let is_frozen = own == 3 && (SECOND * 4..until).contains(&request.at);
        thread::sleep(if is_frozen { until - request.at } else { Duration::from_millis(5) });
        Action::Respond
    });
    let load = constant_vus(16, SECOND * 9);
    let finished = Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(load).run_with(
        settings(&service, "replica-1"),
        async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(40), Duration::from_millis(60)).await;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    // A quarter of the load is omitted in a quarter of the time.
    assert!(report.requests.unknown * 20 > report.requests.sent, "{:?}", report.requests);
    let expected = "a part of the target stalled for 2.";
    assert!(has(report, FindingKind::Stall, expected), "{:?}", report.findings);
    assert!(has(report, FindingKind::Stall, "4 requests waited together, to ping, while"), "{:?}", report.findings);
    assert_eq!(code(&finished), ExitCode::Inconclusive, "{:?}", report.findings);
}
