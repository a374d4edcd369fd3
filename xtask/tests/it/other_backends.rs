//! Backends whose metrics are not those of FastAPI: a run never fails for what a backend does not
//! offer, and fails for what it offers and contradicts.

use std::process::Stdio;

use serde_json::Value;
use test_support::backend_text;
use test_support::counted_backend::{self, Metrics};

use crate::real::{free_port, out, read_output, run, xtask};

/// A run against a backend.
struct BackendRun {
    code: i32,
    text: String,
    proof: Value,
}

impl BackendRun {
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

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn what_a_backend_does_not_expose_is_excused_in_a_real_run() {
    let url = counted_backend::serve(false, |counts| backend_text::go(counts, 1));
    let found = run_load("total", &url, 26, &[]);
    assert_eq!(found.code, 0, "{}", found.text);
    let (empty, delivery) = (found.check("nothing empty"), found.check("delivery"));
    assert_eq!((&empty["outcome"], &delivery["outcome"]), (&"shown".into(), &"shown".into()), "{}", found.text);
    let excused = empty["excused"].as_array().unwrap();
    let reason = |place: &str| excused.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with(place)));
    assert!(reason("panel \"Time outside the backend by endpoint\""), "{empty}");
    assert!(!reason("panel \"Backend request rate\""), "the backend counts requests: {empty}");
}

#[test]
fn doctor_names_the_mapping_of_a_target() {
    let url = counted_backend::serve(false, |_| {
        Metrics::text("http_request_duration_seconds_count{route=\"/a/:b\",method=\"GET\",code=\"200\"} 1\n")
    });
    let doctor = run(&mut xtask(&["stack", "doctor", "--target", &url, "--prometheus-port", "1"]));
    let line = "mapping: BackendMapping::EXPRESS.status(\"code\"), or for one run: --backend-metrics '";
    assert!(doctor.text.contains(line), "{}", doctor.text);
    let page = counted_backend::serve(false, backend_text::page);
    let doctor = run(&mut xtask(&["stack", "doctor", "--target", &page, "--prometheus-port", "1"]));
    assert!(doctor.text.contains("none: /metrics is not Prometheus' text format"), "{}", doctor.text);
}
