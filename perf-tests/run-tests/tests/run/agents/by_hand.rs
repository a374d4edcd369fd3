//! Agents that are started by hand.

use std::io::{BufRead as _, BufReader};

use super::*;

const TOKEN: (&str, &str) = (perf_settings::AGENT_TOKEN, "a token that only the test knows");

/// A coordinator that waits for agents at a free port, and the address that it prints for them.
fn coordinate(service: &Service, testid: &str, load: &str, agents: &str) -> (Run, String) {
    coordinate_at("127.0.0.1:0", service, testid, load, agents)
}

fn coordinate_at(listen: &str, service: &Service, testid: &str, load: &str, agents: &str) -> (Run, String) {
    let variables =
        [(perf_settings::AGENTS, agents), (perf_settings::LISTEN, listen), TOKEN, (perf_settings::QUIET, "0")];
    let mut run = Run::start_with(service, testid, load, &variables);
    let address = read_after(&mut run, "PERF_AGENT_JOIN=");
    (run, address)
}

/// Waits until the coordinator prints this text. Returns the rest of its line.
fn read_after(run: &mut Run, text: &str) -> String {
    // Nothing after the line is read.
    let mut lines = BufReader::with_capacity(1, run.child.stderr.as_mut().unwrap()).lines().map(Result::unwrap);
    lines.find_map(|line| Some(line.split_once(text)?.1.to_owned())).unwrap()
}

fn join(address: &str, load: &str) -> Child {
    join_with(address, load, TOKEN.1)
}

fn join_with(address: &str, load: &str, token: &str) -> Child {
    let variables = [(perf_settings::AGENT_JOIN, address), (perf_settings::AGENT_TOKEN, token)];
    scenario(load).envs(variables).spawn().unwrap()
}

fn ended(agent: Child) -> (Option<i32>, String) {
    let ended = agent.wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn agents_that_are_started_by_hand_join() {
    let service = Service::start();
    let variables = [(perf_settings::AGENTS, "2"), (perf_settings::LISTEN, "127.0.0.1:0")];
    let without_token = Run::start_with(&service, "no-token", "shared", &variables).finish().unwrap_err();
    assert!(without_token.contains("set PERF_AGENT_TOKEN"), "{without_token}");
    let (run, address) = coordinate(&service, "by-hand", "shared", "2");
    let agents = [join(&address, "shared"), join(&address.replace("127.0.0.1", "localhost"), "shared")];
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
    assert_eq!((report.iterations.completed, report.run.agents.len()), (61, 2));
    let slices = &report.run.timeline.slices;
    assert_eq!(slices.iter().map(|slice| slice.requests).sum::<u64>(), report.requests.sent);
    let lasted = u64::try_from(report.run.ended_unix_ms - report.run.started_unix_ms).unwrap();
    assert!(slices.last().unwrap().to_ms.abs_diff(lasted) < 100, "{lasted} ms: {:?}", slices.last());
    for agent in agents {
        assert_eq!(ended(agent), (Some(0), String::new()));
    }
}

#[test]
fn agents_join_by_ipv6() {
    let service = Service::start();
    let (run, address) = coordinate_at("[::1]:0", &service, "ipv6", "shared", "2");
    let agents = [join(&address, "shared"), join(&address, "shared")];
    assert_eq!(run.finish().unwrap().exit_code, ExitCode::Met);
    for agent in agents {
        assert_eq!(ended(agent), (Some(0), String::new()));
    }
}

#[test]
fn an_agent_with_a_wrong_token_is_named_on_both_sides() {
    let service = Service::start();
    let (run, address) = coordinate(&service, "wrong-token", "shared", "1");
    let (code, printed) = ended(join_with(&address, "shared", "another text of its length here"));
    assert_eq!(code, Some(ExitCode::BadConfiguration.code().into()), "{printed}");
    assert!(printed.contains("the coordinator closed the connection: ") && printed.contains("PERF_AGENT_TOKEN is not"));
    assert_eq!(ended(join(&address, "shared")).0, Some(0));
    let report = run.finish().unwrap();
    assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
    let refused = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentRefused).unwrap();
    assert!(refused.message.contains("its token is wrong: set its PERF_AGENT_TOKEN"), "{refused}");
}

#[test]
fn a_message_says_from_where_the_target_was_tried() {
    let service = Service::start();
    let (run, address) = coordinate(&service, "unreached", "shared", "1");
    // The coordinator has reached it, and the agent will not.
    service.die_after(1);
    request(&service);
    let (code, printed) = ended(join(&address, "shared"));
    let not_here = "The coordinator reaches it, and this agent's machine does not";
    assert!(code == Some(104) && printed.contains(not_here), "{printed}");
    let printed = run.finish().unwrap_err();
    assert!(printed.contains("(exit 104): agent 1 (process ") && printed.contains(not_here), "{printed}");
    let variables = [(perf_settings::AGENTS, "1"), (perf_settings::LISTEN, "127.0.0.1:0"), TOKEN];
    let printed = Run::start_with(&service, "unreachable", "shared", &variables).finish().unwrap_err();
    assert!(printed.contains("cannot connect to ") && printed.contains(". The coordinator tried it"), "{printed}");
}

#[test]
fn an_agent_without_a_coordinator_says_what_to_check() {
    let (code, printed) = ended(join("127.0.0.1", "shared"));
    assert_eq!(code, Some(ExitCode::BadConfiguration.code().into()), "{printed}");
    assert!(
        printed.starts_with("agent: cannot join 127.0.0.1: ") && printed.contains("JOIN is HOST:PORT"),
        "{printed}"
    );
}

#[test]
fn an_agent_by_hand_says_that_its_coordinator_is_gone() {
    let service = Service::start();
    let (run, address) = coordinate(&service, "gone", "time", "2");
    let agents = [join(&address, "time"), join(&address, "time")];
    wait_for("load", PATIENCE, || (service.requests() > 50).then_some(()));
    signal("-KILL", run.child.id());
    run.finish().unwrap_err();
    // Another one is gone before all have joined.
    let (mut run, address) = coordinate(&service, "gone-early", "time", "2");
    let waiting = join(&address, "time");
    read_after(&mut run, "agent 1 of 2 has joined");
    signal("-KILL", run.child.id());
    run.finish().unwrap_err();
    for agent in agents.into_iter().chain([waiting]) {
        let (code, printed) = ended(agent);
        assert_eq!(code, Some(ExitCode::Interrupted.code().into()), "{printed}");
        let expected =
            "agent: this agent left the run: the connection was closed. If the run has ended, the coordinator's output";
        assert!(printed.starts_with(expected), "{printed}");
    }
}
