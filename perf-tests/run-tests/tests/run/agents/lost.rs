//! Runs that lose agents: what is blamed.

use perf_report::finding::Subject;
use perf_report::verdict::Reason;

use super::*;

#[test]
fn load_of_a_lost_agent_is_not_blamed_on_the_target() {
    let service = Service::start();
    let run = Run::start_fixture("objectives::fixture", &service, "less-load", &[(perf_settings::AGENTS, "2")]);
    let agents = wait_for("the load of agents", PATIENCE, || {
        Some(children(run.child.id())).filter(|agents| agents.len() == 2 && service.requests() > 100)
    });
    signal("-KILL", agents[1]);
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let reason = Verdict::Inconclusive(Reason::LessLoad);
    for id in ["room_throughput:at_least_1000000_per_second", "measure_lost:count_at_least_1"] {
        assert_eq!(verdict(&report, id), reason, "{:?}", report.objectives);
    }
}

/// A run that waits for the response to setup's request, and its agents.
fn start_to_setup(service: &Service, testid: &str) -> (Run, Vec<u32>) {
    // The second request, which is that of setup, gets no response.
    service.hang_after(1);
    request(service);
    let run = Run::start(service, testid, "time", Some(AGENTS));
    wait_for("setup", PATIENCE, || (service.requests() == 2).then_some(()));
    let agents = children(run.child.id());
    assert_eq!(agents.len(), AGENTS);
    (run, agents)
}

#[test]
fn agents_that_left_a_stopped_setup_are_not_the_cause() {
    let service = Service::start();
    let (run, agents) = start_to_setup(&service, "setup-stopped");
    signal("-STOP", run.child.id());
    assert_gone(&agents);
    service.resume();
    signal("-CONT", run.child.id());
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let problems: Vec<_> = report.problems().filter(|it| it.subject == Subject::Generator).collect();
    assert!(matches!(problems[..], [cause] if cause.kind == FindingKind::MachineSlept), "{problems:?}");
    assert!(problems[0].message.starts_with("the coordinator did not run for "), "{problems:?}");
    assert!(problems[0].message.ends_with("; no load was made"), "{problems:?}");
}

#[test]
fn agents_that_wait_for_setup_end_with_their_coordinator() {
    let service = Service::start();
    let (run, agents) = start_to_setup(&service, "setup-killed");
    signal("-KILL", run.child.id());
    let printed = run.finish().unwrap_err();
    assert_gone(&agents);
    assert!(!printed.contains("agent: "), "{printed}");
}

#[test]
fn a_coordinator_that_stood_still_is_the_cause() {
    let service = Service::start();
    let variables = [(perf_settings::AGENTS, "3"), (perf_settings::DURATION, "15s")];
    let run = Run::start_with(&service, "coordinator-still", "time", &variables);
    let agents = run.agents(&service);
    signal("-STOP", run.child.id());
    // They end after the silence, as the children of a process that cannot wait for them.
    let have_ended = || agents.iter().all(|agent| proc::has_ended(*agent) != Some(false)).then_some(());
    wait_for("the end of agents", PATIENCE, have_ended);
    signal("-CONT", run.child.id());
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let cause = report.problems().next().unwrap();
    assert!(cause.message.starts_with("a thread of the coordinator did not run for "), "{cause}");
    assert_eq!(report.findings.iter().filter(|it| it.kind == FindingKind::AgentLost).count(), AGENTS);
}
