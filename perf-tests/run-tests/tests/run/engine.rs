//! Whole runs with features beyond a single closed load: several loads, phases, checks, response
//! times, replays, drawings and request options.

use std::collections::BTreeSet;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::FailureKind;
use perf_report::evidence::StatusKey;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity};
use perf_report::verdict::Verdict;
use perf_settings::{DryRun, Rate, StubTarget};
use perf_tests::{Scenario, Vu, constant_arrival_rate, constant_vus, per_vu_iterations, shared_iterations};

use super::{CATALOGUE, ECHO, PING, Service, Store, code, ping, settings, verdict};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn several_loads_run_side_by_side_with_their_names_and_tags() {
    let (service, store) = (Service::start(), Store::start());
    let finished = Scenario::new("rush", &CATALOGUE)
        .exercises(&[PING, ECHO])
        .part("players", constant_vus(2, SECOND * 2).tag("team", "red"), async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(30)).await;
            Ok(())
        })
        .part(
            "admins",
            constant_arrival_rate(20, SECOND, SECOND, 20).start_time(SECOND),
            async |vu: &mut Vu, (): &()| {
                let word = format!("word-{}", vu.iteration());
                vu.request(ECHO).path("word", word).json(&serde_json::json!({})).send().await?;
                Ok(())
            },
        )
        .run_parts_with(settings(&service, Some(&store), "parts-1"));
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    let [players, admins] = report.run.plan.parts.as_slice() else { panic!("two parts") };
    assert_eq!((players.name.as_str(), admins.name.as_str()), ("players", "admins"));
    assert!(
        players.model.arrivals().is_none() && players.model.describe().contains("a stall leaves few samples"),
        "{:?}",
        players.model
    );
    let arrivals = admins.model.arrivals().unwrap();
    assert_eq!((arrivals.planned, arrivals.started, admins.iterations.dropped), (20, 20, 0));
    let echo = report.endpoints.iter().find(|endpoint| endpoint.name == "echo").unwrap();
    assert!(echo.requests.sent == 20 && echo.response_p95_ms.is_some(), "{echo:?}");
    let scenarios_of = |name: &str| -> BTreeSet<String> {
        let series = store.series();
        let named = series.iter().filter(|(labels, samples)| {
            labels.contains(&format!("__name__={name},")) && samples.iter().any(|(value, _)| *value > 0.0)
        });
        named.map(|(labels, _)| label(labels, "scenario")).collect()
    };
    assert_eq!(scenarios_of("ping_latency_count"), BTreeSet::from(["players".to_owned()]));
    assert_eq!(scenarios_of("echo_response_time_count"), BTreeSet::from(["admins".to_owned()]));
    let red = |labels: &&String| labels.contains("team=red,");
    assert!(store.series().keys().filter(red).all(|labels| labels.contains("scenario=players,")));
    assert!(store.series().keys().any(|labels| labels.contains("team=red,")));
}

fn label(labels: &str, name: &str) -> String {
    let value = labels.split(',').find_map(|label| label.strip_prefix(&format!("{name}=")));
    value.unwrap_or_default().to_owned()
}

#[test]
fn failures_during_warm_up_do_not_miss_an_objective() {
    const SLOW_START: Catalogue = Catalogue {
        slos: &[Slo::p95(PING, Duration::from_millis(250)), Slo::errors_below(Ratio::percent(1))],
        ..CATALOGUE
    };
    const WHOLE: Catalogue =
        Catalogue { slos: &[Slo::errors_below(Ratio::percent(1)).judging(Phases::ALL)], ..CATALOGUE };
    for (catalogue, expected) in [(&SLOW_START, ExitCode::Met), (&WHOLE, ExitCode::Missed)] {
        let (service, store) = (Service::start(), Store::start());
        // The first sixty requests fail. All are in the first second, which is warm-up.
        service.fail_first(60);
        let finished = Scenario::new("pings", catalogue)
            .exercises(&[PING])
            .load(constant_vus(2, SECOND * 2).warm_up(SECOND))
            .run_with(settings(&service, Some(&store), "warm-1"), async |vu: &mut Vu, (): &()| {
                vu.think(Duration::from_millis(5), Duration::from_millis(6)).await;
                ping(vu).await
            });
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), expected, "{:?}", report.findings);
        assert_eq!(report.requests.failed, 60);
        let warm =
            |labels: &&String| labels.contains("__name__=ping_latency_count,") && labels.contains("phase=warmup,");
        assert_eq!(store.series().keys().filter(warm).count(), 1);
    }
}

