//! Runs over TLS: certificates of both sides, protocols, and the messages if one side refuses.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use perf_report::exit_code::ExitCode;
use perf_tests::ScenarioResult;
use test_support::fake_server::{accept_each, accept_one, serve};

use super::{Service, code, ping, pings, settings_at};
use test_support::tls_server::{self, Authority, Identity, TlsOptions, TlsServer};

const HTTP1: &[&str] = &["http/1.1"];

/// Runs a few requests to `https://own.test`, at the server's port.
pub(crate) fn run(server: &TlsServer, testid: &str, given: &[(&str, &str)]) -> ScenarioResult {
    run_at(server.port, testid, given)
}

pub(crate) fn run_at(port: u16, testid: &str, given: &[(&str, &str)]) -> ScenarioResult {
    let authority = format!("own.test:{port}");
    let resolve = format!("{authority}:127.0.0.1");
    let given: Vec<_> = [("PERF_RESOLVE", resolve.as_str())].into_iter().chain(given.iter().copied()).collect();
    let settings = settings_at(&format!("https://{authority}"), None, testid, &given);
    pings(4).run_with(settings, async move |vu: &mut _, (): &()| ping(vu).await)
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("tls")
}

pub(crate) fn authority(name: &str) -> Authority {
    Authority::new(files().join(name))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Asserts that a run did not begin, and that its message has all of these texts.
pub(crate) fn assert_refused(finished: &ScenarioResult, texts: &[&str]) {
    assert_eq!(code(finished), ExitCode::BadConfiguration);
    let message = finished.report().unwrap_err().1.to_owned();
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in: {message}");
    }
}

pub(crate) fn assert_sent(finished: &ScenarioResult) {
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((report.requests.sent, report.requests.failed), (4, 0), "{:?}", report.failures);
}

#[test]
fn name_server_name_and_host_stay_with_resolve() {
    let authority = self::authority("resolve");
    let server = TlsServer::start(&authority.sign("own.test"), None, HTTP1);
    assert_sent(&run(&server, "tls-1", &[("PERF_CA_CERTIFICATE", text(&authority.file))]));
    assert_eq!(server.requests(), [format!("own.test HTTP/1.1 own.test:{}", server.port)]);
}

#[test]
fn host_header_and_server_name_can_differ_from_the_url() {
    let authority = self::authority("names");
    for (protocols, version) in [(HTTP1, "HTTP/1.1"), (&["h2"], "HTTP/2.0")] {
        let server = TlsServer::start(&authority.sign("shop.test"), None, protocols);
        let given = [
            ("PERF_CA_CERTIFICATE", text(&authority.file)),
            ("PERF_SNI", "shop.test"),
            ("PERF_HOST_HEADER", "other.test:81"),
        ];
        assert_sent(&run(&server, &format!("tls-names-{}", protocols[0].replace('/', "-")), &given));
        assert_eq!(server.requests(), [format!("shop.test {version} other.test:81")]);
    }
}

#[test]
fn a_self_signed_certificate_is_trusted_only_if_it_is_given() {
    let identity = Identity::self_signed(&files(), "own.test");
    let server = TlsServer::start(&identity, None, HTTP1);
    assert_sent(&run(&server, "tls-2", &[("PERF_CA_CERTIFICATE", text(&identity.certificate))]));
    assert_refused(&run(&server, "tls-3", &[]), &["self-signed", "--ca-certificate FILE"]);
}

#[test]
fn a_refused_server_certificate_is_explained() {
    let authority = self::authority("refused");
    let given = [("PERF_CA_CERTIFICATE", text(&authority.file))];
    let server = |identity| TlsServer::start(&identity, None, HTTP1);
    let expired = server(authority.sign_for("own.test", 2000..2020));
    assert_refused(&run(&expired, "tls-4", &given), &["expired on Wed, 01 Jan 2020", "renew it"]);
    let early = server(authority.sign_for("own.test", 2090..2095));
    assert_refused(&run(&early, "tls-early", &given), &["is valid from Sun, 01 Jan 2090", "check the clocks"]);
    let other = server(authority.sign("other.test"));
    assert_refused(&run(&other, "tls-5", &given), &["is not for own.test but for other.test", "--resolve"]);
    let unknown = server(authority.sign("own.test"));
    assert_refused(&run(&unknown, "tls-6", &[]), &["does not trust the authority", "--ca-certificate FILE"]);
}

