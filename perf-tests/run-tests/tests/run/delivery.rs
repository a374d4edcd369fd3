//! Delivery of metrics: protocol version, batches, retries, and series that a store rejects.

use fake_store::{ProtocolSupport, PushRecord};

use super::*;

fn run_against(store: &Store, testid: &str, given: &[(&str, &str)]) -> ScenarioResult {
    let service = Service::start();
    Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(constant_vus(1, Duration::from_secs(3))).run_with(
        settings_with(&service, Some(store), testid, given),
        async |vu: &mut Vu, ()| {
            ping(vu).await?;
            vu.think(Duration::from_millis(10), Duration::from_millis(20)).await;
            Ok(())
        },
    )
}

/// Runs all cases in parallel. The store receives the same on a busy machine.
fn run_in_parallel<T: Copy + Sync>(cases: &[T], check: impl Fn(T) + Sync) {
    std::thread::scope(|scope| cases.iter().for_each(|case| drop(scope.spawn(|| check(*case)))));
}

fn versions(requests: &[PushRecord]) -> Vec<&str> {
    requests.iter().map(|request| request.version.as_str()).collect()
}

#[test]
fn the_protocol_version_follows_the_receiver() {
    let cases = [
        ("v2", ProtocolSupport::V2, usize::MAX),
        ("v1-unsupported-media-type", ProtocolSupport::V1UnsupportedMediaType, 1),
        ("v1-no-content", ProtocolSupport::V1NoContent, 1),
        ("v2-writes-nothing", ProtocolSupport::WritesNothing, 1),
        ("v1-bad-request", ProtocolSupport::V1BadRequest, 1),
        ("v1-server-error", ProtocolSupport::V1ServerError, 2),
    ];
    run_in_parallel(&cases, |(testid, support, requests_in_v2)| {
        let store = Store::start();
        store.set_support(support);
        let finished = run_against(&store, testid, &[]);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
        assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "{testid}");
        let requests = store.requests();
        let v2 = versions(&requests).iter().filter(|version| **version == "2.0.0").count();
        assert_eq!(
            v2,
            requests_in_v2.min(requests.len()),
            "{testid}: other requests use the known version: {:?}",
            versions(&requests)
        );
    });
}

#[test]
fn a_rejected_series_is_named_and_others_are_stored() {
    let cases = [
        ("rejected-two", ProtocolSupport::V2),
        ("rejected-one", ProtocolSupport::V1UnsupportedMediaType),
        ("rejected-fails", ProtocolSupport::V1ServerError),
    ];
    run_in_parallel(&cases, |(testid, support)| {
        let store = Store::start();
        store.set_support(support);
        // The series does not exist before the first response, so the run begins.
        store.reject_series("__name__=http_req_duration_sum,");
        let finished = run_against(&store, testid, &[]);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Inconclusive, "{testid}");
        let message = &report.problems().next().unwrap().message;
        assert!(message.contains("status 400: bad series in request"), "{testid}: {message}");
        assert!(message.contains("http_req_duration_sum{method=\"GET\""), "{testid}: {message}");
        assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "{testid}: all other series arrive");
        let single = store.requests().iter().filter(|request| request.series == 1).count();
        assert!(single <= 4, "{testid}: the series is searched for once: {single}");
    });
}

#[test]
fn a_series_is_named_if_the_first_push_is_rejected() {
    let store = Store::start();
    store.set_support(ProtocolSupport::V1ServerError);
    // The series exists from the first push on.
    store.reject_series("__name__=ping_latency_sum,");
    let finished = run_against(&store, "rejected-fails-first", &[]);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    let message = &report.problems().next().unwrap().message;
    assert!(message.contains("status 400") && message.contains("ping_latency_sum{"), "{message}");
    assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "all other series arrive");
}

#[test]
fn a_store_that_rejects_one_push_and_recovers_has_every_series() {
    let (service, store) = (Service::start(), Store::start());
    store.reject_series("__name__=http_req_duration_sum,");
    store.recover_below(60);
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "changes"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert!(report.run.store.as_ref().unwrap().refused > 0, "the store rejected nothing");
    assert!(store.series().keys().any(|labels| labels.contains("__name__=http_req_duration_sum,")));
}