#[test]
fn a_failed_check_fails_its_request_and_misses_its_objective() {
    const CHECKED: Catalogue = Catalogue { slos: &[Slo::check_above("says pong", Ratio::percent(90))], ..CATALOGUE };
    let (service, store) = (Service::start(), Store::start());
    let finished = Scenario::new("pings", &CHECKED).exercises(&[PING, ECHO]).load(shared_iterations(2, 40)).run_with(
        settings(&service, Some(&store), "check-1"),
        async |vu: &mut Vu, (): &()| {
            let expected = if vu.iteration().is_multiple_of(4) { "ping" } else { "pong" };
            vu.request(PING).check("says pong", move |response| response.body() == expected.as_bytes()).send().await?;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), verdict(report, "checks:says pong")), (ExitCode::Missed, Verdict::Missed));
    assert_eq!((report.checks[0].tried, report.checks[0].failed), (40, 10));
    assert_eq!((report.endpoints[0].errors[&FailureKind::Check], report.iterations.failed), (10, 10));
    assert_eq!((store.last_sum("checks"), store.last_sum("checks_failed")), (40.0, 10.0));
    assert_eq!((store.last_sum("http_req_errors"), store.last_sum("http_req_failed")), (10.0, 10.0));
}

#[test]
fn dropped_arrivals_count_as_unknown_and_are_not_met() {
    const CHECKED: Catalogue = Catalogue {
        slos: &[Slo::p95(PING, Duration::from_millis(250)), Slo::check_above("says pong", Ratio::percent(90))],
        ..CATALOGUE
    };
    let service = Service::start();
    let finished = Scenario::new("pings", &CHECKED)
        .exercises(&[PING])
        .load(constant_arrival_rate(100, SECOND, SECOND, 2))
        .run_with(settings(&service, None, "dropped-1"), async |vu: &mut Vu, (): &()| {
            vu.request(PING).check("says pong", |response| response.body() == b"pong").send().await?;
            vu.think(Duration::from_millis(200), Duration::from_millis(200)).await;
            Ok(())
        });
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    assert!(report.iterations.dropped > 80, "{:?}", report.iterations);
    // Dropped iterations did not run their checks either.
    assert!(matches!(verdict(report, "checks:says pong"), Verdict::Inconclusive(_)));
    assert_eq!(report.requests.unknown, report.iterations.dropped);
    let warning = report.findings.iter().find(|it| it.severity == Severity::Warning).unwrap();
    assert!(warning.kind == FindingKind::ArrivalsDropped && warning.to_string().contains("--max-vus"), "{warning:?}");
    assert_eq!(report.problems().count(), 0, "{:?}", report.findings);
}

/// The wait for a connection is not part of latencies, but part of every response time. Here the
/// rate limit adds such a wait before requests.
#[test]
fn an_objective_met_only_without_waiting_time_causes_a_warning() {
    const BOTH: Catalogue = Catalogue {
        slos: &[
            Slo::p95(PING, Duration::from_millis(250)),
            Slo::response_time(PING, Ratio::percent(95), Duration::from_millis(250)).warn(),
        ],
        ..CATALOGUE
    };
    let service = Service::start();
    let mut paced = settings(&service, None, "hidden-1");
    // Half the rate of the arrivals, so that each request waits longer than the one before.
    paced.http.rps = Some(20);
    let finished = Scenario::new("pings", &BOTH)
        .exercises(&[PING])
        .load(constant_arrival_rate(40, SECOND, SECOND, 40))
        .run_with(paced, async |vu: &mut Vu, (): &()| {
            // Think time is not part of a response time.
            vu.think(Duration::from_millis(300), Duration::from_millis(300)).await;
            ping(vu).await
        });
    let report = finished.report().unwrap();
    assert_eq!(
        (verdict(report, "ping_latency"), verdict(report, "ping_response_time")),
        (Verdict::Met, Verdict::Missed)
    );
    let is_warning = |it: &Finding| it.severity == Severity::Warning && !it.is_problem();
    let mut warnings = report.findings.iter().filter(|it| is_warning(it));
    assert!(warnings.any(|warning| warning.message.contains("ping meets p95 <= 250 ms only")));
}

/// An objective without data says what is absent, and not that its endpoint got no requests.
#[test]
fn an_endpoint_with_requests_is_not_called_one_without() {
    const ABSENT: Catalogue = Catalogue {
        slos: &[
            Slo::response_time(PING, Ratio::percent(95), Duration::from_millis(250)),
            Slo::p95(PING, Duration::from_millis(250)).in_part("others"),
        ],
        ..CATALOGUE
    };
    let service = Service::start();
    let finished = Scenario::new("pings", &ABSENT)
        .exercises(&[PING, ECHO])
        .part("pings", shared_iterations(2, 50), async |vu: &mut Vu, (): &()| ping(vu).await)
        .part("others", shared_iterations(2, 50), async |_: &mut Vu, (): &()| Ok(()))
        .run_parts_with(settings(&service, None, "absent-1"));
    let report = finished.report().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive);
    let text = perf_report::render::terminal::render_run(report, perf_report::render::terminal::TerminalStyle::PLAIN);
    let absent = "ping p95 <= 250 ms in part others: no requests were made: does the scenario request the endpoint?";
    assert!(text.contains("only open loads have response times") && text.contains(absent), "{text}");
    assert!(!text.contains("ping: no requests"), "{text}");
}

