//! Backends whose metrics are not those of FastAPI: a run never fails for what a backend does not
//! offer, and fails for what it offers and contradicts.

mod makes;

use std::process::Stdio;

use monitoring::excuse::Excuse;
use serde_json::Value;
use test_support::backend_text;
use test_support::counted_backend::{self, Metrics};
use test_support::shop::SHOP;

use crate::matrix::proxy::{Mode, Proxy};
use crate::real::{Backend, free_port, out, read_output, root, run, write_row, xtask};

/// A run against a backend.
pub(crate) struct BackendRun {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) proof: Value,
}

/// A metrics library, whose version stands after a text in a file of the repository.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) before_version: &'static str,
}

impl Library {
    fn version(&self) -> String {
        let text = std::fs::read_to_string(root().join(self.file)).unwrap();
        let (_, rest) = text.split_once(self.before_version).unwrap_or_else(|| panic!("{text}"));
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
    }
}

impl BackendRun {
    /// Writes the row of the table of backends.
    pub(crate) fn write_row(&self, backend: &str, library: &Library, mapping: &str) {
        let (delivery, clocks) = (self.check("delivery"), self.check("two clocks"));
        let is_shown = |check: &Value| check["outcome"] == "shown";
        let is_total = delivery["figures"].as_str().unwrap().contains("not available by endpoint");
        let delivered = match (is_shown(delivery), is_total) {
            (true, false) => "by endpoint",
            (true, true) => "in total",
            (false, _) => "not available",
        };
        let compared = if is_shown(clocks) { "compared" } else { "not available" };
        let (library, version, code) = (library.name, library.version(), self.code);
        let row = format!("| {backend} | {library} {version} | {mapping} | {code} | {delivered} | {compared} |\n");
        write_row("backend-rows", &format!("{backend}-{mapping}"), &row);
    }

    fn check(&self, name: &str) -> &Value {
        self.proof["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
    }
}

/// Runs load on a service with a Prometheus of its own.
fn run_load(name: &str, url: &str, seconds: u64, more: &[&str]) -> BackendRun {
    let (out, port, duration) = (out(&format!("backend-{name}")), free_port().to_string(), format!("{seconds}s"));
    let line = ["perf", "-u", "2", "-d", &duration, "--stack", "native", "--ephemeral", "--prometheus-port", &port];
    let mut command = xtask(&line);
    command.args(["--target", url, "--out", out.to_str().unwrap()]).args(more);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = read_output(&child.wait_with_output().unwrap());
    let proof = std::fs::read_to_string(out.join("latest/proof.json")).unwrap_or_else(|_| panic!("{}", output.text));
    BackendRun { code: output.code, text: output.text, proof: serde_json::from_str(&proof).unwrap() }
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

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn prometheus_scrapes_metrics_behind_a_login() {
    let backend = Backend::start(&[]);
    let proxy = Proxy::before(backend.url.rsplit(':').next().unwrap().parse().unwrap());
    // me:S3cr3t
    proxy.set(Mode::Login("Basic bWU6UzNjcjN0"));
    // Long enough for the store to need data of the backend.
    let finished = run_load("login", &proxy.url().replace("http://", "http://me:S3cr3t@"), 26, &[]);
    let queries = finished.check("queries");
    assert_eq!((finished.code, &queries["outcome"]), (0, &Value::from("shown")), "{}", finished.text);
    let excused = queries["excused"].to_string();
    for excuse in [Excuse::FailedScrapes, Excuse::FewScrapes, Excuse::NoMetrics] {
        assert!(!excused.contains(&excuse.to_string()), "{excused}");
    }
    assert!(!finished.text.contains("S3cr3t"), "{}", finished.text);
}
