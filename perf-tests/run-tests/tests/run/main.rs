//! Whole runs against a service and a store in this process: measurements, pushed series, and the
//! verdict if something is wrong. The service is not the stock game; it has its own catalogue.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

#[cfg(target_os = "linux")]
mod agents;
mod all;
mod authentication;
mod bodies;
mod broken_tls;
mod client_certificates;
mod compression;
mod cookies;
mod delivery;
mod engine;
mod fake_store;
mod hosts;
#[cfg(target_os = "linux")]
mod huge;
mod methods;
mod objectives;
mod outages;
mod parts;
mod printed;
mod proxy;
mod rows;
mod shop;
mod slow_tls;
mod smoke;
mod stalls;
mod statuses;
mod store;
mod target;
mod tls;
#[cfg(unix)]
mod unix_socket;
mod uploads;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fake_store::Store;
use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_report::verdict::Verdict;
use perf_report::{FailureKind, Millis, Report};
use perf_settings::Settings;
use perf_tests::{Scenario, ScenarioResult, Vu, constant_vus, shared_iterations};
use test_support::fake_server::unreachable_url;
use test_support::fake_service::Service;

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Endpoint = Endpoint::new("echo", "Echo", Method::Post, "/echo/{word}");
const CATALOGUE: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING, ECHO],
    critical: &[PING],
    slos: &[
        Slo::p95(PING, Duration::from_millis(250)),
        Slo::p95(ECHO, Duration::from_millis(250)),
        Slo::success_above(PING, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
    ],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};

fn settings(service: &Service, store: Option<&Store>, testid: &str) -> Settings {
    settings_with(service, store, testid, &[])
}

fn settings_with(service: &Service, store: Option<&Store>, testid: &str, given: &[(&str, &str)]) -> Settings {
    settings_at(&service.url, store, testid, given)
}

fn settings_at(target: &str, store: Option<&Store>, testid: &str, given: &[(&str, &str)]) -> Settings {
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("run");
    let folder = out.join(testid);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let store = store.map(|store| format!("{}/api/v1/write", store.url)).unwrap_or_default();
    Settings::from_lookup(&|name| match name {
        perf_settings::TARGET => Some(target.to_owned()),
        perf_settings::TESTID => Some(testid.to_owned()),
        perf_settings::REMOTE_WRITE => Some(store.clone()),
        perf_settings::OUT => Some(out.display().to_string()),
        perf_settings::PUSH_INTERVAL => Some("500ms".to_owned()),
        perf_settings::QUIET => Some("1".to_owned()),
        _ => given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    })
    .unwrap()
}

async fn ping(vu: &mut Vu) -> anyhow::Result<()> {
    Ok(vu.request(PING).send().await.map(drop)?)
}

fn pings(iterations: u64) -> Scenario {
    Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(shared_iterations(2, iterations))
}

fn verdict(report: &Report, id: &str) -> Verdict {
    report.objectives.iter().find(|objective| objective.id == id).unwrap().verdict.clone()
}

fn code(finished: &ScenarioResult) -> ExitCode {
    finished.report().map_or_else(|(code, _)| code, |report| report.exit_code)
}

