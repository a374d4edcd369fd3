//! Panics of an author's own code, and a generator that is gone from one moment to the next.

use std::process::Command;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;

use super::within;
use super::world::{Counted, Row, Running, Seen, wait_for_load};
use crate::real::{Backend, Prometheus, built, send_signal};

const fn row(fault: &'static str, code: i32, says: &'static str, act: fn() -> Seen) -> Row {
    Row { class: "panic", fault, code, says, counted: Counted::All, within: within(5, 15), act }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("in the scenario", 70, "a virtual user panicked and stopped: in scenario", || panic("scenario")),
        row("in a check", 70, "a virtual user panicked and stopped: in check", || panic("check")),
        Row {
            counted: Counted::NotAsked,
            within: within(0, 5),
            ..row("in setup", 90, "setup failed: it panicked: in setup", || panic("setup"))
        },
        row("in teardown", 90, "teardown failed: it panicked: in teardown", || panic("teardown")),
        Row { counted: Counted::NotAsked, ..row("of the whole generator (SIGABRT)", 70, "left no outcome", aborted) },
    ]
}

/// A scenario that was written for this; it is no `cargo xtask perf`, whose scenarios do not panic.
fn panic(place: &str) -> Seen {
    let (store, backend) =
        (Prometheus::start(&format!("matrix-panic-{place}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let testid = format!("panic-{place}");
    let mut command = Command::new(built(&["--example", "panics"], "examples/panics"));
    command.arg(place).env("PERF_TARGET", &backend.url).env("PERF_TESTID", &testid);
    command.env("K6_PROMETHEUS_RW_SERVER_URL", format!("{}/api/v1/write", store.url));
    // Without setup nothing is sent.
    Running::plain(&testid, command).end(Some(store.url.as_str()).filter(|_| place != "setup"))
}

/// As a stack that is too small, or memory that is not to be had, ends a process.
fn aborted() -> Seen {
    let (store, backend) = (Prometheus::start("matrix-aborted-store", &[RECEIVER_FLAG]), Backend::start(&[]));
    let line = ["-u", "5", "-d", "5s", "--no-proof", "--target", &backend.url, "--prometheus-url", &store.url];
    let running = Running::start("aborted", &line);
    let generator = running.generator();
    wait_for_load(&store.url, "aborted");
    send_signal(generator, Signal::ABORT).unwrap();
    running.end(None)
}
