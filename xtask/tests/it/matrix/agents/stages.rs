//! Faults of the coordinator at each stage of a run, and agents that come late.

use std::net::TcpStream;

use super::*;
use crate::matrix::proxy::{Mode, Proxy};

pub(super) fn rows() -> Vec<Row> {
    let without_report =
        |fault, act| Row { counted: Counts::NotChecked, ..row(fault, 70, "before it wrote a result", act) };
    vec![
        without_report("the coordinator is killed before they join", killed_before_they_join),
        without_report("the coordinator is killed in setup", || {
            in_setup("killed", |coordinator, agents| {
                send_signal(coordinator, Signal::KILL).unwrap();
                wait_for_end(agents);
            })
        }),
        without_report("the coordinator is killed", killed),
        without_report("the coordinator is killed after the load", killed_after_the_load),
        Row {
            counted: Counts::NotChecked,
            ..row(
                "the coordinator is stopped in setup until they leave",
                90,
                "so its agents left before the load",
                || in_setup("stopped", stop_until_they_leave),
            )
        },
        row("the coordinator is stopped until they leave", 90, "a thread of the coordinator did not run for", || {
            let testid = "coordinator-stopped";
            let (store, backend) =
                (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
            let running = RunningCommand::start(testid, &line(&backend.url, &store.url, "3"));
            let (coordinator, agents) = list_agents(&running, &store, testid);
            stop_until_they_leave(coordinator, &agents);
            running.end(Some(&store.url))
        }),
        row("teardown fails on the coordinator", 104, "teardown failed: it panicked: in teardown", || {
            panics::panic("teardown", Some("2"))
        }),
        row("one joins during the load", 0, "all agents of the run have joined", late),
    ]
}

fn wait_for_end(agents: &[u32]) {
    let have_ended = || agents.iter().all(|agent| perf_host::proc::has_ended(*agent) != Some(false));
    wait_for("the end of the agents", Duration::from_secs(10), || have_ended().then_some(()));
}

fn stop_until_they_leave(coordinator: u32, agents: &[u32]) {
    send_signal(coordinator, Signal::STOP).unwrap();
    wait_for_end(agents);
    send_signal(coordinator, Signal::CONT).unwrap();
}

fn killed() -> Observation {
    let testid = "coordinator-killed";
    let (store, backend) = (prometheus("matrix-coordinator-store", &[RECEIVER_FLAG]), Backend::start(&[]));
    let running = RunningCommand::start(testid, &line(&backend.url, &store.url, "3"));
    let (coordinator, agents) = list_agents(&running, &store, testid);
    send_signal(coordinator, Signal::KILL).unwrap();
    let ended = running.end(None);
    wait_for_end(&agents);
    ended
}

/// The last push is refused, and tried again until then.
fn killed_after_the_load() -> Observation {
    let testid = "coordinator-killed-late";
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start(testid, &line(&backend.url, &proxy.url(), "3"));
    let (coordinator, agents) = list_agents(&running, &store, testid);
    proxy.set(Mode::Status(503, 0));
    wait_for_end(&agents);
    send_signal(coordinator, Signal::KILL).unwrap();
    running.end(None)
}

fn killed_before_they_join() -> Observation {
    let testid = "coordinator-killed-early";
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let address = format!("127.0.0.1:{}", free_port());
    let run = Joined::start(testid, &address, &line(&backend.url, &store.url, "2"));
    wait_for("the coordinator", Duration::from_secs(20), || TcpStream::connect(&address).ok());
    send_signal(run.running.generator(), Signal::KILL).unwrap();
    run.running.end(None)
}

/// A run to which `act` happens while setup waits for a response.
fn in_setup(testid: &str, act: fn(u32, &[u32])) -> Observation {
    let testid = format!("coordinator-{testid}-in-setup");
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let proxy = Proxy::before(parse_port(&backend.url));
    // The first request with a body is that of setup.
    proxy.set(Mode::Slow(Duration::from_secs(1)));
    let running = RunningCommand::start(&testid, &line(&proxy.url(), &store.url, "3"));
    wait_for("setup", Duration::from_secs(20), || (proxy.writes() > 0).then_some(()));
    let coordinator = running.generator();
    act(coordinator, &processes::children(coordinator));
    running.end(None)
}

fn late() -> Observation {
    let testid = "agent-late";
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let address = format!("127.0.0.1:{}", free_port());
    let mut run = Joined::start(testid, &address, &line(&backend.url, &store.url, "1"));
    run.join(Command::new("nice"), &address);
    wait_for_load(&store.url, testid);
    run.join(Command::new("nice"), &address);
    run.end(&store)
}
