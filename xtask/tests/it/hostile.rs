//! Tests of `cargo xtask perf` in bad conditions: no Docker, a taken
//! port, a store that refuses or dies, Ctrl-C.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::render::terminal::TerminalStyle;

use crate::real::{
    Backend, Stack, assert_stop_on_job_page, cargo, free_port, get, out, perf_folder, prometheus, read_output, report,
    root, run, send_signal, wait_for, xtask,
};

/// A load of a few seconds with enough requests for every objective.
const QUICK: [&str; 4] = ["-u", "10", "-i", "60"];

const NO_DOCKER: (&str, &str) = ("DOCKER_HOST", "unix:///nowhere/docker.sock");

fn perf(args: &[&str]) -> Command {
    let mut command = xtask(&["perf"]);
    command.args(QUICK).args(args);
    command
}

/// A PATH with the programs that cargo needs, and without a prometheus.
fn path_without_prometheus() -> String {
    let cargo = std::path::Path::new(env!("CARGO")).parent().unwrap();
    let system = ["/usr/bin", "/bin"].map(std::path::Path::new);
    assert!(
        system.iter().all(|folder| !folder.join("prometheus").exists()),
        "the system's own folders have a prometheus: remove it"
    );
    format!("{}:/usr/bin:/bin", cargo.display())
}

/// The ids of containers whose label has that port.
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
    let output =
        run(perf(&["--stack", "docker", "--no-grafana", "--ephemeral", "--prometheus-port", &port.to_string()])
            .args(["--out", out.to_str().unwrap()]));
    assert_eq!(output.code, 0, "{}", output.text);
    let store = report(&out).run.store.unwrap();
    assert_eq!((store.complete, store.agrees), (true, Some(true)));
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn a_running_stack_is_reused_until_it_is_stopped() {
    let (stack, out) = (Stack::up("docker"), out("kept"));
    let first = containers(stack.port);
    let port = stack.port.to_string();
    // Long enough for a scrape, which is every 5 s.
    let args = ["perf", "-u", "5", "-d", "12s", "--stack", "docker", "--no-grafana", "--prometheus-port", &port];
    let output = run(xtask(&args).args(["--out", out.to_str().unwrap()]));
    assert_eq!(output.code, 0, "{}", output.text);
    // The run used the stack and left it running.
    assert_eq!(containers(stack.port), first);
    let status = run(&mut xtask(&["stack", "status"]));
    assert!(status.text.contains(&format!("{}/", stack.url())), "{}", status.text);
    // The backend was scraped during the run.
    let series = get(&format!("{}/api/v1/query?query=last_over_time(http_requests_total[5m])", stack.url())).unwrap();
    assert!(series.contains("/api/multiplayer/rooms/{code}/join"), "{series}");
    assert_eq!(run(&mut xtask(&["stack", "down", "--prometheus-port", &port])).code, 0);
    assert_eq!(containers(stack.port), "");
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn without_docker_a_prometheus_from_path_stores_the_metrics() {
    let (port, out) = (free_port().to_string(), out("native"));
    // Data that an earlier run kept.
    let state = perf_folder().join("stack").join(&port);
    std::fs::create_dir_all(state.join("data")).unwrap();
    std::fs::write(state.join("data/kept"), "").unwrap();
    let output = run(perf(&["--prometheus-port", &port, "--out", out.to_str().unwrap()]).env(NO_DOCKER.0, NO_DOCKER.1));
    assert_eq!(output.code, 0, "{}", output.text);
    let lines: Vec<_> = output.text.lines().filter(|line| line.contains("no Docker at /nowhere/docker.sock")).collect();
    assert!(lines.len() == 1 && lines[0].contains("using prometheus from PATH"), "{}", output.text);
    assert_eq!(report(&out).run.store.unwrap().agrees, Some(true));
    // Without a terminal, the stack and its data were removed
    // after the run, but not the earlier data.
    assert!(get(&format!("http://127.0.0.1:{port}/-/ready")).is_none());
    assert!(state.join("data/kept").exists() && !state.join("passing-data").exists());
    std::fs::remove_dir_all(state).unwrap();
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn without_docker_and_prometheus_the_verdict_is_the_same() {
    let out = out("storeless");
    let output = run(perf(&["--out", out.to_str().unwrap()])
        .env(NO_DOCKER.0, NO_DOCKER.1)
        .env("PATH", path_without_prometheus()));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains("no metrics are stored"), "{}", output.text);
    let report = report(&out);
    assert_eq!((report.exit_code, report.run.store), (ExitCode::Met, None));
}

#[test]
#[ignore = "builds the scenarios: run with cargo xtask ci"]
fn a_missing_required_program_exits_104() {
    let docker = run(perf(&["--stack", "docker"]).env(NO_DOCKER.0, NO_DOCKER.1));
    assert_eq!(docker.code, 104, "{}", docker.text);
    assert!(docker.text.contains("no Docker at /nowhere/docker.sock"), "{}", docker.text);
    let native = run(perf(&["--stack", "native"]).env("PATH", path_without_prometheus()));
    assert_eq!(native.code, 104, "{}", native.text);
    assert!(native.text.contains("no prometheus on PATH"), "{}", native.text);
    let unknown = run(&mut xtask(&["perf", "nonesuch"]));
    assert_eq!(unknown.code, 104, "{}", unknown.text);
    assert!(unknown.text.contains("nonesuch") && unknown.text.contains("basic"), "{}", unknown.text);
    let page = out("job-page-target").with_extension("md");
    let dead = run(perf(&["--stack", "none", "--target", "http://127.0.0.1:9"])
        .envs([("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", page.to_str().unwrap())]));
    assert_eq!(dead.code, 104, "{}", dead.text);
    assert_stop_on_job_page(&page, &dead.text, "cannot connect to http://127.0.0.1:9");
}

/// The first lines tell the cause, at 80 and 120 columns.
#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn errors_before_a_run_are_short_and_tell_the_cause() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let texts = |flags: &[&str], environment: &[(&str, &str)]| {
        let texts = ["80", "120"].map(|columns| {
            let mut command = perf(flags);
            let output = run(command.env("COLUMNS", columns).envs(environment.iter().copied()));
            // Cargo's own lines are indented by three or more.
            let own = output.text.lines().filter(|line| !line.starts_with("   "));
            format!("{columns} columns\n{}", own.collect::<Vec<_>>().join("\n"))
        });
        texts.join("\n\n")
    };
    insta::assert_snapshot!("target_down", texts(&["--stack", "none", "--target", "http://127.0.0.1:9"], &[]));
    // The text has the name and number of this process, so its lines break elsewhere each time.
    let taken = texts(&["--stack", "native", "--prometheus-port", &port], &[]);
    let taken = taken.split("\n\n").zip([80, 120]).map(|(text, width)| {
        let style = TerminalStyle { width, ..TerminalStyle::PLAIN };
        let (title, text) = text.split_once('\n').unwrap();
        let whole = text.replace("\n  ", " ");
        assert_eq!(style.wrap(&whole), text);
        let (before, after) = whole.split_once(" is taken by ").unwrap();
        let (process, after) = after.split_once("): ").unwrap();
        assert!(process.ends_with(&format!(" (process {}", std::process::id())), "{text}");
        let shown = format!("{before} is taken by nginx (process 412): {after}").replace(&port, "9090");
        format!("{title}\n{}", style.wrap(&shown))
    });
    insta::assert_snapshot!("port_taken", taken.collect::<Vec<_>>().join("\n\n"));
    insta::assert_snapshot!("no_docker", texts(&["--stack", "docker"], &[NO_DOCKER]));
}

