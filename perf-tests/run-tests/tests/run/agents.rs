//! Loads that several processes make together, and what becomes of a run that loses one.

mod by_hand;
mod encryption;
mod leases;
mod lost;
mod rows;
mod shards;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use perf_host::proc;
use perf_report::finding::FindingKind;
use perf_report::read::read_report;
use rand::RngExt as _;
use serde_json::{Value, json};
use test_support::processes::children;
use test_support::wait_for;

use super::*;

const AGENTS: usize = 3;
/// Time limit for a condition that comes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The environment variable that selects the load of the fixture.
const LOAD: &str = "TEST_LOAD";

/// The scenario that the tests here run in processes of its own. Its requests follow from the seed
/// and from setup's value.
#[test]
#[ignore = "the other tests here start it as a process"]
#[expect(clippy::disallowed_methods, reason = "the tests choose its load by the environment")]
fn fixture() -> std::process::ExitCode {
    let second = Duration::from_secs(1);
    // `cargo xtask ci` runs all ignored tests, and this one without a load.
    let Ok(load_name) = std::env::var(LOAD) else { return std::process::ExitCode::SUCCESS };
    let load = match load_name.as_str() {
        "shared" => shared_iterations(6, 61),
        "each" => perf_tests::per_vu_iterations(7, 9),
        "arrivals" => perf_tests::constant_arrival_rate(40, second, second * 2, 40).poisson(),
        _ => constant_vus(6, second * 4),
    };
    let size = if load_name == "large" { 17 << 20 } else { 8 };
    Scenario::new("together", &CATALOGUE)
        .exercises(&[PING, ECHO])
        .load(load)
        .abort_on_miss(second, second)
        .setup(async move |vu: &mut Vu| {
            vu.unjudged(Method::Get, "/setup").send().await?;
            Ok(("s".repeat(size), f64::MAX))
        })
        .run(async |vu: &mut Vu, (text, number): &(String, f64)| {
            ping(vu).await?;
            let random: u64 = vu.rng().random();
            let body = json!({ "name": vu.iteration_name(), "random": random, "text": text, "number": number });
            vu.request(ECHO).path("word", random).json(&body).send().await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(40)).await;
            Ok(())
        })
        .assert_slos()
}

/// The process of the fixture, which is the coordinator if there are agents.
struct Run {
    child: Child,
    report: PathBuf,
}

impl Run {
    fn start(service: &Service, testid: &str, load: &str, agents: Option<usize>) -> Self {
        let agents = agents.map(|agents| agents.to_string());
        let agents: Vec<_> = agents.iter().map(|agents| (perf_settings::AGENTS, agents.as_str())).collect();
        Self::start_with(service, testid, load, &agents)
    }

    fn start_with(service: &Service, testid: &str, load: &str, variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> = [(LOAD, load)].into_iter().chain(variables.iter().copied()).collect();
        Self::start_fixture("agents::fixture", service, testid, &variables)
    }

    fn start_fixture(fixture: &str, service: &Service, testid: &str, variables: &[(&str, &str)]) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("agents").join(testid);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let mut command = program(fixture);
        command.env(perf_settings::TARGET, &service.url).env(perf_settings::TESTID, testid);
        command.env(perf_settings::OUT, &folder).env(perf_settings::FOLDER, &folder).env(perf_settings::QUIET, "1");
        command.envs(variables.iter().copied());
        Self { child: command.spawn().unwrap(), report: folder.join(testid).join("report.json") }
    }

    /// Waits for its end. Returns its report, or what it printed.
    fn finish(mut self) -> Result<Report, String> {
        let mut printed = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        let has_passed = self.child.wait().unwrap().success();
        let Ok(text) = std::fs::read_to_string(&self.report) else { return Err(unwrapped(&printed)) };
        let report = read_report(&text).unwrap();
        assert_eq!(has_passed, report.exit_code == ExitCode::Met, "{printed}");
        Ok(report)
    }

    /// The ids of its agents' processes, once each makes load.
    fn agents(&self, service: &Service) -> Vec<u32> {
        wait_for("the load of agents", PATIENCE, || {
            let agents = children(self.child.id());
            (agents.len() == AGENTS && service.requests() > 300).then_some(agents)
        })
    }
}

/// The program of the fixture.
fn scenario(load: &str) -> Command {
    let mut command = program("agents::fixture");
    command.env(LOAD, load);
    command
}

