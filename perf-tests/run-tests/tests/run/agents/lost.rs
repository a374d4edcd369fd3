//! Runs that lose agents: what is blamed.

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
    let reason = Verdict::Inconclusive(Reason::Paused);
    for id in ["room_throughput:at_least_1000000_per_second", "measure_lost:count_at_least_1"] {
        assert_eq!(verdict(&report, id), reason, "{:?}", report.objectives);
    }
}