#[test]
fn report_and_store_have_exactly_the_requests_that_were_sent() {
    let (service, store) = (Service::start(), Store::start());
    let finished = Scenario::new("words", &CATALOGUE)
        .exercises(&[PING, ECHO])
        .load(constant_vus(2, Duration::from_secs(2)))
        .run_with(settings(&service, Some(&store), "words-1"), async |vu: &mut Vu, ()| {
            ping(vu).await?;
            let word = format!("a/b?{}", vu.iteration());
            let body = serde_json::json!({ "word": word });
            let response: serde_json::Value = vu.request(ECHO).path("word", &word).json(&body).send().await?.json()?;
            anyhow::ensure!(
                response["word"] == word.as_str() && response["path"] == word.as_str(),
                "echoed {response}"
            );
            vu.think(Duration::from_millis(20), Duration::from_millis(40)).await;
            Ok(())
        });
    let report = finished.report().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{report:#?}");
    assert_eq!(report.requests.sent, service.requests());
    let stored = |name: &str| store.last_sum(name);
    assert_eq!(stored("http_reqs"), report.requests.sent as f64);
    assert_eq!(stored("ping_latency_count"), report.objectives[0].tally().unwrap().total as f64);
    assert_eq!(stored("ping_success"), report.objectives[2].tally().unwrap().good as f64);
    assert_eq!(stored("iterations"), report.iterations.completed as f64);
    assert!(report.run.store.as_ref().unwrap().accepted >= 4, "{:?}", report.run.store);
    for (labels, samples) in store.series() {
        let is_gauge = labels.contains("__name__=generator_");
        assert!(is_gauge || samples[0].0 == 0.0, "{labels} does not start from zero");
        assert!(samples.windows(2).all(|pair| pair[0].1 < pair[1].1), "{labels} goes back in time");
        assert_eq!(samples.last().unwrap().0.to_bits(), 0x7ff0_0000_0000_0002, "{labels} has no end");
        assert!(labels.contains("testid=words-1") && labels.contains("scenario=words"), "{labels}");
        assert!(!labels.contains("/echo"), "a path is not a label: {labels}");
    }
}

#[test]
fn the_same_seed_sends_the_same_payloads() {
    let payloads = |testid| {
        let service = Service::start();
        let finished = Scenario::new("words", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 20)).run_with(
            settings(&service, None, testid),
            async |vu: &mut Vu, ()| {
                let word: u64 = rand::RngExt::random(vu.rng());
                vu.request(ECHO).path("word", word).json(&word).send().await?;
                Ok(())
            },
        );
        assert_eq!(finished.report().unwrap().iterations.completed, 20);
        service.bodies()
    };
    let first = payloads("seed-1");
    assert_eq!(first.len(), 20);
    assert_eq!(first, payloads("seed-2"));
}

