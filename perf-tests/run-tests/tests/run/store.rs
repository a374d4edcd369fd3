//! Runs with a store that rejects pushes, is unavailable for a while, loses responses, or returns
//! other counts.

use monitoring::backend_slo::{Amount, BackendSlo};

use super::*;

#[test]
fn a_store_without_a_receiver_ends_a_run_before_setup() {
    for (status, hint) in [
        (404, "--web.enable-remote-write-receiver"),
        (405, "405"),
        (401, "K6_PROMETHEUS_RW_BEARER_TOKEN"),
        (403, "403"),
    ] {
        let (service, store) = (Service::start(), Store::start());
        store.respond_with(status);
        let set_up = Arc::new(AtomicBool::new(false));
        let begun = set_up.clone();
        let finished = Scenario::new("pings", &CATALOGUE)
            .setup(async move |_: &mut Vu| {
                begun.store(true, Ordering::Relaxed);
                Ok(())
            })
            .exercises(&[PING])
            .load(shared_iterations(2, 50))
            .run_with(settings(&service, Some(&store), &format!("refused-{status}")), async |vu: &mut Vu, ()| {
                ping(vu).await
            });
        let (code, message) = finished.report().unwrap_err();
        assert_eq!(code, ExitCode::BadConfiguration, "{message}");
        assert!(message.contains(hint) && message.contains(&store.url), "{message}");
        assert!(!set_up.load(Ordering::Relaxed), "setup ran although the store has no receiver");
        assert_eq!(service.requests(), 0, "a service was loaded although its metrics are not stored");
    }
}

#[test]
fn a_store_that_rejects_the_first_push_causes_a_problem() {
    let (service, store) = (Service::start(), Store::start());
    store.respond_with(400);
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "refused-400"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    assert!(report.problems().any(|problem| problem.message.contains("400")), "{:?}", report.findings);
    assert_eq!(report.requests.sent, 0, "a service was loaded although its metrics are not stored");
    assert_eq!(report.problems().count(), 1, "{:?}", report.findings);
}

#[test]
fn a_temporarily_unavailable_store_loses_no_counts() {
    let (service, store) = (Service::start(), Store::start());
    store.fail_pushes(3);
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(constant_vus(1, Duration::from_secs(2)))
        .run_with(settings(&service, Some(&store), "away-1"), async |vu: &mut Vu, ()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(10), Duration::from_millis(20)).await;
            Ok(())
        });
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    let stored = report.run.store.as_ref().unwrap();
    assert!(stored.refused > 0 && stored.complete && stored.agrees == Some(true), "{stored:?}");
    assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64);
}

#[test]
fn a_push_without_a_response_is_counted_once() {
    let (service, store) = (Service::start(), Store::start());
    // The push in which series with a status begin: zero and value in one request.
    store.lose_responses(1);
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(constant_vus(1, Duration::from_secs(2)))
        .run_with(settings(&service, Some(&store), "lost-1"), async |vu: &mut Vu, ()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(10), Duration::from_millis(20)).await;
            Ok(())
        });
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().refused, 1, "{:?}", report.run.store);
    assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64);
    for (labels, samples) in store.series() {
        let counts: Vec<_> = samples.iter().map(|sample| sample.0).filter(|value| !value.is_nan()).collect();
        let falls = counts.windows(2).any(|pair| pair[1] < pair[0]);
        let is_gauge = labels.contains("__name__=vus,") || labels.contains("__name__=generator_");
        assert!(is_gauge || (counts[0] == 0.0 && !falls), "{labels} {counts:?}");
    }
}

#[test]
fn the_last_push_is_repeated_if_its_response_is_lost() {
    let (service, store) = (Service::start(), Store::start());
    store.lose_responses(2);
    // The run is shorter than a push interval, so the last push is the second.
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "lost-2"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert_eq!(store.last_sum("http_reqs"), 50.0);
}

#[test]
fn an_unavailable_store_makes_a_run_inconclusive() {
    let (service, store) = (Service::start(), Store::start());
    store.respond_with(503);
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "gone-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    assert_eq!(verdict(report, "ping_latency"), Verdict::Met, "measured requests are judged nevertheless");
    assert!(report.problems().next().unwrap().message.contains("503"), "{:?}", report.findings);
}

#[test]
fn a_store_with_different_counts_makes_a_run_inconclusive() {
    let (service, store) = (Service::start(), Store::start());
    store.falsify("ping_latency_bucket");
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "lying-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    assert!(
        report.problems().next().unwrap().message.contains("good requests of ping_latency: 50 measured, 51"),
        "{:?}",
        report.findings
    );
}

const POOL: BackendSlo = BackendSlo::at_most("pool", "Pool", "pool_used", Amount::Count(8));
const POOLED: Catalogue = Catalogue { backend_slos: &[POOL], ..CATALOGUE };

fn pooled(testid: &str, store: Option<&Store>, value: Option<f64>) -> ScenarioResult {
    let service = Service::start();
    if let Some(store) = store {
        store.scraped("up{", 1.0);
        value.iter().for_each(|value| store.scraped("max_over_time(max((pool_used))[", *value));
    }
    Scenario::new("pings", &POOLED)
        .exercises(&[PING])
        .load(shared_iterations(2, 50))
        .run_with(settings(&service, store, testid), async |vu: &mut Vu, ()| ping(vu).await)
}

