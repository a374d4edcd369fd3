//! Services of several hosts, and redirects between them.

use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use axum::response::AppendHeaders;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_settings::Settings;
use perf_tests::{Scenario, ScenarioResult, Vu, shared_iterations};
use test_support::fake_server::{respond_at, serve};

use super::{CATALOGUE, PING, code, ping, pings, settings_at};
use test_support::exact_server::ExactServer;

const AUTH: Host = Host::new("auth", "Login server");
const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Post, "/token?kind=short").on(AUTH);
const TWO_HOSTS: Catalogue = Catalogue { endpoints: &[PING, LOG_IN], slos: &[], ..CATALOGUE };

/// A host that records its requests. It redirects a path such as `/302/http://x/y` to the URL.
struct RecordingHost {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl RecordingHost {
    fn start() -> Self {
        Self::redirecting(|_| None)
    }

    /// A host that redirects to what `location` gives for a path and query.
    fn redirecting(location: impl Fn(&str) -> Option<(u16, String)> + Clone + Send + Sync + 'static) -> Self {
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let recorded = requests.clone();
        let handler = move |request: Request| async move {
            let (head, body) = request.into_parts();
            let path = head.uri.path_and_query().unwrap().to_string();
            let header = |name: &str| head.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
            let body = to_bytes(body, 1 << 20).await.unwrap().len();
            let [token, cookie, kept] = ["authorization", "cookie", "x-kept"].map(header);
            recorded.lock().unwrap().push(format!("{} {path} {token} {cookie} {kept} {body}", head.method));
            let response = Response::builder();
            match location(&path) {
                Some((status, location)) => response.status(status).header("location", location),
                None => response,
            }
            .body(Body::from("here"))
            .unwrap()
        };
        let url = serve(Router::new().fallback(handler), Arc::default(), Arc::default());
        Self { url, requests }
    }

    /// The requests without those that check whether it responds.
    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().filter(|request| !request.starts_with("GET / ")).cloned().collect()
    }
}

fn settings(main: &RecordingHost, auth: Option<&RecordingHost>, testid: &str) -> Settings {
    let auth = auth.map_or_else(String::new, |auth| format!(" auth={}", auth.url));
    settings_at(&format!("{}{auth}", main.url), None, testid, &[])
}

fn run(
    settings: Settings,
    iteration: impl AsyncFn(&mut Vu) -> anyhow::Result<()> + Send + Sync + 'static,
) -> ScenarioResult {
    Scenario::new("hosts", &TWO_HOSTS)
        .exercises(&[PING, LOG_IN])
        .load(shared_iterations(1, 1))
        .run_with(settings, async move |vu: &mut Vu, (): &()| iteration(vu).await)
}

/// Why requests failed, in one text.
fn causes(report: &Report) -> String {
    format!("{:?}", report.failures)
}

