//! Backends whose metrics are not those of FastAPI: a run never fails for what a backend does not
//! offer, and fails for what it offers and contradicts.

mod front;
mod makes;

use std::path::Path;
use std::process::Stdio;
use std::thread;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::excuse::Excuse;
use monitoring::services;
use perf_report::Report;
use serde_json::Value;
use test_support::backend_text::{self, fastapi};
use test_support::counted_backend::{self, Counts, Metrics};
use test_support::shop::SHOP;

use crate::matrix::proxy::{Mode, Proxy};
use crate::real::{Backend, free_port, out, read_output, report, root, run, write_row, xtask};
use crate::security;

/// Seconds of a run that is long enough for the store to need data of the backend.
const SCRAPED: u64 = 26;

/// A run against a backend.
pub(crate) struct BackendRun {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) proof: Value,
    pub(crate) report: Report,
}

/// A metrics library, whose version stands after a text in a file of the repository.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) before_version: &'static str,
}

impl Library {
    /// Its name and version.
    pub(crate) fn describe(&self) -> String {
        let text = std::fs::read_to_string(root().join(self.file)).unwrap();
        let (_, rest) = text.split_once(self.before_version).unwrap_or_else(|| panic!("{text}"));
        let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        format!("{} {version}", self.name)
    }
}

impl BackendRun {
    /// Writes the row of the table of backends.
    pub(crate) fn write_row(&self, backend: &str, library: &str, mapping: &str) {
        let (delivery, clocks) = (self.check("delivery"), self.check("two clocks"));
        let is_shown = |check: &Value| check["outcome"] == "shown";
        let is_total = delivery["figures"].as_str().unwrap().contains("not available by endpoint");
        let delivered = match (is_shown(delivery), is_total) {
            (true, false) => "by endpoint",
            (true, true) => "in total",
            (false, _) => "not available",
        };
        let compared = if is_shown(clocks) { "compared" } else { "not available" };
        let code = self.code;
        let row = format!("| {backend} | {library} | {mapping} | {code} | {delivered} | {compared} |\n");
        write_row("backend-rows", &format!("{backend}-{mapping}"), &row);
    }

