//! Tests that take too long for every change: `cargo xtask ci --full` runs them.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;
use test_support::processes;

use super::world::{RunningCommand, leftovers};
use super::{agents, build, check, panics, service, signals, stores};
use crate::real::{Backend, built, free_port, prometheus, run, send_signal, xtask};

#[test]
#[ignore = "needs a prometheus on PATH, faketime and root: run with cargo xtask ci --full"]
fn all_faults_end_as_listed() {
    check(
        &[stores::rows(), service::rows(), service::generator_rows(), agents::rows(), panics::rows(), signals::rows()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    );
}

/// A command can be killed at any moment: the next command cleans up everything that it left.
#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci --full"]
fn after_fifty_kills_nothing_is_left() {
    const KILLS: u64 = 50;
    build();
    for number in 0..KILLS {
        let port = free_port();
        let line = ["-u", "5", "-d", "3s", "--stack", "native", "--ephemeral", "--prometheus-port", &port.to_string()];
        let running = RunningCommand::start(&format!("kill-{number}"), &line);
        // Multiples of the golden ratio spread the moments evenly
        // over the run, equally in every test run.
        let share = (number as f64 * 0.618_033_988_75).fract();
        sleep(Duration::from_secs_f64(share * 9.0));
        // The command may have ended by itself.
        let _ = send_signal(running.pid(), Signal::KILL);
        drop(running.end(None));
        let next = run(&mut xtask(&["stack", "status"]));
        assert_eq!(next.code, 0, "{}", next.text);
        let leftovers = leftovers();
        assert!(leftovers.is_empty(), "killed at {:.1} s: {leftovers:?}\n{}", share * 9.0, next.text);
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "port {port} is still taken");
        let perf = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("perf/stack")
            .join(port.to_string());
        for name in ["pid", "owner", "passing-data"] {
            assert!(!perf.join(name).exists(), "{name} is left in {}", perf.display());
        }
        // The port is not used again, so neither is its folder.
        let _ = fs::remove_dir_all(perf);
    }
}

/// Like `after_fifty_kills_nothing_is_left`, for containers, volumes and networks.
#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci --full"]
fn after_ten_kills_no_container_is_left() {
    const KILLS: u64 = 10;
    build();
    let own = || {
        let list = |what: &[&str]| {
            let output =
                Command::new("docker").args(what).args(["--filter", "label=dev.perf.workspace"]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        list(&["ps", "--all", "--quiet"]) + &list(&["network", "ls", "--quiet"])
    };
    let volumes =
        || String::from_utf8(Command::new("docker").args(["volume", "ls", "-q"]).output().unwrap().stdout).unwrap();
    let (before, volumes_before) = (own(), volumes());
    for number in 0..KILLS {
        let port = free_port().to_string();
        let network = if number % 2 == 0 { "host" } else { "bridge" };
        let mut command =
            xtask(&["perf", "-q", "-u", "5", "-d", "3s", "--stack", "docker", "--no-grafana", "--ephemeral"]);
        command.args(["--prometheus-port", &port]).env("PERF_DOCKER_NETWORK", network);
        let running = RunningCommand::start_command(&format!("kill-docker-{number}"), &[], command);
        let share = (number as f64 * 0.618_033_988_75).fract();
        sleep(Duration::from_secs_f64(share * 8.0));
        let _ = send_signal(running.pid(), Signal::KILL);
        drop(running.end(None));
        let next = run(&mut xtask(&["stack", "status"]));
        assert_eq!(next.code, 0, "{}", next.text);
        assert_eq!(own(), before, "killed at {:.1} s on the {network} network: {}", share * 8.0, next.text);
        assert_eq!(volumes(), volumes_before, "killed at {:.1} s on the {network} network", share * 8.0);
    }
}

/// Makes at least half a million requests, as many as in three hours of 50 per second.
#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci --full"]
fn hours_of_requests_need_no_more_memory() {
    let (store, server) = (prometheus("matrix-endurance-store", &[RECEIVER_FLAG]), Backend::start(&["--fixed"]));
    let mut command = Command::new(built(&["--example", "fixed"], "examples/fixed"));
    command.env("PERF_TARGET", &server.url).env("PERF_TESTID", "endurance").env("K6_DURATION", "90s");
    command.env("K6_PROMETHEUS_RW_SERVER_URL", format!("{}/api/v1/write", store.url));
    let running = RunningCommand::start_scenario("endurance", command);
    let anonymous = || processes::anonymous_memory(running.pid()).unwrap();
    sleep(Duration::from_secs(30));
    let early = anonymous();
    sleep(Duration::from_secs(55));
    let late = anonymous();
    let observed = running.end(Some(&store.url));
    assert_eq!(observed.output.code, 0, "{}", observed.output.text);
    let (sent, counted) = observed.counts.unwrap();
    println!("{sent} requests; {early} kB after 30 s, {late} kB after 85 s");
    assert!(sent > 500_000, "{sent} requests");
    assert_eq!(sent, counted);
    assert!(late < early + early / 20 + 512, "{early} kB after 30 s, and {late} kB after 85 s");
}