#[test]
fn fast_failed_requests_miss_the_p95() {
    let (service, store) = (Service::start(), Store::start());
    service.fail_every(3);
    let finished =
        pings(90).run_with(settings(&service, Some(&store), "failing-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Missed);
    assert_eq!(verdict(report, "ping_latency"), Verdict::Missed);
    assert_eq!(verdict(report, "ping_success"), Verdict::Missed);
    assert_eq!(verdict(report, "api_errors"), Verdict::Missed);
    assert_eq!(verdict(report, "echo_latency"), Verdict::NotInScenario);
    assert_eq!(report.objectives[0].quantile_ms(), Some(Millis::INFINITE));
    assert_eq!((report.requests.sent, report.requests.failed), (90, 30));
    assert_eq!(report.endpoints[0].errors[&FailureKind::Status], 30);
    assert_eq!(store.last_sum("api_errors"), 30.0);
    assert_eq!(store.last_sum("ping_success"), 60.0);
    let text = perf_report::render::terminal::render_run(report, perf_report::render::terminal::TerminalStyle::PLAIN);
    assert!(text.contains("ping") && text.contains("p95 <= 250 ms") && text.contains("90 requests"), "{text}");
}

#[test]
fn a_run_against_a_target_that_dies_is_not_met() {
    let service = Service::start();
    service.die_after(100);
    let finished = pings(5_000).run_with(settings(&service, None, "dying-1"), async |vu: &mut Vu, ()| ping(vu).await);
    assert_eq!(code(&finished), ExitCode::Missed, "{:?}", finished.report());
}

#[test]
fn a_run_against_a_target_that_hangs_is_not_met() {
    let service = Service::start();
    service.hang_after(400);
    // Until the target hangs all is well. Only two requests, one of each VU, are affected, and
    // those that a steady load would have made.
    let load = constant_vus(2, Duration::from_secs(4)).graceful_stop(Duration::from_secs(8));
    let hanging = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(load)
        .run_with(settings(&service, None, "hanging-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = hanging.report().unwrap();
    let latency = verdict(report, "ping_latency");
    assert!(matches!(latency, Verdict::Inconclusive(_)), "{latency:?}");
    assert_eq!(report.iterations.interrupted, 2);
    assert_eq!(code(&hanging), ExitCode::Inconclusive);
    let problems: Vec<_> = report.problems().map(|problem| problem.message.as_str()).collect();
    assert!(problems[0].contains("2 iterations cut off"), "{problems:?}");
    assert!(problems[1].contains("the target stalled"), "{problems:?}");
}

#[test]
fn a_target_without_a_server_is_a_bad_configuration() {
    let service = Service::start();
    let mut settings = settings(&service, None, "no-server-1");
    settings.target = unreachable_url().parse().unwrap();
    let finished = pings(50).run_with(settings, async |vu: &mut Vu, ()| ping(vu).await);
    let (code, message) = finished.report().unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration);
    assert!(message.contains("cannot connect to") && message.contains("--target"), "{message}");
}

#[test]
fn too_few_or_zero_requests_are_inconclusive() {
    let service = Service::start();
    let few = pings(19).run_with(settings(&service, None, "few-1"), async |vu: &mut Vu, ()| ping(vu).await);
    assert_eq!(code(&few), ExitCode::Inconclusive);
    assert!(few.report().unwrap().objectives[0].verdict.reason().unwrap().to_string().contains("a p95 needs 20"));
    let none = pings(30).run_with(settings(&service, None, "none-1"), async |_: &mut Vu, ()| Ok(()));
    assert_eq!(code(&none), ExitCode::Inconclusive);
    assert!(none.report().unwrap().objectives[0].verdict.reason().unwrap().to_string().contains("no requests"));
}

#[test]
fn a_testid_that_is_in_use_is_rejected() {
    let (service, store) = (Service::start(), Store::start());
    let used = settings(&service, None, "used-1");
    let run = |settings: &Settings| pings(50).run_with(settings.clone(), async |vu: &mut Vu, ()| ping(vu).await);
    assert_eq!(code(&run(&used)), ExitCode::Met);
    let (code, message) = run(&used).report().map(drop).unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration, "{message}");
    store.report_every_testid();
    let (code, message) = run(&settings(&service, Some(&store), "used-2")).report().map(drop).unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration);
    assert!(message.contains("already"), "{message}");
}

#[test]
fn setup_and_teardown_run_and_are_not_judged() {
    static TORN_DOWN: AtomicBool = AtomicBool::new(false);
    let service = Service::start();
    service.fail_every(1);
    service.never_fail("/setup");
    let made = Arc::new(AtomicU64::new(0));
    let counter = made.clone();
    let finished = pings(50)
        .setup(async |vu: &mut Vu| {
            vu.unjudged(Method::Get, "/setup").send().await?;
            Ok("token-7".to_owned())
        })
        .teardown(async |vu: &mut Vu, token: &String| {
            TORN_DOWN.store(token == "token-7", Ordering::Relaxed);
            vu.unjudged(Method::Get, "/setup").send().await?;
            Ok(())
        })
        .run_with(settings(&service, None, "around-1"), async move |vu: &mut Vu, token: &String| {
            vu.header("authorization", &format!("Bearer {token}"));
            counter.fetch_add(1, Ordering::Relaxed);
            ping(vu).await
        });
    let report = finished.report().unwrap();
    assert!(TORN_DOWN.load(Ordering::Relaxed));
    assert_eq!(made.load(Ordering::Relaxed), 50);
    assert_eq!((report.requests.sent, report.unjudged.sent, report.unjudged.failed), (50, 2, 0));
    assert_eq!(report.iterations.failed, 50);
    assert_eq!(service.tokens(), ["Bearer token-7"]);
}

#[test]
fn a_failed_setup_prevents_the_load() {
    let service = Service::start();
    let finished = pings(50)
        .setup(async |_: &mut Vu| anyhow::bail!("no room"))
        .run_with(settings(&service, None, "setup-1"), async |vu: &mut Vu, (): &()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.sent), (ExitCode::Inconclusive, 0));
    assert!(report.problems().next().unwrap().message.contains("setup failed: no room"), "{:?}", report.findings);
}

