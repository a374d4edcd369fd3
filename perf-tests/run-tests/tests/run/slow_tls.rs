//! A service whose TLS handshakes are slow: each new connection waits for one.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_report::verdict::Verdict;
use perf_tests::{Scenario, Vu, per_vu_iterations};
use test_support::tls_server::{TlsOptions, TlsServer};

use super::target::has;
use super::tls::{assert_refused, authority, text};
use super::{CATALOGUE, PING, code, ping, pings, settings_at};

const LIMIT: Duration = Duration::from_millis(250);
const HANDSHAKE: Duration = Duration::from_millis(300);
const CONNECTING: Slo = Slo::connecting(PING, Ratio::percent(95), LIMIT);
const WITH_CONNECTING: Slo = Slo::with_connecting(PING, Ratio::percent(95), LIMIT);

#[test]
fn slow_handshakes_miss_objectives_on_connecting() {
    let authority = authority("slow");
    let options = TlsOptions { delay: HANDSHAKE, ..TlsOptions::default() };
    let server = TlsServer::start_with(&authority.sign("localhost"), &options);
    let run = |testid: &str, slos: &'static [Slo]| {
        let catalogue: &'static Catalogue = Box::leak(Box::new(Catalogue { slos, ..CATALOGUE }));
        let given = [("PERF_CA_CERTIFICATE", text(&authority.file)), ("K6_NO_CONNECTION_REUSE", "1")];
        let settings = settings_at(&format!("https://localhost:{}", server.port), None, testid, &given);
        let scenario = Scenario::new("pings", catalogue).exercises(&[PING]).load(per_vu_iterations(20, 2));
        scenario.run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await)
    };
    let in_part = const { &[Slo::p95(PING, LIMIT).in_part("pings")] };
    for (testid, slos) in [("slow-tls-1", const { &[Slo::p95(PING, LIMIT)] }), ("slow-tls-part", in_part)] {
        let latency = run(testid, slos);
        let report = latency.report().unwrap();
        assert_eq!((code(&latency), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.findings);
        assert!(has(report, FindingKind::SlowConnecting, "ping: 40 of 40 requests"), "{:?}", report.findings);
    }
    for (testid, slos) in [("slow-tls-2", const { &[CONNECTING] }), ("slow-tls-3", const { &[WITH_CONNECTING] })] {
        let finished = run(testid, slos);
        let report = finished.report().unwrap();
        assert_eq!(code(&finished), ExitCode::Missed, "{:?}", report.findings);
        let verdicts: Vec<_> = report.objectives.iter().map(|objective| objective.verdict.clone()).collect();
        assert_eq!(verdicts, [Verdict::Missed], "{:?}", report.findings);
    }
}

#[test]
fn a_request_that_waits_for_its_handshake_says_so() {
    let authority = authority("late");
    for protocols in [&["http/1.1"], &["h2"]] {
        let options = TlsOptions { delay: HANDSHAKE, protocols, ..TlsOptions::default() };
        let server = TlsServer::start_with(&authority.sign("localhost"), &options);
        let given = [("PERF_CA_CERTIFICATE", text(&authority.file)), ("PERF_REQUEST_TIMEOUT", "100ms")];
        let settings = settings_at(&format!("https://localhost:{}", server.port), None, "slow-tls-4", &given);
        let finished = pings(4).run_with(settings, async |vu: &mut Vu, (): &()| ping(vu).await);
        assert_refused(&finished, &["does not respond: no complete TLS handshake within 100ms"]);
    }
}