#[test]
#[ignore = "needs Docker: run with cargo xtask ci"]
fn a_missing_image_exits_104() {
    let port = free_port();
    let output = run(perf(&["--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()])
        .env("PERF_PROMETHEUS_IMAGE", "127.0.0.1:9/no/such-image:v0"));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("127.0.0.1:9/no/such-image:v0"), "{}", output.text);
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn a_missing_grafana_does_not_change_the_verdict() {
    let port = free_port();
    let (prometheus, grafana) = (port.to_string(), free_port().to_string());
    let output =
        run(perf(&["--stack", "docker", "--ephemeral", "--prometheus-port", &prometheus, "--grafana-port", &grafana])
            .env("PERF_GRAFANA_IMAGE", "127.0.0.1:9/no/such-image:v0"));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains("warning: no dashboard"), "{}", output.text);
    assert_eq!(containers(port), "");
}

#[test]
#[ignore = "needs Docker and a prometheus on PATH: run with cargo xtask ci"]
fn a_taken_port_exits_104_and_suggests_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for stack in ["docker", "native", "auto"] {
        let output = run(&mut perf(&["--stack", stack, "--no-grafana", "--prometheus-port", &port]));
        assert_eq!(output.code, 104, "{stack}: {}", output.text);
        assert!(output.text.contains(&port) && output.text.contains("--prometheus-port"), "{}", output.text);
    }
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_disabled_receiver_ends_a_run_and_names_the_flag() {
    let (prometheus, out) = (prometheus("receiver-off", &[]), out("receiver-off-out"));
    let output = run(&mut perf(&["--prometheus-url", &prometheus.url, "--out", out.to_str().unwrap()]));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("--web.enable-remote-write-receiver"), "{}", output.text);
    assert!(output.text.contains("so nothing was sent"), "{}", output.text);
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_store_without_rules_and_scrapes_fails_only_a_required_proof() {
    let prometheus = prometheus("no-rules", &["--web.enable-remote-write-receiver"]);
    let out = out("no-rules-out");
    for (flag, code) in [("--quiet", 0), ("--proof", 92)] {
        let line = ["perf", "-u", "4", "-i", "40", "--prometheus-url", &prometheus.url, flag];
        let output = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
        assert_eq!(output.code, code, "{}", output.text);
        for line in ["rules and alerts, so the proof leaves them out", "this Prometheus does not scrape the backend"] {
            let count =
                output.text.lines().filter(|shown| shown.trim_start().starts_with("this ") && shown.contains(line));
            assert_eq!(count.count(), 1, "{line}: {}", output.text);
        }
        let file = "monitoring/prometheus/rules/stock-ai-multiplayer.yml";
        assert!(output.text.contains(file), "{}", output.text);
    }
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_store_that_dies_during_a_run_is_inconclusive() {
    let mut prometheus = prometheus("dying", &["--web.enable-remote-write-receiver"]);
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
    let output = read_output(&child.wait_with_output().unwrap());
    assert_eq!(output.code, 90, "{}", output.text);
    assert!(output.text.contains("did not accept the final metrics"), "{}", output.text);
}

#[cfg(unix)]
#[test]
#[ignore = "needs Docker and an image of Prometheus: run with cargo xtask ci"]
fn ctrl_c_ends_a_run_in_order_and_leaves_nothing() {
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
    // Another command neither stops that stack nor uses it, whether or not it makes load.
    for mut other in [
        perf(&["--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()]),
        xtask(&["stack", "up", "--stack", "docker", "--no-grafana", "--prometheus-port", &port.to_string()]),
    ] {
        let second = run(&mut other);
        assert_eq!(second.code, 104, "{}", second.text);
        assert!(second.text.contains(&format!("process {}", child.id())), "{}", second.text);
    }
    send_signal(child.id(), Signal::INT).unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(105), "{text}");
    let report = report(&out);
    assert_eq!(report.exit_code, ExitCode::Interrupted);
    // The metrics so far were pushed, acknowledged and read back.
    assert_eq!(report.run.store.unwrap().agrees, Some(true));
    assert!(report.requests.sent > 20, "{:?}", report.requests);
    assert_eq!(containers(port), "");
}

#[cfg(unix)]
#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn load_ends_when_its_command_is_killed() {
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
    // The evidence so far is kept, and `cargo xtask report` makes a report from it.
    let evidence = wait_for("evidence", Duration::from_secs(20), || {
        let folders = std::fs::read_dir(&out).ok()?;
        folders.map(|folder| folder.unwrap().path().join("evidence.json")).find(|path| path.exists())
    });
    let output = run(xtask(&["report"]).arg(&evidence));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains("join_room") && output.text.contains("made from its evidence"), "{}", output.text);
    let text = std::fs::read_to_string(evidence.with_file_name("report.json")).unwrap();
    assert_eq!(perf_report::read::read_report(&text).unwrap().exit_code, ExitCode::Interrupted);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn a_scenario_runs_as_a_plain_test_too() {
    let (backend, out) = (Backend::start(&[]), out("plain"));
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "load", "--", "--ignored", "basic"]);
    command.env("PERF_TARGET", &backend.url).env("K6_ITERATIONS", "60").env("K6_VUS", "10");
    command.env("PERF_OUT", out.to_str().unwrap()).current_dir(root());
    let output = run(&mut command);
    assert_eq!(output.code, 0, "{}", output.text);
    let report = report(&out);
    assert_eq!((report.exit_code, report.iterations.completed), (ExitCode::Met, 60));
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn a_plain_test_is_found_where_cargo_writes() {
    let (backend, target) = (Backend::start(&[]), out("plain-target"));
    let with_target = |command: &mut Command| {
        run(command.env("CARGO_TARGET_DIR", &target).env_remove("PERF_FOLDER").current_dir(root()))
    };
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "load", "--", "--ignored", "basic"]);
    // Built programs stay in this clone's folder.
    command.env("CARGO_BUILD_BUILD_DIR", root().join("target")).env("PERF_TESTID", "plain-1");
    command.env("PERF_TARGET", &backend.url).env("K6_ITERATIONS", "60").env("K6_VUS", "10");
    let output = with_target(&mut command);
    assert_eq!(output.code, 0, "{}", output.text);
    for (args, expected) in
        [(&["runs"][..], "plain-1"), (&["report", "latest"], "plain-target/perf/latest/report.html")]
    {
        let output = with_target(&mut xtask(args));
        assert!(output.code == 0 && output.text.contains(expected), "{args:?}: {}", output.text);
    }
}