#[test]
fn a_panic_in_setup_or_teardown_is_reported_with_the_results() {
    let service = Service::start();
    let torn = pings(50)
        .teardown(async |_: &mut Vu, (): &()| panic!("over the edge"))
        .run_with(settings(&service, None, "panic-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = torn.report().unwrap();
    assert_eq!((code(&torn), verdict(report, "ping_latency")), (ExitCode::BadConfiguration, Verdict::Met));
    assert!(report.problems().next().unwrap().message.contains("over the edge"), "{:?}", report.findings);
    let unset = pings(50)
        .setup(async |_: &mut Vu| -> anyhow::Result<()> { panic!("no start") })
        .run_with(settings(&service, None, "panic-2"), async |vu: &mut Vu, ()| ping(vu).await);
    assert!(unset.report().unwrap().problems().next().unwrap().message.contains("no start, at "));
}

#[test]
fn a_failed_unjudged_request_makes_a_run_inconclusive() {
    let service = Service::start();
    let finished = pings(60).run_with(settings(&service, None, "unjudged-1"), async |vu: &mut Vu, ()| {
        if vu.iteration() % 2 == 1 {
            vu.unjudged(Method::Post, "/setup").send().await?;
        }
        ping(vu).await
    });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), verdict(report, "ping_latency")), (ExitCode::Inconclusive, Verdict::Met));
    assert!(report.problems().next().unwrap().message.contains("/setup"), "{:?}", report.findings);
}

#[test]
fn a_redirect_is_not_a_success() {
    let service = Service::start();
    let finished = Scenario::new("moved", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 30)).run_with(
        settings(&service, None, "moved-1"),
        async |vu: &mut Vu, ()| {
            vu.request(ECHO).path("word", "moved").json(&1).send().await?;
            Ok(())
        },
    );
    assert_eq!(code(&finished), ExitCode::Missed);
    assert_eq!(finished.report().unwrap().endpoints[0].by_status[&303.into()], 30);
}

#[test]
fn a_run_with_errors_of_the_scenario_is_not_met() {
    let service = Service::start();
    let wrong = pings(50).run_with(settings(&service, None, "own-1"), async |vu: &mut Vu, ()| {
        ping(vu).await?;
        anyhow::bail!("the response is wrong")
    });
    assert_eq!(code(&wrong), ExitCode::Inconclusive);
    assert!(wrong.report().unwrap().problems().next().unwrap().message.contains("the response is wrong"));
    let undeclared = pings(50).run_with(settings(&service, None, "own-2"), async |vu: &mut Vu, ()| {
        vu.request(ECHO).path("word", "x").send().await?;
        Ok(())
    });
    assert_eq!(code(&undeclared), ExitCode::BadConfiguration);
    assert!(undeclared.report().unwrap().problems().next().unwrap().message.contains("exercises"));
    let place = format!("{}:", file!());
    let messages: Vec<_> = undeclared.report().unwrap().problems().map(|problem| problem.message.as_str()).collect();
    assert!(messages.len() == 1 && messages[0].contains(&place), "reported once, with its place: {messages:?}");
    let unfilled = Scenario::new("words", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 30)).run_with(
        settings(&service, None, "own-3"),
        async |vu: &mut Vu, ()| {
            vu.request(ECHO).send().await?;
            Ok(())
        },
    );
    let dots = Scenario::new("words", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 30)).run_with(
        settings(&service, None, "own-4"),
        async |vu: &mut Vu, ()| {
            vu.request(ECHO).path("word", "..").send().await?;
            Ok(())
        },
    );
    let ignored = Scenario::new("words", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 30)).run_with(
        settings(&service, None, "own-5"),
        async |vu: &mut Vu, ()| {
            let _ = vu.request(ECHO).send().await;
            Ok(())
        },
    );
    let ended = |run: &ScenarioResult| (code(run), run.report().unwrap().iterations.completed);
    assert_eq!(ended(&ignored), (ExitCode::BadConfiguration, 1), "also if the scenario ignores the error");
    assert_eq!(ended(&unfilled), (ExitCode::BadConfiguration, 1), "the run ends at once");
    assert!(
        dots.report().unwrap().problems().next().unwrap().message.contains("cannot replace {word}"),
        "{:?}",
        dots.report()
    );
    assert!(
        unfilled.report().unwrap().problems().next().unwrap().message.contains("{word}"),
        "{:?}",
        unfilled.report()
    );
}
