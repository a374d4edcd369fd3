//! Targets that go away, freeze, or close idle connections.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_report::headline::Headline;
use perf_report::verdict::Verdict;
use perf_report::{FailureKind, Report};
use perf_settings::Settings;
use perf_tests::{Scenario, ScenarioResult, Vu, constant_arrival_rate, constant_vus, per_vu_iterations};

use super::fake_store::Store;
use super::{CATALOGUE, ECHO, PING, code, ping, verdict};
use test_support::raw_service::{Action, RawService};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn settings(service: &RawService, testid: &str) -> Settings {
    super::settings_at(&service.url, None, testid, &[])
}

pub(crate) fn has(report: &Report, kind: FindingKind, part: &str) -> bool {
    report.findings.iter().any(|finding| finding.kind == kind && finding.message.contains(part))
}

/// Runs pings while the service stops after `stop_after`, and starts again after another
/// `start_after`.
fn interrupted(load: perf_tests::plan::LoadProfile, testid: &str, start_after: Option<Duration>) -> ScenarioResult {
    let mut service = RawService::start(|_| Action::Respond);
    let settings = settings(&service, testid);
    let run = thread::spawn(move || {
        Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(load).run_with(
            settings,
            async |vu: &mut Vu, (): &()| {
                ping(vu).await?;
                vu.think(Duration::from_millis(5), Duration::from_millis(6)).await;
                Ok(())
            },
        )
    });
    while service.requests() < 100 {
        thread::sleep(Duration::from_millis(1));
    }
    service.stop();
    if let Some(pause) = start_after {
        thread::sleep(pause);
        service.start_again();
    }
    run.join().unwrap()
}

#[test]
fn a_service_that_closes_its_root_path_is_loaded() {
    let service = RawService::start(|request| match request.line.contains(" / ") {
        true => Action::Close,
        false => Action::Respond,
    });
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(per_vu_iterations(2, 50))
        .run_with(settings(&service, "root-1"), async |vu: &mut Vu, (): &()| ping(vu).await);
    assert_eq!(code(&finished), ExitCode::Met);
    let closed = RawService::start(|_| Action::Close);
    let finished = Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(per_vu_iterations(2, 50))
        .run_with(settings(&closed, "root-2"), async |vu: &mut Vu, (): &()| ping(vu).await);
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
}

#[test]
fn a_dead_target_gets_few_requests_and_the_run_is_missed() {
    for (load, testid) in [
        (constant_vus(5, SECOND * 3), "dead-closed"),
        (constant_arrival_rate(500, SECOND, SECOND * 3, 200), "dead-open"),
    ] {
        let finished = interrupted(load, testid, None);
        let report = finished.report().unwrap();
        assert!((1..150).contains(&report.requests.failed), "{testid}: {:?}", report.requests);
        assert!(report.requests.unknown > 500, "{testid}: {:?}", report.requests);
        assert_eq!(code(&finished), ExitCode::Missed, "{testid}: {:?}", report.findings);
        assert!(has(report, FindingKind::Outage, " and the end of the load: "), "{testid}: {:?}", report.findings);
        assert_eq!(report.problems().count(), 0, "{testid}: {:?}", report.findings);
        let cause = Headline::new(report).cause;
        assert!(cause.starts_with("no connection to the target for ") && cause.contains(". Missed: ping"), "{cause}");
        if let Some(arrivals) = report.run.plan.parts[0].model.arrivals() {
            assert_eq!(arrivals.planned, arrivals.started + report.iterations.dropped, "{arrivals:?}");
        }
    }
}