#[test]
fn an_authority_that_was_created_again_is_explained() {
    let (before, now) = (authority("before/again"), authority("now/again"));
    let server = TlsServer::start(&now.sign("own.test"), None, HTTP1);
    let texts =
        ["its authority did not sign it", "created again under the same name", "--ca-certificate FILE", "--insecure"];
    assert_refused(&run(&server, "tls-again-1", &[("PERF_CA_CERTIFICATE", text(&before.file))]), &texts);
    assert_sent(&run(&server, "tls-again-2", &[("PERF_CA_CERTIFICATE", text(&now.file))]));
}

#[test]
fn a_handshake_without_a_common_cipher_is_explained() {
    let authority = self::authority("ciphers");
    let (identity, client) = (authority.sign("own.test"), authority.sign("me"));
    let server = TlsServer::without_ciphers(&identity);
    let authority = ("PERF_CA_CERTIFICATE", text(&authority.file));
    let refused = "the server refuses the TLS handshake (alert HandshakeFailure)";
    let stranger = run(&server, "tls-ciphers-1", &[authority]);
    assert_refused(&stranger, &[refused, "no cipher in common", "require a client certificate", "--client-key FILE"]);
    let files = [("PERF_CLIENT_CERTIFICATE", text(&client.certificate)), ("PERF_CLIENT_KEY", text(&client.key))];
    let identified = run(&server, "tls-ciphers-2", &[&[authority][..], &files].concat());
    assert_refused(&identified, &[refused, "no cipher in common", "refuse the client certificate"]);
}

