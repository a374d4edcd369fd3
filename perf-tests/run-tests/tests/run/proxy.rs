//! Load through a proxy (`--proxy`).

use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_report::interpretation::interpret;
use perf_report::{FailureKind, Report};
use perf_tests::ScenarioResult;
use test_support::fake_proxy::FakeProxy;
use test_support::fake_server::{respond, unreachable_url};

use super::{Service, code, ping, pings, settings_at};
use test_support::tls_server::TlsServer;

/// me:S3cr3t
const CREDENTIALS: &str = "Basic bWU6UzNjcjN0";

fn with_user(authority: &str) -> String {
    format!("http://me:S3cr3t@{authority}")
}

fn run(target: &str, proxy: &str, testid: &str, given: &[(&str, &str)]) -> ScenarioResult {
    let given: Vec<_> = [(perf_settings::PROXY, proxy)].into_iter().chain(given.iter().copied()).collect();
    let settings = settings_at(target, None, testid, &given);
    pings(20).run_with(settings, async |vu: &mut _, (): &()| ping(vu).await)
}

fn met(finished: &ScenarioResult) -> &Report {
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((report.requests.sent, report.requests.failed), (20, 0), "{:?}", report.failures);
    report
}

#[test]
fn all_load_goes_through_the_proxy() {
    let (service, proxy) = (Service::start(), FakeProxy::start(CREDENTIALS));
    let finished = run(&service.url, &with_user(&proxy.authority), "proxy-1", &[]);
    let report = met(&finished);
    assert_eq!((service.requests(), service.connections()), (20, proxy.tunnels()));
    assert_eq!(report.run.environment.proxy.as_deref(), Some(&*format!("http://{}", proxy.authority)));
    let json = serde_json::to_string(report).unwrap();
    assert!(!json.contains("S3cr3t") && !json.contains("bWU6"), "{json}");
    assert_eq!(service.tokens(), [] as [&str; 0], "the service does not get the proxy's credentials");
    let destination = service.url.trim_start_matches("http://");
    let heads = proxy.heads();
    assert!(heads.len() == 1 && heads[0].starts_with(&format!("CONNECT {destination} HTTP/1.1\r\n")), "{heads:?}");
}

#[test]
fn tls_is_with_the_target_and_not_with_the_proxy() {
    let authority = super::tls::authority("proxy");
    for (protocol, version) in [("http/1.1", "HTTP/1.1"), ("h2", "HTTP/2.0")] {
        let server = TlsServer::start(&authority.sign("own.test"), None, &[protocol]);
        let proxy = FakeProxy::start("");
        // Only the proxy knows the name.
        let target = format!("https://own.test:{}", server.port);
        let given = [
            (perf_settings::CA_CERTIFICATE, authority.file.to_str().unwrap()),
            (perf_settings::ALLOW_TARGET, "own.test"),
        ];
        let url = format!("http://{}", proxy.authority);
        met(&run(&target, &url, "proxy-2", &given));
        assert_eq!(server.requests(), [format!("own.test {version} own.test:{}", server.port)]);
        // With an address, the proxy gets that.
        let resolve = format!("own.test:{}:127.0.0.1", server.port);
        met(&run(&target, &url, "proxy-3", &[given[0], (perf_settings::RESOLVE, &resolve)]));
        let lines: Vec<_> = proxy.heads().iter().filter_map(|head| Some(head.lines().next()?.to_owned())).collect();
        let connect = |host: &str| format!("CONNECT {host}:{} HTTP/1.1", server.port);
        assert_eq!(lines, [connect("127.0.0.1"), connect("own.test")]);
    }
}

#[test]
fn load_through_a_proxy_stays_in_private_networks() {
    let proxy = FakeProxy::start("");
    let url = format!("http://{}", proxy.authority);
    for (testid, target) in [("proxy-4", "http://203.0.113.7:81"), ("proxy-5", "http://no-such-name.invalid")] {
        let finished = run(target, &url, testid, &[]);
        let message = finished.report().unwrap_err().1;
        assert!(message.contains("if you may load it, pass --allow-target"), "{message}");
    }
    assert_eq!(proxy.heads(), [] as [&str; 0]);
}

#[test]
fn a_failing_proxy_is_named_before_the_load() {
    let service = Service::start();
    let [secured, refusing, down] = [CREDENTIALS, "", ""].map(FakeProxy::start);
    refusing.refuse_after(0, 403);
    down.refuse_after(0, 502);
    let (closed, page) = (unreachable_url(), respond(|_| ("404 Not Found", String::new())));
    let [closed, page] = [&closed, &page].map(|url| url.trim_start_matches("http://"));
    for (testid, user, authority, expected) in [
        ("proxy-6", "me:S3cr3t", closed, "accepts no connection: "),
        ("proxy-7", "me:S3cr3t.", &*secured.authority, "requires another user or password (status 407)"),
        ("proxy-8", "me:S3cr3t", &*refusing.authority, "refuses a tunnel to 127.0.0.1"),
        ("proxy-9", "me:S3cr3t", &*down.authority, "has no connection to 127.0.0.1"),
        ("proxy-10", "me:S3cr3t", page, "(status 404): see its log"),
    ] {
        let finished = run(&service.url, &format!("http://{user}@{authority}"), testid, &[]);
        assert_eq!(code(&finished), ExitCode::BadConfiguration);
        let message = finished.report().unwrap_err().1;
        assert!(
            message.starts_with(&format!("the proxy http://{authority} ")) && message.contains(expected),
            "{message}"
        );
        assert!(!message.contains("S3cr3t") && !message.contains("start the service"), "{message}");
    }
    assert_eq!(service.connections(), 0);
}

#[test]
fn requests_that_the_proxy_failed_are_counted_as_its_failures() {
    let (service, proxy) = (Service::start(), FakeProxy::start(""));
    // One for the check of the target.
    proxy.refuse_after(11, 502);
    let given = [("K6_NO_CONNECTION_REUSE", "1"), ("K6_VUS", "1")];
    let finished = run(&service.url, &with_user(&proxy.authority), "proxy-11", &given);
    let report = finished.report().unwrap();
    let errors = &report.endpoints[0].errors;
    assert_eq!((service.requests(), errors.len(), code(&finished)), (10, 1, ExitCode::Missed), "{errors:?}");
    assert!(errors[&FailureKind::Proxy] >= 3, "{errors:?}");
    let findings = interpret(report);
    let failed = findings.iter().find(|finding| finding.kind == FindingKind::FailedRequests).unwrap();
    assert!(failed.to_string().contains("The proxy (--proxy) failed, not the target"), "{failed}");
    let message = report.failures[0].detail.to_string();
    assert!(message.contains(&format!("the proxy http://{} has no connection", proxy.authority)), "{message:?}");
}
