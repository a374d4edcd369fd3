//! Tests of `cargo xtask archive`: a Prometheus started on an
//! archive has the numbers of the report.

use std::path::Path;

use crate::real::{Backend, Stack, free_port, out, report, run, value, xtask};
use perf_report::Report;

#[expect(clippy::disallowed_methods, reason = "the command under test gets a part of it")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// PATH without the folders that have a promtool.
fn path_without_promtool() -> String {
    let path = path();
    let folders = std::env::split_paths(&path).filter(|folder| !folder.join("promtool").exists());
    std::env::join_paths(folders).unwrap().into_string().unwrap()
}

/// Opens an archive, and compares its Prometheus with the report.
fn check_archive(file: &Path, kind: &str, report: &Report) {
    let stack = Stack { port: free_port() };
    let port = stack.port.to_string();
    let line = ["archive", "open", file.to_str().unwrap(), "--stack", kind, "--no-grafana", "--prometheus-port", &port];
    let output = run(&mut xtask(&line));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains(&report.run.testid), "{}", output.text);
    let (of_run, at) = (format!("testid=\"{}\"", report.run.testid), report.series_end_unix_ms());
    let last = |series: &str| value(&stack.url(), &format!("sum(last_over_time({series}[1h]))"), at);
    assert_eq!(last(&format!("http_reqs{{{of_run}}}")), report.requests.sent as f64);
    let joined = report.objectives.iter().find(|objective| objective.id == "join_room_latency").unwrap();
    assert_eq!(
        last(&format!("join_room_latency_bucket{{{of_run},le=\"300.0\"}}")),
        joined.tally().unwrap().good as f64
    );
    assert!(last("process_resident_memory_bytes{job=\"backend\"}") > 1e6, "the backend's own metrics");
}

#[test]
#[ignore = "needs Docker, prometheus and promtool: run with cargo xtask ci"]
fn an_archive_shows_a_run_after_its_store_is_gone() {
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
    for ((file, path), name) in files.iter().zip([path_without_promtool(), path()]).zip(["kept-1", "latest"]) {
        let line = ["archive", name, "--prometheus-port", &port, "--output", file.to_str().unwrap()];
        let output = run(xtask(&line).args(folder).env("PATH", path));
        assert_eq!(output.code, 0, "{}", output.text);
    }
    drop(stack);
    check_archive(&files[0], "docker", &report);
    check_archive(&files[1], "native", &report);
    let gone = run(xtask(&["archive", "kept-1", "--prometheus-port", &port]).args(folder));
    assert!(gone.code == 104 && gone.text.contains("cargo xtask stack up"), "{}", gone.text);
    let unknown = run(xtask(&["archive", "kept-2", "--prometheus-port", &port]).args(folder));
    assert!(unknown.code == 104 && unknown.text.contains("no report of kept-2"), "{}", unknown.text);
}