/// The program of a fixture by its path.
fn program(fixture: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", fixture]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[expect(clippy::disallowed_methods, reason = "tests measure how long a process takes")]
fn now() -> Instant {
    Instant::now()
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn assert_gone(agents: &[u32]) {
    let is_gone = |pid: &u32| proc::has_ended(*pid) != Some(false);
    wait_for("the end of agents", PATIENCE, || agents.iter().all(is_gone).then_some(()));
}

/// Makes a request, and waits until the service has it.
fn request(service: &Service) {
    let before = service.requests();
    let mut stream = TcpStream::connect(service.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /ping HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    wait_for("the request", PATIENCE, || (service.requests() > before).then_some(()));
}

fn bodies(service: &Service) -> Vec<Vec<u8>> {
    let mut bodies = service.bodies();
    bodies.sort();
    bodies
}

#[test]
fn agents_send_exactly_the_requests_of_one_process() {
    for load in ["shared", "each", "arrivals"] {
        let (alone, together) = (Service::start(), Service::start());
        let run = Run::start(&alone, &format!("alone-{load}"), load, None);
        assert_eq!(run.finish().unwrap().exit_code, ExitCode::Met);
        let report = Run::start(&together, &format!("agents-{load}"), load, Some(AGENTS)).finish().unwrap();
        assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
        assert_eq!(bodies(&together), bodies(&alone), "{load}");
        assert_eq!(report.requests.sent, 2 * bodies(&together).len() as u64);
        assert_eq!(report.requests.sent + report.unjudged.sent, together.requests(), "{load}");
        assert_eq!(report.iterations.completed, bodies(&together).len() as u64);
        let numbers: Vec<_> = report.run.agents.iter().map(|agent| agent.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(report.run.agents.iter().map(|agent| agent.requests).sum::<u64>(), report.requests.sent);
        assert!(
            report.run.agents.iter().all(|agent| agent.requests > 0 && agent.lost.is_none()),
            "{:?}",
            report.run.agents
        );
        assert!(
            report.run.agents.iter().all(|agent| agent.place.as_ref().unwrap().starts_with("process ")),
            "{:?}",
            report.run.agents
        );
    }
}

#[test]
fn agents_share_a_limit_on_requests_per_second() {
    let service = Service::start();
    let variables = [(perf_settings::AGENTS, "3"), (perf_settings::RPS, "50")];
    let report = Run::start_with(&service, "rps", "shared", &variables).finish().unwrap();
    assert_eq!((report.exit_code, report.requests.sent), (ExitCode::Met, 122), "{:?}", report.findings);
    // 122 requests take 2.4 s, and with the limit for each agent 0.8 s.
    let lasted_ms = report.run.ended_unix_ms - report.run.started_unix_ms;
    assert!((2_000..6_000).contains(&lasted_ms), "{lasted_ms} ms");
}

#[test]
fn a_lost_agent_is_named_and_the_run_is_inconclusive() {
    let service = Service::start();
    let run = Run::start(&service, "killed", "time", Some(AGENTS));
    let (agents, began) = (run.agents(&service), now());
    signal("-KILL", agents[1]);
    let report = run.finish().unwrap();
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let lost: Vec<_> = report.run.agents.iter().filter(|agent| agent.lost.is_some()).collect();
    assert_eq!(lost.len(), 1, "{:?}", report.run.agents);
    assert!(lost[0].place.as_ref().unwrap().contains(&format!("process {}", agents[1])), "{:?}", lost[0]);
    let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentLost).unwrap();
    assert!(finding.message.contains("of 3 (process ") && finding.message.contains("2 of 6 VUs"), "{finding}");
    assert!(lost[0].requests > 0, "its last counts are kept");
    assert!(report.requests.unknown > 0, "requests that it did not make are unknown");
    assert!(report.requests.sent < service.requests());
    assert_gone(&agents);
}

#[test]
fn a_missed_objective_ends_the_load_of_all_agents() {
    let (service, store) = (Service::start(), Store::start());
    service.fail_every(2);
    let write = format!("{}/api/v1/write", store.url);
    let variables =
        [(perf_settings::AGENTS, "3"), (perf_settings::REMOTE_WRITE, &*write), (perf_settings::PUSH_INTERVAL, "1s")];
    let began = now();
    let report = Run::start_with(&service, "missed", "time", &variables).finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Missed, "{:?}", report.findings);
    assert!(report.has(FindingKind::AbortedEarly), "{:?}", report.findings);
    assert!(report.run.ended_unix_ms - report.run.started_unix_ms < 3_500, "{:?}", began.elapsed());
    assert_eq!(store.last_sum("http_reqs"), report.requests.sent as f64, "only the coordinator pushes");
    #[cfg(target_os = "linux")]
    for agent in ["agent=1,", "agent=2,", "agent=3,"] {
        let is_health = |labels: &String| labels.contains("__name__=generator_cpu,") && labels.contains(agent);
        assert!(store.series().keys().any(is_health), "{agent}");
    }
}

#[test]
fn a_too_large_setup_value_ends_the_run_before_the_load() {
    let service = Service::start();
    let report = Run::start(&service, "large", "large", Some(2)).finish().unwrap();
    assert_eq!((report.exit_code, report.requests.sent), (ExitCode::BadConfiguration, 0));
    let problem = report.problems().find(|it| it.kind == FindingKind::SetupFailed).unwrap();
    assert!(problem.message.contains("17 MiB of JSON, and agents accept 16 MiB"), "{problem}");
}

#[test]
fn a_frozen_agent_is_given_up_and_ended() {
    let service = Service::start();
    let run = Run::start(&service, "frozen", "time", Some(AGENTS));
    let agents = run.agents(&service);
    signal("-STOP", agents[0]);
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let lost: Vec<_> = report.run.agents.iter().filter_map(|agent| agent.lost.as_deref()).collect();
    assert!(lost.len() == 1 && lost[0].ends_with("it was silent for 5 s"), "{lost:?}");
    assert_gone(&agents);
}

#[test]
fn a_closed_load_that_stood_still_is_inconclusive() {
    for (testid, agents) in [("stood-still-1", None), ("stood-still-2", Some(AGENTS))] {
        let service = Service::start();
        let run = Run::start(&service, testid, "time", agents);
        let stopped = match agents {
            Some(_) => run.agents(&service)[0],
            None => wait_for("load", PATIENCE, || (service.requests() > 100).then(|| run.child.id())),
        };
        signal("-STOP", stopped);
        std::thread::sleep(Duration::from_millis(1_700));
        signal("-CONT", stopped);
        let report = run.finish().unwrap();
        assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
        let finding = report.problems().find(|it| it.kind == FindingKind::MachineSlept).unwrap();
        let name = if agents.is_some() { "a thread of agent " } else { "a thread of the generator " };
        assert!(finding.message.starts_with(name) && finding.message.contains("did not run for 1."), "{finding}");
    }
}

#[test]
fn an_interrupt_ends_all_agents_at_once() {
    let service = Service::start();
    let run = Run::start(&service, "interrupted", "time", Some(AGENTS));
    let (agents, began) = (run.agents(&service), now());
    signal("-INT", run.child.id());
    let report = run.finish().unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(report.exit_code, ExitCode::Interrupted, "{:?}", report.findings);
    assert!(report.run.agents.iter().all(|agent| agent.lost.is_none()), "{:?}", report.run.agents);
    // A request that was under way at the end may not have reached the service.
    let ended = report.requests.sent + report.unjudged.sent;
    let reached = ended..=ended + report.requests.unknown;
    assert!(reached.contains(&service.requests()), "{reached:?}: {}", service.requests());
    assert_gone(&agents);
}

#[test]
fn agents_end_with_their_coordinator() {
    let service = Service::start();
    let mut run = Run::start(&service, "orphans", "time", Some(AGENTS));
    let agents = run.agents(&service);
    signal("-KILL", run.child.id());
    let began = now();
    run.child.wait().unwrap();
    assert_gone(&agents);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut printed = String::new();
    run.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(!printed.contains("agent: "), "the command reports it once: {printed}");
}

#[test]
fn peers_that_do_not_belong_to_the_run_are_refused() {
    let service = Service::start();
    let run = Run::start(&service, "strangers", "time", Some(AGENTS));
    let agents = run.agents(&service);
    let [address, token] =
        [perf_settings::AGENT_JOIN, perf_settings::AGENT_TOKEN].map(|name| proc::variable(agents[0], name).unwrap());
    let hello = |token: &str| {
        json!({ "Hello": {
            "protocol": 3, "build": "other", "scenario": "together", "catalogue": "", "token": token, "place": "here",
        }})
    };
    assert_eq!(converse(&address, &hello("guess")), None, "a peer without the token gets nothing");
    let refused = converse(&address, &hello(&token)).unwrap().to_string();
    assert!(refused.starts_with("{\"Refused\":[") && refused.contains("its build is other, not "), "{refused}");
    assert!(refused.contains("\"start the same file on each machine, with "), "{refused}");
    let mut flood = TcpStream::connect(&address).unwrap();
    flood.write_all(&[0xff; 4]).unwrap();
    assert_eq!(flood.read(&mut [0; 1]).unwrap(), 0, "a message without end is not read");
    let mut with_tls = TcpStream::connect(&address).unwrap();
    with_tls.write_all(&[0x16, 3, 1, 2]).unwrap();
    assert_eq!(with_tls.read(&mut [0; 1]).unwrap(), 0);
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
    let findings = report.findings;
    let refused: Vec<_> = findings.iter().filter(|finding| finding.kind == FindingKind::AgentRefused).collect();
    assert_eq!(refused.len(), 4, "{findings:?}");
    assert!(refused[3].message.contains("it uses TLS, and this coordinator does not"), "{findings:?}");
}

/// Sends a message, and returns the response, if there is one.
fn converse(address: &str, message: &Value) -> Option<Value> {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = message.to_string();
    stream.write_all(&(body.len() as u32).to_be_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).unwrap();
    Some(serde_json::from_slice(&body).unwrap())
}

#[test]
fn more_agents_than_vus_are_refused() {
    let service = Service::start();
    let printed = Run::start(&service, "crowd", "time", Some(7)).finish().unwrap_err();
    assert!(printed.contains("PERF_AGENTS=7: together has 6 VUs") && printed.contains("at most 6 agents"), "{printed}");
    assert_eq!(service.requests(), 0);
}

/// Printed text without its line breaks, whose places depend on the lengths of paths and addresses.
fn unwrapped(printed: &str) -> String {
    printed.split_whitespace().collect::<Vec<_>>().join(" ")
}