#[test]
fn a_replay_makes_the_same_load_and_rejects_a_changed_plan() {
    let service = Service::start();
    let load = || constant_arrival_rate(50, SECOND, SECOND, 40).poisson();
    let run = |settings, load| {
        let scenario = Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(load);
        scenario.run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await)
    };
    let mut first = settings(&service, None, "replay-1");
    first.load.rate = Some(Rate { count: 40, per: SECOND });
    first.seed = 7;
    let path = first.out.clone().unwrap().join("replay-1/report.json");
    let then = run(first, load());
    let then = then.report().unwrap();
    let mut again = settings(&service, None, "replay-2");
    again.replay = Some(path.clone());
    let now = run(again.clone(), load());
    let now = now.report().unwrap();
    assert_eq!((&now.run.plan.hash, now.run.seed, now.requests.sent), (&then.run.plan.hash, 7, 40));
    // A report whose hash does not match its load comes from another planner, or was edited.
    let changed = std::fs::read_to_string(&path).unwrap().replace(&then.run.plan.hash, &"0".repeat(64));
    std::fs::write(&path, changed).unwrap();
    let (code, message) = run(again, load()).report().map(drop).unwrap_err();
    assert!(code == ExitCode::BadConfiguration && message.contains("cannot be replayed"), "{message}");
}

#[test]
fn a_dry_run_sends_no_requests() {
    let service = Service::start();
    let mut settings = settings(&service, None, "drawn-1");
    settings.dry_run = Some(DryRun::Draw);
    let finished = pings_at(10).run_with(settings.clone(), async |vu: &mut Vu, (): &()| ping(vu).await);
    let (code, drawing) = finished.report().map(drop).unwrap_err();
    assert_eq!(code, ExitCode::Met);
    assert!(drawing.contains("10 are due") && drawing.contains("arrivals"), "{drawing}");
    assert_eq!(service.requests(), 0);
    settings.stub = Some(StubTarget { service: Some("another".to_owned()) });
    let finished = pings_at(10).run_with(settings.clone(), async |vu: &mut Vu, (): &()| ping(vu).await);
    let (code, drawing) = finished.report().map(drop).unwrap_err();
    assert!(code == ExitCode::Met && drawing.contains("Name the service's URL with --target"), "{drawing}");
    settings.dry_run = Some(DryRun::Summarize);
    let finished = pings_at(10).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
    assert_eq!(finished.report().map(drop).unwrap_err(), (ExitCode::Met, String::new()));
}

fn pings_at(rate: u64) -> Scenario {
    Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(constant_arrival_rate(rate, SECOND, SECOND, 5))
}

#[test]
fn a_load_with_a_missed_objective_ends_early() {
    let service = Service::start();
    service.fail_every(2);
    let started = std::time::SystemTime::UNIX_EPOCH;
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(constant_vus(2, SECOND * 30))
        .abort_on_miss(SECOND * 2, SECOND)
        .run_with(settings(&service, None, "hopeless-1"), async |vu: &mut Vu, (): &()| {
            vu.think(Duration::from_millis(10), Duration::from_millis(11)).await;
            ping(vu).await
        });
    let report = finished.report().unwrap();
    let lasted = report.run.ended_unix_ms - report.run.started_unix_ms;
    assert!((2_000..20_000).contains(&lasted), "{lasted} ms since {started:?}");
    assert_eq!((code(&finished), verdict(report, "ping_latency")), (ExitCode::Missed, Verdict::Missed));
    assert!(report.problems().any(|problem| problem.message.contains("ended early")), "{:?}", report.findings);
}

