//! Several requests of a virtual user at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use perf_report::exit_code::ExitCode;
use perf_settings::Settings;
use perf_tests::engine::RequestError;
use perf_tests::{Scenario, ScenarioResult, Vu, shared_iterations};
use test_support::fake_server::serve;
use tokio::sync::{Barrier, watch};

use super::{CATALOGUE, ECHO, PING, code, settings_at};

/// The check before the run has a connection of its own.
const FIRST_CHECK: u64 = 1;
const AUTH: Host = Host::new("auth", "Login server");
const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Post, "/echo/{word}").on(AUTH);
const TWO_HOSTS: Catalogue = Catalogue { endpoints: &[PING, ECHO, LOG_IN], slos: &[], ..CATALOGUE };

/// A server that holds each request to `/echo/{word}` until `together` of them are there. Then it
/// responds to the one with the largest number first.
struct HoldingServer {
    url: String,
    connections: Arc<AtomicU64>,
    /// The largest number of requests there at once.
    most: Arc<AtomicUsize>,
}

impl HoldingServer {
    fn start(together: usize) -> Self {
        let (connections, most) = (Arc::<AtomicU64>::default(), Arc::<AtomicUsize>::default());
        let (barrier, there) = (Arc::new(Barrier::new(together)), Arc::<AtomicUsize>::default());
        let (seen, done) = (most.clone(), watch::Sender::new(0));
        let echo = move |Path(word): Path<usize>| async move {
            seen.fetch_max(there.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait().await;
            let before = together - 1 - word % together;
            done.subscribe().wait_for(|done| done % together == before).await.unwrap();
            there.fetch_sub(1, Ordering::SeqCst);
            done.send_modify(|done| *done += 1);
            word.to_string()
        };
        let router = Router::new().route("/echo/{word}", post(echo)).fallback(async || "");
        Self { url: serve(router, Arc::default(), connections.clone()), connections, most }
    }

    fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

fn settings(url: &str, testid: &str) -> Settings {
    let mut settings = settings_at(url, None, testid, &[]);
    settings.http.request_timeout = Duration::from_secs(10);
    settings
}

fn run(
    settings: Settings,
    iterations: u64,
    iteration: impl AsyncFn(&mut Vu) -> anyhow::Result<()> + Send + Sync + 'static,
) -> ScenarioResult {
    Scenario::new("at-once", &TWO_HOSTS)
        .exercises(&[PING, ECHO])
        .load(shared_iterations(1, iterations))
        .run_with(settings, async move |vu: &mut Vu, (): &()| iteration(vu).await)
}

/// The number of requests, if nothing failed, panicked or was wrong.
fn sent(finished: &ScenarioResult) -> u64 {
    let report = finished.report().unwrap();
    assert_eq!(report.problems().map(|problem| &problem.message).collect::<Vec<_>>(), [""; 0]);
    assert_eq!((report.requests.failed, report.iterations.interrupted), (0, 0), "{:?}", report.failures);
    report.requests.sent
}

/// Sends `count` requests at once. Their results are in order.
async fn echo_all(vu: &mut Vu, count: usize) -> anyhow::Result<()> {
    let requests = (0..count).map(|word| vu.request(ECHO).path("word", word).json(&word).prepare()).collect();
    for (word, response) in vu.all_of(requests).await.into_iter().enumerate() {
        assert_eq!(response?.body(), word.to_string().as_bytes());
    }
    Ok(())
}

#[test]
fn requests_at_once_overlap_and_their_results_are_in_order() {
    let server = HoldingServer::start(6);
    let finished = run(settings(&server.url, "all-1"), 1, async |vu| echo_all(vu, 6).await);
    assert_eq!(sent(&finished), 6);
    assert_eq!(server.most.load(Ordering::SeqCst), 6);
}

#[test]
fn a_virtual_user_has_at_most_six_connections_to_a_host() {
    let server = HoldingServer::start(6);
    let finished = run(settings(&server.url, "all-2"), 3, async |vu| {
        vu.request(PING).send().await?;
        echo_all(vu, 18).await?;
        vu.request(PING).send().await?;
        Ok(())
    });
    assert_eq!(sent(&finished), 3 * 20);
    assert_eq!(server.most.load(Ordering::SeqCst), 6);
    assert_eq!(server.connections(), FIRST_CHECK + 6);
}

#[test]
fn requests_at_once_are_streams_of_one_http2_connection() {
    let server = HoldingServer::start(100);
    let mut settings = settings(&server.url, "all-3");
    settings.http.http2 = true;
    let finished = run(settings, 2, async |vu| {
        echo_all(vu, 100).await?;
        vu.request(PING).send().await?;
        echo_all(vu, 200).await
    });
    assert_eq!(sent(&finished), 2 * 301);
    assert_eq!(server.most.load(Ordering::SeqCst), 100);
    assert_eq!(server.connections(), FIRST_CHECK + 1);
}

#[test]
fn each_host_has_a_limit_of_its_own() {
    // One barrier for both: they are two names of one server.
    let server = HoldingServer::start(12);
    let targets = format!("{} auth={}", server.url, server.url.replace("127.0.0.1", "localhost"));
    let finished = run(settings(&targets, "all-4"), 1, async |vu| {
        let mut on_either = |word| match word % 2 {
            0 => vu.request(ECHO).path("word", word).prepare(),
            _ => vu.unjudged(Method::Post, "/echo/{word}").on(AUTH).path("word", word).prepare(),
        };
        let requests = (0..12).map(&mut on_either).collect();
        for (word, response) in vu.all_of(requests).await.into_iter().enumerate() {
            assert_eq!(response?.body(), word.to_string().as_bytes());
        }
        Ok(())
    });
    assert_eq!(sent(&finished), 6);
    assert_eq!(server.most.load(Ordering::SeqCst), 12);
}

#[test]
fn a_failed_request_at_once_does_not_stop_others() {
    let echo = async |Path(word): Path<String>| match word.as_str() {
        "missing" => StatusCode::NOT_FOUND.into_response(),
        "moved" => Redirect::to("/ping").into_response(),
        "silent" => std::future::pending().await,
        word => word.to_owned().into_response(),
    };
    let router = Router::new().route("/echo/{word}", post(echo)).fallback(async || "pong");
    for (testid, http2) in [("all-5", false), ("all-6", true)] {
        let url = serve(router.clone(), Arc::default(), Arc::default());
        let mut settings = settings(&url, testid);
        settings.http.request_timeout = Duration::from_millis(500);
        (settings.http.max_redirects, settings.http.http2) = (1, http2);
        let finished = run(settings, 1, async |vu| {
            let mut echo = |word, status| {
                let request = vu.request(ECHO).path("word", word).expect(status);
                request.check("is short", |response| response.body().len() < 5).prepare()
            };
            let [missing, expected] = [200, 404].map(|status| echo("missing", status));
            let [moved, silent, long, fine] = ["moved", "silent", "too long", "fine"].map(|word| echo(word, 200));
            let results = vu.all([missing, moved, expected, silent, long, fine]).await;
            let described = results.map(|result| match result {
                Ok(response) => format!("{} {}", response.status(), String::from_utf8_lossy(response.body())),
                Err(RequestError::Failed { kind, place, .. }) => format!("{kind:?} in {}", place.unwrap().file()),
                Err(error) => panic!("{error}"),
            });
            let failed = |kind| format!("{kind} in {}", file!());
            let expected = ["200 pong".to_owned(), "404 ".to_owned()];
            assert_eq!(described[0], failed("Status"));
            assert_eq!(described[1..3], expected);
            assert_eq!(described[3..5], [failed("Timeout"), failed("Check")]);
            assert_eq!(described[5], "200 fine");
            Ok(())
        });
        let report = finished.report().unwrap();
        // The redirect is a request of its own.
        assert_eq!((report.requests.sent, report.requests.failed), (7, 3), "{:?}", report.failures);
        assert_eq!(report.iterations.completed, 1, "{:?}", report.findings);
    }
}

#[test]
fn an_unsendable_request_among_several_ends_the_run_with_its_line() {
    let url = serve(Router::new().fallback(async || ""), Arc::default(), Arc::default());
    let finished = run(settings(&url, "all-7"), 1, async |vu| {
        let without_word = vu.request(ECHO).prepare();
        let line = line!() - 1;
        let ping = vu.request(PING).prepare();
        let [unsendable, ping] = vu.all([without_word, ping]).await;
        let message = unsendable.unwrap_err().to_string();
        assert!(message.ends_with(&format!("at {}:{line}", file!())), "{message}");
        ping?;
        Ok(())
    });
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let report = finished.report().unwrap();
    let [problem] = &*report.problems().collect::<Vec<_>>() else { panic!("{:?}", report.findings) };
    let message = &problem.message;
    assert!(message.starts_with("echo cannot be sent: no value was given for {word}"), "{message}");
    assert_eq!(report.requests.sent, 1, "the other request is sent");
}

#[test]
fn a_cookie_of_one_response_is_sent_with_later_requests() {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    // Responds at once to the first request, and to the others when all seven have come.
    let (recorded, barrier) = (seen.clone(), Arc::new(Barrier::new(6)));
    let echo = move |Path(word): Path<String>, headers: HeaderMap| async move {
        let cookie = headers.get("cookie").map_or("-", |cookie| cookie.to_str().unwrap());
        recorded.lock().unwrap().push(format!("{word} {cookie}"));
        if word != "0" {
            barrier.wait().await;
        }
        [("set-cookie", format!("c{word}=1; Path=/"))]
    };
    let router = Router::new().route("/echo/{word}", post(echo)).route("/ping", get(async || "")).fallback(async || "");
    let finished = run(settings(&serve(router, Arc::default(), Arc::default()), "all-8"), 1, async |vu| {
        vu.cookies().set("own", "1");
        let requests = (0..7).map(|word| vu.request(ECHO).path("word", word).prepare()).collect();
        for response in vu.all_of(requests).await {
            response?;
        }
        assert!((0..7).all(|word| vu.cookies().get(&format!("c{word}")).is_some()));
        Ok(())
    });
    assert_eq!(sent(&finished), 7);
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let first = (0..6).map(|word| format!("{word} own=1"));
    assert_eq!(seen, first.chain(["6 own=1; c0=1".to_owned()]).collect::<Vec<_>>());
}
