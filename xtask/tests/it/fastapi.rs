//! The lines of monitoring/BACKEND_METRICS.md for a FastAPI backend, with the real packages: every
//! request is accounted for, and both clocks measure the same requests.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use test_support::programs::{Process, nginx};

use crate::other_backends::{BackendRun, Library};
use crate::real::{free_port, get, out, read_output, report, root, run, send_signal, wait_for, xtask};

/// The application under uvicorn.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start() -> Self {
        Self::at(free_port())
    }

    fn at(port: u16) -> Self {
        let port = port.to_string();
        let child = Self::spawn(&["--port", &port], &format!("uvicorn-{port}.log"));
        let service = Self { child, url: format!("http://127.0.0.1:{port}") };
        wait_for("the application", Duration::from_secs(20), || get(&format!("{}/metrics", service.url)).map(drop));
        service
    }

    /// The application at a Unix socket.
    fn at_socket(path: &Path) -> Self {
        let child = Self::spawn(&["--uds", path.to_str().unwrap()], "uvicorn-socket.log");
        wait_for("the application", Duration::from_secs(20), || UnixStream::connect(path).ok());
        Self { child, url: format!("unix:{}", path.display()) }
    }

    fn spawn(listen: &[&str], log: &str) -> Child {
        // Some requests fail on purpose, and uvicorn logs each of them.
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(log);
        Command::new("uvicorn")
            .args(["service:app", "--no-access-log", "--log-level", "warning"])
            .args(listen)
            .args(["--app-dir", "xtask/tests/it/fastapi"])
            .env("PYTHONPATH", "monitoring/backend")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(root())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(log).unwrap())
            .spawn()
            .unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SIGTERM, so that the application ends its own processes.
        let _ = send_signal(self.child.id(), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Two workers that respond strictly in turn behind nginx.
///
/// The workers of one uvicorn share a socket, and sometimes one of them accepts every connection. A
/// test with them would sometimes see only one worker.
struct Workers {
    _proxy: Process,
    _workers: [Service; 2],
    url: String,
}

impl Workers {
    fn start() -> Self {
        let workers = [Service::start(), Service::start()];
        let servers = workers.each_ref().map(|worker| worker.url.replace("http://", "server ")).join(" max_fails=0; ");
        let port = free_port();
        let servers = format!(
            "upstream workers {{ {servers} max_fails=0; }}
            server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://workers; }} }}"
        );
        let proxy = nginx(&out("nginx"), &servers);
        let url = format!("http://127.0.0.1:{port}");
        wait_for("nginx", Duration::from_secs(20), || get(&format!("{url}/metrics")).map(drop));
        Self { _proxy: proxy, _workers: workers, url }
    }
}

#[test]
#[ignore = "needs uvicorn, FastAPI, its instrumentator and prometheus: run with cargo xtask ci"]
fn every_request_to_a_real_fastapi_backend_is_accounted_for() {
    let (service, out) = (Service::start(), out("fastapi"));
    let port = free_port().to_string();
    let output = run(xtask(&["perf", "-u", "3", "-d", "27s", "--stack", "native", "--ephemeral"]).args([
        "--prometheus-port",
        &port,
        "--target",
        &service.url,
        "--out",
        out.to_str().unwrap(),
    ]));
    assert_eq!(output.code, 0, "{}", output.text);
    let text = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    for check in proof["checks"].as_array().unwrap() {
        // A short run has no trend over time.
        let expected = if check["name"] == "over time" { "not_applicable" } else { "shown" };
        assert_eq!(check["outcome"], expected, "{check}");
    }
    assert!(output.text.contains("counted by the backend\n"), "no other clients: {}", output.text);
    assert!(output.text.contains("by Server-Timing"), "{}", output.text);
    assert!(output.text.contains("routes of the backend's OpenAPI document"), "{}", output.text);
    let library = Library {
        name: "prometheus-fastapi-instrumentator",
        file: ".ci/provide",
        before_version: "prometheus-fastapi-instrumentator==",
    };
    let found = BackendRun { code: output.code, text: output.text, proof, report: report(&out) };
    found.write_row("fastapi", &library.describe(), "default");
}

fn proven(out: &Path, name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    proof["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone()
}

#[test]
#[ignore = "needs uvicorn, FastAPI, its instrumentator and prometheus: run with cargo xtask ci"]
fn a_backend_at_a_unix_socket_is_audited_by_its_own_metrics() {
    let (path, out) = (std::env::temp_dir().join(format!("perf-fastapi-{}.sock", std::process::id())), out("socket"));
    let (service, port) = (Service::at_socket(&path), free_port().to_string());
    let line = ["perf", "-u", "3", "-d", "12s", "--stack", "native", "--ephemeral", "--prometheus-port", &port];
    let output = run(xtask(&line).args(["--target", &service.url, "--out", out.to_str().unwrap()]));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains(&format!("target: {} (HTTP/1.1)", service.url)), "{}", output.text);
    assert!(output.text.contains("counted by the backend\n"), "no other clients: {}", output.text);
    assert_eq!(proven(&out, "delivery")["outcome"], "shown", "{}", output.text);
    let queried = proven(&out, "queries");
    assert_eq!(queried["outcome"], "shown", "{queried}");
    assert!(queried["excused"].to_string().contains("Prometheus cannot scrape a Unix socket"), "{queried}");
    drop(service);
    let refused = run(xtask(&line).args(["--target", &format!("unix:{}", path.display())]));
    assert!(refused.code == 104 && refused.text.contains("cannot connect to unix:"), "{}", refused.text);
}

#[test]
#[ignore = "needs nginx, uvicorn, FastAPI, its instrumentator and prometheus: run with cargo xtask ci"]
fn several_workers_make_delivery_not_applicable() {
    let (service, out) = (Workers::start(), out("workers"));
    let port = free_port().to_string();
    let line = ["perf", "-q", "-u", "3", "-d", "8s", "--stack", "native", "--ephemeral", "--prometheus-port", &port];
    let output = run(xtask(&line).args(["--target", &service.url, "--out", out.to_str().unwrap()]));
    // Each worker has rooms of its own, so players of the other worker fail. The proof does not
    // fail for that.
    assert!([0, 99].contains(&output.code), "{}", output.text);
    let delivery = proven(&out, "delivery");
    assert_eq!(delivery["outcome"], "not_applicable", "{delivery}");
    assert!(
        delivery["figures"].as_str().unwrap().contains("several processes (workers or replicas) respond"),
        "{delivery}"
    );
}

#[test]
#[ignore = "needs uvicorn, FastAPI, its instrumentator and prometheus: run with cargo xtask ci"]
fn a_backend_restart_makes_delivery_not_applicable() {
    let (service_port, out) = (free_port(), out("restarted"));
    let service = Service::at(service_port);
    let port = free_port().to_string();
    let line = ["perf", "-q", "-u", "3", "-d", "25s", "--stack", "native", "--ephemeral", "--prometheus-port", &port];
    let child = xtask(&line)
        .args(["--target", &service.url, "--out", out.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("load", Duration::from_secs(300), || {
        let metrics = get(&format!("{}/metrics", service.url))?;
        metrics.contains("http_requests_total{handler=\"/api/multiplayer/rooms/{code}/join\"").then_some(())
    });
    drop(service);
    let _again = Service::at(service_port);
    let output = read_output(&child.wait_with_output().unwrap());
    // Requests fail during the restart, and rooms are lost: objectives are missed, and the proof
    // does not fail.
    assert_eq!(output.code, 99, "{}", output.text);
    let delivery = proven(&out, "delivery");
    assert_eq!(delivery["outcome"], "not_applicable", "{delivery}");
    assert!(delivery["figures"].as_str().unwrap().contains("the backend was restarted during the run"), "{delivery}");
}

#[test]
fn the_document_has_the_lines_that_are_tested() {
    const DOCUMENT: &str = "monitoring/BACKEND_METRICS.md";
    let text = std::fs::read_to_string(root().join("xtask/tests/it/fastapi/service.py")).unwrap();
    let (_, lines) = text.split_once("# BACKEND_METRICS.md: from here\n").unwrap();
    let (lines, _) = lines.split_once("# BACKEND_METRICS.md: to here").unwrap();
    let document = std::fs::read_to_string(root().join(DOCUMENT)).unwrap();
    assert!(document.contains(lines.trim_end()), "{DOCUMENT} has other lines than\n{lines}");
}