/// One thread has all virtual users, whatever the number of processors.
#[test]
fn few_virtual_users_get_the_whole_request_rate() {
    let service = Service::start();
    let mut limited = settings(&service, None, "limited-1");
    limited.http.rps = Some(100);
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(constant_arrival_rate(80, SECOND, SECOND * 2, 10))
        .run_with(limited, async |vu: &mut Vu, (): &()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!((report.iterations.dropped, report.requests.sent), (0, 160), "{:?}", report.findings);
}

#[test]
fn request_options_take_effect() {
    let service = Service::start();
    let mut settings = settings(&service, None, "options-1");
    settings.http.user_agent = Some("agent/1".to_owned());
    settings.http.rps = Some(50);
    settings.http.no_connection_reuse = true;
    settings.http.max_redirects = 3;
    let finished = Scenario::new("moved", &CATALOGUE).exercises(&[PING, ECHO]).load(shared_iterations(2, 30)).run_with(
        settings,
        async |vu: &mut Vu, (): &()| {
            // A 303 to /ping: two requests count for the endpoint in the catalogue, and the second
            // response is returned.
            let response = vu.request(ECHO).path("word", "moved").json(&1).send().await?;
            anyhow::ensure!(response.body() == b"pong", "the redirect was not followed");
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    assert_eq!(report.problems().count(), 0, "{:?}", report.findings);
    assert_eq!((report.requests.sent, report.requests.failed), (60, 0));
    assert_eq!(report.endpoints[1].by_status, [(StatusKey::Code(200), 30), (StatusKey::Code(303), 30)].into());
    let mut notes = report.findings.iter().filter(|it| it.kind == FindingKind::RedirectsCounted);
    assert!(notes.next().unwrap().message.starts_with("each redirect of echo counts") && notes.next().is_none());
    let took = report.run.ended_unix_ms - report.run.started_unix_ms;
    assert!((1_100..10_000).contains(&took), "60 requests at 50 a second took {took} ms");
    assert_eq!(service.agents(), ["agent/1"]);
    // The first connection checks whether the target is up. Each request then uses a new
    // connection.
    assert_eq!(service.connections(), 61);
}

#[test]
fn latencies_are_reported_by_segment() {
    let service = Service::start();
    let finished = Scenario::new("days", &CATALOGUE).exercises(&[PING]).load(per_vu_iterations(2, 1)).run_with(
        settings(&service, None, "days-1"),
        async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            for day in 1..=12 {
                vu.segment("day", day);
                ping(vu).await?;
            }
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    let names: Vec<_> = report.segments.iter().map(|result| result.segment.to_string()).collect();
    assert_eq!((names.len(), &*names[0], &*names[11]), (12, "day 1", "day 12"));
    assert!(report.segments.iter().all(|segment| segment.endpoints["ping"].requests == 2));
    assert_eq!(report.requests.sent, 26);
}

#[test]
fn an_objective_can_judge_one_phase_alone() {
    const RAMP: Catalogue = Catalogue {
        slos: &[
            Slo::p95(PING, Duration::from_millis(250)).judging(Phases::only(&[Phase::Ramp])),
            Slo::errors_below(Ratio::percent(1)),
        ],
        ..CATALOGUE
    };
    let (service, store) = (Service::start(), Store::start());
    let load = perf_tests::ramping_vus(&[(SECOND, 3), (SECOND, 3)]);
    let finished = Scenario::new("pings", &RAMP).exercises(&[PING]).load(load).run_with(
        settings(&service, Some(&store), "phase-1"),
        async |vu: &mut Vu, (): &()| {
            vu.think(Duration::from_millis(10), Duration::from_millis(11)).await;
            ping(vu).await
        },
    );
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    let (ramp, all) = (report.objectives[0].tally().unwrap().total, report.objectives[1].tally().unwrap().total);
    assert!(ramp > 0 && ramp < all && report.objectives[0].objective.ends_with("in ramp"), "{ramp} of {all}");
}

#[test]
fn virtual_users_have_their_own_connection_or_share_connections() {
    let connections = |shared: bool| {
        let service = Service::start();
        let scenario = Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(per_vu_iterations(8, 2));
        let scenario = if shared { scenario.share_connections() } else { scenario };
        let finished = scenario.run_with(settings(&service, None, "shared-1"), async |vu: &mut Vu, (): &()| {
            // Mostly one after another, so that an idle virtual user does not need its connection.
            vu.think(Duration::from_millis(10), SECOND).await;
            ping(vu).await
        });
        assert_eq!(finished.report().unwrap().requests.failed, 0);
        // One connection checks whether the target is up.
        service.connections() - 1
    };
    assert_eq!(connections(false), 8);
    let shared = connections(true);
    assert!((1..8).contains(&shared), "{shared} connections for 8 virtual users that share");
}

#[test]
fn a_declared_check_that_never_ran_is_inconclusive() {
    const CHECKED: Catalogue = Catalogue {
        slos: &[Slo::check_above("says pong", Ratio::percent(90)), Slo::errors_below(Ratio::percent(1))],
        ..CATALOGUE
    };
    let run = |checks: &[&'static str]| {
        let service = Service::start();
        let scenario =
            Scenario::new("pings", &CHECKED).exercises(&[PING]).load(shared_iterations(1, 30)).checks(checks);
        let settings = settings(&service, None, "untried-1");
        code(&scenario.run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await))
    };
    assert_eq!((run(&[]), run(&["says pong"])), (ExitCode::Met, ExitCode::Inconclusive));
}
