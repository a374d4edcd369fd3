//! The command where things are not as it would like them: no Docker, a port taken, a store that refuses or dies, Ctrl-C.

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::real::{
    Backend, Prometheus, Stack, cargo, free_port, get, out, report, root, run, said, send_signal, wait_for, xtask,
};

/// A load of a few seconds that every objective can be judged by.
const QUICK: [&str; 4] = ["-u", "10", "-i", "60"];

const NO_DOCKER: (&str, &str) = ("DOCKER_HOST", "unix:///nowhere/docker.sock");

fn perf(args: &[&str]) -> Command {
    let mut command = xtask(&["perf"]);
    command.args(QUICK).args(args);
    command
}

/// What cargo needs, and nothing else.
fn path_without_prometheus() -> String {
    let cargo = std::path::Path::new(env!("CARGO")).parent().unwrap();
    let system = ["/usr/bin", "/bin"].map(std::path::Path::new);
    assert!(
        system.iter().all(|folder| !folder.join("prometheus").exists()),
        "this machine has one among its own programs"
    );
    format!("{}:/usr/bin:/bin", cargo.display())
}

/// Containers that carry our label and that port.
fn containers(port: u16) -> String {
    let filter = format!("label=dev.perf.prometheus-port={port}");
    let output = Command::new("docker").args(["ps", "-a", "-q", "--filter", &filter]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn an_ephemeral_run_in_docker_is_met_and_leaves_nothing() {
    let (port, out) = (free_port(), out("ephemeral"));
    let said = run(perf(&["--stack", "docker", "--no-grafana", "--ephemeral", "--prometheus-port", &port.to_string()])
        .args(["--out", out.to_str().unwrap()]));
    assert_eq!(said.code, 0, "{}", said.text);
    let store = report(&out).store.unwrap();
    assert_eq!((store.complete, store.agrees), (true, Some(true)));
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn a_stack_is_used_again_and_goes_when_it_is_told() {
    let (stack, out) = (Stack::up("docker"), out("kept"));
    let first = containers(stack.port);
    let port = stack.port.to_string();
    // Long enough to be scraped: that is every 5 s.
    let args = ["perf", "-u", "5", "-d", "12s", "--stack", "docker", "--no-grafana", "--prometheus-port", &port];
    let said = run(xtask(&args).args(["--out", out.to_str().unwrap()]));
    assert_eq!(said.code, 0, "{}", said.text);
    // The run found it, and left it where it was.
    assert_eq!(containers(stack.port), first);
    let status = run(&mut xtask(&["stack", "status"]));
    assert!(status.text.contains(&format!("{}/", stack.url())), "{}", status.text);
    // The backend was scraped while the run lasted.
    let series = get(&format!("{}/api/v1/query?query=last_over_time(http_requests_total[5m])", stack.url())).unwrap();
    assert!(series.contains("/api/multiplayer/rooms/{code}/join"), "{series}");
    assert_eq!(run(&mut xtask(&["stack", "down", "--prometheus-port", &port])).code, 0);
    assert_eq!(containers(stack.port), "");
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn without_docker_a_prometheus_from_path_keeps_the_metrics() {
    let (port, out) = (free_port().to_string(), out("native"));
    // What an earlier run was told to keep.
    let state = root().join("target/perf/stack").join(&port);
    std::fs::create_dir_all(state.join("data")).unwrap();
    std::fs::write(state.join("data/kept"), "").unwrap();
    let said = run(perf(&["--prometheus-port", &port, "--out", out.to_str().unwrap()]).env(NO_DOCKER.0, NO_DOCKER.1));
    assert_eq!(said.code, 0, "{}", said.text);
    let lines: Vec<_> = said.text.lines().filter(|line| line.contains("Docker was not found")).collect();
    assert!(lines.len() == 1 && lines[0].contains("using prometheus from PATH"), "{}", said.text);
    assert_eq!(report(&out).store.unwrap().agrees, Some(true));
    // There is no terminal, so the stack went with the run, and its data, but not what was there before.
    assert!(get(&format!("http://127.0.0.1:{port}/-/ready")).is_none());
    assert!(state.join("data/kept").exists() && !state.join("passing-data").exists());
    std::fs::remove_dir_all(state).unwrap();
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn without_docker_and_prometheus_the_verdict_is_the_same() {
    let out = out("storeless");
    let said = run(perf(&["--out", out.to_str().unwrap()])
        .env(NO_DOCKER.0, NO_DOCKER.1)
        .env("PATH", path_without_prometheus()));
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("metrics are judged but not kept"), "{}", said.text);
    let report = report(&out);
    assert_eq!((report.exit_code, report.store), (ExitCode::Met, None));
}

#[test]
#[ignore = "builds the scenarios: run with cargo xtask ci"]
fn what_is_insisted_on_and_not_there_is_bad_configuration() {
    let docker = run(perf(&["--stack", "docker"]).env(NO_DOCKER.0, NO_DOCKER.1));
    assert_eq!(docker.code, 104, "{}", docker.text);
    assert!(docker.text.contains("Docker was not found"), "{}", docker.text);
    let native = run(perf(&["--stack", "native"]).env("PATH", path_without_prometheus()));
    assert_eq!(native.code, 104, "{}", native.text);
    assert!(native.text.contains("no prometheus on PATH"), "{}", native.text);
    let unknown = run(&mut xtask(&["perf", "nonesuch"]));
    assert_eq!(unknown.code, 104, "{}", unknown.text);
    assert!(unknown.text.contains("nonesuch") && unknown.text.contains("basic"), "{}", unknown.text);
    let dead = run(&mut perf(&["--stack", "none", "--target", "http://127.0.0.1:9"]));
    assert_eq!(dead.code, 104, "{}", dead.text);
    assert!(dead.text.contains("nothing answers at http://127.0.0.1:9"), "{}", dead.text);
}

#[test]
#[ignore = "needs Docker: run with cargo xtask ci"]
fn an_image_that_is_not_to_be_had_is_bad_configuration() {
    let port = free_port();
    let said = run(perf(&["--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()])
        .env("PERF_PROMETHEUS_IMAGE", "127.0.0.1:9/no/such-image:v0"));
    assert_eq!(said.code, 104, "{}", said.text);
    assert!(said.text.contains("127.0.0.1:9/no/such-image:v0"), "{}", said.text);
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn no_grafana_costs_the_picture_and_not_the_verdict() {
    let port = free_port();
    let (prometheus, grafana) = (port.to_string(), free_port().to_string());
    let said =
        run(perf(&["--stack", "docker", "--ephemeral", "--prometheus-port", &prometheus, "--grafana-port", &grafana])
            .env("PERF_GRAFANA_IMAGE", "127.0.0.1:9/no/such-image:v0"));
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("warning: no Grafana"), "{}", said.text);
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and a prometheus on PATH: run with cargo xtask ci"]
fn a_port_that_is_taken_is_bad_configuration_and_offers_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for stack in ["docker", "native", "auto"] {
        let said = run(&mut perf(&["--stack", stack, "--no-grafana", "--prometheus-port", &port]));
        assert_eq!(said.code, 104, "{stack}: {}", said.text);
        assert!(said.text.contains(&port) && said.text.contains("--prometheus-port"), "{}", said.text);
    }
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_receiver_that_is_off_is_inconclusive_and_names_the_flag() {
    let (prometheus, out) = (Prometheus::start("receiver-off", &[]), out("receiver-off-out"));
    let said = run(&mut perf(&["--prometheus-url", &prometheus.url, "--out", out.to_str().unwrap()]));
    assert_eq!(said.code, 90, "{}", said.text);
    assert!(said.text.contains("--web.enable-remote-write-receiver"), "{}", said.text);
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_store_that_dies_half_way_is_inconclusive() {
    let mut prometheus = Prometheus::start("dying", &["--web.enable-remote-write-receiver"]);
    let out = out("dying-out");
    let child =
        xtask(&["perf", "-u", "5", "-d", "8s", "--prometheus-url", &prometheus.url, "--out", out.to_str().unwrap()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    wait_for("the first push", Duration::from_secs(120), || {
        let series = get(&format!("{}/api/v1/series?match[]=vus", prometheus.url))?;
        series.contains("basic").then_some(())
    });
    prometheus.kill();
    let said = said(&child.wait_with_output().unwrap());
    assert_eq!(said.code, 90, "{}", said.text);
    assert!(said.text.contains("did not take the final metrics"), "{}", said.text);
}

#[cfg(unix)]
#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn ctrl_c_ends_a_run_in_order_and_leaves_nothing_and_nobody_else_takes_its_stack() {
    use std::io::Read as _;

    use rustix::process::Signal;
    let (port, out) = (free_port(), out("interrupted"));
    let mut child = xtask(&["perf", "-u", "5", "-d", "60s", "--stack", "docker", "--no-grafana", "--ephemeral"])
        .args(["--prometheus-port", &port.to_string(), "--out", out.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a push of requests", Duration::from_secs(120), || {
        let series = get(&format!("http://127.0.0.1:{port}/api/v1/series?match[]=http_reqs"))?;
        series.contains("basic").then_some(())
    });
    // Another command neither takes that stack away nor relies on it, be it one that makes load or not.
    for mut other in [
        perf(&["--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()]),
        xtask(&["stack", "up", "--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()]),
    ] {
        let second = run(&mut other);
        assert_eq!(second.code, 104, "{}", second.text);
        assert!(second.text.contains(&format!("process {}", child.id())), "{}", second.text);
    }
    send_signal(child.id().try_into().unwrap(), Signal::INT).unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(105), "{text}");
    let report = report(&out);
    assert_eq!(report.exit_code, ExitCode::Interrupted);
    // What was measured until then was pushed, acknowledged and read back.
    assert_eq!(report.store.unwrap().agrees, Some(true));
    assert!(report.requests.sent > 20, "{:?}", report.requests);
    assert_eq!(containers(port), "");
}

#[cfg(unix)]
#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn load_ends_with_the_command_even_if_that_is_killed() {
    let (backend, out) = (Backend::start(&[]), out("killed"));
    let args = ["perf", "-u", "5", "-d", "300s", "--stack", "none", "--target", &backend.url];
    let mut child = xtask(&args).args(["--out", out.to_str().unwrap()]).stderr(Stdio::null()).spawn().unwrap();
    let joins = || {
        let text = get(&format!("{}/metrics", backend.url))?;
        let line = text.lines().find(|line| line.starts_with("http_requests_total") && line.contains("/join"))?;
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    wait_for("load", Duration::from_secs(120), || joins().filter(|joins| *joins > 20.0));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut last = joins();
    wait_for("the end of the load", Duration::from_secs(20), || {
        std::thread::sleep(Duration::from_secs(2));
        let now = joins();
        let ended = now == last;
        last = now;
        ended.then_some(())
    });
    // What it measured until then is left, and becomes a report when asked for.
    let evidence = wait_for("evidence", Duration::from_secs(20), || {
        let folders = std::fs::read_dir(&out).ok()?;
        folders.map(|folder| folder.unwrap().path().join("evidence.json")).find(|path| path.exists())
    });
    let said = run(xtask(&["report"]).arg(&evidence));
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("join_room") && said.text.contains("made from its evidence"), "{}", said.text);
    let text = std::fs::read_to_string(evidence.with_file_name("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap().exit_code, ExitCode::Interrupted);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn a_scenario_runs_as_a_plain_test_too() {
    let (backend, out) = (Backend::start(&[]), out("plain"));
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "load", "--", "--ignored", "basic"]);
    command.env("PERF_TARGET", &backend.url).env("K6_ITERATIONS", "60").env("K6_VUS", "10");
    command.env("PERF_OUT", out.to_str().unwrap()).current_dir(root());
    let said = run(&mut command);
    assert_eq!(said.code, 0, "{}", said.text);
    let report = report(&out);
    assert_eq!((report.exit_code, report.iterations.completed), (ExitCode::Met, 60));
}