#[test]
fn a_store_that_rejects_slowly_does_not_delay_the_end() {
    let (service, store) = (Service::start(), Store::start());
    store.delay_responses(Duration::from_millis(1_500));
    store.reject_series("__name__=http_req_duration_sum,");
    store.reject_series("__name__=http_req_duration_count,");
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let started = std::time::Instant::now();
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "slow-bisection"), async |vu: &mut Vu, ()| ping(vu).await);
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    // Ten seconds until the deadline, the push under way then, and a few queries. A complete
    // bisection would take forty seconds.
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
}

#[test]
fn a_store_that_recovers_during_bisection_has_every_series() {
    let (service, store) = (Service::start(), Store::start());
    let rejected = ["__name__=http_req_duration_sum,", "__name__=http_req_duration_count,"];
    rejected.iter().for_each(|text| store.reject_series(text));
    // Each series is rejected alone. The first one that is tried again finds the store unavailable.
    store.recover_after(3);
    // The run is shorter than a push interval, so the last push is bisected.
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "recovers"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    for text in rejected {
        assert!(store.series().keys().any(|labels| labels.contains(text)), "{text} is missing");
    }
}

#[test]
fn retries_back_off_and_send_their_attempt_number() {
    let store = Store::start();
    store.respond_with(503);
    let finished = run_against(&store, "backoff", &[]);
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    let requests = store.requests();
    let attempts: Vec<_> = requests.iter().map(|request| request.attempt.parse().unwrap_or(0)).collect();
    assert_eq!(attempts, (0..attempts.len()).collect::<Vec<_>>(), "each attempt has the next number");
    // Ten seconds until the deadline and three of load, with pauses of up to five seconds.
    assert!((6..=24).contains(&requests.len()), "{}", requests.len());
    // The deadline cuts the last pause short.
    let longest = requests.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(longest > Duration::from_secs(1), "{longest:?}");
}

#[test]
fn a_stores_retry_after_is_respected() {
    let store = Store::start();
    store.fail_pushes(1);
    store.send_retry_after(2);
    let finished = run_against(&store, "retry-after", &[]);
    assert_eq!(code(&finished), ExitCode::Met);
    let requests = store.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(2), "{:?}", requests[1].at - requests[0].at);
    assert_eq!(requests[1].attempt, "1");
}

#[test]
fn a_retry_after_of_the_last_push_extends_its_deadline_once() {
    let run = |testid: &str, failing| {
        let (service, store) = (Service::start(), Store::start());
        // The run is shorter than a push interval, so the last push is the second.
        store.lose_responses(failing);
        store.send_retry_after(13);
        let settings = settings(&service, Some(&store), testid);
        (code(&pings(50).run_with(settings, async |vu: &mut Vu, ()| ping(vu).await)), store.requests())
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (code, requests) = run("late-retry-1", 1);
            assert_eq!(code, ExitCode::Met);
            assert!(requests[2].at - requests[1].at >= Duration::from_secs(13));
        });
        let (code, requests) = run("late-retry-2", 2);
        // The attempt after the wait has two requests, with and without zeros.
        assert_eq!((code, requests.len()), (ExitCode::Inconclusive, 4), "{requests:?}");
    });
}

#[test]
fn native_and_classic_histograms_have_equal_counts() {
    run_in_parallel(
        &[("native-v2", ProtocolSupport::V2), ("native-v1", ProtocolSupport::V1UnsupportedMediaType)],
        |(testid, support)| {
            let store = Store::start();
            store.set_support(support);
            let finished = run_against(&store, testid, &[(perf_settings::NATIVE_HISTOGRAMS, "true")]);
            let report = finished.report().unwrap();
            assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
            let natives = store.natives();
            let ping: Vec<_> = natives.iter().filter(|(labels, _)| labels.contains("__name__=ping_latency,")).collect();
            let counts: u64 = ping.iter().map(|(_, histogram)| histogram.count_int.unwrap()).sum();
            assert_eq!(counts, report.requests.sent, "{testid}: {natives:?}");
            assert_eq!(store.last_sum("ping_latency_count"), report.requests.sent as f64, "{testid}");
        },
    );
}