#[test]
fn a_target_that_closes_every_connection_gets_few_requests() {
    for (load, testid) in [
        (constant_vus(5, SECOND * 4), "closes-closed"),
        (constant_arrival_rate(300, SECOND, SECOND * 4, 200), "closes-open"),
    ] {
        // As a balancer without backends does.
        let service = RawService::start(|request| match (SECOND..SECOND * 3).contains(&request.at) {
            true => Action::Close,
            false => {
                thread::sleep(Duration::from_millis(5));
                Action::Respond
            }
        });
        let finished = Scenario::new("pings", &CATALOGUE)
            .exercises(&[PING])
            .load(load)
            .run_with(settings(&service, testid), async |vu: &mut Vu, (): &()| ping(vu).await);
        let report = finished.report().unwrap();
        assert!((1..150).contains(&report.requests.failed), "{testid}: {:?}", report.requests);
        assert!(report.requests.sent > 400, "it is back after 3 s: {testid}: {:?}", report.requests);
        assert_eq!(code(&finished), ExitCode::Missed, "{testid}: {:?}", report.findings);
        let expected = "no response on new connections to the target for ";
        assert!(has(report, FindingKind::Outage, expected), "{testid}: {:?}", report.findings);
    }
}

#[test]
fn load_goes_on_when_the_target_is_back() {
    let finished = interrupted(constant_vus(5, SECOND * 4), "back-1", Some(SECOND));
    let report = finished.report().unwrap();
    // A quarter of the load could not be made.
    assert_eq!(verdict(report, "ping_latency"), Verdict::Missed, "{report:?}");
    assert!(report.requests.sent > 800 && report.requests.failed < 100, "{:?}", report.requests);
    assert!(has(report, FindingKind::Outage, "no connection to the target for 1."), "{:?}", report.findings);
    let latency = report.objectives.iter().find(|it| it.id == "ping_latency").unwrap();
    let miss = perf_report::findings::describe_miss(latency);
    assert!(latency.share_of_threshold().unwrap() < 1.0 && miss.contains(" requests good, "), "{miss}");
}

#[test]
fn an_idempotent_request_on_a_stale_connection_is_sent_once_more() {
    const POST: Endpoint = Endpoint::new("post", "Post", Method::Post, "/post");
    const BOTH: Catalogue = Catalogue {
        endpoints: &[PING, POST],
        slos: &[Slo::p95(PING, Duration::from_millis(250)), Slo::p95(POST, Duration::from_millis(250))],
        ..CATALOGUE
    };
    for action in [Action::Close, Action::Reset] {
        // Closes idle connections only when the next request has come.
        let service = RawService::start(move |request| {
            if request.number > 1 && request.idle > Duration::from_millis(80) { action } else { Action::Respond }
        });
        let finished = Scenario::new("stale", &BOTH).exercises(&[PING, POST]).load(per_vu_iterations(2, 12)).run_with(
            settings(&service, "stale-1"),
            async |vu: &mut Vu, (): &()| {
                ping(vu).await?;
                vu.think(Duration::from_millis(100), Duration::from_millis(110)).await;
                // Not sent again, since the server may have processed it.
                let _ = vu.request(POST).send().await;
                vu.think(Duration::from_millis(100), Duration::from_millis(110)).await;
                Ok(())
            },
        );
        let report = finished.report().unwrap();
        let [pings, posts] = report.endpoints.as_slice() else { panic!("two endpoints") };
        // After a failed post the connection is new, so the next ping is not on a stale one.
        assert_eq!((pings.requests.sent, pings.requests.failed, pings.reconnects), (24, 0, 0));
        assert_eq!(posts.errors, [(FailureKind::Unanswered, 24)].into(), "{posts:?}");
        let only_pings = Scenario::new("stale", &BOTH).exercises(&[PING]).load(per_vu_iterations(2, 12)).run_with(
            settings(&service, "stale-2"),
            async |vu: &mut Vu, (): &()| {
                ping(vu).await?;
                vu.think(Duration::from_millis(100), Duration::from_millis(110)).await;
                Ok(())
            },
        );
        let report = only_pings.report().unwrap();
        let pings = &report.endpoints[0];
        assert_eq!((pings.requests.sent, pings.requests.failed, pings.reconnects), (24, 0, 22));
        let many = "22 of 24 requests were sent once more, because the server had closed";
        assert!(has(report, FindingKind::Reconnects, many), "{:?}", report.findings);
        assert_eq!(code(&only_pings), ExitCode::Met, "{:?}", report.findings);
        let style = perf_report::render::terminal::TerminalStyle::PLAIN;
        let text = perf_report::render::terminal::render_run(report, style);
        assert!(text.contains("22 requests sent once more on new connections"), "{text}");
    }
}

