//! Shared iterations that agents take as they need them.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use perf_report::finding::FindingKind;
use perf_report::format::counted;
use test_support::wait_for;

use super::super::*;
use super::{AGENTS, PATIENCE, Run, bodies, now, signal};

/// The environment variable with a path. The agent that creates this file first is slow.
const SLOW: &str = "TEST_SLOW";
/// The environment variable with the pause of the slow agent, in milliseconds.
const PAUSE: &str = "TEST_PAUSE";
/// The environment variable with the number of iterations.
const ITERATIONS: &str = "TEST_ITERATIONS";
/// The environment variable with the seconds after which no iteration begins.
const SECONDS: &str = "TEST_SECONDS";

/// The scenario that the tests here run in processes of its own. Each iteration sends its number.
#[test]
#[ignore = "the other tests here start it as a process"]
#[expect(clippy::disallowed_methods, reason = "the tests choose its load by the environment")]
fn fixture() -> std::process::ExitCode {
    static IS_SLOW: OnceLock<bool> = OnceLock::new();
    // `cargo xtask ci` runs all ignored tests, and this one without a load.
    let Ok(iterations) = std::env::var(ITERATIONS) else { return std::process::ExitCode::SUCCESS };
    let slow = std::env::var(SLOW).ok();
    let slow_ms: u64 = std::env::var(PAUSE).unwrap().parse().unwrap();
    let most = Duration::from_secs(std::env::var(SECONDS).unwrap().parse().unwrap());
    let load = shared_iterations(6, iterations.parse().unwrap()).max_duration(most);
    Scenario::new("leases", &CATALOGUE)
        .exercises(&[ECHO])
        .load(load)
        .abort_on_miss(Duration::from_secs(1), Duration::from_secs(1))
        .run(async move |vu: &mut Vu, (): &()| {
            let create = || slow.as_ref().is_some_and(|path| File::create_new(path).is_ok());
            let pause = Duration::from_millis(if *IS_SLOW.get_or_init(create) { slow_ms } else { 5 });
            vu.think(pause, pause + Duration::from_millis(1)).await;
            let number = vu.iteration();
            vu.request(ECHO).path("word", number).json(&number).send().await?;
            Ok(())
        })
        .assert_slos()
}

/// A path at which there is no file.
fn no_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("leases-{name}"));
    if path.exists() {
        std::fs::remove_file(&path).unwrap();
    }
    path
}

fn start(service: &Service, name: &str, iterations: u64, seconds: u64) -> Run {
    start_slow(service, name, iterations, seconds, 200)
}

/// Starts a run whose slow agent pauses for `pause_ms` in each iteration.
fn start_slow(service: &Service, name: &str, iterations: u64, seconds: u64, pause_ms: u64) -> Run {
    let numbers = [iterations, seconds, pause_ms].map(|number| number.to_string());
    let (slow, [iterations, seconds, pause]) = (no_file(name), &numbers);
    let slow = slow.to_str().unwrap();
    let variables =
        [(SLOW, slow), (PAUSE, pause), (ITERATIONS, iterations), (SECONDS, seconds), (perf_settings::AGENTS, "3")];
    Run::start_fixture("agents::leases::fixture", service, &format!("leases-{name}"), &variables)
}

/// The iterations whose requests the service got. None of them came twice.
fn numbers(service: &Service) -> BTreeSet<u64> {
    let bodies = bodies(service);
    let numbers: BTreeSet<u64> = bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    assert_eq!(numbers.len(), bodies.len(), "an iteration was made twice");
    numbers
}

/// All iterations that a report accounts for.
fn accounted(report: &Report) -> u64 {
    report.iterations.completed + report.iterations.interrupted + report.iterations.dropped
}

#[test]
fn a_slow_agent_makes_fewer_shared_iterations() {
    let service = Service::start();
    let report = start(&service, "slow", 900, 60).finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
    assert_eq!(numbers(&service), (0..900).collect());
    assert_eq!((report.iterations.completed, accounted(&report)), (900, 900));
    let mut made: Vec<_> = report.run.agents.iter().map(|agent| agent.requests).collect();
    made.sort_unstable();
    assert!(made.len() == AGENTS && made[0] > 0 && made[0] * 5 < made[1], "{made:?}");
}

#[test]
fn a_run_with_a_slow_agent_ends_and_names_it() {
    let service = Service::start();
    let report = start_slow(&service, "kept", 300, 4, 5_000).finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let kept: Vec<_> = report.run.agents.iter().filter(|agent| agent.untaken > 0).collect();
    assert!(kept.len() == 1 && kept[0].untaken == report.iterations.dropped, "{:?}", report.run.agents);
    let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentSlow).unwrap();
    let expected = [format!("agent {} of 3 (process ", kept[0].number), "was slow".into(), "2 of 6 VUs".into()];
    assert!(expected.iter().all(|part| finding.message.contains(part)), "{finding}");
    assert_eq!(accounted(&report), 300);
    assert!(report.run.ended_unix_ms - report.run.started_unix_ms < 8_000, "{:?}", report.run);
}

#[test]
fn a_lost_agent_keeps_only_the_iterations_leased_to_it() {
    let service = Service::start();
    let run = start(&service, "lost", 1_500, 60);
    let agents = run.agents(&service);
    signal("-KILL", agents[1]);
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentLost).unwrap();
    let dropped = report.iterations.dropped;
    assert!(
        finding.message.contains(&format!("; unknown: {} leased to it. ", counted(dropped, "iteration"))),
        "{finding}"
    );
    assert!(dropped > 0 && dropped < 700, "{:?}", report.iterations);
    assert_eq!((report.iterations.completed, accounted(&report)), (1_500 - dropped, 1_500));
    let missing = 1_500 - numbers(&service).len() as u64;
    assert!(missing <= dropped, "the other agents made all that was left: {missing} {dropped}");
}

#[test]
fn shared_iterations_without_time_are_dropped_as_in_one_process() {
    let service = Service::start();
    let report = start(&service, "late", 100_000, 3).finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "requests of dropped iterations are unknown");
    assert_eq!((accounted(&report), report.iterations.interrupted), (100_000, 0));
    assert_eq!(numbers(&service).len() as u64, report.iterations.completed);
    assert!(report.run.ended_unix_ms - report.run.started_unix_ms < 5_000, "{:?}", report.run);
}

#[test]
fn an_interrupt_ends_agents_that_have_leases() {
    let service = Service::start();
    let run = start(&service, "interrupted", 100_000, 60);
    wait_for("load", PATIENCE, || (service.requests() > 300).then_some(()));
    let began = now();
    signal("-INT", run.child.id());
    let report = run.finish().unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((report.exit_code, accounted(&report)), (ExitCode::Interrupted, 100_000), "{:?}", report.findings);
}

#[test]
fn a_missed_objective_ends_agents_that_have_leases() {
    let service = Service::start();
    service.fail_every(2);
    let report = start(&service, "missed", 100_000, 60).finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Missed, "{:?}", report.findings);
    assert!(report.has(FindingKind::AbortedEarly), "{:?}", report.findings);
    assert_eq!(report.iterations.dropped, 0, "nobody took them");
    assert!(report.run.ended_unix_ms - report.run.started_unix_ms < 3_500, "{:?}", report.run);
}
