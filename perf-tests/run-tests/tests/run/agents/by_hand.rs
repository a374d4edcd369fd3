//! Agents that are started by hand say themselves how they end.

use super::*;

const TOKEN: (&str, &str) = (perf_settings::AGENT_TOKEN, "a token that only the test knows");

/// A coordinator that waits for agents, and its address.
fn coordinate(service: &Service, testid: &str, load: &str, agents: &str) -> (Run, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let variables = [(perf_settings::AGENTS, agents), (perf_settings::LISTEN, &address), TOKEN];
    (Run::start_with(service, testid, load, &variables), address)
}

fn join(address: &str, load: &str) -> Child {
    scenario(load).envs([(perf_settings::AGENT_JOIN, address), TOKEN]).spawn().unwrap()
}

fn ended(agent: Child) -> (Option<i32>, String) {
    let ended = agent.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn an_agent_by_hand_says_that_its_coordinator_is_gone() {
    let service = Service::start();
    let (run, address) = coordinate(&service, "gone", "time", "2");
    let agents = [join(&address, "time"), join(&address, "time")];
    wait_for("load", PATIENCE, || (service.requests() > 50).then_some(()));
    signal("-KILL", run.child.id());
    run.finish().unwrap_err();
    for agent in agents {
        let (code, printed) = ended(agent);
        assert_eq!(code, Some(ExitCode::Interrupted.code().into()), "{printed}");
        let expected =
            "agent: this agent left the run: the connection was closed. If the run has ended, the coordinator's output";
        assert!(printed.starts_with(expected), "{printed}");
    }
}