#[test]
fn each_endpoint_goes_to_the_host_that_it_names() {
    let (main, auth) = (RecordingHost::start(), RecordingHost::start());
    let finished = run(settings(&main, Some(&auth), "hosts-1"), async |vu| {
        vu.request(LOG_IN).query("user", "a b").send().await?;
        vu.request(PING).send().await?;
        vu.unjudged(Method::Delete, "/token").on(AUTH).send().await?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((report.requests.sent, report.requests.failed), (2, 0), "{}", causes(report));
    assert_eq!(main.requests(), ["GET /ping - - - 0"]);
    assert_eq!(auth.requests(), ["POST /token?kind=short&user=a+b - - - 0", "DELETE /token - - - 0"]);
    let targets: Vec<_> = report.run.environment.targets.iter().map(ToString::to_string).collect();
    assert_eq!(targets, [format!("{} (HTTP/1.1)", main.url), format!("auth {} (HTTP/1.1)", auth.url)]);
}

#[test]
fn a_target_may_have_an_ipv6_address_and_a_base_path() {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let recorded = requests.clone();
    let url = respond_at("[::1]:0", move |request| {
        recorded.lock().unwrap().extend(request.lines().take(2).map(str::to_owned));
        ("200 OK", "{}".to_owned())
    });
    let target = settings_at(&format!("{url}/base/v1/"), None, "hosts-ipv6", &[]);
    let finished = pings(2).run_with(target, async move |vu: &mut Vu, (): &()| ping(vu).await);
    assert_eq!(finished.report().unwrap().requests.failed, 0);
    let host = format!("host: {}", url.replace("http://", ""));
    let ping = "GET /base/v1/ping HTTP/1.1";
    let expected = ["GET /base/v1/ HTTP/1.1", &host, ping, &host, ping, &host];
    assert_eq!(*requests.lock().unwrap(), expected);
}

/// The request line, the host and the cookies of a request's text.
fn summarize(request: &str) -> String {
    let header = |name| request.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("-");
    format!("{} {} {}", request.lines().next().unwrap(), header("host: "), header("cookie: "))
}

#[test]
fn redirects_and_cookies_stay_within_a_base_path_of_an_ipv6_host() {
    let (requests, end) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(OnceLock::<&'static str>::new()));
    let (recorded, to_end) = (requests.clone(), end.clone());
    let url = respond_at("[::1]:0", move |request| {
        recorded.lock().unwrap().push(summarize(request));
        let status = match request.split(' ').nth(1).unwrap() {
            // Without a path, a cookie is for the folder of the request.
            "/base/v1/ping" => "302 Found\r\nset-cookie: a=1\r\nset-cookie: b=2; Path=/base\r\nlocation: pong?x=1",
            "/base/v1/pong?x=1" => "302 Found\r\nset-cookie: c=3; Path=/ping\r\nlocation: ../top",
            "/base/top" => to_end.get().unwrap(),
            _ => "200 OK",
        };
        (status, "{}".to_owned())
    });
    end.set(format!("302 Found\r\nlocation: {url}/base/v1/end").leak()).unwrap();
    let mut settings = settings_at(&format!("{url}/base/v1/"), None, "hosts-base", &[]);
    settings.http.max_redirects = 3;
    let finished = Scenario::new("hosts", &CATALOGUE)
        .exercises(&[PING])
        .load(shared_iterations(1, 1))
        .run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
    let report = finished.report().unwrap();
    assert_eq!(report.requests.failed, 0, "{}", causes(report));
    let host = url.trim_start_matches("http://");
    let expected =
        [("v1/", "-"), ("v1/ping", "-"), ("v1/pong?x=1", "a=1; b=2"), ("top", "b=2"), ("v1/end", "a=1; b=2")];
    let expected = expected.map(|(path, cookies)| format!("GET /base/{path} HTTP/1.1 {host} {cookies}"));
    assert_eq!(*requests.lock().unwrap(), expected);
}

#[test]
fn a_base_path_precedes_the_path_in_both_protocols() {
    for (server, given) in ExactServer::both_protocols(|_| (Vec::new(), b"{}".to_vec())) {
        let settings = settings_at(&format!("{}/base/", server.url), None, "hosts-base-2", given);
        let finished = pings(2).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
        assert_eq!(finished.report().unwrap().requests.failed, 0, "{given:?}");
        assert_eq!(server.received("/base/ping").len(), 2, "{given:?}");
    }
}

#[test]
fn a_host_without_a_url_ends_the_run_before_setup() {
    static IS_SET_UP: OnceLock<()> = OnceLock::new();
    let main = RecordingHost::start();
    let finished = Scenario::new("hosts", &TWO_HOSTS)
        .exercises(&[PING, LOG_IN])
        .load(shared_iterations(1, 1))
        .setup(async |_| {
            IS_SET_UP.get_or_init(|| ());
            Ok(())
        })
        .run_with(settings(&main, None, "hosts-2"), async |_: &mut Vu, (): &()| Ok(()));
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let message = finished.report().unwrap_err().1.to_owned();
    assert!(message.contains("log_in is on host \"auth\" (Login server)"), "{message}");
    assert!(message.contains("--target auth=URL"), "{message}");
    assert!(IS_SET_UP.get().is_none() && main.requests.lock().unwrap().is_empty());
}

#[test]
fn an_unknown_host_suggests_the_nearest_name() {
    let main = RecordingHost::start();
    let targets = format!("{} auht={}", main.url, main.url);
    let finished = run(settings_at(&targets, None, "hosts-3", &[]), async |_| Ok(()));
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let message = finished.report().unwrap_err().1.to_owned();
    assert!(message.contains("service echo has no such host: did you mean auth=URL?"), "{message}");
}

#[test]
fn a_host_that_does_not_respond_is_named() {
    let main = RecordingHost::start();
    let targets = format!("{} auth={}", main.url, test_support::fake_server::unreachable_url());
    let finished = run(settings_at(&targets, None, "hosts-4", &[]), async |_| Ok(()));
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let message = finished.report().unwrap_err().1.to_owned();
    assert!(message.contains("(host \"auth\")") && message.contains("--target auth=URL"), "{message}");
}

/// Makes a POST with credentials to `/ping`'s host, which is redirected.
async fn post(vu: &mut Vu) -> anyhow::Result<()> {
    vu.header("authorization", "Bearer x");
    let request = vu.unjudged(Method::Post, "/start").header("cookie", "a=b").header("x-kept", "1");
    request.header("content-language", "en").json(&1).send().await?;
    Ok(())
}

#[test]
fn credentials_stay_behind_when_a_redirect_leads_to_another_host() {
    for (status, expected) in [(302, "GET /moved - - 1 0"), (307, "POST /moved - - 1 1")] {
        let auth = RecordingHost::start();
        let there = format!("{}/moved", auth.url);
        let main = RecordingHost::redirecting(move |path| match path {
            "/start" => Some((status, "/own".to_owned())),
            "/own" => Some((status, there.clone())),
            _ => None,
        });
        let mut settings = settings(&main, Some(&auth), &format!("redirects-{status}"));
        settings.http.max_redirects = 2;
        let finished = run(settings, post);
        let report = finished.report().unwrap();
        assert_eq!(report.requests.failed + report.iterations.failed, 0, "{}", causes(report));
        assert_eq!(auth.requests(), [expected]);
        let own = if status == 302 { "GET /own Bearer x a=b 1 0" } else { "POST /own Bearer x a=b 1 1" };
        assert_eq!(main.requests(), ["POST /start Bearer x a=b 1 1", own]);
        assert!(report.findings.iter().all(|finding| finding.kind != FindingKind::Redirected));
    }
}

#[test]
fn credentials_of_every_request_go_to_the_main_target_only() {
    let (main, mut auth) = (RecordingHost::start(), RecordingHost::start());
    auth.url = auth.url.replace("http://", "http://user:secret@");
    let finished = run(settings(&main, Some(&auth), "credentials-1"), async |vu| {
        vu.header("authorization", "Bearer main");
        vu.header("cookie", "a=b");
        vu.header("x-kept", "1");
        vu.request(PING).send().await?;
        vu.request(LOG_IN).send().await?;
        vu.request(LOG_IN).header("authorization", "Bearer own").send().await?;
        Ok(())
    });
    assert_eq!(finished.report().unwrap().requests.failed, 0);
    assert_eq!(main.requests(), ["GET /ping Bearer main a=b 1 0"]);
    let log_in = "POST /token?kind=short";
    let expected = [format!("{log_in} Basic dXNlcjpzZWNyZXQ= - 1 0"), format!("{log_in} Bearer own - 1 0")];
    assert_eq!(auth.requests(), expected);
}

#[test]
fn credentials_stay_behind_when_another_host_leads_back() {
    let back = Arc::new(OnceLock::<String>::new());
    let to_main = back.clone();
    let auth =
        RecordingHost::redirecting(move |path| (path == "/moved").then(|| (302, to_main.get().unwrap().clone())));
    let there = format!("{}/moved", auth.url);
    let main = RecordingHost::redirecting(move |path| (path == "/start").then(|| (302, there.clone())));
    back.set(format!("{}/chosen", main.url)).unwrap();
    let mut settings = settings(&main, Some(&auth), "credentials-2");
    settings.http.max_redirects = 2;
    let finished = run(settings, post);
    assert_eq!(finished.report().unwrap().iterations.failed, 0);
    assert_eq!(auth.requests(), ["GET /moved - - 1 0"]);
    assert_eq!(main.requests(), ["POST /start Bearer x a=b 1 1", "GET /chosen - - 1 0"]);
}

#[test]
fn cookies_of_the_same_name_are_apart_by_host() {
    let start = |value: &'static str| {
        let cookie = move || async move { AppendHeaders([("set-cookie", format!("csrf={value}; Path=/"))]) };
        serve(Router::new().fallback(cookie), Arc::default(), Arc::default())
    };
    let auth = start("of-auth").replace("127.0.0.1", "localhost");
    let settings = settings_at(&format!("{} auth={auth}", start("of-shop")), None, "cookies-of-hosts", &[]);
    let finished = run(settings, async |vu| {
        vu.request(LOG_IN).send().await?;
        vu.request(PING).send().await?;
        assert_eq!(vu.cookies().get("csrf").unwrap(), "of-shop");
        assert_eq!(vu.cookies().for_host(AUTH).get("csrf").unwrap(), "of-auth");
        vu.cookies().for_host(AUTH).set("__Host-a", "1");
        assert_eq!(vu.cookies().get("__Host-a"), None);
        vu.cookies().remove("csrf");
        assert_eq!(vu.cookies().for_host(AUTH).get("csrf").unwrap(), "of-auth");
        Ok(())
    });
    assert_eq!(finished.report().unwrap().problems().count(), 0, "{:?}", finished.report());
}

#[test]
fn a_redirect_to_another_origin_needs_permission_and_is_reported() {
    let other = RecordingHost::start();
    let there = format!("{}/other", other.url.replace("127.0.0.1", "localhost"));
    let (main, auth) =
        (RecordingHost::redirecting(move |path| (path != "/").then(|| (301, there.clone()))), RecordingHost::start());
    for (testid, allowed) in [("origin-1", ""), ("origin-2", "localhost")] {
        let mut settings = settings(&main, Some(&auth), testid);
        settings.http.max_redirects = 5;
        settings.http.allowed.extend((!allowed.is_empty()).then(|| allowed.to_owned()));
        let finished = run(settings, post);
        let report = finished.report().unwrap();
        let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::Redirected);
        if allowed.is_empty() {
            assert!(
                causes(report).contains("which is not a target: if you may load it, pass --allow-target localhost")
            );
            assert!(finding.is_none() && other.requests().is_empty());
        } else {
            assert_eq!(report.iterations.failed, 0, "{}", causes(report));
            assert_eq!(other.requests(), ["GET /other - - 1 0"]);
            assert!(finding.unwrap().message.contains("redirects led to http://localhost:"), "{finding:?}");
            assert_eq!(report.run.environment.targets.len(), 3, "{:?}", report.run.environment.targets);
        }
    }
}

#[test]
fn endless_redirects_end_at_the_limit_with_their_shape() {
    let main = Arc::new(OnceLock::<String>::new());
    let (to_main, there) = (main.clone(), Arc::new(OnceLock::<String>::new()));
    let auth = RecordingHost::redirecting(move |path| {
        (path != "/").then(|| (302, format!("{}/start", to_main.get().unwrap())))
    });
    there.set(format!("{}/moved", auth.url)).unwrap();
    let looping = RecordingHost::redirecting(move |path| (path != "/").then(|| (302, there.get().unwrap().clone())));
    main.set(looping.url.clone()).unwrap();
    let counting = RecordingHost::redirecting(|path| {
        let number: u32 = path.trim_start_matches('/').parse().unwrap_or(0);
        (path != "/" && number < 10_000).then(|| (302, format!("/{}", number + 1)))
    });
    for (host, hint) in [(&looping, "they form a loop"), (&counting, "find out why the redirects do not end")] {
        let mut settings = settings(host, Some(&auth), "endless-1");
        settings.http.max_redirects = 100;
        let finished = run(settings, post);
        let report = finished.report().unwrap();
        let causes = causes(report);
        assert!(
            causes.contains("it has followed 100 redirects, the limit of --max-redirects") && causes.contains(hint),
            "{causes}"
        );
        assert_eq!(report.iterations.failed, 1);
    }
    assert_eq!((looping.requests().len(), counting.requests().len()), (51, 101));
}

#[test]
fn a_query_of_a_redirect_is_in_no_message() {
    let main = RecordingHost::redirecting(|path| match path {
        "/start" => Some((303, "/callback?code=SECRET".to_owned())),
        "/callback?code=SECRET" => Some((500, String::new())),
        _ => None,
    });
    let auth = RecordingHost::start();
    let mut settings = settings(&main, Some(&auth), "query-1");
    settings.http.max_redirects = 2;
    let finished = run(settings, post);
    let report = finished.report().unwrap();
    let text = serde_json::to_string(report).unwrap();
    assert!(text.contains("/callback responded with 500") && !text.contains("SECRET"), "{text}");
}

#[test]
fn a_target_whose_name_is_unknown_is_told_once_and_briefly() {
    let finished = pings(50)
        .run_with(settings_at("http://nothing.invalid:8000", None, "no-name-1", &[]), async |vu: &mut Vu, ()| {
            ping(vu).await
        });
    let (code, message) = finished.report().unwrap_err();
    assert_eq!(code, ExitCode::BadConfiguration);
    assert!(message.starts_with("cannot resolve the host of http://nothing.invalid:8000: "), "{message}");
    assert!(message.ends_with("; check --target (or PERF_TARGET), or the name server"), "{message}");
    assert_eq!((message.matches("nothing.invalid").count(), message.len() < 200), (1, true), "{message}");
}
