//! How metrics are sent: in which version, in how large pieces, how often again, and what becomes of what a store does not take.

use fake_store::{Pushed, Speaks};

use super::*;

fn run_against(store: &Store, testid: &str, given: &[(&str, &str)]) -> Finished {
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

/// Each by itself and all at once: what a store is told does not depend on how busy this machine is.
fn at_once<T: Copy + Sync>(cases: &[T], check: impl Fn(T) + Sync) {
    std::thread::scope(|scope| cases.iter().for_each(|case| drop(scope.spawn(|| check(*case)))));
}

fn versions(requests: &[Pushed]) -> Vec<&str> {
    requests.iter().map(|request| request.version.as_str()).collect()
}

#[test]
fn the_version_is_what_the_receiver_speaks() {
    let cases = [
        ("two", Speaks::Two, usize::MAX),
        ("one-says-so", Speaks::OneAndSaysSo, 1),
        ("one-unawares", Speaks::OneUnawares, 1),
        ("one-is-confused", Speaks::OneAndIsConfused, 1),
        ("one-fails", Speaks::OneAndFails, 2),
    ];
    at_once(&cases, |(testid, speaks, asked_in_two)| {
        let store = Store::start();
        store.speaks(speaks);
        let finished = run_against(&store, testid, &[]);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
        assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "{testid}");
        let requests = store.requests();
        let two = versions(&requests).iter().filter(|version| **version == "2.0.0").count();
        assert_eq!(
            two,
            asked_in_two.min(requests.len()),
            "{testid}: it is asked no more often: {:?}",
            versions(&requests)
        );
    });
}

#[test]
fn a_series_that_is_not_taken_is_named_and_costs_no_other() {
    let cases =
        [("spoiled-two", Speaks::Two), ("spoiled-one", Speaks::OneAndSaysSo), ("spoiled-fails", Speaks::OneAndFails)];
    at_once(&cases, |(testid, speaks)| {
        let store = Store::start();
        store.speaks(speaks);
        // It is not there before a request has been answered, so that the run begins.
        store.spoil("__name__=http_req_duration_sum,");
        let finished = run_against(&store, testid, &[]);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Inconclusive, "{testid}");
        let message = &report.problems().next().unwrap().message;
        assert!(message.contains("answered 400: there is something in it"), "{testid}: {message}");
        assert!(message.contains("http_req_duration_sum{method=\"GET\""), "{testid}: {message}");
        assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "{testid}: all else arrives");
        let single = store.requests().iter().filter(|request| request.series == 1).count();
        assert!(single <= 4, "{testid}: it is looked for once: {single}");
    });
}

#[test]
fn a_store_whose_version_shows_only_with_a_refusal_names_the_series_too() {
    let store = Store::start();
    store.speaks(Speaks::OneAndFails);
    // It is there from the first push on.
    store.spoil("__name__=ping_latency_sum,");
    let finished = run_against(&store, "spoiled-fails-first", &[]);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    let message = &report.problems().next().unwrap().message;
    assert!(message.contains("answered 400") && message.contains("ping_latency_sum{"), "{message}");
    assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "all else arrives");
}

#[test]
fn a_store_that_refuses_once_and_then_takes_every_part_has_everything() {
    let (service, store) = (Service::start(), Store::start());
    store.spoil("__name__=http_req_duration_sum,");
    store.recover_below(60);
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "changes"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    assert!(report.store.as_ref().unwrap().refused > 0, "it refused nothing");
    assert!(store.series().keys().any(|labels| labels.contains("__name__=http_req_duration_sum,")));
}

#[test]
fn a_store_that_is_slow_to_refuse_does_not_hold_up_the_end() {
    let (service, store) = (Service::start(), Store::start());
    store.takes_for_an_answer(Duration::from_millis(1_500));
    store.spoil("__name__=http_req_duration_sum,");
    store.spoil("__name__=http_req_duration_count,");
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let started = std::time::Instant::now();
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "slow-sift"), async |vu: &mut Vu, ()| ping(vu).await);
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    // Ten seconds of patience, what is under way then, and a few questions; sifted to its end it would be forty.
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
}

#[test]
fn a_store_that_recovers_while_it_is_sifted_gets_everything() {
    let (service, store) = (Service::start(), Store::start());
    let spoiled = ["__name__=http_req_duration_sum,", "__name__=http_req_duration_count,"];
    spoiled.iter().for_each(|text| store.spoil(text));
    // Each is refused by itself, and the first that is tried once more finds it away.
    store.recover_after(3);
    // Over within a push interval: what is sifted is the last push.
    let finished =
        pings(50).run_with(settings(&service, Some(&store), "recovers"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.findings);
    for text in spoiled {
        assert!(store.series().keys().any(|labels| labels.contains(text)), "{text} is lost");
    }
}

#[test]
fn a_store_is_left_alone_for_longer_and_longer_and_told_which_attempt_it_is() {
    let store = Store::start();
    store.answer(503);
    let finished = run_against(&store, "backoff", &[]);
    assert_eq!(code(&finished), ExitCode::Inconclusive);
    let requests = store.requests();
    let attempts: Vec<_> = requests.iter().map(|request| request.attempt.parse().unwrap_or(0)).collect();
    assert_eq!(attempts, (0..attempts.len()).collect::<Vec<_>>(), "each is the next");
    // Ten seconds of patience and three of load, at pauses of up to five seconds.
    assert!((6..=24).contains(&requests.len()), "{}", requests.len());
    // The last pause is cut short where patience ends.
    let longest = requests.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(longest > Duration::from_secs(1), "{longest:?}");
}

#[test]
fn a_store_that_asks_to_be_left_alone_is() {
    let store = Store::start();
    store.away_for(1);
    store.ask_for(2);
    let finished = run_against(&store, "asked", &[]);
    assert_eq!(code(&finished), ExitCode::Met);
    let requests = store.requests();
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(2), "{:?}", requests[1].at - requests[0].at);
    assert_eq!(requests[1].attempt, "1");
}

#[test]
fn native_histograms_come_beside_classic_ones_and_count_the_same() {
    at_once(&[("native-two", Speaks::Two), ("native-one", Speaks::OneAndSaysSo)], |(testid, speaks)| {
        let store = Store::start();
        store.speaks(speaks);
        let finished = run_against(&store, testid, &[(perf_settings::NATIVE_HISTOGRAMS, "true")]);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Met, "{testid}: {:?}", report.findings);
        let natives = store.natives();
        let of_ping: Vec<_> = natives.iter().filter(|(labels, _)| labels.contains("__name__=ping_latency,")).collect();
        let counts: u64 = of_ping.iter().map(|(_, histogram)| histogram.count_int.unwrap()).sum();
        assert_eq!(counts, report.requests.sent, "{testid}: {natives:?}");
        assert_eq!(store.last_sum("ping_latency_count"), report.requests.sent as f64, "{testid}");
    });
}
