//! The kind of failure that each fault of a server counts as: a table against servers by other
//! authors. A fault is never a success, no request is lost and no virtual user dies. Behavior that
//! HTTP allows is not a fault.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exit_code::ExitCode;
use perf_report::finding::FindingKind;
use perf_report::verdict::Verdict;
use perf_report::{FailureKind, Report};
use perf_settings::Settings;
use perf_tests::{Scenario, Vu, shared_iterations};
use test_support::programs::{Nginx, python, uvicorn};

const RESPONSE: Endpoint = Endpoint::new("response", "Response", Method::Get, "/{fault}");
const CATALOGUE: Catalogue = Catalogue {
    service: "faults",
    title: "Faults",
    endpoints: &[RESPONSE],
    critical: &[RESPONSE],
    slos: &[Slo::p95(RESPONSE, Duration::from_secs(5)), Slo::errors_below(Ratio::percent(1))],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};
const REQUESTS: u64 = 20;

/// The folder for files of these tests.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults")
}

/// A row: the behavior of a server, and the kind of failure that every request counts as. The kind
/// is `None` if the behavior is not a fault.
struct Row {
    server: &'static str,
    fault: &'static str,
    port: u16,
    kind: Option<&'static str>,
    scheme: &'static str,
    http2: bool,
    think: Duration,
}

impl Row {
    const fn new(server: &'static str, fault: &'static str, port: u16, kind: Option<&'static str>) -> Self {
        Self { server, fault, port, kind, scheme: "http", http2: false, think: Duration::ZERO }
    }

    fn settings(&self, number: usize, authority: &Path) -> Settings {
        let out = folder().join("reports");
        let testid = format!("row-{number}");
        if out.join(&testid).exists() {
            std::fs::remove_dir_all(out.join(&testid)).unwrap();
        }
        let mut settings = Settings::from_lookup(&|name| match name {
            perf_settings::TARGET => Some(format!("{}://127.0.0.1:{}", self.scheme, self.port)),
            perf_settings::TESTID => Some(testid.clone()),
            perf_settings::OUT => Some(out.display().to_string()),
            perf_settings::QUIET => Some("1".to_owned()),
            _ => None,
        })
        .unwrap();
        // Only rows about timeouts have a short one. In other rows, a short suspension of the
        // machine must not cause a timeout.
        let timeout_ms = if self.kind == Some("timeout") { 400 } else { 5_000 };
        settings.http.request_timeout = Duration::from_millis(timeout_ms);
        settings.http.http2 = self.http2;
        if self.scheme == "https" {
            settings.http.ca_certificate = authority.to_path_buf().into();
        }
        settings
    }

    /// Runs the row, and describes any difference from the expected result.
    fn check(&self, number: usize, authority: &Path) -> Result<(), String> {
        let (fault, think) = (self.fault, self.think);
        let requests = if think.is_zero() { REQUESTS } else { 6 };
        let finished = Scenario::new("faults", &CATALOGUE)
            .exercises(&[RESPONSE])
            .load(shared_iterations(2, requests))
            .run_with(self.settings(number, authority), async move |vu: &mut Vu, (): &()| {
                let sent = vu.request(RESPONSE).path("fault", fault).send().await;
                vu.think(think, think).await;
                sent?;
                Ok(())
            });
        let report = match finished.report() {
            Ok(report) => report,
            Err((code, message)) => return Err(format!("{code:?}: {message}")),
        };
        let errors = &report.endpoints[0].errors;
        let kind = |kind: &str| FailureKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap();
        let expected: BTreeMap<FailureKind, u64> = self.kind.map(|it| (kind(it), requests)).into_iter().collect();
        let is_complete = report.requests.sent == requests && report.requests.unknown == 0;
        let alive = report.iterations.completed == requests && report.exit_code != ExitCode::Internal;
        let green = report.objectives.iter().any(|objective| objective.verdict == Verdict::Met);
        if *errors == expected && is_complete && alive && green == self.kind.is_none() && own_errors(report).is_none() {
            return Ok(());
        }
        Err(format!("expected {expected:?}, counted {errors:?}; {:?}, {:?}", report.requests, report.findings))
    }
}

/// A problem in the scenario's own code.
fn own_errors(report: &Report) -> Option<&str> {
    let mut problems = report.problems();
    problems.find(|problem| problem.kind == FindingKind::IterationsFailed).map(|problem| problem.message.as_str())
}

#[test]
#[ignore = "needs nginx, openssl, python3 and uvicorn: run with cargo xtask ci"]
fn every_fault_counts_as_its_kind_of_failure() {
    let (nginx, (_a, asgi), (_b, raw), (_c, once), (_d, away)) =
        (Nginx::start(folder().join("nginx")), uvicorn(), python(&["http1"]), python(&["once"]), python(&["goaway"]));
    // The run first checks whether the target is up, and must find the right name then.
    let (_e, renamed) = python(&["tls", nginx.certificates().to_str().unwrap()]);
    let (tls, pause) = ("https", Duration::from_millis(2_500));
    let rows = [
        Row::new("nginx", "fine", nginx.plain, None),
        Row::new("nginx", "close", nginx.plain, Some("reset")),
        Row::new("nginx", "gone", nginx.plain, Some("status")),
        Row { scheme: tls, ..Row::new("nginx, TLS", "fine", nginx.tls, None) },
        Row { scheme: tls, ..Row::new("python, TLS", "of another name", renamed, Some("tls")) },
        Row { http2: true, ..Row::new("nginx, HTTP/2", "goaway-when-idle", nginx.http2, None) },
        Row::new("uvicorn", "fine", asgi, None),
        Row { think: pause, ..Row::new("uvicorn", "closed-when-idle", asgi, None) },
        Row::new("uvicorn", "sleep", asgi, Some("timeout")),
        Row::new("uvicorn", "broken-off", asgi, Some("reset")),
        Row::new("python", "fine", raw, None),
        Row::new("python", "reset-in-head", raw, Some("reset")),
        Row::new("python", "reset-in-body", raw, Some("reset")),
        Row::new("python", "slow-head", raw, Some("timeout")),
        Row::new("python", "close", raw, Some("reset")),
        Row::new("python", "truncated", raw, Some("reset")),
        Row::new("python", "no-length", raw, Some("protocol")),
        Row::new("python", "two-lengths", raw, Some("protocol")),
        Row::new("python", "bad-chunk", raw, Some("protocol")),
        Row::new("python", "garbage", raw, Some("protocol")),
        // Bytes after the end of a response do not belong to it, and the connection is not used
        // again.
        Row::new("python", "too-long", raw, None),
        Row { think: Duration::from_millis(500), ..Row::new("python", "close-after", raw, None) },
        Row { http2: true, ..Row::new("python, HTTP/2", "goaway", away, Some("protocol")) },
        Row::new("python", "listens-no-more", once, Some("refused")),
    ];
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let result = row.check(number, &nginx.authority());
        let sign = if result.is_ok() { "ok" } else { "WRONG" };
        println!("{:16} {:18} {:9} {sign}", row.server, row.fault, row.kind.unwrap_or("no fault"));
        wrong.extend(result.err().map(|why| format!("{}, {}: {why}", row.server, row.fault)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
