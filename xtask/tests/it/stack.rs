//! Tests of `cargo xtask stack`: a Prometheus from PATH,
//! containers, two stacks at once, and interruptions.

use std::process::{Command, Stdio};

use crate::real::{
    Backend, CommandOutput, Stack, as_root, free_port, get, out, perf_folder, query, report, run, send_signal, xtask,
};

/// Runs `cargo xtask stack …` for one stack.
fn stack(port: u16, line: &[&str]) -> CommandOutput {
    run(xtask(&["stack"]).args(line).args(["--prometheus-port", &port.to_string()]))
}

/// Whether the store has requests of a run.
fn has_run(url: &str, testid: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let expr = format!("last_over_time(join_room_latency_count{{testid=\"{testid}\"}}[1h])");
    !query(url, &expr, None, i64::try_from(now).unwrap()).is_empty()
}

/// The value of a field of a container, by a template of `docker inspect`.
fn inspect(name: &str, field: &str) -> String {
    let output = Command::new("docker").args(["inspect", "--format", field, name]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn containers(port: u16) -> Vec<String> {
    let filter = format!("label=dev.perf.prometheus-port={port}");
    let output =
        Command::new("docker").args(["ps", "--all", "--format", "{{.Names}}", "--filter", &filter]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_native_stack_supports_every_stack_command() {
    let (up, out) = (Stack::up("native"), out("lifecycle"));
    let again = stack(up.port, &["up", "--stack", "native", "--no-grafana"]);
    assert_eq!(again.code, 0, "a running stack is reused: {}", again.text);
    let port = up.port.to_string();
    let line = ["perf", "-q", "-u", "5", "-i", "100", "--testid", "kept-1", "--stack", "native", "--no-proof"];
    // A machine without certificate authorities, such as many a
    // container, can run this: nothing uses TLS.
    let no_authorities = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, "/nowhere"));
    let mut command = xtask(&line);
    let ran = run(command.args(["--prometheus-port", &port, "--out", out.to_str().unwrap()]).envs(no_authorities));
    assert_eq!(ran.code, 0, "{}", ran.text);
    let status = run(&mut xtask(&["stack", "status"]));
    for part in
        [&up.url(), "Prometheus 3", "healthy; ", "retention 30d", "remote-write receiver: true", "runs with series: 1"]
    {
        assert!(status.text.contains(part), "{part:?} is not in\n{}", status.text);
    }
    let logs = run(&mut xtask(&["stack", "logs"]));
    assert!(logs.text.contains(&format!("prometheus at {port}")), "{}", logs.text);
    let restarted = stack(up.port, &["restart", "--stack", "native", "--no-grafana"]);
    assert_eq!(restarted.code, 0, "{}", restarted.text);
    assert!(has_run(&up.url(), "kept-1"), "data stays");
    let refused = stack(up.port, &["reset"]);
    assert!(refused.code == 104 && refused.text.contains("--yes"), "{}", refused.text);
    let reset = stack(up.port, &["reset", "--yes"]);
    assert!(reset.code == 0 && reset.text.contains("removed "), "{}", reset.text);
    let fresh = stack(up.port, &["up", "--stack", "native", "--no-grafana"]);
    assert_eq!(fresh.code, 0, "{}", fresh.text);
    assert!(!has_run(&up.url(), "kept-1"), "data was removed");
}

/// After a git pull with other rules, the command replaces the running Prometheus. The new one
/// belongs to the command.
#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_replaced_stack_ends_with_its_command() {
    let (up, out) = (Stack::up("native"), out("replaced"));
    std::fs::write(perf_folder().join(format!("stack/{}/prometheus.yml", up.port)), "").unwrap();
    let port = up.port.to_string();
    let line = ["perf", "-q", "-u", "1", "-i", "1", "--stack", "native", "--ephemeral", "--no-proof"];
    let ran = run(xtask(&line).args(["--prometheus-port", &port, "--out", out.to_str().unwrap()]));
    assert_eq!(ran.code, 90, "{}", ran.text);
    assert!(
        std::net::TcpListener::bind(("127.0.0.1", up.port)).is_ok(),
        "{}",
        run(&mut xtask(&["stack", "status"])).text
    );
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn the_doctor_reports_each_problem_with_its_remedy() {
    let port = free_port();
    let doctor = |line: &[&str], environment: &[(&str, &str)]| {
        let mut command = xtask(&["stack", "doctor", "--prometheus-port", &port.to_string()]);
        run(command.args(line).env("DOCKER_HOST", "unix:///nowhere.sock").envs(environment.iter().copied()))
    };
    let ill = doctor(&[], &[]);
    assert_eq!(ill.code, 104, "{}", ill.text);
    assert!(
        ill.text.contains("✗ does Prometheus respond?") && ill.text.contains("→ cargo xtask stack up"),
        "{}",
        ill.text
    );
    let up =
        run(&mut xtask(&["stack", "up", "--stack", "native", "--no-grafana", "--prometheus-port", &port.to_string()]));
    assert_eq!(up.code, 0, "{}", up.text);
    let stack = Stack { port };
    let empty = doctor(&[], &[]);
    assert_eq!(empty.code, 104, "{}", empty.text);
    assert!(empty.text.contains("✗ are there metrics of runs? no series of vus"), "{}", empty.text);
    let out = out("doctor");
    let line =
        ["perf", "-q", "-u", "5", "-i", "100", "--stack", "native", "--no-proof", "--out", out.to_str().unwrap()];
    let ran = run(xtask(&line).args(["--prometheus-port", &port.to_string()]));
    assert_eq!(ran.code, 0, "{}", ran.text);
    let well = doctor(&[], &[]);
    assert_eq!(well.code, 0, "{}", well.text);
    assert_eq!(well.text.matches('✓').count(), 10, "{}", well.text);
    // A store of the user's own is queried below its path, and the remedy is not to start a stack.
    let away = format!("{}/prefix/api/v1/write", stack.url());
    let away = doctor(
        &[],
        &[("K6_PROMETHEUS_RW_SERVER_URL", &away), ("PERF_PROMETHEUS_URL", &format!("{}/prefix", stack.url()))],
    );
    assert!(away.code == 104 && !away.text.contains("stack up"), "{}", away.text);
    let there = format!("{}/api/v1/write", stack.url());
    let there = doctor(&[], &[("K6_PROMETHEUS_RW_SERVER_URL", &there)]);
    assert_eq!(there.code, 0, "{}", there.text);
}

#[test]
#[ignore = "needs Docker and a prometheus on PATH: run with cargo xtask ci"]
fn two_stacks_are_independent_and_limited() {
    let (one, other) = (Stack::up("docker"), Stack::up("native"));
    let names = containers(one.port);
    let [name] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!(inspect(name, "{{.HostConfig.Memory}}"), (1_u64 << 30).to_string());
    assert_eq!(inspect(name, "{{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"), "[ALL] [no-new-privileges:true]");
    let down = stack(one.port, &["down"]);
    assert_eq!(down.code, 0, "{}", down.text);
    assert!(containers(one.port).is_empty(), "{:?}", containers(one.port));
    assert!(get(&format!("{}/-/ready", other.url())).is_some(), "the other stack still runs");
}

/// Tests that take too long for every change.
mod full {
    use super::*;

    #[test]
    #[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci --full"]
    fn a_run_works_with_containers_on_a_bridge() {
        let (port, out) = (free_port(), out("bridge"));
        let line = ["perf", "-q", "-u", "5", "-d", "27s", "--stack", "docker", "--no-grafana", "--ephemeral"];
        let mut command = xtask(&line);
        command.args(["--prometheus-port", &port.to_string(), "--out", out.to_str().unwrap()]);
        let output = run(command.env("PERF_DOCKER_NETWORK", "bridge"));
        // On Linux, a bridge cannot reach a backend that listens only on 127.0.0.1. The proof
        // reports that and does not fail.
        assert_eq!(output.code, 0, "{}", output.text);
        assert_eq!(report(&out).run.store.unwrap().agrees, Some(true));
        let proof = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
        assert!(proof.contains("cannot reach the backend, which listens only on 127.0.0.1"), "{proof}");
        assert!(containers(port).is_empty(), "{:?}", containers(port));
    }
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn an_interrupted_start_leaves_nothing() {
    use rustix::process::Signal;
    // The start may end before the signal comes. At least one of the attempts is interrupted.
    let interrupted = (0..20).any(|_| {
        let port = free_port();
        let mut child =
            xtask(&["stack", "up", "--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
        // Polled without a pause, so that the signal comes right after the creation. Each poll
        // takes about 10 ms.
        let is_there = (0..10_000).any(|_| !containers(port).is_empty() || child.try_wait().unwrap().is_some());
        assert!(is_there, "no container");
        send_signal(child.id(), Signal::INT).unwrap();
        let code = child.wait().unwrap().code();
        let stack = Stack { port };
        let left = containers(stack.port);
        assert!(code == Some(0) || left.is_empty(), "{code:?} {left:?}");
        code == Some(105)
    });
    assert!(interrupted, "no start could be interrupted");
}

#[test]
#[ignore = "needs Docker: run with cargo xtask ci"]
fn an_unwritable_report_still_prints_the_verdict() {
    let (backend, out) = (Backend::start(&[]), out("full"));
    std::fs::create_dir_all(&out).unwrap();
    // A file system of the smallest size, since file permissions do not stop root from writing.
    as_root(&["mount", "-t", "tmpfs", "-o", "size=8k,mode=777", "tmpfs", out.to_str().unwrap()]);
    let line = ["perf", "-q", "-u", "5", "-i", "200", "--stack", "none", "--target", &backend.url];
    let output = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
    as_root(&["mount", "-o", "remount,ro", out.to_str().unwrap()]);
    let read_only = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
    as_root(&["umount", out.to_str().unwrap()]);
    // A read-only folder is an error before the run.
    assert_eq!(read_only.code, 104, "{}", read_only.text);
    assert!(read_only.text.contains("Read-only file system"), "{}", read_only.text);
    assert_eq!(output.code, 70, "{}", output.text);
    assert!(output.text.contains("No space left on device"), "{}", output.text);
    let text = output.text.replace("\n  ", " ");
    assert!(text.contains("✓ met") && text.contains("printed here, but not saved"), "{text}");
}