#[test]
fn an_objective_on_backend_metrics_decides_the_exit_code() {
    let store = Store::start();
    for (testid, store, value, expected, reason) in [
        ("pool-met", Some(&store), Some(8.0), ExitCode::Met, ""),
        ("pool-none", Some(&Store::start()), None, ExitCode::Inconclusive, "does the backend expose the metric"),
        ("pool-away", None, None, ExitCode::Inconclusive, "no store scrapes the backend"),
        ("pool-missed", Some(&store), Some(8.5), ExitCode::Missed, ""),
    ] {
        let finished = pooled(testid, store, value);
        let report = finished.report().unwrap();
        let result = report.objectives.last().unwrap();
        assert_eq!(code(&finished), expected, "{testid}: {result:?}");
        assert_eq!(result.backend_value().map(|found| found.value), value, "{testid}");
        let why = result.verdict.reason().map(ToString::to_string);
        assert!(why.unwrap_or_default().contains(reason), "{testid}: {result:?}");
    }
}

#[test]
fn an_idle_service_after_the_load_is_not_judged() {
    const SERVED: BackendSlo = BackendSlo::at_least("served", "Served", "rate(served[15s])", Amount::Count(1));
    const SERVING: Catalogue = Catalogue { backend_slos: &[SERVED], ..CATALOGUE };
    let (service, store) = (Service::start(), Store::start());
    let load_end = Arc::new(std::sync::OnceLock::new());
    let end = load_end.clone();
    let since_epoch = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    store.scraped("up{", 1.0);
    store.scraped_at_times("min_over_time(min((rate(served[15s])))[", move |at| {
        let is_idle = end.get().is_some_and(|end| at > end + 1.0);
        if is_idle { 0.0 } else { 5.0 }
    });
    let finished = Scenario::new("pings", &SERVING)
        .exercises(&[PING])
        .teardown(async move |_: &mut Vu, (): &()| {
            load_end.get_or_init(since_epoch);
            tokio::time::sleep(Duration::from_secs(4)).await;
            Ok(())
        })
        .load(constant_vus(1, Duration::from_secs(12)))
        .run_with(settings(&service, Some(&store), "idle-after-1"), async |vu: &mut Vu, ()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(50), Duration::from_millis(51)).await;
            Ok(())
        });
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", finished.report().unwrap().objectives.last());
}

#[test]
fn pushes_and_queries_carry_credentials() {
    // user:p@ss
    let basic = ("authorization", "Basic dXNlcjpwQHNz");
    let user = [(perf_settings::RW_USERNAME, "user"), (perf_settings::RW_PASSWORD, "p@ss")];
    let token = [(perf_settings::RW_BEARER_TOKEN, "t0p-secret")];
    let tenant = [(perf_settings::RW_HTTP_HEADERS, "X-Scope-OrgID: team-1")];
    for (testid, required, given, expected) in [
        ("basic-auth", basic, &user[..], ExitCode::Met),
        ("bearer", ("authorization", "Bearer t0p-secret"), &token, ExitCode::Met),
        ("tenant", ("x-scope-orgid", "team-1"), &tenant, ExitCode::Met),
        ("wrong", basic, &token, ExitCode::BadConfiguration),
        ("none", basic, &[], ExitCode::BadConfiguration),
    ] {
        let (service, store) = (Service::start(), Store::start());
        store.require_header(required.0, required.1);
        let settings = settings_with(&service, Some(&store), testid, given);
        let finished = pings(50).run_with(settings, async |vu: &mut Vu, ()| ping(vu).await);
        let text = finished.report().map_or_else(|(_, why)| why.to_owned(), |report| format!("{report:?}"));
        assert_eq!(code(&finished), expected, "{testid}: {text}");
        assert!(!text.contains("t0p") && !text.contains("p@ss") && !text.contains("p%40ss"), "{testid}: {text}");
    }
}

#[test]
fn a_store_is_reached_through_a_proxy_and_the_service_is_not() {
    let (service, store) = (Service::start(), Store::start());
    // The fake store also accepts the requests that a client sends to a proxy.
    let proxy = [("HTTP_PROXY", store.url.as_str()), ("HTTPS_PROXY", "http://127.0.0.1:9")];
    let mut settings = settings_with(&service, Some(&store), "proxied-1", &proxy);
    settings.remote_write = Some("http://store.invalid/api/v1/write".parse().unwrap());
    let finished = pings(50).run_with(settings, async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.run.store);
    assert_eq!(service.requests(), 50);
}

#[test]
fn an_unreachable_proxy_is_named() {
    let service = Service::start();
    let mut settings = settings_with(&service, None, "proxied-2", &[("HTTP_PROXY", "http://127.0.0.1:9")]);
    settings.remote_write = Some("http://store.invalid/api/v1/write".parse().unwrap());
    let finished = pings(50).run_with(settings, async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    let message = &report.problems().next().unwrap().message;
    assert!(message.contains("store.invalid/api/v1/write through the proxy http://127.0.0.1:9 "), "{message}");
}

#[test]
fn a_late_store_is_waited_for_and_a_contradicting_one_is_not() {
    let (service, store) = (Service::start(), Store::start());
    // Longer than a store may contradict.
    store.respond_late(Duration::from_secs(7));
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "late-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.run.store);
    // It has a good request too many: more was never sent, and time does not mend that.
    store.respond_late(Duration::ZERO);
    store.falsify("ping_latency_bucket");
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let start = std::time::Instant::now();
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "late-2"), async |vu: &mut Vu, ()| ping(vu).await);
    let (report, lasted) = (finished.report().unwrap(), start.elapsed());
    assert_eq!(code(&finished), ExitCode::Inconclusive, "{:?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(false), "{:?}", report.run.store);
    assert!(lasted < Duration::from_secs(30), "a late store would be waited for 45 s: {lasted:?}");
}

#[test]
fn a_store_with_a_latency_offset_is_asked_without_it() {
    let (service, store) = (Service::start(), Store::start());
    store.need_no_cache();
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "offset-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert_eq!(report.run.store.as_ref().unwrap().agrees, Some(true), "{:?}", report.run.store);
}