/// A server over HTTP/2. On each connection it responds to the first request, and closes the
/// connection at the second one: within its response (`half`), or without any. Returns its URL.
fn start_http2_that_closes(half: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let frame = |kind: u8, flags: u8, stream: &[u8; 4], payload: &[u8]| {
        let length = [0, 0, u8::try_from(payload.len()).unwrap()];
        [&length[..], &[kind, flags], stream, payload].concat()
    };
    let serve = move |mut connection: TcpStream| -> std::io::Result<()> {
        connection.read_exact(&mut [0; 24])?;
        connection.write_all(&frame(4, 0, &[0; 4], b""))?;
        let mut requests = 0;
        while requests < 2 {
            let mut head = [0; 9];
            connection.read_exact(&mut head)?;
            let [a, b, c, kind, _, stream @ ..] = head;
            connection.read_exact(&mut vec![0; u32::from_be_bytes([0, a, b, c]) as usize])?;
            requests += i32::from(kind == 1);
            // The block of fields has only the status 200.
            let headers = frame(1, 4, &stream, &[0x88]);
            match (kind, requests) {
                (1, 1) => connection.write_all(&[headers, frame(0, 1, &stream, b"ok")].concat())?,
                (1, _) if half => connection.write_all(&[headers, frame(0, 0, &stream, b"o")].concat())?,
                _ => {}
            }
        }
        Ok(())
    };
    thread::spawn(move || {
        for connection in listener.incoming() {
            thread::spawn(move || serve(connection.unwrap()));
        }
    });
    url
}

#[test]
fn a_response_that_breaks_off_over_http2_has_failed() {
    let get = (true, PING, FailureKind::Reset);
    for (half, endpoint, kind) in [get, (false, ECHO, FailureKind::Unanswered)] {
        let url = start_http2_that_closes(half);
        let settings = super::settings_at(&url, None, "breaks-off", &[(perf_settings::HTTP2, "1")]);
        let finished = Scenario::new("broken", &CATALOGUE)
            .exercises(&[endpoint])
            .load(per_vu_iterations(1, 4))
            .run_with(settings, async move |vu: &mut Vu, (): &()| {
                let request = vu.request(endpoint);
                let request = if half { request } else { request.path("word", 1) };
                request.send().await.map(drop).map_err(Into::into)
            });
        let report = finished.report().unwrap();
        let counts = report.endpoints.iter().find(|it| it.requests.sent > 0).unwrap();
        assert_eq!((counts.requests.sent, counts.reconnects), (4, 0), "{counts:?}");
        assert_eq!(counts.errors, [(kind, 2)].into(), "{counts:?}");
    }
}

#[test]
fn a_server_that_closes_after_each_response_fails_no_request() {
    let service = RawService::start(|request| if request.number == 1 { Action::Respond } else { Action::Close });
    let service_of_none =
        RawService::start(|request| if request.at.is_zero() { Action::Respond } else { Action::Close });
    let store = Store::start();
    let run = |service: &RawService, testid| {
        Scenario::new("pings", &CATALOGUE)
            .exercises(&[PING])
            .load(per_vu_iterations(1, 20))
            .run_with(super::settings_at(&service.url, Some(&store), testid, &[]), async |vu: &mut Vu, (): &()| {
                ping(vu).await
            })
    };
    let finished = run(&service, "once-1");
    let report = finished.report().unwrap();
    assert_eq!((report.requests.sent, report.requests.failed, report.endpoints[0].reconnects), (20, 0, 19));
    assert_eq!(store.last_sum("http_req_reconnects"), 19.0);
    // The target check and each request have a connection.
    assert_eq!(service.connections(), 21);
    let (refused, _) = run(&service_of_none, "once-2").report().map(drop).unwrap_err();
    assert_eq!(refused, ExitCode::BadConfiguration);
}