    fn check(&self, name: &str) -> &Value {
        self.proof["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
    }
}

/// Runs load on a service with a Prometheus and a state folder of its own, so that several runs may
/// load services at once.
fn run_load(name: &str, url: &str, seconds: u64, more: &[&str]) -> BackendRun {
    run_load_with_token(name, url, seconds, more, None)
}

/// The same with a token for the metrics.
fn run_load_with_token(name: &str, url: &str, seconds: u64, more: &[&str], token: Option<&str>) -> BackendRun {
    let (out, port, duration) = (out(&format!("backend-{name}")), free_port().to_string(), format!("{seconds}s"));
    let line = ["perf", "-u", "2", "-d", &duration, "--stack", "native", "--ephemeral", "--prometheus-port", &port];
    let mut command = xtask(&line);
    command.args(["--target", url, "--out", out.to_str().unwrap()]).args(more);
    command.env(perf_settings::FOLDER, out.join("state"));
    command.envs(token.map(|token| (perf_settings::METRICS_TOKEN, token)));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = read_output(&child.wait_with_output().unwrap());
    let proof = std::fs::read_to_string(out.join("latest/proof.json")).unwrap_or_else(|_| panic!("{}", output.text));
    let proof = serde_json::from_str(&proof).unwrap();
    BackendRun { code: output.code, text: output.text, proof, report: report(&out) }
}

/// The output of the doctor for a target.
fn doctor(url: &str) -> String {
    run(&mut xtask(&["stack", "doctor", "--target", url, "--prometheus-port", "1"])).text
}

#[test]
fn doctor_names_the_mapping_of_a_target() {
    let url = counted_backend::serve(&SHOP, None, |_| {
        Metrics::text("http_request_duration_seconds_count{route=\"/a/:b\",method=\"GET\",code=\"200\"} 1\n")
    });
    let advice = doctor(&url);
    let line = "mapping: BackendMapping::EXPRESS.status(\"code\"), or for one run: --backend-metrics '";
    assert!(advice.contains(line), "{}", advice);
    let page = counted_backend::serve(&SHOP, None, backend_text::page);
    let advice = doctor(&page);
    assert!(advice.contains("none: /metrics is not Prometheus' text format"), "{}", advice);
}

/// The requests of the scenario's setup, which the catalogue does not have.
const OPEN_ROOM: Endpoint = Endpoint::new("open_room", "Open room", Method::Post, "/api/multiplayer/rooms");

/// Metrics of a service, and the outcome of a run against it.
struct MetricsCase {
    name: &'static str,
    metrics: fn(&Counts) -> Metrics,
    seconds: u64,
    code: i32,
    /// Outcome of the check of delivery.
    delivery: &'static str,
    /// A text that is printed once.
    once: &'static str,
}

static METRICS_CASES: [MetricsCase; 5] = [
    MetricsCase {
        name: "process-only",
        metrics: |_| Metrics::text(backend_text::start_time()),
        seconds: 5,
        code: 0,
        delivery: "not_applicable",
        once: "the backend has no http_requests_total: count requests as http_requests_total",
    },
    MetricsCase {
        name: "401",
        metrics: |_| backend_text::failing(401),
        seconds: 5,
        code: 0,
        delivery: "not_applicable",
        once: "/metrics needs authentication (401 Unauthorized), so these values of the backend",
    },
    MetricsCase {
        name: "openmetrics",
        metrics: backend_text::openmetrics,
        seconds: SCRAPED,
        code: 0,
        delivery: "shown",
        once: " in Prometheus, ",
    },
    MetricsCase {
        name: "gzip",
        metrics: backend_text::compressed,
        seconds: SCRAPED,
        code: 0,
        delivery: "shown",
        once: " in Prometheus, ",
    },
    MetricsCase {
        name: "contradicting",
        metrics: |counts| fastapi(counts, 2, |_, _| true),
        seconds: 5,
        code: 92,
        delivery: "failed",
        once: " and may be late: waiting until they have not changed for 20s, 45s at most",
    },
];

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_run_fails_only_for_counters_that_contradict_it() {
    let loaded = services::STUB.unwrap();
    let endpoints = loaded.endpoints.iter().copied().chain([OPEN_ROOM]).collect::<Vec<_>>();
    let served = Catalogue { endpoints: endpoints.leak(), ..*loaded };
    let runs = METRICS_CASES.each_ref().map(|case| {
        let url = counted_backend::serve(&served, None, case.metrics);
        thread::spawn(move || run_load(case.name, &url, case.seconds, &[]))
    });
    for (case, run) in METRICS_CASES.iter().zip(runs) {
        let found = run.join().unwrap();
        let text = found.text.replace("\n  ", " ");
        assert_eq!((found.code, &found.check("delivery")["outcome"]), (case.code, &case.delivery.into()), "{text}");
        assert_eq!(text.matches(case.once).count(), 1, "{}: {text}", case.name);
        if case.seconds == SCRAPED {
            assert_scraped(&found);
        }
        if case.name == "401" {
            let why = "/metrics: server returned HTTP status 401 Unauthorized: check the path of the metrics, and the login (user";
            let verdicts: Vec<_> = found.report.objectives.iter().map(|it| format!("{:?}", it.verdict)).collect();
            assert!(verdicts.iter().any(|verdict| verdict.contains(why)), "{verdicts:?}");
        }
        let lines = found.check("delivery")["lines"].to_string();
        for endpoint in loaded.endpoints {
            let line = format!("\"{}: ", endpoint.name);
            assert_eq!(lines.contains(&line), case.code == 92, "{}: {lines}", case.name);
        }
        assert_eq!(lines.contains(" responses had status 2xx, and the backend counted "), case.code == 92, "{lines}");
    }
}

/// Asserts that Prometheus has scraped the service often enough.
fn assert_scraped(run: &BackendRun) {
    let queries = run.check("queries");
    assert_eq!(queries["outcome"], "shown", "{queries}");
    let excused = queries["excused"].to_string();
    for excuse in [Excuse::FailedScrapes, Excuse::FewScrapes, Excuse::NoMetrics] {
        assert!(!excused.contains(&excuse.to_string()), "{excused}");
    }
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn prometheus_scrapes_metrics_behind_a_login() {
    let backend = Backend::start(&[]);
    let proxy = Proxy::before(backend.url.rsplit(':').next().unwrap().parse().unwrap());
    let target = proxy.url().replace("http://", "http://me:S3cr3t@");
    // me:S3cr3t
    for (name, token, authorization) in
        [("login", None, "Basic bWU6UzNjcjN0"), ("token", Some("T0k3n"), "Bearer T0k3n")]
    {
        proxy.set(Mode::Login(authorization));
        let finished = run_load_with_token(name, &target, SCRAPED, &[], token);
        assert_eq!(finished.code, 0, "{}", finished.text);
        assert_scraped(&finished);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("backend-{name}"));
        let written = security::files(&folder);
        assert!(written.iter().any(|(name, _)| name.contains("state")), "{}", written.len());
        for secret in ["S3cr3t", "T0k3n"] {
            assert!(!finished.text.contains(secret), "{}", finished.text);
            for (name, bytes) in &written {
                assert!(!security::holds(bytes, secret), "{name} holds a secret");
            }
        }
    }
}
