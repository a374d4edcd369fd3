//! Targets at a Unix socket: requests, reports, and the messages if none can be made.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_tests::{Scenario, Vu, constant_vus, shared_iterations};
use test_support::fake_server::serve_at_socket;
use test_support::programs;
use tokio::sync::Notify;

use super::fake_store::Store;
use super::{CATALOGUE, PING, code, ping, pings, settings_at};

/// A service at a Unix socket that records its requests. `/…/ping` sets a cookie and redirects to
/// an absolute URL.
struct SocketService {
    path: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<Notify>,
    serving: Option<JoinHandle<()>>,
}

impl SocketService {
    fn start(name: &str) -> Self {
        let path = socket(name);
        let (requests, stop) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Notify>::default());
        let recorded = requests.clone();
        let handler = move |request: Request| async move {
            let authority = request.uri().authority().map(ToString::to_string);
            let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            let host = header("host").or(authority).unwrap();
            let (path, cookie) = (request.uri().path().to_owned(), header("cookie").unwrap_or_default());
            let line = format!("{} {path} {:?} {host} {cookie}", request.method(), request.version());
            recorded.lock().unwrap().push(line.trim_end().to_owned());
            match path.strip_suffix("/moved") {
                Some(base) => {
                    let cookie = AppendHeaders([("set-cookie", format!("a=1; Path={base}/there"))]);
                    (cookie, Redirect::to(&format!("http://{host}{base}/there"))).into_response()
                }
                None => "here".into_response(),
            }
        };
        let serving = Some(serve_at_socket(Router::new().fallback(handler), &path, stop.clone()));
        Self { path, requests, stop, serving }
    }

    fn target(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    /// The distinct requests, without those that check whether it responds.
    fn requests(&self) -> Vec<String> {
        let mut requests = self.requests.lock().unwrap().clone();
        requests.retain(|request| !request.contains("/ HTTP"));
        requests.dedup();
        requests
    }

    /// Closes all connections and removes the socket.
    fn remove(&mut self) {
        self.stop.notify_one();
        self.serving.take().unwrap().join().unwrap();
        std::fs::remove_file(&self.path).unwrap();
    }
}

/// A short path, since that of a socket has at most about 100 bytes.
fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("perf-{name}-{}.sock", std::process::id()))
}

impl Drop for SocketService {
    fn drop(&mut self) {
        // An error means that the test has removed it.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn a_target_at_a_socket_is_loaded_and_named_in_the_report() {
    let (service, store) = (SocketService::start("load"), Store::start());
    let target = format!("{}:/base", service.target());
    let settings = settings_at(&target, Some(&store), "socket-1", &[]);
    let finished = pings(50).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.findings);
    assert_eq!(service.requests(), ["GET /base/ping HTTP/1.1 localhost"]);
    assert_eq!(report.run.target, target);
    assert_eq!(report.run.environment.targets[0].to_string().trim(), format!("{target} (HTTP/1.1)"));
    assert!(store.last_sum("http_req_connecting_sum") > 0.0);
    for part in ["looking_up", "tls_handshaking"] {
        assert_eq!(store.last_sum(&format!("http_req_{part}_sum")), 0.0, "{part}");
    }
}

#[test]
fn sockets_of_several_hosts_have_names_of_their_own() {
    const AUTH: Host = Host::new("auth", "Login server");
    const MOVED: Endpoint = Endpoint::new("moved", "Moved", Method::Get, "/moved");
    const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Get, "/moved").on(AUTH);
    const BOTH: Catalogue = Catalogue { endpoints: &[MOVED, LOG_IN], critical: &[], slos: &[], ..CATALOGUE };
    let (main, auth) = (SocketService::start("main"), SocketService::start("auth"));
    for (http2, version) in [("", "HTTP/1.1"), ("1", "HTTP/2.0")] {
        let given = [("PERF_HOST_HEADER", "auth=shop.test:81"), ("PERF_HTTP2", http2)];
        let targets = format!("{} auth={}:/base", main.target(), auth.target());
        let mut settings = settings_at(&targets, None, "socket-2", &given);
        settings.http.max_redirects = 1;
        let scenario = Scenario::new("both", &BOTH).exercises(&[MOVED, LOG_IN]).load(shared_iterations(1, 1));
        let finished = scenario.run_with(settings, async |vu: &mut Vu, (): &()| {
            vu.request(MOVED).send().await?;
            vu.request(LOG_IN).send().await?;
            Ok(())
        });
        let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
        assert_eq!(report.iterations.failed, 0, "{:?}", report.failures);
        let lines = [format!("GET /moved {version} localhost"), format!("GET /there {version} localhost a=1")];
        assert_eq!(main.requests(), lines);
        let lines = ["moved", "there"].map(|path| format!("GET /base/{path} {version} shop.test:81"));
        assert_eq!(auth.requests(), [lines[0].clone(), format!("{} a=1", lines[1])]);
        main.requests.lock().unwrap().clear();
        auth.requests.lock().unwrap().clear();
    }
}