#[test]
fn a_node_is_loaded_under_its_real_name() {
    let service = RawService::start(|_| Action::Respond);
    let port = service.url.rsplit(':').next().unwrap().to_owned();
    let run = |resolve: &str, testid| {
        let given = [("PERF_RESOLVE", resolve)];
        let settings = super::settings_at(&format!("http://shop.test:{port}"), None, testid, &given);
        Scenario::new("pings", &CATALOGUE)
            .exercises(&[PING])
            .load(per_vu_iterations(4, 10))
            .run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await)
    };
    // Nothing listens at the first address. A connection that begins there goes on to the next one.
    let finished = run(&format!("shop.test:{port}:127.0.0.9,127.0.0.1"), "node-1");
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.findings);
    let (code, message) = run("shop.test:1:127.0.0.1", "node-2").report().map(drop).unwrap_err();
    assert!(code == ExitCode::BadConfiguration && message.contains("the target is shop.test:"), "{message}");
    let (code, message) = run(&format!("shop.test:{port}:203.0.113.7"), "node-3").report().map(drop).unwrap_err();
    assert!(code == ExitCode::BadConfiguration && message.contains("--allow-target shop.test"), "{message}");
}

/// A listener that accepts no more connections: its queue is full, so that attempts hang.
#[cfg(target_os = "linux")]
fn silent(address: &str) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    let (mut queue, address) = (Vec::new(), listener.local_addr().unwrap());
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
    }
    (listener, queue)
}

/// A run against a service whose name has a silent address first. Every other connection begins at
/// that address, and goes on to the next one after 250 ms, which is the objective's threshold.
#[cfg(target_os = "linux")]
fn run_behind_a_silent_address(service: &RawService, reuse: &str, testid: &str) -> ScenarioResult {
    let port = service.url.rsplit(':').next().unwrap();
    let _silent = silent(&format!("127.0.0.9:{port}"));
    let resolve = format!("shop.test:{port}:127.0.0.9,127.0.0.1");
    let given = [("PERF_RESOLVE", resolve.as_str()), ("K6_NO_CONNECTION_REUSE", reuse)];
    let settings = super::settings_at(&format!("http://shop.test:{port}"), None, testid, &given);
    Scenario::new("pings", &CATALOGUE)
        .exercises(&[PING])
        .load(per_vu_iterations(2, 20))
        .run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await)
}

#[test]
#[cfg(target_os = "linux")]
fn connecting_that_is_slower_than_the_objective_is_named() {
    let service = RawService::start(|_| Action::Respond);
    let slow = run_behind_a_silent_address(&service, "1", "connecting-1");
    let report = slow.report().unwrap();
    assert_eq!((code(&slow), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.findings);
    assert!(has(report, FindingKind::SlowConnecting, "ping: 2"), "{:?}", report.findings);
    let reused = run_behind_a_silent_address(&service, "0", "connecting-2");
    let report = reused.report().unwrap();
    assert!(!report.has(FindingKind::SlowConnecting), "2 connections for 40 requests: {:?}", report.findings);
}

#[test]
#[cfg(target_os = "linux")]
fn slow_connecting_is_named_if_responses_are_slow_too() {
    let service = RawService::start(|_| {
        thread::sleep(Duration::from_millis(260));
        Action::Respond
    });
    let slow = run_behind_a_silent_address(&service, "1", "connecting-3");
    let report = slow.report().unwrap();
    assert_eq!(code(&slow), ExitCode::Missed, "{:?}", report.findings);
    assert!(
        has(report, FindingKind::SlowConnecting, "ping: for 20 of 40 requests, connecting"),
        "{:?}",
        report.findings
    );
    let reused = run_behind_a_silent_address(&service, "0", "connecting-4");
    let report = reused.report().unwrap();
    assert!(!report.has(FindingKind::SlowConnecting), "1 of 40 requests: {:?}", report.findings);
}