#[test]
fn tls_on_one_side_only_is_explained() {
    let authority = self::authority("sides");
    let server = TlsServer::start(&authority.sign("own.test"), None, HTTP1);
    let url = format!("http://127.0.0.1:{}", server.port);
    for given in [&[][..], &[("PERF_HTTP2", "1")]] {
        let settings = settings_at(&url, None, "tls-side-1", given);
        let finished = pings(4).run_with(settings, async |vu: &mut _, (): &()| ping(vu).await);
        assert_refused(&finished, &["--target", &url, "responds with TLS: use https://"]);
    }
    // Only the load finds a host by --resolve.
    let resolve = format!("own.test:{}:127.0.0.1", server.port);
    let url = format!("http://own.test:{}", server.port);
    let settings = settings_at(&url, None, "tls-side-6", &[("PERF_RESOLVE", &resolve)]);
    let finished = pings(4).run_with(settings, async |vu: &mut _, (): &()| ping(vu).await);
    assert_refused(&finished, &["the server expects TLS", "write https:// in the URL"]);
    // As Go and nginx respond to a request without TLS.
    let secure = tls_server::secure(&authority.sign("localhost"));
    let address = accept_each(move |mut stream| {
        let mut first = [0];
        stream.peek(&mut first).unwrap();
        if first == [0x16] {
            let _ = secure(stream).read(&mut [0; 4096]);
        } else {
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            write!(stream, "HTTP/1.0 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let settings = settings_at(&format!("http://{address}"), None, "tls-side-5", &[]);
    let finished = pings(4).run_with(settings, async |vu: &mut _, (): &()| ping(vu).await);
    assert_refused(&finished, &["responds with TLS: use https://"]);
    let service = Service::start();
    let port = service.url.rsplit(':').next().unwrap().parse().unwrap();
    assert_refused(&run_at(port, "tls-side-2", &[]), &["the server does not respond with TLS", "or use http://"]);
    let (silent, _) = accept_one(drop);
    assert_refused(&run_at(silent.port(), "tls-side-3", &[]), &["the server closed the connection", "use http://"]);
    let texts = ["did not respond to the TLS handshake within 5 s", "use http:// if it has no TLS"];
    thread::scope(|scope| {
        for (number, given) in [&[][..], &[("PERF_HTTP1", "1")], &[("PERF_HTTP2", "1")]].into_iter().enumerate() {
            // Reads until the client gives up.
            let (silent, _) = accept_one(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())));
            let testid = format!("tls-side-4-{number}");
            scope.spawn(move || assert_refused(&run_at(silent.port(), &testid, given), &texts));
        }
    });
}

#[test]
fn a_client_certificate_is_presented_if_it_is_required() {
    let (authority, clients) = (authority("clients-1"), authority("clients-2"));
    let (client, stranger) = (clients.sign("me"), authority.sign("stranger"));
    for (number, protocols) in [HTTP1, &["h2"]].into_iter().enumerate() {
        let server = TlsServer::start(&authority.sign("own.test"), Some(&clients), protocols);
        let run = |name: &str, files: &[(&str, &str)]| {
            let given = [&[("PERF_CA_CERTIFICATE", text(&authority.file))], files].concat();
            run(&server, &format!("tls-client-{name}-{number}"), &given)
        };
        let files = [("PERF_CLIENT_CERTIFICATE", text(&client.certificate)), ("PERF_CLIENT_KEY", text(&client.key))];
        assert_sent(&run("accepted", &files));
        assert_refused(&run("none", &[]), &["requires a client certificate", "--client-certificate FILE"]);
        let files =
            [("PERF_CLIENT_CERTIFICATE", text(&stranger.certificate)), ("PERF_CLIENT_KEY", text(&stranger.key))];
        assert_refused(&run("stranger", &files), &["refuses the client certificate", "--client-certificate"]);
    }
}

#[test]
fn a_server_of_tls_1_2_can_require_a_client_certificate() {
    let (authority, clients) = (authority("tls12-servers"), authority("tls12-clients"));
    let client = clients.sign("me");
    let options = TlsOptions { clients: Some(&clients), is_tls12: true, ..TlsOptions::default() };
    let server = TlsServer::start_with(&authority.sign("own.test"), &options);
    let trusted = ("PERF_CA_CERTIFICATE", text(&authority.file));
    let texts = ["requires a client certificate", "--client-certificate FILE and --client-key FILE"];
    assert_refused(&run(&server, "tls12-1", &[trusted]), &texts);
    let files = [("PERF_CLIENT_CERTIFICATE", text(&client.certificate)), ("PERF_CLIENT_KEY", text(&client.key))];
    assert_sent(&run(&server, "tls12-2", &[&[trusted][..], &files].concat()));
}

#[test]
fn a_key_of_another_certificate_ends_the_run() {
    let authority = self::authority("keys");
    let (client, other) = (authority.sign("me"), authority.sign("other"));
    let server = TlsServer::start(&authority.sign("own.test"), None, HTTP1);
    let certificate = ("PERF_CLIENT_CERTIFICATE", text(&client.certificate));
    let key = ("PERF_CLIENT_KEY", text(&other.key));
    assert_refused(&run(&server, "tls-7", &[certificate, key]), &[text(&other.key), "does not fit", "--client-key"]);
    assert_refused(&run(&server, "tls-8", &[certificate]), &["contains no unencrypted private key", "--client-key"]);
    assert_refused(&run(&server, "tls-9", &[key]), &["has no certificate", "--client-certificate"]);
    assert!(server.requests().is_empty());
    let both = client.certificate.with_file_name("both.pem");
    let parts = [&client.certificate, &client.key].map(|file| std::fs::read(file).unwrap());
    std::fs::write(&both, parts.concat()).unwrap();
    let authority = ("PERF_CA_CERTIFICATE", text(&authority.file));
    assert_sent(&run(&server, "tls-10", &[authority, ("PERF_CLIENT_CERTIFICATE", text(&both))]));
}

#[test]
fn the_target_chooses_its_protocol_unless_a_setting_does() {
    let authority = self::authority("protocols");
    let identity = authority.sign("own.test");
    let run = |offered: &[&str], required: Option<&'static str>| {
        let server = TlsServer::start(&identity, None, offered);
        let given = [("PERF_CA_CERTIFICATE", text(&authority.file))];
        let given: Vec<_> = given.into_iter().chain(required.map(|name| (name, "1"))).collect();
        let testid = format!("tls-alpn-{}-{}", offered.join("-").replace('/', "-"), required.unwrap_or("any"));
        (run(&server, &testid, &given), server.requests(), server.port)
    };
    let both = ["h2", "http/1.1"];
    let agreed: [(&[&str], _, _); 6] = [
        (&both, None, "HTTP/2"),
        (&both, Some("PERF_HTTP1"), "HTTP/1.1"),
        (&both, Some("PERF_HTTP2"), "HTTP/2"),
        (&["http/1.1", "h2"], None, "HTTP/1.1"),
        (&[], None, "HTTP/1.1"),
        (&[], Some("PERF_HTTP1"), "HTTP/1.1"),
    ];
    for (offered, required, protocol) in agreed {
        let (finished, requests, port) = run(offered, required);
        assert_sent(&finished);
        let version = protocol.replace("HTTP/2", "HTTP/2.0");
        assert_eq!(requests, [format!("own.test {version} own.test:{port}")], "{offered:?} {required:?}");
        let targets: Vec<_> =
            finished.report().unwrap().run.environment.targets.iter().map(ToString::to_string).collect();
        assert_eq!(targets, [format!("https://own.test:{port} ({protocol})")]);
    }
    let mismatched: [(&[&str], _, _); 3] = [
        (HTTP1, "PERF_HTTP2", ["refuses HTTP/2", "use --http1"]),
        (&[], "PERF_HTTP2", ["refuses HTTP/2", "use --http1"]),
        (&["h2"], "PERF_HTTP1", ["refuses HTTP/1.1", "use --http2"]),
    ];
    for (offered, required, texts) in mismatched {
        assert_refused(&run(offered, Some(required)).0, &texts);
    }
}

#[test]
fn an_origin_of_redirects_uses_http1_unless_http2_is_set() {
    let authority = self::authority("redirected");
    for (protocols, given, version) in [
        (&["h2", "http/1.1"][..], None, "HTTP/1.1"),
        (&[], None, "HTTP/1.1"),
        (&["h2", "http/1.1"], Some("PERF_HTTP2"), "HTTP/2.0"),
    ] {
        let other = TlsServer::start(&authority.sign("localhost"), None, protocols);
        let there = format!("https://localhost:{}/other", other.port);
        let location = there.clone();
        let router = Router::new()
            .route("/ping", get(move || async move { Redirect::to(&location) }))
            .route("/", get(|| async { "here" }));
        let main = serve(router, Arc::default(), Arc::default());
        let given: Vec<_> = given.into_iter().map(|name| (name, "1")).collect();
        let files = [("PERF_CA_CERTIFICATE", text(&authority.file)), ("PERF_ALLOW_TARGET", "localhost")];
        let mut settings = settings_at(&main, None, "tls-redirect", &[&files[..], &given].concat());
        settings.http.max_redirects = 1;
        let finished = pings(4).run_with(settings, async move |vu: &mut _, (): &()| ping(vu).await);
        let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
        // Each redirect counts as a request.
        assert_eq!((report.requests.sent, report.requests.failed), (8, 0), "{:?}", report.failures);
        assert_eq!(other.requests(), [format!("localhost {version} localhost:{}", other.port)]);
        let shown = format!("{} ({})", there.trim_end_matches("/other"), version.trim_end_matches(".0"));
        assert_eq!(report.run.environment.targets[1].to_string().trim(), shown);
    }
}
