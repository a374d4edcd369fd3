//! A run in a file: after its store is gone, another Prometheus started on the file gives the report's own numbers.

use std::path::Path;

use crate::real::{Backend, Stack, free_port, out, report, run, value, xtask};
use perf_report::Report;

#[expect(clippy::disallowed_methods, reason = "what the command under test is to see less of")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// The path with everything but the folder in which Prometheus' tool is.
fn path_without_promtool() -> String {
    let path = path();
    let folders = std::env::split_paths(&path).filter(|folder| !folder.join("promtool").exists());
    std::env::join_paths(folders).unwrap().into_string().unwrap()
}

/// Opens an archive, and asks for what the report has.
fn opened(file: &Path, kind: &str, report: &Report) {
    let stack = Stack { port: free_port() };
    let port = stack.port.to_string();
    let line = ["archive", "open", file.to_str().unwrap(), "--stack", kind, "--no-grafana", "--prometheus-port", &port];
    let said = run(&mut xtask(&line));
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains(&report.testid), "{}", said.text);
    let (of_run, at) = (format!("testid=\"{}\"", report.testid), report.series_end_unix_ms());
    let last = |series: &str| value(&stack.url(), &format!("sum(last_over_time({series}[1h]))"), at);
    assert_eq!(last(&format!("http_reqs{{{of_run}}}")), report.requests.sent as f64);
    let joined = report.objectives.iter().find(|objective| objective.id == "join_room_latency").unwrap();
    assert_eq!(
        last(&format!("join_room_latency_bucket{{{of_run},le=\"300.0\"}}")),
        joined.tally().unwrap().good as f64
    );
    assert!(last("process_resident_memory_bytes{job=\"backend\"}") > 1e6, "what the backend said of itself");
}

#[test]
#[ignore = "needs Docker, prometheus and promtool: run with cargo xtask ci"]
fn a_run_is_seen_again_when_its_store_is_gone() {
    let (backend, out) = (Backend::start(&[]), out("archived"));
    let folder = ["--out", out.to_str().unwrap()];
    let stack = Stack::up("docker");
    let port = stack.port.to_string();
    let line =
        ["perf", "-u", "5", "-d", "15s", "--testid", "kept-1", "--stack", "docker", "--no-grafana", "--no-proof"];
    let ran = run(xtask(&line).args(["--prometheus-port", &port, "--target", &backend.url]).args(folder));
    assert_eq!(ran.code, 0, "{}", ran.text);
    let report = report(&out);
    let files = ["by-image.tar.zst", "by-path.tar.zst"].map(|name| out.join(name));
    for (file, path) in files.iter().zip([path_without_promtool(), path()]) {
        let line = ["archive", "kept-1", "--prometheus-port", &port, "--output", file.to_str().unwrap()];
        let said = run(xtask(&line).args(folder).env("PATH", path));
        assert_eq!(said.code, 0, "{}", said.text);
    }
    drop(stack);
    opened(&files[0], "docker", &report);
    opened(&files[1], "native", &report);
    let gone = run(xtask(&["archive", "kept-1", "--prometheus-port", &port]).args(folder));
    assert!(gone.code == 104 && gone.text.contains("cargo xtask stack up"), "{}", gone.text);
    let unknown = run(xtask(&["archive", "kept-2", "--prometheus-port", &port]).args(folder));
    assert!(unknown.code == 104 && unknown.text.contains("there is no report of kept-2"), "{}", unknown.text);
}
