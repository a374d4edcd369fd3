//! Certificates of services with several hosts: each is shown only to its own host.

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use perf_report::evidence::FailureCause;
use perf_tests::{Scenario, ScenarioResult, Vu, shared_iterations};
use test_support::fake_server::serve;
use test_support::tls_server::{Authority, Identity, TlsOptions, TlsServer};

use super::tls::{assert_refused, assert_sent, authority, text};
use super::{CATALOGUE, PING, ping, pings, settings_at};

const AUTH: Host = Host::new("auth", "Login server");
const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Post, "/token").on(AUTH);
const TWO_HOSTS: Catalogue = Catalogue { endpoints: &[PING, LOG_IN], slos: &[], ..CATALOGUE };

/// One host: its authorities of server and client certificates, and a client.
struct SecuredHost {
    servers: Authority,
    clients: Authority,
    client: Identity,
    server: TlsServer,
}

impl SecuredHost {
    /// A host that asks for a client certificate.
    fn start(name: &str, accepts_strangers: bool) -> Self {
        let (servers, clients) = (authority(&format!("{name}-servers")), authority(&format!("{name}-clients")));
        let options = TlsOptions { clients: Some(&clients), accepts_strangers, ..TlsOptions::default() };
        let server = TlsServer::start_with(&servers.sign("localhost"), &options);
        Self { client: clients.sign("me"), servers, clients, server }
    }
}

/// Runs a request to both hosts, two times.
fn run(main: &SecuredHost, auth: &SecuredHost, testid: &str, given: &[(&str, &str)]) -> ScenarioResult {
    let targets = format!("https://localhost:{} auth=https://localhost:{}", main.server.port, auth.server.port);
    let settings = settings_at(&targets, None, testid, given);
    let load = shared_iterations(1, 2);
    Scenario::new("hosts", &TWO_HOSTS).exercises(&[PING, LOG_IN]).load(load).run_with(
        settings,
        async |vu: &mut Vu, (): &()| {
            vu.request(PING).send().await?;
            vu.request(LOG_IN).send().await?;
            Ok(())
        },
    )
}

#[test]
fn each_host_has_its_own_authority_and_client_certificate() {
    let (main, auth) = (SecuredHost::start("own-main", false), SecuredHost::start("own-auth", false));
    let per_host = |main: &std::path::Path, auth: &std::path::Path| format!("{}\nauth={}", text(main), text(auth));
    let pair = |of: fn(&SecuredHost) -> &std::path::Path, is_swapped| match is_swapped {
        false => per_host(of(&main), of(&auth)),
        true => per_host(of(&auth), of(&main)),
    };
    let run = |testid, swapped: &str| {
        let trusted = pair(|host| &host.servers.file, swapped == "authorities");
        let certificates = pair(|host| &host.client.certificate, swapped == "certificates");
        let keys = pair(|host| &host.client.key, matches!(swapped, "certificates" | "keys"));
        let given = [
            ("PERF_CA_CERTIFICATE", trusted.as_str()),
            ("PERF_CLIENT_CERTIFICATE", &certificates),
            ("PERF_CLIENT_KEY", &keys),
        ];
        run(&main, &auth, testid, &given)
    };
    assert_sent(&run("identity-own", ""));
    assert_eq!((main.server.identified(), auth.server.identified()), (vec![true], vec![true]));
    assert_refused(&run("identity-1", "authorities"), &["does not trust the authority", "--ca-certificate FILE"]);
    let refused = ["refuses the client certificate", "--client-certificate FILE"];
    assert_refused(&run("identity-2", "certificates"), &refused);
    assert_refused(&run("identity-3", "keys"), &["does not fit the client certificate", "--client-key FILE"]);
}

#[test]
fn a_client_certificate_without_a_name_is_for_the_main_target_only() {
    let (main, auth) = (SecuredHost::start("unnamed-main", false), SecuredHost::start("unnamed-auth", true));
    let trusted = format!("{}\nauth={}", text(&main.servers.file), text(&auth.servers.file));
    let (certificate, key) = (text(&main.client.certificate), text(&main.client.key));
    let given =
        [("PERF_CA_CERTIFICATE", trusted.as_str()), ("PERF_CLIENT_CERTIFICATE", certificate), ("PERF_CLIENT_KEY", key)];
    assert_sent(&run(&main, &auth, "unnamed-1", &given));
    assert_eq!((main.server.identified(), auth.server.identified()), (vec![true], vec![false]));
    let required =
        SecuredHost { server: TlsServer::start(&auth.servers.sign("localhost"), Some(&auth.clients), &[]), ..auth };
    let texts = ["requires a client certificate", "--client-certificate auth=FILE and --client-key auth=FILE"];
    assert_refused(&run(&main, &required, "unnamed-2", &given), &texts);
    let named = format!("{certificate}\nauth={}", text(&required.client.certificate));
    let given = [given[0], ("PERF_CLIENT_CERTIFICATE", named.as_str()), given[2]];
    let texts = [text(&required.client.certificate), "no unencrypted private key", "--client-key auth=FILE"];
    assert_refused(&run(&main, &required, "unnamed-3", &given), &texts);
}

/// Runs requests that a redirect leads to the other host. The client certificate is given.
fn run_redirected(other: &SecuredHost, testid: &str) -> ScenarioResult {
    let location = format!("https://localhost:{}/other", other.server.port);
    let router = Router::new()
        .route("/ping", get(move || async move { Redirect::to(&location) }))
        .route("/", get(|| async { "here" }));
    let main = serve(router, Arc::default(), Arc::default());
    let given = [
        ("PERF_CA_CERTIFICATE", text(&other.servers.file)),
        ("PERF_CLIENT_CERTIFICATE", text(&other.client.certificate)),
        ("PERF_CLIENT_KEY", text(&other.client.key)),
        ("PERF_ALLOW_TARGET", "localhost"),
    ];
    let mut settings = settings_at(&main, None, testid, &given);
    settings.http.max_redirects = 1;
    pings(4).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await)
}

#[test]
fn an_origin_that_redirects_lead_to_sees_no_client_certificate() {
    let other = SecuredHost::start("redirected-clients", true);
    let finished = run_redirected(&other, "redirected-clients");
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((report.requests.sent, report.requests.failed), (8, 0), "{:?}", report.failures);
    assert_eq!(other.server.identified(), [false]);
}

#[test]
fn no_client_certificate_is_advised_for_an_origin_that_never_sees_one() {
    let other = SecuredHost::start("redirected-required", false);
    let finished = run_redirected(&other, "redirected-required");
    let failures = &finished.report().unwrap().failures;
    let messages: Vec<_> = failures.iter().map(FailureCause::describe).collect();
    assert!(messages[0].contains("requires a client certificate") && messages[0].contains("Host::new"), "{messages:?}");
    assert!(messages.iter().all(|message| !message.contains("--client-certificate")), "{messages:?}");
}
