//! Scenarios with several parts under load settings of the command line, and the time limits of
//! setup and teardown.

use perf_settings::{LoadOverride, Rate};
use perf_tests::constant_arrival_rate;
use test_support::raw_service::{Action, RawService};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Two parts. One pings, the other echoes.
fn rush(settings: Settings) -> ScenarioResult {
    let arrivals = constant_arrival_rate(20, SECOND, SECOND * 30, 20).start_time(SECOND * 30);
    Scenario::new("rush", &CATALOGUE)
        .exercises(&[PING, ECHO])
        .part("players", constant_vus(20, SECOND * 60), async |vu: &mut Vu, (): &()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(5), Duration::from_millis(10)).await;
            Ok(())
        })
        .part("admins", arrivals, async |vu: &mut Vu, (): &()| {
            let word = format!("word-{}", vu.iteration());
            vu.request(ECHO).path("word", word).json(&serde_json::json!({})).send().await?;
            Ok(())
        })
        .run_parts_with(settings)
}

#[test]
fn load_settings_scale_several_parts_together() {
    let service = Service::start();
    let mut settings = settings(&service, None, "parts-2");
    settings.load = LoadOverride { vus: Some(4), duration: Some(SECOND * 3), ..LoadOverride::default() };
    let finished = rush(settings);
    let report = finished.report().unwrap();
    assert_eq!(report.run.load, "players: 2 VUs for 3s; admins: 20/10s for 1s500ms, by 2 VUs, after 1s500ms");
    assert_eq!(report.requests.sent, service.requests());
    assert!(report.endpoints.iter().all(|endpoint| endpoint.requests.sent > 0), "{:?}", report.endpoints);
}

#[test]
fn one_part_runs_alone_and_is_judged_by_its_own_endpoints() {
    let service = Service::start();
    let mut settings = settings(&service, None, "parts-3");
    settings.part = Some("admins".to_owned());
    let rate = Some(Rate { count: 40, per: SECOND });
    settings.load = LoadOverride { rate, duration: Some(SECOND), ..LoadOverride::default() };
    let mut again = settings.clone();
    let finished = rush(settings);
    let report = finished.report().unwrap();
    let parts: Vec<_> = report.run.plan.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["admins"]);
    assert_eq!(report.run.load, "40/s for 1s, by 40 VUs", "without its time of start");
    assert_eq!(report.requests.sent, 40, "{:?}", report.findings);
    let judged = report.objectives.iter().filter(|objective| objective.verdict != Verdict::NotInScenario);
    let ids: Vec<_> = judged.map(|objective| objective.id.as_str()).collect();
    assert_eq!(ids, ["echo_latency", "api_errors"], "objectives of the other part are judged");
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    again.part = Some("admnis".to_owned());
    let (code, message) = rush(again).report().map(|_| ()).unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration);
    assert!(message.contains("no such part") && message.contains("players, admins"), "{message}");
    assert!(message.ends_with("; did you mean admins?"), "{message}");
}

#[test]
fn a_failed_request_of_a_part_alone_does_not_judge_other_parts() {
    let run = |testid: &str, failing: u64| {
        let received = AtomicU64::new(0);
        let service = RawService::start(move |_| match received.fetch_add(1, Ordering::Relaxed) {
            number if number < failing => Action::Deny,
            _ => Action::Respond,
        });
        let mut settings = super::target::settings(&service, testid);
        settings.part = Some("pings".to_owned());
        let finished = Scenario::new("rush", &CATALOGUE)
            .exercises(&[PING, ECHO])
            .part("pings", shared_iterations(2, 200), async |vu: &mut Vu, (): &()| ping(vu).await)
            .part("echoes", shared_iterations(2, 200), async |vu: &mut Vu, (): &()| {
                Ok(vu.request(ECHO).path("word", "a").send().await.map(drop)?)
            })
            .run_parts_with(settings);
        let report = finished.report().unwrap();
        (code(&finished), verdict(report, "echo_latency"))
    };
    assert_eq!(run("parts-7", 1), (ExitCode::Met, Verdict::NotInScenario));
    // Nothing shows that the part does not request it.
    let (code, echoes) = run("parts-8", u64::MAX);
    assert!(code == ExitCode::Missed && echoes.reason().is_some(), "{code:?} {echoes:?}");
}

#[test]
fn a_rate_for_several_parts_is_refused_with_a_way_out() {
    let service = Service::start();
    let mut settings = settings(&service, None, "parts-4");
    settings.load.rate = Some(Rate { count: 40, per: SECOND });
    let (code, message) = rush(settings).report().map(|_| ()).unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration);
    assert!(message.contains("choose one with PERF_PART"), "{message}");
}

#[test]
fn setup_and_teardown_have_time_limits_of_their_own() {
    for (testid, variable, step) in
        [("slow-1", "PERF_SETUP_TIMEOUT", "setup"), ("slow-2", "PERF_TEARDOWN_TIMEOUT", "teardown")]
    {
        let service = Service::start();
        let settings = settings_with(&service, None, testid, &[(variable, "1s")]);
        let slow = async || tokio::time::sleep(SECOND * 3).await;
        let finished = Scenario::new("pings", &CATALOGUE)
            .setup(async move |_: &mut Vu| {
                if step == "setup" {
                    slow().await;
                }
                Ok(())
            })
            .exercises(&[PING])
            .load(shared_iterations(2, 50))
            .teardown(async move |_: &mut Vu, (): &()| {
                slow().await;
                Ok(())
            })
            .run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Inconclusive, "{testid}");
        let messages: Vec<_> = report.problems().map(|problem| problem.message.as_str()).collect();
        let expected = format!("{step} failed: it took longer than 1s: give it more time with --{step}-timeout");
        assert!(messages.contains(&expected.as_str()), "{messages:?}");
    }
}