#[test]
fn a_socket_without_a_service_ends_the_run_before_setup() {
    let (service, file) = (SocketService::start("refused"), socket("file"));
    std::fs::write(&file, "").unwrap();
    let file = file.display();
    for (target, given, expected) in [
        ("unix:/nowhere/app.sock".to_owned(), ("", ""), "there is no socket /nowhere/app.sock; start the service, or"),
        (format!("unix:{file}"), ("", ""), "is a file, not a socket; start the service, or choose another target"),
        (service.target(), ("PERF_RESOLVE", "localhost:80:127.0.0.1"), "a Unix socket has none: remove PERF_RESOLVE"),
    ] {
        let settings = settings_at(&target, None, "socket-3", &[given]);
        let finished = pings(50).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
        let (code, message) = finished.report().map(drop).unwrap_err();
        assert!(code == ExitCode::BadConfiguration && message.contains(expected), "{message}");
    }
    std::fs::remove_file(socket("file")).unwrap();
}

#[test]
fn a_setting_about_names_is_reported_as_without_effect() {
    let service = SocketService::start("ttl");
    let settings = settings_at(&service.target(), None, "socket-4", &[("PERF_DNS_TTL", "1m")]);
    let finished = pings(50).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
    let findings = &finished.report().unwrap().findings;
    let ignored = findings.iter().find(|finding| finding.kind == FindingKind::SettingIgnored);
    assert!(ignored.is_some_and(|it| it.message.starts_with("PERF_DNS_TTL has no effect")), "{findings:?}");
}

#[test]
fn a_socket_that_is_removed_during_the_load_is_an_outage() {
    let mut service = SocketService::start("gone");
    let settings = settings_at(&service.target(), None, "socket-5", &[]);
    let run = thread::spawn(move || {
        let load = constant_vus(5, Duration::from_secs(3));
        Scenario::new("pings", &CATALOGUE).exercises(&[PING]).load(load).run_with(
            settings,
            async |vu: &mut Vu, (): &()| {
                ping(vu).await?;
                vu.think(Duration::from_millis(5), Duration::from_millis(6)).await;
                Ok(())
            },
        )
    });
    while service.requests.lock().unwrap().len() < 100 {
        thread::sleep(Duration::from_millis(1));
    }
    service.remove();
    let finished = run.join().unwrap();
    let report = finished.report().unwrap();
    assert_eq!(code(&finished), ExitCode::Missed, "{:?}", report.findings);
    assert!((1..150).contains(&report.requests.failed), "{:?}", report.requests);
    let outage = report.findings.iter().find(|finding| finding.kind == FindingKind::Outage);
    assert!(outage.is_some_and(|it| it.message.contains(" and the end of the load: ")), "{:?}", report.findings);
    let causes = format!("{:?}", report.failures);
    assert!(causes.contains(&format!("there is no socket {}", service.path.display())), "{causes}");
}

#[test]
#[ignore = "needs uvicorn: run with cargo xtask ci"]
fn uvicorn_at_a_socket_is_loaded() {
    let path = socket("uvicorn");
    let _uvicorn = programs::uvicorn_at_socket(&path);
    let settings = settings_at(&format!("unix:{}", path.display()), None, "socket-6", &[]);
    let finished = pings(200).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((report.requests.sent, report.requests.failed), (200, 0), "{:?}", report.failures);
    std::fs::remove_file(path).unwrap();
}
