//! Faults of a scenario's code: panics, and a generator that aborts.

use std::process::Command;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;

use super::within;
use super::world::{Counts, Observation, Row, RunningCommand, wait_for_load};
use crate::real::{Backend, built, prometheus, send_signal};

const fn row(fault: &'static str, code: i32, message: &'static str, act: fn() -> Observation) -> Row {
    Row { class: "panic", fault, code, message, counted: Counts::All, within: within(5, 15), act }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("in the scenario", 104, "a VU panicked and stopped: in scenario", || panic("scenario", None)),
        row("in a check", 104, "a VU panicked and stopped: in check", || panic("check", None)),
        Row {
            counted: Counts::NotChecked,
            within: within(0, 5),
            ..row("in setup", 104, "setup failed: it panicked: in setup", || panic("setup", None))
        },
        row("in teardown", 104, "teardown failed: it panicked: in teardown", || panic("teardown", None)),
        Row {
            counted: Counts::NotChecked,
            ..row("of the whole generator (SIGABRT)", 70, "before it wrote a result", aborted)
        },
    ]
}

/// Runs a scenario that panics at a given place, perhaps by agents. It is an example program
/// without `cargo xtask perf`, whose scenarios do not panic.
pub(super) fn panic(place: &str, agents: Option<&str>) -> Observation {
    let testid = format!("panic-{place}{}", agents.unwrap_or_default());
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let mut command = Command::new(built(&["--example", "panics"], "examples/panics"));
    command.arg(place).env("PERF_TARGET", &backend.url).env("PERF_TESTID", &testid);
    command.env("K6_PROMETHEUS_RW_SERVER_URL", format!("{}/api/v1/write", store.url));
    command.envs(agents.map(|agents| ("PERF_AGENTS", agents)));
    // If setup fails, nothing is sent.
    RunningCommand::start_scenario(&testid, command).end(Some(store.url.as_str()).filter(|_| place != "setup"))
}

/// Ends the generator with SIGABRT, like a stack overflow or a lack of memory.
fn aborted() -> Observation {
    let (store, backend) = (prometheus("matrix-aborted-store", &[RECEIVER_FLAG]), Backend::start(&[]));
    let line = ["-u", "5", "-d", "5s", "--no-proof", "--target", &backend.url, "--prometheus-url", &store.url];
    let running = RunningCommand::start("aborted", &line);
    wait_for_load(&store.url, "aborted");
    send_signal(running.generator(), Signal::ABORT).unwrap();
    running.end(None)
}
